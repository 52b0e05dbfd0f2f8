/* SPDX-License-Identifier: MIT */
/* The mirror: see mirror.h. */
#include "daemon/store/mirror.h"

#include <string.h>

#include "daemon/store/database.h"

void mirror_clear(struct mirror *mirror) {
        free(mirror->entries);
        *mirror = (struct mirror){};
}

static struct mirror_entry *mirror_find(const struct mirror *mirror, const char *id) {
        for (size_t i = 0; i < mirror->n; i++)
                if (strcmp(mirror->entries[i].sensor.id, id) == 0)
                        return &mirror->entries[i];
        return NULL;
}

static void mirror_forget(struct mirror *mirror, struct mirror_entry *entry) {
        *entry = mirror->entries[--mirror->n];
}

/* A removed sensor is kept until its night is over: its last episode may be on its way. */
static void mirror_prune(struct mirror *mirror, struct mirror_entry *entry) {
        bool removed = entry->sensor.removed_us != STORE_NO_TIME;
        bool over = entry->night.id[0] == '\0' || entry->night.end_us != STORE_NO_TIME;

        if (removed && over)
                mirror_forget(mirror, entry);
}

void mirror_note_sensor(struct mirror *mirror, const struct store_sensor *sensor) {
        struct mirror_entry *entry = mirror_find(mirror, sensor->id);
        struct store_sensor learnt;

        if (!entry) {
                struct mirror_entry *larger =
                        reallocarray(mirror->entries, mirror->n + 1, sizeof(*mirror->entries));

                if (!larger)
                        return;
                mirror->entries = larger;
                entry = &mirror->entries[mirror->n++];
                *entry = (struct mirror_entry){};
        }
        learnt = entry->sensor;
        entry->sensor = *sensor;
        if (learnt.id[0]) { /* as in the database, it stays as it was noted last */
                entry->sensor.battery_rate = learnt.battery_rate;
                memcpy(entry->sensor.battery_warned, learnt.battery_warned,
                       sizeof(learnt.battery_warned));
                entry->sensor.calibration = learnt.calibration;
        }
        mirror_prune(mirror, entry);
}

void mirror_note_night(struct mirror *mirror, const struct store_night *night) {
        struct mirror_entry *entry = mirror_find(mirror, night->sensor);

        if (!entry)
                return;
        entry->night = *night;
        mirror_prune(mirror, entry);
}

void mirror_note_battery(struct mirror *mirror, const struct store_battery *battery) {
        struct mirror_entry *entry = mirror_find(mirror, battery->sensor);

        if (!entry)
                return;
        entry->sensor.battery_rate = battery->rate;
        memcpy(entry->sensor.battery_warned, battery->warned, sizeof(entry->sensor.battery_warned));
}

void mirror_note_calibration(struct mirror *mirror, const struct store_calibration *calibration) {
        struct mirror_entry *entry = mirror_find(mirror, calibration->sensor);

        if (entry)
                entry->sensor.calibration = *calibration;
}

/* Of a fresh database, into which the sensor was put. */
static int restore_calibration(struct rows *rows, const struct store_sensor *sensor) {
        struct store_calibration calibration = sensor->calibration;

        if (calibration.channels == 0)
                return SQLITE_OK;
        memcpy(calibration.sensor, sensor->id, sizeof(calibration.sensor));
        return rows_put_calibration(rows, &calibration);
}

int mirror_load(struct mirror *mirror, struct rows *rows) {
        _cleanup_(freep) struct store_sensor *sensors = NULL;
        size_t n = 0;
        int rc;

        rc = rows_list_sensors(rows, &sensors, &n);
        if (rc != SQLITE_OK)
                return rc;
        for (size_t i = 0; i < n; i++)
                mirror_note_sensor(mirror, &sensors[i]);
        return SQLITE_OK;
}

int mirror_restore(const struct mirror *mirror, struct rows *rows) {
        for (size_t i = 0; i < mirror->n; i++) {
                const struct mirror_entry *entry = &mirror->entries[i];
                int rc;

                rc = rows_put_sensor(rows, &entry->sensor);
                if (rc == SQLITE_OK)
                        rc = restore_calibration(rows, &entry->sensor);
                if (rc == SQLITE_OK && entry->night.id[0])
                        rc = rows_put_night(rows, &entry->night);
                if (rc != SQLITE_OK && !sqlite_error_is_of_row(rc))
                        return rc;
        }
        return SQLITE_OK;
}
