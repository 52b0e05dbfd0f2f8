/* SPDX-License-Identifier: MIT */
/*
 * The open leg-EMG profile (PROFILE.md): its constants, its driver, and the encoder that the virtual
 * sensors (virtual/) and the tests share. Needs muscle.h and driver.h; no bus, clock or file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sensors/driver.h"

#define OPEN_PROFILE_UUID(slot) "f8f2" slot "-a632-49da-84cb-1dc2575eee38"
#define OPEN_PROFILE_SERVICE_UUID OPEN_PROFILE_UUID("0001")
#define OPEN_PROFILE_SAMPLES_UUID OPEN_PROFILE_UUID("0002")
#define OPEN_PROFILE_DESCRIPTION_UUID OPEN_PROFILE_UUID("0003")
#define OPEN_PROFILE_CONTROL_UUID OPEN_PROFILE_UUID("0004")

#define OPEN_PROFILE_VERSION 1u
#define OPEN_PROFILE_CHANNELS_MAX 7u
#define OPEN_PROFILE_FRAME_SIZE_MAX 14u /* channels x bytes per value */
#define OPEN_PROFILE_DESCRIPTION_MAX 20u
#define OPEN_PROFILE_HEADER_SIZE 6u
#define OPEN_PROFILE_PACKET_MIN 20u   /* what every link carries: MTU 23 */
#define OPEN_PROFILE_PACKET_MAX 514u  /* MTU 517, the largest that BlueZ agrees to */
#define OPEN_PROFILE_INTERVAL_MS 50u  /* a notification at least that often */
#define OPEN_PROFILE_JUMP_MAX_S 3600u /* a sample counter further ahead is malformed */

/* Notifications that wait for one before them until it is given up. BlueZ as a sensor spreads them over
 * up to five bearers
 * ([GATT] Channels in its main.conf), so that they overtake each other: by up to 7 was seen when both
 * ends were slow. */
#define OPEN_PROFILE_WAITING_MAX 16u

/* What crampd's detector works on. */
#define OPEN_PROFILE_RATE_MIN_MHZ UINT32_C(200000)
#define OPEN_PROFILE_RATE_MAX_MHZ UINT32_C(2000000)

enum open_profile_opcode {
        OPEN_PROFILE_START = 0x01,
        OPEN_PROFILE_STOP = 0x02,
        OPEN_PROFILE_IDENTIFY = 0x03,
};

/* ATT application errors of the Control Point. */
enum open_profile_error {
        OPEN_PROFILE_ERROR_OPCODE = 0x80,
        OPEN_PROFILE_ERROR_STATE = 0x81,
};

struct open_profile_description {
        uint8_t leg; /* enum leg */
        uint32_t rate_mhz;
        uint32_t scale_pv; /* picovolts per count, 0 = arbitrary unit */
        uint8_t channels;
        uint8_t value_size; /* bytes: 2 or 3 */
        uint8_t muscle[OPEN_PROFILE_CHANNELS_MAX];
};

extern const struct sensor_driver open_profile_driver;

/* What the driver does with the value of the Description, for those who have it by other ways: starts a
 * new stream. Returns as sensor_driver.answer(), 0 when it is accepted. */
int open_profile_describe(struct sensor_decoder *decoder, const uint8_t *value, size_t size,
                          struct stream_format *ret);

/* Returns the size of the value, or -EINVAL if the profile cannot express it. */
ssize_t open_profile_encode_description(const struct open_profile_description *description,
                                        uint8_t value[static OPEN_PROFILE_DESCRIPTION_MAX]);

/* Whole frames that a packet of `size` bytes holds, 0 if it is too small. */
size_t open_profile_frames_fit(const struct open_profile_description *description, size_t size);

/* The highest count of this value size; the lowest is one further below zero. */
int32_t open_profile_count_max(unsigned value_size);

/* Packs interleaved counts; those out of range are sent as the nearest that fits, as a converter does.
 * Returns the packet's size, or -EINVAL for no frame, -EMSGSIZE for more than fit into `size`. */
ssize_t open_profile_encode_samples(const struct open_profile_description *description,
                                    uint16_t sequence, uint32_t counter, const int32_t *counts,
                                    size_t frames, uint8_t *packet, size_t size);
