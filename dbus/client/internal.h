/* SPDX-License-Identifier: MIT */
/*
 * What the files of the client library share: the connection object, calls, checked reading of values.
 * Nothing of this is exported. Needs libdbus and libc; no header of the daemon.
 *
 * Rule for everything that comes from the bus: types are checked before values are taken, strings are
 * copied, counts are limited. libdbus itself guarantees that messages are well formed and strings are
 * UTF-8.
 */
#pragma once

#include <dbus/dbus.h>
#include <stdarg.h>

#include "dbus/client/bus-loop.h"
#include "dbus/client/crampd-client.h"

#define SERVICE_NAME "org.crampd1"
#define MANAGER_PATH "/org/crampd1"
#define SENSOR_PATH_PREFIX "/org/crampd1/sensor/"
#define MANAGER_INTERFACE "org.crampd1.Manager"
#define SENSOR_INTERFACE "org.crampd1.Sensor"
#define HISTORY_INTERFACE "org.crampd1.History"
#define GUIDANCE_INTERFACE "org.crampd1.Guidance"

/* Longest string that is taken from the service (no shorter than what it makes at most: TEXT_SIZE in
 * daemon/bus/advice.c), and longest that is sent to it. */
#define STRING_MAX_BYTES 8192u
#define ARGUMENT_MAX_BYTES 1024u
#define SENSORS_MAX 4096u
#define RELIEF_STEPS_MAX 32u
#define PAIN_MAX 10u
#define ITEMS_PER_PAGE 1000u
/* A night with a cramp every minute for five years. */
#define ITEMS_MAX 1000000u

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct call;

struct crampd_client {
        DBusConnection *connection;
        int timeout_ms;
        char *language;       /* of texts for people; NULL = not said */
        struct bus_loop loop; /* has the same connection */

        /* events.c */
        crampd_event_func func; /* NULL = not subscribed */
        void *userdata;
        char *owner;      /* unique name behind org.crampd1; NULL while it is away */
        bool subscribed;  /* that owner has confirmed */
        bool subscribing; /* crampd_subscribe_later() is under way */
        DBusPendingCall *renewal;

        struct call *calls; /* later.c: without an answer yet */

        /* scan.c */
        crampd_found_func found_func; /* NULL = not scanning */
        void *found_userdata;
        char *scan_owner; /* unique name that scans for us */

        /* calibrate.c */
        crampd_calibration_func calibration_func; /* NULL = not calibrating */
        void *calibration_userdata;
        char *calibration_owner; /* unique name that calibrates for us */
        char *calibration_path;
};

/* --- call.c --- */

/* Fill in `error`, if there is one, and return `r` (negative errno). */
int error_set(struct crampd_error *error, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
int error_set_oom(struct crampd_error *error);
int error_set_dbus(struct crampd_error *error, const DBusError *dbus_error);
int error_set_reply(struct crampd_error *error, DBusMessage *reply);

/* -EINVAL, naming `what`, unless the caller's string may be sent. libdbus aborts the program for invalid
 * UTF-8. */
int check_text(const char *what, const char *text, struct crampd_error *error);
int check_sensor_path(const char *path, struct crampd_error *error);

int call_new(const char *path, const char *interface, const char *method, DBusMessage **ret,
             struct crampd_error *error);

/* A call in two steps: what happens in between does not wait for it. call_end() takes the call over; one
 * that is not wanted any more is to be cancelled and given up by dbus_pending_call_cancel() and
 * _unref(). */
int call_begin(crampd_client *client, DBusMessage *message, DBusPendingCall **ret,
               struct crampd_error *error);
int call_end(DBusPendingCall *pending, DBusMessage **ret_reply, struct crampd_error *error);
/* -EPROTO for a reply of another signature. */
int reply_check(DBusMessage *message, DBusMessage *reply, const char *signature,
                struct crampd_error *error);

/* A call whose answer is got later, for asking ahead. One that is zero is none. */
struct asked {
        DBusMessage *message;
        DBusPendingCall *call;
};

/* Takes the message over, also when it fails. */
int asked_begin(crampd_client *client, DBusMessage *message, struct asked *ret,
                struct crampd_error *error);
/* Waits for it. -EPROTO for a reply of another signature. */
int asked_end(struct asked *asked, const char *signature, DBusMessage **ret, struct crampd_error *error);
void asked_give_up(struct asked *asked);

/* Sends and waits. An error as reply is a failure. */
int call_send(crampd_client *client, DBusMessage *message, DBusMessage **ret_reply,
              struct crampd_error *error);
/* The same. A reply of another signature is -EPROTO. `ret_reply` may be NULL. */
int call_wait(crampd_client *client, DBusMessage *message, const char *signature,
              DBusMessage **ret_reply, struct crampd_error *error);

/* --- later.c --- */

/* Forgets the calls that wait for an answer. */
void calls_cancel(crampd_client *client);
/* Only those of crampd_subscribe_later(). */
void subscribing_cancel(crampd_client *client);

/* --- guidance.c, for the other calls of org.crampd1.Guidance --- */

/* Appends options with nothing but whose guidance it is, and the language. */
bool guidance_append_owner(const crampd_client *client, DBusMessage *message, unsigned owner);
/* Sends a call that is complete; frees it. */
int guidance_call(crampd_client *client, DBusMessage *message, const char *signature,
                  DBusMessage **ret_reply, struct crampd_error *error);
/* Calls `method` with an id. */
int guidance_delete(crampd_client *client, const char *method, unsigned owner, const char *id,
                    struct crampd_error *error);
/* The number of dictionaries in the array at `iter`, or negative errno. */
int dicts_count(DBusMessageIter *iter, struct crampd_error *error);

/* --- requests and answers that are sent with and without waiting --- */

#define ADVISE_SIGNATURE "a{sv}aa{sv}aa{sv}"
#define SENSORS_SIGNATURE "a(oa{sv})"

int annotate_request(const char *id, const struct crampd_annotation *annotation, DBusMessage **ret,
                     struct crampd_error *error);
int advise_request(unsigned owner, const char *topic, const char *language, DBusMessage **ret,
                   struct crampd_error *error);
int advise_read(DBusMessage *reply, struct crampd_advice **ret, struct crampd_error *error);
int sensors_read(DBusMessage *reply, struct crampd_sensor **ret, size_t *ret_n,
                 struct crampd_error *error);

/* --- values.c --- */

enum field_kind {
        FIELD_STRING,    /* s -> char * (copied) */
        FIELD_STRINGS,   /* as -> char ** (copied; NULL at the end) */
        FIELD_BOOL,      /* b -> bool */
        FIELD_TRISTATE,  /* b -> int */
        FIELD_INT16,     /* n -> int */
        FIELD_INT,       /* i -> int */
        FIELD_UNSIGNED,  /* u -> unsigned */
        FIELD_PERCENT,   /* u, 0-100 -> int */
        FIELD_MILLIVOLT, /* u, up to 100 V -> int */
        FIELD_PAIN,      /* u, 0-10 -> int */
        FIELD_INT64,     /* x -> int64_t */
        FIELD_UINT64,    /* t -> uint64_t */
        FIELD_DOUBLE,    /* d -> double */
        FIELD_CHANNELS,  /* ad, finite -> struct crampd_channels */
};

/* One key of an a{sv} and where its value goes. */
struct field {
        const char *key;
        enum field_kind kind;
        bool required;
        size_t offset;
};

#define FIELDS_MAX 64u

/* Reads the a{sv} at `iter` into `target`, whose members hold the defaults; string members are NULL or
 * allocated, and belong to the caller also after a failure. Unknown keys are ignored. -EPROTO for a
 * wrong type or a missing key. */
int dict_read(DBusMessageIter *iter, const struct field *fields, size_t n_fields, void *target,
              struct crampd_error *error);

/* Finds the value of `key` in the a{sv} at `iter`: 1 with `ret` at it, 0 if it is not there, -EPROTO for
 * one of another signature. */
int dict_find(DBusMessageIter *iter, const char *key, const char *signature, DBusMessageIter *ret,
              struct crampd_error *error);

/* Copies the string or object path at `iter` and moves on. */
int string_read(DBusMessageIter *iter, char **ret, struct crampd_error *error);
/* Copies the array of strings at `iter` and moves on. The result ends with NULL. */
int strings_read(DBusMessageIter *iter, unsigned max, char ***ret, struct crampd_error *error);
void strings_free(char **strings);

/* Writing of an a{sv}; each returns false when memory is short. After a failure only dict_abandon() may
 * follow. */
struct dict_writer {
        DBusMessageIter message;
        DBusMessageIter dict;
};

bool dict_begin(struct dict_writer *writer, DBusMessage *message);
bool dict_put(struct dict_writer *writer, const char *key, int type, const void *value);
bool dict_end(struct dict_writer *writer);
void dict_abandon(struct dict_writer *writer);

/* Appends an empty a{sv}. */
bool append_no_options(DBusMessage *message);
/* Puts the client's language, if it has one. */
bool dict_put_language(struct dict_writer *writer, const crampd_client *client);
/* Appends options with the client's language alone. */
bool append_language(DBusMessage *message, const crampd_client *client);

/* --- history.c --- */

/* Frees the members, not the structure. */
void episode_clear(struct crampd_episode *episode);
/* -EPROTO for an offset that no zone has. */
int zone_check(int zone_offset_s, struct crampd_error *error);
/* -EPROTO unless zone offset and confidence lie in their ranges. */
int episode_check(const struct crampd_episode *episode, struct crampd_error *error);

/* Takes one dictionary of a page. A negative return ends the listing and is returned. */
typedef int (*page_item_func)(DBusMessageIter *item, void *userdata, struct crampd_error *error);
/* Takes a whole page. Returns the number of its rows, or a negative value, which ends the listing. */
typedef int (*page_func)(DBusMessage *page, void *userdata, uint64_t *ret_cursor,
                         struct crampd_error *error);
/* What pages are asked for. */
struct pages_filter {
        const char *interface;
        const char *method;
        int64_t since_us, until_us; /* CRAMPD_NO_TIME = open */
        const char *sensor;         /* NULL = all */
        unsigned owner;             /* CRAMPD_OWNER_SELF = not said */
        bool texts;                 /* in the client's language */
};
int pages_walk(crampd_client *client, const struct pages_filter *filter, const char *signature,
               page_func func, void *userdata, struct crampd_error *error);
int pages_list_of(crampd_client *client, const struct pages_filter *filter, page_item_func func,
                  void *userdata, struct crampd_error *error);
/* All pages that `method` (of options to aa{sv}t) gives. */
int pages_list(crampd_client *client, const char *method, const struct crampd_filter *filter,
               page_item_func func, void *userdata, struct crampd_error *error);

/* A call of a method of History that takes an id and options, and the answer to it. */
int by_id_request(const char *method, const char *id, DBusMessage **ret, struct crampd_error *error);
int call_by_id(crampd_client *client, const char *method, const char *id, const char *signature,
               DBusMessage **ret_reply, struct crampd_error *error);

/* --- events.c --- */

DBusHandlerResult events_filter(DBusConnection *connection, DBusMessage *message, void *userdata);
void events_retry(crampd_client *client);
void events_stop(crampd_client *client);
/* The two calls of a subscription, and what comes of the second, when it has begun (`r` is 0) or not:
 * returns the same, -ENOTCONN if it now waits for crampd, else another failure, after which there is
 * none. */
int match_request(const char *method, DBusMessage **ret, struct crampd_error *error);
int subscribe_request(const crampd_client *client, DBusMessage **ret, struct crampd_error *error);
int subscribe_finish(crampd_client *client, int r, DBusMessage *reply, struct crampd_error *error);

/* --- scan.c --- */

/* Takes a signal of the scan. Returns DBUS_HANDLER_RESULT_NOT_YET_HANDLED if it is none. */
DBusHandlerResult scan_filter(crampd_client *client, DBusMessage *message);
void scan_stop(crampd_client *client);

/* --- calibrate.c --- */

/* As scan_filter(). */
DBusHandlerResult calibration_filter(crampd_client *client, DBusMessage *message);
void calibration_stop(crampd_client *client);
