/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/filter.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/settings.h"
#include "sensors/muscle.h"

#define SENSOR_ID_LENGTH 16u

static const char verdict_none[] = "none";

int filter_take(int option, struct filter_words *words) {
        switch (option) {
        case OPTION_FILTER_SINCE:
                words->since = optarg;
                return 0;
        case OPTION_FILTER_UNTIL:
                words->until = optarg;
                return 0;
        case OPTION_FILTER_SENSOR:
                words->sensor = optarg;
                return 0;
        case OPTION_FILTER_LEG:
                words->leg = optarg;
                return leg_check(optarg);
        case OPTION_FILTER_MUSCLE:
                words->muscle = optarg;
                return muscle_check(optarg);
        case OPTION_FILTER_VERDICT:
                words->verdict = optarg;
                if (strcmp(optarg, "confirmed") == 0 || strcmp(optarg, "false-alarm") == 0 ||
                    strcmp(optarg, verdict_none) == 0)
                        return 0;
                return fail(EX_USAGE,
                            "--verdict does not understand '%s'; write confirmed, false-alarm or none",
                            optarg);
        default:
                return EX_USAGE;
        }
}

int filter_read(const struct filter_words *words, struct episode_filter *ret) {
        struct episode_filter filter = {
                .leg = words->leg, .muscle = words->muscle, .verdict = words->verdict};
        int code = filter_parse(words->since, words->until, &filter.asked);

        if (code != 0)
                return code;
        if (filter.verdict && strcmp(filter.verdict, verdict_none) == 0)
                filter.verdict = "";
        *ret = filter;
        return 0;
}

static bool is_sensor_id(const char *text) {
        return strlen(text) == SENSOR_ID_LENGTH && strspn(text, "0123456789abcdef") == SENSOR_ID_LENGTH;
}

int filter_find_sensor(struct episode_filter *filter, const struct filter_words *words,
                       crampd_client *client) {
        _cleanup_(freep) char *path = NULL;
        int code;

        if (!words->sensor)
                return 0;
        if (is_sensor_id(words->sensor))
                /* crampd does not list a sensor that was given up, but keeps what it saw. */
                filter->sensor = strdup(words->sensor);
        else {
                code = sensor_find(client, words->sensor, &path);
                if (code != 0)
                        return code;
                filter->sensor = strdup(strrchr(path, '/') + 1);
        }
        filter->asked.sensor = filter->sensor;
        return filter->sensor ? 0 : fail(EX_OSERR, "out of memory");
}

void filter_clear(struct episode_filter *filter) {
        free(filter->sensor);
        *filter = (struct episode_filter){};
}

static bool fits(const char *wanted, const char *is) {
        return !wanted || strcmp(wanted, is ? is : "") == 0;
}

bool filter_takes_episode(const struct episode_filter *filter, const struct crampd_episode *episode) {
        return fits(filter->leg, episode->leg) && fits(filter->muscle, episode->muscle) &&
               fits(filter->verdict, episode->verdict);
}

bool filter_takes_missed(const struct episode_filter *filter, const struct crampd_missed *missed) {
        return fits(filter->leg, missed->leg) && fits(filter->muscle, missed->muscle) &&
               fits(filter->verdict, "confirmed");
}
