/* SPDX-License-Identifier: MIT */
/* Waveforms and their code: see waveform.h. */
#include "daemon/store/waveform.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

/* Differences of 16-bit values have 17 bits. */
#define SAMPLE_BYTES_MAX 3u
#define NUMBER_BYTES_MAX 5u

struct store_waveform *store_waveform_free(struct store_waveform *waveform) {
        if (!waveform)
                return NULL;
        free(waveform->samples);
        free(waveform);
        return NULL;
}

size_t store_waveform_frames(const struct store_waveform *waveform) {
        size_t frames = 0;

        for (uint32_t i = 0; i < waveform->n_pieces; i++)
                frames += waveform->pieces[i].frames;
        return frames;
}

int waveform_check_shape(const struct store_waveform *waveform) {
        uint64_t end = 0;

        if (waveform->start_us == STORE_NO_TIME || waveform->rate_mhz == 0 || waveform->channels < 1 ||
            waveform->channels > STORE_WAVEFORM_CHANNELS_MAX || waveform->n_pieces < 1 ||
            waveform->n_pieces > STORE_WAVEFORM_PIECES_MAX || !isfinite(waveform->scale_uv) ||
            waveform->scale_uv <= 0)
                return -EINVAL;
        for (uint32_t i = 0; i < waveform->n_pieces; i++) {
                const struct store_piece *piece = waveform->pieces + i;

                if (piece->first < end || piece->frames < 1)
                        return -EINVAL;
                end = (uint64_t)piece->first + piece->frames;
        }
        return end <= STORE_WAVEFORM_FRAMES_MAX ? 0 : -EINVAL;
}

/* --- writing the code --- */

static uint8_t *put_number(uint8_t *to, uint32_t number) {
        for (; number >= 0x80; number >>= 7)
                *to++ = (uint8_t)(number | 0x80);
        *to++ = (uint8_t)number;
        return to;
}

static uint8_t *put_channel(uint8_t *to, const int16_t *samples, size_t frames, size_t stride) {
        int32_t before = 0;

        for (size_t i = 0; i < frames; i++) {
                int32_t difference = samples[i * stride] - before;

                before = samples[i * stride];
                to = put_number(to, difference < 0 ? 2 * (uint32_t)-difference - 1
                                                   : 2 * (uint32_t)difference);
        }
        return to;
}

int waveform_encode(const struct store_waveform *waveform, uint8_t **ret, size_t *ret_size) {
        size_t most = store_waveform_frames(waveform) * waveform->channels * SAMPLE_BYTES_MAX +
                      (size_t)waveform->n_pieces * 2 * NUMBER_BYTES_MAX;
        const int16_t *samples = waveform->samples;
        uint8_t *code = malloc(most), *to = code;
        uint32_t end = 0;

        if (!code)
                return -ENOMEM;
        for (uint32_t i = 0; i < waveform->n_pieces; i++) {
                const struct store_piece *piece = waveform->pieces + i;

                to = put_number(to, piece->first - end);
                to = put_number(to, piece->frames);
                for (uint32_t channel = 0; channel < waveform->channels; channel++)
                        to = put_channel(to, samples + channel, piece->frames, waveform->channels);
                samples += (size_t)piece->frames * waveform->channels;
                end = piece->first + piece->frames;
        }
        *ret = code;
        *ret_size = (size_t)(to - code);
        return 0;
}

/* --- reading it --- */

struct code {
        const uint8_t *at, *end;
};

static int get_number(struct code *code, uint32_t *ret) {
        uint32_t number = 0;

        for (unsigned shift = 0; shift < 7 * NUMBER_BYTES_MAX && code->at < code->end; shift += 7) {
                uint8_t byte = *code->at++;

                if (shift == 28 && byte > 0x0f)
                        return -EBADMSG;
                number |= (uint32_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = number;
                        return 0;
                }
        }
        return -EBADMSG;
}

static int get_channel(struct code *code, int16_t *samples, size_t frames, size_t stride) {
        int64_t value = 0;
        uint32_t number;

        for (size_t i = 0; i < frames; i++) {
                if (get_number(code, &number) < 0)
                        return -EBADMSG;
                value += number & 1 ? -(int64_t)(number / 2) - 1 : (int64_t)(number / 2);
                if (value < INT16_MIN || value > INT16_MAX)
                        return -EBADMSG;
                samples[i * stride] = (int16_t)value;
        }
        return 0;
}

static int get_piece(struct code *code, const struct store_waveform *waveform, uint32_t end,
                     struct store_piece *ret) {
        uint32_t missing, frames;

        if (waveform->n_pieces == STORE_WAVEFORM_PIECES_MAX || get_number(code, &missing) < 0 ||
            get_number(code, &frames) < 0)
                return -EBADMSG;
        if (missing > STORE_WAVEFORM_FRAMES_MAX - end || frames < 1 ||
            frames > STORE_WAVEFORM_FRAMES_MAX - end - missing)
                return -EBADMSG;
        /* Each sample takes a byte at least: nothing is allocated on a mere word. */
        if ((size_t)(code->end - code->at) < (size_t)frames * waveform->channels)
                return -EBADMSG;
        *ret = (struct store_piece){end + missing, frames};
        return 0;
}

int waveform_decode(const uint8_t *bytes, size_t size, struct store_waveform *waveform) {
        struct code code = {bytes, bytes + size};
        size_t n = 0, channels = waveform->channels;
        uint32_t end = 0;

        if (channels < 1 || channels > STORE_WAVEFORM_CHANNELS_MAX)
                return -EBADMSG;
        waveform->n_pieces = 0;
        while (code.at < code.end) {
                struct store_piece piece;
                int16_t *larger;

                if (get_piece(&code, waveform, end, &piece) < 0)
                        return -EBADMSG;
                larger = reallocarray(waveform->samples, n + piece.frames * channels, sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                waveform->samples = larger;
                for (size_t channel = 0; channel < channels; channel++)
                        if (get_channel(&code, larger + n + channel, piece.frames, channels) < 0)
                                return -EBADMSG;
                n += piece.frames * channels;
                waveform->pieces[waveform->n_pieces++] = piece;
                end = piece.first + piece.frames;
        }
        return waveform->n_pieces > 0 ? 0 : -EBADMSG;
}
