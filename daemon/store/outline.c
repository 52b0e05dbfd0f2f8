/* SPDX-License-Identifier: MIT */
/* Outlines: see outline.h. */
#include "daemon/store/outline.h"

#include <string.h>

#include "daemon/store/statement.h"

/* The episode is the outer loop, as in the lists. */
#define FROM_EPISODES                                                              \
        "FROM episode e CROSS JOIN sensor s ON s.row = e.sensor "                  \
        "WHERE (?1 OR s.owner_uid = ?2) AND e.onset_us >= ?3 AND e.onset_us < ?4 " \
        "AND (e.onset_us > ?5 OR e.row > ?6) "
/* Whether a recording was played. */
#define SIMULATED "s.address = '" STORE_VIRTUAL_ADDRESS "' "
#define OUTLINE_EPISODES                                                                  \
        "SELECT e.id, e.onset_us, coalesce(e.end_us - e.onset_us, -1), e.zone_offset_s, " \
        "coalesce(e.pain, -1), s.id, e.leg, e.muscle, e.severity, e.verdict, " SIMULATED FROM_EPISODES
#define TABULATE_EPISODES                                                                              \
        "SELECT e.id, e.id, s.id, e.muscle, e.leg, e.onset_us, e.alert_us, e.end_us, "                 \
        "e.zone_offset_s, e.end_reason, e.severity, e.peak_uv, e.median_hz, e.confidence, e.channel, " \
        "e.detector, e.verdict, coalesce(e.pain, -1), e.note, "                                        \
        "EXISTS (SELECT 1 FROM waveform w WHERE w.episode = e.row), e.peak_mvc_percent, " SIMULATED    \
                FROM_EPISODES
#define OF_SENSOR "AND e.sensor = (SELECT row FROM sensor WHERE id = ?8) "
#define ORDER_EPISODES "ORDER BY e.onset_us, e.row LIMIT ?7"

const char *const rows_sql_outline[ROWS_STATEMENT_MAX] = {
        [ROWS_OUTLINE_EPISODES] = OUTLINE_EPISODES ORDER_EPISODES,
        [ROWS_OUTLINE_EPISODES_OF_SENSOR] = OUTLINE_EPISODES OF_SENSOR ORDER_EPISODES,
        [ROWS_TABULATE_EPISODES] = TABULATE_EPISODES ORDER_EPISODES,
        [ROWS_TABULATE_EPISODES_OF_SENSOR] = TABULATE_EPISODES OF_SENSOR ORDER_EPISODES,
        /* Frames of gaps are told as time: rate_mhz is 0 where it never became known. */
        [ROWS_OUTLINE_NIGHTS] =
                "SELECT n.id, n.start_us, n.monitored_us, "
                "(SELECT coalesce(sum(g.frames) * 1000000000 / nullif(n.rate_mhz, 0), 0) FROM gap g "
                "WHERE g.night = n.row), "
                "coalesce(CAST(strftime('%s', n.evening) AS INTEGER) / 86400, 0), s.id, "
                "s.name, s.driver, s.leg, s.muscle, n.rate_mhz / 1000.0, n.channels, " SIMULATED
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
        bool own; /* its words hardly repeat */
};

/* In the order of the statements' columns, which begin with the cursor's id. */
static const struct column_kind episode_columns[] = {
        {"onset_us", 'x'}, {"length_us", 'x'}, {"zone_offset_s", 'i'}, {"pain", 'i'},
        {"sensor", 'q'},   {"leg", 'q'},       {"muscle", 'q'},        {"severity", 'q'},
        {"verdict", 'q'},  {"simulated", 'y'},
};
static const struct column_kind table_columns[] = {
        {"id", 'q', true},   {"sensor", 'q'},     {"muscle", 'q'},   {"leg", 'q'},
        {"onset_us", 'x'},   {"alert_us", 'x'},   {"end_us", 'x'},   {"zone_offset_s", 'i'},
        {"end_reason", 'q'}, {"severity", 'q'},   {"peak_uv", 'd'},  {"median_hz", 'd'},
        {"confidence", 'd'}, {"channel", 'u'},    {"detector", 'q'}, {"verdict", 'q'},
        {"pain", 'i'},       {"note", 'q', true}, {"waveform", 'y'}, {"peak_mvc_percent", 'd'},
        {"simulated", 'y'},
};
static const struct column_kind night_columns[] = {
        {"start_us", 'x'}, {"monitored_us", 'x'}, {"gap_us", 'x'},   {"evening_day", 'i'},
        {"sensor", 'q'},   {"name", 'q'},         {"driver", 'q'},   {"leg", 'q'},
        {"muscle", 'q'},   {"rate_hz", 'd'},      {"channels", 'u'}, {"simulated", 'y'},
};

/* What is asked for, and by which statements. */
struct outline_kind {
        const struct column_kind *columns;
        size_t n_columns;
        enum rows_statement all, of_sensor, find_place;
};

static struct outline_kind kind_of(enum request_kind question) {
        if (question == REQUEST_OUTLINE_NIGHTS)
                return (struct outline_kind){night_columns, ARRAY_LENGTH(night_columns),
                                             ROWS_OUTLINE_NIGHTS, ROWS_OUTLINE_NIGHTS, ROWS_FIND_NIGHT};
        if (question == REQUEST_TABULATE_EPISODES)
                return (struct outline_kind){table_columns, ARRAY_LENGTH(table_columns),
                                             ROWS_TABULATE_EPISODES, ROWS_TABULATE_EPISODES_OF_SENSOR,
                                             ROWS_FIND_CURSOR};
        return (struct outline_kind){episode_columns, ARRAY_LENGTH(episode_columns),
                                     ROWS_OUTLINE_EPISODES, ROWS_OUTLINE_EPISODES_OF_SENSOR,
                                     ROWS_FIND_CURSOR};
}

struct store_outline *store_outline_free(struct store_outline *outline) {
        if (!outline)
                return NULL;
        for (size_t c = 0; c < outline->n_columns; c++)
                free(outline->columns[c].values);
        for (size_t i = 0; i < outline->n_words; i++)
                free(outline->words[i]);
        free(outline->words);
        free(outline);
        return NULL;
}

DEFINE_CLEANUP(struct store_outline *, store_outline_free)

size_t store_column_size(const struct store_column *column) {
        switch (column->type) {
        case 'x':
        case 'd':
                return sizeof(int64_t);
        case 'i':
        case 'u':
                return sizeof(int32_t);
        case 'q':
                return sizeof(uint16_t);
        default:
                return sizeof(uint8_t);
        }
}

/* What grows while rows are read. */
struct growing {
        struct store_outline *outline;
        const struct outline_kind *kind;
        size_t rows_allocated;
        size_t words_allocated;
        uint16_t *names; /* the words that may come again, so that no others are looked through */
        size_t n_names;
        size_t names_allocated;
        uint16_t last[STORE_OUTLINE_COLUMNS]; /* the name of the row before: mostly the same again */
        char id[STORE_ID_SIZE];
};

static void growing_clear(struct growing *growing) {
        free(growing->names);
}

static int outline_new(const struct outline_kind *kind, struct store_outline **ret) {
        struct store_outline *outline = calloc(1, sizeof(*outline));

        if (!outline)
                return SQLITE_NOMEM;
        outline->n_columns = kind->n_columns;
        for (size_t c = 0; c < kind->n_columns; c++)
                outline->columns[c] = (struct store_column){.name = kind->columns[c].name,
                                                            .type = kind->columns[c].type};
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
                void *larger = reallocarray(column->values, more, store_column_size(column));

                if (!larger)
                        return SQLITE_NOMEM;
                column->values = larger;
        }
        growing->rows_allocated = more;
        return SQLITE_OK;
}

static int words_grow(struct growing *growing) {
        size_t more = growing->words_allocated ? 2 * growing->words_allocated : 16;
        struct store_outline *outline = growing->outline;
        uint16_t *names;
        char **words;

        if (outline->n_words < growing->words_allocated)
                return SQLITE_OK;
        words = reallocarray(outline->words, more, sizeof(*words));
        if (words)
                outline->words = words;
        names = reallocarray(growing->names, more, sizeof(*names));
        if (names)
                growing->names = names;
        if (!words || !names)
                return SQLITE_NOMEM;
        growing->words_allocated = more;
        return SQLITE_OK;
}

static int word_add(struct growing *growing, const char *word, size_t size_max, uint16_t *ret) {
        struct store_outline *outline = growing->outline;
        char *copy;
        int rc;

        if (strlen(word) >= size_max || outline->n_words == WORDS_MAX)
                return SQLITE_FORMAT; /* more than anything that was ever put */
        rc = words_grow(growing);
        if (rc != SQLITE_OK)
                return rc;
        copy = strdup(word);
        if (!copy)
                return SQLITE_NOMEM;
        *ret = (uint16_t)outline->n_words;
        outline->words[outline->n_words++] = copy;
        return SQLITE_OK;
}

/* The number of a word that may come again, which is new if nobody said it yet. */
static int name_find(struct growing *growing, size_t c, const char *name, uint16_t *ret) {
        const struct store_outline *outline = growing->outline;
        int rc;

        if (growing->last[c] < outline->n_words && strcmp(outline->words[growing->last[c]], name) == 0) {
                *ret = growing->last[c];
                return SQLITE_OK;
        }
        for (size_t i = 0; i < growing->n_names; i++)
                if (strcmp(outline->words[growing->names[i]], name) == 0) {
                        *ret = growing->last[c] = growing->names[i];
                        return SQLITE_OK;
                }
        rc = word_add(growing, name, STORE_WORD_SIZE, ret);
        if (rc == SQLITE_OK)
                growing->names[growing->n_names++] = growing->last[c] = *ret;
        return rc;
}

static int word_take(struct growing *growing, size_t c, struct reading *reading, uint16_t *ret) {
        const char *word = (const char *)sqlite3_column_text(reading->statement, reading->index++);

        if (!word)
                return SQLITE_NOMEM;
        return growing->kind->columns[c].own && word[0] ? word_add(growing, word, STORE_NOTE_SIZE, ret)
                                                        : name_find(growing, c, word, ret);
}

static int value_take(struct growing *growing, size_t c, struct reading *reading) {
        const struct store_column *column = growing->outline->columns + c;
        size_t row = growing->outline->n_rows;

        switch (column->type) {
        case 'x':
                ((int64_t *)column->values)[row] = reading_time(reading);
                return SQLITE_OK;
        case 'd':
                ((double *)column->values)[row] = reading_real(reading);
                return SQLITE_OK;
        case 'i':
                ((int32_t *)column->values)[row] = (int32_t)reading_number(reading);
                return SQLITE_OK;
        case 'u':
                ((uint32_t *)column->values)[row] = (uint32_t)reading_number(reading);
                return SQLITE_OK;
        case 'y':
                ((uint8_t *)column->values)[row] = reading_number(reading) != 0;
                return SQLITE_OK;
        default:
                return word_take(growing, c, reading, (uint16_t *)column->values + row);
        }
}

static int row_take(struct growing *growing, sqlite3_stmt *statement) {
        struct store_outline *outline = growing->outline;
        struct reading reading = {.statement = statement};
        int rc = rows_grow(growing);

        READ_TEXT(&reading, growing->id);
        if (rc == SQLITE_OK)
                rc = reading.rc;
        for (size_t c = 0; c < outline->n_columns && rc == SQLITE_OK; c++)
                rc = value_take(growing, c, &reading);
        if (rc == SQLITE_OK)
                outline->n_rows++;
        return rc;
}

static struct binding bind(struct rows *rows, enum rows_statement statement,
                           const struct store_filter *filter, int64_t since_us,
                           const struct place *after) {
        struct binding binding = binding_begin(rows, statement);

        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        binding_number(&binding, since_us);
        binding_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        binding_number(&binding, after->onset_us);
        binding_number(&binding, after->row);
        binding_number(&binding, (int64_t)filter->limit + 1); /* to know if another page follows */
        if (filter->sensor[0])
                binding_text(&binding, filter->sensor);
        return binding;
}

int rows_outline(struct rows *rows, const struct store_filter *filter, enum request_kind question,
                 struct store_outline **ret, uint64_t *ret_cursor) {
        const struct outline_kind kind = kind_of(question);
        _cleanup_(store_outline_freep) struct store_outline *outline = NULL;
        _cleanup_(growing_clear) struct growing growing = {.kind = &kind};
        struct place after = {.onset_us = INT64_MIN};
        struct binding binding;
        uint64_t cursor = 0;
        int64_t since_us = filter->since_us;
        int rc = SQLITE_OK;

        if (filter->after != 0)
                rc = rows_find_place(rows, kind.find_place, filter, &after);
        if (rc != SQLITE_OK)
                return rc;
        /* Nights are picked by their end: their place is another condition. */
        if (question != REQUEST_OUTLINE_NIGHTS && since_us < after.onset_us)
                since_us = after.onset_us;
        rc = outline_new(&kind, &outline);
        if (rc != SQLITE_OK)
                return rc;
        growing.outline = outline;
        binding = bind(rows, filter->sensor[0] ? kind.of_sensor : kind.all, filter, since_us, &after);
        rc = binding.rc;
        while (rc == SQLITE_OK && (rc = sqlite3_step(binding.statement)) == SQLITE_ROW) {
                if (outline->n_rows == filter->limit) {
                        cursor = rows_cursor_of(growing.id);
                        rc = SQLITE_DONE;
                        break;
                }
                rc = row_take(&growing, binding.statement);
        }
        binding_end(&binding);
        if (rc != SQLITE_DONE)
                return rc;
        *ret_cursor = cursor;
        *ret = steal_pointer(&outline);
        return SQLITE_OK;
}
