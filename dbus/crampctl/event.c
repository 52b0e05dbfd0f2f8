/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/event.h"

#include <math.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/words.h"

const char *event_sensor_id(const struct crampd_event *event) {
        const char *id = strrchr(event->sensor_path, '/');

        return id ? id + 1 : event->sensor_path;
}

const char *signal_describe(const char *signal) {
        static const struct {
                const char *name, *text;
        } texts[] = {
                {"noisy",
                 N_("rest is too loud for a cramp to be seen: clean the skin, renew the electrodes")},
                {"mains",
                 N_("mains hum covers the muscle: check the electrodes, keep away from chargers")},
                {"saturated", N_("the signal is at its limit: check the electrodes")},
                {"electrode-off", N_("an electrode seems to be off")},
                {"dead", N_("there is no muscle in the signal: is the sensor worn?")},
        };

        for (size_t i = 0; signal && i < ARRAY_LENGTH(texts); i++)
                if (strcmp(texts[i].name, signal) == 0)
                        return _(texts[i].text);
        return NULL;
}

static const char *type_to_string(enum crampd_event_type type) {
        switch (type) {
        case CRAMPD_ALERT_RAISED:
                return "alert-raised";
        case CRAMPD_ALERT_UPDATED:
                return "alert-updated";
        case CRAMPD_ALERT_ENDED:
                return "alert-ended";
        case CRAMPD_SENSOR_CHANGED:
                return "sensor-changed";
        case CRAMPD_SERVICE_GONE:
                return "service-gone";
        case CRAMPD_SERVICE_BACK:
                return "service-back";
        case CRAMPD_SENSOR_WARNING:
                return "warning";
        case CRAMPD_ADVICE_CHANGED:
                return "advice-changed";
        }
        return "unknown";
}

static bool is_alert(const struct crampd_event *event) {
        return event->type == CRAMPD_ALERT_RAISED || event->type == CRAMPD_ALERT_UPDATED ||
               event->type == CRAMPD_ALERT_ENDED;
}

static void warning_write_json(struct json *json, const struct crampd_event *event) {
        json_string(json, "what", event->warning);
        json_string(json, "sensor", event_sensor_id(event));
        json_string(json, "sensor_name", event->sensor_name);
        if (event->battery >= 0)
                json_int(json, "percent", event->battery);
        else
                json_null(json, "percent");
        if (isfinite(event->battery_hours))
                json_double(json, "hours", event->battery_hours, 1);
        else
                json_null(json, "hours");
        json_string(json, "signal", event->signal);
        json_string(json, "leg", event->leg);
        json_bool(json, "over", event->over);
        json_bool(json, "repeated", event->repeated);
}

void event_write_json(FILE *file, const struct crampd_event *event) {
        struct json json = JSON_INIT(file);

        json_object_begin(&json, NULL);
        json_string(&json, "type", type_to_string(event->type));
        if (is_alert(event)) {
                episode_write_json(&json, &event->episode);
                json_string(&json, "sensor_name", event->sensor_name);
                json_array_begin(&json, "relief");
                for (const char *const *step = event->relief; step && *step; step++)
                        json_string(&json, NULL, *step);
                json_array_end(&json);
                json_bool(&json, "recorded", event->recorded);
                json_bool(&json, "repeated", event->repeated);
        } else if (event->type == CRAMPD_SENSOR_CHANGED) {
                json_string(&json, "sensor", event_sensor_id(event));
                json_string(&json, "sensor_name", event->sensor_name);
                json_string(&json, "state", event->state);
                json_string(&json, "reason", event->reason);
        } else if (event->type == CRAMPD_SENSOR_WARNING)
                warning_write_json(&json, event);
        else if (event->type == CRAMPD_ADVICE_CHANGED) {
                json_uint(&json, "owner", event->owner);
                json_string(&json, "why", event->reason);
                json_string(&json, "id", event->advice);
                json_string(&json, "title", event->title);
                json_bool(&json, "red_flag", event->red_flag);
        }
        json_object_end(&json);
        (void)json_finish(&json);
}
