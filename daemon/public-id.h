/* SPDX-License-Identifier: MIT */
/*
 * Ids that sensors, nights, episodes and entries go by outside of the store: random, so that they tell
 * nothing. Needs sd-id128. Called by whoever makes one of these.
 */
#pragma once

#include "daemon/store/store.h"

/* Reads one that a client gave: 0, -EINVAL if it is no id, or -ENOENT if it is one that nothing ever
 * has. */
int public_id_read(const char *text, char ret[static STORE_ID_SIZE]);

/* A new one: 16 random hexadecimal digits. */
void public_id_new(char ret[static STORE_ID_SIZE]);
