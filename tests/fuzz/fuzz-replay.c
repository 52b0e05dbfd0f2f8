/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files that are given, cut at every length up to 2000 bytes too: where
 * there is no libFuzzer, as a test.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define INPUT_BYTES_MAX (1024 * 1024)
#define CUT_BYTES_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of just that size, so that a sanitizer or valgrind sees reading beyond it. */
static int input_run(const uint8_t *data, size_t size) {
        _cleanup_(freep) uint8_t *copy = malloc(size > 0 ? size : 1);

        if (!copy)
                return -1;
        memcpy(copy, data, size);
        return LLVMFuzzerTestOneInput(copy, size);
}

static int file_run(const char *path) {
        _cleanup_(fclosep) FILE *file = fopen(path, "r");
        _cleanup_(freep) uint8_t *data = malloc(INPUT_BYTES_MAX);
        size_t size;

        if (!file || !data)
                return -1;
        size = fread(data, 1, INPUT_BYTES_MAX, file);
        if (size == 0 || ferror(file))
                return -1;
        for (size_t cut = 0; cut < size && cut < CUT_BYTES_MAX; cut++)
                if (input_run(data, cut) < 0)
                        return -1;
        return input_run(data, size);
}

int main(int argc, char *argv[]) {
        int failed = 0;

        printf("1..%d\n", argc - 1);
        for (int i = 1; i < argc; i++) {
                const char *name = strrchr(argv[i], '/');
                int r = file_run(argv[i]);

                printf("%sok %d - %s\n", r < 0 ? "not " : "", i, name ? name + 1 : argv[i]);
                failed |= r < 0;
        }
        return failed;
}
