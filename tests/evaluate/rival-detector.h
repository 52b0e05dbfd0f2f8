/* SPDX-License-Identifier: MIT */
/*
 * crampd's detector as one of the rivals; a build of it is a setting, so that builds with other
 * constants can be run side by side. Needs detector.h and dlopen(); called by evaluate.c.
 */
#pragma once

#include "tests/evaluate/rival.h"

/* Loads builds of the detector (shared objects with its symbols); without any the one that is linked in
 * is the only setting. All are run at that
 * step and factor, as in a set-up, and hear the accelerometer if `motion`. Says on standard error what
 * is wrong. Returns 0, -ENOMEM or -ENOENT.
 */
int rival_detector_make(char *const *paths, size_t n_paths, enum detector_sensitivity sensitivity,
                        double evidence_factor, bool motion, struct rival_kind *ret);
void rival_detector_done(struct rival_kind *kind);
