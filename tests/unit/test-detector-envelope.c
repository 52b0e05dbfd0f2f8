/* SPDX-License-Identifier: MIT */
/*
 * The detector's other entry: levels that a sensor has rectified and smoothed itself, twenty a second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/detector/detector.h"

#define RATE_HZ 20u
#define SECONDS(n) ((size_t)(n)*RATE_HZ)
#define REST 40

struct heard {
        unsigned alerts, ends;
        struct detector_event alert, end;
        double floor_uv; /* the last */
        enum detector_quality quality;
};

static void on_event(const struct detector_event *event, void *userdata) {
        struct heard *heard = userdata;

        if (event->type == DETECTOR_EVENT_ALERT) {
                heard->alerts++;
                heard->alert = *event;
                heard->alert.account = NULL; /* valid during this call only */
        } else if (event->type == DETECTOR_EVENT_END) {
                heard->ends++;
                heard->end = *event;
        }
}

static void on_level(const struct detector_level *level, void *userdata) {
        struct heard *heard = userdata;

        heard->floor_uv = level->floor_uv[0];
        heard->quality = level->quality[0];
}

static struct detector *detector_make(struct heard *heard, uint32_t channels, uint32_t rate_mhz) {
        static const double scale_uv[] = {1, 1};
        struct detector *detector;

        assert_int_equal(detector_new(&(struct detector_setup){.input = DETECTOR_ENVELOPE,
                                                               .rate_mhz = rate_mhz,
                                                               .channels = channels,
                                                               .scale_uv = scale_uv,
                                                               .on_event = on_event,
                                                               .on_level = on_level,
                                                               .userdata = heard},
                                      &detector),
                         0);
        return detector;
}

/* A level with a fifth of noise, the same in every run. */
static int32_t noisy(double level, uint64_t i) {
        uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

        x ^= x >> 31;
        return (int32_t)(level * (0.9 + 0.2 * (double)(x % 1000) / 1000));
}

static int32_t *rest_make(size_t frames) {
        int32_t *levels = malloc(frames * sizeof(*levels));

        assert_non_null(levels);
        for (size_t i = 0; i < frames; i++)
                levels[i] = noisy(REST, i);
        return levels;
}

/* Rises over 20 s to four times rest, stays for a minute. */
static void cramp_add(int32_t *levels, size_t begin) {
        for (size_t i = 0; i < SECONDS(80); i++) {
                double rise = i < SECONDS(20) ? (double)i / SECONDS(20) : 1;

                levels[begin + i] = noisy(REST * (1 + 3 * rise), i);
        }
}

static void a_cramp_is_told_once(void **state) {
        int32_t *levels = rest_make(SECONDS(600));
        struct heard heard = {0};
        struct detector *detector = detector_make(&heard, 1, RATE_HZ * 1000);

        cramp_add(levels, SECONDS(300));
        assert_int_equal(detector_push(detector, 0, levels, SECONDS(600)), 0);
        detector_finish(detector);
        assert_int_equal(heard.alerts, 1);
        assert_int_equal(heard.ends, 1);
        print_message("# measured: alert %.1f s after the rise begins, end %.1f s\n",
                      (double)heard.alert.alert_index / RATE_HZ - 300,
                      (double)heard.end.end_index / RATE_HZ - 300);
        assert_in_range(heard.alert.alert_index, SECONDS(304), SECONDS(330));
        assert_in_range(heard.end.end_index, SECONDS(375), SECONDS(390));
        assert_true(heard.alert.median_hz == 0);
        detector_free(detector);
        free(levels);
}

static void rest_and_short_bursts_are_quiet(void **state) {
        int32_t *levels = rest_make(SECONDS(1200));
        struct heard heard = {0};
        struct detector *detector = detector_make(&heard, 1, RATE_HZ * 1000);

        for (size_t at = SECONDS(600); at + SECONDS(10) < SECONDS(1200); at += SECONDS(10))
                for (size_t i = 0; i < SECONDS(3); i++)
                        levels[at + i] = noisy(5 * REST, i);
        assert_int_equal(detector_push(detector, 0, levels, SECONDS(1200)), 0);
        assert_int_equal(heard.alerts, 0);
        detector_free(detector);
        free(levels);
}

static void a_level_of_nothing_is_rest(void **state) {
        int32_t *levels = calloc(SECONDS(600), sizeof(*levels));
        struct heard heard = {0};
        struct detector *detector = detector_make(&heard, 1, RATE_HZ * 1000);

        assert_non_null(levels);
        cramp_add(levels, SECONDS(300));
        assert_int_equal(detector_push(detector, 0, levels, SECONDS(600)), 0);
        assert_int_equal(heard.alerts, 1);
        detector_free(detector);
        free(levels);
}

/* Smoothed levels hardly vary: their low percentiles lie close to rest, and twice rest is seen. */
static void the_smallest_cramp_is_seen(void **state) {
        int32_t *levels = rest_make(SECONDS(300));
        struct heard heard = {0};
        struct detector *detector = detector_make(&heard, 1, RATE_HZ * 1000);

        for (size_t i = 0; i < SECONDS(60); i++)
                levels[SECONDS(200) + i] = noisy(2.2 * REST, i);
        assert_int_equal(detector_push(detector, 0, levels, SECONDS(190)), 0);
        print_message("# measured: floor %.3f of rest\n", heard.floor_uv / REST);
        assert_true(heard.floor_uv > 0.9 * REST && heard.floor_uv < 1.1 * REST);
        assert_int_equal(heard.quality, DETECTOR_QUALITY_GOOD);
        assert_int_equal(detector_push(detector, SECONDS(190), levels + SECONDS(190), SECONDS(110)), 0);
        assert_int_equal(heard.alerts, 1);
        assert_in_range(heard.alert.alert_index, SECONDS(204), SECONDS(215));
        detector_free(detector);
        free(levels);
}

/* But what stands still at a level is no muscle. */
static void a_level_that_stands_is_dead(void **state) {
        int32_t *levels = rest_make(SECONDS(200));
        struct heard heard = {0};
        struct detector *detector = detector_make(&heard, 1, RATE_HZ * 1000);

        for (size_t i = SECONDS(100); i < SECONDS(200); i++)
                levels[i] = REST;
        assert_int_equal(detector_push(detector, 0, levels, SECONDS(125)), 0);
        assert_int_equal(heard.quality, DETECTOR_QUALITY_GOOD);
        assert_int_equal(detector_push(detector, SECONDS(125), levels + SECONDS(125), SECONDS(75)), 0);
        assert_int_equal(heard.quality, DETECTOR_QUALITY_DEAD);
        detector_free(detector);
        free(levels);
}

static void pieces_make_no_difference(void **state) {
        int32_t *levels = rest_make(SECONDS(600));
        struct heard whole = {0}, cut = {0};
        struct detector *a = detector_make(&whole, 2, RATE_HZ * 1000);
        struct detector *b = detector_make(&cut, 2, RATE_HZ * 1000);

        cramp_add(levels, SECONDS(300));
        for (size_t i = 1; i < SECONDS(600); i += 2) /* the second channel rests */
                levels[i] = noisy(REST, i);
        assert_int_equal(detector_push(a, 0, levels, SECONDS(300)), 0);
        for (size_t at = 0, n = 1; at < SECONDS(300); at += n, n = n % 7 + 1) {
                if (n > SECONDS(300) - at)
                        n = SECONDS(300) - at;
                assert_int_equal(detector_push(b, at, levels + 2 * at, n), 0);
        }
        assert_int_equal(whole.alerts, 1);
        assert_int_equal(cut.alerts, 1);
        assert_memory_equal(&whole.alert, &cut.alert, sizeof(whole.alert));
        detector_free(a);
        detector_free(b);
        free(levels);
}

/* The same levels, each of them fifty times. */
static void a_fast_sensor_tells_the_same(void **state) {
        int32_t *levels = rest_make(SECONDS(400)), *fast = malloc(SECONDS(400) * 50 * sizeof(*fast));
        struct heard slow_heard = {0}, fast_heard = {0};
        struct detector *slow = detector_make(&slow_heard, 1, RATE_HZ * 1000);
        struct detector *quick = detector_make(&fast_heard, 1, RATE_HZ * 50 * 1000);

        assert_non_null(fast);
        cramp_add(levels, SECONDS(300));
        for (size_t i = 0; i < SECONDS(400) * 50; i++)
                fast[i] = levels[i / 50];
        assert_int_equal(detector_push(slow, 0, levels, SECONDS(400)), 0);
        assert_int_equal(detector_push(quick, 0, fast, SECONDS(400) * 50), 0);
        assert_int_equal(slow_heard.alerts, 1);
        assert_int_equal(fast_heard.alerts, 1);
        assert_in_range(fast_heard.alert.alert_index, (slow_heard.alert.alert_index - RATE_HZ) * 50,
                        (slow_heard.alert.alert_index + RATE_HZ) * 50);
        detector_free(slow);
        detector_free(quick);
        free(levels);
        free(fast);
}

static void rates_are_checked(void **state) {
        const double scale_uv[] = {1};
        struct detector_setup setup = {.input = DETECTOR_ENVELOPE,
                                       .rate_mhz = DETECTOR_ENVELOPE_RATE_MIN_MHZ - 1,
                                       .channels = 1,
                                       .scale_uv = scale_uv,
                                       .on_event = on_event};
        struct detector *detector;

        assert_int_not_equal(detector_new(&setup, &detector), 0);
        setup.rate_mhz = DETECTOR_RATE_MAX_MHZ + 1;
        assert_int_not_equal(detector_new(&setup, &detector), 0);
        setup.rate_mhz = DETECTOR_RATE_MAX_MHZ;
        assert_int_equal(detector_new(&setup, &detector), 0);
        detector_free(detector);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_cramp_is_told_once),
                cmocka_unit_test(rest_and_short_bursts_are_quiet),
                cmocka_unit_test(a_level_of_nothing_is_rest),
                cmocka_unit_test(the_smallest_cramp_is_seen),
                cmocka_unit_test(a_level_that_stands_is_dead),
                cmocka_unit_test(pieces_make_no_difference),
                cmocka_unit_test(a_fast_sensor_tells_the_same),
                cmocka_unit_test(rates_are_checked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
