/* SPDX-License-Identifier: MIT */
/* The Manager's signals about a sensor: see alerts.h. */
#include "daemon/bus/alerts.h"

#include <math.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/subscribers.h"
#include "daemon/guidance/relief.h"

static int new_signal(struct sensor *sensor, const char *member, sd_bus_message **ret) {
        char path[SENSOR_PATH_SIZE];
        int r;

        r = sd_bus_message_new_signal(sensor->crampd->bus->connection, ret, CRAMPD_ROOT,
                                      CRAMPD_NAME ".Manager", member);
        if (r < 0)
                return r;
        sensor_path(sensor->row.id, path);
        return sd_bus_message_append(*ret, "o", path);
}

static int append_details(sd_bus_message *message, const struct sensor *sensor, enum night_change change,
                          const struct store_episode *episode, bool repeated,
                          const struct language *language) {
        int r = 0;

        dictionary_open(message, &r);
        dictionary_append(message, &r, "leg", "s", episode->leg);
        dictionary_append(message, &r, "name", "s", sensor->row.name);
        dictionary_append(message, &r, "alert_us", "x", episode->alert_us);
        dictionary_append(message, &r, "zone_offset_s", "i", episode->zone_offset_s);
        dictionary_append(message, &r, "confidence", "d", episode->confidence);
        dictionary_append(message, &r, "channel", "u", episode->channel);
        dictionary_append(message, &r, "detector", "s", episode->detector);
        if (!isnan(episode->peak_uv))
                dictionary_append(message, &r, "peak_uv", "d", episode->peak_uv);
        if (!isnan(episode->peak_mvc_percent))
                dictionary_append(message, &r, "peak_mvc_percent", "d", episode->peak_mvc_percent);
        if (!isnan(episode->median_hz))
                dictionary_append(message, &r, "median_hz", "d", episode->median_hz);
        dictionary_append(message, &r, "recorded", "b", sensor->recorded);
        dictionary_append(message, &r, "simulated", "b", sensor->replay != NULL);
        dictionary_append(message, &r, "repeated", "b", repeated);
        if (change != NIGHT_ALERT_ENDED) {
                dictionary_append(message, &r, "language", "s", language->name);
        } else {
                dictionary_append(message, &r, "onset_us", "x", episode->onset_us);
                dictionary_append(message, &r, "muscle", "s", episode->muscle);
        }
        dictionary_close(message, &r);
        return r;
}

/* What an alert is made of. */
struct alert {
        struct sensor *sensor;
        enum night_change change;
        const struct store_episode *episode;
        uint64_t lasting_us;
        bool repeated;
};

static int append_relief(sd_bus_message *message, const struct language *language,
                         const char *const *steps) {
        int r = sd_bus_message_open_container(message, 'a', "s");

        for (; *steps && r >= 0; steps++)
                r = sd_bus_message_append(message, "s", language_text(language, *steps));
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int build_alert(const struct language *language, const void *userdata, sd_bus_message **ret) {
        static const char *const members[] = {
                [NIGHT_ALERT_RAISED] = "AlertRaised",
                [NIGHT_ALERT_UPDATED] = "AlertUpdated",
                [NIGHT_ALERT_ENDED] = "AlertEnded",
        };
        const struct alert *alert = userdata;
        const struct store_episode *episode = alert->episode;
        int r;

        r = new_signal(alert->sensor, members[alert->change], ret);
        if (r < 0)
                return r;

        if (alert->change == NIGHT_ALERT_ENDED)
                r = sd_bus_message_append(*ret, "sxss", episode->id, episode->end_us,
                                          episode->end_reason, episode->severity);
        else {
                r = sd_bus_message_append(*ret, "sxss", episode->id, episode->onset_us,
                                          episode->severity, episode->muscle);
                if (r >= 0)
                        r = append_relief(*ret, language,
                                          relief_steps((enum muscle)muscle_from_string(episode->muscle),
                                                       alert->lasting_us));
        }
        if (r < 0)
                return r;
        return append_details(*ret, alert->sensor, alert->change, episode, alert->repeated, language);
}

void alerts_send(struct sensor *sensor, enum night_change change, const struct store_episode *episode,
                 uint64_t lasting_us, bool repeated, const char *to) {
        const struct alert alert = {sensor, change, episode, lasting_us, repeated};
        int r;

        r = subscribers_tell(sensor->crampd->bus->subscribers, build_alert, &alert,
                             sensor->row.owner_uid, to);
        if (r < 0)
                log_error("An alert could not be put together: %s.", strerror(-r));
}

void alerts_send_sensor_changed(struct sensor *sensor, enum source_state state, const char *reason) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = new_signal(sensor, "SensorChanged", &message);
        if (r >= 0)
                r = sd_bus_message_append(message, "ssa{sv}", source_state_to_string(state), reason, 1,
                                          "name", "s", sensor->row.name);
        if (r < 0) {
                log_error("A sensor's change could not be signalled: %s.", strerror(-r));
                return;
        }
        subscribers_send(sensor->crampd->bus->subscribers, message, sensor->row.owner_uid, NULL);
}

static int append_battery_details(sd_bus_message *message, const struct sensor *sensor,
                                  const struct battery_forecast *forecast, bool repeated) {
        int r = 0;

        dictionary_open(message, &r);
        dictionary_append(message, &r, "name", "s", sensor->row.name);
        dictionary_append(message, &r, "percent", "u", (uint32_t)forecast->percent);
        if (!isnan(forecast->hours))
                dictionary_append(message, &r, "hours", "d", forecast->hours);
        dictionary_append(message, &r, "repeated", "b", repeated);
        dictionary_close(message, &r);
        return r;
}

/* `r`: of putting the message together so far. */
static void send_warning(struct sensor *sensor, sd_bus_message *message, int r, const char *to) {
        if (r < 0) {
                log_error("A warning could not be put together: %s.", strerror(-r));
                return;
        }
        subscribers_send(sensor->crampd->bus->subscribers, message, sensor->row.owner_uid, to);
}

void alerts_send_battery_warning(struct sensor *sensor, const struct battery_forecast *forecast,
                                 bool repeated, const char *to) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = new_signal(sensor, "SensorWarning", &message);
        if (r >= 0)
                r = sd_bus_message_append(message, "s", "battery");
        if (r >= 0)
                r = append_battery_details(message, sensor, forecast, repeated);
        send_warning(sensor, message, r, to);
}

/* Of a warning that has an end: `what` is its name and the key of what is wrong, which is NULL when that
 * is over. */
static void send_lasting_warning(struct sensor *sensor, const char *what, const char *wrong,
                                 bool repeated, const char *to) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = new_signal(sensor, "SensorWarning", &message);
        if (r >= 0)
                r = sd_bus_message_append(message, "s", what);
        if (r >= 0) {
                dictionary_open(message, &r);
                dictionary_append(message, &r, "name", "s", sensor->row.name);
                if (wrong)
                        dictionary_append(message, &r, what, "s", wrong);
                dictionary_append(message, &r, "over", "b", !wrong);
                dictionary_append(message, &r, "repeated", "b", repeated);
                dictionary_close(message, &r);
        }
        send_warning(sensor, message, r, to);
}

void alerts_send_signal_warning(struct sensor *sensor, const char *signal, bool repeated,
                                const char *to) {
        send_lasting_warning(sensor, "signal", signal, repeated, to);
}

void alerts_send_leg_warning(struct sensor *sensor, const char *leg, bool repeated, const char *to) {
        send_lasting_warning(sensor, "leg", leg, repeated, to);
}

void alerts_repeat(struct crampd *crampd, const char *to) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors) {
                uint64_t lasting_us;
                const struct store_episode *episode =
                        sensor->night ? night_get_episode(sensor->night, &lasting_us) : NULL;

                if (episode)
                        alerts_send(sensor, NIGHT_ALERT_RAISED, episode, lasting_us,
                                    /* repeated= */ true, to);
        }
}
