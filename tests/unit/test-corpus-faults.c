/* SPDX-License-Identifier: MIT */
/* What is in the simulated signal besides muscle: each fault is measured in the samples. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"
#include "tests/unit/corpus-signal.h"

static double band_rms_uv(const struct signal *signal, unsigned channel, unsigned from, unsigned to,
                          unsigned low, unsigned high) {
        double power = 0;

        for (unsigned second = from; second < to; second++)
                power += signal_band_power(signal, channel, second, low, high);
        return sqrt(power / (to - from));
}

/* A share of 1 means that a band is as dense as the one from 20 to 450 Hz is on the whole. */
static double band_density(const struct signal *signal, unsigned channel, unsigned from, unsigned to,
                           unsigned low, unsigned high) {
        double part = band_rms_uv(signal, channel, from, to, low, high),
               all = band_rms_uv(signal, channel, from, to, 20, 450);

        return part * part / (high - low + 1) / (all * all / 431);
}

static struct corpus_setup setup_of(unsigned channels) {
        struct corpus_setup setup = corpus_setup_usual();

        setup.channels = channels;
        return setup;
}

/* The level falls to the amplifier's own, flat, and with it all that the muscle does. */
static void test_lifted_electrode_leaves_amplifier_noise(void **state) {
        struct corpus_setup setup = setup_of(2);
        _signal_ struct signal signal = {0};

        setup.ecg_uv = 20;
        signal = signal_make(&setup, "20 lift 40 muscle=GM\n30 hold 20 uv=50\n80 end");
        assert_int_equal(signal_event(&signal, EVENT_LIFT)->channels, 1);
        assert_true(fabs(signal_rms_uv(&signal, 0, 25, 58) / MODEL_LIFT_UV - 1) < 0.05);
        assert_true(fabs(band_density(&signal, 0, 25, 58, 20, 100) - 1) < 0.1);
        /* The other electrode stays on. */
        assert_true(signal_rms_uv(&signal, 1, 35, 48) > 30);
        assert_true(signal_rms_uv(&signal, 0, 65, 80) > 4.5);
        /* Contact that is lost and made jumps by far more than any muscle's level. */
        for (unsigned i = 0; i < 2; i++) {
                size_t at = (i == 0 ? 20 : 60) * (size_t)setup.rate_hz + 5;

                assert_true(fabs(signal_uv(&signal, 0, at)) > 150);
        }
}

static void test_hum_is_nothing_but_mains(void **state) {
        struct corpus_setup setup = setup_of(1);
        _signal_ struct signal signal = {0};
        double line, all;

        setup.mains_hz = 60;
        signal = signal_make(&setup, "20 hum 40 uv=300\n30 hold 20 uv=50\n70 end");
        line = band_rms_uv(&signal, 0, 26, 58, 59, 61);
        all = band_rms_uv(&signal, 0, 26, 58, 20, 450);
        assert_true(fabs(all / 300 - 1) < 0.45);
        assert_true(line * line > 0.85 * all * all);
        /* Between its harmonics there is no muscle. */
        assert_true(band_rms_uv(&signal, 0, 35, 48, 70, 110) < 3);
}

static void test_rail_is_stuck_at_the_end(void **state) {
        struct corpus_setup setup = setup_of(2);
        _signal_ struct signal signal = {0};
        int32_t stuck;

        setup.bits = 12;
        signal = signal_make(&setup, "10 rail 20 muscle=GL\n12 hold 15 uv=80\n40 end");
        stuck = signal.counts[15 * 1000 * 2 + 1];
        assert_true(stuck == corpus_digital_max(12) || stuck == corpus_digital_min(12));
        for (size_t frame = 11 * 1000; frame < 28 * 1000; frame++)
                assert_int_equal(signal.counts[frame * 2 + 1], stuck);
        assert_true(signal_rms_uv(&signal, 0, 14, 26) > 30);
        assert_true(fabs(signal_rms_uv(&signal, 1, 32, 40) / 5 - 1) < 0.1);
}

/* Loud, slow, and on and off: unlike muscle most of it lies below 20 Hz. */
static void test_rub_is_slow_and_crackles(void **state) {
        struct corpus_setup setup = setup_of(1);
        _signal_ struct signal signal = signal_make(&setup, "10 rub 40 uv=200\n60 end");
        double slow = band_rms_uv(&signal, 0, 10, 50, 1, 19), rest = signal_rms_uv(&signal, 0, 0, 10);
        double loud = 0;

        assert_true(slow > 60 && slow < 300);
        assert_true(signal_rms_uv(&signal, 0, 10, 50) < 0.8 * slow);
        assert_true(signal_rms_uv(&signal, 0, 10, 50) > 3 * rest);
        for (double at_s = 11; at_s < 49; at_s += 0.5)
                loud += signal_envelope_uv(&signal, 0, at_s) > 4 * rest;
        assert_true(loud > 10 && loud < 70);
        assert_true(fabs(signal_rms_uv(&signal, 0, 51, 60) / 5 - 1) < 0.1);
}

static void test_tone_has_its_frequency_and_level(void **state) {
        struct corpus_setup setup = setup_of(1);
        _signal_ struct signal signal = signal_make(&setup, "10 tone 60 hz=97 ratio=3\n80 end");
        double line = band_rms_uv(&signal, 0, 12, 68, 96, 98);
        double second = band_rms_uv(&signal, 0, 12, 68, 193, 195);

        assert_true(fabs(line / 15 - 1) < 0.15);
        assert_true(fabs(second / line - MODEL_TONE_SECOND) < 0.06);
        assert_true(fabs(signal_rms_uv(&signal, 0, 12, 68) / (5 * sqrt(10)) - 1) < 0.15);
        assert_true(fabs(signal_rms_uv(&signal, 0, 71, 80) / 5 - 1) < 0.1);
}

static void test_floor_rises_and_falls(void **state) {
        struct corpus_setup setup = setup_of(2);
        _signal_ struct signal slow = {0}, step = {0};

        slow = signal_make(&setup, "10 floor 190 ratio=2.5 rise=60 fall=60 muscle=GM\n"
                                   "100 cramp 30 ratio=4 rise=5 muscle=GM\n220 end");
        assert_true(fabs(signal_rms_uv(&slow, 0, 0, 10) / 5 - 1) < 0.06);
        assert_true(fabs(signal_rms_uv(&slow, 0, 39, 41) / (5 * sqrt(2.5)) - 1) < 0.12);
        assert_true(fabs(signal_rms_uv(&slow, 0, 72, 98) / 12.5 - 1) < 0.06);
        /* A cramp's ratio is over the rest of its time. */
        assert_true(fabs(signal_rms_uv(&slow, 0, 108, 125) / 50 - 1) < 0.15);
        assert_true(fabs(signal_rms_uv(&slow, 0, 202, 220) / 5 - 1) < 0.06);
        assert_true(fabs(signal_rms_uv(&slow, 1, 72, 98) / 5 - 1) < 0.06);

        step = signal_make(&setup, "10 floor 20 ratio=0.5 rise=0 fall=0\n40 end");
        assert_true(fabs(signal_rms_uv(&step, 0, 10, 30) / 2.5 - 1) < 0.06);
        assert_true(fabs(signal_rms_uv(&step, 0, 31, 40) / 5 - 1) < 0.06);
}

/* Rest keeps its level whatever its colour. The densities are those of white noise plus rise times its
 * one-pole low-passed part, worked out beside. */
static void test_rest_has_the_asked_colour(void **state) {
        const struct {
                double rise, corner_hz, low_density, high_density;
        } colours[] = {{0, 50, 1, 1}, {8, 60, 3.48, 0.458}};

        for (unsigned i = 0; i < ARRAY_LENGTH(colours); i++) {
                struct corpus_setup setup = setup_of(1);
                _signal_ struct signal signal = {0};

                setup.noise_rise = colours[i].rise;
                setup.noise_corner_hz = colours[i].corner_hz;
                signal = signal_make(&setup, "60 end");
                assert_true(fabs(signal_rms_uv(&signal, 0, 0, 60) / 5 - 1) < 0.04);
                assert_true(fabs(band_density(&signal, 0, 0, 60, 20, 60) / colours[i].low_density - 1) <
                            0.15);
                assert_true(fabs(band_density(&signal, 0, 0, 60, 200, 450) / colours[i].high_density -
                                 1) < 0.15);
        }
}

static void test_rest_differs_between_channels(void **state) {
        struct corpus_setup setup = setup_of(4);
        _signal_ struct signal signal = {0};
        double lowest = INFINITY, highest = 0;

        setup.rest_spread = 0.4;
        signal = signal_make(&setup, "20 end");
        for (unsigned channel = 0; channel < 4; channel++) {
                double rest_uv = corpus_rest_uv(signal.corpus, channel);

                assert_true(fabs(signal_rms_uv(&signal, channel, 0, 20) / rest_uv - 1) < 0.05);
                lowest = fmin(lowest, rest_uv);
                highest = fmax(highest, rest_uv);
        }
        assert_true(highest > 1.2 * lowest);
}

/* About once a second a short, narrow wave of the asked height. */
static void test_heart_beats(void **state) {
        struct corpus_setup setup = setup_of(2);
        _signal_ struct signal signal = {0};
        unsigned beats = 0;
        size_t last = 0;
        double highest = 0;

        setup.rest_uv = 1;
        setup.ecg_uv = 50;
        signal = signal_make(&setup, "60 end");
        for (size_t frame = 0; frame < signal.frames; frame++) {
                double height = fabs(signal_uv(&signal, 0, frame));

                highest = fmax(highest, height);
                if (height < 30)
                        continue;
                if (frame - last > 300)
                        beats++;
                last = frame;
        }
        assert_in_range(beats, (unsigned)MODEL_HEART_PER_MINUTE_MIN - 2,
                        (unsigned)MODEL_HEART_PER_MINUTE_MAX + 2);
        assert_true(fabs(highest / 50 - 1) < 0.15);
        /* The second channel sees the same beats, weaker. */
        assert_true(band_rms_uv(&signal, 1, 0, 60, 5, 40) > 2);
        assert_true(band_rms_uv(&signal, 1, 0, 60, 5, 40) < band_rms_uv(&signal, 0, 0, 60, 5, 40));
}

static void test_gaps_hold_the_last_value(void **state) {
        struct corpus_setup setup = setup_of(2);
        _signal_ struct signal whole = signal_make(&setup, "30 end"), holed = {0};
        const struct corpus_gap *gaps;
        size_t n, at = 0, lost = 0;

        holed = signal_make(&setup, "5 gap 2\n6.5 gap 1\n10 loss 15 per_minute=60\n29 gap 5\n35 end");
        gaps = corpus_gaps(holed.corpus, &n);
        assert_in_range(n, 6, 30);
        assert_int_equal(gaps[0].first, 5000);
        assert_int_equal(gaps[0].frames, 2500);
        assert_int_equal(gaps[n - 1].first + gaps[n - 1].frames, 34000);

        for (size_t frame = 0; frame < whole.frames; frame++) {
                while (at < n && frame >= gaps[at].first + gaps[at].frames)
                        at++;
                if (at < n && frame >= gaps[at].first) {
                        lost++;
                        assert_memory_equal(&holed.counts[frame * 2], &holed.counts[(frame - 1) * 2], 8);
                } else {
                        assert_memory_equal(&holed.counts[frame * 2], &whole.counts[frame * 2], 8);
                }
        }
        /* 15 runs of 3 packets of 20 ms are expected besides. */
        assert_true(lost > 2500 + 1000 + 200 && lost < 2500 + 1000 + 2000);
}

static void test_packets_are_lost_as_often_as_asked(void **state) {
        struct corpus_setup setup = setup_of(1);
        const struct corpus_gap *gaps;
        _signal_ struct signal signal = {0};
        double frames = 0;
        size_t n;

        setup.rate_hz = 250;
        signal = signal_make(&setup, "0 loss 1800 per_minute=10");
        gaps = corpus_gaps(signal.corpus, &n);
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(gaps[i].frames % 5, 0);
                frames += (double)gaps[i].frames;
        }
        /* 300 are expected, give or take four times the root. */
        assert_in_range(n, 230, 370);
        assert_true(fabs(frames / (double)n / (MODEL_PACKET_S * 250) - MODEL_LOSS_RUN) < 0.8);
}

/* Standing is steady, soft, and most of all in the soleus. */
static void test_standing_is_soft_and_steady(void **state) {
        struct corpus_setup setup = setup_of(4);
        _signal_ struct signal signal = {0};
        double soleus;

        setup.seed = 2;
        signal = signal_make(&setup, "10 stand 60 uv=30\n80 end");
        soleus = signal_rms_uv(&signal, MUSCLE_SO, 12, 68);
        assert_int_equal(signal_event(&signal, EVENT_STAND)->channels, 7);
        assert_int_equal(signal_event(&signal, EVENT_STAND)->leading, MUSCLE_SO);
        assert_true(soleus > 12 && soleus < 70);
        assert_true(signal_rms_uv(&signal, MUSCLE_GL, 12, 68) < soleus);
        assert_true(signal_rms_uv(&signal, MUSCLE_TA, 12, 68) < 0.4 * soleus);
        for (double at_s = 12; at_s < 68; at_s += 0.25)
                assert_true(signal_envelope_uv(&signal, MUSCLE_SO, at_s) > 0.4 * soleus);
}

/* How deep the quietest tenth of its half seconds lies below the whole. */
static double movement_depth(const struct signal *signal) {
        double whole = signal_rms_uv(signal, 0, 11, 49);
        unsigned quiet = 0, n = 0;

        for (double at_s = 11; at_s < 49; at_s += 0.1, n++)
                quiet += signal_envelope_uv(signal, 0, at_s) < 0.5 * whole;
        return (double)quiet / n;
}

static void test_tonic_movements_have_fewer_pauses(void **state) {
        struct corpus_setup setup = setup_of(1);
        _signal_ struct signal bursts = signal_make(&setup, "10 movement 40\n60 end"),
                               tonic = signal_make(&setup, "10 movement 40 tonic=0.9\n60 end");

        assert_true(movement_depth(&bursts) > 0.15);
        assert_true(movement_depth(&tonic) < 0.03);
}

/* What an axis does beside its mean, in g. */
static double motion_sd_g(const struct signal *signal, unsigned axis, unsigned from, unsigned to,
                          double *ret_mean) {
        unsigned n = corpus_columns(signal->corpus), rate = signal->setup->rate_hz;
        double sum = 0, squares = 0, frames = (double)(to - from) * rate;

        for (size_t frame = (size_t)from * rate; frame < (size_t)to * rate; frame++) {
                double g = signal->counts[frame * n + signal->setup->channels + axis] *
                           MODEL_MOTION_SCALE_G;

                sum += g;
                squares += g * g;
        }
        *ret_mean = sum / frames;
        return sqrt(fmax(squares / frames - *ret_mean * *ret_mean, 0));
}

static double motion_shake_g(const struct signal *signal, unsigned from, unsigned to) {
        double power = 0, mean;

        for (unsigned axis = 0; axis < 3; axis++)
                power += pow(motion_sd_g(signal, axis, from, to, &mean), 2);
        return sqrt(power);
}

static void test_accelerometer_agrees_with_the_script(void **state) {
        struct corpus_setup setup = setup_of(2);
        _signal_ struct signal plain = {0}, signal = {0};
        const char text[] = "20 cramp 30 rise=5\n60 movement 12\n90 plm 3\n110 walk 20\n131 stand 10\n"
                            "150 stretch 5\n170 hold 10\n190 end";
        double rest, means[3], length = 0;

        plain = signal_make(&setup, text);
        setup.accelerometer = true;
        signal = signal_make(&setup, text);
        assert_int_equal(corpus_columns(signal.corpus), 5);
        for (size_t frame = 0; frame < plain.frames; frame++)
                assert_memory_equal(&plain.counts[frame * 2], &signal.counts[frame * 5], 8);

        rest = motion_shake_g(&signal, 0, 20);
        assert_true(rest > 0.002 && rest < 0.006);
        assert_true(motion_shake_g(&signal, 20, 50) < 3 * rest);
        assert_true(motion_shake_g(&signal, 60, 72) > 30 * rest);
        assert_true(motion_shake_g(&signal, 90, 93) > 20 * rest);
        assert_true(motion_shake_g(&signal, 111, 129) > 50 * rest);
        assert_true(motion_shake_g(&signal, 151, 154) > 3 * rest);
        assert_true(motion_shake_g(&signal, 172, 178) < 5 * rest);

        /* Where nothing moves there is 1 g; upright it lies along the leg, in bed across it. */
        for (unsigned axis = 0; axis < 3; axis++) {
                (void)motion_sd_g(&signal, axis, 0, 20, &means[axis]);
                length += means[axis] * means[axis];
        }
        assert_true(fabs(sqrt(length) - 1) < 0.02 && fabs(means[0]) < 0.6);
        (void)motion_sd_g(&signal, 0, 132, 140, &means[0]);
        assert_true(means[0] > 0.97);
}

static void test_bad_options_are_refused(void **state) {
        const struct corpus_setup usual = corpus_setup_usual();
        struct corpus_setup setups[] = {usual, usual, usual, usual, usual};
        const char *words[] = {"spread", "rise", "corner", "heart", "clock"};
        struct script script = {.duration_s = 10};

        setups[0].rest_spread = 2;
        setups[1].noise_rise = -1;
        setups[2].noise_corner_hz = 0;
        setups[3].ecg_uv = NAN;
        setups[4].clock_ppm = -2000;
        for (unsigned i = 0; i < ARRAY_LENGTH(setups); i++) {
                struct corpus_error error = {0};
                struct corpus *corpus = NULL;

                assert_int_equal(corpus_new(&setups[i], &script, &corpus, &error), -EINVAL);
                assert_null(corpus);
                assert_non_null(strstr(error.text, words[i]));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lifted_electrode_leaves_amplifier_noise),
                cmocka_unit_test(test_hum_is_nothing_but_mains),
                cmocka_unit_test(test_rail_is_stuck_at_the_end),
                cmocka_unit_test(test_rub_is_slow_and_crackles),
                cmocka_unit_test(test_tone_has_its_frequency_and_level),
                cmocka_unit_test(test_floor_rises_and_falls),
                cmocka_unit_test(test_rest_has_the_asked_colour),
                cmocka_unit_test(test_rest_differs_between_channels),
                cmocka_unit_test(test_heart_beats),
                cmocka_unit_test(test_gaps_hold_the_last_value),
                cmocka_unit_test(test_packets_are_lost_as_often_as_asked),
                cmocka_unit_test(test_standing_is_soft_and_steady),
                cmocka_unit_test(test_tonic_movements_have_fewer_pauses),
                cmocka_unit_test(test_accelerometer_agrees_with_the_script),
                cmocka_unit_test(test_bad_options_are_refused),
        };

        return cmocka_run_group_tests_name("corpus-faults", tests, NULL, NULL);
}
