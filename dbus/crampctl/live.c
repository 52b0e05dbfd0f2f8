/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/text.h"
#include "dbus/crampctl/alert.h"
#include "dbus/crampctl/lane.h"
#include "dbus/crampctl/terminal.h"
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define TRACE_ROWS_MAX 6u
#define SYMBOL_LEVELS 8
#define ALERTS_MAX 8u
/* Wide of any row that is drawn; longer names are cut before. */
#define ROW_SIZE 4096

/* An alert as it is to be shown, line by line. */
struct alert {
        char *id; /* of the episode; NULL = none */
        char *text;
        bool lasts;
};

struct live {
        FILE *file;
        struct terminal *terminal;
        struct lane lanes[LIVE_LANES_MAX];
        size_t n_lanes;
        struct alert alerts[ALERTS_MAX]; /* the newest first */
        char *message;                   /* the last other event */
        bool away;                       /* crampd is not there */
        bool dirty;
        bool colour;
        bool utf8;
};

/* --- lanes --- */

static struct lane *lane_find(struct live *live, const char *path) {
        for (size_t i = 0; i < live->n_lanes; i++)
                if (strcmp(live->lanes[i].path, path) == 0)
                        return live->lanes + i;
        if (live->n_lanes == LIVE_LANES_MAX || !lane_begin(live->lanes + live->n_lanes, path))
                return NULL;
        return live->lanes + live->n_lanes++;
}

void live_sync(struct live *live, crampd_client *client) {
        struct crampd_sensor *sensors = NULL;
        size_t n = 0, kept = 0;

        for (size_t i = 0; i < live->n_lanes; i++)
                live->lanes[i].listed = false;
        /* Without an answer, crampd has gone or is late: no lines then. The next event asks again. */
        if (crampd_list_sensors(client, &sensors, &n, NULL) < 0)
                n = 0;
        for (size_t i = 0; i < n; i++) {
                struct lane *lane = lane_find(live, sensors[i].path);

                if (lane)
                        lane_update(lane, sensors + i, client);
        }
        crampd_sensors_free(sensors, n);
        for (size_t i = 0; i < live->n_lanes; i++)
                if (live->lanes[i].listed)
                        live->lanes[kept++] = live->lanes[i];
                else
                        lane_clear(live->lanes + i);
        live->n_lanes = kept;
        live->dirty = true;
}

size_t live_get_pollfds(const struct live *live, struct pollfd *pollfds) {
        size_t n = 0;

        if (terminal_fd(live->terminal) >= 0)
                pollfds[n++] = (struct pollfd){.fd = terminal_fd(live->terminal), .events = POLLIN};
        for (size_t i = 0; i < live->n_lanes; i++)
                if (live->lanes[i].fd >= 0)
                        pollfds[n++] = (struct pollfd){.fd = live->lanes[i].fd, .events = POLLIN};
        return n;
}

bool live_read(struct live *live) {
        bool quit = false;
        char key;

        for (size_t i = 0; i < live->n_lanes; i++)
                live->dirty = lane_read(live->lanes + i) || live->dirty;
        while ((key = terminal_key(live->terminal)))
                quit = quit || key == 'q' || key == 'Q';
        return quit;
}

/* --- events --- */

/* The lines that alert_write() has for an event; NULL when memory is short. */
static char *event_words(const struct crampd_event *event) {
        struct alert_writer writer = {};
        char *text = NULL;
        size_t size;

        writer.file = open_memstream(&text, &size);
        if (!writer.file)
                return NULL;
        alert_write(&writer, event);
        alert_writer_clear(&writer);
        if (fclose(writer.file) == 0)
                return text;
        free(text);
        return NULL;
}

static void alert_clear(struct alert *alert) {
        free(alert->id);
        free(alert->text);
        *alert = (struct alert){};
}

/* The place of an episode, at the front. */
static struct alert *alert_front(struct live *live, const char *id) {
        struct alert found;
        size_t i = 0;

        while (i < ALERTS_MAX - 1 && live->alerts[i].id && strcmp(live->alerts[i].id, id) != 0)
                i++;
        found = live->alerts[i];
        if (!found.id || strcmp(found.id, id) != 0)
                alert_clear(&found);
        memmove(live->alerts + 1, live->alerts, i * sizeof(*live->alerts));
        live->alerts[0] = found;
        if (!live->alerts[0].id)
                live->alerts[0].id = strdup(id);
        return live->alerts;
}

void live_event(struct live *live, const struct crampd_event *event) {
        char *text = event_words(event);

        if (event->type == CRAMPD_SERVICE_GONE || event->type == CRAMPD_SERVICE_BACK)
                live->away = event->type == CRAMPD_SERVICE_GONE;
        live->dirty = true;
        if (!text)
                return;
        if (event->type == CRAMPD_ALERT_RAISED || event->type == CRAMPD_ALERT_UPDATED ||
            event->type == CRAMPD_ALERT_ENDED) {
                struct alert *alert = alert_front(live, event->episode.id);

                alert->lasts = event->type != CRAMPD_ALERT_ENDED;
                free(alert->text);
                alert->text = text;
                return;
        }
        free(live->message);
        live->message = text;
}

/* --- drawing --- */

/* A row being put together: no wider than the screen. */
struct row {
        char text[ROW_SIZE];
        size_t used, width, columns;
};

static void row_begin(struct row *row, const struct live *live) {
        *row = (struct row){.columns = terminal_columns(live->terminal)};
}

/* An escape sequence, which takes no room. */
static void row_escape(struct row *row, const char *sequence) {
        size_t length = strlen(sequence);

        if (row->used + length >= ROW_SIZE)
                return;
        memcpy(row->text + row->used, sequence, length + 1);
        row->used += length;
}

/* Text of any origin, as far as it fits. */
static void row_text(struct row *row, const char *text) {
        while (text && *text) {
                char character[8] = "?";
                size_t length = text_character_length(text), width;

                /* Nothing that came from elsewhere may steer the terminal. */
                if (length > 0 && !text_is_control(text)) {
                        memcpy(character, text, length);
                        character[length] = '\0';
                }
                if (length == 0) /* a C1 control, or a stray byte */
                        length = (unsigned char)text[0] == 0xc2 && (text[1] & 0xe0) == 0x80 ? 2 : 1;
                width = text_width(character);
                if (row->width + width > row->columns || row->used + sizeof(character) >= ROW_SIZE)
                        return;
                row_escape(row, character);
                row->width += width;
                text += length;
        }
}

static void row_put(struct row *row, const struct live *live, size_t at) {
        terminal_put(live->terminal, at, row->text, row->width);
}

static const char *detector_state_name(unsigned state) {
        static const char *const names[] = {N_("rest"), N_("suspected"), N_("CRAMP"), N_("recovering")};

        return state < ARRAY_LENGTH(names) ? _(names[state]) : "?";
}

static void level_write(struct row *row, const struct lane *lane) {
        char level[TEXT_NUMBER_SIZE], ratio[TEXT_NUMBER_SIZE] = "", percent[TEXT_NUMBER_SIZE];

        words_number((double)lane->level_uv, lane->level_uv < 100 ? 1 : 0, level);
        if (lane->floor_uv > 0)
                words_number((double)lane->level_uv / (double)lane->floor_uv, 1, ratio);
        text_number(lane->mvc_percent, 0, percent);
        row_text(row, ", ");
        row_text(row, level);
        row_text(row, lane->microvolts ? " uV" : "");
        if (ratio[0]) {
                row_text(row, ", x");
                row_text(row, ratio);
        }
        if (percent[0]) {
                row_text(row, ", ");
                row_text(row, percent);
                row_text(row, _(" % MVC"));
        }
}

static bool lane_alarms(const struct live *live, const struct lane *lane) {
        return live->colour && lane->has_frame && lane->detector_state == 2;
}

/* What is wrong with its signal, if anything. */
static const char *lane_signal(const struct lane *lane) {
        const char *wrong = signal_describe(lane->signal);

        return wrong ? wrong : _("good signal");
}

/* What is most needed comes first: the end may be cut off. */
static void lane_head_draw(const struct live *live, const struct lane *lane, size_t at) {
        char battery[32];
        struct row row;

        row_begin(&row, live);
        if (live->colour)
                row_escape(&row, lane_alarms(live, lane) ? TEXT_ALARM : TEXT_BOLD);
        row_text(&row, lane->name);
        row_text(&row, ": ");
        if (lane->has_frame) {
                row_text(&row, detector_state_name(lane->detector_state));
                level_write(&row, lane);
        } else {
                row_text(&row, words_of_list(lane->state));
                if (lane->problem || (lane->reason && lane->reason[0])) {
                        row_text(&row, ": ");
                        row_text(&row, words_of_sentence(lane->problem ?: lane->reason).text);
                }
        }
        if (live->colour)
                row_escape(&row, TEXT_PLAIN);
        if (lane->battery >= 0) {
                (void)snprintf(battery, sizeof(battery), _("; battery %d %%"), lane->battery);
                row_text(&row, battery);
        }
        if (lane->signal) {
                row_text(&row, "; ");
                row_text(&row, lane_signal(lane));
        }
        row_text(&row, "; ");
        row_text(&row, lane->place);
        if (lane->simulated)
                row_text(&row, _(" (simulated)"));
        row_put(&row, live, at);
}

/* `row` of `rows` from the top, of a point from 0 to 1: rest is the lowest mark. */
static const char *point_symbol(const struct live *live, float point, size_t row, size_t rows) {
        static const char *const blocks[SYMBOL_LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
        static const char *const plain[SYMBOL_LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "#"};
        int below = (int)(rows - 1 - row) * SYMBOL_LEVELS;
        int level = (int)(point * (float)(rows * SYMBOL_LEVELS - 1) + 0.5f) + 1 - below;

        if (point < 0 || level <= 0)
                return " ";
        level = level > SYMBOL_LEVELS ? SYMBOL_LEVELS : level;
        return live->utf8 ? blocks[level - 1] : plain[level - 1];
}

static void trace_draw(const struct live *live, const struct lane *lane, size_t at, size_t rows) {
        size_t columns = terminal_columns(live->terminal);
        size_t points = columns < LANE_POINTS ? columns : LANE_POINTS;

        for (size_t i = 0; i < rows; i++) {
                struct row row;

                row_begin(&row, live);
                if (lane_alarms(live, lane))
                        row_escape(&row, TEXT_ALARM);
                for (size_t p = LANE_POINTS - points; p < LANE_POINTS; p++)
                        row_text(&row, point_symbol(live, lane->points[p], i, rows));
                if (lane_alarms(live, lane))
                        row_escape(&row, TEXT_PLAIN);
                row_put(&row, live, at + i);
        }
}

static bool lane_has_trace(const struct lane *lane) {
        return lane->points[LANE_POINTS - 1] >= 0;
}

/* The sensors, in at most so many rows from `at` on; returns those that were used. A trace needs a
 * stream. */
static size_t lanes_draw(const struct live *live, size_t at, size_t rows) {
        size_t shown = live->n_lanes < rows ? live->n_lanes : rows, traces = 0, each = 0, used = 0;

        for (size_t i = 0; i < shown; i++)
                traces += lane_has_trace(live->lanes + i);
        if (traces > 0)
                each = (rows - shown) / traces < TRACE_ROWS_MAX ? (rows - shown) / traces
                                                                : TRACE_ROWS_MAX;
        for (size_t i = 0; i < shown; i++) {
                lane_head_draw(live, live->lanes + i, at + used++);
                if (!lane_has_trace(live->lanes + i))
                        continue;
                trace_draw(live, live->lanes + i, at + used, each);
                used += each;
        }
        return used;
}

/* Cells up to which a line of text may go on in this row: breaks between words. */
static size_t line_cut(const char *text, size_t length, size_t columns) {
        size_t cut = length;
        char copy[ROW_SIZE];

        for (;;) {
                size_t n = cut < sizeof(copy) - 1 ? cut : sizeof(copy) - 1;

                memcpy(copy, text, n);
                copy[n] = '\0';
                if (text_width(copy) <= columns)
                        return n;
                cut = n;
                do
                        cut--;
                while (cut > 0 && text[cut] != ' ');
                /* A word that is longer than the screen is cut off there. */
                if (cut == 0)
                        return n;
        }
}

/* Draws a text of lines, each broken where it has to be, from row `at` on; without a terminal it only
 * counts. Returns the rows that it takes. */
static size_t text_draw(const struct live *live, const char *text, size_t at, size_t rows, bool alarm,
                        bool draw) {
        size_t columns = terminal_columns(live->terminal), n = 0;

        while (text && *text && n < rows) {
                size_t length = strcspn(text, "\n"), cut = line_cut(text, length, columns);
                char copy[ROW_SIZE];
                struct row row;

                memcpy(copy, text, cut);
                copy[cut] = '\0';
                if (draw) {
                        row_begin(&row, live);
                        if (alarm && live->colour && n == 0)
                                row_escape(&row, TEXT_ALARM);
                        row_text(&row, copy);
                        if (alarm && live->colour && n == 0)
                                row_escape(&row, TEXT_PLAIN);
                        row_put(&row, live, at + n);
                }
                n++;
                text += cut;
                text += strspn(text, " ");
                if (*text == '\n')
                        text++;
        }
        return n;
}

/* The alerts that last, else the last one; returns the rows. */
static size_t alerts_draw(const struct live *live, size_t at, size_t rows, bool draw) {
        size_t used = 0;

        for (size_t i = 0; i < ALERTS_MAX && live->alerts[i].id; i++)
                if (live->alerts[i].lasts)
                        used += text_draw(live, live->alerts[i].text, at + used, rows - used, true,
                                          draw);
        if (used == 0 && live->alerts[0].id)
                used = text_draw(live, live->alerts[0].text, at, rows, false, draw);
        else if (used == 0)
                used = text_draw(live, _("No alert yet."), at, rows, false, draw);
        return used;
}

static void title_draw(const struct live *live) {
        const char *hint = terminal_fd(live->terminal) >= 0 ? _("q or Ctrl-C ends") : _("Ctrl-C ends");
        struct row row;

        row_begin(&row, live);
        if (live->colour)
                row_escape(&row, TEXT_BOLD);
        row_text(&row, live->away           ? _("crampd is not there: nobody watches now")
                       : live->n_lanes == 0 ? _("crampd watches no sensor of yours")
                                            : _("crampd watches"));
        if (live->colour)
                row_escape(&row, TEXT_PLAIN);
        row_text(&row, " - ");
        row_text(&row, hint);
        row_put(&row, live, 0);
}

void live_draw(struct live *live) {
        size_t rows = terminal_rows(live->terminal), message, alerts, top, row;
        struct row blank;

        /* From the bottom: an alert matters most, then the last message, then the sensors. */
        alerts = alerts_draw(live, 0, rows > 1 ? rows - 1 : 1, false);
        message = rows > alerts + 1 ? text_draw(live, live->message, 0, 1, false, false) : 0;
        top = rows > alerts + message ? rows - alerts - message : 0;
        row_begin(&blank, live);
        if (top > 0) {
                title_draw(live);
                for (row = 1 + lanes_draw(live, 1, top - 1); row < top; row++)
                        row_put(&blank, live, row);
        }
        (void)text_draw(live, live->message, top, message, false, true);
        (void)alerts_draw(live, top + message, rows - top - message, true);
        terminal_flush(live->terminal);
        live->dirty = false;
}

bool live_is_dirty(const struct live *live) {
        return live->dirty;
}

void live_resize(struct live *live) {
        terminal_resize(live->terminal);
        live->dirty = true;
}

void live_suspend(struct live *live) {
        terminal_leave(live->terminal);
}

void live_resume(struct live *live) {
        terminal_enter(live->terminal);
        live->dirty = true;
}

struct live *live_new(FILE *file) {
        struct live *live = calloc(1, sizeof(*live));

        if (!live)
                return NULL;
        live->file = file;
        live->colour = text_may_colour(file);
        live->utf8 = text_is_utf8();
        live->dirty = true;
        live->terminal = terminal_new(file);
        if (live->terminal)
                return live;
        free(live);
        return NULL;
}

struct live *live_free(struct live *live) {
        if (!live)
                return NULL;
        live->terminal = terminal_free(live->terminal);
        for (size_t i = 0; i < live->n_lanes; i++)
                lane_clear(live->lanes + i);
        for (size_t i = 0; i < ALERTS_MAX; i++)
                alert_clear(live->alerts + i);
        free(live->message);
        free(live);
        return NULL;
}
