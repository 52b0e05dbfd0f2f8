/* SPDX-License-Identifier: MIT */
/* Who hears: see subscribers.h. */
#include "daemon/bus/subscribers.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/caller.h"

struct subscriber {
        char name[UNIQUE_NAME_SIZE];
        uid_t uid;
        const struct language *language;
};

struct subscribers {
        struct bus *bus;
        struct subscriber all[SUBSCRIBERS_MAX];
        size_t n;
};

int subscribers_new(struct bus *bus, struct subscribers **ret) {
        struct subscribers *subscribers = calloc(1, sizeof(*subscribers));

        if (!subscribers)
                return -ENOMEM;
        subscribers->bus = bus;
        *ret = subscribers;
        return 0;
}

struct subscribers *subscribers_free(struct subscribers *subscribers) {
        free(subscribers);
        return NULL;
}

unsigned subscribers_count(const struct subscribers *subscribers, uid_t uid) {
        unsigned count = 0;

        for (size_t i = 0; i < subscribers->n; i++)
                count += subscribers->all[i].uid == uid;
        return count;
}

int subscribers_add(struct subscribers *subscribers, const char *name, uid_t uid,
                    const struct language *language) {
        struct subscriber *subscriber;

        if (strlen(name) >= UNIQUE_NAME_SIZE)
                return -EINVAL;
        for (size_t i = 0; i < subscribers->n; i++)
                if (strcmp(subscribers->all[i].name, name) == 0) {
                        subscribers->all[i].language = language;
                        return 0;
                }
        if (subscribers->n >= SUBSCRIBERS_MAX ||
            subscribers_count(subscribers, uid) >= SUBSCRIBERS_PER_USER)
                return -EDQUOT;

        subscriber = &subscribers->all[subscribers->n++];
        memcpy(subscriber->name, name, strlen(name) + 1);
        subscriber->uid = uid;
        subscriber->language = language;
        return 1;
}

void subscribers_remove(struct subscribers *subscribers, const char *name) {
        for (size_t i = 0; i < subscribers->n; i++)
                if (strcmp(subscribers->all[i].name, name) == 0) {
                        subscribers->all[i] = subscribers->all[--subscribers->n];
                        return;
                }
}

void subscribers_clear(struct subscribers *subscribers) {
        subscribers->n = 0;
}

static bool may_hear(const struct subscriber *subscriber, uid_t owner, const char *to) {
        if (subscriber->uid != 0 && subscriber->uid != owner)
                return false;
        return !to || strcmp(to, subscriber->name) == 0;
}

bool subscribers_hear(const struct subscribers *subscribers, uid_t owner, const char *to) {
        for (size_t i = 0; i < subscribers->n; i++)
                if (may_hear(&subscribers->all[i], owner, to))
                        return true;
        return false;
}

static int send_copy(struct subscribers *subscribers, sd_bus_message *signal, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *copy = NULL;
        int r;

        r = sd_bus_message_new_signal(
                subscribers->bus->connection, &copy, sd_bus_message_get_path(signal),
                sd_bus_message_get_interface(signal), sd_bus_message_get_member(signal));
        if (r < 0)
                return r;
        r = sd_bus_message_rewind(signal, /* complete= */ true);
        if (r < 0)
                return r;
        r = sd_bus_message_copy(copy, signal, /* all= */ true);
        if (r < 0)
                return r;
        return sd_bus_send_to(subscribers->bus->connection, copy, name, NULL);
}

/* `language`: only to those who want this one; NULL: to all. */
static void send_in(struct subscribers *subscribers, sd_bus_message *signal, uid_t owner, const char *to,
                    const struct language *language) {
        int r;

        /* A message can be sent to one destination only, and read (to be copied) only once sealed. */
        r = sd_bus_message_seal(signal, /* cookie= */ 1, /* timeout_usec= */ 0);
        if (r < 0)
                log_error("A signal could not be made ready: %s.", strerror(-r));
        for (size_t i = 0; i < subscribers->n; i++) {
                const struct subscriber *subscriber = &subscribers->all[i];

                if (!may_hear(subscriber, owner, to) || (language && subscriber->language != language))
                        continue;
                r = send_copy(subscribers, signal, subscriber->name);
                if (r < 0)
                        log_error("A signal could not be sent to a subscriber: %s.", strerror(-r));
        }
}

void subscribers_send(struct subscribers *subscribers, sd_bus_message *signal, uid_t owner,
                      const char *to) {
        send_in(subscribers, signal, owner, to, NULL);
}

static bool hears_in(const struct subscribers *subscribers, uid_t owner, const char *to,
                     const struct language *language) {
        for (size_t i = 0; i < subscribers->n; i++)
                if (subscribers->all[i].language == language &&
                    may_hear(&subscribers->all[i], owner, to))
                        return true;
        return false;
}

int subscribers_tell(struct subscribers *subscribers, subscribers_build_func build, const void *userdata,
                     uid_t owner, const char *to) {
        int result = 0;

        for (size_t i = 0; i < languages_n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
                int r;

                if (!hears_in(subscribers, owner, to, &languages[i]))
                        continue;
                r = build(&languages[i], userdata, &signal);
                if (r < 0)
                        result = r;
                else
                        send_in(subscribers, signal, owner, to, &languages[i]);
        }
        return result;
}
