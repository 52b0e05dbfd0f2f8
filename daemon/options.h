/* SPDX-License-Identifier: MIT */
/* The daemon's options, from the configuration file and the command line. Used by main. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/virtual-option.h"

#define VIRTUAL_SENSORS_MAX 16u
#define ADAPTERS_USED_MAX 8u
#define ADAPTER_NAME_SIZE 16

struct options {
        struct virtual_option virtuals[VIRTUAL_SENSORS_MAX];
        unsigned n_virtuals;
        char adapters[ADAPTERS_USED_MAX][ADAPTER_NAME_SIZE]; /* "hci0"; none = all are used */
        unsigned n_adapters;
        char *state_dir; /* NULL = not said */
        int log_level;   /* of syslog.h */
};

/* Reads the configuration file (`default_config`, which need not be there, or what --config names), then
 * the command line, which prevails. Returns 1 to go on, 0 when all is said (--help, --version), or with
 * the reason told on standard error: -EINVAL (command line), -EBADMSG (configuration), -ENOENT (no such
 * configuration file), -ENOMEM. */
int options_parse(struct options *options, int argc, char *argv[], const char *default_config);
void options_done(struct options *options);

/* Both: 0, -ENOMEM, or -E2BIG. The adapter's name may be wrong: -EINVAL. */
int options_add_virtual(struct options *options);
int options_add_adapter(struct options *options, const char *name);
