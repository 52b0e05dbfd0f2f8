/* SPDX-License-Identifier: MIT */
/*
 * Advice: what this sleeper is told, in which order, and why. From plain structures to a ranked list;
 * knows nothing of bus, store or language. Red flags come first and always. What is not known counts as
 * unsafe: then food in general terms and "ask a pharmacist", no amounts. Whatever contradicts profile or
 * medicine is held back, and the result says why. Called by whoever publishes guidance or starts trials.
 *
 * Every text, title, reason and phrase is an English message id for gettext; a text is shown by
 * translating its parts and joining them with spaces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/basic/language.h"
#include "daemon/guidance/knowledge.h"
#include "daemon/guidance/profile.h"
#include "daemon/guidance/symptom.h"

#define ADVICE_ITEMS_MAX 256
#define ADVICE_TEXTS_MAX 4
#define ADVICE_REASONS_MAX 8
#define ADVICE_FOODS_MAX 16

/* The last four weeks of the log, as means a day over the days that have an entry of the kind; 0
 * without. */
struct advice_log {
        double food[NUTRIENT_MAX], supplement[NUTRIENT_MAX]; /* µg; ml for hydration, all under `food` */
        unsigned days[NUTRIENT_MAX];
        double standing_min, exercise_min;
        unsigned standing_days, exercise_days;
};

/* A day of long standing, hard exercise or little drink in the log. Our own choices; EFSA 2010 holds 2.0
 * to 2.5 l a day for adequate, with the water in food. */
#define ADVICE_LONG_STANDING_MIN 240.0
#define ADVICE_MUCH_EXERCISE_MIN 60.0
#define ADVICE_LITTLE_DRINK_ML 1000.0

/* Monitored nights after days of a kind, and after other days, with their clusters of cramps. Of little
 * drink only days with an entry are other days: who logs no drink has not drunk nothing. */
struct advice_link {
        unsigned nights_after, clusters_after;
        unsigned nights_other, clusters_other;
};
enum advice_link_kind { LINK_STANDING, LINK_EXERCISE, LINK_DRINK, LINK_MAX };

/* A cramp that lasts long, before it is an emergency: half of the ten minutes. Our own choice. */
#define ADVICE_LONG_S 300.0

/* The last four weeks and the four before; clusters as in trial.h. Cramps that raised no alert and were
 * reported count as those that were recorded do. */
struct advice_history {
        unsigned nights, clusters; /* only nights that were monitored, and monitored time */
        unsigned nights_before, clusters_before;
        unsigned days, clusters_known; /* all of the last four weeks, monitored or not */
        unsigned reported;             /* cramps of the last four weeks that were reported */
        double longest_s;              /* the longest recorded cramp of the last four weeks */
        unsigned long_cramps;          /* recorded ones of ADVICE_LONG_S and more */
        double mean_pain;              /* 0 to 10; NAN when none was noted */
        struct advice_link links[LINK_MAX];
};

/* What helps at once: red flags, relief, when to see a doctor, and nothing of nutrients. */
#define ADVICE_TOPIC_NOW "now"

struct advice_request {
        const struct profile *profile;
        const struct advice_log *log;         /* NULL: none */
        const struct advice_history *history; /* NULL: none */
        const struct symptoms *symptoms;      /* NULL: none */
        const char *topic; /* all about a nutrient, "causes", "relief", "stretching", "doctor", "food",
                            * "quinine", ADVICE_TOPIC_NOW; NULL: what matters at this time */
};

/* "You said: %s." with a phrase, or a message with `n_numbers` of %u, or one as it is. */
#define ADVICE_NUMBERS 4
struct advice_reason {
        const char *message;
        const char *phrase;
        unsigned n_numbers; /* 0 or ADVICE_NUMBERS */
        unsigned numbers[ADVICE_NUMBERS];
};

/* The reason in a language (NULL: English). Returns the length that it has, as snprintf(). */
int advice_reason_write(const struct advice_reason *reason, const struct language *language, char *text,
                        size_t size);

struct advice_item {
        const struct knowledge_statement
                *statement; /* id, topic, kind, grade, title, sources, reviewed */
        int nutrient;       /* -1: none */
        unsigned priority;  /* higher is first */
        bool red_flag;
        size_t n_texts, n_reasons, n_foods;
        const char *texts[ADVICE_TEXTS_MAX];
        struct advice_reason reasons[ADVICE_REASONS_MAX];
        const struct knowledge_food *foods[ADVICE_FOODS_MAX];
        const struct knowledge_intake *intake; /* NULL unless it may be shown */
        const struct knowledge_limit *limit;
        uint32_t missing; /* bits of enum field that would sharpen this item */
};

/* What was held back from somebody, once a nutrient. */
struct advice_suppressed {
        enum nutrient nutrient;
        bool food; /* foods too, not only supplements and trials */
        size_t n_reasons;
        struct advice_reason reasons[ADVICE_REASONS_MAX];
        const char *texts[ADVICE_REASONS_MAX]; /* what is dangerous; NULL for what is only not known */
};

struct advice {
        size_t n_items, n_suppressed;
        struct advice_item items[ADVICE_ITEMS_MAX];
        struct advice_suppressed suppressed[NUTRIENT_MAX];
        uint32_t missing; /* bits of enum field: all that would sharpen advice */
        bool in_danger; /* a red flag speaks for a clot or worse: no leg is to be rubbed or stretched */
};

/* NULL without memory. The same one serves any number of calls of advise(). */
struct advice *advice_new(void);
void advice_free(struct advice *advice);

/* Fills `ret`. An unknown topic gives the red flags alone. */
void advise(const struct advice_request *request, struct advice *ret);

bool advice_topic_known(const char *topic);

/* What of a record raises a red flag: the limit, its unit, and where it is from. For review. */
struct advice_trigger {
        const char *id; /* of the statement */
        double limit;
        const char *unit;
        const char *source;
};
extern const struct advice_trigger advice_triggers[];
extern const size_t advice_n_triggers;

/* Whether amounts of supplements may be told to this sleeper at all. */
bool advise_amounts_allowed(const struct profile *profile);

/* Whether what was said makes a nutrient dangerous as a supplement; then `ret_why` has the reasons and
 * what is dangerous, each text once. */
bool advise_dangerous(const struct profile *profile, enum nutrient nutrient,
                      struct advice_suppressed *ret_why);

/* Whether this sleeper may try a nutrient in a trial; else `ret_why` says why not (may be NULL). */
bool advise_trial_allowed(const struct profile *profile, enum nutrient nutrient,
                          struct advice_suppressed *ret_why);
