/* SPDX-License-Identifier: MIT */
/*
 * The one form of an episode that `history`, `export` and `monitor` share: the same names in the same
 * order, in JSON and in CSV (RFC 4180).
 */
#pragma once

#include <stdio.h>

#include "dbus/client/crampd-client.h"
#include "dbus/crampctl/json.h"

/* Writes the members into the object that is open. */
void episode_write_json(struct json *json, const struct crampd_episode *episode);

/* The same of a cramp that raised no alert. */
void missed_write_json(struct json *json, const struct crampd_missed *missed);

void episode_write_csv_header(FILE *file);
void episode_write_csv(FILE *file, const struct crampd_episode *episode);

/* A copy of one's own, for the library's lives during a callback only. Returns 0 or -ENOMEM. */
int episode_copy(const struct crampd_episode *episode, struct crampd_episode *ret);
/* Frees the members of a copy; one that is zero is accepted. */
void episode_copy_clear(struct crampd_episode *episode);

/* "1:05", "1:02:03", or "-" while it lasts. */
#define EPISODE_DURATION_SIZE 32
void episode_format_duration(const struct crampd_episode *episode,
                             char buffer[static EPISODE_DURATION_SIZE]);
