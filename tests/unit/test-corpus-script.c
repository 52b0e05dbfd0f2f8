/* SPDX-License-Identifier: MIT */
/* Scripts of the generator of simulated muscle activity: their text, the built-in ones, and nights drawn
 * at random. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/script.h"

static void test_script_is_read(void **state) {
        struct corpus_error error = {0};
        struct script script;

        assert_int_equal(script_parse("# a comment\n\n 12.5 cramp 40 muscle=GL,SO ratio=3 rise=8 # why\n"
                                      "60 hold 20 uv=25 muscle=calf rough=0.3\r\n"
                                      "90 fasciculations 10 per_minute=30\n",
                                      "text", &script, &error),
                         0);
        assert_int_equal(script.n_events, 3);
        assert_true(script.duration_s == 110);

        assert_int_equal(script.events[0].kind, EVENT_CRAMP);
        assert_true(script.events[0].start_s == 12.5 && script.events[0].duration_s == 40);
        assert_int_equal(script.events[0].muscles, 1 << MUSCLE_GL | 1 << MUSCLE_SO);
        assert_true(script.events[0].ratio == 3 && script.events[0].rise_s == 8);

        assert_int_equal(script.events[1].muscles, 7);
        assert_true(script.events[1].level_uv == 25 && script.events[1].ratio == 0);
        assert_true(script.events[1].roughness == 0.3);
        assert_true(script.events[2].per_minute == 30);
        script_done(&script);
}

static void test_bad_scripts_name_place_and_remedy(void **state) {
        const struct {
                const char *text, *place, *remedy;
        } bad[] = {
                {"10 crampp 5", "f:1:", "kinds are"},
                {"\n10 cramp", "f:2:", "START_S KIND DURATION_S"},
                {"x cramp 5", "f:1:", "START_S"},
                {"-1 cramp 30", "f:1:", "START_S"},
                {"nan cramp 30", "f:1:", "START_S"},
                {"1 cramp 30 ratio", "f:1:", "key=value"},
                {"1 cramp 30 colour=3", "f:1:", "key=value"},
                {"1 cramp 30 ratio=0.5", "f:1:", "1 to 200"},
                {"1 floor 30 ratio=0.05", "f:1:", "0.1 to 200"},
                {"1 tone 30 hz=0", "f:1:", "1 to 900"},
                {"1 movement 30 tonic=2", "f:1:", "tonic"},
                {"1 cramp 0.05", "f:1:", "START_S"},
                {"1 cramp 30 muscle=XX", "f:1:", "GM,GL"},
                {"1 cramp 30 muscle=", "f:1:", "GM,GL"},
                {"1 cramp 10 rise=8 fall=4", "f:1:", "longer than the event"},
                {"1 cramp 30\n20 end", "f:", "beyond the end"},
                {"20 end 3", "f:1:", "END_S end"},
                {"0 end", "f:", "1 second"},
                {"170000 cramp 3600", "f:", "48 hours"},
        };

        for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
                struct corpus_error error = {0};
                struct script script = {0};

                assert_int_equal(script_parse(bad[i].text, "f", &script, &error), -EINVAL);
                assert_null(script.events);
                assert_true(strncmp(error.text, bad[i].place, strlen(bad[i].place)) == 0);
                assert_non_null(strstr(error.text, bad[i].remedy));
        }
}

static void test_builtin_scripts_are_as_long_as_they_say(void **state) {
        const struct {
                const char *name;
                double duration_s;
        } scripts[] = {{"excerpt", 360}, {"minute", 84},        {"rest", 600},      {"night", 28800},
                       {"walk", 80},     {"home-night", 28800}, {"movements", 3600}};
        struct script_layout layout = {.seed = 1, .channels = 1, .cramps = 2};
        size_t known = 0;

        for (unsigned i = 0; i < ARRAY_LENGTH(scripts); i++) {
                struct corpus_error error = {0};
                struct script script;

                assert_int_equal(script_builtin(scripts[i].name, &layout, &script, &error), 0);
                assert_true(script.duration_s == scripts[i].duration_s);
                script_done(&script);
        }
        while (script_builtin_name(known))
                assert_non_null(script_builtin_summary(known++));
        assert_int_equal(known, ARRAY_LENGTH(scripts));
}

static unsigned script_count(const struct script *script, enum event_kind kind) {
        unsigned n = 0;

        for (size_t i = 0; i < script->n_events; i++)
                n += script->events[i].kind == kind;
        return n;
}

static void test_nights_hold_what_nights_hold(void **state) {
        unsigned movements = 0;

        for (uint64_t seed = 1; seed <= 20; seed++) {
                struct script_layout layout = {.seed = seed, .channels = 2, .cramps = 3};
                struct corpus_error error = {0};
                struct script script;

                assert_int_equal(script_builtin("night", &layout, &script, &error), 0);
                assert_int_equal(script_count(&script, EVENT_CRAMP), 3);
                assert_in_range(script_count(&script, EVENT_WALK), 1, 2);
                movements += script_count(&script, EVENT_MOVEMENT);

                for (size_t i = 0; i < script.n_events; i++) {
                        const struct script_event *event = &script.events[i];

                        assert_true(event->start_s >= 0 &&
                                    event->start_s + event->duration_s <= script.duration_s);
                        /* Cramps are where they can be seen. */
                        if (event->kind == EVENT_CRAMP)
                                assert_true(event->muscles == 1 || event->muscles == 2);
                        for (size_t j = 0; event->kind == EVENT_MOVEMENT && j < script.n_events; j++) {
                                const struct script_event *other = &script.events[j];

                                assert_true(i == j ||
                                            other->start_s >= event->start_s + event->duration_s ||
                                            event->start_s >= other->start_s + other->duration_s);
                        }
                }
                script_done(&script);
        }
        /* 6.8 an hour over 160 hours: within four times the root. */
        assert_true(fabs(movements - 6.8 * 160) < 4 * sqrt(6.8 * 160));
}

static void test_movements_hold_no_cramp(void **state) {
        struct script_layout layout = {.seed = 5, .channels = 4, .cramps = 2};
        struct corpus_error error = {0};
        struct script script;

        assert_int_equal(script_builtin("movements", &layout, &script, &error), 0);
        assert_int_equal(script_count(&script, EVENT_CRAMP), 0);
        assert_int_equal(script_count(&script, EVENT_RECOVERY), 0);
        assert_true(script_count(&script, EVENT_MOVEMENT) > 5);
        assert_true(script_count(&script, EVENT_HOLD) > 0);
        assert_true(script_count(&script, EVENT_WALK) > 0);
        script_done(&script);
}

static void test_cramps_without_room_are_refused(void **state) {
        struct script_layout layout = {.seed = 1, .channels = 1, .cramps = 20, .hours = 0.2};
        struct corpus_error error = {0};
        struct script script;

        assert_int_equal(script_builtin("night", &layout, &script, &error), -EINVAL);
        assert_non_null(strstr(error.text, "do not fit"));
        assert_int_equal(script_builtin("minute", &layout, &script, &error), -EINVAL);
        assert_non_null(strstr(error.text, "length is fixed"));
        assert_int_equal(script_builtin("nothing", &layout, &script, &error), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_script_is_read),
                cmocka_unit_test(test_bad_scripts_name_place_and_remedy),
                cmocka_unit_test(test_builtin_scripts_are_as_long_as_they_say),
                cmocka_unit_test(test_nights_hold_what_nights_hold),
                cmocka_unit_test(test_movements_hold_no_cramp),
                cmocka_unit_test(test_cramps_without_room_are_refused),
        };

        return cmocka_run_group_tests_name("corpus-script", tests, NULL, NULL);
}
