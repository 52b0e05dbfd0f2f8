/* SPDX-License-Identifier: MIT */
/*
 * Prints a digest of all that the detector tells about signals made with integers and exact operations
 * alone, bit by bit. Two builds that print the same decide the same. Needs the detector only; run by
 * test-detector-sameness.sh.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/detector/detector.h"

#define CHANNELS 3u
#define SECONDS 200u

struct digest {
        uint64_t hash; /* FNV-1a */
        unsigned events, alerts;
};

static void digest_add(struct digest *digest, const void *bytes, size_t n) {
        for (size_t i = 0; i < n; i++) {
                digest->hash ^= ((const unsigned char *)bytes)[i];
                digest->hash *= UINT64_C(1099511628211);
        }
}

static void digest_account(struct digest *digest, const struct detector_account *account) {
        if (!account)
                return;

        const uint64_t numbers[] = {
                (uint64_t)account->sensitivity,
                account->from_index,
                account->bridged,
                account->dips,
                account->took_part,
                (uint64_t)account->quality,
                account->points,
                account->point_frames,
        };
        const double quantities[] = {
                account->evidence_factor, account->needed_s,    account->active_s,
                account->unbroken_s,      account->ratio_alert, account->ratio_peak,
                account->together,        account->moved,       account->slow,
                account->again_factor,
        };

        digest_add(digest, numbers, sizeof(numbers));
        digest_add(digest, quantities, sizeof(quantities));
        digest_add(digest, account->score_s, account->points * sizeof(double));
}

static void digest_event(const struct detector_event *event, void *userdata) {
        struct digest *digest = userdata;
        const uint64_t numbers[] = {
                (uint64_t)event->type,       event->channel,   event->onset_index,
                event->alert_index,          event->end_index, (uint64_t)event->severity,
                (uint64_t)event->end_reason,
        };

        digest_add(digest, numbers, sizeof(numbers));
        digest_add(digest, &event->peak_uv, sizeof(double));
        digest_add(digest, &event->rest_uv, sizeof(double));
        digest_add(digest, &event->median_hz, sizeof(double));
        digest_add(digest, &event->confidence, sizeof(double));
        digest_account(digest, event->account);
        digest->events++;
        digest->alerts += event->type == DETECTOR_EVENT_ALERT ? 1 : 0;
}

static void digest_level(const struct detector_level *level, void *userdata) {
        digest_add(userdata, level->envelope_uv, level->channels * sizeof(double));
        digest_add(userdata, level->floor_uv, level->channels * sizeof(double));
}

static uint64_t random_next(uint64_t *state) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return *state * UINT64_C(2685821657736338717);
}

/* Noise of some 10 counts RMS. */
static int32_t noise(uint64_t *state) {
        uint64_t bits = random_next(state);
        int32_t sum = 0;

        for (unsigned i = 0; i < 8; i++)
                sum += (int32_t)(bits >> 8 * i & 0xff) - 128;
        return sum / 21;
}

/* A square wave near 50 Hz: mains with all its odd harmonics. */
static int32_t mains(uint64_t frame, uint32_t rate_mhz) {
        uint64_t half_periods = frame * 100040 / rate_mhz;

        return half_periods % 2 != 0 ? 300 : -300;
}

static int32_t ramp(int32_t value, uint64_t ms) {
        uint64_t into = ms < 100000 ? 0 : ms < 141000 ? ms - 100000 : ms < 180000 ? 41000 : 0;

        return value * (int32_t)(8200 + into) / 820;
}

static void fill(int32_t *counts, uint64_t first, uint32_t frames, uint32_t rate_mhz, uint64_t *state) {
        for (uint32_t i = 0; i < frames; i++) {
                uint64_t ms = (first + i) * 1000000 / rate_mhz;
                int32_t *frame = counts + (size_t)i * CHANNELS;

                frame[0] = 20000 + noise(state) * (ms > 40000 && ms < 70000 ? 6 : 1) +
                           mains(first + i, rate_mhz);
                /* Rises smoothly to six times rest over 41 s, so that the onset of a slow rise is looked
                 * for, too. */
                frame[1] = ramp(noise(state), ms);
                frame[2] = noise(state) * (ms % 1040 < 500 ? 8 : 1);
        }
}

/* The limb turns slowly, and shakes for ten seconds of each minute. */
static void shake(struct detector *detector, uint64_t frame, uint32_t rate_mhz, uint64_t *state) {
        uint64_t ms = frame * 1000000 / rate_mhz;
        int32_t strength = ms % 60000 < 10000 ? 20 : 1;
        int32_t motion[] = {1000 + strength * noise(state) / 4, (int32_t)(ms / 2000),
                            strength * noise(state) / 4};

        detector_set_motion(detector, motion);
}

/* `whole`: with an accelerometer and a calibrated rest. */
static int run(uint32_t rate_mhz, bool whole, struct digest *digest) {
        static int32_t counts[1000 * CHANNELS];
        const double scales[CHANNELS] = {0.5, 0.03, 1.0 / 3.0}, rest_uv[CHANNELS] = {5.0, 3.0, 3.3};
        const struct detector_setup setup = {
                .rate_mhz = rate_mhz,
                .channels = CHANNELS,
                .scale_uv = scales,
                .motion_scale_g = whole ? 0.001 : 0,
                .on_event = digest_event,
                .on_level = digest_level,
                .userdata = digest,
        };
        uint64_t frames = (uint64_t)SECONDS * rate_mhz / 1000, state = 88172645463325252u;
        struct detector *detector;
        int r = detector_new(&setup, &detector);

        if (r < 0)
                return r;
        if (whole)
                detector_set_rest(detector, rest_uv);
        for (uint64_t at = 0; at < frames && r == 0; at += 1000) {
                fill(counts, at, 1000, rate_mhz, &state);
                /* Now and then something is lost. */
                for (uint32_t i = 0; i < 1000 && at / 1000 % 17 != 5 && r == 0; i += whole ? 20 : 1000) {
                        if (whole)
                                shake(detector, at + i, rate_mhz, &state);
                        r = detector_push(detector, at + i, counts + (size_t)i * CHANNELS,
                                          whole ? 20 : 1000);
                }
        }
        detector_finish(detector);
        detector_free(detector);
        return r;
}

int main(void) {
        static const uint32_t rates[] = {200000, 333333, 1000000, 2000000};
        struct digest digest = {.hash = UINT64_C(14695981039346656037)};

        for (unsigned i = 0; i <= sizeof(rates) / sizeof(rates[0]); i++) {
                bool whole = i == sizeof(rates) / sizeof(rates[0]);
                int r = run(rates[whole ? 0 : i], whole, &digest);

                if (r < 0) {
                        (void)fprintf(stderr, "the detector failed in run %u: %d\n", i, r);
                        return EXIT_FAILURE;
                }
        }
        printf("%016" PRIx64 " %u events %u alerts\n", digest.hash, digest.events, digest.alerts);
        return digest.alerts > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
