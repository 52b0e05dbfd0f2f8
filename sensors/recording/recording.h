/* SPDX-License-Identifier: MIT */
/*
 * A recording of muscle activity on disk, read as digital samples: EDF, EDF+C and BDF(+C) through
 * EDFlib, and CSV. All selected channels have one rate. Used by `crampctl analyze`, the virtual sensors
 * and tests; never on the daemon's loop.
 *
 * Physical CSV values become counts of 0.01 uV by exact decimal arithmetic, so a file gives the same
 * counts everywhere. Scales: EDF's own physical/digital ratio; 0.01 uV for CSV in uV, mV or V; 1
 * arbitrary unit for CSV in counts.
 *
 * EDF and BDF: all signals in uV, mV or V are muscle signals. Where their rates differ, those of the
 * rate that most of them have are taken. A header's polarity (physical minimum above maximum) is
 * ignored. EDFlib keeps its open files in a table without a lock: use this from one thread, and do not
 * open a file twice at the same time.
 *
 * CSV: a header row of names, then numbers; separated by comma, semicolon or tab; lines that begin with
 * "#" and blank lines are skipped. A name may end in its unit: GM_uV, "GM (mV)", GM_V, GM_counts. Taken
 * are the columns in uV, mV or V, if there are any, and those without a unit if the options give one;
 * else those in counts and those without a unit, in microvolts unless the options say otherwise. Left
 * out are names with another unit (angle_deg, torque_Nm, acc_g) and what is no measurement (index,
 * marker, date).
 *
 * The column time_s (or time, t; also in ms or us) gives the rate, and where it jumps there is a gap; it
 * is not looked at if the options give a rate.
 *
 * An accelerometer on the limb is three signals ACC X, ACC Y and ACC Z (ACCX_g, "ACC Y (mg)") in g or
 * mg, in EDF of one scale and at the rate of the muscles or a whole fraction of it. What the owner's
 * other sensors showed meanwhile (detector_set_company()) is in EDF a signal "Other sensors" in whole
 * percent, at such a rate, too. They are read beside the muscles if the options ask for them; what has
 * another shape is left out. In files of edf-writer.c their digital minimum stands for what was not
 * known.
 *
 * A signal that the options name is always taken; with another unit it counts in arbitrary units, in EDF
 * also without a unit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORDING_RATE_MIN_MHZ UINT32_C(200000)  /* 200 Hz */
#define RECORDING_RATE_MAX_MHZ UINT32_C(2000000) /* 2000 Hz */
#define RECORDING_CHANNELS_MAX 256u

struct recording;

struct recording_options {
        double rate_hz; /* CSV only; 0 = from the time column */
        const char
                *unit; /* CSV only: "uV", "mV", "V", "counts"; NULL = from the column names, else uV */
        /* Labels, also without their unit, or numbers from 1 (a time column is not counted), NULL at the
         * end; NULL = every muscle signal. */
        const char *const *channels;
        bool motion;  /* the accelerometer too, if there is one */
        bool company; /* what other sensors showed, too, if it is there */
};

struct recording_channel {
        const char *label;
        double scale_uv; /* microvolts per count; in arbitrary units if `arbitrary` */
        bool arbitrary;
};

/* What went wrong, ready to be printed: "night.csv:17: ...: remedy". */
struct recording_error {
        char text[512];
};

/* Opens and reads the header (CSV: also finds rate and columns). Returns 0 or
 *   -ENOENT, -EACCES, ...: the file cannot be opened;
 *   -EBADMSG: it can, but is not what crampd reads (damaged, discontinuous EDF+D, no muscle signal, rate
 * out of range, ...); -ENOMEM. `error` is filled in each case. */
int recording_open(const char *path, const struct recording_options *options, struct recording **ret,
                   struct recording_error *error);
struct recording *recording_free(struct recording *recording);

uint32_t recording_rate_mhz(const struct recording *recording);
size_t recording_channels(const struct recording *recording);
const struct recording_channel *recording_channel(const struct recording *recording, size_t channel);
/* g per count of the accelerometer; 0 if there is none, or it was not asked for. */
double recording_motion_scale_g(const struct recording *recording);
bool recording_has_company(const struct recording *recording);
/* Numbers in a frame that is read: the channels; then, if there is one, the accelerometer's three; then,
 * if it is there, what other sensors showed. */
size_t recording_columns(const struct recording *recording);
/* Of a frame that was read: the accelerometer's three counts, which last as long as the frame; NULL = it
 * is not known. */
const int32_t *recording_motion(const struct recording *recording, const int32_t *frame);
/* Likewise in percent of rest; negative = not known. */
int32_t recording_company_percent(const struct recording *recording, const int32_t *frame);
/* Microseconds UTC at which it began (an EDF header's local time is taken as UTC), or 0 if it does not
 * say. */
int64_t recording_start_us(const struct recording *recording);
/* Frames in all; an estimate from the file's size for CSV. */
uint64_t recording_frames(const struct recording *recording);
/* Names of the signals that were not taken (another unit or rate), for a notice to the user; NULL at the
 * end. */
const char *const *recording_left_out(const struct recording *recording);

/* Reads up to `frames` frames of interleaved counts (recording_columns() each). `*ret_index` is the
 * number of the first; it jumps where the time column does (a gap). Returns the number of frames, 0 at
 * the end, -EBADMSG (with `error`) or -EIO. */
ssize_t recording_read(struct recording *recording, uint64_t *ret_index, int32_t *counts, size_t frames,
                       struct recording_error *error);
