/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/live.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/text.h"

#define BARS 40u
/* Frames come every 50 ms: a bar is half a second, the line 20 s. */
#define FRAMES_PER_BAR 10u
/* Frames read from one stream at a time, so that none starves the rest. */
#define FRAMES_MAX 64u
#define BAR_LEVELS 8
#define LEVEL_NONE (-1)
#define NAME_CELLS 20
#define COLUMNS_DEFAULT 80u

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define CLEAR_BELOW "\r\033[J"

struct lane {
        char *path;
        char *name;
        char *state;   /* of the link */
        char *problem; /* why there is no stream, or NULL */
        int fd;
        bool arbitrary_unit;
        struct crampd_channels mvc_uv; /* of a calibrated sensor */
        bool listed;                   /* during live_sync() */

        /* the leading channel of the last frame */
        bool has_frame;
        unsigned detector_state;
        float level_uv;
        float floor_uv;
        double mvc_percent; /* NaN = not calibrated */

        signed char bars[BARS]; /* oldest first */
        unsigned frames;        /* in the youngest bar */
};

struct live {
        FILE *file;
        struct lane lanes[LIVE_LANES_MAX];
        size_t n_lanes;
        size_t n_drawn; /* lines on the terminal */
        bool dirty;
        bool colour;
        bool utf8;
};

/* --- lanes --- */

static void lane_close(struct lane *lane) {
        if (lane->fd >= 0)
                (void)close(lane->fd);
        lane->fd = -1;
        lane->has_frame = false;
}

static void lane_clear(struct lane *lane) {
        lane_close(lane);
        free(lane->path);
        free(lane->name);
        free(lane->state);
        free(lane->problem);
}

static struct lane *lane_find(struct live *live, const char *path) {
        for (size_t i = 0; i < live->n_lanes; i++)
                if (strcmp(live->lanes[i].path, path) == 0)
                        return live->lanes + i;
        return NULL;
}

static struct lane *lane_add(struct live *live, const char *path) {
        struct lane *lane;

        if (live->n_lanes == LIVE_LANES_MAX)
                return NULL;
        lane = live->lanes + live->n_lanes;
        *lane = (struct lane){.path = strdup(path), .fd = -1};
        if (!lane->path)
                return NULL;
        memset(lane->bars, LEVEL_NONE, sizeof(lane->bars));
        live->n_lanes++;
        return lane;
}

static void lanes_drop_unlisted(struct live *live) {
        size_t kept = 0;

        for (size_t i = 0; i < live->n_lanes; i++)
                if (live->lanes[i].listed)
                        live->lanes[kept++] = live->lanes[i];
                else
                        lane_clear(live->lanes + i);
        live->n_lanes = kept;
}

static void text_replace(char **text, const char *with) {
        char *copy = strdup(with);

        /* Without memory the old text stays: it is only shown. */
        if (!copy)
                return;
        free(*text);
        *text = copy;
}

static void lane_open(struct lane *lane, crampd_client *client) {
        struct crampd_stream_info info = {};
        struct crampd_error error = {};
        int fd;

        if (lane->fd >= 0)
                return;
        fd = crampd_open_stream(client, lane->path, &info, &error);
        if (fd < 0) {
                text_replace(&lane->problem, error.message);
                return;
        }
        free(lane->problem);
        lane->problem = NULL;
        lane->fd = fd;
        lane->arbitrary_unit = info.arbitrary_unit;
        lane->mvc_uv = info.mvc_uv;
}

static void lane_update(struct live *live, const struct crampd_sensor *sensor, crampd_client *client) {
        struct lane *lane = lane_find(live, sensor->path);

        if (!lane)
                lane = lane_add(live, sensor->path);
        if (!lane)
                return;
        text_replace(&lane->name, sensor->name[0] ? sensor->name : sensor->id);
        text_replace(&lane->state, sensor->state);
        lane->listed = true;
        lane_open(lane, client);
        if (strcmp(sensor->state, "streaming") != 0)
                lane->has_frame = false;
}

void live_sync(struct live *live, crampd_client *client) {
        struct crampd_sensor *sensors = NULL;
        size_t n = 0;

        for (size_t i = 0; i < live->n_lanes; i++)
                live->lanes[i].listed = false;
        /* Without an answer, crampd has gone or is late: no lines then. The next event asks again. */
        if (crampd_list_sensors(client, &sensors, &n, NULL) < 0)
                n = 0;
        for (size_t i = 0; i < n; i++)
                lane_update(live, sensors + i, client);
        crampd_sensors_free(sensors, n);
        lanes_drop_unlisted(live);
        live->dirty = true;
}

/* --- frames --- */

/* Rest is the lowest bar; each further one is a factor of 1.5, so that the strong grade of 8 times and
 * more is the highest. */
static int bar_level(float level_uv, float floor_uv) {
        double ratio = floor_uv > 0 ? (double)level_uv / (double)floor_uv : 1;
        int level = ratio > 1 ? (int)(log(ratio) / log(1.5) + 0.5) : 0;

        return level < BAR_LEVELS ? level : BAR_LEVELS - 1;
}

/* The channel that stands out most from its rest. */
static unsigned leading_channel(const struct crampd_stream_frame *frame) {
        unsigned leading = 0;
        double highest = -1;

        for (unsigned c = 0; c < frame->channels; c++) {
                double floor_uv = (double)frame->floor_uv[c];
                double ratio = floor_uv > 0 ? (double)frame->envelope_uv[c] / floor_uv : 0;

                if (ratio > highest) {
                        highest = ratio;
                        leading = c;
                }
        }
        return leading;
}

static void lane_take(struct lane *lane, const struct crampd_stream_frame *frame) {
        unsigned c = leading_channel(frame);
        int level = bar_level(frame->envelope_uv[c], frame->floor_uv[c]);

        lane->has_frame = true;
        lane->detector_state = frame->state;
        lane->level_uv = frame->envelope_uv[c];
        lane->floor_uv = frame->floor_uv[c];
        lane->mvc_percent = c < lane->mvc_uv.n && lane->mvc_uv.values[c] > 0.0
                                    ? 100.0 * (double)lane->level_uv / lane->mvc_uv.values[c]
                                    : (double)NAN;
        if (lane->frames == 0) {
                memmove(lane->bars, lane->bars + 1, BARS - 1);
                lane->bars[BARS - 1] = LEVEL_NONE;
        }
        /* The highest of its frames: short activity is to be seen. */
        if (level > lane->bars[BARS - 1])
                lane->bars[BARS - 1] = (signed char)level;
        lane->frames = (lane->frames + 1) % FRAMES_PER_BAR;
}

static void lane_read(struct live *live, struct lane *lane) {
        for (unsigned i = 0; lane->fd >= 0 && i < FRAMES_MAX; i++) {
                struct crampd_stream_frame frame;
                int r = crampd_stream_read(lane->fd, &frame);

                if (r == -EAGAIN)
                        return;
                live->dirty = true;
                if (r > 0)
                        lane_take(lane, &frame);
                else if (r != -EPROTO)
                        lane_close(lane);
        }
}

void live_read(struct live *live) {
        for (size_t i = 0; i < live->n_lanes; i++)
                lane_read(live, live->lanes + i);
}

size_t live_get_pollfds(const struct live *live, struct pollfd *pollfds) {
        size_t n = 0;

        for (size_t i = 0; i < live->n_lanes; i++)
                if (live->lanes[i].fd >= 0)
                        pollfds[n++] = (struct pollfd){.fd = live->lanes[i].fd, .events = POLLIN};
        return n;
}

/* --- drawing --- */

static size_t terminal_columns(FILE *file) {
        struct winsize size;

        if (ioctl(fileno(file), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return COLUMNS_DEFAULT;
        return size.ws_col;
}

static const char *bar_symbol(int level, bool utf8) {
        static const char *const blocks[BAR_LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
        static const char *const plain[BAR_LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "#"};

        if (level < 0)
                return " ";
        return utf8 ? blocks[level] : plain[level];
}

static const char *detector_state_name(unsigned state) {
        static const char *const names[] = {"rest", "suspected", "CRAMP", "recovering"};

        return state < ARRAY_LENGTH(names) ? names[state] : "?";
}

/* Cuts to `cells`, so that a line never wraps: the number of lines has to be known for going back up. */
static void cells_write(FILE *file, const char *text, size_t cells, bool pad) {
        size_t width = text_width(text), length = strlen(text);
        char *copy = strdup(text);

        if (!copy)
                return;
        while (width > cells && length > 0) {
                do
                        length--;
                while (length > 0 && ((unsigned char)copy[length] & 0xc0) == 0x80);
                copy[length] = 0;
                width = text_width(copy);
        }
        text_write(file, copy);
        free(copy);
        if (pad)
                fprintf(file, "%*s", (int)(cells - width), "");
}

static void level_format(const struct lane *lane, char *buffer, size_t size) {
        char level[TEXT_NUMBER_SIZE], ratio[TEXT_NUMBER_SIZE] = "", percent[TEXT_NUMBER_SIZE];

        text_number((double)lane->level_uv, lane->level_uv < 100 ? 1 : 0, level);
        if (lane->floor_uv > 0)
                text_number((double)lane->level_uv / (double)lane->floor_uv, 1, ratio);
        text_number(lane->mvc_percent, 0, percent);
        (void)snprintf(buffer, size, "%s%s%s%s%s%s%s", level, lane->arbitrary_unit ? "" : " uV",
                       ratio[0] ? ", x" : "", ratio, percent[0] ? ", " : "", percent,
                       percent[0] ? " % MVC" : "");
}

static void lane_draw(const struct live *live, const struct lane *lane, size_t columns) {
        bool alarm = live->colour && lane->has_frame && lane->detector_state == 2;
        char words[256], level[3 * TEXT_NUMBER_SIZE + 16];
        size_t used = NAME_CELLS + 1, bars;

        if (columns <= used + BARS / 4)
                return;
        cells_write(live->file, lane->name ? lane->name : "", NAME_CELLS, true);
        fputc(' ', live->file);

        bars = columns - used < 2 * BARS ? (columns - used) / 2 : BARS;
        if (alarm)
                fputs(TEXT_ALARM, live->file);
        for (size_t i = BARS - bars; i < BARS; i++)
                fputs(bar_symbol(lane->bars[i], live->utf8), live->file);
        used += bars;

        if (lane->has_frame) {
                level_format(lane, level, sizeof(level));
                (void)snprintf(words, sizeof(words), " %s, %s",
                               detector_state_name(lane->detector_state), level);
        } else
                (void)snprintf(words, sizeof(words), " %s%s%s", lane->state ? lane->state : "",
                               lane->problem ? ": " : "", lane->problem ? lane->problem : "");
        cells_write(live->file, words, columns - used - 1, false);
        if (alarm)
                fputs(TEXT_PLAIN, live->file);
}

void live_erase(struct live *live) {
        if (live->n_drawn > 1)
                fprintf(live->file, "\033[%zuA", live->n_drawn - 1);
        if (live->n_drawn > 0)
                fputs(CLEAR_BELOW, live->file);
        live->n_drawn = 0;
        live->dirty = true;
}

void live_draw(struct live *live) {
        size_t columns = terminal_columns(live->file);

        live_erase(live);
        for (size_t i = 0; i < live->n_lanes; i++) {
                if (i > 0)
                        fputc('\n', live->file);
                lane_draw(live, live->lanes + i, columns);
        }
        live->n_drawn = live->n_lanes;
        live->dirty = false;
        (void)fflush(live->file);
}

bool live_is_dirty(const struct live *live) {
        return live->dirty;
}

void live_suspend(struct live *live) {
        live_erase(live);
        fputs(SHOW_CURSOR, live->file);
        (void)fflush(live->file);
}

void live_resume(struct live *live) {
        fputs(HIDE_CURSOR, live->file);
        live->dirty = true;
}

struct live *live_new(FILE *file) {
        struct live *live = calloc(1, sizeof(*live));

        if (!live)
                return NULL;
        live->file = file;
        live->colour = text_may_colour(file);
        live->utf8 = text_is_utf8();
        live_resume(live);
        return live;
}

struct live *live_free(struct live *live) {
        if (!live)
                return NULL;
        live_suspend(live);
        for (size_t i = 0; i < live->n_lanes; i++)
                lane_clear(live->lanes + i);
        free(live);
        return NULL;
}
