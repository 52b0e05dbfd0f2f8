/* SPDX-License-Identifier: MIT */
/* What the command line of leg-sensor asks for, for the two kinds of sensor that it can be. */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

#include "sensors/virtual/player.h"

struct sensor_options {
        struct player_setup player;
        const char *adapter;
        const char *name;   /* NULL = as its kind is called */
        size_t packet_size; /* of the open profile */

        const char *family;  /* NULL = the open profile */
        const char *variant; /* NULL = its first */
        const char *faults;  /* as faults_parse() takes them, or NULL */
        uint64_t seed;
};
