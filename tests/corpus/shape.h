/* SPDX-License-Identifier: MIT */
/* How levels come and go: used by activity.c, faults.c and motion.c. Needs libm. */
#pragma once

#include <math.h>

/* 0 below 0, 1 above 1, without a corner in between. */
static inline double shape_smooth_step(double x) {
        x = fmin(fmax(x, 0), 1);
        return x * x * (3 - 2 * x);
}

/* 0 to 1 and back to 0 over `duration_s`. */
static inline double shape_trapezoid(double at_s, double duration_s, double rise_s, double fall_s) {
        double rise = rise_s > 0 ? shape_smooth_step(at_s / rise_s) : 1;
        double fall = fall_s > 0 ? shape_smooth_step((duration_s - at_s) / fall_s) : 1;

        return rise * fall;
}
