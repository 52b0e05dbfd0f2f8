/* SPDX-License-Identifier: MIT */
/*
 * One channel, from counts to levels: conditioning, mains, envelope, spectra, and whether anything can
 * be told from it at the moment. Needs condition, mains, spectrum, envelope, floor, evidence; called by
 * detector.c, read by episode.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/detector/artefact.h"
#include "daemon/detector/condition.h"
#include "daemon/detector/envelope.h"
#include "daemon/detector/evidence.h"
#include "daemon/detector/floor.h"
#include "daemon/detector/mains.h"
#include "daemon/detector/newrest.h"
#include "daemon/detector/quality.h"
#include "daemon/detector/spectrum.h"
#include "daemon/detector/trail.h"

/* What all channels share. */
struct channel_plan {
        struct grid grid;
        bool is_envelope; /* the counts are levels already: no conditioning, mains or spectrum */
        struct condition_plan condition;
        struct spectrum spectrum;
        uint32_t floor_values; /* independent ones behind each hop */
        uint32_t settle_hops, block_hops, idle_hops, stuck_hops, flat_hops, lost_hops;
        double *scratch_uv; /* one hop */
};

struct channel {
        double scale_uv;
        struct condition condition;
        struct mains mains;
        struct envelope envelope;
        struct floor floor;
        double prior_uv; /* what rest was when it was calibrated; 0 = not known */
        struct artefact artefact;
        struct newrest newrest;
        struct evidence evidence;
        struct trail trail;

        /* The hop in progress. */
        double squares;
        double count_sum;
        int32_t count_min, count_max;

        /* Rings of one spectrum's block: before the cancelling of mains, to find them in, and after. */
        double *raw_block, *block;
        size_t block_next, block_filled;
        double *spectrum_sum; /* over the spectra of the present run */
        uint32_t spectra;
        uint32_t hops_since_spectrum;
        double tone_share;
        uint32_t drowned_hops; /* for so long mains leave nothing else to be told */
        uint32_t absent_hops;  /* for so long nothing could be told of the muscle */

        uint32_t settling; /* hops left during which nothing is concluded */
        uint32_t flat_hops;
        double typical_count; /* slow mean of the counts, while they move */
        bool typical_known;
        bool stuck;

        /* The hop's samples at the extremes before it; and these. */
        uint32_t limit_hits;
        int32_t lowest, highest;
        bool white; /* the last spectrum at rest was */
        bool in_microvolts;
        struct quality quality;
};

int channel_plan_init(struct channel_plan *plan, uint32_t rate_mhz, bool is_envelope);
void channel_plan_done(struct channel_plan *plan);

int channel_init(struct channel *channel, const struct channel_plan *plan, double scale_uv,
                 bool in_microvolts);
void channel_done(struct channel *channel);

/* Forgets everything. */
void channel_reset(struct channel *channel, const struct channel_plan *plan);

/* Starts anew at this count, `gap` frames after the last; what was learnt stays. */
void channel_restart(struct channel *channel, const struct channel_plan *plan, int32_t first,
                     uint64_t gap);

/* Takes n counts, `stride` apart, all within one hop. */
void channel_push(struct channel *channel, struct channel_plan *plan, const int32_t *counts,
                  size_t stride, size_t n);

/* Closes the hop; `last` is its last count. */
void channel_close_hop(struct channel *channel, struct channel_plan *plan, int32_t last);

/* Whether there is an envelope at all: not settling, not at a rail. */
bool channel_is_measured(const struct channel *channel);

/* Whether it stands still as files and sensors do that have nothing to tell; for much longer it is all
 * that there is. */
bool channel_is_held(const struct channel *channel, const struct channel_plan *plan);

/* Whether it also tells about the muscle: it is no tone. */
bool channel_is_present(const struct channel *channel);

/* Whether its electrode hangs in the air, as far as one can tell: that it shows nothing says nothing. */
bool channel_is_off(const struct channel *channel);

/* What counts as its rest: the floor, or what an episode has left behind. */
double channel_rest_uv(const struct channel *channel);

/* What a muscle adds to that, as powers add up: the root of the difference of squares. */
double channel_muscle_uv(const struct channel *channel, double rest_uv);

/* Forgets the spectra summed so far. */
void channel_restart_spectrum(struct channel *channel, const struct channel_plan *plan);

/* Median frequency over the spectra summed so far; 0 = unknown. */
double channel_median_hz(const struct channel *channel, struct channel_plan *plan);
