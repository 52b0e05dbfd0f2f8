/* SPDX-License-Identifier: MIT */
/* The day log on the bus: see daylog.h. */
#include "daemon/bus/daylog.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/advisor.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/guidance-call.h"
#include "daemon/bus/log-warnings.h"
#include "daemon/guidance/translate.h"
#include "daemon/public-id.h"

#define DAY_US (INT64_C(86400) * 1000000)
/* Nobody logs more by hand; and all that advice looks at is to fit in one answer of the store, so that
 * no symptom is overlooked. */
#define ENTRIES_PER_DAY 150u
_Static_assert(ENTRIES_PER_DAY *(ADVISOR_DAYS + 2) <= STORE_ENTRIES_MAX, "advice sees the whole log");
#define PAGE_MAX 250u

/* What Log() and EditLog() are told. Texts are within the message, which outlives the call. */
struct wanted {
        char id[STORE_ID_SIZE]; /* of the entry to edit; "" for a new one */
        const char *kind, *what, *origin, *compound, *amount, *leg, *text;
        const struct language *language;
        int64_t time_us;
        bool has_time;
        struct store_entry found; /* the entry to edit, once it was read */
};

/* --- checking --- */

static int take(char *field, size_t size, const char *name, const char *text,
                const struct language *language, sd_bus_error *error) {
        if (!text)
                return 0;
        if (strlen(text) >= size)
                return sd_bus_error_setf(
                        error, ERROR_INVALID_ARGUMENT,
                        language_text(language, "Option '%s' is longer than %zu bytes."), name,
                        size - 1);
        memcpy(field, text, strlen(text) + 1);
        return 0;
}

#define TAKE(entry, wanted, name, error) \
        take((entry)->name, sizeof((entry)->name), #name, (wanted)->name, (wanted)->language, (error))

static int check_amount(struct store_entry *entry, const struct language *language,
                        sd_bus_error *error) {
        bool nutrient = nutrient_from_string(entry->what) >= 0;
        struct amount_error why = {};
        struct entry read;
        int r;

        if (entry->origin[0] && strcmp(entry->origin, "food") != 0 &&
            strcmp(entry->origin, "supplement") != 0)
                return guidance_refuse(error, language, N_("\"%s\" is no origin."), entry->origin,
                                       "food, supplement");
        r = entry_read(entry->what, entry->amount,
                       strcmp(entry->origin, "food") == 0 ? ENTRY_FROM_FOOD : ENTRY_FROM_SUPPLEMENT,
                       entry->compound[0] ? entry->compound : NULL, &read, &why);
        if (r < 0)
                return guidance_refuse(error, language, why.message, why.value, why.possible);
        /* One name for each. */
        (void)snprintf(entry->what, sizeof(entry->what), "%s",
                       entry_what_to_string((unsigned)read.what));
        if (!nutrient || read.what == NUTRIENT_HYDRATION)
                entry->origin[0] = '\0';
        else if (!entry->origin[0]) /* the safe side: limits count supplements */
                (void)strcpy(entry->origin, "supplement");
        entry->leg[0] = '\0';
        return 0;
}

static int check_symptom(struct store_entry *entry, const struct language *language,
                         sd_bus_error *error) {
        char possible[512] = "";
        size_t used = 0;

        if (entry->leg[0] && strcmp(entry->leg, "left") != 0 && strcmp(entry->leg, "right") != 0 &&
            strcmp(entry->leg, "both") != 0)
                return guidance_refuse(error, language, N_("\"%s\" is no leg."), entry->leg,
                                       "left, right, both");
        entry->origin[0] = entry->compound[0] = entry->amount[0] = '\0';
        if (symptom_from_string(entry->what) >= 0)
                return 0;
        for (unsigned i = 0; i < SYMPTOM_MAX && used < sizeof(possible); i++)
                used += (size_t)snprintf(possible + used, sizeof(possible) - used, "%s%s",
                                         i > 0 ? ", " : "", symptom_to_string(i));
        return guidance_refuse(error, language, N_("\"%s\" is not a symptom known here."), entry->what,
                               possible);
}

static int check_note(struct store_entry *entry, const struct language *language, sd_bus_error *error) {
        entry->what[0] = entry->origin[0] = entry->compound[0] = entry->amount[0] = entry->leg[0] = '\0';
        if (!entry->text[0])
                return guidance_refuse_plain(error, language, N_("A note needs a text."));
        return 0;
}

static int check_entry(struct store_entry *entry, const struct language *language, sd_bus_error *error) {
        if (entry->time_us > crampd_now_us() + CLOCKS_DIFFER_US)
                return guidance_refuse_plain(
                        error, language,
                        N_("The time is in the future: only what has been can be logged."));
        if (entry->time_us < 0)
                return guidance_refuse_plain(error, language, N_("The time is before 1970."));
        entry->zone_offset_s = zone_offset_s(entry->time_us);
        if (strcmp(entry->kind, "amount") == 0)
                return check_amount(entry, language, error);
        if (strcmp(entry->kind, "symptom") == 0)
                return check_symptom(entry, language, error);
        if (strcmp(entry->kind, "note") == 0)
                return check_note(entry, language, error);
        return guidance_refuse(error, language, N_("\"%s\" is no kind of entry."), entry->kind,
                               "amount, symptom, note");
}

static int apply(const struct wanted *wanted, struct store_entry *entry, sd_bus_error *error) {
        int r;

        if (wanted->has_time)
                entry->time_us = wanted->time_us;
        if ((r = TAKE(entry, wanted, kind, error)) < 0 || (r = TAKE(entry, wanted, what, error)) < 0 ||
            (r = TAKE(entry, wanted, origin, error)) < 0 ||
            (r = TAKE(entry, wanted, compound, error)) < 0 ||
            (r = TAKE(entry, wanted, amount, error)) < 0 || (r = TAKE(entry, wanted, leg, error)) < 0 ||
            (r = TAKE(entry, wanted, text, error)) < 0)
                return r;
        return check_entry(entry, wanted->language, error);
}

/* --- logging and editing --- */

/* All that the limits of a day need. */
static struct store_person_filter filter_around(uid_t uid, int64_t time_us) {
        struct store_person_filter filter = guidance_filter(uid);

        filter.entries_max = STORE_ENTRIES_MAX;
        /* A time that is refused later is not to overflow here. */
        if (time_us > 0 && time_us < INT64_MAX - 2 * DAY_US) {
                filter.entries_since_us = time_us - 2 * DAY_US;
                filter.entries_until_us = time_us + 2 * DAY_US;
        }
        return filter;
}

static struct store_person_filter filter_one(uid_t uid, const char id[static STORE_ID_SIZE]) {
        struct store_person_filter filter = guidance_filter(uid);

        filter.entries_max = 1;
        memcpy(filter.entry, id, sizeof(filter.entry));
        return filter;
}

static int work_log(struct guidance_call *call, const struct store_person *person, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct store_person_change change = {.kind = STORE_CHANGE_ENTRY, .uid = call->uid};
        struct store_entry *entry = &change.entry;
        struct wanted *wanted = call->arguments;
        unsigned of_day = 0;
        int r;

        if (call->filter.entry[0]) {
                struct store_person_filter filter;

                if (person->n_entries == 0)
                        return guidance_refuse_unknown(error, call->language,
                                                       N_("There is no such entry in the log."));
                wanted->found = person->entries[0];
                filter = filter_around(call->uid,
                                       wanted->has_time ? wanted->time_us : wanted->found.time_us);
                guidance_ask_again(call, &filter);
                return 0;
        }
        if (wanted->id[0]) {
                *entry = wanted->found;
        } else {
                entry->time_us = crampd_now_us();
                public_id_new(entry->id);
        }
        r = apply(wanted, entry, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < person->n_entries; i++)
                of_day += advisor_day_of(&person->entries[i]) == advisor_day_of(entry) &&
                          strcmp(person->entries[i].id, entry->id) != 0;
        if (of_day >= ENTRIES_PER_DAY || person->n_entries >= STORE_ENTRIES_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT_REACHED,
                                         language_text(call->language, "A day has room for %u entries."),
                                         ENTRIES_PER_DAY);
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", entry->id);
        if (r >= 0)
                r = log_warnings_append(reply, person, entry, call->language);
        return r < 0 ? r : guidance_change(call, &change, steal_pointer(&reply), error);
}

static int read_wanted(sd_bus_message *message, uid_t caller, struct wanted *wanted, uid_t *ret_uid,
                       sd_bus_error *error) {
        const char *language = NULL;
        bool owner_given = false;
        uint32_t owner = 0;
        const struct dictionary_entry entries[] = {{"kind", 's', &wanted->kind, NULL},
                                                   {"what", 's', &wanted->what, NULL},
                                                   {"origin", 's', &wanted->origin, NULL},
                                                   {"compound", 's', &wanted->compound, NULL},
                                                   {"amount", 's', &wanted->amount, NULL},
                                                   {"leg", 's', &wanted->leg, NULL},
                                                   {"text", 's', &wanted->text, NULL},
                                                   {"time_us", 'x', &wanted->time_us, &wanted->has_time},
                                                   {"language", 's', &language, NULL},
                                                   {"owner", 'u', &owner, &owner_given},
                                                   {NULL}};
        int r = dictionary_read(message, entries, error);

        wanted->language = language_find(language);
        return r < 0 ? r : guidance_owner(caller, owner_given, owner, ret_uid, error);
}

static int read_id(sd_bus_message *message, char ret[static STORE_ID_SIZE], sd_bus_error *error) {
        const char *id;
        int r = sd_bus_message_read(message, "s", &id);

        if (r < 0)
                return r;
        r = public_id_read(id, ret);
        if (r == -ENOENT)
                return sd_bus_error_set(error, ERROR_NO_SUCH_ENTRY,
                                        "There is no such entry in the log.");
        if (r < 0)
                return sd_bus_error_set(error, ERROR_NO_SUCH_ENTRY,
                                        "An entry's id is 16 hexadecimal digits; 'crampctl log list' "
                                        "shows them.");
        return 0;
}

static int begin_log(sd_bus_message *message, struct bus *bus, uid_t caller, struct wanted *wanted,
                     sd_bus_error *error) {
        struct store_person_filter filter;
        struct wanted *copy;
        uid_t uid;
        int r;

        r = read_wanted(message, caller, wanted, &uid, error);
        if (r < 0)
                return r;
        filter = wanted->id[0]
                         ? filter_one(uid, wanted->id)
                         : filter_around(uid, wanted->has_time ? wanted->time_us : crampd_now_us());
        copy = malloc(sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        *copy = *wanted;
        return guidance_begin(bus, message, &filter, wanted->language, work_log, copy, error);
}

int method_log(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct wanted wanted = {.kind = "amount"};
        struct bus *bus = userdata;
        uid_t caller;
        int r;

        r = caller_get_uid(bus->callers, message, method_log, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        return begin_log(message, bus, caller, &wanted, error);
}

int method_edit_log(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct wanted wanted = {};
        struct bus *bus = userdata;
        uid_t caller;
        int r;

        r = caller_get_uid(bus->callers, message, method_edit_log, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = read_id(message, wanted.id, error);
        return r < 0 ? r : begin_log(message, bus, caller, &wanted, error);
}

/* --- deleting --- */

static int work_delete_log(struct guidance_call *call, const struct store_person *person,
                           sd_bus_error *error) {
        struct store_person_change change = {.kind = STORE_CHANGE_ENTRY_GONE, .uid = call->uid};

        if (person->n_entries == 0)
                return guidance_refuse_unknown(error, call->language,
                                               N_("There is no such entry in the log."));
        memcpy(change.id, call->filter.entry, sizeof(change.id));
        return guidance_change(call, &change, NULL, error);
}

int method_delete_log(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_person_filter filter;
        const struct language *language;
        char id[STORE_ID_SIZE];
        struct bus *bus = userdata;
        uid_t caller, uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_delete_log, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = read_id(message, id, error);
        if (r >= 0)
                r = guidance_read_options(message, caller, &uid, &language, error);
        if (r < 0)
                return r;
        filter = filter_one(uid, id);
        return guidance_begin(bus, message, &filter, language, work_delete_log, NULL, error);
}

/* --- listing --- */

static void append_text(sd_bus_message *reply, int *r, const char *key, const char *text) {
        if (text[0])
                dictionary_append(reply, r, key, "s", text);
}

static void append_entry(sd_bus_message *reply, int *r, const struct store_entry *entry) {
        dictionary_open(reply, r);
        dictionary_append(reply, r, "id", "s", entry->id);
        dictionary_append(reply, r, "kind", "s", entry->kind);
        dictionary_append(reply, r, "time_us", "x", entry->time_us);
        dictionary_append(reply, r, "zone_offset_s", "i", entry->zone_offset_s);
        append_text(reply, r, "what", entry_what_of(entry->what));
        append_text(reply, r, "origin", entry->origin);
        append_text(reply, r, "compound", entry->compound);
        append_text(reply, r, "amount", entry->amount);
        append_text(reply, r, "leg", entry->leg);
        append_text(reply, r, "text", entry->text);
        dictionary_close(reply, r);
}

static int work_list_log(struct guidance_call *call, const struct store_person *person,
                         sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        size_t limit = call->filter.entries_max - 1; /* one more was asked for */
        size_t n = person->n_entries < limit ? person->n_entries : limit;
        uint64_t cursor = person->n_entries > limit ? strtoull(person->entries[n - 1].id, NULL, 16) : 0;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; i < n; i++)
                append_entry(reply, &r, &person->entries[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", cursor);
        return r < 0 ? r : guidance_reply(call, steal_pointer(&reply));
}

int method_list_log(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_person_filter filter = guidance_filter(0);
        uint32_t limit = PAGE_MAX, owner = 0;
        struct bus *bus = userdata;
        const char *language = NULL;
        bool owner_given = false;
        uint64_t after = 0;
        uid_t caller;
        const struct dictionary_entry entries[] = {{"since_us", 'x', &filter.entries_since_us, NULL},
                                                   {"until_us", 'x', &filter.entries_until_us, NULL},
                                                   {"limit", 'u', &limit, NULL},
                                                   {"after", 't', &after, NULL},
                                                   {"language", 's', &language, NULL},
                                                   {"owner", 'u', &owner, &owner_given},
                                                   {NULL}};
        int r;

        r = caller_get_uid(bus->callers, message, method_list_log, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = dictionary_read(message, entries, error);
        if (r >= 0)
                r = guidance_owner(caller, owner_given, owner, &filter.uid, error);
        if (r < 0)
                return r;
        if (limit < 1 || limit > PAGE_MAX)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'limit' must be 1 to %u.", PAGE_MAX);
        filter.entries_max = limit + 1;
        if (after != 0)
                (void)snprintf(filter.after, sizeof(filter.after), "%016" PRIx64, after);
        return guidance_begin(bus, message, &filter, language_find(language), work_list_log, NULL,
                              error);
}
