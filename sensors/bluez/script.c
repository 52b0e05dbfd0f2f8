/* SPDX-License-Identifier: MIT */
/* Steps that nobody waits for: see script.h. */
#include "sensors/bluez/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define CALL_LIMIT_US (UINT64_C(30) * 1000 * 1000)

struct script {
        struct bluez *bluez;
        char *device; /* path */
        const struct sensor_driver *driver;
        const struct sensor_step *at; /* the first that is left */
        sd_event_source *timer;
        void (*done)(void *userdata);
        void *userdata;
};

int step_write(struct bluez *bluez, sd_bus_slot **ret_slot, const struct bluez_device *device,
               const struct sensor_driver *driver, const struct sensor_step *step,
               sd_bus_message_handler_t reply, void *userdata) {
        const char *path = bluez_device_characteristic(device, driver->service, step->uuid);
        sd_bus_message *m = NULL;
        int r;

        if (!path || !bluez->owner)
                return -ENOENT;
        r = sd_bus_message_new_method_call(bluez->bus, &m, bluez->owner, path, CHARACTERISTIC,
                                           "WriteValue");
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', step->value, step->size);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "type", "s",
                                          step->kind == SENSOR_STEP_COMMAND ? "command" : "request");
        if (r >= 0)
                r = ret_slot ? sd_bus_call_async(bluez->bus, ret_slot, m, reply, userdata, CALL_LIMIT_US)
                             : sd_bus_send(bluez->bus, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

/* Returns the pause that it came to, or the end. */
static const struct sensor_step *steps_write(struct bluez *bluez, const struct bluez_device *device,
                                             const struct sensor_driver *driver,
                                             const struct sensor_step *step, bool stop_at_pause) {
        for (; step && step->kind != SENSOR_STEP_END; step++) {
                if (step->kind == SENSOR_STEP_PAUSE && stop_at_pause)
                        break;
                if (step->kind == SENSOR_STEP_WRITE || step->kind == SENSOR_STEP_COMMAND)
                        (void)step_write(bluez, NULL, device, driver, step, NULL, NULL);
        }
        return step;
}

static bool steps_are_over(const struct sensor_step *step) {
        return !step || step->kind == SENSOR_STEP_END;
}

static int on_pause_over(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct script *script = userdata;
        const struct bluez_device *device = bluez_get_device(script->bluez, script->device);

        script->at++;
        if (device)
                script->at = steps_write(script->bluez, device, script->driver, script->at,
                                         /* stop_at_pause= */ true);
        if (device && !steps_are_over(script->at))
                return bluez_arm(script->bluez, &script->timer, (uint64_t)script->at->limit_ms * 1000,
                                 on_pause_over, script);
        script->at = NULL;
        if (script->done)
                script->done(script->userdata);
        return 0;
}

int script_run(struct bluez *bluez, const struct bluez_device *device,
               const struct sensor_driver *driver, const struct sensor_step *steps,
               void (*done)(void *userdata), void *userdata, struct script **ret) {
        struct script *script;
        int r;

        steps = steps_write(bluez, device, driver, steps, /* stop_at_pause= */ true);
        if (steps_are_over(steps))
                return 1;
        script = calloc(1, sizeof(*script));
        if (!script)
                return -ENOMEM;
        *script = (struct script){.bluez = bluez,
                                  .driver = driver,
                                  .at = steps,
                                  .done = done,
                                  .userdata = userdata,
                                  .device = strdup(device->path)};
        r = script->device ? bluez_arm(bluez, &script->timer, (uint64_t)steps->limit_ms * 1000,
                                       on_pause_over, script)
                           : -ENOMEM;
        if (r < 0) {
                script_free(script);
                return r;
        }
        *ret = script;
        return 0;
}

struct script *script_free(struct script *script) {
        const struct bluez_device *device;

        if (!script)
                return NULL;
        device = script->device ? bluez_get_device(script->bluez, script->device) : NULL;
        if (device && device->connected)
                (void)steps_write(script->bluez, device, script->driver, script->at,
                                  /* stop_at_pause= */ false);
        sd_event_source_disable_unref(script->timer);
        free(script->device);
        free(script);
        return NULL;
}
