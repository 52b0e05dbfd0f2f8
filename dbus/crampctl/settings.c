/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sensors/driver.h"
#include "sensors/muscle.h"

#define NAMES_SIZE 512u

static void names_append(char *names, const char *name) {
        size_t used = strlen(names);

        (void)snprintf(names + used, NAMES_SIZE - used, "%s%s", used > 0 ? ", " : "", name);
}

static int muscle_refuse(const char *muscle) {
        char names[NAMES_SIZE] = "";

        for (unsigned m = MUSCLE_UNSPECIFIED + 1; m < MUSCLE_MAX; m++)
                names_append(names, muscle_to_string(m));
        if (!muscle)
                return fail(EX_USAGE, "which muscle? Add --muscle with one of: %s", names);
        return fail(EX_USAGE, "there is no muscle '%s'; choose one of: %s", muscle, names);
}

int muscle_check(const char *muscle) {
        return muscle_from_string(muscle) > MUSCLE_UNSPECIFIED ? 0 : muscle_refuse(muscle);
}

int leg_check(const char *leg) {
        if (leg_from_string(leg) > LEG_UNSPECIFIED)
                return 0;
        return fail(EX_USAGE, "there is no leg '%s'; write left or right", leg);
}

static int switch_take(const char *name, bool *ret_has, bool *ret) {
        if (optarg && strcmp(optarg, "yes") != 0 && strcmp(optarg, "no") != 0)
                return fail(EX_USAGE, "%s does not understand '%s'; write yes or no", name, optarg);
        *ret_has = true;
        *ret = !optarg || strcmp(optarg, "yes") == 0;
        return 0;
}

static int number_take(const char *name, double max, bool *ret_has, double *ret) {
        char *end;

        errno = 0;
        *ret = strtod(optarg, &end);
        /* Through the negation NaN is refused too. */
        if (errno != 0 || end == optarg || *end || !(*ret >= 0 && *ret <= max))
                return fail(EX_USAGE, "%s does not understand '%s'; write a number from 0 to %g", name,
                            optarg, max);
        *ret_has = true;
        return 0;
}

static int channels_take(struct crampd_sensor_options *options) {
        double number = 0;
        int code = number_take("--channels", STREAM_CHANNELS_MAX, &options->has_channels, &number);

        if (code == 0 && number != floor(number))
                return fail(EX_USAGE, "--channels takes a whole number");
        options->channels = (unsigned)number;
        return code;
}

int sensitivity_take(const char *text, enum detector_sensitivity *ret) {
        int sensitivity = detector_sensitivity_from_string(text);

        if (sensitivity < 0)
                return fail(EX_USAGE,
                            "--sensitivity does not understand '%s'; write low, normal or high", text);
        *ret = (enum detector_sensitivity)sensitivity;
        return 0;
}

int settings_take(int option, struct crampd_sensor_options *options) {
        enum detector_sensitivity sensitivity;

        switch (option) {
        case OPTION_MUSCLE:
                options->muscle = optarg;
                return muscle_check(optarg);
        case OPTION_LEG:
                options->leg = optarg;
                return leg_check(optarg);
        case OPTION_SENSITIVITY:
                options->sensitivity = optarg;
                return sensitivity_take(optarg, &sensitivity);
        case OPTION_NAME:
                options->name = optarg;
                return 0;
        case OPTION_ALLOW_BROADCAST:
                return switch_take("--allow-broadcast", &options->has_allow_broadcast,
                                   &options->allow_broadcast);
        case OPTION_ENVELOPE:
                return switch_take("--envelope", &options->has_envelope, &options->envelope);
        case OPTION_SCALE:
                return number_take("--scale", 1e6, &options->has_scale, &options->scale_uv);
        case OPTION_RATE:
                return number_take("--rate", 1e5, &options->has_rate, &options->rate_hz);
        case OPTION_CHANNELS:
                return channels_take(options);
        default:
                return EX_USAGE;
        }
}

int settings_require_place(const struct crampd_sensor_options *options) {
        if (!options->muscle)
                return muscle_refuse(NULL);
        if (!options->leg)
                return fail(EX_USAGE, "which leg? Add --leg=left or --leg=right");
        return 0;
}
