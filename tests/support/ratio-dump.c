/* SPDX-License-Identifier: MIT */
/* For test-ratio.py: reads lines of "x1 t1 x2 t2", writes ratio, ends of the 95 % interval and p value.
 * Then lines of "chi2 X DEGREES" and "rate X T". */
#include <stdio.h>

#include "daemon/guidance/exact.h"

int main(void) {
        char line[256];

        while (fgets(line, sizeof(line), stdin)) {
                struct rate_ratio ratio;
                struct rate rate;
                unsigned x1, x2;
                double t1, t2;

                if (sscanf(line, "chi2 %lf %lf", &t1, &t2) == 2) {
                        (void)printf("%.17g\n", chi_square_above(t1, t2));
                        continue;
                }
                if (sscanf(line, "rate %u %lf", &x1, &t1) == 2) {
                        if (rate_exact(x1, t1, 0.95, &rate) < 0)
                                (void)printf("none\n");
                        else
                                (void)printf("%.17g %.17g %.17g\n", rate.rate, rate.low, rate.high);
                        continue;
                }
                if (sscanf(line, "%u %lf %u %lf", &x1, &t1, &x2, &t2) != 4)
                        return 1;
                if (rate_ratio_exact(x1, t1, x2, t2, 0.95, &ratio) < 0)
                        (void)printf("none\n");
                else
                        (void)printf("%.17g %.17g %.17g %.17g\n", ratio.ratio, ratio.low, ratio.high,
                                     ratio.p_value);
        }
        return 0;
}
