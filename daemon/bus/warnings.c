/* SPDX-License-Identifier: MIT */
/* Warnings in the evening: see warnings.h. */
#include "daemon/bus/warnings.h"

#include <string.h>

#include "daemon/bus/alerts.h"
#include "daemon/bus/subscribers.h"

/* `to` as in alerts.h. */
static void warn(struct sensor *sensor, bool again, const char *to) {
        char evening[sizeof(sensor->row.battery_warned)];
        struct battery_forecast forecast;
        int64_t now_us = crampd_now_us();
        bool told;

        sensor_get_battery(sensor, &forecast);
        if (!battery_is_warning(&forecast, local_us(now_us)))
                return;
        evening_of(now_us, evening, sizeof(evening));
        told = strcmp(evening, sensor->row.battery_warned) == 0;
        if ((told && !again) ||
            !subscribers_hear(sensor->crampd->bus->subscribers, sensor->row.owner_uid, to))
                return;
        alerts_send_battery_warning(sensor, &forecast, /* repeated= */ told, to);
        if (!told)
                sensor_set_battery_warned(sensor, evening);
}

void warnings_check(struct sensor *sensor) {
        warn(sensor, /* again= */ false, /* to= */ NULL);
}

void warnings_repeat(struct crampd *crampd, const char *to) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors)
                warn(sensor, /* again= */ true, to);
}
