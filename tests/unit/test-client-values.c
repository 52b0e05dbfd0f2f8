/* SPDX-License-Identifier: MIT */
/* The client library's reading and writing of D-Bus values, on messages that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

struct values {
        char *text;
        bool flag;
        int number;
        unsigned count;
        int percent;
        int64_t time;
        uint64_t total;
        double level;
};

static const struct field fields[] = {
        {"text", FIELD_STRING, false, offsetof(struct values, text)},
        {"flag", FIELD_BOOL, false, offsetof(struct values, flag)},
        {"number", FIELD_INT, false, offsetof(struct values, number)},
        {"count", FIELD_UNSIGNED, false, offsetof(struct values, count)},
        {"percent", FIELD_PERCENT, false, offsetof(struct values, percent)},
        {"time", FIELD_INT64, false, offsetof(struct values, time)},
        {"total", FIELD_UINT64, false, offsetof(struct values, total)},
        {"level", FIELD_DOUBLE, false, offsetof(struct values, level)},
};

static const int types[] = {DBUS_TYPE_STRING, DBUS_TYPE_BOOLEAN, DBUS_TYPE_INT32,  DBUS_TYPE_UINT32,
                            DBUS_TYPE_UINT32, DBUS_TYPE_INT64,   DBUS_TYPE_UINT64, DBUS_TYPE_DOUBLE};

static DBusMessage *message_new(void) {
        DBusMessage *message = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);

        assert_non_null(message);
        return message;
}

/* A value of any basic type, all of them 1. */
static void put_one(struct dict_writer *writer, const char *key, int type) {
        const char *text = "1";
        DBusBasicValue value = {};

        switch (type) {
        case DBUS_TYPE_STRING:
                value.str = (char *)text;
                break;
        case DBUS_TYPE_BOOLEAN:
                value.bool_val = TRUE;
                break;
        case DBUS_TYPE_DOUBLE:
                value.dbl = 1;
                break;
        default:
                value.u64 = 1;
        }
        assert_true(dict_put(writer, key, type, &value));
}

static DBusMessage *message_with(const char *key, int type, const void *value) {
        DBusMessage *message = message_new();
        struct dict_writer writer;

        assert_true(dict_begin(&writer, message));
        assert_true(dict_put(&writer, key, type, value));
        assert_true(dict_end(&writer));
        return message;
}

static int message_read(DBusMessage *message, struct values *values, struct crampd_error *error) {
        DBusMessageIter iter;

        assert_true(dbus_message_iter_init(message, &iter));
        return dict_read(&iter, fields, ELEMENTS(fields), values, error);
}

static void test_all_kinds(void **state) {
        DBusMessage *message = message_new();
        struct values values = {};
        struct dict_writer writer;

        assert_true(dict_begin(&writer, message));
        for (size_t i = 0; i < ELEMENTS(fields); i++)
                put_one(&writer, fields[i].key, types[i]);
        put_one(&writer, "unknown", DBUS_TYPE_BYTE);
        assert_true(dict_end(&writer));
        assert_string_equal(dbus_message_get_signature(message), "a{sv}");

        assert_int_equal(message_read(message, &values, NULL), 0);
        assert_string_equal(values.text, "1");
        assert_true(values.flag);
        assert_int_equal(values.number, 1);
        assert_int_equal(values.count, 1);
        assert_int_equal(values.percent, 1);
        assert_int_equal(values.time, 1);
        assert_int_equal(values.total, 1);
        assert_true(values.level == 1);
        free(values.text);
        dbus_message_unref(message);
}

/* Each kind with each type. */
static void test_wrong_types(void **state) {
        static const int all[] = {DBUS_TYPE_BYTE,   DBUS_TYPE_BOOLEAN, DBUS_TYPE_INT16, DBUS_TYPE_UINT16,
                                  DBUS_TYPE_INT32,  DBUS_TYPE_UINT32,  DBUS_TYPE_INT64, DBUS_TYPE_UINT64,
                                  DBUS_TYPE_DOUBLE, DBUS_TYPE_STRING};
        unsigned good = 0;

        for (size_t i = 0; i < ELEMENTS(fields); i++)
                for (size_t t = 0; t < ELEMENTS(all); t++) {
                        DBusMessage *message = message_new();
                        struct crampd_error error = {};
                        struct values values = {};
                        struct dict_writer writer;
                        int r;

                        assert_true(dict_begin(&writer, message));
                        put_one(&writer, fields[i].key, all[t]);
                        assert_true(dict_end(&writer));
                        r = message_read(message, &values, &error);
                        assert_int_equal(r, all[t] == types[i] ? 0 : -EPROTO);
                        if (r < 0)
                                assert_non_null(strstr(error.message, fields[i].key));
                        good += r == 0;
                        free(values.text);
                        dbus_message_unref(message);
                }
        assert_int_equal(good, ELEMENTS(fields));
}

static void test_ranges(void **state) {
        const dbus_uint32_t percent = 101;
        const double infinite = INFINITY;
        struct values values = {.percent = -1};
        DBusMessage *message = message_with("percent", DBUS_TYPE_UINT32, &percent);

        assert_int_equal(message_read(message, &values, NULL), -EPROTO);
        assert_int_equal(values.percent, -1);
        dbus_message_unref(message);

        message = message_with("level", DBUS_TYPE_DOUBLE, &infinite);
        assert_int_equal(message_read(message, &values, NULL), 0);
        assert_true(isnan(values.level));
        dbus_message_unref(message);
}

static void test_string_length(void **state) {
        char text[STRING_MAX_BYTES + 2];
        const char *pointer = text;

        for (size_t length = STRING_MAX_BYTES; length <= STRING_MAX_BYTES + 1; length++) {
                struct values values = {};
                DBusMessage *message;

                memset(text, 'x', length);
                text[length] = 0;
                message = message_with("text", DBUS_TYPE_STRING, &pointer);
                assert_int_equal(message_read(message, &values, NULL),
                                 length > STRING_MAX_BYTES ? -EPROTO : 0);
                if (length <= STRING_MAX_BYTES)
                        assert_int_equal(strlen(values.text), length);
                else
                        assert_null(values.text);
                free(values.text);
                dbus_message_unref(message);
        }
}

static void test_key_twice(void **state) {
        const char *first = "first", *second = "second";
        DBusMessage *message = message_new();
        struct values values = {};
        struct dict_writer writer;

        assert_true(dict_begin(&writer, message));
        assert_true(dict_put(&writer, "text", DBUS_TYPE_STRING, &first));
        assert_true(dict_put(&writer, "text", DBUS_TYPE_STRING, &second));
        assert_true(dict_end(&writer));
        assert_int_equal(message_read(message, &values, NULL), 0);
        assert_string_equal(values.text, "second");
        free(values.text);
        dbus_message_unref(message);
}

static void test_required(void **state) {
        static const struct field required[] = {
                {"count", FIELD_UNSIGNED, true, offsetof(struct values, count)},
        };
        DBusMessage *message = message_new();
        struct crampd_error error = {};
        struct values values = {.count = 7};
        DBusMessageIter iter;

        assert_true(append_no_options(message));
        assert_true(dbus_message_iter_init(message, &iter));
        assert_int_equal(dict_read(&iter, required, 1, &values, &error), -EPROTO);
        assert_string_equal(error.message, "crampd sent no 'count'");
        assert_int_equal(values.count, 7);
        dbus_message_unref(message);
}

static void test_no_dictionary(void **state) {
        const char *text = "x";
        DBusMessage *message = message_new();
        struct values values = {};
        DBusMessageIter iter;

        assert_true(dbus_message_append_args(message, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
        assert_int_equal(message_read(message, &values, NULL), -EPROTO);
        /* Past the last argument. */
        assert_true(dbus_message_iter_init(message, &iter));
        assert_false(dbus_message_iter_next(&iter));
        assert_int_equal(dict_read(&iter, fields, ELEMENTS(fields), &values, NULL), -EPROTO);
        dbus_message_unref(message);
}

static void test_list_of_strings(void **state) {
        const char *const three[] = {"a", "", "c"};
        const char *const *pointer = three;
        DBusMessage *message = message_new();
        char **strings = NULL, *text = NULL;
        dbus_int32_t number = 1;
        DBusMessageIter iter;

        assert_true(dbus_message_append_args(message, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &pointer, 3,
                                             DBUS_TYPE_INT32, &number, DBUS_TYPE_INVALID));
        assert_true(dbus_message_iter_init(message, &iter));
        assert_int_equal(strings_read(&iter, 2, &strings, NULL), -EPROTO);
        assert_int_equal(string_read(&iter, &text, NULL), -EPROTO);
        assert_null(strings);
        assert_int_equal(strings_read(&iter, 3, &strings, NULL), 0);
        assert_string_equal(strings[0], "a");
        assert_string_equal(strings[1], "");
        assert_string_equal(strings[2], "c");
        assert_null(strings[3]);
        /* It moved on to the number, which is no list. */
        assert_int_equal(dbus_message_iter_get_arg_type(&iter), DBUS_TYPE_INT32);
        assert_int_equal(strings_read(&iter, 3, &strings, NULL), -EPROTO);
        strings_free(strings);
        strings_free(NULL);
        dbus_message_unref(message);
}

/* Messages are cut at a character's border, and never overrun. */
static void test_error_texts(void **state) {
        struct crampd_error error;
        char text[sizeof(error.message) + 88];

        for (size_t start = 0; start < 4; start++) {
                memset(text, 'x', start);
                for (size_t i = start; i + 3 < sizeof(text); i += 3)
                        memcpy(text + i, "\xe2\x82\xac", 4);
                memset(&error, 'y', sizeof(error));
                assert_int_equal(error_set(&error, -EIO, "%s", text), -EIO);
                assert_string_equal(error.name, "org.crampd1.Error.StoreFailed");
                assert_true(strlen(error.message) >= sizeof(error.message) - 3);
                assert_true(strlen(error.message) < sizeof(error.message));
                assert_true(dbus_validate_utf8(error.message, NULL));
        }
        assert_int_equal(error_set(NULL, -EPROTO, "x"), -EPROTO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_kinds),     cmocka_unit_test(test_wrong_types),
                cmocka_unit_test(test_ranges),        cmocka_unit_test(test_string_length),
                cmocka_unit_test(test_key_twice),     cmocka_unit_test(test_required),
                cmocka_unit_test(test_no_dictionary), cmocka_unit_test(test_list_of_strings),
                cmocka_unit_test(test_error_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
