/* SPDX-License-Identifier: MIT */
/* A GATT server over BlueZ: see peripheral.h. */
#include "sensors/virtual/peripheral.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "daemon/basic/cleanup.h"
#include "sensors/virtual/registration.h"

#define BLUEZ "org.bluez"
#define ROOT "/org/crampd1/leg_sensor"
#define ADVERTISEMENT ROOT "/advertisement"
#define PATH_MAX_SIZE (sizeof(ROOT) + sizeof("/service99/characteristic99"))

#define MTU_MIN 23u
#define ADVERT_DATA_MAX 31u

struct service {
        char path[PATH_MAX_SIZE];
        const char *uuid;
};

/* A characteristic as it is served. */
struct served {
        struct peripheral *peripheral;
        unsigned number;
        const struct gatt_characteristic *characteristic;
        const struct service *service;
        char path[PATH_MAX_SIZE];
        int fd; /* our end of the socket that bluetoothd reads; -1 without a subscriber */
        sd_event_source *hangup;
};

struct peripheral {
        sd_bus *bus;
        struct registration *registration;
        char *adapter; /* object path */
        char *name;
        const char *const *advertised;
        uint8_t data[ADVERT_DATA_MAX];
        size_t data_size;
        struct peripheral_callbacks callbacks;
        void *userdata;

        struct service services[GATT_CHARACTERISTICS_MAX];
        size_t service_count;
        struct served served[GATT_CHARACTERISTICS_MAX];
        size_t served_count;

        char *client; /* object path of the one that wrote last, or NULL */
        sd_bus_slot *link_slot;
        sd_bus_slot *disconnect_slot;
};

DEFINE_CLEANUP(struct peripheral *, peripheral_free)

static void subscription_end(struct served *served) {
        struct peripheral *peripheral = served->peripheral;

        if (served->fd < 0)
                return;
        peripheral->callbacks.unsubscribed(served->number, peripheral->userdata);
        served->hangup = sd_event_source_disable_unref(served->hangup);
        closep(&served->fd);
        served->fd = -1;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        subscription_end(userdata);
        return 0;
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

static int on_read(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const struct served *served = userdata;
        uint8_t value[GATT_VALUE_MAX];
        size_t size;

        size = served->peripheral->callbacks.read(served->number, value, served->peripheral->userdata);
        return value_reply(message, value, size, error);
}

/* A client has subscribed. bluetoothd answers it before we answer here, but what the client writes then
 * comes after. */
static int on_acquire_notify(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct served *served = userdata;
        struct peripheral *peripheral = served->peripheral;
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
        subscription_end(served);
        r = sd_event_add_io(sd_bus_get_event(peripheral->bus), &served->hangup, ours, EPOLLRDHUP,
                            on_hangup, served);
        if (r < 0)
                return r;
        served->fd = steal_fd(&ours);
        r = sd_bus_reply_method_return(message, "hq", theirs, mtu);
        if (r >= 0)
                peripheral->callbacks.subscribed(served->number, served->fd, mtu, peripheral->userdata);
        return r;
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
                        peripheral->callbacks.link_lost(peripheral->userdata);
                        return 0;
                }
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r;
}

/* What becomes of whoever writes is of interest from then on. */
static int client_watch(struct peripheral *peripheral, const char *device) {
        if (!device || (peripheral->client && strcmp(peripheral->client, device) == 0))
                return 0;
        peripheral->link_slot = sd_bus_slot_unref(peripheral->link_slot);
        free(peripheral->client);
        peripheral->client = strdup(device);
        if (!peripheral->client)
                return -ENOMEM;
        return sd_bus_match_signal_async(peripheral->bus, &peripheral->link_slot, BLUEZ, device,
                                         "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                         on_device_changed, NULL, peripheral);
}

static int on_write(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct served *served = userdata;
        struct peripheral *peripheral = served->peripheral;
        const char *device = NULL;
        uint16_t mtu = 0, offset = 0;
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

        r = client_watch(peripheral, device);
        if (r < 0)
                return r;
        r = peripheral->callbacks.write(served->number, value, size, mtu, peripheral->userdata);
        if (r > 0)
                return sd_bus_error_setf(error, BLUEZ ".Error.Failed", "0x%02x", (unsigned)r);
        if (r == -EMSGSIZE)
                return sd_bus_error_set(error, BLUEZ ".Error.InvalidValueLength",
                                        "wrong length for this opcode");
        return r < 0 ? r : sd_bus_reply_method_return(message, "");
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
        const struct service *service = userdata;

        return sd_bus_message_append(reply, "s", service->uuid);
}

static int get_primary(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", true);
}

static int get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct served *served = userdata;

        return sd_bus_message_append(reply, "s", served->characteristic->uuid);
}

static int get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct served *served = userdata;

        return sd_bus_message_append(reply, "o", served->service->path);
}

static int get_flags(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        static const char *const flags[] = {"read", "notify", "write", "write-without-response"};
        const struct served *served = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(flags); i++)
                if (served->characteristic->flags & 1u << i)
                        r = sd_bus_message_append(reply, "s", flags[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Its presence is what makes bluetoothd use AcquireNotify. */
static int get_notify_acquired(sd_bus *bus, const char *path, const char *interface,
                               const char *property, sd_bus_message *reply, void *userdata,
                               sd_bus_error *error) {
        const struct served *served = userdata;

        return sd_bus_message_append(reply, "b", served->fd >= 0);
}

static int get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", "peripheral");
}

static int get_service_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct peripheral *peripheral = userdata;

        return sd_bus_message_append_strv(reply, (char **)peripheral->advertised);
}

static int get_manufacturer_data(sd_bus *bus, const char *path, const char *interface,
                                 const char *property, sd_bus_message *reply, void *userdata,
                                 sd_bus_error *error) {
        const struct peripheral *peripheral = userdata;
        const uint8_t *data = peripheral->data;
        int r;

        if (peripheral->data_size < 2)
                return sd_bus_message_append(reply, "a{qv}", 0);
        r = sd_bus_message_open_container(reply, 'a', "{qv}");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'e', "qv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "q", (uint16_t)(data[0] | data[1] << 8));
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', data + 2, peripheral->data_size - 2);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(reply);
        return r;
}

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("UUID", "s", get_service_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Primary", "b", get_primary, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

/* One for each that a characteristic can do. bluetoothd is the only one that the bus lets through (its
 * bluetooth.conf). */
static const sd_bus_vtable characteristic_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("UUID", "s", get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Service", "o", get_service, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Flags", "as", get_flags, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable read_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ReadValue", "a{sv}", "ay", on_read, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable notify_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("NotifyAcquired", "b", get_notify_acquired, 0, 0),
        SD_BUS_METHOD("AcquireNotify", "a{sv}", "hq", on_acquire_notify, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable write_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("WriteValue", "aya{sv}", "", on_write, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable advertisement_vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Type", "s", get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ServiceUUIDs", "as", get_service_uuids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LocalName", "s", NULL, offsetof(struct peripheral, name),
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ManufacturerData", "a{qv}", get_manufacturer_data, 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD("Release", "", "", on_release, 0),
        SD_BUS_VTABLE_END,
};

/* Gives each service and characteristic of the table its path. */
static int table_take(struct peripheral *peripheral, const struct gatt_characteristic *table) {
        struct service *service = NULL;

        for (; table->service; table++) {
                struct served *served = &peripheral->served[peripheral->served_count];

                if (peripheral->served_count == GATT_CHARACTERISTICS_MAX)
                        return -E2BIG;
                if (!service || strcmp(service->uuid, table->service) != 0) {
                        service = &peripheral->services[peripheral->service_count++];
                        service->uuid = table->service;
                        (void)snprintf(service->path, sizeof(service->path), ROOT "/service%02zu",
                                       peripheral->service_count);
                }
                served->peripheral = peripheral;
                served->number = (unsigned)peripheral->served_count++;
                served->characteristic = table;
                served->service = service;
                served->fd = -1;
                (void)snprintf(served->path, sizeof(served->path), "%.*s/characteristic%02u",
                               (int)sizeof(ROOT "/service99") - 1, service->path, served->number);
        }
        return 0;
}

static int served_export(struct served *served) {
        static const struct {
                unsigned flags;
                const sd_bus_vtable *vtable;
        } parts[] = {
                {~0u, characteristic_vtable},
                {GATT_READ, read_vtable},
                {GATT_NOTIFY, notify_vtable},
                {GATT_WRITE | GATT_COMMAND, write_vtable},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(parts); i++)
                if (served->characteristic->flags & parts[i].flags)
                        r = sd_bus_add_object_vtable(served->peripheral->bus, NULL, served->path,
                                                     BLUEZ ".GattCharacteristic1", parts[i].vtable,
                                                     served);
        return r;
}

static int objects_export(struct peripheral *peripheral) {
        int r;

        r = sd_bus_add_object_manager(peripheral->bus, NULL, ROOT);
        for (size_t i = 0; r >= 0 && i < peripheral->service_count; i++)
                r = sd_bus_add_object_vtable(peripheral->bus, NULL, peripheral->services[i].path,
                                             BLUEZ ".GattService1", service_vtable,
                                             &peripheral->services[i]);
        for (size_t i = 0; r >= 0 && i < peripheral->served_count; i++)
                r = served_export(&peripheral->served[i]);
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
        peripheral->callbacks = *callbacks;
        peripheral->userdata = userdata;
        peripheral->advertised = setup->advert.services;
        if (setup->advert.size > sizeof(peripheral->data))
                return -E2BIG;
        if (setup->advert.size > 0)
                memcpy(peripheral->data, setup->advert.data, setup->advert.size);
        peripheral->data_size = setup->advert.size;
        peripheral->name = strdup(setup->advert.name);
        if (!peripheral->name)
                return -ENOMEM;
        if (asprintf(&peripheral->adapter, "/org/bluez/%s", setup->adapter) < 0) {
                peripheral->adapter = NULL;
                return -ENOMEM;
        }
        r = table_take(peripheral, setup->characteristics);
        if (r < 0)
                return r;

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
        sd_bus_slot_unref(peripheral->disconnect_slot);
        sd_bus_flush_close_unref(peripheral->bus);
        for (size_t i = 0; i < peripheral->served_count; i++) {
                sd_event_source_disable_unref(peripheral->served[i].hangup);
                closep(&peripheral->served[i].fd);
        }
        free(peripheral->client);
        free(peripheral->adapter);
        free(peripheral->name);
        free(peripheral);
        return NULL;
}

int peripheral_advertise(struct peripheral *peripheral, const uint8_t *data, size_t size) {
        if (size > sizeof(peripheral->data))
                return -E2BIG;
        memcpy(peripheral->data, data, size);
        peripheral->data_size = size;
        return sd_bus_emit_properties_changed(peripheral->bus, ADVERTISEMENT, BLUEZ ".LEAdvertisement1",
                                              "ManufacturerData", NULL);
}

/* Looks through bluetoothd's tree for the devices of our adapter. Whether one is connected is
 * bluetoothd's to know. */
static int on_objects(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct peripheral *peripheral = userdata;
        size_t length = strlen(peripheral->adapter);
        int r;

        if (sd_bus_message_is_method_error(reply, NULL))
                return 0;
        r = sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}")) > 0) {
                const char *path;

                r = sd_bus_message_read(reply, "o", &path);
                if (r < 0)
                        break;
                if (strncmp(path, peripheral->adapter, length) == 0 &&
                    strncmp(path + length, "/dev_", 5) == 0 && !strchr(path + length + 1, '/'))
                        (void)sd_bus_call_method_async(peripheral->bus, NULL, BLUEZ, path,
                                                       BLUEZ ".Device1", "Disconnect", NULL, NULL, "");
                r = sd_bus_message_skip(reply, "a{sa{sv}}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : 0;
}

int peripheral_disconnect(struct peripheral *peripheral) {
        peripheral->disconnect_slot = sd_bus_slot_unref(peripheral->disconnect_slot);
        return sd_bus_call_method_async(peripheral->bus, &peripheral->disconnect_slot, BLUEZ, "/",
                                        "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                                        on_objects, peripheral, "");
}
