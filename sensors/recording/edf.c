/* SPDX-License-Identifier: MIT */
/*
 * EDF, EDF+C, BDF and BDF+C through EDFlib: digital samples as they are in the file. Of files that
 * edf-writer.c wrote, held gaps are gaps again, and what filled up the last record is left out. Called
 * by recording.c.
 */
#include "sensors/recording/edf-scale.h"
#include "sensors/recording/edf-writer.h"
#include "sensors/recording/reader.h"

#include <edflib.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"

/* EDFlib reads one signal at a time, so samples are interleaved in blocks of this many frames. */
#define BLOCK_FRAMES 4096
/* By how much, at most, the characters of a header's numbers change a scale. */
#define SCALE_ROUNDED 1e-4

struct gap {
        uint64_t first, frames;
};

struct edf_reader {
        int handle;
        uint64_t next;
        struct gap *gaps; /* in order */
        size_t gaps_count;
        size_t gaps_passed;
        int *signals; /* EDFlib's number of each channel */
        size_t signals_count;
        bool own;                /* edf-writer.c wrote it */
        unsigned motion_frames;  /* between two values of the accelerometer */
        unsigned company_frames; /* likewise of other sensors */
        int32_t motion_unknown[RECORDING_AXES], company_unknown; /* digital minima */
        int block[BLOCK_FRAMES];
};

static void edf_close(void *reader) {
        struct edf_reader *edf = reader;

        if (edf->handle >= 0)
                (void)edfclose_file(edf->handle);
        free(edf->signals);
        free(edf->gaps);
        free(edf);
}

/* Passes over the gap that begins with the next frame, if one does. */
static int gaps_pass(const struct recording *recording, struct edf_reader *edf) {
        while (edf->gaps_passed < edf->gaps_count && edf->gaps[edf->gaps_passed].first <= edf->next) {
                const struct gap *gap = edf->gaps + edf->gaps_passed++;
                uint64_t end = gap->first + gap->frames;

                if (end > edf->next)
                        edf->next = end < recording->frames ? end : recording->frames;
        }
        for (size_t i = 0; i < edf->signals_count; i++)
                if (edfseek(edf->handle, edf->signals[i], (long long)edf->next, EDFSEEK_SET) < 0)
                        return -EIO;
        return 0;
}

static int block_length(const struct recording *recording, const struct edf_reader *edf, size_t frames) {
        uint64_t end = edf->gaps_passed < edf->gaps_count ? edf->gaps[edf->gaps_passed].first
                                                          : recording->frames;
        uint64_t left = (end < recording->frames ? end : recording->frames) - edf->next;

        if (frames > BLOCK_FRAMES)
                frames = BLOCK_FRAMES;
        return (int)(left < frames ? left : frames);
}

/* A signal beside the muscles into its column, each of its values until the next. Returns whether it
 * could be read. */
static bool held_read(const struct recording *recording, struct edf_reader *edf, size_t signal,
                      unsigned frames, int32_t unknown, int32_t *column, size_t length) {
        size_t columns = recording_columns(recording);
        uint64_t first = edf->next / frames;
        int n = (int)((edf->next + length - 1) / frames - first) + 1;

        if (edfseek(edf->handle, (int)signal, (long long)first, EDFSEEK_SET) < 0 ||
            edfread_digital_samples(edf->handle, (int)signal, n, edf->block) != n)
                return false;
        for (size_t frame = 0; frame < length; frame++) {
                int32_t value = edf->block[(edf->next + frame) / frames - first];

                column[frame * columns] = edf->own && value == unknown ? RECORDING_NOT_KNOWN : value;
        }
        return true;
}

/* Behind the muscles' columns. */
static bool beside_read(const struct recording *recording, struct edf_reader *edf, int32_t *counts,
                        size_t length) {
        int32_t *column = counts + edf->signals_count;

        for (unsigned axis = 0; recording->motion_scale_g > 0 && axis < RECORDING_AXES; axis++)
                if (!held_read(recording, edf, recording->motion[axis], edf->motion_frames,
                               edf->motion_unknown[axis], column++, length))
                        return false;
        return !recording->has_company ||
               held_read(recording, edf, recording->company, edf->company_frames, edf->company_unknown,
                         column, length);
}

static ssize_t edf_read(struct recording *recording, uint64_t *ret_index, int32_t *counts, size_t frames,
                        struct recording_error *error) {
        struct edf_reader *edf = recording->reader;
        size_t channels = edf->signals_count, columns = recording_columns(recording);
        int length;

        if (edf->gaps_count > 0 && gaps_pass(recording, edf) < 0)
                return recording_fail(error, -EIO, "%s: cannot be read: copy the file again",
                                      recording->path);
        length = block_length(recording, edf, frames);
        for (size_t channel = 0; channel < channels; channel++) {
                int got =
                        edfread_digital_samples(edf->handle, edf->signals[channel], length, edf->block);

                if (got != length)
                        return recording_fail(
                                error, -EIO,
                                "%s: frame %llu cannot be read: the file was cut short meanwhile, or "
                                "the disk is failing",
                                recording->path, (unsigned long long)edf->next);
                for (size_t frame = 0; frame < (size_t)length; frame++)
                        counts[frame * columns + channel] = edf->block[frame];
        }
        if (length > 0 && !beside_read(recording, edf, counts, (size_t)length))
                return recording_fail(error, -EIO,
                                      "%s: frame %llu: what is beside the muscles cannot be read",
                                      recording->path, (unsigned long long)edf->next);

        *ret_index = edf->next;
        edf->next += (unsigned)length;
        return length;
}

static const struct recording_type edf_type = {.read = edf_read, .close = edf_close};

static int edf_fail(const char *path, int filetype, struct recording_error *error) {
        switch (filetype) {
        case EDFLIB_MALLOC_ERROR:
                return recording_fail(error, -ENOMEM, "%s: out of memory", path);
        case EDFLIB_NO_SUCH_FILE_OR_DIRECTORY:
                return recording_fail(error, -ENOENT, "%s: the file is gone", path);
        case EDFLIB_MAXFILES_REACHED:
                return recording_fail(error, -EMFILE,
                                      "%s: too many recordings are open: close some first", path);
        case EDFLIB_FILE_ALREADY_OPENED:
                return recording_fail(error, -EBUSY,
                                      "%s: is being read already: wait until that is done", path);
        case EDFLIB_FILE_READ_ERROR:
                return recording_fail(error, -EIO, "%s: cannot be read: copy the file again", path);
        case EDFLIB_FILE_IS_DISCONTINUOUS:
                return recording_fail(
                        error, -EBADMSG,
                        "%s: the recording is discontinuous: convert it to continuous files with "
                        "EDFbrowser (Tools, Convert EDF+D to EDF+C)",
                        path);
        default:
                return recording_fail(
                        error, -EBADMSG,
                        "%s: its header breaks the rules of EDF (EDFlib's error %d): open it with "
                        "EDFbrowser, which names the place, and correct it there (Tools, Header editor)",
                        path, filetype);
        }
}

static size_t padded_length(const char *text) {
        size_t length = strlen(text);

        while (length > 0 && text[length - 1] == ' ')
                length--;
        return length;
}

/* The header's, with what its eight characters could not hold. */
static void scale_make_exact(struct signal *signal, const char *prefilter) {
        double scale = edf_scale_parse(prefilter) * unit_microvolts(signal->unit);

        if (fabs(scale - signal->scale_uv) <= SCALE_ROUNDED * signal->scale_uv)
                signal->scale_uv = scale;
}

static int signals_describe(struct recording *recording, const struct edf_hdr_struct *header, bool own,
                            struct recording_error *error) {
        int r;

        r = signal_list_init(&recording->signals, (size_t)header->edfsignals);
        if (r < 0)
                return recording_fail(error, r, "%s: out of memory", recording->path);

        for (size_t i = 0; i < recording->signals.count; i++) {
                const struct edf_param_struct *param = &header->signalparam[i];
                struct signal *signal = &recording->signals.signals[i];
                size_t dimension_length = padded_length(param->physdimension);

                signal->label = strndup(param->label, padded_length(param->label));
                if (!signal->label)
                        return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);
                signal->stem_length = strlen(signal->label);
                signal->unit = dimension_length == 0
                                       ? UNIT_NONE
                                       : unit_from_voltage(param->physdimension, dimension_length);
                signal->arbitrary = !unit_is_voltage(signal->unit);
                if (dimension_length == 1 && param->physdimension[0] == 'g')
                        signal->axis_shift = 3;
                if (signal->axis_shift > 0 ||
                    (dimension_length == 2 && memcmp(param->physdimension, "mg", 2) == 0))
                        signal->axis_length = signal->stem_length;
                signal->scale_uv = fabs((param->phys_max - param->phys_min) /
                                        ((double)param->dig_max - (double)param->dig_min)) *
                                   unit_microvolts(signal->unit);
                if (own)
                        scale_make_exact(signal, param->prefilter);
        }
        return 0;
}

static double signal_rate_hz(const struct edf_hdr_struct *header, size_t signal) {
        return (double)header->signalparam[signal].smp_in_datarecord * (double)EDFLIB_TIME_DIMENSION /
               (double)header->datarecord_duration;
}

/* How many of the signals that may be taken have this many samples in a record, hence the same rate. */
static size_t rate_votes(const struct recording *recording, const struct edf_hdr_struct *header,
                         int samples) {
        size_t votes = 0;

        for (size_t i = 0; i < recording->signals.count; i++)
                votes += recording->signals.signals[i].taken &&
                         header->signalparam[i].smp_in_datarecord == samples;
        return votes;
}

/* Of the signals in volts, those of the rate that most of them have, the first in a draw. */
static void signals_take_voltages(struct recording *recording, const struct edf_hdr_struct *header) {
        struct signal_list *list = &recording->signals;
        size_t most = 0;
        int samples = 0; /* if no rate is in range: the first's, whose rate is then refused */

        for (size_t i = list->count; i-- > 0;) {
                list->signals[i].taken = unit_is_voltage(list->signals[i].unit);
                if (list->signals[i].taken)
                        samples = header->signalparam[i].smp_in_datarecord;
        }
        for (size_t i = 0; i < list->count; i++) {
                double rate_mhz = round(signal_rate_hz(header, i) * 1000);
                size_t votes = rate_votes(recording, header, header->signalparam[i].smp_in_datarecord);

                if (votes > most && rate_mhz >= RECORDING_RATE_MIN_MHZ &&
                    rate_mhz <= RECORDING_RATE_MAX_MHZ) {
                        most = votes;
                        samples = header->signalparam[i].smp_in_datarecord;
                }
        }
        for (size_t i = 0; i < list->count; i++)
                if (header->signalparam[i].smp_in_datarecord != samples)
                        list->signals[i].taken = false;
}

static int signals_take(struct recording *recording, const struct edf_hdr_struct *header,
                        const struct recording_options *options, struct recording_error *error) {
        struct signal_list *list = &recording->signals;
        size_t first = list->count;
        int r;

        if (options->channels) {
                r = signal_list_choose(list, options->channels, recording->path, error);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < list->count; i++)
                        list->signals[i].taken = list->signals[i].chosen;
        } else
                signals_take_voltages(recording, header);

        for (size_t i = list->count; i-- > 0;)
                if (list->signals[i].taken)
                        first = i;
        if (first == list->count)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: no signal is in uV, mV or V: choose the muscle signals with --channel",
                        recording->path);

        for (size_t i = first; i < list->count; i++) {
                const struct signal *signal = &list->signals[i];

                if (!signal->taken)
                        continue;
                if (header->signalparam[i].smp_in_datarecord !=
                    header->signalparam[first].smp_in_datarecord)
                        return recording_fail(
                                error, -EBADMSG,
                                "%s: \"%s\" and \"%s\" have different rates (%.7g and %.7g Hz): choose "
                                "channels of one rate with --channel",
                                recording->path, list->signals[first].label, signal->label,
                                signal_rate_hz(header, first), signal_rate_hz(header, i));
                if (!isfinite(signal->scale_uv) || signal->scale_uv <= 0)
                        return recording_fail(
                                error, -EBADMSG,
                                "%s: signal %zu (\"%s\") has no usable physical range: correct it with "
                                "EDFbrowser (Tools, Header editor)",
                                recording->path, i + 1, signal->label);
        }

        recording->frames = (uint64_t)header->signalparam[first].smp_in_file;
        return recording_set_rate(recording, signal_rate_hz(header, first), error);
}

/* The accelerometer, if its values fit to the frames of the signals that are taken. */
static void motion_take(struct recording *recording, struct edf_reader *edf,
                        const struct edf_hdr_struct *header) {
        const struct signal_list *list = &recording->signals;
        const struct edf_param_struct *param;
        int samples, values;

        if (!recording_find_motion(recording))
                return;
        samples = header->signalparam[edf->signals[0]].smp_in_datarecord;
        param = &header->signalparam[recording->motion[0]];
        values = param->smp_in_datarecord;
        if (values <= 0 || samples % values != 0)
                return;
        for (unsigned axis = 1; axis < RECORDING_AXES; axis++)
                if (header->signalparam[recording->motion[axis]].smp_in_datarecord != values ||
                    list->signals[recording->motion[axis]].scale_uv !=
                            list->signals[recording->motion[0]].scale_uv ||
                    list->signals[recording->motion[axis]].axis_shift !=
                            list->signals[recording->motion[0]].axis_shift)
                        return;
        for (unsigned axis = 0; axis < RECORDING_AXES; axis++)
                edf->motion_unknown[axis] = header->signalparam[recording->motion[axis]].dig_min;
        edf->motion_frames = (unsigned)(samples / values);
        recording->motion_scale_g = list->signals[recording->motion[0]].scale_uv *
                                    (list->signals[recording->motion[0]].axis_shift == 3 ? 1.0 : 1e-3);
        /* NaN or no range at all: there is none. */
        if (!(recording->motion_scale_g > 0 && recording->motion_scale_g < 1))
                recording->motion_scale_g = 0;
}

/* Other sensors' level, likewise; in whole percent. */
static void company_take(struct recording *recording, struct edf_reader *edf,
                         const struct edf_hdr_struct *header) {
        const struct signal_list *list = &recording->signals;
        int samples = header->signalparam[edf->signals[0]].smp_in_datarecord;

        for (size_t i = 0; recording->wants_company && i < list->count; i++) {
                const struct edf_param_struct *param = &header->signalparam[i];
                size_t unit_length = padded_length(param->physdimension);

                if (list->signals[i].taken || strcmp(list->signals[i].label, EDF_WRITER_COMPANY) != 0)
                        continue;
                if (unit_length != 1 || param->physdimension[0] != '%' ||
                    param->phys_min != param->dig_min || param->phys_max != param->dig_max ||
                    param->smp_in_datarecord <= 0 || samples % param->smp_in_datarecord != 0)
                        continue;
                recording->has_company = true;
                recording->company = i;
                edf->company_frames = (unsigned)(samples / param->smp_in_datarecord);
                edf->company_unknown = param->dig_min;
                return;
        }
}

static int signals_number(struct edf_reader *edf, const struct signal_list *list) {
        edf->signals = calloc(signal_list_taken(list), sizeof(*edf->signals));
        if (!edf->signals)
                return -ENOMEM;
        for (size_t i = 0; i < list->count; i++)
                if (list->signals[i].taken)
                        edf->signals[edf->signals_count++] = (int)i;
        return 0;
}

static uint64_t frame_of(const struct recording *recording, long long onset) {
        return onset > 0 ? (uint64_t)llrint((double)onset * recording->rate_mhz / 1e10) : 0;
}

static int gap_compare(const void *a, const void *b) {
        const struct gap *first = a, *second = b;

        return first->first < second->first ? -1 : first->first > second->first;
}

/* What edf-writer.c says in its annotations. */
static int annotations_take(struct recording *recording, struct edf_reader *edf,
                            const struct edf_hdr_struct *header) {
        _cleanup_(freep) struct edf_annotation_struct *annotation = calloc(1, sizeof(*annotation));

        edf->gaps = calloc((size_t)header->annotations_in_file + 1, sizeof(*edf->gaps));
        if (!annotation || !edf->gaps)
                return -ENOMEM;
        for (int i = 0; i < header->annotations_in_file; i++) {
                uint64_t first, end;

                if (edf_get_annotation(edf->handle, i, annotation) != 0)
                        continue;
                first = frame_of(recording, annotation->onset);
                if (strcmp(annotation->annotation, EDF_WRITER_ENDS) == 0 && first < recording->frames)
                        recording->frames = first;
                if (strcmp(annotation->annotation, EDF_WRITER_GAP) != 0 || annotation->duration_l < 0)
                        continue;
                end = frame_of(recording, annotation->onset + annotation->duration_l);
                if (end > first)
                        edf->gaps[edf->gaps_count++] = (struct gap){first, end - first};
        }
        qsort(edf->gaps, edf->gaps_count, sizeof(*edf->gaps), gap_compare);
        return 0;
}

static bool is_our_own(const struct edf_hdr_struct *header) {
        return (header->filetype == EDFLIB_FILETYPE_EDFPLUS ||
                header->filetype == EDFLIB_FILETYPE_BDFPLUS) &&
               strncmp(header->equipment, EDF_WRITER_EQUIPMENT, strlen(EDF_WRITER_EQUIPMENT)) == 0;
}

/* Reading annotations takes reading the whole file. */
static int header_open(struct edf_reader *edf, const char *path, struct edf_hdr_struct *header,
                       struct recording_error *error) {
        if (edfopen_file_readonly(path, header, EDFLIB_DO_NOT_READ_ANNOTATIONS) < 0)
                return edf_fail(path, header->filetype, error);
        if (is_our_own(header)) {
                (void)edfclose_file(header->handle);
                if (edfopen_file_readonly(path, header, EDFLIB_READ_ALL_ANNOTATIONS) < 0)
                        return edf_fail(path, header->filetype, error);
        }
        edf->handle = header->handle;
        return 0;
}

static int64_t header_start_us(const struct edf_hdr_struct *header) {
        struct tm start = {
                .tm_year = header->startdate_year - 1900,
                .tm_mon = header->startdate_month - 1,
                .tm_mday = header->startdate_day,
                .tm_hour = header->starttime_hour,
                .tm_min = header->starttime_minute,
                .tm_sec = header->starttime_second,
        };

        return (int64_t)timegm(&start) * 1000000 + header->starttime_subsecond / 10;
}

int edf_open(struct recording *recording, int fd, const struct recording_options *options,
             struct recording_error *error) {
        _cleanup_(freep) struct edf_hdr_struct *header = NULL; /* about 150 KiB */
        struct edf_reader *edf;
        int r;

        r = edf_header_check(recording->path, fd, error);
        if (r < 0)
                return r;

        header = calloc(1, sizeof(*header));
        edf = calloc(1, sizeof(*edf));
        if (!header || !edf) {
                free(edf);
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);
        }
        edf->handle = -1;
        recording->type = &edf_type;
        recording->reader = edf;

        r = header_open(edf, recording->path, header, error);
        if (r < 0)
                return r;
        edf->own = is_our_own(header);
        r = signals_describe(recording, header, edf->own, error);
        if (r < 0)
                return r;
        r = signals_take(recording, header, options, error);
        if (r < 0)
                return r;
        r = signals_number(edf, &recording->signals);
        if (r < 0)
                return recording_fail(error, r, "%s: out of memory", recording->path);

        if (edf->own && annotations_take(recording, edf, header) < 0)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);
        motion_take(recording, edf, header);
        company_take(recording, edf, header);
        recording->start_us = header_start_us(header);
        return 0;
}
