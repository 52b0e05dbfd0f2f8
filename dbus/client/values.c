/* SPDX-License-Identifier: MIT */
/*
 * Values: reading dictionaries and arrays of strings that somebody else made, and writing option
 * dictionaries. Nothing here trusts a type or a length. Called by all files that read replies and
 * signals.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define MILLIVOLT_MAX 100000u
#define LIST_STRINGS_MAX 64u

static int field_type(enum field_kind kind) {
        switch (kind) {
        case FIELD_STRING:
                return DBUS_TYPE_STRING;
        case FIELD_STRINGS:
        case FIELD_CHANNELS:
                return DBUS_TYPE_ARRAY;
        case FIELD_BOOL:
        case FIELD_TRISTATE:
                return DBUS_TYPE_BOOLEAN;
        case FIELD_INT16:
                return DBUS_TYPE_INT16;
        case FIELD_INT:
                return DBUS_TYPE_INT32;
        case FIELD_UNSIGNED:
        case FIELD_PERCENT:
        case FIELD_MILLIVOLT:
        case FIELD_PAIN:
                return DBUS_TYPE_UINT32;
        case FIELD_INT64:
                return DBUS_TYPE_INT64;
        case FIELD_UINT64:
                return DBUS_TYPE_UINT64;
        case FIELD_DOUBLE:
                return DBUS_TYPE_DOUBLE;
        }
        return DBUS_TYPE_INVALID;
}

static int text_copy(DBusMessageIter *iter, char **ret, struct crampd_error *error) {
        const char *text;
        char *copy;

        dbus_message_iter_get_basic(iter, &text);
        if (strnlen(text, STRING_MAX_BYTES + 1) > STRING_MAX_BYTES)
                return error_set(error, -EPROTO, "crampd sent a string of more than %u bytes",
                                 STRING_MAX_BYTES);
        copy = strdup(text);
        if (!copy)
                return error_set_oom(error);
        *ret = copy;
        return 0;
}

static int field_read_string(DBusMessageIter *value, char **target, struct crampd_error *error) {
        char *copy = NULL;
        int r = text_copy(value, &copy, error);

        if (r < 0)
                return r;
        /* A key may come twice; the last one counts. */
        free(*target);
        *target = copy;
        return 0;
}

static int field_read_strings(DBusMessageIter *value, char ***target, struct crampd_error *error) {
        char **copy;
        int r = strings_read(value, LIST_STRINGS_MAX, &copy, error);

        if (r < 0)
                return r;
        strings_free(*target);
        *target = copy;
        return 0;
}

static int field_read_channels(DBusMessageIter *value, const struct field *field,
                               struct crampd_channels *target, struct crampd_error *error) {
        const double *values;
        DBusMessageIter item;
        int n;

        if (dbus_message_iter_get_element_type(value) != DBUS_TYPE_DOUBLE)
                return error_set(error, -EPROTO, "crampd sent '%s' with a wrong type", field->key);
        *target = (struct crampd_channels){};
        dbus_message_iter_recurse(value, &item);
        if (dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_INVALID)
                return 0;
        dbus_message_iter_get_fixed_array(&item, &values, &n);
        if (n > CRAMPD_STREAM_CHANNELS_MAX)
                return error_set(error, -EPROTO, "crampd sent '%s' of more than %d channels", field->key,
                                 CRAMPD_STREAM_CHANNELS_MAX);
        for (int i = 0; i < n; i++)
                if (!isfinite(values[i]))
                        return error_set(error, -EPROTO, "crampd sent a '%s' that is no number",
                                         field->key);
        memcpy(target->values, values, (size_t)n * sizeof(*values));
        target->n = (size_t)n;
        return 0;
}

/* `value` has the type of the field. */
static int field_read(DBusMessageIter *value, const struct field *field, void *target,
                      struct crampd_error *error) {
        void *member = (char *)target + field->offset;
        DBusBasicValue basic;

        if (field->kind == FIELD_STRING)
                return field_read_string(value, member, error);
        if (field->kind == FIELD_STRINGS)
                return field_read_strings(value, member, error);
        if (field->kind == FIELD_CHANNELS)
                return field_read_channels(value, field, member, error);

        dbus_message_iter_get_basic(value, &basic);
        switch (field->kind) {
        case FIELD_STRING:
        case FIELD_STRINGS:
        case FIELD_CHANNELS:
                break;
        case FIELD_BOOL:
                *(bool *)member = basic.bool_val;
                break;
        case FIELD_TRISTATE:
                *(int *)member = basic.bool_val ? 1 : 0;
                break;
        case FIELD_INT16:
                *(int *)member = basic.i16;
                break;
        case FIELD_INT:
                *(int *)member = basic.i32;
                break;
        case FIELD_UNSIGNED:
                *(unsigned *)member = basic.u32;
                break;
        case FIELD_PERCENT:
                if (basic.u32 > 100)
                        return error_set(error, -EPROTO, "crampd sent %u percent as '%s'", basic.u32,
                                         field->key);
                *(int *)member = (int)basic.u32;
                break;
        case FIELD_MILLIVOLT:
                if (basic.u32 > MILLIVOLT_MAX)
                        return error_set(error, -EPROTO, "crampd sent %u mV as '%s'", basic.u32,
                                         field->key);
                *(int *)member = (int)basic.u32;
                break;
        case FIELD_PAIN:
                if (basic.u32 > PAIN_MAX)
                        return error_set(error, -EPROTO, "crampd sent a pain of %u out of %u", basic.u32,
                                         PAIN_MAX);
                *(int *)member = (int)basic.u32;
                break;
        case FIELD_INT64:
                *(int64_t *)member = basic.i64;
                break;
        case FIELD_UINT64:
                *(uint64_t *)member = basic.u64;
                break;
        case FIELD_DOUBLE:
                /* An infinity says no more than "unknown". */
                *(double *)member = isfinite(basic.dbl) ? basic.dbl : (double)NAN;
                break;
        }
        return 0;
}

/* Looks first where the last key was found: they mostly come in order. */
static const struct field *field_find(const struct field *fields, size_t n_fields, const char *key,
                                      size_t *index) {
        for (size_t n = 0; n < n_fields; n++) {
                size_t i = (*index + 1 + n) % n_fields;

                if (strcmp(fields[i].key, key) == 0) {
                        *index = i;
                        return fields + i;
                }
        }
        return NULL;
}

/* `entry` is at a {sv}. */
static int entry_read(DBusMessageIter *entry, const struct field *fields, size_t n_fields, void *target,
                      uint64_t *seen, size_t *index, struct crampd_error *error) {
        DBusMessageIter pair, value;
        const struct field *field;
        const char *key;

        dbus_message_iter_recurse(entry, &pair);
        dbus_message_iter_get_basic(&pair, &key);
        field = field_find(fields, n_fields, key, index);
        if (!field)
                return 0;

        (void)dbus_message_iter_next(&pair);
        dbus_message_iter_recurse(&pair, &value);
        if (dbus_message_iter_get_arg_type(&value) != field_type(field->kind))
                return error_set(error, -EPROTO, "crampd sent '%s' with a wrong type", field->key);
        *seen |= UINT64_C(1) << *index;
        return field_read(&value, field, target, error);
}

static bool is_dict(DBusMessageIter *iter) {
        char *signature = dbus_message_iter_get_signature(iter);
        bool is = signature && strcmp(signature, "a{sv}") == 0;

        dbus_free(signature);
        return is;
}

int dict_read(DBusMessageIter *iter, const struct field *fields, size_t n_fields, void *target,
              struct crampd_error *error) {
        DBusMessageIter entry;
        size_t index = n_fields > 0 ? n_fields - 1 : 0;
        uint64_t seen = 0;

        if (n_fields > FIELDS_MAX || !is_dict(iter))
                return error_set(error, -EPROTO, "crampd sent something else than a dictionary");

        for (dbus_message_iter_recurse(iter, &entry);
             dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY;
             (void)dbus_message_iter_next(&entry)) {
                int r = entry_read(&entry, fields, n_fields, target, &seen, &index, error);

                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_fields; i++)
                if (fields[i].required && !(seen & UINT64_C(1) << i))
                        return error_set(error, -EPROTO, "crampd sent no '%s'", fields[i].key);
        return 0;
}

static int signature_check(DBusMessageIter *value, const char *key, const char *signature,
                           struct crampd_error *error) {
        char *sent = dbus_message_iter_get_signature(value);
        int r = 0;

        if (!sent)
                r = error_set_oom(error);
        else if (strcmp(sent, signature) != 0)
                r = error_set(error, -EPROTO, "crampd sent '%s' with a wrong type", key);
        dbus_free(sent);
        return r;
}

int dict_find(DBusMessageIter *iter, const char *key, const char *signature, DBusMessageIter *ret,
              struct crampd_error *error) {
        DBusMessageIter entry, pair;
        const char *name;

        for (dbus_message_iter_recurse(iter, &entry);
             dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY;
             (void)dbus_message_iter_next(&entry)) {
                int r;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &name);
                if (strcmp(name, key) != 0)
                        continue;
                (void)dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, ret);
                r = signature_check(ret, key, signature, error);
                return r < 0 ? r : 1;
        }
        return 0;
}

int string_read(DBusMessageIter *iter, char **ret, struct crampd_error *error) {
        int type = dbus_message_iter_get_arg_type(iter);
        int r;

        if (type != DBUS_TYPE_STRING && type != DBUS_TYPE_OBJECT_PATH)
                return error_set(error, -EPROTO, "crampd sent something else than a string");
        r = text_copy(iter, ret, error);
        if (r < 0)
                return r;
        (void)dbus_message_iter_next(iter);
        return 0;
}

void strings_free(char **strings) {
        if (!strings)
                return;
        for (char **s = strings; *s; s++)
                free(*s);
        free(strings);
}

int strings_read(DBusMessageIter *iter, unsigned max, char ***ret, struct crampd_error *error) {
        DBusMessageIter item;
        char **strings;
        int n, r;

        if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_ARRAY ||
            dbus_message_iter_get_element_type(iter) != DBUS_TYPE_STRING)
                return error_set(error, -EPROTO, "crampd sent something else than a list of strings");
        n = dbus_message_iter_get_element_count(iter);
        if (n < 0 || (unsigned)n > max)
                return error_set(error, -EPROTO, "crampd sent a list of more than %u strings", max);

        strings = calloc((size_t)n + 1, sizeof(*strings));
        if (!strings)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n; i++) {
                r = string_read(&item, strings + i, error);
                if (r < 0) {
                        strings_free(strings);
                        return r;
                }
        }
        (void)dbus_message_iter_next(iter);
        *ret = strings;
        return 0;
}

/* --- writing --- */

bool dict_begin(struct dict_writer *writer, DBusMessage *message) {
        writer->dict = (DBusMessageIter)DBUS_MESSAGE_ITER_INIT_CLOSED;
        dbus_message_iter_init_append(message, &writer->message);
        return dbus_message_iter_open_container(&writer->message, DBUS_TYPE_ARRAY, "{sv}",
                                                &writer->dict);
}

bool dict_put(struct dict_writer *writer, const char *key, int type, const void *value) {
        const char signature[2] = {(char)type, 0};
        DBusMessageIter entry = DBUS_MESSAGE_ITER_INIT_CLOSED, variant = DBUS_MESSAGE_ITER_INIT_CLOSED;

        if (dbus_message_iter_open_container(&writer->dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
            dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant) &&
            dbus_message_iter_append_basic(&variant, type, value) &&
            dbus_message_iter_close_container(&entry, &variant) &&
            dbus_message_iter_close_container(&writer->dict, &entry))
                return true;

        dbus_message_iter_abandon_container_if_open(&entry, &variant);
        dbus_message_iter_abandon_container_if_open(&writer->dict, &entry);
        return false;
}

bool dict_end(struct dict_writer *writer) {
        return dbus_message_iter_close_container(&writer->message, &writer->dict);
}

void dict_abandon(struct dict_writer *writer) {
        dbus_message_iter_abandon_container_if_open(&writer->message, &writer->dict);
}

bool append_no_options(DBusMessage *message) {
        struct dict_writer writer;

        if (dict_begin(&writer, message) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

bool dict_put_language(struct dict_writer *writer, const crampd_client *client) {
        const char *language = client->language;

        return !language || dict_put(writer, "language", DBUS_TYPE_STRING, &language);
}

bool append_language(DBusMessage *message, const crampd_client *client) {
        struct dict_writer writer;

        if (dict_begin(&writer, message) && dict_put_language(&writer, client) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}
