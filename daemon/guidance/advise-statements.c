/* SPDX-License-Identifier: MIT */
/* What fits a sleeper, in which order and why: see advise-build.h. */
#include <string.h>

#include "daemon/guidance/advise-build.h"
#include "daemon/guidance/translate.h"

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
        [STATEMENT_SUPPLEMENT] = {300, 545},
        [STATEMENT_COMPARISON] = {0, 530},
        [STATEMENT_RECOMMENDATION] = {280, 540},
        [STATEMENT_CAUSE] = {600, 700},
        [STATEMENT_RELIEF] = {750, 750},
        [STATEMENT_PREVENTION] = {500, 700},
        [STATEMENT_DOCTOR] = {0, 0},
        [STATEMENT_QUININE] = {QUININE_PRIORITY, QUININE_PRIORITY},
        [STATEMENT_GENERAL] = {700, 700},
        [STATEMENT_RED_FLAG] = {0, 0},
        [STATEMENT_NOTICE] = {0, 0},
};

/* Who is in pain reads this before anything but red flags. */
#define RELIEF_NOW_PRIORITY 895

static bool asked_for(const struct build *build, const struct knowledge_statement *statement) {
        const char *topic = build->request->topic;

        return topic && strcmp(topic, statement->topic) == 0;
}

/* Whether a nutrient may be advised as a supplement, or as food. What is not known forbids, too. */
bool supplement_open(const struct build *build, int nutrient) {
        return nutrient < 0 || !excluded(&build->facts, build->forbids_supplement[nutrient]);
}

static bool food_open(const struct build *build, int nutrient) {
        return build->basics_known &&
               (nutrient < 0 || !excluded(&build->facts, build->forbids_food[nutrient]));
}

/* Which recommendation a nutrient gets. Warnings and what is not known come before what would suit. */
static enum fit fit_of(const struct build *build, int nutrient) {
        uint32_t bit = 1U << nutrient;

        if (build->forbids_supplement[nutrient] & build->facts.yes)
                return FIT_FORBIDDEN;
        if (!build->amounts_allowed || !supplement_open(build, nutrient))
                return FIT_GUARDED;
        return (build->at_risk | build->low_intake) & bit ? FIT_LOW : FIT_OPEN;
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
        case STATEMENT_RECOMMENDATION:
                return statement->fit == fit_of(build, statement->nutrient) && speakable;
        case STATEMENT_RELIEF:
                return !build->advice->in_danger;
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

static bool lack_is_likelier(const struct build *build, const struct knowledge_statement *statement) {
        return statement->nutrient >= 0 &&
               ((build->at_risk | build->low_intake) & (1U << statement->nutrient));
}

static bool of_a_lack(const struct knowledge_statement *statement) {
        return statement->population && strcmp(statement->population, "deficiency") == 0;
}

/* Nearer to this sleeper, and better founded, is further up. */
static unsigned relevance(const struct build *build, const struct knowledge_statement *statement) {
        static const unsigned by_grade[GRADE_MAX] = {
                [GRADE_STRONG] = 5, [GRADE_MODERATE] = 4, [GRADE_LIMITED] = 3,
                [GRADE_MIXED] = 2,  [GRADE_AGAINST] = 0,  [GRADE_COMMON_ADVICE] = 1,
        };
        bool evidence = statement->kind == STATEMENT_EVIDENCE;
        /* Evidence that something does not help is as good as any. */
        unsigned points = evidence && statement->grade == GRADE_AGAINST ? 5 : by_grade[statement->grade];

        if (evidence && !of_a_lack(statement))
                points += 5;
        if (statement->applies & build->facts.yes)
                points += 10;
        if (statement->applies & build->linked)
                points += 20;
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

/* What of the record speaks for a cause. */
static void links_add(const struct build *build, struct advice_item *item) {
        const struct advice_link *links = build->request->history->links;
        uint64_t shown = item->statement->applies & build->facts.yes;

        if (shown & FACTOR_BIT(FACTOR_LONG_STANDING))
                because_of_link(item, &links[LINK_STANDING]);
        if (shown & FACTOR_BIT(FACTOR_MUCH_EXERCISE))
                because_of_link(item, &links[LINK_EXERCISE]);
        if (shown & FACTOR_BIT(FACTOR_LITTLE_DRINK))
                because_of_link(item, &links[LINK_DRINK]);
}

static void reasons_add(const struct build *build, struct advice_item *item) {
        const struct knowledge_statement *statement = item->statement;
        uint32_t bit = statement->nutrient < 0 ? 0 : 1U << statement->nutrient;

        because_of_factors(item, &build->facts, statement->applies);
        if (statement->kind == STATEMENT_CAUSE && build->request->history)
                links_add(build, item);
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

/* Not asked for anything, who is to ask first is told so once, and what is held back has a list. What
 * the evidence is against is suggested to nobody; what is true of a lack is for whom it is likelier. */
static bool worth_unasked(const struct build *build, const struct knowledge_statement *statement) {
        if (statement->fit == FIT_FORBIDDEN || statement->fit == FIT_GUARDED)
                return false;
        if (statement->kind == STATEMENT_SUPPLEMENT && statement->grade == GRADE_AGAINST)
                return false;
        if (statement->kind == STATEMENT_EVIDENCE &&
            (of_a_lack(statement) || statement->grade == GRADE_COMMON_ADVICE))
                return lack_is_likelier(build, statement);
        return true;
}

static bool statement_wanted(const struct build *build, const struct knowledge_statement *statement) {
        const char *topic = build->request->topic;

        if (build->now)
                return statement->kind == STATEMENT_RELIEF;
        if (!topic)
                return priorities[statement->kind].unasked > 0 && worth_unasked(build, statement);
        /* General food advice stands in for every nutrient, and a warning about what is taken cannot
         * wait. */
        return asked_for(build, statement) ||
               (statement->kind == STATEMENT_GENERAL && build->topic_nutrient >= 0) ||
               (statement->kind == STATEMENT_QUININE && (build->facts.yes & FACTOR_BIT(FACTOR_QUININE)));
}

void statements_add(struct build *build) {
        for (size_t i = 0; i < knowledge_n_statements; i++) {
                const struct knowledge_statement *statement = &knowledge_statements[i];
                bool asked = asked_for(build, statement);
                struct advice_item *item;

                if (!statement_wanted(build, statement) || !kind_open(build, statement) ||
                    !conditions_hold(build, statement))
                        continue;
                item = item_add(build, statement,
                                build->now ? RELIEF_NOW_PRIORITY
                                           : (asked ? priorities[statement->kind].asked
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
