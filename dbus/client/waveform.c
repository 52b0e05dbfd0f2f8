/* SPDX-License-Identifier: MIT */
/*
 * The signal around an episode's onset: History.GetWaveform(). Needs history.c for the call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define SIGNATURE "a{sv}an"
/* So many are asked for before the first is there: crampd and the bus fill up while it is used. Less
 * than what crampd lets wait. */
#define ASKED_AHEAD 3u

/* What crampd never exceeds; a liar must not make us allocate. */
#define CHANNELS_MAX 16u
#define PIECES_MAX 256u

#define WAVEFORM_FIELD(key, kind) \
        { #key, kind, true, offsetof(struct crampd_waveform, key) }

static const struct field waveform_fields[] = {
        WAVEFORM_FIELD(start_us, FIELD_INT64),      WAVEFORM_FIELD(rate_mhz, FIELD_UNSIGNED),
        WAVEFORM_FIELD(channels, FIELD_UNSIGNED),   WAVEFORM_FIELD(scale_uv, FIELD_DOUBLE),
        WAVEFORM_FIELD(arbitrary_unit, FIELD_BOOL),
};

void crampd_waveform_free(struct crampd_waveform *waveform) {
        if (!waveform)
                return;
        free(waveform->pieces);
        free(waveform->samples);
        free(waveform);
}

/* `value` is at an a(uu). */
static int pieces_read(DBusMessageIter *value, struct crampd_waveform *waveform,
                       struct crampd_error *error) {
        int n = dbus_message_iter_get_element_count(value);
        DBusMessageIter item, member;
        dbus_uint32_t number;

        if (n < 1 || (unsigned)n > PIECES_MAX)
                return error_set(error, -EPROTO, "crampd sent a waveform of %d pieces", n);
        waveform->pieces = calloc((size_t)n, sizeof(*waveform->pieces));
        if (!waveform->pieces)
                return error_set_oom(error);
        for (dbus_message_iter_recurse(value, &item);
             dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_STRUCT;
             (void)dbus_message_iter_next(&item)) {
                struct crampd_piece *piece = waveform->pieces + waveform->n_pieces++;

                dbus_message_iter_recurse(&item, &member);
                dbus_message_iter_get_basic(&member, &number);
                piece->first = number;
                (void)dbus_message_iter_next(&member);
                dbus_message_iter_get_basic(&member, &number);
                piece->frames = number;
        }
        return 0;
}

/* `iter` is at an an. */
static int samples_read(DBusMessageIter *iter, struct crampd_waveform *waveform,
                        struct crampd_error *error) {
        DBusMessageIter item;
        const dbus_int16_t *samples;
        int n = 0;

        dbus_message_iter_recurse(iter, &item);
        if (dbus_message_iter_get_arg_type(&item) != DBUS_TYPE_INVALID)
                dbus_message_iter_get_fixed_array(&item, &samples, &n);
        if (n == 0)
                return error_set(error, -EPROTO, "crampd sent an empty waveform");
        waveform->samples = calloc((size_t)n, sizeof(*waveform->samples));
        if (!waveform->samples)
                return error_set_oom(error);
        memcpy(waveform->samples, samples, (size_t)n * sizeof(*samples));
        waveform->n_samples = (size_t)n;
        return 0;
}

/* Whoever goes through the pieces must find their samples. */
static int waveform_check(const struct crampd_waveform *waveform, struct crampd_error *error) {
        uint64_t frames = 0, end = 0;

        for (size_t i = 0; i < waveform->n_pieces; i++) {
                const struct crampd_piece *piece = waveform->pieces + i;

                if (piece->first < end || piece->frames < 1)
                        return error_set(error, -EPROTO, "crampd sent a waveform in disorder");
                end = (uint64_t)piece->first + piece->frames;
                frames += piece->frames;
        }
        if (waveform->channels < 1 || waveform->channels > CHANNELS_MAX || waveform->rate_mhz < 1 ||
            end > UINT32_MAX || !(waveform->scale_uv > 0) ||
            frames * waveform->channels != waveform->n_samples)
                return error_set(error, -EPROTO, "crampd sent a waveform that makes no sense");
        return 0;
}

static int waveform_read(DBusMessage *reply, struct crampd_waveform *waveform,
                         struct crampd_error *error) {
        DBusMessageIter iter, pieces;
        int r;

        (void)dbus_message_iter_init(reply, &iter);
        r = dict_read(&iter, waveform_fields, ELEMENTS(waveform_fields), waveform, error);
        if (r >= 0)
                r = dict_find(&iter, "pieces", "a(uu)", &pieces, error);
        if (r > 0)
                r = pieces_read(&pieces, waveform, error);
        (void)dbus_message_iter_next(&iter);
        if (r >= 0)
                r = samples_read(&iter, waveform, error);
        return r >= 0 ? waveform_check(waveform, error) : r;
}

/* Frees the reply. */
static int waveform_new(DBusMessage *reply, struct crampd_waveform **ret, struct crampd_error *error) {
        struct crampd_waveform *waveform = calloc(1, sizeof(*waveform));
        int r = waveform ? waveform_read(reply, waveform, error) : error_set_oom(error);

        dbus_message_unref(reply);
        if (r < 0) {
                crampd_waveform_free(waveform);
                return r;
        }
        *ret = waveform;
        return 0;
}

int crampd_get_waveform(crampd_client *client, const char *id, struct crampd_waveform **ret,
                        struct crampd_error *error) {
        DBusMessage *reply;
        int r = call_by_id(client, "GetWaveform", id, SIGNATURE, &reply, error);

        return r < 0 ? r : waveform_new(reply, ret, error);
}

static int waveform_ask(crampd_client *client, const char *id, struct asked *ret,
                        struct crampd_error *error) {
        DBusMessage *message;
        int r = by_id_request("GetWaveform", id, &message, error);

        return r < 0 ? r : asked_begin(client, message, ret, error);
}

static int waveform_use(struct asked *asked, size_t i, crampd_waveform_func func, void *userdata,
                        struct crampd_error *error) {
        struct crampd_waveform *waveform;
        DBusMessage *reply;
        int r = asked_end(asked, SIGNATURE, &reply, error);

        if (r >= 0)
                r = waveform_new(reply, &waveform, error);
        if (r == -ENOENT) {
                if (error)
                        *error = (struct crampd_error){};
                return 0;
        }
        if (r < 0)
                return r;
        r = func(i, waveform, userdata);
        crampd_waveform_free(waveform);
        return r;
}

int crampd_get_waveforms(crampd_client *client, const char *const *ids, size_t n,
                         crampd_waveform_func func, void *userdata, struct crampd_error *error) {
        struct asked asked[ASKED_AHEAD] = {};
        size_t next = 0;
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                for (; next < n && next < i + ASKED_AHEAD && r >= 0; next++)
                        r = waveform_ask(client, ids[next], asked + next % ASKED_AHEAD, error);
                if (r >= 0)
                        r = waveform_use(asked + i % ASKED_AHEAD, i, func, userdata, error);
        }
        for (size_t i = 0; i < ASKED_AHEAD; i++)
                asked_give_up(asked + i);
        return r < 0 ? r : 0;
}
