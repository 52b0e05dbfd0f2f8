/* SPDX-License-Identifier: MIT */
/* Texts that people give. Needs nothing; used by the bus objects and the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without control characters, of less than `size` bytes: fit to be stored, shown and sent
 * over D-Bus. */
bool text_is_name(const char *text, size_t size);
