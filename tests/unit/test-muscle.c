/* SPDX-License-Identifier: MIT */
/* The closed lists of names: muscles, legs, source states, drivers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sensors/address.h"
#include "sensors/muscle.h"
#include "sensors/open-profile.h"
#include "sensors/source.h"

/* On the bus and in databases: these never change. */
static void names_are_fixed(void **state) {
        static const char *const muscles[] = {
                "unspecified", "gastrocnemius",     "gastrocnemius-medialis", "gastrocnemius-lateralis",
                "soleus",      "tibialis-anterior", "peroneus-longus",        "foot",
                "quadriceps",  "hamstrings",
        };
        static const char *const legs[] = {"unspecified", "left", "right"};

        for (unsigned i = 0; i < MUSCLE_MAX; i++) {
                assert_string_equal(muscle_to_string(i), muscles[i]);
                assert_int_equal(muscle_from_string(muscles[i]), i);
        }
        for (unsigned i = 0; i < LEG_MAX; i++) {
                assert_string_equal(leg_to_string(i), legs[i]);
                assert_int_equal(leg_from_string(legs[i]), i);
        }
}

static void others_are_refused(void **state) {
        assert_null(muscle_to_string(MUSCLE_MAX));
        assert_null(muscle_to_string(UINT32_MAX));
        assert_null(leg_to_string(LEG_MAX));
        assert_int_equal(muscle_from_string("calf"), -EINVAL);
        assert_int_equal(muscle_from_string(""), -EINVAL);
        assert_int_equal(muscle_from_string("Soleus"), -EINVAL);
        assert_int_equal(leg_from_string("middle"), -EINVAL);
}

static void states_have_names(void **state) {
        for (unsigned i = 0; i < SOURCE_STATE_MAX; i++) {
                const char *name = source_state_to_string(i);

                assert_non_null(name);
                for (unsigned other = 0; other < i; other++)
                        assert_string_not_equal(name, source_state_to_string(other));
        }
        assert_string_equal(source_state_to_string(SOURCE_STREAMING), "streaming");
        assert_null(source_state_to_string(SOURCE_STATE_MAX));
}

static void drivers_are_found(void **state) {
        assert_ptr_equal(sensor_driver_find("crampd"), &open_profile_driver);
        assert_null(sensor_driver_find("cramp"));
        assert_null(sensor_driver_find(""));
        for (const struct sensor_driver *const *driver = sensor_drivers; *driver; driver++)
                assert_ptr_equal(sensor_driver_find((*driver)->name), *driver);
}

static void test_addresses(void **state) {
        static const char *const bad[] = {"",
                                          "AA:BB:CC:DD:EE",
                                          "AA:BB:CC:DD:EE:FG",
                                          "AA:BB:CC:DD:EE:FF:00",
                                          "AA-BB-CC-DD-EE-FF",
                                          "AA:BB:CC:DD:EE:F",
                                          "AABBCCDDEEFF00112",
                                          ":::::::::::::::::"};
        char address[ADDRESS_SIZE] = "untouched";

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(address_parse(bad[i], address), -EINVAL);
        assert_string_equal(address, "untouched");
        assert_int_equal(address_parse("aA:bb:0C:d9:Ee:fF", address), 0);
        assert_string_equal(address, "AA:BB:0C:D9:EE:FF");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),     cmocka_unit_test(names_are_fixed),
                cmocka_unit_test(others_are_refused), cmocka_unit_test(states_have_names),
                cmocka_unit_test(drivers_are_found),
        };

        return cmocka_run_group_tests_name("muscle", tests, NULL, NULL);
}
