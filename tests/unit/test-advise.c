/* SPDX-License-Identifier: MIT */
/* Advice by example: who is told what, in which order and why. That nothing dangerous is among it:
 * test-advise-safe.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "daemon/guidance/advise.h"
#include "tests/unit/people.h"

static struct advice *advice;

/* --- Examples */

static const struct advice_item *find(const char *id) {
        for (size_t i = 0; i < advice->n_items; i++)
                if (strcmp(advice->items[i].statement->id, id) == 0)
                        return &advice->items[i];
        return NULL;
}

static size_t place(const char *id) {
        for (size_t i = 0; i < advice->n_items; i++)
                if (strcmp(advice->items[i].statement->id, id) == 0)
                        return i;
        fail_msg("%s is not there", id);
        return 0;
}

static void advise_person(const struct person *person, struct advice_request request) {
        struct profile profile;

        assert_true(profile_of(person, &profile));
        request.profile = &profile;
        advise(&request, advice);
}

static bool reason_given(const struct advice_item *item, const char *phrase) {
        for (size_t i = 0; i < item->n_reasons; i++)
                if (item->reasons[i].phrase && strcmp(item->reasons[i].phrase, phrase) == 0)
                        return true;
        return false;
}

static void a_stranger_gets_food_in_general_terms(void **state) {
        const struct person stranger = {.age = -1, .n_drugs = -1, .n_illnesses = -1};

        advise_person(&stranger, (struct advice_request){0});
        assert_string_equal(advice->items[0].statement->id, "doctor-when");
        assert_non_null(find("food-general"));
        assert_non_null(find("relief-now"));
        assert_non_null(find("prevention-stretching"));
        assert_null(find("magnesium-foods"));
        assert_null(find("calcium-foods"));
        assert_int_equal(find("food-general")->missing & (1U << FIELD_KIDNEY_DISEASE),
                         1U << FIELD_KIDNEY_DISEASE);
        assert_true(advice->missing & (1U << FIELD_MEDICINES));
        assert_true(advice->n_suppressed > 0);
        assert_string_equal(advice->suppressed[0].reasons[0].message, "You have not said: %s.");
}

static void warfarin_keeps_vitamin_k_steady(void **state) {
        struct person person = healthy;
        const struct advice_suppressed *held = NULL;

        person.age = 72;
        person.n_drugs = 1;
        person.drugs[0] = 0;
        assert_string_equal(drugs[0].name, "warfarin");
        advise_person(&person, (struct advice_request){0});
        assert_true(reason_given(find("vitamin-k2-warfarin"), "warfarin or a similar medicine"));
        assert_null(find("vitamin-k2-supplement"));
        assert_null(find("vitamin-k2-evidence"));
        assert_null(find("vitamin-k2-foods"));
        for (size_t i = 0; i < advice->n_suppressed; i++)
                if (advice->suppressed[i].nutrient == NUTRIENT_VITAMIN_K2)
                        held = &advice->suppressed[i];
        assert_non_null(held);
        assert_true(held->food);
        assert_string_equal(held->reasons[0].phrase, "warfarin or a similar medicine");
        assert_non_null(strstr(held->texts[0], "works against this medicine"));
        /* Magnesium foods stay, without spinach. */
        assert_non_null(find("magnesium-foods"));
        for (size_t i = 0; i < find("magnesium-foods")->n_foods; i++)
                assert_null(strcasestr(find("magnesium-foods")->foods[i]->name, "spinach"));
}

static void older_and_well_hears_the_evidence(void **state) {
        struct person person = healthy;

        person.age = 70;
        advise_person(&person, (struct advice_request){0});
        assert_int_equal(find("magnesium-evidence-older")->statement->grade, GRADE_AGAINST);
        assert_int_equal(find("vitamin-k2-evidence")->statement->grade, GRADE_LIMITED);
        assert_non_null(find("vitamin-k2-supplement"));
        assert_non_null(strstr(find("vitamin-k2-supplement")->texts[0], "180 \302\265g"));
        assert_true(reason_given(find("vitamin-k2-supplement"), "age of 65 or more"));
        assert_null(find("food-general"));
        assert_int_equal(advice->n_suppressed, 0);
        /* Younger: the trial was not in people like them. */
        person.age = 40;
        advise_person(&person, (struct advice_request){0});
        assert_null(find("vitamin-k2-supplement"));
}

static void asked_topic_brings_figures(void **state) {
        advise_person(&healthy, (struct advice_request){.topic = "magnesium"});
        assert_true(find("magnesium-intake")->intake->amount == 320);
        assert_true(find("magnesium-limit")->limit->amount == 350);
        assert_true(find("magnesium-limit")->limit->supplements_only);
        assert_true(find("magnesium-foods")->n_foods >= 7);
        assert_null(find("calcium-role"));
        assert_non_null(find("magnesium-cost"));
        /* The upper limit stays below the recommended amount, and the text says why. */
        assert_non_null(strstr(find("magnesium-limit")->texts[0], "not food"));
}

static void pregnant_gets_food_and_the_doctor(void **state) {
        struct person person = healthy;

        person.child = CHILD_COMING;
        person.age = 30;
        advise_person(&person, (struct advice_request){.topic = "magnesium"});
        assert_int_equal(find("magnesium-evidence-pregnancy")->statement->grade, GRADE_MIXED);
        assert_non_null(find("magnesium-foods"));
        assert_non_null(find("notice-population"));
        assert_null(find("magnesium-intake"));
        assert_null(find("magnesium-supplement"));
        /* The figures of the evidence are no amounts, so that they stay; the limit is told without its
         * figure. */
        assert_null(strstr(find("magnesium-limit")->texts[0], "350"));
}

static void diet_and_log_change_the_order(void **state) {
        struct advice_log log = {.standing_min = 480, .standing_days = 4};
        struct person person = healthy;

        person.diet = 3;
        advise_person(&person, (struct advice_request){.log = &log});
        assert_true(place("vitamin-b12-foods") < place("vitamin-b1-foods"));
        assert_true(reason_given(find("vitamin-b12-risk"), "vegan diet"));
        for (size_t i = 0; i < find("vitamin-b12-foods")->n_foods; i++)
                assert_false(find("vitamin-b12-foods")->foods[i]->animal);
        assert_true(reason_given(find("cause-standing"), "long standing"));

        log.days[NUTRIENT_MAGNESIUM] = 7;
        log.food[NUTRIENT_MAGNESIUM] = 100e3;
        log.days[NUTRIENT_HYDRATION] = 7;
        log.food[NUTRIENT_HYDRATION] = 700;
        advise_person(&healthy, (struct advice_request){.log = &log});
        assert_true(reason_given(find("magnesium-foods"), "Magnesium"));
        assert_true(place("magnesium-foods") < place("calcium-foods"));
        assert_non_null(find("cause-dehydration"));
}

/* What the person's own nights speak for, with their numbers and no more than these tell. */
static void nights_after_long_days_are_compared(void **state) {
        struct advice_log log = {.standing_min = 480, .standing_days = 6};
        struct advice_history history = {.nights = 28, .mean_pain = (double)NAN};
        const struct advice_item *item;
        char text[256];

        history.links[LINK_STANDING] = (struct advice_link){8, 8, 20, 3};
        advise_person(&healthy, (struct advice_request){.log = &log, .history = &history});
        item = find("cause-standing");
        assert_int_equal(item->n_reasons, 3);
        (void)advice_reason_write(&item->reasons[1], NULL, text, sizeof(text));
        assert_string_equal(
                text, "Monitored nights after such days: 8, bouts of cramp in them: 8; other nights: "
                      "20, bouts: 3.");
        assert_non_null(strstr(item->reasons[2].message, "more than chance explains"));
        assert_true(item->priority > 620);

        history.links[LINK_STANDING] = (struct advice_link){8, 2, 20, 3};
        advise_person(&healthy, (struct advice_request){.log = &log, .history = &history});
        assert_string_equal(find("cause-standing")->reasons[2].message,
                            "These nights do not tell it from chance.");
        /* Four nights tell nothing, whatever came. */
        history.links[LINK_STANDING] = (struct advice_link){4, 9, 20, 3};
        advise_person(&healthy, (struct advice_request){.log = &log, .history = &history});
        assert_string_equal(find("cause-standing")->reasons[2].message,
                            "These nights do not tell it from chance.");
        /* Few such days, but cramps after them. */
        log.standing_min = 60;
        history.links[LINK_STANDING] = (struct advice_link){8, 8, 20, 3};
        advise_person(&healthy, (struct advice_request){.log = &log, .history = &history});
        assert_non_null(find("cause-standing"));
        history.links[LINK_STANDING] = (struct advice_link){8, 1, 20, 3};
        advise_person(&healthy, (struct advice_request){.log = &log, .history = &history});
        assert_null(find("cause-standing"));
        history.links[LINK_DRINK] = (struct advice_link){10, 12, 10, 1};
        history.links[LINK_EXERCISE] = (struct advice_link){10, 12, 10, 1};
        advise_person(&healthy, (struct advice_request){.history = &history});
        assert_int_equal(find("cause-dehydration")->n_reasons, 3);
        assert_int_equal(find("cause-exercise")->n_reasons, 3);
}

/* Who is in pain: red flags, relief, the doctor, and no word of nutrients. */
static void now_is_short(void **state) {
        const struct symptoms symptoms = {.left = SYMPTOM_BIT(SYMPTOM_SWELLING)};
        struct person person = healthy;

        person.supplements = "magnesium:900mg";
        advise_person(&person, (struct advice_request){.topic = "now", .symptoms = &symptoms});
        assert_string_equal(advice->items[0].statement->id, "red-clot");
        assert_true(advice->in_danger);
        assert_null(find("relief-now")); /* a clot is not to be rubbed */
        advise_person(&person, (struct advice_request){.topic = "now"});
        assert_false(advice->in_danger);
        assert_true(place("relief-now") < place("relief-painkiller"));
        assert_true(place("relief-painkiller") < place("doctor-when"));
        assert_int_equal(place("doctor-when"), advice->n_items - 1);
        assert_int_equal(advice->n_suppressed, 0);
        for (size_t i = 0; i < advice->n_items; i++)
                assert_true(advice->items[i].statement->nutrient < 0);
}

static void dangerous_supplements_are_said(void **state) {
        struct person person = healthy;

        person.n_drugs = 1;
        person.drugs[0] = drug_of("spironolactone");
        person.supplements = "potassium:99mg";
        advise_person(&person, (struct advice_request){0});
        assert_int_equal(find("notice-dangerous-supplement")->nutrient, NUTRIENT_POTASSIUM);
        assert_true(reason_given(find("notice-dangerous-supplement"), "a potassium-sparing diuretic"));
        assert_true(place("notice-dangerous-supplement") < place("relief-now"));
}

static void excess_is_said(void **state) {
        struct person person = healthy;

        person.supplements = "magnesium:200mg,magnesium:200mg";
        advise_person(&person, (struct advice_request){0});
        assert_int_equal(find("notice-above-limit")->nutrient, NUTRIENT_MAGNESIUM);
        assert_true(find("notice-above-limit")->limit->amount == 350);
        person.supplements = "magnesium:300mg";
        advise_person(&person, (struct advice_request){0});
        assert_null(find("notice-above-limit"));
}

static void quinine_is_a_warning_alone(void **state) {
        struct person person = healthy;

        advise_person(&person, (struct advice_request){.topic = "quinine"});
        assert_non_null(strstr(find("quinine-warning")->texts[0], "boxed warning"));
        assert_non_null(strstr(find("quinine-warning")->texts[0], "do not stop on your own"));
        advise_person(&person, (struct advice_request){0});
        assert_null(find("quinine-warning"));
        person.n_drugs = 1;
        person.drugs[0] = drug_of("quinine");
        advise_person(&person, (struct advice_request){.topic = "magnesium"});
        assert_non_null(find("quinine-warning"));
}

static void flagged(struct symptoms symptoms, const char *first) {
        advise_person(&healthy, (struct advice_request){.symptoms = &symptoms, .topic = "magnesium"});
        assert_string_equal(advice->items[0].statement->id, first);
        assert_int_equal(advice->items[0].red_flag, strcmp(first, "doctor-when") != 0);
}

static void red_flags_come_first(void **state) {
        const uint32_t swelling = SYMPTOM_BIT(SYMPTOM_SWELLING),
                       pain = SYMPTOM_BIT(SYMPTOM_LASTING_PAIN);

        flagged((struct symptoms){0}, "doctor-when");
        flagged((struct symptoms){.left = swelling}, "red-clot");
        flagged((struct symptoms){.unsaid = swelling}, "red-clot");
        flagged((struct symptoms){.left = swelling, .right = swelling}, "red-swelling");
        flagged((struct symptoms){.left = swelling | pain, .right = swelling}, "red-clot");
        flagged((struct symptoms){.right = SYMPTOM_BIT(SYMPTOM_REDNESS)}, "red-clot");
        flagged((struct symptoms){.left = pain}, "red-lasting-pain");
        flagged((struct symptoms){.left = swelling, .unsaid = SYMPTOM_BIT(SYMPTOM_CHEST_PAIN)},
                "red-emergency");
        flagged((struct symptoms){.left = SYMPTOM_BIT(SYMPTOM_NUMBNESS)}, "red-nerve");
        flagged((struct symptoms){.unsaid = SYMPTOM_BIT(SYMPTOM_DARK_URINE)}, "red-muscle");
        flagged((struct symptoms){.unsaid = SYMPTOM_BIT(SYMPTOM_DIRTY_WOUND)}, "red-infection");
        flagged((struct symptoms){.unsaid = SYMPTOM_BIT(SYMPTOM_HEAVY_SWEATING)}, "doctor-when");
        /* Every symptom but those that only cost fluid raises one. */
        for (unsigned symptom = 0; symptom < SYMPTOM_STOMACH_ILLNESS; symptom++) {
                const struct symptoms one = {.left = SYMPTOM_BIT(symptom)};

                advise_person(&healthy, (struct advice_request){.symptoms = &one});
                assert_true(advice->items[0].red_flag);
                assert_true(reason_given(&advice->items[0], symptom_phrase(symptom)));
        }
}

static void record_raises(const struct advice_history *history, const char *id, bool raised) {
        advise_person(&healthy, (struct advice_request){.history = history});
        assert_int_equal(find(id) != NULL, raised);
        if (raised)
                assert_true(find(id)->red_flag);
}

static void the_record_raises_flags(void **state) {
        struct advice_history history = {.nights = 28, .nights_before = 28, .mean_pain = NAN};

        record_raises(&history, "red-long-cramp", false);
        history.longest_s = 599;
        record_raises(&history, "red-long-cramp", false);
        history.longest_s = 600;
        record_raises(&history, "red-long-cramp", true);
        history.clusters = 11;
        record_raises(&history, "red-often", false);
        history.clusters = 12;
        record_raises(&history, "red-often", true);
        history.clusters_before = 9;
        record_raises(&history, "red-rising", false);
        history.clusters_before = 2;
        record_raises(&history, "red-rising", true);
        history.nights_before = 5;
        record_raises(&history, "red-rising", false);
        record_raises(&history, "red-long-cramps", false);
        history.long_cramps = 3;
        record_raises(&history, "red-long-cramps", true);
        /* What was reported, whether anything watched or not, is often enough on its own. */
        history.nights = history.clusters = 0;
        history.days = 28;
        history.clusters_known = 11;
        record_raises(&history, "red-often", false);
        history.clusters_known = 12;
        record_raises(&history, "red-often", true);
        history.reported = 12;
        record_raises(&history, "red-often", true);
        assert_string_equal(find("red-often")->reasons[1].message,
                            "Cramps without an alert that you reported are counted.");
        record_raises(&history, "red-severe", false);
        history.mean_pain = 8.5;
        record_raises(&history, "red-severe", true);
}

static void trials_say_why_not(void **state) {
        struct advice_suppressed why;
        struct person person = healthy;
        struct profile profile;

        assert_true(profile_of(&healthy, &profile));
        assert_true(advise_trial_allowed(&profile, NUTRIENT_MAGNESIUM, &why));
        person.liver = YES;
        assert_true(profile_of(&person, &profile));
        assert_false(advise_trial_allowed(&profile, NUTRIENT_VITAMIN_B12, &why));
        assert_string_equal(why.reasons[0].phrase, "liver disease");
        person.liver = UNSAID;
        assert_true(profile_of(&person, &profile));
        assert_false(advise_trial_allowed(&profile, NUTRIENT_VITAMIN_B12, &why));
        assert_string_equal(why.reasons[0].phrase, "liver-disease");
        assert_false(advise_trial_allowed(&profile, NUTRIENT_VITAMIN_B12, NULL));
}

/* What nobody can ever see is not knowledge: each statement shows to somebody. */
static double seconds_now(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void topics_are_known(void **state) {
        for (size_t i = 1; i < topics_n; i++)
                assert_true(advice_topic_known(topics[i]));
        assert_false(advice_topic_known("zinc"));
        /* An unknown one still gets the red flags. */
        advise_person(&healthy, (struct advice_request){.topic = "zinc"});
        assert_int_equal(advice->n_items, 1);
}

/* The log and the history come as sums, so that ten years of them cost nothing here. */
static void ranking_is_quick(void **state) {
        const unsigned calls = 200;
        const struct advice_history history = {
                .nights = 28, .clusters = 20, .nights_before = 28, .clusters_before = 10};
        double start = seconds_now(), each_ms;

        for (unsigned i = 0; i < calls; i++)
                advise_person(&healthy, (struct advice_request){.history = &history});
        each_ms = (seconds_now() - start) * 1e3 / calls;
        print_message("# measured: ranking all advice for a profile takes %.3f ms\n", each_ms);
        assert_true(getenv("TESTS_SLOW") || each_ms < 20);
}

static int setup(void **state) {
        advice = advice_new();
        return advice ? 0 : -1;
}

static int teardown(void **state) {
        advice_free(advice);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_stranger_gets_food_in_general_terms),
                cmocka_unit_test(warfarin_keeps_vitamin_k_steady),
                cmocka_unit_test(older_and_well_hears_the_evidence),
                cmocka_unit_test(asked_topic_brings_figures),
                cmocka_unit_test(pregnant_gets_food_and_the_doctor),
                cmocka_unit_test(diet_and_log_change_the_order),
                cmocka_unit_test(nights_after_long_days_are_compared),
                cmocka_unit_test(now_is_short),
                cmocka_unit_test(dangerous_supplements_are_said),
                cmocka_unit_test(excess_is_said),
                cmocka_unit_test(quinine_is_a_warning_alone),
                cmocka_unit_test(red_flags_come_first),
                cmocka_unit_test(the_record_raises_flags),
                cmocka_unit_test(trials_say_why_not),
                cmocka_unit_test(topics_are_known),
                cmocka_unit_test(ranking_is_quick),
        };

        return cmocka_run_group_tests_name("advise", tests, setup, teardown);
}
