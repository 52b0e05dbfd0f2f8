/* SPDX-License-Identifier: MIT */
/* Notifications as signals: see broadcast.h. */
#include "sensors/bluez/broadcast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define CALL_LIMIT_US (UINT64_C(30) * 1000 * 1000)

struct broadcast {
        struct bluez *bluez;
        const struct broadcast_callbacks *callbacks;
        void *userdata;
        char *path;
        unsigned source;
        sd_bus_slot *match;
        sd_bus_slot *call;
};

/* Takes "a{sv}". Returns 1 with what "Value" holds, 0 if there is none, or negative errno. */
static int changes_read_value(sd_bus_message *m, const void **ret_value, size_t *ret_size) {
        const char *name, *contents;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &name);
                if (r >= 0)
                        r = sd_bus_message_peek_type(m, NULL, &contents);
                if (r < 0)
                        return r;
                if (strcmp(name, "Value") == 0 && strcmp(contents, "ay") == 0) {
                        r = sd_bus_message_enter_container(m, 'v', "ay");
                        if (r >= 0)
                                r = sd_bus_message_read_array(m, 'y', ret_value, ret_size);
                        return r < 0 ? r : 1;
                }
                r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : 0;
}

static int on_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct broadcast *broadcast = userdata;
        const char *sender = sd_bus_message_get_sender(m), *interface;
        const void *value;
        size_t size;

        /* Any local user may send such a signal to us. */
        if (!broadcast->bluez->owner || !sender || strcmp(sender, broadcast->bluez->owner) != 0)
                return 0;
        if (sd_bus_message_read_basic(m, 's', &interface) < 0 || strcmp(interface, CHARACTERISTIC) != 0)
                return 0;
        if (changes_read_value(m, &value, &size) > 0)
                broadcast->callbacks->packet(broadcast->source, value, size, broadcast->userdata);
        return 0;
}

static int on_notifying(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct broadcast *broadcast = userdata;

        broadcast->call = sd_bus_slot_unref(broadcast->call);
        if (sd_bus_message_is_method_error(m, NULL))
                broadcast->callbacks->failed(m, broadcast->userdata);
        else
                broadcast->callbacks->started(broadcast->userdata);
        return 0;
}

static int broadcast_match(struct broadcast *broadcast) {
        char *rule;
        int r;

        if (asprintf(&rule,
                     "type='signal',sender='org.bluez',path='%s',"
                     "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
                     "arg0='" CHARACTERISTIC "'",
                     broadcast->path) < 0)
                return -ENOMEM;
        r = sd_bus_add_match_async(broadcast->bluez->bus, &broadcast->match, rule, on_properties_changed,
                                   NULL, broadcast);
        free(rule);
        return r;
}

int broadcast_new(struct bluez *bluez, const char *characteristic, unsigned source,
                  const struct broadcast_callbacks *callbacks, void *userdata, struct broadcast **ret) {
        struct broadcast *broadcast = calloc(1, sizeof(*broadcast));
        int r;

        if (!broadcast)
                return -ENOMEM;
        broadcast->bluez = bluez;
        broadcast->source = source;
        broadcast->callbacks = callbacks;
        broadcast->userdata = userdata;
        broadcast->path = strdup(characteristic);
        r = broadcast->path ? broadcast_match(broadcast) : -ENOMEM;
        if (r >= 0)
                r = bluez_call(bluez, &broadcast->call, characteristic, CHARACTERISTIC, "StartNotify",
                               on_notifying, broadcast, CALL_LIMIT_US, NULL);
        if (r < 0) {
                broadcast_free(broadcast);
                return r;
        }
        *ret = broadcast;
        return 0;
}

struct broadcast *broadcast_free(struct broadcast *broadcast) {
        if (!broadcast)
                return NULL;
        if (broadcast->path)
                (void)bluez_call(broadcast->bluez, NULL, broadcast->path, CHARACTERISTIC, "StopNotify",
                                 NULL, NULL, 0, NULL);
        sd_bus_slot_unref(broadcast->call);
        sd_bus_slot_unref(broadcast->match);
        free(broadcast->path);
        free(broadcast);
        return NULL;
}
