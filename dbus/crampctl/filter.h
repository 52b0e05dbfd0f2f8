/* SPDX-License-Identifier: MIT */
/*
 * Which recorded cramps are meant: the options that `history`, `export` and `report` share. crampd picks
 * by time and sensor, the rest is picked here.
 */
#pragma once

#include "dbus/crampctl/options.h"

/* Far from the values of the verbs' own options. */
enum {
        OPTION_FILTER_SINCE = OPTION_VERB + 0x200,
        OPTION_FILTER_UNTIL,
        OPTION_FILTER_SENSOR,
        OPTION_FILTER_LEG,
        OPTION_FILTER_MUSCLE,
        OPTION_FILTER_VERDICT,
};

#define FILTER_OPTIONS                                                       \
        {"since", required_argument, NULL, OPTION_FILTER_SINCE},             \
                {"until", required_argument, NULL, OPTION_FILTER_UNTIL},     \
                {"sensor", required_argument, NULL, OPTION_FILTER_SENSOR},   \
                {"leg", required_argument, NULL, OPTION_FILTER_LEG},         \
                {"muscle", required_argument, NULL, OPTION_FILTER_MUSCLE}, { \
                "verdict", required_argument, NULL, OPTION_FILTER_VERDICT    \
        }

#define FILTER_OPTIONS_HELP                                                                            \
        "      --since=TIME       Only cramps that began at TIME or later\n"                           \
        "      --until=TIME       Only cramps that began before TIME\n"                                \
        "      --sensor=SENSOR    Only those of this sensor (id, address or name; the id also of one " \
        "given up)\n"                                                                                  \
        "      --leg=LEG          Only left or right\n"                                                \
        "      --muscle=MUSCLE    Only of this muscle (see 'crampctl muscles')\n"                      \
        "      --verdict=VERDICT  Only what 'crampctl annotate' said: confirmed, false-alarm, or "     \
        "none (nothing)\n"

/* As they stand on the command line; NULL = not given. */
struct filter_words {
        const char *since, *until, *sensor, *leg, *muscle, *verdict;
};

struct episode_filter {
        struct crampd_filter asked; /* what crampd is asked for */
        char *sensor;               /* the id; `asked.sensor` points to it */
        const char *leg, *muscle;   /* NULL = any */
        const char *verdict;        /* "" = nothing was said */
};

/* Takes an option's argument (optarg). Returns 0, or EX_USAGE, which has been told for OPTION_ERROR and
 * every option of the above. */
int filter_take(int option, struct filter_words *words);

/* All that can be wrong without asking crampd. Returns 0, or an exit code after saying why. */
int filter_read(const struct filter_words *words, struct episode_filter *ret);

/* Finds the sensor that is meant, if one is. Returns 0, or an exit code after saying why. */
int filter_find_sensor(struct episode_filter *filter, const struct filter_words *words,
                       crampd_client *client);

void filter_clear(struct episode_filter *filter);

/* What crampd's answers are still to be picked by. A missed cramp counts as confirmed. */
bool filter_takes_episode(const struct episode_filter *filter, const struct crampd_episode *episode);
bool filter_takes_missed(const struct episode_filter *filter, const struct crampd_missed *missed);
