/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/lane.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/words.h"

#define FRAMES_PER_POINT 10u
/* Frames read from one stream at a time, so that none starves the rest. */
#define FRAMES_MAX 64u
/* The top of a trace, on a logarithmic scale from rest: well above the strong grade of 8 times. */
#define RATIO_TOP 20.0

bool lane_begin(struct lane *lane, const char *path) {
        *lane = (struct lane){.path = strdup(path), .fd = -1, .battery = -1};
        for (size_t i = 0; i < LANE_POINTS; i++)
                lane->points[i] = LANE_POINT_NONE;
        return lane->path;
}

static void lane_close(struct lane *lane) {
        if (lane->fd >= 0)
                (void)close(lane->fd);
        lane->fd = -1;
        lane->has_frame = false;
}

void lane_clear(struct lane *lane) {
        lane_close(lane);
        free(lane->path);
        free(lane->name);
        free(lane->place);
        free(lane->state);
        free(lane->reason);
        free(lane->signal);
        free(lane->problem);
}

static void text_replace(char **text, const char *with) {
        char *copy = with ? strdup(with) : NULL;

        /* Without memory the old text stays: it is only shown. */
        if (with && !copy)
                return;
        free(*text);
        *text = copy;
}

static void lane_open(struct lane *lane, crampd_client *client) {
        struct crampd_error error = {};
        int fd;

        if (lane->fd >= 0)
                return;
        fd = crampd_open_stream(client, lane->path, NULL, &error);
        if (fd < 0) {
                text_replace(&lane->problem, error.message);
                return;
        }
        text_replace(&lane->problem, NULL);
        lane->fd = fd;
}

/* As crampd has it now: the stream may have been opened before there was one, and its shape may change.
 */
static void lane_take_shape(struct lane *lane, const struct crampd_sensor *sensor) {
        bool counts = sensor->calibration && strcmp(sensor->calibration, "other-stream") != 0;

        lane->microvolts = sensor->rate_hz > 0 && !sensor->arbitrary_unit;
        lane->mvc_uv = counts ? sensor->mvc_uv : (struct crampd_channels){};
}

void lane_update(struct lane *lane, const struct crampd_sensor *sensor, crampd_client *client) {
        _cleanup_(freep) char *place = NULL;

        if (asprintf(&place, "%s %s", words_of_list(sensor->leg), sensor->muscle) < 0)
                place = NULL;
        text_replace(&lane->name, sensor->name[0] ? sensor->name : sensor->id);
        text_replace(&lane->place, place);
        text_replace(&lane->state, sensor->state);
        text_replace(&lane->reason, sensor->reason);
        text_replace(&lane->signal, sensor->signal);
        lane->battery = sensor->battery;
        lane->simulated = sensor->simulated;
        lane->listed = true;
        lane_take_shape(lane, sensor);
        lane_open(lane, client);
        if (strcmp(sensor->state, "streaming") != 0)
                lane->has_frame = false;
}

/* --- frames --- */

static float point_of(float level_uv, float floor_uv) {
        double ratio = floor_uv > 0 ? (double)level_uv / (double)floor_uv : 1;

        return ratio <= 1 ? 0 : (float)fmin(log(ratio) / log(RATIO_TOP), 1);
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

static void frame_take(struct lane *lane, const struct crampd_stream_frame *frame) {
        unsigned c = leading_channel(frame);
        float point = point_of(frame->envelope_uv[c], frame->floor_uv[c]);
        float *youngest = lane->points + LANE_POINTS - 1;

        lane->has_frame = true;
        lane->detector_state = frame->state;
        lane->level_uv = frame->envelope_uv[c];
        lane->floor_uv = frame->floor_uv[c];
        lane->mvc_percent = c < lane->mvc_uv.n && lane->mvc_uv.values[c] > 0.0
                                    ? 100.0 * (double)lane->level_uv / lane->mvc_uv.values[c]
                                    : (double)NAN;
        if (lane->frames == 0) {
                memmove(lane->points, lane->points + 1, sizeof(lane->points) - sizeof(*lane->points));
                *youngest = LANE_POINT_NONE;
        }
        /* The highest of its frames: short activity is to be seen. */
        if (point > *youngest)
                *youngest = point;
        lane->frames = (lane->frames + 1) % FRAMES_PER_POINT;
}

bool lane_read(struct lane *lane) {
        bool news = false;

        for (unsigned i = 0; lane->fd >= 0 && i < FRAMES_MAX; i++) {
                struct crampd_stream_frame frame;
                int r = crampd_stream_read(lane->fd, &frame);

                if (r == -EAGAIN)
                        return news;
                news = true;
                if (r > 0)
                        frame_take(lane, &frame);
                else if (r != -EPROTO)
                        lane_close(lane);
        }
        return news;
}
