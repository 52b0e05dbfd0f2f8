/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/alert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

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
        if (event->type == CRAMPD_ALERT_ENDED && isfinite(episode->peak_mvc_percent))
                fprintf(writer->file, _(", up to %.0f %% of your strongest flexing"),
                        episode->peak_mvc_percent);
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
        return event->sensor_name[0] ? event->sensor_name : event_sensor_id(event);
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
        if (event->over)
                fputs(_(" is good again"), writer->file);
        else if (event->leg)
                fprintf(writer->file, _(": the sensor says that it is on the other one (%s)"),
                        words_of_list(event->leg));
        else if (event->signal)
                words_write(writer->file,
                            (const char *const[]){": ", signal_describe(event->signal) ?: event->signal,
                                                  NULL});
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
                                                  words_of_list(event->state),
                                                  event->reason[0] ? ": " : "",
                                                  words_of_sentence(event->reason).text, NULL});
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
                event_write_json(writer->file, event);
        else {
                line_write(writer, event);
                (void)fflush(writer->file);
        }
}

void alert_writer_clear(struct alert_writer *writer) {
        free(writer->relief);
        writer->relief = NULL;
}
