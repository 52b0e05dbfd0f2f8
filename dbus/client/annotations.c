/* SPDX-License-Identifier: MIT */
/*
 * Annotations: what the caller says of episodes, and cramps that raised no alert. Calls of
 * org.crampd1.History; needs the pages of history.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "dbus/client/internal.h"

#define MISSED_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_missed, key) }

static const struct field missed_fields[] = {
        MISSED_FIELD(id, FIELD_STRING, true),     MISSED_FIELD(sensor, FIELD_STRING, true),
        MISSED_FIELD(muscle, FIELD_STRING, true), MISSED_FIELD(leg, FIELD_STRING, true),
        MISSED_FIELD(time_us, FIELD_INT64, true), MISSED_FIELD(zone_offset_s, FIELD_INT, true),
        MISSED_FIELD(pain, FIELD_PAIN, false),    MISSED_FIELD(note, FIELD_STRING, false),
        MISSED_FIELD(watched, FIELD_BOOL, false),
};

static int annotation_check(const struct crampd_annotation *annotation, struct crampd_error *error) {
        int r = 0;

        if (annotation->verdict)
                r = check_text("the verdict", annotation->verdict, error);
        if (r >= 0 && annotation->note)
                r = check_text("the note", annotation->note, error);
        return r;
}

static bool annotation_append(DBusMessage *message, const struct crampd_annotation *annotation) {
        const dbus_uint32_t pain = (dbus_uint32_t)annotation->pain;
        struct dict_writer writer;

        if (dict_begin(&writer, message) &&
            (!annotation->verdict ||
             dict_put(&writer, "verdict", DBUS_TYPE_STRING, &annotation->verdict)) &&
            (annotation->pain < 0 || dict_put(&writer, "pain", DBUS_TYPE_UINT32, &pain)) &&
            (!annotation->note || dict_put(&writer, "note", DBUS_TYPE_STRING, &annotation->note)) &&
            dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

int annotate_request(const char *id, const struct crampd_annotation *annotation, DBusMessage **ret,
                     struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = check_text("the episode's id", id, error);
        if (r >= 0)
                r = annotation_check(annotation, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, HISTORY_INTERFACE, "Annotate", &message, error);
        if (r < 0)
                return r;
        if (dbus_message_append_args(message, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID) &&
            annotation_append(message, annotation)) {
                *ret = message;
                return 0;
        }
        dbus_message_unref(message);
        return error_set_oom(error);
}

int crampd_annotate(crampd_client *client, const char *id, const struct crampd_annotation *annotation,
                    struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = annotate_request(id, annotation, &message, error);
        if (r < 0)
                return r;
        r = call_wait(client, message, "", NULL, error);
        dbus_message_unref(message);
        return r;
}

int crampd_report_missed(crampd_client *client, const char *sensor, int64_t time_us,
                         const struct crampd_annotation *annotation, char **ret_id,
                         struct crampd_error *error) {
        const dbus_int64_t time = time_us;
        DBusMessage *message, *reply;
        DBusMessageIter iter;
        char *id = NULL;
        int r;

        r = check_text("the sensor's id", sensor, error);
        if (r >= 0)
                r = annotation_check(annotation, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, HISTORY_INTERFACE, "ReportMissed", &message, error);
        if (r < 0)
                return r;
        if (dbus_message_append_args(message, DBUS_TYPE_STRING, &sensor, DBUS_TYPE_INT64, &time,
                                     DBUS_TYPE_INVALID) &&
            annotation_append(message, annotation))
                r = call_wait(client, message, "s", &reply, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        if (r < 0)
                return r;

        (void)dbus_message_iter_init(reply, &iter);
        r = string_read(&iter, &id, error);
        dbus_message_unref(reply);
        if (r >= 0 && ret_id)
                *ret_id = id;
        else
                free(id);
        return r;
}

int crampd_clear_annotation(crampd_client *client, const char *id, struct crampd_error *error) {
        return call_by_id(client, "ClearAnnotation", id, "", NULL, error);
}

/* --- listing --- */

struct missed_listing {
        crampd_missed_func func;
        void *userdata;
};

static void missed_clear(struct crampd_missed *missed) {
        free(missed->id);
        free(missed->sensor);
        free(missed->muscle);
        free(missed->leg);
        free(missed->note);
}

static int missed_item(DBusMessageIter *item, void *userdata, struct crampd_error *error) {
        const struct missed_listing *listing = userdata;
        struct crampd_missed missed = {.pain = -1, .watched = true};
        int r;

        r = dict_read(item, missed_fields, ELEMENTS(missed_fields), &missed, error);
        if (r >= 0)
                r = zone_check(missed.zone_offset_s, error);
        if (r >= 0)
                r = listing->func(&missed, listing->userdata);
        missed_clear(&missed);
        return r;
}

int crampd_list_missed(crampd_client *client, const struct crampd_filter *filter,
                       crampd_missed_func func, void *userdata, struct crampd_error *error) {
        struct missed_listing listing = {func, userdata};

        return pages_list(client, "ListMissed", filter, missed_item, &listing, error);
}
