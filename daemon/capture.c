/* SPDX-License-Identifier: MIT */
/* The last minute of a stream: see capture.h. */
#include "daemon/capture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define PENDING_MAX 4u
#define STEP_MIN_UV 0.5
#define STEPS_MIN 4096.0
#define STEPS_MAX 32767.0

struct pending {
        char episode[STORE_ID_SIZE];
        int64_t onset_us;
        uint64_t onset_index;
        uint64_t from, to; /* frames; `to` is the first beyond */
};

struct capture {
        struct capture_setup setup;
        float *ring;     /* interleaved; NaN where a frame is missing */
        uint64_t frames; /* that it holds */
        bool begun;
        uint64_t first_index; /* that was ever pushed */
        uint64_t next_index;
        struct pending pending[PENDING_MAX]; /* oldest first */
        size_t n_pending;
};

static uint64_t seconds_to_frames(const struct capture *capture, unsigned seconds) {
        return (uint64_t)seconds * capture->setup.rate_mhz / 1000;
}

int capture_new(const struct capture_setup *setup, struct capture **ret) {
        struct capture *capture;

        if (setup->channels < 1 || setup->channels > STORE_WAVEFORM_CHANNELS_MAX ||
            setup->rate_mhz > STORE_WAVEFORM_FRAMES_MAX / CAPTURE_RING_S * 1000)
                return -EINVAL;
        capture = calloc(1, sizeof(*capture));
        if (!capture)
                return -ENOMEM;
        capture->setup = *setup;
        capture->frames = seconds_to_frames(capture, CAPTURE_RING_S);
        if (capture->frames == 0) {
                free(capture);
                return -EINVAL;
        }
        capture->ring = calloc(capture->frames * setup->channels, sizeof(*capture->ring));
        if (!capture->ring) {
                free(capture);
                return -ENOMEM;
        }
        *ret = capture;
        return 0;
}

struct capture *capture_free(struct capture *capture) {
        if (!capture)
                return NULL;
        free(capture->ring);
        free(capture);
        return NULL;
}

static float *frame_at(const struct capture *capture, uint64_t index) {
        return capture->ring + index % capture->frames * capture->setup.channels;
}

static bool is_missing(const struct capture *capture, uint64_t index) {
        return isnan(*frame_at(capture, index));
}

/* --- giving --- */

/* The smallest of 1, 2, 5, 10, ... times a power of ten that is at least `least`. */
static double round_up(double least) {
        static const double steps[] = {1, 2, 5};
        static const double powers[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0,  1e1,  1e2, 1e3,
                                        1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12};

        for (size_t i = 0; i < ARRAY_LENGTH(powers); i++)
                for (size_t k = 0; k < ARRAY_LENGTH(steps); k++)
                        if (steps[k] * powers[i] >= least)
                                return steps[k] * powers[i];
        return 1e13;
}

static double choose_step(const struct capture *capture, double highest) {
        double least = highest / STEPS_MAX;

        if (!capture->setup.arbitrary_unit)
                return round_up(least > STEP_MIN_UV ? least : STEP_MIN_UV);
        /* Rounding up makes a step at most 2.5 times as long. */
        return highest > 0 ? round_up(highest / STEPS_MIN / 2.5) : 1.0;
}

static double highest_value(const struct capture *capture, uint64_t from, uint64_t to) {
        double highest = 0;

        for (uint64_t index = from; index < to; index++) {
                const float *frame = frame_at(capture, index);

                for (uint32_t i = 0; i < capture->setup.channels; i++)
                        if (fabs((double)frame[i]) > highest)
                                highest = fabs((double)frame[i]);
        }
        return highest;
}

static int16_t to_steps(double value, double step) {
        double steps = rint(value / step);

        return (int16_t)(steps > INT16_MAX ? INT16_MAX : steps < INT16_MIN ? INT16_MIN : steps);
}

/* A link that loses so much that there are more pieces than fit: the rest is left out. */
static void copy_pieces(const struct capture *capture, uint64_t from, uint64_t to,
                        struct store_waveform *waveform) {
        int16_t *sample = waveform->samples;
        struct store_piece *piece = NULL;

        for (uint64_t index = from; index < to; index++) {
                const float *frame = frame_at(capture, index);

                if (is_missing(capture, index))
                        continue;
                if (!piece || piece->first + piece->frames != index - from) {
                        if (waveform->n_pieces == STORE_WAVEFORM_PIECES_MAX)
                                return;
                        piece = waveform->pieces + waveform->n_pieces++;
                        *piece = (struct store_piece){.first = (uint32_t)(index - from)};
                }
                piece->frames++;
                for (uint32_t i = 0; i < capture->setup.channels; i++)
                        *sample++ = to_steps((double)frame[i], waveform->scale_uv);
        }
}

/* Best effort: an episode without its picture is an episode. */
static void give(const struct capture *capture, const struct pending *pending, uint64_t to) {
        uint64_t oldest =
                capture->next_index > capture->frames ? capture->next_index - capture->frames : 0;
        uint64_t from = pending->from;
        struct store_waveform *waveform;
        int64_t before_us;

        if (from < oldest)
                from = oldest;
        if (from < capture->first_index)
                from = capture->first_index;
        if (from >= to)
                return;
        waveform = calloc(1, sizeof(*waveform));
        if (!waveform)
                return;
        waveform->samples = calloc((to - from) * capture->setup.channels, sizeof(*waveform->samples));
        if (!waveform->samples) {
                (void)store_waveform_free(waveform);
                return;
        }
        before_us = ((int64_t)pending->onset_index - (int64_t)from) * INT64_C(1000000000) /
                    capture->setup.rate_mhz;
        memcpy(waveform->episode, pending->episode, sizeof(waveform->episode));
        waveform->start_us = pending->onset_us - before_us;
        waveform->rate_mhz = capture->setup.rate_mhz;
        waveform->channels = capture->setup.channels;
        waveform->arbitrary_unit = capture->setup.arbitrary_unit;
        waveform->scale_uv = choose_step(capture, highest_value(capture, from, to));
        copy_pieces(capture, from, to, waveform);
        if (waveform->n_pieces > 0)
                capture->setup.func(waveform, capture->setup.userdata);
        else
                (void)store_waveform_free(waveform);
}

static void give_oldest(struct capture *capture, uint64_t to) {
        struct pending pending = capture->pending[0];

        capture->n_pending--;
        memmove(capture->pending, capture->pending + 1, capture->n_pending * sizeof(pending));
        give(capture, &pending, to);
}

static void give_due(struct capture *capture) {
        while (capture->n_pending > 0 && capture->pending[0].to <= capture->next_index)
                give_oldest(capture, capture->pending[0].to);
}

/* --- taking --- */

static void mark_missing(struct capture *capture, uint64_t from, uint64_t to) {
        if (to - from > capture->frames)
                from = to - capture->frames;
        for (uint64_t index = from; index < to; index++)
                for (uint32_t i = 0; i < capture->setup.channels; i++)
                        frame_at(capture, index)[i] = NAN;
}

void capture_push(struct capture *capture, const struct detector_signal *signal) {
        uint32_t channels = capture->setup.channels;

        if (signal->channels != channels || signal->frames > capture->frames ||
            (capture->begun && signal->index < capture->next_index))
                return;
        if (!capture->begun) {
                capture->begun = true;
                capture->first_index = capture->next_index = signal->index;
        }
        /* What is due before the gap must not be overwritten by it. */
        while (capture->n_pending > 0 && capture->pending[0].to <= signal->index)
                give_oldest(capture, capture->pending[0].to < capture->next_index
                                             ? capture->pending[0].to
                                             : capture->next_index);
        mark_missing(capture, capture->next_index, signal->index);
        for (size_t i = 0; i < signal->frames; i++)
                for (uint32_t k = 0; k < channels; k++)
                        frame_at(capture, signal->index + i)[k] =
                                (float)signal->conditioned_uv[i * channels + k];
        capture->next_index = signal->index + signal->frames;
        give_due(capture);
}

void capture_begin(struct capture *capture, const char *episode, int64_t onset_us, uint64_t onset_index,
                   uint64_t alert_index) {
        uint64_t before = seconds_to_frames(capture, CAPTURE_BEFORE_S);
        uint64_t after = onset_index + seconds_to_frames(capture, CAPTURE_AFTER_S);
        uint64_t after_alert = alert_index + seconds_to_frames(capture, CAPTURE_AFTER_ALERT_S);
        struct pending pending = {
                .onset_us = onset_us,
                .onset_index = onset_index,
                .from = onset_index > before ? onset_index - before : 0,
                .to = after > after_alert ? after : after_alert,
        };

        (void)strncpy(pending.episode, episode, sizeof(pending.episode) - 1);
        if (capture->n_pending == PENDING_MAX)
                give_oldest(capture, capture->next_index);
        capture->pending[capture->n_pending++] = pending;
}

void capture_finish(struct capture *capture) {
        while (capture->n_pending > 0)
                give_oldest(capture, capture->pending[0].to < capture->next_index
                                             ? capture->pending[0].to
                                             : capture->next_index);
}
