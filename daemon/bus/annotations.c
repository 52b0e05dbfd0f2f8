/* SPDX-License-Identifier: MIT */
/* Annotations: see annotations.h. The store checks the owner, as only it knows whose an episode is. */
#include "daemon/bus/annotations.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/basic/text.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/public-id.h"
#include "daemon/sensor.h"

/* An annotation on its way to the database. */
struct annotate_call {
        struct crampd *crampd;
        sd_bus_message *message;
        struct store_annotation annotation;
};

static int set_stored_error(sd_bus_error *error, const struct store_annotation *annotation,
                            const char *beside, int r) {
        if (r == -EALREADY)
                return sd_bus_error_setf(error, ERROR_ALREADY_EXISTS,
                                         "That cramp was not missed, it raised alert %s: say so with "
                                         "'crampctl annotate %s confirmed'.",
                                         beside, beside);
        if (r == -EEXIST)
                return sd_bus_error_setf(
                        error, ERROR_ALREADY_EXISTS,
                        "A missed cramp of that sensor at that time was told already: it is %s.",
                        beside);
        if (r == -ERANGE)
                return sd_bus_error_set(
                        error, ERROR_INVALID_ARGUMENT,
                        "That sensor was added later than that: it cannot have missed that cramp.");
        if (r == -ENOENT && annotation->sensor[0])
                return sd_bus_error_setf(
                        error, ERROR_NO_SUCH_SENSOR,
                        "There is no such sensor of yours (or you told of %u missed cramps already).",
                        STORE_MISSED_MAX);
        if (r == -ENOENT)
                return sd_bus_error_set(error, ERROR_NO_SUCH_EPISODE, "There is no such episode.");
        return error_set_store(error, r);
}

static void on_annotated(int error, const char *beside, void *userdata) {
        _cleanup_(freep) struct annotate_call *call = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = call->message;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;

        if (error >= 0) {
                sensor_learn_all(call->crampd, call->annotation.owner_uid);
                if (call->annotation.any_owner)
                        advice_news_check_all(call->crampd->bus->news, "annotation");
                else
                        advice_news_check(call->crampd->bus->news, call->annotation.owner_uid,
                                          "annotation");
        }
        if (error < 0) {
                error = set_stored_error(&bus_error, &call->annotation, beside, error);
                (void)sd_bus_reply_method_errno(message, error, &bus_error);
        } else if (call->annotation.sensor[0])
                (void)sd_bus_reply_method_return(message, "s", call->annotation.id);
        else
                (void)sd_bus_reply_method_return(message, NULL);
}

/* Stores it; the answer follows when it is durable. */
static int store_call(struct bus *bus, sd_bus_message *message, uid_t uid,
                      struct store_annotation *annotation, sd_bus_error *error) {
        struct annotate_call *call;
        int r;

        annotation->any_owner = uid == 0;
        annotation->owner_uid = uid;
        annotation->said_us = crampd_now_us();
        r = store_get_error(bus->crampd->store);
        if (r < 0) /* it would wait until the store works again, long after the caller gave up */
                return error_set_store(error, r);
        call = malloc(sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (struct annotate_call){.crampd = bus->crampd,
                                       .message = sd_bus_message_ref(message),
                                       .annotation = *annotation};
        r = store_annotate(bus->crampd->store, annotation, on_annotated, call);
        if (r < 0) {
                sd_bus_message_unref(message);
                free(call);
                return error_set_store(error, r);
        }
        return 1;
}

/* Reads verdict (if it may be given), pain and note. */
static int read_options(sd_bus_message *message, bool with_verdict, struct store_annotation *ret,
                        sd_bus_error *error) {
        const char *verdict = NULL, *note = NULL;
        uint32_t pain = 0;
        bool has_pain = false;
        const struct dictionary_entry entries[] = {
                {"pain", 'u', &pain, &has_pain},
                {"note", 's', &note, NULL},
                {with_verdict ? "verdict" : NULL, 's', &verdict, NULL},
                {NULL},
        };
        int r;

        r = dictionary_read(message, entries, error);
        if (r < 0)
                return r;
        if (verdict && strcmp(verdict, "confirmed") != 0 && strcmp(verdict, "false-alarm") != 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'verdict' must be confirmed or false-alarm.");
        if (has_pain && pain > STORE_PAIN_MAX)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT, "Option 'pain' must be 0 to %d.",
                                         STORE_PAIN_MAX);
        if (note && !text_is_name(note, sizeof(ret->note)))
                return sd_bus_error_setf(
                        error, ERROR_INVALID_ARGUMENT,
                        "The note must be at most %zu bytes long, without control characters.",
                        sizeof(ret->note) - 1);
        if (verdict)
                (void)snprintf(ret->verdict, sizeof(ret->verdict), "%s", verdict);
        ret->pain = has_pain ? (int)pain : STORE_NO_PAIN;
        ret->has_note = note != NULL;
        if (note)
                memcpy(ret->note, note, strlen(note) + 1);
        return 0;
}

int method_annotate(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_annotation annotation = {};
        struct bus *bus = userdata;
        const char *id;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_annotate, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_read(message, "s", &id);
        if (r >= 0)
                r = read_options(message, /* with_verdict= */ true, &annotation, error);
        if (r < 0)
                return r;
        r = public_id_read(id, annotation.id);
        if (r < 0)
                return error_set_no_episode(error, r);
        if (!annotation.verdict[0] && annotation.pain == STORE_NO_PAIN && !annotation.has_note)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Say something: option 'verdict', 'pain' or 'note'.");
        return store_call(bus, message, uid, &annotation, error);
}

int method_report_missed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_annotation annotation = {};
        struct bus *bus = userdata;
        const char *sensor;
        int64_t time_us;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_report_missed, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_read(message, "sx", &sensor, &time_us);
        if (r >= 0)
                r = read_options(message, /* with_verdict= */ false, &annotation, error);
        if (r < 0)
                return r;
        if (public_id_read(sensor, annotation.sensor) < 0)
                return sd_bus_error_set(error, ERROR_NO_SUCH_SENSOR,
                                        "A sensor's id is 16 hexadecimal digits.");
        if (time_us < 0 || time_us > crampd_now_us() + CLOCKS_DIFFER_US)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "A missed cramp cannot lie in the future, or before 1970.");
        annotation.time_us = time_us;
        annotation.zone_offset_s = zone_offset_s(time_us);
        public_id_new(annotation.id);
        return store_call(bus, message, uid, &annotation, error);
}

int method_clear_annotation(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_annotation annotation = {.clear = true, .pain = STORE_NO_PAIN};
        struct bus *bus = userdata;
        const char *id;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_clear_annotation, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_read(message, "s", &id);
        if (r < 0)
                return r;
        r = public_id_read(id, annotation.id);
        if (r < 0)
                return error_set_no_episode(error, r);
        return store_call(bus, message, uid, &annotation, error);
}
