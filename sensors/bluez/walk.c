/* SPDX-License-Identifier: MIT */
/* Objects of bluetoothd one by one: see walk.h. One call at a time: the bus allows a client few. */
#include "sensors/bluez/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define CALL_LIMIT_US (UINT64_C(25) * 1000 * 1000)
#define PATHS_MAX 8192u

/* What the readers in objects.c and scan.c look at. */
static const struct reading {
        enum walk_level level;
        const char *interface;
        const char *properties[9];
} readings[] = {
        {WALK_ADAPTER, "org.bluez.Adapter1", {"Powered"}},
        {WALK_ADAPTER, "org.bluez.LEAdvertisingManager1", {"ActiveInstances"}},
        {WALK_DEVICE,
         "org.bluez.Device1",
         {"Address", "RSSI", "Connected", "ServicesResolved", "Paired", "UUIDs", "ManufacturerData",
          "Name"}},
        {WALK_DEVICE, "org.bluez.Battery1", {"Percentage"}},
        {WALK_SERVICE, "org.bluez.GattService1", {"UUID"}},
        {WALK_CHARACTERISTIC, "org.bluez.GattCharacteristic1", {"UUID"}},
};

struct walk {
        struct bluez *bluez;
        enum walk_level deepest;
        const struct walk_callbacks *callbacks;
        void *userdata;

        char **paths;
        size_t n_paths;
        size_t at;              /* the one that is being visited */
        bool children_known;    /* of that one */
        size_t reading;         /* of that one */
        size_t property;        /* of that reading, when they cannot be had all at once */
        sd_bus_message *single; /* those that were had singly; NULL = all at once */
        sd_bus_slot *call;
};

static unsigned path_level(const char *path) {
        unsigned level = 0;

        for (; *path; path++)
                level += *path == '/';
        return level;
}

void walk_stop(struct walk *walk) {
        walk->call = sd_bus_slot_unref(walk->call);
        walk->single = sd_bus_message_unref(walk->single);
        for (size_t i = 0; i < walk->n_paths; i++)
                free(walk->paths[i]);
        free(walk->paths);
        walk->paths = NULL;
        walk->n_paths = walk->at = walk->reading = 0;
        walk->children_known = false;
}

static void walk_end(struct walk *walk, bool complete) {
        walk_stop(walk);
        walk->callbacks->done(complete, walk->userdata);
}

/* Errors but these say that there is no such object, interface or property. */
static bool is_unanswered(sd_bus_message *m) {
        return sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_TIMEOUT) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_LIMITS_EXCEEDED) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_MEMORY) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_DISCONNECTED);
}

/* Whether a reply holds what it should, all of it readable; it is left at its beginning. */
static bool reply_is_readable(sd_bus_message *m, const char *types) {
        return !sd_bus_message_is_method_error(m, NULL) && sd_bus_message_skip(m, types) >= 0 &&
               sd_bus_message_rewind(m, true) >= 0;
}

static void walk_go_on(struct walk *walk);

static int path_add(struct walk *walk, const char *path) {
        char **paths;

        for (size_t i = walk->at + (walk->children_known || walk->reading > 0); i < walk->n_paths; i++)
                if (strcmp(walk->paths[i], path) == 0)
                        return 0;
        if (walk->n_paths == PATHS_MAX)
                return -ENOBUFS;
        paths = reallocarray(walk->paths, walk->n_paths + 1, sizeof(*paths));
        if (!paths)
                return -ENOMEM;
        walk->paths = paths;
        paths[walk->n_paths] = strdup(path);
        if (!paths[walk->n_paths])
                return -ENOMEM;
        walk->n_paths++;
        return 0;
}

static int child_add(struct walk *walk, const char *name, size_t size) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s/%.*s", walk->paths[walk->at], (int)size, name) < 0)
                return -ENOMEM;
        return walk->callbacks->wants(path, walk->userdata) ? path_add(walk, path) : 0;
}

/* Children are told as <node name="ELEMENT"/>. The object itself may be one with a whole path. */
static int children_add(struct walk *walk, const char *xml) {
        static const char mark[] = "<node name=\"";
        int r = 0;

        while (r >= 0 && (xml = strstr(xml, mark))) {
                size_t size;

                xml += strlen(mark);
                size = strspn(xml, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
                if (size > 0 && xml[size] == '"')
                        r = child_add(walk, xml, size);
        }
        return r;
}

static int on_introspected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct walk *walk = userdata;
        const char *xml;

        walk->call = sd_bus_slot_unref(walk->call);
        walk->children_known = true;
        if (is_unanswered(m) ||
            (sd_bus_message_read_basic(m, 's', &xml) > 0 && children_add(walk, xml) == -ENOMEM))
                walk_end(walk, /* complete= */ false);
        else
                walk_go_on(walk);
        return 0;
}

static void reading_hand_on(struct walk *walk, sd_bus_message *m) {
        walk->callbacks->properties(walk->paths[walk->at], readings[walk->reading].interface, m,
                                    walk->userdata);
        walk->reading++;
}

static int single_begin(struct walk *walk) {
        int r;

        walk->property = 0;
        r = sd_bus_message_new_signal(walk->bluez->bus, &walk->single, walk->paths[walk->at], PROPERTIES,
                                      "PropertiesChanged");
        return r < 0 ? r : sd_bus_message_open_container(walk->single, 'a', "{sv}");
}

/* Takes the "v" of a reply. */
static int single_append(struct walk *walk, sd_bus_message *m) {
        int r;

        r = sd_bus_message_open_container(walk->single, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(walk->single, 's',
                                                readings[walk->reading].properties[walk->property]);
        if (r >= 0)
                r = sd_bus_message_copy(walk->single, m, /* all= */ false);
        return r < 0 ? r : sd_bus_message_close_container(walk->single);
}

/* A message can be read when it is sealed, though nobody ever sends it. */
static int single_end(struct walk *walk) {
        sd_bus_message *m = steal_pointer(&walk->single);
        int r;

        r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_seal(m, /* cookie= */ 1, /* timeout= */ 0);
        if (r >= 0)
                r = sd_bus_message_rewind(m, true);
        if (r >= 0)
                reading_hand_on(walk, m);
        sd_bus_message_unref(m);
        return r;
}

static int on_all(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct walk *walk = userdata;
        int r = 0;

        walk->call = sd_bus_slot_unref(walk->call);
        if (is_unanswered(m))
                r = -ETIMEDOUT;
        else if (reply_is_readable(m, "a{sv}"))
                reading_hand_on(walk, m);
        else if (sd_bus_message_is_method_error(m, NULL))
                walk->reading++;
        else
                r = single_begin(walk);
        if (r < 0)
                walk_end(walk, /* complete= */ false);
        else
                walk_go_on(walk);
        return 0;
}

static int on_property(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct walk *walk = userdata;
        int r = 0;

        walk->call = sd_bus_slot_unref(walk->call);
        if (is_unanswered(m))
                r = -ETIMEDOUT;
        else if (reply_is_readable(m, "v"))
                r = single_append(walk, m);
        if (r >= 0 && !readings[walk->reading].properties[++walk->property])
                r = single_end(walk);
        if (r < 0)
                walk_end(walk, /* complete= */ false);
        else
                walk_go_on(walk);
        return 0;
}

static int walk_call(struct walk *walk, const struct reading *reading) {
        const char *path = walk->paths[walk->at];

        if (!reading)
                return bluez_call(walk->bluez, &walk->call, path, "org.freedesktop.DBus.Introspectable",
                                  "Introspect", on_introspected, walk, CALL_LIMIT_US, NULL);
        if (!walk->single)
                return bluez_call(walk->bluez, &walk->call, path, PROPERTIES, "GetAll", on_all, walk,
                                  CALL_LIMIT_US, "s", reading->interface);
        return bluez_call(walk->bluez, &walk->call, path, PROPERTIES, "Get", on_property, walk,
                          CALL_LIMIT_US, "ss", reading->interface, reading->properties[walk->property]);
}

/* The next question, or the end. */
static void walk_go_on(struct walk *walk) {
        for (; walk->at < walk->n_paths; walk->at++) {
                unsigned level = path_level(walk->paths[walk->at]);
                const struct reading *reading = NULL;

                if (walk->children_known || level >= (unsigned)walk->deepest) {
                        while (walk->reading < ARRAY_LENGTH(readings) &&
                               readings[walk->reading].level != level)
                                walk->reading++;
                        if (walk->reading == ARRAY_LENGTH(readings)) {
                                walk->reading = 0;
                                walk->children_known = false;
                                continue;
                        }
                        reading = &readings[walk->reading];
                }
                if (walk_call(walk, reading) < 0)
                        walk_end(walk, /* complete= */ false);
                return;
        }
        walk_end(walk, /* complete= */ true);
}

bool walk_is_under_way(const struct walk *walk) {
        return walk->call;
}

int walk_add(struct walk *walk, const char *path) {
        int r;

        r = path_add(walk, path);
        if (r >= 0 && !walk->call)
                walk_go_on(walk);
        return r;
}

int walk_new(struct bluez *bluez, enum walk_level deepest, const struct walk_callbacks *callbacks,
             void *userdata, struct walk **ret) {
        struct walk *walk = calloc(1, sizeof(*walk));

        if (!walk)
                return -ENOMEM;
        walk->bluez = bluez;
        walk->deepest = deepest;
        walk->callbacks = callbacks;
        walk->userdata = userdata;
        *ret = walk;
        return 0;
}

struct walk *walk_free(struct walk *walk) {
        if (!walk)
                return NULL;
        walk_stop(walk);
        free(walk);
        return NULL;
}
