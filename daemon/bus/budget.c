/* SPDX-License-Identifier: MIT */
/* How many calls a user may make: see budget.h. */
#include "daemon/bus/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/log.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/error.h"

#define USERS_MAX 64u
#define STRANGERS_MAX 256u
/* Of a caller whose user the bus was asked for. */
#define STRANGER_CALLS 100.0
/* Answers that wait for the bus: with more of them, callers are told to wait, or nothing. */
#define ANSWERS_MAX 64u
#define ANSWERS_HARD_MAX 1024u

struct user {
        bool used;
        uid_t uid;
        double calls; /* in hand; < 0 = refused */
        uint64_t seen_us;
        bool told; /* the log knows that it is refused */
};

struct stranger {
        char name[UNIQUE_NAME_SIZE];
        double calls; /* made */
};

struct budget {
        struct bus *bus;
        struct user users[USERS_MAX];             /* who was quiet the longest gives way */
        struct stranger strangers[STRANGERS_MAX]; /* ring: the oldest is overwritten */
        size_t next_stranger;
};

int budget_new(struct bus *bus, struct budget **ret) {
        struct budget *budget = calloc(1, sizeof(*budget));

        if (!budget)
                return -ENOMEM;
        budget->bus = bus;
        *ret = budget;
        return 0;
}

struct budget *budget_free(struct budget *budget) {
        free(budget);
        return NULL;
}

static struct user *user_acquire(struct budget *budget, uid_t uid, uint64_t now_us) {
        struct user *oldest = &budget->users[0];

        for (size_t i = 0; i < USERS_MAX; i++) {
                struct user *user = &budget->users[i];

                if (user->used && user->uid == uid)
                        return user;
                if (!user->used || (oldest->used && user->seen_us < oldest->seen_us))
                        oldest = user;
        }
        *oldest = (struct user){.used = true, .uid = uid, .calls = BUDGET_CALLS, .seen_us = now_us};
        return oldest;
}

static struct stranger *stranger_find(struct budget *budget, const char *name) {
        for (size_t i = 0; i < STRANGERS_MAX; i++)
                if (strcmp(budget->strangers[i].name, name) == 0)
                        return &budget->strangers[i];
        return NULL;
}

static struct stranger *stranger_acquire(struct budget *budget, const char *name) {
        struct stranger *stranger = stranger_find(budget, name);

        if (!stranger) {
                stranger = &budget->strangers[budget->next_stranger++ % STRANGERS_MAX];
                memcpy(stranger->name, name, strlen(name) + 1);
                stranger->calls = 0;
        }
        return stranger;
}

static double call_cost(sd_bus_message *message) {
        const char *interface = sd_bus_message_get_interface(message);

        return interface && (strcmp(interface, "org.freedesktop.DBus.Introspectable") == 0 ||
                             strcmp(interface, "org.freedesktop.DBus.ObjectManager") == 0)
                       ? BUDGET_WIDE_CALL
                       : 1.0;
}

/* Takes a call from what the user has in hand. Returns what is left. */
static double user_spend(struct user *user, double cost, uint64_t now_us) {
        user->calls += BUDGET_CALLS_PER_S * (double)(now_us - user->seen_us) / 1e6;
        user->seen_us = now_us;
        if (user->calls >= BUDGET_CALLS) {
                user->calls = BUDGET_CALLS;
                user->told = false;
        }
        user->calls -= cost;
        if (user->calls < -BUDGET_REFUSALS - 1.0)
                user->calls = -BUDGET_REFUSALS - 1.0;
        if (user->calls < 0 && !user->told) {
                user->told = true;
                log_warning("User %u calls too often: some calls are refused.", (unsigned)user->uid);
        }
        return user->calls;
}

/* What the caller has left after this call. */
static double budget_spend(struct budget *budget, const char *name, double cost) {
        struct stranger *stranger;
        uint64_t now_us;
        uid_t uid;

        if (sd_event_now(budget->bus->crampd->event, CLOCK_MONOTONIC, &now_us) < 0)
                return 0;
        if (!caller_find_uid(budget->bus->callers, name, &uid)) {
                /* Should the bus have too much to do to be asked, the next call asks again. */
                (void)caller_learn(budget->bus->callers, name);
                stranger = stranger_acquire(budget, name);
                stranger->calls += cost;
                return STRANGER_CALLS - stranger->calls;
        }
        return uid == 0 ? 0 : user_spend(user_acquire(budget, uid, now_us), cost, now_us);
}

void budget_settle(struct budget *budget, const char *name, uid_t uid) {
        struct stranger *stranger = stranger_find(budget, name);
        uint64_t now_us;

        if (!stranger || sd_event_now(budget->bus->crampd->event, CLOCK_MONOTONIC, &now_us) < 0)
                return;
        if (uid != 0)
                (void)user_spend(user_acquire(budget, uid, now_us), stranger->calls, now_us);
        stranger->name[0] = '\0';
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name = sd_bus_message_get_sender(message);
        struct budget *budget = userdata;
        uint64_t answers = 0;
        double left;

        /* One without a sender can do nothing anyway: see caller.c. */
        if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0 || !name ||
            strlen(name) >= UNIQUE_NAME_SIZE)
                return 0;

        left = budget_spend(budget, name, call_cost(message));
        (void)sd_bus_get_n_queued_write(budget->bus->connection, &answers);
        if (left >= 0 && answers <= ANSWERS_MAX)
                return 0;
        if (left < -BUDGET_REFUSALS || answers > ANSWERS_HARD_MAX)
                return 1;
        if (left < 0)
                return sd_bus_error_set(error, ERROR_LIMIT_REACHED,
                                        "Too many calls of this user; wait a second.");
        return sd_bus_error_set(error, ERROR_LIMIT_REACHED,
                                "Too many answers wait for the bus; try again.");
}

int budget_watch(struct budget *budget, sd_bus_slot **ret_slot) {
        return sd_bus_add_filter(budget->bus->connection, ret_slot, on_message, budget);
}
