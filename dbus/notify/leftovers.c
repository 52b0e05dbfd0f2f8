/* SPDX-License-Identifier: MIT */
#include "dbus/notify/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "cramp-notify."
#define ID_LINE "0000000000\n"
#define TEXT_SIZE (sizeof(((struct leftovers *)0)->owner) + LEFTOVERS_MAX * sizeof(ID_LINE))

int leftovers_path(DBusConnection *session, char **ret) {
        const char *folder = getenv("XDG_RUNTIME_DIR");
        char *bus;
        int n;

        *ret = NULL;
        if (!folder || folder[0] != '/')
                return -ENOENT;
        /* Another with every start of the bus, for unique names begin anew then. */
        bus = dbus_connection_get_server_id(session);
        if (!bus)
                return -ENOMEM;
        n = asprintf(ret, "%s/" FILE_NAME "%s", folder, bus);
        dbus_free(bus);
        if (n < 0)
                *ret = NULL;
        return n < 0 ? -ENOMEM : 0;
}

/* --- the text: the owner's line, then one for each id --- */

/* Cuts the first line off. NULL if there is no whole one. */
static char *line_take(char **text) {
        char *line = *text, *end = strchr(line, '\n');

        if (!end)
                return NULL;
        *end = 0;
        *text = end + 1;
        return line;
}

static int id_parse(const char *line, uint32_t *ret) {
        unsigned long value;
        char *end;

        if (line[0] < '0' || line[0] > '9')
                return -EBADMSG;
        errno = 0;
        value = strtoul(line, &end, 10);
        if (*end || errno != 0 || value > UINT32_MAX)
                return -EBADMSG;
        *ret = (uint32_t)value;
        return 0;
}

static int text_parse(char *text, struct leftovers *ret) {
        char *line = line_take(&text);

        if (!line || line[0] != ':' || strlen(line) >= sizeof(ret->owner))
                return -EBADMSG;
        strcpy(ret->owner, line);
        for (ret->n = 0; *text; ret->n++) {
                line = line_take(&text);
                if (!line || ret->n >= LEFTOVERS_MAX || id_parse(line, &ret->ids[ret->n]) < 0)
                        return -EBADMSG;
        }
        return 0;
}

static size_t text_print(const struct leftovers *leftovers, char text[static TEXT_SIZE]) {
        char *end = stpcpy(stpcpy(text, leftovers->owner), "\n");

        for (size_t i = 0; i < leftovers->n; i++)
                end += sprintf(end, "%" PRIu32 "\n", leftovers->ids[i]);
        return (size_t)(end - text);
}

/* --- the file --- */

int leftovers_read(const char *path, struct leftovers *ret) {
        char text[TEXT_SIZE];
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        ssize_t n;
        int r;

        if (fd < 0)
                return -errno;
        n = read(fd, text, sizeof(text) - 1);
        r = n < 0 ? -errno : 0;
        (void)close(fd);
        if (r < 0)
                return r;
        text[n] = 0;
        return text_parse(text, ret);
}

int leftovers_write(const char *path, const struct leftovers *leftovers) {
        char text[TEXT_SIZE];
        size_t size;
        ssize_t n;
        int fd, r;

        if (leftovers->n == 0)
                return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        size = text_print(leftovers, text);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
                return -errno;
        n = write(fd, text, size);
        r = n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;
        (void)close(fd);
        return r;
}
