/* SPDX-License-Identifier: MIT */
/*
 * Outlines: many episodes or nights at once, each figure in an array of its own: the few that pictures
 * of the past are drawn from, so that ten years of them fit one answer, or all of an episode, for long
 * lists. Names repeat: each is kept once, and the arrays hold its number. Part of the store's face to
 * the daemon's bus objects; the rows are read in outline.c on the writer thread.
 */
#pragma once

#include "daemon/store/store.h"

#define STORE_OUTLINE_PAGE_MAX 20000u
#define STORE_TABLE_PAGE_MAX 4000u
#define STORE_OUTLINE_COLUMNS 21u
/* Of a name. */
#define STORE_WORD_SIZE 64u

struct store_column {
        const char *name;
        char type;    /* 'x' int64_t, 'i' int32_t, 'u' uint32_t, 'd' double, 'y' uint8_t, 'q' uint16_t:
                         the number of a word */
        void *values; /* one for each row */
};

struct store_outline {
        size_t n_rows;
        size_t n_columns;
        struct store_column columns[STORE_OUTLINE_COLUMNS];
        char **words;
        size_t n_words;
};

/* Bytes of one value. */
size_t store_column_size(const struct store_column *column);

/* NULL is accepted; returns NULL. */
struct store_outline *store_outline_free(struct store_outline *outline);

/* The outline lives during the callback only; the cursor as in store_episodes_func. */
typedef void (*store_outline_func)(int error, const struct store_outline *outline, uint64_t cursor,
                                   void *userdata);

/*
 * As store_list_episodes() and store_list_nights(); the filter's `limit` is at most
 * STORE_OUTLINE_PAGE_MAX and its `id` is not looked at. Columns of episodes: onset_us x, length_us x (-1
 * while it lasts), zone_offset_s i, pain i (-1 = not said), sensor q (its id), leg q, muscle q, severity
 * q, verdict q ("" = nothing was said). Of nights: start_us x, monitored_us x, gap_us x, evening_day i
 * (days since 1970-01-01), sensor q.
 */
int store_outline_episodes(struct store *store, const struct store_filter *filter,
                           store_outline_func done, void *userdata);
int store_outline_nights(struct store *store, const struct store_filter *filter, store_outline_func done,
                         void *userdata);

/*
 * The same, with `limit` at most STORE_TABLE_PAGE_MAX and all that store_list_episodes() tells but the
 * night and the change: id q, sensor q, muscle q, leg q, onset_us x, alert_us x, end_us x (STORE_NO_TIME
 * while it lasts), zone_offset_s i, end_reason q, severity q, peak_uv d, median_hz d, confidence d,
 * channel u, detector q, verdict q, pain i (STORE_NO_PAIN), note q, waveform y (0 or 1),
 * peak_mvc_percent d. Unknown figures are NaN, words that were not said "".
 */
int store_tabulate_episodes(struct store *store, const struct store_filter *filter,
                            store_outline_func done, void *userdata);
