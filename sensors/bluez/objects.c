/* SPDX-License-Identifier: MIT */
/*
 * The mirrored objects: made, changed and removed as bluetoothd says. Names and values that come from
 * adverts are hostile; of those only the signal strength and the name are kept, and only for
 * watched addresses; manufacturer data is handed on as it comes.
 *
 * BlueZ's paths are documented (org.bluez.Device, org.bluez.GattCharacteristic):
 * ADAPTER/dev_XX_XX_XX_XX_XX_XX/serviceN /charN. So the parent of each object is in its path, in
 * whatever order the objects are announced.
 */
#include "sensors/bluez/objects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/basic/cleanup.h"

#define DEVICE_MARK "/dev_"

static int property_read(sd_bus_message *m, struct property *property) {
        int r;

        property->found = true;
        if (!property->read)
                return sd_bus_message_read(m, "v", property->type, property->target);
        r = sd_bus_message_enter_container(m, 'v', property->type);
        if (r >= 0)
                r = property->read(m, property->target);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int properties_read(sd_bus_message *m, struct property *table, size_t n) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name, *contents;
                struct property *property = NULL;

                r = sd_bus_message_read_basic(m, 's', &name);
                if (r < 0)
                        return r;
                r = sd_bus_message_peek_type(m, NULL, &contents);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < n; i++)
                        if (strcmp(table[i].name, name) == 0 && strcmp(table[i].type, contents) == 0)
                                property = &table[i];

                r = property ? property_read(m, property) : sd_bus_message_skip(m, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Returns the size of the device's part of `path` and its address, or 0 for paths that are not below a
 * device. */
static size_t path_get_device(const char *path, char ret_address[static ADDRESS_SIZE]) {
        const char *mark = strstr(path, DEVICE_MARK);
        size_t size;

        if (!mark)
                return 0;
        mark += strlen(DEVICE_MARK);
        size = strcspn(mark, "/");
        if (size != ADDRESS_SIZE - 1)
                return 0;
        for (size_t i = 0; i < size; i++)
                ret_address[i] = mark[i] == '_' ? ':' : mark[i];
        ret_address[size] = '\0';
        return (size_t)(mark - path) + size;
}

static bool path_is(const char *path, const char *other, size_t size) {
        return strncmp(path, other, size) == 0 && path[size] == '\0';
}

static struct bluez_adapter *find_adapter(const struct bluez *bluez, const char *path, size_t size) {
        for (struct bluez_adapter *a = bluez->adapters; a; a = a->next)
                if (path_is(a->path, path, size))
                        return a;
        return NULL;
}

struct bluez_adapter *bluez_device_adapter(const struct bluez *bluez,
                                           const struct bluez_device *device) {
        return find_adapter(bluez, device->path,
                            (size_t)(strstr(device->path, DEVICE_MARK) - device->path));
}

static bool device_is_usable(const struct bluez *bluez, const struct bluez_device *device) {
        const struct bluez_adapter *adapter = bluez_device_adapter(bluez, device);

        return device->present && adapter && adapter->powered;
}

struct bluez_device *bluez_get_device(const struct bluez *bluez, const char *path) {
        for (struct bluez_device *d = bluez->devices; d; d = d->next)
                if (strcmp(d->path, path) == 0)
                        return device_is_usable(bluez, d) ? d : NULL;
        return NULL;
}

static int device_rank(const struct bluez_device *device) {
        if (device->connected)
                return 1000;
        return device->heard ? 500 + device->rssi_dbm : 0;
}

struct bluez_device *bluez_find_device(const struct bluez *bluez, const char *address) {
        struct bluez_device *best = NULL;

        for (struct bluez_device *d = bluez->devices; d; d = d->next)
                if (strcmp(d->address, address) == 0 && device_is_usable(bluez, d) &&
                    (!best || device_rank(d) > device_rank(best)))
                        best = d;
        return best;
}

/* The first of that UUID below `service` (a path), or anywhere if that is NULL. */
static const char *characteristic_find(const struct bluez_device *device, const char *service,
                                       const char *uuid) {
        size_t size = service ? strlen(service) : 0;

        for (const struct bluez_attribute *c = device->attributes; c; c = c->next)
                if (c->is_characteristic && strcasecmp(c->uuid, uuid) == 0 &&
                    (!service || (strncmp(c->path, service, size) == 0 && c->path[size] == '/')))
                        return c->path;
        return NULL;
}

const char *bluez_device_characteristic(const struct bluez_device *device, const char *service,
                                        const char *uuid) {
        for (const struct bluez_attribute *s = device->attributes; s; s = s->next) {
                const char *path;

                if (s->is_characteristic || strcasecmp(s->uuid, service) != 0)
                        continue;
                path = characteristic_find(device, s->path, uuid);
                if (path)
                        return path;
        }
        return characteristic_find(device, NULL, uuid);
}

static void device_free(struct bluez_device *device) {
        struct bluez_attribute *next;

        for (struct bluez_attribute *a = device->attributes; a; a = next) {
                next = a->next;
                free(a);
        }
        free(device->path);
        free(device);
}

static bool address_is_watched(const struct bluez *bluez, const char *address) {
        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (strcmp(w->address, address) == 0)
                        return true;
        return false;
}

bool objects_want(const struct bluez *bluez, const char *path) {
        char address[ADDRESS_SIZE];

        return !strstr(path, DEVICE_MARK) ||
               (path_get_device(path, address) > 0 && address_is_watched(bluez, address));
}

static struct bluez_device *device_of_path(const struct bluez *bluez, const char *path) {
        char address[ADDRESS_SIZE];
        size_t size = path_get_device(path, address);

        for (struct bluez_device *d = size > 0 ? bluez->devices : NULL; d; d = d->next)
                if (path_is(d->path, path, size))
                        return d;
        return NULL;
}

/* One device for each adapter and watched address at most. Returns 1, 0 for a path that nobody watches,
 * or -ENOMEM. */
static int device_acquire(struct bluez *bluez, const char *path, struct bluez_device **ret) {
        char address[ADDRESS_SIZE];
        size_t size = path_get_device(path, address);
        struct bluez_device *device;

        if (size == 0 || !address_is_watched(bluez, address))
                return 0;
        device = device_of_path(bluez, path);
        if (!device) {
                device = calloc(1, sizeof(*device));
                if (!device)
                        return -ENOMEM;
                device->path = strndup(path, size);
                if (!device->path) {
                        free(device);
                        return -ENOMEM;
                }
                memcpy(device->address, address, sizeof(address));
                device->battery_percent = -1;
                device->next = bluez->devices;
                bluez->devices = device;
        }
        *ret = device;
        return 1;
}

static bool adapter_is_used(const struct bluez *bluez, const char *path) {
        for (size_t i = 0; i < bluez->n_adapters_used; i++)
                if (strcmp(bluez->adapters_used[i], path) == 0)
                        return true;
        return bluez->n_adapters_used == 0;
}

/* Returns 1, 0 for one that is not to be used or is one more than anybody has, or -ENOMEM. */
static int adapter_acquire(struct bluez *bluez, const char *path, struct bluez_adapter **ret) {
        struct bluez_adapter *adapter = find_adapter(bluez, path, strlen(path));

        if (!adapter) {
                if (bluez->n_adapters >= ADAPTERS_MAX || !adapter_is_used(bluez, path))
                        return 0;
                adapter = calloc(1, sizeof(*adapter));
                if (!adapter)
                        return -ENOMEM;
                adapter->path = strdup(path);
                if (!adapter->path) {
                        free(adapter);
                        return -ENOMEM;
                }
                adapter->bluez = bluez;
                adapter->next = bluez->adapters;
                bluez->adapters = adapter;
                bluez->n_adapters++;
        }
        *ret = adapter;
        return 1;
}

static int adapter_apply(struct bluez *bluez, const char *path, sd_bus_message *m) {
        struct bluez_adapter *adapter;
        int powered, r;
        struct property table[] = {{"Powered", "b", &powered}};

        r = properties_read(m, table, ARRAY_LENGTH(table));
        if (r < 0)
                return r;
        r = adapter_acquire(bluez, path, &adapter);
        if (r <= 0)
                return r;
        if (table[0].found)
                adapter->powered = powered;
        if (!adapter->powered)
                radio_reset(adapter);
        return 1;
}

static int advertising_apply(struct bluez *bluez, const char *path, sd_bus_message *m) {
        struct bluez_adapter *adapter;
        uint8_t instances = 0;
        struct property table[] = {{"ActiveInstances", "y", &instances}};
        int r;

        r = properties_read(m, table, ARRAY_LENGTH(table));
        if (r < 0)
                return r;
        r = adapter_acquire(bluez, path, &adapter);
        if (r <= 0)
                return r;
        if (table[0].found)
                adapter->advertises = instances > 0;
        return 1;
}

int manufacturer_data_read(sd_bus_message *m, manufacturer_data_func func, void *userdata) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{qv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "qv")) > 0) {
                uint16_t company;
                const void *data;
                size_t size;

                r = sd_bus_message_read_basic(m, 'q', &company);
                if (r >= 0)
                        r = sd_bus_message_enter_container(m, 'v', "ay");
                if (r >= 0)
                        r = sd_bus_message_read_array(m, 'y', &data, &size);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
                func(company, data, size, userdata);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

struct advert_target {
        const struct bluez_watcher *watcher;
        bool fresh;
};

/* The link's driver is who knows what the bytes mean. */
static void advert_hand_on(uint16_t company, const void *data, size_t size, void *userdata) {
        const struct advert_target *target = userdata;
        uint8_t packet[ADVERT_SIZE_MAX];

        if (size > sizeof(packet) - 2)
                return;
        packet[0] = (uint8_t)company;
        packet[1] = (uint8_t)(company >> 8);
        if (size > 0)
                memcpy(packet + 2, data, size);
        target->watcher->advert(packet, size + 2, target->fresh, target->watcher->userdata);
}

static int advert_read(sd_bus_message *m, void *userdata) {
        return manufacturer_data_read(m, advert_hand_on, userdata);
}

static int manufacturer_data_skip(sd_bus_message *m, void *userdata) {
        return sd_bus_message_skip(m, "a{qv}");
}

static const struct bluez_watcher *device_watcher(const struct bluez *bluez,
                                                  const struct bluez_device *device) {
        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (strcmp(w->address, device->address) == 0)
                        return w;
        return NULL;
}

static int device_apply(struct bluez *bluez, const char *path, sd_bus_message *m, bool is_change) {
        struct bluez_device *device;
        int16_t rssi_dbm = 0;
        int connected, resolved, paired, r;
        const char *name;
        struct property table[] = {
                {"RSSI", "n", &rssi_dbm},
                {"Name", "s", &name},
                {"Connected", "b", &connected},
                {"ServicesResolved", "b", &resolved},
                {"Paired", "b", &paired},
                {"ManufacturerData", "a{qv}", .read = manufacturer_data_skip},
        };
        struct advert_target advert = {.fresh = is_change};

        r = device_acquire(bluez, path, &device);
        if (r <= 0)
                return r < 0 ? r : sd_bus_message_skip(m, "a{sv}") < 0 ? -EBADMSG : 0;
        advert.watcher = device_watcher(bluez, device);
        if (advert.watcher && advert.watcher->advert) {
                table[5].read = advert_read;
                table[5].target = &advert;
        }
        connected = device->connected;
        resolved = device->services_resolved;
        paired = device->paired;
        r = properties_read(m, table, ARRAY_LENGTH(table));
        if (r < 0)
                return r;

        if (device->connected && !connected)
                device->disconnects++;
        device->present = true;
        device->connected = connected;
        device->services_resolved = resolved;
        device->paired = paired;
        if (table[0].found) {
                device->heard = true;
                device->rssi_dbm = rssi_dbm;
        } else if (!is_change)
                device->heard = false;
        if (table[1].found)
                (void)snprintf(device->name, sizeof(device->name), "%s", name);
        return 1;
}

static int battery_apply(struct bluez *bluez, const char *path, sd_bus_message *m) {
        struct bluez_device *device;
        uint8_t percent = UINT8_MAX;
        struct property table[] = {{"Percentage", "y", &percent}};
        int r;

        r = device_acquire(bluez, path, &device);
        if (r <= 0)
                return r < 0 ? r : sd_bus_message_skip(m, "a{sv}") < 0 ? -EBADMSG : 0;
        r = properties_read(m, table, ARRAY_LENGTH(table));
        if (r < 0)
                return r;
        if (percent <= 100)
                device->battery_percent = percent;
        return 1;
}

static int attribute_apply(struct bluez *bluez, const char *path, sd_bus_message *m,
                           bool is_characteristic) {
        struct bluez_attribute *attribute;
        struct bluez_device *device;
        const char *uuid = NULL;
        struct property table[] = {{"UUID", "s", &uuid}};
        int r;

        r = device_acquire(bluez, path, &device);
        if (r <= 0)
                return r < 0 ? r : sd_bus_message_skip(m, "a{sv}") < 0 ? -EBADMSG : 0;
        r = properties_read(m, table, ARRAY_LENGTH(table));
        if (r < 0)
                return r;
        if (!uuid || strlen(uuid) != UUID_SIZE - 1)
                return 0;

        for (attribute = device->attributes; attribute; attribute = attribute->next)
                if (strcmp(attribute->path, path) == 0)
                        break;
        if (!attribute) {
                if (device->n_attributes >= ATTRIBUTES_MAX)
                        return 0;
                attribute = calloc(1, sizeof(*attribute) + strlen(path) + 1);
                if (!attribute)
                        return -ENOMEM;
                memcpy(attribute->path, path, strlen(path) + 1);
                attribute->next = device->attributes;
                device->attributes = attribute;
                device->n_attributes++;
        }
        attribute->is_characteristic = is_characteristic;
        memcpy(attribute->uuid, uuid, UUID_SIZE);
        return 1;
}

/* Takes the "a{sv}" of one interface. Returns 1 if it may have changed the mirror, 0 if not, or negative
 * errno. */
static int interface_apply(struct bluez *bluez, const char *path, const char *interface,
                           sd_bus_message *m, bool is_change) {
        if (strcmp(interface, "org.bluez.Adapter1") == 0)
                return adapter_apply(bluez, path, m);
        if (strcmp(interface, "org.bluez.LEAdvertisingManager1") == 0)
                return advertising_apply(bluez, path, m);
        if (strcmp(interface, "org.bluez.Device1") == 0)
                return device_apply(bluez, path, m, is_change);
        if (strcmp(interface, "org.bluez.Battery1") == 0)
                return battery_apply(bluez, path, m);
        if (strcmp(interface, "org.bluez.GattService1") == 0)
                return attribute_apply(bluez, path, m, /* is_characteristic= */ false);
        if (strcmp(interface, "org.bluez.GattCharacteristic1") == 0)
                return attribute_apply(bluez, path, m, /* is_characteristic= */ true);
        return sd_bus_message_skip(m, "a{sv}") < 0 ? -EBADMSG : 0;
}

int objects_apply_interface(struct bluez *bluez, const char *path, const char *interface,
                            sd_bus_message *properties) {
        return interface_apply(bluez, path, interface, properties, /* is_change= */ false);
}

int objects_apply(struct bluez *bluez, const char *path, sd_bus_message *m) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                const char *interface;

                r = sd_bus_message_read_basic(m, 's', &interface);
                if (r >= 0)
                        r = interface_apply(bluez, path, interface, m, /* is_change= */ false);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int objects_change(struct bluez *bluez, const char *path, sd_bus_message *m) {
        struct bluez_device *device = device_of_path(bluez, path);
        const char *interface, *name;
        int r, changed;

        /* What is not mirrored does not begin to be by changing. */
        if (!device && !find_adapter(bluez, path, strlen(path)))
                return 0;
        r = sd_bus_message_read_basic(m, 's', &interface);
        if (r < 0)
                return r;
        changed = interface_apply(bluez, path, interface, m, /* is_change= */ true);
        if (changed < 0)
                return changed;
        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &name)) > 0)
                if (device && strcmp(name, "RSSI") == 0)
                        device->heard = false;
        return r < 0 ? r : changed;
}

static void adapter_free(struct bluez_adapter *adapter) {
        radio_reset(adapter);
        free(adapter->path);
        free(adapter);
}

static void adapter_remove(struct bluez *bluez, const char *path) {
        for (struct bluez_adapter **a = &bluez->adapters; *a; a = &(*a)->next) {
                struct bluez_adapter *adapter = *a;

                if (strcmp(adapter->path, path) != 0)
                        continue;
                *a = adapter->next;
                bluez->n_adapters--;
                adapter_free(adapter);
                return;
        }
}

static void device_remove_attribute(struct bluez_device *device, const char *path) {
        for (struct bluez_attribute **a = &device->attributes; *a; a = &(*a)->next) {
                struct bluez_attribute *attribute = *a;

                if (strcmp(attribute->path, path) != 0)
                        continue;
                *a = attribute->next;
                device->n_attributes--;
                free(attribute);
                return;
        }
}

static void device_remove(struct bluez *bluez, struct bluez_device *device) {
        for (struct bluez_device **d = &bluez->devices; *d; d = &(*d)->next) {
                if (*d != device)
                        continue;
                *d = device->next;
                device_free(device);
                return;
        }
}

void objects_remove(struct bluez *bluez, const char *path, const char *interface) {
        struct bluez_adapter *adapter = find_adapter(bluez, path, strlen(path));
        struct bluez_device *device = device_of_path(bluez, path);

        if (adapter && strcmp(interface, "org.bluez.Adapter1") == 0)
                adapter_remove(bluez, path);
        else if (adapter && strcmp(interface, "org.bluez.LEAdvertisingManager1") == 0)
                adapter->advertises = false;
        else if (!device)
                return;
        else if (strcmp(interface, "org.bluez.Device1") == 0)
                device_remove(bluez, device);
        else if (strcmp(interface, "org.bluez.Battery1") == 0)
                device->battery_percent = -1;
        else if (strcmp(interface, "org.bluez.GattService1") == 0 ||
                 strcmp(interface, "org.bluez.GattCharacteristic1") == 0)
                device_remove_attribute(device, path);
}

void objects_forget_address(struct bluez *bluez, const char *address) {
        struct bluez_device *next;

        for (struct bluez_device *d = bluez->devices; d; d = next) {
                next = d->next;
                if (strcmp(d->address, address) == 0)
                        device_remove(bluez, d);
        }
}

void objects_clear(struct bluez *bluez) {
        while (bluez->devices)
                device_remove(bluez, bluez->devices);
        while (bluez->adapters)
                adapter_remove(bluez, bluez->adapters->path);
}
