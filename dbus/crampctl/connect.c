/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/connect.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/crampctl.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

void pipes_restore(void) {
        (void)signal(SIGPIPE, SIG_DFL);
}

int client_open(crampd_client **ret) {
        struct crampd_error error = {};
        int r = crampd_client_new(ret, &error);

        pipes_restore();
        /* A locale that cannot be sent is one that crampd has no texts for. */
        if (r >= 0 && crampd_client_set_language(*ret, words_wanted(), &error) == -ENOMEM) {
                *ret = crampd_client_free(*ret);
                r = -ENOMEM;
        }
        return r < 0 ? fail_client(r, &error) : 0;
}

/* 2 = it and no other, 1 = by its name, 0 = no. */
static int sensor_match(const struct crampd_sensor *sensor, const char *wanted) {
        if (strcmp(sensor->id, wanted) == 0 || strcmp(sensor->path, wanted) == 0 ||
            (strchr(wanted, ':') && strcasecmp(sensor->address, wanted) == 0))
                return 2;
        return strcmp(sensor->name, wanted) == 0 ? 1 : 0;
}

int sensor_find(crampd_client *client, const char *wanted, char **ret_path) {
        struct crampd_sensor *sensors;
        struct crampd_error error = {};
        const char *found = NULL;
        unsigned names = 0;
        int code = 0, r;
        size_t n;

        r = crampd_list_sensors(client, &sensors, &n, &error);
        if (r < 0)
                return fail_client(r, &error);
        for (size_t i = 0; i < n; i++) {
                int match = sensor_match(sensors + i, wanted);

                if (match > 0)
                        found = sensors[i].path;
                if (match == 2) {
                        names = 0;
                        break;
                }
                names += match == 1;
        }

        if (!found)
                code = fail(EX_DATAERR, "there is no sensor '%s'; 'crampctl sensors' lists them",
                            wanted);
        else if (names > 1)
                code = fail(EX_DATAERR,
                            "%u sensors are named '%s'; tell one by its id (see 'crampctl sensors')",
                            names, wanted);
        else {
                char *path = strdup(found);

                if (path)
                        *ret_path = path;
                else
                        code = fail(EX_OSERR, "out of memory");
        }
        crampd_sensors_free(sensors, n);
        return code;
}

int sensor_open(const char *wanted, crampd_client **ret_client, char **ret_path) {
        int code = client_open(ret_client);

        return code == 0 ? sensor_find(*ret_client, wanted, ret_path) : code;
}

int stream_shape_get(crampd_client *client, const char *path, struct crampd_stream_info *ret) {
        struct crampd_error error = {};
        int fd = crampd_open_samples(client, path, ret, &error);

        if (fd < 0)
                return fail_client(fd, &error);
        (void)close(fd);
        return 0;
}

static int id_keep(const struct crampd_episode *episode, void *userdata) {
        char **id = userdata, *copy = strdup(episode->id);

        if (!copy)
                return -ENOMEM;
        free(*id);
        *id = copy;
        return 0;
}

int episode_find(crampd_client *client, const char *said, char **ret) {
        struct crampd_filter filter = {.since_us = timestamp_now_us() -
                                                   LAST_ALERT_DAYS * INT64_C(86400000000),
                                       .until_us = CRAMPD_NO_TIME};
        struct crampd_error error = {};
        int r;

        if (strcmp(said, "last") != 0) {
                *ret = strdup(said);
                return *ret ? 0 : fail(EX_OSERR, "out of memory");
        }
        r = crampd_list_episodes(client, &filter, id_keep, ret, &error);
        if (r < 0)
                return fail_client(r, &error);
        return *ret ? 0 : fail(EX_DATAERR, "there was no alert in the past %d days", LAST_ALERT_DAYS);
}

static int episode_keep(const struct crampd_episode *episode, void *userdata) {
        return episode_copy(episode, userdata);
}

int episode_open(const char *said, crampd_client **ret_client, struct crampd_episode *ret) {
        _cleanup_(freep) char *id = NULL;
        struct crampd_error error = {};
        int code, r;

        code = client_open(ret_client);
        if (code == 0)
                code = episode_find(*ret_client, said, &id);
        if (code != 0)
                return code;
        r = crampd_get_episode(*ret_client, id, episode_keep, ret, &error);
        return r < 0 ? fail_client(r, &error) : 0;
}
