/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a sensor of the open profile: the first byte is the size of the Description, then it
 * comes, then packets, each after a byte with its size. Whatever is accepted keeps the decoder's
 * promises. Linked with fuzz-replay.c it runs over the seeds (meson test), with clang's libFuzzer it
 * searches: ninja tests/fuzz/fuzz-open-profile, then tests/fuzz/fuzz-open-profile FOLDER.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "sensors/muscle.h"
#include "sensors/open-profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
        const uint8_t *data;
        size_t size;
};

/* The next piece, cut to what is left. */
static size_t piece_take(struct input *input, const uint8_t **ret) {
        size_t size;

        if (input->size < 1)
                return 0;
        size = input->data[0];
        if (size > input->size - 1)
                size = input->size - 1;
        *ret = input->data + 1;
        input->data += 1 + size;
        input->size -= 1 + size;
        return size;
}

static void format_check(const struct stream_format *format) {
        assert(format->channels >= 1 && format->channels <= OPEN_PROFILE_CHANNELS_MAX);
        assert(format->rate_mhz >= OPEN_PROFILE_RATE_MIN_MHZ &&
               format->rate_mhz <= OPEN_PROFILE_RATE_MAX_MHZ);
        assert(format->scale_uv >= 0 && format->scale_uv < 4295);
        assert(format->leg < LEG_MAX);
        for (uint32_t i = 0; i < format->channels; i++)
                assert(format->muscle[i] < MUSCLE_MAX);
}

static void block_check(const struct emg_block *block, const struct stream_format *format,
                        uint64_t next_index) {
        assert(block->channels == format->channels);
        assert(block->frames >= 1);
        assert(block->index >= next_index);
        assert((block->index - next_index) * 1000 <=
               (uint64_t)format->rate_mhz * OPEN_PROFILE_JUMP_MAX_S);
        assert(block->lost_packets <= block->index - next_index);
        assert(block->frames_after <= OPEN_PROFILE_WAITING_MAX * OPEN_PROFILE_PACKET_MAX / 2);
        for (uint32_t i = 0; i < block->frames * block->channels; i++) {
                assert(block->counts[i] >= -8388608 && block->counts[i] <= 8388607);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = {data, size};
        const uint8_t *piece = data;
        struct sensor_decoder *decoder;
        struct stream_format format;
        uint64_t next_index = 0;
        size_t piece_size;

        assert(open_profile_driver.decoder_new(&decoder) == 0);
        piece_size = piece_take(&input, &piece);
        if (open_profile_describe(decoder, piece, piece_size, &format) == 0) {
                struct emg_block block;

                format_check(&format);
                while (input.size > 0) {
                        int r;

                        piece_size = piece_take(&input, &piece);
                        r = open_profile_driver.decode(decoder, 0, piece, piece_size, &block);
                        assert(r == 1 || r == 0 || r == -EBADMSG);
                        for (; r > 0; r = open_profile_driver.more(decoder, &block)) {
                                block_check(&block, &format, next_index);
                                next_index = block.index + block.frames;
                        }
                }
                for (size_t i = 0; open_profile_driver.finish(decoder, &block) > 0; i++) {
                        assert(i < OPEN_PROFILE_WAITING_MAX);
                        block_check(&block, &format, next_index);
                        next_index = block.index + block.frames;
                }
        }
        open_profile_driver.decoder_free(decoder);
        return 0;
}
