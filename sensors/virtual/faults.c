/* SPDX-License-Identifier: MIT */
/* Faults on demand: see faults.h. */
#include "sensors/virtual/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void faults_init(struct faults *faults, uint64_t seed) {
        *faults = (struct faults){.battery_percent = -1, .random = seed * 2 + 1};
}

/* xorshift64*: good enough, and the same everywhere. */
static double random_next(struct faults *faults) {
        uint64_t x = faults->random;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        faults->random = x;
        return (double)(x * UINT64_C(0x2545f4914f6cdd1d) >> 11) / (double)(UINT64_C(1) << 53);
}

static int number_read(const char *text, double max, char **ret_end, double *ret) {
        double value;

        if (!text || *text < '0' || *text > '9')
                return -EINVAL;
        value = strtod(text, ret_end);
        if (!(value <= max))
                return -EINVAL;
        *ret = value;
        return 0;
}

static int silence_set(struct faults *faults, const char *value) {
        double after_s, length_s;
        char *end;

        if (number_read(value, 1e6, &end, &after_s) < 0 || *end != ':' ||
            number_read(end + 1, 1e6, &end, &length_s) < 0 || *end)
                return -EINVAL;
        faults->silence_after_us = (uint64_t)(after_s * 1e6);
        faults->silence_us = (uint64_t)(length_s * 1e6);
        return 0;
}

int faults_set(struct faults *faults, const char *name, const char *value) {
        const struct {
                const char *name;
                double *probability;
        } probabilities[] = {
                {"loss", &faults->loss},
                {"duplicate", &faults->duplicate},
                {"malformed", &faults->malformed},
        };
        double number = 0;
        char *end = NULL;

        if (strcmp(name, "early") == 0 && !value) {
                faults->early = true;
                return 0;
        }
        if (strcmp(name, "silence-after") == 0)
                return silence_set(faults, value);
        if (number_read(value, 1e6, &end, &number) < 0 || *end)
                return -EINVAL;
        for (size_t i = 0; i < sizeof(probabilities) / sizeof(probabilities[0]); i++)
                if (strcmp(name, probabilities[i].name) == 0) {
                        if (number > 1)
                                return -EINVAL;
                        *probabilities[i].probability = number;
                        return 0;
                }
        if (strcmp(name, "drop-after") == 0)
                faults->drop_after_us = (uint64_t)(number * 1e6);
        else if (strcmp(name, "battery") == 0 && number <= 100)
                faults->battery_percent = (int)number;
        else if (strcmp(name, "slow-answers") == 0)
                faults->slow_answers_ms = (uint32_t)number;
        else
                return -EINVAL;
        return 0;
}

int faults_parse(struct faults *faults, const char *text) {
        char copy[256], *rest = copy, *item;

        if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
                return -EINVAL;
        while ((item = strsep(&rest, ","))) {
                char *name = strsep(&item, "=");

                if (faults_set(faults, name, item) < 0)
                        return -EINVAL;
        }
        return 0;
}

unsigned faults_apply(struct faults *faults, const struct twin *twin, struct twin_packet *packet,
                      uint64_t since_start_us) {
        struct fault_totals *totals = &faults->totals;
        /* Always as many draws, so that one fault does not change when another comes. */
        bool lost = random_next(faults) < faults->loss, twice = random_next(faults) < faults->duplicate,
             spoiled = random_next(faults) < faults->malformed;

        if (faults->silence_us > 0 && since_start_us >= faults->silence_after_us &&
            since_start_us - faults->silence_after_us < faults->silence_us) {
                totals->silenced++;
                return 0;
        }
        if (packet->frames == 0) {
                totals->sent++;
                return 1;
        }
        if (lost) {
                totals->lost++;
                return 0;
        }
        if (spoiled) {
                twin_spoil(twin, packet);
                totals->malformed++;
                totals->sent++;
                return 1;
        }
        totals->frames += packet->frames;
        totals->duplicated += twice;
        totals->sent += 1 + twice;
        return 1 + twice;
}
