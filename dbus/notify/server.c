/* SPDX-License-Identifier: MIT */
#include "dbus/notify/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/notify/leftovers.h"
#include "dbus/notify/options.h"

#define NAME "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"
#define APP_NAME "crampd"
#define ICON "dialog-warning"
#define DESKTOP_ENTRY "cramp-notify"

#define MATCH_SIGNALS "type='signal',interface='" NAME "',path='" PATH "'"
#define MATCH_OWNER                                                          \
        "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS \
        "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='" NAME "'"

/* A server that does not answer for so long does not work. */
#define ANSWER_LIMIT_MS 20000
#define RETRY_US INT64_C(1000000)
/* Of NotificationClosed: we asked for it. */
#define REASON_CALL 3u

#define BODY_MARKUP_SIZE (6u * sizeof(((struct notice_content *)0)->body))

struct server {
        struct bus_loop *session;
        char owner[256]; /* unique name; "" = none, or not known yet */
        bool is_known;   /* what it can do */
        bool actions, body_markup, sound;
        bool has_failed;
        DBusPendingCall *asking; /* for the capabilities */
        struct notice *notices;
        char *kept;            /* the file of what is on the screen; NULL = it is not kept */
        struct leftovers left; /* by the agent before, until they are closed */
};

struct notice {
        struct notice *next;
        struct server *server;
        notice_func func;
        void *userdata;
        struct notice_content content;
        dbus_uint32_t id; /* 0 = not on the screen */
        bool wanted;
        bool dirty;               /* the content is newer than what was sent */
        const char *sounding;     /* what was sent last asked for this sound */
        bool gone;                /* of the user; lives until the server has answered */
        DBusPendingCall *sending; /* Notify() without an answer yet */
};

static void notice_send(struct notice *notice);

/* --- what a message holds --- */

/* The five that XML knows, for servers that take the body as markup. */
static void escape(const char *text, char *to) {
        static const char *const entities[] = {
                ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;"};

        for (; *text; text++) {
                unsigned char byte = (unsigned char)*text;

                if (byte < sizeof(entities) / sizeof(*entities) && entities[byte])
                        to = stpcpy(to, entities[byte]);
                else
                        *to++ = *text;
        }
        *to = 0;
}

static bool hint_append(DBusMessageIter *dict, const char *key, int type, const void *value) {
        DBusMessageIter entry = DBUS_MESSAGE_ITER_INIT_CLOSED, variant = DBUS_MESSAGE_ITER_INIT_CLOSED;
        const char signature[] = {(char)type, 0};

        if (dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
            dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant) &&
            dbus_message_iter_append_basic(&variant, type, value) &&
            dbus_message_iter_close_container(&entry, &variant) &&
            dbus_message_iter_close_container(dict, &entry))
                return true;
        dbus_message_iter_abandon_container_if_open(&entry, &variant);
        dbus_message_iter_abandon_container_if_open(dict, &entry);
        return false;
}

static bool hints_append(DBusMessageIter *iter, const struct notice *notice) {
        const struct notice_content *content = &notice->content;
        DBusMessageIter dict = DBUS_MESSAGE_ITER_INIT_CLOSED;
        const unsigned char urgency = (unsigned char)content->urgency;
        const char *entry = DESKTOP_ENTRY;
        const dbus_bool_t yes = TRUE;
        bool done;

        done = dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
               hint_append(&dict, "urgency", DBUS_TYPE_BYTE, &urgency) &&
               hint_append(&dict, "category", DBUS_TYPE_STRING, &content->category) &&
               hint_append(&dict, "desktop-entry", DBUS_TYPE_STRING, &entry);
        /* The notice stays when one of its actions was chosen. */
        if (done && notice->server->actions && content->actions[0].key)
                done = hint_append(&dict, "resident", DBUS_TYPE_BOOLEAN, &yes);
        if (done && notice->server->sound)
                done = content->sound
                               ? hint_append(&dict, "sound-name", DBUS_TYPE_STRING, &content->sound)
                               : hint_append(&dict, "suppress-sound", DBUS_TYPE_BOOLEAN, &yes);
        if (done && dbus_message_iter_close_container(iter, &dict))
                return true;
        dbus_message_iter_abandon_container_if_open(iter, &dict);
        return false;
}

static bool actions_append(DBusMessageIter *iter, const struct notice *notice) {
        const struct notice_action *actions = notice->content.actions;
        DBusMessageIter array = DBUS_MESSAGE_ITER_INIT_CLOSED;
        bool done = dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "s", &array);

        for (size_t i = 0; done && notice->server->actions && i < ACTIONS_MAX && actions[i].key; i++)
                done = dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &actions[i].key) &&
                       dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &actions[i].label);
        if (done && dbus_message_iter_close_container(iter, &array))
                return true;
        dbus_message_iter_abandon_container_if_open(iter, &array);
        return false;
}

static bool notify_append(DBusMessage *message, const struct notice *notice) {
        const struct notice_content *content = &notice->content;
        const char *app_name = APP_NAME, *icon = ICON, *summary = content->summary,
                   *body = content->body;
        const dbus_int32_t expire_ms = content->expire_ms;
        char markup[BODY_MARKUP_SIZE];
        DBusMessageIter iter;

        if (notice->server->body_markup) {
                escape(body, markup);
                body = markup;
        }
        dbus_message_iter_init_append(message, &iter);
        return dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &app_name) &&
               dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &notice->id) &&
               dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &icon) &&
               dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &summary) &&
               dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &body) &&
               actions_append(&iter, notice) && hints_append(&iter, notice) &&
               dbus_message_iter_append_basic(&iter, DBUS_TYPE_INT32, &expire_ms);
}

/* --- calls --- */

static DBusMessage *call_new(const char *method) {
        return dbus_message_new_method_call(NAME, PATH, NAME, method);
}

/* Returns the call that waits, or NULL if it could not be sent. */
static DBusPendingCall *call_send(struct server *server, DBusMessage *message,
                                  DBusPendingCallNotifyFunction func, void *userdata) {
        DBusPendingCall *pending = NULL;

        if (!dbus_connection_send_with_reply(server->session->connection, message, &pending,
                                             ANSWER_LIMIT_MS) ||
            !pending)
                return NULL;
        if (dbus_pending_call_set_notify(pending, func, userdata, NULL))
                return pending;
        dbus_pending_call_cancel(pending);
        dbus_pending_call_unref(pending);
        return NULL;
}

static void call_cancel(DBusPendingCall **pending) {
        if (!*pending)
                return;
        dbus_pending_call_cancel(*pending);
        dbus_pending_call_unref(*pending);
        *pending = NULL;
}

static void close_send(struct server *server, dbus_uint32_t id) {
        DBusMessage *message = call_new("CloseNotification");

        if (!message)
                return;
        dbus_message_set_no_reply(message, TRUE);
        dbus_message_set_auto_start(message, FALSE);
        if (dbus_message_append_args(message, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID))
                (void)dbus_connection_send(server->session->connection, message, NULL);
        dbus_message_unref(message);
}

/* --- what is kept for the next agent --- */

static void screen_keep(const struct server *server) {
        struct leftovers shown = {};

        /* Before the owner is known, what the agent before left is still to be read from there. */
        if (!server->kept || !server->is_known)
                return;
        strcpy(shown.owner, server->owner);
        for (const struct notice *notice = server->notices; notice; notice = notice->next)
                if (notice->id > 0 && shown.n < LEFTOVERS_MAX)
                        shown.ids[shown.n++] = notice->id;
        /* Without it a crash leaves more on the screen: nothing to bother anybody with. */
        (void)leftovers_write(server->kept, &shown);
}

static void screen_clean(struct server *server) {
        if (strcmp(server->left.owner, server->owner) == 0)
                for (size_t i = 0; i < server->left.n; i++)
                        close_send(server, server->left.ids[i]);
        server->left.n = 0;
}

static void notice_unlink(struct notice *notice) {
        for (struct notice **p = &notice->server->notices; *p; p = &(*p)->next)
                if (*p == notice) {
                        *p = notice->next;
                        break;
                }
        call_cancel(&notice->sending);
        screen_keep(notice->server);
        free(notice);
}

static void retry_later(struct server *server) {
        if (server->session->retry_at_us == 0)
                server->session->retry_at_us = clock_monotonic_us() + RETRY_US;
}

static void notice_failed(struct notice *notice, const char *error) {
        struct server *server = notice->server;

        if (!server->has_failed)
                (void)complain(0, "a notification could not be shown: %s", error);
        server->has_failed = true;
        notice->dirty = true;
        if (!notice->content.sound)
                notice->content.sound = notice->sounding;
        /* Whoever is not there is waited for, others are tried again. */
        if (strcmp(error, DBUS_ERROR_SERVICE_UNKNOWN) != 0)
                retry_later(server);
}

static void notice_answered(DBusPendingCall *pending, void *userdata) {
        DBusMessage *reply = dbus_pending_call_steal_reply(pending);
        struct notice *notice = userdata;
        struct server *server = notice->server;
        dbus_uint32_t id = 0;

        dbus_pending_call_unref(notice->sending);
        notice->sending = NULL;
        if (reply && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN &&
            dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID) && id > 0) {
                server->has_failed = false;
                if (notice->id != id) {
                        notice->id = id;
                        screen_keep(server);
                }
        } else if (!notice->gone)
                notice_failed(notice,
                              (reply ? dbus_message_get_error_name(reply) : NULL) ?: "bad answer");
        if (reply)
                dbus_message_unref(reply);

        if (notice->gone) {
                if (id > 0)
                        close_send(server, id);
                notice_unlink(notice);
        } else if (notice->id > 0 && notice->dirty && notice->wanted)
                notice_send(notice);
}

static void notice_send(struct notice *notice) {
        DBusMessage *message = call_new("Notify");

        notice->dirty = false;
        if (message && notify_append(message, notice))
                notice->sending = call_send(notice->server, message, notice_answered, notice);
        if (message)
                dbus_message_unref(message);
        notice->sounding = notice->content.sound;
        if (!notice->sending)
                notice_failed(notice, DBUS_ERROR_NO_MEMORY);
        else if (notice->server->is_known)
                notice->content.sound = NULL; /* once */
}

static void notices_send(struct server *server, bool all) {
        for (struct notice *notice = server->notices; notice; notice = notice->next) {
                if (!notice->wanted || notice->gone || !(all || notice->dirty))
                        continue;
                notice->dirty = true;
                if (!notice->sending)
                        notice_send(notice);
        }
}

void server_retry(struct server *server) {
        notices_send(server, /* all= */ false);
}

/* --- what the server can do --- */

static void owner_set(struct server *server, const char *owner) {
        size_t n = strlen(owner);

        if (n >= sizeof(server->owner))
                n = 0; /* longer than the bus allows */
        memcpy(server->owner, owner, n);
        server->owner[n] = 0;
}

static void capabilities_read(struct server *server, DBusMessage *reply) {
        char **names = NULL;
        int n = 0;

        if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &n,
                                   DBUS_TYPE_INVALID))
                return;
        for (int i = 0; i < n; i++) {
                server->actions = server->actions || strcmp(names[i], "actions") == 0;
                server->body_markup = server->body_markup || strcmp(names[i], "body-markup") == 0;
                server->sound = server->sound || strcmp(names[i], "sound") == 0;
        }
        dbus_free_string_array(names);
}

static void capabilities_answered(DBusPendingCall *pending, void *userdata) {
        DBusMessage *reply = dbus_pending_call_steal_reply(pending);
        struct server *server = userdata;

        dbus_pending_call_unref(server->asking);
        server->asking = NULL;
        server->actions = server->body_markup = server->sound = false;
        server->is_known = true;
        if (reply && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN) {
                owner_set(server, dbus_message_get_sender(reply) ?: "");
                capabilities_read(server, reply);
                screen_clean(server);
        }
        screen_keep(server);
        if (reply)
                dbus_message_unref(reply);
        /* What was shown without knowing may be better now. */
        if (server->owner[0])
                notices_send(server, /* all= */ true);
}

/* Starts a server, if the bus knows how. */
static void capabilities_ask(struct server *server) {
        DBusMessage *message = call_new("GetCapabilities");

        call_cancel(&server->asking);
        if (!message)
                return;
        server->asking = call_send(server, message, capabilities_answered, server);
        dbus_message_unref(message);
}

/* --- what the server and the bus tell --- */

static struct notice *notice_find(struct server *server, dbus_uint32_t id) {
        for (struct notice *notice = server->notices; notice; notice = notice->next)
                if (notice->id == id && !notice->gone)
                        return notice;
        return NULL;
}

static void closed_handle(struct server *server, DBusMessage *message) {
        dbus_uint32_t id, reason;
        struct notice *notice;

        if (!dbus_message_get_args(message, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_UINT32, &reason,
                                   DBUS_TYPE_INVALID) ||
            id == 0 || !(notice = notice_find(server, id)))
                return;
        notice->id = 0;
        screen_keep(server);
        if (notice->sending) /* shown anew already */
                return;
        notice->wanted = false;
        if (reason != REASON_CALL)
                notice->func(notice, NULL, notice->userdata);
}

static void action_handle(struct server *server, DBusMessage *message) {
        struct notice *notice;
        dbus_uint32_t id;
        const char *key;

        if (dbus_message_get_args(message, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_STRING, &key,
                                  DBUS_TYPE_INVALID) &&
            id > 0 && (notice = notice_find(server, id)))
                notice->func(notice, key, notice->userdata);
}

static void owner_changed(struct server *server, DBusMessage *message) {
        const char *name, *old_owner, *new_owner;

        if (!dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old_owner,
                                   DBUS_TYPE_STRING, &new_owner, DBUS_TYPE_INVALID) ||
            strcmp(name, NAME) != 0 || strcmp(new_owner, server->owner) == 0)
                return;
        owner_set(server, new_owner);
        /* Nothing is known of another one, nor of this one's next start. */
        server->is_known = server->actions = server->body_markup = server->sound = false;
        for (struct notice *notice = server->notices; notice; notice = notice->next)
                notice->id = 0;
        if (*new_owner) {
                capabilities_ask(server);
                return;
        }
        /* An alert does not wait for somebody to start another server: this call may. */
        for (struct notice *notice = server->notices; notice; notice = notice->next) {
                if (notice->wanted && !notice->gone)
                        notice->dirty = true;
                if (notice->dirty && !notice->sending && notice->content.urgency == URGENCY_CRITICAL)
                        notice_send(notice);
        }
}

static DBusHandlerResult filter(DBusConnection *connection, DBusMessage *message, void *userdata) {
        struct server *server = userdata;

        if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
            dbus_message_has_sender(message, DBUS_SERVICE_DBUS))
                owner_changed(server, message);
        /* Anybody may send signals; the server's are those of the name's owner. */
        else if (server->owner[0] && dbus_message_has_sender(message, server->owner)) {
                if (dbus_message_is_signal(message, NAME, "NotificationClosed"))
                        closed_handle(server, message);
                else if (dbus_message_is_signal(message, NAME, "ActionInvoked"))
                        action_handle(server, message);
        }
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* --- life --- */

/* Returns 0, or -ENOMEM; without a place for it nothing is kept. */
static int kept_open(struct server *server) {
        int r = leftovers_path(server->session->connection, &server->kept);

        if (r >= 0 && leftovers_read(server->kept, &server->left) < 0)
                server->left.n = 0;
        return r == -ENOMEM ? r : 0;
}

int server_new(struct bus_loop *session, bool remember, struct server **ret) {
        struct server *server = calloc(1, sizeof(*server));

        if (!server)
                return -ENOMEM;
        server->session = session;
        if ((remember && kept_open(server) < 0) ||
            !dbus_connection_add_filter(session->connection, filter, server, NULL)) {
                free(server->kept);
                free(server);
                return -ENOMEM;
        }
        dbus_bus_add_match(session->connection, MATCH_SIGNALS, NULL);
        dbus_bus_add_match(session->connection, MATCH_OWNER, NULL);
        capabilities_ask(server);
        *ret = server;
        return 0;
}

struct server *server_free(struct server *server) {
        if (!server)
                return NULL;
        /* What is not closed by now stays on the screen, and in the file. */
        free(server->kept);
        server->kept = NULL;
        while (server->notices)
                notice_unlink(server->notices);
        call_cancel(&server->asking);
        dbus_connection_remove_filter(server->session->connection, filter, server);
        free(server);
        return NULL;
}

bool server_is_known(const struct server *server) {
        return server->is_known;
}

bool server_is_busy(const struct server *server) {
        for (const struct notice *notice = server->notices; notice; notice = notice->next)
                if (notice->sending)
                        return true;
        return false;
}

bool server_has_failed(const struct server *server) {
        return server->has_failed;
}

struct notice *notice_new(struct server *server, notice_func func, void *userdata) {
        struct notice *notice = calloc(1, sizeof(*notice));

        if (!notice)
                return NULL;
        notice->server = server;
        notice->func = func;
        notice->userdata = userdata;
        notice->next = server->notices;
        server->notices = notice;
        return notice;
}

void notice_show(struct notice *notice, const struct notice_content *content) {
        const char *unheard = notice->wanted && notice->dirty ? notice->content.sound : NULL;

        notice->content = *content;
        if (!notice->content.sound)
                notice->content.sound = unheard;
        notice->wanted = true;
        notice->dirty = true;
        if (!notice->sending)
                notice_send(notice);
}

bool notice_is_wanted(const struct notice *notice) {
        return notice && notice->wanted;
}

struct notice *notice_free(struct notice *notice) {
        if (!notice)
                return NULL;
        notice->wanted = false;
        notice->gone = true;
        if (notice->sending)
                return NULL; /* closed by the answer, which has the id */
        if (notice->id > 0)
                close_send(notice->server, notice->id);
        notice_unlink(notice);
        return NULL;
}
