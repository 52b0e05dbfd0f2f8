/* SPDX-License-Identifier: MIT */
/*
 * The detector on real recordings, read in place from the folder that RECORDINGS names; without it every
 * case is skipped. There is no cramp among them: walking, steps, passive movement, sitting and standing
 * must raise no alert. Maximal voluntary holds may (nobody can tell them from a cramp by one muscle's
 * EMG); what they do is printed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-recording.h"

struct recording {
        const char *name;
        uint32_t rate_mhz;
        uint32_t first_column, channels;
        double factor_uv, scale_uv;
};

static struct signal_events events;

/* NULL when none was given. */
static const char *folder(void) {
        const char *path = getenv("RECORDINGS");

        return path && *path != '\0' ? path : NULL;
}

static void load(const struct recording *recording, struct signal *ret) {
        uint32_t columns[16];
        int r;

        for (uint32_t i = 0; i < recording->channels; i++)
                columns[i] = recording->first_column + i;
        r = recording_load(folder(), recording->name, recording->rate_mhz, columns, recording->channels,
                           recording->factor_uv, recording->scale_uv, ret);
        if (r < 0)
                fail_msg("%s: cannot be read (%d)", recording->name, r);
}

static void tell(const char *name, const char *how, const struct signal *signal) {
        const struct detector_event *alert = signal_first(&events, DETECTOR_EVENT_ALERT);
        double rate = signal_rate_hz(signal);

        print_message("# %s, %s, %.0f s: %zu suspected, %zu alerts", name, how,
                      (double)signal->frames / rate, signal_count(&events, DETECTOR_EVENT_SUSPECTED),
                      signal_count(&events, DETECTOR_EVENT_ALERT));
        if (alert)
                print_message(", the first on channel %u, onset %.1f s, alert %.1f s, %.0f Hz, "
                              "confidence %.2f",
                              alert->channel, (double)alert->onset_index / rate,
                              (double)alert->alert_index / rate, alert->median_hz, alert->confidence);
        print_message("\n");
}

static void check_silent(const char *name, const char *how, const struct signal *signal) {
        signal_detect(signal, 0, &events);
        if (signal_count(&events, DETECTOR_EVENT_ALERT) == 0)
                return;
        tell(name, how, signal);
        fail_msg("%s, %s: alert", name, how);
}

/* All channels as one sensor and each alone; as it is, end to end for minutes, and after simulated quiet
 * rest. */
static void check_no_alert(const struct recording *recording, unsigned times, double rest_uv) {
        struct signal signal, longer;

        load(recording, &signal);
        check_silent(recording->name, "all channels", &signal);
        for (uint32_t channel = 0; channel <= recording->channels; channel++) {
                uint32_t which = channel < recording->channels ? channel : UINT32_MAX;
                char label[32] = "all channels", how[64];

                if (channel < recording->channels)
                        (void)snprintf(label, sizeof(label), "channel %u", channel);
                (void)snprintf(how, sizeof(how), "%s, repeated", label);
                recording_repeat(&signal, which, 0.0, 0.0, times, &longer);
                check_silent(recording->name, how, &longer);
                signal_done(&longer);
                if (!(rest_uv > 0.0))
                        continue;
                (void)snprintf(how, sizeof(how), "%s, after rest", label);
                recording_repeat(&signal, which, 30.0, rest_uv, times, &longer);
                check_silent(recording->name, how, &longer);
                signal_done(&longer);
        }
        signal_done(&signal);
}

/* May alert; must not break. */
static void print_what_happens(const struct recording *recording, double rest_uv) {
        struct signal signal, longer;

        load(recording, &signal);
        for (uint32_t channel = 0; channel < recording->channels; channel++) {
                char how[64];

                (void)snprintf(how, sizeof(how), "column %u%s", recording->first_column + channel,
                               rest_uv > 0.0 ? " after 30 s of rest" : "");
                recording_repeat(&signal, channel, rest_uv > 0.0 ? 30.0 : 0.0, rest_uv, 1, &longer);
                signal_detect(&longer, 0, &events);
                tell(recording->name, how, &longer);
                assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT),
                                 signal_count(&events, DETECTOR_EVENT_END));
                signal_done(&longer);
        }
        signal_done(&signal);
}

static void test_walking(void **state) {
        const struct recording recording = {
                "gait-calf-santuz/ID0012_TW_01_emg_uV_1000Hz.csv", 1000000, 1, 13, 1.0, 0.1};

        check_no_alert(&recording, 16, 5.0);
        check_no_alert(&recording, 16, 1.5);
}

static void test_ballistic_contractions(void **state) {
        const struct recording recording = {
                "ta-ballistic-emggo/TA_ballistic_dorsiflexion_250Hz.csv", 250000, 0, 1, 1.0, 0.02};

        check_no_alert(&recording, 1, 5.0);
}

static void test_passive_movement(void **state) {
        static const struct recording recordings[] = {
                {"ta-passive-active-tecchio/Pas_10_2000Hz.csv", 2000000, 0, 1, 1e6, 15.0},
                {"ta-passive-active-tecchio/Pas_Long2Sho_2000Hz.csv", 2000000, 0, 1, 1e6, 15.0},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(recordings); i++)
                check_no_alert(&recordings[i], 4, 0.0);
}

static void test_thigh_walking(void **state) {
        const struct recording recording = {
                "thigh-uci-lower-limb/3Amar.txt", 1000000, 0, 4, 1000.0, 0.75};

        check_no_alert(&recording, 3, 5.0);
}

static void test_thigh_sitting(void **state) {
        const struct recording recording = {
                "thigh-uci-lower-limb/3Asen.txt", 1000000, 0, 4, 1000.0, 0.75};

        check_no_alert(&recording, 3, 5.0);
}

static void test_thigh_standing(void **state) {
        const struct recording recording = {
                "thigh-uci-lower-limb/3Apie.txt", 1000000, 0, 4, 1000.0, 0.75};

        check_no_alert(&recording, 3, 5.0);
}

static void test_bursts(void **state) {
        static const struct recording recordings[] = {
                {"biceps-biosignalsnotebooks/emg_bursts_raw_counts_1000Hz.csv", 1000000, 0, 1, 1.0, 1.0},
                {"biceps-biosignalsnotebooks/emg_fatigue_raw_counts_1000Hz.csv", 1000000, 0, 1, 1.0,
                 1.0},
                {"bitalino-biosppy/emg.txt", 1000000, 0, 1, 1.0, 1.0},
                {"bitalino-biosppy/emg_1.txt", 1000000, 0, 1, 1.0, 1.0},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(recordings); i++)
                check_no_alert(&recordings[i], 3, 0.0);
}

/* The column of a dead channel among contractions of other muscles. */
static void test_dead_channel(void **state) {
        static const char *const names[] = {
                "elderly-isometric-da-silva/ID03_EMG_LG_uV_2000Hz.csv",
                "elderly-isometric-da-silva/ID09_EMG_TA_uV_2000Hz.csv",
                "elderly-isometric-da-silva/ID13_EMG_VL_uV_2000Hz.csv",
        };

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                const struct recording recording = {names[i], 2000000, 3, 1, 1.0, 2.442};

                check_no_alert(&recording, 10, 1.5);
        }
}

static void test_maximal_holds(void **state) {
        static const char *const people[] = {"ID03", "ID09", "ID13"}, *const tasks[] = {"VL", "BF", "TA",
                                                                                        "LG"};
        static const struct recording holds[] = {
                {"ta-passive-active-tecchio/Ref_Long_01_2000Hz.csv", 2000000, 0, 1, 1e6, 15.0},
                {"ta-passive-active-tecchio/PL_50_01_2000Hz.csv", 2000000, 0, 1, 1e6, 15.0},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(holds); i++)
                print_what_happens(&holds[i], 0.0);
        for (size_t i = 0; i < ARRAY_LENGTH(people); i++)
                for (size_t k = 0; k < ARRAY_LENGTH(tasks); k++) {
                        char name[128];
                        struct recording recording = {name, 2000000, 0, 3, 1.0, 2.442};

                        (void)snprintf(name, sizeof(name),
                                       "elderly-isometric-da-silva/%s_EMG_%s_uV_2000Hz.csv", people[i],
                                       tasks[k]);
                        print_what_happens(&recording, 2.5);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_walking),          cmocka_unit_test(test_ballistic_contractions),
                cmocka_unit_test(test_passive_movement), cmocka_unit_test(test_thigh_walking),
                cmocka_unit_test(test_thigh_sitting),    cmocka_unit_test(test_thigh_standing),
                cmocka_unit_test(test_bursts),           cmocka_unit_test(test_dead_channel),
                cmocka_unit_test(test_maximal_holds),
        };

        if (!folder()) {
                /* cmocka 1.1 calls a skipped case "not ok", which meson takes for a failure. */
                printf("1..%zu\n", sizeof(tests) / sizeof(tests[0]));
                for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
                        printf("ok %zu - %s # SKIP no folder of recordings was given\n", i + 1,
                               tests[i].name);
                return 0;
        }
        return cmocka_run_group_tests_name("detector-recordings", tests, NULL, NULL);
}
