/* SPDX-License-Identifier: MIT */
/*
 * The drivers by name, for the table (registry.c) and for tests; and what several of them share. The
 * open profile's is in open-profile.h.
 */
#pragma once

#include "sensors/driver.h"

extern const struct sensor_driver anr_m40_driver;
extern const struct sensor_driver bitalino_driver;
extern const struct sensor_driver ganglion_driver;
extern const struct sensor_driver gforce_driver;
extern const struct sensor_driver myo_driver;
extern const struct sensor_driver myoware_driver;
extern const struct sensor_driver nordic_text_driver;
extern const struct sensor_driver npg_lite_driver;
extern const struct sensor_driver umyo_driver;
extern const struct sensor_driver umyo_advert_driver;

/* --- extras.c --- */

/* Nothing known. */
void sensor_extras_init(struct sensor_extras *extras);
void sensor_extras_set_battery(struct sensor_extras *extras, int percent);
void sensor_extras_set_battery_mv(struct sensor_extras *extras, int mv, int percent);
void sensor_extras_set_acceleration(struct sensor_extras *extras, int32_t x_mg, int32_t y_mg,
                                    int32_t z_mg);

/* Whether the advert lists this service. */
bool sensor_advert_has_service(const struct sensor_advert *advert, const char *uuid);
/* Whether its name begins so, whatever the case. */
bool sensor_advert_has_prefix(const struct sensor_advert *advert, const char *prefix);
