/* SPDX-License-Identifier: MIT */
/* Trials on the bus: see trials.h. */
#include "daemon/bus/trials.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/advisor.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/guidance-call.h"
#include "daemon/guidance/translate.h"
#include "daemon/public-id.h"

/* Our own choices: two months to compare with, a week until a change can have taken effect, and blocks
 * of four weeks. */
#define BASELINE_DAYS 56u
#define WASHOUT_DAYS 7u
#define BLOCK_DAYS 28u
#define DAYS_MAX 3660u
#define TRIALS_MAX 100u
#define TEXT_SIZE 4096

#define DATE_SIZE 16

/* The local calendar date: the night that begins on its evening is the next one. */
static void today(char ret[static DATE_SIZE]) {
        day_of(crampd_now_us(), ret, DATE_SIZE);
}

static const struct store_trial *running(const struct store_person *person) {
        for (size_t i = 0; i < person->n_trials; i++)
                if (!person->trials[i].end_day[0])
                        return &person->trials[i];
        return NULL;
}

static int check_day(const char *date, const struct language *language, sd_bus_error *error) {
        int64_t day = advisor_day(date);
        char now[DATE_SIZE];

        if (day == INT64_MIN || strlen(date) != strlen("2026-11-23"))
                return guidance_refuse(error, language,
                                       N_("\"%s\" is no date: write for example 2026-11-23."), date, "");
        today(now);
        if (day > advisor_day(now))
                return guidance_refuse(
                        error, language,
                        N_("%s is in the future: a trial begins and ends with a day that has come."),
                        date, "");
        return 0;
}

/* --- starting --- */

static int refuse_trial(const struct advice_suppressed *why, const char *nutrient,
                        const struct language *language, sd_bus_error *error) {
        char text[2048];
        size_t used;

        (void)snprintf(text, sizeof(text),
                       language_text(language, "A trial of %s is not for you without your doctor."),
                       nutrient);
        for (size_t i = 0; i < why->n_reasons && (used = strlen(text)) < sizeof(text) - 2; i++) {
                text[used++] = ' ';
                (void)advice_reason_write(&why->reasons[i], language, text + used, sizeof(text) - used);
        }
        return sd_bus_error_set(error, ERROR_NOT_SAFE, text);
}

static int check_allowed(const struct store_person *person, const char *nutrient,
                         const struct language *language, sd_bus_error *error) {
        struct advice_suppressed why = {};
        struct profile profile;

        advisor_read_profile(person->profile, &profile);
        if (advise_trial_allowed(&profile, (enum nutrient)nutrient_from_string(nutrient), &why))
                return 0;
        return refuse_trial(&why, nutrient, language, error);
}

static int work_start_trial(struct guidance_call *call, const struct store_person *person,
                            sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct store_person_change change = {.kind = STORE_CHANGE_TRIAL, .uid = call->uid};
        const struct store_trial *trial = call->arguments;
        int r;

        r = check_allowed(person, trial->nutrient, call->language, error);
        if (r < 0)
                return r;
        if (running(person))
                return sd_bus_error_setf(
                        error, ERROR_ALREADY_EXISTS,
                        language_text(call->language, "A trial of %s runs already: stop it first."),
                        running(person)->nutrient);
        if (person->n_trials >= TRIALS_MAX)
                return sd_bus_error_setf(
                        error, ERROR_LIMIT_REACHED,
                        language_text(call->language, "There are %u trials; delete one first."),
                        TRIALS_MAX);
        change.trial = *trial;
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", trial->id);
        return r < 0 ? r : guidance_change(call, &change, steal_pointer(&reply), error);
}

static int check_days(const struct store_trial *trial, const struct language *language,
                      sd_bus_error *error) {
        bool alternating = strcmp(trial->design, "alternating") == 0;

        if (trial->baseline_days > DAYS_MAX || trial->block_days > DAYS_MAX ||
            trial->washout_days > DAYS_MAX)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         language_text(language, "Days must be 0 to %u."), DAYS_MAX);
        if (!alternating && trial->baseline_days < TRIAL_NIGHTS_MIN)
                return sd_bus_error_setf(
                        error, ERROR_INVALID_ARGUMENT,
                        language_text(language, "Option 'baseline_days' must be at least %d."),
                        TRIAL_NIGHTS_MIN);
        if (alternating && trial->block_days <= trial->washout_days)
                return guidance_refuse_plain(
                        error, language, N_("Option 'block_days' must be more than 'washout_days'."));
        return 0;
}

static int read_trial(sd_bus_message *message, uid_t caller, struct store_trial *ret, uid_t *ret_uid,
                      const struct language **ret_language, sd_bus_error *error) {
        const char *nutrient = "", *design = "before-after", *from = NULL, *name = NULL;
        const struct language *language;
        char possible[256] = "", now[DATE_SIZE];
        bool owner_given = false;
        uint32_t owner = 0;
        const struct dictionary_entry entries[] = {{"nutrient", 's', &nutrient, NULL},
                                                   {"design", 's', &design, NULL},
                                                   {"from", 's', &from, NULL},
                                                   {"baseline_days", 'u', &ret->baseline_days, NULL},
                                                   {"block_days", 'u', &ret->block_days, NULL},
                                                   {"washout_days", 'u', &ret->washout_days, NULL},
                                                   {"language", 's', &name, NULL},
                                                   {"owner", 'u', &owner, &owner_given},
                                                   {NULL}};
        int r;

        r = dictionary_read(message, entries, error);
        if (r >= 0)
                r = guidance_owner(caller, owner_given, owner, ret_uid, error);
        if (r < 0)
                return r;
        *ret_language = language = language_find(name);
        for (unsigned i = 0; i < NUTRIENT_MAX; i++)
                (void)snprintf(possible + strlen(possible), sizeof(possible) - strlen(possible), "%s%s",
                               i > 0 ? ", " : "", nutrient_to_string(i));
        if (nutrient_from_string(nutrient) < 0)
                return guidance_refuse(error, language, N_("\"%s\" is no nutrient known here."),
                                       nutrient, possible);
        if (strcmp(design, "before-after") != 0 && strcmp(design, "alternating") != 0)
                return guidance_refuse(error, language, N_("\"%s\" is no design of a trial."), design,
                                       "before-after, alternating");
        today(now);
        r = check_day(from ?: now, language, error);
        if (r < 0)
                return r;
        (void)snprintf(ret->nutrient, sizeof(ret->nutrient), "%s", nutrient);
        (void)snprintf(ret->design, sizeof(ret->design), "%s", design);
        (void)snprintf(ret->start_day, sizeof(ret->start_day), "%.10s", from ?: now);
        return check_days(ret, language, error);
}

int method_start_trial(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_trial trial = {
                .baseline_days = BASELINE_DAYS, .block_days = BLOCK_DAYS, .washout_days = WASHOUT_DAYS};
        struct store_person_filter filter;
        const struct language *language;
        struct bus *bus = userdata;
        struct store_trial *copy;
        uid_t caller, uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_start_trial, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = read_trial(message, caller, &trial, &uid, &language, error);
        if (r < 0)
                return r;
        public_id_new(trial.id);
        filter = guidance_filter(uid);
        copy = malloc(sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        *copy = trial;
        return guidance_begin(bus, message, &filter, language, work_start_trial, copy, error);
}

/* --- stopping and deleting --- */

static int work_stop_trial(struct guidance_call *call, const struct store_person *person,
                           sd_bus_error *error) {
        struct store_person_change change = {.kind = STORE_CHANGE_TRIAL, .uid = call->uid};
        const struct store_trial *trial = running(person);
        const char *end = call->arguments;

        if (!trial)
                return guidance_refuse_plain(error, call->language, N_("No trial runs."));
        if (advisor_day(end) < advisor_day(trial->start_day))
                return guidance_refuse(error, call->language, N_("The trial began after %s."), end, "");
        change.trial = *trial;
        (void)snprintf(change.trial.end_day, sizeof(change.trial.end_day), "%.10s", end);
        return guidance_change(call, &change, NULL, error);
}

int method_stop_trial(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_person_filter filter;
        struct bus *bus = userdata;
        bool owner_given = false;
        const char *day = NULL, *name = NULL;
        uint32_t owner = 0;
        uid_t caller, uid;
        char now[DATE_SIZE];
        char *copy;
        const struct dictionary_entry entries[] = {{"day", 's', &day, NULL},
                                                   {"language", 's', &name, NULL},
                                                   {"owner", 'u', &owner, &owner_given},
                                                   {NULL}};
        int r;

        r = caller_get_uid(bus->callers, message, method_stop_trial, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = dictionary_read(message, entries, error);
        if (r >= 0)
                r = guidance_owner(caller, owner_given, owner, &uid, error);
        today(now);
        if (r >= 0)
                r = check_day(day ?: now, language_find(name), error);
        if (r < 0)
                return r;
        copy = strdup(day ?: now);
        if (!copy)
                return -ENOMEM;
        filter = guidance_filter(uid);
        return guidance_begin(bus, message, &filter, language_find(name), work_stop_trial, copy, error);
}

static int work_delete_trial(struct guidance_call *call, const struct store_person *person,
                             sd_bus_error *error) {
        struct store_person_change change = {.kind = STORE_CHANGE_TRIAL_GONE, .uid = call->uid};
        const char *id = call->arguments;

        for (size_t i = 0; i < person->n_trials; i++)
                if (strcmp(person->trials[i].id, id) == 0) {
                        memcpy(change.id, person->trials[i].id, sizeof(change.id));
                        return guidance_change(call, &change, NULL, error);
                }
        return guidance_refuse_unknown(error, call->language, N_("There is no such trial."));
}

int method_delete_trial(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_person_filter filter;
        const struct language *language;
        struct bus *bus = userdata;
        uid_t caller, uid;
        const char *id;
        char *copy;
        int r;

        r = caller_get_uid(bus->callers, message, method_delete_trial, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_read(message, "s", &id);
        if (r >= 0)
                r = guidance_read_options(message, caller, &uid, &language, error);
        if (r < 0)
                return r;
        copy = strdup(id);
        if (!copy)
                return -ENOMEM;
        filter = guidance_filter(uid);
        return guidance_begin(bus, message, &filter, language, work_delete_trial, copy, error);
}

/* --- showing --- */

static const char *const verdicts[] = {
        [TRIAL_TOO_FEW] = "too-few", [TRIAL_NO_CRAMPS] = "no-cramps", [TRIAL_UNCLEAR] = "unclear",
        [TRIAL_UNEVEN] = "uneven",   [TRIAL_FEWER] = "fewer",         [TRIAL_MORE] = "more",
};

static void append_number(sd_bus_message *reply, int *r, const char *key, double value) {
        if (isfinite(value))
                dictionary_append(reply, r, key, "d", value);
}

static void append_result(sd_bus_message *reply, int *r, const struct trial_result *result,
                          const struct language *language) {
        char text[TEXT_SIZE];

        (void)trial_tell(result, language, text, sizeof(text));
        dictionary_append(reply, r, "nights_without", "u", result->without.nights);
        dictionary_append(reply, r, "nights_with", "u", result->with.nights);
        dictionary_append(reply, r, "nights_left_out", "u", result->nights_left_out);
        dictionary_append(reply, r, "clusters_without", "u", result->without.clusters);
        dictionary_append(reply, r, "clusters_with", "u", result->with.clusters);
        append_number(reply, r, "mean_s_without", result->without.mean_s);
        append_number(reply, r, "mean_s_with", result->with.mean_s);
        dictionary_append(reply, r, "cramps_without", "u", result->without.cramps);
        dictionary_append(reply, r, "cramps_with", "u", result->with.cramps);
        dictionary_append(reply, r, "strong_without", "u", result->without.strong);
        dictionary_append(reply, r, "strong_with", "u", result->with.strong);
        dictionary_append(reply, r, "reported_without", "u", result->without.reported);
        dictionary_append(reply, r, "reported_with", "u", result->with.reported);
        dictionary_append(reply, r, "reported_left_out", "u", result->reported_left_out);
        append_number(reply, r, "mean_pain_without", result->without.mean_pain);
        append_number(reply, r, "mean_pain_with", result->with.mean_pain);
        append_number(reply, r, "ratio", result->ratio.ratio);
        append_number(reply, r, "ratio_low", result->ratio.low);
        append_number(reply, r, "ratio_high", result->ratio.high);
        append_number(reply, r, "p_value", result->ratio.p_value);
        append_number(reply, r, "smallest_effect", result->smallest_effect);
        append_number(reply, r, "dispersion", result->dispersion);
        dictionary_append(reply, r, "verdict", "s", verdicts[result->verdict]);
        dictionary_append(reply, r, "text", "s", text);
        dictionary_append(reply, r, "language", "s", language->name);
}

static int append_trial(sd_bus_message *reply, const struct store_person *person,
                        const struct store_trial *trial, const struct language *language) {
        _cleanup_(sd_bus_error_free) sd_bus_error why = SD_BUS_ERROR_NULL;
        struct trial_result result;
        int r;

        r = advisor_compare(person, trial, &result);
        if (r < 0)
                return r;
        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "id", "s", trial->id);
        dictionary_append(reply, &r, "nutrient", "s", trial->nutrient);
        dictionary_append(reply, &r, "design", "s", trial->design);
        dictionary_append(reply, &r, "start_day", "s", trial->start_day);
        if (trial->end_day[0])
                dictionary_append(reply, &r, "end_day", "s", trial->end_day);
        dictionary_append(reply, &r, "baseline_days", "u", trial->baseline_days);
        dictionary_append(reply, &r, "block_days", "u", trial->block_days);
        dictionary_append(reply, &r, "washout_days", "u", trial->washout_days);
        /* What a person says later may make a trial unsafe that was not. */
        if (check_allowed(person, trial->nutrient, language, &why) < 0 && why.message)
                dictionary_append(reply, &r, "forbidden", "s", why.message);
        append_result(reply, &r, &result, language);
        dictionary_close(reply, &r);
        return r;
}

/* What the steps of a list need, in one piece of memory. */
struct listing {
        struct store_person person;
        size_t next; /* trial */
};

static void *put_after(char **at, const void *from, size_t size) {
        void *to = *at;

        if (size > 0)
                memcpy(to, from, size);
        *at += size;
        return to;
}

/* Each array's size is a multiple of its elements' alignment, and the strictest come first. */
static struct listing *listing_new(const struct store_person *person) {
        const size_t cramps = person->n_cramps * sizeof(*person->cramps),
                     evenings = person->n_evenings * sizeof(*person->evenings),
                     trials = person->n_trials * sizeof(*person->trials);
        struct listing *listing = malloc(sizeof(*listing) + cramps + evenings + trials);
        char *at = (char *)(listing + 1);

        if (!listing)
                return NULL;
        *listing = (struct listing){.person = *person};
        listing->person.entries = NULL;
        listing->person.n_entries = 0;
        listing->person.cramps = put_after(&at, person->cramps, cramps);
        listing->person.evenings = put_after(&at, person->evenings, evenings);
        listing->person.trials = put_after(&at, person->trials, trials);
        return listing;
}

/* One trial: years of nights take a while. */
static int step_list_trials(struct guidance_call *call, sd_bus_error *error) {
        struct listing *listing = call->arguments;
        int r;

        if (listing->next == listing->person.n_trials) {
                r = sd_bus_message_close_container(call->reply);
                return r < 0 ? r : 0;
        }
        r = append_trial(call->reply, &listing->person, &listing->person.trials[listing->next++],
                         call->language);
        return r < 0 ? r : 1;
}

static int work_list_trials(struct guidance_call *call, const struct store_person *person,
                            sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        call->arguments = listing_new(person);
        if (!call->arguments)
                return -ENOMEM;
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        return r < 0 ? r : guidance_go_on(call, steal_pointer(&reply), step_list_trials);
}

int method_list_trials(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return guidance_begin_plain(userdata, message, method_list_trials, /* nights= */ true,
                                    work_list_trials, error);
}
