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

static const struct field info_fields[] = {
        {"arbitrary_unit", FIELD_BOOL, true, offsetof(struct crampd_stream_info, arbitrary_unit)},
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

int crampd_open_stream(crampd_client *client, const char *path, struct crampd_stream_info *ret_info,
                       struct crampd_error *error) {
        DBusMessage *message, *reply;
        int r;

        r = check_sensor_path(path, error);
        if (r < 0)
                return r;
        r = call_new(path, SENSOR_INTERFACE, "OpenStream", &message, error);
        if (r < 0)
                return r;
        if (append_no_options(message))
                r = call_wait(client, message, "ha{sv}", &reply, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        if (r < 0)
                return r;
        r = stream_take(reply, ret_info, error);
        dbus_message_unref(reply);
        return r;
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

int crampd_stream_read(int fd, struct crampd_stream_frame *ret) {
        uint8_t bytes[HEADER_BYTES + CHANNELS_ON_WIRE_MAX * CHANNEL_BYTES];
        struct crampd_stream_frame frame = {};
        unsigned channels;
        uint64_t time_us;
        ssize_t n;

        do
                /* With MSG_TRUNC the length is the whole datagram's. */
                n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == ECONNRESET ? 0 : -errno;
        if (n == 0)
                return 0;
        if ((size_t)n < HEADER_BYTES)
                return -EPROTO;

        channels = bytes[9];
        time_us = (uint64_t)get_le32(bytes) | (uint64_t)get_le32(bytes + 4) << 32;
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
