/* SPDX-License-Identifier: MIT */
/*
 * The live stream: asks for the descriptor and decodes the datagrams that org.crampd1.Sensor.OpenStream
 * documents.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/client/internal.h"

#define HEADER_BYTES 12u
#define CHANNEL_BYTES 8u
#define CHANNELS_ON_WIRE_MAX 255u
#define STATES 4u
#define SAMPLES_HEADER_BYTES 24u
#define SAMPLE_BYTES 8u /* a count and its conditioned value */
#define FLAG_AFTER_GAP 1u
#define BESIDE_BYTES 20u /* behind the samples */
#define BESIDE_ACCELERATION 1u
#define BESIDE_COMPANY 2u

static const struct field info_fields[] = {
        {"arbitrary_unit", FIELD_BOOL, false, offsetof(struct crampd_stream_info, arbitrary_unit)},
        {"rate_hz", FIELD_DOUBLE, false, offsetof(struct crampd_stream_info, rate_hz)},
        {"scale_uv", FIELD_DOUBLE, false, offsetof(struct crampd_stream_info, scale_uv)},
        {"mvc_uv", FIELD_CHANNELS, false, offsetof(struct crampd_stream_info, mvc_uv)},
};

/* The service may have sent any descriptor: take only the kind that never blocks a reader for good. */
static int stream_prepare(int fd) {
        socklen_t size = sizeof(int);
        int type, flags;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
                return -EPROTO;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        return 0;
}

/* `reply` has the signature ha{sv}. Returns the descriptor. */
static int stream_take(DBusMessage *reply, struct crampd_stream_info *ret_info,
                       struct crampd_error *error) {
        struct crampd_stream_info info = {};
        DBusMessageIter iter;
        int fd = -1, r;

        (void)dbus_message_iter_init(reply, &iter);
        dbus_message_iter_get_basic(&iter, &fd);
        if (fd < 0)
                return error_set(error, -EPROTO, "no descriptor came with the stream");
        (void)dbus_message_iter_next(&iter);

        r = stream_prepare(fd);
        if (r < 0)
                (void)error_set(error, r, "crampd sent a descriptor that is no packet stream");
        else
                r = dict_read(&iter, info_fields, ELEMENTS(info_fields), &info, error);
        if (r < 0) {
                (void)close(fd);
                return r;
        }
        if (ret_info)
                *ret_info = info;
        return fd;
}

/* `kind` NULL is the stream of levels. */
static int stream_open(crampd_client *client, const char *path, const char *kind,
                       struct crampd_stream_info *ret_info, struct crampd_error *error) {
        const dbus_bool_t beside = TRUE;
        DBusMessage *message, *reply;
        struct dict_writer writer;
        int r;

        r = check_sensor_path(path, error);
        if (r >= 0)
                r = call_new(path, SENSOR_INTERFACE, "OpenStream", &message, error);
        if (r < 0)
                return r;
        if (dict_begin(&writer, message) &&
            (!kind || (dict_put(&writer, "kind", DBUS_TYPE_STRING, &kind) &&
                       dict_put(&writer, "beside", DBUS_TYPE_BOOLEAN, &beside))) &&
            dict_end(&writer))
                r = call_wait(client, message, "ha{sv}", &reply, error);
        else {
                dict_abandon(&writer);
                r = error_set_oom(error);
        }
        dbus_message_unref(message);
        if (r < 0)
                return r;
        r = stream_take(reply, ret_info, error);
        dbus_message_unref(reply);
        return r;
}

int crampd_open_stream(crampd_client *client, const char *path, struct crampd_stream_info *ret_info,
                       struct crampd_error *error) {
        return stream_open(client, path, NULL, ret_info, error);
}

int crampd_open_samples(crampd_client *client, const char *path, struct crampd_stream_info *ret_info,
                        struct crampd_error *error) {
        return stream_open(client, path, "frames", ret_info, error);
}

static uint32_t get_le32(const uint8_t *bytes) {
        return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
               (uint32_t)bytes[3] << 24;
}

static float get_float(const uint8_t *bytes) {
        uint32_t bits = get_le32(bytes);
        float value;

        _Static_assert(sizeof(value) == sizeof(bits), "float is IEEE 754 single precision");
        memcpy(&value, &bits, sizeof(value));
        return value;
}

static uint64_t get_le64(const uint8_t *bytes) {
        return (uint64_t)get_le32(bytes) | (uint64_t)get_le32(bytes + 4) << 32;
}

/* Returns the whole datagram's size, which may exceed `size`; 0 at the end, or negative errno. */
static ssize_t datagram_read(int fd, void *bytes, size_t size) {
        ssize_t n;

        do
                /* With MSG_TRUNC the length is the whole datagram's. */
                n = recv(fd, bytes, size, MSG_DONTWAIT | MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == ECONNRESET ? 0 : -errno;
        return n;
}

/* An older crampd sends nothing of it. */
static void beside_decode(const uint8_t *bytes, bool there, struct crampd_samples *ret) {
        uint32_t which = there ? get_le32(bytes) : 0;

        ret->has_acceleration = which & BESIDE_ACCELERATION;
        ret->has_company = which & BESIDE_COMPANY;
        for (unsigned axis = 0; axis < 3; axis++)
                ret->acceleration_mg[axis] = ret->has_acceleration
                                                     ? (int32_t)get_le32(bytes + 4 + 4 * axis)
                                                     : CRAMPD_NOT_KNOWN;
        ret->company_percent = ret->has_company ? (int32_t)get_le32(bytes + 16) : -1;
}

static int samples_decode(const uint8_t *bytes, size_t size, struct crampd_samples *ret) {
        uint64_t time_us = get_le64(bytes);
        unsigned channels = bytes[16] | (unsigned)bytes[17] << 8;
        unsigned frames = bytes[18] | (unsigned)bytes[19] << 8;
        size_t values = (size_t)channels * frames, plain = SAMPLES_HEADER_BYTES + values * SAMPLE_BYTES;
        const uint8_t *counts = bytes + SAMPLES_HEADER_BYTES, *conditioned = counts + 4 * values;

        if (values == 0 || values > CRAMPD_SAMPLES_MAX || time_us > INT64_MAX ||
            (size != plain && size != plain + BESIDE_BYTES))
                return -EPROTO;
        beside_decode(bytes + plain, size > plain, ret);
        ret->time_us = (int64_t)time_us;
        ret->index = get_le64(bytes + 8);
        ret->channels = channels;
        ret->frames = frames;
        ret->after_gap = get_le32(bytes + 20) & FLAG_AFTER_GAP;
        for (size_t i = 0; i < values; i++) {
                ret->counts[i] = (int32_t)get_le32(counts + 4 * i);
                ret->conditioned_uv[i] = get_float(conditioned + 4 * i);
                if (!isfinite(ret->conditioned_uv[i]))
                        return -EPROTO;
        }
        return 1;
}

int crampd_samples_read(int fd, struct crampd_samples *ret) {
        uint8_t bytes[SAMPLES_HEADER_BYTES + CRAMPD_SAMPLES_MAX * SAMPLE_BYTES + BESIDE_BYTES];
        ssize_t n = datagram_read(fd, bytes, sizeof(bytes));

        if (n <= 0)
                return (int)n;
        if ((size_t)n < SAMPLES_HEADER_BYTES || (size_t)n > sizeof(bytes))
                return -EPROTO;
        return samples_decode(bytes, (size_t)n, ret);
}

int crampd_stream_read(int fd, struct crampd_stream_frame *ret) {
        uint8_t bytes[HEADER_BYTES + CHANNELS_ON_WIRE_MAX * CHANNEL_BYTES];
        struct crampd_stream_frame frame = {};
        unsigned channels;
        uint64_t time_us;
        ssize_t n;

        n = datagram_read(fd, bytes, sizeof(bytes));
        if (n <= 0)
                return (int)n;
        if ((size_t)n < HEADER_BYTES)
                return -EPROTO;

        channels = bytes[9];
        time_us = get_le64(bytes);
        if ((size_t)n != HEADER_BYTES + channels * CHANNEL_BYTES || channels == 0 ||
            bytes[8] >= STATES || time_us > INT64_MAX)
                return -EPROTO;

        frame.time_us = (int64_t)time_us;
        frame.state = bytes[8];
        frame.channels = channels < CRAMPD_STREAM_CHANNELS_MAX ? channels : CRAMPD_STREAM_CHANNELS_MAX;
        for (unsigned c = 0; c < frame.channels; c++) {
                const uint8_t *at = bytes + HEADER_BYTES + c * CHANNEL_BYTES;

                frame.envelope_uv[c] = get_float(at);
                frame.floor_uv[c] = get_float(at + 4);
                if (!isfinite(frame.envelope_uv[c]) || !isfinite(frame.floor_uv[c]))
                        return -EPROTO;
        }
        *ret = frame;
        return 1;
}
