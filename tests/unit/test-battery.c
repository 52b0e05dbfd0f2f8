/* SPDX-License-Identifier: MIT */
/*
 * The battery's forecast against batteries whose end is known: gauges of every step, trembling, charged,
 * swapped, without a stream for a while, and nights that come and go.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/battery.h"

#define MINUTE_US (UINT64_C(60) * 1000000)
#define HOUR_US (60 * MINUTE_US)
#define START_US (UINT64_C(50) * 3600 * 1000000)
/* Noon of some day, local time. */
#define NOON_US (INT64_C(20000) * 24 * 3600 * 1000000 + INT64_C(12) * 3600 * 1000000)

static int64_t at(int hour, int minute) {
        return NOON_US + ((int64_t)(hour - 12) * 60 + minute) * (int64_t)MINUTE_US;
}

/* A battery and the gauge that shows it. */
struct cell {
        struct battery battery;
        double level;     /* percent, as it is */
        double rate;      /* percent an hour */
        unsigned step;    /* of the gauge */
        double rounding;  /* 0 rounds down, 0.5 to the nearest, 1 up */
        unsigned tremble; /* percent, either way */
        uint64_t random;
        uint64_t time_us;
        int shown;
};

static struct cell cell_new(double level, double rate, unsigned step) {
        struct cell cell = {.level = level,
                            .rate = rate,
                            .step = step,
                            .rounding = 0.5,
                            .random = 1,
                            .time_us = START_US,
                            .shown = -1};

        battery_init(&cell.battery, 0);
        battery_begin(&cell.battery, START_US);
        return cell;
}

static int gauge(struct cell *cell) {
        int shown = (int)(floor(cell->level / cell->step + cell->rounding) * cell->step);

        if (cell->tremble > 0) {
                cell->random =
                        cell->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                shown += (int)((cell->random >> 33) % (2 * cell->tremble + 1)) - (int)cell->tremble;
        }
        return shown < 0 ? 0 : shown > 100 ? 100 : shown;
}

/* Streams, with a reading whenever the gauge shows something else, looked at every ten seconds. */
static void run(struct cell *cell, double hours) {
        for (unsigned i = 0; i < (unsigned)(hours * 360 + 0.5); i++) {
                int shown = gauge(cell);

                if (shown != cell->shown)
                        battery_push(&cell->battery, (unsigned)shown, cell->time_us);
                cell->shown = shown;
                cell->time_us += 10 * 1000000;
                cell->level -= cell->rate / 360;
        }
}

static void pause_for(struct cell *cell, double hours) {
        battery_end(&cell->battery, cell->time_us);
        cell->time_us += (uint64_t)(hours * (double)HOUR_US);
        battery_begin(&cell->battery, cell->time_us);
}

static struct battery_forecast forecast_at(const struct cell *cell, int64_t local_us) {
        struct battery_forecast forecast;

        battery_forecast(&cell->battery, cell->time_us, local_us, &forecast);
        return forecast;
}

static double hours_of(const struct cell *cell) {
        return forecast_at(cell, at(20, 0)).hours;
}

static double true_hours(const struct cell *cell) {
        return (cell->level - BATTERY_EMPTY_PERCENT) / cell->rate;
}

static void assert_near(double value, double wanted, double tolerance) {
        if (!(fabs(value - wanted) <= tolerance))
                fail_msg("%g is not within %g of %g", value, tolerance, wanted);
}

/* --- rates --- */

static void test_unknown_until_it_has_fallen(void **state) {
        struct cell cell = cell_new(90, 6, 1);

        assert_int_equal(forecast_at(&cell, at(20, 0)).percent, -1);
        run(&cell, 0.5);
        assert_true(isnan(hours_of(&cell)));
        assert_int_equal(forecast_at(&cell, at(20, 0)).percent, 87);
        assert_int_equal(forecast_at(&cell, at(20, 0)).lasts_night, -1);
        /* Three percent, half an hour, between new lows. */
        run(&cell, 0.2);
        assert_near(hours_of(&cell), true_hours(&cell), 0.05 * true_hours(&cell));
}

static void test_steps_of_every_size(void **state) {
        static const double roundings[] = {0, 0.5, 1};

        for (unsigned step = 1; step <= 10; step++)
                for (size_t i = 0; i < 3; i++) {
                        struct cell cell = cell_new(93.3, 7, step);

                        cell.rounding = roundings[i];
                        /* Two steps, and what is missing of the first. */
                        run(&cell, 3.0 * (step < 3 ? 3 : step) / cell.rate + 0.6);
                        for (unsigned hour = 0; hour < 6; hour++) {
                                /* Right to the step that the gauge leaves open. */
                                assert_near(hours_of(&cell), true_hours(&cell),
                                            (step + 0.5) / cell.rate);
                                run(&cell, 1);
                        }
                }
}

static void test_slow_and_fast(void **state) {
        struct cell slow = cell_new(80, 0.5, 1), fast = cell_new(99, 45, 1);

        run(&slow, 12);
        assert_near(hours_of(&slow), true_hours(&slow), 5);
        run(&fast, 0.7);
        assert_near(hours_of(&fast), true_hours(&fast), 0.05);
        run(&fast, 2);
        assert_true(hours_of(&fast) == 0); /* empty, and not less */
}

static void test_full_may_be_more_than_full(void **state) {
        struct cell cell = cell_new(115, 5, 1);

        run(&cell, 4.5);
        assert_near(hours_of(&cell), true_hours(&cell), 0.6);
}

/* A lithium cell by its voltage: quick at both ends and slow between. The line is wrong then, yet of
 * use. */
static void test_bent_curve(void **state) {
        struct cell cell = cell_new(100, 0, 1);
        double life_h = 12;

        for (unsigned minute = 0; minute < 8 * 60; minute++) {
                double left = 1 - minute / (life_h * 60);

                cell.level = 100 * (0.5 + 0.5 * (0.6 * (2 * left - 1) + 0.4 * pow(2 * left - 1, 3)));
                run(&cell, 1 / 60.0);
                if (minute == 3 * 60 || minute == 6 * 60)
                        assert_near(hours_of(&cell), life_h - minute / 60.0, 0.4 * life_h);
        }
        assert_near(hours_of(&cell), 4, 1.6);
}

static void test_gauge_that_trembles(void **state) {
        for (unsigned tremble = 1; tremble <= 2; tremble++) {
                struct cell cell = cell_new(95, 8, 1);

                cell.tremble = tremble;
                run(&cell, 3);
                assert_near(hours_of(&cell), true_hours(&cell), 0.1 * true_hours(&cell));
                run(&cell, 4);
                assert_near(hours_of(&cell), true_hours(&cell), 0.6);
        }
}

/* At the edge of a coarse step, back and forth: no charger. */
static void test_coarse_gauge_that_trembles(void **state) {
        struct cell cell = cell_new(90, 10, 10);

        run(&cell, 2.5);
        for (unsigned i = 0; i < 20; i++) {
                battery_push(&cell.battery, i % 2 ? 70 : 80, cell.time_us);
                cell.time_us += MINUTE_US;
        }
        assert_near(hours_of(&cell), 6, 1.5);
}

static void test_dip_is_forgotten(void **state) {
        struct cell cell = cell_new(90, 6, 1);
        double before;

        run(&cell, 3);
        before = hours_of(&cell);
        battery_push(&cell.battery, 58, cell.time_us); /* it buzzed */
        cell.time_us += 2 * MINUTE_US;
        battery_push(&cell.battery, 72, cell.time_us);
        assert_near(hours_of(&cell), before, 0.2);
}

static void test_never_falling(void **state) {
        struct cell cell = cell_new(66, 0, 1);

        run(&cell, 12);
        assert_true(isnan(hours_of(&cell)));
        assert_int_equal(forecast_at(&cell, at(20, 0)).lasts_night, -1);
        assert_int_equal(forecast_at(&cell, at(20, 0)).percent, 66);
}

/* A gauge that moved and stands still now: hours grow, by what it does not fall. */
static void test_slowing_down(void **state) {
        struct cell cell = cell_new(90, 10, 1);
        double fast;

        run(&cell, 1);
        fast = hours_of(&cell);
        assert_near(fast, 7.5, 0.4);
        cell.rate = 0;
        run(&cell, 5);
        assert_true(hours_of(&cell) > 4 * fast);
}

/* --- runs --- */

static void test_charging_begins_anew(void **state) {
        struct cell cell = cell_new(60, 6, 1);

        run(&cell, 3);
        cell.rate = -40;
        run(&cell, 0.5);
        /* What was learnt tonight still tells. */
        assert_near(hours_of(&cell), (62 - 5) / 6.0, 0.8);
        cell.rate = 12;
        run(&cell, 2);
        assert_near(hours_of(&cell), true_hours(&cell), 0.3);
}

static void test_short_charge_leaves_nothing_to_tell_by(void **state) {
        struct cell cell = cell_new(60, 6, 1);

        run(&cell, 0.3);
        cell.rate = -40;
        run(&cell, 0.5);
        assert_true(isnan(hours_of(&cell)));
        assert_int_equal(forecast_at(&cell, at(20, 0)).percent, 78);
}

static void test_another_cell(void **state) {
        struct cell cell = cell_new(80, 5, 1);

        run(&cell, 3);
        cell.level = 30;
        run(&cell, 0.1);
        assert_near(hours_of(&cell), 25 / 5.0, 0.3);
        cell.rate = 20;
        run(&cell, 0.6);
        assert_near(hours_of(&cell), true_hours(&cell), 0.1);
}

static void test_time_without_stream(void **state) {
        struct cell cell = cell_new(80, 6, 1);

        run(&cell, 2.5);
        /* A lost link: it streamed on, or nearly. */
        pause_for(&cell, 0.1);
        cell.level -= 0.6;
        run(&cell, 0.5);
        assert_near(hours_of(&cell), true_hours(&cell), 0.3);

        /* A day in a drawer. */
        battery_end(&cell.battery, cell.time_us);
        cell.time_us += 9 * MINUTE_US;
        assert_true(battery_has_reading(&cell.battery, cell.time_us));
        cell.time_us += 2 * MINUTE_US;
        assert_false(battery_has_reading(&cell.battery, cell.time_us));
        assert_true(isnan(hours_of(&cell)));
        cell.time_us += 20 * HOUR_US;
        battery_begin(&cell.battery, cell.time_us);
        assert_false(battery_has_reading(&cell.battery, cell.time_us));
        cell.shown = -1;
        run(&cell, 0.1);
        /* The level is read anew, the rate is remembered. */
        assert_near(hours_of(&cell), true_hours(&cell), 0.3);
}

static void test_clock_that_goes_back(void **state) {
        struct cell cell = cell_new(80, 6, 1);

        run(&cell, 1);
        cell.time_us -= 30 * MINUTE_US;
        assert_true(isnan(hours_of(&cell)));
        run(&cell, 0.2);
        assert_true(isnan(hours_of(&cell)));
        run(&cell, 1);
        assert_near(hours_of(&cell), true_hours(&cell), 0.3);
}

static void test_nonsense_is_not_taken(void **state) {
        struct cell cell = cell_new(80, 6, 1);

        battery_push(&cell.battery, 101, cell.time_us);
        battery_push(&cell.battery, 255, cell.time_us);
        assert_false(battery_has_reading(&cell.battery, cell.time_us));
        /* Down to nothing and up again, all within one moment. */
        for (unsigned i = 0; i < 1000; i++)
                battery_push(&cell.battery, 100 - i % 101, cell.time_us);
        assert_true(isnan(hours_of(&cell)));
        for (double rate = -1; rate < 200; rate += 150.5) {
                battery_init(&cell.battery, rate);
                assert_true(battery_get_learned(&cell.battery) == 0);
        }
        battery_init(&cell.battery, (double)NAN);
        assert_true(battery_get_learned(&cell.battery) == 0);
}

/* --- from night to night --- */

static void test_learnt_rate(void **state) {
        struct cell cell = cell_new(95, 6, 1);

        run(&cell, 1.5);
        assert_true(battery_get_learned(&cell.battery) == 0);
        run(&cell, 4);
        assert_near(battery_get_learned(&cell.battery), 6, 0.2);

        /* The next evening, another run of the daemon: known at once, then measured. */
        battery_init(&cell.battery, battery_get_learned(&cell.battery));
        battery_begin(&cell.battery, cell.time_us);
        cell.level = 65;
        cell.rate = 10;
        cell.shown = -1;
        run(&cell, 0.1);
        assert_near(hours_of(&cell), 10, 0.5);
        run(&cell, 4);
        assert_near(hours_of(&cell), true_hours(&cell), 0.3);
        assert_near(battery_get_learned(&cell.battery), 8, 0.2);
}

static void test_the_night(void **state) {
        struct cell cell = cell_new(65, 5, 1);

        run(&cell, 1); /* 60 percent, 11 hours */
        assert_int_equal(forecast_at(&cell, at(20, 0)).lasts_night, 0);
        assert_int_equal(forecast_at(&cell, at(20, 45)).lasts_night, 0);
        assert_int_equal(forecast_at(&cell, at(21, 30)).lasts_night, 1);
        assert_int_equal(forecast_at(&cell, at(26, 0)).lasts_night, 1);
        /* From eight on, the next night counts. */
        assert_int_equal(forecast_at(&cell, at(31, 59)).lasts_night, 1);
        assert_int_equal(forecast_at(&cell, at(32, 0)).lasts_night, 0);
        /* A wall clock that is set changes the morning's distance, and no rate. */
        assert_near(forecast_at(&cell, at(32, 0)).hours, 11, 0.3);
        assert_int_equal(forecast_at(&cell, -20 * (int64_t)HOUR_US).lasts_night, 1);
}

static void test_warnings_are_for_the_evening(void **state) {
        struct battery_forecast lasts = {.percent = 15, .hours = 20, .lasts_night = 1};
        struct battery_forecast ends = {.percent = 40, .hours = 4, .lasts_night = 0};
        struct battery_forecast low = {.percent = 20, .hours = (double)NAN, .lasts_night = -1};
        struct battery_forecast high = {.percent = 21, .hours = (double)NAN, .lasts_night = -1};
        struct battery_forecast none = {.percent = -1, .hours = (double)NAN, .lasts_night = -1};

        for (int minute = 0; minute < 24 * 60; minute++) {
                bool evening = minute >= 18 * 60 && minute < 23 * 60;
                int64_t local_us = at(0, minute);

                assert_int_equal(battery_is_warning(&ends, local_us), evening);
                assert_int_equal(battery_is_warning(&low, local_us), evening);
                assert_false(battery_is_warning(&lasts, local_us));
                assert_false(battery_is_warning(&high, local_us));
                assert_false(battery_is_warning(&none, local_us));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unknown_until_it_has_fallen),
                cmocka_unit_test(test_steps_of_every_size),
                cmocka_unit_test(test_slow_and_fast),
                cmocka_unit_test(test_full_may_be_more_than_full),
                cmocka_unit_test(test_bent_curve),
                cmocka_unit_test(test_gauge_that_trembles),
                cmocka_unit_test(test_coarse_gauge_that_trembles),
                cmocka_unit_test(test_dip_is_forgotten),
                cmocka_unit_test(test_never_falling),
                cmocka_unit_test(test_slowing_down),
                cmocka_unit_test(test_charging_begins_anew),
                cmocka_unit_test(test_short_charge_leaves_nothing_to_tell_by),
                cmocka_unit_test(test_another_cell),
                cmocka_unit_test(test_time_without_stream),
                cmocka_unit_test(test_clock_that_goes_back),
                cmocka_unit_test(test_nonsense_is_not_taken),
                cmocka_unit_test(test_learnt_rate),
                cmocka_unit_test(test_the_night),
                cmocka_unit_test(test_warnings_are_for_the_evening),
        };

        return cmocka_run_group_tests_name("battery", tests, NULL, NULL);
}
