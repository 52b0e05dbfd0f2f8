/* SPDX-License-Identifier: MIT */
/*
 * A night: one sensor's monitoring session, from blocks of samples to episodes in real time.
 *
 * Owns the detector and the time base of one sensor: sample index plus an anchor gives microseconds UTC.
 * Knows no bus, no SQLite and no clock: what time it is comes in, rows and events go out through
 * callbacks, all on the caller's thread. Owned by a sensor (sensor.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/detector/detector.h"
#include "daemon/store/store.h"
#include "daemon/store/waveform.h"
#include "sensors/driver.h"

struct night;

enum night_change {
        NIGHT_ALERT_RAISED,
        NIGHT_ALERT_UPDATED, /* more severe, or it has lasted RELIEF_HELP_AFTER_US */
        NIGHT_ALERT_ENDED,
};

struct night_callbacks {
        /* `lasting_us`: stream time since onset. */
        void (*alert)(enum night_change change, const struct store_episode *episode, uint64_t lasting_us,
                      void *userdata);
        /* Why the alert was raised; after it, and again after its end. May be NULL. */
        void (*account)(const struct store_account *account, void *userdata);
        /* The signal around an alert's onset, for the callee to free; about 20 s after it, or at the
         * end. May be NULL. */
        void (*waveform)(struct store_waveform *waveform, void *userdata);
        void (*gap)(const struct store_gap *gap, void *userdata);
        /* The night's row has changed: begun, a minute older, or over. */
        void (*row)(const struct store_night *row, void *userdata);
        /* The samples, as the detector took them; the time is that of the first. May be NULL. */
        void (*signal)(const struct detector_signal *signal, int64_t time_us, void *userdata);
        void (*level)(const struct detector_level *level, int64_t time_us, void *userdata);
};

struct night_setup {
        const char *sensor; /* public id */
        const char *muscle;
        const char *leg;
        const struct stream_format *format;
        enum detector_sensitivity sensitivity;
        double evidence_factor; /* as the detector's; 0 = 1 */
        int64_t start_us;       /* realtime of frame 0 if the source knows it, else 0: the first block's
                                   arrival tells */
        const struct night_callbacks *callbacks;
        void *userdata;
};

/* Returns 0, -EINVAL for a format that the detector cannot take, -ENOMEM. */
int night_new(const struct night_setup *setup, struct night **ret);
/* Ends nothing: see night_finish(). */
struct night *night_free(struct night *night);

/* The owner says that it is worn elsewhere: of episodes that begin from now on. */
void night_set_place(struct night *night, const char *muscle, const char *leg);

/* What rest and the strongest flexing were when the sensor was calibrated: for peaks as shares of that,
 * and for the floor of a stream that begins. NULL, or one without channels: not calibrated. */
void night_set_calibration(struct night *night, const struct store_calibration *calibration);
/* Of each channel of the format, 0 = not calibrated; NULL = none is, or on a stream of another shape. */
const double *night_get_mvc(const struct night *night);
/* "fits"; "moved": rest is not what it was, so the electrodes sit elsewhere; "other-stream": it was made
 * on a stream of another shape or scale; NULL = there is none. */
const char *night_describe_calibration(const struct night *night);
/* What the sensor's accelerometer shows, three values in mg: with the next samples, until it is said
 * anew or for two seconds. NULL: it tells nothing. */
void night_set_motion(struct night *night, const int32_t *motion_mg);
/* Whether the accelerometer is heard now. */
bool night_hears_motion(const struct night *night);
/* With the next samples, until it is said anew: as detector_set_company(). */
void night_set_company(struct night *night, int32_t percent);
/* What this one's samples are to the owner's other sensors, likewise, and CLOCK_BOOTTIME of the last
 * frame that it is about. -1 if it is not known. */
int32_t night_get_company(const struct night *night, int64_t *ret_boot_us);
/* CLOCK_BOOTTIME at which the next frame is expected to be taken. */
int64_t night_get_boot_us(const struct night *night);
/* With the next samples: as detector_set_hold(). */
void night_set_hold(struct night *night, bool held);

/* How much evidence alerts take from now on: as detector_set_evidence(). */
void night_set_evidence(struct night *night, enum detector_sensitivity sensitivity,
                        double evidence_factor);

/* True if a stream of this format can go on in the night after a loss of the link, with its resting
 * floor kept. */
bool night_fits(const struct night *night, const struct stream_format *format);
/* The stream begins anew: the next block's index counts from 0; the time without a stream becomes a gap.
 */
void night_resume(struct night *night);

/* Boot time at which the stream's frame 0 was taken, by the sample clock: times follow it, slowly.
 * Without it they keep to the first block's arrival and the nominal rate. */
void night_set_origin(struct night *night, int64_t origin_us);
/* `arrival_us`: CLOCK_BOOTTIME at which the block's last frame arrived. `realtime_us`: what
 * CLOCK_REALTIME is ahead of CLOCK_BOOTTIME now; only the first block's counts, so a clock that is set
 * at night moves no episode. */
void night_push(struct night *night, const struct emg_block *block, int64_t arrival_us,
                int64_t realtime_us);

/* Ends an open episode and the night. `end_reason`: as in History, "signal-lost", "stream-end" or
 * "stopped". */
void night_finish(struct night *night, const char *end_reason);

const struct stream_format *night_get_format(const struct night *night);
/* Of the channel in which a cramp could be seen, if there is one; else of the first. */
enum detector_quality night_get_quality(const struct night *night);
/* Of each channel of the format. */
const enum detector_quality *night_get_qualities(const struct night *night);
enum detector_state night_get_state(const struct night *night);
/* As the detector's. */
double night_get_again_factor(const struct night *night);
/* The episode that is open now, or NULL. */
const struct store_episode *night_get_episode(const struct night *night, uint64_t *ret_lasting_us);
/* Stream time received so far in which a cramp could be seen. */
uint64_t night_get_monitored_us(const struct night *night);
