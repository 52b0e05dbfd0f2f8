/* SPDX-License-Identifier: MIT */
/* Scales as texts: see edf-scale.h. */
#include "sensors/recording/edf-scale.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define MANTISSA_BITS 53
#define EXPONENT_MAX 1023

void edf_scale_format(double scale, char ret[static EDF_SCALE_SIZE]) {
        int exponent;
        double mantissa = frexp(scale, &exponent);

        (void)snprintf(ret, EDF_SCALE_SIZE, "1 count = %" PRId64 " x 2^%d",
                       (int64_t)ldexp(mantissa, MANTISSA_BITS), exponent - MANTISSA_BITS);
}

double edf_scale_parse(const char *text) {
        int64_t mantissa;
        int exponent;

        if (sscanf(text, "1 count = %16" SCNd64 " x 2^%5d", &mantissa, &exponent) != 2 ||
            mantissa <= 0 || exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX)
                return 0;
        return ldexp((double)mantissa, exponent);
}
