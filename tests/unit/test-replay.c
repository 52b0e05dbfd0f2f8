/* SPDX-License-Identifier: MIT */
/* A recording played by the child process, seen from the daemon's event loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "recording-files.h"
#include "sensors/virtual/replay.h"

#define CHANNELS 4
/* More than a socket holds: the child has to wait. */
#define FRAMES_LONG 60000
#define TURN_LIMIT_US (20 * UINT64_C(1000000))

enum callback {
        CALLBACK_NONE,
        CALLBACK_FORMAT,
        CALLBACK_STREAMING,
        CALLBACK_BLOCK,
        CALLBACK_STOPPED,
        CALLBACK_ENDED,
};

struct sleeper {
        struct replay *replay;
        enum callback last;
        enum callback free_in;
        struct stream_format format;
        int64_t start_us;
        uint64_t frames;
        uint64_t next_index;
        uint64_t gaps;
        char reason[128];
};

static int64_t realtime_us(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int32_t value_at(uint64_t frame, size_t channel) {
        return (int32_t)((frame * 7919 + channel * 104729) % 20001) - 10000;
}

static const char *csv_write(void **state, size_t frames) {
        const char *path = file_path(state, "night.csv");
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        (void)fprintf(file, "GM_counts,GL_counts,SOL_counts,TA_counts\n");
        for (size_t frame = 0; frame < frames; frame++)
                (void)fprintf(file, "%d,%d,%d,%d\n", value_at(frame, 0), value_at(frame, 1),
                              value_at(frame, 2), value_at(frame, 3));
        assert_int_equal(fclose(file), 0);
        return path;
}

static void callback_reached(struct sleeper *sleeper, enum callback callback) {
        sleeper->last = callback;
        if (sleeper->free_in == callback)
                sleeper->replay = replay_free(sleeper->replay);
}

static void on_state(enum source_state source_state, const char *reason, void *userdata) {
        struct sleeper *sleeper = userdata;

        assert_non_null(reason);
        if (source_state == SOURCE_STREAMING) {
                assert_int_equal(sleeper->last, CALLBACK_FORMAT);
                callback_reached(sleeper, CALLBACK_STREAMING);
        } else {
                assert_int_equal(source_state, SOURCE_ENDED);
                assert_int_equal(sleeper->last, CALLBACK_STOPPED);
                callback_reached(sleeper, CALLBACK_ENDED);
        }
}

static void on_format(const struct stream_format *format, int64_t start_us, void *userdata) {
        struct sleeper *sleeper = userdata;

        assert_int_equal(sleeper->last, CALLBACK_NONE);
        sleeper->format = *format;
        sleeper->start_us = start_us;
        callback_reached(sleeper, CALLBACK_FORMAT);
}

static void on_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct sleeper *sleeper = userdata;

        assert_true(sleeper->last == CALLBACK_STREAMING || sleeper->last == CALLBACK_BLOCK);
        assert_true(block->index >= sleeper->next_index);
        sleeper->gaps += block->index - sleeper->next_index;
        sleeper->next_index = block->index + block->frames;
        for (uint32_t frame = 0; frame < block->frames; frame++)
                for (uint32_t i = 0; i < block->channels; i++)
                        assert_int_equal(block->counts[frame * block->channels + i],
                                         value_at(block->index + frame, i));
        sleeper->frames += block->frames;

        /* Never in the future. */
        assert_true(sleeper->start_us +
                            (int64_t)(sleeper->next_index * 1000000000 / sleeper->format.rate_mhz) <=
                    realtime_us());
        callback_reached(sleeper, CALLBACK_BLOCK);
}

static void on_stopped(const char *reason, void *userdata) {
        struct sleeper *sleeper = userdata;

        assert_true(sleeper->last == CALLBACK_STREAMING || sleeper->last == CALLBACK_BLOCK);
        (void)snprintf(sleeper->reason, sizeof(sleeper->reason), "%s", reason);
        callback_reached(sleeper, CALLBACK_STOPPED);
}

static const struct source_callbacks callbacks = {
        .state = on_state,
        .format = on_format,
        .block = on_block,
        .stopped = on_stopped,
};

static struct replay *replay_expect(const char *path, double speed) {
        struct replay_setup setup = {.path = path, .speed = speed, .csv_rate_hz = 1000};
        struct replay *replay = NULL;
        char *error = NULL;

        if (replay_new(&setup, &replay, &error) < 0)
                fail_msg("not started: %s", error);
        return replay;
}

/* Runs the loop until that callback came. */
static void play_until(struct sleeper *sleeper, enum callback callback) {
        sd_event *event;

        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(replay_start(sleeper->replay, event, &callbacks, sleeper), 0);
        assert_int_equal(sleeper->last, CALLBACK_NONE);
        while (sleeper->last != callback)
                assert_true(sd_event_run(event, TURN_LIMIT_US) > 0);
        sd_event_unref(event);
}

static void assert_no_child(void) {
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void plays_all_of_it(void **state) {
        struct sleeper sleeper = {.replay = replay_expect(csv_write(state, FRAMES_LONG), 1000)};
        struct stream_counters counters;
        const char *reason;
        int64_t before_us, after_us, length_us = FRAMES_LONG * 1000;

        assert_int_equal(replay_get_state(sleeper.replay, &reason), SOURCE_STARTING);
        assert_non_null(reason);
        assert_null(replay_get_notice(sleeper.replay));
        before_us = realtime_us();
        play_until(&sleeper, CALLBACK_ENDED);
        after_us = realtime_us();

        assert_int_equal(sleeper.frames, FRAMES_LONG);
        assert_int_equal(sleeper.gaps, 0);
        assert_int_equal(sleeper.format.channels, CHANNELS);
        assert_int_equal(sleeper.format.rate_mhz, 1000000);
        assert_string_equal(sleeper.reason, "the recording is over");
        assert_int_equal(replay_get_state(sleeper.replay, NULL), SOURCE_ENDED);
        replay_get_counters(sleeper.replay, &counters);
        assert_int_equal(counters.frames, FRAMES_LONG);
        assert_int_equal(counters.lost_packets, 0);
        assert_int_equal(counters.malformed_packets, 0);

        /* A thousandth of its length is the time that it takes. */
        assert_true(sleeper.start_us >= before_us - length_us + length_us / 1000 - 2);
        assert_true(sleeper.start_us <= after_us - length_us + length_us / 1000);
        replay_free(sleeper.replay);
        assert_no_child();
}

/* Faster than the loop: the child waits, and nothing is lost. */
static void child_waits_for_the_loop(void **state) {
        struct sleeper sleeper = {
                .replay = replay_expect(csv_write(state, FRAMES_LONG), REPLAY_SPEED_MAX)};

        play_until(&sleeper, CALLBACK_ENDED);
        assert_int_equal(sleeper.frames, FRAMES_LONG);
        assert_int_equal(sleeper.gaps, 0);
        replay_free(sleeper.replay);
}

static void real_time_takes_its_time(void **state) {
        struct sleeper sleeper = {.replay = replay_expect(csv_write(state, 400), 1)};
        int64_t before_us = realtime_us();

        play_until(&sleeper, CALLBACK_ENDED);
        assert_true(sleeper.start_us >= before_us);
        assert_true(realtime_us() - before_us >= 400000);
        assert_int_equal(sleeper.frames, 400);
        replay_free(sleeper.replay);
}

static void change_of_the_file_is_told(void **state) {
        static const char garbage[] = "\nthis is not a number\n";
        const char *path = csv_write(state, FRAMES_LONG);
        struct sleeper sleeper = {.replay = replay_expect(path, REPLAY_SPEED_MAX)};
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, garbage, strlen(garbage), lseek(fd, 0, SEEK_END) - 1000),
                         strlen(garbage));
        play_until(&sleeper, CALLBACK_ENDED);
        assert_true(sleeper.frames > 0 && sleeper.frames < FRAMES_LONG);
        assert_string_equal(sleeper.reason, "the recording could not be read to its end");
        replay_free(sleeper.replay);
        assert_no_child();
}

static void may_be_freed_within_each_callback(void **state) {
        const char *path = csv_write(state, 300);

        for (enum callback callback = CALLBACK_FORMAT; callback <= CALLBACK_ENDED; callback++) {
                struct sleeper sleeper = {.replay = replay_expect(path, 1000), .free_in = callback};

                play_until(&sleeper, callback);
                assert_null(sleeper.replay);
                assert_no_child();
        }
}

static void may_be_freed_before_the_start(void **state) {
        struct replay *replay = replay_expect(csv_write(state, 300), 1);

        assert_null(replay_free(replay));
        assert_null(replay_free(NULL));
        assert_no_child();
}

static void refusal_expect(const char *path, double speed, int expected, const char *text) {
        struct replay_setup setup = {.path = path, .speed = speed, .csv_rate_hz = 1000};
        _cleanup_(freep) char *error = NULL;
        struct replay *replay = NULL;

        assert_int_equal(replay_new(&setup, &replay, &error), expected);
        assert_null(replay);
        assert_non_null(error);
        assert_ptr_equal(strstr(error, path), error);
        assert_non_null(strstr(error, text));
        assert_no_child();
}

static void bad_files_are_refused_at_once(void **state) {
        static const char damaged[] = "GM_uV\n1\n2\noops\n4\n";
        const char *path;

        refusal_expect("/nonexistent/night.edf", 1, -ENOENT, "");
        path = file_write(state, "damaged.csv", damaged, strlen(damaged));
        refusal_expect(path, 1, -EBADMSG, ":4:");
        refusal_expect(path, 0, -EINVAL, "speed");
        refusal_expect(path, -1, -EINVAL, "speed");
        refusal_expect(path, 1e9, -EINVAL, "speed");
        refusal_expect(path, (double)NAN, -EINVAL, "speed");
}

#define file_test(function) cmocka_unit_test_setup_teardown(function, files_setup, files_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(plays_all_of_it),
                file_test(child_waits_for_the_loop),
                file_test(real_time_takes_its_time),
                file_test(change_of_the_file_is_told),
                file_test(may_be_freed_within_each_callback),
                file_test(may_be_freed_before_the_start),
                file_test(bad_files_are_refused_at_once),
        };

        return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
