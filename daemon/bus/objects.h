/* SPDX-License-Identifier: MIT */
/* The interfaces' vtables and the object tree under them. Each `*_export` is called once, by bus_new().
 */
#pragma once

#include "daemon/bus/bus.h"
#include "daemon/sensor.h"

int manager_export(struct bus *bus);
int history_export(struct bus *bus);
int guidance_export(struct bus *bus);
int sensors_export(struct bus *bus); /* also the ObjectManager */

/* A sensor's object comes (InterfacesAdded) or goes; it must be in the list at both. */
void objects_sensor_added(struct sensor *sensor);
void objects_sensor_removed(struct sensor *sensor);

/* "/org/crampd1/sensor/<id>" */
#define SENSOR_PATH_SIZE (sizeof(CRAMPD_SENSORS) + STORE_ID_SIZE)
void sensor_path(const char *id, char ret[static SENSOR_PATH_SIZE]);

/* Returns 1 with the sensor of the message's path, if the caller may; 0 when the handler will be called
 * again; negative errno with `error` set. `ret_uid` may be NULL. */
int sensor_object_get(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t handler,
                      sd_bus_error *error, struct sensor **ret, uid_t *ret_uid);

/* Appends what Sensor.Describe() tells, as a{sv}. */
int sensor_append_description(sd_bus_message *message, const struct sensor *sensor);
