/* SPDX-License-Identifier: MIT */
/* org.crampd1.Guidance: see dbus/org.crampd1.Guidance.xml. The profile, and at the bottom the vtable. */
#include <errno.h>
#include <string.h>

#include "daemon/advisor.h"
#include "daemon/basic/cleanup.h"
#include "daemon/bus/advice.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/daylog.h"
#include "daemon/bus/error.h"
#include "daemon/bus/guidance-call.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/trials.h"

#define VALUES_MAX 32u

/* --- the profile --- */

static int append_profile(sd_bus_message *reply, const struct profile *profile) {
        char value[PROFILE_VALUE_SIZE];
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (const char *const *key = profile_keys; *key && r >= 0; key++) {
                r = profile_get(profile, *key, value, sizeof(value));
                if (r >= 0 && value[0])
                        r = sd_bus_message_append(reply, "{ss}", *key, value);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int work_get_profile(struct guidance_call *call, const struct store_person *person,
                            sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct profile profile;
        int r;

        advisor_read_profile(person->profile, &profile);
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_profile(reply, &profile);
        return r < 0 ? r : guidance_reply(call, steal_pointer(&reply));
}

static int method_get_profile(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return guidance_begin_plain(userdata, message, method_get_profile, /* nights= */ false,
                                    work_get_profile, error);
}

/* "key=value", each ended by NUL. */
struct assignments {
        size_t n;
        const char *all[VALUES_MAX];
        char text[];
};

static int work_set_profile(struct guidance_call *call, const struct store_person *person,
                            sd_bus_error *error) {
        struct store_person_change change = {.kind = STORE_CHANGE_PROFILE, .uid = call->uid};
        const struct assignments *assignments = call->arguments;
        struct profile_error why = {};
        struct profile profile;
        int r;

        advisor_read_profile(person->profile, &profile);
        r = profile_set_all(&profile, assignments->all, assignments->n, &why);
        if (r < 0)
                return guidance_refuse(error, call->language, why.message, why.value, why.possible);
        r = advisor_write_profile(&profile, change.profile, sizeof(change.profile));
        if (r < 0)
                return r;
        return guidance_change(call, &change, NULL, error);
}

static int assignments_add(struct assignments **assignments, size_t *used, const char *key,
                           const char *value) {
        size_t size = strlen(key) + strlen(value) + 2;
        struct assignments *larger;

        if (size > PROFILE_VALUE_SIZE)
                return -E2BIG;
        larger = realloc(*assignments, sizeof(**assignments) + *used + size);
        if (!larger)
                return -ENOMEM;
        *assignments = larger;
        (void)snprintf(larger->text + *used, size, "%s=%s", key, value);
        *used += size;
        larger->n++;
        return 0;
}

static int read_assignments(sd_bus_message *message, struct assignments **ret, sd_bus_error *error) {
        _cleanup_(freep) struct assignments *assignments = calloc(1, sizeof(*assignments));
        const char *key, *value, *text;
        size_t used = 0;
        int r;

        if (!assignments)
                return -ENOMEM;
        r = sd_bus_message_enter_container(message, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(message, "{ss}", &key, &value)) > 0) {
                if (assignments->n == VALUES_MAX || strchr(key, '='))
                        r = -E2BIG;
                else
                        r = assignments_add(&assignments, &used, key, value);
                if (r == -E2BIG)
                        return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                                "That is more than a profile can hold.");
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;
        text = assignments->text;
        for (size_t i = 0; i < assignments->n; i++) {
                assignments->all[i] = text;
                text += strlen(text) + 1;
        }
        *ret = steal_pointer(&assignments);
        return 0;
}

static int method_set_profile(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) struct assignments *assignments = NULL;
        struct store_person_filter filter;
        const struct language *language;
        struct bus *bus = userdata;
        uid_t caller, uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_set_profile, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = read_assignments(message, &assignments, error);
        if (r < 0)
                return r;
        r = guidance_read_options(message, caller, &uid, &language, error);
        if (r < 0)
                return r;
        filter = guidance_filter(uid);
        return guidance_begin(bus, message, &filter, language, work_set_profile,
                              steal_pointer(&assignments), error);
}

static int work_forget_profile(struct guidance_call *call, const struct store_person *person,
                               sd_bus_error *error) {
        const struct store_person_change change = {.kind = STORE_CHANGE_PROFILE, .uid = call->uid};

        return guidance_change(call, &change, NULL, error);
}

static int method_forget_profile(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return guidance_begin_plain(userdata, message, method_forget_profile, /* nights= */ false,
                                    work_forget_profile, error);
}

static const sd_bus_vtable guidance_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("GetProfile", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a{ss}", profile), method_get_profile,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("SetProfile", SD_BUS_ARGS("a{ss}", values, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_set_profile,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ForgetProfile", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_forget_profile,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Advise", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a{sv}", summary, "aa{sv}", items, "aa{sv}", suppressed),
                                method_advise, SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Log", SD_BUS_ARGS("a{sv}", entry),
                                SD_BUS_RESULT("s", id, "aa{sv}", warnings), method_log,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListLog", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", entries, "t", cursor), method_list_log,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("EditLog", SD_BUS_ARGS("s", id, "a{sv}", changes),
                                SD_BUS_RESULT("s", new_id, "aa{sv}", warnings), method_edit_log,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("DeleteLog", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_delete_log, SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("StartTrial", SD_BUS_ARGS("a{sv}", plan), SD_BUS_RESULT("s", id),
                                method_start_trial,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("StopTrial", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_stop_trial, SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("DeleteTrial", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_delete_trial,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListTrials", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("aa{sv}", trials), method_list_trials,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_SIGNAL_WITH_ARGS("AdviceChanged", SD_BUS_ARGS("a{sv}", details), 0),
        SD_BUS_VTABLE_END,
};

int guidance_export(struct bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, &bus->slots[6], CRAMPD_ROOT,
                                        CRAMPD_NAME ".Guidance", guidance_vtable, bus);
}
