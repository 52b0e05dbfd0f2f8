/* SPDX-License-Identifier: MIT */
/* crampctl's texts: numbers, widths, columns, times in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

static void test_numbers(void **state) {
        static const struct {
                double value;
                int decimals;
                const char *text;
        } cases[] = {
                {0, 2, "0"},
                {-0.0, 2, "0"},
                {-0.001, 2, "0"},
                {100, 0, "100"},
                {100, 2, "100"},
                {1.5, 2, "1.5"},
                {1.005, 3, "1.005"},
                {-2.25, 2, "-2.25"},
                {0.999, 2, "1"},
                {NAN, 2, ""},
                {INFINITY, 2, ""},
                {-INFINITY, 2, ""},
                {1e14, 1, "100000000000000"},
                {1e300, 2, "1.000000000000000e+300"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                char text[TEXT_NUMBER_SIZE];

                text_number(cases[i].value, cases[i].decimals, text);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_widths(void **state) {
        assert_string_equal(setlocale(LC_CTYPE, "C.UTF-8"), "C.UTF-8");
        assert_true(text_is_utf8());
        assert_int_equal(text_width(""), 0);
        assert_int_equal(text_width(NULL), 0);
        assert_int_equal(text_width("abc"), 3);
        assert_int_equal(text_width("Wädli"), 5);
        assert_int_equal(text_width("左脚"), 4);
        assert_int_equal(text_width("e\u0301"), 1);
        assert_int_equal(text_width("\x1b[1m\xc2\x9b"), 5);
        /* Broken UTF-8 costs a cell for each byte and is not read beyond its end. */
        assert_int_equal(text_width("\xe5\xb7"), 2);
        assert_int_equal(text_width("a\xff"), 2);

        (void)setlocale(LC_CTYPE, "C");
        assert_false(text_is_utf8());
        assert_int_equal(text_width("Wädli"), 5);
}

static void assert_written(void (*write)(FILE *file), const char *expected) {
        char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);

        assert_non_null(file);
        write(file);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(text, expected);
        free(text);
}

static void write_controls(FILE *file) {
        text_write(file, "a\tb\n\x7f\xc2\x9b\x1b[0m é\xc2");
        text_write(file, NULL);
        /* To some terminals 0x9b alone is the beginning of a sequence. */
        text_write(file, " \x9b\x33\x31m \xc0\x9bm");
        /* What turns the direction or ends a line; other marks stay. */
        text_write(file, " \xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8 \xe2\x80\x94\xe2\x80");
}

static void test_controls(void **state) {
        assert_written(write_controls, "a?b????[0m é? ?31m ??m ??? \xe2\x80\x94??");
}

static void test_times(void **state) {
        static const struct {
                int64_t time_us;
                int offset_s;
                const char *iso;
                const char *people;
        } cases[] = {
                {0, 0, "1970-01-01T00:00:00.000+00:00", "1970-01-01 00:00:00"},
                {-1, 0, "1969-12-31T23:59:59.999+00:00", "1969-12-31 23:59:59"},
                {1795396445250999, 3600, "2026-11-23T02:14:05.250+01:00", "2026-11-23 02:14:05"},
                {1795396445250999, -12600, "2026-11-22T21:44:05.250-03:30", "2026-11-22 21:44:05"},
                /* Amsterdam before 1937: the instant stays right, with whole minutes. */
                {-1, 1172, "1970-01-01T00:18:59.999+00:19", "1970-01-01 00:19:31"},
                {-1, -1172, "1969-12-31T23:40:59.999-00:19", "1969-12-31 23:40:27"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                char text[TIMESTAMP_SIZE];
                int64_t back_us = 0;

                timestamp_format_iso(cases[i].time_us, cases[i].offset_s, text);
                assert_string_equal(text, cases[i].iso);
                assert_int_equal(timestamp_parse(text, 0, &back_us), 0);
                assert_true(cases[i].time_us - back_us >= 0 && cases[i].time_us - back_us < 1000);
                timestamp_format_people(cases[i].time_us, cases[i].offset_s, text);
                assert_string_equal(text, cases[i].people);
        }
}

static void test_reading_times(void **state) {
        const int64_t midnight_us = INT64_C(1795392000000000); /* 2026-11-23T00:00Z */
        const int64_t now_us = midnight_us + INT64_C(3600000001), hour_us = INT64_C(3600000000);
        const struct {
                const char *text;
                int64_t time_us;
        } cases[] = {
                {"2026-11-23", midnight_us},
                {"2026-11-23T01:02", midnight_us + INT64_C(3720000000)},
                {"2026-11-23 01:02:03", midnight_us + INT64_C(3723000000)},
                {"2026-11-23T01:02:03.5", midnight_us + INT64_C(3723500000)},
                {"2026-11-23T01:02:03.1234567", midnight_us + INT64_C(3723123456)},
                {"2026-11-23T01:02:03Z", midnight_us + INT64_C(3723000000)},
                {"2026-11-23T01:02:03.25+01:00", midnight_us + INT64_C(123250000)},
                {"2026-11-23T00:00+0100", midnight_us - hour_us},
                {"2026-11-23T00:00+01", midnight_us - hour_us},
                {"2026-11-23T00:00-03:30", midnight_us + hour_us * 7 / 2},
                {"1969-12-31T23:59:59", -1000000},
                {"2024-02-29", INT64_C(1709164800000000)},
                {"2000-02-29", INT64_C(951782400000000)},
                /* The last time that it was so. */
                {"00:59", midnight_us + INT64_C(3540000000)},
                {"01:00:00", midnight_us + hour_us},
                {"01:00:01", midnight_us - 24 * hour_us + INT64_C(3601000000)},
                {"03:40", midnight_us - 24 * hour_us + INT64_C(13200000000)},
                {"03:40:05.25", midnight_us - 24 * hour_us + INT64_C(13205250000)},
                {"now", now_us},
                {"today", midnight_us},
                {"yesterday", midnight_us - 24 * hour_us},
                {"-30m", now_us - hour_us / 2},
                {"-12h", now_us - 12 * hour_us},
                {"-600000h", now_us - 600000 * hour_us},
                {"-999999h", now_us - 999999 * hour_us},
                {"-999999m", now_us - 999999 * hour_us / 60},
                /* Days are counted on the calendar, in whole seconds. */
                {"-7d", now_us - 1 - 7 * 24 * hour_us},
                {"-2w", now_us - 1 - 14 * 24 * hour_us},
                {"-0d", now_us - 1},
        };

        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                int64_t time_us = 0;

                if (timestamp_parse(cases[i].text, now_us, &time_us) != 0)
                        fail_msg("'%s' is not understood", cases[i].text);
                assert_true(time_us == cases[i].time_us);
        }
        assert_int_equal(unsetenv("TZ"), 0);
        tzset();
}

static void test_times_that_nobody_understands(void **state) {
        static const char *const cases[] = {
                "",
                " ",
                "tomorrow",
                "Today",
                "2026",
                "2026-11",
                "2026-13-01",
                "2026-00-01",
                "2026-11-00",
                "2026-11-31",
                "2026-02-29",
                "1900-02-29",
                "0000-01-01",
                "2026-1-1",
                "2026/11/23",
                "20261123",
                "2026-11-23T",
                "2026-11-23 ",
                "2026-11-23T2:14",
                "2026-11-23T24:00",
                "2026-11-23T02:60",
                "2026-11-23T02:14:60",
                "2026-11-23T02:14:",
                "2026-11-23T02:14:05.",
                "2026-11-23T02:14:05,5",
                "2026-11-23T02:14+1",
                "2026-11-23T02:14+24:00",
                "2026-11-23T02:14+01:60",
                "2026-11-23T02:14+01:",
                "2026-11-23T02:14Zx",
                "2026-11-23T02:14 Z",
                "2026-11-23Z",
                "3:40",
                "03:60",
                "24:00",
                "03:40Z",
                "03:40:",
                "-",
                "-7",
                "-d",
                "-7x",
                "-7dd",
                "- 7d",
                "--7d",
                "+7d",
                "-9999999d",
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                int64_t time_us = 42;

                if (timestamp_parse(cases[i], 0, &time_us) != -EINVAL)
                        fail_msg("'%s' is taken for a time", cases[i]);
                assert_true(time_us == 42);
        }
}

/* A day that has 23 hours: "seven days before" is the same time on the clock. */
static void test_days_over_a_change_of_time(void **state) {
        const int64_t monday_us = INT64_C(1774857600000000); /* 2026-03-30T10:00+02:00 */
        int64_t time_us = 0;

        assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
        tzset();
        assert_int_equal(timestamp_parse("-7d", monday_us, &time_us), 0);
        assert_true(time_us == monday_us - (7 * 24 - 1) * INT64_C(3600000000));
        assert_int_equal(timestamp_parse("yesterday", monday_us, &time_us), 0);
        assert_true(time_us == INT64_C(1774738800000000)); /* 2026-03-29T00:00+01:00 */
        assert_int_equal(timestamp_local_offset(monday_us), 7200);
        /* 11:00 was 22 hours ago on the day before, when the day had 23. */
        assert_int_equal(timestamp_parse("11:00", INT64_C(1774771200000000), &time_us), 0);
        assert_true(time_us == INT64_C(1774692000000000));
        assert_int_equal(unsetenv("TZ"), 0);
        tzset();
}

/* Known pieces are translated, between them nothing is lost. */
static void test_sentences_in_pieces(void **state) {
        static const struct {
                const char *english, *german;
        } cases[] = {
                {"", ""},
                {": ", ": "},
                {"link lost", "Verbindung verloren"},
                {"link lost, trying again in 0.5 s", "Verbindung verloren, neuer Versuch in 0,5 s"},
                {"link lost, trying again in a while", "Verbindung verloren, trying again in a while"},
                {"link lost twice", "link lost twice"},
                {"could not connect: br-x; it is paired, which harms with this sensor: bluetoothctl "
                 "remove ADDRESS, trying again in 64 s",
                 "keine Verbindung: br-x; er ist gekoppelt, was bei diesem Sensor schadet: bluetoothctl "
                 "remove ADDRESS, neuer Versuch in 64 s"},
                {"There is no such episode.", "Diese Episode gibt es nicht."},
                /* With figures and names in them. */
                {"Option 'limit' must be 1 to 250.", "Die Option „limit“ muss 1 bis 250 sein."},
                {"Option 'limit' must be 1 to many.", "Option 'limit' must be 1 to many."},
                {"Option 'limit' must be 1 to 250. Really.", "Option 'limit' must be 1 to 250. Really."},
                {"Option 'rate_hz' must be 0 to 0.5.", "Die Option „rate_hz“ muss 0 bis 0,5 sein."},
                {"There are 16 sensors of this user, or 128 in all; remove one first.",
                 "Es gibt schon 16 Sensoren dieses Benutzers oder 128 insgesamt; entfernen Sie zuerst "
                 "einen."},
                {"Option 'a' must be of type 's', not 'a{sv}'.",
                 "Die Option „a“ muss vom Typ „s“ sein, nicht „a{sv}“."},
                {"the sensor's id is longer than 1024 bytes",
                 "die Kennung des Sensors ist länger als 1024 Byte"},
                {"The database cannot be used now: disk is full.",
                 "Die Datenbank kann jetzt nicht benutzt werden: disk is full."},
                {"crampd sent a pain of -2 out of 10",
                 "crampd hat einen Schmerz von -2 aus 10 gesendet"},
                {"crampd sent no ''", "crampd hat kein „“ gesendet"},
                {"crampd sent no '%s%n'", "crampd hat kein „%s%n“ gesendet"},
        };
        char much[5000];

        assert_int_equal(words_choose("de"), 0);
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
                assert_string_equal(words_of_sentence(cases[i].english).text, cases[i].german);
        assert_string_equal(words_of_sentence(NULL).text, "");
        memset(much, 'x', sizeof(much));
        much[sizeof(much) - 1] = 0;
        memcpy(much + sizeof(((struct words_sentence *)NULL)->text) - 2, "\xc3\xa4", 2);
        assert_int_equal(strlen(words_of_sentence(much).text),
                         sizeof(((struct words_sentence *)NULL)->text) - 2);
        assert_int_equal(words_choose("en"), 0);
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
                assert_string_equal(words_of_sentence(cases[i].english).text, cases[i].english);
}

static void write_table(FILE *file) {
        static const struct column columns[] = {{"NAME", false}, {"N", true}, {"LAST", false}};
        struct table *table = table_new(columns, 3);

        assert_non_null(table);
        for (int i = 1; i <= 100; i += 99) {
                table_cell(table, "n%d", i);
                table_cell(table, "%d", i);
                table_cell(table, "x");
        }
        assert_int_equal(table_rows(table), 2);
        assert_int_equal(table_print(table, file, true), 0);
        assert_int_equal(table_print(table, file, false), 0);
        assert_null(table_free(table));
        assert_null(table_free(NULL));
}

static void test_table(void **state) {
        assert_written(write_table,
                       "NAME    N  LAST\nn1      1  x\nn100  100  x\nn1      1  x\nn100  100  x\n");
}

static void test_durations(void **state) {
        static const struct {
                int64_t onset_us;
                int64_t end_us;
                const char *text;
        } cases[] = {
                {0, 0, "0:00"},
                {0, 65999999, "1:05"},
                {0, INT64_C(3723000000), "1:02:03"},
                {0, CRAMPD_NO_TIME, "-"},
                {1, 0, "-"},
                {INT64_MIN + 1, INT64_MAX, "5124095576:01:49"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                const struct crampd_episode episode = {.onset_us = cases[i].onset_us,
                                                       .end_us = cases[i].end_us};
                char text[EPISODE_DURATION_SIZE];

                episode_format_duration(&episode, text);
                assert_string_equal(text, cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_widths),
                cmocka_unit_test(test_controls),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_reading_times),
                cmocka_unit_test(test_times_that_nobody_understands),
                cmocka_unit_test(test_sentences_in_pieces),
                cmocka_unit_test(test_days_over_a_change_of_time),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_durations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
