/* SPDX-License-Identifier: MIT */
/* Sine and cosine: see trigonometry.h. */
#include "daemon/detector/trigonometry.h"

#include <stdint.h>

void trigonometry_of_turns(double turns, double *ret_sine, double *ret_cosine) {
        int64_t eighths = (int64_t)(turns * 8.0);
        int64_t quarters = (eighths + (eighths < 0 ? -1 : 1)) / 2;
        double x = (turns - (double)quarters * 0.25) * TRIGONOMETRY_TURN;
        double y = x * x, sine = 1.0, cosine = 1.0;

        /* Taylor series on an eighth of a turn either way; the first terms left out are below 1e-17. */
        for (int n = 16; n >= 2; n -= 2) {
                sine = 1.0 - y / (double)(n * (n + 1)) * sine;
                cosine = 1.0 - y / (double)(n * (n - 1)) * cosine;
        }
        sine *= x;

        switch ((unsigned)quarters & 3u) {
        case 0:
                *ret_sine = sine;
                *ret_cosine = cosine;
                break;
        case 1:
                *ret_sine = cosine;
                *ret_cosine = -sine;
                break;
        case 2:
                *ret_sine = -sine;
                *ret_cosine = -cosine;
                break;
        default:
                *ret_sine = -cosine;
                *ret_cosine = sine;
                break;
        }
}
