/* SPDX-License-Identifier: MIT */
/*
 * What Sensor.Describe() tells of a sensor, key by key: see dbus/org.crampd1.Sensor.xml. Owns nothing
 * and asks nobody: all is in the sensor. Called for Describe() and ListSensors().
 */
#include <math.h>

#include "daemon/bus/calibrate.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/objects.h"

static void append_settings(sd_bus_message *message, int *r, const struct store_sensor *row) {
        dictionary_append(message, r, "paused", "b", row->paused);
        dictionary_append(message, r, "allow_broadcast", "b", row->allow_broadcast);
        if (row->scale_uv > 0)
                dictionary_append(message, r, "scale_uv", "d", row->scale_uv);
        dictionary_append(message, r, "sensitivity", "s",
                          detector_sensitivity_to_string(sensor_sensitivity(row)));
}

static void append_link(sd_bus_message *message, int *r, const struct link_counters *counters) {
        dictionary_append(message, r, "reconnects", "t", counters->reconnects);
        dictionary_append(message, r, "longest_gap_us", "t", counters->gap_longest_us);
        if (counters->rssi_dbm != 0)
                dictionary_append(message, r, "rssi", "n", counters->rssi_dbm);
}

static void append_signals(sd_bus_message *message, int *r, const struct night *night) {
        const enum detector_quality *qualities = night_get_qualities(night);

        dictionary_open_array(message, r, "signals", "as");
        for (uint32_t i = 0; i < night_get_format(night)->channels && *r >= 0; i++)
                *r = sd_bus_message_append_basic(message, 's', detector_quality_to_string(qualities[i]));
        dictionary_close_array(message, r);
}

static void append_signal(sd_bus_message *message, int *r, const struct sensor *sensor,
                          enum source_state state) {
        if (!sensor->night || state != SOURCE_STREAMING) {
                dictionary_append(message, r, "signal", "s", "no-data");
                return;
        }
        dictionary_append(message, r, "signal", "s",
                          detector_quality_to_string(night_get_quality(sensor->night)));
        append_signals(message, r, sensor->night);
}

static void append_capacity(sd_bus_message *message, int *r, const struct sensor *sensor) {
        double share = sensor_get_capacity(sensor);

        if (share >= 0)
                dictionary_append(message, r, "capacity", "d", share);
}

static void append_clock(sd_bus_message *message, int *r, const struct sensor *sensor) {
        struct sample_clock_stats stats;

        if (sensor->measured_rate_mhz > 0)
                dictionary_append(message, r, "measured_rate_hz", "d",
                                  sensor->measured_rate_mhz / 1000.0);
        if (!sensor->clock)
                return;
        sample_clock_get_stats(sensor->clock, &stats);
        if (isfinite(stats.error_ppm))
                dictionary_append(message, r, "clock_ppm", "d", stats.error_ppm);
}

static void append_extras(sd_bus_message *message, int *r, const struct sensor_extras *extras) {
        if (extras->battery_mv >= 0)
                dictionary_append(message, r, "battery_mv", "u", (uint32_t)extras->battery_mv);
}

static void append_battery(sd_bus_message *message, int *r, const struct sensor *sensor) {
        struct battery_forecast forecast;

        sensor_get_battery(sensor, &forecast);
        if (!isnan(forecast.hours))
                dictionary_append(message, r, "battery_hours", "d", forecast.hours);
        if (forecast.lasts_night >= 0)
                dictionary_append(message, r, "battery_lasts_night", "b", forecast.lasts_night);
}

int sensor_append_description(sd_bus_message *message, const struct sensor *sensor) {
        const struct sensor_driver *driver = sensor_driver_find(sensor->row.driver);
        struct link_counters counters;
        uint64_t monitored_us = sensor->monitored_us;
        const struct stream_format *format = NULL;
        const char *reason;
        enum source_state state = sensor_get_state(sensor, &reason);
        int r = 0;

        if (sensor->night) {
                format = night_get_format(sensor->night);
                monitored_us += night_get_monitored_us(sensor->night);
        }
        sensor_get_counters(sensor, &counters);

        dictionary_open(message, &r);
        dictionary_append(message, &r, "id", "s", sensor->row.id);
        dictionary_append(message, &r, "address", "s", sensor->row.address);
        dictionary_append(message, &r, "driver", "s", sensor->row.driver);
        dictionary_append(message, &r, "name", "s", sensor->row.name);
        dictionary_append(message, &r, "muscle", "s", sensor->row.muscle);
        dictionary_append(message, &r, "leg", "s", sensor->row.leg);
        if (sensor_says_leg(sensor))
                dictionary_append(message, &r, "says_leg", "s", sensor_says_leg(sensor));
        dictionary_append(message, &r, "owner", "u", (uint32_t)sensor->row.owner_uid);
        dictionary_append(message, &r, "simulated", "b", sensor->replay != NULL);
        dictionary_append(message, &r, "state", "s", source_state_to_string(state));
        dictionary_append(message, &r, "reason", "s", reason);
        dictionary_append(message, &r, "detector", "s",
                          sensor->night ? detector_state_to_string(night_get_state(sensor->night))
                                        : "none");
        if (format) {
                dictionary_append(message, &r, "rate_hz", "d", format->rate_mhz / 1000.0);
                dictionary_append(message, &r, "channels", "u", format->channels);
        }
        if (sensor->battery_percent >= 0)
                dictionary_append(message, &r, "battery", "u", (uint32_t)sensor->battery_percent);
        dictionary_append(message, &r, "packets", "t", counters.stream.packets);
        dictionary_append(message, &r, "lost_packets", "t", counters.stream.lost_packets);
        dictionary_append(message, &r, "malformed_packets", "t", counters.stream.malformed_packets);
        dictionary_append(message, &r, "connects", "t", counters.connects);
        append_signal(message, &r, sensor, state);
        append_capacity(message, &r, sensor);
        dictionary_append(message, &r, "monitored_us", "t", monitored_us);
        if (driver)
                dictionary_append(message, &r, "title", "s", driver->title);
        append_settings(message, &r, &sensor->row);
        append_link(message, &r, &counters);
        append_clock(message, &r, sensor);
        append_extras(message, &r, &sensor->extras);
        if (sensor->extras.accelerations > 0)
                dictionary_append(message, &r, "accelerometer", "b",
                                  sensor->night && night_hears_motion(sensor->night));
        append_battery(message, &r, sensor);
        calibrate_append(message, &r, sensor);
        if (format) {
                dictionary_append(message, &r, "arbitrary_unit", "b", format->scale_uv <= 0);
                dictionary_append(message, &r, "envelope", "b", format->kind == STREAM_ENVELOPE);
        }
        dictionary_close(message, &r);
        return r;
}
