/* SPDX-License-Identifier: MIT */
/* The rivals do what their papers say on signals that are known: they must be opponents, not dummies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/random.h"
#include "tests/evaluate/night.h"
#include "tests/evaluate/rival-detector.h"
#include "tests/evaluate/rival.h"

#define RATE_HZ 1000u
#define PIECE 50u
#define SECONDS 240u

static const struct rival_kind *const kinds[] = {&rival_ratio, &rival_ratio_alone, &rival_hodges,
                                                 &rival_tkeo,  &rival_plmad,       &rival_envelope};

struct heard {
        size_t setting;
        unsigned alarms;
        struct rival_alarm last;
};

static void on_alarm(size_t setting, const struct rival_alarm *alarm, void *userdata) {
        struct heard *heard = userdata;

        if (setting != heard->setting)
                return;
        heard->alarms++;
        heard->last = *alarm;
}

/* Where it is loud: white noise of 10 x rest. */
struct burst {
        double start_s, end_s;
        unsigned channels; /* bits */
};

/* Plays two channels of white noise of 5 uV with bursts. */
static void play(const struct rival_kind *kind, const struct burst *bursts, size_t n,
                 struct heard *heard) {
        struct rival_setup setup = {.rate_hz = RATE_HZ,
                                    .channels = 2,
                                    .scale_uv = 0.1,
                                    .on_alarm = on_alarm,
                                    .userdata = heard};
        struct rival *rival;
        struct random random;
        int32_t counts[PIECE * 2];
        double uv[PIECE * 2];

        random_init(&random, 7, RANDOM_NOISE, 0, 0);
        *heard = (struct heard){.setting = kind->usual};
        assert_int_equal(kind->new (kind, &setup, &rival), 0);
        for (uint64_t index = 0; index < SECONDS * RATE_HZ; index += PIECE) {
                struct detector_signal signal = {.index = index,
                                                 .frames = PIECE,
                                                 .channels = 2,
                                                 .counts = counts,
                                                 .conditioned_uv = uv};

                for (unsigned i = 0; i < PIECE * 2; i++) {
                        double at_s = (double)(index + i / 2) / RATE_HZ, level_uv = 5;

                        for (size_t b = 0; b < n; b++)
                                if (at_s >= bursts[b].start_s && at_s < bursts[b].end_s &&
                                    (bursts[b].channels >> i % 2 & 1))
                                        level_uv = 50;
                        uv[i] = level_uv * random_normal(&random);
                        counts[i] = (int32_t)(uv[i] / setup.scale_uv);
                }
                kind->push(rival, &signal);
        }
        kind->finish(rival);
        assert_null(kind->free(rival));
}

static void assert_seconds(uint64_t index, double low_s, double high_s) {
        assert_in_range(index, (uint64_t)(low_s * RATE_HZ), (uint64_t)(high_s * RATE_HZ));
}

static void test_settings(void **state) {
        /* What stands for each kind in the tables. */
        static const struct rival_setting usual[] = {{2, 10, 0},    {2, 10, 0},    {3, 10, 0.1},
                                                     {15, 10, 0.1}, {1, 10, 0.05}, {2, 10, 0.1}};

        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                struct rival_setting setting = kinds[i]->setting(kinds[i], kinds[i]->usual);

                assert_true(setting.threshold == usual[i].threshold);
                assert_true(setting.hold_s == usual[i].hold_s);
                assert_true(setting.bridge_s == usual[i].bridge_s);
                for (size_t k = 1; k < kinds[i]->n_settings; k++) {
                        struct rival_setting last = kinds[i]->setting(kinds[i], k - 1);

                        setting = kinds[i]->setting(kinds[i], k);
                        assert_false(setting.threshold == last.threshold &&
                                     setting.hold_s == last.hold_s && setting.bridge_s == last.bridge_s);
                }
        }
}

static void test_rest_is_quiet(void **state) {
        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                struct heard heard;

                play(kinds[i], NULL, 0, &heard);
                assert_int_equal(heard.alarms, 0);
        }
}

static void test_block_is_found(void **state) {
        const struct burst block = {100, 160, 1};

        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                struct heard heard;

                play(kinds[i], &block, 1, &heard);
                assert_int_equal(heard.alarms, 1);
                assert_seconds(heard.last.onset_index, 99.9, 101);
                assert_seconds(heard.last.alert_index, 109.9, 111.1);
                assert_seconds(heard.last.end_index, 159.9, 161.1);
        }
}

/* Shorter than the hold, however often. */
static void test_bursts_are_no_block(void **state) {
        const struct burst bursts[] = {
                {60, 68, 1}, {80, 88, 1}, {100, 108, 3}, {120, 128, 2}, {140, 148, 1}};

        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                struct heard heard;

                play(kinds[i], bursts, ARRAY_LENGTH(bursts), &heard);
                assert_int_equal(heard.alarms, 0);
        }
}

static void test_alone(void **state) {
        const struct burst both = {100, 160, 3};
        struct heard heard;

        play(&rival_ratio, &both, 1, &heard);
        assert_int_equal(heard.alarms, 1); /* of the sensor, not of each channel */
        play(&rival_ratio_alone, &both, 1, &heard);
        assert_int_equal(heard.alarms, 0);
}

/* An alarm that the end of the night cuts off is counted. */
static void test_finish(void **state) {
        const struct burst late = {SECONDS - 30, SECONDS, 1};

        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                struct heard heard;

                play(kinds[i], &late, 1, &heard);
                assert_int_equal(heard.alarms, 1);
                assert_seconds(heard.last.end_index, SECONDS - 1, SECONDS);
        }
}

static void test_detector(void **state) {
        const struct burst block = {100, 160, 1};
        struct rival_kind own;
        struct heard heard;
        char missing[] = "/nonexistent.so", *paths[] = {missing};

        assert_int_equal(rival_detector_make(NULL, 0, DETECTOR_SENSITIVITY_NORMAL, 0, true, &own), 0);
        play(&own, &block, 1, &heard);
        assert_int_equal(heard.alarms, 1);
        assert_seconds(heard.last.onset_index, 99.5, 100.5);
        assert_seconds(heard.last.end_index, 159, 163);
        rival_detector_done(&own);
        assert_int_not_equal(rival_detector_make(paths, 1, DETECTOR_SENSITIVITY_NORMAL, 0, true, &own),
                             0);
}

/* A rival that only counts what it is given. */
struct counter {
        struct rival rival;
        uint64_t frames, skipped, next_index;
};

static struct counter counted;

static struct rival_setting counter_setting(const struct rival_kind *kind, size_t setting) {
        return (struct rival_setting){0};
}

static int counter_new(const struct rival_kind *kind, const struct rival_setup *setup,
                       struct rival **ret) {
        counted = (struct counter){.rival = {.kind = kind, .setup = *setup}};
        *ret = &counted.rival;
        return 0;
}

static struct rival *counter_free(struct rival *rival) {
        return NULL;
}

static void counter_push(struct rival *rival, const struct detector_signal *signal) {
        struct counter *counter = (struct counter *)rival;

        assert_true(signal->index >= counter->next_index);
        counter->skipped += signal->index - counter->next_index;
        counter->frames += signal->frames;
        counter->next_index = signal->index + signal->frames;
}

static void counter_finish(struct rival *rival) {
}

/* What the corpus says was lost never reaches a detector, and all else does. */
static void test_gaps_are_gaps(void **state) {
        const struct rival_kind counter = {.name = "counter",
                                           .n_settings = 1,
                                           .channels_min = 1,
                                           .setting = counter_setting,
                                           .new = counter_new,
                                           .free = counter_free,
                                           .push = counter_push,
                                           .finish = counter_finish};
        const struct rival_kind *const only[] = {&counter};
        struct night_plan plan = {
                .script = "home-night", .hours = 4, .channels = 1, .rate_hz = 200, .rest_min_uv = 1.5};
        unsigned with_gaps = 0;

        for (plan.seed = 1; with_gaps < 2; plan.seed++) {
                struct corpus_setup setup;
                struct script script;
                struct corpus *corpus;
                struct corpus_error error;
                struct night_score score;
                size_t n_gaps;
                const struct corpus_gap *gaps;
                uint64_t lost = 0, at_end = 0;

                assert_true(plan.seed < 20);
                corpus_setup_home(plan.seed, &setup);
                setup.channels = plan.channels;
                setup.rate_hz = plan.rate_hz;
                assert_int_equal(script_builtin(plan.script,
                                                &(struct script_layout){.seed = plan.seed,
                                                                        .hours = plan.hours,
                                                                        .channels = 1,
                                                                        .rest_uv = setup.rest_uv},
                                                &script, &error),
                                 0);
                assert_int_equal(corpus_new(&setup, &script, &corpus, &error), 0);
                gaps = corpus_gaps(corpus, &n_gaps);
                for (size_t i = 0; i < n_gaps; i++) {
                        lost += gaps[i].frames;
                        if (gaps[i].first + gaps[i].frames == corpus_frames(corpus))
                                at_end = gaps[i].frames;
                }
                with_gaps += n_gaps > 0;

                assert_int_equal(night_run(&plan, only, 1, &score, &error), 0);
                assert_int_equal(counted.frames, corpus_frames(corpus) - lost);
                assert_int_equal(counted.skipped, lost - at_end);
                corpus_free(corpus);
                script_done(&script);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settings),       cmocka_unit_test(test_rest_is_quiet),
                cmocka_unit_test(test_block_is_found), cmocka_unit_test(test_bursts_are_no_block),
                cmocka_unit_test(test_alone),          cmocka_unit_test(test_finish),
                cmocka_unit_test(test_detector),       cmocka_unit_test(test_gaps_are_gaps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
