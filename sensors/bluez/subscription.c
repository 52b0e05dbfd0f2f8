/* SPDX-License-Identifier: MIT */
/* The subscription to a connected sensor: see subscription.h. */
#include "sensors/bluez/subscription.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
/* ATT gives a transaction 30 s (Core Specification, Vol 3, Part F, 3.3.3); the link has a shorter limit
 * of its own. */
#define CALL_LIMIT_US (UINT64_C(30) * 1000 * 1000)
#define ERROR_TEXT_MAX 80

struct subscription {
        struct bluez *bluez;
        char *device; /* path */
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        const struct subscription_callbacks *callbacks;
        void *userdata;

        struct stream *stream;
        sd_bus_slot *call;
        sd_event_source *begin;
        bool described;
        unsigned acquired;
        unsigned written;
};

static void subscription_next(struct subscription *s);

static void subscription_fail(struct subscription *s, const char *reason) {
        s->callbacks->failed(reason, s->userdata); /* `s` may be gone */
}

static void subscription_fail_call(struct subscription *s, const char *what, sd_bus_message *m) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        char reason[160];

        /* The text is bluetoothd's own or the kernel's, but no reason to print it at any length. */
        (void)snprintf(reason, sizeof(reason), "%s: %.*s", what, ERROR_TEXT_MAX,
                       error && error->message ? error->message : "no reason given");
        subscription_fail(s, reason);
}

/* Returns 0, or negative errno; -ENOENT when bluetoothd no longer exports it. */
static int subscription_call(struct subscription *s, const char *uuid, const char *member,
                             sd_bus_message_handler_t reply) {
        const struct bluez_device *device = bluez_get_device(s->bluez, s->device);
        const char *path = device ? bluez_device_characteristic(device, s->driver->service, uuid) : NULL;

        if (!path)
                return -ENOENT;
        return bluez_call(s->bluez, &s->call, path, CHARACTERISTIC, member, reply, s, CALL_LIMIT_US,
                          "a{sv}", 0);
}

static int send_write(struct bluez *bluez, sd_bus_slot **ret_slot, const struct bluez_device *device,
                      const struct sensor_driver *driver, const struct sensor_write *write,
                      sd_bus_message_handler_t reply, void *userdata) {
        const char *path = bluez_device_characteristic(device, driver->service, write->characteristic);
        sd_bus_message *m = NULL;
        int r;

        if (!path || !bluez->owner)
                return -ENOENT;
        r = sd_bus_message_new_method_call(bluez->bus, &m, bluez->owner, path, CHARACTERISTIC,
                                           "WriteValue");
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', write->value, write->size);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "type", "s", "request");
        if (r >= 0)
                r = ret_slot ? sd_bus_call_async(bluez->bus, ret_slot, m, reply, userdata, CALL_LIMIT_US)
                             : sd_bus_send(bluez->bus, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

static const char *describe_error_to_string(int error) {
        switch (error) {
        case -EPROTONOSUPPORT:
                return "the sensor speaks a version of its protocol that crampd does not know: update "
                       "crampd";
        case -ERANGE:
                return "the sensor's stream is of a kind that crampd cannot use";
        case -ENOMEM:
                return "out of memory";
        default:
                return "the sensor's description is malformed";
        }
}

/* Returns 0, or negative errno after having failed the subscription. */
static int subscription_describe(struct subscription *s, const void *value, size_t size) {
        struct stream_format format;
        int r;

        r = s->driver->describe(s->decoder, value, size, &format);
        if (r < 0) {
                subscription_fail(s, describe_error_to_string(r));
                return r;
        }
        s->described = true;
        s->callbacks->format(&format, s->userdata);
        return 0;
}

static int on_description(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct subscription *s = userdata;
        const void *value;
        size_t size;

        s->call = sd_bus_slot_unref(s->call);
        if (sd_bus_message_is_method_error(m, NULL))
                subscription_fail_call(s, "the sensor's description could not be read", m);
        else if (sd_bus_message_read_array(m, 'y', &value, &size) < 0)
                subscription_fail(
                        s,
                        "bluetoothd gave the sensor's description in a form that crampd does not know");
        else if (subscription_describe(s, value, size) >= 0)
                subscription_next(s);
        return 0;
}

static void subscription_fail_acquire(struct subscription *s, sd_bus_message *m) {
        if (sd_bus_message_is_method_error(m, "org.bluez.Error.NotPermitted") ||
            sd_bus_message_is_method_error(m, "org.bluez.Error.InProgress"))
                subscription_fail(s, "another program receives this sensor's data (close it)");
        else if (sd_bus_message_is_method_error(m, "org.bluez.Error.NotSupported"))
                subscription_fail(s, "the sensor cannot send its data unasked, so crampd cannot use it");
        else
                subscription_fail_call(s, "the sensor's data channel could not be had", m);
}

static int on_acquired(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct subscription *s = userdata;
        int received, fd, r;
        uint16_t mtu;

        s->call = sd_bus_slot_unref(s->call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                subscription_fail_acquire(s, m);
                return 0;
        }
        r = sd_bus_message_read(m, "hq", &received, &mtu);
        if (r < 0) {
                subscription_fail(
                        s, "bluetoothd gave the data channel in a form that crampd does not know");
                return 0;
        }

        fd = fcntl(received, F_DUPFD_CLOEXEC, 3); /* the message closes its own */
        if (fd >= 0 && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
                (void)close(fd);
                fd = -1;
        }
        r = fd < 0 ? -errno : stream_add_fd(s->stream, s->acquired, fd);
        if (r < 0) {
                subscription_fail(s, "no descriptor is left for the data channel");
                return 0;
        }
        s->acquired++;
        subscription_next(s);
        return 0;
}

static int on_written(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct subscription *s = userdata;

        s->call = sd_bus_slot_unref(s->call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                subscription_fail_call(s, "the sensor did not accept the start command", m);
                return 0;
        }
        s->written++;
        subscription_next(s);
        return 0;
}

static const struct sensor_write *next_write(const struct subscription *s) {
        const struct sensor_write *write = s->driver->on_start ? &s->driver->on_start[s->written] : NULL;

        return write && write->characteristic ? write : NULL;
}

bool subscription_is_started(const struct subscription *s) {
        return s->described && !s->driver->notifying[s->acquired] && !next_write(s);
}

static void subscription_next(struct subscription *s) {
        const struct bluez_device *device;
        int r = 0;

        if (!s->described) {
                if (!s->driver->description) {
                        if (subscription_describe(s, NULL, 0) >= 0)
                                subscription_next(s);
                        return;
                }
                r = subscription_call(s, s->driver->description, "ReadValue", on_description);
        } else if (s->driver->notifying[s->acquired]) {
                r = subscription_call(s, s->driver->notifying[s->acquired], "AcquireNotify",
                                      on_acquired);
        } else if (next_write(s)) {
                device = bluez_get_device(s->bluez, s->device);
                r = device ? send_write(s->bluez, &s->call, device, s->driver, next_write(s), on_written,
                                        s)
                           : -ENOENT;
        } else {
                s->callbacks->started(s->userdata);
                return;
        }
        if (r == -ENOENT)
                subscription_fail(s, "the sensor no longer offers its service");
        else if (r < 0)
                subscription_fail(s, strerror(-r));
}

static int on_begin(sd_event_source *source, void *userdata) {
        subscription_next(userdata);
        return 0;
}

static void on_stream_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct subscription *s = userdata;

        s->callbacks->block(block, arrival_us, s->userdata);
}

static void on_stream_closed(int error, void *userdata) {
        struct subscription *s = userdata;

        s->callbacks->closed(s->userdata);
}

int subscription_new(struct bluez *bluez, const struct bluez_device *device,
                     const struct sensor_driver *driver, struct sensor_decoder *decoder,
                     const struct subscription_callbacks *callbacks, void *userdata,
                     struct subscription **ret) {
        static const struct stream_callbacks stream_callbacks = {.block = on_stream_block,
                                                                 .closed = on_stream_closed};
        struct subscription *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bluez = bluez;
        s->driver = driver;
        s->decoder = decoder;
        s->callbacks = callbacks;
        s->userdata = userdata;
        s->device = strdup(device->path);
        r = s->device ? stream_new(bluez->event, driver, decoder, &stream_callbacks, s, &s->stream)
                      : -ENOMEM;
        if (r >= 0)
                r = sd_event_add_defer(bluez->event, &s->begin, on_begin, s);
        if (r < 0) {
                subscription_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct subscription *subscription_free(struct subscription *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->begin);
        sd_bus_slot_unref(s->call);
        stream_free(s->stream);
        free(s->device);
        free(s);
        return NULL;
}

const struct stream_counters *subscription_get_counters(const struct subscription *s) {
        return stream_get_counters(s->stream);
}

static bool device_offers_writes(const struct bluez_device *device, const struct sensor_driver *driver,
                                 const struct sensor_write *writes) {
        for (; writes && writes->characteristic; writes++)
                if (!bluez_device_characteristic(device, driver->service, writes->characteristic))
                        return false;
        return true;
}

bool device_offers(const struct bluez_device *device, const struct sensor_driver *driver) {
        if (driver->description &&
            !bluez_device_characteristic(device, driver->service, driver->description))
                return false;
        for (unsigned i = 0; driver->notifying[i]; i++)
                if (!bluez_device_characteristic(device, driver->service, driver->notifying[i]))
                        return false;
        return device_offers_writes(device, driver, driver->on_start) &&
               device_offers_writes(device, driver, driver->on_stop);
}

void device_send_stop(struct bluez *bluez, const struct bluez_device *device,
                      const struct sensor_driver *driver) {
        for (const struct sensor_write *w = driver->on_stop; w && w->characteristic; w++)
                (void)send_write(bluez, NULL, device, driver, w, NULL, NULL);
}
