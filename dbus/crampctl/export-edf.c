/* SPDX-License-Identifier: MIT */
/*
 * crampctl export --format edf: the signal around each onset as EDF+C, a file for each stretch without
 * a gap, with onset and alert as annotations. The samples are crampd's own integers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/export.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/words.h"
#include "sensors/recording/edf-writer.h"

#define CHANNELS_MAX 16u
#define STAMP_SIZE 32
#define SUFFIX ".edf"

struct files {
        struct export *export;
        bool single;               /* `path` is a file */
        struct output only;        /* that one; it gets its name when it is known that no other comes */
        struct output_batch batch; /* else */
        size_t written;
        int code;
};

static bool is_file_name(const char *path) {
        size_t length = strlen(path), suffix = strlen(SUFFIX);

        return length > suffix && strcmp(path + length - suffix, SUFFIX) == 0;
}

/* "FOLDER/20261123T021405-4f1c2a9be0d35a77-2.edf": local time of the onset, the episode, the stretch. */
static char *name_file(const struct files *files, const struct crampd_episode *episode, size_t piece,
                       size_t pieces) {
        time_t seconds = (time_t)(episode->onset_us / 1000000) + episode->zone_offset_s;
        char stamp[STAMP_SIZE] = "", number[24] = "";
        struct tm local = {};
        char *name;

        if (files->single)
                return strdup(files->export->path);
        if (gmtime_r(&seconds, &local))
                (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &local);
        if (pieces > 1)
                (void)snprintf(number, sizeof(number), "-%zu", piece + 1);
        if (asprintf(&name, "%s/%s-%s%s%s", files->export->path, stamp, episode->id, number, SUFFIX) < 0)
                return NULL;
        return name;
}

/* An annotation, if its moment lies in this stretch. */
static int annotate(struct edf_writer *writer, int64_t time_us, int64_t start_us, int64_t end_us,
                    const char *text) {
        return time_us >= start_us && time_us < end_us
                       ? edf_writer_annotate(writer, time_us - start_us, -1, text)
                       : 0;
}

static int write_stretch(const char *path, const struct crampd_episode *episode,
                         const struct crampd_waveform *waveform, size_t piece, const int16_t *samples) {
        const struct crampd_piece *stretch = waveform->pieces + piece;
        size_t n = (size_t)stretch->frames * waveform->channels;
        int64_t start_us = waveform->start_us +
                           (int64_t)(stretch->first * UINT64_C(1000000000) / waveform->rate_mhz);
        int64_t end_us =
                start_us + (int64_t)(stretch->frames * UINT64_C(1000000000) / waveform->rate_mhz);
        struct edf_writer_channel channels[CHANNELS_MAX];
        _cleanup_(freep) int32_t *counts = calloc(n, sizeof(*counts));
        char labels[CHANNELS_MAX][8], recording[64];
        struct edf_writer *writer;
        int r, closed;

        if (!counts)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                counts[i] = samples[i];
        for (unsigned i = 0; i < waveform->channels; i++) {
                (void)snprintf(labels[i], sizeof(labels[i]), "EMG %u", (i + 1) % 100);
                channels[i] =
                        (struct edf_writer_channel){.label = labels[i],
                                                    .unit = waveform->arbitrary_unit ? "" : "uV",
                                                    .prefilter = "band-passed, mains taken out",
                                                    .digital_min = INT16_MIN,
                                                    .digital_max = INT16_MAX,
                                                    .physical_min = INT16_MIN * waveform->scale_uv,
                                                    .physical_max = INT16_MAX * waveform->scale_uv};
        }
        (void)snprintf(recording, sizeof(recording), "episode %.16s%s", episode->id,
                       episode->simulated ? " SIMULATED" : "");
        r = edf_writer_new(path,
                           &(struct edf_writer_setup){.rate_mhz = waveform->rate_mhz,
                                                      .channels = channels,
                                                      .n_channels = waveform->channels,
                                                      .start_us = start_us + episode->zone_offset_s *
                                                                                     INT64_C(1000000),
                                                      .equipment = EDF_WRITER_EQUIPMENT,
                                                      .recording = recording,
                                                      .annotations_per_record = 4,
                                                      .unsynced = true},
                           &writer);
        if (r < 0)
                return r;
        r = edf_writer_push(writer, counts, stretch->frames);
        if (r >= 0)
                r = annotate(writer, episode->onset_us, start_us, end_us, "Onset");
        if (r >= 0)
                r = annotate(writer, episode->alert_us, start_us, end_us, "Alert");
        if (r >= 0 && episode->end_us != CRAMPD_NO_TIME)
                r = annotate(writer, episode->end_us, start_us, end_us, "End");
        closed = edf_writer_close(writer);
        return r < 0 ? r : closed;
}

static int write_into(struct output *output, struct files *files, const char *path,
                      const struct crampd_episode *episode, const struct crampd_waveform *waveform,
                      size_t piece, const int16_t *samples) {
        int code, r;

        code = output_open(output, path, files->export->force);
        if (code != 0)
                return code;
        r = write_stretch(output->place, episode, waveform, piece, samples);
        return r < 0 ? fail(EX_CANTCREAT, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

/* Under its name once it is whole. Returns an exit code. */
static int write_file(struct files *files, const char *path, const struct crampd_episode *episode,
                      const struct crampd_waveform *waveform, size_t piece, const int16_t *samples) {
        _cleanup_(output_close) struct output output = {};
        int code;

        if (files->single)
                return write_into(&files->only, files, path, episode, waveform, piece, samples);
        code = write_into(&output, files, path, episode, waveform, piece, samples);
        return code != 0 ? code : output_batch_add(&files->batch, &output);
}

static int write_signal(const struct crampd_episode *episode, const struct crampd_waveform *waveform,
                        void *userdata) {
        const int16_t *samples = waveform->samples;
        struct files *files = userdata;

        for (size_t i = 0; i < waveform->n_pieces && files->code == 0; i++) {
                _cleanup_(freep) char *path = name_file(files, episode, i, waveform->n_pieces);

                if (!path)
                        files->code = fail(EX_OSERR, "out of memory");
                else if (files->single && (files->written > 0 || waveform->n_pieces > 1))
                        files->code = fail(EX_USAGE,
                                           "there is more than one stretch of signal: give -o a folder, "
                                           "or one episode's time with --since and --until");
                else
                        files->code = write_file(files, path, episode, waveform, i, samples);
                samples += (size_t)waveform->pieces[i].frames * waveform->channels;
                files->written++;
        }
        return files->code == 0 ? 0 : -ECANCELED;
}

static int keep_signal(const struct crampd_episode *episode, void *userdata) {
        return export_signals_add(userdata, episode);
}

static int signals_write(struct files *files) {
        _cleanup_(export_signals_clear) struct export_signals signals = {};
        int code = export_episodes(files->export, keep_signal, &signals);

        if (code == 0)
                code = export_signals_get(files->export, &signals, write_signal, files);
        return files->code != 0 ? files->code : code;
}

static int folder_write(struct files *files) {
        const char *folder = files->export->path;
        int code;

        if (mkdir(folder, S_IRWXU) < 0 && errno != EEXIST)
                return fail(EX_CANTCREAT, "cannot create the folder '%s': %s", folder, strerror(errno));
        code = output_batch_begin(&files->batch, folder);
        if (code == 0)
                code = signals_write(files);
        if (code == 0 && files->written > 0)
                code = output_batch_commit(&files->batch);
        output_batch_clear(&files->batch);
        return code;
}

static int file_write(struct files *files) {
        int code = signals_write(files);

        if (code == 0 && files->only.file)
                code = output_commit(&files->only);
        output_close(&files->only);
        return code;
}

static int edf_write(struct export *export) {
        struct files files = {
                .export = export, .single = is_file_name(export->path), .batch = OUTPUT_BATCH_INIT};
        int code = files.single ? file_write(&files) : folder_write(&files);

        if (code == 0 && files.written == 0 && export->legend && !export->after)
                puts(_("No cramp of that choice has a waveform."));
        return code;
}

const struct export_format export_edf = {
        .name = "edf",
        .summary = N_("EDF+ files of the signal around each onset, in a folder"),
        .kind = EXPORT_FOLDER,
        .incremental = true,
        .write = edf_write,
};
