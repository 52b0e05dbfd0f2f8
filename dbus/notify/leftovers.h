/* SPDX-License-Identifier: MIT */
/*
 * What is on the screen, kept for the agent that comes after one that was killed: notices that nobody
 * takes back would stay beside the new ones, with buttons that do nothing. A file in the user's runtime
 * folder, one for each session bus, with the notification server's unique name and the notices' ids:
 * nothing of what they say. Needs libdbus for the bus's id; called by server.c.
 */
#pragma once

#include <dbus/dbus.h>
#include <stddef.h>
#include <stdint.h>

/* More is not kept. */
#define LEFTOVERS_MAX 64u

struct leftovers {
        char owner[256]; /* of the ids; a server that starts anew gives them out anew */
        uint32_t ids[LEFTOVERS_MAX];
        size_t n;
};

/* The file for the bus behind `session`, to be freed. Returns 0, -ENOENT when the user has no runtime
 * folder, or -ENOMEM. */
int leftovers_path(DBusConnection *session, char **ret);

/* Returns 0, -ENOENT when nothing is left, -EBADMSG when something else is written there, or another
 * -errno. */
int leftovers_read(const char *path, struct leftovers *ret);

/* With no ids the file goes. Returns 0 or -errno. */
int leftovers_write(const char *path, const struct leftovers *leftovers);
