/* SPDX-License-Identifier: MIT */
/*
 * A bench for one decoder, for the tests of the drivers: makes it, feeds it packets, looks at what comes
 * out.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sensors/drivers.h"

#define DATA(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

struct bench {
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        struct emg_block block;
};

static inline void expect_bytes(const uint8_t *bytes, const uint8_t *expected, size_t size) {
        for (size_t i = 0; i < size; i++)
                assert_int_equal(bytes[i], expected[i]);
}

static const struct sensor_settings no_settings = {.name = ""};

static inline struct bench bench_new(const struct sensor_driver *driver,
                                     const struct sensor_settings *settings) {
        struct bench bench = {.driver = driver};

        assert_int_equal(driver->decoder_new(&bench.decoder), 0);
        assert_int_equal(driver->begin(bench.decoder, settings ? settings : &no_settings), 0);
        return bench;
}

static inline void bench_free(struct bench *bench) {
        bench->driver->decoder_free(bench->decoder);
}

static inline int decode(struct bench *bench, unsigned source, const void *packet, size_t size) {
        return bench->driver->decode(bench->decoder, source, packet, size, &bench->block);
}

static inline void expect_block(const struct bench *bench, uint64_t index, uint32_t frames,
                                uint64_t lost) {
        assert_int_equal(bench->block.index, index);
        assert_int_equal(bench->block.frames, frames);
        assert_int_equal(bench->block.lost_packets, lost);
}

static inline struct stream_format format_of(const struct bench *bench) {
        struct stream_format format;

        assert_int_equal(bench->driver->format(bench->decoder, &format), 0);
        return format;
}
