/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: what it sets, and that each mistake is told with its line and a remedy.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "daemon/config-file.h"

#define FILE_NAME "/etc/x.conf"

static unsigned fail_at; /* the allocation that fails, counted from 1; 0 = none */

static bool fails(void) {
        return fail_at > 0 && --fail_at == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) {
        return fails() ? NULL : __real_malloc(size);
}

char *__wrap_strdup(const char *text) {
        return fails() ? NULL : __real_strdup(text);
}

static int parse(const char *text, struct options *options, char **error) {
        *options = (struct options){.log_level = LOG_INFO};
        return config_parse(text, strlen(text), FILE_NAME, options, error);
}

static void test_all_keys(void **state) {
        struct options options;
        char *error;

        assert_int_equal(parse("# a remark\n"
                               "; another\r\n"
                               "\n"
                               "[General]\r\n"
                               " LogLevel = warning\t\r\n"
                               "StateDirectory=/var/lib/x y\n"
                               "[Bluetooth]\n"
                               "Adapters=hci1  hci12\n"
                               "[VirtualSensor]\n"
                               "File=/a,speed=2.edf\n"
                               "Speed=2.5\n"
                               "Rate=1000\n"
                               "Owner=4711\n"
                               "Muscle=soleus\n"
                               "Leg=right\n"
                               "Name=left = calf\n"
                               "[VirtualSensor]\n"
                               "File=/b",
                               &options, &error),
                         0);
        assert_null(error);
        assert_int_equal(options.log_level, LOG_WARNING);
        assert_string_equal(options.state_dir, "/var/lib/x y");
        assert_int_equal(options.n_adapters, 2);
        assert_string_equal(options.adapters[0], "hci1");
        assert_string_equal(options.adapters[1], "hci12");
        assert_int_equal(options.n_virtuals, 2);
        assert_string_equal(options.virtuals[0].path, "/a,speed=2.edf");
        assert_true(options.virtuals[0].speed > 2.49 && options.virtuals[0].speed < 2.51);
        assert_int_equal(options.virtuals[0].csv_rate_hz, 1000);
        assert_int_equal(options.virtuals[0].owner_uid, 4711);
        assert_string_equal(options.virtuals[0].muscle, "soleus");
        assert_string_equal(options.virtuals[0].leg, "right");
        assert_string_equal(options.virtuals[0].name, "left = calf");
        assert_string_equal(options.virtuals[1].path, "/b");
        assert_string_equal(options.virtuals[1].name, "virtual");
        assert_int_equal(options.virtuals[1].owner_uid, getuid());
        options_done(&options);
}

static void test_nothing(void **state) {
        static const char *const texts[] = {"", "\n", "#x", "[General]", "[Bluetooth]\n\n# x\n"};

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                struct options options;
                char *error;

                assert_int_equal(parse(texts[i], &options, &error), 0);
                assert_int_equal(options.log_level, LOG_INFO);
                assert_int_equal(options.n_adapters + options.n_virtuals, 0);
                assert_null(options.state_dir);
                options_done(&options);
        }
}

static void test_mistakes(void **state) {
        static const struct {
                const char *text;
                unsigned line;
                const char *said;
        } cases[] = {
                {"LogLevel=info", 1, "before the first section; write [General]"},
                {"[general]", 1, "there are [General], [Bluetooth] and [VirtualSensor]"},
                {"[General", 1, "is no section"},
                {"[General]\nLoglevel=info", 2,
                 "there is no key 'Loglevel' in [General]; it knows LogLevel"},
                {"[General]\n\nLogLevel=debug", 3, "must be error, warning or info"},
                {"[General]\nLogLevel", 2, "is no KEY=VALUE; begin a remark with '#'"},
                {"[General]\nLogLevel=", 2, "has no value"},
                {"[General]\nStateDirectory=x", 2, "must begin with '/'"},
                {"[General]\nLogLevel=in\x1b"
                 "fo",
                 2, "control character"},
                {"[Bluetooth]\nAdapters=hci0,hci1", 2, "with spaces between them"},
                {"[Bluetooth]\nAdapters=hci", 2, "there is no adapter 'hci'"},
                {"[Bluetooth]\nAdapters=hci0 hci1 hci2 hci3 hci4 hci5 hci6 hci7 hci8", 2, "more than 8"},
                {"[Bluetooth]\nAdapter=hci0", 2, "it knows Adapters"},
                {"[VirtualSensor]\nSpeed=1\n[General]", 1, "has no File"},
                {"\n[VirtualSensor]\nSpeed=1", 2, "has no File"},
                {"[VirtualSensor]\nFile=night.edf", 2, "must begin with '/'"},
                {"[VirtualSensor]\nFile=/x\nSpeed=0", 3, "speed must be a number above 0"},
                {"[VirtualSensor]\nFile=/x\nRate=100", 3, "200 to 2000"},
                {"[VirtualSensor]\nFile=/x\nOwner=no such user", 3, "user name or a uid"},
                {"[VirtualSensor]\nFile=/x\nMuscle=calf", 3, "crampctl muscles"},
                {"[VirtualSensor]\nFile=/x\nLeg=both", 3, "left or right"},
                {"[VirtualSensor]\nFile=/x\nName=\xff", 3, "UTF-8"},
                {"[VirtualSensor]\nFile=/x\nspeed=1", 3, "it knows File, Speed"},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                struct options options;
                char place[64], *error;

                (void)snprintf(place, sizeof(place), FILE_NAME ":%u: ", cases[i].line);
                assert_int_equal(parse(cases[i].text, &options, &error), -EBADMSG);
                if (strncmp(error, place, strlen(place)) != 0 || !strstr(error, cases[i].said))
                        fail_msg("'%s' instead of '%s...%s'", error, place, cases[i].said);
                free(error);
                options_done(&options);
        }
}

static void test_too_many_sensors(void **state) {
        char text[2048] = "";
        struct options options;
        char *error;

        for (unsigned i = 0; i <= VIRTUAL_SENSORS_MAX; i++)
                (void)strcat(text, "[VirtualSensor]\nFile=/x\n");
        assert_int_equal(parse(text, &options, &error), -EBADMSG);
        assert_non_null(strstr(error, FILE_NAME ":33: there are more than 16 virtual sensors"));
        free(error);
        options_done(&options);
}

static void test_zero_byte(void **state) {
        static const char text[] = "[General]\0\n";
        struct options options = {0};
        char *error;

        assert_int_equal(config_parse(text, sizeof(text) - 1, FILE_NAME, &options, &error), -EBADMSG);
        assert_non_null(strstr(error, "zero byte"));
        free(error);
}

static void test_memory(void **state) {
        static const char text[] = "[General]\nStateDirectory=/x\n[Bluetooth]\nAdapters=hci0\n"
                                   "[VirtualSensor]\nFile=/x\nName=y\nFile=/z\n";
        unsigned n = 0;
        int r;

        do {
                struct options options;
                char *error;

                fail_at = ++n;
                r = parse(text, &options, &error);
                assert_true(r == 0 || r == -ENOMEM);
                assert_null(error);
                options_done(&options);
        } while (r < 0);
        /* The text, the directory, the adapters, the sensor's first name, and three values. */
        assert_int_equal(n, 7 + 1);
        fail_at = 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_keys),  cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_too_many_sensors),
                cmocka_unit_test(test_zero_byte), cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
