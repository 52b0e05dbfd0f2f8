/* SPDX-License-Identifier: MIT */
/*
 * The daemon's one object, shared by main, the sensors and the bus objects: the loop, the store, BlueZ
 * and the list of sensors. Private to daemon/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/store/store.h"
#include "sensors/bluez/bluez.h"

#define SENSORS_PER_USER 16u
#define SENSORS_MAX 64u

struct sensor;
struct bus;
struct livestream;
struct recorder;

struct crampd {
        sd_event *event;
        struct store *store;
        char store_text[256]; /* "ok", or what is wrong; for people */
        struct bluez *bluez;
        sd_bus *bluez_bus; /* a connection for BlueZ alone */
        struct bus *bus;
        struct livestream *livestream;
        struct recorder *recorder;

        LIST_HEAD(sensor_list, sensor) sensors;
        unsigned n_sensors;

        int64_t started_us;
        bool sensors_asked;         /* the stored sensors were asked for */
        bool name_asked;            /* the bus was asked for the name */
        bool ready;                 /* the name is ours and systemd was told */
        bool stopping;              /* the loop is over: nothing new is begun */
        sd_event_source *ask_again; /* for the stored sensors */
};

/* Realtime now, in microseconds UTC. */
int64_t crampd_now_us(void);
/* By so much a client's clock may be ahead of ours; what is later has not happened yet. */
#define CLOCKS_DIFFER_US (INT64_C(60) * 1000000)
/* CLOCK_BOOTTIME now: goes on while the machine sleeps, and is never set. */
int64_t crampd_boot_us(void);

/* The bus name was acquired, or could not be: `error` 0 or negative errno. Called by the bus. */
void crampd_name_acquired(struct crampd *crampd, int error);

/* The bus connection is gone for good; the loop ends. Called by the bus. */
void crampd_bus_lost(struct crampd *crampd, int error);
