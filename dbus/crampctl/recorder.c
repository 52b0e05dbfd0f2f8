/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/crampctl.h"
#include "dbus/crampctl/timestamp.h"
#include "sensors/recording/edf-scale.h"
#include "sensors/recording/edf-writer.h"

#define BDF_MAX 8388607
#define BDF_MIN (-8388608)
/* Of an accelerometer, in mg: what EDF holds, and beyond what crampd tells; the lowest is the code for
 * what is not known. */
#define MOTION_EDF_MAX INT16_MAX
#define MOTION_BDF_MAX 1050000
#define MG_PER_G 1000.0
#define AXES 3u
/* Beside the channels: the accelerometer, and other sensors. */
#define COLUMNS_MAX (CRAMPD_STREAM_CHANNELS_MAX + AXES + 1u)
/* Room for so many annotations in each record, which is about a second. */
#define ANNOTATIONS_PER_RECORD 2u
#define SETTLE_FRAMES_S 30u
#define NUMBER_MAX 10000u
#define STAMP_SIZE 32
/* What EDF+ of thousandths can hold, and far from what any sensor sends. */
#define RATE_MIN_HZ 0.001
#define RATE_MAX_HZ 1e6

enum suffix { SUFFIX_EDF, SUFFIX_BDF };
static const char *const suffixes[] = {[SUFFIX_EDF] = ".edf", [SUFFIX_BDF] = ".bdf"};

struct recorder {
        struct recorder_setup setup;
        bool folder;
        bool bdf; /* wanted, or found to be needed */

        struct edf_writer *writer; /* NULL between files */
        bool writer_bdf;
        char *path;
        uint32_t rate_mhz;
        unsigned channels;
        bool has_acceleration, has_company; /* have a place beside them */
        bool arbitrary_unit;
        double scale_uv;
        int64_t start_us;
        uint64_t next_index;
        uint64_t settled; /* frames when it was made readable last */

        struct recorder_figures figures;
        uint64_t earlier_us; /* of files that are finished */
};

static bool ends_in(const char *path, const char *suffix) {
        size_t length = strlen(path), wanted = strlen(suffix);

        return length > wanted && strcmp(path + length - wanted, suffix) == 0;
}

int recorder_new(const struct recorder_setup *setup, struct recorder **ret) {
        struct recorder *recorder = calloc(1, sizeof(*recorder));

        if (!recorder)
                return fail(EX_OSERR, "out of memory");
        recorder->setup = *setup;
        recorder->bdf = ends_in(setup->path, suffixes[SUFFIX_BDF]);
        recorder->folder = !recorder->bdf && !ends_in(setup->path, suffixes[SUFFIX_EDF]);
        if (recorder->folder && mkdir(setup->path, S_IRWXU) < 0 && errno != EEXIST) {
                free(recorder);
                return fail(EX_CANTCREAT, "cannot create the folder '%s': %s", setup->path,
                            strerror(errno));
        }
        *ret = recorder;
        return 0;
}

void recorder_free(struct recorder *recorder) {
        if (!recorder)
                return;
        (void)edf_writer_close(recorder->writer);
        free(recorder->path);
        free(recorder);
}

/* --- names --- */

/* The `number`th name for a file; NULL without memory. */
static char *name_make(const struct recorder *recorder, int64_t start_us, unsigned number) {
        const char *suffix = suffixes[recorder->bdf ? SUFFIX_BDF : SUFFIX_EDF];
        time_t seconds = (time_t)(start_us / 1000000);
        char stamp[STAMP_SIZE] = "", count[16] = "", *name;
        struct tm local = {};
        int n;

        if (number > 1)
                (void)snprintf(count, sizeof(count), "-%u", number);
        if (recorder->folder) {
                if (localtime_r(&seconds, &local))
                        (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &local);
                n = asprintf(&name, "%s/%s%s%s", recorder->setup.path, stamp, count, suffix);
        } else
                n = asprintf(&name, "%.*s%s%s",
                             (int)(strlen(recorder->setup.path) - strlen(suffixes[SUFFIX_EDF])),
                             recorder->setup.path, count, suffix);
        return n < 0 ? NULL : name;
}

static int fail_write(const struct recorder *recorder, int r) {
        return fail(EX_CANTCREAT, "cannot write '%s': %s", recorder->path, strerror(-r));
}

/* Makes an empty file that nobody else may read, in a folder where others may have made something
 * meanwhile: a link of theirs is not followed, nor is a file of theirs filled. Returns 0 or -errno. */
static int file_reserve(const char *path, bool replace) {
        struct stat st;
        int fd;

        if (replace && lstat(path, &st) >= 0 && S_ISREG(st.st_mode) && unlink(path) < 0)
                return -errno;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);
        if (fd < 0)
                return -errno;
        (void)close(fd);
        return 0;
}

/* Only the very first file may replace another or fail for one: at night the next free name is taken. */
static int name_choose(struct recorder *recorder, int64_t start_us) {
        bool first = recorder->figures.files == 0 && !recorder->folder;

        for (unsigned number = recorder->folder ? 1 : recorder->figures.files + 1; number < NUMBER_MAX;
             number++) {
                char *name = name_make(recorder, start_us, number);
                int r;

                if (!name)
                        return fail(EX_OSERR, "out of memory");
                free(recorder->path);
                recorder->path = name;
                r = file_reserve(name, first && recorder->setup.force);
                if (r != -EEXIST)
                        return r < 0 ? fail_write(recorder, r) : 0;
                if (first)
                        return fail(EX_CANTCREAT, "'%s' exists already; --force replaces it", name);
        }
        return fail(EX_CANTCREAT, "there are too many files like '%s' already", recorder->setup.path);
}

/* --- files --- */

static uint64_t frames_to_us(uint32_t rate_mhz, uint64_t frames) {
        return (uint64_t)((unsigned __int128)frames * UINT64_C(1000000000) / rate_mhz);
}

int recorder_finish(struct recorder *recorder) {
        int r;

        if (!recorder->writer)
                return 0;
        recorder->earlier_us += frames_to_us(recorder->rate_mhz, edf_writer_frames(recorder->writer));
        r = edf_writer_close(recorder->writer);
        recorder->writer = NULL;
        return r < 0 ? fail_write(recorder, r) : 0;
}

static int32_t motion_code(const struct recorder *recorder) {
        return recorder->bdf ? -MOTION_BDF_MAX : INT16_MIN;
}

static bool needs_bdf(const struct crampd_samples *samples) {
        for (size_t i = 0; i < (size_t)samples->frames * samples->channels; i++)
                if (samples->counts[i] > INT16_MAX || samples->counts[i] < INT16_MIN)
                        return true;
        for (unsigned axis = 0; samples->has_acceleration && axis < AXES; axis++)
                if (samples->acceleration_mg[axis] != CRAMPD_NOT_KNOWN &&
                    (samples->acceleration_mg[axis] > MOTION_EDF_MAX ||
                     samples->acceleration_mg[axis] < -MOTION_EDF_MAX))
                        return true;
        return false;
}

/* The texts of a channel, as long as they may be. */
struct described {
        char label[17], scale[EDF_SCALE_SIZE];
};

static struct edf_writer_channel describe_muscle(const struct recorder *recorder, unsigned channel,
                                                 struct described *texts) {
        int32_t max = recorder->bdf ? BDF_MAX : INT16_MAX, min = recorder->bdf ? BDF_MIN : INT16_MIN;
        double scale = recorder->arbitrary_unit ? 1 : recorder->scale_uv;

        (void)snprintf(texts->label, sizeof(texts->label), "EMG %u", channel + 1);
        edf_scale_format(scale, texts->scale);
        return (struct edf_writer_channel){.label = texts->label,
                                           .unit = recorder->arbitrary_unit ? "" : "uV",
                                           .transducer = "surface electrodes",
                                           .prefilter = texts->scale,
                                           .digital_min = min,
                                           .digital_max = max,
                                           .physical_min = min * scale,
                                           .physical_max = max * scale};
}

static struct edf_writer_channel describe_axis(const struct recorder *recorder, unsigned axis) {
        static const char *const labels[AXES] = {EDF_WRITER_AXIS "X", EDF_WRITER_AXIS "Y",
                                                 EDF_WRITER_AXIS "Z"};
        int32_t max = recorder->bdf ? MOTION_BDF_MAX : MOTION_EDF_MAX, min = motion_code(recorder);

        return (struct edf_writer_channel){.label = labels[axis],
                                           .unit = "g",
                                           .transducer = "accelerometer (lowest: not known)",
                                           .digital_min = min,
                                           .digital_max = max,
                                           .physical_min = min / MG_PER_G,
                                           .physical_max = max / MG_PER_G};
}

static struct edf_writer_channel describe_company(void) {
        return (struct edf_writer_channel){.label = EDF_WRITER_COMPANY,
                                           .unit = "%",
                                           .transducer = "level over rest (-1: not known)",
                                           .digital_min = -1,
                                           .digital_max = INT16_MAX,
                                           .physical_min = -1,
                                           .physical_max = INT16_MAX};
}

static int file_create(struct recorder *recorder, const struct crampd_samples *samples) {
        struct edf_writer_channel channels[COLUMNS_MAX];
        struct described texts[CRAMPD_STREAM_CHANNELS_MAX];
        unsigned n = 0;
        int r;

        for (; n < recorder->channels; n++)
                channels[n] = describe_muscle(recorder, n, texts + n);
        for (unsigned axis = 0; recorder->has_acceleration && axis < AXES; axis++)
                channels[n++] = describe_axis(recorder, axis);
        if (recorder->has_company)
                channels[n++] = describe_company();
        r = edf_writer_new(
                recorder->path,
                &(struct edf_writer_setup){.bdf = recorder->bdf,
                                           .rate_mhz = recorder->rate_mhz,
                                           .channels = channels,
                                           .n_channels = n,
                                           .start_us = samples->time_us +
                                                       timestamp_local_offset(samples->time_us) *
                                                               INT64_C(1000000),
                                           .equipment = EDF_WRITER_EQUIPMENT,
                                           .recording = recorder->setup.text,
                                           .annotations_per_record = ANNOTATIONS_PER_RECORD},
                &recorder->writer);
        return r < 0 ? fail_write(recorder, r) : 0;
}

static int file_begin(struct recorder *recorder, const struct crampd_samples *samples,
                      const struct crampd_stream_info *info) {
        int code;

        if (!(info->rate_hz >= RATE_MIN_HZ && info->rate_hz <= RATE_MAX_HZ) ||
            samples->channels > CRAMPD_STREAM_CHANNELS_MAX)
                return fail(EX_PROTOCOL, "the stream's shape makes no sense");
        recorder->bdf = recorder->bdf || needs_bdf(samples);
        recorder->rate_mhz = (uint32_t)llrint(info->rate_hz * 1000);
        recorder->channels = samples->channels;
        recorder->has_acceleration = samples->has_acceleration;
        recorder->has_company = samples->has_company;
        recorder->arbitrary_unit = info->arbitrary_unit || !(info->scale_uv > 0);
        recorder->scale_uv = info->scale_uv;
        recorder->start_us = samples->time_us;
        recorder->next_index = samples->index;
        recorder->settled = 0;
        code = name_choose(recorder, samples->time_us);
        if (code == 0)
                code = file_create(recorder, samples);
        if (code != 0)
                return code;
        recorder->writer_bdf = recorder->bdf;
        recorder->figures.files++;
        return 0;
}

static bool same_shape(const struct recorder *recorder, const struct crampd_samples *samples,
                       const struct crampd_stream_info *info) {
        return samples->index >= recorder->next_index && samples->channels == recorder->channels &&
               llrint(fmin(info->rate_hz, RATE_MAX_HZ) * 1000) == (long long)recorder->rate_mhz &&
               info->scale_uv == recorder->scale_uv && (recorder->writer_bdf || !needs_bdf(samples)) &&
               (recorder->has_acceleration || !samples->has_acceleration) &&
               (recorder->has_company || !samples->has_company);
}

/* A gap before these samples: held, or the end of the file. */
static int gap_take(struct recorder *recorder, const struct crampd_samples *samples) {
        uint64_t frames = samples->index - recorder->next_index;
        int r = -EOVERFLOW;

        if (frames == 0)
                return 0;
        recorder->figures.gaps++;
        if (frames_to_us(recorder->rate_mhz, frames) <= RECORDER_HELD_S * UINT64_C(1000000))
                r = edf_writer_push_gap(recorder->writer, frames);
        if (r == -EOVERFLOW)
                return recorder_finish(recorder);
        return r < 0 ? fail_write(recorder, r) : 0;
}

static int32_t clamp(int32_t value, int32_t min, int32_t max) {
        return value < min ? min : value > max ? max : value;
}

/* Nothing but a sensor of more than 24 bits gets here with a value that does not fit. */
static int32_t count_fit(struct recorder *recorder, int32_t count) {
        int32_t fit = recorder->writer_bdf ? clamp(count, BDF_MIN, BDF_MAX) : count;

        recorder->figures.clamped += fit != count;
        return fit;
}

/* The values beside the channels, which are the same in all frames of a piece. Returns how many. */
static unsigned beside_get(const struct recorder *recorder, const struct crampd_samples *samples,
                           int32_t ret[static AXES + 1]) {
        int32_t code = motion_code(recorder);
        bool known = samples->has_acceleration;
        unsigned n = 0;

        for (unsigned axis = 0; axis < AXES; axis++)
                known = known && samples->acceleration_mg[axis] != CRAMPD_NOT_KNOWN;
        for (unsigned axis = 0; recorder->has_acceleration && axis < AXES; axis++)
                ret[n++] = known ? clamp(samples->acceleration_mg[axis], code + 1, -(code + 1)) : code;
        if (recorder->has_company)
                ret[n++] = samples->has_company ? clamp(samples->company_percent, -1, INT16_MAX) : -1;
        return n;
}

static int samples_write(struct recorder *recorder, const struct crampd_samples *samples) {
        int32_t frame[COLUMNS_MAX], beside[AXES + 1];
        unsigned n = beside_get(recorder, samples, beside), channels = samples->channels;
        int r = 0;

        memcpy(frame + channels, beside, n * sizeof(*beside));
        for (size_t i = 0; i < samples->frames && r >= 0; i++) {
                for (unsigned channel = 0; channel < channels; channel++)
                        frame[channel] = count_fit(recorder, samples->counts[i * channels + channel]);
                r = edf_writer_push(recorder->writer, frame, 1);
        }
        return r;
}

int recorder_push(struct recorder *recorder, const struct crampd_samples *samples,
                  const struct crampd_stream_info *info) {
        uint64_t frames;
        int code = 0, r;

        if (recorder->writer && !same_shape(recorder, samples, info))
                code = recorder_finish(recorder);
        else if (recorder->writer)
                code = gap_take(recorder, samples);
        if (code == 0 && !recorder->writer)
                code = file_begin(recorder, samples, info);
        if (code != 0)
                return code;
        r = samples_write(recorder, samples);
        if (r < 0)
                return fail_write(recorder, r);
        recorder->next_index = samples->index + samples->frames;
        recorder->figures.frames += samples->frames;
        frames = edf_writer_frames(recorder->writer);
        if ((frames - recorder->settled) * 1000 >= (uint64_t)SETTLE_FRAMES_S * recorder->rate_mhz) {
                edf_writer_settle(recorder->writer);
                recorder->settled = frames;
        }
        return 0;
}

void recorder_annotate(struct recorder *recorder, int64_t time_us, int64_t duration_us,
                       const char *text) {
        /* Without room for it the samples are worth more. */
        if (recorder->writer && time_us >= recorder->start_us)
                (void)edf_writer_annotate(recorder->writer, time_us - recorder->start_us, duration_us,
                                          text);
}

void recorder_get_figures(const struct recorder *recorder, struct recorder_figures *ret) {
        *ret = recorder->figures;
        ret->path = recorder->path;
        ret->length_us = recorder->earlier_us;
        if (recorder->writer)
                ret->length_us += frames_to_us(recorder->rate_mhz, edf_writer_frames(recorder->writer));
}
