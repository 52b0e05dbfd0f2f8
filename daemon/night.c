/* SPDX-License-Identifier: MIT */
/* Time, gaps and rows of a night: see night.h. Its alerts and episodes are in night-episode.c. */
#include "daemon/night-inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/public-id.h"

_Static_assert(STREAM_CHANNELS_MAX <= STORE_CALIBRATION_CHANNELS_MAX, "a calibration must fit");

#define ROW_EVERY_US (INT64_C(60) * 1000000)
/* Gaps closer than this are one row: a lossy link must not fill the disk. */
#define GAP_MERGE_US (INT64_C(1) * 1000000)
/* Times follow the sample clock by at most 1 ms a second. */
#define SLEW_DIVISOR 1000
/* A rest that is so many times what it was, or less than that share, is another electrode site: the
 * least rise that is taken for a cramp's. Chosen. */
#define MOVED_RATIO 2.0
/* An accelerometer that was not heard for so long tells nothing: the slowest of them, the Ganglion's,
 * sends ten values a second. Chosen. */
#define MOTION_STALE_US UINT64_C(2000000)
/* So much that came without a level is no mere end of a block. Chosen. */
#define UNTOLD_US UINT64_C(1000000)

uint64_t night_frames_to_us(const struct night *night, uint64_t frames) {
        return stream_frames_to_us(night->format.rate_mhz, frames);
}

static uint64_t us_to_frames(const struct night *night, uint64_t us) {
        return (uint64_t)((unsigned __int128)us * night->format.rate_mhz / UINT64_C(1000000000));
}

int64_t night_index_to_us(const struct night *night, uint64_t index) {
        return night->start_us + (int64_t)night_frames_to_us(night, index);
}

static void report_row(struct night *night) {
        night->row_us = night->row.seen_us;
        night->callbacks.row(&night->row, night->userdata);
}

enum detector_quality night_get_quality(const struct night *night) {
        for (uint32_t i = 0; i < night->format.channels; i++)
                if (night->quality[i] == DETECTOR_QUALITY_GOOD)
                        return DETECTOR_QUALITY_GOOD;
        return night->quality[0];
}

const enum detector_quality *night_get_qualities(const struct night *night) {
        return night->quality;
}

static void end_poor(struct night *night) {
        if (night->poor.frames > 0)
                night->callbacks.gap(&night->poor, night->userdata);
        night->poor.frames = 0;
}

/* What could show no cramp is as good as missing, and told as such. */
static void note_poor(struct night *night, enum detector_quality quality, uint64_t start_index,
                      uint64_t end_index, uint64_t frames) {
        struct store_gap *poor = &night->poor;

        night->unusable += frames;
        if (poor->frames > 0 && strcmp(poor->reason, detector_quality_to_string(quality)) != 0)
                end_poor(night);
        if (poor->frames == 0) {
                *poor = (struct store_gap){.start_us = night_index_to_us(night, start_index)};
                memcpy(poor->night, night->row.id, sizeof(poor->night));
                (void)snprintf(poor->reason, sizeof(poor->reason), "%s",
                               detector_quality_to_string(quality));
        }
        poor->frames += frames;
        poor->end_us = night_index_to_us(night, end_index);
}

static void watch_quality(struct night *night, const struct detector_level *level) {
        enum detector_quality quality;

        memcpy(night->quality, level->quality, level->channels * sizeof(*level->quality));
        quality = night_get_quality(night);
        if (quality == DETECTOR_QUALITY_GOOD)
                end_poor(night);
        else
                note_poor(night, quality, level->index - level->frames, level->index, level->frames);
        night->untold = 0;
}

/* Of frames with so many lost between that no level comes of them nothing else is heard. */
static void watch_untold(struct night *night) {
        if (night_frames_to_us(night, night->untold) < UNTOLD_US)
                return;
        for (uint32_t i = 0; i < night->row.channels; i++)
                night->quality[i] = DETECTOR_QUALITY_NO_DATA;
        note_poor(night, DETECTOR_QUALITY_NO_DATA, night->untold_index, night->next_index,
                  night->untold);
        night->untold = 0;
}

static void on_detector_level(const struct detector_level *level, void *userdata) {
        struct night *night = userdata;

        watch_quality(night, level);
        memcpy(night->floor_uv, level->floor_uv, level->channels * sizeof(*level->floor_uv));
        night->company_percent = detector_company_percent(level);
        night->company_index = level->index;
        if (night->callbacks.level)
                night->callbacks.level(level, night_index_to_us(night, level->index), night->userdata);
}

static void on_detector_signal(const struct detector_signal *signal, void *userdata) {
        struct night *night = userdata;

        if (night->capture)
                capture_push(night->capture, signal);
        if (night->callbacks.signal)
                night->callbacks.signal(signal, night_index_to_us(night, signal->index),
                                        night->userdata);
}

/* A picture of the cramp is nothing that an alert may fail for. */
static void prepare_capture(struct night *night) {
        if (!night->callbacks.waveform)
                return;
        (void)capture_new(&(struct capture_setup){.rate_mhz = night->format.rate_mhz,
                                                  .channels = night->format.channels,
                                                  .arbitrary_unit = night->format.scale_uv <= 0,
                                                  .func = night->callbacks.waveform,
                                                  .userdata = night->userdata},
                          &night->capture);
}

static int copy_name(char *to, size_t size, const char *from) {
        if (strlen(from) >= size)
                return -EINVAL;
        memcpy(to, from, strlen(from) + 1);
        return 0;
}

DEFINE_CLEANUP(struct night *, night_free)

int night_new(const struct night_setup *setup, struct night **ret) {
        _cleanup_(night_freep) struct night *night = NULL;
        double scale_uv[STREAM_CHANNELS_MAX];
        int r;

        if (setup->format->channels < 1 || setup->format->channels > STREAM_CHANNELS_MAX)
                return -EINVAL;

        night = calloc(1, sizeof(*night));
        if (!night)
                return -ENOMEM;

        night->callbacks = *setup->callbacks;
        night->userdata = setup->userdata;
        night->format = *setup->format;
        night->start_us = setup->start_us;
        night->start_given = setup->start_us != 0;
        night->company_percent = -1;
        night->row.end_us = STORE_NO_TIME;
        night->row.rate_mhz = setup->format->rate_mhz;
        night->row.channels = setup->format->channels;
        public_id_new(night->row.id);
        if (copy_name(night->row.sensor, sizeof(night->row.sensor), setup->sensor) < 0 ||
            copy_name(night->muscle, sizeof(night->muscle), setup->muscle) < 0 ||
            copy_name(night->leg, sizeof(night->leg), setup->leg) < 0)
                return -EINVAL;

        prepare_capture(night);
        for (uint32_t channel = 0; channel < setup->format->channels; channel++)
                scale_uv[channel] = setup->format->scale_uv > 0 ? setup->format->scale_uv : 1;

        r = detector_new(&(struct detector_setup){.input = setup->format->kind == STREAM_ENVELOPE
                                                                   ? DETECTOR_ENVELOPE
                                                                   : DETECTOR_RAW,
                                                  .rate_mhz = setup->format->rate_mhz,
                                                  .channels = setup->format->channels,
                                                  .scale_uv = scale_uv,
                                                  .arbitrary_unit = setup->format->scale_uv <= 0,
                                                  .motion_scale_g = 0.001,
                                                  .sensitivity = setup->sensitivity,
                                                  .evidence_factor = setup->evidence_factor,
                                                  .on_event = night_on_detector_event,
                                                  .on_level = on_detector_level,
                                                  .on_signal = setup->callbacks->signal || night->capture
                                                                       ? on_detector_signal
                                                                       : NULL,
                                                  .userdata = night},
                         &night->detector);
        if (r < 0)
                return r;

        *ret = steal_pointer(&night);
        return 0;
}

struct night *night_free(struct night *night) {
        if (!night)
                return NULL;

        detector_free(night->detector);
        capture_free(night->capture);
        free(night);
        return NULL;
}

void night_set_place(struct night *night, const char *muscle, const char *leg) {
        (void)snprintf(night->muscle, sizeof(night->muscle), "%s", muscle);
        (void)snprintf(night->leg, sizeof(night->leg), "%s", leg);
}

void night_set_evidence(struct night *night, enum detector_sensitivity sensitivity,
                        double evidence_factor) {
        (void)detector_set_evidence(night->detector, sensitivity, evidence_factor);
}

static bool calibration_fits(const struct night *night) {
        const struct store_calibration *calibration = &night->calibration;
        double scale_uv = night->format.scale_uv > 0 ? night->format.scale_uv : 0.0;

        return calibration->channels == night->format.channels && calibration->scale_uv == scale_uv &&
               calibration->envelope == (night->format.kind == STREAM_ENVELOPE);
}

void night_set_calibration(struct night *night, const struct store_calibration *calibration) {
        night->calibration = calibration ? *calibration : (struct store_calibration){};
        detector_set_rest(night->detector, calibration_fits(night) ? night->calibration.rest_uv : NULL);
}

const double *night_get_mvc(const struct night *night) {
        return calibration_fits(night) ? night->calibration.mvc_uv : NULL;
}

const char *night_describe_calibration(const struct night *night) {
        const double *rest_uv = night->calibration.rest_uv, *now_uv = night->floor_uv;

        if (night->calibration.channels == 0)
                return NULL;
        if (!calibration_fits(night))
                return "other-stream";
        for (uint32_t i = 0; i < night->format.channels; i++)
                if (rest_uv[i] > 0.0 && now_uv[i] > 0.0 &&
                    (now_uv[i] > MOVED_RATIO * rest_uv[i] || now_uv[i] * MOVED_RATIO < rest_uv[i]))
                        return "moved";
        return "fits";
}

void night_set_motion(struct night *night, const int32_t *motion_mg) {
        detector_set_motion(night->detector, motion_mg);
        night->has_motion = night->motion_new = motion_mg != NULL;
}

bool night_hears_motion(const struct night *night) {
        return night->has_motion;
}

/* Not for ever what it was. */
static void forget_motion(struct night *night, uint64_t index) {
        if (night->motion_new)
                night->motion_index = index;
        night->motion_new = false;
        if (!night->has_motion ||
            night_frames_to_us(night, index - night->motion_index) <= MOTION_STALE_US)
                return;
        detector_set_motion(night->detector, NULL);
        night->has_motion = false;
}

void night_set_company(struct night *night, int32_t percent) {
        detector_set_company(night->detector, percent);
}

int32_t night_get_company(const struct night *night, int64_t *ret_boot_us) {
        *ret_boot_us = night->boot_us + (int64_t)night_frames_to_us(night, night->company_index);
        return night->company_percent;
}

int64_t night_get_boot_us(const struct night *night) {
        return night->boot_us + (int64_t)night_frames_to_us(night, night->next_index);
}

void night_set_hold(struct night *night, bool held) {
        night->hold = held;
}

bool night_fits(const struct night *night, const struct stream_format *format) {
        return night->format.rate_mhz == format->rate_mhz &&
               night->format.channels == format->channels &&
               night->format.scale_uv == format->scale_uv && night->format.kind == format->kind;
}

void night_resume(struct night *night) {
        night->resuming = true;
        night->row.reconnects++;
}

/* Frame 0 is as far before the first block's arrival as that block's frames are long. */
static void anchor(struct night *night, const struct emg_block *block, int64_t arrival_us,
                   int64_t realtime_us) {
        night->boot_us = arrival_us - (int64_t)night_frames_to_us(night, block->index + block->frames);
        if (night->start_us == 0)
                night->start_us = night->boot_us + realtime_us;
        night->anchored = true;

        night->row.start_us = night->row.seen_us = night->start_us;
        night->row.zone_offset_s = zone_offset_s(night->start_us);
        evening_of(night->start_us, night->row.evening, sizeof(night->row.evening));
        report_row(night);
}

/* After a lost link the sensor counts from 0 again: go on where the arrival says, never before what was
 * seen. */
static void rebase(struct night *night, const struct emg_block *block, int64_t arrival_us) {
        int64_t first_us = arrival_us - (int64_t)night_frames_to_us(night, block->frames);
        uint64_t first = night->next_index;

        if (first_us > night->boot_us) {
                uint64_t index = us_to_frames(night, (uint64_t)(first_us - night->boot_us));

                if (index > first)
                        first = index;
        }
        night->base_index = first - block->index;
        night->resuming = false;
}

static void report_gap(struct night *night) {
        if (night->gap.frames == 0)
                return;
        night->callbacks.gap(&night->gap, night->userdata);
        night->gap.frames = 0;
}

static void note_gap(struct night *night, uint64_t from, uint64_t to) {
        struct store_gap *gap = &night->gap;

        if ((int64_t)night_frames_to_us(night, to - from) >= GAP_MERGE_US)
                end_poor(night);
        if (gap->frames == 0) {
                *gap = (struct store_gap){.start_us = night_index_to_us(night, from)};
                memcpy(gap->night, night->row.id, sizeof(gap->night));
                (void)snprintf(gap->reason, sizeof(gap->reason), "no-data");
        }
        gap->end_us = night_index_to_us(night, to);
        gap->frames += to - from;
}

static void end_row(struct night *night) {
        report_gap(night);
        end_poor(night);
        night->row.end_us = night->row.seen_us;
        report_row(night);
}

/* At noon the next night begins, with the detector as it is; and the clock is read anew, so that a
 * sensor that streams for weeks is off by a day's error of its own clock and no more. */
static void begin_next_row(struct night *night, const char *evening, int64_t arrival_us,
                           int64_t realtime_us) {
        uint32_t channels = night->row.channels, rate_mhz = night->row.rate_mhz;
        char sensor[STORE_ID_SIZE];

        end_row(night);
        if (!night->start_given) {
                night->boot_us = arrival_us - (int64_t)night_frames_to_us(night, night->next_index);
                night->start_us = night->boot_us + realtime_us;
        }
        memcpy(sensor, night->row.sensor, sizeof(sensor));
        night->received_before = night->received;
        night->unusable_before = night->unusable;
        night->row = (struct store_night){
                .start_us = night_index_to_us(night, night->next_index),
                .seen_us = night_index_to_us(night, night->next_index),
                .end_us = STORE_NO_TIME,
                .channels = channels,
                .rate_mhz = rate_mhz,
        };
        memcpy(night->row.sensor, sensor, sizeof(sensor));
        (void)snprintf(night->row.evening, sizeof(night->row.evening), "%s", evening);
        night->row.zone_offset_s = zone_offset_s(night->row.start_us);
        public_id_new(night->row.id);
        report_row(night);
}

static void pass_minute(struct night *night, int64_t arrival_us, int64_t realtime_us) {
        char evening[sizeof(night->row.evening)];

        if (night->poor.frames > 0) /* so far: it must not be lost if crampd is killed */
                night->callbacks.gap(&night->poor, night->userdata);
        evening_of(night->row.seen_us, evening, sizeof(evening));
        if (!night->open && strcmp(evening, night->row.evening) != 0)
                begin_next_row(night, evening, arrival_us, realtime_us);
        else
                report_row(night);
}

void night_set_origin(struct night *night, int64_t origin_us) {
        night->origin_us = origin_us;
        night->has_origin = true;
}

/* A crystal is off by less, and no time jumps. */
static void follow_origin(struct night *night, uint64_t frames) {
        int64_t most_us = (int64_t)night_frames_to_us(night, frames) / SLEW_DIVISOR, ahead_us;

        if (!night->has_origin || night->start_given || night->base_index > INT64_MAX)
                return;
        ahead_us = night->origin_us - (int64_t)night_frames_to_us(night, night->base_index) -
                   night->boot_us;
        if (ahead_us > most_us)
                ahead_us = most_us;
        else if (ahead_us < -most_us)
                ahead_us = -most_us;
        night->boot_us += ahead_us;
        night->start_us += ahead_us;
}

void night_push(struct night *night, const struct emg_block *block, int64_t arrival_us,
                int64_t realtime_us) {
        uint64_t index;

        if (block->channels != night->format.channels || block->frames == 0)
                return;
        if (!night->anchored)
                anchor(night, block, arrival_us, realtime_us);
        if (night->resuming)
                rebase(night, block, arrival_us);
        follow_origin(night, block->frames);

        index = night->base_index + block->index;
        if (index < night->next_index)
                return; /* a decoder never goes back; the detector would refuse it */
        if (index > night->next_index)
                note_gap(night, night->next_index, index);

        night->next_index = index + block->frames;
        night->received += block->frames;
        night->row.packets++;
        night->row.lost_packets += block->lost_packets;
        night->row.seen_us = night_index_to_us(night, night->next_index);
        forget_motion(night, index);
        if (night->hold != night->held && detector_set_hold(night->detector, night->hold) >= 0)
                night->held = night->hold;
        if (night->untold == 0)
                night->untold_index = index;
        night->untold += block->frames;
        (void)detector_push(night->detector, index, block->counts, block->frames);
        watch_untold(night);
        night->row.monitored_us =
                night_frames_to_us(night, night->received - night->received_before -
                                                  (night->unusable - night->unusable_before));

        night_check_lasting(night);
        if (night->gap.frames > 0 && night->row.seen_us - night->gap.end_us >= GAP_MERGE_US)
                report_gap(night);
        if (night->row.seen_us - night->row_us >= ROW_EVERY_US)
                pass_minute(night, arrival_us, realtime_us);
}

void night_finish(struct night *night, const char *end_reason) {
        night->finish_reason = end_reason;
        detector_finish(night->detector);
        night->finish_reason = NULL;
        if (night->capture)
                capture_finish(night->capture);

        if (night->anchored) /* else nothing ever arrived */
                end_row(night);
}

const struct stream_format *night_get_format(const struct night *night) {
        return &night->format;
}

enum detector_state night_get_state(const struct night *night) {
        return detector_get_state(night->detector);
}

double night_get_again_factor(const struct night *night) {
        return detector_get_again_factor(night->detector);
}

uint64_t night_get_monitored_us(const struct night *night) {
        return night_frames_to_us(night, night->received - night->unusable);
}
