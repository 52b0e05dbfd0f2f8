/* SPDX-License-Identifier: MIT */
/* Warnings: see warnings.h. */
#include "daemon/bus/warnings.h"

#include <string.h>

#include "daemon/basic/local-time.h"
#include "daemon/basic/log.h"
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

/* A cramp that is being watched is seen. */
static bool is_seeing(const struct sensor *sensor, const char *signal) {
        uint64_t lasting_us;

        return strcmp(signal, detector_quality_to_string(DETECTOR_QUALITY_GOOD)) == 0 ||
               (sensor->night && night_get_episode(sensor->night, &lasting_us));
}

void warnings_check_signal(struct sensor *sensor, int64_t time_us) {
        const char *signal = sensor_get_signal(sensor);

        switch (signal_watch_push(&sensor->signal_watch, is_seeing(sensor, signal), time_us)) {
        case SIGNAL_WATCH_NOTHING:
                break;
        case SIGNAL_WATCH_WARN:
                alerts_send_signal_warning(sensor, signal, /* repeated= */ false, /* to= */ NULL);
                break;
        case SIGNAL_WATCH_OVER:
                alerts_send_signal_warning(sensor, NULL, /* repeated= */ false, /* to= */ NULL);
                break;
        }
}

void warnings_check_leg(struct sensor *sensor) {
        const char *leg = sensor_says_leg(sensor);
        bool other = leg && strcmp(leg, sensor->row.leg) != 0;

        if (other == sensor->leg_warned)
                return;
        sensor->leg_warned = other;
        if (other)
                log_warning("Sensor %s says that it is on the other leg than it was added for.",
                            sensor->row.id);
        alerts_send_leg_warning(sensor, other ? leg : NULL, /* repeated= */ false, /* to= */ NULL);
}

void warnings_repeat(struct crampd *crampd, const char *to) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors) {
                const char *signal = sensor_get_signal(sensor);

                warn(sensor, /* again= */ true, to);
                if (sensor->signal_watch.warned && !is_seeing(sensor, signal))
                        alerts_send_signal_warning(sensor, signal, /* repeated= */ true, to);
                if (sensor->leg_warned)
                        alerts_send_leg_warning(sensor, sensor_says_leg(sensor), /* repeated= */ true,
                                                to);
        }
}
