/* SPDX-License-Identifier: MIT */
/* Outlines: see outline.h. */
#include "daemon/store/outline.h"

#include <string.h>

#include "daemon/store/statement.h"

/* The episode is the outer loop, as in the lists. */
#define OUTLINE_EPISODES                                                                  \
        "SELECT e.id, e.onset_us, coalesce(e.end_us - e.onset_us, -1), e.zone_offset_s, " \
        "coalesce(e.pain, -1), s.id, e.leg, e.muscle, e.severity, e.verdict "             \
        "FROM episode e CROSS JOIN sensor s ON s.row = e.sensor "                         \
        "WHERE (?1 OR s.owner_uid = ?2) AND e.onset_us >= ?3 AND e.onset_us < ?4 "        \
        "AND (e.onset_us > ?5 OR e.row > ?6) "
#define ORDER_EPISODES "ORDER BY e.onset_us, e.row LIMIT ?7"

const char *const rows_sql_outline[ROWS_STATEMENT_MAX] = {
        [ROWS_OUTLINE_EPISODES] = OUTLINE_EPISODES ORDER_EPISODES,
        [ROWS_OUTLINE_EPISODES_OF_SENSOR] =
                OUTLINE_EPISODES "AND e.sensor = (SELECT row FROM sensor WHERE id = ?8) " ORDER_EPISODES,
        /* Frames of gaps are told as time: rate_mhz is 0 where it never became known. */
        [ROWS_OUTLINE_NIGHTS] =
                "SELECT n.id, n.start_us, n.monitored_us, "
                "(SELECT coalesce(sum(g.frames) * 1000000000 / nullif(n.rate_mhz, 0), 0) FROM gap g "
                "WHERE g.night = n.row), "
                "coalesce(CAST(strftime('%s', n.evening) AS INTEGER) / 86400, 0), s.id "
                "FROM night n CROSS JOIN sensor s ON s.row = n.sensor "
                "WHERE (?1 OR s.owner_uid = ?2) AND coalesce(n.end_us, n.seen_us) >= ?3 "
                "AND n.start_us < ?4 AND n.start_us >= ?5 AND (n.start_us > ?5 OR n.row > ?6) "
                "AND (?8 IS NULL OR s.id = ?8) ORDER BY n.start_us, n.row LIMIT ?7",
};

/* A word's number has 16 bits. */
#define WORDS_MAX 65535u

struct column_kind {
        const char *name;
        char type;
};

/* In the order of the statements' columns, which begin with the cursor's id. */
static const struct column_kind episode_columns[] = {
        {"onset_us", 'x'}, {"length_us", 'x'}, {"zone_offset_s", 'i'}, {"pain", 'i'},    {"sensor", 'q'},
        {"leg", 'q'},      {"muscle", 'q'},    {"severity", 'q'},      {"verdict", 'q'},
};
static const struct column_kind night_columns[] = {
        {"start_us", 'x'}, {"monitored_us", 'x'}, {"gap_us", 'x'}, {"evening_day", 'i'}, {"sensor", 'q'},
};

struct store_outline *store_outline_free(struct store_outline *outline) {
        if (!outline)
                return NULL;
        for (size_t c = 0; c < outline->n_columns; c++)
                free(outline->columns[c].values);
        free(outline->words);
        free(outline);
        return NULL;
}

DEFINE_CLEANUP(struct store_outline *, store_outline_free)

static size_t value_size(char type) {
        return type == 'x' ? sizeof(int64_t) : type == 'i' ? sizeof(int32_t) : sizeof(uint16_t);
}

/* What grows while rows are read. */
struct growing {
        struct store_outline *outline;
        size_t rows_allocated;
        size_t words_allocated;
        uint16_t last[STORE_OUTLINE_COLUMNS]; /* the word of the row before: mostly the same again */
        char id[STORE_ID_SIZE];
};

static int outline_new(const struct column_kind *kinds, size_t n, struct store_outline **ret) {
        struct store_outline *outline = calloc(1, sizeof(*outline));

        if (!outline)
                return SQLITE_NOMEM;
        outline->n_columns = n;
        for (size_t c = 0; c < n; c++)
                outline->columns[c] =
                        (struct store_column){.name = kinds[c].name, .type = kinds[c].type};
        *ret = outline;
        return SQLITE_OK;
}

static int rows_grow(struct growing *growing) {
        size_t more = growing->rows_allocated ? 2 * growing->rows_allocated : 64;
        struct store_outline *outline = growing->outline;

        if (outline->n_rows < growing->rows_allocated)
                return SQLITE_OK;
        for (size_t c = 0; c < outline->n_columns; c++) {
                struct store_column *column = outline->columns + c;
                void *larger = reallocarray(column->values, more, value_size(column->type));

                if (!larger)
                        return SQLITE_NOMEM;
                column->values = larger;
        }
        growing->rows_allocated = more;
        return SQLITE_OK;
}

/* The number of a word, which is new if nobody said it yet. */
static int word_find(struct growing *growing, size_t c, const char *word, uint16_t *ret) {
        struct store_outline *outline = growing->outline;

        if (growing->last[c] < outline->n_words && strcmp(outline->words[growing->last[c]], word) == 0) {
                *ret = growing->last[c];
                return SQLITE_OK;
        }
        for (size_t i = 0; i < outline->n_words; i++)
                if (strcmp(outline->words[i], word) == 0) {
                        *ret = growing->last[c] = (uint16_t)i;
                        return SQLITE_OK;
                }
        if (strlen(word) >= STORE_WORD_SIZE || outline->n_words == WORDS_MAX)
                return SQLITE_FORMAT; /* more than anything that was ever put */
        if (outline->n_words == growing->words_allocated) {
                size_t more = growing->words_allocated ? 2 * growing->words_allocated : 16;
                void *larger = reallocarray(outline->words, more, sizeof(*outline->words));

                if (!larger)
                        return SQLITE_NOMEM;
                outline->words = larger;
                growing->words_allocated = more;
        }
        (void)strcpy(outline->words[outline->n_words], word);
        *ret = growing->last[c] = (uint16_t)outline->n_words++;
        return SQLITE_OK;
}

static int word_take(struct growing *growing, size_t c, sqlite3_stmt *statement, uint16_t *ret) {
        const unsigned char *text = sqlite3_column_text(statement, (int)c + 1);

        return text ? word_find(growing, c, (const char *)text, ret) : SQLITE_NOMEM;
}

static int row_take(struct growing *growing, sqlite3_stmt *statement) {
        struct store_outline *outline = growing->outline;
        const unsigned char *id = sqlite3_column_text(statement, 0);
        int rc = rows_grow(growing);

        if (!id)
                return SQLITE_NOMEM;
        (void)snprintf(growing->id, sizeof(growing->id), "%s", (const char *)id);
        for (size_t c = 0; c < outline->n_columns && rc == SQLITE_OK; c++) {
                const struct store_column *column = outline->columns + c;
                int64_t *times = column->values;
                int32_t *numbers = column->values;
                uint16_t *words = column->values;

                if (column->type == 'x')
                        times[outline->n_rows] = sqlite3_column_int64(statement, (int)c + 1);
                else if (column->type == 'i')
                        numbers[outline->n_rows] = (int32_t)sqlite3_column_int64(statement, (int)c + 1);
                else
                        rc = word_take(growing, c, statement, words + outline->n_rows);
        }
        if (rc == SQLITE_OK)
                outline->n_rows++;
        return rc;
}

static int bind(sqlite3_stmt *statement, const struct store_filter *filter, int64_t since_us,
                const struct place *after) {
        const int64_t numbers[] = {
                filter->any_owner,
                filter->owner_uid,
                since_us,
                filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us,
                after->onset_us,
                after->row,
                (int64_t)filter->limit + 1, /* one more, to know if another page follows */
        };
        int rc = SQLITE_OK;

        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && rc == SQLITE_OK; i++)
                rc = sqlite3_bind_int64(statement, (int)i + 1, numbers[i]);
        if (rc == SQLITE_OK && filter->sensor[0])
                rc = sqlite3_bind_text(statement, 8, filter->sensor, -1, SQLITE_STATIC);
        return rc;
}

int rows_outline(struct rows *rows, const struct store_filter *filter, bool nights,
                 struct store_outline **ret, uint64_t *ret_cursor) {
        sqlite3_stmt *statement = rows->statements[nights              ? ROWS_OUTLINE_NIGHTS
                                                   : filter->sensor[0] ? ROWS_OUTLINE_EPISODES_OF_SENSOR
                                                                       : ROWS_OUTLINE_EPISODES];
        _cleanup_(store_outline_freep) struct store_outline *outline = NULL;
        struct place after = {.onset_us = INT64_MIN};
        struct growing growing = {};
        uint64_t cursor = 0;
        int64_t since_us = filter->since_us;
        int rc = SQLITE_OK;

        if (filter->after != 0)
                rc = rows_find_place(rows, nights ? ROWS_FIND_NIGHT : ROWS_FIND_CURSOR, filter, &after);
        if (rc != SQLITE_OK)
                return rc;
        /* Nights are picked by their end: their place is another condition. */
        if (!nights && since_us < after.onset_us)
                since_us = after.onset_us;
        rc = nights ? outline_new(night_columns, sizeof(night_columns) / sizeof(*night_columns),
                                  &outline)
                    : outline_new(episode_columns, sizeof(episode_columns) / sizeof(*episode_columns),
                                  &outline);
        growing.outline = outline;
        if (rc == SQLITE_OK)
                rc = bind(statement, filter, since_us, &after);
        while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
                if (outline->n_rows == filter->limit) {
                        cursor = rows_cursor_of(growing.id);
                        rc = SQLITE_DONE;
                        break;
                }
                rc = row_take(&growing, statement);
        }
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
        if (rc != SQLITE_DONE)
                return rc;
        *ret_cursor = cursor;
        *ret = steal_pointer(&outline);
        return SQLITE_OK;
}
