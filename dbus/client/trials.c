/* SPDX-License-Identifier: MIT */
/*
 * Trials of org.crampd1.Guidance.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "dbus/client/internal.h"

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
        r = guidance_call(client, message, "s", &reply, error);
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
                return guidance_call(client, message, "", NULL, error);
        dict_abandon(&writer);
        dbus_message_unref(message);
        return error_set_oom(error);
}

int crampd_delete_trial(crampd_client *client, unsigned owner, const char *id,
                        struct crampd_error *error) {
        return guidance_delete(client, "DeleteTrial", owner, id, error);
}

static int trials_read(DBusMessage *reply, crampd_trial_func func, void *userdata,
                       struct crampd_error *error) {
        DBusMessageIter iter, item;
        int n, r = 0;

        (void)dbus_message_iter_init(reply, &iter);
        n = dicts_count(&iter, error);
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
        if (!guidance_append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = guidance_call(client, message, "aa{sv}", &reply, error);
        if (r < 0)
                return r;
        r = trials_read(reply, func, userdata, error);
        dbus_message_unref(reply);
        return r;
}
