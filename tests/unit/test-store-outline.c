/* SPDX-License-Identifier: MIT */
/* Outlines and tables tell the same as the lists, to the same people, in pages too. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/outline.h"
#include "tests/unit/store-fixture.h"

#define HOUR_US (INT64_C(3600) * SECOND_US)
#define ONSET_US (INT64_C(1795470000) * SECOND_US)
#define OTHER_SENSOR_ID "00000000000000a9"
#define EPISODES 40u
#define ROWS_KEPT 64u

/* What came of a page. */
struct outline_page {
        unsigned calls;
        int error;
        size_t n;
        size_t n_words;
        uint64_t cursor;
        int64_t times_us[3][ROWS_KEPT];
        int32_t numbers[2][ROWS_KEPT];
        char words[5][ROWS_KEPT][STORE_WORD_SIZE];
};

static void on_outline(int error, const struct store_outline *outline, uint64_t cursor, void *userdata) {
        size_t times = 0, numbers = 0, words = 0;
        struct outline_page *page = userdata;

        page->calls++;
        page->error = error;
        page->n = 0;
        page->cursor = cursor;
        if (error < 0)
                return;
        page->n = outline->n_rows;
        page->n_words = outline->n_words;
        for (size_t c = 0; c < outline->n_columns; c++) {
                const struct store_column *column = outline->columns + c;
                const uint16_t *places = column->values;

                if (column->type == 'x' && outline->n_rows > 0)
                        memcpy(page->times_us[times++], column->values,
                               outline->n_rows * sizeof(int64_t));
                else if (column->type == 'i' && outline->n_rows > 0)
                        memcpy(page->numbers[numbers++], column->values,
                               outline->n_rows * sizeof(int32_t));
                else if (column->type == 'q')
                        for (size_t i = 0; i < outline->n_rows; i++) {
                                assert_true(places[i] < outline->n_words);
                                (void)strcpy(page->words[words][i], outline->words[places[i]]);
                        }
                words += column->type == 'q';
        }
}

static int outline(struct fixture *f, bool nights, const struct store_filter *filter,
                   struct outline_page *ret) {
        int r;

        ret->calls = 0;
        r = nights ? store_outline_nights(f->store, filter, on_outline, ret)
                   : store_outline_episodes(f->store, filter, on_outline, ret);
        if (r < 0)
                return r;
        WAIT_FOR(f, ret->calls > 0);
        return ret->error;
}

static struct store_filter filter_own(void) {
        struct store_filter filter = filter_all();

        filter.any_owner = false;
        filter.owner_uid = OWNER_UID;
        filter.limit = STORE_OUTLINE_PAGE_MAX;
        return filter;
}

static void put_episodes(struct fixture *f) {
        for (unsigned i = 0; i < EPISODES; i++) {
                /* Some begin at the same time. */
                struct store_episode episode = sample_episode(i + 1, ONSET_US + (i / 2) * HOUR_US);

                if (i % 3 == 0)
                        (void)strcpy(episode.leg, "right");
                if (i == EPISODES - 1)
                        episode.end_us = STORE_NO_TIME;
                assert_int_equal(put_episode(f, &episode), 0);
        }
}

static void test_episodes_as_in_the_list(void **state) {
        struct outline_page *got = calloc(1, sizeof(*got));
        struct page *expected = calloc(1, sizeof(*expected));
        struct store_annotation said = {.owner_uid = OWNER_UID, .pain = 7, .said_us = ONSET_US};
        struct store_filter filter = filter_own();
        struct outcome outcome = {};
        struct fixture *f = *state;

        assert_non_null(got);
        assert_non_null(expected);
        put_episodes(f);
        (void)strcpy(said.id, "0000000000000003");
        (void)strcpy(said.verdict, "confirmed");
        assert_return_code(store_annotate(f->store, &said, on_annotated, &outcome), 0);
        WAIT_FOR(f, outcome.calls > 0);

        assert_int_equal(outline(f, false, &filter, got), 0);
        filter.limit = STORE_PAGE_MAX;
        assert_int_equal(list_episodes(f, &filter, expected), 0);
        assert_int_equal(got->n, EPISODES);
        assert_int_equal(got->cursor, 0);
        /* sensor, two legs, muscle, severity, "", confirmed */
        assert_int_equal(got->n_words, 7);
        for (size_t i = 0; i < EPISODES; i++) {
                const struct store_episode *episode = expected->episodes + i;

                assert_int_equal(got->times_us[0][i], episode->onset_us);
                assert_int_equal(got->times_us[1][i], episode->end_us == STORE_NO_TIME
                                                              ? -1
                                                              : episode->end_us - episode->onset_us);
                assert_int_equal(got->numbers[0][i], episode->zone_offset_s);
                assert_int_equal(got->numbers[1][i], episode->pain);
                assert_string_equal(got->words[0][i], episode->sensor);
                assert_string_equal(got->words[1][i], episode->leg);
                assert_string_equal(got->words[2][i], episode->muscle);
                assert_string_equal(got->words[3][i], episode->severity);
                assert_string_equal(got->words[4][i], episode->verdict);
        }
        free(got);
        free(expected);
}

static void test_pages_owners_and_times(void **state) {
        struct outline_page *page = calloc(1, sizeof(*page));
        struct store_filter filter = filter_own();
        struct fixture *f = *state;
        unsigned seen = 0, pages = 0;

        assert_non_null(page);
        put_episodes(f);
        filter.limit = 7;
        do {
                assert_int_equal(outline(f, false, &filter, page), 0);
                for (size_t i = 0; i < page->n; i++)
                        assert_int_equal(page->times_us[0][i], ONSET_US + (seen + i) / 2 * HOUR_US);
                seen += (unsigned)page->n;
                pages++;
                filter.after = page->cursor;
        } while (page->cursor != 0);
        assert_int_equal(seen, EPISODES);
        assert_int_equal(pages, 6);

        filter = filter_own();
        filter.limit = EPISODES;
        assert_int_equal(outline(f, false, &filter, page), 0);
        assert_int_equal(page->cursor, 0);
        filter.since_us = ONSET_US + HOUR_US;
        filter.until_us = ONSET_US + 3 * HOUR_US;
        assert_int_equal(outline(f, false, &filter, page), 0);
        assert_int_equal(page->n, 4);
        (void)strcpy(filter.sensor, OTHER_SENSOR_ID);
        assert_int_equal(outline(f, false, &filter, page), 0);
        assert_int_equal(page->n, 0);
        filter = filter_own();
        filter.owner_uid++;
        assert_int_equal(outline(f, false, &filter, page), 0);
        assert_int_equal(page->n, 0);
        assert_int_equal(outline(f, true, &filter, page), 0);
        assert_int_equal(page->n, 0);
        filter = filter_own();
        filter.after = 12345;
        assert_int_equal(outline(f, false, &filter, page), -ESTALE);
        filter.after = 0;
        filter.limit = STORE_OUTLINE_PAGE_MAX + 1;
        assert_int_equal(outline(f, false, &filter, page), -EINVAL);
        filter.limit = 0;
        assert_int_equal(outline(f, true, &filter, page), -EINVAL);
        free(page);
}

static void test_nights(void **state) {
        struct outline_page *page = calloc(1, sizeof(*page));
        struct store_filter filter = filter_own();
        struct fixture *f = *state;
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        unsigned seen = 0;

        assert_non_null(page);
        (void)strcpy(night.evening, "2026-11-22");
        night.rate_mhz = 500000;
        night.monitored_us = 3 * HOUR_US;
        assert_int_equal(put_night(f, &night), 0);
        for (unsigned i = 0; i < 2; i++) {
                struct store_gap gap = {.start_us = night.start_us + (i + 1) * HOUR_US,
                                        .end_us = night.start_us + (i + 1) * HOUR_US + 5,
                                        .frames = 1500,
                                        .reason = "no-data"};

                (void)strcpy(gap.night, NIGHT_ID);
                assert_return_code(store_put_gap(f->store, &gap), 0);
        }
        for (unsigned i = 1; i < 12; i++) {
                (void)snprintf(night.id, sizeof(night.id), "%016x", 0x1000 + i);
                night.start_us += 24 * HOUR_US;
                night.seen_us = night.end_us = night.start_us + 8 * HOUR_US;
                /* What no daemon of ours would write is no day at all. */
                (void)strcpy(night.evening, i == 11 ? "nonsense" : "2026-11-23");
                night.rate_mhz = 0;
                assert_int_equal(put_night(f, &night), 0);
        }
        filter.limit = 5;
        do {
                assert_int_equal(outline(f, true, &filter, page), 0);
                for (size_t i = 0; i < page->n; i++, seen++) {
                        assert_int_equal(page->times_us[1][i], 3 * HOUR_US);
                        assert_int_equal(page->times_us[2][i], seen == 0 ? 6 * SECOND_US : 0);
                        assert_int_equal(page->numbers[0][i], seen == 0    ? 20779
                                                              : seen == 11 ? 0
                                                                           : 20780);
                        assert_string_equal(page->words[0][i], SENSOR_ID);
                }
                filter.after = page->cursor;
        } while (page->cursor != 0);
        assert_int_equal(seen, 12);
        free(page);
}

/* A table that is held against the list. */
struct compared {
        unsigned calls;
        int error;
        const struct page *expected;
        size_t n;
        uint64_t cursor;
};

static const struct store_column *column_of(const struct store_outline *table, const char *name,
                                            char type) {
        for (size_t c = 0; c < table->n_columns; c++)
                if (strcmp(table->columns[c].name, name) == 0) {
                        assert_int_equal(table->columns[c].type, type);
                        return table->columns + c;
                }
        fail_msg("no column '%s'", name);
        return NULL;
}

static const char *word_at(const struct store_outline *table, const char *name, size_t row) {
        uint16_t place = ((const uint16_t *)column_of(table, name, 'q')->values)[row];

        assert_true(place < table->n_words);
        return table->words[place];
}

static int64_t time_at(const struct store_outline *table, const char *name, size_t row) {
        return ((const int64_t *)column_of(table, name, 'x')->values)[row];
}

static void assert_real_at(const struct store_outline *table, const char *name, size_t row,
                           double expected) {
        double value = ((const double *)column_of(table, name, 'd')->values)[row];

        assert_true(isnan(expected) ? isnan(value) : value == expected);
}

static void assert_row(const struct store_outline *table, size_t i, const struct store_episode *e) {
        assert_string_equal(word_at(table, "id", i), e->id);
        assert_string_equal(word_at(table, "sensor", i), e->sensor);
        assert_string_equal(word_at(table, "muscle", i), e->muscle);
        assert_string_equal(word_at(table, "leg", i), e->leg);
        assert_string_equal(word_at(table, "end_reason", i), e->end_reason);
        assert_string_equal(word_at(table, "severity", i), e->severity);
        assert_string_equal(word_at(table, "detector", i), e->detector);
        assert_string_equal(word_at(table, "verdict", i), e->verdict);
        assert_string_equal(word_at(table, "note", i), e->note);
        assert_int_equal(time_at(table, "onset_us", i), e->onset_us);
        assert_int_equal(time_at(table, "alert_us", i), e->alert_us);
        assert_int_equal(time_at(table, "end_us", i), e->end_us);
        assert_int_equal(((const int32_t *)column_of(table, "zone_offset_s", 'i')->values)[i],
                         e->zone_offset_s);
        assert_int_equal(((const int32_t *)column_of(table, "pain", 'i')->values)[i], e->pain);
        assert_int_equal(((const uint32_t *)column_of(table, "channel", 'u')->values)[i], e->channel);
        assert_int_equal(((const uint8_t *)column_of(table, "waveform", 'y')->values)[i],
                         e->has_waveform);
        assert_int_equal(((const uint8_t *)column_of(table, "simulated", 'y')->values)[i], e->simulated);
        assert_real_at(table, "peak_uv", i, e->peak_uv);
        assert_real_at(table, "median_hz", i, e->median_hz);
        assert_real_at(table, "confidence", i, e->confidence);
        assert_real_at(table, "peak_mvc_percent", i, e->peak_mvc_percent);
}

static void on_table(int error, const struct store_outline *table, uint64_t cursor, void *userdata) {
        struct compared *compared = userdata;

        compared->calls++;
        compared->error = error;
        compared->cursor = cursor;
        for (size_t i = 0; error >= 0 && i < table->n_rows; i++)
                assert_row(table, i, compared->expected->episodes + compared->n++);
}

static void test_table_as_the_list(void **state) {
        struct store_annotation said = {.owner_uid = OWNER_UID, .pain = 0, .said_us = ONSET_US};
        struct page *expected = calloc(1, sizeof(*expected));
        struct store_filter filter = filter_own();
        struct compared compared = {.expected = expected};
        struct outcome outcome = {};
        struct fixture *f = *state;

        assert_non_null(expected);
        put_episodes(f);
        (void)strcpy(said.verdict, "false-alarm");
        for (unsigned i = 1; i <= 4; i++) {
                (void)snprintf(said.id, sizeof(said.id), "%016x", i * 3);
                /* As long as a note may be, and as long as a name is not. */
                memset(said.note, 'a' + (int)i, STORE_NOTE_SIZE - i);
                said.note[STORE_NOTE_SIZE - i] = '\0';
                assert_return_code(store_annotate(f->store, &said, on_annotated, &outcome), 0);
                WAIT_FOR(f, outcome.calls == i);
                assert_int_equal(outcome.error, 0);
        }
        filter.limit = STORE_PAGE_MAX;
        assert_int_equal(list_episodes(f, &filter, expected), 0);
        filter.limit = 7;
        do {
                compared.calls = 0;
                assert_return_code(store_tabulate_episodes(f->store, &filter, on_table, &compared), 0);
                WAIT_FOR(f, compared.calls > 0);
                assert_int_equal(compared.error, 0);
                filter.after = compared.cursor;
        } while (compared.cursor != 0);
        assert_int_equal(compared.n, EPISODES);

        filter = filter_own();
        filter.owner_uid++;
        filter.limit = STORE_TABLE_PAGE_MAX;
        assert_return_code(store_tabulate_episodes(f->store, &filter, on_table, &compared), 0);
        compared.calls = 0;
        WAIT_FOR(f, compared.calls > 0);
        assert_int_equal(compared.error, 0);
        assert_int_equal(compared.n, EPISODES);
        filter.limit++;
        assert_int_equal(store_tabulate_episodes(f->store, &filter, on_table, &compared), -EINVAL);
        free(expected);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_episodes_as_in_the_list, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_pages_owners_and_times, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_nights, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_table_as_the_list, fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
