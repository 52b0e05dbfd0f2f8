/* SPDX-License-Identifier: MIT */
/* Twins on a BlueZ adapter: see twin-sensor.h. */
#include "sensors/virtual/twin-sensor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "sensors/virtual/faults.h"
#include "sensors/virtual/peripheral.h"
#include "sensors/virtual/resampler.h"
#include "sensors/virtual/twin.h"

/* Short against the packets of all families. */
#define TURN_US 4000u
#define LINE_MAX_SIZE 128u
#define QUEUE_MAX 64u
/* For a reader of the last packets. */
#define QUEUE_PATIENCE_US UINT64_C(1000000)

struct twin_sensor {
        sd_event *event;
        struct player *player;
        struct resampler resampler;
        struct twin twin;
        struct faults faults;
        struct peripheral *peripheral;
        int fds[GATT_CHARACTERISTICS_MAX]; /* the peripheral's; -1 without a subscriber */

        sd_event_source *timer; /* on while a stream runs */
        bool streaming;
        uint64_t start_us; /* CLOCK_MONOTONIC */
        uint64_t frames;   /* made since */
        bool dropped_link;
        uint64_t packets, dropped;

        struct twin_packet queue[QUEUE_MAX]; /* while a stream runs */
        size_t queue_first, queue_count;
        int last_fd; /* that the latest packet went into, or -1 */

        struct twin_packet answers[TWIN_OUT_MAX]; /* that are slow */
        size_t answer_count;
        sd_event_source *answer_timer;

        sd_event_source *input;
        char line[LINE_MAX_SIZE];
        size_t line_size;
};

DEFINE_CLEANUP(struct twin_sensor *, twin_sensor_free)

static uint64_t now_get(const struct twin_sensor *sensor) {
        uint64_t now_us = 0;

        (void)sd_event_now(sensor->event, CLOCK_MONOTONIC, &now_us);
        return now_us;
}

static void totals_print(const struct twin_sensor *sensor, const char *what) {
        const struct fault_totals *totals = &sensor->faults.totals;

        (void)printf("%s packets=%" PRIu64 " frames=%" PRIu64 " dropped=%" PRIu64 " lost=%" PRIu64
                     " duplicated=%" PRIu64 " malformed=%" PRIu64 " silenced=%" PRIu64 "\n",
                     what, sensor->packets, totals->frames, sensor->dropped, totals->lost,
                     totals->duplicated, totals->malformed, totals->silenced);
        (void)fflush(stdout);
}

/* Nobody waits for a slow reader: what the socket does not take is dropped. */
static void packet_send(struct twin_sensor *sensor, const struct twin_packet *packet) {
        int fd = packet->characteristic == TWIN_ADVERT ? -1 : sensor->fds[packet->characteristic];

        if (packet->characteristic == TWIN_ADVERT) {
                if (peripheral_advertise(sensor->peripheral, packet->bytes, packet->size) < 0)
                        sensor->dropped++;
                else
                        sensor->packets++;
                return;
        }
        if (fd < 0)
                return;
        if (send(fd, packet->bytes, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                sensor->dropped++;
        else
                sensor->packets++;
}

/* bluetoothd has a socket per characteristic and reads them in an order of its own; a sensor sends in
 * the order of time. So the next socket has to wait until the last one is read. */
static void queue_flush(struct twin_sensor *sensor) {
        while (sensor->queue_count > 0) {
                const struct twin_packet *packet = &sensor->queue[sensor->queue_first];
                int fd =
                        packet->characteristic == TWIN_ADVERT ? -1 : sensor->fds[packet->characteristic];
                int unread = 0;

                if (fd >= 0 && sensor->last_fd >= 0 && fd != sensor->last_fd &&
                    ioctl(sensor->last_fd, SIOCOUTQ, &unread) == 0 && unread > 0)
                        return;
                packet_send(sensor, packet);
                if (fd >= 0)
                        sensor->last_fd = fd;
                sensor->queue_first = (sensor->queue_first + 1) % QUEUE_MAX;
                sensor->queue_count--;
        }
}

static void packet_queue(struct twin_sensor *sensor, const struct twin_packet *packet) {
        if (sensor->queue_count == QUEUE_MAX) {
                sensor->dropped++;
                return;
        }
        sensor->queue[(sensor->queue_first + sensor->queue_count) % QUEUE_MAX] = *packet;
        sensor->queue_count++;
        queue_flush(sensor);
}

static void packets_flush(struct twin_sensor *sensor) {
        struct twin *twin = &sensor->twin;

        for (size_t i = 0; i < twin->out_count; i++) {
                unsigned times = faults_apply(&sensor->faults, twin, &twin->out[i],
                                              now_get(sensor) - sensor->start_us);

                while (times-- > 0)
                        if (sensor->streaming)
                                packet_queue(sensor, &twin->out[i]);
                        else
                                packet_send(sensor, &twin->out[i]);
        }
        twin->out_count = 0;
}

static int on_answers_due(sd_event_source *source, uint64_t due_us, void *userdata) {
        struct twin_sensor *sensor = userdata;

        for (size_t i = 0; i < sensor->answer_count; i++)
                packet_send(sensor, &sensor->answers[i]);
        sensor->answer_count = 0;
        return 0;
}

/* What a write brought, at once or late. */
static void answers_flush(struct twin_sensor *sensor) {
        struct twin *twin = &sensor->twin;

        if (sensor->faults.slow_answers_ms == 0) {
                packets_flush(sensor);
                return;
        }
        for (size_t i = 0; i < twin->out_count && sensor->answer_count < TWIN_OUT_MAX; i++)
                sensor->answers[sensor->answer_count++] = twin->out[i];
        twin->out_count = 0;
        sensor->answer_timer = sd_event_source_disable_unref(sensor->answer_timer);
        (void)sd_event_add_time_relative(sensor->event, &sensor->answer_timer, CLOCK_MONOTONIC,
                                         sensor->faults.slow_answers_ms * UINT64_C(1000), 1,
                                         on_answers_due, sensor);
}

static void stream_end(struct twin_sensor *sensor, const char *what) {
        sensor->streaming = false;
        sensor->queue_count = 0;
        twin_run(&sensor->twin, false);
        (void)sd_event_source_set_enabled(sensor->timer, SD_EVENT_OFF);
        totals_print(sensor, what);
}

static void stream_begin(struct twin_sensor *sensor) {
        struct recording_error error = {};

        sensor->start_us = now_get(sensor);
        sensor->frames = 0;
        sensor->last_fd = -1;
        sensor->packets = 0;
        sensor->dropped = 0;
        sensor->faults.totals = (struct fault_totals){};
        if (resampler_start(&sensor->resampler, sensor->player, sensor->twin.form.rate_mhz,
                            sensor->twin.form.envelope_s, &error) < 0) {
                (void)fprintf(stderr, "leg-sensor: %s\n", error.text);
                twin_run(&sensor->twin, false);
                return;
        }
        sensor->streaming = true;
        (void)sd_event_source_set_time(sensor->timer, sensor->start_us);
        (void)sd_event_source_set_enabled(sensor->timer, SD_EVENT_ONESHOT);
        (void)printf("STARTED\n");
        (void)fflush(stdout);
}

/* After anything that may have started or stopped the twin. */
static void stream_check(struct twin_sensor *sensor) {
        if (sensor->twin.running && !sensor->streaming)
                stream_begin(sensor);
        else if (!sensor->twin.running && sensor->streaming)
                stream_end(sensor, "STOPPED");
}

/* Returns as resampler_next(). */
static int frame_play(struct twin_sensor *sensor, struct recording_error *error) {
        struct twin *twin = &sensor->twin;
        int32_t counts[TWIN_CHANNELS_MAX];
        struct resampled resampled;
        int r;

        r = resampler_next(&sensor->resampler, &resampled, error);
        if (r <= 0)
                return r;
        for (uint32_t i = 0; i < twin->form.channels; i++) {
                /* A sensor of envelopes has one pair of electrodes. */
                size_t from = twin->form.envelopes ? 0 : i % sensor->resampler.channels;
                bool is_envelope = twin->form.envelopes >> i & 1;

                counts[i] = twin_count(twin, is_envelope ? resampled.envelope_uv[from]
                                                         : resampled.raw_uv[from]);
        }
        twin_frame(twin, counts);
        packets_flush(sensor);
        sensor->frames++;
        return 1;
}

static void faults_check(struct twin_sensor *sensor, uint64_t since_start_us) {
        struct faults *faults = &sensor->faults;

        if (faults->drop_after_us == 0 || since_start_us < faults->drop_after_us || sensor->dropped_link)
                return;
        sensor->dropped_link = true;
        (void)peripheral_disconnect(sensor->peripheral);
}

/* When the last frame so far was due, since the start. */
static uint64_t due_end_us(const struct twin_sensor *sensor) {
        return sensor->frames * UINT64_C(1000000000) / sensor->twin.form.rate_mhz;
}

static int on_turn(sd_event_source *source, uint64_t due_us, void *userdata) {
        struct twin_sensor *sensor = userdata;
        uint64_t now_us = now_get(sensor), since_start_us = now_us - sensor->start_us;
        uint64_t due = since_start_us * sensor->twin.form.rate_mhz / 1000000000;
        struct recording_error error = {};
        int r = 1;

        while (r > 0 && sensor->frames < due)
                r = frame_play(sensor, &error);
        if (r < 0)
                (void)fprintf(stderr, "leg-sensor: %s\n", error.text);
        queue_flush(sensor);
        if (r == 0 && sensor->queue_count > 0 &&
            since_start_us < due_end_us(sensor) + QUEUE_PATIENCE_US) {
                (void)sd_event_source_set_time(source, now_us + TURN_US);
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        }
        if (r <= 0) {
                sensor->dropped += sensor->queue_count;
                stream_end(sensor, r < 0 ? "STOPPED" : "FINISHED");
                return 0;
        }
        faults_check(sensor, since_start_us);
        (void)sd_event_source_set_time(source, now_us + TURN_US);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void on_ready(const char *address, void *userdata) {
        struct twin_sensor *sensor = userdata;

        (void)printf("READY address %s\n", address);
        (void)fflush(stdout);
        if (!sensor->twin.family->is_heard)
                return;
        twin_run(&sensor->twin, true);
        stream_check(sensor);
}

static size_t on_read(unsigned characteristic, uint8_t value[static GATT_VALUE_MAX], void *userdata) {
        const struct twin_sensor *sensor = userdata;

        return twin_read(&sensor->twin, characteristic, value);
}

static void on_subscribed(unsigned characteristic, int fd, uint16_t mtu, void *userdata) {
        struct twin_sensor *sensor = userdata;

        sensor->fds[characteristic] = fd;
        twin_subscribed(&sensor->twin, characteristic, true);
        if (sensor->faults.early && !sensor->twin.running)
                twin_run(&sensor->twin, true);
        stream_check(sensor);
}

static void on_unsubscribed(unsigned characteristic, void *userdata) {
        struct twin_sensor *sensor = userdata;
        bool left = false;

        if (sensor->last_fd == sensor->fds[characteristic])
                sensor->last_fd = -1;
        sensor->fds[characteristic] = -1;
        twin_subscribed(&sensor->twin, characteristic, false);
        for (size_t i = 0; i < GATT_CHARACTERISTICS_MAX; i++)
                left = left || sensor->fds[i] >= 0;
        if (!left && !sensor->twin.family->is_heard) /* the link is gone, or as good as that */
                twin_run(&sensor->twin, false);
        stream_check(sensor);
}

static int on_write(unsigned characteristic, const uint8_t *value, size_t size, uint16_t mtu,
                    void *userdata) {
        struct twin_sensor *sensor = userdata;
        int r = twin_write(&sensor->twin, characteristic, value, size);

        answers_flush(sensor);
        stream_check(sensor);
        return r;
}

static void on_link_lost(void *userdata) {
        struct twin_sensor *sensor = userdata;

        if (!sensor->twin.family->is_heard)
                twin_run(&sensor->twin, false);
        stream_check(sensor);
}

static void on_failed(const char *text, void *userdata) {
        struct twin_sensor *sensor = userdata;

        (void)fprintf(stderr, "leg-sensor: %s\n", text);
        (void)sd_event_exit(sensor->event, EX_UNAVAILABLE);
}

static void battery_update(struct twin_sensor *sensor) {
        if (sensor->faults.battery_percent >= 0)
                sensor->twin.battery_percent = (uint8_t)sensor->faults.battery_percent;
}

static void line_obey(struct twin_sensor *sensor, char *line) {
        char *value = line, *name = strsep(&value, " ");
        char *end;
        double seconds;

        if (strcmp(name, "drop") == 0) {
                (void)peripheral_disconnect(sensor->peripheral);
        } else if (strcmp(name, "silence") == 0 && value && (seconds = strtod(value, &end)) > 0 &&
                   seconds < 1e6 && !*end) {
                sensor->faults.silence_after_us = now_get(sensor) - sensor->start_us;
                sensor->faults.silence_us = (uint64_t)(seconds * 1e6);
        } else if (faults_set(&sensor->faults, name, value) < 0) {
                (void)fprintf(stderr, "leg-sensor: %s: not understood, see --help\n", name);
        }
        battery_update(sensor);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct twin_sensor *sensor = userdata;
        ssize_t n = read(fd, sensor->line + sensor->line_size, LINE_MAX_SIZE - 1 - sensor->line_size);
        char *end;

        if (n <= 0) {
                if (n == 0 || errno != EINTR)
                        sensor->input = sd_event_source_disable_unref(sensor->input);
                return 0;
        }
        sensor->line_size += (size_t)n;
        sensor->line[sensor->line_size] = '\0';
        while ((end = strchr(sensor->line, '\n'))) {
                *end = '\0';
                line_obey(sensor, sensor->line);
                sensor->line_size -= (size_t)(end + 1 - sensor->line);
                memmove(sensor->line, end + 1, sensor->line_size + 1);
        }
        if (sensor->line_size == LINE_MAX_SIZE - 1) /* no line is so long */
                sensor->line_size = 0;
        return 0;
}

static int twin_choose(struct twin_sensor *sensor, const struct sensor_options *options,
                       char **ret_error) {
        int r = twin_init(&sensor->twin, options->family, options->variant);

        if (r < 0) {
                if (asprintf(ret_error, "no such %s: see --help",
                             r == -ENOENT ? "family" : "variant of this family") < 0)
                        *ret_error = NULL;
                return r;
        }
        faults_init(&sensor->faults, options->seed);
        r = options->faults ? faults_parse(&sensor->faults, options->faults) : 0;
        if (r < 0)
                *ret_error = strdup("--fault: not understood, see --help");
        battery_update(sensor);
        return r;
}

static int sources_add(struct twin_sensor *sensor) {
        int r;

        r = sd_event_add_time(sensor->event, &sensor->timer, CLOCK_MONOTONIC, 0, 1, on_turn, sensor);
        if (r >= 0)
                r = sd_event_source_set_enabled(sensor->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_io(sensor->event, &sensor->input, STDIN_FILENO, EPOLLIN, on_input, sensor);
        /* A file or /dev/null cannot be waited for, and says nothing. */
        return r == -EPERM || r == -EBADF ? 0 : r;
}

int twin_sensor_new(sd_event *event, const struct sensor_options *options, struct player *player,
                    struct twin_sensor **ret, char **ret_error) {
        static const struct peripheral_callbacks callbacks = {
                .ready = on_ready,
                .read = on_read,
                .subscribed = on_subscribed,
                .unsubscribed = on_unsubscribed,
                .write = on_write,
                .link_lost = on_link_lost,
                .failed = on_failed,
        };
        _cleanup_(twin_sensor_freep) struct twin_sensor *sensor = NULL;
        const struct twin_family *family;
        struct peripheral_setup setup;
        int r;

        *ret_error = NULL;
        sensor = calloc(1, sizeof(*sensor));
        if (!sensor)
                return -ENOMEM;
        sensor->event = event;
        sensor->player = player;
        for (size_t i = 0; i < GATT_CHARACTERISTICS_MAX; i++)
                sensor->fds[i] = -1;
        r = twin_choose(sensor, options, ret_error);
        if (r >= 0)
                r = sources_add(sensor);
        if (r < 0)
                return r;

        family = sensor->twin.family;
        setup = (struct peripheral_setup){
                .adapter = options->adapter,
                .characteristics = family->characteristics,
                .advert = {.name = options->name ? options->name : sensor->twin.variant->local_name,
                           .services = family->advertised,
                           .data = family->advert_data,
                           .size = family->advert_size},
        };
        r = peripheral_new(event, &setup, &callbacks, sensor, &sensor->peripheral, ret_error);
        if (r < 0)
                return r;
        *ret = steal_pointer(&sensor);
        return 0;
}

struct twin_sensor *twin_sensor_free(struct twin_sensor *sensor) {
        if (!sensor)
                return NULL;
        peripheral_free(sensor->peripheral);
        sd_event_source_disable_unref(sensor->timer);
        sd_event_source_disable_unref(sensor->answer_timer);
        sd_event_source_disable_unref(sensor->input);
        free(sensor);
        return NULL;
}
