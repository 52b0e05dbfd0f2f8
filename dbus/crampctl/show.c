/* SPDX-License-Identifier: MIT */
/*
 * crampctl show: one episode, and the signal around its onset.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/plot.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

#define COLUMNS_MIN 30u
#define ROWS 6u
#define MARGIN "  "
#define MARK_TICK_S 5

static const char help[] =
        "Usage: crampctl show [OPTION...] EPISODE\n"
        "\n"
        "Show one recorded cramp, and the signal around its onset as the detector saw it: in each "
        "column the lowest and the\n"
        "highest value. EPISODE is an id, as 'crampctl history' shows it, or 'last'.\n"
        "\n"
        "Options:\n"
        "      --json             The episode and its waveform as one JSON object: `pieces` are the "
        "stretches without a\n"
        "                         gap, `samples` the values of each channel, in steps of `scale_uv`\n"
        "      --no-legend        Leave out headings and remarks\n" MORE_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl show last\n"
        "  crampctl show 4f1c2a9be0d35a77 --json | jq '.waveform.pieces | length'\n";

static void waveform_freep(struct crampd_waveform **waveform) {
        crampd_waveform_free(*waveform);
}

/* --- JSON --- */

static void waveform_write_json(struct json *json, const struct crampd_waveform *waveform) {
        const int16_t *samples = waveform->samples;

        json_object_begin(json, "waveform");
        json_int(json, "start_us", waveform->start_us);
        json_double(json, "rate_hz", waveform->rate_mhz / 1000.0, 3);
        json_uint(json, "channels", waveform->channels);
        json_double(json, "scale_uv", waveform->scale_uv, 6);
        json_bool(json, "arbitrary_unit", waveform->arbitrary_unit);
        json_array_begin(json, "pieces");
        for (size_t i = 0; i < waveform->n_pieces; i++) {
                const struct crampd_piece *piece = waveform->pieces + i;

                json_object_begin(json, NULL);
                json_uint(json, "first", piece->first);
                json_array_begin(json, "samples");
                for (unsigned channel = 0; channel < waveform->channels; channel++) {
                        json_array_begin(json, NULL);
                        for (size_t k = 0; k < piece->frames; k++)
                                json_int(json, NULL, samples[k * waveform->channels + channel]);
                        json_array_end(json);
                }
                json_array_end(json);
                json_object_end(json);
                samples += (size_t)piece->frames * waveform->channels;
        }
        json_array_end(json);
        json_object_end(json);
}

static int json_print(const struct crampd_episode *episode, const struct crampd_waveform *waveform) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        episode_write_json(&json, episode);
        if (waveform)
                waveform_write_json(&json, waveform);
        else
                json_null(&json, "waveform");
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

/* --- the picture --- */

struct picture {
        const struct crampd_episode *episode;
        const struct crampd_waveform *waveform;
        size_t cells;
        bool utf8;
        unsigned frames; /* from the start to the last piece's end */
        struct plot_span spans[2 * PLOT_COLUMNS_MAX];
};

static size_t terminal_cells(void) {
        size_t columns = text_columns(stdout), margins = 2 * strlen(MARGIN);

        if (columns < COLUMNS_MIN)
                columns = COLUMNS_MIN;
        if (columns - margins > PLOT_COLUMNS_MAX)
                return PLOT_COLUMNS_MAX;
        return columns - margins;
}

/* Fills in the spans of one channel. Returns its highest value. */
static double spans_take(struct picture *picture, unsigned channel) {
        const struct crampd_waveform *waveform = picture->waveform;
        size_t n = plot_dots(picture->cells, picture->utf8);
        const int16_t *samples = waveform->samples + channel;
        double highest = 0;

        for (size_t i = 0; i < n; i++)
                picture->spans[i] = (struct plot_span){(double)NAN, (double)NAN};
        for (size_t i = 0; i < waveform->n_pieces; i++)
                for (unsigned k = 0; k < waveform->pieces[i].frames; k++) {
                        uint64_t frame = (uint64_t)waveform->pieces[i].first + k;
                        struct plot_span *span = picture->spans + frame * n / picture->frames;
                        double value = *samples * waveform->scale_uv;

                        samples += waveform->channels;
                        span->low = fmin(span->low, value);
                        span->high = fmax(span->high, value);
                        highest = fmax(highest, fabs(value));
                }
        return highest;
}

/* The cell in which a moment lies, or no cell's number. */
static size_t cell_of(const struct picture *picture, int64_t time_us) {
        int64_t frame = (int64_t)((double)(time_us - picture->waveform->start_us) * 1e-9 *
                                  picture->waveform->rate_mhz);

        if (frame < 0 || frame >= picture->frames)
                return picture->cells;
        return (size_t)((uint64_t)frame * picture->cells / picture->frames);
}

/* Where onset and alert are, below the picture; a word that does not fit gives way to the sign alone. */
static void marks_print(const struct picture *picture) {
        size_t onset = cell_of(picture, picture->episode->onset_us);
        size_t alert = cell_of(picture, picture->episode->alert_us);
        const char *sign = picture->utf8 ? "▲" : "^";
        const char *words[] = {_(" onset"), _(" alert")};
        size_t at[] = {onset, alert}, cell = 0;
        bool bold = text_may_colour(stdout);

        fputs(MARGIN, stdout);
        for (size_t i = 0; i < 2; i++) {
                size_t next = i == 0 && alert < picture->cells ? alert : picture->cells;

                if (at[i] >= picture->cells || at[i] < cell)
                        continue;
                printf("%*s%s%s%s", (int)(at[i] - cell), "", bold ? TEXT_BOLD : "", sign,
                       bold ? TEXT_PLAIN : "");
                cell = at[i] + 1;
                if (cell + text_width(words[i]) < next) {
                        fputs(words[i], stdout);
                        cell += text_width(words[i]);
                }
        }
        putchar('\n');
}

/* Seconds from the onset, every MARK_TICK_S. */
static void axis_print(const struct picture *picture) {
        double length_s = picture->frames * 1000.0 / picture->waveform->rate_mhz;
        double before_s = (double)(picture->episode->onset_us - picture->waveform->start_us) / 1000000.0;
        size_t cell = 0;

        fputs(MARGIN, stdout);
        for (int tick = (int)ceil(-before_s / MARK_TICK_S) * MARK_TICK_S; tick < length_s - before_s;
             tick += MARK_TICK_S) {
                size_t at = (size_t)((tick + before_s) / length_s * (double)picture->cells);
                char text[16];
                int n = snprintf(text, sizeof(text), tick == 0 ? "0 s" : "%+d", tick);

                if (at < cell || at + (size_t)n > picture->cells)
                        continue;
                printf("%*s%s", (int)(at - cell), "", text);
                cell = at + (size_t)n + 1 <= picture->cells ? at + (size_t)n : picture->cells;
        }
        putchar('\n');
}

static int picture_print(const struct crampd_episode *episode, const struct crampd_waveform *waveform) {
        const struct crampd_piece *last = waveform->pieces + waveform->n_pieces - 1;
        struct picture *picture = calloc(1, sizeof(*picture));

        if (!picture)
                return fail(EX_OSERR, "out of memory");
        picture->episode = episode;
        picture->waveform = waveform;
        picture->cells = terminal_cells();
        picture->utf8 = text_is_utf8();
        picture->frames = last->first + last->frames;
        for (unsigned channel = 0; channel < waveform->channels; channel++) {
                double highest = spans_take(picture, channel);

                char number[TEXT_NUMBER_SIZE];

                words_number(highest, highest < 10 ? 1 : 0, number);
                putchar('\n');
                printf(channel == episode->channel ? _("Channel %u (leading), up to %s%s:")
                                                   : _("Channel %u, up to %s%s:"),
                       channel + 1, number, waveform->arbitrary_unit ? "" : " uV");
                putchar('\n');
                plot_draw(stdout, picture->spans, picture->cells, ROWS, highest > 0 ? highest : 1,
                          picture->utf8, MARGIN);
        }
        marks_print(picture);
        axis_print(picture);
        free(picture);
        return 0;
}

/* --- the facts --- */

/* All values begin in one column. */
static void label_print(const char *name) {
        printf("%s%*s", name, text_width(name) < 11 ? (int)(12 - text_width(name)) : 1, "");
}

static void fact_print(const char *name, const char *text) {
        label_print(name);
        text_write(stdout, text);
        putchar('\n');
}

/* "123.5 uV (highest 150 ms RMS), 46 % of your strongest flexing", or what of it is known. */
static void level_print(const struct crampd_episode *episode) {
        char level[TEXT_NUMBER_SIZE], percent[TEXT_NUMBER_SIZE];

        words_number(episode->peak_uv, 1, level);
        words_number(episode->peak_mvc_percent, 0, percent);
        if (!level[0] && !percent[0])
                return;
        label_print(_("Level:"));
        if (level[0])
                printf(_("%s uV (highest 150 ms RMS)"), level);
        if (percent[0]) {
                fputs(level[0] ? ", " : "", stdout);
                printf(_("%s %% of your strongest flexing"), percent);
        }
        putchar('\n');
}

/* By name where it has one, for its id says nothing to people. */
static void sensor_print(const char *id, const char *name) {
        label_print(_("Sensor:"));
        if (name) {
                text_write(stdout, name);
                fputs(" (", stdout);
        }
        text_write(stdout, id);
        fputs(name ? ")\n" : "\n", stdout);
}

/* `sensor_name`: NULL = none, or of a sensor that was given up. */
static void facts_print(const struct crampd_episode *episode, const char *sensor_name) {
        char onset[TIMESTAMP_SIZE], alert[TIMESTAMP_SIZE], duration[EPISODE_DURATION_SIZE],
                number[TEXT_NUMBER_SIZE];

        timestamp_format_people(episode->onset_us, episode->zone_offset_s, onset);
        timestamp_format_people(episode->alert_us, episode->zone_offset_s, alert);
        episode_format_duration(episode, duration);
        fact_print(_("Episode:"), episode->id);
        sensor_print(episode->sensor, sensor_name);
        if (episode->simulated)
                fact_print(_("Simulated:"), _("a recording that crampd played, not a leg"));
        fact_print(_("Where:"), words_of_list(episode->leg));
        fact_print(_("Muscle:"), episode->muscle);
        fact_print(_("Onset:"), onset);
        label_print(_("Alert:"));
        language_number(words_language(), (double)(episode->alert_us - episode->onset_us) / 1000000.0, 1,
                        number);
        printf(_("%s (%s s later)"), alert, number);
        putchar('\n');
        label_print(_("Lasted:"));
        fputs(duration, stdout);
        if (episode->end_reason) {
                fputs(", ", stdout);
                text_write(stdout, words_of_list(episode->end_reason));
        }
        putchar('\n');
        fact_print(_("Severity:"), words_of_list(episode->severity));
        level_print(episode);
        words_number(episode->median_hz, 1, number);
        if (number[0]) {
                label_print(_("Median:"));
                printf("%s Hz\n", number);
        }
        language_number(words_language(), episode->confidence, 2, number);
        fact_print(_("Confidence:"), number);
        if (episode->verdict)
                fact_print(_("Verdict:"), words_of_list(episode->verdict));
        if (episode->pain >= 0) {
                label_print(_("Pain:"));
                printf(_("%d of 10"), episode->pain);
                putchar('\n');
        }
        if (episode->note)
                fact_print(_("Note:"), episode->note);
}

/* `*ret` stays NULL where there is none. Returns 0, or an exit code after saying why. */
static int sensor_name_get(crampd_client *client, const char *id, char **ret) {
        struct crampd_error error = {};
        struct crampd_sensor *sensors;
        bool failed = false;
        size_t n;
        int r = crampd_list_sensors(client, &sensors, &n, &error);

        if (r < 0)
                return fail_client(r, &error);
        for (size_t i = 0; i < n; i++)
                if (strcmp(sensors[i].id, id) == 0 && sensors[i].name[0]) {
                        *ret = strdup(sensors[i].name);
                        failed = !*ret;
                }
        crampd_sensors_free(sensors, n);
        return failed ? fail(EX_OSERR, "out of memory") : 0;
}

static int people_print(crampd_client *client, const struct crampd_episode *episode,
                        const struct crampd_waveform *waveform, bool legend) {
        _cleanup_(freep) char *name = NULL;
        int code = sensor_name_get(client, episode->sensor, &name);

        if (code != 0)
                return code;
        facts_print(episode, name);
        if (waveform)
                code = picture_print(episode, waveform);
        else if (legend)
                printf("\n%s\n",
                       _("No waveform was kept: it comes some 20 s after the onset, and of the "
                         "newest 1000 cramps."));
        return code == 0 ? output_finish_stdout() : code;
}

static int show_run(const struct global_options *global, const char *said) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(waveform_freep) struct crampd_waveform *waveform = NULL;
        _cleanup_(episode_copy_clear) struct crampd_episode episode = {};
        struct crampd_error error = {};
        int code, r;

        code = episode_open(said, &client, &episode);
        if (code != 0)
                return code;
        if (episode.has_waveform) {
                r = crampd_get_waveform(client, episode.id, &waveform, &error);
                if (r < 0 && r != -ENOENT) /* forgotten since */
                        return fail_client(r, &error);
        }
        return global->json ? json_print(&episode, waveform)
                            : people_print(client, &episode, waveform, !global->no_legend);
}

int verb_show(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        struct global_options g = *global;
        int c;

        while ((c = option_next(&g, argc, argv, ":h", options)) >= 0) {
                if (c != 'h')
                        return EX_USAGE;
                return help_print(help);
        }
        if (optind >= argc)
                return fail(EX_USAGE, "which episode? Give its id, as 'crampctl history' shows it, or "
                                      "'last'");
        if (optind + 1 < argc)
                return fail(EX_USAGE, "one episode at a time: '%s' is one word too many",
                            argv[optind + 1]);
        return show_run(&g, argv[optind]);
}
