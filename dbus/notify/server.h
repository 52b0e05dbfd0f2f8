/* SPDX-License-Identifier: MIT */
/*
 * The desktop's notification server (org.freedesktop.Notifications) and what is shown there. The server
 * may come, go and be replaced: what should be on the screen is shown anew, under new ids. What it can
 * do is asked first, and nothing is asked of it that it cannot. No call waits. Needs a session bus in a
 * loop; used by alerts.c and troubles.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dbus/client/bus-loop.h"

struct server;
struct notice;

enum urgency { URGENCY_LOW, URGENCY_NORMAL, URGENCY_CRITICAL };

#define EXPIRE_NEVER 0
#define ACTIONS_MAX 4u

struct notice_action {
        const char *key;
        const char *label;
};

/* What a notice says: of a fixed size, so that an alert needs no memory. Texts are plain, valid UTF-8
 * without control characters but line ends. */
struct notice_content {
        char summary[256];
        char body[3072];
        enum urgency urgency;
        const char *category;
        int expire_ms;
        const char *sound; /* to be heard once, when this content comes up; NULL = none */
        struct notice_action actions[ACTIONS_MAX]; /* up to the first without a key */
};

/* `key`: of the action that was chosen. NULL: the notice was closed by the user, or it expired; it is no
 * longer shown until notice_show(). */
typedef void (*notice_func)(struct notice *notice, const char *key, void *userdata);

/* `remember`: what is on the screen is kept for the agent that comes after this one, and what the one
 * before left there is closed; only one in a session may. Returns 0 or -ENOMEM. `session` outlives the
 * server. */
int server_new(struct bus_loop *session, bool remember, struct server **ret);
/* Closes nothing; notices are to be freed before. */
struct server *server_free(struct server *server);

/* When the bus loop's retry time has come. */
void server_retry(struct server *server);
/* What it can do is known, or that there is none. */
bool server_is_known(const struct server *server);
/* True while a message waits for the server's answer. */
bool server_is_busy(const struct server *server);
/* True when the last try failed: there is no server, or it does not work. */
bool server_has_failed(const struct server *server);

/* Nothing is shown yet. NULL if there is no memory. */
struct notice *notice_new(struct server *server, notice_func func, void *userdata);
/* Shows it, in the place of what the notice showed before. */
void notice_show(struct notice *notice, const struct notice_content *content);
/* It is to be seen: shown, and not closed since. */
bool notice_is_wanted(const struct notice *notice);
/* Takes it off the screen. NULL is accepted; returns NULL. */
struct notice *notice_free(struct notice *notice);
