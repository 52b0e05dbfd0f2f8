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

static int fail_with(const char *path, int r) {
        return r == -ENOMEM ? fail(EX_OSERR, "out of memory")
                            : fail(EX_CANTCREAT, "cannot write '%s': %s", path, strerror(-r));
}

static int fail_write(const char *path) {
        return fail_with(path, -errno);
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

/* An open file that has no name yet. Returns its descriptor, or -1 where there are no such files. */
static int open_unnamed(const char *path, char **ret_place) {
        _cleanup_(freep) char *copy = strdup(path);
        char *place;
        int fd;

        if (!copy)
                return -1;
        /* Mode 0600: nobody else's business, unless the owner says so. */
        fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd < 0)
                return -1;
        if (asprintf(&place, "/proc/self/fd/%d", fd) < 0) {
                (void)close(fd);
                return -1;
        }
        /* By this it gets its name. */
        if (access(place, F_OK) < 0) {
                free(place);
                (void)close(fd);
                return -1;
        }
        *ret_place = place;
        return fd;
}

/* The same mode. Returns a descriptor or -errno. */
static int open_named(const char *path, char **ret_place) {
        char *place;
        int fd;

        if (asprintf(&place, "%s.XXXXXX", path) < 0)
                return -ENOMEM;
        fd = mkostemp(place, O_CLOEXEC);
        if (fd < 0) {
                int r = -errno;

                free(place);
                return r;
        }
        *ret_place = place;
        return fd;
}

static int open_as(struct output *output, const char *path, bool replace, bool named) {
        struct output o = {.replace = replace};
        int fd = -1, code;

        if (!path || strcmp(path, "-") == 0) {
                o.file = stdout;
                *output = o;
                return 0;
        }
        code = path_check(path, replace);
        if (code != 0)
                return code;

        if (!named)
                fd = open_unnamed(path, &o.place);
        o.named = fd < 0;
        if (fd < 0)
                fd = open_named(path, &o.place);
        if (fd < 0)
                return fail_with(path, fd);
        o.path = strdup(path);
        if (o.path)
                o.file = fdopen(fd, "w");
        if (!o.file) {
                (void)close(fd);
                output_close(&o);
                return fail_with(path, -ENOMEM);
        }
        *output = o;
        return 0;
}

int output_open(struct output *output, const char *path, bool replace) {
        return open_as(output, path, replace, /* named= */ false);
}

int output_open_named(struct output *output, const char *path, bool replace) {
        return open_as(output, path, replace, /* named= */ true);
}

/* --- committing --- */

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

/* Gives it a name that nobody has, since a link does not replace. */
static int name_give(struct output *output) {
        char *name = NULL;
        int fd, r;

        fd = open_named(output->path, &name);
        if (fd < 0)
                return fd;
        (void)close(fd);
        r = unlink(name) < 0 || linkat(AT_FDCWD, output->place, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0
                    ? -errno
                    : 0;
        if (r < 0) {
                free(name);
                return r;
        }
        free(output->place);
        output->place = name;
        output->named = true;
        return 0;
}

/* The file is durable. */
static int appear(struct output *output) {
        int r = 0;

        if (!output->named && output->replace)
                r = name_give(output);
        if (r < 0)
                return fail_with(output->path, r);
        if (!output->named)
                r = linkat(AT_FDCWD, output->place, AT_FDCWD, output->path, AT_SYMLINK_FOLLOW) < 0
                            ? -errno
                            : 0;
        else if (output->replace)
                r = rename(output->place, output->path) < 0 ? -errno : 0;
        else
                r = rename_new(output->place, output->path);
        if (r == -EEXIST)
                return fail_exists(output->path);
        if (r < 0)
                return fail_with(output->path, r);
        free(output->place);
        output->place = NULL;
        return 0;
}

/* `*ret` is -1 for a folder that may be written but not read. */
static int folder_open(const char *folder, int *ret) {
        *ret = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *ret >= 0 || errno == EACCES ? 0 : fail_write(folder);
}

/* New names are durable only when the folder is. Some file systems cannot sync folders; there is nothing
 * better to do there. */
static int folder_sync(int fd, const char *folder) {
        return fd < 0 || fsync(fd) >= 0 || errno == EINVAL ? 0 : fail_write(folder);
}

static int folder_of_sync(const char *path) {
        _cleanup_(freep) char *copy = strdup(path);
        _cleanup_(closep) int fd = -1;
        const char *folder;
        int code;

        if (!copy)
                return fail(EX_OSERR, "out of memory");
        folder = dirname(copy);
        code = folder_open(folder, &fd);
        return code != 0 ? code : folder_sync(fd, folder);
}

static bool is_flushed(const struct output *output) {
        return fflush(output->file) == 0 && !ferror(output->file);
}

int output_commit(struct output *output) {
        int code;

        if (!output->path)
                return output_finish_stdout();

        if (!is_flushed(output) || fsync(fileno(output->file)) < 0)
                return fail_write(output->path);
        code = appear(output);
        return code != 0 ? code : folder_of_sync(output->path);
}

void output_close(struct output *output) {
        if (output->path && output->file)
                (void)fclose(output->file);
        if (output->place && output->named)
                (void)unlink(output->place);
        free(output->place);
        free(output->path);
        *output = (struct output){};
}

/* --- many --- */

int output_batch_begin(struct output_batch *batch, const char *folder) {
        *batch = OUTPUT_BATCH_INIT;
        batch->folder = strdup(folder);
        if (!batch->folder)
                return fail(EX_OSERR, "out of memory");
        /* Before anything is written: syncfs() tells of what failed since its descriptor was opened. */
        return folder_open(folder, &batch->fd);
}

/* One after the other takes a turn of the disk for each, and tells which of them it was that failed. */
static int sync_each(const struct output_batch *batch) {
        for (size_t i = 0; i < batch->n; i++)
                if (fsync(fileno(batch->files[i].file)) < 0)
                        return fail_write(batch->files[i].path);
        return 0;
}

static int batch_appear(struct output_batch *batch) {
        int code = 0;

        if (batch->n == 0)
                return 0;
        if (batch->n == 1 || batch->fd < 0 || syncfs(batch->fd) < 0)
                code = sync_each(batch);
        for (size_t i = 0; i < batch->n && code == 0; i++)
                code = appear(batch->files + i);
        for (size_t i = 0; i < batch->n; i++)
                output_close(batch->files + i);
        batch->n = 0;
        return code;
}

int output_batch_add(struct output_batch *batch, struct output *output) {
        if (!is_flushed(output))
                return fail_write(output->path);
        /* The disk may begin while the next is made. */
        (void)sync_file_range(fileno(output->file), 0, 0, SYNC_FILE_RANGE_WRITE);
        batch->files[batch->n++] = *output;
        *output = (struct output){};
        return batch->n == OUTPUT_BATCH_FILES ? batch_appear(batch) : 0;
}

int output_batch_commit(struct output_batch *batch) {
        int code = batch_appear(batch);

        return code != 0 ? code : folder_sync(batch->fd, batch->folder);
}

void output_batch_clear(struct output_batch *batch) {
        for (size_t i = 0; i < batch->n; i++)
                output_close(batch->files + i);
        if (batch->fd >= 0)
                (void)close(batch->fd);
        free(batch->folder);
        *batch = OUTPUT_BATCH_INIT;
}
