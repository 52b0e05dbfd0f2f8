/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a recording: refused with an error that names the file, or read to the end with counts
 * in order. The first byte chooses the options, the rest is the file. Linked with fuzz-replay.c it runs
 * over the seeds (meson test). To search with clang's libFuzzer:
 *
 *   CC=clang meson setup B -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
 *   ninja -C B tests/fuzz/fuzz-recording
 *   B/tests/fuzz/fuzz-recording NEW-FOLDER tests/fuzz/seeds-recording
 *
 * with -Db_sanitize=address,undefined to the first of these, to see more.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/recording.h"

#define FRAMES 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(struct recording *, recording_free)

static const char *const first_channel[] = {"1", NULL};
static const char *const named_channels[] = {"GM", "2", NULL};

static struct recording_options options_from(uint8_t byte) {
        static const char *const units[] = {NULL, "uV", "mV", "V", "counts", "furlong"};
        struct recording_options options = {.unit = units[byte / 16 % 6]};

        if (byte & 1)
                options.rate_hz = 1000;
        if (byte & 2)
                options.channels = byte & 4 ? first_channel : named_channels;
        return options;
}

static void frames_read(struct recording *recording, const char *path) {
        size_t channels = recording_channels(recording);
        _cleanup_(freep) int32_t *counts = malloc(FRAMES * channels * sizeof(*counts));
        struct recording_error error = {{0}};
        uint64_t index, expected = 0;
        ssize_t got;

        assert(counts);
        while ((got = recording_read(recording, &index, counts, FRAMES, &error)) > 0) {
                assert(got <= FRAMES);
                assert(index >= expected);
                expected = index + (uint64_t)got;
        }
        assert(got == 0 || strncmp(error.text, path, strlen(path)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(recording_freep) struct recording *recording = NULL;
        _cleanup_(closep) int fd = memfd_create("recording", MFD_CLOEXEC);
        struct recording_options options;
        struct recording_error error = {{0}};
        char path[64];

        if (size < 1)
                return 0;
        assert(fd >= 0);
        assert(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

        options = options_from(data[0]);
        if (recording_open(path, &options, &recording, &error) < 0) {
                assert(strncmp(error.text, path, strlen(path)) == 0);
                return 0;
        }
        assert(recording_channels(recording) > 0);
        assert(recording_rate_mhz(recording) >= RECORDING_RATE_MIN_MHZ);
        assert(recording_rate_mhz(recording) <= RECORDING_RATE_MAX_MHZ);
        frames_read(recording, path);
        return 0;
}
