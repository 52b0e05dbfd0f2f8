/* SPDX-License-Identifier: MIT */
/*
 * Runs links to sensors without the rest of the daemon, for tests/bus/test-link.py:
 *
 *     link-harness [NAME=MILLISECONDS ...] [failures=N] DRIVER ADDRESS [ADDRESS ...]
 *
 * DRIVER is one of the registry, or "probe": the open profile with everything that a driver may have
 * beside it (keep-alive, pauses, optional steps). NAME is a member of struct link_timings without its
 * unit. The first N calls to the bus's daemon, and the first N to bluetoothd, cannot be sent. What the
 * links report is printed as one JSON object a line; commands come as lines on standard input: "add N"
 * and "free N" (a link, by its place on the command line), "pause N", "resume N", "allow N", "forbid N",
 * "owner N UID" (before "add N"), "scale N MICROVOLTS", "identify N", "counters", "health". Links that
 * "pause N" names before "add N" begin paused. The end of input ends it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "sensors/bluez/link.h"
#include "sensors/bluez/objects.h"
#include "sensors/open-profile.h"

#define LINKS_MAX 16
#define BLOCKS_A_LINE 20u

static struct link_timings timings;

static const struct {
        const char *name;
        size_t offset;
} timing_names[] = {
        {"backoff_first", offsetof(struct link_timings, backoff_first_us)},
        {"backoff_max", offsetof(struct link_timings, backoff_max_us)},
        {"backoff_reset", offsetof(struct link_timings, backoff_reset_us)},
        {"patience_first", offsetof(struct link_timings, patience_first_us)},
        {"patience_max", offsetof(struct link_timings, patience_max_us)},
        {"connect", offsetof(struct link_timings, connect_us)},
        {"connect_unheard", offsetof(struct link_timings, connect_unheard_us)},
        {"connected", offsetof(struct link_timings, connected_us)},
        {"resolve", offsetof(struct link_timings, resolve_us)},
        {"pair", offsetof(struct link_timings, pair_us)},
        {"start", offsetof(struct link_timings, start_us)},
        {"silence", offsetof(struct link_timings, silence_us)},
        {"resubscribe_pause", offsetof(struct link_timings, resubscribe_pause_us)},
        {"resubscribe", offsetof(struct link_timings, resubscribe_us)},
        {"forbidden", offsetof(struct link_timings, forbidden_us)},
        {"drop", offsetof(struct link_timings, drop_us)},
        {"deaf", offsetof(struct link_timings, deaf_us)},
        {"hear", offsetof(struct link_timings, hear_us)},
        {"retry", offsetof(struct link_timings, retry_us)},
};

#define PROBE_MISSING_UUID "f8f20009-a632-49da-84cb-1dc2575eee38"
#define PROBE_PAUSE_MS 100u
#define PROBE_KEEP_ALIVE_MS 200u

static const uint8_t probe_on[] = {0xa1}, probe_off[] = {0xa0}, probe_alive[] = {0xaa};
static const uint8_t probe_start_value[] = {OPEN_PROFILE_START},
                     probe_stop_value[] = {OPEN_PROFILE_STOP};

static const char *const probe_notifying[] = {OPEN_PROFILE_SAMPLES_UUID, PROBE_MISSING_UUID, NULL};

static const struct sensor_step probe_start[] = {
        {SENSOR_STEP_READ, .uuid = OPEN_PROFILE_DESCRIPTION_UUID},
        {SENSOR_STEP_READ, .uuid = PROBE_MISSING_UUID, .optional = true},
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_SUBSCRIBE, .source = 1, .optional = true},
        {SENSOR_STEP_WRITE, .uuid = PROBE_MISSING_UUID, .value = probe_on, .size = 1, .optional = true},
        {SENSOR_STEP_PAUSE, .limit_ms = PROBE_PAUSE_MS},
        {SENSOR_STEP_COMMAND, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = probe_start_value, .size = 1},
        {SENSOR_STEP_END},
};

static const struct sensor_step probe_stop[] = {
        {SENSOR_STEP_WRITE, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = probe_stop_value, .size = 1},
        {SENSOR_STEP_PAUSE, .limit_ms = PROBE_PAUSE_MS},
        {SENSOR_STEP_COMMAND, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = probe_off, .size = 1},
        {SENSOR_STEP_END},
};

static const struct sensor_step probe_identify[] = {
        {SENSOR_STEP_WRITE, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = probe_on, .size = 1},
        {SENSOR_STEP_PAUSE, .limit_ms = PROBE_PAUSE_MS},
        {SENSOR_STEP_WRITE, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = probe_off, .size = 1},
        {SENSOR_STEP_END},
};

static const struct sensor_step probe_keep_alive[] = {
        {SENSOR_STEP_COMMAND, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = probe_alive, .size = 1},
        {SENSOR_STEP_END},
};

static int probe_answer(struct sensor_decoder *decoder, unsigned step, const uint8_t *value,
                        size_t size) {
        return step == 0 ? open_profile_driver.answer(decoder, step, value, size) : (int)step + 1;
}

/* Packets of three bytes, and adverts of four, tell the battery with their last. There is one decoder.
 */
static struct sensor_extras probe_extras;

static int probe_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                        size_t size, struct emg_block *ret) {
        if (size != (source == SENSOR_SOURCE_ADVERT ? 4 : 3))
                return open_profile_driver.decode(decoder, source, packet, size, ret);
        probe_extras.revision += packet[size - 1] != probe_extras.battery_percent;
        probe_extras.battery_percent = packet[size - 1];
        return 0;
}

static const struct sensor_extras *probe_get_extras(const struct sensor_decoder *decoder) {
        return &probe_extras;
}

static int probe_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        printf("{\"event\": \"begin\", \"name\": \"%s\"}\n", settings->name);
        return open_profile_driver.begin(decoder, settings);
}

static struct sensor_driver probe_make(const char *name) {
        struct sensor_driver probe = open_profile_driver;

        probe.name = name;
        probe.notifying = probe_notifying;
        probe.start = probe_start;
        probe.stop = probe_stop;
        probe.identify = probe_identify;
        probe.keep_alive = probe_keep_alive;
        probe.keep_alive_ms = PROBE_KEEP_ALIVE_MS;
        probe.answer = probe_answer;
        probe.begin = probe_begin;
        probe.decode = probe_decode;
        probe.extras = probe_get_extras;
        probe.battery = SENSOR_BATTERY_EXTRAS;
        probe.pairing = SENSOR_PAIRING_NEVER;
        probe.mtu_min = 60;
        probe.buzzes = strcmp(name, "probe-buzzing") == 0;
        return probe;
}

static unsigned failures, failures_of_bus;

int __wrap_sd_bus_call_async(sd_bus *bus, sd_bus_slot **slot, sd_bus_message *m,
                             sd_bus_message_handler_t callback, void *userdata, uint64_t usec);
int __real_sd_bus_call_async(sd_bus *bus, sd_bus_slot **slot, sd_bus_message *m,
                             sd_bus_message_handler_t callback, void *userdata, uint64_t usec);
int __wrap_sd_bus_call_method_async(sd_bus *bus, sd_bus_slot **slot, const char *destination,
                                    const char *path, const char *interface, const char *member,
                                    sd_bus_message_handler_t callback, void *userdata, const char *types,
                                    ...);

int __wrap_sd_bus_call_async(sd_bus *bus, sd_bus_slot **slot, sd_bus_message *m,
                             sd_bus_message_handler_t callback, void *userdata, uint64_t usec) {
        if (failures > 0) {
                failures--;
                return -ENOBUFS;
        }
        return __real_sd_bus_call_async(bus, slot, m, callback, userdata, usec);
}

int __wrap_sd_bus_call_method_async(sd_bus *bus, sd_bus_slot **slot, const char *destination,
                                    const char *path, const char *interface, const char *member,
                                    sd_bus_message_handler_t callback, void *userdata, const char *types,
                                    ...) {
        va_list arguments;
        int r;

        if (failures_of_bus > 0) {
                failures_of_bus--;
                return -ENOBUFS;
        }
        va_start(arguments, types);
        r = sd_bus_call_method_asyncv(bus, slot, destination, path, interface, member, callback,
                                      userdata, types, arguments);
        va_end(arguments);
        return r;
}

struct sensor {
        unsigned number;
        const char *address;
        struct link *link;
        bool paused, allow_broadcast;
        uint32_t owner;
        struct sensor_settings settings;
        uint64_t blocks, frames, lost;
};

struct harness {
        sd_event *event;
        struct bluez *bluez;
        const struct sensor_driver *driver;
        struct sensor sensors[LINKS_MAX];
        unsigned n_sensors;
};

/* The reasons hold no character that JSON wants escaped; the test's parser would say so. */
static void on_state(enum source_state state, const char *reason, void *userdata) {
        const struct sensor *sensor = userdata;

        printf("{\"event\": \"state\", \"sensor\": %u, \"state\": \"%s\", \"reason\": \"%s\"}\n",
               sensor->number, source_state_to_string(state), reason);
}

static void on_format(const struct stream_format *format, int64_t start_us, void *userdata) {
        const struct sensor *sensor = userdata;

        printf("{\"event\": \"format\", \"sensor\": %u, \"rate_mhz\": %" PRIu32
               ", \"channels\": %" PRIu32 ", \"start_us\": %" PRId64 "}\n",
               sensor->number, format->rate_mhz, format->channels, start_us);
}

static void on_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct sensor *sensor = userdata;

        sensor->blocks++;
        sensor->frames += block->frames;
        sensor->lost += block->lost_packets;
        if (sensor->blocks % BLOCKS_A_LINE == 1)
                printf("{\"event\": \"blocks\", \"sensor\": %u, \"blocks\": %" PRIu64
                       ", \"frames\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"index\": %" PRIu64
                       ", \"arrival_us\": %" PRIu64 "}\n",
                       sensor->number, sensor->blocks, sensor->frames, sensor->lost, block->index,
                       arrival_us);
}

static void on_stopped(const char *reason, void *userdata) {
        const struct sensor *sensor = userdata;

        printf("{\"event\": \"stopped\", \"sensor\": %u, \"reason\": \"%s\"}\n", sensor->number, reason);
}

static void on_battery(unsigned percent, void *userdata) {
        const struct sensor *sensor = userdata;

        printf("{\"event\": \"battery\", \"sensor\": %u, \"percent\": %u}\n", sensor->number, percent);
}

static void on_extras(const struct sensor_extras *extras, void *userdata) {
        const struct sensor *sensor = userdata;

        printf("{\"event\": \"extras\", \"sensor\": %u, \"percent\": %d, \"accelerations\": %" PRIu64
               "}\n",
               sensor->number, extras->battery_percent, extras->accelerations);
}

static int sensor_add(struct harness *harness, struct sensor *sensor) {
        static const struct source_callbacks callbacks = {
                .state = on_state,
                .format = on_format,
                .block = on_block,
                .stopped = on_stopped,
                .battery = on_battery,
                .extras = on_extras,
        };

        const struct link_setup setup = {
                .address = sensor->address,
                .owner = sensor->owner,
                .driver = harness->driver,
                .settings = sensor->settings,
                .allow_broadcast = sensor->allow_broadcast,
                .paused = sensor->paused,
                .callbacks = &callbacks,
                .userdata = sensor,
        };

        return link_new(harness->bluez, &setup, &sensor->link);
}

static void sensor_print_counters(const struct sensor *sensor) {
        struct link_counters counters;
        const char *reason;
        enum source_state state = link_get_state(sensor->link, &reason);

        link_get_counters(sensor->link, &counters);
        printf("{\"event\": \"counters\", \"sensor\": %u, \"state\": \"%s\", \"reason\": \"%s\", "
               "\"packets\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"malformed\": %" PRIu64
               ", \"frames\": %" PRIu64 ", \"connects\": %" PRIu64 "}\n",
               sensor->number, source_state_to_string(state), reason, counters.stream.packets,
               counters.stream.lost_packets, counters.stream.malformed_packets, counters.stream.frames,
               counters.connects);
        printf("{\"event\": \"link\", \"sensor\": %u, \"reconnects\": %" PRIu64
               ", \"gap_longest_us\": %" PRIu64 ", \"rssi_dbm\": %d}\n",
               sensor->number, counters.reconnects, counters.gap_longest_us, counters.rssi_dbm);
}

/* Returns whether it is one. */
static bool sensor_steer(struct harness *harness, const char *line) {
        struct sensor *sensor;
        char what[16];
        unsigned number;
        double value = 0;

        if (sscanf(line, "%15s %u %lf", what, &number, &value) < 2 || number >= harness->n_sensors)
                return false;
        sensor = &harness->sensors[number];
        if (strcmp(what, "pause") == 0 || strcmp(what, "resume") == 0) {
                sensor->paused = strcmp(what, "pause") == 0;
                if (sensor->link)
                        link_pause(sensor->link, sensor->paused);
        } else if (strcmp(what, "allow") == 0 || strcmp(what, "forbid") == 0) {
                sensor->allow_broadcast = strcmp(what, "allow") == 0;
                if (sensor->link)
                        link_set_allow_broadcast(sensor->link, sensor->allow_broadcast);
        } else if (strcmp(what, "owner") == 0) {
                sensor->owner = (uint32_t)value;
        } else if (strcmp(what, "scale") == 0) {
                sensor->settings.scale_uv = value;
                if (sensor->link)
                        link_set_settings(sensor->link, &sensor->settings);
        } else if (strcmp(what, "identify") == 0) {
                printf("{\"event\": \"identified\", \"sensor\": %u, \"error\": %d}\n", number,
                       -link_identify(sensor->link));
        } else
                return false;
        return true;
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct harness *harness = userdata;
        char line[64];
        unsigned number;

        if (!fgets(line, sizeof(line), stdin))
                return sd_event_exit(harness->event, 0);
        if (sscanf(line, "add %u", &number) == 1 && number < harness->n_sensors) {
                int r = sensor_add(harness, &harness->sensors[number]);

                printf("{\"event\": \"added\", \"sensor\": %u, \"error\": %d}\n", number, -r);
        } else if (sscanf(line, "free %u", &number) == 1 && number < harness->n_sensors) {
                harness->sensors[number].link = link_free(harness->sensors[number].link);
                printf("{\"event\": \"freed\", \"sensor\": %u}\n", number);
        } else if (strcmp(line, "counters\n") == 0) {
                for (unsigned i = 0; i < harness->n_sensors; i++)
                        if (harness->sensors[i].link)
                                sensor_print_counters(&harness->sensors[i]);
        } else if (strcmp(line, "health\n") == 0) {
                printf("{\"event\": \"health\", \"health\": \"%s\"}\n",
                       bluez_get_health(harness->bluez));
        } else if (!sensor_steer(harness, line))
                return sd_event_exit(harness->event, EXIT_FAILURE);
        return 0;
}

/* Returns whether it is "NAME=MILLISECONDS". */
static bool timing_read(const char *argument) {
        for (size_t i = 0; i < ARRAY_LENGTH(timing_names); i++) {
                size_t size = strlen(timing_names[i].name);
                uint64_t us;

                if (strncmp(argument, timing_names[i].name, size) != 0 || argument[size] != '=')
                        continue;
                us = strtoull(argument + size + 1, NULL, 10) * 1000;
                memcpy((char *)&timings + timing_names[i].offset, &us, sizeof(us));
                return true;
        }
        return false;
}

static int harness_run(struct harness *harness) {
        sd_bus *bus = NULL;
        int r;

        r = sd_event_default(&harness->event);
        if (r >= 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, harness->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = bluez_new(bus, &harness->bluez);
        if (r >= 0) {
                bluez_set_timings(harness->bluez, &timings);
                r = sd_event_add_io(harness->event, NULL, STDIN_FILENO, EPOLLIN, on_input, harness);
        }
        if (r >= 0) {
                printf("READY\n");
                r = sd_event_loop(harness->event);
        }

        for (unsigned i = 0; i < harness->n_sensors; i++)
                link_free(harness->sensors[i].link);
        bluez_free(harness->bluez);
        sd_bus_flush_close_unref(bus);
        sd_event_unref(harness->event);
        return r;
}

int main(int argc, char *argv[]) {
        static struct harness harness;
        static struct sensor_driver probe;
        int i = 1, r;

        timings = link_timings_default;
        while (i < argc && timing_read(argv[i]))
                i++;
        if (i < argc && sscanf(argv[i], "failures=%u", &failures) == 1) {
                failures_of_bus = failures;
                i++;
        }
        if (i < argc && strncmp(argv[i], "probe", strlen("probe")) == 0) {
                probe = probe_make(argv[i]);
                harness.driver = &probe;
        } else if (i < argc)
                harness.driver = sensor_driver_find(argv[i]);
        i++;
        if (!harness.driver || i >= argc || argc - i > LINKS_MAX) {
                fprintf(stderr, "usage: link-harness [NAME=MILLISECONDS ...] [failures=N] DRIVER "
                                "ADDRESS [ADDRESS ...]\n");
                return 64;
        }
        for (; i < argc; i++) {
                harness.sensors[harness.n_sensors].number = harness.n_sensors;
                harness.sensors[harness.n_sensors++].address = argv[i];
        }

        /* The test waits on lines; commands must not hide in a buffer while the loop waits on the
         * descriptor. */
        setvbuf(stdout, NULL, _IOLBF, 0);
        setvbuf(stdin, NULL, _IONBF, 0);
        r = harness_run(&harness);
        if (r < 0)
                fprintf(stderr, "link-harness: %s\n", strerror(-r));
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
