/* SPDX-License-Identifier: MIT */
/* From blocks to episodes in real time: times, lost links, ends, the ten minutes, arbitrary units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "daemon/basic/local-time.h"
#include "daemon/guidance/relief.h"
#include "daemon/learning.h"
#include "daemon/night.h"

#define RATE_HZ 500
#define FRAMES 25 /* a block of 50 ms */
#define BLOCK_US 50000
#define BOOT_US INT64_C(7200000000)
#define REALTIME_US INT64_C(1766540000000000) /* what realtime is ahead of boot time */

struct seen {
        unsigned raised, updated, ended, gaps, rows;
        uint64_t gap_frames;
        uint64_t longest_us;
        struct store_episode last;
        struct store_episode first_raised;
        struct store_night row;
        struct store_gap gap;
        unsigned accounts;
        struct store_account account;
};

struct fixture {
        struct night *night;
        struct seen seen;
        uint64_t index; /* as the decoder counts */
        int64_t arrival_us;
        uint64_t random;
        int32_t offset;
        struct stream_format format;
};

static void on_alert(enum night_change change, const struct store_episode *episode, uint64_t lasting_us,
                     void *userdata) {
        struct fixture *f = userdata;

        f->seen.raised += change == NIGHT_ALERT_RAISED;
        f->seen.updated += change == NIGHT_ALERT_UPDATED;
        f->seen.ended += change == NIGHT_ALERT_ENDED;
        if (change == NIGHT_ALERT_RAISED)
                f->seen.first_raised = *episode;
        if (lasting_us > f->seen.longest_us)
                f->seen.longest_us = lasting_us;
        f->seen.last = *episode;
}

static void on_gap(const struct store_gap *gap, void *userdata) {
        struct fixture *f = userdata;

        f->seen.gaps++;
        f->seen.gap_frames += gap->frames;
        f->seen.gap = *gap;
}

static void on_row(const struct store_night *row, void *userdata) {
        struct fixture *f = userdata;

        f->seen.rows++;
        f->seen.row = *row;
}

static void on_account(const struct store_account *account, void *userdata) {
        struct fixture *f = userdata;

        f->seen.accounts++;
        f->seen.account = *account;
}

static const struct night_callbacks callbacks = {
        .alert = on_alert, .account = on_account, .gap = on_gap, .row = on_row};

static void begin(struct fixture *f, double scale_uv, int64_t start_us) {
        *f = (struct fixture){.arrival_us = BOOT_US, .random = 88172645463325252ull};
        f->format =
                (struct stream_format){.rate_mhz = RATE_HZ * 1000, .channels = 1, .scale_uv = scale_uv};
        assert_int_equal(night_new(&(struct night_setup){.sensor = "0123456789abcdef",
                                                         .muscle = "soleus",
                                                         .leg = "left",
                                                         .format = &f->format,
                                                         .start_us = start_us,
                                                         .callbacks = &callbacks,
                                                         .userdata = f},
                                   &f->night),
                         0);
}

/* Noise of about `level` counts RMS: xorshift64 (Marsaglia 2003), four uniforms summed. */
static int32_t noise(struct fixture *f, double level) {
        double sum = 0;

        for (int i = 0; i < 4; i++) {
                f->random ^= f->random << 13;
                f->random ^= f->random >> 7;
                f->random ^= f->random << 17;
                sum += (double)(f->random >> 11) / 9007199254740992.0 - 0.5;
        }
        return (int32_t)lrint(sum * sqrt(3) * level);
}

static void play(struct fixture *f, double seconds, double level) {
        for (int blocks = (int)(seconds * RATE_HZ / FRAMES); blocks > 0; blocks--) {
                int32_t counts[FRAMES];
                struct emg_block block = {
                        .index = f->index, .frames = FRAMES, .channels = 1, .counts = counts};

                for (int i = 0; i < FRAMES; i++)
                        counts[i] = f->offset + noise(f, level);
                f->index += FRAMES;
                f->arrival_us += BLOCK_US;
                night_push(f->night, &block, f->arrival_us, REALTIME_US);
        }
}

static void lose(struct fixture *f, double seconds) {
        f->index += (uint64_t)(seconds * RATE_HZ);
        f->arrival_us += (int64_t)(seconds * 1000000);
}

/* Time from the onset to the alert of the same cramp. */
static int64_t wait_us(double evidence_factor, bool reset) {
        struct fixture f;
        int64_t wait;

        begin(&f, 1, 0);
        night_set_evidence(f.night, DETECTOR_SENSITIVITY_NORMAL, evidence_factor);
        play(&f, 20, 5);
        if (reset)
                night_set_evidence(f.night, DETECTOR_SENSITIVITY_NORMAL, 1.0);
        play(&f, 40, 40);
        assert_int_equal(f.seen.raised, 1);
        wait = f.seen.first_raised.alert_us - f.seen.first_raised.onset_us;
        assert_true(f.seen.accounts == 1 &&
                    f.seen.account.evidence_factor == (reset ? 1.0 : evidence_factor));
        assert_true(strcmp(f.seen.account.episode, f.seen.first_raised.id) == 0);
        night_finish(f.night, "stopped");
        assert_true(f.seen.accounts == 2);
        night_free(f.night);
        return wait;
}

/* Learnt factors move the alert within their bounds; taken back, it is what it was. */
static void test_learnt_evidence(void **state) {
        int64_t plain = wait_us(1.0, false);

        assert_true(wait_us(LEARNING_FACTOR_MAX, false) > plain + 1500000);
        assert_true(wait_us(LEARNING_FACTOR_MAX, false) < plain + 5000000);
        assert_true(wait_us(LEARNING_FACTOR_MIN, false) < plain - 500000);
        assert_true(wait_us(LEARNING_FACTOR_MAX, true) == plain);
        assert_true(wait_us(LEARNING_FACTOR_MIN, true) == plain);
}

/* Peaks in percent of the strongest flexing, in whatever unit; no alert while it is asked for. */
static void test_calibrated(void **state) {
        struct store_calibration calibration = {.channels = 1, .rest_uv = {5}, .mvc_uv = {160}};
        static const double scales_uv[] = {0.5, 0};

        for (size_t i = 0; i < 2; i++) {
                double scale_uv = scales_uv[i], unit = scale_uv > 0 ? scale_uv : 1;
                struct fixture f;

                begin(&f, scale_uv, 0);
                calibration.scale_uv = scale_uv;
                calibration.mvc_uv[0] = 160 * unit;
                calibration.rest_uv[0] = 5 * unit;
                assert_null(night_describe_calibration(f.night));
                night_set_calibration(f.night, &calibration);
                assert_string_equal(night_describe_calibration(f.night), "fits");
                play(&f, 20, 5);
                assert_string_equal(night_describe_calibration(f.night), "fits");
                night_set_hold(f.night, true);
                play(&f, 20, 160);
                night_set_hold(f.night, false);
                assert_int_equal(f.seen.raised, 0);
                play(&f, 20, 5);
                play(&f, 20, 40);
                assert_int_equal(f.seen.raised, 1);
                assert_true(f.seen.last.peak_mvc_percent > 20 && f.seen.last.peak_mvc_percent < 40);
                assert_true(isnan(f.seen.last.peak_uv) == (scale_uv <= 0));
                /* Forgotten. */
                night_set_calibration(f.night, NULL);
                assert_null(night_get_mvc(f.night));
                play(&f, 30, 5);
                assert_true(isnan(f.seen.last.peak_mvc_percent));
                night_finish(f.night, "stopped");
                night_free(f.night);
        }
}

/* One that was made on another stream does not count; one whose rest is another is told. */
static void test_calibration_that_is_old(void **state) {
        struct store_calibration calibration = {
                .channels = 1, .scale_uv = 0.5, .rest_uv = {2.5}, .mvc_uv = {80}};
        struct store_calibration others[] = {calibration, calibration, calibration};
        struct fixture f;

        begin(&f, 0.5, 0);
        others[0].channels = 2;
        others[1].scale_uv = 0.25;
        others[2].envelope = true;
        for (size_t i = 0; i < 3; i++) {
                night_set_calibration(f.night, &others[i]);
                assert_null(night_get_mvc(f.night));
                assert_string_equal(night_describe_calibration(f.night), "other-stream");
        }
        night_set_calibration(f.night, &calibration);
        play(&f, 20, 5);
        assert_string_equal(night_describe_calibration(f.night), "fits");
        for (size_t i = 0; i < 2; i++) {
                calibration.rest_uv[0] = i == 0 ? 1.0 : 6.0;
                night_set_calibration(f.night, &calibration);
                assert_string_equal(night_describe_calibration(f.night), "moved");
        }
        night_finish(f.night, "stopped");
        night_free(f.night);
}

/* Blocks of 50 ms and, with some, another acceleration; the leg turns all the time. */
static void play_moving(struct fixture *f, double seconds, double level, bool heard) {
        for (double at = 0; at < seconds; at += 0.05) {
                const int32_t motion_mg[3] = {(int32_t)(1000 * cos(3 * at)),
                                              (int32_t)(1000 * sin(3 * at)), 0};

                if (heard)
                        night_set_motion(f->night, motion_mg);
                play(f, 0.05, level);
        }
}

/* A leg that moves is no cramp; one whose accelerometer has fallen silent is judged without. */
static void test_motion(void **state) {
        struct fixture f;

        begin(&f, 0.5, 0);
        play_moving(&f, 30, 5, true);
        assert_true(night_hears_motion(f.night));
        play_moving(&f, 20, 40, true);
        assert_int_equal(f.seen.raised, 0);
        play_moving(&f, 30, 5, true);
        play_moving(&f, 10, 5, false);
        assert_false(night_hears_motion(f.night));
        play_moving(&f, 20, 40, false);
        assert_int_equal(f.seen.raised, 1);
        night_finish(f.night, "stopped");
        night_free(f.night);
}

/* An electrode that comes off is no watched time, and the night says when. */
static void test_poor_signal_is_not_watched(void **state) {
        struct fixture fixture, *f = &fixture;
        uint64_t before_us;

        begin(f, 1, 0);
        play(f, 60, 5);
        assert_int_equal(night_get_quality(f->night), DETECTOR_QUALITY_GOOD);
        assert_int_equal(night_get_monitored_us(f->night), 60000000);
        f->offset = 1000;
        play(f, 90, 0); /* stands still, elsewhere */
        assert_int_equal(night_get_quality(f->night), DETECTOR_QUALITY_SATURATED);
        before_us = night_get_monitored_us(f->night);
        assert_true(before_us >= 60000000 && before_us < 63000000);
        f->offset = 0;
        play(f, 60, 5);
        assert_int_equal(night_get_quality(f->night), DETECTOR_QUALITY_GOOD);
        assert_true(f->seen.gaps >= 1);
        assert_string_equal(f->seen.gap.reason, "saturated");
        assert_int_equal(f->seen.gap.start_us, BOOT_US + REALTIME_US + (int64_t)before_us);
        assert_true(f->seen.gap.end_us - f->seen.gap.start_us > 85000000);
        night_finish(f->night, "stopped");
        assert_int_equal(f->seen.row.monitored_us +
                                 (uint64_t)(f->seen.gap.end_us - f->seen.gap.start_us),
                         210000000);
        assert_int_equal(f->seen.raised, 0);
        night_free(f->night);
}

/* Half of every 50 ms is lost: no level comes of the rest, which is not watched either. */
static void test_lossy_time_is_not_watched(void **state) {
        struct fixture f;

        begin(&f, 1, 0);
        play(&f, 60, 5);
        for (unsigned i = 0; i < 30 * RATE_HZ / FRAMES; i++) {
                int32_t counts[FRAMES / 2];
                struct emg_block block = {
                        .index = f.index, .frames = FRAMES / 2, .channels = 1, .counts = counts};

                for (unsigned k = 0; k < FRAMES / 2; k++)
                        counts[k] = noise(&f, 5);
                f.index += FRAMES;
                f.arrival_us += BLOCK_US;
                night_push(f.night, &block, f.arrival_us, REALTIME_US);
        }
        assert_int_equal(night_get_quality(f.night), DETECTOR_QUALITY_NO_DATA);
        assert_in_range(night_get_monitored_us(f.night), 60000000, 61100000);
        play(&f, 60, 5);
        assert_int_equal(night_get_quality(f.night), DETECTOR_QUALITY_GOOD);
        assert_in_range(night_get_monitored_us(f.night), 115000000, 121100000);
        night_finish(f.night, "stopped");
        night_free(f.night);
}

static void test_episode_times(void **state) {
        int64_t origin_us = BOOT_US + REALTIME_US;
        struct fixture f;

        begin(&f, 0.5, 0);
        play(&f, 60, 10);
        play(&f, 40, 120);
        play(&f, 30, 10);
        night_finish(f.night, "stopped");

        assert_int_equal(f.seen.raised, 1);
        assert_int_equal(f.seen.ended, 1);
        assert_true(llabs(f.seen.last.onset_us - (origin_us + 60000000)) < 1000000);
        assert_true(f.seen.last.alert_us > f.seen.last.onset_us);
        assert_true(f.seen.last.alert_us < origin_us + 80000000);
        assert_true(llabs(f.seen.last.end_us - (origin_us + 100000000)) < 2000000);
        assert_string_equal(f.seen.last.end_reason, "subsided");
        assert_string_equal(f.seen.last.muscle, "soleus");
        assert_string_equal(f.seen.last.leg, "left");
        assert_string_equal(f.seen.last.sensor, "0123456789abcdef");
        assert_string_equal(f.seen.last.night, f.seen.row.id);
        assert_int_equal(strlen(f.seen.last.id), STORE_ID_SIZE - 1);
        /* 120 counts of 0.5 uV: the peak is near 60 uV, a little more as it is a maximum, or less by the
         * band. */
        assert_true(f.seen.last.peak_uv > 35 && f.seen.last.peak_uv < 90);
        assert_true(f.seen.last.confidence > 0 && f.seen.last.confidence <= 1);

        assert_int_equal(f.seen.row.start_us, origin_us);
        assert_int_equal(f.seen.row.end_us, origin_us + 130000000);
        assert_int_equal(f.seen.row.packets, 130 * RATE_HZ / FRAMES);
        assert_int_equal(night_get_monitored_us(f.night), 130000000);
        night_free(f.night);
}

static void test_start_known(void **state) {
        struct fixture f;

        begin(&f, 1, 1234567890000000);
        play(&f, 10, 10);
        night_finish(f.night, "stream-end");
        assert_int_equal(f.seen.row.start_us, 1234567890000000);
        assert_int_equal(f.seen.row.end_us, 1234567900000000);
        assert_int_equal(f.seen.raised, 0);
        night_free(f.night);
}

static void test_stop_ends_episode(void **state) {
        struct fixture f;

        begin(&f, 1, 0);
        play(&f, 30, 10);
        play(&f, 40, 100);
        assert_int_equal(f.seen.raised, 1);
        assert_int_equal(f.seen.ended, 0);
        night_finish(f.night, "stopped");
        assert_int_equal(f.seen.ended, 1);
        assert_string_equal(f.seen.last.end_reason, "stopped");
        assert_true(llabs(f.seen.last.end_us - f.seen.row.end_us) < 200000);
        night_free(f.night);
}

static void test_help_at_ten_minutes(void **state) {
        struct fixture f;
        unsigned before;

        begin(&f, 1, 0);
        play(&f, 30, 10);
        /* Units drop in and out; a level that keeps still for minutes would be a floor that has moved.
         */
        for (int i = 0; i < 29; i++)
                play(&f, 20, i % 2 ? 60 : 120);
        before = f.seen.updated;
        assert_true(f.seen.longest_us < RELIEF_HELP_AFTER_US);
        play(&f, 30, 120);
        assert_int_equal(f.seen.updated, before + 1);
        assert_true(f.seen.longest_us >= RELIEF_HELP_AFTER_US);
        play(&f, 60, 100);
        assert_int_equal(f.seen.updated, before + 1);
        night_free(f.night);
}

static void test_arbitrary_unit_has_no_peak(void **state) {
        struct fixture f;

        begin(&f, 0, 0);
        play(&f, 30, 10);
        play(&f, 30, 100);
        assert_int_equal(f.seen.raised, 1);
        assert_true(isnan(f.seen.last.peak_uv));
        night_free(f.night);
}

static void test_lost_packets_are_gaps(void **state) {
        struct fixture f;

        begin(&f, 1, 0);
        play(&f, 20, 10);
        lose(&f, 0.5);
        play(&f, 20, 10);
        lose(&f, 3);
        play(&f, 20, 10);
        assert_int_equal(f.seen.gaps, 2);
        assert_int_equal(f.seen.gap_frames, 3.5 * RATE_HZ);
        assert_int_equal(f.seen.gap.end_us - f.seen.gap.start_us, 3000000);
        assert_int_equal(night_get_monitored_us(f.night), 60000000);
        assert_int_equal(f.seen.raised, 0);
        night_free(f.night);
}

/* The link is lost for 5 s within a cramp and the sensor counts from 0 again: one episode, its times
 * right. */
static void test_lost_link_keeps_episode(void **state) {
        struct fixture f;

        begin(&f, 1, 0);
        play(&f, 30, 10);
        play(&f, 20, 100);
        assert_int_equal(f.seen.raised, 1);

        f.index = 0;
        f.arrival_us += 5000000;
        assert_true(night_fits(f.night, &f.format));
        night_resume(f.night);
        play(&f, 20, 100);
        play(&f, 30, 10);

        assert_int_equal(f.seen.raised, 1);
        assert_int_equal(f.seen.ended, 1);
        assert_int_equal(f.seen.gaps, 1);
        assert_int_equal(f.seen.gap.end_us - f.seen.gap.start_us, 5000000);
        assert_true(llabs(f.seen.last.end_us - (BOOT_US + REALTIME_US + 75000000)) < 2000000);
        night_free(f.night);
}

static void test_wall_clock_step_moves_nothing(void **state) {
        int32_t counts[FRAMES] = {0};
        struct emg_block block = {.frames = FRAMES, .channels = 1, .counts = counts};
        struct fixture f;

        begin(&f, 1, 0);
        play(&f, 10, 10);
        block.index = f.index;
        night_push(f.night, &block, f.arrival_us + BLOCK_US, REALTIME_US + INT64_C(3600000000));
        f.index = 0;
        night_resume(f.night);
        block.index = 0;
        night_push(f.night, &block, f.arrival_us + 2 * BLOCK_US, REALTIME_US - INT64_C(3600000000));
        night_finish(f.night, "stopped");
        assert_int_equal(f.seen.row.end_us, BOOT_US + REALTIME_US + 10000000 + 2 * BLOCK_US);
        assert_int_equal(f.seen.gaps, 0);
        night_free(f.night);
}

static void test_other_format_does_not_fit(void **state) {
        struct stream_format other;
        struct fixture f;

        begin(&f, 1, 0);
        other = f.format;
        other.rate_mhz = 1000000;
        assert_false(night_fits(f.night, &other));
        other = f.format;
        other.channels = 2;
        assert_false(night_fits(f.night, &other));
        other = f.format;
        other.scale_uv = 2;
        assert_false(night_fits(f.night, &other));
        night_free(f.night);
}

static void test_bad_setup(void **state) {
        struct stream_format format = {.rate_mhz = 1000, .channels = 1, .scale_uv = 1};
        struct night_setup setup = {.sensor = "0123456789abcdef",
                                    .muscle = "soleus",
                                    .leg = "left",
                                    .format = &format,
                                    .callbacks = &callbacks};
        struct night *night = NULL;

        assert_int_equal(night_new(&setup, &night), -EINVAL);
        format.rate_mhz = 1000000;
        format.channels = STREAM_CHANNELS_MAX + 1;
        assert_int_equal(night_new(&setup, &night), -EINVAL);
        format.channels = 0;
        assert_int_equal(night_new(&setup, &night), -EINVAL);
        format.channels = 1;
        setup.sensor = "0123456789abcdef0";
        assert_int_equal(night_new(&setup, &night), -EINVAL);
        assert_null(night);
}

/* Rows name the evening: one in the morning belongs to the day before. */
static void test_evening(void **state) {
        static const struct {
                int64_t start_us;
                const char *evening;
        } cases[] = {
                {INT64_C(1767308400000000), "2026-01-01"}, /* 2026-01-01 23:00 UTC */
                {INT64_C(1767315600000000), "2026-01-01"}, /* 2026-01-02 01:00 */
                {INT64_C(1767355199000000), "2026-01-01"}, /* 2026-01-02 11:59:59 */
                {INT64_C(1767355200000000), "2026-01-02"}, /* 2026-01-02 12:00 */
        };

        setenv("TZ", "UTC0", 1);
        tzset();
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fixture f;

                begin(&f, 1, cases[i].start_us);
                play(&f, 1, 10);
                assert_string_equal(f.seen.row.evening, cases[i].evening);
                night_free(f.night);
        }
        setenv("TZ", "CET-1", 1);
        tzset();
        assert_int_equal(zone_offset_s(INT64_C(1767315600000000)), 3600);
}

/* On two days of the year noon is not twelve hours after midnight. */
static void test_evening_where_clocks_change(void **state) {
        static const struct {
                int64_t time_s;
                const char *evening, *day;
                int64_t noon_s;
        } cases[] = {
                /* To winter: 2026-10-25, 03:00 is 02:00. */
                {1792924200, "2026-10-24", "2026-10-25", 1792926000}, /* 11:30 */
                {1792926000, "2026-10-25", "2026-10-25", 1793012400}, /* 12:00 */
                {1792879200, "2026-10-24", "2026-10-25", 1792926000}, /* 00:00 */
                {1792877400, "2026-10-24", "2026-10-24", 1792926000}, /* 23:30 */
                /* To summer: 2026-03-29, 02:00 is 03:00. */
                {1774778340, "2026-03-28", "2026-03-29", 1774778400}, /* 11:59 */
                {1774780200, "2026-03-29", "2026-03-29", 1774864800}, /* 12:30 */
                {1774740600, "2026-03-28", "2026-03-29", 1774778400}, /* 00:30 */
        };

        setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
        tzset();
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[16];

                evening_of(cases[i].time_s * 1000000, text, sizeof(text));
                assert_string_equal(text, cases[i].evening);
                day_of(cases[i].time_s * 1000000, text, sizeof(text));
                assert_string_equal(text, cases[i].day);
                assert_int_equal(next_noon_us(cases[i].time_s * 1000000 + 1), cases[i].noon_s * 1000000);
        }
}

/* A sensor that streams past noon: a new night, and the clock read anew. */
static void test_noon_begins_the_next_night(void **state) {
        struct fixture f;
        char first[STORE_ID_SIZE];

        setenv("TZ", "UTC0", 1);
        tzset();
        begin(&f, 1, 0);
        f.arrival_us = INT64_C(1767355080000000) - REALTIME_US; /* 2026-01-02 11:58 */
        play(&f, 61, 10);
        assert_string_equal(f.seen.row.evening, "2026-01-01");
        memcpy(first, f.seen.row.id, sizeof(first));
        f.arrival_us += 2000000; /* its clock is 2 s late */
        play(&f, 120, 10);
        assert_string_equal(f.seen.row.evening, "2026-01-02");
        assert_string_not_equal(f.seen.row.id, first);
        night_finish(f.night, "stopped");
        assert_true(llabs(f.seen.row.end_us - (f.arrival_us + REALTIME_US)) < 1000);
        assert_true(f.seen.row.packets < 121 * RATE_HZ / FRAMES);
        night_free(f.night);
}

/* What one night is to those of other sensors: at rest about its floor, in a cramp far above, and from
 * when. */
static void test_company(void **state) {
        struct fixture f;
        int64_t boot_us;

        begin(&f, 1, 0);
        assert_int_equal(night_get_company(f.night, &boot_us), -1);
        play(&f, 30, 10);
        assert_in_range(night_get_company(f.night, &boot_us), 80, 130);
        assert_true(llabs(boot_us - f.arrival_us) <= 50000);
        assert_true(llabs(night_get_boot_us(f.night) - f.arrival_us) <= 1000);
        play(&f, 10, 80);
        assert_in_range(night_get_company(f.night, &boot_us), 400, 1200);
        assert_true(llabs(boot_us - f.arrival_us) <= 50000);
        night_free(f.night);
}

static void test_close_gaps_are_one_row(void **state) {
        struct fixture f;

        begin(&f, 1, 0);
        play(&f, 5, 10);
        for (int i = 0; i < 20; i++) {
                lose(&f, 0.05);
                play(&f, 0.1, 10);
        }
        play(&f, 5, 10);
        assert_int_equal(f.seen.gaps, 1);
        assert_int_equal(f.seen.gap_frames, RATE_HZ);
        assert_int_equal(f.seen.gap.end_us - f.seen.gap.start_us, 20 * 50000 + 19 * 100000);
        night_free(f.night);
}

static void test_relief(void **state) {
        for (unsigned muscle = 0; muscle < MUSCLE_MAX; muscle++) {
                const char *const *now = relief_steps((enum muscle)muscle, 0);
                const char *const *later = relief_steps((enum muscle)muscle, RELIEF_HELP_AFTER_US);
                bool sit = false, no_massage = false;

                for (size_t i = 0; now[i]; i++) {
                        sit |= strcmp(now[i], "Sit up and hold on before you stand.") == 0;
                        no_massage |= strcmp(now[i],
                                             "Swollen, hot or red leg: do not massage, get help.") == 0;
                        assert_true(strlen(now[i]) <= 80);
                }
                assert_true(sit && no_massage);
                assert_non_null(strstr(later[0], "help"));
        }
        assert_non_null(strstr(relief_steps(MUSCLE_GASTROCNEMIUS, 0)[1], "toes toward the shin"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_learnt_evidence),
                cmocka_unit_test(test_calibrated),
                cmocka_unit_test(test_calibration_that_is_old),
                cmocka_unit_test(test_motion),
                cmocka_unit_test(test_poor_signal_is_not_watched),
                cmocka_unit_test(test_lossy_time_is_not_watched),
                cmocka_unit_test(test_episode_times),
                cmocka_unit_test(test_start_known),
                cmocka_unit_test(test_stop_ends_episode),
                cmocka_unit_test(test_help_at_ten_minutes),
                cmocka_unit_test(test_arbitrary_unit_has_no_peak),
                cmocka_unit_test(test_lost_packets_are_gaps),
                cmocka_unit_test(test_lost_link_keeps_episode),
                cmocka_unit_test(test_wall_clock_step_moves_nothing),
                cmocka_unit_test(test_other_format_does_not_fit),
                cmocka_unit_test(test_bad_setup),
                cmocka_unit_test(test_evening),
                cmocka_unit_test(test_evening_where_clocks_change),
                cmocka_unit_test(test_noon_begins_the_next_night),
                cmocka_unit_test(test_company),
                cmocka_unit_test(test_close_gaps_are_one_row),
                cmocka_unit_test(test_relief),
        };

        return cmocka_run_group_tests_name("night", tests, NULL, NULL);
}
