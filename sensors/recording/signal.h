/* SPDX-License-Identifier: MIT */
/*
 * The signals that a file holds and which of them are taken: units, labels, the user's choice. Shared by
 * the EDF and the CSV reader of this folder, and by nobody else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensors/recording/recording.h"

enum unit {
        UNIT_NONE, /* the file does not say */
        UNIT_MICROVOLT,
        UNIT_MILLIVOLT,
        UNIT_VOLT,
        UNIT_COUNTS,
        UNIT_OTHER, /* says something that no muscle signal has */
};

struct signal {
        char *label;
        size_t stem_length; /* of the label without its unit suffix */
        enum unit unit;
        bool chosen; /* by the user, by name or number */
        bool taken;
        size_t axis_length; /* of the label without a unit of acceleration, if it has one; else 0 */
        int axis_shift;     /* from that unit to mg: 3 or 0 */
        double scale_uv;
        bool arbitrary;
};

struct signal_list {
        struct signal *signals;
        size_t count;
};

bool unit_is_voltage(enum unit unit);
/* Microvolts per unit; 1 for whatever is no voltage. */
double unit_microvolts(enum unit unit);
/* "uV", "mV", "V" in usual spellings, micro sign included; UNIT_OTHER if it is none of these. */
enum unit unit_from_voltage(const char *text, size_t length);

/* Makes room for `count` signals, all zero. Returns 0 or -ENOMEM. */
int signal_list_init(struct signal_list *list, size_t count);
void signal_list_done(struct signal_list *list);

/* Marks the signals that the user named, each by its label, its label without unit, or its number
 * from 1. Returns 0 or -EBADMSG with `error` listing the labels that there are. */
int signal_list_choose(struct signal_list *list, const char *const *names, const char *path,
                       struct recording_error *error);
size_t signal_list_taken(const struct signal_list *list);

/* Fills in `error` and returns `r`. */
int recording_fail(struct recording_error *error, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Copies text from a file for use in a message: whatever is not printable ASCII becomes "?", long text
 * is cut. */
const char *text_printable(char *ret, size_t size, const char *text, size_t length);
