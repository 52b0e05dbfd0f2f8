/* SPDX-License-Identifier: MIT */
/* A sensor's battery: when its level is told to the forecast (battery.c), what of it is stored, and when
 * it is looked at. See sensor.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/basic/local-time.h"
#include "daemon/bus/warnings.h"
#include "daemon/sensor.h"

#define BATTERY_CHECK_US (UINT64_C(60) * 1000000)
/* A link tells the battery's level when it changes. That of an earlier stream holds when a new one has
 * lasted this long without another: every sensor tells within seconds. */
#define BATTERY_SETTLE_US (UINT64_C(120) * 1000000)
/* A rate that was learnt anew is worth writing when it differs by this much. */
#define BATTERY_RATE_NEWS 0.1

static void store_battery(const struct sensor *sensor) {
        struct store_battery battery = {.rate = sensor->row.battery_rate};

        memcpy(battery.sensor, sensor->row.id, sizeof(battery.sensor));
        memcpy(battery.warned, sensor->row.battery_warned, sizeof(battery.warned));
        /* Without it the next night begins with less to go by: nothing that must not fail. */
        (void)store_put_battery(sensor->crampd->store, &battery);
}

static void remember_rate(struct sensor *sensor) {
        double learned = battery_get_learned(&sensor->battery), known = sensor->row.battery_rate;

        if (fabs(learned - known) <= BATTERY_RATE_NEWS * known)
                return;
        sensor->row.battery_rate = learned;
        store_battery(sensor);
}

void sensor_set_battery_warned(struct sensor *sensor, const char *evening) {
        (void)snprintf(sensor->row.battery_warned, sizeof(sensor->row.battery_warned), "%s", evening);
        store_battery(sensor);
}

void sensor_get_battery(const struct sensor *sensor, struct battery_forecast *ret) {
        battery_forecast(&sensor->battery, (uint64_t)crampd_boot_us(), local_us(crampd_now_us()), ret);
}

/* True when the level that is known is that of the stream that runs. */
static bool is_battery_current(const struct sensor *sensor, uint64_t now_us) {
        return sensor->battery_percent >= 0 &&
               (now_us - sensor->battery_heard_us <= BATTERY_BREAK_US ||
                now_us - sensor->streaming_since_us >= BATTERY_SETTLE_US);
}

void sensor_check_battery(struct sensor *sensor) {
        uint64_t now_us = (uint64_t)crampd_boot_us();

        if (sensor->streaming_since_us == 0) {
                sensor->streaming_since_us = now_us;
                battery_begin(&sensor->battery, now_us);
        }
        sensor->battery_check_us = now_us + BATTERY_CHECK_US;
        if (!battery_has_reading(&sensor->battery, now_us) && is_battery_current(sensor, now_us))
                battery_push(&sensor->battery, (unsigned)sensor->battery_percent, now_us);
        remember_rate(sensor);
        warnings_check(sensor);
}

void sensor_take_battery(struct sensor *sensor, unsigned percent) {
        sensor->battery_percent = (int)percent;
        sensor->battery_heard_us = (uint64_t)crampd_boot_us();
        if (sensor->streaming_since_us == 0)
                return;
        battery_push(&sensor->battery, percent, sensor->battery_heard_us);
        sensor_check_battery(sensor);
}

void sensor_end_battery(struct sensor *sensor) {
        if (sensor->streaming_since_us == 0)
                return;
        battery_end(&sensor->battery, (uint64_t)crampd_boot_us());
        sensor->streaming_since_us = 0;
        sensor->battery_check_us = 0;
}
