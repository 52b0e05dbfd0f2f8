/* SPDX-License-Identifier: MIT */
/*
 * Advice against the oracle of people.h: nobody is ever shown what is dangerous to them, in any
 * language, over every single flag and over random people.
 */
#include <ctype.h>
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
#include "daemon/basic/language.h"
#include "daemon/guidance/advise.h"
#include "tests/unit/people.h"

static struct advice *advice;

/* --- What a text holds */

enum {
        HAS_AMOUNT = 1,
        HAS_K_FOOD = 2,
        HAS_POTASSIUM_FOOD = 4,
        HAS_QUININE = 8,
        HAS_PROVIDER = 16,
        HAS_PHARMACIST = 32,
        HAS_STOP = 64,
        HAS_DOCTOR = 128,
        HAS_CURE = 256,
        HAS_DRINK = 512
};

/* At the start of a word: impulses are no pulses. */
static bool has_word(const char *text, const char *const *words) {
        for (; *words; words++)
                for (const char *found = text; (found = strcasestr(found, *words)); found++)
                        if (found == text || !isalpha((unsigned char)found[-1]))
                                return true;
        return false;
}

/* A number, and a unit of mass or volume right behind. */
static bool has_amount(const char *text) {
        static const char *const units[] = {"mg", "\302\265g", "ug", "mcg", "IU",
                                            "IE", "ml",        "g ", "g.",  NULL};

        for (const char *p = text; *p; p++) {
                if (*p < '0' || *p > '9' || (p[1] >= '0' && p[1] <= '9'))
                        continue;
                for (const char *const *unit = units; *unit; unit++)
                        if (strncmp(p + 1, *unit, strlen(*unit)) == 0 ||
                            (p[1] == ' ' && strncmp(p + 2, *unit, strlen(*unit)) == 0))
                                return true;
        }
        return false;
}

/* What is shown is looked at in each language, by words of this test's own. */
static const struct vocabulary {
        const char *language;
        const char *k_foods[12], *potassium_foods[20], *quinine[2], *provider[2], *pharmacist[2],
                *doctor[4];
        const char *stop[6], *not_stop, *cure[8];
} vocabularies[] = {
        {
                .language = "en",
                .k_foods = {"spinach", "kale", "collard", "broccoli", "natto", "greens", "leafy"},
                .potassium_foods = {"banana", "potato", "avocado", "bean", "lentil", "pulses", "tomato",
                                    "spinach", "yogurt", "almond", "seeds", "salt substitute"},
                .quinine = {"quinine"},
                .provider = {"healthcare provider"},
                .pharmacist = {"pharmacist"},
                .doctor = {"doctor"},
                .stop = {"stop taking", "stop your", "stop the medicine", "stop it"},
                .not_stop = "not stop",
                .cure = {"cures", "proven to", "guarantee", "prevents cramps", "will help"},
        },
        {
                .language = "de",
                .k_foods = {"Spinat", "Gr\303\274nkohl", "Kohl", "Brokkoli", "Natto", "Mangold",
                            "Blattgem\303\274se"},
                .potassium_foods = {"Banane", "Kartoffel", "S\303\274\303\237kartoffel", "Avocado",
                                    "Bohne", "Sojabohne", "Linsen", "Tomate",
                                    "H\303\274lsenfr\303\274chte", "Spinat", "Joghurt", "Naturjoghurt",
                                    "Mandel", "Samen", "Chiasamen", "K\303\274rbiskerne", "Salzersatz"},
                .quinine = {"Chinin"},
                .provider = {"Arztpraxis oder Apotheke"},
                .pharmacist = {"Apotheke"},
                .doctor = {"Arzt", "\303\204rzt", "\303\244rztlich"},
                .stop = {"setzen Sie es", "setzen Sie das", "setzen Sie nichts", "absetzen"},
                .not_stop = "nicht",
                .cure = {"heilt", "erwiesen", "garantiert", "verhindert Kr\303\244mpfe", "wird helfen"},
        },
};
enum { SPOKEN = sizeof(vocabularies) / sizeof(vocabularies[0]) };

/* Words that are the same in another language. */
static bool translated_the_same(const char *text) {
        return strcmp(text, "Avocado") == 0;
}

static unsigned text_scan(const char *text, const struct vocabulary *words) {
        static const char *const drink[] = {"drinking enough again", "drink when", "drink more",
                                            "water through", NULL};

        return (has_amount(text) ? HAS_AMOUNT : 0) | (has_word(text, drink) ? HAS_DRINK : 0) |
               (has_word(text, words->k_foods) ? HAS_K_FOOD : 0) |
               (has_word(text, words->potassium_foods) ? HAS_POTASSIUM_FOOD : 0) |
               (has_word(text, words->quinine) ? HAS_QUININE : 0) |
               (has_word(text, words->provider) ? HAS_PROVIDER : 0) |
               (has_word(text, words->pharmacist) ? HAS_PHARMACIST : 0) |
               (has_word(text, words->stop) && !strcasestr(text, words->not_stop) ? HAS_STOP : 0) |
               (has_word(text, words->doctor) ? HAS_DOCTOR : 0) |
               (has_word(text, words->cure) ? HAS_CURE : 0);
}

/* Texts are constant: each is scanned once. The English one is translated, as whoever shows it does. */
static unsigned text_holds(unsigned spoken, const char *text) {
        static struct {
                const char *text;
                unsigned holds[SPOKEN];
        } known[4096];
        size_t i = ((uintptr_t)text >> 2) * 2654435761U % 4096;

        while (known[i].text && known[i].text != text)
                i = (i + 1) % 4096;
        if (!known[i].text) {
                known[i].text = text;
                for (unsigned j = 0; j < SPOKEN; j++) {
                        const struct language *language = language_find(vocabularies[j].language);
                        const char *shown = language_text(language, text);

                        assert_string_equal(language->name, vocabularies[j].language);
                        if (j > 0 && strcmp(shown, text) == 0 && !translated_the_same(text))
                                fail_msg("in %s there is no: %s", language->name, text);
                        known[i].holds[j] = text_scan(shown, &vocabularies[j]);
                }
        }
        return known[i].holds[spoken];
}

static unsigned item_holds(unsigned spoken, const struct advice_item *item) {
        unsigned holds = text_holds(spoken, item->statement->title);

        for (size_t i = 0; i < item->n_texts; i++)
                holds |= text_holds(spoken, item->texts[i]);
        return holds;
}

/* --- The checks */

static unsigned recommended[NUTRIENT_MAX][FIT_OPEN + 1];
static unsigned shown_supplements[NUTRIENT_MAX], shown_foods[NUTRIENT_MAX], held_back[NUTRIENT_MAX];

#define CHECK(condition)                                                                          \
        do {                                                                                      \
                if (!(condition))                                                                 \
                        fail_msg("%s: item %s, topic %s, in %s", #condition, item->statement->id, \
                                 topic ? topic : "-", vocabularies[spoken].language);             \
        } while (0)

static void item_check(const struct person *person, const char *topic, const struct advice_item *item,
                       unsigned spoken) {
        unsigned danger = dangers(person), holds = item_holds(spoken, item);
        enum statement_kind kind = item->statement->kind;
        int nutrient = item->statement->nutrient;
        bool cautions = item->statement->fit == FIT_FORBIDDEN || item->statement->fit == FIT_GUARDED;
        bool warns = kind == STATEMENT_INTERACTION || kind == STATEMENT_NOTICE ||
                     kind == STATEMENT_LIMIT || kind == STATEMENT_RED_FLAG || kind == STATEMENT_DOCTOR ||
                     cautions;

        CHECK(item->n_texts > 0 && item->n_reasons > 0);
        CHECK(item->statement->sources[0] && item->statement->reviewed[0]);
        for (size_t i = 0; i < item->n_reasons; i++)
                CHECK((strstr(item->reasons[i].message, "%s") != NULL) ==
                      (item->reasons[i].phrase != NULL));
        CHECK(!(holds & HAS_STOP) && !(holds & HAS_CURE));

        /* Supplements: never against a danger, and always with the last word to a professional. */
        if (item->statement->supplement)
                CHECK(text_holds(spoken, item->texts[item->n_texts - 1]) & HAS_PROVIDER);
        if (kind == STATEMENT_SUPPLEMENT) {
                CHECK(nutrient >= 0 && nutrient != NUTRIENT_POTASSIUM);
                CHECK(item->statement->supplement && amounts_safe(person));
                shown_supplements[nutrient] += spoken == 0;
        }
        if (nutrient >= 0 && item->statement->supplement && !warns)
                CHECK(!(danger & danger_of(nutrient, false)));

        /* What fits somebody: where anything may be dangerous or is not known, only to ask. */
        if (kind == STATEMENT_RECOMMENDATION) {
                bool safe = amounts_safe(person) && !(danger & danger_of(nutrient, false));

                CHECK(cautions || safe);
                CHECK(!cautions || (holds & (HAS_DOCTOR | HAS_PHARMACIST)));
                CHECK(item->statement->fit != FIT_GUARDED ||
                      !(holds & (HAS_K_FOOD | HAS_POTASSIUM_FOOD)));
                recommended[nutrient][item->statement->fit]++;
        }

        /* Amounts: to nobody whose doctor must decide, or of whom too little is known. */
        if (!amounts_safe(person)) {
                CHECK(!(holds & HAS_AMOUNT) && !item->intake && !item->limit);
        }

        /* Food: in general terms when too little is known, and never what is dangerous. */
        if (kind == STATEMENT_FOODS || kind == STATEMENT_INTAKE) {
                CHECK(basics_known(person) && !(danger & danger_of(nutrient, true)));
                shown_foods[nutrient] += kind == STATEMENT_FOODS && spoken == 0;
        }
        CHECK(item->n_foods == 0 || kind == STATEMENT_FOODS);
        for (size_t i = 0; i < item->n_foods; i++) {
                unsigned food = text_holds(spoken, item->foods[i]->name);

                CHECK(!(food & HAS_K_FOOD) || !(danger & FOOD_K2));
                CHECK(!(food & HAS_POTASSIUM_FOOD) || !(danger & FOOD_K));
                CHECK(!item->foods[i]->animal || person->diet != 3);
        }
        if (!warns) {
                CHECK(!(holds & HAS_K_FOOD) || !(danger & FOOD_K2));
                CHECK(!(holds & HAS_POTASSIUM_FOOD) || !(danger & FOOD_K));
                CHECK(!(holds & HAS_DRINK) || nutrient != NUTRIENT_HYDRATION || !(danger & FLUID));
        }
        if (kind == STATEMENT_FOODS &&
            (person->age < 18 || person->child > CHILD_NO || kidneys_ill(person) ||
             person->liver == YES || person->heart == YES))
                CHECK(holds & HAS_DOCTOR);

        /* Quinine: as a warning, to who asks for it or takes it. */
        if (holds & HAS_QUININE)
                CHECK(kind == STATEMENT_QUININE &&
                      (takes(person, "quinine") || (topic && strcmp(topic, "quinine") == 0)));
}

static void order_check(void) {
        bool doctor_seen = false;

        for (size_t i = 0; i < advice->n_items; i++) {
                const struct advice_item *item = &advice->items[i];

                doctor_seen = doctor_seen || item->statement->kind == STATEMENT_DOCTOR;
                if (i > 0 && item->red_flag)
                        assert_true(advice->items[i - 1].red_flag);
                if (i > 0 && item->red_flag == advice->items[i - 1].red_flag)
                        assert_true(item->priority <= advice->items[i - 1].priority);
                if (item->statement->nutrient >= 0)
                        assert_true(doctor_seen);
        }
        assert_true(doctor_seen);
}

static void advice_check(const struct person *person, const struct advice_request *request) {
        unsigned danger = dangers(person);
        bool pharmacist = false;

        advise(request, advice);
        for (size_t i = 0; i < advice->n_items; i++) {
                for (unsigned spoken = 0; spoken < SPOKEN; spoken++)
                        item_check(person, request->topic, &advice->items[i], spoken);
                pharmacist = pharmacist || (item_holds(0, &advice->items[i]) & HAS_PHARMACIST &
                                            item_holds(1, &advice->items[i]));
        }
        order_check();
        if (!basics_known(person) && (!request->topic || nutrient_from_string(request->topic) >= 0))
                assert_true(pharmacist);
        assert_int_equal(advise_amounts_allowed(request->profile), amounts_safe(person));

        /* Who asks of a nutrient is told whether food or supplement fits them, once. */
        if (request->topic && nutrient_from_string(request->topic) >= 0) {
                unsigned n = 0;

                for (size_t i = 0; i < advice->n_items; i++)
                        n += advice->items[i].statement->kind == STATEMENT_RECOMMENDATION;
                assert_int_equal(n, 1);
        }

        /* What is held back is named, with a reason. */
        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                struct advice_suppressed why = {0};
                bool named = false;

                for (size_t i = 0; i < advice->n_suppressed; i++)
                        named = named || ((int)advice->suppressed[i].nutrient == nutrient &&
                                          advice->suppressed[i].n_reasons > 0);
                if ((danger & danger_of(nutrient, false)) &&
                    (!request->topic || nutrient_from_string(request->topic) == nutrient)) {
                        assert_true(named);
                        held_back[nutrient]++;
                }
                if (advise_trial_allowed(request->profile, nutrient, &why))
                        assert_true(amounts_safe(person) && !(danger & danger_of(nutrient, false)));
                else
                        assert_true(why.n_reasons > 0);
        }
}

static double seconds_now(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void no_contraindicated_advice_to_random_people(void **state) {
        unsigned people = getenv("TESTS_SLOW") ? 3000 : 120000, refused = 0;
        double start = seconds_now();

        random_state = 20201107;
        memset(shown_supplements, 0, sizeof(shown_supplements));
        memset(shown_foods, 0, sizeof(shown_foods));
        memset(held_back, 0, sizeof(held_back));
        for (unsigned i = 0; i < people;) {
                const struct person person = random_person();
                struct advice_log log = {.standing_min = random_below(600),
                                         .standing_days = random_below(2) * 5};
                struct advice_history history = {.nights = random_below(28),
                                                 .clusters = random_below(30),
                                                 .nights_before = random_below(28),
                                                 .clusters_before = random_below(10),
                                                 .longest_s = random_below(700),
                                                 .long_cramps = random_below(5),
                                                 .mean_pain = random_below(11)};
                struct symptoms symptoms = {0};
                struct profile profile;
                struct advice_request request = {.profile = &profile,
                                                 .topic = topics[random_below(topics_n)]};

                if (!profile_of(&person, &profile)) {
                        refused++;
                        continue;
                }
                log.days[NUTRIENT_HYDRATION] = random_below(6);
                log.food[NUTRIENT_HYDRATION] = random_below(3000);
                for (int nutrient = 0; nutrient < NUTRIENT_HYDRATION; nutrient++) {
                        log.days[nutrient] = random_below(6);
                        log.food[nutrient] = random_below(4) == 0 ? 1 : random_below(1000000);
                        log.supplement[nutrient] = random_below(4) == 0 ? random_below(1000000) : 0;
                }
                symptoms.left = random_below(3) == 0 ? 1U << random_below(SYMPTOM_MAX) : 0;
                symptoms.right = random_below(5) == 0 ? 1U << random_below(SYMPTOM_MAX) : 0;
                symptoms.unsaid = random_below(9) == 0 ? 1U << random_below(SYMPTOM_MAX) : 0;
                if (random_below(2))
                        request.log = &log;
                if (random_below(2))
                        request.history = &history;
                if (random_below(2))
                        request.symptoms = &symptoms;
                advice_check(&person, &request);
                i++;
        }
        print_message("# measured: %u random people checked against the oracle in %.1f s (%u "
                      "contradictory ones refused)\n",
                      people, seconds_now() - start, refused);
        /* The open side is open: else all this proves nothing. */
        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                assert_true(shown_foods[nutrient] > people / 1000);
                if (danger_of(nutrient, false))
                        assert_true(held_back[nutrient] > people / 1000);
        }
        assert_true(shown_supplements[NUTRIENT_MAGNESIUM] > 0 &&
                    shown_supplements[NUTRIENT_VITAMIN_K2] > 0);
        assert_true(shown_supplements[NUTRIENT_VITAMIN_B12] > 0 &&
                    shown_supplements[NUTRIENT_CALCIUM] > 0);
        assert_true(shown_supplements[NUTRIENT_VITAMIN_D] > 0);
        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++)
                for (int fit = FIT_FORBIDDEN; fit <= FIT_OPEN; fit++)
                        if (recommended[nutrient][fit] == 0 &&
                            (fit != FIT_FORBIDDEN || danger_of(nutrient, false)))
                                fail_msg("nobody is recommended fit %d of %s", fit,
                                         nutrient_to_string((unsigned)nutrient));
}

/* Each topic with each single thing that can be said or left unsaid of somebody who is well. */
static void person_check_all_topics(const struct person *person) {
        struct profile profile;

        assert_true(profile_of(person, &profile));
        for (size_t i = 0; i < topics_n; i++) {
                const struct advice_request request = {.profile = &profile, .topic = topics[i]};

                advice_check(person, &request);
        }
}

static void no_contraindicated_advice_to_any_flag(void **state) {
        for (int age = -1; age <= 100; age += 7) {
                struct person person = healthy;

                person.age = age;
                person_check_all_topics(&person);
        }
        for (size_t i = 0; i < drugs_n; i++) {
                struct person person = healthy;

                person.n_drugs = 1;
                person.drugs[0] = i;
                person.age = 70;
                person_check_all_topics(&person);
        }
        for (size_t i = 0; i < illnesses_n; i++) {
                struct person person = healthy;

                person.n_illnesses = 1;
                person.illnesses[0] = i;
                person.age = 70;
                person_check_all_topics(&person);
        }
        for (int which = 0; which < 8; which++) {
                for (int value = UNSAID; value <= YES; value += 2) {
                        struct person person = healthy;

                        if (which == 0)
                                person.kidneys = value, person.dialysis = UNSAID;
                        else if (which == 1)
                                person.dialysis = value, person.kidneys = value == YES ? YES : NO;
                        else if (which == 2)
                                person.liver = value;
                        else if (which == 3)
                                person.heart = value;
                        else if (which == 4)
                                person.child = value == YES ? CHILD_COMING : CHILD_UNSAID;
                        else if (which == 5)
                                person.child = value == YES ? CHILD_NURSED : CHILD_UNSAID;
                        else if (which == 6)
                                person.n_drugs = -1;
                        else
                                person.n_illnesses = -1;
                        person_check_all_topics(&person);
                }
        }
}

static void every_statement_is_shown_to_somebody(void **state) {
        _cleanup_(freep) bool *seen = calloc(knowledge_n_statements, sizeof(*seen));
        bool restless = true;

        random_state = 7;
        for (int round = 0; restless && round < 40000; round++) {
                const struct person person = random_person();
                struct advice_history history = {.nights = 28,
                                                 .clusters = random_below(30),
                                                 .nights_before = 28,
                                                 .clusters_before = random_below(5),
                                                 .longest_s = random_below(700),
                                                 .long_cramps = random_below(5),
                                                 .mean_pain = random_below(11)};
                struct advice_log log = {
                        .standing_min = 400, .standing_days = 1, .exercise_min = 90, .exercise_days = 1};
                struct symptoms symptoms = {.left = 1U << random_below(SYMPTOM_MAX)};
                struct profile profile;
                const struct advice_request request = {.profile = &profile,
                                                       .topic = topics[random_below(topics_n)],
                                                       .history = &history,
                                                       .log = round % 3 ? &log : NULL,
                                                       .symptoms = &symptoms};

                log.days[NUTRIENT_HYDRATION] = 5;
                for (int nutrient = 0; round % 2 && nutrient < NUTRIENT_HYDRATION; nutrient++)
                        log.days[nutrient] = 5;
                if (!profile_of(&person, &profile))
                        continue;
                advise(&request, advice);
                for (size_t i = 0; i < advice->n_items; i++)
                        seen[advice->items[i].statement - knowledge_statements] = true;
                restless = false;
                for (size_t i = 0; i < knowledge_n_statements; i++)
                        restless = restless || !seen[i];
        }
        for (size_t i = 0; i < knowledge_n_statements; i++)
                if (!seen[i])
                        fail_msg("nobody ever sees %s", knowledge_statements[i].id);
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
                cmocka_unit_test(every_statement_is_shown_to_somebody),
                cmocka_unit_test(no_contraindicated_advice_to_any_flag),
                cmocka_unit_test(no_contraindicated_advice_to_random_people),
        };

        return cmocka_run_group_tests_name("advise-safe", tests, setup, teardown);
}
