/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/crampctl.h"

int output_finish_stdout(void) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return 0;
        return fail(EX_CANTCREAT, "cannot write to standard output: %s",
                    errno ? strerror(errno) : "unknown error");
}

static int fail_exists(const char *path) {
        return fail(EX_CANTCREAT, "'%s' exists already; --force replaces it", path);
}

static int fail_write(const char *path) {
        return fail(EX_CANTCREAT, "cannot write '%s': %s", path, strerror(errno));
}

/* Early, so that nobody waits for a result that has no place; output_commit() decides. */
static int path_check(const char *path, bool replace) {
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : fail_write(path);
        /* Renaming over these would take a device or somebody's link away. */
        if (!S_ISREG(st.st_mode))
                return fail(EX_CANTCREAT,
                            "'%s' is no regular file; use -o - and redirect standard output", path);
        return replace ? 0 : fail_exists(path);
}

int output_open(struct output *output, const char *path, bool replace) {
        struct output o = {.replace = replace};
        int fd, code;

        if (!path || strcmp(path, "-") == 0) {
                o.file = stdout;
                *output = o;
                return 0;
        }
        code = path_check(path, replace);
        if (code != 0)
                return code;

        o.path = strdup(path);
        if (!o.path || asprintf(&o.temporary, "%s.XXXXXX", path) < 0) {
                free(o.path);
                return fail(EX_OSERR, "out of memory");
        }
        /* Mode 0600: nobody else's business, unless the owner says so. */
        fd = mkostemp(o.temporary, O_CLOEXEC);
        if (fd < 0) {
                code = fail_write(path);
                free(o.temporary);
                free(o.path);
                return code;
        }
        o.file = fdopen(fd, "w");
        if (!o.file) {
                code = fail_write(path);
                (void)close(fd);
                (void)unlink(o.temporary);
                free(o.temporary);
                free(o.path);
                return code;
        }
        *output = o;
        return 0;
}

static int rename_new(const char *from, const char *to) {
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) >= 0)
                return 0;
        /* Not every file system knows the flag; a link never replaces either. */
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (link(from, to) < 0)
                return -errno;
        (void)unlink(from);
        return 0;
}

int output_sync_folder(const char *folder) {
        _cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        /* Some file systems cannot sync folders; there is nothing better to do there. */
        return (fd >= 0 && fsync(fd) >= 0) || errno == EINVAL || errno == EACCES ? 0
                                                                                 : fail_write(folder);
}

/* The new name is durable only when the folder is. */
static int folder_sync(const char *path) {
        _cleanup_(freep) char *copy = strdup(path);

        return copy ? output_sync_folder(dirname(copy)) : fail(EX_OSERR, "out of memory");
}

int output_commit(struct output *output) {
        int r;

        if (!output->path)
                return output_finish_stdout();

        if (fflush(output->file) != 0 || ferror(output->file) || fsync(fileno(output->file)) < 0)
                return fail_write(output->path);
        if (output->replace)
                r = rename(output->temporary, output->path) < 0 ? -errno : 0;
        else
                r = rename_new(output->temporary, output->path);
        if (r == -EEXIST)
                return fail_exists(output->path);
        if (r < 0)
                return fail(EX_CANTCREAT, "cannot write '%s': %s", output->path, strerror(-r));
        free(output->temporary);
        output->temporary = NULL;

        return output->one_of_many ? 0 : folder_sync(output->path);
}

void output_close(struct output *output) {
        if (output->path && output->file)
                (void)fclose(output->file);
        if (output->temporary)
                (void)unlink(output->temporary);
        free(output->temporary);
        free(output->path);
        *output = (struct output){};
}
