/* SPDX-License-Identifier: MIT */
/* What an owner may say of a sensor: see settings.h. */
#include "daemon/bus/settings.h"

#include <string.h>

#include "daemon/basic/text.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/crampd.h"
#include "daemon/detector/detector.h"
#include "sensors/driver.h"
#include "sensors/muscle.h"

#define SCALE_MAX_UV 1e6
#define RATE_MAX_HZ 100000.0

static int take_name(const char *text, struct store_sensor *row, sd_bus_error *error) {
        if (!text_is_name(text, sizeof(row->name)))
                return sd_bus_error_setf(
                        error, ERROR_INVALID_ARGUMENT,
                        "The name must be at most %zu bytes long, without control characters.",
                        sizeof(row->name) - 1);
        memcpy(row->name, text, strlen(text) + 1);
        return 0;
}

static int refuse_muscle(sd_bus_error *error) {
        char names[256] = "";
        size_t n = 0;

        for (unsigned muscle = MUSCLE_UNSPECIFIED + 1; muscle < MUSCLE_MAX && n < sizeof(names);
             muscle++)
                n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n > 0 ? ", " : "",
                                      muscle_to_string(muscle));
        return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT, "Option 'muscle' must be one of %s.",
                                 names);
}

static int take_place(const char *muscle, const char *leg, struct store_sensor *row,
                      sd_bus_error *error) {
        if (muscle && muscle_from_string(muscle) <= MUSCLE_UNSPECIFIED)
                return refuse_muscle(error);
        if (leg && leg_from_string(leg) <= LEG_UNSPECIFIED)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'leg' must be left or right.");
        /* These come from closed lists whose names are short. */
        if (muscle)
                (void)snprintf(row->muscle, sizeof(row->muscle), "%s", muscle);
        if (leg)
                (void)snprintf(row->leg, sizeof(row->leg), "%s", leg);
        return 0;
}

static int take_sensitivity(const char *text, struct store_sensor *row, sd_bus_error *error) {
        if (detector_sensitivity_from_string(text) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'sensitivity' must be low, normal or high.");
        (void)snprintf(row->sensitivity, sizeof(row->sensitivity), "%s", text);
        return 0;
}

/* Negated, so that NaN is refused too. */
static int take_numbers(double scale_uv, double rate_hz, uint32_t channels, struct store_sensor *row,
                        sd_bus_error *error) {
        if (!(scale_uv >= 0 && scale_uv <= SCALE_MAX_UV))
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'scale_uv' must be 0 to %g.", SCALE_MAX_UV);
        if (!(rate_hz >= 0 && rate_hz <= RATE_MAX_HZ))
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'rate_hz' must be 0 to %g.", RATE_MAX_HZ);
        if (channels > STREAM_CHANNELS_MAX)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'channels' must be 0 to %u.", STREAM_CHANNELS_MAX);
        row->scale_uv = scale_uv;
        row->rate_mhz = (uint32_t)(rate_hz * 1000 + 0.5);
        row->channels = channels;
        return 0;
}

int settings_read(sd_bus_message *message, struct store_sensor *row, struct settings_extra *ret_extra,
                  sd_bus_error *error) {
        const char *muscle = NULL, *leg = NULL, *name = NULL, *driver = NULL, *sensitivity = NULL;
        int allow_broadcast = row->allow_broadcast, envelope = row->envelope; /* as sd-bus reads them */
        int learning = row->learning, forget = 0;
        double scale_uv = row->scale_uv, rate_hz = row->rate_mhz / 1000.0;
        uint32_t channels = row->channels, owner = 0;
        bool has_owner = false;
        const struct dictionary_entry entries[] = {
                {"muscle", 's', &muscle, NULL},
                {"leg", 's', &leg, NULL},
                {"name", 's', &name, NULL},
                {"driver", 's', &driver, NULL},
                {"owner", 'u', &owner, &has_owner},
                {"allow_broadcast", 'b', &allow_broadcast, NULL},
                {"envelope", 'b', &envelope, NULL},
                {"scale_uv", 'd', &scale_uv, NULL},
                {"rate_hz", 'd', &rate_hz, NULL},
                {"channels", 'u', &channels, NULL},
                {"sensitivity", 's', &sensitivity, NULL},
                {"learning", 'b', &learning, NULL},
                {"forget", 'b', &forget, NULL},
                {NULL},
        };
        int r;

        r = dictionary_read(message, entries, error);
        if (r < 0)
                return r;
        if (!ret_extra && (driver || has_owner))
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "A sensor's driver and owner cannot be changed: remove it and "
                                        "add it anew.");
        r = take_place(muscle, leg, row, error);
        if (r >= 0 && name)
                r = take_name(name, row, error);
        if (r >= 0 && sensitivity)
                r = take_sensitivity(sensitivity, row, error);
        if (r >= 0)
                r = take_numbers(scale_uv, rate_hz, channels, row, error);
        if (r < 0)
                return r;
        row->allow_broadcast = allow_broadcast;
        row->envelope = envelope;
        row->learning = learning;
        if (forget)
                row->learning_since_us = crampd_now_us();
        if (ret_extra)
                *ret_extra = (struct settings_extra){driver, owner, has_owner};
        return 0;
}
