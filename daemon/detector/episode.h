/* SPDX-License-Identifier: MIT */
/*
 * The states rest, suspected, cramp, recovering, and what is known of the episode that lasts: decided
 * once per hop from the evidence of the channels. Needs channel and history; called by detector.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/detector/channel.h"
#include "daemon/detector/detector.h"
#include "daemon/detector/history.h"

/* Ten-second means of the level, to tell a floor that has moved from a muscle. */
struct episode_steadiness {
        uint32_t hops;
        double squares;
        unsigned means, next;
        double level_uv[TUNING_STEADY_MEANS];
};

struct episode {
        enum detector_state state;
        uint32_t lead;    /* the channel that decided */
        uint32_t watched; /* whose end is waited for: the lead, or one that cramps beyond its end */
        double watched_rest_uv;
        uint64_t state_hops; /* in this state */
        uint64_t onset_index, alert_index;
        double peak_uv, rest_uv, peak_level_uv;
        double together, dips; /* of the lead's evidence, while the activity lasts */
        enum detector_severity severity;
        double level_uv; /* the usual level of the episode */
        double absence_s, lost_s, recovered_s;
        uint64_t absence_index, lost_index;
        struct episode_steadiness steadiness;
        bool had_one;                    /* a cramp has ended, */
        uint64_t again_until_index;      /* and up to this frame another is likelier */
        struct detector_account account; /* of the alert */
};

/* What an episode is decided from and tells to. */
struct episode_context {
        struct channel_plan *plan;
        struct channel *channels;
        uint32_t channel_count;
        struct history *history;
        uint64_t end_index; /* first frame after the hop */
        double alert_s;     /* evidence that an alert takes, if there was no cramp before */
        enum detector_sensitivity sensitivity; /* of which it is made */
        double evidence_factor;
        bool has_motion; /* there is an accelerometer */
        detector_event_func on_event;
        void *userdata;
};

void episode_reset(struct episode *episode);

/* What that is multiplied by at this frame: in the hour after a cramp another is likelier. */
double episode_again_factor(const struct episode *episode, uint64_t index);

/* Evidence that an alert takes now. */
double episode_needed_s(const struct episode *episode, const struct episode_context *context);

/* One hop later. */
void episode_step(struct episode *episode, const struct episode_context *context);

/* The signal was missing for too long to hold on to a suspicion. */
void episode_break(struct episode *episode, const struct episode_context *context);

/* Likewise from this frame on, for too long to hold on to a cramp. */
void episode_lose(struct episode *episode, const struct episode_context *context, uint64_t index);

/* The stream ends with this frame. */
void episode_finish(struct episode *episode, const struct episode_context *context, uint64_t index);
