/* SPDX-License-Identifier: MIT */
/*
 * What a sensor's detector hears besides its samples: a replayed accelerometer, and the other sensors of
 * its owner. All of it is told before the samples from which on it holds, so that the stream of samples
 * can carry it. See sensor.h.
 *
 * Another sensor counts while it streams: while the frames that its last level is about were taken
 * within a second of ours, by the sample clocks of both. One on the other leg counts only while it
 * rises: a turn in bed moves both legs, but that one leg rests says nothing about the other. Recordings
 * that are played tell nothing of the legs in the bed, nor these of them.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/livestream.h"
#include "daemon/sensor.h"

#define COMPANY_STALE_US INT64_C(1000000)

static bool is_company(const struct sensor *sensor, const struct sensor *other) {
        return other != sensor && other->row.owner_uid == sensor->row.owner_uid &&
               !other->replay == !sensor->replay;
}

static bool is_same_leg(const struct sensor *sensor, const struct sensor *other) {
        return strcmp(sensor->row.leg, other->row.leg) == 0;
}

/* -1 = it tells nothing. */
static int32_t company_of(const struct sensor *sensor, const struct sensor *other) {
        int64_t boot_us;
        int32_t percent;

        if (!other->night)
                return -1;
        percent = night_get_company(other->night, &boot_us);
        if (llabs(night_get_boot_us(sensor->night) - boot_us) > COMPANY_STALE_US)
                return -1;
        return is_same_leg(sensor, other) || detector_company_rises(percent) ? percent : -1;
}

static int32_t highest_company(const struct sensor *sensor) {
        const struct sensor *other;
        int32_t highest = -1;

        LIST_FOREACH (other, &sensor->crampd->sensors, sensors) {
                int32_t percent = is_company(sensor, other) ? company_of(sensor, other) : -1;

                if (percent > highest)
                        highest = percent;
        }
        return highest;
}

static bool has_company(const struct sensor *sensor) {
        const struct sensor *other;

        LIST_FOREACH (other, &sensor->crampd->sensors, sensors)
                if (is_company(sensor, other))
                        return true;
        return false;
}

unsigned sensor_get_beside(const struct sensor *sensor) {
        const struct sensor_driver *driver =
                sensor->link ? sensor_driver_find(sensor->row.driver) : NULL;
        bool motion = driver ? driver->accelerometer : sensor->replayed.has_motion;

        return (motion ? LIVESTREAM_MOTION : 0) |
               (sensor->replayed.has_company || has_company(sensor) ? LIVESTREAM_COMPANY : 0);
}

void sensor_hear_beside(struct sensor *sensor) {
        const struct source_beside *replayed = &sensor->replayed;

        if (replayed->has_motion)
                night_set_motion(sensor->night, replayed->motion_known ? replayed->motion_mg : NULL);
        night_set_company(sensor->night,
                          replayed->has_company ? replayed->company_percent : highest_company(sensor));
}
