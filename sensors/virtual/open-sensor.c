/* SPDX-License-Identifier: MIT */
/* The open profile on a BlueZ adapter: see open-sensor.h. */
#include "sensors/virtual/open-sensor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "sensors/open-profile.h"
#include "sensors/virtual/peripheral.h"
#include "sensors/virtual/sender.h"

enum characteristic {
        SAMPLES,
        DESCRIPTION,
        CONTROL,
        MANUFACTURER,
        MODEL,
        FIRMWARE,
        BATTERY,
};

static const struct gatt_characteristic characteristics[] = {
        [SAMPLES] = {OPEN_PROFILE_SERVICE_UUID, OPEN_PROFILE_SAMPLES_UUID, GATT_NOTIFY},
        [DESCRIPTION] = {OPEN_PROFILE_SERVICE_UUID, OPEN_PROFILE_DESCRIPTION_UUID, GATT_READ},
        [CONTROL] = {OPEN_PROFILE_SERVICE_UUID, OPEN_PROFILE_CONTROL_UUID, GATT_WRITE},
        [MANUFACTURER] = {SIG_UUID("180a"), SIG_UUID("2a29"), GATT_READ},
        [MODEL] = {SIG_UUID("180a"), SIG_UUID("2a24"), GATT_READ},
        [FIRMWARE] = {SIG_UUID("180a"), SIG_UUID("2a26"), GATT_READ},
        [BATTERY] = {SIG_UUID("180f"), SIG_UUID("2a19"), GATT_READ},
        {},
};

static const char *const advertised[] = {OPEN_PROFILE_SERVICE_UUID, NULL};

struct open_sensor {
        const struct sensor_options *options;
        sd_event *event;
        struct player *player;
        struct sender *sender;
        struct peripheral *peripheral;
        uint8_t description[OPEN_PROFILE_DESCRIPTION_MAX];
        size_t description_size;

        int fd; /* the peripheral's, -1 without a subscriber */
        uint16_t mtu;
        bool started;
};

DEFINE_CLEANUP(struct open_sensor *, open_sensor_free)

static void totals_print(const char *what, const struct sender_totals *totals) {
        (void)printf("%s packets=%" PRIu64 " frames=%" PRIu64 " dropped=%" PRIu64 "\n", what,
                     totals->packets, totals->frames, totals->dropped);
        (void)fflush(stdout);
}

static void stream_stop(struct open_sensor *sensor) {
        if (!sensor->started)
                return;
        sensor->started = false;
        totals_print("STOPPED", sender_stop(sensor->sender));
}

static void on_ready(const char *address, void *userdata) {
        (void)printf("READY address %s\n", address);
        (void)fflush(stdout);
}

static size_t on_read(unsigned characteristic, uint8_t value[static GATT_VALUE_MAX], void *userdata) {
        static const char *const texts[] = {
                [MANUFACTURER] = "crampd",
                [MODEL] = "leg-sensor",
                [FIRMWARE] = CRAMPD_VERSION,
        };
        const struct open_sensor *sensor = userdata;

        switch (characteristic) {
        case DESCRIPTION:
                memcpy(value, sensor->description, sensor->description_size);
                return sensor->description_size;
        case BATTERY:
                value[0] = 100;
                return 1;
        default:
                memcpy(value, texts[characteristic], strlen(texts[characteristic]));
                return strlen(texts[characteristic]);
        }
}

static void on_subscribed(unsigned characteristic, int fd, uint16_t mtu, void *userdata) {
        struct open_sensor *sensor = userdata;

        sensor->fd = fd;
        sensor->mtu = mtu;
}

static void on_unsubscribed(unsigned characteristic, void *userdata) {
        struct open_sensor *sensor = userdata;

        stream_stop(sensor);
        sensor->fd = -1;
}

/* ATT_MTU - 3 may be sent, but bluetoothd cuts at ATT_MTU - 5 when the client takes several
 * notifications in one (bt_gatt_server_send_notification() in BlueZ 5.66): stay there as long as a frame
 * fits. */
static size_t packet_size_choose(const struct open_sensor *sensor, uint16_t mtu) {
        size_t size = sensor->options->packet_size;

        if (mtu < size + 5)
                size = mtu > 5 ? mtu - 5u : 0;
        if (open_profile_frames_fit(player_description(sensor->player), size) == 0)
                size = OPEN_PROFILE_PACKET_MIN;
        return size;
}

static int stream_start(struct open_sensor *sensor, uint16_t mtu) {
        struct recording_error error = {};
        int r;

        if (sensor->fd < 0 || sensor->started)
                return OPEN_PROFILE_ERROR_STATE;
        r = sender_start(sensor->sender, sensor->fd, packet_size_choose(sensor, mtu), &error);
        if (r < 0) {
                (void)fprintf(stderr, "leg-sensor: %s\n", error.text);
                return r;
        }
        (void)printf("STARTED\n");
        (void)fflush(stdout);
        sensor->started = true;
        return 0;
}

static int on_write(unsigned characteristic, const uint8_t *value, size_t size, uint16_t mtu,
                    void *userdata) {
        struct open_sensor *sensor = userdata;
        size_t expected = size > 0 && value[0] == OPEN_PROFILE_IDENTIFY ? 2 : 1;

        if (size > 0 && (value[0] < OPEN_PROFILE_START || value[0] > OPEN_PROFILE_IDENTIFY))
                return OPEN_PROFILE_ERROR_OPCODE;
        if (size != expected)
                return -EMSGSIZE;

        switch (value[0]) {
        case OPEN_PROFILE_START:
                return stream_start(sensor, mtu > 0 ? mtu : sensor->mtu);
        case OPEN_PROFILE_STOP:
                stream_stop(sensor);
                return 0;
        default:
                (void)printf("IDENTIFY seconds=%u\n", value[1]);
                (void)fflush(stdout);
                return 0;
        }
}

static void on_link_lost(void *userdata) {
        stream_stop(userdata);
}

static void on_failed(const char *text, void *userdata) {
        struct open_sensor *sensor = userdata;

        (void)fprintf(stderr, "leg-sensor: %s\n", text);
        (void)sd_event_exit(sensor->event, EX_UNAVAILABLE);
}

/* The packets have come to an end: a client may Start again. */
static void on_finished(const struct sender_totals *totals, const char *error, void *userdata) {
        struct open_sensor *sensor = userdata;

        if (error)
                (void)fprintf(stderr, "leg-sensor: %s\n", error);
        totals_print(error ? "STOPPED" : "FINISHED", totals);
        sensor->started = false;
}

int open_sensor_new(sd_event *event, const struct sensor_options *options, struct player *player,
                    struct open_sensor **ret, char **ret_error) {
        static const struct peripheral_callbacks callbacks = {
                .ready = on_ready,
                .read = on_read,
                .subscribed = on_subscribed,
                .unsubscribed = on_unsubscribed,
                .write = on_write,
                .link_lost = on_link_lost,
                .failed = on_failed,
        };
        const struct peripheral_setup setup = {
                .adapter = options->adapter,
                .characteristics = characteristics,
                .advert = {.name = options->name ? options->name : "leg-sensor", .services = advertised},
        };
        _cleanup_(open_sensor_freep) struct open_sensor *sensor = NULL;
        ssize_t size;
        int r;

        *ret_error = NULL;
        sensor = calloc(1, sizeof(*sensor));
        if (!sensor)
                return -ENOMEM;
        sensor->options = options;
        sensor->event = event;
        sensor->player = player;
        sensor->fd = -1;
        size = open_profile_encode_description(player_description(player), sensor->description);
        if (size < 0)
                return (int)size;
        sensor->description_size = (size_t)size;

        r = sender_new(event, player, on_finished, sensor, &sensor->sender);
        if (r < 0)
                return r;
        r = peripheral_new(event, &setup, &callbacks, sensor, &sensor->peripheral, ret_error);
        if (r < 0)
                return r;
        *ret = steal_pointer(&sensor);
        return 0;
}

struct open_sensor *open_sensor_free(struct open_sensor *sensor) {
        if (!sensor)
                return NULL;
        sender_free(sensor->sender);
        peripheral_free(sensor->peripheral);
        free(sensor);
        return NULL;
}
