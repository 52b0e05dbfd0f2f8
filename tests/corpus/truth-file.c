/* SPDX-License-Identifier: MIT */
/* The truth about a recording as JSON: see signal-file.h and README.md. */
#include "tests/corpus/signal-file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"

static void json_print_string(FILE *file, const char *text) {
        (void)fputc('"', file);
        for (const char *at = text; *at; at++) {
                unsigned char byte = (unsigned char)*at;

                if (byte == '"' || byte == '\\')
                        (void)fprintf(file, "\\%c", byte);
                else if (byte < 0x20)
                        (void)fprintf(file, "\\u%04x", (unsigned)byte);
                else
                        (void)fputc(byte, file);
        }
        (void)fputc('"', file);
}

static void truth_print_setup(FILE *file, const struct corpus *corpus) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);

        (void)fprintf(file, "  \"seed_use\": \"%s\",\n", script_seed_use(setup->seed));
        (void)fprintf(file, "  \"seed\": %" PRIu64 ",\n  \"rate_hz\": %u,\n", setup->seed,
                      setup->rate_hz);
        (void)fprintf(file, "  \"bits\": %u,\n  \"scale_uv\": %.9g,\n  \"rest_uv\": %.9g,\n",
                      setup->bits, setup->scale_uv, setup->rest_uv);
        (void)fprintf(file, "  \"mains_hz\": %u,\n  \"mains_uv\": %.9g,\n", setup->mains_hz,
                      setup->mains_uv);

        (void)fprintf(file, "  \"noise_rise\": %.9g,\n  \"noise_corner_hz\": %.9g,\n", setup->noise_rise,
                      setup->noise_corner_hz);
        (void)fprintf(file, "  \"ecg_uv\": %.9g,\n  \"clock_ppm\": %.9g,\n", setup->ecg_uv,
                      setup->clock_ppm);

        (void)fputs("  \"channels\": [", file);
        for (unsigned i = 0; i < setup->channels; i++)
                (void)fprintf(file,
                              "%s\n    {\"label\": \"EMG %s\", \"muscle\": \"%s\", \"rest_uv\": %.4g}",
                              i > 0 ? "," : "", corpus_muscle_label((enum corpus_muscle)i),
                              corpus_muscle_name((enum corpus_muscle)i), corpus_rest_uv(corpus, i));
        (void)fprintf(file, "\n  ],\n  \"accelerometer\": %s,\n",
                      setup->accelerometer ? "true" : "false");
}

/* Frames that never arrived: [first, number]. A CSV has no rows for them, an EDF repeats the last. */
static void truth_print_gaps(FILE *file, const struct corpus *corpus) {
        const struct corpus_gap *gaps;
        size_t n;

        gaps = corpus_gaps(corpus, &n);
        (void)fputs("  \"gaps\": [", file);
        for (size_t i = 0; i < n; i++)
                (void)fprintf(file, "%s[%" PRIu64 ", %" PRIu64 "]", i > 0 ? ", " : "", gaps[i].first,
                              gaps[i].frames);
        (void)fputs("],\n", file);
}

/* Of what no muscle does: the settings that it has. */
static void truth_print_asked(FILE *file, const struct corpus_event *event) {
        if (event->asked_ratio > 0)
                (void)fprintf(file, ", \"ratio\": %.9g", event->asked_ratio);
        else if (event->asked_uv > 0)
                (void)fprintf(file, ", \"uv\": %.9g", event->asked_uv);
        if (event->asked_hz > 0)
                (void)fprintf(file, ", \"hz\": %.9g", event->asked_hz);
        (void)fputs("}", file);
}

static void truth_print_event(FILE *file, const struct corpus_event *event) {
        const char *comma = "";

        (void)fprintf(file, "    {\"kind\": \"%s\", \"start_s\": %.3f, \"end_s\": %.3f, \"channels\": [",
                      event_kind_to_string(event->kind), event->start_s, event->end_s);
        for (unsigned i = 0; i < CORPUS_CHANNELS_MAX; i++)
                if (event->channels >> i & 1) {
                        (void)fprintf(file, "%s\"EMG %s\"", comma,
                                      corpus_muscle_label((enum corpus_muscle)i));
                        comma = ", ";
                }
        (void)fputs("]", file);

        if (!event_kind_is_muscle(event->kind)) {
                truth_print_asked(file, event);
                return;
        }
        if (event->kind == EVENT_FASCICULATIONS) {
                (void)fprintf(file, ", \"twitches\": %zu}", event->twitches);
                return;
        }
        (void)fprintf(file, ", \"leading\": \"EMG %s\", \"level_ratio\": ",
                      corpus_muscle_label((enum corpus_muscle)event->leading));
        if (event->level_ratio > 0)
                (void)fprintf(file, "%.3f", event->level_ratio);
        else
                (void)fputs("null", file);
        if (event->kind == EVENT_CRAMP) {
                (void)fprintf(file, ", \"onset_s\": %.3f, \"twice_rest_s\": ", event->start_s);
                if (event->twice_rest_s >= 0)
                        (void)fprintf(file, "%.3f", event->twice_rest_s);
                else
                        (void)fputs("null", file);
        }
        (void)fputs("}", file);
}

int truth_file_write(const char *path, const char *signal_path, const struct corpus *corpus,
                     const char *script, const struct signal_start *start) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        _cleanup_(fclosep) FILE *file = fopen(path, "we");
        const struct corpus_event *events;
        size_t n_events;

        if (!file)
                return -errno;

        (void)fputs("{\n  \"simulated\": true,\n  \"generator\": \"", file);
        (void)fprintf(file, "%s\",\n  \"file\": ", setup->material ? "spliced-emg" : "calf-emg");
        json_print_string(file, signal_path);
        (void)fputs(",\n  \"script\": ", file);
        json_print_string(file, script);
        (void)fprintf(file, ",\n  \"start\": \"%04d-%02d-%02dT%02d:%02d:%02d\",\n", start->year,
                      start->month, start->day, start->hour, start->minute, start->second);
        (void)fprintf(file, "  \"duration_s\": %.3f,\n  \"frames\": %" PRIu64 ",\n",
                      (double)corpus_frames(corpus) / setup->rate_hz, corpus_frames(corpus));
        truth_print_setup(file, corpus);
        truth_print_gaps(file, corpus);

        (void)fputs("  \"events\": [", file);
        events = corpus_events(corpus, &n_events);
        for (size_t i = 0; i < n_events; i++) {
                (void)fputs(i > 0 ? ",\n" : "\n", file);
                truth_print_event(file, &events[i]);
        }
        (void)fputs("\n  ]\n}\n", file);

        if (fflush(file) == 0 && !ferror(file))
                return 0;
        (void)unlink(path);
        return -EIO;
}
