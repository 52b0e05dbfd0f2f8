/* SPDX-License-Identifier: MIT */
/*
 * CSV, line by line through one buffer: memory does not grow with the file. What a column is taken for
 * stands in recording.h. Called by recording.c.
 */
#include "sensors/recording/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/decimal.h"

#define BUFFER_BYTES (1024u * 1024u)
#define LINE_BYTES_MAX (64u * 1024u)

#define NO_MOTION RECORDING_NOT_KNOWN

struct csv_reader {
        int32_t motion[RECORDING_AXES]; /* the accelerometer's, as shown last */
        int fd;
        char *buffer;
        size_t begin, end; /* what of the buffer is still to be read */
        bool file_end;
        uint64_t line; /* number of the last line that was taken */

        struct column_list columns;
        bool clocked; /* the time column is followed */
        struct clock clock;
        uint64_t next;
        bool row_seen; /* one that could be read */
};

struct line {
        const char *text;
        size_t length;
        uint64_t number;
};

/* What a row holds beside its counts. */
struct row {
        struct line line;
        int64_t time_ns;
};

/* Where the reader stood, to go back to as long as the buffer was not filled anew. */
struct csv_mark {
        size_t begin;
        uint64_t line;
};

static void csv_close(void *reader) {
        struct csv_reader *csv = reader;

        if (csv->fd >= 0)
                (void)close(csv->fd);
        free(csv->buffer);
        free(csv);
}

static struct csv_mark csv_mark(const struct csv_reader *csv) {
        return (struct csv_mark){.begin = csv->begin, .line = csv->line};
}

static void csv_rewind(struct csv_reader *csv, struct csv_mark mark) {
        csv->begin = mark.begin;
        csv->line = mark.line;
}

static int buffer_fill(struct csv_reader *csv) {
        memmove(csv->buffer, csv->buffer + csv->begin, csv->end - csv->begin);
        csv->end -= csv->begin;
        csv->begin = 0;

        while (csv->end < BUFFER_BYTES && !csv->file_end) {
                ssize_t got = read(csv->fd, csv->buffer + csv->end, BUFFER_BYTES - csv->end);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                csv->end += (size_t)got;
                csv->file_end = got == 0;
        }
        return 0;
}

/* Takes a line that is whole in the buffer. Returns 1, 0 if there is none, -EBADMSG if it is too long.
 */
static int line_take(struct csv_reader *csv, struct line *ret) {
        const char *text = csv->buffer + csv->begin;
        size_t left = csv->end - csv->begin;
        const char *newline = memchr(text, '\n', left < LINE_BYTES_MAX ? left : LINE_BYTES_MAX);
        size_t length, taken;

        if (newline) {
                length = (size_t)(newline - text);
                taken = length + 1;
        } else if (left >= LINE_BYTES_MAX) {
                return -EBADMSG;
        } else if (csv->file_end && left > 0) {
                length = taken = left;
        } else {
                return 0;
        }

        csv->begin += taken;
        csv->line++;
        if (length > 0 && text[length - 1] == '\r')
                length--;
        *ret = (struct line){.text = text, .length = length, .number = csv->line};
        return 1;
}

static bool line_is_empty(const struct line *line) {
        for (size_t i = 0; i < line->length; i++) {
                if (line->text[i] == '#')
                        return true;
                if (line->text[i] != ' ' && line->text[i] != '\t')
                        return false;
        }
        return true;
}

/* The next line that is neither blank nor a comment, from the buffer alone or, with `fill`, from the
 * file. Returns 1, 0 at the end or negative errno. */
static int line_next(const struct recording *recording, struct csv_reader *csv, bool fill,
                     struct line *ret, struct recording_error *error) {
        for (;;) {
                int r = line_take(csv, ret);

                if (r == 0 && fill && !csv->file_end) {
                        r = buffer_fill(csv);
                        if (r < 0)
                                return recording_fail(error, r, "%s: cannot be read: %s",
                                                      recording->path, strerror(-r));
                        continue;
                }
                if (r < 0)
                        return recording_fail(error, r,
                                              "%s:%" PRIu64
                                              ": the line is longer than %u bytes: lines must end in LF "
                                              "or CR LF",
                                              recording->path, csv->line + 1, LINE_BYTES_MAX);
                if (r == 0 || !line_is_empty(ret))
                        return r;
        }
}

int cell_next(const char **rest, const char *end, char separator, struct cell *ret) {
        const char *text = *rest, *stop;

        while (text < end && (*text == ' ' || (*text == '\t' && separator != '\t')))
                text++;

        if (text < end && *text == '"') {
                const char *close = ++text;

                while (close < end && (*close != '"' || (close + 1 < end && close[1] == '"')))
                        close += *close == '"' ? 2 : 1;
                if (close >= end)
                        return -EINVAL;
                for (stop = close + 1;
                     stop < end && (*stop == ' ' || (*stop == '\t' && separator != '\t')); stop++)
                        ;
                if (stop < end && *stop != separator)
                        return -EINVAL;
                *ret = (struct cell){.text = text, .length = (size_t)(close - text)};
        } else {
                const char *last;

                for (stop = text; stop < end && *stop != separator; stop++)
                        ;
                for (last = stop; last > text && (last[-1] == ' ' || last[-1] == '\t'); last--)
                        ;
                *ret = (struct cell){.text = text, .length = (size_t)(last - text)};
        }

        *rest = stop < end ? stop + 1 : NULL;
        return 0;
}

static const char *column_name(const struct recording *recording, const struct column_list *columns,
                               size_t column) {
        if (column == columns->time)
                return "time";
        return recording->signals.signals[columns->columns[column].signal].label;
}

static int cell_fail(const struct recording *recording, const struct csv_reader *csv,
                     const struct line *line, size_t column, const struct cell *cell, int r,
                     struct recording_error *error) {
        char name[64], text[64];
        const char *label = column_name(recording, &csv->columns, column);

        text_printable(name, sizeof(name), label, strlen(label));
        text_printable(text, sizeof(text), cell->text, cell->length);

        if (r == -ERANGE)
                return recording_fail(error, -EBADMSG,
                                      "%s:%" PRIu64
                                      ": column \"%s\": %s is out of range: is the unit right (--unit)?",
                                      recording->path, line->number, name, text);
        if (column == csv->columns.time)
                return recording_fail(
                        error, -EBADMSG,
                        "%s:%" PRIu64
                        ": column \"%s\": \"%s\" is not a number of seconds: write the time "
                        "so, or give --rate to do without it",
                        recording->path, line->number, name, text);
        if (cell->length == 0 || strcasecmp(text, "nan") == 0 || strcasecmp(text, "na") == 0 ||
            strcasecmp(text, "null") == 0)
                return recording_fail(error, -EBADMSG,
                                      "%s:%" PRIu64
                                      ": column \"%s\": no value: delete rows without values, a time "
                                      "column (time_s) then tells of the gap",
                                      recording->path, line->number, name);
        if (!csv->row_seen)
                return recording_fail(
                        error, -EBADMSG,
                        "%s:%" PRIu64
                        ": column \"%s\": \"%s\" is not a number: the first line must name "
                        "the columns, every further line give one number for each",
                        recording->path, line->number, name, text);
        return recording_fail(
                error, -EBADMSG,
                "%s:%" PRIu64
                ": column \"%s\": \"%s\" is not a number: write it with a decimal point and "
                "without unit, or delete the row",
                recording->path, line->number, name, text);
}

static int row_length_fail(const struct recording *recording, const struct csv_reader *csv,
                           const struct line *line, size_t columns, struct recording_error *error) {
        return recording_fail(
                error, -EBADMSG, "%s:%" PRIu64 ": %s%zu column%s here, %zu in the header row: %s",
                recording->path, line->number, columns > csv->columns.count ? "at least " : "", columns,
                columns == 1 ? "" : "s", csv->columns.count,
                !csv->row_seen
                        ? "the first line must name the columns, separated by comma, semicolon or "
                          "tab as in the further lines"
                        : "complete or delete the row");
}

/* Reads a row's cells into `counts` (NULL: only its time). Returns 0 or -EBADMSG. */
static int row_parse(const struct recording *recording, const struct csv_reader *csv, struct row *row,
                     int32_t *counts, struct recording_error *error) {
        const struct column_list *columns = &csv->columns;
        const char *rest = row->line.text, *end = rest + row->line.length;
        int32_t *motion = counts ? counts + recording->channels_count : NULL;
        size_t count = 0;

        while (rest) {
                const struct column *column = &columns->columns[count];
                struct cell cell = {.text = rest, .length = (size_t)(end - rest)};
                int64_t value = 0;
                int r;

                if (count == columns->count)
                        return row_length_fail(recording, csv, &row->line, count + 1, error);
                r = cell_next(&rest, end, columns->separator, &cell);
                if (r >= 0 && column->use != COLUMN_SKIPPED) {
                        r = decimal_parse(cell.text, cell.length, column->shift, &value);
                        if (r >= 0 && column->use != COLUMN_TIME &&
                            (value < INT32_MIN || value > INT32_MAX))
                                r = -ERANGE;
                        if (r < 0 && column->use == COLUMN_MOTION) {
                                value = NO_MOTION;
                                r = 0;
                        }
                }
                if (r < 0)
                        return cell_fail(recording, csv, &row->line, count, &cell, r, error);

                if (column->use == COLUMN_TIME)
                        row->time_ns = value;
                else if (column->use == COLUMN_SIGNAL && counts)
                        *counts++ = (int32_t)value;
                else if (column->use == COLUMN_MOTION && motion)
                        motion[column->axis] = (int32_t)value;
                count++;
        }
        if (count < columns->count)
                return row_length_fail(recording, csv, &row->line, count, error);
        return 0;
}

static int row_time_fail(const struct recording *recording, const struct line *line,
                         struct recording_error *error) {
        return recording_fail(
                error, -EBADMSG,
                "%s:%" PRIu64
                ": time does not go on as in the rows before (it stands still, goes back or "
                "runs unsteadily): sort the rows, give the times more decimals, or give --rate to do "
                "without them",
                recording->path, line->number);
}

/* The row in `row->line`. Returns 1, -EAGAIN if frames are missing before it and `contiguous` was
 * wanted, or -EBADMSG. */
static int row_take(struct recording *recording, struct row *row, bool contiguous, int32_t *counts,
                    struct recording_error *error) {
        struct csv_reader *csv = recording->reader;
        struct clock clock = csv->clock;
        uint64_t missing = 0;
        int r;

        r = row_parse(recording, csv, row, counts, error);
        if (r < 0)
                return r;
        if (csv->clocked && clock_advance(&clock, row->time_ns, &missing) < 0)
                return row_time_fail(recording, &row->line, error);
        if (missing > 0 && contiguous)
                return -EAGAIN;

        csv->clock = clock;
        csv->next += missing + 1;
        csv->row_seen = true;
        return 1;
}

/* An accelerometer that has no value for a row shows the one before. */
static void motion_hold(const struct recording *recording, struct csv_reader *csv, int32_t *counts) {
        int32_t *motion = counts + recording->channels_count;

        for (unsigned axis = 0; recording->motion_scale_g > 0 && axis < RECORDING_AXES; axis++) {
                if (motion[axis] != NO_MOTION)
                        csv->motion[axis] = motion[axis];
                motion[axis] = csv->motion[axis];
        }
}

static ssize_t csv_read(struct recording *recording, uint64_t *ret_index, int32_t *counts, size_t frames,
                        struct recording_error *error) {
        struct csv_reader *csv = recording->reader;
        size_t columns = recording_columns(recording), done = 0;

        while (done < frames) {
                struct row row = {0};
                int r;

                r = line_next(recording, csv, true, &row.line, error);
                if (r > 0) {
                        r = row_take(recording, &row, done > 0, counts + done * columns, error);
                        if (r < 0) /* it stays for the next call */
                                csv_rewind(csv, (struct csv_mark){
                                                        .begin = (size_t)(row.line.text - csv->buffer),
                                                        .line = row.line.number - 1});
                }
                if (r < 0 && done == 0)
                        return r;
                if (r <= 0)
                        break;
                motion_hold(recording, csv, counts + done * columns);
                done++;
        }

        *ret_index = csv->next - done;
        return (ssize_t)done;
}

static const struct recording_type csv_type = {.read = csv_read, .close = csv_close};

static int header_read(struct recording *recording, struct csv_reader *csv,
                       const struct recording_options *options, struct recording_error *error) {
        struct line line;
        int r;

        r = buffer_fill(csv);
        if (r < 0)
                return recording_fail(error, r, "%s: cannot be read: %s", recording->path, strerror(-r));
        if (csv->end >= 3 && memcmp(csv->buffer, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
                csv->begin = 3;

        r = line_next(recording, csv, true, &line, error);
        if (r < 0)
                return r;
        if (r == 0)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: no header row and no numbers: the file holds blank lines or comments only",
                        recording->path);
        return column_list_read(&csv->columns, recording, line.text, line.length, line.number, options,
                                error);
}

/* Parses the rows that are in the buffer without taking them. */
static int first_times(struct recording *recording, struct csv_reader *csv, int64_t *times_ns,
                       uint64_t *lines, size_t *ret_rows, struct recording_error *error) {
        size_t rows = 0;
        int r;

        while (rows < CLOCK_ROWS_MAX) {
                struct row row = {0};

                r = line_next(recording, csv, false, &row.line, error);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                r = row_parse(recording, csv, &row, NULL, error);
                if (r < 0)
                        return r;
                csv->row_seen = true;
                times_ns[rows] = row.time_ns;
                lines[rows++] = row.line.number;
        }
        *ret_rows = rows;
        return 0;
}

static int rate_from_clock(struct recording *recording, struct csv_reader *csv, double *ret_hz,
                           struct recording_error *error) {
        _cleanup_(freep) int64_t *times_ns = NULL;
        _cleanup_(freep) uint64_t *lines = NULL;
        struct csv_mark mark;
        size_t rows, row;
        int r;

        times_ns = calloc(CLOCK_ROWS_MAX, sizeof(*times_ns));
        lines = calloc(CLOCK_ROWS_MAX, sizeof(*lines));
        if (!times_ns || !lines)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);

        mark = csv_mark(csv);
        r = first_times(recording, csv, times_ns, lines, &rows, error);
        csv_rewind(csv, mark);
        if (r < 0)
                return r;
        if (rows < CLOCK_ROWS_MIN)
                return recording_fail(error, -EBADMSG,
                                      "%s: too few rows (%zu) to find the rate: give it with --rate HZ",
                                      recording->path, rows);

        r = clock_init(&csv->clock, times_ns, rows, ret_hz, &row);
        if (r == -ENOMEM)
                return recording_fail(error, r, "%s: out of memory", recording->path);
        if (r < 0)
                return row_time_fail(recording, &(struct line){.number = lines[row < rows ? row : 1]},
                                     error);
        csv->clocked = true;
        return 0;
}

/* From the size of the file and of its first rows. */
static int frames_estimate(struct recording *recording, struct csv_reader *csv,
                           struct recording_error *error) {
        struct csv_mark mark;
        struct stat status;
        struct line line;
        size_t lines = 0;
        off_t header_bytes;
        int r;

        r = buffer_fill(csv);
        if (r < 0)
                return recording_fail(error, r, "%s: cannot be read: %s", recording->path, strerror(-r));
        mark = csv_mark(csv);
        if (fstat(csv->fd, &status) < 0)
                return recording_fail(error, -errno, "%s: %s", recording->path, strerror(errno));
        header_bytes = lseek(csv->fd, 0, SEEK_CUR) - (off_t)(csv->end - csv->begin);

        while (lines < CLOCK_ROWS_MAX && (r = line_next(recording, csv, false, &line, error)) != 0) {
                if (r < 0)
                        return r;
                lines++;
        }
        if (lines == 0)
                return recording_fail(error, -EBADMSG,
                                      "%s: no numbers after the header row: record or export it again",
                                      recording->path);
        recording->frames = (uint64_t)((double)(status.st_size - header_bytes) * (double)lines /
                                       (double)(csv->begin - mark.begin));
        csv_rewind(csv, mark);
        return 0;
}

int csv_open(struct recording *recording, int fd, const struct recording_options *options,
             struct recording_error *error) {
        struct csv_reader *csv;
        double rate_hz = options->rate_hz;
        int r;

        csv = calloc(1, sizeof(*csv));
        if (!csv)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);
        csv->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        recording->type = &csv_type;
        recording->reader = csv;
        for (unsigned axis = 0; axis < RECORDING_AXES; axis++)
                csv->motion[axis] = NO_MOTION;
        if (csv->fd < 0)
                return recording_fail(error, -errno, "%s: %s", recording->path, strerror(errno));
        csv->buffer = malloc(BUFFER_BYTES);
        if (!csv->buffer)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);

        r = header_read(recording, csv, options, error);
        if (r < 0)
                return r;
        if (rate_hz != 0 && csv->columns.time < csv->columns.count)
                csv->columns.columns[csv->columns.time].use = COLUMN_SKIPPED;
        else if (rate_hz == 0 && csv->columns.time == csv->columns.count)
                return recording_fail(
                        error, -EBADMSG,
                        "%s: no rate: give it with --rate HZ, or name the time column time_s",
                        recording->path);
        r = frames_estimate(recording, csv, error);
        if (r < 0)
                return r;
        if (rate_hz == 0) {
                r = rate_from_clock(recording, csv, &rate_hz, error);
                if (r < 0)
                        return r;
        }
        return recording_set_rate(recording, rate_hz, error);
}
