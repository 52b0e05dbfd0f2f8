/* SPDX-License-Identifier: MIT */
/* Changes of sensors' rows that wait for the store: how many, of whom. The store and the bus around them
 * are stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/sensor-change.h"
#include "daemon/bus/settings.h"

#define CHANGES_PER_USER 8u
#define SENSORS 12u

/* --- stand-ins --- */

static struct crampd crampd;
static struct bus bus;
static struct sensor sensors[SENSORS];
static struct sensor *called; /* that the next call is about */
static struct {
        store_done_func done;
        void *userdata;
} waiting[64];
static size_t n_waiting, n_answered;
static unsigned applied;

int sensor_object_get(struct bus *of, sd_bus_message *message, sd_bus_message_handler_t handler,
                      sd_bus_error *error, struct sensor **ret, uid_t *ret_uid) {
        *ret = called;
        return 1;
}

struct sensor *sensor_find(struct crampd *of, const char *id) {
        for (size_t i = 0; i < SENSORS; i++)
                if (strcmp(sensors[i].row.id, id) == 0)
                        return &sensors[i];
        return NULL;
}

int store_get_error(const struct store *store) {
        return 0;
}

int store_put_sensor(struct store *store, const struct store_sensor *sensor, store_done_func done,
                     void *userdata) {
        assert_true(n_waiting < ARRAY_LENGTH(waiting));
        waiting[n_waiting].done = done;
        waiting[n_waiting++].userdata = userdata;
        return 0;
}

void sensor_apply(struct sensor *sensor, const struct store_sensor *row) {
        sensor->row = *row;
        applied++;
}

struct sensor *sensor_free(struct sensor *sensor, const char *end_reason) {
        return NULL;
}

int settings_read(sd_bus_message *message, struct store_sensor *row, struct settings_extra *extra,
                  sd_bus_error *error) {
        return 0;
}

int error_set_store(sd_bus_error *error, int r) {
        return r;
}

int64_t crampd_now_us(void) {
        return 0;
}

/* --- the cases --- */

static int setup(void **state) {
        memset(sensors, 0, sizeof(sensors));
        n_waiting = n_answered = applied = 0;
        bus.crampd = &crampd;
        TAILQ_INIT(&bus.changing);
        for (size_t i = 0; i < SENSORS; i++) {
                (void)snprintf(sensors[i].row.id, sizeof(sensors[i].row.id), "%016zx", i);
                sensors[i].row.owner_uid = 1000;
                sensors[i].row.removed_us = STORE_NO_TIME;
        }
        return 0;
}

static void answer_all(void) {
        for (; n_answered < n_waiting; n_answered++) /* more may come */
                waiting[n_answered].done(0, waiting[n_answered].userdata);
        assert_true(TAILQ_EMPTY(&bus.changing));
}

static int change(size_t i, sd_bus_error *error) {
        called = &sensors[i];
        return method_pause(NULL, &bus, error);
}

static void test_waiting_changes_are_limited_per_user(void **state) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        sensors[SENSORS - 1].row.owner_uid = 1001;
        /* Over several sensors, of which some wait for the one before. */
        for (size_t i = 0; i < CHANGES_PER_USER; i++)
                assert_int_equal(change(i / 2, &error), 1);
        assert_int_equal(n_waiting, CHANGES_PER_USER / 2);
        assert_true(change(CHANGES_PER_USER, &error) < 0);
        assert_true(sd_bus_error_has_name(&error, ERROR_LIMIT_REACHED));
        sd_bus_error_free(&error);
        assert_int_equal(change(SENSORS - 1, &error), 1);

        answer_all();
        assert_int_equal(applied, CHANGES_PER_USER + 1);
        assert_int_equal(change(CHANGES_PER_USER, &error), 1);
        answer_all();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_waiting_changes_are_limited_per_user, setup),
        };

        return cmocka_run_group_tests_name("sensor-change", tests, NULL, NULL);
}
