/* SPDX-License-Identifier: MIT */
/*
 * Objects of bluetoothd asked for one by one, where a message that tells of them cannot be read. Names
 * come from adverts of everybody in range, and bluetoothd and the bus let through what sd-bus refuses:
 * noncharacters, as U+FFFE. sd-bus cannot read on after such a text, so here each message holds no more
 * than must be lost with it. Paths are made of bluetoothd's own words and addresses, so they can always
 * be read. Private to sensors/bluez/; used by bluez.c and scan.c.
 */
#pragma once

#include "sensors/bluez/objects.h"

#define WALK_ROOT_PATH "/org/bluez"

/* By the number of a path's elements. */
enum walk_level {
        WALK_ROOT = 2,
        WALK_ADAPTER,
        WALK_DEVICE,
        WALK_SERVICE,
        WALK_CHARACTERISTIC,
};

struct walk_callbacks {
        /* Whether to visit an object; what lies below one that is not wanted is not visited either. */
        bool (*wants)(const char *path, void *userdata);
        /* What can be read of an interface, as "a{sv}". */
        void (*properties)(const char *path, const char *interface, sd_bus_message *properties,
                           void *userdata);
        /* All has been visited, or (`complete` is false) bluetoothd does not answer. */
        void (*done)(bool complete, void *userdata);
};

struct walk;

/* `callbacks` is kept by reference; none of them may free the walk. Returns 0 or -ENOMEM. */
int walk_new(struct bluez *bluez, enum walk_level deepest, const struct walk_callbacks *callbacks,
             void *userdata, struct walk **ret);
struct walk *walk_free(struct walk *walk);
/* Visits an object and what lies below it, after those that are still to be visited. Returns 0 or
 * negative errno. */
int walk_add(struct walk *walk, const char *path);
bool walk_is_under_way(const struct walk *walk);
/* Forgets what was still to be visited. */
void walk_stop(struct walk *walk);
