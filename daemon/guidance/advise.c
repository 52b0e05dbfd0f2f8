/* SPDX-License-Identifier: MIT */
/* Advice: see advise.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/guidance/advise.h"
#include "daemon/guidance/exact.h"
#include "daemon/guidance/translate.h"

/* Our own choices, where no source has a number. */
#define LONG_STANDING_MIN 240.0 /* standing a day that counts as long */
#define MUCH_EXERCISE_MIN 60.0
/* Drunk a day; EFSA 2010 holds 2.0 to 2.5 l for adequate, with the water in food. */
#define LITTLE_DRINK_ML 1000.0
#define LOGGED_DAYS_MIN 3    /* before a mean of the log says anything */
#define LOW_INTAKE_SHARE 0.7 /* of the recommended amount */
#define OFTEN_A_WEEK 3.0     /* cramps that disturb the sleep "often" (NHS) */
#define OFTEN_NIGHTS_MIN 7
#define RISING_NIGHTS_MIN 14
#define SEVERE_PAIN 8.0    /* of 10 */
#define LONG_CRAMP_S 600.0 /* NHS: longer than 10 minutes; from then on as the live alert */
#define LONG_CRAMPS_MIN 3  /* of ADVICE_LONG_S and more, in four weeks */

static const char ask_provider[] = N_("Ask a healthcare provider before you take any supplement.");
static const char ask_doctor[] = N_("Ask your doctor what is right for you.");

/* Whose amounts a doctor decides, and nobody else. */
#define POPULATION                                                                                      \
        (FACTOR_BIT(FACTOR_UNDER_18) | FACTOR_BIT(FACTOR_PREGNANT) | FACTOR_BIT(FACTOR_BREASTFEEDING) | \
         FACTOR_BIT(FACTOR_KIDNEY_DISEASE) | FACTOR_BIT(FACTOR_DIALYSIS) |                              \
         FACTOR_BIT(FACTOR_LIVER_DISEASE) | FACTOR_BIT(FACTOR_HEART_FAILURE))
/* What must be known before food is named. The medicines are said or not as a whole, so that one stands
 * for all of them. */
#define BASICS                                                       \
        (FACTOR_BIT(FACTOR_UNDER_18) | FACTOR_BIT(FACTOR_PREGNANT) | \
         FACTOR_BIT(FACTOR_KIDNEY_DISEASE) | FACTOR_BIT(FACTOR_OTHER_MEDICINE))

/* What is so, what is not known; all else is known not to be so. */
struct facts {
        uint64_t yes, unset;
};

struct build {
        const struct advice_request *request;
        struct advice *advice;
        struct facts facts;
        /* By nutrient: what forbids supplements (all contraindications), what forbids food too. */
        uint64_t forbids_supplement[NUTRIENT_MAX], forbids_food[NUTRIENT_MAX];
        uint32_t at_risk;    /* bits of nutrients that a lack of which is likelier here */
        uint32_t low_intake; /* bits of nutrients that the log has too little of */
        bool basics_known, amounts_allowed;
        int topic_nutrient; /* -1: none */
};

/* --- Facts */

static void fact_add(struct facts *facts, enum factor factor, enum answer answer) {
        if (answer == ANSWER_YES)
                facts->yes |= FACTOR_BIT(factor);
        else if (answer == ANSWER_UNSET)
                facts->unset |= FACTOR_BIT(factor);
}

static struct facts profile_facts(const struct profile *profile) {
        struct facts facts = {0};

        for (int factor = 0; factor < FACTOR_MAX; factor++)
                if (factor_field(factor) != FIELD_LOG)
                        fact_add(&facts, factor, profile_answer(profile, factor));
        return facts;
}

static enum answer log_answer(unsigned days, bool so) {
        return days == 0 ? ANSWER_UNSET : so ? ANSWER_YES : ANSWER_NO;
}

static void log_facts(struct facts *facts, const struct advice_log *log, uint32_t symptoms) {
        static const struct advice_log empty;

        if (!log)
                log = &empty;
        fact_add(facts, FACTOR_LONG_STANDING,
                 log_answer(log->standing_days, log->standing_min >= LONG_STANDING_MIN));
        fact_add(facts, FACTOR_MUCH_EXERCISE,
                 log_answer(log->exercise_days, log->exercise_min >= MUCH_EXERCISE_MIN));
        fact_add(facts, FACTOR_LITTLE_DRINK,
                 log->days[NUTRIENT_HYDRATION] < LOGGED_DAYS_MIN   ? ANSWER_UNSET
                 : log->food[NUTRIENT_HYDRATION] < LITTLE_DRINK_ML ? ANSWER_YES
                                                                   : ANSWER_NO);
        fact_add(facts, FACTOR_FLUID_LOSS,
                 symptoms & (SYMPTOM_BIT(SYMPTOM_STOMACH_ILLNESS) | SYMPTOM_BIT(SYMPTOM_HEAVY_SWEATING))
                         ? ANSWER_YES
                         : ANSWER_UNSET);
}

static bool amounts_allowed(const struct facts *facts) {
        uint64_t needed = POPULATION | BASICS;

        return !(facts->unset & needed) &&
               !(facts->yes & (POPULATION | FACTOR_BIT(FACTOR_OTHER_MEDICINE)));
}

static bool excluded(const struct facts *facts, uint64_t factors) {
        return (factors & (facts->yes | facts->unset)) != 0;
}

static uint32_t fields_of(uint64_t factors) {
        uint32_t fields = 0;

        for (int factor = 0; factor < FACTOR_MAX; factor++)
                if (factors & FACTOR_BIT(factor))
                        fields |= 1U << factor_field(factor);
        return fields & ~(1U << FIELD_LOG);
}

static void contraindications_gather(uint64_t forbids_supplement[], uint64_t forbids_food[]) {
        for (size_t i = 0; i < knowledge_n_contraindications; i++) {
                const struct knowledge_contraindication *row = &knowledge_contraindications[i];

                forbids_supplement[row->nutrient] |= FACTOR_BIT(row->factor);
                if (row->food)
                        forbids_food[row->nutrient] |= FACTOR_BIT(row->factor);
        }
}

/* --- Reasons and items */

static void reason_add(struct advice_reason *reasons, size_t *n_reasons, const char *message,
                       const char *phrase) {
        if (*n_reasons < ADVICE_REASONS_MAX)
                reasons[(*n_reasons)++] = (struct advice_reason){message, phrase};
}

static void because(struct advice_item *item, const char *message, const char *phrase) {
        if (item)
                reason_add(item->reasons, &item->n_reasons, message, phrase);
}

static void because_of_factors(struct advice_item *item, const struct facts *facts, uint64_t factors) {
        for (int factor = 0; factor < FACTOR_MAX; factor++) {
                bool logged = factor_field(factor) == FIELD_LOG;

                if (!(factors & facts->yes & FACTOR_BIT(factor)))
                        continue;
                because(item, logged ? N_("Your log shows it: %s.") : N_("You said: %s."),
                        factor_phrase(factor));
        }
}

static struct advice_item *item_add(struct build *build, const struct knowledge_statement *statement,
                                    unsigned priority) {
        struct advice_item *item;

        if (build->advice->n_items == ADVICE_ITEMS_MAX)
                return NULL;
        item = &build->advice->items[build->advice->n_items++];
        *item = (struct advice_item){
                .statement = statement, .nutrient = statement->nutrient, .priority = priority};
        item->texts[item->n_texts++] =
                build->amounts_allowed || !statement->has_amount || !statement->general
                        ? statement->text
                        : statement->general;
        return item;
}

/* What every item ends with that speaks of supplements, or of food to those whom a doctor must advise.
 */
static void item_close(const struct build *build, struct advice_item *item) {
        bool in_care = (build->facts.yes & POPULATION) != 0;

        if (!item)
                return;
        if (in_care && item->statement->kind == STATEMENT_FOODS)
                item->texts[item->n_texts++] = ask_doctor;
        if (item->statement->supplement)
                item->texts[item->n_texts++] = ask_provider;
}

static const struct knowledge_statement *statement_find(const char *id) {
        for (size_t i = 0; i < knowledge_n_statements; i++)
                if (strcmp(knowledge_statements[i].id, id) == 0)
                        return &knowledge_statements[i];
        return NULL;
}

static struct advice_item *item_by_rule(struct build *build, const char *id, unsigned priority) {
        const struct knowledge_statement *statement = statement_find(id);
        struct advice_item *item = statement ? item_add(build, statement, priority) : NULL;

        item_close(build, item);
        return item;
}

/* --- Red flags */

enum urgency { EMERGENCY = 1000, URGENT = 950, SOON = 900 };
#define DOCTOR_PRIORITY 890

/* A flag from symptoms, on whichever leg. */
static const struct {
        const char *id;
        enum urgency urgency;
        uint32_t any;
} flags[] = {
        {"red-emergency", EMERGENCY,
         SYMPTOM_BIT(SYMPTOM_BREATHLESSNESS) | SYMPTOM_BIT(SYMPTOM_CHEST_PAIN)},
        {"red-infection", URGENT, SYMPTOM_BIT(SYMPTOM_DIRTY_WOUND) | SYMPTOM_BIT(SYMPTOM_POISON)},
        {"red-muscle", URGENT,
         SYMPTOM_BIT(SYMPTOM_DARK_URINE) | SYMPTOM_BIT(SYMPTOM_FEVER) |
                 SYMPTOM_BIT(SYMPTOM_WEAKNESS_ALL_OVER)},
        {"red-lasting-pain", SOON, SYMPTOM_BIT(SYMPTOM_LASTING_PAIN)},
        {"red-wasting", SOON,
         SYMPTOM_BIT(SYMPTOM_WEAKNESS) | SYMPTOM_BIT(SYMPTOM_WASTING) | SYMPTOM_BIT(SYMPTOM_TWITCHING)},
        {"red-nerve", SOON, SYMPTOM_BIT(SYMPTOM_NUMBNESS) | SYMPTOM_BIT(SYMPTOM_TINGLING)},
        {"red-swelling", SOON, SYMPTOM_BIT(SYMPTOM_SWELLING)},
        {"red-circulation", SOON,
         SYMPTOM_BIT(SYMPTOM_PAIN_ON_WALKING) | SYMPTOM_BIT(SYMPTOM_PALE_SKIN) |
                 SYMPTOM_BIT(SYMPTOM_SKIN_CHANGE)},
        {"red-restless", SOON, SYMPTOM_BIT(SYMPTOM_URGE_TO_MOVE)},
        {"red-new-medicine", SOON, SYMPTOM_BIT(SYMPTOM_NEW_MEDICINE)},
};

#define CLOT_SIGNS \
        (SYMPTOM_BIT(SYMPTOM_SWELLING) | SYMPTOM_BIT(SYMPTOM_REDNESS) | SYMPTOM_BIT(SYMPTOM_WARMTH))

static struct advice_item *flag_raise(struct build *build, const char *id, enum urgency urgency) {
        struct advice_item *item = item_by_rule(build, id, urgency);

        if (item)
                item->red_flag = true;
        return item;
}

static void because_of_symptoms(struct advice_item *item, uint32_t symptoms) {
        for (int symptom = 0; symptom < SYMPTOM_MAX; symptom++)
                if (symptoms & SYMPTOM_BIT(symptom))
                        because(item, N_("You logged: %s."), symptom_phrase(symptom));
}

/* One leg that is swollen, red or warm is enough, and a leg that was not said counts as one. Two legs
 * that are swollen and nothing else are not (NHS: see your doctor); with pain that stays they are. */
static uint32_t clot_signs(const struct symptoms *symptoms) {
        uint32_t left = symptoms->left & CLOT_SIGNS, right = symptoms->right & CLOT_SIGNS;
        uint32_t unsaid = symptoms->unsaid & CLOT_SIGNS, signs = left | right | unsaid;
        uint32_t pain = (symptoms->left | symptoms->right | symptoms->unsaid) &
                        SYMPTOM_BIT(SYMPTOM_LASTING_PAIN);

        if (left == right && unsaid == 0 && signs == SYMPTOM_BIT(SYMPTOM_SWELLING) && !pain)
                return 0;
        return signs != 0 ? signs | pain : 0;
}

static void flags_of_symptoms(struct build *build, const struct symptoms *symptoms) {
        uint32_t all = symptoms->left | symptoms->right | symptoms->unsaid, clot = clot_signs(symptoms);

        if (clot != 0)
                because_of_symptoms(flag_raise(build, "red-clot", URGENT), clot);
        for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
                if (all & flags[i].any)
                        because_of_symptoms(flag_raise(build, flags[i].id, flags[i].urgency),
                                            all & flags[i].any);
}

static bool rate_rises(const struct advice_history *history) {
        struct rate_ratio ratio;

        return history->nights >= RISING_NIGHTS_MIN && history->nights_before >= RISING_NIGHTS_MIN &&
               rate_ratio_exact(history->clusters, history->nights, history->clusters_before,
                                history->nights_before, 0.95, &ratio) == 0 &&
               ratio.low > 1;
}

/* Time that nobody watched can only hide cramps: what is known alone may be often enough. */
static bool cramps_are_often(const struct advice_history *history) {
        return (history->nights >= OFTEN_NIGHTS_MIN &&
                history->clusters * 7.0 / history->nights >= OFTEN_A_WEEK) ||
               (history->days > 0 && history->clusters_known * 7.0 / history->days >= OFTEN_A_WEEK);
}

static void because_of_record(struct advice_item *item, const struct advice_history *history) {
        because(item, N_("Your record of the last four weeks shows it."), NULL);
        if (history->reported > 0)
                because(item, N_("Cramps without an alert that you reported are counted."), NULL);
}

static void flags_of_history(struct build *build, const struct advice_history *history) {
        if (history->longest_s >= LONG_CRAMP_S)
                because(flag_raise(build, "red-long-cramp", URGENT),
                        N_("Your record of the last four weeks shows it."), NULL);
        if (history->long_cramps >= LONG_CRAMPS_MIN)
                because(flag_raise(build, "red-long-cramps", SOON),
                        N_("Your record of the last four weeks shows it."), NULL);
        if (cramps_are_often(history))
                because_of_record(flag_raise(build, "red-often", SOON), history);
        if (rate_rises(history))
                because_of_record(flag_raise(build, "red-rising", SOON), history);
        if (history->mean_pain >= SEVERE_PAIN)
                because_of_record(flag_raise(build, "red-severe", SOON), history);
}

static void flags_raise(struct build *build) {
        if (build->request->symptoms)
                flags_of_symptoms(build, build->request->symptoms);
        if (build->request->history)
                flags_of_history(build, build->request->history);
        because(item_by_rule(build, "doctor-when", DOCTOR_PRIORITY), N_("Everybody is told this first."),
                NULL);
}

/* --- Notices: what is taken, and who is told no amounts */

#define DANGEROUS_PRIORITY 880
#define ABOVE_LIMIT_PRIORITY 870
#define QUININE_PRIORITY 865
#define POPULATION_PRIORITY 850

static double taken(const struct build *build, enum nutrient nutrient) {
        const struct profile *profile = build->request->profile;
        double sum = 0;

        for (size_t i = 0; i < profile->n_supplements; i++)
                if (profile->supplements[i].nutrient == nutrient)
                        sum += amount_to_base(nutrient, &profile->supplements[i].amount);
        /* The same tablets may stand in the profile and in the log. */
        if (build->request->log)
                sum = fmax(sum, build->request->log->supplement[nutrient]);
        return sum;
}

static void dangerous_notice(struct build *build, enum nutrient nutrient) {
        uint64_t why = build->forbids_supplement[nutrient] & build->facts.yes;
        struct advice_item *item;

        if (why == 0 || taken(build, nutrient) <= 0)
                return;
        item = item_by_rule(build, "notice-dangerous-supplement", DANGEROUS_PRIORITY);
        if (!item)
                return;
        item->nutrient = nutrient;
        because(item, N_("You take or log: %s."), nutrient_title(nutrient));
        because_of_factors(item, &build->facts, why);
}

static void limit_notice(struct build *build, enum nutrient nutrient) {
        double food = build->request->log ? build->request->log->food[nutrient] : 0;
        struct limit_check check;
        struct advice_item *item;

        if (!limit_check(nutrient, build->request->profile->age_years, food, taken(build, nutrient),
                         &check))
                return;
        item = item_by_rule(build, "notice-above-limit", ABOVE_LIMIT_PRIORITY);
        if (!item)
                return;
        item->nutrient = nutrient;
        item->limit = build->amounts_allowed ? check.limit : NULL;
        item->missing = check.age_assumed ? 1U << FIELD_AGE : 0;
        because(item, N_("You take or log: %s."), nutrient_title(nutrient));
}

static void notices_give(struct build *build) {
        struct advice_item *item;

        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                if (nutrient != NUTRIENT_HYDRATION)
                        dangerous_notice(build, nutrient);
                limit_notice(build, nutrient);
        }
        if (build->facts.yes & POPULATION) {
                item = item_by_rule(build, "notice-population", POPULATION_PRIORITY);
                because_of_factors(item, &build->facts, POPULATION);
        }
        if (build->facts.yes & FACTOR_BIT(FACTOR_OTHER_MEDICINE)) {
                item = item_by_rule(build, "notice-medicine-unlisted", POPULATION_PRIORITY);
                because_of_factors(item, &build->facts, FACTOR_BIT(FACTOR_OTHER_MEDICINE));
        }
}

/* --- Statements */

/* By kind: the priority when nothing was asked for (0: not then), and within a topic. */
static const struct {
        unsigned unasked, asked;
} priorities[STATEMENT_KIND_MAX] = {
        [STATEMENT_ROLE] = {0, 640},
        [STATEMENT_LACK] = {0, 630},
        [STATEMENT_RISK] = {450, 620},
        [STATEMENT_FOODS] = {420, 610},
        [STATEMENT_INTAKE] = {0, 600},
        [STATEMENT_LIMIT] = {0, 590},
        [STATEMENT_EVIDENCE] = {380, 650},
        [STATEMENT_FORMS] = {0, 560},
        [STATEMENT_ABSORPTION] = {0, 550},
        [STATEMENT_INTERACTION] = {800, 800},
        [STATEMENT_SUPPLEMENT] = {300, 540},
        [STATEMENT_COMPARISON] = {280, 530},
        [STATEMENT_CAUSE] = {600, 700},
        [STATEMENT_RELIEF] = {750, 750},
        [STATEMENT_PREVENTION] = {500, 700},
        [STATEMENT_DOCTOR] = {0, 0},
        [STATEMENT_QUININE] = {QUININE_PRIORITY, QUININE_PRIORITY},
        [STATEMENT_GENERAL] = {700, 700},
        [STATEMENT_RED_FLAG] = {0, 0},
        [STATEMENT_NOTICE] = {0, 0},
};

static bool asked_for(const struct build *build, const struct knowledge_statement *statement) {
        const char *topic = build->request->topic;

        return topic && strcmp(topic, statement->topic) == 0;
}

/* Whether a nutrient may be advised as a supplement, or as food. What is not known forbids, too. */
static bool supplement_open(const struct build *build, int nutrient) {
        return nutrient < 0 || !excluded(&build->facts, build->forbids_supplement[nutrient]);
}

static bool food_open(const struct build *build, int nutrient) {
        return build->basics_known &&
               (nutrient < 0 || !excluded(&build->facts, build->forbids_food[nutrient]));
}

/* Whether the kind of a statement lets it be told to this sleeper. */
static bool kind_open(const struct build *build, const struct knowledge_statement *statement) {
        bool speakable = build->amounts_allowed || !statement->has_amount || statement->general;

        switch (statement->kind) {
        case STATEMENT_FOODS:
                return food_open(build, statement->nutrient) && speakable;
        case STATEMENT_INTAKE:
                return build->amounts_allowed && food_open(build, statement->nutrient);
        case STATEMENT_SUPPLEMENT:
                return build->amounts_allowed && supplement_open(build, statement->nutrient);
        case STATEMENT_FORMS:
        case STATEMENT_ABSORPTION:
        case STATEMENT_EVIDENCE:
        case STATEMENT_COMPARISON:
                return (!statement->supplement || supplement_open(build, statement->nutrient)) &&
                       speakable;
        case STATEMENT_QUININE:
                return asked_for(build, statement) || (build->facts.yes & FACTOR_BIT(FACTOR_QUININE));
        case STATEMENT_GENERAL:
                return !build->basics_known;
        case STATEMENT_DOCTOR:
        case STATEMENT_RED_FLAG:
        case STATEMENT_NOTICE:
                return false; /* by a rule */
        default:
                return speakable;
        }
}

/* Whether its conditions are so. Asked for, a warning is also for whom it may concern, and plain
 * knowledge for everybody. */
static bool conditions_hold(const struct build *build, const struct knowledge_statement *statement) {
        const struct facts *facts = &build->facts;

        if (excluded(facts, statement->forbids))
                return false;
        if (statement->applies == 0 || (statement->applies & facts->yes))
                return true;
        if (!asked_for(build, statement))
                return false;
        switch (statement->kind) {
        case STATEMENT_RISK:
        case STATEMENT_CAUSE:
                return true;
        case STATEMENT_INTERACTION:
                return (statement->applies & facts->unset) != 0;
        default:
                return false;
        }
}

/* Nearer to this sleeper, and better founded, is further up. */
static unsigned relevance(const struct build *build, const struct knowledge_statement *statement) {
        static const unsigned by_grade[GRADE_MAX] = {
                [GRADE_STRONG] = 5, [GRADE_MODERATE] = 4, [GRADE_LIMITED] = 3,
                [GRADE_MIXED] = 2,  [GRADE_AGAINST] = 0,  [GRADE_COMMON_ADVICE] = 1,
        };
        unsigned points = by_grade[statement->grade];

        if (statement->applies & build->facts.yes)
                points += 10;
        if (statement->nutrient >= 0 && (build->at_risk & (1U << statement->nutrient)))
                points += 8;
        if (statement->nutrient >= 0 && (build->low_intake & (1U << statement->nutrient)))
                points += 6;
        return points;
}

/* Food holds back what is dangerous here, and what the diet has not. */
static void foods_add(const struct build *build, struct advice_item *item) {
        for (size_t i = 0; i < knowledge_n_foods && item->n_foods < ADVICE_FOODS_MAX; i++) {
                const struct knowledge_food *food = &knowledge_foods[i];

                if ((int)food->nutrient != item->nutrient || excluded(&build->facts, food->forbids))
                        continue;
                if (food->animal && (build->facts.yes & FACTOR_BIT(FACTOR_VEGAN)))
                        continue;
                item->foods[item->n_foods++] = food;
        }
}

/* Beside "magnesium-limit" there can be what another authority says: its figure stands in its text. */
static bool id_ends(const struct knowledge_statement *statement, const char *end) {
        size_t length = strlen(statement->id);

        return length >= strlen(end) && strcmp(statement->id + length - strlen(end), end) == 0;
}

static void figures_attach(const struct build *build, struct advice_item *item) {
        struct limit_check check;

        if (item->statement->kind == STATEMENT_FOODS)
                foods_add(build, item);
        if (!build->amounts_allowed)
                return;
        if (item->statement->kind == STATEMENT_INTAKE && id_ends(item->statement, "-intake"))
                (void)intake_recommended(build->request->profile, item->nutrient, &item->intake);
        if (item->statement->kind == STATEMENT_LIMIT && id_ends(item->statement, "-limit")) {
                (void)limit_check(item->nutrient, build->request->profile->age_years, 0, 0, &check);
                item->limit = check.limit;
        }
}

static void reasons_add(const struct build *build, struct advice_item *item) {
        const struct knowledge_statement *statement = item->statement;
        uint32_t bit = statement->nutrient < 0 ? 0 : 1U << statement->nutrient;

        because_of_factors(item, &build->facts, statement->applies);
        if (asked_for(build, statement))
                because(item, N_("You asked for it."), NULL);
        if (statement->kind == STATEMENT_INTERACTION && !(statement->applies & build->facts.yes))
                because(item, N_("You have not said that it does not concern you."), NULL);
        if (statement->kind == STATEMENT_GENERAL)
                because(item, N_("Kidneys, medicines, pregnancy or age are not known."), NULL);
        if ((build->low_intake & bit) && statement->kind == STATEMENT_FOODS)
                because(item, N_("Your log has less than recommended: %s."),
                        nutrient_title(statement->nutrient));
        if (item->n_reasons == 0)
                because(item, N_("It is told to everybody whom nothing in the profile excludes."), NULL);
}

static uint32_t missing_for(const struct build *build, const struct knowledge_statement *statement) {
        uint64_t factors = statement->applies | statement->forbids;
        uint32_t missing;

        if (statement->nutrient >= 0)
                factors |= build->forbids_supplement[statement->nutrient];
        if (statement->supplement || statement->kind == STATEMENT_GENERAL)
                factors |= POPULATION | BASICS;
        missing = fields_of(factors & build->facts.unset);
        if (statement->kind == STATEMENT_INTAKE && build->request->profile->sex == SEX_UNSET)
                missing |= 1U << FIELD_SEX;
        return missing;
}

/* Not asked for anything, one line of the comparison is enough. */
static bool worth_unasked(const struct knowledge_statement *statement) {
        return statement->kind != STATEMENT_COMPARISON || id_ends(statement, "-recommendation");
}

static bool statement_wanted(const struct build *build, const struct knowledge_statement *statement) {
        const char *topic = build->request->topic;

        if (!topic)
                return priorities[statement->kind].unasked > 0 && worth_unasked(statement);
        /* General food advice stands in for every nutrient, and a warning about what is taken cannot
         * wait. */
        return asked_for(build, statement) ||
               (statement->kind == STATEMENT_GENERAL && build->topic_nutrient >= 0) ||
               (statement->kind == STATEMENT_QUININE && (build->facts.yes & FACTOR_BIT(FACTOR_QUININE)));
}

static void statements_add(struct build *build) {
        for (size_t i = 0; i < knowledge_n_statements; i++) {
                const struct knowledge_statement *statement = &knowledge_statements[i];
                bool asked = asked_for(build, statement);
                struct advice_item *item;

                if (!statement_wanted(build, statement) || !kind_open(build, statement) ||
                    !conditions_hold(build, statement))
                        continue;
                item = item_add(build, statement,
                                (asked ? priorities[statement->kind].asked
                                       : priorities[statement->kind].unasked) +
                                        relevance(build, statement));
                if (!item)
                        return;
                figures_attach(build, item);
                reasons_add(build, item);
                item->missing = missing_for(build, statement);
                item_close(build, item);
        }
}

/* --- What is held back */

static void why_not(const struct facts *facts, enum nutrient nutrient, struct advice_suppressed *why) {
        uint64_t unsaid = 0;

        *why = (struct advice_suppressed){.nutrient = nutrient};
        for (size_t i = 0; i < knowledge_n_contraindications && why->n_reasons < ADVICE_REASONS_MAX;
             i++) {
                const struct knowledge_contraindication *row = &knowledge_contraindications[i];

                if (row->nutrient != nutrient || !excluded(facts, FACTOR_BIT(row->factor)))
                        continue;
                why->food = why->food || row->food;
                if (!(facts->yes & FACTOR_BIT(row->factor))) {
                        unsaid |= FACTOR_BIT(row->factor);
                        continue;
                }
                why->texts[why->n_reasons] = row->text;
                reason_add(why->reasons, &why->n_reasons, N_("You said: %s."),
                           factor_phrase(row->factor));
        }
        for (int field = 0; field < FIELD_LOG; field++)
                if (fields_of(unsaid) & (1U << field))
                        reason_add(why->reasons, &why->n_reasons, N_("You have not said: %s."),
                                   field_to_string(field));
}

static void suppressed_list(struct build *build) {
        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                if (build->request->topic && build->topic_nutrient != nutrient)
                        continue;
                if (!supplement_open(build, nutrient))
                        why_not(&build->facts, nutrient,
                                &build->advice->suppressed[build->advice->n_suppressed++]);
        }
}

/* --- All together */

static void nutrients_rate(struct build *build) {
        const struct advice_log *log = build->request->log;

        for (size_t i = 0; i < knowledge_n_statements; i++) {
                const struct knowledge_statement *statement = &knowledge_statements[i];

                if (statement->kind == STATEMENT_RISK && (statement->applies & build->facts.yes))
                        build->at_risk |= 1U << statement->nutrient;
        }
        if (!log)
                return;
        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                double wanted = intake_recommended(build->request->profile, nutrient, NULL);

                /* What is drunk is not all water that is taken: that has a rule of its own. */
                if (nutrient != NUTRIENT_HYDRATION && log->days[nutrient] >= LOGGED_DAYS_MIN &&
                    log->food[nutrient] + log->supplement[nutrient] < wanted * LOW_INTAKE_SHARE)
                        build->low_intake |= 1U << nutrient;
        }
}

/* Red flags before all else, then by priority; what ties keeps the order of the data. */
static int item_compare(const void *a, const void *b) {
        const struct advice_item *one = a, *other = b;

        if (one->red_flag != other->red_flag)
                return one->red_flag ? -1 : 1;
        if (one->priority != other->priority)
                return one->priority > other->priority ? -1 : 1;
        if (one->statement != other->statement)
                return one->statement < other->statement ? -1 : 1;
        return one->nutrient - other->nutrient;
}

static uint32_t symptoms_all(const struct symptoms *symptoms) {
        return symptoms ? symptoms->left | symptoms->right | symptoms->unsaid : 0;
}

void advise(const struct advice_request *request, struct advice *ret) {
        struct build build = {
                .request = request, .advice = ret, .facts = profile_facts(request->profile)};

        ret->n_items = ret->n_suppressed = 0;
        ret->missing = profile_missing(request->profile);
        contraindications_gather(build.forbids_supplement, build.forbids_food);
        build.amounts_allowed = amounts_allowed(&build.facts);
        build.basics_known = !(build.facts.unset & BASICS);
        build.topic_nutrient = request->topic ? nutrient_from_string(request->topic) : -1;
        log_facts(&build.facts, request->log, symptoms_all(request->symptoms));
        nutrients_rate(&build);

        flags_raise(&build);
        notices_give(&build);
        statements_add(&build);
        suppressed_list(&build);
        qsort(ret->items, ret->n_items, sizeof(ret->items[0]), item_compare);
}

struct advice *advice_new(void) {
        return calloc(1, sizeof(struct advice));
}

void advice_free(struct advice *advice) {
        free(advice);
}

bool advice_topic_known(const char *topic) {
        for (size_t i = 0; i < knowledge_n_statements; i++)
                if (strcmp(knowledge_statements[i].topic, topic) == 0)
                        return true;
        return false;
}

bool advise_amounts_allowed(const struct profile *profile) {
        const struct facts facts = profile_facts(profile);

        return amounts_allowed(&facts);
}

/* Who is told no amounts tries nothing on their own. */
bool advise_trial_allowed(const struct profile *profile, enum nutrient nutrient,
                          struct advice_suppressed *ret_why) {
        const struct facts facts = profile_facts(profile);
        uint64_t forbids_supplement[NUTRIENT_MAX] = {0}, forbids_food[NUTRIENT_MAX] = {0}, why;

        contraindications_gather(forbids_supplement, forbids_food);
        if (amounts_allowed(&facts) && !excluded(&facts, forbids_supplement[nutrient]))
                return true;
        if (!ret_why)
                return false;
        why_not(&facts, nutrient, ret_why);
        why = (POPULATION | FACTOR_BIT(FACTOR_OTHER_MEDICINE)) & ~forbids_supplement[nutrient];
        for (int factor = 0; factor < FACTOR_MAX; factor++)
                if (why & facts.yes & FACTOR_BIT(factor))
                        reason_add(ret_why->reasons, &ret_why->n_reasons, N_("You said: %s."),
                                   factor_phrase(factor));
        for (int field = 0; field < FIELD_LOG; field++)
                if (fields_of(why & facts.unset) & (1U << field) &
                    ~fields_of(forbids_supplement[nutrient] & facts.unset))
                        reason_add(ret_why->reasons, &ret_why->n_reasons, N_("You have not said: %s."),
                                   field_to_string(field));
        return false;
}
