/* SPDX-License-Identifier: MIT */
/*
 * Outlines: columns of figures from org.crampd1.History, read in place. Needs history.c for the pages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define OUTLINE_SIGNATURE "asa{sv}t"
#define ROWS_PER_PAGE 20000
/* What the numbers of words can reach. */
#define WORDS_MAX 65535u
#define COLUMNS_MAX 9u
/* Far more than a night, and sums of as many as a list may hold do not overflow. */
#define NIGHT_MAX_US (INT64_C(100) * 86400 * 1000000)

/* A column as it lies in the message. */
struct column {
        const char *key;
        int type; /* of its values */
        union {
                const void *values;
                const dbus_int64_t *x;
                const dbus_int32_t *i;
                const dbus_uint16_t *q; /* places in words */
        };
        int n; /* -1 = not seen yet */
};

struct page {
        struct column columns[COLUMNS_MAX];
        size_t n_columns;
        char **words;
        int n_rows;
};

static int column_take(DBusMessageIter *value, struct column *column, struct crampd_error *error) {
        DBusMessageIter items;

        if (dbus_message_iter_get_arg_type(value) != DBUS_TYPE_ARRAY ||
            dbus_message_iter_get_element_type(value) != column->type)
                return error_set(error, -EPROTO, "crampd sent the column '%s' with a wrong type",
                                 column->key);
        dbus_message_iter_recurse(value, &items);
        column->n = 0;
        dbus_message_iter_get_fixed_array(&items, &column->values, &column->n);
        return 0;
}

/* `iter` is at an a{sv}. */
static int columns_take(DBusMessageIter *iter, struct page *page, struct crampd_error *error) {
        DBusMessageIter entry, pair, value;

        for (dbus_message_iter_recurse(iter, &entry);
             dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY;
             (void)dbus_message_iter_next(&entry)) {
                const char *key;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                (void)dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, &value);
                for (size_t c = 0; c < page->n_columns; c++)
                        if (strcmp(page->columns[c].key, key) == 0) {
                                int r = column_take(&value, page->columns + c, error);

                                if (r < 0)
                                        return r;
                        }
        }
        return 0;
}

/* All columns are there, of one length, and their words too. */
static int columns_check(struct page *page, struct crampd_error *error) {
        unsigned n_words = 0;

        while (page->words[n_words])
                n_words++;
        page->n_rows = page->columns[0].n;
        for (size_t c = 0; c < page->n_columns; c++) {
                const struct column *column = page->columns + c;

                if (column->n < 0)
                        return error_set(error, -EPROTO, "crampd did not send the column '%s'",
                                         column->key);
                if (column->n != page->n_rows)
                        return error_set(error, -EPROTO, "crampd sent columns of different lengths");
                for (int i = 0; column->type == DBUS_TYPE_UINT16 && i < column->n; i++)
                        if (column->q[i] >= n_words)
                                return error_set(error, -EPROTO, "crampd sent a word's place too high");
        }
        if (page->n_rows > ROWS_PER_PAGE)
                return error_set(error, -EPROTO, "crampd sent more than %d rows at once", ROWS_PER_PAGE);
        return 0;
}

/* `page` comes with its columns named; its words are to be freed, also after a failure. */
static int page_take(DBusMessage *message, struct page *page, uint64_t *ret_cursor,
                     struct crampd_error *error) {
        DBusMessageIter iter;
        dbus_uint64_t cursor;
        int r;

        (void)dbus_message_iter_init(message, &iter);
        r = strings_read(&iter, WORDS_MAX, &page->words, error);
        if (r >= 0)
                r = columns_take(&iter, page, error);
        if (r >= 0)
                r = columns_check(page, error);
        if (r < 0)
                return r;
        (void)dbus_message_iter_next(&iter);
        dbus_message_iter_get_basic(&iter, &cursor);
        *ret_cursor = cursor;
        return 0;
}

struct outline_listing {
        crampd_episode_outline_func episode;
        crampd_night_outline_func night;
        void *userdata;
};

static int episodes_read(DBusMessage *message, void *userdata, uint64_t *ret_cursor,
                         struct crampd_error *error) {
        const struct outline_listing *listing = userdata;
        enum { ONSET, LENGTH, ZONE, PAIN, SENSOR, LEG, MUSCLE, SEVERITY, VERDICT, N };
        struct page page = {
                .columns = {[ONSET] = {"onset_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [LENGTH] = {"length_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [ZONE] = {"zone_offset_s", DBUS_TYPE_INT32, {NULL}, -1},
                            [PAIN] = {"pain", DBUS_TYPE_INT32, {NULL}, -1},
                            [SENSOR] = {"sensor", DBUS_TYPE_UINT16, {NULL}, -1},
                            [LEG] = {"leg", DBUS_TYPE_UINT16, {NULL}, -1},
                            [MUSCLE] = {"muscle", DBUS_TYPE_UINT16, {NULL}, -1},
                            [SEVERITY] = {"severity", DBUS_TYPE_UINT16, {NULL}, -1},
                            [VERDICT] = {"verdict", DBUS_TYPE_UINT16, {NULL}, -1}},
                .n_columns = N,
        };
        const struct column *c = page.columns;
        int r = page_take(message, &page, ret_cursor, error);

        for (int i = 0; r >= 0 && i < page.n_rows; i++) {
                const struct crampd_episode_outline episode = {
                        .onset_us = c[ONSET].x[i],
                        .length_us = c[LENGTH].x[i],
                        .zone_offset_s = c[ZONE].i[i],
                        .pain = c[PAIN].i[i],
                        .sensor = page.words[c[SENSOR].q[i]],
                        .leg = page.words[c[LEG].q[i]],
                        .muscle = page.words[c[MUSCLE].q[i]],
                        .severity = page.words[c[SEVERITY].q[i]],
                        .verdict = page.words[c[VERDICT].q[i]],
                };

                r = zone_check(episode.zone_offset_s, error);
                if (r >= 0)
                        r = listing->episode(&episode, listing->userdata);
        }
        strings_free(page.words);
        return r < 0 ? r : page.n_rows;
}

static int nights_read(DBusMessage *message, void *userdata, uint64_t *ret_cursor,
                       struct crampd_error *error) {
        const struct outline_listing *listing = userdata;
        enum { START, MONITORED, GAP, DAY, SENSOR, N };
        struct page page = {
                .columns = {[START] = {"start_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [MONITORED] = {"monitored_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [GAP] = {"gap_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [DAY] = {"evening_day", DBUS_TYPE_INT32, {NULL}, -1},
                            [SENSOR] = {"sensor", DBUS_TYPE_UINT16, {NULL}, -1}},
                .n_columns = N,
        };
        const struct column *c = page.columns;
        int r = page_take(message, &page, ret_cursor, error);

        for (int i = 0; r >= 0 && i < page.n_rows; i++) {
                const struct crampd_night_outline night = {
                        .evening_day = c[DAY].i[i],
                        .start_us = c[START].x[i],
                        .monitored_us = c[MONITORED].x[i],
                        .gap_us = c[GAP].x[i],
                        .sensor = page.words[c[SENSOR].q[i]],
                };

                if (night.monitored_us < 0 || night.monitored_us > NIGHT_MAX_US || night.gap_us < 0 ||
                    night.gap_us > NIGHT_MAX_US)
                        r = error_set(error, -EPROTO, "crampd sent a night of no possible length");
                else
                        r = listing->night(&night, listing->userdata);
        }
        strings_free(page.words);
        return r < 0 ? r : page.n_rows;
}

static int outline_walk(crampd_client *client, const char *method, const struct crampd_filter *filter,
                        page_func func, struct outline_listing *listing, struct crampd_error *error) {
        const struct pages_filter pages = {HISTORY_INTERFACE, method,         filter->since_us,
                                           filter->until_us,  filter->sensor, CRAMPD_OWNER_SELF};

        return pages_walk(client, &pages, OUTLINE_SIGNATURE, func, listing, error);
}

int crampd_outline_episodes(crampd_client *client, const struct crampd_filter *filter,
                            crampd_episode_outline_func func, void *userdata,
                            struct crampd_error *error) {
        struct outline_listing listing = {.episode = func, .userdata = userdata};

        return outline_walk(client, "OutlineEpisodes", filter, episodes_read, &listing, error);
}

int crampd_outline_nights(crampd_client *client, const struct crampd_filter *filter,
                          crampd_night_outline_func func, void *userdata, struct crampd_error *error) {
        struct outline_listing listing = {.night = func, .userdata = userdata};

        return outline_walk(client, "OutlineNights", filter, nights_read, &listing, error);
}
