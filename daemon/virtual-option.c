/* SPDX-License-Identifier: MIT */
/* One virtual sensor: see virtual-option.h. */
#include "daemon/virtual-option.h"

#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/text.h"
#include "daemon/detector/detector.h"
#include "daemon/store/store.h"
#include "sensors/muscle.h"

#define RATE_MIN_HZ ((long)DETECTOR_RATE_MIN_MHZ / 1000)
#define RATE_MAX_HZ ((long)DETECTOR_RATE_MAX_MHZ / 1000)

int virtual_option_init(struct virtual_option *option) {
        *option = (struct virtual_option){.speed = 1,
                                          .owner_uid = getuid(),
                                          .muscle = muscle_to_string(MUSCLE_GASTROCNEMIUS),
                                          .leg = "left",
                                          .name = strdup("virtual")};
        return option->name ? 0 : -ENOMEM;
}

void virtual_option_done(struct virtual_option *option) {
        free(option->path);
        free(option->name);
}

static int set_speed(struct virtual_option *option, const char *value) {
        char *end;
        double speed = strtod(value, &end);

        if (*end || end == value || !isfinite(speed) || speed <= 0)
                return -EINVAL;
        option->speed = speed;
        return 0;
}

static int set_rate(struct virtual_option *option, const char *value) {
        char *end;
        long rate = strtol(value, &end, 10);

        if (*end || end == value || rate < RATE_MIN_HZ || rate > RATE_MAX_HZ)
                return -EINVAL;
        option->csv_rate_hz = (uint32_t)rate;
        return 0;
}

static int set_owner(struct virtual_option *option, const char *value) {
        const struct passwd *user = getpwnam(value);
        unsigned long number;
        char *end;

        if (user) {
                option->owner_uid = user->pw_uid;
                return 0;
        }
        errno = 0;
        number = strtoul(value, &end, 10);
        if (errno || *end || end == value || value[0] == '-' || number >= UINT32_MAX)
                return -EINVAL;
        option->owner_uid = (uid_t)number;
        return 0;
}

static int set_muscle(struct virtual_option *option, const char *value) {
        int muscle = muscle_from_string(value);

        if (muscle <= MUSCLE_UNSPECIFIED)
                return -EINVAL;
        option->muscle = muscle_to_string((unsigned)muscle);
        return 0;
}

static int set_leg(struct virtual_option *option, const char *value) {
        int leg = leg_from_string(value);

        if (leg <= LEG_UNSPECIFIED)
                return -EINVAL;
        option->leg = leg_to_string((unsigned)leg);
        return 0;
}

static int set_name(struct virtual_option *option, const char *value) {
        char *copy;

        if (!text_is_name(value, sizeof(((struct store_sensor *)0)->name)))
                return -EINVAL;
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(option->name);
        option->name = copy;
        return 0;
}

int virtual_option_set(struct virtual_option *option, const char *key, const char *value,
                       const char **ret_remedy) {
        _Static_assert(RATE_MIN_HZ == 200 && RATE_MAX_HZ == 2000, "the remedy below says so");
        static const struct {
                const char *key;
                int (*set)(struct virtual_option *option, const char *value);
                const char *remedy;
        } keys[] = {
                {"speed", set_speed, "speed must be a number above 0"},
                {"rate", set_rate, "rate must be 200 to 2000 (Hz)"},
                {"owner", set_owner, "owner must be a user name or a uid"},
                {"muscle", set_muscle, "there is no such muscle; 'crampctl muscles' lists them"},
                {"leg", set_leg, "leg must be left or right"},
                {"name", set_name, "name must be at most 63 bytes of UTF-8 without control characters"},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
                if (strcmp(keys[i].key, key) == 0) {
                        *ret_remedy = keys[i].remedy;
                        return keys[i].set(option, value);
                }
        return -ENOENT;
}
