/* SPDX-License-Identifier: MIT */
/* Advice, all together: see advise.h and advise-build.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/guidance/advise-build.h"
#include "daemon/guidance/exact.h"
#include "daemon/guidance/translate.h"

/* Our own choices, where no source has a number. */
#define LINK_NIGHTS_MIN 5 /* on either side, before it is compared */
/* Three links are looked at: together they are to mislead one time in twenty (Bonferroni). */
#define LINK_CONFIDENCE (1 - 0.05 / LINK_MAX)
#define LOGGED_DAYS_MIN 3    /* before a mean of the log says anything */
#define LOW_INTAKE_SHARE 0.7 /* of the recommended amount */

static const char ask_provider[] = N_("Ask a healthcare provider before you take any supplement.");
static const char ask_doctor[] = N_("Ask your doctor what is right for you.");

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

/* Whether more cramps come after such days than chance explains. */
static bool link_shows(const struct advice_link *link) {
        struct rate_ratio ratio;

        return link->nights_after >= LINK_NIGHTS_MIN && link->nights_other >= LINK_NIGHTS_MIN &&
               rate_ratio_exact(link->clusters_after, link->nights_after, link->clusters_other,
                                link->nights_other, LINK_CONFIDENCE, &ratio) == 0 &&
               ratio.low > 1;
}

/* Days that cramps follow count, however few they are. */
static uint64_t linked_factors(const struct advice_history *history) {
        static const enum factor factors[LINK_MAX] = {
                [LINK_STANDING] = FACTOR_LONG_STANDING,
                [LINK_EXERCISE] = FACTOR_MUCH_EXERCISE,
                [LINK_DRINK] = FACTOR_LITTLE_DRINK,
        };
        uint64_t linked = 0;

        for (int link = 0; history && link < LINK_MAX; link++)
                if (link_shows(&history->links[link]))
                        linked |= FACTOR_BIT(factors[link]);
        return linked;
}

static void log_facts(struct build *build) {
        static const struct advice_log empty;
        const struct advice_log *log = build->request->log ?: &empty;
        const struct symptoms *symptoms = build->request->symptoms;
        uint32_t logged = symptoms ? symptoms->left | symptoms->right | symptoms->unsaid : 0;
        struct facts *facts = &build->facts;

        fact_add(facts, FACTOR_LONG_STANDING,
                 log_answer(log->standing_days, log->standing_min >= ADVICE_LONG_STANDING_MIN));
        fact_add(facts, FACTOR_MUCH_EXERCISE,
                 log_answer(log->exercise_days, log->exercise_min >= ADVICE_MUCH_EXERCISE_MIN));
        fact_add(facts, FACTOR_LITTLE_DRINK,
                 log->days[NUTRIENT_HYDRATION] < LOGGED_DAYS_MIN          ? ANSWER_UNSET
                 : log->food[NUTRIENT_HYDRATION] < ADVICE_LITTLE_DRINK_ML ? ANSWER_YES
                                                                          : ANSWER_NO);
        fact_add(facts, FACTOR_FLUID_LOSS,
                 logged & (SYMPTOM_BIT(SYMPTOM_STOMACH_ILLNESS) | SYMPTOM_BIT(SYMPTOM_HEAVY_SWEATING))
                         ? ANSWER_YES
                         : ANSWER_UNSET);
        build->linked = linked_factors(build->request->history);
        facts->yes |= build->linked;
        facts->unset &= ~build->linked;
}

static bool amounts_allowed(const struct facts *facts) {
        uint64_t needed = POPULATION | BASICS;

        return !(facts->unset & needed) &&
               !(facts->yes & (POPULATION | FACTOR_BIT(FACTOR_OTHER_MEDICINE)));
}

bool excluded(const struct facts *facts, uint64_t factors) {
        return (factors & (facts->yes | facts->unset)) != 0;
}

uint32_t fields_of(uint64_t factors) {
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
                reasons[(*n_reasons)++] = (struct advice_reason){.message = message, .phrase = phrase};
}

void because(struct advice_item *item, const char *message, const char *phrase) {
        if (item)
                reason_add(item->reasons, &item->n_reasons, message, phrase);
}

void because_of_factors(struct advice_item *item, const struct facts *facts, uint64_t factors) {
        for (int factor = 0; factor < FACTOR_MAX; factor++) {
                bool logged = factor_field(factor) == FIELD_LOG;

                if (!(factors & facts->yes & FACTOR_BIT(factor)))
                        continue;
                because(item, logged ? N_("Your log shows it: %s.") : N_("You said: %s."),
                        factor_phrase(factor));
        }
}

/* How nights after such days compare: with numbers, and no more than they tell. */
void because_of_link(struct advice_item *item, const struct advice_link *link) {
        if (!item || link->nights_after == 0 || item->n_reasons + 2 > ADVICE_REASONS_MAX)
                return;
        item->reasons[item->n_reasons++] = (struct advice_reason){
                .message = N_("Monitored nights after such days: %u, bouts of cramp in them: %u; other "
                              "nights: %u, bouts: %u."),
                .n_numbers = ADVICE_NUMBERS,
                .numbers = {link->nights_after, link->clusters_after, link->nights_other,
                            link->clusters_other}};
        because(item,
                link_shows(link) ? N_("That is more than chance explains, but it does not prove the "
                                      "cause.")
                                 : N_("These nights do not tell it from chance."),
                NULL);
}

struct advice_item *item_add(struct build *build, const struct knowledge_statement *statement,
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
void item_close(const struct build *build, struct advice_item *item) {
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

struct advice_item *item_by_rule(struct build *build, const char *id, unsigned priority) {
        const struct knowledge_statement *statement = statement_find(id);
        struct advice_item *item = statement ? item_add(build, statement, priority) : NULL;

        item_close(build, item);
        return item;
}

/* --- What is held back */

/* Of several medicines the same may be true. */
static bool told_already(const struct advice_suppressed *why, const char *text) {
        for (size_t i = 0; i < why->n_reasons; i++)
                if (why->texts[i] && strcmp(why->texts[i], text) == 0)
                        return true;
        return false;
}

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
                if (!told_already(why, row->text))
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

/* --- In words */

/* Messages come from guidance/, or from a translation that a test has checked against them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
int advice_reason_write(const struct advice_reason *reason, const struct language *language, char *text,
                        size_t size) {
        const char *message = language_text(language, reason->message);

        if (reason->n_numbers > 0)
                return snprintf(text, size, message, reason->numbers[0], reason->numbers[1],
                                reason->numbers[2], reason->numbers[3]);
        if (reason->phrase)
                return snprintf(text, size, message, language_text(language, reason->phrase));
        return snprintf(text, size, "%s", message);
}
#pragma GCC diagnostic pop

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

void advise(const struct advice_request *request, struct advice *ret) {
        struct build build = {
                .request = request, .advice = ret, .facts = profile_facts(request->profile)};

        ret->n_items = ret->n_suppressed = 0;
        ret->in_danger = false;
        ret->missing = profile_missing(request->profile);
        contraindications_gather(build.forbids_supplement, build.forbids_food);
        build.amounts_allowed = amounts_allowed(&build.facts);
        build.basics_known = !(build.facts.unset & BASICS);
        build.topic_nutrient = request->topic ? nutrient_from_string(request->topic) : -1;
        build.now = request->topic && strcmp(request->topic, ADVICE_TOPIC_NOW) == 0;
        log_facts(&build);
        nutrients_rate(&build);

        flags_raise(&build);
        if (!build.now)
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
        if (strcmp(topic, ADVICE_TOPIC_NOW) == 0)
                return true;
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

bool advise_dangerous(const struct profile *profile, enum nutrient nutrient,
                      struct advice_suppressed *ret_why) {
        struct facts facts = profile_facts(profile);

        facts.unset = 0; /* what is not known is no reason to alarm who has taken it already */
        why_not(&facts, nutrient, ret_why);
        return ret_why->n_reasons > 0;
}
