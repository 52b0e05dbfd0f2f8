/* SPDX-License-Identifier: MIT */
/*
 * Outlines, and long lists of episodes: columns of figures from org.crampd1.History, read in place: of a
 * list of dictionaries each value would cost many calls of libdbus. Needs history.c for the pages.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define OUTLINE_SIGNATURE "asa{sv}t"
#define ROWS_PER_PAGE 20000
/* What the numbers of words can reach. */
#define WORDS_MAX 65535u
#define COLUMNS_MAX 21u
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
                const dbus_uint32_t *u;
                const double *d;
                const unsigned char *y;
                const dbus_uint16_t *q; /* places in words */
        };
        int n; /* -1 = not seen yet */
};

struct page {
        struct column columns[COLUMNS_MAX];
        size_t n_columns;
        char **words; /* the message's own */
        unsigned n_words;
        int n_rows;
};

/* `iter` is at an as, and moves on. */
static int words_take(DBusMessageIter *iter, struct page *page, struct crampd_error *error) {
        int n = dbus_message_iter_get_element_count(iter);
        DBusMessageIter item;

        if (n < 0 || (unsigned)n > WORDS_MAX)
                return error_set(error, -EPROTO, "crampd sent a list of more than %u strings",
                                 WORDS_MAX);
        page->words = calloc((size_t)n + 1, sizeof(*page->words));
        if (!page->words)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (; page->n_words < (unsigned)n; page->n_words++) {
                char **word = page->words + page->n_words;

                dbus_message_iter_get_basic(&item, word);
                if (strnlen(*word, STRING_MAX_BYTES + 1) > STRING_MAX_BYTES)
                        return error_set(error, -EPROTO, "crampd sent a string of more than %u bytes",
                                         STRING_MAX_BYTES);
                (void)dbus_message_iter_next(&item);
        }
        (void)dbus_message_iter_next(iter);
        return 0;
}

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
        page->n_rows = page->columns[0].n;
        for (size_t c = 0; c < page->n_columns; c++) {
                const struct column *column = page->columns + c;

                if (column->n < 0)
                        return error_set(error, -EPROTO, "crampd did not send the column '%s'",
                                         column->key);
                if (column->n != page->n_rows)
                        return error_set(error, -EPROTO, "crampd sent columns of different lengths");
                for (int i = 0; column->type == DBUS_TYPE_UINT16 && i < column->n; i++)
                        if (column->q[i] >= page->n_words)
                                return error_set(error, -EPROTO, "crampd sent a word's place too high");
        }
        if (page->n_rows > ROWS_PER_PAGE)
                return error_set(error, -EPROTO, "crampd sent more than %d rows in one answer",
                                 ROWS_PER_PAGE);
        return 0;
}

/* `page` comes with its columns named; its words are to be freed, also after a failure. */
static int page_take(DBusMessage *message, struct page *page, uint64_t *ret_cursor,
                     struct crampd_error *error) {
        DBusMessageIter iter;
        dbus_uint64_t cursor;
        int r;

        (void)dbus_message_iter_init(message, &iter);
        r = words_take(&iter, page, error);
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
        crampd_episode_func whole;
        crampd_episode_outline_func episode;
        crampd_night_outline_func night;
        void *userdata;
};

static int episodes_read(DBusMessage *message, void *userdata, uint64_t *ret_cursor,
                         struct crampd_error *error) {
        const struct outline_listing *listing = userdata;
        enum { ONSET, LENGTH, ZONE, PAIN, SENSOR, LEG, MUSCLE, SEVERITY, VERDICT, SIMULATED, N };
        struct page page = {
                .columns = {[ONSET] = {"onset_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [LENGTH] = {"length_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [ZONE] = {"zone_offset_s", DBUS_TYPE_INT32, {NULL}, -1},
                            [PAIN] = {"pain", DBUS_TYPE_INT32, {NULL}, -1},
                            [SENSOR] = {"sensor", DBUS_TYPE_UINT16, {NULL}, -1},
                            [LEG] = {"leg", DBUS_TYPE_UINT16, {NULL}, -1},
                            [MUSCLE] = {"muscle", DBUS_TYPE_UINT16, {NULL}, -1},
                            [SEVERITY] = {"severity", DBUS_TYPE_UINT16, {NULL}, -1},
                            [VERDICT] = {"verdict", DBUS_TYPE_UINT16, {NULL}, -1},
                            [SIMULATED] = {"simulated", DBUS_TYPE_BYTE, {NULL}, -1}},
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
                        .simulated = c[SIMULATED].y[i] != 0,
                };

                r = zone_check(episode.zone_offset_s, error);
                if (r >= 0)
                        r = listing->episode(&episode, listing->userdata);
        }
        free(page.words);
        return r < 0 ? r : page.n_rows;
}

/* "" is what was not said. */
static char *word_or_null(char *word) {
        return word[0] ? word : NULL;
}

/* As in values.c: an infinity says no more than "unknown". */
static double real_of(double value) {
        return isfinite(value) ? value : (double)NAN;
}

static int row_check(const struct crampd_episode *episode, struct crampd_error *error) {
        if (episode->pain < -1 || episode->pain > (int)PAIN_MAX)
                return error_set(error, -EPROTO, "crampd sent a pain of %d out of %d", episode->pain,
                                 (int)PAIN_MAX);
        return episode_check(episode, error);
}

static int table_read(DBusMessage *message, void *userdata, uint64_t *ret_cursor,
                      struct crampd_error *error) {
        const struct outline_listing *listing = userdata;
        enum {
                ID,
                SENSOR,
                MUSCLE,
                LEG,
                END_REASON,
                SEVERITY,
                DETECTOR,
                VERDICT,
                NOTE,
                ONSET,
                ALERT,
                END,
                ZONE,
                PAIN,
                CHANNEL,
                PEAK,
                PERCENT,
                MEDIAN,
                CONFIDENCE,
                WAVEFORM,
                SIMULATED,
                N
        };
        struct page page = {
                .columns = {[ID] = {"id", DBUS_TYPE_UINT16, {NULL}, -1},
                            [SENSOR] = {"sensor", DBUS_TYPE_UINT16, {NULL}, -1},
                            [MUSCLE] = {"muscle", DBUS_TYPE_UINT16, {NULL}, -1},
                            [LEG] = {"leg", DBUS_TYPE_UINT16, {NULL}, -1},
                            [END_REASON] = {"end_reason", DBUS_TYPE_UINT16, {NULL}, -1},
                            [SEVERITY] = {"severity", DBUS_TYPE_UINT16, {NULL}, -1},
                            [DETECTOR] = {"detector", DBUS_TYPE_UINT16, {NULL}, -1},
                            [VERDICT] = {"verdict", DBUS_TYPE_UINT16, {NULL}, -1},
                            [NOTE] = {"note", DBUS_TYPE_UINT16, {NULL}, -1},
                            [ONSET] = {"onset_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [ALERT] = {"alert_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [END] = {"end_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [ZONE] = {"zone_offset_s", DBUS_TYPE_INT32, {NULL}, -1},
                            [PAIN] = {"pain", DBUS_TYPE_INT32, {NULL}, -1},
                            [CHANNEL] = {"channel", DBUS_TYPE_UINT32, {NULL}, -1},
                            [PEAK] = {"peak_uv", DBUS_TYPE_DOUBLE, {NULL}, -1},
                            [PERCENT] = {"peak_mvc_percent", DBUS_TYPE_DOUBLE, {NULL}, -1},
                            [MEDIAN] = {"median_hz", DBUS_TYPE_DOUBLE, {NULL}, -1},
                            [CONFIDENCE] = {"confidence", DBUS_TYPE_DOUBLE, {NULL}, -1},
                            [WAVEFORM] = {"waveform", DBUS_TYPE_BYTE, {NULL}, -1},
                            [SIMULATED] = {"simulated", DBUS_TYPE_BYTE, {NULL}, -1}},
                .n_columns = N,
        };
        const struct column *c = page.columns;
        int r = page_take(message, &page, ret_cursor, error);

        for (int i = 0; r >= 0 && i < page.n_rows; i++) {
                const struct crampd_episode episode = {
                        .id = page.words[c[ID].q[i]],
                        .sensor = page.words[c[SENSOR].q[i]],
                        .muscle = page.words[c[MUSCLE].q[i]],
                        .leg = page.words[c[LEG].q[i]],
                        .onset_us = c[ONSET].x[i],
                        .alert_us = c[ALERT].x[i],
                        .end_us = c[END].x[i],
                        .zone_offset_s = c[ZONE].i[i],
                        .end_reason = word_or_null(page.words[c[END_REASON].q[i]]),
                        .severity = page.words[c[SEVERITY].q[i]],
                        .peak_uv = real_of(c[PEAK].d[i]),
                        .median_hz = real_of(c[MEDIAN].d[i]),
                        .confidence = c[CONFIDENCE].d[i],
                        .channel = c[CHANNEL].u[i],
                        .detector = page.words[c[DETECTOR].q[i]],
                        .verdict = word_or_null(page.words[c[VERDICT].q[i]]),
                        .pain = c[PAIN].i[i],
                        .note = word_or_null(page.words[c[NOTE].q[i]]),
                        .has_waveform = c[WAVEFORM].y[i] != 0,
                        .peak_mvc_percent = real_of(c[PERCENT].d[i]),
                        .simulated = c[SIMULATED].y[i] != 0,
                };

                r = row_check(&episode, error);
                if (r >= 0)
                        r = listing->whole(&episode, listing->userdata);
        }
        free(page.words);
        return r < 0 ? r : page.n_rows;
}

static int nights_read(DBusMessage *message, void *userdata, uint64_t *ret_cursor,
                       struct crampd_error *error) {
        const struct outline_listing *listing = userdata;
        enum {
                START,
                MONITORED,
                GAP,
                DAY,
                SENSOR,
                NAME,
                DRIVER,
                LEG,
                MUSCLE,
                RATE,
                CHANNELS,
                SIMULATED,
                N
        };
        struct page page = {
                .columns = {[START] = {"start_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [MONITORED] = {"monitored_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [GAP] = {"gap_us", DBUS_TYPE_INT64, {NULL}, -1},
                            [DAY] = {"evening_day", DBUS_TYPE_INT32, {NULL}, -1},
                            [SENSOR] = {"sensor", DBUS_TYPE_UINT16, {NULL}, -1},
                            [NAME] = {"name", DBUS_TYPE_UINT16, {NULL}, -1},
                            [DRIVER] = {"driver", DBUS_TYPE_UINT16, {NULL}, -1},
                            [LEG] = {"leg", DBUS_TYPE_UINT16, {NULL}, -1},
                            [MUSCLE] = {"muscle", DBUS_TYPE_UINT16, {NULL}, -1},
                            [RATE] = {"rate_hz", DBUS_TYPE_DOUBLE, {NULL}, -1},
                            [CHANNELS] = {"channels", DBUS_TYPE_UINT32, {NULL}, -1},
                            [SIMULATED] = {"simulated", DBUS_TYPE_BYTE, {NULL}, -1}},
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
                        .name = page.words[c[NAME].q[i]],
                        .driver = page.words[c[DRIVER].q[i]],
                        .leg = page.words[c[LEG].q[i]],
                        .muscle = page.words[c[MUSCLE].q[i]],
                        .rate_hz = c[RATE].d[i],
                        .channels = c[CHANNELS].u[i],
                        .simulated = c[SIMULATED].y[i] != 0,
                };

                if (night.monitored_us < 0 || night.monitored_us > NIGHT_MAX_US || night.gap_us < 0 ||
                    night.gap_us > NIGHT_MAX_US)
                        r = error_set(error, -EPROTO, "crampd sent a night of no possible length");
                else
                        r = listing->night(&night, listing->userdata);
        }
        free(page.words);
        return r < 0 ? r : page.n_rows;
}

static int outline_walk(crampd_client *client, const char *method, const struct crampd_filter *filter,
                        page_func func, struct outline_listing *listing, struct crampd_error *error) {
        const struct pages_filter pages = {HISTORY_INTERFACE, method,         filter->since_us,
                                           filter->until_us,  filter->sensor, CRAMPD_OWNER_SELF};

        return pages_walk(client, &pages, OUTLINE_SIGNATURE, func, listing, error);
}

int crampd_list_episodes(crampd_client *client, const struct crampd_filter *filter,
                         crampd_episode_func func, void *userdata, struct crampd_error *error) {
        struct outline_listing listing = {.whole = func, .userdata = userdata};

        return outline_walk(client, "TabulateEpisodes", filter, table_read, &listing, error);
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
