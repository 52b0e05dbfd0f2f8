/* SPDX-License-Identifier: MIT */
/* What History tells, as D-Bus values: see history-rows.h. */
#include "daemon/bus/history-rows.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/dictionary.h"
#include "daemon/public-id.h"
#include "sensors/driver.h"

int history_append_episode(sd_bus_message *reply, const struct store_episode *episode) {
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "id", "s", episode->id);
        dictionary_append(reply, &r, "sensor", "s", episode->sensor);
        dictionary_append(reply, &r, "muscle", "s", episode->muscle);
        dictionary_append(reply, &r, "leg", "s", episode->leg);
        dictionary_append(reply, &r, "onset_us", "x", episode->onset_us);
        dictionary_append(reply, &r, "alert_us", "x", episode->alert_us);
        dictionary_append(reply, &r, "zone_offset_s", "i", episode->zone_offset_s);
        if (episode->end_us != STORE_NO_TIME) {
                dictionary_append(reply, &r, "end_us", "x", episode->end_us);
                dictionary_append(reply, &r, "end_reason", "s", episode->end_reason);
        }
        dictionary_append(reply, &r, "severity", "s", episode->severity);
        if (!isnan(episode->peak_uv))
                dictionary_append(reply, &r, "peak_uv", "d", episode->peak_uv);
        if (!isnan(episode->peak_mvc_percent))
                dictionary_append(reply, &r, "peak_mvc_percent", "d", episode->peak_mvc_percent);
        if (!isnan(episode->median_hz))
                dictionary_append(reply, &r, "median_hz", "d", episode->median_hz);
        dictionary_append(reply, &r, "confidence", "d", episode->confidence);
        dictionary_append(reply, &r, "channel", "u", episode->channel);
        dictionary_append(reply, &r, "detector", "s", episode->detector);
        if (episode->verdict[0])
                dictionary_append(reply, &r, "verdict", "s", episode->verdict);
        if (episode->pain != STORE_NO_PAIN)
                dictionary_append(reply, &r, "pain", "u", (uint32_t)episode->pain);
        if (episode->note[0])
                dictionary_append(reply, &r, "note", "s", episode->note);
        dictionary_append(reply, &r, "waveform", "b", episode->has_waveform);
        dictionary_append(reply, &r, "simulated", "b", episode->simulated);
        dictionary_close(reply, &r);
        return r;
}

void history_format_change(int64_t changed_us, const char *id, char ret[static HISTORY_CHANGE_SIZE]) {
        (void)snprintf(ret, HISTORY_CHANGE_SIZE, "%" PRId64 "-%s", changed_us, id);
}

int history_parse_change(const char *text, int64_t *ret_changed_us, char ret_id[static STORE_ID_SIZE]) {
        size_t digits = strspn(text, "0123456789");

        /* 18 digits are always a number; the times of the next 30000 years have 16 to 18. */
        if (digits < 1 || digits > 18 || text[digits] != '-' ||
            public_id_read(text + digits + 1, ret_id) < 0)
                return -EINVAL;
        *ret_changed_us = strtoll(text, NULL, 10);
        return 0;
}

int history_append_changes(sd_bus_message *reply, const struct store_episode *episodes, size_t n,
                           const char *before) {
        char cursor[HISTORY_CHANGE_SIZE];
        int r;

        (void)snprintf(cursor, sizeof(cursor), "%s", before);
        if (n > 0)
                history_format_change(episodes[n - 1].changed_us, episodes[n - 1].id, cursor);
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = history_append_episode(reply, &episodes[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", cursor);
        return r;
}

static int page_open(sd_bus_message *reply) {
        return sd_bus_message_open_container(reply, 'a', "a{sv}");
}

static int page_close(sd_bus_message *reply, int r, uint64_t cursor) {
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", cursor);
        return r;
}

int history_append_episodes(sd_bus_message *reply, const struct store_episode *episodes, size_t n,
                            uint64_t cursor) {
        int r;

        r = page_open(reply);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = history_append_episode(reply, &episodes[i]);
        return page_close(reply, r, cursor);
}

static int append_missed(sd_bus_message *reply, const struct store_missed *missed) {
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "id", "s", missed->id);
        dictionary_append(reply, &r, "sensor", "s", missed->sensor);
        dictionary_append(reply, &r, "muscle", "s", missed->muscle);
        dictionary_append(reply, &r, "leg", "s", missed->leg);
        dictionary_append(reply, &r, "time_us", "x", missed->time_us);
        dictionary_append(reply, &r, "zone_offset_s", "i", missed->zone_offset_s);
        if (missed->pain != STORE_NO_PAIN)
                dictionary_append(reply, &r, "pain", "u", (uint32_t)missed->pain);
        if (missed->note[0])
                dictionary_append(reply, &r, "note", "s", missed->note);
        dictionary_append(reply, &r, "watched", "b", (int)missed->watched);
        dictionary_close(reply, &r);
        return r;
}

int history_append_missed(sd_bus_message *reply, const struct store_missed *missed, size_t n,
                          uint64_t cursor) {
        int r;

        r = page_open(reply);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_missed(reply, &missed[i]);
        return page_close(reply, r, cursor);
}

static void append_gaps(sd_bus_message *reply, int *r, const struct store_night_report *report) {
        dictionary_open_array(reply, r, "longest_gaps", "a(xxs)");
        for (size_t i = 0; i < report->n_longest && *r >= 0; i++)
                *r = sd_bus_message_append(reply, "(xxs)", report->longest[i].start_us,
                                           report->longest[i].end_us, report->longest[i].reason);
        dictionary_close_array(reply, r);
}

static int append_night(sd_bus_message *reply, const struct store_night_report *report) {
        const struct store_night *night = &report->night;
        bool lasts = night->end_us == STORE_NO_TIME;
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "evening", "s", night->evening);
        dictionary_append(reply, &r, "sensor", "s", night->sensor);
        dictionary_append(reply, &r, "start_us", "x", night->start_us);
        dictionary_append(reply, &r, "end_us", "x", lasts ? night->seen_us : night->end_us);
        dictionary_append(reply, &r, "zone_offset_s", "i", night->zone_offset_s);
        dictionary_append(reply, &r, "lasts", "b", lasts);
        dictionary_append(reply, &r, "monitored_us", "t", night->monitored_us);
        dictionary_append(reply, &r, "packets", "t", night->packets);
        dictionary_append(reply, &r, "lost_packets", "t", night->lost_packets);
        dictionary_append(reply, &r, "gaps", "u", report->gaps);
        dictionary_append(reply, &r, "gap_us", "t",
                          night->rate_mhz > 0 ? stream_frames_to_us(night->rate_mhz, report->gap_frames)
                                              : 0);
        dictionary_append(reply, &r, "longest_gap_us", "t", report->longest_gap_us);
        dictionary_append(reply, &r, "reconnects", "u", night->reconnects);
        dictionary_append(reply, &r, "episodes", "u", report->episodes);
        append_gaps(reply, &r, report);
        dictionary_close(reply, &r);
        return r;
}

int history_append_nights(sd_bus_message *reply, const struct store_night_report *nights, size_t n,
                          uint64_t cursor) {
        int r;

        r = page_open(reply);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_night(reply, &nights[i]);
        return page_close(reply, r, cursor);
}

int history_append_account(sd_bus_message *reply, const struct store_account *account) {
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "sensitivity", "s", account->sensitivity);
        dictionary_append(reply, &r, "evidence_factor", "d", account->evidence_factor);
        if (!isnan(account->again_factor))
                dictionary_append(reply, &r, "again_factor", "d", account->again_factor);
        dictionary_append(reply, &r, "needed_s", "d", account->needed_s);
        dictionary_append(reply, &r, "from_us", "x", account->from_us);
        dictionary_append(reply, &r, "active_s", "d", account->active_s);
        dictionary_append(reply, &r, "unbroken_s", "d", account->unbroken_s);
        dictionary_append(reply, &r, "ratio_alert", "d", account->ratio_alert);
        dictionary_append(reply, &r, "ratio_peak", "d", account->ratio_peak);
        dictionary_append(reply, &r, "bridged", "u", account->bridged);
        dictionary_append(reply, &r, "dips", "u", account->dips);
        if (!isnan(account->together))
                dictionary_append(reply, &r, "together", "d", account->together);
        if (!isnan(account->moved))
                dictionary_append(reply, &r, "moved", "d", account->moved);
        if (!isnan(account->slow))
                dictionary_append(reply, &r, "slow", "d", account->slow);
        dictionary_append(reply, &r, "channels", "u", account->channels);
        dictionary_append(reply, &r, "took_part", "u", account->took_part);
        dictionary_append(reply, &r, "quality", "s", account->quality);
        dictionary_append(reply, &r, "point_us", "x", account->point_us);
        dictionary_append_doubles(reply, &r, "evidence_s", account->evidence_s, account->points);
        dictionary_close(reply, &r);
        return r;
}

static void append_pieces(sd_bus_message *reply, int *r, const struct store_waveform *waveform) {
        dictionary_open_array(reply, r, "pieces", "a(uu)");
        for (uint32_t i = 0; i < waveform->n_pieces && *r >= 0; i++)
                *r = sd_bus_message_append(reply, "(uu)", waveform->pieces[i].first,
                                           waveform->pieces[i].frames);
        dictionary_close_array(reply, r);
}

int history_append_waveform(sd_bus_message *reply, const struct store_waveform *waveform) {
        size_t n = store_waveform_frames(waveform) * waveform->channels;
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "start_us", "x", waveform->start_us);
        dictionary_append(reply, &r, "rate_mhz", "u", waveform->rate_mhz);
        dictionary_append(reply, &r, "channels", "u", waveform->channels);
        dictionary_append(reply, &r, "scale_uv", "d", waveform->scale_uv);
        dictionary_append(reply, &r, "arbitrary_unit", "b", waveform->arbitrary_unit);
        append_pieces(reply, &r, waveform);
        dictionary_close(reply, &r);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'n', waveform->samples,
                                                n * sizeof(waveform->samples[0]));
        return r;
}
