/* SPDX-License-Identifier: MIT */
#include "dbus/notify/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOGIND "org.freedesktop.login1"
#define LOGIND_SESSION LOGIND ".Session"
/* The caller's session or, for a service of the user's, the user's graphical one. */
#define LOGIND_OURS "/org/freedesktop/login1/session/auto"

#define MATCH_LOGIND                                                                               \
        "type='signal',sender='" LOGIND                                                            \
        "',path_namespace='/org/freedesktop/login1/session',interface='" DBUS_INTERFACE_PROPERTIES \
        "',member='PropertiesChanged',arg0='" LOGIND_SESSION "'"
#define MATCH_OF(name) "type='signal',interface='" name "',member='ActiveChanged'"
#define MATCH_OWNER_OF(name)                                                 \
        "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS \
        "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='" name "'"

#define FREEDESKTOP "org.freedesktop.ScreenSaver"
#define GNOME "org.gnome.ScreenSaver"

#define ANSWER_LIMIT_MS 5000

static const struct saver {
        const char *name, *path, *match, *match_owner;
} savers[] = {
        {FREEDESKTOP, "/org/freedesktop/ScreenSaver", MATCH_OF(FREEDESKTOP),
         MATCH_OWNER_OF(FREEDESKTOP)},
        {GNOME, "/org/gnome/ScreenSaver", MATCH_OF(GNOME), MATCH_OWNER_OF(GNOME)},
};

#define SAVERS (sizeof(savers) / sizeof(*savers))

struct screen;

/* A question on its way. */
struct question {
        struct screen *screen;
        DBusPendingCall *pending;
        bool again; /* something changed since it was asked */
        bool *target;
};

struct screen {
        struct bus_loop *session, *system;
        screen_func func;
        void *userdata;
        bool is_locked; /* as told last */
        bool session_locked;
        bool saver_active[SAVERS];
        struct question questions[1 + SAVERS]; /* of logind, then of the savers */
};

static void tell(struct screen *screen) {
        bool locked = screen_is_locked(screen);

        if (locked == screen->is_locked)
                return;
        screen->is_locked = locked;
        screen->func(locked, screen->userdata);
}

static void question_cancel(struct question *question) {
        if (!question->pending)
                return;
        dbus_pending_call_cancel(question->pending);
        dbus_pending_call_unref(question->pending);
        question->pending = NULL;
}

/* A boolean, plain or in a variant. */
static bool bool_read(DBusMessage *reply, bool *ret) {
        DBusMessageIter iter, inside;
        dbus_bool_t value;

        if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
            !dbus_message_iter_init(reply, &iter))
                return false;
        if (dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_VARIANT) {
                dbus_message_iter_recurse(&iter, &inside);
                iter = inside;
        }
        if (dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_BOOLEAN)
                return false;
        dbus_message_iter_get_basic(&iter, &value);
        *ret = value;
        return true;
}

static void ask(struct screen *screen, size_t i);

/* What was true before the last change may be so no more: only "locked" is taken from such an answer. */
static void question_answered(DBusPendingCall *pending, void *userdata) {
        DBusMessage *reply = dbus_pending_call_steal_reply(pending);
        struct question *question = userdata;
        struct screen *screen = question->screen;
        bool again = question->again, answer;

        dbus_pending_call_unref(question->pending);
        question->pending = NULL;
        question->again = false;
        if (reply) {
                if (bool_read(reply, &answer) && (answer || !again))
                        *question->target = answer;
                dbus_message_unref(reply);
        }
        tell(screen);
        if (again)
                ask(screen, (size_t)(question - screen->questions));
}

/* Takes over the message, which may be NULL. */
static void question_send(struct question *question, DBusConnection *connection, DBusMessage *message) {
        if (!message)
                return;
        dbus_message_set_auto_start(message, FALSE);
        if (dbus_connection_send_with_reply(connection, message, &question->pending, ANSWER_LIMIT_MS) &&
            question->pending &&
            !dbus_pending_call_set_notify(question->pending, question_answered, question, NULL))
                question_cancel(question);
        dbus_message_unref(message);
}

static void session_ask(struct screen *screen) {
        const char *interface = LOGIND_SESSION, *property = "LockedHint";
        DBusMessage *message =
                dbus_message_new_method_call(LOGIND, LOGIND_OURS, DBUS_INTERFACE_PROPERTIES, "Get");

        if (message && !dbus_message_append_args(message, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
                                                 &property, DBUS_TYPE_INVALID)) {
                dbus_message_unref(message);
                return;
        }
        question_send(&screen->questions[0], screen->system->connection, message);
}

static void saver_ask(struct screen *screen, size_t i) {
        question_send(&screen->questions[1 + i], screen->session->connection,
                      dbus_message_new_method_call(savers[i].name, savers[i].path, savers[i].name,
                                                   "GetActive"));
}

/* Of logind, then of the savers. One question at a time: whoever floods us with signals must not keep
 * every answer away. */
static void ask(struct screen *screen, size_t i) {
        if (screen->questions[i].pending)
                screen->questions[i].again = true;
        else if (i == 0)
                session_ask(screen);
        else
                saver_ask(screen, i - 1);
}

static void saver_left(struct screen *screen, DBusMessage *message) {
        const char *name, *old_owner, *new_owner;

        if (!dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old_owner,
                                   DBUS_TYPE_STRING, &new_owner, DBUS_TYPE_INVALID))
                return;
        for (size_t i = 0; i < SAVERS; i++) {
                if (strcmp(name, savers[i].name) != 0)
                        continue;
                screen->saver_active[i] = false;
                if (*new_owner)
                        ask(screen, 1 + i);
                tell(screen);
        }
}

static DBusHandlerResult session_filter(DBusConnection *connection, DBusMessage *message,
                                        void *userdata) {
        struct screen *screen = userdata;

        if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
            dbus_message_has_sender(message, DBUS_SERVICE_DBUS))
                saver_left(screen, message);
        for (size_t i = 0; i < SAVERS; i++) {
                dbus_bool_t active;

                if (!dbus_message_is_signal(message, savers[i].name, "ActiveChanged") ||
                    !dbus_message_get_args(message, NULL, DBUS_TYPE_BOOLEAN, &active, DBUS_TYPE_INVALID))
                        continue;
                /* Anybody may send this. That the screen is free again only the saver is asked. */
                screen->saver_active[i] = screen->saver_active[i] || active;
                ask(screen, 1 + i);
                tell(screen);
        }
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static DBusHandlerResult system_filter(DBusConnection *connection, DBusMessage *message,
                                       void *userdata) {
        /* Whichever session changed, and whatever of it: ours is asked for. */
        if (dbus_message_is_signal(message, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged"))
                ask(userdata, 0);
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

int screen_new(struct bus_loop *session, struct bus_loop *system, screen_func func, void *userdata,
               struct screen **ret) {
        struct screen *screen = calloc(1, sizeof(*screen));

        if (!screen)
                return -ENOMEM;
        *screen = (struct screen){
                .session = session, .system = system, .func = func, .userdata = userdata};
        screen->questions[0] = (struct question){.screen = screen, .target = &screen->session_locked};
        for (size_t i = 0; i < SAVERS; i++)
                screen->questions[1 + i] =
                        (struct question){.screen = screen, .target = &screen->saver_active[i]};
        if (!dbus_connection_add_filter(session->connection, session_filter, screen, NULL)) {
                free(screen);
                return -ENOMEM;
        }
        if (system && !dbus_connection_add_filter(system->connection, system_filter, screen, NULL)) {
                dbus_connection_remove_filter(session->connection, session_filter, screen);
                free(screen);
                return -ENOMEM;
        }

        for (size_t i = 0; i < SAVERS; i++) {
                dbus_bus_add_match(session->connection, savers[i].match, NULL);
                dbus_bus_add_match(session->connection, savers[i].match_owner, NULL);
                ask(screen, 1 + i);
        }
        if (system) {
                dbus_bus_add_match(system->connection, MATCH_LOGIND, NULL);
                ask(screen, 0);
        }
        *ret = screen;
        return 0;
}

struct screen *screen_free(struct screen *screen) {
        if (!screen)
                return NULL;
        for (size_t i = 0; i < 1 + SAVERS; i++)
                question_cancel(&screen->questions[i]);
        dbus_connection_remove_filter(screen->session->connection, session_filter, screen);
        if (screen->system)
                dbus_connection_remove_filter(screen->system->connection, system_filter, screen);
        free(screen);
        return NULL;
}

bool screen_is_locked(const struct screen *screen) {
        bool locked = screen->session_locked;

        for (size_t i = 0; i < SAVERS; i++)
                locked = locked || screen->saver_active[i];
        return locked;
}
