/* SPDX-License-Identifier: MIT */
#include "sensors/recording/csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/decimal.h"

/* Volts become counts of 0.01 uV. */
#define COUNTS_PER_MICROVOLT 100
#define SHIFT_MICROVOLT 2

/* Without a unit time counts in seconds: in any other the rate would be far out of range, and refused.
 */
static const struct {
        const char *unit;
        int shift; /* to nanoseconds */
} time_units[] = {
        {"", 9}, {"s", 9}, {"sec", 9}, {"ms", 6}, {"us", 3},
};

/* Columns that recorders add to the signals. */
static const char *const bookkeeping_names[] = {
        "time",    "t",       "timestamp", "date",       "datetime", "index",  "sample",
        "samples", "frame",   "row",       "n",          "no",       "number", "nr",
        "id",      "counter", "seq",       "marker",     "trigger",  "event",  "label",
        "state",   "class",   "status",    "annotation",
};

/* Endings that name another unit. Case counts; letters that also tell electrodes apart (A, C, L, R, ...)
 * are not here. */
static const char *const other_units[] = {
        "deg", "rad", "Nm", "N",   "kN",  "g",    "mg",    "kg",    "m",    "cm",      "mm",
        "s",   "ms",  "us", "ns",  "min", "Hz",   "kHz",   "degC",  "pct",  "percent", "%",
        "bpm", "rpm", "Pa", "kPa", "hPa", "mmHg", "ohm",   "Ohm",   "kohm", "kOhm",    "mA",
        "uA",  "mW",  "uT", "dps", "lux", "dB",   "deg/s", "rad/s", "m/s",  "m/s2",    "m/s^2",
};

static const char *const counts_units[] = {"counts", "count", "lsb", "LSB", "adu"};

static bool is_one_of(const char *text, size_t length, const char *const *list, size_t list_length) {
        for (size_t i = 0; i < list_length; i++)
                if (strlen(list[i]) == length && memcmp(list[i], text, length) == 0)
                        return true;
        return false;
}

static bool is_bookkeeping(const char *name) {
        for (size_t i = 0; i < ARRAY_LENGTH(bookkeeping_names); i++)
                if (strcasecmp(bookkeeping_names[i], name) == 0)
                        return true;
        return *name == '\0'; /* the row numbers that data-frame libraries write have no name */
}

/* Tab and semicolon outrank the comma, which may be part of a name then. */
static char separator_find(const char *line, size_t length) {
        bool tab = false, semicolon = false, quoted = false;

        for (size_t i = 0; i < length; i++) {
                quoted ^= line[i] == '"';
                tab |= line[i] == '\t' && !quoted;
                semicolon |= line[i] == ';' && !quoted;
        }
        return tab ? '\t' : semicolon ? ';' : ',';
}

/* "GM_uV", "GM (uV)", "GM [uV]": where the unit begins and how long it is. */
static bool name_unit(const char *name, size_t *ret_stem, const char **ret_unit, size_t *ret_length) {
        size_t length = strlen(name);
        const char *start;

        if (length > 2 && (name[length - 1] == ')' || name[length - 1] == ']')) {
                start = strrchr(name, name[length - 1] == ')' ? '(' : '[');
                if (!start || start == name)
                        return false;
                *ret_length = (size_t)(name + length - 1 - (start + 1));
        } else {
                start = strrchr(name, '_');
                if (!start || start == name)
                        return false;
                *ret_length = strlen(start + 1);
        }

        *ret_unit = start + 1;
        *ret_stem = (size_t)(start - name);
        while (*ret_stem > 0 && name[*ret_stem - 1] == ' ')
                (*ret_stem)--;
        return true;
}

/* Case counts here, unlike in a unit that stands for itself: "EMG_v" or "leg_MV" names no unit. */
static enum unit unit_from_ending(const char *unit, size_t length) {
        if (length > 0 && unit[length - 1] == 'V' && (length < 2 || unit[0] != 'M'))
                return unit_from_voltage(unit, length) == UNIT_OTHER ? UNIT_NONE
                                                                     : unit_from_voltage(unit, length);
        if (is_one_of(unit, length, counts_units, ARRAY_LENGTH(counts_units)))
                return UNIT_COUNTS;
        if (is_one_of(unit, length, other_units, ARRAY_LENGTH(other_units)))
                return UNIT_OTHER;
        return UNIT_NONE;
}

static void signal_describe(struct signal *signal) {
        size_t stem, length;
        const char *unit;

        signal->stem_length = strlen(signal->label);
        if (is_bookkeeping(signal->label)) {
                signal->unit = UNIT_OTHER;
                return;
        }
        if (!name_unit(signal->label, &stem, &unit, &length))
                return;
        signal->unit = unit_from_ending(unit, length);
        if (length == 1 && *unit == 'g')
                signal->axis_shift = 3;
        if (signal->axis_shift > 0 || (length == 2 && memcmp(unit, "mg", 2) == 0))
                signal->axis_length = stem;
        if (signal->unit != UNIT_NONE)
                signal->stem_length = stem;
}

/* "time_s", "Time (ms)", "t": how to come to nanoseconds. */
static bool is_time(const char *name, int *ret_shift) {
        size_t stem, length;
        const char *unit;

        if (!name_unit(name, &stem, &unit, &length)) {
                stem = strlen(name);
                length = 0;
                unit = "";
        }
        if (!(stem == 4 && strncasecmp(name, "time", 4) == 0) &&
            !(stem == 1 && (*name == 't' || *name == 'T')))
                return false;
        for (size_t i = 0; i < ARRAY_LENGTH(time_units); i++)
                if (strlen(time_units[i].unit) == length &&
                    strncasecmp(time_units[i].unit, unit, length) == 0) {
                        *ret_shift = time_units[i].shift;
                        return true;
                }
        return false;
}

static bool cells_are_numbers(const char *line, const char *end, char separator) {
        const char *rest = line;

        while (rest) {
                struct cell cell;
                int64_t value;

                if (cell_next(&rest, end, separator, &cell) < 0 ||
                    decimal_parse(cell.text, cell.length, 0, &value) == -EINVAL)
                        return false;
        }
        return true;
}

/* A copy with doubled quotes made single. */
static char *cell_copy(const struct cell *cell) {
        char *copy = malloc(cell->length + 1);
        size_t length = 0;

        if (!copy)
                return NULL;
        for (size_t i = 0; i < cell->length; i++) {
                copy[length++] = cell->text[i];
                if (cell->text[i] == '"' && i + 1 < cell->length && cell->text[i + 1] == '"')
                        i++;
        }
        copy[length] = '\0';
        return copy;
}

/* Splits the row into columns, each a signal but the time column. */
static int columns_split(struct column_list *list, struct recording *recording, const char *line,
                         const char *end, uint64_t line_number, struct recording_error *error) {
        struct signal_list *signals = &recording->signals;
        const char *rest = line;

        if (signal_list_init(signals, CSV_COLUMNS_MAX) < 0)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);
        signals->count = 0;
        list->time = CSV_COLUMNS_MAX;

        while (rest) {
                _cleanup_(freep) char *name = NULL;
                struct column *column;
                struct cell cell;

                if (list->count == CSV_COLUMNS_MAX)
                        return recording_fail(error, -EBADMSG,
                                              "%s:%" PRIu64
                                              ": more than %u columns: export the muscle signals only",
                                              recording->path, line_number, CSV_COLUMNS_MAX);
                if (cell_next(&rest, end, list->separator, &cell) < 0)
                        return recording_fail(
                                error, -EBADMSG,
                                "%s:%" PRIu64
                                ": column %zu: a quote is not closed: close it, names stand "
                                "on one line",
                                recording->path, line_number, list->count + 1);
                name = cell_copy(&cell);
                if (!name)
                        return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);

                column = &list->columns[list->count++];
                if (list->time == CSV_COLUMNS_MAX && is_time(name, &column->shift)) {
                        column->use = COLUMN_TIME;
                        list->time = list->count - 1;
                        continue;
                }
                column->signal = signals->count++;
                signals->signals[column->signal].label = steal_pointer(&name);
                signal_describe(&signals->signals[column->signal]);
        }
        if (list->time == CSV_COLUMNS_MAX)
                list->time = list->count;
        return 0;
}

/* Unnamed columns need something to be called by. */
static int signals_name(struct signal_list *signals) {
        for (size_t i = 0; i < signals->count; i++) {
                struct signal *signal = &signals->signals[i];

                if (*signal->label != '\0')
                        continue;
                free(signal->label);
                if (asprintf(&signal->label, "column %zu", i + 1) < 0) {
                        signal->label = NULL;
                        return -ENOMEM;
                }
                signal->stem_length = strlen(signal->label);
        }
        return 0;
}

static int unit_from_options(const char *text, enum unit *ret) {
        *ret = UNIT_NONE;
        if (!text)
                return 0;
        *ret = strcasecmp(text, "counts") == 0 ? UNIT_COUNTS : unit_from_voltage(text, strlen(text));
        return *ret == UNIT_OTHER ? -EINVAL : 0;
}

static void signals_take(struct signal_list *signals, enum unit unit, bool by_choice) {
        bool any_voltage = false;

        for (size_t i = 0; i < signals->count; i++)
                any_voltage |= unit_is_voltage(signals->signals[i].unit);

        for (size_t i = 0; i < signals->count; i++) {
                struct signal *signal = &signals->signals[i];

                if (by_choice)
                        signal->taken = signal->chosen;
                else if (signal->unit == UNIT_NONE)
                        signal->taken = !any_voltage || unit != UNIT_NONE;
                else
                        signal->taken = unit_is_voltage(signal->unit) ||
                                        (signal->unit == UNIT_COUNTS && !any_voltage);

                if (signal->unit == UNIT_NONE)
                        signal->unit = unit == UNIT_NONE ? UNIT_MICROVOLT : unit;
        }
}

static void columns_scale(struct column_list *list, struct signal_list *signals) {
        for (size_t i = 0; i < list->count; i++) {
                struct column *column = &list->columns[i];
                struct signal *signal;

                if (column->use == COLUMN_TIME)
                        continue;
                signal = &signals->signals[column->signal];
                column->use = signal->taken ? COLUMN_SIGNAL : COLUMN_SKIPPED;
                signal->arbitrary = !unit_is_voltage(signal->unit);
                signal->scale_uv = signal->unit == UNIT_COUNTS ? 1 : 1.0 / COUNTS_PER_MICROVOLT;
                column->shift = signal->unit == UNIT_COUNTS ? 0 : SHIFT_MICROVOLT;
                if (signal->unit == UNIT_MILLIVOLT)
                        column->shift += 3;
                else if (signal->unit == UNIT_VOLT)
                        column->shift += 6;
        }
}

static void columns_take_motion(struct column_list *list, struct recording *recording) {
        if (!recording_find_motion(recording))
                return;
        recording->motion_scale_g = 0.001;
        for (size_t i = 0; i < list->count; i++)
                for (unsigned axis = 0; axis < RECORDING_AXES; axis++) {
                        struct column *column = &list->columns[i];

                        if (column->use != COLUMN_SKIPPED || column->signal != recording->motion[axis])
                                continue;
                        column->use = COLUMN_MOTION;
                        column->axis = axis;
                        column->shift = recording->signals.signals[column->signal].axis_shift;
                        break;
                }
}

int column_list_read(struct column_list *list, struct recording *recording, const char *line,
                     size_t length, uint64_t line_number, const struct recording_options *options,
                     struct recording_error *error) {
        const char *end = line + length;
        enum unit unit;
        int r;

        if (unit_from_options(options->unit, &unit) < 0)
                return recording_fail(error, -EINVAL, "%s: unknown unit \"%s\": say uV, mV, V or counts",
                                      recording->path, options->unit);

        list->separator = separator_find(line, length);
        if (cells_are_numbers(line, end, list->separator))
                return recording_fail(
                        error, -EBADMSG,
                        "%s:%" PRIu64
                        ": no header row: put the names of the columns on a line before the "
                        "numbers, such as time_s,GM_uV",
                        recording->path, line_number);

        r = columns_split(list, recording, line, end, line_number, error);
        if (r < 0)
                return r;
        if (signals_name(&recording->signals) < 0)
                return recording_fail(error, -ENOMEM, "%s: out of memory", recording->path);
        if (options->channels) {
                r = signal_list_choose(&recording->signals, options->channels, recording->path, error);
                if (r < 0)
                        return r;
        }
        signals_take(&recording->signals, unit, options->channels != NULL);
        if (signal_list_taken(&recording->signals) == 0)
                return recording_fail(
                        error, -EBADMSG,
                        "%s:%" PRIu64
                        ": no column looks like a muscle signal in uV, mV or V: choose with "
                        "--channel, or name the unit in the header row (GM_uV)",
                        recording->path, line_number);
        columns_scale(list, &recording->signals);
        columns_take_motion(list, recording);
        return 0;
}
