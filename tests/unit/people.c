/* SPDX-License-Identifier: MIT */
/* People and their dangers: see people.h. */
#include "tests/unit/people.h"

#include <stdio.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define MG_CA (MG | CA)
#define POTASSIUM (K | FOOD_K)
#define KIDNEYS (MG | FOOD_MG | K | FOOD_K | K2 | CA | D | FLUID)

const struct person_danger drugs[] = {
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

const size_t drugs_n = ARRAY_LENGTH(drugs);

const struct person_danger illnesses[] = {
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

const size_t illnesses_n = ARRAY_LENGTH(illnesses);

size_t drug_of(const char *name) {
        size_t i = 0;

        while (strcmp(drugs[i].name, name) != 0)
                i++;
        return i;
}

bool takes(const struct person *person, const char *drug) {
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

bool kidneys_ill(const struct person *person) {
        return person->kidneys == YES || person->dialysis == YES;
}

/* Age, pregnancy, kidneys and medicines are said. */
bool basics_known(const struct person *person) {
        return person->age >= 0 && child_known(person) && kidneys_known(person) && person->n_drugs >= 0;
}

bool amounts_safe(const struct person *person) {
        return basics_known(person) && person->age >= 18 && person->child <= CHILD_NO &&
               !kidneys_ill(person) && person->liver == NO && person->heart == NO &&
               !takes(person, "other-medicine");
}

/* What is dangerous, for what is so and for what may be so. */
unsigned dangers(const struct person *person) {
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
unsigned danger_of(int nutrient, bool food) {
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

bool profile_of(const struct person *person, struct profile *ret) {
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

const struct person healthy = {.age = 40,
                               .female = true,
                               .child = CHILD_NO,
                               .diet = 1,
                               .alcohol = 1,
                               .kidneys = NO,
                               .dialysis = NO,
                               .liver = NO,
                               .heart = NO,
                               .supplements = "none"};

/* --- Random people */

uint64_t random_state;

unsigned random_below(unsigned limit) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (unsigned)((random_state >> 33) % limit);
}

static enum said random_said(void) {
        unsigned draw = random_below(10);

        return draw < 2 ? UNSAID : draw < 8 ? NO : YES;
}

struct person random_person(void) {
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
                person.drugs[i] = random_below(drugs_n);
        for (size_t i = 0; i < 3; i++)
                person.illnesses[i] = random_below(illnesses_n);
        /* Half of the people are well, so that the open side is walked as much as the closed one. */
        if (random_below(2) == 0) {
                person.kidneys = person.dialysis = person.liver = person.heart = NO;
                person.child = CHILD_NO;
                person.age = 18 + (int)random_below(80);
                person.n_drugs = (int)random_below(2);
        }
        return person;
}

const char *const topics[] = {NULL,        "magnesium",  "potassium",  "calcium",
                              "vitamin-d", "vitamin-k2", "vitamin-b1", "vitamin-b12",
                              "hydration", "causes",     "relief",     "stretching",
                              "doctor",    "food",       "quinine",    "now"};
const size_t topics_n = ARRAY_LENGTH(topics);
