/* SPDX-License-Identifier: MIT */
/*
 * crampd's detector as one of the rivals; a build of it is a setting, so that builds with other
 * constants can be run side by side. Needs detector.h and dlopen(); called by evaluate.c.
 */
#pragma once

#include "tests/evaluate/rival.h"

/* Loads builds of the detector (shared objects with its symbols); without any the one that is linked in
 * is the only setting. Says on standard error what is wrong. Returns 0, -ENOMEM or -ENOENT. */
/* `sensitivity`: the step at which all of them are run. */
int rival_detector_make(char *const *paths, size_t n_paths, enum detector_sensitivity sensitivity,
                        struct rival_kind *ret);
void rival_detector_done(struct rival_kind *kind);
