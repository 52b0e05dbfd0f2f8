/* SPDX-License-Identifier: MIT */
/*
 * One table of functions for every detector under evaluation: samples in, alarms out. A rival runs all
 * of its settings over the same samples at once. Needs detector.h; implemented by rival-*.c, called by
 * night.c.
 *
 * crampd's own detector (rival-detector.c) takes the counts as the sensor gives them. The rivals take
 * them as crampd conditions them (band-passed, mains cancelled), so that decisions are compared and not
 * filters.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/detector/detector.h"

/* Times are frame numbers. Told when it has ended. */
struct rival_alarm {
        uint64_t onset_index, alert_index, end_index;
};

typedef void (*rival_alarm_func)(size_t setting, const struct rival_alarm *alarm, void *userdata);

struct rival_setup {
        unsigned rate_hz, channels;
        double scale_uv;
        double motion_scale_g; /* of the accelerometer, if there is one; else 0 */
        rival_alarm_func on_alarm;
        void *userdata;
};

struct rival;
struct rival_kind;

/* How a decision is set; what is 0 is not used by that kind. */
struct rival_setting {
        double threshold; /* see the kind's `unit` */
        double hold_s;    /* unbroken time from the onset to the alert */
        double bridge_s;  /* breaks up to this are bridged */
};

struct rival_kind {
        const char *name;
        const char *source; /* author, year */
        const char *unit;   /* of the threshold; NULL: has none */
        size_t n_settings;
        unsigned channels_min; /* makes no sense with fewer */
        struct rival_setting (*setting)(const struct rival_kind *kind, size_t setting);
        /* The setting that stands for the kind in tables: closest to what the paper says. */
        size_t usual;
        const void *data;

        /* Returns 0, -ENOMEM or -EINVAL. */
        int (*new)(const struct rival_kind *kind, const struct rival_setup *setup, struct rival **ret);
        struct rival *(*free)(struct rival *rival);
        /* Pieces of at most 50 ms, in order; a jump of the index is a gap. */
        void (*push)(struct rival *rival, const struct detector_signal *signal);
        void (*finish)(struct rival *rival);
};

/* The first member of every rival. */
struct rival {
        const struct rival_kind *kind;
        struct rival_setup setup;
};

extern const struct rival_kind rival_hodges, rival_tkeo, rival_plmad, rival_ratio, rival_ratio_alone,
        rival_envelope;
