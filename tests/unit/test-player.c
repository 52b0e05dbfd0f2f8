/* SPDX-License-Identifier: MIT */
/* Recordings as packets of the open profile, decoded again by its driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <edflib.h>
#include <errno.h>
#include <math.h>

#include "recording-files.h"
#include "sensors/muscle.h"
#include "sensors/virtual/player.h"

#define FRAMES_MAX 20000

/* What the other end makes of a player's packets. */
struct played {
        struct stream_format format;
        int32_t counts[FRAMES_MAX * OPEN_PROFILE_CHANNELS_MAX];
        uint64_t index[FRAMES_MAX];
        size_t frames;
        size_t packets;
        size_t frames_most; /* in one packet */
        size_t size_most;
        uint64_t lost_packets;
        uint64_t due_us; /* of the last one */
};

static struct player *player_expect(const char *path, bool loop) {
        struct player_setup setup = {
                .path = path, .leg = LEG_LEFT, .muscle = MUSCLE_SOLEUS, .loop = loop};
        struct recording_error error;
        struct player *player;

        if (player_new(&setup, &player, &error) < 0)
                fail_msg("not opened: %s", error.text);
        return player;
}

static void packet_take(struct played *played, struct sensor_decoder *decoder,
                        const struct player_packet *packet) {
        struct emg_block block;

        assert_int_equal(open_profile_driver.decode(decoder, 0, packet->bytes, packet->size, &block), 1);
        assert_int_equal(block.frames, packet->frames);
        assert_true(played->frames + block.frames <= FRAMES_MAX);
        memcpy(played->counts + played->frames * block.channels, block.counts,
               block.frames * block.channels * sizeof(int32_t));
        for (size_t i = 0; i < block.frames; i++)
                played->index[played->frames + i] = block.index + i;

        assert_true(packet->due_us > played->due_us);
        assert_true(packet->due_us ==
                    (block.index + block.frames) * 1000000000 / played->format.rate_mhz);
        played->due_us = packet->due_us;
        played->frames += block.frames;
        played->packets++;
        played->lost_packets += block.lost_packets;
        if (block.frames > played->frames_most)
                played->frames_most = block.frames;
        if (packet->size > played->size_most)
                played->size_most = packet->size;
}

/* Plays up to `frames_max` frames. */
static struct played *play(struct player *player, size_t packet_size, size_t frames_max) {
        struct played *played = calloc(1, sizeof(*played));
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX];
        struct sensor_decoder *decoder;
        struct recording_error error;
        struct player_packet packet;
        ssize_t size;
        int r = 1;

        assert_non_null(played);
        assert_int_equal(open_profile_driver.decoder_new(&decoder), 0);
        size = open_profile_encode_description(player_description(player), value);
        assert_true(size > 0);
        assert_int_equal(open_profile_describe(decoder, value, (size_t)size, &played->format), 0);
        assert_int_equal(player_start(player, packet_size, &error), 0);
        while (played->frames < frames_max && (r = player_next(player, &packet, &error)) > 0)
                packet_take(played, decoder, &packet);
        assert_true(r >= 0);
        open_profile_driver.decoder_free(decoder);
        return played;
}

/* A value for each place, between -peak and peak, both of which occur. */
static int32_t value_at(size_t frame, size_t channel, int32_t peak) {
        if (frame == 3)
                return channel % 2 ? -peak : peak;
        return (int32_t)((int64_t)(frame * 7919 + channel * 104729) % (2 * peak + 1)) - peak;
}

/* A CSV of whole numbers. */
static const char *csv_write(void **state, const char *unit, size_t channels, size_t frames,
                             int32_t peak) {
        const char *path = file_path(state, "night.csv");
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        (void)fprintf(file, "time_s");
        for (size_t i = 0; i < channels; i++)
                (void)fprintf(file, ",C%zu_%s", i, unit);
        for (size_t frame = 0; frame < frames; frame++) {
                (void)fprintf(file, "\n%zu.%03zu", frame / 1000, frame % 1000);
                for (size_t i = 0; i < channels; i++)
                        (void)fprintf(file, ",%d", value_at(frame, i, peak));
        }
        (void)fprintf(file, "\n");
        assert_int_equal(fclose(file), 0);
        return path;
}

/* Each value, times `factor`, is what was played, to within half a count. */
static void values_check(const struct played *played, size_t frames, int32_t peak, double factor) {
        size_t channels = played->format.channels;

        assert_int_equal(played->frames, frames);
        for (size_t frame = 0; frame < frames; frame++) {
                assert_int_equal(played->index[frame], frame);
                for (size_t i = 0; i < channels; i++) {
                        double expected = value_at(frame, i, peak) * factor;

                        assert_true(fabs(played->counts[frame * channels + i] - expected) <= 0.5);
                }
        }
}

static void small_counts_go_unchanged(void **state) {
        struct player *player = player_expect(csv_write(state, "counts", 4, 1000, 32767), false);
        struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

        assert_int_equal(player_description(player)->value_size, 2);
        assert_int_equal(player_description(player)->leg, LEG_LEFT);
        assert_int_equal(player_description(player)->muscle[3], MUSCLE_SOLEUS);
        assert_int_equal(player_frames(player), 1000);
        assert_null(player_notice(player));
        assert_true(played->format.scale_uv == 0);
        assert_int_equal(played->format.rate_mhz, 1000000);
        assert_int_equal(played->frames_most, 29);
        assert_int_equal(played->lost_packets, 0);
        values_check(played, 1000, 32767, 1);
        free(played);
        player_free(player);
}

static void write_columns(const char *path, size_t columns) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        (void)fprintf(file, "time_s");
        for (size_t column = 0; column < columns; column++)
                (void)fprintf(file, ",M%zu_uV", column);
        for (size_t frame = 0; frame < 300; frame++) {
                (void)fprintf(file, "\n0.%03zu", frame);
                for (size_t column = 0; column < columns; column++)
                        (void)fprintf(file, ",%d", value_at(frame, 0, 50));
        }
        (void)fprintf(file, "\n");
        assert_int_equal(fclose(file), 0);
}

/* The buffers are as large as the first look at the file asked for. */
static void loop_ends_at_a_file_of_another_shape(void **state) {
        const char *path = file_path(state, "grows.csv");
        struct player *player;
        struct recording_error error;
        struct player_packet packet;
        size_t frames = 0;

        write_columns(path, 1);
        player = player_expect(path, true);
        assert_int_equal(player_start(player, PLAYER_PACKET_SIZE, &error), 0);
        for (; frames < 300; frames += packet.frames)
                assert_int_equal(player_next(player, &packet, &error), 1);
        assert_int_equal(frames, 300);
        write_columns(path, 200);
        assert_int_equal(player_next(player, &packet, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "changed while it was played"));
        player_free(player);
}

/* A packet ends where what is beside its frames changes, and it is told with that packet. */
static void packets_end_where_the_accelerometer_changes(void **state) {
        static const size_t changes[] = {0, 3, 40, 41, 100}; /* frames of a new value; at first none */
        const char *path = file_path(state, "moves.csv");
        FILE *file = fopen(path, "w");
        const struct player_setup setup = {.path = path, .beside = true};
        struct player *player = NULL;
        struct recording_error error;
        struct player_packet packet;
        size_t frame = 0, seen = 0;
        int r;

        assert_non_null(file);
        (void)fprintf(file, "time_s,GM_uV,ACCX_g,ACCY_g,ACCZ_g\n");
        for (size_t i = 0; i < 150; i++) {
                while (seen + 1 < ARRAY_LENGTH(changes) && changes[seen + 1] <= i)
                        seen++;
                (void)fprintf(file, "0.%03zu,%d,", i, value_at(i, 0, 50));
                (void)fprintf(file, seen > 0 && i == changes[seen] ? "0.00%zu,-1,0.5\n" : ",,\n", seen);
        }
        assert_int_equal(fclose(file), 0);

        assert_int_equal(player_new(&setup, &player, &error), 0);
        assert_int_equal(player_start(player, PLAYER_PACKET_SIZE, &error), 0);
        seen = 0;
        while ((r = player_next(player, &packet, &error)) > 0) {
                const struct source_beside *beside = player_beside(player);

                while (seen + 1 < ARRAY_LENGTH(changes) && changes[seen + 1] <= frame)
                        seen++;
                assert_true(beside->has_motion && !beside->has_company);
                assert_int_equal(beside->company_percent, -1);
                assert_int_equal(beside->motion_known, seen > 0);
                if (seen > 0) {
                        assert_int_equal(beside->motion_mg[0], seen);
                        assert_int_equal(beside->motion_mg[1], -1000);
                        assert_int_equal(beside->motion_mg[2], 500);
                }
                frame += packet.frames;
                assert_true(seen + 1 == ARRAY_LENGTH(changes) || frame <= changes[seen + 1]);
        }
        assert_int_equal(r, 0);
        assert_int_equal(frame, 150);
        player_free(player);
}

static void larger_counts_take_three_bytes(void **state) {
        struct player *player = player_expect(csv_write(state, "uV", 4, 1000, 5000), false);
        struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

        assert_int_equal(player_description(player)->value_size, 3);
        assert_int_equal(player_description(player)->scale_pv, 10000);
        assert_null(player_notice(player));
        values_check(played, 1000, 5000, 100);
        free(played);
        player_free(player);
}

static void many_channels_are_rounded_to_two_bytes(void **state) {
        struct player *player = player_expect(csv_write(state, "uV", 7, 1000, 5000), false);
        struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

        assert_int_equal(player_description(player)->value_size, 2);
        /* 5000 uV / 32767, rounded up to whole picovolts. */
        assert_int_equal(player_description(player)->scale_pv, 152593);
        assert_string_equal(player_notice(player), "rounds values to multiples of 0.152593 uV");
        values_check(played, 1000, 5000, 1 / 0.152593);
        free(played);
        player_free(player);
}

static void counts_beyond_the_format_are_scaled_down(void **state) {
        struct player *player = player_expect(csv_write(state, "counts", 1, 1000, 1000000000), false);
        struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

        assert_int_equal(player_description(player)->value_size, 3);
        assert_int_equal(player_description(player)->scale_pv, 0);
        assert_string_equal(player_notice(player), "rounds values to a common scale");
        values_check(played, 1000, 1000000000, 8388607.0 / 1000000000);
        free(played);
        player_free(player);
}

static void eighth_channel_is_left_out(void **state) {
        struct player *player = player_expect(csv_write(state, "counts", 9, 500, 1000), false);
        struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

        assert_int_equal(played->format.channels, 7);
        assert_string_equal(player_notice(player), "plays the first 7 of 9 channels");
        values_check(played, 500, 1000, 1);
        free(played);
        player_free(player);
}

/* Two signals of an EDF, with 1 and 0.25 uV per count. */
static void scales_are_made_one(void **state) {
        const char *path = file_path(state, "two.edf");
        int handle = edfopen_file_writeonly(path, EDFLIB_FILETYPE_EDFPLUS, 2);
        struct played *played;
        struct player *player;

        assert_true(handle >= 0);
        for (int i = 0; i < 2; i++) {
                double physical = i == 0 ? 32767.5 : 32767.5 / 4;

                assert_int_equal(edf_set_samplefrequency(handle, i, 1000), 0);
                assert_int_equal(edf_set_digital_maximum(handle, i, 32767), 0);
                assert_int_equal(edf_set_digital_minimum(handle, i, -32768), 0);
                assert_int_equal(edf_set_physical_maximum(handle, i, physical), 0);
                assert_int_equal(edf_set_physical_minimum(handle, i, -physical), 0);
                assert_int_equal(edf_set_physical_dimension(handle, i, "uV"), 0);
                assert_int_equal(edf_set_label(handle, i, i == 0 ? "EMG GM" : "EMG SOL"), 0);
        }
        for (int second = 0; second < 2; second++)
                for (int i = 0; i < 2; i++) {
                        int samples[1000];

                        for (int k = 0; k < 1000; k++)
                                samples[k] = value_at((size_t)(second * 1000 + k), (size_t)i, 32767);
                        assert_int_equal(edfwrite_digital_samples(handle, samples), 0);
                }
        assert_int_equal(edfclose_file(handle), 0);

        player = player_expect(path, false);
        played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);
        assert_int_equal(player_description(player)->value_size, 3);
        assert_in_range(player_description(player)->scale_pv, 249990, 250010);
        assert_non_null(strstr(player_notice(player), "rounds values to multiples of 0.25"));
        assert_int_equal(played->frames, 2000);
        for (size_t frame = 0; frame < 2000; frame++)
                for (size_t i = 0; i < 2; i++) {
                        double uv = value_at(frame, i, 32767) * (i == 0 ? 1 : 0.25);

                        /* Half a count, and EDF's physical limits are written with 8 characters. */
                        assert_true(fabs(played->counts[frame * 2 + i] * played->format.scale_uv - uv) <
                                    0.125 + 2e-5 * fabs(uv));
                }
        free(played);
        player_free(player);
}

static void packets_keep_to_size_and_interval(void **state) {
        static const struct {
                size_t size;
                size_t frames;
        } cases[] = {{20, 1}, {21, 1}, {22, 2}, {244, 29}, {514, 50}};
        struct player *player = player_expect(csv_write(state, "counts", 4, 1000, 1000), false);
        struct recording_error error;

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                struct played *played = play(player, cases[i].size, SIZE_MAX);

                assert_int_equal(played->frames_most, cases[i].frames);
                assert_true(played->size_most <= cases[i].size);
                values_check(played, 1000, 1000, 1);
                free(played);
        }
        assert_int_equal(player_start(player, 13, &error), -EMSGSIZE);
        player_free(player);
}

static void gap_is_a_jump_of_the_sample_counter(void **state) {
        static const char text[] = "time_s,GM_uV\n0.000,1\n0.005,2\n0.010,3\n0.015,4\n0.020,5\n"
                                   "7.000,6\n7.005,7\n7.010,8\n7.015,9\n";
        struct player *player = player_expect(file_write(state, "gap.csv", text, strlen(text)), false);
        struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

        assert_int_equal(player_frames(player), 1404);
        assert_int_equal(played->frames, 9);
        assert_int_equal(played->packets, 2);
        assert_int_equal(played->lost_packets, 0);
        assert_int_equal(played->index[4], 4);
        assert_int_equal(played->index[5], 1400);
        assert_int_equal(played->counts[5], 600);
        free(played);
        player_free(player);
}

static void loop_goes_on_counting(void **state) {
        struct player *player = player_expect(csv_write(state, "counts", 2, 777, 1000), true);
        struct played *played = play(player, PLAYER_PACKET_SIZE, 5000);

        assert_true(played->frames >= 5000);
        assert_int_equal(played->lost_packets, 0);
        for (size_t frame = 0; frame < played->frames; frame++) {
                assert_int_equal(played->index[frame], frame);
                assert_int_equal(played->counts[frame * 2], value_at(frame % 777, 0, 1000));
        }
        free(played);
        player_free(player);
}

static void start_begins_again(void **state) {
        struct player *player = player_expect(csv_write(state, "counts", 2, 777, 1000), false);

        free(play(player, PLAYER_PACKET_SIZE, 100));
        for (unsigned i = 0; i < 2; i++) {
                struct played *played = play(player, PLAYER_PACKET_SIZE, SIZE_MAX);

                values_check(played, 777, 1000, 1);
                free(played);
        }
        player_free(player);
}

static void refusal_expect(const char *path, int expected, const char *text) {
        struct player_setup setup = {.path = path};
        struct recording_error error = {};
        struct player *player = NULL;

        assert_int_equal(player_new(&setup, &player, &error), expected);
        assert_null(player);
        assert_ptr_equal(strstr(error.text, path), error.text);
        assert_non_null(strstr(error.text, text));
}

static void bad_files_are_refused(void **state) {
        static const char damaged[] = "time_s,GM_uV\n0.000,1\n0.001,2\n0.002,oops\n0.003,4\n";
        static const char gap[] = "time_s,GM_uV\n0.000,1\n0.001,2\n0.002,3\n3700.003,4\n3700.004,5\n";

        refusal_expect("/nonexistent/night.csv", -ENOENT, "");
        refusal_expect(file_write(state, "damaged.csv", damaged, strlen(damaged)), -EBADMSG, ":4:");
        refusal_expect(file_write(state, "gap.csv", gap, strlen(gap)), -EBADMSG, "split the file");
}

#define file_test(function) cmocka_unit_test_setup_teardown(function, files_setup, files_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(small_counts_go_unchanged),
                file_test(larger_counts_take_three_bytes),
                file_test(many_channels_are_rounded_to_two_bytes),
                file_test(counts_beyond_the_format_are_scaled_down),
                file_test(eighth_channel_is_left_out),
                file_test(scales_are_made_one),
                file_test(packets_keep_to_size_and_interval),
                file_test(gap_is_a_jump_of_the_sample_counter),
                file_test(loop_goes_on_counting),
                file_test(loop_ends_at_a_file_of_another_shape),
                file_test(start_begins_again),
                file_test(packets_end_where_the_accelerometer_changes),
                file_test(bad_files_are_refused),
        };

        return cmocka_run_group_tests_name("player", tests, NULL, NULL);
}
