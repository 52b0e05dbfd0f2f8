/* SPDX-License-Identifier: MIT */
/* The table of sensor drivers: see driver.h. A new family of sensors adds its line here. */
#include "sensors/driver.h"

#include <string.h>

#include "sensors/drivers.h"
#include "sensors/open-profile.h"

const struct sensor_driver *const sensor_drivers[] = {
        &open_profile_driver, &npg_lite_driver, &umyo_driver,        &umyo_advert_driver,
        &gforce_driver,       &myo_driver,      &ganglion_driver,    &bitalino_driver,
        &anr_m40_driver,      &myoware_driver,  &nordic_text_driver, NULL,
};

const struct sensor_driver *sensor_driver_find(const char *name) {
        for (const struct sensor_driver *const *driver = sensor_drivers; *driver; driver++)
                if (strcmp((*driver)->name, name) == 0)
                        return *driver;
        return NULL;
}

const struct sensor_driver *sensor_driver_match(const struct sensor_advert *advert,
                                                enum sensor_match *ret_match) {
        const struct sensor_driver *best = NULL;
        enum sensor_match best_match = SENSOR_MATCH_NO;

        for (const struct sensor_driver *const *driver = sensor_drivers; *driver; driver++) {
                enum sensor_match match = (*driver)->match(advert);

                if (match > best_match) {
                        best = *driver;
                        best_match = match;
                }
        }
        if (ret_match)
                *ret_match = best_match;
        return best;
}
