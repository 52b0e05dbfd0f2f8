/* SPDX-License-Identifier: MIT */
/*
 * The mirror: the sensors in use and the last night of each, in memory. When a database has to be begun
 * afresh while crampd runs (damaged, deleted), they are written into it first, so that the episodes that
 * come next find their sensor and night. Used by writer.c, on the writer thread only.
 */
#pragma once

#include "daemon/store/rows.h"

struct mirror_entry {
        struct store_sensor sensor;
        struct store_night night; /* `id` is "" before the first */
};

struct mirror {
        struct mirror_entry *entries;
        size_t n;
};

void mirror_clear(struct mirror *mirror);

/* Best effort: what finds no memory is not mirrored. */
void mirror_note_sensor(struct mirror *mirror, const struct store_sensor *sensor);
void mirror_note_night(struct mirror *mirror, const struct store_night *night);
void mirror_note_battery(struct mirror *mirror, const struct store_battery *battery);
void mirror_note_calibration(struct mirror *mirror, const struct store_calibration *calibration);

/* Fills an empty mirror from the database, or writes what a filled one knows into it. SQLite result
 * code. */
int mirror_load(struct mirror *mirror, struct rows *rows);
int mirror_restore(const struct mirror *mirror, struct rows *rows);
