/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/alert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

/* --- JSON --- */

static const char *type_to_string(enum crampd_event_type type) {
        switch (type) {
        case CRAMPD_ALERT_RAISED:
                return "alert-raised";
        case CRAMPD_ALERT_UPDATED:
                return "alert-updated";
        case CRAMPD_ALERT_ENDED:
                return "alert-ended";
        case CRAMPD_SENSOR_CHANGED:
                return "sensor-changed";
        case CRAMPD_SERVICE_GONE:
                return "service-gone";
        case CRAMPD_SERVICE_BACK:
                return "service-back";
        case CRAMPD_SENSOR_WARNING:
                return "warning";
        case CRAMPD_ADVICE_CHANGED:
                return "advice-changed";
        }
        return "unknown";
}

static bool is_alert(const struct crampd_event *event) {
        return event->type == CRAMPD_ALERT_RAISED || event->type == CRAMPD_ALERT_UPDATED ||
               event->type == CRAMPD_ALERT_ENDED;
}

static const char *sensor_id(const struct crampd_event *event) {
        const char *id = strrchr(event->sensor_path, '/');

        return id ? id + 1 : event->sensor_path;
}

static void warning_write_json(struct json *json, const struct crampd_event *event) {
        json_string(json, "what", event->warning);
        json_string(json, "sensor", sensor_id(event));
        json_string(json, "sensor_name", event->sensor_name);
        if (event->battery >= 0)
                json_int(json, "percent", event->battery);
        else
                json_null(json, "percent");
        if (isfinite(event->battery_hours))
                json_double(json, "hours", event->battery_hours, 1);
        else
                json_null(json, "hours");
        json_bool(json, "repeated", event->repeated);
}

static void json_write(FILE *file, const struct crampd_event *event) {
        struct json json = JSON_INIT(file);

        json_object_begin(&json, NULL);
        json_string(&json, "type", type_to_string(event->type));
        if (is_alert(event)) {
                episode_write_json(&json, &event->episode);
                json_string(&json, "sensor_name", event->sensor_name);
                json_array_begin(&json, "relief");
                for (const char *const *step = event->relief; step && *step; step++)
                        json_string(&json, NULL, *step);
                json_array_end(&json);
                json_bool(&json, "recorded", event->recorded);
                json_bool(&json, "simulated", event->simulated);
                json_bool(&json, "repeated", event->repeated);
        } else if (event->type == CRAMPD_SENSOR_CHANGED) {
                json_string(&json, "sensor", sensor_id(event));
                json_string(&json, "sensor_name", event->sensor_name);
                json_string(&json, "state", event->state);
                json_string(&json, "reason", event->reason);
        } else if (event->type == CRAMPD_SENSOR_WARNING)
                warning_write_json(&json, event);
        else if (event->type == CRAMPD_ADVICE_CHANGED) {
                json_uint(&json, "owner", event->owner);
                json_string(&json, "why", event->reason);
                json_string(&json, "id", event->advice);
                json_string(&json, "title", event->title);
                json_bool(&json, "red_flag", event->red_flag);
        }
        json_object_end(&json);
        (void)json_finish(&json);
}

/* --- lines for people --- */

static void words_write(FILE *file, const char *const words[]) {
        for (size_t i = 0; words[i]; i++)
                text_write(file, words[i]);
}

static char *relief_join(const char *const *relief) {
        size_t size = 1, used = 0;
        char *joined;

        for (const char *const *step = relief; *step; step++)
                size += strlen(*step) + 1;
        joined = malloc(size);
        if (!joined)
                return NULL;
        for (const char *const *step = relief; *step; step++) {
                size_t n = strlen(*step);

                memcpy(joined + used, *step, n);
                used += n;
                joined[used++] = '\n';
        }
        joined[used] = 0;
        return joined;
}

static void relief_write(struct alert_writer *writer, const struct crampd_event *event) {
        _cleanup_(freep) char *joined = NULL;
        unsigned number = 1;

        if (!event->relief || !event->relief[0])
                return;
        joined = relief_join(event->relief);
        /* Without memory the steps are said once more; that harms nobody. */
        if (event->type == CRAMPD_ALERT_UPDATED && joined && writer->relief &&
            strcmp(joined, writer->relief) == 0)
                return;
        for (const char *const *step = event->relief; *step; step++) {
                fprintf(writer->file, "  %u. ", number++);
                text_write(writer->file, *step);
                fputc('\n', writer->file);
        }
        free(writer->relief);
        writer->relief = steal_pointer(&joined);
}

static const char *name_or_id(const struct crampd_event *event) {
        return event->sensor_name[0] ? event->sensor_name : event->episode.sensor;
}

static void alert_line_write(struct alert_writer *writer, const struct crampd_event *event) {
        const struct crampd_episode *episode = &event->episode;
        char onset[TIMESTAMP_SIZE], duration[EPISODE_DURATION_SIZE];
        const char *what = event->type == CRAMPD_ALERT_RAISED    ? _("CRAMP")
                           : event->type == CRAMPD_ALERT_UPDATED ? _("still cramp")
                                                                 : _("cramp over");

        timestamp_format_people(episode->onset_us, episode->zone_offset_s, onset);
        episode_format_duration(episode, duration);
        if (writer->colour)
                fputs(event->type == CRAMPD_ALERT_ENDED ? TEXT_BOLD : TEXT_ALARM, writer->file);
        fputs(what, writer->file);
        if (writer->colour)
                fputs(TEXT_PLAIN, writer->file);
        words_write(writer->file,
                    (const char *const[]){": ", name_or_id(event), ", ", words_of_list(episode->leg),
                                          " ", episode->muscle, ", ", words_of_list(episode->severity),
                                          _(", began "), onset, NULL});
        if (event->type == CRAMPD_ALERT_ENDED)
                words_write(writer->file,
                            (const char *const[]){_(", lasted "), duration, " (",
                                                  words_of_list(episode->end_reason), ")", NULL});
        if (event->type == CRAMPD_ALERT_UPDATED && event->recorded)
                fputs(_(", recorded"), writer->file);
        if (event->simulated)
                fputs(_(" [simulated]"), writer->file);
        if (event->repeated)
                fputs(_(" [repeated]"), writer->file);
        fputc('\n', writer->file);
        relief_write(writer, event);
}

static const char *name_or_path_id(const struct crampd_event *event) {
        return event->sensor_name[0] ? event->sensor_name : sensor_id(event);
}

/* A warning of a kind that is not known yet is shown by its word. */
static void warning_line_write(struct alert_writer *writer, const struct crampd_event *event) {
        bool battery = strcmp(event->warning, "battery") == 0;

        if (writer->colour)
                fputs(TEXT_BOLD, writer->file);
        fputs(_("warning"), writer->file);
        if (writer->colour)
                fputs(TEXT_PLAIN, writer->file);
        words_write(writer->file,
                    (const char *const[]){": ", name_or_path_id(event), ": ", event->warning, NULL});
        if (event->battery >= 0)
                fprintf(writer->file, _(" at %d%%"), event->battery);
        if (event->battery_hours < 1)
                fputs(_(", lasts less than an hour"), writer->file);
        else if (isfinite(event->battery_hours))
                fprintf(writer->file, _(", lasts about %.0f h"), event->battery_hours);
        if (battery)
                fputs(_(": charge it before the night"), writer->file);
        if (event->repeated)
                fputs(_(" [repeated]"), writer->file);
        fputc('\n', writer->file);
}

static void line_write(struct alert_writer *writer, const struct crampd_event *event) {
        switch (event->type) {
        case CRAMPD_ALERT_RAISED:
        case CRAMPD_ALERT_UPDATED:
        case CRAMPD_ALERT_ENDED:
                alert_line_write(writer, event);
                break;
        case CRAMPD_SENSOR_CHANGED:
                words_write(writer->file,
                            (const char *const[]){_("sensor "), name_or_path_id(event), ": ",
                                                  event->state, event->reason[0] ? ": " : "",
                                                  event->reason, NULL});
                fputc('\n', writer->file);
                break;
        case CRAMPD_SERVICE_GONE:
                fprintf(writer->file, "%s\n", _("crampd is not there: nobody watches now"));
                break;
        case CRAMPD_SERVICE_BACK:
                fprintf(writer->file, "%s\n", _("crampd is there"));
                break;
        case CRAMPD_SENSOR_WARNING:
                warning_line_write(writer, event);
                break;
        case CRAMPD_ADVICE_CHANGED:
                words_write(writer->file,
                            (const char *const[]){_("advice changed: "), event->title ?: "-",
                                                  _(" (see 'crampctl guidance')"), NULL});
                fputc('\n', writer->file);
                break;
        }
}

void alert_write(struct alert_writer *writer, const struct crampd_event *event) {
        if (writer->json)
                json_write(writer->file, event);
        else {
                line_write(writer, event);
                (void)fflush(writer->file);
        }
}

void alert_writer_clear(struct alert_writer *writer) {
        free(writer->relief);
        writer->relief = NULL;
}
