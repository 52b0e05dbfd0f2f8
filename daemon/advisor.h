/* SPDX-License-Identifier: MIT */
/*
 * The advisor: from what the store keeps of a person to what guidance/ reasons about. Needs store and
 * guidance; knows nothing of the bus. Called by the bus objects of Guidance.
 */
#pragma once

#include "daemon/guidance/advise.h"
#include "daemon/store/person.h"

/* From and to the lines that the store keeps. What cannot be read (a newer crampd wrote it) counts as
 * not said, which is the safe side. -ENOBUFS when it does not fit. */
void advisor_read_profile(const char *text, struct profile *ret);
int advisor_write_profile(const struct profile *profile, char *text, size_t size);
