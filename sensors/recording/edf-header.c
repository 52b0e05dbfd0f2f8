/* SPDX-License-Identifier: MIT */
/*
 * Why EDFlib will refuse a file. EDFlib tells only that a header breaks the rules; this names the field
 * and a remedy, and keeps headers away from EDFlib whose numbers do not fit the file. Layout of the
 * header: Kemp et al. 1992, Kemp and Olivan 2003 (EDF+). Called by edf.c before it opens a file.
 */
#include "sensors/recording/reader.h"

#include <edflib.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/decimal.h"

#define HEADER_BYTES 256
#define RECORDS_MAX 99999999                /* the field has 8 places */
#define RECORD_BYTES_MAX (15 * 1024 * 1024) /* EDFlib's limit */
#define EDITOR "correct it with EDFbrowser (Tools, Header editor)"

struct field {
        const char *name;
        size_t length;
};

static const struct field file_fields[] = {
        {"version", 8},         {"patient", 80},
        {"recording", 80},      {"start date", 8},
        {"start time", 8},      {"header size", 8},
        {"reserved field", 44}, {"number of data records", 8},
        {"record duration", 8}, {"number of signals", 4},
};

static const struct field signal_fields[] = {
        {"label", 16},           {"transducer", 80},      {"physical dimension", 8},
        {"physical minimum", 8}, {"physical maximum", 8}, {"digital minimum", 8},
        {"digital maximum", 8},  {"prefiltering", 80},    {"samples per record", 8},
        {"reserved field", 32},
};

enum file_field {
        FILE_VERSION,
        FILE_PATIENT,
        FILE_RECORDING,
        FILE_DATE,
        FILE_TIME,
        FILE_HEADER_SIZE,
        FILE_RESERVED,
        FILE_RECORDS,
        FILE_DURATION,
        FILE_SIGNALS,
};

enum signal_field {
        SIGNAL_LABEL,
        SIGNAL_TRANSDUCER,
        SIGNAL_DIMENSION,
        SIGNAL_PHYSICAL_MIN,
        SIGNAL_PHYSICAL_MAX,
        SIGNAL_DIGITAL_MIN,
        SIGNAL_DIGITAL_MAX,
        SIGNAL_PREFILTERING,
        SIGNAL_SAMPLES,
        SIGNAL_RESERVED,
};

struct header {
        const char *path;
        char *text;
        size_t signals;
        bool bdf;
};

static const char *file_field_text(const struct header *header, enum file_field field) {
        size_t offset = 0;

        for (size_t i = 0; i < field; i++)
                offset += file_fields[i].length;
        return header->text + offset;
}

static const char *signal_field_text(const struct header *header, enum signal_field field,
                                     size_t signal) {
        size_t offset = HEADER_BYTES;

        for (size_t i = 0; i < field; i++)
                offset += signal_fields[i].length * header->signals;
        return header->text + offset + signal * signal_fields[field].length;
}

/* A number padded with blanks, times 10^shift. */
static int field_number(const char *text, size_t length, int shift, int64_t *ret) {
        while (length > 0 && text[length - 1] == ' ')
                length--;
        return decimal_parse(text, length, shift, ret);
}

static int file_field_number(const struct header *header, enum file_field field, int shift, int64_t *ret,
                             struct recording_error *error) {
        const char *text = file_field_text(header, field);
        char shown[16];

        if (field_number(text, file_fields[field].length, shift, ret) >= 0)
                return 0;
        return recording_fail(error, -EBADMSG,
                              "%s: header field \"%s\": \"%s\" is not a number: " EDITOR, header->path,
                              file_fields[field].name,
                              text_printable(shown, sizeof(shown), text, file_fields[field].length));
}

static int signal_field_number(const struct header *header, enum signal_field field, size_t signal,
                               int shift, int64_t *ret, struct recording_error *error) {
        const char *text = signal_field_text(header, field, signal);
        char shown[16];

        if (field_number(text, signal_fields[field].length, shift, ret) >= 0)
                return 0;
        return recording_fail(error, -EBADMSG,
                              "%s: signal %zu, header field \"%s\": \"%s\" is not a number: " EDITOR,
                              header->path, signal + 1, signal_fields[field].name,
                              text_printable(shown, sizeof(shown), text, signal_fields[field].length));
}

static bool text_is_ascii(const char *text, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (text[i] < ' ' || text[i] > '~')
                        return false;
        return true;
}

static bool text_is_date(const char *text) {
        for (size_t i = 0; i < 8; i++)
                if (i == 2 || i == 5 ? text[i] != '.' : text[i] < '0' || text[i] > '9')
                        return false;
        return true;
}

static int file_fields_check(const struct header *header, struct recording_error *error) {
        const char *text = header->text;

        for (size_t i = 0; i < ARRAY_LENGTH(file_fields); text += file_fields[i++].length) {
                size_t skipped = i == FILE_VERSION && header->bdf; /* BDF begins with byte 255 */

                if (!text_is_ascii(text + skipped, file_fields[i].length - skipped))
                        return recording_fail(error, -EBADMSG,
                                              "%s: header field \"%s\" holds bytes that are not "
                                              "printable ASCII, which "
                                              "EDF does not allow: " EDITOR,
                                              header->path, file_fields[i].name);
        }
        for (enum file_field field = FILE_DATE; field <= FILE_TIME; field++) {
                char shown[9];

                text = file_field_text(header, field);
                if (!text_is_date(text))
                        return recording_fail(
                                error, -EBADMSG,
                                "%s: header field \"%s\": \"%s\" is not of the form %s: " EDITOR,
                                header->path, file_fields[field].name,
                                text_printable(shown, sizeof(shown), text, 8),
                                field == FILE_DATE ? "dd.mm.yy" : "hh.mm.ss");
        }
        return 0;
}

/* EDF+D has gaps between its records that EDFlib would close silently, if it read them at all. */
static int continuity_check(const struct header *header, struct recording_error *error) {
        const char *text = file_field_text(header, FILE_RESERVED);

        if (memcmp(text, header->bdf ? "BDF+D" : "EDF+D", 5) != 0)
                return 0;
        return recording_fail(
                error, -EBADMSG,
                "%s: the recording is discontinuous (%.5s): convert it to continuous files with "
                "EDFbrowser (Tools, Convert EDF+D to EDF+C), then name those",
                header->path, text);
}

static int signals_count(struct header *header, struct recording_error *error) {
        int64_t signals, bytes;
        int r;

        r = file_field_number(header, FILE_SIGNALS, 0, &signals, error);
        if (r < 0)
                return r;
        if (signals < 1 || signals > EDFLIB_MAXSIGNALS)
                return recording_fail(error, -EBADMSG,
                                      "%s: header field \"number of signals\": %" PRId64
                                      " signals, 1 to %d can be read: export fewer",
                                      header->path, signals, EDFLIB_MAXSIGNALS);
        r = file_field_number(header, FILE_HEADER_SIZE, 0, &bytes, error);
        if (r < 0)
                return r;
        if (bytes != (signals + 1) * HEADER_BYTES)
                return recording_fail(error, -EBADMSG,
                                      "%s: header field \"header size\": %" PRId64
                                      " bytes do not fit %" PRId64
                                      " signals: the file is damaged, copy or export it again",
                                      header->path, bytes, signals);

        header->signals = (size_t)signals;
        return 0;
}

/* `*ret_samples` is the number of samples of the signal in one data record. */
static int signal_check(const struct header *header, size_t signal, int64_t *ret_samples,
                        struct recording_error *error) {
        int64_t samples, digital_min, digital_max;
        int r;

        for (enum signal_field field = 0; field < ARRAY_LENGTH(signal_fields); field++)
                if (!text_is_ascii(signal_field_text(header, field, signal),
                                   signal_fields[field].length))
                        return recording_fail(
                                error, -EBADMSG,
                                "%s: signal %zu, header field \"%s\" holds bytes that are not printable "
                                "ASCII, which EDF does not allow (a micro sign? write uV): " EDITOR,
                                header->path, signal + 1, signal_fields[field].name);

        r = signal_field_number(header, SIGNAL_SAMPLES, signal, 0, &samples, error);
        if (r >= 0)
                r = signal_field_number(header, SIGNAL_DIGITAL_MIN, signal, 0, &digital_min, error);
        if (r >= 0)
                r = signal_field_number(header, SIGNAL_DIGITAL_MAX, signal, 0, &digital_max, error);
        if (r < 0)
                return r;

        if (samples < 1 || samples > RECORD_BYTES_MAX)
                return recording_fail(error, -EBADMSG,
                                      "%s: signal %zu: %" PRId64
                                      " samples per record are out of range: export the "
                                      "recording without it",
                                      header->path, signal + 1, samples);
        if (digital_min >= digital_max)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: signal %zu: its digital minimum is not below its digital maximum: " EDITOR,
                        header->path, signal + 1);
        if (memcmp(signal_field_text(header, SIGNAL_PHYSICAL_MIN, signal),
                   signal_field_text(header, SIGNAL_PHYSICAL_MAX, signal), 8) == 0)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: signal %zu: its physical minimum and maximum are equal: " EDITOR,
                        header->path, signal + 1);

        *ret_samples = samples;
        return 0;
}

static int records_check(const struct header *header, int64_t *ret_records,
                         struct recording_error *error) {
        int64_t records, duration_100ns;
        int r;

        r = file_field_number(header, FILE_RECORDS, 0, &records, error);
        if (r >= 0)
                r = file_field_number(header, FILE_DURATION, 7, &duration_100ns, error);
        if (r < 0)
                return r;
        if (records == -1)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: the recording was never closed (-1 data records): stop the recorder "
                        "properly, or " EDITOR,
                        header->path);
        if (records < 1 || records > RECORDS_MAX)
                return recording_fail(error, -EBADMSG,
                                      "%s: header field \"number of data records\": %" PRId64
                                      " records: record or export it again",
                                      header->path, records);
        if (duration_100ns <= 0)
                return recording_fail(error, -EBADMSG,
                                      "%s: header field \"record duration\" is 0, so there is no "
                                      "sampling rate: " EDITOR,
                                      header->path);

        *ret_records = records;
        return 0;
}

static int file_size_check(const struct header *header, int fd, int64_t records, int64_t record_bytes,
                           struct recording_error *error) {
        int64_t header_bytes = (int64_t)(header->signals + 1) * HEADER_BYTES;
        struct stat status;

        if (fstat(fd, &status) < 0)
                return recording_fail(error, -errno, "%s: %s", header->path, strerror(errno));
        if (status.st_size < header_bytes + records * record_bytes)
                return recording_fail(error, -EBADMSG,
                                      "%s: cut short: %" PRId64 " of %" PRId64
                                      " data records are there: copy it again, or " EDITOR,
                                      header->path,
                                      ((int64_t)status.st_size - header_bytes) / record_bytes, records);
        if (status.st_size > header_bytes + records * record_bytes)
                return recording_fail(error, -EBADMSG,
                                      "%s: goes on for %" PRId64 " bytes after its %" PRId64
                                      " data records: copy it again; if its recorder was cut off, save "
                                      "what there is with truncate -s %" PRId64 "; or " EDITOR,
                                      header->path,
                                      (int64_t)status.st_size - header_bytes - records * record_bytes,
                                      records, header_bytes + records * record_bytes);
        return 0;
}

static int header_read(struct header *header, int fd, struct recording_error *error) {
        size_t length = (header->signals + 1) * HEADER_BYTES;
        char *text = realloc(header->text, length);
        ssize_t got;

        if (!text)
                return recording_fail(error, -ENOMEM, "%s: out of memory", header->path);
        header->text = text;

        got = pread(fd, text, length, 0);
        if (got < 0)
                return recording_fail(error, -errno, "%s: cannot be read: %s", header->path,
                                      strerror(errno));
        if ((size_t)got < length)
                return recording_fail(error, -EBADMSG,
                                      "%s: byte %zd: cut short within the header: copy it again",
                                      header->path, got);
        return 0;
}

static int header_check(struct header *header, int fd, struct recording_error *error) {
        int64_t records = 0, record_samples = 0;
        int r;

        r = header_read(header, fd, error);
        if (r < 0)
                return r;
        header->bdf = (unsigned char)header->text[0] == 0xff;

        r = file_fields_check(header, error);
        if (r >= 0)
                r = continuity_check(header, error);
        if (r >= 0)
                r = signals_count(header, error);
        if (r >= 0)
                r = records_check(header, &records, error);
        if (r >= 0)
                r = header_read(header, fd, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < header->signals; i++) {
                int64_t samples = 0;

                r = signal_check(header, i, &samples, error);
                if (r < 0)
                        return r;
                record_samples += samples;
        }
        /* 640 x 15 MiB x 99999999 at most: no product overflows. */
        return file_size_check(header, fd, records, record_samples * (header->bdf ? 3 : 2), error);
}

int edf_header_check(const char *path, int fd, struct recording_error *error) {
        struct header header = {.path = path};
        int r;

        r = header_check(&header, fd, error);
        free(header.text);
        return r;
}
