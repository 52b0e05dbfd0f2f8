/* SPDX-License-Identifier: MIT */
/* Time on air: sums done by hand from the Core Specification's figures (sensors/capacity.h). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "sensors/capacity.h"

static void assert_near(double value, double wanted) {
        assert_true(fabs(value - wanted) < 1e-9);
}

static double share_of(double packets_per_s, double value_size) {
        const struct capacity_load load = {.packets_per_s = packets_per_s, .value_size = value_size};

        return capacity_share(&load, 1);
}

/* 20 bytes: (10 + 27) x 8 + 150 + 80 + 150 = 676 us. */
static void test_short_packets(void **state) {
        assert_near(share_of(100, 20), 0.0676);
        assert_near(share_of(400, 20), 0.2704);
}

/* 244 bytes fill one long packet: (10 + 251) x 8 + 380 = 2468 us; 300 need a second one of 56 bytes:
 * (10 + 56) x 8 + 380 = 908 us more. */
static void test_long_packets(void **state) {
        assert_near(share_of(50, 244), 0.1234);
        assert_near(share_of(50, 300), 50 * (2468 + 908) / 1e6);
}

/* 460 us each 30 ms: a slow sensor takes no less than a silent one. */
static void test_silent_link(void **state) {
        assert_near(share_of(0, 0), 460.0 / 30000.0);
        assert_near(share_of(1, 2), 460.0 / 30000.0);
        assert_near(capacity_share(NULL, 0), 0.0);
}

static void test_sums(void **state) {
        const struct capacity_load load = {.packets_per_s = 100, .value_size = 20};
        const struct capacity_load advert = {.packets_per_s = 20, .value_size = 31, .advert = true};
        const struct capacity_load all[] = {load, advert, load, advert};

        assert_near(capacity_share(all, ARRAY_LENGTH(all)), 2 * 0.0676 + capacity_share(&advert, 1));
}

/* Eight sensors of four channels at 1 kHz (packets of 30 frames): more than one radio should be given.
 */
static void test_eight_sensors_are_too_many(void **state) {
        struct capacity_load loads[10];

        for (size_t i = 0; i < ARRAY_LENGTH(loads); i++)
                loads[i] = (struct capacity_load){.packets_per_s = 1000.0 / 30, .value_size = 244};
        assert_true(capacity_share(loads, 8) < CAPACITY_FULL);
        assert_true(capacity_share(loads, 10) > CAPACITY_FULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_short_packets),
                cmocka_unit_test(test_long_packets),
                cmocka_unit_test(test_silent_link),
                cmocka_unit_test(test_sums),
                cmocka_unit_test(test_eight_sensors_are_too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
