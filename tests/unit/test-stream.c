/* SPDX-License-Identifier: MIT */
/* The drain of notification sockets, over a real socket pair and event loop. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "sensors/open-profile.h"
#include "sensors/stream.h"

struct fixture {
        sd_event *event;
        struct sensor_decoder *decoder;
        struct stream *stream;
        int sender; /* the other end */

        uint64_t blocks;
        uint64_t frames;
        uint64_t next_index;
        uint64_t arrival_us;
        uint64_t arrivals; /* different ones */
        unsigned closed;
        int closed_error;
        bool free_in_block;
        bool finish_in_block; /* and free then */
        bool free_in_closed;
};

static const struct open_profile_description description = {
        .rate_mhz = 1000000, .channels = 1, .value_size = 2};

static void on_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct fixture *fixture = userdata;

        assert_true(block->index >= fixture->next_index);
        fixture->next_index = block->index + block->frames;
        fixture->blocks++;
        fixture->frames += block->frames;
        if (arrival_us != fixture->arrival_us)
                fixture->arrivals++;
        fixture->arrival_us = arrival_us;
        if (fixture->finish_in_block) {
                fixture->finish_in_block = false;
                stream_finish(fixture->stream);
                fixture->stream = stream_free(fixture->stream);
        }
        if (fixture->free_in_block)
                fixture->stream = stream_free(fixture->stream);
}

static void on_closed(int error, void *userdata) {
        struct fixture *fixture = userdata;

        fixture->closed++;
        fixture->closed_error = error;
        if (fixture->free_in_closed)
                fixture->stream = stream_free(fixture->stream);
}

static int fixture_setup(void **state) {
        static const struct stream_callbacks callbacks = {.block = on_block, .closed = on_closed};
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX];
        struct stream_format format;
        ssize_t size;
        int fds[2];

        if (!fixture || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
                return -1;
        fixture->sender = fds[0];
        size = open_profile_encode_description(&description, value);
        if (sd_event_new(&fixture->event) < 0 ||
            open_profile_driver.decoder_new(&fixture->decoder) < 0 ||
            open_profile_describe(fixture->decoder, value, (size_t)size, &format) < 0 ||
            stream_new(fixture->event, &open_profile_driver, fixture->decoder, &callbacks, fixture,
                       &fixture->stream) < 0 ||
            stream_add_fd(fixture->stream, 0, fds[1]) < 0)
                return -1;
        *state = fixture;
        return 0;
}

static int fixture_teardown(void **state) {
        struct fixture *fixture = *state;

        stream_free(fixture->stream);
        open_profile_driver.decoder_free(fixture->decoder);
        sd_event_unref(fixture->event);
        closep(&fixture->sender);
        free(fixture);
        return 0;
}

static void packet_send(struct fixture *fixture, uint16_t sequence, uint32_t counter, size_t frames) {
        uint8_t packet[OPEN_PROFILE_PACKET_MAX];
        int32_t counts[256] = {};
        ssize_t size;

        size = open_profile_encode_samples(&description, sequence, counter, counts, frames, packet,
                                           sizeof(packet));
        assert_true(size > 0);
        assert_int_equal(send(fixture->sender, packet, (size_t)size, 0), size);
}

/* One turn of the loop; there must be something to do. */
static void loop_turn(struct fixture *fixture) {
        assert_true(sd_event_run(fixture->event, 10 * 1000000) > 0);
}

static void assert_idle(struct fixture *fixture) {
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void drains_in_one_turn(void **state) {
        struct fixture *fixture = *state;
        struct timespec now;
        uint64_t now_us;

        for (unsigned i = 0; i < 100; i++)
                packet_send(fixture, (uint16_t)i, i * 7, 7);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 100);
        assert_int_equal(fixture->frames, 700);
        assert_int_equal(fixture->arrivals, 1);
        assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
        now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        assert_true(fixture->arrival_us <= now_us);
        assert_true(fixture->arrival_us + 60 * 1000000 > now_us);
        assert_idle(fixture);

        assert_int_equal(stream_get_counters(fixture->stream)->packets, 100);
        assert_int_equal(stream_get_counters(fixture->stream)->frames, 700);
        assert_int_equal(stream_get_counters(fixture->stream)->lost_packets, 0);
        assert_int_equal(stream_get_counters(fixture->stream)->malformed_packets, 0);
}

static void bound_leaves_the_rest_for_the_next_turn(void **state) {
        struct fixture *fixture = *state;
        int size = 1 << 20;
        unsigned sent = 0;

        /* Small packets, as many as the socket holds: more than one batch, else this would test nothing.
         */
        assert_int_equal(setsockopt(fixture->sender, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        for (;;) {
                static const uint8_t runt[1];

                if (send(fixture->sender, runt, sizeof(runt), 0) < 0)
                        break;
                sent++;
        }
        assert_int_equal(errno, EAGAIN);
        assert_true(sent > STREAM_BATCH_MAX);
        loop_turn(fixture);
        assert_int_equal(stream_get_counters(fixture->stream)->packets, STREAM_BATCH_MAX);
        while (stream_get_counters(fixture->stream)->packets < sent)
                loop_turn(fixture);
        assert_idle(fixture);
        assert_int_equal(stream_get_counters(fixture->stream)->malformed_packets, sent);
}

static void loss_is_counted(void **state) {
        struct fixture *fixture = *state;

        packet_send(fixture, 0, 0, 7);
        packet_send(fixture, 0, 0, 7);
        for (uint16_t i = 3; i <= 3 + OPEN_PROFILE_WAITING_MAX; i++)
                packet_send(fixture, i, i * 7u, 7);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 2 + OPEN_PROFILE_WAITING_MAX);
        assert_int_equal(stream_get_counters(fixture->stream)->packets, 3 + OPEN_PROFILE_WAITING_MAX);
        assert_int_equal(stream_get_counters(fixture->stream)->lost_packets, 2);
        assert_int_equal(stream_get_counters(fixture->stream)->frames,
                         7 * (2 + OPEN_PROFILE_WAITING_MAX));
}

static void overtaken_packets_are_handed_on_in_order(void **state) {
        struct fixture *fixture = *state;

        packet_send(fixture, 0, 0, 7);
        packet_send(fixture, 2, 14, 7);
        packet_send(fixture, 3, 21, 7);
        packet_send(fixture, 1, 7, 7);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 4);
        assert_int_equal(fixture->frames, 28);
        assert_int_equal(stream_get_counters(fixture->stream)->lost_packets, 0);
}

static void bad_datagrams_are_counted(void **state) {
        struct fixture *fixture = *state;
        uint8_t junk[2000] = {};

        packet_send(fixture, 0, 0, 1);
        assert_int_equal(send(fixture->sender, junk, sizeof(junk), 0), sizeof(junk)); /* cut off */
        assert_int_equal(send(fixture->sender, junk, 518, 0), 518);
        assert_int_equal(send(fixture->sender, junk, 3, 0), 3);
        assert_int_equal(send(fixture->sender, junk, 0, 0), 0); /* reads like the end */
        packet_send(fixture, 1, 1, 1);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 2);
        assert_int_equal(fixture->closed, 0);
        assert_int_equal(stream_get_counters(fixture->stream)->packets, 6);
        assert_int_equal(stream_get_counters(fixture->stream)->malformed_packets, 4);
}

static void close_comes_after_the_data(void **state) {
        struct fixture *fixture = *state;

        packet_send(fixture, 0, 0, 7);
        packet_send(fixture, 1, 7, 7);
        closep(&fixture->sender);
        fixture->sender = -1;
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 2);
        assert_int_equal(fixture->closed, 1);
        assert_int_equal(fixture->closed_error, 0);
        assert_idle(fixture);
}

static void finish_gives_what_waits(void **state) {
        struct fixture *fixture = *state;

        packet_send(fixture, 0, 0, 7);
        packet_send(fixture, 2, 14, 7);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 1);
        packet_send(fixture, 3, 21, 7); /* not read yet */
        stream_finish(fixture->stream);
        assert_int_equal(fixture->blocks, 3);
        assert_int_equal(stream_get_counters(fixture->stream)->packets, 3);
        assert_int_equal(stream_get_counters(fixture->stream)->frames, 21);
        assert_int_equal(stream_get_counters(fixture->stream)->lost_packets, 1);
        stream_finish(fixture->stream);
        assert_int_equal(fixture->blocks, 3);
        assert_int_equal(fixture->closed, 0);
}

static void close_gives_what_waits(void **state) {
        struct fixture *fixture = *state;

        packet_send(fixture, 1, 7, 7);
        closep(&fixture->sender);
        fixture->sender = -1;
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 1);
        assert_int_equal(fixture->closed, 1);
        assert_int_equal(stream_get_counters(fixture->stream)->lost_packets, 1);
}

static void close_takes_what_others_hold(void **state) {
        struct fixture *fixture = *state;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(stream_add_fd(fixture->stream, 0, fds[1]), 0);
        closep(&fixture->sender);
        fixture->sender = fds[0];
        packet_send(fixture, 0, 0, 7);
        while (fixture->closed == 0)
                loop_turn(fixture);
        assert_int_equal(fixture->blocks, 1);
        assert_idle(fixture);
}

static void waiting_block_may_free_within_close(void **state) {
        struct fixture *fixture = *state;

        fixture->free_in_block = true;
        packet_send(fixture, 1, 7, 7);
        packet_send(fixture, 2, 14, 7);
        closep(&fixture->sender);
        fixture->sender = -1;
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 1);
        assert_int_equal(fixture->closed, 0);
}

static void half_close_is_the_end(void **state) {
        struct fixture *fixture = *state;

        assert_int_equal(shutdown(fixture->sender, SHUT_WR), 0);
        loop_turn(fixture);
        assert_int_equal(fixture->closed, 1);
        assert_idle(fixture);
}

static void may_be_freed_within_block(void **state) {
        struct fixture *fixture = *state;

        fixture->free_in_block = true;
        packet_send(fixture, 1, 7, 7); /* waits, and would be handed on with the next */
        packet_send(fixture, 0, 0, 7);
        packet_send(fixture, 2, 14, 7);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 1);
        assert_null(fixture->stream);
        assert_idle(fixture);
}

/* What is read at the end comes within the block that ends it. */
static void may_be_finished_and_freed_within_block(void **state) {
        struct fixture *fixture = *state;

        fixture->finish_in_block = true;
        packet_send(fixture, 0, 0, 7);
        packet_send(fixture, 1, 7, 7);
        packet_send(fixture, 2, 14, 7);
        loop_turn(fixture);
        assert_int_equal(fixture->blocks, 3);
        assert_null(fixture->stream);
        assert_idle(fixture);
}

static void may_be_freed_within_closed(void **state) {
        struct fixture *fixture = *state;

        fixture->free_in_closed = true;
        closep(&fixture->sender);
        fixture->sender = -1;
        loop_turn(fixture);
        assert_int_equal(fixture->closed, 1);
        assert_null(fixture->stream);
        assert_idle(fixture);
}

static void one_of_two_closing_ends_both(void **state) {
        struct fixture *fixture = *state;
        _cleanup_(closep) int second = -1;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        second = fds[0];
        assert_int_equal(stream_add_fd(fixture->stream, 0, fds[1]), 0);
        closep(&fixture->sender);
        fixture->sender = -1;
        loop_turn(fixture);
        assert_int_equal(fixture->closed, 1);
        assert_int_equal(send(second, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        assert_idle(fixture);
}

/* A descriptor that is refused is closed: its other end sees that. */
static void refused_descriptors_are_closed(void **state) {
        struct fixture *fixture = *state;
        uint8_t byte;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(stream_add_fd(fixture->stream, 1, fds[1]), -EINVAL);
        assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
        closep(&fds[0]);

        for (unsigned i = 1; i < STREAM_FDS_MAX; i++) {
                assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
                assert_int_equal(stream_add_fd(fixture->stream, 0, fds[1]), 0);
                closep(&fds[0]);
        }
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(stream_add_fd(fixture->stream, 0, fds[1]), -ENOSPC);
        assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
        closep(&fds[0]);
}

#define stream_test(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                stream_test(drains_in_one_turn),
                stream_test(bound_leaves_the_rest_for_the_next_turn),
                stream_test(loss_is_counted),
                stream_test(overtaken_packets_are_handed_on_in_order),
                stream_test(bad_datagrams_are_counted),
                stream_test(close_comes_after_the_data),
                stream_test(finish_gives_what_waits),
                stream_test(close_gives_what_waits),
                stream_test(close_takes_what_others_hold),
                stream_test(waiting_block_may_free_within_close),
                stream_test(half_close_is_the_end),
                stream_test(may_be_freed_within_block),
                stream_test(may_be_finished_and_freed_within_block),
                stream_test(may_be_freed_within_closed),
                stream_test(one_of_two_closing_ends_both),
                stream_test(refused_descriptors_are_closed),
        };

        return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
