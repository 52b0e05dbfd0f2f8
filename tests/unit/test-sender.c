/* SPDX-License-Identifier: MIT */
/* leg-sensor's pace and queue, over a socket pair in real time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "recording-files.h"
#include "sensors/virtual/sender.h"

#define TURN_LIMIT_US (20 * UINT64_C(1000000))

struct fixture {
        char *folder;
        sd_event *event;
        struct player *player;
        struct sender *sender;
        int ours;   /* what the sender writes into */
        int theirs; /* the reader's end */
        unsigned finished;
        struct sender_totals totals;
        char error[128];
};

static void on_finished(const struct sender_totals *totals, const char *error, void *userdata) {
        struct fixture *fixture = userdata;

        fixture->finished++;
        fixture->totals = *totals;
        (void)snprintf(fixture->error, sizeof(fixture->error), "%s", error ? error : "");
}

static int fixture_setup(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        int fds[2];

        if (!fixture || files_setup((void **)&fixture->folder) < 0 ||
            sd_event_new(&fixture->event) < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
                return -1;
        fixture->ours = fds[0];
        fixture->theirs = fds[1];
        *state = fixture;
        return 0;
}

static int fixture_teardown(void **state) {
        struct fixture *fixture = *state;

        sender_free(fixture->sender);
        player_free(fixture->player);
        sd_event_unref(fixture->event);
        closep(&fixture->ours);
        closep(&fixture->theirs);
        (void)files_teardown((void **)&fixture->folder);
        free(fixture);
        return 0;
}

/* A recording of `channels` columns of zeros. */
static void sender_expect(struct fixture *fixture, size_t channels, size_t frames, double rate_hz) {
        const char *path = file_path((void **)&fixture->folder, "night.csv");
        struct player_setup setup = {.path = path, .csv_rate_hz = rate_hz};
        struct recording_error error = {};
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        for (size_t frame = 0; frame < frames + 1; frame++)
                for (size_t i = 0; i < channels; i++)
                        (void)fprintf(file, frame == 0 ? "C%zu_counts%c" : "%zu%c", i,
                                      i + 1 < channels ? ',' : '\n');
        assert_int_equal(fclose(file), 0);
        if (player_new(&setup, &fixture->player, &error) < 0)
                fail_msg("not opened: %s", error.text);
        assert_int_equal(
                sender_new(fixture->event, fixture->player, on_finished, fixture, &fixture->sender), 0);
}

static void start_expect(struct fixture *fixture, size_t packet_size) {
        struct recording_error error = {};

        if (sender_start(fixture->sender, fixture->ours, packet_size, &error) < 0)
                fail_msg("not started: %s", error.text);
}

static uint64_t now_us(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Returns the sequence of the next packet, or -1 if none waits. */
static int packet_receive(struct fixture *fixture, size_t *ret_size) {
        uint8_t packet[OPEN_PROFILE_PACKET_MAX];
        ssize_t size;

        size = recv(fixture->theirs, packet, sizeof(packet), MSG_DONTWAIT);
        if (size < 0) {
                assert_int_equal(errno, EAGAIN);
                return -1;
        }
        assert_true(size > (ssize_t)OPEN_PROFILE_HEADER_SIZE);
        *ret_size = (size_t)size;
        return packet[0] | packet[1] << 8;
}

static void sends_everything_in_time(void **state) {
        struct fixture *fixture = *state;
        uint64_t start_us, frames = 0;
        int expected = 0;

        sender_expect(fixture, 2, 500, 1000);
        start_us = now_us();
        start_expect(fixture, 84); /* 19 frames */
        while (!fixture->finished) {
                int sequence;
                size_t size;

                assert_true(sd_event_run(fixture->event, TURN_LIMIT_US) > 0);
                while ((sequence = packet_receive(fixture, &size)) >= 0) {
                        assert_int_equal(sequence, expected++);
                        frames += (size - OPEN_PROFILE_HEADER_SIZE) / 4;
                        /* Not before its last frame is complete. */
                        assert_true(now_us() - start_us >= frames * 1000);
                }
        }
        assert_int_equal(frames, 500);
        assert_int_equal(expected, 27);
        assert_int_equal(fixture->totals.frames, 500);
        assert_int_equal(fixture->totals.packets, 27);
        assert_int_equal(fixture->totals.dropped, 0);
        assert_string_equal(fixture->error, "");
}

/* Nobody reads: the newest packets are dropped, those that waited come whole and in order. */
static void slow_reader_loses_the_newest(void **state) {
        struct fixture *fixture = *state;
        uint64_t received = 0;
        int smallest = 1, expected = 0;

        assert_int_equal(setsockopt(fixture->ours, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)),
                         0);
        sender_expect(fixture, 7, 1000, 2000);
        start_expect(fixture, OPEN_PROFILE_PACKET_MIN); /* one frame in each */

        /* The timer runs until the recording is over; then only the socket keeps it from the end. */
        while (sd_event_run(fixture->event, 1000000) > 0)
                assert_int_equal(fixture->finished, 0);
        while (!fixture->finished) {
                int sequence;
                size_t size;

                while ((sequence = packet_receive(fixture, &size)) >= 0) {
                        assert_int_equal(sequence, expected++);
                        received++;
                }
                assert_true(sd_event_run(fixture->event, TURN_LIMIT_US) > 0);
        }
        for (size_t size; packet_receive(fixture, &size) >= 0;)
                received++;
        assert_int_equal(fixture->totals.packets, received);
        assert_int_equal(fixture->totals.frames, received);
        assert_int_equal(fixture->totals.packets + fixture->totals.dropped, 1000);
        assert_in_range(fixture->totals.dropped, 1, 1000 - 256);
}

static void stop_and_start_begin_again(void **state) {
        struct fixture *fixture = *state;
        const struct sender_totals *totals;
        size_t size;

        sender_expect(fixture, 2, 500, 1000);
        for (unsigned i = 0; i < 2; i++) {
                start_expect(fixture, 84);
                for (int expected = 0; expected < 3;) {
                        assert_true(sd_event_run(fixture->event, TURN_LIMIT_US) > 0);
                        for (int sequence; (sequence = packet_receive(fixture, &size)) >= 0;)
                                assert_int_equal(sequence, expected++);
                }
                totals = sender_stop(fixture->sender);
                assert_true(totals->packets >= 3);
                assert_int_equal(totals->frames, totals->packets * 19);
                assert_int_equal(sd_event_run(fixture->event, 0), 0);
        }
        assert_int_equal(fixture->finished, 0);
}

/* Whoever gave the descriptor sees the end too, and stops. */
static void reader_that_closes_is_left_alone(void **state) {
        struct fixture *fixture = *state;

        sender_expect(fixture, 2, 500, 1000);
        start_expect(fixture, 84);
        closep(&fixture->theirs);
        fixture->theirs = -1;
        assert_true(sd_event_run(fixture->event, TURN_LIMIT_US) > 0);
        assert_int_equal(sd_event_run(fixture->event, 100000), 0);
        assert_int_equal(fixture->finished, 0);
        assert_int_equal(sender_stop(fixture->sender)->packets, 0);
}

static void too_small_packets_are_refused(void **state) {
        struct fixture *fixture = *state;
        struct recording_error error = {};

        sender_expect(fixture, 7, 100, 1000);
        assert_int_equal(sender_start(fixture->sender, fixture->ours, 19, &error), -EMSGSIZE);
        assert_true(strlen(error.text) > 0);
}

#define sender_test(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                sender_test(sends_everything_in_time),
                sender_test(slow_reader_loses_the_newest),
                sender_test(stop_and_start_begin_again),
                sender_test(reader_that_closes_is_left_alone),
                sender_test(too_small_packets_are_refused),
        };

        return cmocka_run_group_tests_name("sender", tests, NULL, NULL);
}
