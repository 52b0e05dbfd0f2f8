/* SPDX-License-Identifier: MIT */
/*
 * Why an alert was raised: History.ExplainEpisode().
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define ACCOUNT_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_account, key) }

static const struct field account_fields[] = {
        ACCOUNT_FIELD(sensitivity, FIELD_STRING, true),
        ACCOUNT_FIELD(evidence_factor, FIELD_DOUBLE, true),
        ACCOUNT_FIELD(again_factor, FIELD_DOUBLE, false),
        ACCOUNT_FIELD(needed_s, FIELD_DOUBLE, true),
        ACCOUNT_FIELD(from_us, FIELD_INT64, true),
        ACCOUNT_FIELD(active_s, FIELD_DOUBLE, true),
        ACCOUNT_FIELD(unbroken_s, FIELD_DOUBLE, true),
        ACCOUNT_FIELD(ratio_alert, FIELD_DOUBLE, true),
        ACCOUNT_FIELD(ratio_peak, FIELD_DOUBLE, true),
        ACCOUNT_FIELD(bridged, FIELD_UNSIGNED, true),
        ACCOUNT_FIELD(dips, FIELD_UNSIGNED, true),
        ACCOUNT_FIELD(together, FIELD_DOUBLE, false),
        ACCOUNT_FIELD(moved, FIELD_DOUBLE, false),
        ACCOUNT_FIELD(slow, FIELD_DOUBLE, false),
        ACCOUNT_FIELD(channels, FIELD_UNSIGNED, true),
        ACCOUNT_FIELD(took_part, FIELD_UNSIGNED, true),
        ACCOUNT_FIELD(quality, FIELD_STRING, true),
        ACCOUNT_FIELD(point_us, FIELD_INT64, true),
};

void crampd_account_free(struct crampd_account *account) {
        if (!account)
                return;
        free(account->sensitivity);
        free(account->quality);
        free(account);
}

/* `value` is at an ad. */
static int points_read(DBusMessageIter *value, struct crampd_account *account,
                       struct crampd_error *error) {
        DBusMessageIter item;
        const double *points;
        int n;

        dbus_message_iter_recurse(value, &item);
        if (dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_INVALID)
                return 0;
        dbus_message_iter_get_fixed_array(&item, &points, &n);
        if (n > CRAMPD_ACCOUNT_POINTS_MAX)
                return error_set(error, -EPROTO, "crampd sent more than %d points of evidence",
                                 CRAMPD_ACCOUNT_POINTS_MAX);
        memcpy(account->evidence_s, points, (size_t)n * sizeof(*points));
        account->n_points = (size_t)n;
        return 0;
}

int crampd_explain_episode(crampd_client *client, const char *id, struct crampd_account **ret,
                           struct crampd_error *error) {
        struct crampd_account *account;
        DBusMessageIter iter, points;
        DBusMessage *reply;
        int r;

        r = call_by_id(client, "ExplainEpisode", id, "a{sv}", &reply, error);
        if (r < 0)
                return r;
        (void)dbus_message_iter_init(reply, &iter);
        account = calloc(1, sizeof(*account));
        if (account) {
                account->together = (double)NAN;
                account->moved = (double)NAN;
                account->slow = (double)NAN;
                account->again_factor = (double)NAN;
                r = dict_read(&iter, account_fields, ELEMENTS(account_fields), account, error);
        } else
                r = error_set_oom(error);
        if (r >= 0)
                r = dict_find(&iter, "evidence_s", "ad", &points, error);
        if (r > 0)
                r = points_read(&points, account, error);
        dbus_message_unref(reply);
        if (r < 0) {
                crampd_account_free(account);
                return r;
        }
        *ret = account;
        return 0;
}
