/* SPDX-License-Identifier: MIT */
/*
 * Guidance: the calls of org.crampd1.Guidance.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define PROFILE_VALUES_MAX 64u
#define ADVICE_MAX 1024u

/* Appends options with nothing but whose guidance it is, and the language. */
static bool append_owner(const crampd_client *client, DBusMessage *message, unsigned owner) {
        struct dict_writer writer;
        dbus_uint32_t uid = owner;

        if (dict_begin(&writer, message) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_put_language(&writer, client) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

/* Sends a call that is complete; frees it. */
static int call_finish(crampd_client *client, DBusMessage *message, const char *signature,
                       DBusMessage **ret_reply, struct crampd_error *error) {
        int r = call_wait(client, message, signature, ret_reply, error);

        dbus_message_unref(message);
        return r;
}

/* --- the profile --- */

void crampd_profile_free(struct crampd_profile_value *values, size_t n) {
        for (size_t i = 0; values && i < n; i++) {
                free(values[i].key);
                free(values[i].value);
        }
        free(values);
}

static int profile_read(DBusMessage *reply, struct crampd_profile_value **ret, size_t *ret_n,
                        struct crampd_error *error) {
        struct crampd_profile_value *values;
        DBusMessageIter iter, item, pair;
        int n, r = 0;

        (void)dbus_message_iter_init(reply, &iter);
        n = dbus_message_iter_get_element_count(&iter);
        if (n < 0 || (unsigned)n > PROFILE_VALUES_MAX)
                return error_set(error, -EPROTO, "crampd sent a profile of %d values", n);
        values = calloc((size_t)n + 1, sizeof(*values));
        if (!values)
                return error_set_oom(error);
        dbus_message_iter_recurse(&iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                dbus_message_iter_recurse(&item, &pair);
                r = string_read(&pair, &values[i].key, error);
                if (r >= 0)
                        r = string_read(&pair, &values[i].value, error);
                (void)dbus_message_iter_next(&item);
        }
        if (r < 0) {
                crampd_profile_free(values, (size_t)n);
                return r;
        }
        *ret = values;
        *ret_n = (size_t)n;
        return 0;
}

int crampd_get_profile(crampd_client *client, unsigned owner, struct crampd_profile_value **ret,
                       size_t *ret_n, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "GetProfile", &message, error);
        if (r < 0)
                return r;
        if (!append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = call_finish(client, message, "a{ss}", &reply, error);
        if (r < 0)
                return r;
        r = profile_read(reply, ret, ret_n, error);
        dbus_message_unref(reply);
        return r;
}

static bool append_pair(DBusMessageIter *array, const char *key, const char *value) {
        DBusMessageIter entry = DBUS_MESSAGE_ITER_INIT_CLOSED;

        if (dbus_message_iter_open_container(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &value) &&
            dbus_message_iter_close_container(array, &entry))
                return true;
        dbus_message_iter_abandon_container_if_open(array, &entry);
        return false;
}

static bool append_pairs(DBusMessage *message, const struct crampd_profile_value *values, size_t n) {
        DBusMessageIter iter, array = DBUS_MESSAGE_ITER_INIT_CLOSED;
        bool well;

        dbus_message_iter_init_append(message, &iter);
        well = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{ss}", &array);
        for (size_t i = 0; i < n && well; i++)
                well = append_pair(&array, values[i].key, values[i].value);
        if (well && dbus_message_iter_close_container(&iter, &array))
                return true;
        dbus_message_iter_abandon_container_if_open(&iter, &array);
        return false;
}

int crampd_set_profile(crampd_client *client, unsigned owner, const struct crampd_profile_value *values,
                       size_t n, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        for (size_t i = 0; i < n; i++)
                if ((r = check_text("the key", values[i].key, error)) < 0 ||
                    (r = check_text("the value", values[i].value, error)) < 0)
                        return r;
        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "SetProfile", &message, error);
        if (r < 0)
                return r;
        if (!append_pairs(message, values, n) || !append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return call_finish(client, message, "", NULL, error);
}

int crampd_forget_profile(crampd_client *client, unsigned owner, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "ForgetProfile", &message, error);
        if (r < 0)
                return r;
        if (!append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return call_finish(client, message, "", NULL, error);
}

/* --- advice --- */

#define ADVICE_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_advice, key) }

static const struct field advice_fields[] = {
        ADVICE_FIELD(language, FIELD_STRING, true),   ADVICE_FIELD(amounts_allowed, FIELD_BOOL, true),
        ADVICE_FIELD(nights, FIELD_UNSIGNED, true),   ADVICE_FIELD(clusters, FIELD_UNSIGNED, true),
        ADVICE_FIELD(reported, FIELD_UNSIGNED, true), ADVICE_FIELD(missing, FIELD_STRINGS, true),
};

#define ITEM_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_advice_item, key) }

static const struct field item_fields[] = {
        ITEM_FIELD(id, FIELD_STRING, true),
        ITEM_FIELD(topic, FIELD_STRING, true),
        ITEM_FIELD(kind, FIELD_STRING, true),
        ITEM_FIELD(title, FIELD_STRING, true),
        ITEM_FIELD(text, FIELD_STRING, true),
        ITEM_FIELD(grade, FIELD_STRING, true),
        ITEM_FIELD(population, FIELD_STRING, false),
        ITEM_FIELD(reviewed, FIELD_STRING, true),
        ITEM_FIELD(priority, FIELD_UNSIGNED, true),
        ITEM_FIELD(red_flag, FIELD_BOOL, true),
        ITEM_FIELD(sources, FIELD_STRINGS, true),
        ITEM_FIELD(reasons, FIELD_STRINGS, true),
        ITEM_FIELD(foods, FIELD_STRINGS, true),
        ITEM_FIELD(missing, FIELD_STRINGS, true),
        ITEM_FIELD(intake, FIELD_DOUBLE, false),
        ITEM_FIELD(intake_unit, FIELD_STRING, false),
        ITEM_FIELD(intake_adequate, FIELD_BOOL, false),
        ITEM_FIELD(limit, FIELD_DOUBLE, false),
        ITEM_FIELD(limit_unit, FIELD_STRING, false),
        ITEM_FIELD(limit_authority, FIELD_STRING, false),
        ITEM_FIELD(limit_supplements_only, FIELD_BOOL, false),
};

#define SUPPRESSED_FIELD(key, kind) \
        { #key, kind, true, offsetof(struct crampd_suppressed, key) }

static const struct field suppressed_fields[] = {
        SUPPRESSED_FIELD(id, FIELD_STRING),       SUPPRESSED_FIELD(title, FIELD_STRING),
        SUPPRESSED_FIELD(text, FIELD_STRING),     SUPPRESSED_FIELD(food, FIELD_BOOL),
        SUPPRESSED_FIELD(reasons, FIELD_STRINGS),
};

static void item_clear(struct crampd_advice_item *item) {
        free(item->id);
        free(item->topic);
        free(item->kind);
        free(item->title);
        free(item->text);
        free(item->grade);
        free(item->population);
        free(item->reviewed);
        strings_free(item->sources);
        strings_free(item->reasons);
        strings_free(item->foods);
        strings_free(item->missing);
        free(item->intake_unit);
        free(item->limit_unit);
        free(item->limit_authority);
}

static void suppressed_clear(struct crampd_suppressed *suppressed) {
        free(suppressed->id);
        free(suppressed->title);
        free(suppressed->text);
        strings_free(suppressed->reasons);
}

void crampd_advice_free(struct crampd_advice *advice) {
        if (!advice)
                return;
        for (size_t i = 0; i < advice->n_items; i++)
                item_clear(&advice->items[i]);
        for (size_t i = 0; i < advice->n_suppressed; i++)
                suppressed_clear(&advice->suppressed[i]);
        free(advice->items);
        free(advice->suppressed);
        free(advice->language);
        strings_free(advice->missing);
        free(advice);
}

/* The number of dictionaries in the array at `iter`, or negative errno. */
static int count_read(DBusMessageIter *iter, struct crampd_error *error) {
        int n = dbus_message_iter_get_element_count(iter);

        if (n < 0 || (unsigned)n > ADVICE_MAX)
                return error_set(error, -EPROTO, "crampd sent %d pieces of advice", n);
        return n;
}

static int items_read(DBusMessageIter *iter, struct crampd_advice *advice, struct crampd_error *error) {
        int n = count_read(iter, error), r = 0;
        DBusMessageIter item;

        if (n < 0)
                return n;
        advice->items = calloc((size_t)n + 1, sizeof(*advice->items));
        if (!advice->items)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                struct crampd_advice_item *target = &advice->items[advice->n_items++];

                target->intake = target->limit = (double)NAN;
                r = dict_read(&item, item_fields, ELEMENTS(item_fields), target, error);
                (void)dbus_message_iter_next(&item);
        }
        return r;
}

static int suppressed_read(DBusMessageIter *iter, struct crampd_advice *advice,
                           struct crampd_error *error) {
        int n = count_read(iter, error), r = 0;
        DBusMessageIter item;

        if (n < 0)
                return n;
        advice->suppressed = calloc((size_t)n + 1, sizeof(*advice->suppressed));
        if (!advice->suppressed)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                r = dict_read(&item, suppressed_fields, ELEMENTS(suppressed_fields),
                              &advice->suppressed[advice->n_suppressed++], error);
                (void)dbus_message_iter_next(&item);
        }
        return r;
}

int advise_read(DBusMessage *reply, struct crampd_advice **ret, struct crampd_error *error) {
        struct crampd_advice *advice = calloc(1, sizeof(*advice));
        DBusMessageIter iter;
        int r;

        if (!advice)
                return error_set_oom(error);
        (void)dbus_message_iter_init(reply, &iter);
        r = dict_read(&iter, advice_fields, ELEMENTS(advice_fields), advice, error);
        (void)dbus_message_iter_next(&iter);
        if (r >= 0)
                r = items_read(&iter, advice, error);
        (void)dbus_message_iter_next(&iter);
        if (r >= 0)
                r = suppressed_read(&iter, advice, error);
        if (r < 0) {
                crampd_advice_free(advice);
                return r;
        }
        *ret = advice;
        return 0;
}

int advise_request(unsigned owner, const char *topic, const char *language, DBusMessage **ret,
                   struct crampd_error *error) {
        dbus_uint32_t uid = owner;
        struct dict_writer writer;
        DBusMessage *message;
        int r;

        if ((topic && (r = check_text("the topic", topic, error)) < 0) ||
            (language && (r = check_text("the language", language, error)) < 0))
                return r;
        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "Advise", &message, error);
        if (r < 0)
                return r;
        if (dict_begin(&writer, message) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            (!topic || dict_put(&writer, "topic", DBUS_TYPE_STRING, &topic)) &&
            (!language || dict_put(&writer, "language", DBUS_TYPE_STRING, &language)) &&
            dict_end(&writer)) {
                *ret = message;
                return 0;
        }
        dict_abandon(&writer);
        dbus_message_unref(message);
        return error_set_oom(error);
}

int crampd_advise(crampd_client *client, unsigned owner, const char *topic, const char *language,
                  struct crampd_advice **ret, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        int r;

        r = advise_request(owner, topic, language ? language : client->language, &message, error);
        if (r < 0)
                return r;
        r = call_finish(client, message, ADVISE_SIGNATURE, &reply, error);
        if (r < 0)
                return r;
        r = advise_read(reply, ret, error);
        dbus_message_unref(reply);
        return r;
}

/* --- the day log --- */

#define ENTRY_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_entry, key) }

static const struct field entry_fields[] = {
        ENTRY_FIELD(id, FIELD_STRING, true),        ENTRY_FIELD(kind, FIELD_STRING, true),
        ENTRY_FIELD(what, FIELD_STRING, false),     ENTRY_FIELD(origin, FIELD_STRING, false),
        ENTRY_FIELD(compound, FIELD_STRING, false), ENTRY_FIELD(amount, FIELD_STRING, false),
        ENTRY_FIELD(leg, FIELD_STRING, false),      ENTRY_FIELD(text, FIELD_STRING, false),
        ENTRY_FIELD(time_us, FIELD_INT64, true),    ENTRY_FIELD(zone_offset_s, FIELD_INT, true),
};

void crampd_strings_free(char **strings) {
        strings_free(strings);
}

/* Every string of an entry but its id. */
static const size_t entry_texts[] = {
        offsetof(struct crampd_entry, kind),   offsetof(struct crampd_entry, what),
        offsetof(struct crampd_entry, origin), offsetof(struct crampd_entry, compound),
        offsetof(struct crampd_entry, amount), offsetof(struct crampd_entry, leg),
        offsetof(struct crampd_entry, text),
};
static const char *const entry_keys[] = {"kind", "what", "origin", "compound", "amount", "leg", "text"};

static const char *entry_text(const struct crampd_entry *entry, size_t index) {
        return *(char *const *)((const char *)entry + entry_texts[index]);
}

static bool append_entry(const crampd_client *client, DBusMessage *message, unsigned owner,
                         const struct crampd_entry *entry) {
        dbus_int64_t time_us = entry->time_us;
        dbus_uint32_t uid = owner;
        struct dict_writer writer;
        bool well;

        well = dict_begin(&writer, message);
        for (size_t i = 0; i < ELEMENTS(entry_texts) && well; i++) {
                const char *text = entry_text(entry, i);

                well = !text || dict_put(&writer, entry_keys[i], DBUS_TYPE_STRING, &text);
        }
        if (well &&
            (time_us == CRAMPD_NO_TIME || dict_put(&writer, "time_us", DBUS_TYPE_INT64, &time_us)) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_put_language(&writer, client) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

static int log_read(DBusMessage *reply, char **ret_id, char ***ret_warnings,
                    struct crampd_error *error) {
        DBusMessageIter iter;
        char **warnings;
        char *id;
        int r;

        (void)dbus_message_iter_init(reply, &iter);
        r = string_read(&iter, &id, error);
        if (r < 0)
                return r;
        r = strings_read(&iter, ADVICE_MAX, &warnings, error);
        if (r < 0) {
                free(id);
                return r;
        }
        if (ret_id)
                *ret_id = id;
        else
                free(id);
        if (ret_warnings)
                *ret_warnings = warnings;
        else
                strings_free(warnings);
        return 0;
}

int crampd_log(crampd_client *client, unsigned owner, const struct crampd_entry *entry, char **ret_id,
               char ***ret_warnings, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        const char *id = entry->id;
        int r;

        for (size_t i = 0; i < ELEMENTS(entry_texts); i++)
                if (entry_text(entry, i) &&
                    (r = check_text(entry_keys[i], entry_text(entry, i), error)) < 0)
                        return r;
        if (id && (r = check_text("the entry's id", id, error)) < 0)
                return r;
        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, id ? "EditLog" : "Log", &message, error);
        if (r < 0)
                return r;
        if ((id && !dbus_message_append_args(message, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID)) ||
            !append_entry(client, message, owner, entry)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = call_finish(client, message, "sas", &reply, error);
        if (r < 0)
                return r;
        r = log_read(reply, ret_id, ret_warnings, error);
        dbus_message_unref(reply);
        return r;
}

/* Calls `method` with an id. */
static int delete_by_id(crampd_client *client, const char *method, unsigned owner, const char *id,
                        struct crampd_error *error) {
        DBusMessage *message = NULL;
        int r;

        r = check_text("the id", id, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, method, &message, error);
        if (r < 0)
                return r;
        if (!dbus_message_append_args(message, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID) ||
            !append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return call_finish(client, message, "", NULL, error);
}

int crampd_delete_entry(crampd_client *client, unsigned owner, const char *id,
                        struct crampd_error *error) {
        return delete_by_id(client, "DeleteLog", owner, id, error);
}

struct entry_listing {
        crampd_entry_func func;
        void *userdata;
};

static int entry_item(DBusMessageIter *item, void *userdata, struct crampd_error *error) {
        const struct entry_listing *listing = userdata;
        struct crampd_entry entry = {.time_us = CRAMPD_NO_TIME};
        int r = dict_read(item, entry_fields, ELEMENTS(entry_fields), &entry, error);

        if (r >= 0 && (entry.zone_offset_s < -86400 || entry.zone_offset_s > 86400))
                r = error_set(error, -EPROTO, "crampd sent a time zone of %d s", entry.zone_offset_s);
        if (r >= 0)
                r = listing->func(&entry, listing->userdata);
        for (size_t i = 0; i < ELEMENTS(entry_texts); i++)
                free(*(char **)((char *)&entry + entry_texts[i]));
        free(entry.id);
        return r;
}

int crampd_list_entries(crampd_client *client, unsigned owner, const struct crampd_filter *filter,
                        crampd_entry_func func, void *userdata, struct crampd_error *error) {
        struct entry_listing listing = {func, userdata};
        struct pages_filter pages = {.interface = GUIDANCE_INTERFACE,
                                     .method = "ListLog",
                                     .since_us = filter->since_us,
                                     .until_us = filter->until_us,
                                     .owner = owner,
                                     .texts = true};

        return pages_list_of(client, &pages, entry_item, &listing, error);
}

/* --- trials --- */

#define TRIAL_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_trial, key) }

static const struct field trial_fields[] = {
        TRIAL_FIELD(id, FIELD_STRING, true),
        TRIAL_FIELD(nutrient, FIELD_STRING, true),
        TRIAL_FIELD(design, FIELD_STRING, true),
        TRIAL_FIELD(start_day, FIELD_STRING, true),
        TRIAL_FIELD(end_day, FIELD_STRING, false),
        TRIAL_FIELD(baseline_days, FIELD_UNSIGNED, true),
        TRIAL_FIELD(block_days, FIELD_UNSIGNED, true),
        TRIAL_FIELD(washout_days, FIELD_UNSIGNED, true),
        TRIAL_FIELD(forbidden, FIELD_STRING, false),
        TRIAL_FIELD(nights_without, FIELD_UNSIGNED, true),
        TRIAL_FIELD(nights_with, FIELD_UNSIGNED, true),
        TRIAL_FIELD(nights_left_out, FIELD_UNSIGNED, true),
        TRIAL_FIELD(clusters_without, FIELD_UNSIGNED, true),
        TRIAL_FIELD(clusters_with, FIELD_UNSIGNED, true),
        TRIAL_FIELD(mean_s_without, FIELD_DOUBLE, false),
        TRIAL_FIELD(mean_s_with, FIELD_DOUBLE, false),
        TRIAL_FIELD(cramps_without, FIELD_UNSIGNED, true),
        TRIAL_FIELD(cramps_with, FIELD_UNSIGNED, true),
        TRIAL_FIELD(strong_without, FIELD_UNSIGNED, true),
        TRIAL_FIELD(strong_with, FIELD_UNSIGNED, true),
        TRIAL_FIELD(reported_without, FIELD_UNSIGNED, true),
        TRIAL_FIELD(reported_with, FIELD_UNSIGNED, true),
        TRIAL_FIELD(reported_left_out, FIELD_UNSIGNED, true),
        TRIAL_FIELD(mean_pain_without, FIELD_DOUBLE, false),
        TRIAL_FIELD(mean_pain_with, FIELD_DOUBLE, false),
        TRIAL_FIELD(ratio, FIELD_DOUBLE, false),
        TRIAL_FIELD(ratio_low, FIELD_DOUBLE, false),
        TRIAL_FIELD(ratio_high, FIELD_DOUBLE, false),
        TRIAL_FIELD(p_value, FIELD_DOUBLE, false),
        TRIAL_FIELD(smallest_effect, FIELD_DOUBLE, false),
        TRIAL_FIELD(dispersion, FIELD_DOUBLE, false),
        TRIAL_FIELD(verdict, FIELD_STRING, true),
        TRIAL_FIELD(text, FIELD_STRING, true),
};

static void trial_clear(struct crampd_trial *trial) {
        free(trial->id);
        free(trial->nutrient);
        free(trial->design);
        free(trial->start_day);
        free(trial->end_day);
        free(trial->forbidden);
        free(trial->verdict);
        free(trial->text);
}

static int plan_check(const struct crampd_trial_plan *plan, struct crampd_error *error) {
        int r = check_text("the nutrient", plan->nutrient, error);

        if (r >= 0 && plan->design)
                r = check_text("the design", plan->design, error);
        if (r >= 0 && plan->from)
                r = check_text("the date", plan->from, error);
        return r;
}

static bool append_plan(const crampd_client *client, DBusMessage *message, unsigned owner,
                        const struct crampd_trial_plan *plan) {
        dbus_uint32_t uid = owner, baseline = plan->baseline_days, block = plan->block_days,
                      washout = plan->washout_days;
        struct dict_writer writer;

        if (dict_begin(&writer, message) &&
            dict_put(&writer, "nutrient", DBUS_TYPE_STRING, &plan->nutrient) &&
            (!plan->design || dict_put(&writer, "design", DBUS_TYPE_STRING, &plan->design)) &&
            (!plan->from || dict_put(&writer, "from", DBUS_TYPE_STRING, &plan->from)) &&
            (!baseline || dict_put(&writer, "baseline_days", DBUS_TYPE_UINT32, &baseline)) &&
            (!block || dict_put(&writer, "block_days", DBUS_TYPE_UINT32, &block)) &&
            (!plan->has_washout || dict_put(&writer, "washout_days", DBUS_TYPE_UINT32, &washout)) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_put_language(&writer, client) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

int crampd_start_trial(crampd_client *client, unsigned owner, const struct crampd_trial_plan *plan,
                       char **ret_id, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        DBusMessageIter iter;
        int r;

        r = plan_check(plan, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "StartTrial", &message, error);
        if (r < 0)
                return r;
        if (!append_plan(client, message, owner, plan)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = call_finish(client, message, "s", &reply, error);
        if (r < 0)
                return r;
        (void)dbus_message_iter_init(reply, &iter);
        r = string_read(&iter, ret_id, error);
        dbus_message_unref(reply);
        return r;
}

int crampd_stop_trial(crampd_client *client, unsigned owner, const char *day,
                      struct crampd_error *error) {
        dbus_uint32_t uid = owner;
        struct dict_writer writer;
        DBusMessage *message = NULL;
        int r = day ? check_text("the date", day, error) : 0;

        if (r >= 0)
                r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "StopTrial", &message, error);
        if (r < 0)
                return r;
        if (dict_begin(&writer, message) && (!day || dict_put(&writer, "day", DBUS_TYPE_STRING, &day)) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_put_language(&writer, client) && dict_end(&writer))
                return call_finish(client, message, "", NULL, error);
        dict_abandon(&writer);
        dbus_message_unref(message);
        return error_set_oom(error);
}

int crampd_delete_trial(crampd_client *client, unsigned owner, const char *id,
                        struct crampd_error *error) {
        return delete_by_id(client, "DeleteTrial", owner, id, error);
}

static int trials_read(DBusMessage *reply, crampd_trial_func func, void *userdata,
                       struct crampd_error *error) {
        DBusMessageIter iter, item;
        int n, r = 0;

        (void)dbus_message_iter_init(reply, &iter);
        n = count_read(&iter, error);
        dbus_message_iter_recurse(&iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                const double unknown = (double)NAN;
                struct crampd_trial trial = {.mean_s_without = unknown,
                                             .mean_s_with = unknown,
                                             .mean_pain_without = unknown,
                                             .mean_pain_with = unknown,
                                             .ratio = unknown,
                                             .ratio_low = unknown,
                                             .ratio_high = unknown,
                                             .p_value = unknown,
                                             .smallest_effect = unknown,
                                             .dispersion = unknown};

                r = dict_read(&item, trial_fields, ELEMENTS(trial_fields), &trial, error);
                if (r >= 0)
                        r = func(&trial, userdata);
                trial_clear(&trial);
                (void)dbus_message_iter_next(&item);
        }
        return n < 0 ? n : r;
}

int crampd_list_trials(crampd_client *client, unsigned owner, crampd_trial_func func, void *userdata,
                       struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "ListTrials", &message, error);
        if (r < 0)
                return r;
        if (!append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = call_finish(client, message, "aa{sv}", &reply, error);
        if (r < 0)
                return r;
        r = trials_read(reply, func, userdata, error);
        dbus_message_unref(reply);
        return r;
}
