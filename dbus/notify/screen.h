/* SPDX-License-Identifier: MIT */
/*
 * Whether somebody else may be looking: the session is locked (logind's LockedHint) or the screen saver
 * runs (org.freedesktop.ScreenSaver, org.gnome.ScreenSaver). Whoever of them is not there says nothing.
 * Needs both buses, each in a loop; used by main.
 */
#pragma once

#include <stdbool.h>

#include "dbus/client/bus-loop.h"

struct screen;

typedef void (*screen_func)(bool locked, void *userdata);

/* `func` is called at each change. The screen is taken for unlocked until somebody says otherwise.
 * `system` may be NULL. Returns 0 or -ENOMEM. */
int screen_new(struct bus_loop *session, struct bus_loop *system, screen_func func, void *userdata,
               struct screen **ret);
struct screen *screen_free(struct screen *screen);

bool screen_is_locked(const struct screen *screen);
