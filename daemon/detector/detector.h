/* SPDX-License-Identifier: MIT */
/*
 * The cramp detector: samples in, events out.
 *
 * Owns conditioning, resting floor, evidence and states of one sensor (any number of channels over one
 * muscle group). Needs nothing but the C language: no clock, file, bus or store, no allocation after
 * detector_new(), no libm call in a decision, so that the same samples give the same events on every
 * machine and however they are cut into chunks. Called by the daemon's night, by `crampctl analyze` and
 * by tests.
 *
 * Time is the sample index (frame number since the stream started); a jump in it is a gap. All results
 * refer to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DETECTOR_RATE_MIN_MHZ UINT32_C(200000)         /* 200 Hz, in millihertz */
#define DETECTOR_RATE_MAX_MHZ UINT32_C(2000000)        /* 2000 Hz */
#define DETECTOR_ENVELOPE_RATE_MIN_MHZ UINT32_C(20000) /* 20 Hz: a value in each 50 ms */
#define DETECTOR_CHANNELS_MAX 256u
#define DETECTOR_COMPANY_MAX 30000 /* percent of rest; no muscle rises as high */

enum detector_input {
        DETECTOR_RAW,      /* EMG */
        DETECTOR_ENVELOPE, /* rectified and smoothed by the sensor: nothing is filtered, and there is no
                              spectrum */
};

/*
 * How much evidence an alert takes, in three steps. Their factors are in tuning.h, what they do on
 * simulated nights is in tests/evaluate/README.md.
 */
enum detector_sensitivity {
        DETECTOR_SENSITIVITY_NORMAL,
        DETECTOR_SENSITIVITY_LOW,  /* fewer false alarms, later alerts */
        DETECTOR_SENSITIVITY_HIGH, /* earlier alerts, more false alarms */
        DETECTOR_SENSITIVITY_MAX
};

/* What setup.evidence_factor may be. */
#define DETECTOR_EVIDENCE_FACTOR_MIN 0.5
#define DETECTOR_EVIDENCE_FACTOR_MAX 2.0

struct detector;

enum detector_state {
        DETECTOR_REST,       /* nothing, or not enough seen yet */
        DETECTOR_SUSPECTED,  /* evidence is building up */
        DETECTOR_CRAMP,      /* alert raised, the muscle is still active */
        DETECTOR_RECOVERING, /* ended; the level is not yet back at rest */
        DETECTOR_STATE_MAX
};

enum detector_event_type {
        DETECTOR_EVENT_SUSPECTED, /* only onset and channel are set */
        DETECTOR_EVENT_DISMISSED, /* the suspicion did not hold */
        DETECTOR_EVENT_ALERT,     /* a cramp: everything but end is set, as known so far */
        DETECTOR_EVENT_UPDATE,    /* severity rose while the cramp lasts */
        DETECTOR_EVENT_END,       /* everything is set, over the whole episode */
        DETECTOR_EVENT_TYPE_MAX
};

/*
 * Highest level (1 s RMS) over rest: mild below 3.2 times (the mean rise before waking, Chaney &
 * Sherman: +217 %), strong from 8 times.
 */
enum detector_severity { DETECTOR_MILD, DETECTOR_MODERATE, DETECTOR_STRONG, DETECTOR_SEVERITY_MAX };

enum detector_end_reason {
        DETECTOR_END_SUBSIDED, /* the level fell back, or kept so still for minutes that it must be a new
                                  rest */
        DETECTOR_END_SIGNAL_LOST, /* a gap too long to say, or what was left was no muscle */
        DETECTOR_END_STREAM_END,  /* detector_finish() while it lasted */
        DETECTOR_END_REASON_MAX
};

/* Whether a cramp could be seen in a channel, and if not, why. Of envelopes only that they are dead or
 * lost is told: they show neither lines nor limits. */
enum detector_quality {
        DETECTOR_QUALITY_GOOD,
        DETECTOR_QUALITY_NOISY,         /* rest is too loud (30 uV and more: Moore et al. 2014) */
        DETECTOR_QUALITY_MAINS,         /* more than half of the power is mains or another tone */
        DETECTOR_QUALITY_SATURATED,     /* stands or clips at a limit of the converter */
        DETECTOR_QUALITY_ELECTRODE_OFF, /* fell far below its own rest, or jumped and stands still */
        DETECTOR_QUALITY_DEAD,          /* no muscle in it: constant, or white amplifier noise */
        DETECTOR_QUALITY_NO_DATA,       /* too much is lost to measure it, or to learn its rest */
        DETECTOR_QUALITY_MAX
};

#define DETECTOR_ACCOUNT_POINTS 64u

/* Why an alert was raised: the evidence of its leading channel, since that last rose from nothing. */
struct detector_account {
        enum detector_sensitivity sensitivity;
        double evidence_factor; /* on top of the step */
        double again_factor; /* on both: less than 1 in the hour after a cramp, when another is likelier
                              */
        double needed_s; /* evidence that the alert took with all of these, in seconds of a strong cramp
                          */
        uint64_t from_index; /* first frame of that evidence; the onset is looked for before it */
        double active_s;     /* from there to the alert */
        double unbroken_s;   /* of these, since the last dip too long to bridge */
        double ratio_alert;  /* level (1 s RMS) over rest, at the alert */
        double ratio_peak;   /* the highest since onset */
        uint32_t bridged;    /* dips short enough to be bridged */
        uint32_t dips;       /* longer ones, which count against */
        double together;     /* mean share of the other channels that rose too, 0-1, other sensors'
                                included; negative: there was none that could tell */
        double moved; /* how far it rose with a movement of the limb, 0-1; negative: no accelerometer
                         told */
        double slow;  /* how far slow voltage beside the muscle's, as moved electrodes and cables bring
                         it, counted against it: mean, 0-1; negative: there was none to learn from */
        uint64_t took_part; /* bit n: channel n rises at the alert, at least half as much as the leading
                               one (channels 0-63) */
        enum detector_quality quality; /* of the leading channel at the alert */
        uint32_t points, point_frames; /* the evidence every so many frames, from from_index on */
        double score_s[DETECTOR_ACCOUNT_POINTS];
};

struct detector_event {
        enum detector_event_type type;
        uint32_t channel;     /* the leading channel */
        uint64_t onset_index; /* first frame of the activity */
        uint64_t alert_index; /* the frame whose arrival decided: everything up to and including it was
                                 needed */
        uint64_t end_index;   /* first frame after the activity */
        enum detector_severity severity;
        enum detector_end_reason end_reason;
        double peak_uv;   /* highest 150 ms RMS of the leading channel since onset, in units of its scale
                           */
        double rest_uv;   /* resting floor of that channel at onset */
        double median_hz; /* median frequency of its power spectrum 20 Hz to band edge, mains left out; 0
                             = unknown */
        double confidence;                      /* 0-1; a score of the evidence, not a probability */
        const struct detector_account *account; /* of alerts and ends, for the call's time; else NULL */
};

/* State and level on a fixed grid of about 50 ms, for live views. */
struct detector_level {
        uint64_t index;  /* first frame after the interval */
        uint32_t frames; /* its length */
        enum detector_state state;
        uint32_t channels;
        const double *envelope_uv;            /* 150 ms RMS per channel */
        const double *level_uv;               /* 1 s RMS per channel, or of what there is since a gap */
        const double *floor_uv;               /* resting floor per channel; 0 while unknown */
        const enum detector_quality *quality; /* per channel */
};

/* The signal that the levels are made of, in pieces of at most 50 ms, for those who want to see it. */
struct detector_signal {
        uint64_t index; /* of the first frame */
        size_t frames;
        uint32_t channels;
        const int32_t *counts;        /* as pushed, interleaved */
        const double *conditioned_uv; /* interleaved: band-passed, mains taken out; envelopes: scaled */
        const int32_t *motion;        /* what the accelerometer shows: three counts; NULL = not known */
        int32_t company_percent;      /* as detector_set_company() has it */
};

typedef void (*detector_signal_func)(const struct detector_signal *signal, void *userdata);
typedef void (*detector_event_func)(const struct detector_event *event, void *userdata);
typedef void (*detector_level_func)(const struct detector_level *level, void *userdata);

struct detector_setup {
        enum detector_input input;
        uint32_t rate_mhz; /* DETECTOR_RATE_MIN_MHZ (of envelopes theirs) .. DETECTOR_RATE_MAX_MHZ */
        uint32_t channels; /* 1 .. DETECTOR_CHANNELS_MAX */
        /* Microvolts per count, one per channel, 1e-12 .. 1e12. Of an arbitrary unit better 1 per count:
         * rest below 0.25 (microvolts) is not believed. */
        const double *scale_uv;
        bool arbitrary_unit; /* what the scale gives are not microvolts: no level is compared with one */
        double motion_scale_g; /* g per count of the accelerometer, if there is one; else 0 */
        enum detector_sensitivity sensitivity;
        double evidence_factor;         /* on top of the step: more than 1 takes more evidence; 0 = 1 */
        detector_event_func on_event;   /* must not call the detector */
        detector_level_func on_level;   /* likewise; may be NULL */
        detector_signal_func on_signal; /* likewise; may be NULL */
        void *userdata;
};

/* Returns 0, -EINVAL for a set-up out of range, -ENOMEM. */
int detector_new(const struct detector_setup *setup, struct detector **ret);
struct detector *detector_free(struct detector *detector);

/* Changes step and factor from the next hop on; what is learnt and an open episode stay. Returns 0 or
 * -EINVAL. */
int detector_set_evidence(struct detector *detector, enum detector_sensitivity sensitivity,
                          double evidence_factor);

/*
 * What an accelerometer on the limb shows, three counts, from the frame that is pushed next on until it
 * is said anew; NULL: it tells nothing. Which way the axes lie does not matter. While the limb moves
 * evidence does not grow, what rose with a movement counts less for a while, and a limb that is still
 * supports a cramp. Without it (or without a scale in the set-up) nothing is other than before, bit for
 * bit.
 */
void detector_set_motion(struct detector *detector, const int32_t *counts);

/*
 * What the owner's other sensors show, from the frame that is pushed next on until it is said anew: the
 * level over rest of the channel that rises most, in percent (100 = rest; up to DETECTOR_COMPANY_MAX);
 * negative: not known. It counts as one more channel. Not known, which it is at first, it changes
 * nothing, bit for bit.
 */
void detector_set_company(struct detector *detector, int32_t percent);
/* What such a level is to the detectors of the other sensors; -1 if no channel is good and has a resting
 * floor. */
int32_t detector_company_percent(const struct detector_level *level);
/* Whether that is a rise at all. */
bool detector_company_rises(int32_t percent);

/*
 * What each channel's rest was when it was calibrated, in units of its scale; 0 = not known, NULL = of
 * none. Where a stream begins anew it stands for the floor until that has been learnt (which takes 3 s),
 * but only in a channel that was seen at about this level first: electrodes move.
 */
void detector_set_rest(struct detector *detector, const double *rest_uv);

/*
 * From now on the wearer moves because they were asked to: until it is taken back, nothing counts as
 * evidence and no floor is learnt. A suspicion is dismissed. -EBUSY while a cramp lasts: that is seen to
 * its end.
 */
int detector_set_hold(struct detector *detector, bool held);

/*
 * Takes `frames` frames of interleaved counts, the first of which has number `index`. An index beyond
 * the one expected next is a gap. Events are delivered from within the call. Returns 0; -ESTALE when the
 * index lies before the one expected (nothing is taken then); -EINVAL when index + frames overflows.
 */
int detector_push(struct detector *detector, uint64_t index, const int32_t *counts, size_t frames);

/* Tells that the stream has ended: an open episode ends with DETECTOR_END_STREAM_END. Further pushes
 * start anew. */
void detector_finish(struct detector *detector);

enum detector_state detector_get_state(const struct detector *detector);

/* What the evidence that an alert takes is multiplied by now: less than 1 in the hour after a cramp. */
double detector_get_again_factor(const struct detector *detector);

/* Version of the algorithm; changes whenever the same samples may give other events. */
const char *detector_version(void);

/* Evidence that an alert takes at that step and factor, in seconds of a strong cramp, but for the hour
 * after one. */
double detector_needed_s(enum detector_sensitivity sensitivity, double evidence_factor);
const char *detector_sensitivity_to_string(enum detector_sensitivity sensitivity);
/* -EINVAL if there is no such step. */
int detector_sensitivity_from_string(const char *name);
const char *detector_state_to_string(enum detector_state state);
const char *detector_severity_to_string(enum detector_severity severity);
const char *detector_quality_to_string(enum detector_quality quality);
const char *detector_end_reason_to_string(enum detector_end_reason reason);
