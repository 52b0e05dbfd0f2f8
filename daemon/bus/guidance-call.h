/* SPDX-License-Identifier: MIT */
/*
 * Calls of org.crampd1.Guidance on their way: each waits for its person's earlier ones, gets what the
 * store keeps of that person, works on it, and may change it. So nothing comes between reading and
 * changing. Used by the files that have the interface's methods.
 */
#pragma once

#include "daemon/basic/language.h"
#include "daemon/bus/bus.h"
#include "daemon/store/person.h"

struct guidance_call;

/* Answers the call by guidance_reply() or guidance_change(), or asks for more by guidance_ask_again();
 * or returns negative errno with `error` set.
 */
typedef int (*guidance_work_func)(struct guidance_call *call, const struct store_person *person,
                                  sd_bus_error *error);

/* One of many steps towards the answer. Returns 1 if another follows, 0 when `call->reply` is whole, or
 * negative errno with `error` set. */
typedef int (*guidance_step_func)(struct guidance_call *call, sd_bus_error *error);

struct guidance_call {
        TAILQ_ENTRY(guidance_call) guiding;
        struct bus *bus;
        sd_bus_message *message;
        sd_bus_message *reply;           /* waits for a change to be stored, or for more steps */
        uid_t uid;                       /* whose guidance it is */
        const struct language *language; /* of the answer */
        const char *changes;             /* what of the person it changes */
        bool again;                      /* the store is asked once more, by another filter */
        bool urgent, answered;           /* see guidance_begin_urgent() */
        sd_event_source *patience;
        sd_event_source *turn; /* of guidance_go_on() */
        guidance_step_func step;
        struct store_person_filter filter; /* what to ask of the store */
        guidance_work_func work;
        void *arguments; /* of the method, read already; freed with the call */
};

/* Whose guidance a caller means: its own, or for root `owner`, if that was given. */
int guidance_owner(uid_t caller, bool given, uint32_t owner, uid_t *ret, sd_bus_error *error);

/* Reads options that hold nothing but `owner` and `language`, the last of a method's arguments. */
int guidance_read_options(sd_bus_message *message, uid_t caller, uid_t *ret_uid,
                          const struct language **ret_language, sd_bus_error *error);

/* The filter of a call that needs no more than the profile and the trials. */
struct store_person_filter guidance_filter(uid_t uid);

/* Takes the arguments over in any case. Returns 1: the answer follows; or negative errno with `error`
 * set. */
int guidance_begin(struct bus *bus, sd_bus_message *message, const struct store_person_filter *filter,
                   const struct language *language, guidance_work_func work, void *arguments,
                   sd_bus_error *error);

/* The same of a call that must not wait for a disk: when the store has not answered by then, or cannot,
 * `work` gets NULL as the person, and is not called again. */
#define GUIDANCE_PATIENCE_US 400000u
int guidance_begin_urgent(struct bus *bus, sd_bus_message *message,
                          const struct store_person_filter *filter, const struct language *language,
                          guidance_work_func work, void *arguments, sd_bus_error *error);

/* Begins a call of a method that takes nothing but options with `owner` and `language`: finds out who
 * calls, and works on the profile and the trials, with the nights too if asked for. Returns as a method
 * does. */
int guidance_begin_plain(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t method,
                         bool nights, guidance_work_func work, sd_bus_error *error);

/* The work is done again, with what this filter gives. */
void guidance_ask_again(struct guidance_call *call, const struct store_person_filter *filter);

/* For what takes long: `step` is called until it is done, a turn of the loop each time and only when
 * nothing else waits, so that no sample does; then `reply` is sent. Takes `reply` over in any case.
 * What steps need they keep in `call->arguments`: the person is gone by then. */
int guidance_go_on(struct guidance_call *call, sd_bus_message *reply, guidance_step_func step);

/* Ends what guidance_go_on() began: the daemon stops, and what the store still answers begins no more of
 * it. */
void guidance_stop(struct bus *bus);

/* Sends the answer; takes it over. */
int guidance_reply(struct guidance_call *call, sd_bus_message *reply);

/* Stores the change, then sends the answer. Takes `reply` over in any case; NULL: an empty one. */
int guidance_change(struct guidance_call *call, const struct store_person_change *change,
                    sd_bus_message *reply, sd_bus_error *error);

/* Sets InvalidArgument from an error of guidance/: a message (in English, to be translated) with one %s,
 * the value that it is about, and what would be possible. */
int guidance_refuse(sd_bus_error *error, const struct language *language, const char *message,
                    const char *value, const char *possible);

/* The same of a message without a value. */
int guidance_refuse_plain(sd_bus_error *error, const struct language *language, const char *message);
/* NoSuchEntry, likewise. */
int guidance_refuse_unknown(sd_bus_error *error, const struct language *language, const char *message);
