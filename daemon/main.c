/* SPDX-License-Identifier: MIT */
/*
 * crampd's life: set-up in order (virtual sensors fork first, then loop, bus, store), the stored
 * sensors, the name on the bus, readiness, and an end that loses nothing. All that follows runs on one
 * sd-event loop.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/basic/log.h"
#include "daemon/basic/priority.h"
#include "daemon/basic/text.h"
#include "daemon/bus/bus.h"
#include "daemon/bus/connection.h"
#include "daemon/bus/guidance-call.h"
#include "daemon/crampd.h"
#include "daemon/livestream.h"
#include "daemon/options.h"
#include "daemon/public-id.h"
#include "daemon/recorder.h"
#include "daemon/sensor.h"

#define STORE_CLOSE_LIMIT_US (UINT64_C(10) * 1000000)
#define ASK_AGAIN_US (UINT64_C(5) * 1000000)

/* --- start --- */

static void start_replays(struct crampd *crampd) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors) {
                int r = sensor->replay ? sensor_start_replay(sensor) : 0;

                if (r < 0)
                        log_error("The virtual sensor %s cannot start: %s.", sensor->row.id,
                                  strerror(-r));
        }
}

static void end_loop(struct crampd *crampd, int code) {
        bus_detach(crampd->bus);
        (void)sd_bus_detach_event(crampd->bluez_bus);
        (void)sd_event_exit(crampd->event, code);
}

void crampd_name_acquired(struct crampd *crampd, int error) {
        if (error < 0) {
                end_loop(crampd, EX_UNAVAILABLE);
                return;
        }
        if (crampd->ready)
                return;
        crampd->ready = true;
        (void)sd_notify(/* unset_environment= */ false, "READY=1");
        log_info("Sensors watched: %u.", crampd->n_sensors);
        start_replays(crampd);
}

void crampd_bus_lost(struct crampd *crampd, int error) {
        log_error("The system bus is gone: %s. crampd ends, to be started again with it.",
                  strerror(-error));
        end_loop(crampd, EX_UNAVAILABLE);
}

static void request_name(struct crampd *crampd) {
        int r;

        if (crampd->name_asked)
                return;
        crampd->name_asked = true;
        r = bus_request_name(crampd->bus);
        if (r < 0) {
                log_error("The bus cannot be asked for a name: %s.", strerror(-r));
                crampd_name_acquired(crampd, r);
        }
}

static void adopt_stored_sensor(struct crampd *crampd, const struct store_sensor *row) {
        struct sensor *sensor;
        int r;

        if (sensor_find(crampd, row->id))
                return;
        if (strcmp(row->address, STORE_VIRTUAL_ADDRESS) == 0) {
                /* Left by a daemon that was killed. */
                struct store_sensor removed = *row;

                removed.removed_us = crampd_now_us();
                (void)store_put_sensor(crampd->store, &removed, NULL, NULL);
                return;
        }
        r = sensor_new_linked(crampd, row, &sensor);
        if (r < 0)
                log_error("The stored sensor %s cannot be used: %s.", row->id, strerror(-r));
}

static void ask_again_soon(struct crampd *crampd);

static void on_stored_sensors(int error, const struct store_sensor *sensors, size_t n, void *userdata) {
        struct crampd *crampd = userdata;

        if (error == -ECANCELED)
                return;
        if (error < 0) {
                log_error("The stored sensors cannot be read: %s. They are asked for again.",
                          strerror(-error));
                ask_again_soon(crampd);
        }
        for (size_t i = 0; i < n; i++)
                adopt_stored_sensor(crampd, &sensors[i]);
        /* Only now, so that a client that finds the name finds the sensors. */
        request_name(crampd);
}

static void ask_for_sensors(struct crampd *crampd) {
        int r = store_list_sensors(crampd->store, on_stored_sensors, crampd);

        crampd->sensors_asked = true;
        if (r < 0) {
                log_error("The stored sensors cannot be asked for: %s.", strerror(-r));
                ask_again_soon(crampd);
                request_name(crampd);
        }
}

static int on_ask_again(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct crampd *crampd = userdata;

        crampd->ask_again = sd_event_source_disable_unref(crampd->ask_again);
        ask_for_sensors(crampd);
        return 0;
}

static void ask_again_soon(struct crampd *crampd) {
        int r = sd_event_add_time_relative(crampd->event, &crampd->ask_again, CLOCK_BOOTTIME,
                                           ASK_AGAIN_US,
                                           /* accuracy= */ 0, on_ask_again, crampd);

        if (r < 0)
                log_error("A timer cannot be set: %s. The stored sensors are not watched.",
                          strerror(-r));
}

static void on_store_health(int error, const char *text, void *userdata) {
        struct crampd *crampd = userdata;

        text_copy(crampd->store_text, sizeof(crampd->store_text), error < 0 ? text : "ok");
        if (error < 0)
                log_error("Store: %s", text);
        else
                log_info("Store: %s", text);

        if (error >= 0 && !crampd->sensors_asked)
                ask_for_sensors(crampd);
        if (!crampd->sensors_asked)
                request_name(crampd); /* alerts do not need a disk */
}

/* --- virtual sensors --- */

struct replays {
        struct replay *all[VIRTUAL_SENSORS_MAX];
        unsigned n;
};

static int fork_replays(const struct options *options, struct replays *replays) {
        for (unsigned i = 0; i < options->n_virtuals; i++) {
                const struct virtual_option *option = &options->virtuals[i];
                _cleanup_(freep) char *error = NULL;
                int r;

                r = replay_new(&(struct replay_setup){.path = option->path,
                                                      .speed = option->speed,
                                                      .csv_rate_hz = option->csv_rate_hz},
                               &replays->all[i], &error);
                if (r < 0) {
                        log_error("crampd: --virtual: %s", error ?: strerror(-r));
                        return r;
                }
                replays->n++;
                if (replay_get_notice(replays->all[i]))
                        log_warning("crampd: --virtual: %s", replay_get_notice(replays->all[i]));
        }
        return 0;
}

static void free_replays(struct replays *replays) {
        for (unsigned i = 0; i < replays->n; i++)
                replay_free(replays->all[i]);
}

static int add_replay(struct crampd *crampd, const struct virtual_option *option,
                      struct replay **replay) {
        struct store_sensor row = {
                .owner_uid = option->owner_uid,
                .address = STORE_VIRTUAL_ADDRESS,
                .driver = "crampd",
                .added_us = crampd_now_us(),
                .removed_us = STORE_NO_TIME,
        };
        struct sensor *sensor;
        int r;

        public_id_new(row.id);
        row.zone_offset_s = zone_offset_s(row.added_us);
        (void)snprintf(row.name, sizeof(row.name), "%s", option->name);
        (void)snprintf(row.muscle, sizeof(row.muscle), "%s", option->muscle);
        (void)snprintf(row.leg, sizeof(row.leg), "%s", option->leg);

        r = store_put_sensor(crampd->store, &row, NULL, NULL);
        if (r < 0)
                return r;
        r = sensor_new_replayed(crampd, &row, *replay, &sensor);
        if (r < 0)
                return r;
        *replay = NULL;
        return 0;
}

/* --- life
 * ----------------------------------------------------------------------------------------------------
 */

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct crampd *crampd = userdata;

        (void)sd_notify(/* unset_environment= */ false, "STOPPING=1");
        end_loop(crampd, EX_OK);
        return 0;
}

static int set_up_loop(struct crampd *crampd) {
        sigset_t stop;
        int r;

        (void)sigemptyset(&stop);
        (void)sigaddset(&stop, SIGTERM);
        (void)sigaddset(&stop, SIGINT);
        if (sigprocmask(SIG_BLOCK, &stop, NULL) < 0)
                return -errno;

        r = sd_event_default(&crampd->event);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(crampd->event, true);
        if (r >= 0)
                r = sd_event_add_signal(crampd->event, NULL, SIGTERM, on_stop_signal, crampd);
        if (r >= 0)
                r = sd_event_add_signal(crampd->event, NULL, SIGINT, on_stop_signal, crampd);
        return r < 0 ? r : 0;
}

static int set_up(struct crampd *crampd, const struct options *options, struct replays *replays) {
        _cleanup_(freep) char *database = NULL;
        int r;

        r = set_up_loop(crampd);
        if (r < 0) {
                log_error("The event loop cannot be made: %s.", strerror(-r));
                return r;
        }

        r = livestream_new(&crampd->livestream);
        if (r < 0)
                return r;
        r = bus_new(crampd, &crampd->bus);
        if (r < 0) {
                log_error("The system bus cannot be reached: %s. Is DBUS_SYSTEM_BUS_ADDRESS right, and "
                          "dbus running?",
                          strerror(-r));
                return r;
        }
        r = connection_new(crampd, "bluez", PRIORITY_SENSORS, &crampd->bluez_bus);
        if (r >= 0)
                r = bluez_new(crampd->bluez_bus, &crampd->bluez);
        if (r < 0) {
                log_error("BlueZ cannot be watched: %s.", strerror(-r));
                return r;
        }
        for (unsigned i = 0; i < options->n_adapters; i++) {
                r = bluez_use_adapter(crampd->bluez, options->adapters[i]);
                if (r < 0)
                        return r;
        }

        if (asprintf(&database, "%s/crampd.db", options->state_dir) < 0) {
                database = NULL;
                return -ENOMEM;
        }
        r = store_open(database, crampd->event, on_store_health, crampd, &crampd->store);
        if (r < 0) {
                log_error("The store's thread cannot be started: %s.", strerror(-r));
                return r;
        }

        r = recorder_new(crampd, &crampd->recorder);
        if (r < 0)
                return r;

        for (unsigned i = 0; i < replays->n; i++) {
                r = add_replay(crampd, &options->virtuals[i], &replays->all[i]);
                if (r < 0) {
                        log_error("A virtual sensor cannot be added: %s.", strerror(-r));
                        return r;
                }
        }
        return 0;
}

/* Virtual sensors end with the daemon; their episodes stay. */
static void remove_virtual(struct crampd *crampd, const struct sensor *sensor) {
        struct store_sensor row = sensor->row;

        if (!sensor->replay)
                return;
        row.removed_us = crampd_now_us();
        (void)store_put_sensor(crampd->store, &row, NULL, NULL);
}

static void tear_down(struct crampd *crampd) {
        crampd->stopping = true;
        crampd->ask_again = sd_event_source_disable_unref(crampd->ask_again);
        while (!LIST_EMPTY(&crampd->sensors)) {
                struct sensor *sensor = LIST_FIRST(&crampd->sensors);

                remove_virtual(crampd, sensor);
                sensor_free(sensor, "stopped");
        }
        if (crampd->bus)
                guidance_stop(crampd->bus);
        crampd->recorder = recorder_free(crampd->recorder);
        crampd->store = store_close(crampd->store, STORE_CLOSE_LIMIT_US);
        crampd->livestream = livestream_free(crampd->livestream);
        if (crampd->bus)
                bus_detach(crampd->bus);
        crampd->bluez = bluez_free(crampd->bluez);
        if (crampd->bluez_bus)
                (void)sd_bus_detach_event(crampd->bluez_bus);
        crampd->bluez_bus = connection_free(crampd->bluez_bus);
        crampd->bus = bus_free(crampd->bus);
        crampd->event = sd_event_unref(crampd->event);
}

static int run(const struct options *options, struct replays *replays) {
        struct crampd crampd = {.sensors = LIST_HEAD_INITIALIZER(crampd.sensors),
                                .store_text = "opening"};
        int r;

        crampd.started_us = crampd_now_us();
        r = set_up(&crampd, options, replays);
        if (r >= 0)
                r = sd_event_loop(crampd.event);
        else
                r = EX_UNAVAILABLE;
        if (r < 0)
                log_error("The event loop failed: %s.", strerror(-r));
        tear_down(&crampd);
        return r < 0 ? EX_OSERR : r;
}

static int exit_code_of_options(int r) {
        switch (r) {
        case 0:
                return EX_OK;
        case -EBADMSG:
                return EX_CONFIG;
        case -ENOENT:
                return EX_NOINPUT;
        case -ENOMEM:
                return EX_OSERR;
        default:
                return EX_USAGE;
        }
}

int main(int argc, char *argv[]) {
        struct options options;
        struct replays replays = {0};
        int r;

        (void)umask(0077);
        tzset();
        r = options_parse(&options, argc, argv, CRAMPD_CONFIG);
        if (r > 0) {
                log_set_level(options.log_level);
                r = fork_replays(&options, &replays);
                if (r >= 0)
                        r = run(&options, &replays);
                else
                        r = r == -EBADMSG ? EX_DATAERR : EX_NOINPUT;
                free_replays(&replays);
        } else
                r = exit_code_of_options(r);
        options_done(&options);
        return r;
}
