/* SPDX-License-Identifier: MIT */
/* From the detector's events to alerts, episodes and accounts of them: see night.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/basic/local-time.h"
#include "daemon/guidance/relief.h"
#include "daemon/night-inside.h"
#include "daemon/public-id.h"

_Static_assert(STORE_ACCOUNT_POINTS == DETECTOR_ACCOUNT_POINTS, "an account must fit");
_Static_assert(STREAM_CHANNELS_MAX <= 32, "a bit for each channel");

static uint64_t lasting_us(const struct night *night) {
        int64_t now_us = night_index_to_us(night, night->next_index);

        return now_us > night->episode.onset_us ? (uint64_t)(now_us - night->episode.onset_us) : 0;
}

static void report_alert(struct night *night, enum night_change change) {
        uint64_t lasting = lasting_us(night);

        if (change == NIGHT_ALERT_ENDED)
                lasting = (uint64_t)(night->episode.end_us - night->episode.onset_us);
        night->callbacks.alert(change, &night->episode, lasting, night->userdata);
}

static void take_figures(struct night *night, const struct detector_event *event) {
        struct store_episode *episode = &night->episode;
        const double *mvc_uv = night_get_mvc(night);

        (void)snprintf(episode->severity, sizeof(episode->severity), "%s",
                       detector_severity_to_string(event->severity));
        episode->peak_uv = night->format.scale_uv > 0 ? event->peak_uv : (double)NAN;
        episode->median_hz = event->median_hz > 0 ? event->median_hz : (double)NAN;
        episode->confidence = event->confidence;
        episode->channel = event->channel;
        episode->peak_mvc_percent = mvc_uv && mvc_uv[event->channel] > 0.0
                                            ? 100.0 * event->peak_uv / mvc_uv[event->channel]
                                            : (double)NAN;
}

static void report_account(const struct night *night, const struct detector_event *event,
                           int64_t start_us) {
        const struct detector_account *from = event->account;
        struct store_account account = {
                .evidence_factor = from->evidence_factor,
                .again_factor = from->again_factor,
                .needed_s = from->needed_s,
                .from_us = start_us + (int64_t)night_frames_to_us(night, from->from_index),
                .active_s = from->active_s,
                .unbroken_s = from->unbroken_s,
                .ratio_alert = from->ratio_alert,
                .ratio_peak = from->ratio_peak,
                .bridged = from->bridged,
                .dips = from->dips,
                .together = from->together < 0 ? (double)NAN : from->together,
                .moved = from->moved < 0 ? (double)NAN : from->moved,
                .slow = from->slow < 0 ? (double)NAN : from->slow,
                .channels = night->format.channels,
                .took_part = (uint32_t)from->took_part,
                .point_us = (int64_t)night_frames_to_us(night, from->point_frames),
                .points = from->points,
        };

        if (!night->callbacks.account)
                return;
        memcpy(account.episode, night->episode.id, sizeof(account.episode));
        (void)snprintf(account.sensitivity, sizeof(account.sensitivity), "%s",
                       detector_sensitivity_to_string(from->sensitivity));
        (void)snprintf(account.quality, sizeof(account.quality), "%s",
                       detector_quality_to_string(from->quality));
        memcpy(account.evidence_s, from->score_s, from->points * sizeof(from->score_s[0]));
        night->callbacks.account(&account, night->userdata);
}

static void begin_episode(struct night *night, const struct detector_event *event) {
        struct store_episode *episode = &night->episode;

        *episode = (struct store_episode){
                .onset_us = night_index_to_us(night, event->onset_index),
                .alert_us = night_index_to_us(night, event->alert_index),
                .end_us = STORE_NO_TIME,
        };
        public_id_new(episode->id);
        memcpy(episode->sensor, night->row.sensor, sizeof(episode->sensor));
        memcpy(episode->night, night->row.id, sizeof(episode->night));
        memcpy(episode->muscle, night->muscle, sizeof(episode->muscle));
        memcpy(episode->leg, night->leg, sizeof(episode->leg));
        episode->zone_offset_s = zone_offset_s(episode->onset_us);
        (void)snprintf(episode->detector, sizeof(episode->detector), "%s", detector_version());
        take_figures(night, event);

        night->episode_start_us = night->start_us;
        night->open = true;
        night->help_told = false;
        report_alert(night, NIGHT_ALERT_RAISED);
        report_account(night, event, night->start_us);
        if (night->capture)
                capture_begin(night->capture, episode->id, episode->onset_us, event->onset_index,
                              event->alert_index);
}

static void end_episode(struct night *night, const struct detector_event *event) {
        const char *reason = detector_end_reason_to_string(event->end_reason);

        if (event->end_reason == DETECTOR_END_STREAM_END && night->finish_reason)
                reason = night->finish_reason;

        take_figures(night, event);
        night->episode.end_us =
                night->episode_start_us + (int64_t)night_frames_to_us(night, event->end_index);
        (void)snprintf(night->episode.end_reason, sizeof(night->episode.end_reason), "%s", reason);
        night->open = false;
        report_alert(night, NIGHT_ALERT_ENDED);
        report_account(night, event, night->episode_start_us);
}

void night_on_detector_event(const struct detector_event *event, void *userdata) {
        struct night *night = userdata;

        switch (event->type) {
        case DETECTOR_EVENT_ALERT:
                begin_episode(night, event);
                break;
        case DETECTOR_EVENT_UPDATE:
                if (!night->open)
                        break;
                take_figures(night, event);
                report_alert(night, NIGHT_ALERT_UPDATED);
                break;
        case DETECTOR_EVENT_END:
                if (night->open)
                        end_episode(night, event);
                break;
        case DETECTOR_EVENT_SUSPECTED:
        case DETECTOR_EVENT_DISMISSED:
        case DETECTOR_EVENT_TYPE_MAX:
                break;
        }
}

void night_check_lasting(struct night *night) {
        if (!night->open || night->help_told || lasting_us(night) < RELIEF_HELP_AFTER_US)
                return;
        night->help_told = true;
        report_alert(night, NIGHT_ALERT_UPDATED);
}

const struct store_episode *night_get_episode(const struct night *night, uint64_t *ret_lasting_us) {
        if (!night->open)
                return NULL;
        *ret_lasting_us = lasting_us(night);
        return &night->episode;
}
