/* SPDX-License-Identifier: MIT */
/*
 * Nights: how long each sensor was watched, and when it was not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define NIGHT_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_night, key) }

static const struct field night_fields[] = {
        NIGHT_FIELD(evening, FIELD_STRING, true),        NIGHT_FIELD(sensor, FIELD_STRING, true),
        NIGHT_FIELD(start_us, FIELD_INT64, true),        NIGHT_FIELD(end_us, FIELD_INT64, true),
        NIGHT_FIELD(zone_offset_s, FIELD_INT, true),     NIGHT_FIELD(lasts, FIELD_BOOL, true),
        NIGHT_FIELD(monitored_us, FIELD_UINT64, true),   NIGHT_FIELD(packets, FIELD_UINT64, true),
        NIGHT_FIELD(lost_packets, FIELD_UINT64, true),   NIGHT_FIELD(gap_us, FIELD_UINT64, true),
        NIGHT_FIELD(longest_gap_us, FIELD_UINT64, true), NIGHT_FIELD(gaps, FIELD_UNSIGNED, true),
        NIGHT_FIELD(reconnects, FIELD_UNSIGNED, true),   NIGHT_FIELD(episodes, FIELD_UNSIGNED, true),
};

/* `value` is at an a(xxs). */
static int gaps_read(DBusMessageIter *value, struct crampd_night *night, struct crampd_error *error) {
        DBusMessageIter item, member;
        dbus_int64_t time_us;
        const char *reason;

        for (dbus_message_iter_recurse(value, &item);
             dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_STRUCT;
             (void)dbus_message_iter_next(&item)) {
                struct crampd_gap *gap = night->longest + night->n_longest;

                if (night->n_longest == CRAMPD_NIGHT_GAPS_MAX)
                        return error_set(error, -EPROTO, "crampd sent more than %d gaps of a night",
                                         CRAMPD_NIGHT_GAPS_MAX);
                dbus_message_iter_recurse(&item, &member);
                dbus_message_iter_get_basic(&member, &time_us);
                gap->start_us = time_us;
                (void)dbus_message_iter_next(&member);
                dbus_message_iter_get_basic(&member, &time_us);
                gap->end_us = time_us;
                (void)dbus_message_iter_next(&member);
                dbus_message_iter_get_basic(&member, &reason);
                if (strlen(reason) >= sizeof(gap->reason))
                        return error_set(error, -EPROTO, "crampd sent a gap with too long a reason");
                memcpy(gap->reason, reason, strlen(reason) + 1);
                night->n_longest++;
        }
        return 0;
}

static void night_clear(struct crampd_night *night) {
        free(night->evening);
        free(night->sensor);
}

struct night_listing {
        crampd_night_func func;
        void *userdata;
};

static int night_item(DBusMessageIter *item, void *userdata, struct crampd_error *error) {
        const struct night_listing *listing = userdata;
        struct crampd_night night = {};
        DBusMessageIter gaps;
        int r;

        r = dict_read(item, night_fields, ELEMENTS(night_fields), &night, error);
        if (r >= 0)
                r = dict_find(item, "longest_gaps", "a(xxs)", &gaps, error);
        if (r > 0)
                r = gaps_read(&gaps, &night, error);
        if (r >= 0)
                r = zone_check(night.zone_offset_s, error);
        if (r >= 0)
                r = listing->func(&night, listing->userdata);
        night_clear(&night);
        return r;
}

int crampd_list_nights(crampd_client *client, const struct crampd_filter *filter, crampd_night_func func,
                       void *userdata, struct crampd_error *error) {
        struct night_listing listing = {func, userdata};

        return pages_list(client, "ListNights", filter, night_item, &listing, error);
}
