/* SPDX-License-Identifier: MIT */
#include "sensors/recording/csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The first rows may hold a gap in every 256; if more jump, these are not gaps but a rate that the times
 * round. */
#define ROWS_PER_GAP_MIN 256

/* Rounded times stray from the true ones by up to half a step, for they all differ. */
#define STRAY_MAX 0.75

/* Each row's deviation moves the prediction by this part of itself: follows a drifting clock within
 * seconds. */
#define PHASE_GAIN (1.0 / 256)

/* A jump must be a gap that fits the frame counter, not nonsense: at most 400 days. */
#define GAP_MAX_NS (400.0 * 86400 * 1e9)

static int int64_compare(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* The median of what time advances by from row to row. Returns -ENOMEM. */
static int step_median(const int64_t *times_ns, size_t rows, int64_t *ret_ns) {
        int64_t *steps;

        steps = malloc((rows - 1) * sizeof(*steps));
        if (!steps)
                return -ENOMEM;
        for (size_t i = 1; i < rows; i++)
                steps[i - 1] = times_ns[i] - times_ns[i - 1];
        qsort(steps, rows - 1, sizeof(*steps), int64_compare);
        *ret_ns = steps[(rows - 1) / 2];
        free(steps);
        return 0;
}

/* Sampling periods between two rows. */
static double row_periods(int64_t advance_ns, double step_ns, bool gaps) {
        double periods = gaps ? round((double)advance_ns / step_ns) : 1;

        return periods < 1 ? 1 : periods;
}

static double periods_sum(const int64_t *times_ns, size_t rows, double step_ns, bool gaps) {
        double periods = 0;

        for (size_t i = 1; i < rows; i++)
                periods += row_periods(times_ns[i] - times_ns[i - 1], step_ns, gaps);
        return periods;
}

/* The mean of what time advances by where nothing is missing: rounding in the times cancels out, unlike
 * in the median. Also counts the gaps. */
static double step_mean(const int64_t *times_ns, size_t rows, int64_t median_ns, size_t *ret_gaps) {
        double sum_ns = 0;

        *ret_gaps = 0;
        for (size_t i = 1; i < rows; i++)
                if (row_periods(times_ns[i] - times_ns[i - 1], (double)median_ns, true) > 1)
                        (*ret_gaps)++;
                else
                        sum_ns += (double)(times_ns[i] - times_ns[i - 1]);
        return sum_ns / (double)(rows - 1 - *ret_gaps);
}

/* The last digit that the times use, in nanoseconds. */
static int64_t times_resolution(const int64_t *times_ns, size_t rows) {
        int64_t resolution = 1;

        for (;;) {
                for (size_t i = 0; i < rows; i++)
                        if (times_ns[i] % (resolution * 10) != 0)
                                return resolution;
                resolution *= 10;
                if (resolution >= INT64_C(1000000000))
                        return resolution;
        }
}

/* Rounding to a whole number of hertz removes the error that the rounded first and last time leave. */
static double rate_round(double rate_hz, double error_hz) {
        double whole = round(rate_hz);

        return fabs(rate_hz - whole) <= error_hz + 0.0005 ? whole : rate_hz;
}

/* Half the width of the band that all rows lie in around a steady grid. */
static double rows_stray_ns(const int64_t *times_ns, size_t rows, double step_ns, bool gaps,
                            double *ret_first_ns) {
        double expected = 0, low = 0, high = 0;

        for (size_t i = 1; i < rows; i++) {
                double late;

                expected += row_periods(times_ns[i] - times_ns[i - 1], step_ns, gaps) * step_ns;
                late = (double)(times_ns[i] - times_ns[0]) - expected;
                low = late < low ? late : low;
                high = late > high ? late : high;
        }
        *ret_first_ns = (low + high) / 2;
        return (high - low) / 2;
}

int clock_init(struct clock *clock, const int64_t *times_ns, size_t rows, double *ret_rate_hz,
               size_t *ret_row) {
        int64_t median_ns;
        double periods, span_ns, rate_hz, step_ns, stray_ns, phase_ns;
        size_t gaps_count;
        bool gaps;
        int r;

        for (size_t i = 1; i < rows; i++)
                if (times_ns[i] <= times_ns[i - 1]) {
                        *ret_row = i;
                        return -EBADMSG;
                }
        r = step_median(times_ns, rows, &median_ns);
        if (r < 0)
                return r;

        step_ns = step_mean(times_ns, rows, median_ns, &gaps_count);
        gaps = gaps_count <= 1 + rows / ROWS_PER_GAP_MIN;
        periods = periods_sum(times_ns, rows, step_ns, gaps);

        span_ns = (double)(times_ns[rows - 1] - times_ns[0]);
        rate_hz = periods / span_ns * 1e9;
        rate_hz = rate_round(rate_hz, rate_hz * (double)times_resolution(times_ns, rows) / span_ns);
        step_ns = 1e9 / rate_hz;
        stray_ns = rows_stray_ns(times_ns, rows, step_ns, gaps, &phase_ns);
        if (stray_ns > STRAY_MAX * step_ns) {
                *ret_row = rows;
                return -EBADMSG;
        }

        *clock = (struct clock){
                .step_ns = step_ns,
                .slack_ns = stray_ns,
                .expected_ns = phase_ns,
                .last_ns = times_ns[0],
        };
        *ret_rate_hz = rate_hz;
        return 0;
}

int clock_advance(struct clock *clock, int64_t time_ns, uint64_t *ret_missing) {
        double advanced_ns, late_ns, missing = 0;

        /* `expected_ns` counts from the last row's time, so that no large sums lose precision. */
        if (clock->started && time_ns <= clock->last_ns)
                return -EBADMSG;
        advanced_ns = (double)(time_ns - clock->last_ns);
        if (advanced_ns > GAP_MAX_NS)
                return -EBADMSG;

        late_ns = advanced_ns - clock->expected_ns;
        if (late_ns < -(clock->step_ns / 2 + clock->slack_ns))
                return -EBADMSG;
        if (late_ns > clock->step_ns / 2 + clock->slack_ns) {
                missing = round(late_ns / clock->step_ns);
                late_ns -= missing * clock->step_ns;
        }

        clock->expected_ns = clock->step_ns - late_ns + late_ns * PHASE_GAIN;
        clock->last_ns = time_ns;
        clock->started = true;
        *ret_missing = (uint64_t)missing;
        return 0;
}
