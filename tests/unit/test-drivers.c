/* SPDX-License-Identifier: MIT */
/*
 * What all drivers have in common: complete tables, adverts told apart, nonsense refused.
 */
#include "tests/unit/drivers-bench.h"

/* --- all of them --- */

static void every_driver_is_complete(void **state) {
        for (const struct sensor_driver *const *d = sensor_drivers; *d; d++) {
                const struct sensor_driver *driver = *d;
                unsigned sources = 0;

                assert_ptr_equal(sensor_driver_find(driver->name), driver);
                assert_true(strlen(driver->name) < 32 && strlen(driver->title) > 2);
                assert_non_null(driver->match);
                assert_non_null(driver->begin);
                assert_non_null(driver->format);
                assert_true(driver->packets_per_s > 0 && driver->packet_size > 0);
                assert_true(driver->from_adverts || (driver->service && driver->start));
                assert_true((driver->battery == SENSOR_BATTERY_EXTRAS) <= (driver->extras != NULL));
                assert_true(!driver->keep_alive == (driver->keep_alive_ms == 0));
                while (driver->notifying && driver->notifying[sources])
                        sources++;
                for (const struct sensor_step *s = driver->start; s && s->kind != SENSOR_STEP_END; s++) {
                        if (s->kind == SENSOR_STEP_SUBSCRIBE || s->kind == SENSOR_STEP_ASK)
                                assert_true(s->source < sources);
                        if (s->kind == SENSOR_STEP_WRITE || s->kind == SENSOR_STEP_ASK)
                                assert_true(s->uuid && s->value && s->size > 0);
                        if (s->kind == SENSOR_STEP_ASK || s->kind == SENSOR_STEP_PAUSE)
                                assert_true(s->limit_ms > 0);
                }
        }
}

static void every_driver_refuses_what_makes_no_sense(void **state) {
        static const uint8_t nothing[1] = {0}, much[600] = {0xa5};

        for (const struct sensor_driver *const *d = sensor_drivers; *d; d++) {
                struct bench bench = bench_new(*d, NULL);

                assert_int_equal(decode(&bench, 0, nothing, 0), -EBADMSG);
                assert_int_equal(decode(&bench, 0, much, sizeof(much)), -EBADMSG);
                assert_int_equal(decode(&bench, 100, much, 20), -EBADMSG);
                bench_free(&bench);
        }
}

static const struct sensor_driver *matched(const char *name, const char *service, size_t data_size,
                                           enum sensor_match *ret_match) {
        static const uint8_t data[32];
        const char *const services[] = {service, NULL};

        return sensor_driver_match(&(struct sensor_advert){.name = name,
                                                           .services = service ? services : NULL,
                                                           .company = data_size > 0 ? 0x1234 : -1,
                                                           .data = data,
                                                           .size = data_size},
                                   ret_match);
}

static void adverts_are_told_apart(void **state) {
        enum sensor_match match;

        assert_ptr_equal(matched("npg-lite-3CH:AA:BB", NULL, 0, &match), &npg_lite_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("uMyo-12", NULL, 13, &match), &umyo_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("gForceProX", "0000ffd0-0000-1000-8000-00805f9b34fb", 0, &match),
                         &gforce_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("gForceProX", NULL, 0, &match), &gforce_driver);
        assert_int_equal(match, SENSOR_MATCH_MAYBE);
        assert_ptr_equal(matched("Anna's", "d5060001-a904-deb9-4748-2c7f4a124842", 0, NULL),
                         &myo_driver);
        assert_ptr_equal(matched("Ganglion 1.3 (1a2b)", NULL, 0, NULL), &ganglion_driver);
        assert_ptr_equal(matched("BiTalino BLE", "c566488a-0882-4e1b-a6d0-0b717e652234", 0, &match),
                         &bitalino_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("ANR Corp M40", NULL, 0, NULL), &anr_m40_driver);
        assert_ptr_equal(matched("MyoWareSensor1", "EC3AF789-2154-49F4-A9FC-BC6C88E9E930", 0, NULL),
                         &myoware_driver);
        assert_ptr_equal(matched("MyoW1", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", 0, NULL),
                         &nordic_text_driver);
        /* Services that everybody uses prove nothing. */
        assert_null(matched("lamp", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", 0, NULL));
        assert_null(matched("lamp", "4fafc201-1fb5-459e-8fcc-c5c9c331914b", 0, NULL));
        assert_null(matched(NULL, NULL, 0, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_driver_is_complete),
                cmocka_unit_test(every_driver_refuses_what_makes_no_sense),
                cmocka_unit_test(adverts_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
