/* SPDX-License-Identifier: MIT */
/*
 * One virtual sensor as the command line or the configuration file describes it. Used by options.c and
 * config-file.c.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct virtual_option {
        char *path;
        double speed;
        uint32_t csv_rate_hz; /* 0 = the file tells */
        uid_t owner_uid;
        const char *muscle;
        const char *leg;
        char *name;
};

/* All but the file. Returns 0 or -ENOMEM. */
int virtual_option_init(struct virtual_option *option);
void virtual_option_done(struct virtual_option *option);

/* `key`: speed, rate, owner, muscle, leg or name. Returns 0, -ENOMEM, -ENOENT if there is no such key,
 * or -EINVAL with what the value has to be: a sentence without its full stop. */
int virtual_option_set(struct virtual_option *option, const char *key, const char *value,
                       const char **ret_remedy);
