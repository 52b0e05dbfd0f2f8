/* SPDX-License-Identifier: MIT */
/* What cramp-notify says and when it may: hours over midnight, and texts of any length that stay whole
 * characters, for libdbus ends a program that sends it anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dbus/dbus.h>
#include <math.h>

#include "dbus/notify/hours.h"
#include "dbus/notify/wording.h"

static bool contains(const char *hours, int hour, int minute) {
        struct hours parsed;

        assert_int_equal(hours_parse(hours, &parsed), 0);
        return hours_contain(&parsed, 1700000000 / 86400 * 86400 + hour * 3600 + minute * 60);
}

static void test_hours(void **state) {
        static const char *const bad[] = {"",
                                          "22",
                                          "22:00",
                                          "22:00-",
                                          "-07:00",
                                          "24:00-07:00",
                                          "22:60-07:00",
                                          "22:00-24:01",
                                          "22:00-07:00 ",
                                          "22:00-07:00-08:00",
                                          "-1:00-07:00",
                                          "a:b-c:d"};
        const struct hours unset = {};
        struct hours hours;

        assert_true(contains("22:00-07:00", 22, 0) && contains("22:00-07:00", 0, 0));
        assert_true(contains("22:00-07:00", 6, 59) && !contains("22:00-07:00", 7, 0));
        assert_false(contains("22:00-07:00", 21, 59));
        assert_true(contains("09:30-17:00", 9, 30) && !contains("09:30-17:00", 17, 0));
        assert_true(contains("9:5-24:00", 23, 59) && !contains("9:5-24:00", 9, 4));
        /* The same minute twice is the whole day. */
        assert_true(contains("07:00-07:00", 7, 0) && contains("07:00-07:00", 6, 59));
        assert_false(hours_contain(&unset, 0));
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_true(hours_parse(bad[i], &hours) < 0);
        assert_int_equal(hours_wait_s(1700000000 / 60 * 60), 60);
        assert_int_equal(hours_wait_s(1700000000 / 60 * 60 + 59), 1);
}

/* `n` bytes of a character and a letter before it, so that every place of a cut is met. */
static char *long_text(const char *character, size_t n, size_t shift) {
        size_t length = strlen(character), used = 0;
        char *text = calloc(1, n + 8);

        assert_non_null(text);
        while (used < shift)
                text[used++] = 'x';
        for (; used + length <= n; used += length)
                memcpy(text + used, character, length);
        return text;
}

static void check(const struct notice_content *content) {
        assert_true(memchr(content->summary, 0, sizeof(content->summary)));
        assert_true(memchr(content->body, 0, sizeof(content->body)));
        assert_true(dbus_validate_utf8(content->summary, NULL));
        assert_true(dbus_validate_utf8(content->body, NULL));
        for (const char *byte = content->body; *byte; byte++)
                assert_true((unsigned char)*byte >= 0x20 || *byte == '\n');
}

static void test_any_length(void **state) {
        static const char *const characters[] = {"x", "ä", "脚", "🦵", "\x1b", "\xc2\x9b"};

        for (size_t c = 0; c < sizeof(characters) / sizeof(*characters); c++)
                for (size_t n = 100; n < 4000; n = n * 3 / 2)
                        for (size_t shift = 0; shift < 4; shift++) {
                                char *text = long_text(characters[c], n, shift);
                                const char *const relief[] = {text, text, text, text, NULL};
                                struct crampd_event event = {
                                        .type = CRAMPD_ALERT_RAISED,
                                        .sensor_name = text,
                                        .episode = {.leg = text,
                                                    .muscle = text,
                                                    .severity = text,
                                                    .end_reason = text},
                                        .relief = relief,
                                        .warning = text,
                                        .signal = text,
                                        .battery = -1,
                                        .battery_hours = (double)NAN,
                                };
                                struct alert_facts facts = {};
                                struct notice_content content;

                                alert_facts_take(&facts, &event);
                                for (int phase = ALERT_LASTS; phase <= ALERT_OVER; phase++)
                                        for (int note = NOTE_NONE; note <= NOTE_FAILED; note++) {
                                                facts.phase = (enum alert_phase)phase;
                                                facts.note = (enum alert_note)note;
                                                wording_alert(&facts, &content);
                                                check(&content);
                                        }
                                wording_warning(&event, &content);
                                check(&content);
                                wording_lost(text, 0, 0, &content);
                                check(&content);
                                wording_hide(&content, false);
                                check(&content);
                                free(text);
                        }
}

static void test_advice(void **state) {
        char *text = long_text("ä", 9000, 1);
        struct crampd_advice_item items[5] = {};
        struct crampd_advice advice = {.items = items, .n_items = 5, .complete = true};
        struct notice_content content;

        for (size_t i = 0; i < 5; i++)
                items[i] = (struct crampd_advice_item){.title = text, .text = text, .red_flag = i == 0};
        wording_advice(&advice, &content);
        check(&content);
        assert_int_equal(content.body[0], '!');
        /* What crampd is not stands at the end, however long the rest was. */
        assert_non_null(strstr(content.body, "no medical device"));
        assert_null(strstr(content.body, "may be missing"));
        advice.complete = false;
        wording_advice(&advice, &content);
        check(&content);
        assert_non_null(strstr(content.body, "may be missing"));
        assert_non_null(strstr(content.body, "no medical device"));
        advice.n_items = 0;
        wording_advice(&advice, &content);
        assert_non_null(strstr(content.body, "no advice"));
        wording_advice(NULL, &content);
        assert_non_null(strstr(content.body, "does not answer"));
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hours),
                cmocka_unit_test(test_any_length),
                cmocka_unit_test(test_advice),
        };

        (void)setenv("TZ", "UTC", 1);
        (void)unsetenv("LC_ALL");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
