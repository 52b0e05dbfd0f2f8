/* SPDX-License-Identifier: MIT */
/* Looking for sensors that nobody has added yet: see scan.h. */
#include "sensors/bluez/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "sensors/bluez/walk.h"

#define LOOK_EVERY_US UINT64_C(1000000)
#define CALL_LIMIT_US UINT64_C(5000000)
#define SERVICES_MAX 16u
#define DATA_MAX 64u

struct scan {
        struct bluez *bluez;
        struct bluez_watcher watcher; /* of no device: lets the radio discover */
        scan_func func;
        void *userdata;
        sd_event_source *timer;
        sd_bus_slot *call;
        struct walk *walk; /* where all devices at once cannot be read */
        struct scan_device devices[SCAN_DEVICES_MAX];
        size_t n_devices;
};

/* What bluetoothd tells of one device; strings belong to the message. */
struct sighting {
        const char *address;
        const char *name;
        const char *services[SERVICES_MAX + 1];
        int16_t rssi_dbm;
        int company;
        const void *data;
        size_t size;
};

static void on_changed(void *userdata) {
}

static int services_read(sd_bus_message *m, void *userdata) {
        struct sighting *sighting = userdata;
        const char *uuid;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &uuid)) > 0)
                if (n < SERVICES_MAX)
                        sighting->services[n++] = uuid;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The first company's. */
static void data_take(uint16_t company, const void *data, size_t size, void *userdata) {
        struct sighting *sighting = userdata;

        if (sighting->company >= 0 || size > DATA_MAX)
                return;
        sighting->company = company;
        sighting->data = data;
        sighting->size = size;
}

static int data_read(sd_bus_message *m, void *userdata) {
        return manufacturer_data_read(m, data_take, userdata);
}

static struct scan_device *device_find(struct scan *scan, const char *address) {
        for (size_t i = 0; i < scan->n_devices; i++)
                if (strcmp(scan->devices[i].address, address) == 0)
                        return &scan->devices[i];
        return NULL;
}

/* What a scan is for counts before what is near, and that before what is no longer heard. */
static int device_rank(const struct scan_device *device) {
        int near = device->rssi_dbm == 0 ? INT16_MIN : device->rssi_dbm;

        return near + (device->driver ? 1 : 0) * (UINT16_MAX + 1);
}

/* Free, or that of the least of those that matter less; NULL if there are none. */
static struct scan_device *place_find(struct scan *scan, const struct scan_device *device) {
        struct scan_device *least = &scan->devices[0];

        if (scan->n_devices < SCAN_DEVICES_MAX)
                return &scan->devices[scan->n_devices++];
        for (size_t i = 1; i < scan->n_devices; i++)
                if (device_rank(&scan->devices[i]) < device_rank(least))
                        least = &scan->devices[i];
        return device_rank(least) < device_rank(device) ? least : NULL;
}

/* Cut at a character's border: the bus takes whole ones only. */
static void name_copy(char *to, size_t size, const char *from) {
        size_t n = strnlen(from, size);

        if (n == size)
                for (n = size - 1; n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80; n--)
                        ;
        memcpy(to, from, n);
        to[n] = '\0';
}

static void sighting_take(struct scan *scan, const struct sighting *sighting) {
        const struct sensor_advert advert = {
                .name = sighting->name,
                .services = sighting->services,
                .company = sighting->company,
                .data = sighting->data,
                .size = sighting->size,
        };
        struct scan_device seen = {.rssi_dbm = sighting->rssi_dbm}, *known;

        if (!sighting->address || address_parse(sighting->address, seen.address) < 0)
                return;
        if (sighting->name)
                name_copy(seen.name, sizeof(seen.name), sighting->name);
        seen.driver = sensor_driver_match(&advert, &seen.match);

        known = device_find(scan, seen.address);
        if (!known && seen.rssi_dbm == 0)
                return; /* of an earlier day */
        if (known && known->rssi_dbm == seen.rssi_dbm && strcmp(known->name, seen.name) == 0 &&
            known->driver == seen.driver)
                return;
        if (!known)
                known = place_find(scan, &seen);
        if (!known)
                return;
        *known = seen;
        scan->func(known, scan->userdata);
}

/* Takes the "a{sv}" of a Device1. */
static int device_read(struct scan *scan, sd_bus_message *m) {
        struct sighting sighting = {.company = -1};
        struct property table[] = {
                {"Address", "s", &sighting.address},
                {"Name", "s", &sighting.name},
                {"RSSI", "n", &sighting.rssi_dbm},
                {"UUIDs", "as", &sighting, .read = services_read},
                {"ManufacturerData", "a{qv}", &sighting, .read = data_read},
        };
        int r = properties_read(m, table, ARRAY_LENGTH(table));

        if (r >= 0)
                sighting_take(scan, &sighting);
        return r;
}

/* Takes "a{sa{sv}}", all interfaces of an object. */
static int object_read(struct scan *scan, sd_bus_message *m) {
        const char *interface;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &interface);
                if (r >= 0)
                        r = strcmp(interface, "org.bluez.Device1") == 0
                                    ? device_read(scan, m)
                                    : sd_bus_message_skip(m, "a{sv}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct scan *scan = userdata;
        const char *path;
        int r;

        scan->call = sd_bus_slot_unref(scan->call);
        if (sd_bus_message_is_method_error(m, NULL))
                return 0; /* asked again soon */
        r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read_basic(m, 'o', &path);
                if (r >= 0)
                        r = object_read(scan, m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                (void)walk_add(scan->walk, WALK_ROOT_PATH);
        return 0;
}

static bool on_wants(const char *path, void *userdata) {
        return true;
}

static void on_properties(const char *path, const char *interface, sd_bus_message *properties,
                          void *userdata) {
        if (strcmp(interface, "org.bluez.Device1") == 0)
                (void)device_read(userdata, properties);
}

static void on_walked(bool complete, void *userdata) {
}

static const struct walk_callbacks walk_callbacks = {
        .wants = on_wants,
        .properties = on_properties,
        .done = on_walked,
};

static int on_timer(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct scan *scan = userdata;

        if (!scan->call && !walk_is_under_way(scan->walk) && scan->bluez->owner)
                (void)bluez_call(scan->bluez, &scan->call, "/", "org.freedesktop.DBus.ObjectManager",
                                 "GetManagedObjects", on_objects, scan, CALL_LIMIT_US, NULL);
        return bluez_arm(scan->bluez, &scan->timer, LOOK_EVERY_US, on_timer, scan);
}

int scan_new(struct bluez *bluez, scan_func func, void *userdata, struct scan **ret) {
        struct scan *scan = calloc(1, sizeof(*scan));
        int r;

        if (!scan)
                return -ENOMEM;
        scan->bluez = bluez;
        scan->func = func;
        scan->userdata = userdata;
        scan->watcher.changed = on_changed;
        /* No device has such an address. */
        (void)snprintf(scan->watcher.address, sizeof(scan->watcher.address), "scan");
        r = walk_new(bluez, WALK_DEVICE, &walk_callbacks, scan, &scan->walk);
        if (r >= 0)
                r = bluez_watch(bluez, &scan->watcher);
        if (r < 0) {
                walk_free(scan->walk);
                free(scan);
                return r;
        }
        radio_set_scanning(bluez, &scan->watcher, true);
        r = bluez_arm(bluez, &scan->timer, LOOK_EVERY_US / 2, on_timer, scan);
        if (r < 0) {
                scan_free(scan);
                return r;
        }
        *ret = scan;
        return 0;
}

struct scan *scan_free(struct scan *scan) {
        if (!scan)
                return NULL;
        sd_event_source_disable_unref(scan->timer);
        sd_bus_slot_unref(scan->call);
        walk_free(scan->walk);
        bluez_unwatch(scan->bluez, &scan->watcher);
        free(scan);
        return NULL;
}

void scan_repeat(const struct scan *scan, scan_func func, void *userdata) {
        for (size_t i = 0; i < scan->n_devices; i++)
                func(&scan->devices[i], userdata);
}
