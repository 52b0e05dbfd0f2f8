/* SPDX-License-Identifier: MIT */
/*
 * Integers in packets, by byte order. For the drivers and the virtual sensors; needs nothing.
 */
#pragma once

#include <stdint.h>

static inline uint16_t u16_le(const uint8_t *bytes) {
        return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint16_t u16_be(const uint8_t *bytes) {
        return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline int16_t i16_le(const uint8_t *bytes) {
        return (int16_t)u16_le(bytes);
}

static inline int16_t i16_be(const uint8_t *bytes) {
        return (int16_t)u16_be(bytes);
}

static inline uint32_t u32_le(const uint8_t *bytes) {
        return (uint32_t)u16_le(bytes) | (uint32_t)u16_le(bytes + 2) << 16;
}

static inline int32_t i32_le(const uint8_t *bytes) {
        return (int32_t)u32_le(bytes);
}
