/* SPDX-License-Identifier: MIT */
#include "sensors/recording/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"

DEFINE_CLEANUP(struct recording *, recording_free)

/* The first bytes of what people have instead, and what to do with it. */
static const struct {
        const char *bytes;
        size_t length;
        const char *remedy;
} foreign_formats[] = {
        {"\x1f\x8b", 2, "it is compressed: unpack it first (gunzip)"},
        {"PK\x03\x04", 4, "it is a ZIP archive or a spreadsheet: unpack it, or save the sheet as CSV"},
        {"\x89HDF", 4, "it is HDF5: export the signals as EDF+ or CSV"},
        {"MATLAB 5.0", 10, "it is a MATLAB file: export the signals as EDF+ or CSV"},
        {"\xff\xfe", 2, "it is UTF-16 text: save it as UTF-8"},
        {"\xfe\xff", 2, "it is UTF-16 text: save it as UTF-8"},
};

static bool path_ends_with(const char *path, const char *suffix) {
        size_t length = strlen(path), suffix_length = strlen(suffix);

        return length > suffix_length && strcasecmp(path + length - suffix_length, suffix) == 0;
}

/* Tells EDF and BDF from text by content; the name only helps to find the right words. */
static int format_find(const char *path, int fd, bool *ret_edf, struct recording_error *error) {
        char head[16] = "";
        ssize_t length = pread(fd, head, sizeof(head), 0);

        if (length < 0)
                return recording_fail(error, -errno, "%s: cannot be read: %s", path, strerror(errno));
        if (length == 0)
                return recording_fail(error, -EBADMSG, "%s: the file is empty: record or copy it again",
                                      path);

        if (length >= 8 && (memcmp(head, "0       ", 8) == 0 || memcmp(head,
                                                                       "\xff"
                                                                       "BIOSEMI",
                                                                       8) == 0)) {
                *ret_edf = true;
                return 0;
        }
        if (path_ends_with(path, ".edf") || path_ends_with(path, ".bdf"))
                return recording_fail(
                        error, -EBADMSG,
                        "%s: byte 0: does not begin as EDF or BDF do: the file is damaged or has the "
                        "wrong name, copy it again",
                        path);
        for (size_t i = 0; i < ARRAY_LENGTH(foreign_formats); i++)
                if ((size_t)length >= foreign_formats[i].length &&
                    memcmp(head, foreign_formats[i].bytes, foreign_formats[i].length) == 0)
                        return recording_fail(error, -EBADMSG, "%s: %s", path,
                                              foreign_formats[i].remedy);
        if (memchr(head, '\0', (size_t)length))
                return recording_fail(error, -EBADMSG,
                                      "%s: neither EDF, BDF nor CSV: export the signals as EDF+ or CSV",
                                      path);

        *ret_edf = false;
        return 0;
}

int recording_set_rate(struct recording *recording, double rate_hz, struct recording_error *error) {
        double rate_mhz = round(rate_hz * 1000);

        if (!(rate_mhz >= RECORDING_RATE_MIN_MHZ && rate_mhz <= RECORDING_RATE_MAX_MHZ))
                return recording_fail(error, -EBADMSG,
                                      "%s: the rate is %.7g Hz, and %u to %u Hz are needed: resample "
                                      "the recording, or "
                                      "correct --rate or the time column if that is wrong",
                                      recording->path, rate_hz, RECORDING_RATE_MIN_MHZ / 1000,
                                      RECORDING_RATE_MAX_MHZ / 1000);
        recording->rate_mhz = (uint32_t)rate_mhz;
        return 0;
}

/* "ACC X", "accY", "ACC_Z": the axis, or -1. */
static int signal_axis(const struct signal *signal) {
        const char *label = signal->label;
        size_t length = signal->axis_length;
        char axis;

        if (length < 4 || strncasecmp(label, "acc", 3) != 0 || length > 5)
                return -1;
        if (length == 5 && !strchr(" _-.", label[3]))
                return -1;
        axis = label[length - 1];
        return axis == 'X' || axis == 'x'   ? 0
               : axis == 'Y' || axis == 'y' ? 1
               : axis == 'Z' || axis == 'z' ? 2
                                            : -1;
}

bool recording_find_motion(struct recording *recording) {
        const struct signal_list *list = &recording->signals;
        bool found[RECORDING_AXES] = {false};

        for (size_t i = 0; recording->wants_motion && i < list->count; i++) {
                int axis = list->signals[i].axis_length > 0 && !list->signals[i].taken
                                   ? signal_axis(&list->signals[i])
                                   : -1;

                if (axis < 0 || found[axis])
                        continue;
                found[axis] = true;
                recording->motion[axis] = i;
        }
        return found[0] && found[1] && found[2];
}

static bool is_beside(const struct recording *recording, size_t signal) {
        if (recording->has_company && recording->company == signal)
                return true;
        for (unsigned axis = 0; recording->motion_scale_g > 0 && axis < RECORDING_AXES; axis++)
                if (recording->motion[axis] == signal)
                        return true;
        return false;
}

/* Lists the channels and what was left out, once the reader knows what it takes. */
static int signals_publish(struct recording *recording, struct recording_error *error) {
        const struct signal_list *list = &recording->signals;
        size_t taken = signal_list_taken(list), left = 0;

        if (taken > RECORDING_CHANNELS_MAX)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: %zu muscle signals, at most %u can be read at once: choose some with "
                        "--channel",
                        recording->path, taken, RECORDING_CHANNELS_MAX);

        recording->channels = calloc(taken, sizeof(*recording->channels));
        recording->left_out = calloc(list->count - taken + 1, sizeof(*recording->left_out));
        if (!recording->channels || !recording->left_out)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);

        for (size_t i = 0; i < list->count; i++) {
                const struct signal *signal = &list->signals[i];

                if (signal->taken)
                        recording->channels[recording->channels_count++] = (struct recording_channel){
                                .label = signal->label,
                                .scale_uv = signal->scale_uv,
                                .arbitrary = signal->arbitrary,
                        };
                else if (!is_beside(recording, i))
                        recording->left_out[left++] = signal->label;
        }
        return 0;
}

static int file_open(const char *path, struct recording_error *error) {
        _cleanup_(closep) int fd = -1;
        struct stat status;

        /* Not to wait for the writer of a named pipe. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &status) < 0)
                return recording_fail(error, -errno, "%s: %s", path, strerror(errno));
        if (S_ISDIR(status.st_mode))
                return recording_fail(error, -EBADMSG, "%s: is a folder: name the files in it", path);
        if (!S_ISREG(status.st_mode))
                return recording_fail(error, -EBADMSG,
                                      "%s: is not a regular file: save the recording to a file first",
                                      path);
        return steal_fd(&fd);
}

int recording_open(const char *path, const struct recording_options *options, struct recording **ret,
                   struct recording_error *error) {
        static const struct recording_options no_options;
        _cleanup_(recording_freep) struct recording *recording = NULL;
        _cleanup_(closep) int fd = -1;
        bool edf = false;
        int r;

        fd = file_open(path, error);
        if (fd < 0)
                return fd;
        r = format_find(path, fd, &edf, error);
        if (r < 0)
                return r;

        recording = calloc(1, sizeof(*recording));
        if (recording)
                recording->path = strdup(path);
        if (!recording || !recording->path)
                return recording_fail(error, -ENOMEM, "%s: out of memory", path);

        if (!options)
                options = &no_options;
        recording->wants_motion = options->motion;
        recording->wants_company = options->company;
        r = edf ? edf_open(recording, fd, options, error) : csv_open(recording, fd, options, error);
        if (r < 0)
                return r;
        r = signals_publish(recording, error);
        if (r < 0)
                return r;

        *ret = steal_pointer(&recording);
        return 0;
}

struct recording *recording_free(struct recording *recording) {
        if (!recording)
                return NULL;
        if (recording->type)
                recording->type->close(recording->reader);
        signal_list_done(&recording->signals);
        free(recording->channels);
        free(recording->left_out);
        free(recording->path);
        free(recording);
        return NULL;
}

uint32_t recording_rate_mhz(const struct recording *recording) {
        return recording->rate_mhz;
}

size_t recording_channels(const struct recording *recording) {
        return recording->channels_count;
}

const struct recording_channel *recording_channel(const struct recording *recording, size_t channel) {
        return channel < recording->channels_count ? &recording->channels[channel] : NULL;
}

double recording_motion_scale_g(const struct recording *recording) {
        return recording->motion_scale_g;
}

bool recording_has_company(const struct recording *recording) {
        return recording->has_company;
}

static size_t motion_columns(const struct recording *recording) {
        return recording->motion_scale_g > 0 ? RECORDING_AXES : 0;
}

size_t recording_columns(const struct recording *recording) {
        return recording->channels_count + motion_columns(recording) + recording->has_company;
}

const int32_t *recording_motion(const struct recording *recording, const int32_t *frame) {
        const int32_t *motion = frame + recording->channels_count;

        for (size_t axis = 0; axis < motion_columns(recording); axis++)
                if (motion[axis] == RECORDING_NOT_KNOWN)
                        return NULL;
        return motion_columns(recording) > 0 ? motion : NULL;
}

int32_t recording_company_percent(const struct recording *recording, const int32_t *frame) {
        int32_t percent = -1;

        if (recording->has_company)
                percent = frame[recording->channels_count + motion_columns(recording)];
        return percent < 0 ? -1 : percent;
}

int64_t recording_start_us(const struct recording *recording) {
        return recording->start_us;
}

uint64_t recording_frames(const struct recording *recording) {
        return recording->frames;
}

const char *const *recording_left_out(const struct recording *recording) {
        return recording->left_out;
}

ssize_t recording_read(struct recording *recording, uint64_t *ret_index, int32_t *counts, size_t frames,
                       struct recording_error *error) {
        return recording->type->read(recording, ret_index, counts, frames, error);
}
