/* SPDX-License-Identifier: MIT */
/* The subscription to a connected sensor: see subscription.h. */
#include "sensors/bluez/subscription.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "sensors/bluez/broadcast.h"
#include "sensors/bluez/script.h"
#include "sensors/translate.h"

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

        bool allow_broadcast, distrust_acquire, refused_before;
        bool envelope; /* whatever the driver says */

        struct stream *stream;
        struct broadcast *broadcasts[STREAM_FDS_MAX];
        size_t n_broadcasts;
        sd_bus_slot *call;
        sd_event_source *begin;
        sd_event_source *timer; /* of PAUSE, ASK and keep-alive */
        struct script *keep_alive;
        unsigned step;
        bool asking;     /* the request is written, its reply waited for */
        bool formatted;  /* the format was told */
        int begin_error; /* what the driver said to the settings */
};

static void subscription_run(struct subscription *s);

static const struct sensor_step *current_step(const struct subscription *s) {
        static const struct sensor_step end = {SENSOR_STEP_END};

        return s->driver->start ? &s->driver->start[s->step] : &end;
}

bool subscription_is_started(const struct subscription *s) {
        return current_step(s)->kind == SENSOR_STEP_END;
}

static void subscription_fail(struct subscription *s, const char *reason) {
        s->callbacks->failed(reason, s->userdata); /* `s` may be gone */
}

/* What bluetoothd makes of ATT's insufficient authentication and encryption (create_gatt_dbus_error in
 * src/gatt-client.c); the error's name alone stands for much else. */
static bool message_asks_for_bond(sd_bus_message *m) {
        const sd_bus_error *error = sd_bus_message_get_error(m);

        return error && sd_bus_error_has_name(error, "org.bluez.Error.NotPermitted") && error->message &&
               strcmp(error->message, "Not paired") == 0;
}

static void subscription_fail_call(struct subscription *s, const char *what, sd_bus_message *m) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        char reason[160];

        if (message_asks_for_bond(m)) {
                s->callbacks->unpaired(s->userdata);
                return;
        }

        /* The text is bluetoothd's own or the kernel's, but no reason to print it at any length. */
        (void)snprintf(reason, sizeof(reason), "%s: %.*s", what, ERROR_TEXT_MAX,
                       error && error->message ? error->message : N_("no reason given"));
        subscription_fail(s, reason);
}

static const char *driver_error_to_string(int error) {
        switch (error) {
        case -EPROTONOSUPPORT:
                return N_(
                        "the sensor speaks a version of its protocol that crampd does not know: update "
                        "crampd");
        case -ERANGE:
                return N_("the sensor's stream is of a kind that crampd cannot use");
        case -ETIMEDOUT:
                return N_("the sensor did not reply");
        case -ENOMEM:
                return N_("out of memory");
        default:
                return N_("the sensor's description is malformed");
        }
}

/* Goes on with what the driver says to the outcome of a step. */
static void subscription_go_on(struct subscription *s, int r) {
        if (r < 0) {
                subscription_fail(s, driver_error_to_string(r));
                return;
        }
        s->asking = false;
        s->timer = sd_event_source_disable_unref(s->timer);
        s->step = (unsigned)r;
        subscription_run(s);
}

static void subscription_answer(struct subscription *s, const uint8_t *value, size_t size) {
        subscription_go_on(s, s->driver->answer ? s->driver->answer(s->decoder, s->step, value, size)
                                                : (int)s->step + 1);
}

/* Done, or passed over: nothing came that the driver could look at. */
static void subscription_pass(struct subscription *s) {
        subscription_answer(s, NULL, 0);
}

/* Returns 0, or negative errno after having failed the subscription. */
static int subscription_tell_format(struct subscription *s) {
        struct stream_format format = {};
        int r;

        if (s->formatted)
                return 0;
        r = s->driver->format(s->decoder, &format);
        if (r < 0) {
                subscription_fail(s, driver_error_to_string(r));
                return r;
        }
        if (s->envelope)
                format.kind = STREAM_ENVELOPE;
        s->formatted = true;
        s->callbacks->format(&format, s->userdata);
        return 0;
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

static int on_read(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct subscription *s = userdata;
        const void *value;
        size_t size;

        s->call = sd_bus_slot_unref(s->call);
        if (sd_bus_message_is_method_error(m, NULL) && current_step(s)->optional)
                subscription_answer(s, NULL, 0);
        else if (sd_bus_message_is_method_error(m, NULL))
                subscription_fail_call(s, N_("the sensor's description could not be read"), m);
        else if (sd_bus_message_read_array(m, 'y', &value, &size) < 0)
                subscription_fail(s, N_("bluetoothd gave the sensor's description in a form that crampd "
                                        "does not know"));
        else
                subscription_answer(s, value, size);
        return 0;
}

/* StartNotify. */

static void on_broadcast_started(void *userdata) {
        subscription_pass(userdata);
}

static void on_broadcast_failed(sd_bus_message *m, void *userdata) {
        subscription_fail_call(userdata, N_("the sensor's data could be had in no way"), m);
}

static void on_broadcast_packet(unsigned source, const uint8_t *packet, size_t size, void *userdata) {
        struct subscription *s = userdata;
        uint64_t arrival_us;

        if (sd_event_now(s->bluez->event, CLOCK_BOOTTIME, &arrival_us) >= 0)
                stream_feed(s->stream, source, packet, size, arrival_us);
}

void subscription_feed_advert(struct subscription *s, const uint8_t *packet, size_t size) {
        if (s->begin_error >= 0)
                on_broadcast_packet(SENSOR_SOURCE_ADVERT, packet, size, s);
}

static int subscription_broadcast(struct subscription *s) {
        static const struct broadcast_callbacks callbacks = {.started = on_broadcast_started,
                                                             .failed = on_broadcast_failed,
                                                             .packet = on_broadcast_packet};
        const struct bluez_device *device = bluez_get_device(s->bluez, s->device);
        unsigned source = current_step(s)->source;
        const char *path = device ? bluez_device_characteristic(device, s->driver->service,
                                                                s->driver->notifying[source])
                                  : NULL;
        int r;

        if (!path)
                return -ENOENT;
        if (s->n_broadcasts >= STREAM_FDS_MAX)
                return -ENOSPC;
        r = broadcast_new(s->bluez, path, source, &callbacks, s, &s->broadcasts[s->n_broadcasts]);
        if (r >= 0)
                s->n_broadcasts++;
        return r;
}

bool subscription_broadcasts(const struct subscription *s) {
        return s->n_broadcasts > 0;
}

/* Where AcquireNotify does not work. */
static void subscription_fall_back(struct subscription *s, const char *problem) {
        char reason[200];
        int r;

        if (s->allow_broadcast) {
                r = subscription_broadcast(s);
                if (r < 0)
                        subscription_fail(s, strerror(-r));
                return;
        }
        (void)snprintf(
                reason, sizeof(reason), "%s: %s", problem,
                N_("crampctl edit SENSOR --allow-broadcast goes another way, but then every local user "
                   "can read the samples"));
        s->callbacks->forbidden(reason, s->userdata);
}

static void subscription_fail_acquire(struct subscription *s, sd_bus_message *m) {
        if (message_asks_for_bond(m))
                s->callbacks->unpaired(s->userdata);
        else if (sd_bus_message_is_method_error(m, "org.bluez.Error.NotSupported"))
                subscription_fall_back(s, N_("bluetoothd has no private data channel for this sensor"));
        else if (sd_bus_message_is_method_error(m, "org.bluez.Error.NotPermitted") && s->refused_before)
                subscription_fall_back(s, N_("another program receives this sensor's data (close it)"));
        else if (sd_bus_message_is_method_error(m, "org.bluez.Error.NotPermitted"))
                s->callbacks->refused(s->userdata);
        else if (sd_bus_message_is_method_error(m, "org.bluez.Error.InProgress"))
                subscription_fail(s, N_("another program receives this sensor's data (close it)"));
        else
                subscription_fail_call(s, N_("the sensor's data channel could not be had"), m);
}

static void subscription_fail_mtu(struct subscription *s, uint16_t mtu) {
        char reason[160];

        (void)snprintf(reason, sizeof(reason), "%s: %u/%u; %s",
                       N_("the link takes fewer bytes at a time than the sensor's packets need"),
                       (unsigned)mtu, (unsigned)s->driver->mtu_min,
                       N_("see ExchangeMTU in bluetoothd's main.conf"));
        subscription_fail(s, reason);
}

static int on_acquired(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct subscription *s = userdata;
        int received, fd, r;
        uint16_t mtu;

        s->call = sd_bus_slot_unref(s->call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                if (current_step(s)->optional)
                        subscription_pass(s);
                else
                        subscription_fail_acquire(s, m);
                return 0;
        }
        r = sd_bus_message_read(m, "hq", &received, &mtu);
        if (r < 0) {
                subscription_fail(
                        s, N_("bluetoothd gave the data channel in a form that crampd does not know"));
                return 0;
        }

        if (mtu < s->driver->mtu_min) {
                subscription_fail_mtu(s, mtu);
                return 0;
        }

        fd = fcntl(received, F_DUPFD_CLOEXEC, 3); /* the message closes its own */
        if (fd >= 0 && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
                (void)close(fd);
                fd = -1;
        }
        r = fd < 0 ? -errno : stream_add_fd(s->stream, current_step(s)->source, fd);
        if (r < 0) {
                subscription_fail(s, N_("no descriptor is left for the data channel"));
                return 0;
        }
        subscription_pass(s);
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct subscription *s = userdata;

        if (current_step(s)->kind == SENSOR_STEP_ASK)
                subscription_answer(s, NULL, 0);
        else
                subscription_pass(s);
        return 0;
}

static int subscription_arm(struct subscription *s) {
        return bluez_arm(s->bluez, &s->timer, (uint64_t)current_step(s)->limit_ms * 1000, on_limit, s);
}

static int on_written(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct subscription *s = userdata;
        bool refused = sd_bus_message_is_method_error(m, NULL);
        int r;

        s->call = sd_bus_slot_unref(s->call);
        if (refused && !current_step(s)->optional) {
                subscription_fail_call(s, N_("the sensor did not accept the start command"), m);
        } else if (refused || current_step(s)->kind != SENSOR_STEP_ASK) {
                subscription_pass(s);
        } else {
                r = subscription_arm(s);
                if (r < 0)
                        subscription_fail(s, strerror(-r));
        }
        return 0;
}

static int subscription_write(struct subscription *s) {
        const struct bluez_device *device = bluez_get_device(s->bluez, s->device);

        /* The reply may overtake bluetoothd's answer to the write. */
        s->asking = current_step(s)->kind == SENSOR_STEP_ASK;
        return device ? step_write(s->bluez, &s->call, device, s->driver, current_step(s), on_written, s)
                      : -ENOENT;
}

static int subscription_begin_step(struct subscription *s) {
        const struct sensor_step *step = current_step(s);

        switch (step->kind) {
        case SENSOR_STEP_READ:
                return subscription_call(s, step->uuid, "ReadValue", on_read);
        case SENSOR_STEP_SUBSCRIBE:
                if (s->distrust_acquire && !step->optional) {
                        subscription_fall_back(s, N_("bluetoothd closes the data channel at once"));
                        return 0;
                }
                return subscription_call(s, s->driver->notifying[step->source], "AcquireNotify",
                                         on_acquired);
        case SENSOR_STEP_WRITE:
        case SENSOR_STEP_COMMAND:
        case SENSOR_STEP_ASK:
                return subscription_write(s);
        case SENSOR_STEP_PAUSE:
                return subscription_arm(s);
        case SENSOR_STEP_END:
                break;
        }
        return 0;
}

static int subscription_arm_keep_alive(struct subscription *s);

static int on_keep_alive(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct subscription *s = userdata;
        const struct bluez_device *device = bluez_get_device(s->bluez, s->device);

        s->keep_alive = script_free(s->keep_alive);
        if (device)
                (void)script_run(s->bluez, device, s->driver, s->driver->keep_alive, NULL, NULL,
                                 &s->keep_alive);
        return subscription_arm_keep_alive(s);
}

/* The steps are over, so their timer is free. */
static int subscription_arm_keep_alive(struct subscription *s) {
        if (!s->driver->keep_alive)
                return 0;
        return bluez_arm(s->bluez, &s->timer, (uint64_t)s->driver->keep_alive_ms * 1000, on_keep_alive,
                         s);
}

static void subscription_end_steps(struct subscription *s) {
        int r;

        if (subscription_tell_format(s) < 0)
                return;
        s->timer = sd_event_source_disable_unref(s->timer);
        r = subscription_arm_keep_alive(s);
        if (r < 0)
                subscription_fail(s, strerror(-r));
        else
                s->callbacks->started(s->userdata);
}

static void subscription_run(struct subscription *s) {
        const struct sensor_step *step = current_step(s);
        int r;

        if (step->kind == SENSOR_STEP_END) {
                subscription_end_steps(s);
                return;
        }
        r = subscription_begin_step(s);
        if (r == -ENOENT && step->optional)
                subscription_answer(s, NULL, 0);
        else if (r == -ENOENT)
                subscription_fail(s, N_("the sensor no longer offers its service"));
        else if (r < 0)
                subscription_fail(s, strerror(-r));
}

static int on_begin(sd_event_source *source, void *userdata) {
        struct subscription *s = userdata;

        if (s->begin_error < 0)
                subscription_fail(
                        s, s->begin_error == -ERANGE
                                   ? N_("the sensor cannot work with these settings: see crampctl edit")
                                   : strerror(-s->begin_error));
        else
                subscription_run(s);
        return 0;
}

/* What an ASK waits for is no sample. */
static bool on_stream_packet(unsigned source, const uint8_t *packet, size_t size, void *userdata) {
        struct subscription *s = userdata;
        int r;

        if (!s->asking || source != current_step(s)->source)
                return false;
        r = s->driver->answer(s->decoder, s->step, packet, size);
        if (r == -EAGAIN)
                return false;
        s->call = sd_bus_slot_unref(s->call);
        subscription_go_on(s, r);
        return true;
}

static void on_stream_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct subscription *s = userdata;

        if (subscription_tell_format(s) >= 0)
                s->callbacks->block(block, arrival_us, s->userdata);
}

static void on_stream_decoded(void *userdata) {
        struct subscription *s = userdata;

        s->callbacks->decoded(s->userdata);
}

static void on_stream_closed(int error, void *userdata) {
        struct subscription *s = userdata;

        s->callbacks->closed(s->userdata);
}

int subscription_new(struct bluez *bluez, const struct subscription_setup *setup,
                     struct subscription **ret) {
        static const struct stream_callbacks stream_callbacks = {.packet = on_stream_packet,
                                                                 .block = on_stream_block,
                                                                 .decoded = on_stream_decoded,
                                                                 .closed = on_stream_closed};
        struct subscription *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bluez = bluez;
        s->driver = setup->driver;
        s->decoder = setup->decoder;
        s->allow_broadcast = setup->allow_broadcast;
        s->distrust_acquire = setup->distrust_acquire;
        s->refused_before = setup->refused_before;
        s->envelope = setup->settings->envelope;
        s->callbacks = setup->callbacks;
        s->userdata = setup->userdata;
        s->begin_error = s->driver->begin(s->decoder, setup->settings);
        s->device = strdup(setup->device->path);
        r = s->device ? stream_new(bluez->event, s->driver, s->decoder, &stream_callbacks, s, &s->stream)
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

/* While the steps run, packets may be replies, which lead to further steps. */
void subscription_finish(struct subscription *s) {
        if (subscription_is_started(s))
                stream_finish(s->stream);
}

struct subscription *subscription_free(struct subscription *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->begin);
        sd_event_source_disable_unref(s->timer);
        script_free(s->keep_alive);
        sd_bus_slot_unref(s->call);
        for (size_t i = 0; i < s->n_broadcasts; i++)
                broadcast_free(s->broadcasts[i]);
        stream_free(s->stream);
        free(s->device);
        free(s);
        return NULL;
}

const struct stream_counters *subscription_get_counters(const struct subscription *s) {
        return stream_get_counters(s->stream);
}

static bool device_has(const struct bluez_device *device, const struct sensor_driver *driver,
                       const char *uuid) {
        return bluez_device_characteristic(device, driver->service, uuid);
}

static bool device_has_steps(const struct bluez_device *device, const struct sensor_driver *driver,
                             const struct sensor_step *step) {
        for (; step && step->kind != SENSOR_STEP_END; step++) {
                const char *uuid = step->kind == SENSOR_STEP_SUBSCRIBE ? driver->notifying[step->source]
                                                                       : step->uuid;

                if (!step->optional && uuid && !device_has(device, driver, uuid))
                        return false;
        }
        return true;
}

bool device_offers(const struct bluez_device *device, const struct sensor_driver *driver) {
        if (!driver->proof)
                return device_has_steps(device, driver, driver->start) &&
                       device_has_steps(device, driver, driver->stop);
        for (const char *const *uuid = driver->proof; *uuid; uuid++)
                if (!device_has(device, driver, *uuid))
                        return false;
        return true;
}
