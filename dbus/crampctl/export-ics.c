/* SPDX-License-Identifier: MIT */
/*
 * crampctl export --format ics: an iCalendar event a cramp (RFC 5545), private and free time. An event
 * keeps its UID, so that a calendar that reads the file again changes it instead of doubling it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "dbus/crampctl/export.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define LINE_OCTETS_MAX 75u
#define TIME_SIZE 32

/* --- lines: section 3.1 --- */

struct line {
        FILE *file;
        size_t octets;
};

static bool begins_character(char octet) {
        return ((unsigned char)octet & 0xc0) != 0x80;
}

static size_t character_octets(const char *text) {
        size_t n = 1;

        while (text[n] && !begins_character(text[n]))
                n++;
        return n;
}

/* A longer line is folded, between characters. */
static void line_put(struct line *line, const char *text, size_t octets) {
        if (line->octets + octets > LINE_OCTETS_MAX) {
                fputs("\r\n ", line->file);
                line->octets = 1;
        }
        (void)fwrite(text, 1, octets, line->file);
        line->octets += octets;
}

/* Section 3.3.11: commas, semicolons and backslashes are escaped, and so are ends of lines; no other
 * control character may be there. */
static void line_text(struct line *line, const char *text) {
        while (text && *text) {
                size_t octets = character_octets(text);

                if (*text == '\n')
                        line_put(line, "\\n", 2);
                else if (*text == ',' || *text == ';' || *text == '\\') {
                        const char escaped[] = {'\\', *text};

                        line_put(line, escaped, 2);
                } else if ((unsigned char)*text >= 0x20 && *text != 0x7f)
                        line_put(line, text, octets);
                text += octets;
        }
}

static struct line line_begin(FILE *file, const char *name) {
        struct line line = {.file = file};

        line_put(&line, name, strlen(name));
        line_put(&line, ":", 1);
        return line;
}

static void line_end(struct line *line) {
        fputs("\r\n", line->file);
}

/* --- properties --- */

static void property_fixed(FILE *file, const char *text) {
        fprintf(file, "%s\r\n", text);
}

/* The second that a moment lies in; an end is rounded up. */
static void property_time(FILE *file, const char *name, int64_t time_us, bool up) {
        time_t seconds = (time_t)((time_us + (up ? 999999 : 0)) / 1000000);
        struct tm utc = {};
        char text[TIME_SIZE];

        (void)gmtime_r(&seconds, &utc);
        if (strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc) > 0)
                fprintf(file, "%s:%s\r\n", name, text);
}

static void property_number(FILE *file, const char *name, int64_t number) {
        fprintf(file, "%s:%" PRId64 "\r\n", name, number);
}

static void summary_write(FILE *file, const char *mark, const char *what, const char *leg,
                          const char *muscle) {
        struct line line = line_begin(file, "SUMMARY");

        line_text(&line, mark);
        line_text(&line, what);
        line_text(&line, " (");
        line_text(&line, leg);
        line_text(&line, " ");
        line_text(&line, muscle);
        line_text(&line, ")");
        line_end(&line);
}

static void description_part(struct line *line, bool *some, const char *name, const char *value,
                             const char *unit) {
        if (!value || !value[0])
                return;
        if (*some)
                line_text(line, "\n");
        *some = true;
        line_text(line, name);
        line_text(line, ": ");
        line_text(line, value);
        line_text(line, unit);
}

static const char *pain_text(int pain, char ret[static TEXT_NUMBER_SIZE]) {
        ret[0] = '\0';
        if (pain >= 0)
                text_number(pain, 0, ret);
        return ret;
}

static void event_begin(FILE *file, const char *id, int64_t stamp_us, int64_t start_us) {
        property_fixed(file, "BEGIN:VEVENT");
        fputs("UID:", file);
        text_write(file, id);
        fputs("@crampd\r\n", file);
        /* When it was last known otherwise: the same at every export. */
        property_time(file, "DTSTAMP", stamp_us, false);
        property_time(file, "DTSTART", start_us, false);
}

static void event_end(FILE *file) {
        property_fixed(file, "CLASS:PRIVATE");
        property_fixed(file, "TRANSP:TRANSPARENT");
        property_fixed(file, "END:VEVENT");
}

/* --- events --- */

static int write_episode(const struct crampd_episode *episode, void *userdata) {
        struct export *export = userdata;
        char peak[TEXT_NUMBER_SIZE], median[TEXT_NUMBER_SIZE], confidence[TEXT_NUMBER_SIZE],
                mvc[TEXT_NUMBER_SIZE], pain[TEXT_NUMBER_SIZE];
        bool ended = episode->end_us != CRAMPD_NO_TIME, some = false;
        bool false_alarm = episode->verdict && strcmp(episode->verdict, "false-alarm") == 0;
        FILE *file = export->file;
        struct line line;

        event_begin(file, episode->id, ended ? episode->end_us : episode->alert_us, episode->onset_us);
        if (ended && episode->end_us > episode->onset_us)
                property_time(file, "DTEND", episode->end_us, true);
        summary_write(file, episode->simulated ? "SIMULATED: " : "",
                      false_alarm ? "False alarm" : "Leg cramp", episode->leg, episode->muscle);
        text_number(episode->peak_uv, 1, peak);
        text_number(episode->median_hz, 1, median);
        text_number(episode->peak_mvc_percent, 0, mvc);
        text_number(episode->confidence, 2, confidence);
        line = line_begin(file, "DESCRIPTION");
        description_part(&line, &some, "Severity", episode->severity, "");
        description_part(&line, &some, "Level", peak, " uV");
        description_part(&line, &some, "Of the strongest flexing", mvc, " %");
        description_part(&line, &some, "Median frequency", median, " Hz");
        description_part(&line, &some, "Confidence", confidence, "");
        description_part(&line, &some, "End", episode->end_reason, "");
        description_part(&line, &some, "Verdict", episode->verdict, "");
        description_part(&line, &some, "Pain", pain_text(episode->pain, pain), " of 10");
        description_part(&line, &some, "Note", episode->note, "");
        line_end(&line);
        property_number(file, "X-CRAMPD-ONSET-US", episode->onset_us);
        event_end(file);
        return ferror(file) ? -EIO : 0;
}

static int write_missed(const struct crampd_missed *missed, void *userdata) {
        struct export *export = userdata;
        char pain[TEXT_NUMBER_SIZE];
        FILE *file = export->file;
        bool some = false;
        struct line line;

        event_begin(file, missed->id, missed->time_us, missed->time_us);
        summary_write(file, "", "Leg cramp without an alert", missed->leg, missed->muscle);
        line = line_begin(file, "DESCRIPTION");
        description_part(&line, &some, "Pain", pain_text(missed->pain, pain), " of 10");
        description_part(&line, &some, "Note", missed->note, "");
        line_end(&line);
        property_number(file, "X-CRAMPD-ONSET-US", missed->time_us);
        event_end(file);
        return ferror(file) ? -EIO : 0;
}

static int ics_write(struct export *export) {
        int code;

        property_fixed(export->file, "BEGIN:VCALENDAR");
        property_fixed(export->file, "VERSION:2.0");
        property_fixed(export->file, "PRODID:-//crampd//crampctl//EN");
        property_fixed(export->file, "CALSCALE:GREGORIAN");
        code = export_episodes(export, write_episode, export);
        if (code == 0 && !export->after)
                code = export_missed(export, write_missed, export);
        property_fixed(export->file, "END:VCALENDAR");
        return code;
}

const struct export_format export_ics = {
        .name = "ics",
        .summary = N_("calendar events (RFC 5545), private, in UTC"),
        .kind = EXPORT_STREAM,
        .incremental = true,
        .write = ics_write,
};
