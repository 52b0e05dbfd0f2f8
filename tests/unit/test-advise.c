/* SPDX-License-Identifier: MIT */
/*
 * Advice. The oracle below was written by hand from the table of interactions of the project's nutrition
 * facts (NIH Office of Dietary Supplements; UK SmPC of magnesium; Cleveland Clinic 2019; common advice)
 * and from the rule that what is not known counts as unsafe. It never reads the shipped data, nor what
 * profile.c makes of a profile: it keeps its own people.
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

/* --- The oracle's own people */

enum { MG = 1, K = 2, CA = 4, D = 8, K2 = 16, FOOD_MG = 32, FOOD_K = 64, FOOD_K2 = 128, FLUID = 256 };
#define MG_CA (MG | CA)
#define POTASSIUM (K | FOOD_K)
#define KIDNEYS (MG | FOOD_MG | K | FOOD_K | K2 | CA | D | FLUID)

static const struct {
        const char *name;
        unsigned danger;
} drugs[] = {
        {"warfarin", K2 | FOOD_K2},
        {"acenocoumarol", K2 | FOOD_K2},
        {"phenprocoumon", K2 | FOOD_K2},
        {"vitamin-k-antagonist", K2 | FOOD_K2},
        {"apixaban", K2 | FOOD_K2},
        {"orlistat", K2},
        {"colestyramine", K2},
        {"bile-acid-resin", K2},
        {"other-antibiotic", K2},
        {"doxycycline", MG_CA},
        {"tetracycline", MG_CA},
        {"ciprofloxacin", MG_CA},
        {"levofloxacin", MG_CA},
        {"quinolone", MG_CA},
        {"alendronate", MG_CA},
        {"bisphosphonate", MG_CA},
        {"levothyroxine", MG_CA},
        {"nitrofurantoin", MG},
        {"penicillamine", MG},
        {"iron", MG},
        {"gabapentin", MG},
        {"amlodipine", MG},
        {"nifedipine", MG},
        {"calcium-channel-blocker", MG},
        {"spironolactone", MG | POTASSIUM},
        {"amiloride", MG | POTASSIUM},
        {"triamterene", MG | POTASSIUM},
        {"potassium-sparing-diuretic", MG | POTASSIUM},
        {"furosemide", MG},
        {"loop-diuretic", MG},
        {"hydrochlorothiazide", MG | D},
        {"indapamide", MG | D},
        {"thiazide-diuretic", MG | D},
        {"omeprazole", MG},
        {"proton-pump-inhibitor", MG},
        {"ramipril", POTASSIUM},
        {"ace-inhibitor", POTASSIUM},
        {"losartan", POTASSIUM},
        {"arb", POTASSIUM},
        {"ibuprofen", POTASSIUM},
        {"nsaid", POTASSIUM},
        {"digoxin", 0},
        {"simvastatin", 0},
        {"metformin", 0},
        {"salmeterol", 0},
        {"quinine", 0},
        {"other-cramp-medicine", 0},
        {"other-medicine", 0},
};

static const struct {
        const char *name;
        unsigned danger;
} illnesses[] = {
        {"diabetes", 0},
        {"hypothyroidism", 0},
        {"parkinson", 0},
        {"nerve-compression", 0},
        {"neuropathy", 0},
        {"poor-circulation", 0},
        {"cancer", 0},
        {"gut-disease", 0},
        {"high-calcium", CA | D},
        {"kidney-stones", CA | D},
        {"restless-legs", 0},
        {"other-condition", 0},
};

enum said { UNSAID, NO, YES };
enum child { CHILD_UNSAID, CHILD_NO, CHILD_COMING, CHILD_NURSED };

struct person {
        int age;           /* -1: not said */
        bool female, male; /* neither: not said */
        enum child child;
        int diet;    /* 0 not said, 1 omnivore, 2 vegetarian, 3 vegan */
        int alcohol; /* 0 not said, 1 none, 2 some, 3 much */
        enum said kidneys, dialysis, liver, heart;
        int n_drugs, n_illnesses; /* -1: not said */
        size_t drugs[4], illnesses[3];
        const char *supplements; /* NULL: not said */
};

static bool takes(const struct person *person, const char *drug) {
        for (int i = 0; i < person->n_drugs; i++)
                if (strcmp(drugs[person->drugs[i]].name, drug) == 0)
                        return true;
        return false;
}

static bool child_known(const struct person *person) {
        return person->child != CHILD_UNSAID || person->male;
}

static bool kidneys_known(const struct person *person) {
        return person->kidneys != UNSAID || person->dialysis == YES;
}

static bool kidneys_ill(const struct person *person) {
        return person->kidneys == YES || person->dialysis == YES;
}

/* Age, pregnancy, kidneys and medicines are said. */
static bool basics_known(const struct person *person) {
        return person->age >= 0 && child_known(person) && kidneys_known(person) && person->n_drugs >= 0;
}

static bool amounts_safe(const struct person *person) {
        return basics_known(person) && person->age >= 18 && person->child <= CHILD_NO &&
               !kidneys_ill(person) && person->liver == NO && person->heart == NO &&
               !takes(person, "other-medicine");
}

/* What is dangerous, for what is so and for what may be so. */
static unsigned dangers(const struct person *person) {
        unsigned danger = 0;

        if (kidneys_ill(person) || !kidneys_known(person))
                danger |= KIDNEYS;
        if (person->heart != NO)
                danger |= POTASSIUM | FLUID;
        if (person->liver != NO)
                danger |= FLUID;
        if (person->n_drugs < 0)
                danger |= MG | CA | D | K2 | POTASSIUM | FOOD_K2;
        for (int i = 0; i < person->n_drugs; i++)
                danger |= drugs[person->drugs[i]].danger;
        for (int i = 0; i < person->n_illnesses; i++)
                danger |= illnesses[person->illnesses[i]].danger;
        return danger;
}

/* The bit of a nutrient as a supplement, and as food. */
static unsigned danger_of(int nutrient, bool food) {
        switch (nutrient) {
        case NUTRIENT_MAGNESIUM:
                return food ? FOOD_MG : MG;
        case NUTRIENT_POTASSIUM:
                return food ? FOOD_K : K;
        case NUTRIENT_CALCIUM:
                return food ? 0 : CA;
        case NUTRIENT_VITAMIN_D:
                return food ? 0 : D;
        case NUTRIENT_VITAMIN_K2:
                return food ? FOOD_K2 : K2;
        case NUTRIENT_HYDRATION:
                return FLUID;
        default:
                return 0;
        }
}

/* --- From a person to a profile */

static void text_add(char *text, size_t size, const char *more) {
        size_t used = strlen(text);

        (void)snprintf(text + used, size - used, "%s", more);
}

static bool profile_of(const struct person *person, struct profile *ret) {
        static const char *const child[] = {"", "no", "pregnant", "breastfeeding"};
        static const char *const diet[] = {"", "omnivore", "vegetarian", "vegan"};
        static const char *const alcohol[] = {"", "none", "some", "much"};
        static const char *const said[] = {"", "no", "yes"};
        char texts[12][300] = {"age=",       "sex=",           "pregnancy=",
                               "diet=",      "alcohol=",       "kidney-disease=",
                               "dialysis=",  "liver-disease=", "heart-failure=",
                               "medicines=", "conditions=",    "supplements="};
        const char *assignments[12];
        struct profile_error error;
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", person->age);
        text_add(texts[0], sizeof(texts[0]), person->age >= 0 ? number : "");
        text_add(texts[1], sizeof(texts[1]), person->male ? "male" : person->female ? "female" : "");
        text_add(texts[2], sizeof(texts[2]), child[person->child]);
        text_add(texts[3], sizeof(texts[3]), diet[person->diet]);
        text_add(texts[4], sizeof(texts[4]), alcohol[person->alcohol]);
        text_add(texts[5], sizeof(texts[5]), said[person->kidneys]);
        text_add(texts[6], sizeof(texts[6]), said[person->dialysis]);
        text_add(texts[7], sizeof(texts[7]), said[person->liver]);
        text_add(texts[8], sizeof(texts[8]), said[person->heart]);
        text_add(texts[9], sizeof(texts[9]), person->n_drugs == 0 ? "none" : "");
        for (int i = 0; i < person->n_drugs; i++) {
                text_add(texts[9], sizeof(texts[9]), i > 0 ? "," : "");
                text_add(texts[9], sizeof(texts[9]), drugs[person->drugs[i]].name);
        }
        text_add(texts[10], sizeof(texts[10]), person->n_illnesses == 0 ? "none" : "");
        for (int i = 0; i < person->n_illnesses; i++) {
                text_add(texts[10], sizeof(texts[10]), i > 0 ? "," : "");
                text_add(texts[10], sizeof(texts[10]), illnesses[person->illnesses[i]].name);
        }
        text_add(texts[11], sizeof(texts[11]), person->supplements ? person->supplements : "");
        for (size_t i = 0; i < 12; i++)
                assignments[i] = texts[i];
        *ret = PROFILE_EMPTY;
        return profile_set_all(ret, assignments, 12, &error) == 0;
}

static const struct person healthy = {.age = 40,
                                      .female = true,
                                      .child = CHILD_NO,
                                      .diet = 1,
                                      .alcohol = 1,
                                      .kidneys = NO,
                                      .dialysis = NO,
                                      .liver = NO,
                                      .heart = NO,
                                      .supplements = "none"};

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

static struct advice *advice;
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

/* --- Random people */

static uint64_t random_state;

/* xorshift (Marsaglia 2003): the same everywhere. */
static unsigned random_below(unsigned limit) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (unsigned)((random_state >> 33) % limit);
}

static enum said random_said(void) {
        unsigned draw = random_below(10);

        return draw < 2 ? UNSAID : draw < 8 ? NO : YES;
}

static struct person random_person(void) {
        static const char *const supplements[] = {
                NULL,
                "none",
                "magnesium:300mg",
                "potassium:99mg",
                "calcium:3000mg,vitamin-d:1000IU",
                "vitamin-k2:180ug",
                "magnesium:900mg,vitamin-b12:1mg",
        };
        unsigned sex = random_below(5), child = random_below(20);
        struct person person = {
                .age = random_below(8) == 0 ? -1 : (int)random_below(100),
                .female = sex == 1 || sex == 2,
                .male = sex >= 3,
                .child = child < 3    ? CHILD_UNSAID
                         : child == 3 ? CHILD_COMING
                         : child == 4 ? CHILD_NURSED
                                      : CHILD_NO,
                .diet = (int)random_below(4),
                .alcohol = (int)random_below(4),
                .kidneys = random_said(),
                .dialysis = random_said(),
                .liver = random_said(),
                .heart = random_said(),
                .n_drugs = random_below(8) == 0 ? -1 : (int)random_below(5),
                .n_illnesses = random_below(8) == 0 ? -1 : (int)random_below(4),
                .supplements = supplements[random_below(ARRAY_LENGTH(supplements))],
        };

        for (size_t i = 0; i < 4; i++)
                person.drugs[i] = random_below(ARRAY_LENGTH(drugs));
        for (size_t i = 0; i < 3; i++)
                person.illnesses[i] = random_below(ARRAY_LENGTH(illnesses));
        /* Half of the people are well, so that the open side is walked as much as the closed one. */
        if (random_below(2) == 0) {
                person.kidneys = person.dialysis = person.liver = person.heart = NO;
                person.child = CHILD_NO;
                person.age = 18 + (int)random_below(80);
                person.n_drugs = (int)random_below(2);
        }
        return person;
}

static const char *const topics[] = {NULL,        "magnesium",  "potassium",  "calcium",
                                     "vitamin-d", "vitamin-k2", "vitamin-b1", "vitamin-b12",
                                     "hydration", "causes",     "relief",     "stretching",
                                     "doctor",    "food",       "quinine",    "now"};

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
                                                 .topic = topics[random_below(ARRAY_LENGTH(topics))]};

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
        for (size_t i = 0; i < ARRAY_LENGTH(topics); i++) {
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
        for (size_t i = 0; i < ARRAY_LENGTH(drugs); i++) {
                struct person person = healthy;

                person.n_drugs = 1;
                person.drugs[0] = i;
                person.age = 70;
                person_check_all_topics(&person);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(illnesses); i++) {
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
        assert_string_equal(text,
                            "In 8 monitored nights after such days you had 8 bouts of cramp, in 20 "
                            "other nights 3.");
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
        for (size_t i = 0; i < ARRAY_LENGTH(drugs); i++)
                if (strcmp(drugs[i].name, "spironolactone") == 0)
                        person.drugs[0] = i;
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
        for (size_t i = 0; i < ARRAY_LENGTH(drugs); i++)
                if (strcmp(drugs[i].name, "quinine") == 0)
                        person.drugs[0] = i;
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
                const struct advice_request request = {
                        .profile = &profile,
                        .topic = topics[random_below(ARRAY_LENGTH(topics))],
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

static void topics_are_known(void **state) {
        for (size_t i = 1; i < ARRAY_LENGTH(topics); i++)
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
                cmocka_unit_test(every_statement_is_shown_to_somebody),
                cmocka_unit_test(no_contraindicated_advice_to_any_flag),
                cmocka_unit_test(no_contraindicated_advice_to_random_people),
        };

        return cmocka_run_group_tests_name("advise", tests, setup, teardown);
}
