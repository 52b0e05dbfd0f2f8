/* SPDX-License-Identifier: MIT */
/* Red flags and notices: see advise-build.h. */
#include <math.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/guidance/advise-build.h"
#include "daemon/guidance/exact.h"
#include "daemon/guidance/relief.h"
#include "daemon/guidance/translate.h"

/* Our own choices, where no source has a number. */
#define OFTEN_A_WEEK 3.0 /* cramps that disturb the sleep "often" (NHS) */
#define OFTEN_NIGHTS_MIN 7
#define RISING_NIGHTS_MIN 14
#define SEVERE_PAIN 8.0 /* of 10 */
#define LONG_CRAMP_S (RELIEF_HELP_AFTER_US / 1e6)
#define LONG_CRAMPS_MIN 3 /* of ADVICE_LONG_S and more, in four weeks */

_Static_assert((int)ADVICE_LONG_S == 300 && OFTEN_NIGHTS_MIN == 7, "the texts below say so");

const struct advice_trigger advice_triggers[] = {
        {"red-long-cramp", LONG_CRAMP_S, "s, the longest cramp of four weeks",
         "NHS: longer than 10 minutes"},
        {"red-long-cramps", LONG_CRAMPS_MIN, "cramps of 300 s and more in four weeks", "own choice"},
        {"red-often", OFTEN_A_WEEK,
         "bouts of cramp a week, over at least 7 monitored nights, or over "
         "four weeks with all that were reported",
         "own choice for \"often\" (NHS)"},
        {"red-rising", RISING_NIGHTS_MIN,
         "monitored nights at least in these and the four weeks before, and a lower end of the exact 95 "
         "% "
         "interval of the ratio above 1",
         "own choice"},
        {"red-severe", SEVERE_PAIN, "of 10, mean of the pain that was noted",
         "own choice for \"severe\""},
};
const size_t advice_n_triggers = ARRAY_LENGTH(advice_triggers);

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

        build->advice->in_danger =
                clot != 0 ||
                (all & (SYMPTOM_BIT(SYMPTOM_BREATHLESSNESS) | SYMPTOM_BIT(SYMPTOM_CHEST_PAIN)));
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

void flags_raise(struct build *build) {
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

static void nutrient_notices_give(struct build *build, enum nutrient nutrient) {
        if (nutrient != NUTRIENT_HYDRATION)
                dangerous_notice(build, nutrient);
        limit_notice(build, nutrient);
}

void notices_give(struct build *build) {
        struct advice_item *item;

        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++)
                nutrient_notices_give(build, nutrient);
        if (build->facts.yes & POPULATION) {
                item = item_by_rule(build, "notice-population", POPULATION_PRIORITY);
                because_of_factors(item, &build->facts, POPULATION);
        }
        if (build->facts.yes & FACTOR_BIT(FACTOR_OTHER_MEDICINE)) {
                item = item_by_rule(build, "notice-medicine-unlisted", POPULATION_PRIORITY);
                because_of_factors(item, &build->facts, FACTOR_BIT(FACTOR_OTHER_MEDICINE));
        }
}
