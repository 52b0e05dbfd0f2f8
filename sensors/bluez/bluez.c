/* SPDX-License-Identifier: MIT */
/*
 * The connection to bluetoothd: who it is, what it exports, what changed. The objects themselves are in
 * objects.c, the watchers in link.c. All calls are asynchronous and go to bluetoothd's unique name, and
 * signals are taken from it alone: any local user may send us a signal that claims to be about
 * /org/bluez.
 */
#include "sensors/bluez/objects.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/basic/priority.h"
#include "sensors/bluez/walk.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define FETCH_LIMIT_US (UINT64_C(25) * 1000 * 1000)
#define TIMER_ACCURACY_US 20000u

static bool message_is_from_bluez(const struct bluez *bluez, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);

        return bluez->owner && sender && strcmp(sender, bluez->owner) == 0;
}

/* Who wants a slot waits for the reply, so the slot holds the call; sd-bus frees the rest by itself. */
int bluez_call(struct bluez *bluez, sd_bus_slot **ret_slot, const char *path, const char *interface,
               const char *member, sd_bus_message_handler_t reply, void *userdata, uint64_t limit_us,
               const char *types, ...) {
        sd_bus_message *m = NULL;
        va_list arguments;
        int r;

        if (!bluez->owner)
                return -ENOTCONN;

        r = sd_bus_message_new_method_call(bluez->bus, &m, bluez->owner, path, interface, member);
        if (r < 0)
                return r;
        if (types) {
                va_start(arguments, types);
                r = sd_bus_message_appendv(m, types, arguments);
                va_end(arguments);
        }
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0)
                r = ret_slot ? sd_bus_call_async(bluez->bus, ret_slot, m, reply, userdata, limit_us)
                             : sd_bus_send(bluez->bus, m, NULL);
        sd_bus_message_unref(m);
        return r < 0 ? r : 0;
}

enum bluez_health bluez_check(const struct bluez *bluez) {
        if (!bluez->owner_known)
                return BLUEZ_UNKNOWN;
        if (!bluez->owner)
                return BLUEZ_GONE;
        if (!bluez->fetched)
                return bluez->fetch_failed ? BLUEZ_MUTE : BLUEZ_UNKNOWN;
        if (!bluez->adapters)
                return BLUEZ_NO_ADAPTER;
        for (const struct bluez_adapter *a = bluez->adapters; a; a = a->next)
                if (a->powered)
                        return BLUEZ_OK;
        return BLUEZ_ADAPTER_OFF;
}

const char *bluez_get_health(const struct bluez *bluez) {
        switch (bluez_check(bluez)) {
        case BLUEZ_OK:
                return "ok";
        case BLUEZ_NO_ADAPTER:
        case BLUEZ_ADAPTER_OFF:
                return "no-adapter";
        default:
                return "no-bluez";
        }
}

void bluez_set_timings(struct bluez *bluez, const struct link_timings *timings) {
        bluez->timings = timings;
}

int bluez_arm(struct bluez *bluez, sd_event_source **source, uint64_t delay_us,
              sd_event_time_handler_t handler, void *userdata) {
        int r;

        if (!*source) {
                r = sd_event_add_time_relative(bluez->event, source, CLOCK_BOOTTIME, delay_us,
                                               TIMER_ACCURACY_US, handler, userdata);
                if (r < 0)
                        return r;
                /* What has arrived is taken before anyone concludes that nothing did. */
                return sd_event_source_set_priority(*source, PRIORITY_SETTLED);
        }

        r = sd_event_source_set_time_relative(*source, delay_us);
        return r < 0 ? r : sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
}

void bluez_touch(struct bluez *bluez) {
        (void)sd_event_source_set_enabled(bluez->dispatch, SD_EVENT_ONESHOT);
}

static int on_dispatch(sd_event_source *source, void *userdata) {
        struct bluez *bluez = userdata;

        for (struct bluez_adapter *a = bluez->adapters; a; a = a->next)
                radio_run(a);
        for (struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                w->changed(w->userdata);
        return 0;
}

static void bluez_ask_owner(struct bluez *bluez);

static int on_retry(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct bluez *bluez = userdata;

        if (bluez->owner_known)
                bluez_fetch(bluez);
        else
                bluez_ask_owner(bluez);
        return 0;
}

/* The source is there from the start, so this does not fail. */
static void bluez_retry(struct bluez *bluez) {
        (void)bluez_arm(bluez, &bluez->retry, bluez->timings->retry_us, on_retry, bluez);
}

static void bluez_end_fetch(struct bluez *bluez, bool complete) {
        bluez->fetch_walks = false;
        bluez->fetched = bluez->fetched || complete;
        bluez->fetch_failed = !complete;
        if (!complete)
                bluez_retry(bluez);
        else if (bluez->fetch_again)
                bluez_fetch(bluez);
        bluez_touch(bluez);
}

/* Whoever is in range chooses a name that spoils a message: see walk.h. */
static void bluez_fetch_singly(struct bluez *bluez) {
        if (!bluez->unreadable)
                log_warning("Bluetooth devices are asked for one by one: a text of one cannot be read.");
        bluez->unreadable = true;
        bluez->fetch_walks = true;
        if (walk_add(bluez->walk, WALK_ROOT_PATH) < 0)
                bluez_end_fetch(bluez, /* complete= */ false);
}

static bool on_wants(const char *path, void *userdata) {
        return objects_want(userdata, path);
}

static void on_properties(const char *path, const char *interface, sd_bus_message *properties,
                          void *userdata) {
        (void)objects_apply_interface(userdata, path, interface, properties);
}

static void on_walked(bool complete, void *userdata) {
        struct bluez *bluez = userdata;

        if (bluez->fetch_walks)
                bluez_end_fetch(bluez, complete);
        else if (!complete)
                bluez_retry(bluez);
        bluez_touch(bluez);
}

static const struct walk_callbacks walk_callbacks = {
        .wants = on_wants,
        .properties = on_properties,
        .done = on_walked,
};

/* A signal about the object could not be read. */
static void bluez_ask_object(struct bluez *bluez, const char *path) {
        if (objects_want(bluez, path) && walk_add(bluez->walk, path) < 0)
                bluez_retry(bluez);
}

static int on_managed_objects(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez *bluez = userdata;
        int r;

        bluez->fetch_call = sd_bus_slot_unref(bluez->fetch_call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                bluez->fetch_failed = true;
                bluez_touch(bluez);
                bluez_retry(bluez);
                return 0;
        }

        r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                const char *path;

                r = sd_bus_message_read_basic(m, 'o', &path);
                if (r >= 0)
                        r = objects_apply(bluez, path, m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }

        if (r < 0)
                bluez_fetch_singly(bluez);
        else {
                bluez->unreadable = false;
                bluez_end_fetch(bluez, /* complete= */ true);
        }
        return 0;
}

void bluez_fetch(struct bluez *bluez) {
        /* A reply that is under way may have been made before what is asked for now. */
        bluez->fetch_again = bluez->fetch_call || bluez->fetch_walks;
        if (bluez->fetch_again || !bluez->owner)
                return;
        if (bluez_call(bluez, &bluez->fetch_call, "/", "org.freedesktop.DBus.ObjectManager",
                       "GetManagedObjects", on_managed_objects, bluez, FETCH_LIMIT_US, NULL) < 0)
                bluez_retry(bluez);
}

static void bluez_set_owner(struct bluez *bluez, const char *owner) {
        bool runs = owner && owner[0];
        char *copy = runs ? strdup(owner) : NULL;

        objects_clear(bluez);
        bluez->fetch_call = sd_bus_slot_unref(bluez->fetch_call);
        walk_stop(bluez->walk);
        bluez->fetched = bluez->fetch_failed = bluez->fetch_walks = false;
        free(bluez->owner);
        bluez->owner = copy;
        bluez->owner_known = copy || !runs;
        if (bluez->owner_known)
                bluez_fetch(bluez);
        else
                bluez_retry(bluez);
        bluez_touch(bluez);
}

static int on_name_owner(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez *bluez = userdata;
        const char *owner = NULL;

        bluez->owner_call = sd_bus_slot_unref(bluez->owner_call);
        if (sd_bus_message_is_method_error(m, NULL)
                    ? sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER)
                    : sd_bus_message_read_basic(m, 's', &owner) >= 0)
                bluez_set_owner(bluez, owner);
        else /* the bus took longer than the call may last, or has too much to do */
                bluez_retry(bluez);
        return 0;
}

static void bluez_ask_owner(struct bluez *bluez) {
        bluez->owner_call = sd_bus_slot_unref(bluez->owner_call);
        if (sd_bus_call_method_async(bluez->bus, &bluez->owner_call, BUS_NAME, BUS_PATH, BUS_NAME,
                                     "GetNameOwner", on_name_owner, bluez, "s", "org.bluez") < 0)
                bluez_retry(bluez);
}

static int on_name_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez *bluez = userdata;
        const char *sender = sd_bus_message_get_sender(m), *name, *owner;

        if (!sender || strcmp(sender, BUS_NAME) != 0)
                return 0;
        if (sd_bus_message_read(m, "sss", &name, NULL, &owner) < 0 || strcmp(name, "org.bluez") != 0)
                return 0;
        bluez->owner_call = sd_bus_slot_unref(bluez->owner_call);
        bluez_set_owner(bluez, owner);
        return 0;
}

static int on_interfaces_added(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez *bluez = userdata;
        const char *path;

        if (!message_is_from_bluez(bluez, m))
                return 0;
        if (sd_bus_message_read_basic(m, 'o', &path) < 0)
                return 0;
        if (objects_apply(bluez, path, m) < 0)
                bluez_ask_object(bluez, path);
        bluez_touch(bluez);
        return 0;
}

static int on_interfaces_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez *bluez = userdata;
        const char *path, *interface;

        if (!message_is_from_bluez(bluez, m))
                return 0;
        if (sd_bus_message_read_basic(m, 'o', &path) < 0 ||
            sd_bus_message_enter_container(m, 'a', "s") < 0)
                return 0;
        while (sd_bus_message_read_basic(m, 's', &interface) > 0)
                objects_remove(bluez, path, interface);
        bluez_touch(bluez);
        return 0;
}

static int on_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez *bluez = userdata;
        const char *path = sd_bus_message_get_path(m);
        int r;

        if (!message_is_from_bluez(bluez, m))
                return 0;
        r = objects_change(bluez, path, m);
        if (r < 0)
                bluez_ask_object(bluez, path);
        if (r != 0)
                bluez_touch(bluez);
        return 0;
}

#define PROPERTIES_CHANGED(interface)                                   \
        "type='signal',sender='org.bluez',path_namespace='/org/bluez'," \
        "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" interface "'"

/* Narrow on purpose: values that other clients have broadcast (GattCharacteristic1) must not wake us. */
static int bluez_add_matches(struct bluez *bluez) {
        static const struct {
                const char *rule;
                sd_bus_message_handler_t handler;
        } matches[] = {
                {"type='signal',sender='" BUS_NAME "',path='" BUS_PATH "',interface='" BUS_NAME
                 "',member='NameOwnerChanged',arg0='org.bluez'",
                 on_name_owner_changed},
                {"type='signal',sender='org.bluez',path='/"
                 "',interface='org.freedesktop.DBus.ObjectManager',"
                 "member='InterfacesAdded'",
                 on_interfaces_added},
                {"type='signal',sender='org.bluez',path='/"
                 "',interface='org.freedesktop.DBus.ObjectManager',"
                 "member='InterfacesRemoved'",
                 on_interfaces_removed},
                {PROPERTIES_CHANGED("org.bluez.Adapter1"), on_properties_changed},
                {PROPERTIES_CHANGED("org.bluez.LEAdvertisingManager1"), on_properties_changed},
                {PROPERTIES_CHANGED("org.bluez.Device1"), on_properties_changed},
                {PROPERTIES_CHANGED("org.bluez.Battery1"), on_properties_changed},
        };

        _Static_assert(ARRAY_LENGTH(matches) == ARRAY_LENGTH(((struct bluez *)NULL)->matches),
                       "one slot each");
        for (size_t i = 0; i < ARRAY_LENGTH(matches); i++) {
                int r = sd_bus_add_match_async(bluez->bus, &bluez->matches[i], matches[i].rule,
                                               matches[i].handler, NULL, bluez);

                if (r < 0)
                        return r;
        }
        return 0;
}

int bluez_watch(struct bluez *bluez, struct bluez_watcher *watcher) {
        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (strcmp(w->address, watcher->address) == 0)
                        return -EEXIST;

        /* What the address has exported before was not kept. */
        bluez_fetch(bluez);
        /* One who adds sensors anew gains no turns by it. */
        watcher->served = ++bluez->turns;
        watcher->next = bluez->watchers;
        bluez->watchers = watcher;
        bluez_touch(bluez);
        return 0;
}

void bluez_unwatch(struct bluez *bluez, struct bluez_watcher *watcher) {
        for (struct bluez_watcher **w = &bluez->watchers; *w; w = &(*w)->next) {
                if (*w != watcher)
                        continue;
                radio_set_scanning(bluez, watcher, false);
                radio_release(bluez, watcher);
                *w = watcher->next;
                objects_forget_address(bluez, watcher->address);
                bluez_touch(bluez);
                return;
        }
}

int bluez_new(sd_bus *bus, struct bluez **ret) {
        struct bluez *bluez;
        int r;

        bluez = calloc(1, sizeof(*bluez));
        if (!bluez)
                return -ENOMEM;
        bluez->timings = &link_timings_default;
        bluez->bus = sd_bus_ref(bus);
        bluez->event = sd_event_ref(sd_bus_get_event(bus));
        if (!bluez->event) {
                r = -EINVAL;
                goto fail;
        }

        r = walk_new(bluez, WALK_CHARACTERISTIC, &walk_callbacks, bluez, &bluez->walk);
        if (r >= 0)
                r = sd_event_add_defer(bluez->event, &bluez->dispatch, on_dispatch, bluez);
        if (r >= 0)
                r = sd_event_source_set_enabled(bluez->dispatch, SD_EVENT_OFF);
        if (r >= 0)
                r = bluez_arm(bluez, &bluez->retry, bluez->timings->retry_us, on_retry, bluez);
        if (r >= 0)
                r = sd_event_source_set_enabled(bluez->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = bluez_add_matches(bluez);
        if (r < 0)
                goto fail;
        bluez_ask_owner(bluez);

        *ret = bluez;
        return 0;

fail:
        bluez_free(bluez);
        return r;
}

int bluez_use_adapter(struct bluez *bluez, const char *name) {
        char **used = reallocarray(bluez->adapters_used, bluez->n_adapters_used + 1, sizeof(*used));

        if (!used)
                return -ENOMEM;
        bluez->adapters_used = used;
        if (asprintf(&used[bluez->n_adapters_used], "/org/bluez/%s", name) < 0)
                return -ENOMEM;
        bluez->n_adapters_used++;
        return 0;
}

struct bluez *bluez_free(struct bluez *bluez) {
        if (!bluez)
                return NULL;

        for (size_t i = 0; i < ARRAY_LENGTH(bluez->matches); i++)
                sd_bus_slot_unref(bluez->matches[i]);
        sd_bus_slot_unref(bluez->owner_call);
        sd_bus_slot_unref(bluez->fetch_call);
        walk_free(bluez->walk);
        for (struct bluez_adapter *a = bluez->adapters; a; a = a->next)
                if (a->radio == RADIO_STARTING || a->radio == RADIO_SCANNING)
                        (void)bluez_call(bluez, NULL, a->path, "org.bluez.Adapter1", "StopDiscovery",
                                         NULL, NULL, 0, NULL);
        objects_clear(bluez);
        sd_event_source_disable_unref(bluez->dispatch);
        sd_event_source_disable_unref(bluez->retry);
        for (size_t i = 0; i < bluez->n_adapters_used; i++)
                free(bluez->adapters_used[i]);
        free(bluez->adapters_used);
        free(bluez->owner);
        sd_event_unref(bluez->event);
        sd_bus_unref(bluez->bus);
        free(bluez);
        return NULL;
}
