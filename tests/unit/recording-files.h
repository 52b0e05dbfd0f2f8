/* SPDX-License-Identifier: MIT */
/* A temporary folder for the recordings that a test writes, and the checks that the tests of recordings
 * share. */
#pragma once

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/recording.h"

static inline int files_setup(void **state) {
        char *folder = strdup("/tmp/crampd-test-XXXXXX");

        *state = folder;
        return folder && mkdtemp(folder) ? 0 : -1;
}

static inline int files_teardown(void **state) {
        char *folder = *state;
        DIR *entries = opendir(folder);
        struct dirent *entry;

        assert(entries);
        while ((entry = readdir(entries)))
                if (entry->d_name[0] != '.')
                        (void)unlinkat(dirfd(entries), entry->d_name, 0);
        (void)closedir(entries);
        (void)rmdir(folder);
        free(folder);
        return 0;
}

/* The path of a file in the folder; valid until the next call. */
static inline const char *file_path(void **state, const char *name) {
        static char path[256];

        (void)snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name);
        return path;
}

static inline const char *file_write(void **state, const char *name, const void *bytes, size_t length) {
        const char *path = file_path(state, name);
        FILE *file = fopen(path, "w");

        assert(file);
        assert(fwrite(bytes, 1, length, file) == length);
        assert(fclose(file) == 0);
        return path;
}

/* Expects that opening fails, with a text that begins with the path and holds `place` and `remedy`. */
static inline void refusal_check(const char *path, const struct recording_options *options, int expected,
                                 const char *place, const char *remedy) {
        struct recording *recording = NULL;
        struct recording_error error = {{0}};
        int r = recording_open(path, options, &recording, &error);

        if (r != expected || recording || strncmp(error.text, path, strlen(path)) != 0 ||
            !strstr(error.text, place) || !strstr(error.text, remedy)) {
                recording_free(recording);
                fail_msg("%s: %d instead of %d (\"%s\", \"%s\"): %s", path, r, expected, place, remedy,
                         error.text);
        }
}

static inline struct recording *recording_expect(const char *path,
                                                 const struct recording_options *options) {
        struct recording *recording = NULL;
        struct recording_error error = {{0}};

        if (recording_open(path, options, &recording, &error) != 0)
                fail_msg("not opened: %s", error.text);
        return recording;
}
