/* SPDX-License-Identifier: MIT */
/*
 * Prints what recording.h reads from a file, for tests that write files without EDFlib: one line for
 * rate and start, one for each channel, then "index count count ..." a frame. Used by tests only.
 *
 * Usage: recording-dump FILE [CHANNEL...]
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/recording.h"

#define FRAMES 1024

DEFINE_CLEANUP(struct recording *, recording_free)

static int frames_print(struct recording *recording) {
        size_t channels = recording_channels(recording);
        _cleanup_(freep) int32_t *counts = calloc(FRAMES * channels, sizeof(*counts));
        struct recording_error error;
        uint64_t index;
        ssize_t got;

        if (!counts)
                return EXIT_FAILURE;
        while ((got = recording_read(recording, &index, counts, FRAMES, &error)) > 0)
                for (size_t frame = 0; frame < (size_t)got; frame++) {
                        printf("%" PRIu64, index + frame);
                        for (size_t i = 0; i < channels; i++)
                                printf(" %" PRId32, counts[frame * channels + i]);
                        putchar('\n');
                }
        if (got < 0)
                fprintf(stderr, "%s\n", error.text);
        return got < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        _cleanup_(recording_freep) struct recording *recording = NULL;
        struct recording_options options = {.channels = argc > 2 ? (const char *const *)argv + 2 : NULL};
        struct recording_error error;

        if (argc < 2)
                return EXIT_FAILURE;
        if (recording_open(argv[1], &options, &recording, &error) < 0) {
                fprintf(stderr, "%s\n", error.text);
                return EXIT_FAILURE;
        }

        printf("rate %" PRIu32 " start %" PRId64 "\n", recording_rate_mhz(recording),
               recording_start_us(recording));
        for (size_t i = 0; i < recording_channels(recording); i++)
                printf("channel %.9g %s\n", recording_channel(recording, i)->scale_uv,
                       recording_channel(recording, i)->label);
        return frames_print(recording);
}
