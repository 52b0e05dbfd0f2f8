/* SPDX-License-Identifier: MIT */
/*
 * Outlines: of many episodes or nights at once the few figures that pictures of the past are drawn from,
 * each in an array of its own, so that ten years of them fit one answer. Names repeat: each is kept
 * once, and the arrays hold its number. Part of the store's face to the daemon's bus objects; the rows
 * are read in outline.c on the writer thread.
 */
#pragma once

#include "daemon/store/store.h"

#define STORE_OUTLINE_PAGE_MAX 20000u
#define STORE_OUTLINE_COLUMNS 9u
#define STORE_WORD_SIZE 32u

struct store_column {
        const char *name;
        char type;    /* 'x' int64_t, 'i' int32_t, 'q' uint16_t: the number of a word */
        void *values; /* one for each row */
};

struct store_outline {
        size_t n_rows;
        size_t n_columns;
        struct store_column columns[STORE_OUTLINE_COLUMNS];
        char (*words)[STORE_WORD_SIZE];
        size_t n_words;
};

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
