/* SPDX-License-Identifier: MIT */
/* What drivers share: the extras' bookkeeping and simple questions to adverts. See drivers.h. */
#include <string.h>
#include <strings.h>

#include "sensors/drivers.h"

void sensor_extras_init(struct sensor_extras *extras) {
        *extras = (struct sensor_extras){
                .battery_percent = -1,
                .battery_mv = -1,
        };
}

void sensor_extras_set_battery(struct sensor_extras *extras, int percent) {
        if (extras->battery_percent == percent)
                return;
        extras->battery_percent = percent;
        extras->revision++;
}

void sensor_extras_set_battery_mv(struct sensor_extras *extras, int mv, int percent) {
        if (extras->battery_mv == mv)
                return;
        extras->battery_mv = mv;
        extras->battery_percent = percent;
        extras->revision++;
}

void sensor_extras_set_acceleration(struct sensor_extras *extras, int32_t x_mg, int32_t y_mg,
                                    int32_t z_mg) {
        extras->acceleration_mg[0] = x_mg;
        extras->acceleration_mg[1] = y_mg;
        extras->acceleration_mg[2] = z_mg;
        extras->accelerations++;
        extras->revision++;
}

bool sensor_advert_has_service(const struct sensor_advert *advert, const char *uuid) {
        for (const char *const *service = advert->services; service && *service; service++)
                if (strcasecmp(*service, uuid) == 0)
                        return true;
        return false;
}

bool sensor_advert_has_prefix(const struct sensor_advert *advert, const char *prefix) {
        return advert->name && strncasecmp(advert->name, prefix, strlen(prefix)) == 0;
}
