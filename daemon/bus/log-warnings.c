/* SPDX-License-Identifier: MIT */
/* Warnings about what is logged: see log-warnings.h. */
#include "daemon/bus/log-warnings.h"

#include <stdio.h>
#include <string.h>

#include "daemon/advisor.h"
#include "daemon/bus/dictionary.h"

#define WARNING_SIZE 2048

/* --- a day above an upper limit --- */

static double supplements_of(const struct profile *profile, enum nutrient nutrient) {
        double sum = 0;

        for (size_t i = 0; i < profile->n_supplements; i++)
                if (profile->supplements[i].nutrient == nutrient)
                        sum += amount_to_base(nutrient, &profile->supplements[i].amount);
        return sum;
}

/* Of a nutrient, what the entry's day has with the entry. */
static void day_sum(const struct store_person *person, const struct store_entry *entry,
                    enum nutrient nutrient, double *ret_food, double *ret_supplement) {
        struct entry read;

        *ret_food = *ret_supplement = 0;
        for (size_t i = 0; i <= person->n_entries; i++) {
                const struct store_entry *other = i < person->n_entries ? &person->entries[i] : entry;

                if ((other != entry && strcmp(other->id, entry->id) == 0) ||
                    advisor_day_of(other) != advisor_day_of(entry) ||
                    !advisor_read_amount(other, &read) || read.what != (int)nutrient)
                        continue;
                *(read.from == ENTRY_FROM_FOOD ? ret_food : ret_supplement) += read.base;
        }
}

/* With figures only for those who may be told amounts. */
static void limit_text(const struct profile *profile, enum nutrient nutrient,
                       const struct knowledge_limit *limit, const struct language *language,
                       char text[static WARNING_SIZE]) {
        const char *title = language_text(language, nutrient_title(nutrient));
        char amount[LANGUAGE_NUMBER_SIZE];

        if (!advise_amounts_allowed(profile)) {
                (void)snprintf(text, WARNING_SIZE,
                               language_text(language, "With this, the day is above the upper limit for "
                                                       "%s. Ask a pharmacist or doctor."),
                               title);
                return;
        }
        language_number(language, limit->amount, -1, amount);
        (void)snprintf(
                text, WARNING_SIZE,
                limit->supplements_only
                        ? language_text(language,
                                        "With this, the day is above the upper limit for %s: %s %s a "
                                        "day from supplements (%s). Ask a pharmacist or doctor.")
                        : language_text(language, "With this, the day is above the upper limit for %s: "
                                                  "%s %s a day (%s). Ask a pharmacist or doctor."),
                title, amount, language_text(language, limit->unit), limit->authority);
}

/* What the profile says is taken daily may be what is logged now: the larger of the two counts, not
 * their sum. */
static void limit_append(sd_bus_message *reply, int *r, const struct store_person *person,
                         const struct store_entry *entry, const struct profile *profile,
                         enum nutrient nutrient, const struct language *language) {
        double food, supplement, daily = supplements_of(profile, nutrient);
        char text[WARNING_SIZE];
        struct limit_check check;

        day_sum(person, entry, nutrient, &food, &supplement);
        if (!limit_check(nutrient, profile->age_years, food, supplement > daily ? supplement : daily,
                         &check))
                return;
        limit_text(profile, nutrient, check.limit, language, text);
        dictionary_open(reply, r);
        dictionary_append(reply, r, "id", "s", "above-upper-limit");
        dictionary_append(reply, r, "nutrient", "s", nutrient_to_string(nutrient));
        dictionary_append(reply, r, "text", "s", text);
        if (advise_amounts_allowed(profile)) {
                dictionary_append(reply, r, "limit", "d", check.limit->amount);
                dictionary_append(reply, r, "limit_unit", "s", check.limit->unit);
                dictionary_append(reply, r, "limit_authority", "s", check.limit->authority);
                dictionary_append(reply, r, "limit_supplements_only", "b",
                                  check.limit->supplements_only);
        }
        dictionary_close(reply, r);
}

/* --- what does not go together --- */

static void danger_append(sd_bus_message *reply, int *r, const struct profile *profile,
                          enum nutrient nutrient, const struct language *language) {
        struct advice_suppressed why;
        char text[WARNING_SIZE];
        size_t used;

        if (!advise_dangerous(profile, nutrient, &why))
                return;
        (void)snprintf(text, sizeof(text),
                       language_text(language, "%s may not go together with your medicine or illness. "
                                               "Ask a pharmacist or doctor today."),
                       language_text(language, nutrient_title(nutrient)));
        for (size_t i = 0; i < why.n_reasons && (used = strlen(text)) < sizeof(text) - 2; i++) {
                text[used++] = ' ';
                (void)advice_reason_write(&why.reasons[i], language, text + used, sizeof(text) - used);
        }
        for (size_t i = 0; i < why.n_reasons && (used = strlen(text)) < sizeof(text) - 2; i++)
                if (why.texts[i])
                        (void)snprintf(text + used, sizeof(text) - used, " %s",
                                       language_text(language, why.texts[i]));
        dictionary_open(reply, r);
        dictionary_append(reply, r, "id", "s", "dangerous-together");
        dictionary_append(reply, r, "nutrient", "s", nutrient_to_string(nutrient));
        dictionary_append(reply, r, "text", "s", text);
        dictionary_close(reply, r);
}

/* --- all together --- */

int log_warnings_append(sd_bus_message *reply, const struct store_person *person,
                        const struct store_entry *entry, const struct language *language) {
        struct profile profile;
        struct entry read;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (advisor_read_amount(entry, &read) && read.what < (int)NUTRIENT_MAX) {
                advisor_read_profile(person->profile, &profile);
                if (read.from == ENTRY_FROM_SUPPLEMENT && read.what != NUTRIENT_HYDRATION)
                        danger_append(reply, &r, &profile, (enum nutrient)read.what, language);
                limit_append(reply, &r, person, entry, &profile, (enum nutrient)read.what, language);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
