/* SPDX-License-Identifier: MIT */
/*
 * Every twin against the driver of its family: started as the driver's steps say, then frames of known
 * counts with seeded losses, duplicates and spoiled packets. What the driver makes of them has to be
 * the frames that were sent, at the index at which they were sent. Prints a line a family.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/driver.h"
#include "sensors/virtual/faults.h"
#include "sensors/virtual/twin.h"

#define FRAMES 60000u
#define STEPS_MAX 64u
#define SLIPS_MAX 4

struct sent {
        int32_t counts[TWIN_CHANNELS_MAX];
};

struct session {
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        struct twin twin;
        struct faults faults;
        struct stream_format format;
        struct sent *sent; /* frames that the twin put into packets */
        size_t sent_count;
        int64_t shift;          /* from the driver's index to the twin's; known after the first block */
        int64_t factor, offset; /* from the twin's counts to the driver's */
        bool known;
        uint64_t packets, malformed, lost_told, frames, equal, slips, last_end;
};

static int characteristic_find(const struct session *session, const char *uuid) {
        const struct gatt_characteristic *table = session->twin.family->characteristics;

        for (int i = 0; table[i].service; i++)
                if (strcmp(table[i].uuid, uuid) == 0)
                        return i;
        return -1;
}

/* The number that the driver has for a characteristic, or -1. */
static int source_find(const struct session *session, unsigned characteristic) {
        const char *uuid = session->twin.family->characteristics[characteristic].uuid;

        for (int i = 0; session->driver->notifying[i]; i++)
                if (strcmp(session->driver->notifying[i], uuid) == 0)
                        return i;
        return -1;
}

/* The outcome of a step. Returns the next one, or what ends the start. */
static int answer(struct session *session, unsigned step, const uint8_t *value, size_t size) {
        return session->driver->answer ? session->driver->answer(session->decoder, step, value, size)
                                       : (int)step + 1;
}

/* Hands the replies to ASK. */
static int replies_hand(struct session *session, unsigned step) {
        int r = -EAGAIN;

        for (size_t i = 0; i < session->twin.out_count && r == -EAGAIN; i++) {
                const struct twin_packet *packet = &session->twin.out[i];

                if (source_find(session, packet->characteristic) ==
                    (int)session->driver->start[step].source)
                        r = answer(session, step, packet->bytes, packet->size);
        }
        session->twin.out_count = 0;
        return r == -EAGAIN ? answer(session, step, NULL, 0) : r;
}

static int step_do(struct session *session, unsigned number) {
        const struct sensor_step *step = &session->driver->start[number];
        const char *uuid = step->kind == SENSOR_STEP_SUBSCRIBE ? session->driver->notifying[step->source]
                                                               : step->uuid;
        int characteristic = uuid ? characteristic_find(session, uuid) : -1;
        uint8_t value[GATT_VALUE_MAX];
        size_t size;

        if (characteristic < 0) {
                assert_true(step->optional || step->kind == SENSOR_STEP_PAUSE);
                return answer(session, number, NULL, 0);
        }
        switch (step->kind) {
        case SENSOR_STEP_READ:
                size = twin_read(&session->twin, (unsigned)characteristic, value);
                return answer(session, number, value, size);
        case SENSOR_STEP_SUBSCRIBE:
                twin_subscribed(&session->twin, (unsigned)characteristic, true);
                return answer(session, number, NULL, 0);
        default:
                assert_true(twin_write(&session->twin, (unsigned)characteristic, step->value,
                                       step->size) == 0 ||
                            step->optional);
                return step->kind == SENSOR_STEP_ASK ? replies_hand(session, number)
                                                     : answer(session, number, NULL, 0);
        }
}

static void session_start(struct session *session, const char *variant) {
        struct sensor_settings settings = {.name = session->twin.variant->local_name};
        int step = 0;

        settings.envelope = session->twin.form.envelopes != 0;
        assert_int_equal(session->driver->begin(session->decoder, &settings), 0);
        for (unsigned turn = 0; session->driver->start[step].kind != SENSOR_STEP_END; turn++) {
                step = step_do(session, (unsigned)step);
                if (step < 0 || turn >= STEPS_MAX)
                        fail_msg("%s %s: the start ends with %d", session->driver->name, variant, step);
        }
        assert_true(session->twin.running);
        assert_int_equal(session->driver->format(session->decoder, &session->format), 0);
        session->twin.out_count = 0;
}

/* Whether the driver's frame is the sent one of that number. */
static bool frame_equals(const struct session *session, const int32_t *counts, int64_t number) {
        if (number < 0 || (size_t)number >= session->sent_count)
                return false;
        for (uint32_t i = 0; i < session->format.channels; i++)
                if (counts[i] != session->sent[number].counts[i] * session->factor + session->offset)
                        return false;
        return true;
}

/* Whether all of a block is what was sent from that number on. */
static bool block_equals(const struct session *session, const struct emg_block *block, int64_t number) {
        for (uint32_t i = 0; i < block->frames; i++)
                if (!frame_equals(session, block->counts + (size_t)i * block->channels, number + i))
                        return false;
        return true;
}

/* Finds the first block among what was sent. Drivers may take the middle of the scale away, and give
 * decimals in hundredths or thousandths. */
static void block_place(struct session *session, const struct emg_block *block) {
        const struct twin_form *form = &session->twin.form;
        const int64_t offsets[] = {0, -form->middle, -(form->highest / 2 + 1)};
        static const int64_t factors[] = {1000, 100, 10, 1}; /* the least likely by chance first */

        for (size_t k = 0; k < 12; k++) {
                session->factor = factors[k / 3];
                session->offset = offsets[k % 3];
                for (int64_t number = 0; number < (int64_t)session->sent_count; number++)
                        if (block_equals(session, block, number)) {
                                session->shift = number - (int64_t)block->index;
                                session->known = true;
                                return;
                        }
        }
        fail_msg("%s: the first block (%d %d ...) was never sent", session->driver->name,
                 block->counts[0], block->counts[block->frames > 1 ? block->channels : 0]);
}

/* Where packets tell of a loss only up to a point, the place may slip by so many frames at a time: on
 * after a loss that does not show, back after a duplicate that does not. */
static void block_slip(struct session *session, const struct emg_block *block) {
        int64_t number = (int64_t)block->index + session->shift, slip = session->format.slip_frames;

        if (slip == 0)
                return;
        for (int64_t i = 0; i < 2 * SLIPS_MAX; i++) {
                int64_t way = (i % 2 ? 1 : -1) * ((i + 1) / 2) * slip;

                if (!block_equals(session, block, number + way))
                        continue;
                session->slips += i > 0;
                session->shift += way;
                return;
        }
}

static void block_check(struct session *session, const struct emg_block *block) {
        assert_int_equal(block->channels, session->format.channels);
        assert_true(block->index >= session->last_end);
        session->last_end = block->index + block->frames;
        session->lost_told += block->lost_packets;
        if (!session->known)
                block_place(session, block);
        block_slip(session, block);
        for (uint32_t i = 0; i < block->frames; i++) {
                session->frames++;
                session->equal += frame_equals(session, block->counts + (size_t)i * block->channels,
                                               (int64_t)block->index + i + session->shift);
        }
}

static void packet_decode(struct session *session, const struct twin_packet *packet) {
        int source = source_find(session, packet->characteristic), r;
        uint8_t *copy = malloc(packet->size ? packet->size : 1); /* so that reading past it shows */
        struct emg_block block = {};

        if (source >= 0) {
                assert_non_null(copy);
                memcpy(copy, packet->bytes, packet->size);
                r = session->driver->decode(session->decoder, (unsigned)source, copy, packet->size,
                                            &block);
                session->packets++;
                session->malformed += r == -EBADMSG;
                if (r == 0 && session->driver->settles)
                        r = session->driver->more(session->decoder, &block);
                while (r > 0) {
                        block_check(session, &block);
                        r = session->driver->more ? session->driver->more(session->decoder, &block) : 0;
                }
        }
        free(copy);
}

/* Counts that differ from frame to frame and channel to channel, within the form. Those of the Ganglion
 * are what is left of a value after it was cut to 18 bits. */
static void frame_make(const struct session *session, uint32_t number, int32_t *counts) {
        const struct twin_form *form = &session->twin.form;
        bool is_wide = form->highest > 65535;
        int32_t range = is_wide ? 1024 : form->highest - form->lowest + 1;

        for (uint32_t i = 0; i < form->channels; i++) {
                uint32_t mixed = ((number + 7) * TWIN_CHANNELS_MAX + i) * 2654435761u;

                counts[i] = (int32_t)(mixed >> 8) % range + (is_wide ? -512 : form->lowest);
                if (is_wide)
                        counts[i] *= 128;
        }
        /* Fields of 6 bits. */
        if (strcmp(session->driver->name, "bitalino") == 0)
                for (uint32_t i = 4; i < form->channels; i++)
                        counts[i] &= ~15;
}

static void session_play(struct session *session) {
        for (uint32_t number = 0; number < FRAMES; number++) {
                int32_t counts[TWIN_CHANNELS_MAX] = {};

                frame_make(session, number, counts);
                memcpy(session->sent[session->sent_count++].counts, counts, sizeof(counts));
                twin_frame(&session->twin, counts);
                for (size_t i = 0; i < session->twin.out_count; i++) {
                        struct twin_packet *packet = &session->twin.out[i];
                        unsigned times = faults_apply(&session->faults, &session->twin, packet, 0);

                        while (times-- > 0)
                                packet_decode(session, packet);
                }
                session->twin.out_count = 0;
        }
}

static void session_run(const char *family, const char *variant, const char *faults) {
        struct session *session = calloc(1, sizeof(*session));

        assert_non_null(session);
        session->sent = calloc(FRAMES, sizeof(*session->sent));
        assert_non_null(session->sent);
        session->driver = sensor_driver_find(family);
        assert_non_null(session->driver);
        assert_int_equal(twin_init(&session->twin, family, variant), 0);
        assert_int_equal(session->driver->decoder_new(&session->decoder), 0);
        faults_init(&session->faults, 11);
        assert_int_equal(faults_parse(&session->faults, faults), 0);
        session_start(session, variant);
        session_play(session);
        (void)printf("# %-11s %-9s: %6lu packets, %4lu lost (%lu told), %4lu spoiled (%lu told), "
                     "%lu slips, %lu of %lu frames equal, %zu sent\n",
                     family, variant, (unsigned long)session->packets,
                     (unsigned long)session->faults.totals.lost, (unsigned long)session->lost_told,
                     (unsigned long)session->faults.totals.malformed, (unsigned long)session->malformed,
                     (unsigned long)session->slips, (unsigned long)session->equal,
                     (unsigned long)session->frames, session->sent_count);
        session->driver->decoder_free(session->decoder);
        free(session->sent);
        assert_true(session->frames > 0);
        assert_int_equal(session->equal, session->frames);
        free(session);
}

#define FAULTS "loss=0.01,duplicate=0.002,malformed=0.002"

#define FAMILY(function, family, variant)               \
        static void test_##function(void **state) {     \
                session_run(family, variant, "loss=0"); \
                session_run(family, variant, FAULTS);   \
        }

FAMILY(npg_3ch, "npg-lite", "3ch")
FAMILY(npg_6ch, "npg-lite", "6ch")
FAMILY(npg_band, "npg-lite", "band")
FAMILY(npg_idf, "npg-lite", "idf")
FAMILY(umyo_s2, "umyo", "s2")
FAMILY(umyo_s1, "umyo", "s1")
FAMILY(umyo_short, "umyo", "short")
FAMILY(umyo_tagged, "umyo", "tagged")
FAMILY(gforce_12, "gforce", "12-bit")
FAMILY(gforce_8, "gforce", "8-bit")
FAMILY(gforce_fragments, "gforce", "fragments")
FAMILY(myo, "myo", "emg")
FAMILY(ganglion_3, "ganglion", "fw3")
FAMILY(ganglion_2, "ganglion", "fw2")
FAMILY(bitalino, "bitalino", "live")
FAMILY(anr_m40, "anr-m40", "m40")
FAMILY(myoware, "myoware", "envelope")
FAMILY(text_lines, "nordic-text", "lines")

/* A lost part joins two lines to one that may be a number too: nothing in the text tells. */
static void test_text_stream(void **state) {
        session_run("nordic-text", "stream", "duplicate=0");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_npg_3ch),          cmocka_unit_test(test_npg_6ch),
                cmocka_unit_test(test_npg_band),         cmocka_unit_test(test_npg_idf),
                cmocka_unit_test(test_umyo_s2),          cmocka_unit_test(test_umyo_s1),
                cmocka_unit_test(test_umyo_short),       cmocka_unit_test(test_umyo_tagged),
                cmocka_unit_test(test_gforce_12),        cmocka_unit_test(test_gforce_8),
                cmocka_unit_test(test_gforce_fragments), cmocka_unit_test(test_myo),
                cmocka_unit_test(test_ganglion_3),       cmocka_unit_test(test_ganglion_2),
                cmocka_unit_test(test_bitalino),         cmocka_unit_test(test_anr_m40),
                cmocka_unit_test(test_myoware),          cmocka_unit_test(test_text_lines),
                cmocka_unit_test(test_text_stream),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
