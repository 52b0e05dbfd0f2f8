/* SPDX-License-Identifier: MIT */
/* Who calls: see caller.h. */
#include "daemon/bus/caller.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/bus/budget.h"
#include "daemon/bus/error.h"

/* A name is forgotten when it leaves the bus, or when so many newer ones have come. */
#define KNOWN_MAX 256u
#define WAITING_MAX 256u
#define WAITING_PER_NAME 4u

struct known {
        char name[UNIQUE_NAME_SIZE];
        uid_t uid;
};

struct waiting {
        struct callers *callers;
        LIST_ENTRY(waiting) all;
        sd_bus_slot *slot;
        char name[UNIQUE_NAME_SIZE];
        sd_bus_message *message; /* NULL = nothing waits but the name */
        sd_bus_message_handler_t handler;
        void *userdata;
};

struct callers {
        struct bus *bus;
        caller_gone_func gone;
        sd_bus_slot *gone_slot;
        struct known known[KNOWN_MAX]; /* ring: the oldest is overwritten */
        size_t next_known;
        LIST_HEAD(, waiting) waiting;
        size_t n_waiting;
};

static struct known *find_known(struct callers *callers, const char *name) {
        for (size_t i = 0; i < KNOWN_MAX; i++)
                if (callers->known[i].name[0] && strcmp(callers->known[i].name, name) == 0)
                        return &callers->known[i];
        return NULL;
}

static int on_name_gone(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct callers *callers = userdata;
        const char *name, *old_owner, *new_owner;
        const char *sender = sd_bus_message_get_sender(message);
        struct known *known;

        /* The match does not keep out a signal that somebody sends to us alone. */
        if (!sender || strcmp(sender, "org.freedesktop.DBus") != 0)
                return 0;
        if (sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) < 0)
                return 0;
        if (name[0] != ':' || new_owner[0])
                return 0;

        known = find_known(callers, name);
        if (known)
                known->name[0] = '\0';
        callers->gone(callers->bus, name);
        return 0;
}

int callers_new(struct bus *bus, caller_gone_func gone, struct callers **ret) {
        struct callers *callers = calloc(1, sizeof(*callers));

        if (!callers)
                return -ENOMEM;
        callers->bus = bus;
        callers->gone = gone;
        *ret = callers;
        return 0;
}

int callers_attach(struct callers *callers) {
        return sd_bus_add_match_async(
                callers->bus->connection, &callers->gone_slot,
                "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                on_name_gone, NULL, callers);
}

static void waiting_free(struct waiting *waiting) {
        LIST_REMOVE(waiting, all);
        waiting->callers->n_waiting--;
        sd_bus_slot_unref(waiting->slot);
        sd_bus_message_unref(waiting->message);
        free(waiting);
}

void callers_detach(struct callers *callers) {
        while (!LIST_EMPTY(&callers->waiting))
                waiting_free(LIST_FIRST(&callers->waiting));
        callers->gone_slot = sd_bus_slot_unref(callers->gone_slot);
}

struct callers *callers_free(struct callers *callers) {
        if (!callers)
                return NULL;

        callers_detach(callers);
        free(callers);
        return NULL;
}

static int read_uid(sd_bus_message *reply, uid_t *ret) {
        bool found = false;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                const char *key;
                uint32_t uid;

                r = sd_bus_message_read(reply, "s", &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "UnixUserID") == 0) {
                        r = sd_bus_message_read(reply, "v", "u", &uid);
                        *ret = uid;
                        found = true;
                } else
                        r = sd_bus_message_skip(reply, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return found ? 0 : -ENODATA;
}

/* The caller is known now (or will never be): the method's handler runs as if the message had just come.
 */
static void answer(struct waiting *waiting) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_rewind(waiting->message, /* complete= */ true);
        if (r >= 0)
                r = waiting->handler(waiting->message, waiting->userdata, &error);
        if (r < 0)
                (void)sd_bus_reply_method_errno(waiting->message, r, &error);
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct waiting *waiting = userdata;
        struct callers *callers = waiting->callers;
        uid_t uid = (uid_t)-1;
        int r;

        r = sd_bus_message_is_method_error(reply, NULL) ? -ESRCH : read_uid(reply, &uid);
        if (r >= 0 && !find_known(callers, waiting->name)) {
                struct known *known = &callers->known[callers->next_known++ % KNOWN_MAX];

                memcpy(known->name, waiting->name, sizeof(known->name));
                known->uid = uid;
                budget_settle(callers->bus->budget, waiting->name, uid);
        }
        if (waiting->message && r >= 0)
                answer(waiting);
        else if (waiting->message)
                (void)sd_bus_reply_method_errorf(waiting->message, ERROR_NOT_AUTHORIZED,
                                                 "The bus does not say which user calls.");
        waiting_free(waiting);
        return 1;
}

/* Asks the bus who has the name; -EBUSY when so many calls wait that it is not asked. */
static int ask(struct callers *callers, const char *name, struct waiting **ret) {
        struct waiting *waiting;
        unsigned of_name = 0;
        int r;

        LIST_FOREACH (waiting, &callers->waiting, all)
                of_name += waiting->message && strcmp(waiting->name, name) == 0;
        if (of_name >= WAITING_PER_NAME || callers->n_waiting >= WAITING_MAX)
                return -EBUSY;
        waiting = calloc(1, sizeof(*waiting));
        if (!waiting)
                return -ENOMEM;
        waiting->callers = callers;
        memcpy(waiting->name, name, strlen(name) + 1);
        LIST_INSERT_HEAD(&callers->waiting, waiting, all);
        callers->n_waiting++;

        r = sd_bus_call_method_async(callers->bus->connection, &waiting->slot, "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "GetConnectionCredentials", on_credentials, waiting, "s", name);
        if (r < 0) {
                waiting_free(waiting);
                return r;
        }
        *ret = waiting;
        return 0;
}

bool caller_find_uid(struct callers *callers, const char *name, uid_t *ret) {
        const struct known *known = find_known(callers, name);

        if (known)
                *ret = known->uid;
        return known;
}

int caller_learn(struct callers *callers, const char *name) {
        struct waiting *waiting;

        LIST_FOREACH (waiting, &callers->waiting, all)
                if (strcmp(waiting->name, name) == 0)
                        return 0;
        return ask(callers, name, &waiting);
}

int caller_get_uid(struct callers *callers, sd_bus_message *message, sd_bus_message_handler_t handler,
                   void *userdata, sd_bus_error *error, uid_t *ret_uid) {
        const char *sender = sd_bus_message_get_sender(message);
        struct waiting *waiting;
        int r;

        if (!sender || strlen(sender) >= UNIQUE_NAME_SIZE)
                return sd_bus_error_set(error, ERROR_NOT_AUTHORIZED,
                                        "The caller has no name on the bus.");
        if (caller_find_uid(callers, sender, ret_uid))
                return 1;

        r = ask(callers, sender, &waiting);
        if (r == -EBUSY)
                return sd_bus_error_set(error, ERROR_LIMIT_REACHED,
                                        "Too many calls wait for the bus; try again.");
        if (r < 0)
                return r;
        waiting->message = sd_bus_message_ref(message);
        waiting->handler = handler;
        waiting->userdata = userdata;
        return 0;
}

int caller_check_owner(uid_t caller, uid_t owner, sd_bus_error *error) {
        if (caller == 0 || caller == owner)
                return 0;
        return sd_bus_error_set(error, ERROR_NOT_AUTHORIZED,
                                "Only the sensor's owner and root may do this.");
}
