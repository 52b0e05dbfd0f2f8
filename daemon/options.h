/* SPDX-License-Identifier: MIT */
/* The daemon's command line. Used by main. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define VIRTUAL_SENSORS_MAX 16u

/* --virtual FILE[,speed=N][,rate=HZ][,owner=USER][,muscle=M][,leg=L][,name=TEXT] */
struct virtual_option {
        char *path;
        double speed;
        uint32_t csv_rate_hz;
        uid_t owner_uid;
        const char *muscle;
        const char *leg;
        char *name;
};

struct options {
        struct virtual_option virtuals[VIRTUAL_SENSORS_MAX];
        unsigned n_virtuals;
        const char *state_dir;
};

/* Returns 1 to go on, 0 when all is said (--help, --version), or -EINVAL with the reason told on
 * standard error. */
int options_parse(struct options *options, int argc, char *argv[]);
void options_done(struct options *options);
