/* SPDX-License-Identifier: MIT */
/*
 * What the owner says of a sensor, on the command lines of add and edit. What can be wrong is told here
 * already, so that it is told with the remedy.
 */
#pragma once

#include "daemon/detector/detector.h"
#include "dbus/crampctl/options.h"

/* Values of the long options; a verb's own begin at OPTION_SETTINGS_END. */
enum {
        OPTION_MUSCLE = OPTION_VERB,
        OPTION_LEG,
        OPTION_NAME,
        OPTION_ALLOW_BROADCAST,
        OPTION_ENVELOPE,
        OPTION_SCALE,
        OPTION_RATE,
        OPTION_CHANNELS,
        OPTION_SENSITIVITY,
        OPTION_SETTINGS_END,
};

#define SETTINGS_OPTIONS                                                              \
        {"muscle", required_argument, NULL, OPTION_MUSCLE},                           \
                {"leg", required_argument, NULL, OPTION_LEG},                         \
                {"name", required_argument, NULL, OPTION_NAME},                       \
                {"allow-broadcast", optional_argument, NULL, OPTION_ALLOW_BROADCAST}, \
                {"envelope", optional_argument, NULL, OPTION_ENVELOPE},               \
                {"scale", required_argument, NULL, OPTION_SCALE},                     \
                {"rate", required_argument, NULL, OPTION_RATE},                       \
                {"channels", required_argument, NULL, OPTION_CHANNELS}, {             \
                "sensitivity", required_argument, NULL, OPTION_SENSITIVITY            \
        }

#define SETTINGS_HELP                                                                                  \
        "      --muscle=MUSCLE    gastrocnemius, gastrocnemius-medialis, "                             \
        "gastrocnemius-lateralis, soleus,\n"                                                           \
        "                         tibialis-anterior, peroneus-longus, foot, quadriceps or "            \
        "hamstrings\n"                                                                                 \
        "                         ('crampctl muscles' tells where the electrodes go)\n"                \
        "      --leg=LEG          left or right\n"                                                     \
        "      --name=NAME        What to call it, at most 63 bytes\n"                                 \
        "      --sensitivity=STEP How much evidence an alert takes: low (fewer false alarms, later), " \
        "normal or high\n"                                                                             \
        "                         (earlier, more false alarms)\n"                                      \
        "      --scale=UV         Microvolts per count, where the maker does not tell; 0: as "         \
        "the driver has it\n"                                                                          \
        "      --rate=HZ          Samples a second, where the sensor can be set up in "                \
        "several ways\n"                                                                               \
        "      --channels=N       Channels in use, likewise\n"                                         \
        "      --envelope[=NO]    Its output is an envelope already (a MyoWare's ENV on another "      \
        "board, say), of 20 to 2000\n"                                                                 \
        "                         values a second, where sensors of its kind send raw EMG\n"           \
        "      --allow-broadcast[=NO]  Receive in the way that lets every user of this "               \
        "computer read the\n"                                                                          \
        "                         samples, if the sensor allows no other\n"

/* Takes an option's argument (optarg). Returns 0, or an exit code after saying what is wrong. */
int settings_take(int option, struct crampd_sensor_options *options);

/* Names of the closed lists. Return 0, or an exit code after saying which there are. */
int muscle_check(const char *muscle);
int leg_check(const char *leg);

/* A step by its name. Returns 0, or an exit code after saying what is wrong. */
int sensitivity_take(const char *text, enum detector_sensitivity *ret);

/* Both are needed of a new sensor. Returns 0, or an exit code after saying so. */
int settings_require_place(const struct crampd_sensor_options *options);
