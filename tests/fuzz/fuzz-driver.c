/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a sensor of any family: DRIVER is the driver's symbol, set by the build. The first byte
 * chooses the settings; then come pieces, each after a byte for what it is (an answer to a step of the
 * start, or a packet of a source) and one with its size. Whatever is accepted keeps the driver's
 * promises. Linked with fuzz-replay.c it runs over the seeds (meson test), with clang's libFuzzer it
 * searches: ninja tests/fuzz/fuzz-NAME, then tests/fuzz/fuzz-NAME FOLDER.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "sensors/drivers.h"

#define ANSWER 0x80u
#define ADVERT 0x40u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sensor_settings choices[] = {
        {.name = ""},
        {.name = "NPG-Lite-6CH:AA:BB", .channels = 0},
        {.name = "", .channels = 1, .scale_uv = 0.5},
        {.name = "", .channels = 4, .rate_mhz = 250000},
};

struct state {
        struct sensor_decoder *decoder;
        uint64_t next_index;
};

static void block_check(struct state *state, const struct emg_block *block) {
        struct stream_format format = {};

        assert(DRIVER.format(state->decoder, &format) == 0);
        assert(block->channels == format.channels);
        assert(block->channels >= 1 && block->channels <= STREAM_CHANNELS_MAX);
        assert(block->frames >= 1 && block->frames <= 4096);
        assert(block->index >= state->next_index);
        assert(block->index - state->next_index <= 3600u * 2000u);
        for (uint32_t i = 0; i < block->frames * block->channels; i++) {
                volatile int32_t count = block->counts[i]; /* all of it is there to be read */

                (void)count;
        }
        state->next_index = block->index + block->frames;
}

static void answer_give(struct state *state, unsigned step, const uint8_t *data, size_t size) {
        int r;

        for (unsigned i = 0; i < step; i++)
                if (!DRIVER.start || DRIVER.start[i].kind == SENSOR_STEP_END)
                        return;
        if (!DRIVER.answer || DRIVER.start[step].kind == SENSOR_STEP_END)
                return;
        r = DRIVER.answer(state->decoder, step, size > 0 ? data : NULL, size);
        assert(r >= 0 || r == -EAGAIN || r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ERANGE ||
               r == -ETIMEDOUT);
}

static void packet_give(struct state *state, unsigned source, const uint8_t *data, size_t size) {
        struct emg_block block;
        int r = DRIVER.decode(state->decoder, source, data, size, &block);

        assert(r == 1 || r == 0 || r == -EBADMSG);
        assert(!DRIVER.settles || r <= 0);
        if (DRIVER.settles)
                r = DRIVER.more(state->decoder, &block);
        for (; r > 0; r = DRIVER.more ? DRIVER.more(state->decoder, &block) : 0)
                block_check(state, &block);
        if (DRIVER.extras) {
                const struct sensor_extras *extras = DRIVER.extras(state->decoder);

                assert(extras->battery_percent >= -1 && extras->battery_percent <= 100);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct state state = {};

        if (size < 1)
                return 0;
        assert(DRIVER.decoder_new(&state.decoder) == 0);
        if (DRIVER.begin(state.decoder, &choices[data[0] % 4]) < 0)
                (void)DRIVER.begin(state.decoder, &choices[0]);
        for (size_t at = 1; at + 2 <= size;) {
                unsigned kind = data[at];
                size_t piece = data[at + 1] <= size - at - 2 ? data[at + 1] : size - at - 2;

                if (kind & ANSWER)
                        answer_give(&state, kind & 0xf, data + at + 2, piece);
                else
                        packet_give(&state, kind & ADVERT ? SENSOR_SOURCE_ADVERT : kind & 0x7,
                                    data + at + 2, piece);
                at += 2 + piece;
        }
        DRIVER.decoder_free(state.decoder);
        return 0;
}
