/* SPDX-License-Identifier: MIT */
/*
 * The sample clock against a simulated sensor and radio: packets wait for connection events, radio
 * pauses now and then, clocks are off, packets are lost without a trace. Figures are printed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sensors/clock.h"

#define START_US UINT64_C(5000000)

struct world {
        /* the sensor */
        double rate_hz; /* true */
        uint32_t packet_frames;
        uint64_t sent;    /* frames */
        uint64_t told;    /* what its counter says: without those that were lost unseen */
        uint64_t modulus; /* of its counter in frames; 0 = it has none */
        /* the radio */
        uint64_t interval_us;
        uint64_t pause_us; /* until then nothing comes */
        uint64_t random;
        /* what the clock made of it */
        struct sample_clock *clock;
        uint64_t blocks, frames, next_index;
        uint64_t jump_at_us; /* arrival of the first block after a jump */
        uint64_t jumps;
        bool backwards;
        uint64_t last_arrival_us;
};

static uint64_t random_next(struct world *world) {
        world->random ^= world->random << 13;
        world->random ^= world->random >> 7;
        world->random ^= world->random << 17;
        return world->random;
}

static void on_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct world *world = userdata;

        world->backwards |= block->index < world->next_index;
        if (block->index > world->next_index && world->frames > 0) {
                world->jumps++;
                world->jump_at_us = world->last_arrival_us;
        }
        world->blocks++;
        world->frames += block->frames;
        world->next_index = block->index + block->frames;
}

static void world_begin(struct world *world, const struct stream_format *format) {
        world->random = world->random ? world->random : UINT64_C(0x9e3779b97f4a7c15);
        assert_int_equal(sample_clock_new(on_block, world, &world->clock), 0);
        sample_clock_begin(world->clock, format, 0);
}

static uint64_t sent_us(const struct world *world) {
        return START_US + (uint64_t)((double)world->sent * 1e6 / world->rate_hz);
}

/* When a packet that is complete now is heard: at a connection event, and after a pause. */
static uint64_t heard_us(const struct world *world) {
        uint64_t due_us = sent_us(world) > world->pause_us ? sent_us(world) : world->pause_us;

        return (due_us / world->interval_us + 1) * world->interval_us;
}

static void world_send(struct world *world, bool lost) {
        static int32_t counts[64 * STREAM_CHANNELS_MAX];
        struct emg_block block = {.frames = world->packet_frames, .channels = 1, .counts = counts};

        world->sent += world->packet_frames;
        if (lost)
                return;
        block.index = world->told;
        world->told += world->packet_frames;
        world->last_arrival_us = heard_us(world);
        sample_clock_push(world->clock, &block, world->last_arrival_us);
}

/* Loses as many packets as its counter cannot tell. Returns the frames. */
static uint64_t world_lose(struct world *world, uint64_t modulus_frames, unsigned times) {
        uint64_t frames = modulus_frames * times;

        for (uint64_t i = 0; i < frames / world->packet_frames; i++)
                world_send(world, true);
        return frames;
}

static const struct {
        const char *name;
        double rate_hz;
        uint32_t packet_frames;
        uint32_t slip_frames;
        uint64_t interval_us;
        uint64_t limit_us; /* within which a loss is to be noticed */
        bool is_beat; /* packets wait as long as one lasts: it takes a longer look, and may be wrong */
} families[] = {
        {"npg-lite", 500, 8, 256, 15000, 100000},
        {"bitalino", 1000, 8, 16, 7500, 100000},
        {"myo", 200, 2, 8, 15000, 100000},
        {"gforce", 500, 8, 8, 7500, 100000},
        {"ganglion", 200, 3, 201, 15000, 100000},
        {"gforce at 15 ms", 500, 8, 8, 15000, 450000, true},
        {"bitalino at 15 ms", 1000, 8, 16, 15000, 450000, true},
};

static void silent_losses_are_found_to_the_sample(void **state) {
        for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
                struct world world = {.rate_hz = families[f].rate_hz * (1 + 30e-6),
                                      .packet_frames = families[f].packet_frames,
                                      .interval_us = families[f].interval_us};
                struct stream_format format = {.rate_mhz = (uint32_t)(families[f].rate_hz * 1000),
                                               .channels = 1,
                                               .slip_frames = families[f].slip_frames};
                uint64_t lost = 0, latest_us = 0, found;
                unsigned losses = 0;

                world_begin(&world, &format);
                for (unsigned i = 0; i < 400; i++) {
                        uint64_t quiet = 300 + random_next(&world) % 300, jumps;
                        unsigned times = (unsigned)(1 + random_next(&world) % 8);
                        uint64_t back_us = 0;

                        for (uint64_t p = 0; p < quiet; p++)
                                world_send(&world, false);
                        jumps = world.jumps;
                        /* A radio pause, of which nothing may remain. */
                        world.pause_us = sent_us(&world) + random_next(&world) % 300000;
                        for (uint64_t p = 0; p < 300; p++)
                                world_send(&world, false);
                        assert_int_equal(world.jumps, jumps);
                        if (families[f].packet_frames * 1e6 / families[f].rate_hz > 100000)
                                continue;
                        lost += world_lose(&world, families[f].slip_frames, times);
                        losses++;
                        for (unsigned p = 0; p < 60 && world.jumps == jumps; p++) {
                                world_send(&world, false);
                                if (back_us == 0)
                                        back_us = world.last_arrival_us;
                        }
                        assert_true(world.jumps > jumps);
                        if (world.jump_at_us - back_us > latest_us)
                                latest_us = world.jump_at_us - back_us;
                }
                sample_clock_flush(world.clock);
                found = world.next_index - (world.sent - lost);
                print_message("# measured: %s: %u losses of %llu frames (%llu counted) found after %.0f "
                              "ms at most\n",
                              families[f].name, losses, (unsigned long long)lost,
                              (unsigned long long)found, (double)latest_us / 1000);
                if (families[f].is_beat) {
                        assert_true(fabs((double)found / (double)lost - 1) < 0.01);
                } else {
                        assert_int_equal(found, lost);
                }
                assert_false(world.backwards);
                assert_true(latest_us <= families[f].limit_us);
                sample_clock_free(world.clock);
        }
}

static void rates_are_told_apart(void **state) {
        static const double rates_hz[] = {250, 500};

        for (unsigned i = 0; i < 2; i++) {
                struct world world = {.rate_hz = rates_hz[i], .packet_frames = 25, .interval_us = 30000};

                world_begin(&world, &(struct stream_format){.rate = STREAM_RATE_GUESSED,
                                                            .rate_mhz = 500000,
                                                            .rates_mhz = {500000, 250000},
                                                            .channels = 1,
                                                            .slip_frames = 256});
                while (world.blocks == 0)
                        world_send(&world, false);
                assert_int_equal(sample_clock_get_format(world.clock)->rate_mhz, rates_hz[i] * 1000);
                assert_true(sent_us(&world) - START_US < 2000000);
                assert_int_equal(world.next_index, world.sent);
                sample_clock_free(world.clock);
        }
}

static void unknown_rates_are_measured(void **state) {
        static const double rates_hz[] = {1116, 1150, 1238};

        for (unsigned i = 0; i < 3; i++) {
                struct world world = {.rate_hz = rates_hz[i], .packet_frames = 24, .interval_us = 30000};
                double measured_hz;

                world_begin(&world, &(struct stream_format){.rate = STREAM_RATE_GUESSED,
                                                            .rate_mhz = 1150000,
                                                            .channels = 1});
                while (world.blocks == 0)
                        world_send(&world, false);
                measured_hz = sample_clock_get_format(world.clock)->rate_mhz / 1000.0;
                print_message("# measured: %.1f Hz for %.0f Hz after %.1f s\n", measured_hz, rates_hz[i],
                              (double)(sent_us(&world) - START_US) / 1e6);
                assert_true(fabs(measured_hz / rates_hz[i] - 1) < 0.005);
                sample_clock_free(world.clock);
        }
}

static void clocks_are_followed(void **state) {
        static const double ppm[] = {80, -60, 0};
        int64_t end_us[3];

        for (unsigned i = 0; i < 3; i++) {
                struct world world = {.rate_hz = 1000 * (1 + ppm[i] * 1e-6),
                                      .packet_frames = i == 0 ? 20 : 50,
                                      .interval_us = i == 0 ? 15000 : 30000};
                struct sample_clock_stats stats;

                world_begin(&world, &(struct stream_format){.rate_mhz = 1000000, .channels = 1});
                /* Eight hours. */
                while (sent_us(&world) < START_US + UINT64_C(28800000000)) {
                        if (random_next(&world) % 1000 == 0)
                                world.pause_us = sent_us(&world) + 250000;
                        world_send(&world, false);
                }
                sample_clock_get_stats(world.clock, &stats);
                /* Where the clock puts the last frame, against when it was taken. */
                end_us[i] = stats.origin_us + (int64_t)world.sent * 1000 - (int64_t)sent_us(&world);
                print_message("# measured: %+.1f ppm for %+.0f ppm; after 8 h off by %.1f ms\n",
                              stats.error_ppm, ppm[i], (double)end_us[i] / 1000);
                assert_true(fabs(stats.error_ppm - ppm[i]) < 2);
                assert_true(end_us[i] >= -1000 && end_us[i] < 20000);
                sample_clock_free(world.clock);
        }
        assert_true(llabs(end_us[0] - end_us[1]) < 20000);
}

static void free_samples_stand_on_a_grid(void **state) {
        struct world world = {0};
        const int32_t counts[] = {7};
        struct emg_block block = {.frames = 1, .channels = 1, .counts = counts};

        world_begin(&world, &(struct stream_format){.kind = STREAM_ENVELOPE,
                                                    .rate = STREAM_RATE_NONE,
                                                    .rate_mhz = 10000,
                                                    .channels = 1,
                                                    .slip_frames = 1});
        assert_int_equal(sample_clock_get_format(world.clock)->rate_mhz, CLOCK_GRID_MHZ);
        for (unsigned i = 0; i <= 100; i++)
                sample_clock_push(world.clock, &block, START_US + i * UINT64_C(100000));
        assert_int_equal(world.frames, 200);
        assert_int_equal(world.jumps, 0);
        /* Five seconds without one: it stands for one of them, the rest is a gap. */
        sample_clock_push(world.clock, &block, START_US + UINT64_C(15000000));
        assert_int_equal(world.frames, 220);
        sample_clock_push(world.clock, &block, START_US + UINT64_C(15100000));
        assert_int_equal(world.jumps, 1);
        assert_int_equal(world.next_index, 302);
        sample_clock_free(world.clock);
}

static void what_is_held_is_bounded_and_comes_out(void **state) {
        struct world world = {.rate_hz = 1150, .packet_frames = 24, .interval_us = 1000};

        world_begin(&world, &(struct stream_format){
                                    .rate = STREAM_RATE_GUESSED, .rate_mhz = 1150000, .channels = 1});
        for (unsigned i = 0; i < 3; i++)
                world_send(&world, false);
        assert_int_equal(world.blocks, 0);
        sample_clock_flush(world.clock);
        assert_int_equal(world.frames, 72);
        /* All at one moment: no rate can be measured, and still nothing is lost. */
        sample_clock_begin(
                world.clock,
                &(struct stream_format){.rate = STREAM_RATE_GUESSED, .rate_mhz = 1150000, .channels = 1},
                0);
        world.frames = world.told = world.next_index = 0;
        for (unsigned i = 0; i < 3000; i++) {
                static const int32_t counts[24];
                struct emg_block block = {
                        .index = i * 24, .frames = 24, .channels = 1, .counts = counts};

                sample_clock_push(world.clock, &block, START_US);
        }
        sample_clock_flush(world.clock);
        assert_int_equal(world.frames, 72000);
        sample_clock_free(world.clock);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(silent_losses_are_found_to_the_sample),
                cmocka_unit_test(rates_are_told_apart),
                cmocka_unit_test(unknown_rates_are_measured),
                cmocka_unit_test(clocks_are_followed),
                cmocka_unit_test(free_samples_stand_on_a_grid),
                cmocka_unit_test(what_is_held_is_bounded_and_comes_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
