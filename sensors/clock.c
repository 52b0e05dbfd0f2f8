/* SPDX-License-Identifier: MIT */
/* The sample clock of one stream: see clock.h. */
#include "sensors/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Delays are looked at over the last BUCKETS x BUCKET_US of stream time: long enough for radio to
 * deliver something without delay, short enough for a clock that is off by 0.1 % not to show. */
#define BUCKETS 4u
#define BUCKET_US UINT64_C(1500000)
/* Later than this share of a slip is late. */
#define LATE_PERCENT 75u
/* Two connection intervals' longest beat against a packet's, as far as it matters. */
#define AMBIGUOUS_HOLD_US UINT64_C(320000)
#define JITTER_FORGET 256u
/* To tell candidates apart, 1.2 s do; a rate that nobody knows takes ten. */
#define CHOOSE_US UINT64_C(1200000)
#define MEASURE_US UINT64_C(10000000)
#define CHOOSE_TOLERANCE 0.2
#define MEASURE_TOLERANCE 0.3
#define HELD_BLOCKS_MAX 1024u
#define HELD_VALUES_MAX 32768u
#define ERROR_AFTER_US UINT64_C(60000000)

struct held_block {
        struct emg_block block; /* counts: into `values` */
        uint64_t arrival_us;
        size_t values_at;
};

struct sample_clock {
        sample_clock_func func;
        void *userdata;

        struct stream_format format;
        bool measuring;   /* the rate is not known yet */
        bool free;        /* STREAM_RATE_NONE */
        uint64_t shift;   /* frames that slips have added */
        uint64_t slip_us; /* 0 = there are none */

        struct held_block held[HELD_BLOCKS_MAX];
        size_t n_held;
        int32_t values[HELD_VALUES_MAX];
        size_t n_values;
        /* Of those held because they are late. */
        int64_t least_late_us, most_late_us;
        uint64_t late_since_us;
        uint64_t jitter_us;

        /* Least delays, as origins: boot time of frame 0. */
        int64_t buckets[BUCKETS];
        uint64_t bucket; /* number of the running one */
        bool has_origin;
        uint64_t stream_us; /* up to the last frame */
        int64_t first_origin_us;
        uint64_t first_us; /* where that was */
        bool has_first;

        /* Free samples. */
        uint64_t grid_index;
        uint64_t grid_begin_us;
        bool has_value;
        int32_t value[STREAM_CHANNELS_MAX];
        uint64_t value_us;

        struct sample_clock_stats stats;
};

int sample_clock_new(sample_clock_func func, void *userdata, struct sample_clock **ret) {
        struct sample_clock *clock = calloc(1, sizeof(*clock));

        if (!clock)
                return -ENOMEM;
        clock->func = func;
        clock->userdata = userdata;
        *ret = clock;
        return 0;
}

struct sample_clock *sample_clock_free(struct sample_clock *clock) {
        free(clock);
        return NULL;
}

static uint64_t frames_to_us(const struct sample_clock *clock, uint64_t frames) {
        return stream_frames_to_us(clock->format.rate_mhz, frames);
}

static void rate_settle(struct sample_clock *clock, uint32_t rate_mhz) {
        clock->format.rate = STREAM_RATE_KNOWN;
        clock->format.rate_mhz = rate_mhz;
        clock->measuring = false;
        clock->slip_us = frames_to_us(clock, clock->format.slip_frames);
}

void sample_clock_begin(struct sample_clock *clock, const struct stream_format *format,
                        uint32_t known_rate_mhz) {
        sample_clock_func func = clock->func;
        void *userdata = clock->userdata;

        memset(clock, 0, sizeof(*clock)); /* too large for a literal on the stack */
        clock->func = func;
        clock->userdata = userdata;
        clock->format = *format;
        clock->stats.error_ppm = (double)NAN;
        clock->free = format->rate == STREAM_RATE_NONE;
        if (clock->free)
                clock->format.rate_mhz = CLOCK_GRID_MHZ;
        if (format->rate == STREAM_RATE_GUESSED && known_rate_mhz == 0)
                clock->measuring = true;
        else if (format->rate == STREAM_RATE_GUESSED)
                rate_settle(clock, known_rate_mhz);
        else if (!clock->free)
                rate_settle(clock, format->rate_mhz);
}

/* --- the origin --- */

static int64_t origin_get(const struct sample_clock *clock) {
        int64_t least = clock->buckets[0];

        for (unsigned i = 1; i < BUCKETS; i++)
                if (clock->buckets[i] < least)
                        least = clock->buckets[i];
        return least;
}

static void error_estimate(struct sample_clock *clock) {
        if (clock->bucket < BUCKETS)
                return;
        if (!clock->has_first) {
                clock->first_origin_us = clock->stats.origin_us;
                clock->first_us = clock->stream_us;
                clock->has_first = true;
        } else if (clock->stream_us - clock->first_us >= ERROR_AFTER_US) {
                int64_t wandered_us = clock->stats.origin_us - clock->first_origin_us;

                clock->stats.error_ppm =
                        -(double)wandered_us * 1e6 / (double)(clock->stream_us - clock->first_us);
        }
}

/* A frame's arrival says that frame 0 was taken at this time or before. */
static void origin_take(struct sample_clock *clock, int64_t origin_us, uint64_t stream_us) {
        uint64_t bucket = stream_us / BUCKET_US;

        if (!clock->has_origin)
                for (unsigned i = 0; i < BUCKETS; i++)
                        clock->buckets[i] = origin_us;
        clock->has_origin = true;
        clock->stream_us = stream_us;
        if (bucket != clock->bucket) {
                /* The new one begins with what is known, so that a late start means nothing. */
                clock->bucket = bucket;
                clock->buckets[bucket % BUCKETS] = origin_us;
        } else if (origin_us < clock->buckets[bucket % BUCKETS])
                clock->buckets[bucket % BUCKETS] = origin_us;
        clock->stats.origin_us = origin_get(clock);
        error_estimate(clock);
}

/* --- holding --- */

static void block_give(struct sample_clock *clock, const struct emg_block *block, uint64_t arrival_us) {
        struct emg_block settled = *block;

        settled.index += clock->shift;
        clock->func(&settled, arrival_us, clock->userdata);
}

static void held_give(struct sample_clock *clock) {
        for (size_t i = 0; i < clock->n_held; i++) {
                struct held_block *held = &clock->held[i];

                held->block.counts = clock->values + held->values_at;
                block_give(clock, &held->block, held->arrival_us);
        }
        clock->n_held = 0;
        clock->n_values = 0;
}

static bool block_fits(const struct sample_clock *clock, const struct emg_block *block) {
        return clock->n_held < HELD_BLOCKS_MAX &&
               clock->n_values + (size_t)block->frames * block->channels <= HELD_VALUES_MAX;
}

static void block_hold(struct sample_clock *clock, const struct emg_block *block, uint64_t arrival_us) {
        size_t values = (size_t)block->frames * block->channels;

        memcpy(clock->values + clock->n_values, block->counts, values * sizeof(*clock->values));
        clock->held[clock->n_held++] = (struct held_block){*block, arrival_us, clock->n_values};
        clock->n_values += values;
}

/* --- slips --- */

static int64_t block_origin(const struct sample_clock *clock, const struct emg_block *block,
                            uint64_t arrival_us) {
        return (int64_t)arrival_us -
               (int64_t)frames_to_us(clock, block->index + clock->shift + block->frames);
}

static void slips_give(struct sample_clock *clock, uint64_t slips) {
        clock->shift += slips * clock->format.slip_frames;
        held_give(clock);
}

/* All that are held stay late: as many slips were lost as fit best. */
static void slips_take(struct sample_clock *clock) {
        slips_give(clock, ((uint64_t)clock->least_late_us + clock->slip_us / 2) / clock->slip_us);
}

/* Where packets usually wait for as long as a slip lasts, only a longer look tells how many were lost;
 * until then it is known that there was a loss, and of how many at least. */
static void slips_look(struct sample_clock *clock, uint64_t arrival_us) {
        bool ambiguous = clock->jitter_us * 2 >= clock->slip_us;
        uint64_t waited_us = arrival_us - clock->late_since_us;
        uint64_t whole = (uint64_t)clock->least_late_us / clock->slip_us;

        if (waited_us >= (ambiguous ? AMBIGUOUS_HOLD_US : CLOCK_HOLD_US))
                slips_take(clock);
        else if (waited_us >= CLOCK_HOLD_US && whole >= 2)
                slips_give(clock, whole - 1);
}

/* How long packets usually wait; forgotten within some hundred packets. */
static void jitter_take(struct sample_clock *clock, int64_t late_us) {
        clock->jitter_us -= clock->jitter_us / JITTER_FORGET;
        if (late_us > (int64_t)clock->jitter_us)
                clock->jitter_us = (uint64_t)late_us;
}

/* One that is much later than those before it begins the wait anew: the radio has paused meanwhile, and
 * what they were late by then says nothing. */
static void late_note(struct sample_clock *clock, int64_t late_us, uint64_t arrival_us) {
        if (clock->n_held == 0 || late_us > clock->most_late_us + (int64_t)clock->slip_us / 2) {
                clock->late_since_us = arrival_us;
                clock->least_late_us = clock->most_late_us = late_us;
        }
        if (late_us < clock->least_late_us)
                clock->least_late_us = late_us;
        if (late_us > clock->most_late_us)
                clock->most_late_us = late_us;
}

static void known_push(struct sample_clock *clock, const struct emg_block *block, uint64_t arrival_us) {
        uint64_t stream_us = frames_to_us(clock, block->index + clock->shift + block->frames);
        int64_t origin_us = block_origin(clock, block, arrival_us);
        int64_t late_us = clock->has_origin ? origin_us - clock->stats.origin_us : 0;
        bool late = clock->slip_us > 0 && late_us * 100 >= (int64_t)(clock->slip_us * LATE_PERCENT);

        if (!late) {
                held_give(clock);
                origin_take(clock, origin_us, stream_us);
                jitter_take(clock, late_us);
                block_give(clock, block, arrival_us);
                return;
        }
        if (!block_fits(clock, block))
                slips_take(clock);
        late_note(clock, late_us, arrival_us);
        block_hold(clock, block, arrival_us);
        slips_look(clock, arrival_us);
}

/* --- a rate that is not known --- */

/* What makes no sense was measured over a radio that kept everything back: the guess stays. */
static uint32_t rate_choose(const struct stream_format *format, double rate_hz) {
        for (unsigned i = 0; i < STREAM_RATES_MAX && format->rates_mhz[i] != 0; i++)
                if (fabs(rate_hz * 1000 / format->rates_mhz[i] - 1) < CHOOSE_TOLERANCE)
                        return format->rates_mhz[i];
        if (!(fabs(rate_hz * 1000 / format->rate_mhz - 1) < MEASURE_TOLERANCE))
                return format->rate_mhz;
        return (uint32_t)(rate_hz * 1000 + 0.5);
}

/* Each half's least delayed block stands for it: delays then matter little. */
static double rate_measure(const struct sample_clock *clock) {
        size_t half = clock->n_held / 2, best[2] = {0, half};

        for (unsigned part = 0; part < 2; part++)
                for (size_t i = part * half; i < (part ? clock->n_held : half); i++) {
                        const struct held_block *a = &clock->held[i], *b = &clock->held[best[part]];
                        double guess_us = 1e9 / clock->format.rate_mhz;
                        double delay_a = (double)a->arrival_us - (double)a->block.index * guess_us;
                        double delay_b = (double)b->arrival_us - (double)b->block.index * guess_us;

                        if (delay_a < delay_b)
                                best[part] = i;
                }
        return (double)(clock->held[best[1]].block.index - clock->held[best[0]].block.index) * 1e6 /
               (double)(clock->held[best[1]].arrival_us - clock->held[best[0]].arrival_us);
}

static void measure_finish(struct sample_clock *clock) {
        struct emg_block block;
        static const size_t few = 8;

        rate_settle(clock, clock->n_held >= few ? rate_choose(&clock->format, rate_measure(clock))
                                                : clock->format.rate_mhz);
        for (size_t i = 0; i < clock->n_held; i++) {
                block = clock->held[i].block;
                origin_take(clock, block_origin(clock, &block, clock->held[i].arrival_us),
                            frames_to_us(clock, block.index + block.frames));
        }
        held_give(clock);
}

static void measuring_push(struct sample_clock *clock, const struct emg_block *block,
                           uint64_t arrival_us) {
        uint64_t enough_us = clock->format.rates_mhz[0] != 0 ? CHOOSE_US : MEASURE_US;

        if (!block_fits(clock, block)) {
                measure_finish(clock);
                known_push(clock, block, arrival_us);
                return;
        }
        block_hold(clock, block, arrival_us);
        if (arrival_us - clock->held[0].arrival_us >= enough_us)
                measure_finish(clock);
}

/* --- no rate at all --- */

static void grid_fill(struct sample_clock *clock, uint64_t until_us, uint64_t arrival_us) {
        uint64_t stands_until_us = clock->value_us + CLOCK_STAND_US;
        uint64_t next_us;

        while ((next_us = clock->grid_begin_us + frames_to_us(clock, clock->grid_index + 1)) <=
               until_us) {
                const struct emg_block block = {
                        .index = clock->grid_index,
                        .frames = 1,
                        .channels = clock->format.channels,
                        .counts = clock->value,
                };

                clock->grid_index++;
                if (next_us <= stands_until_us)
                        clock->func(&block, arrival_us, clock->userdata);
        }
}

static void free_push(struct sample_clock *clock, const struct emg_block *block, uint64_t arrival_us) {
        const int32_t *last = block->counts + (size_t)(block->frames - 1) * block->channels;

        if (!clock->has_value)
                clock->grid_begin_us = arrival_us;
        else
                grid_fill(clock, arrival_us, arrival_us);
        /* Of several that come together, the latest counts. */
        memcpy(clock->value, last, block->channels * sizeof(*clock->value));
        clock->value_us = arrival_us;
        clock->has_value = true;
        clock->stats.origin_us = (int64_t)clock->grid_begin_us;
}

void sample_clock_push(struct sample_clock *clock, const struct emg_block *block, uint64_t arrival_us) {
        if (block->channels != clock->format.channels || block->frames == 0)
                return;
        if (clock->free)
                free_push(clock, block, arrival_us);
        else if (clock->measuring)
                measuring_push(clock, block, arrival_us);
        else
                known_push(clock, block, arrival_us);
}

void sample_clock_flush(struct sample_clock *clock) {
        if (clock->measuring && clock->n_held > 0)
                measure_finish(clock);
        else
                held_give(clock);
}

const struct stream_format *sample_clock_get_format(const struct sample_clock *clock) {
        return &clock->format;
}

void sample_clock_get_stats(const struct sample_clock *clock, struct sample_clock_stats *ret) {
        *ret = clock->stats;
}
