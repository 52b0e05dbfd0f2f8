/* SPDX-License-Identifier: MIT */
/*
 * The configuration file, crampd.conf(5): sections of KEY=VALUE lines. Read once, at the start, into the
 * same options as the command line. Strict: what is not understood is refused with its file and line.
 * Called by options.c.
 */
#pragma once

#include <stddef.h>

#include "daemon/options.h"

/* Takes the text of a file. Returns 0, -ENOMEM, or -EBADMSG with "FILE:LINE: what is wrong; remedy" in
 * `*ret_error`, to be freed. */
int config_parse(const char *text, size_t size, const char *file, struct options *options,
                 char **ret_error);

/* Reads a file. Returns 0; -ENOENT if there is none; -EBADMSG or another negative errno after the reason
 * was logged. */
int config_load(const char *path, struct options *options);
