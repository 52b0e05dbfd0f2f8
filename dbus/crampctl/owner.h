/* SPDX-License-Identifier: MIT */
/*
 * Whose something is: for root, who acts for others. Used by the verbs that take --owner.
 */
#pragma once

#include <stdbool.h>

/* The uid of `user`, a name or number; else whom sudo tells, for root. Returns 0, with `*ret_given`
 * telling whether there is one; or an exit code after saying why. */
int owner_find(const char *user, bool *ret_given, unsigned *ret);
