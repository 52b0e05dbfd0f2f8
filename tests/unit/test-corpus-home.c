/* SPDX-License-Identifier: MIT */
/* Nights at home: whether what is drawn covers what a corpus must, and whether cramps and the rest
 * overlap. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"
#include "tests/unit/corpus-signal.h"

#define NIGHTS 60u
#define CRAMPS 4u

static void night_make(uint64_t seed, struct corpus_setup *setup, struct script *ret) {
        struct corpus_error error = {0};
        struct script_layout layout;

        corpus_setup_home(seed, setup);
        layout = (struct script_layout){
                .seed = seed, .cramps = CRAMPS, .channels = setup->channels, .rest_uv = setup->rest_uv};
        assert_int_equal(script_builtin("home-night", &layout, ret, &error), 0);
}

static double event_end_s(const struct script_event *event) {
        return event->start_s + event->duration_s;
}

static bool events_overlap(const struct script_event *a, const struct script_event *b) {
        return a->start_s < event_end_s(b) && b->start_s < event_end_s(a);
}

/* Any of the script's, of one kind, that overlaps. */
static bool script_overlaps(const struct script *script, const struct script_event *event,
                            enum event_kind kind) {
        for (size_t i = 0; i < script->n_events; i++)
                if (&script->events[i] != event && script->events[i].kind == kind &&
                    events_overlap(&script->events[i], event))
                        return true;
        return false;
}

static void test_nights_hold_what_is_asked(void **state) {
        unsigned kinds[EVENT_KINDS] = {0}, moved = 0, stretched = 0, walked = 0, weak = 0, cramps = 0;
        double shortest_s = INFINITY, longest_s = 0;

        for (uint64_t seed = 1; seed <= NIGHTS; seed++) {
                struct corpus_setup setup;
                struct script script;
                unsigned here = 0;

                night_make(seed, &setup, &script);
                assert_true(script.duration_s == 28800);
                for (size_t i = 0; i < script.n_events; i++) {
                        const struct script_event *event = &script.events[i];
                        struct script_event after;

                        kinds[event->kind]++;
                        assert_true(event->start_s >= 0 && event_end_s(event) <= script.duration_s);
                        if (event->kind != EVENT_CRAMP)
                                continue;
                        here++;
                        weak += event->ratio < 6;
                        moved += script_overlaps(&script, event, EVENT_MOVEMENT);
                        stretched += script_overlaps(&script, event, EVENT_STRETCH);
                        after = *event;
                        after.start_s = event_end_s(event);
                        after.duration_s = 40;
                        walked += script_overlaps(&script, &after, EVENT_WALK);
                        shortest_s = fmin(shortest_s, event->duration_s);
                        longest_s = fmax(longest_s, event->duration_s);
                        /* Where it can be seen. */
                        assert_true(event->muscles < 1U << setup.channels);
                }
                assert_int_equal(here, CRAMPS);
                cramps += here;
                script_done(&script);
        }
        assert_int_equal(weak, cramps / 2);
        assert_true(shortest_s >= 25 && shortest_s < 35);
        assert_true(longest_s > 300 && longest_s <= 600);
        assert_true(moved > cramps / 5 && stretched > cramps / 3 && walked > cramps / 6);
        for (int kind = 0; kind < EVENT_KINDS; kind++)
                assert_true(kinds[kind] >= NIGHTS / 8);
        /* 6.8 an hour is the median of sleepers, the mean of that distribution is 8.4; besides there are
         * those in cramps and on the way to the bathroom. Full nights have no room for all. */
        assert_true(kinds[EVENT_MOVEMENT] > 6 * 8 * NIGHTS && kinds[EVENT_MOVEMENT] < 12 * 8 * NIGHTS);
}

static void test_faults_hide_no_cramp(void **state) {
        const enum event_kind faults[] = {EVENT_LIFT, EVENT_HUM, EVENT_RAIL,
                                          EVENT_TONE, EVENT_GAP, EVENT_RUB};

        for (uint64_t seed = 1; seed <= NIGHTS; seed++) {
                struct corpus_setup setup;
                struct script script;

                night_make(seed, &setup, &script);
                for (size_t i = 0; i < script.n_events; i++)
                        for (size_t j = 0; j < script.n_events; j++)
                                for (size_t k = 0; k < ARRAY_LENGTH(faults); k++)
                                        assert_false(
                                                script.events[i].kind == EVENT_CRAMP &&
                                                script.events[j].kind == faults[k] &&
                                                script.events[i].muscles & script.events[j].muscles &&
                                                events_overlap(&script.events[i], &script.events[j]));
                script_done(&script);
        }
}

static void test_sensors_differ(void **state) {
        unsigned single = 0, slow = 0, coarse = 0, humming = 0, beating = 0;
        double lowest_uv = INFINITY, highest_uv = 0;

        for (uint64_t seed = SCRIPT_SEED_TEST_MIN; seed < SCRIPT_SEED_TEST_MIN + 100; seed++) {
                struct corpus_setup setup;

                corpus_setup_home(seed, &setup);
                assert_in_range(setup.rate_hz, 200, 2000);
                assert_in_range(setup.bits, 8, 24);
                assert_in_range(setup.channels, 1, 4);
                single += setup.channels == 1;
                slow += setup.rate_hz <= 250;
                coarse += setup.bits == 8;
                humming += setup.mains_hz != 0;
                beating += setup.ecg_uv > 0;
                lowest_uv = fmin(lowest_uv, setup.rest_uv);
                highest_uv = fmax(highest_uv, setup.rest_uv);
        }
        assert_int_equal(single, 50);
        assert_true(slow > 8 && coarse > 5 && humming > 50 && beating > 20);
        assert_true(lowest_uv >= 1.5 && lowest_uv < 2.5 && highest_uv > 12 && highest_uv <= 15);
}

/* Nothing is drawn that the generator refuses. */
static void test_every_night_can_be_generated(void **state) {
        for (uint64_t seed = 1; seed <= NIGHTS / 2; seed++) {
                struct corpus_setup setup;
                struct corpus_error error = {0};
                const struct corpus_event *events;
                struct corpus *corpus;
                struct script script;
                unsigned cramps = 0;
                size_t n;

                night_make(seed, &setup, &script);
                assert_int_equal(corpus_new(&setup, &script, &corpus, &error), 0);
                script_done(&script);
                events = corpus_events(corpus, &n);
                for (size_t i = 0; i < n; i++) {
                        if (events[i].kind != EVENT_CRAMP)
                                continue;
                        cramps++;
                        assert_true(events[i].twice_rest_s >= events[i].start_s &&
                                    events[i].twice_rest_s < events[i].end_s);
                        assert_true(events[i].level_ratio > 2.1 && events[i].level_ratio < 15.1);
                }
                assert_int_equal(cramps, CRAMPS);
                corpus_free(corpus);
        }
}

struct range {
        double values[NIGHTS * 64];
        size_t n;
};

static void range_add(struct range *range, double value) {
        assert_true(range->n < ARRAY_LENGTH(range->values));
        range->values[range->n++] = value;
}

/* The share of `a` that lies between the 5th and the 95th percentile of `b`. */
static int double_compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double range_share(const struct range *a, struct range *b) {
        size_t within = 0;

        qsort(b->values, b->n, sizeof(double), double_compare);
        for (size_t i = 0; i < a->n; i++)
                within += a->values[i] >= b->values[b->n / 20] &&
                          a->values[i] <= b->values[b->n - 1 - b->n / 20];
        return (double)within / (double)a->n;
}

/* No single figure of an event tells a cramp from a hold. */
static void test_cramps_and_holds_overlap(void **state) {
        static struct range ratio[2], rise[2], rough[2];

        for (uint64_t seed = 1; seed <= NIGHTS; seed++) {
                struct corpus_setup setup;
                struct script script;

                night_make(seed, &setup, &script);
                for (size_t i = 0; i < script.n_events; i++) {
                        const struct script_event *event = &script.events[i];
                        unsigned which = event->kind == EVENT_HOLD;

                        if (event->kind != EVENT_CRAMP && event->kind != EVENT_HOLD)
                                continue;
                        range_add(&ratio[which], event->ratio);
                        range_add(&rise[which], event->rise_s);
                        range_add(&rough[which], event->roughness);
                }
                script_done(&script);
        }
        assert_true(ratio[1].n > NIGHTS);
        assert_true(range_share(&ratio[1], &ratio[0]) > 0.8 && range_share(&ratio[0], &ratio[1]) > 0.8);
        assert_true(range_share(&rough[1], &rough[0]) > 0.8 && range_share(&rough[0], &rough[1]) > 0.8);
        /* Weak cramps rise more slowly than anybody pushes at will: over 41 s. */
        assert_true(range_share(&rise[1], &rise[0]) > 0.4 && range_share(&rise[0], &rise[1]) > 0.3);
}

/* Roughness of one steady event on one channel, mean of some seeds. */
static double measured_roughness(enum event_kind kind, double ratio, double roughness) {
        double sum = 0;

        for (uint64_t seed = 1; seed <= 6; seed++) {
                struct corpus_setup setup = corpus_setup_usual();
                struct script script = {.duration_s = 50};
                struct script_event *event;
                struct signal signal;

                setup.seed = seed;
                assert_int_equal(script_add(&script, kind, 5, 40, &event), 0);
                event->muscles = 1;
                event->ratio = ratio;
                event->rise_s = event->fall_s = 1;
                event->roughness = roughness;
                event->banded = true;
                signal = signal_of_script(&setup, &script);
                sum += signal_roughness(&signal, 0, 7, 43) / 6;
                signal_done(&signal);
                script_done(&script);
        }
        return sum;
}

/* In both from 0.1 to 0.35, with no more than an eighth between them. */
static void test_smoothness_tells_nothing(void **state) {
        for (double ratio = 4; ratio < 13; ratio *= 3) {
                double smooth[2], rough[2];

                for (unsigned which = 0; which < 2; which++) {
                        enum event_kind kind = which == 0 ? EVENT_CRAMP : EVENT_HOLD;

                        smooth[which] = measured_roughness(kind, ratio, MODEL_HOME_ROUGHNESS_MIN);
                        rough[which] = measured_roughness(kind, ratio, MODEL_HOME_ROUGHNESS_MAX);
                }
                assert_true(fabs(smooth[0] / smooth[1] - 1) < 0.125);
                assert_true(fabs(rough[0] / rough[1] - 1) < 0.125);
                assert_true(smooth[0] < 0.11 && smooth[1] < 0.11);
                assert_true(rough[0] > 0.32 && rough[1] > 0.32);
        }
}

static void test_seeds_are_kept_apart(void **state) {
        assert_string_equal(script_seed_use(1), "development");
        assert_string_equal(script_seed_use(SCRIPT_SEED_DEVELOPMENT_MAX), "development");
        assert_string_equal(script_seed_use(SCRIPT_SEED_TEST_MIN), "test");
        assert_string_equal(script_seed_use(SCRIPT_SEED_TEST_MAX), "test");
        assert_string_equal(script_seed_use(0), "other");
        assert_string_equal(script_seed_use(SCRIPT_SEED_DEVELOPMENT_MAX + 1), "other");
        assert_string_equal(script_seed_use(SCRIPT_SEED_TEST_MAX + 1), "other");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nights_hold_what_is_asked),
                cmocka_unit_test(test_faults_hide_no_cramp),
                cmocka_unit_test(test_sensors_differ),
                cmocka_unit_test(test_every_night_can_be_generated),
                cmocka_unit_test(test_cramps_and_holds_overlap),
                cmocka_unit_test(test_smoothness_tells_nothing),
                cmocka_unit_test(test_seeds_are_kept_apart),
        };

        return cmocka_run_group_tests_name("corpus-home", tests, NULL, NULL);
}
