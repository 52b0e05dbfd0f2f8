/* SPDX-License-Identifier: MIT */
/* The GATT server's side of the open profile over BlueZ: see peripheral.h. */
#include "sensors/virtual/peripheral.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "sensors/open-profile.h"
#include "sensors/virtual/registration.h"

#define BLUEZ "org.bluez"
#define ROOT "/org/crampd1/leg_sensor"
#define ADVERTISEMENT ROOT "/advertisement"
#define EMG ROOT "/emg"
#define DEVICE_INFORMATION ROOT "/device_information"
#define BATTERY ROOT "/battery"

/* 16-bit UUIDs of the Bluetooth SIG. */
#define SIG_UUID(number) "0000" number "-0000-1000-8000-00805f9b34fb"

#define MTU_MIN 23u

struct service {
        const char *path;
        const char *uuid;
};

static const struct service services[] = {
        {EMG, OPEN_PROFILE_SERVICE_UUID},
        {DEVICE_INFORMATION, SIG_UUID("180a")},
        {BATTERY, SIG_UUID("180f")},
};

enum characteristic_kind {
        CHARACTERISTIC_SAMPLES,
        CHARACTERISTIC_DESCRIPTION,
        CHARACTERISTIC_CONTROL,
        CHARACTERISTIC_FIXED, /* `value`, as text */
};

struct characteristic {
        const char *path;
        const char *uuid;
        const char *service;
        enum characteristic_kind kind;
        const char *value;
};

static const struct characteristic characteristics[] = {
        {EMG "/samples", OPEN_PROFILE_SAMPLES_UUID, EMG, CHARACTERISTIC_SAMPLES, NULL},
        {EMG "/description", OPEN_PROFILE_DESCRIPTION_UUID, EMG, CHARACTERISTIC_DESCRIPTION, NULL},
        {EMG "/control_point", OPEN_PROFILE_CONTROL_UUID, EMG, CHARACTERISTIC_CONTROL, NULL},
        {DEVICE_INFORMATION "/manufacturer", SIG_UUID("2a29"), DEVICE_INFORMATION, CHARACTERISTIC_FIXED,
         "crampd"},
        {DEVICE_INFORMATION "/model", SIG_UUID("2a24"), DEVICE_INFORMATION, CHARACTERISTIC_FIXED,
         "leg-sensor"},
        {DEVICE_INFORMATION "/firmware", SIG_UUID("2a26"), DEVICE_INFORMATION, CHARACTERISTIC_FIXED,
         CRAMPD_VERSION},
        /* 100 percent. */
        {BATTERY "/level", SIG_UUID("2a19"), BATTERY, CHARACTERISTIC_FIXED, "d"},
};

struct peripheral {
        sd_bus *bus;
        struct registration *registration;
        char *name;
        uint8_t description[OPEN_PROFILE_DESCRIPTION_MAX];
        size_t description_size;
        struct peripheral_callbacks callbacks;
        void *userdata;

        int fd; /* our end of the socket that bluetoothd reads; -1 without a subscriber */
        sd_event_source *hangup;
        uint16_t mtu;
        bool started;
        sd_bus_slot *link_slot; /* the client's link, while started */
};

DEFINE_CLEANUP(struct peripheral *, peripheral_free)

static void stream_stop(struct peripheral *peripheral) {
        peripheral->link_slot = sd_bus_slot_unref(peripheral->link_slot);
        if (!peripheral->started)
                return;
        peripheral->started = false;
        peripheral->callbacks.stop(peripheral->userdata);
}

static void subscription_end(struct peripheral *peripheral) {
        stream_stop(peripheral);
        peripheral->hangup = sd_event_source_disable_unref(peripheral->hangup);
        closep(&peripheral->fd);
        peripheral->fd = -1;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        subscription_end(userdata);
        return 0;
}

/* Of a path that one of our vtables was called for, so it is there. */
static const struct characteristic *characteristic_find(const char *path) {
        size_t i = 0;

        while (strcmp(characteristics[i].path, path) != 0)
                i++;
        return &characteristics[i];
}

static const struct service *service_find(const char *path) {
        size_t i = 0;

        while (strcmp(services[i].path, path) != 0)
                i++;
        return &services[i];
}

/* The options that bluetoothd adds to each call. What is absent stays as it is. */
static int options_read(sd_bus_message *message, uint16_t *ret_mtu, const char **ret_device,
                        uint16_t *ret_offset) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const char *name;

                r = sd_bus_message_read(message, "s", &name);
                if (r < 0)
                        return r;
                if (strcmp(name, "mtu") == 0)
                        r = sd_bus_message_read(message, "v", "q", ret_mtu);
                else if (strcmp(name, "device") == 0)
                        r = sd_bus_message_read(message, "v", "o", ret_device);
                else if (strcmp(name, "offset") == 0)
                        r = sd_bus_message_read(message, "v", "q", ret_offset);
                else
                        r = sd_bus_message_skip(message, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int value_reply(sd_bus_message *message, const void *value, size_t size, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *device = NULL;
        uint16_t mtu = 0, offset = 0;
        int r;

        r = options_read(message, &mtu, &device, &offset);
        if (r < 0)
                return r;
        if (offset > size)
                return sd_bus_error_set(error, BLUEZ ".Error.InvalidOffset", "offset beyond the value");

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', (const uint8_t *)value + offset,
                                                size - offset);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static int on_read_fixed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const struct characteristic *characteristic =
                characteristic_find(sd_bus_message_get_path(message));

        return value_reply(message, characteristic->value, strlen(characteristic->value), error);
}

static int on_read_description(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const struct peripheral *peripheral = userdata;

        return value_reply(message, peripheral->description, peripheral->description_size, error);
}

/* A client has subscribed. bluetoothd answers it before we answer here, but what the client writes then
 * comes after. */
static int on_acquire_notify(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct peripheral *peripheral = userdata;
        _cleanup_(closep) int ours = -1, theirs = -1;
        uint16_t mtu = MTU_MIN, offset = 0;
        const char *device = NULL;
        int fds[2], r;

        r = options_read(message, &mtu, &device, &offset);
        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];

        /* An older socket is one that bluetoothd forgot about. */
        subscription_end(peripheral);
        r = sd_event_add_io(sd_bus_get_event(peripheral->bus), &peripheral->hangup, ours, EPOLLRDHUP,
                            on_hangup, peripheral);
        if (r < 0)
                return r;
        peripheral->fd = steal_fd(&ours);
        peripheral->mtu = mtu;
        return sd_bus_reply_method_return(message, "hq", theirs, mtu);
}

/* bluetoothd keeps the subscription of a bonded client when its link is lost. */
static int on_device_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct peripheral *peripheral = userdata;
        int r;

        r = sd_bus_message_skip(message, "s");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const char *name;
                int connected = true;

                r = sd_bus_message_read(message, "s", &name);
                if (r < 0)
                        return r;
                r = strcmp(name, "Connected") == 0 ? sd_bus_message_read(message, "v", "b", &connected)
                                                   : sd_bus_message_skip(message, "v");
                if (r < 0)
                        return r;
                if (!connected) {
                        stream_stop(peripheral);
                        return 0;
                }
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r;
}

static int att_error_set(sd_bus_error *error, enum open_profile_error code) {
        return sd_bus_error_setf(error, BLUEZ ".Error.Failed", "0x%02x", code);
}

static int stream_start(struct peripheral *peripheral, uint16_t mtu, const char *device,
                        sd_bus_error *error) {
        int r;

        if (peripheral->fd < 0 || peripheral->started)
                return att_error_set(error, OPEN_PROFILE_ERROR_STATE);
        if (device) {
                r = sd_bus_match_signal_async(peripheral->bus, &peripheral->link_slot, BLUEZ, device,
                                              "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                              on_device_changed, NULL, peripheral);
                if (r < 0)
                        return r;
        }
        r = peripheral->callbacks.start(peripheral->fd, mtu, peripheral->userdata);
        if (r < 0) {
                peripheral->link_slot = sd_bus_slot_unref(peripheral->link_slot);
                return r;
        }
        peripheral->started = true;
        return 0;
}

static int control_write(struct peripheral *peripheral, const uint8_t *value, size_t size, uint16_t mtu,
                         const char *device, sd_bus_error *error) {
        size_t expected = size > 0 && value[0] == OPEN_PROFILE_IDENTIFY ? 2 : 1;

        if (size > 0 && (value[0] < OPEN_PROFILE_START || value[0] > OPEN_PROFILE_IDENTIFY))
                return att_error_set(error, OPEN_PROFILE_ERROR_OPCODE);
        if (size != expected)
                return sd_bus_error_set(error, BLUEZ ".Error.InvalidValueLength",
                                        "wrong length for this opcode");

        switch (value[0]) {
        case OPEN_PROFILE_START:
                return stream_start(peripheral, mtu, device, error);
        case OPEN_PROFILE_STOP:
                stream_stop(peripheral);
                return 0;
        default:
                peripheral->callbacks.identify(value[1], peripheral->userdata);
                return 0;
        }
}

static int on_write_control(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct peripheral *peripheral = userdata;
        const char *device = NULL;
        uint16_t mtu = peripheral->mtu, offset = 0;
        const void *value;
        size_t size;
        int r;

        r = sd_bus_message_read_array(message, 'y', &value, &size);
        if (r < 0)
                return r;
        r = options_read(message, &mtu, &device, &offset);
        if (r < 0)
                return r;
        if (offset > 0)
                return sd_bus_error_set(error, BLUEZ ".Error.InvalidOffset",
                                        "the value is written in one piece");

        r = control_write(peripheral, value, size, mtu, device, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(message, "");
}

static void on_ready(const char *address, void *userdata) {
        struct peripheral *peripheral = userdata;

        peripheral->callbacks.ready(address, peripheral->userdata);
}

static void on_failed(const char *text, void *userdata) {
        struct peripheral *peripheral = userdata;

        peripheral->callbacks.failed(text, peripheral->userdata);
}

static int on_release(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        on_failed("bluetoothd has ended the advertisement: start again", userdata);
        return sd_bus_reply_method_return(message, "");
}

static int get_service_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", service_find(path)->uuid);
}

static int get_primary(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", true);
}

static int get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", characteristic_find(path)->uuid);
}

static int get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "o", characteristic_find(path)->service);
}

static int get_flags(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        static const char *const flags[] = {
                [CHARACTERISTIC_SAMPLES] = "notify",
                [CHARACTERISTIC_DESCRIPTION] = "read",
                [CHARACTERISTIC_CONTROL] = "write",
                [CHARACTERISTIC_FIXED] = "read",
        };

        return sd_bus_message_append(reply, "as", 1, flags[characteristic_find(path)->kind]);
}

/* Its presence is what makes bluetoothd use AcquireNotify. */
static int get_notify_acquired(sd_bus *bus, const char *path, const char *interface,
                               const char *property, sd_bus_message *reply, void *userdata,
                               sd_bus_error *error) {
        const struct peripheral *peripheral = userdata;

        return sd_bus_message_append(reply, "b", peripheral->fd >= 0);
}

static int get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", "peripheral");
}

static int get_service_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "as", 1, OPEN_PROFILE_SERVICE_UUID);
}

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("UUID", "s", get_service_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Primary", "b", get_primary, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

#define CHARACTERISTIC_PROPERTIES                                                              \
        SD_BUS_PROPERTY("UUID", "s", get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),               \
                SD_BUS_PROPERTY("Service", "o", get_service, 0, SD_BUS_VTABLE_PROPERTY_CONST), \
                SD_BUS_PROPERTY("Flags", "as", get_flags, 0, SD_BUS_VTABLE_PROPERTY_CONST)

/* bluetoothd is the only one that the bus lets through (its bluetooth.conf). */
static const sd_bus_vtable samples_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        CHARACTERISTIC_PROPERTIES,
        SD_BUS_PROPERTY("NotifyAcquired", "b", get_notify_acquired, 0, 0),
        SD_BUS_METHOD("AcquireNotify", "a{sv}", "hq", on_acquire_notify, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable description_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        CHARACTERISTIC_PROPERTIES,
        SD_BUS_METHOD("ReadValue", "a{sv}", "ay", on_read_description, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable control_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        CHARACTERISTIC_PROPERTIES,
        SD_BUS_METHOD("WriteValue", "aya{sv}", "", on_write_control, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fixed_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        CHARACTERISTIC_PROPERTIES,
        SD_BUS_METHOD("ReadValue", "a{sv}", "ay", on_read_fixed, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable *const characteristic_vtables[] = {
        [CHARACTERISTIC_SAMPLES] = samples_vtable,
        [CHARACTERISTIC_DESCRIPTION] = description_vtable,
        [CHARACTERISTIC_CONTROL] = control_vtable,
        [CHARACTERISTIC_FIXED] = fixed_vtable,
};

static const sd_bus_vtable advertisement_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Type", "s", get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ServiceUUIDs", "as", get_service_uuids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LocalName", "s", NULL, offsetof(struct peripheral, name),
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD("Release", "", "", on_release, 0),
        SD_BUS_VTABLE_END,
};

static int objects_export(struct peripheral *peripheral) {
        int r;

        r = sd_bus_add_object_manager(peripheral->bus, NULL, ROOT);
        for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(services); i++)
                r = sd_bus_add_object_vtable(peripheral->bus, NULL, services[i].path,
                                             BLUEZ ".GattService1", service_vtable, peripheral);
        for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(characteristics); i++)
                r = sd_bus_add_object_vtable(
                        peripheral->bus, NULL, characteristics[i].path, BLUEZ ".GattCharacteristic1",
                        characteristic_vtables[characteristics[i].kind], peripheral);
        if (r >= 0)
                r = sd_bus_add_object_vtable(peripheral->bus, NULL, ADVERTISEMENT,
                                             BLUEZ ".LEAdvertisement1", advertisement_vtable,
                                             peripheral);
        return r;
}

static int bus_connect(struct peripheral *peripheral, sd_event *event, char **ret_error) {
        int r;

        r = sd_bus_open_system(&peripheral->bus);
        if (r >= 0)
                r = sd_bus_attach_event(peripheral->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0 &&
            asprintf(ret_error, "no connection to the system bus (%s): see whether dbus-daemon runs",
                     strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

int peripheral_new(sd_event *event, const struct peripheral_setup *setup,
                   const struct peripheral_callbacks *callbacks, void *userdata, struct peripheral **ret,
                   char **ret_error) {
        static const struct registration_callbacks registration_callbacks = {.ready = on_ready,
                                                                             .failed = on_failed};
        const struct registration_setup registration_setup = {
                .adapter = setup->adapter,
                .application = ROOT,
                .advertisement = ADVERTISEMENT,
        };
        _cleanup_(peripheral_freep) struct peripheral *peripheral = NULL;
        int r;

        *ret_error = NULL;
        peripheral = calloc(1, sizeof(*peripheral));
        if (!peripheral)
                return -ENOMEM;
        peripheral->fd = -1;
        peripheral->callbacks = *callbacks;
        peripheral->userdata = userdata;
        memcpy(peripheral->description, setup->description, setup->description_size);
        peripheral->description_size = setup->description_size;
        peripheral->name = strdup(setup->name);
        if (!peripheral->name)
                return -ENOMEM;

        r = bus_connect(peripheral, event, ret_error);
        if (r < 0)
                return r;
        r = objects_export(peripheral);
        if (r < 0)
                return r;
        r = registration_new(peripheral->bus, &registration_setup, &registration_callbacks, peripheral,
                             &peripheral->registration, ret_error);
        if (r < 0)
                return r;
        *ret = steal_pointer(&peripheral);
        return 0;
}

struct peripheral *peripheral_free(struct peripheral *peripheral) {
        if (!peripheral)
                return NULL;
        registration_free(peripheral->registration);
        sd_bus_slot_unref(peripheral->link_slot);
        sd_bus_flush_close_unref(peripheral->bus);
        sd_event_source_disable_unref(peripheral->hangup);
        closep(&peripheral->fd);
        free(peripheral->name);
        free(peripheral);
        return NULL;
}

void peripheral_finish(struct peripheral *peripheral) {
        peripheral->link_slot = sd_bus_slot_unref(peripheral->link_slot);
        peripheral->started = false;
}
