/* SPDX-License-Identifier: MIT */
/*
 * A sensor in the live view: its stream, what was last said of it, and the trace of its activity. Owns
 * the stream's descriptor. Used by live.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dbus/client/crampd-client.h"

/* Frames come every 50 ms: a point of the trace is half a second. */
#define LANE_POINTS 512u
#define LANE_POINT_NONE (-1.0f)

struct lane {
        char *path;
        char *name;
        char *place;   /* "left soleus" */
        char *state;   /* of the link */
        char *reason;  /* of that state */
        char *signal;  /* its quality; NULL = unknown */
        char *problem; /* why there is no stream, or NULL */
        int battery;   /* percent; -1 = unknown */
        int fd;
        bool microvolts; /* the unit of its levels; false = its own, or not known */
        bool simulated;
        struct crampd_channels mvc_uv; /* of a calibration that counts for the stream */
        bool listed;                   /* of the sensors that crampd has now */

        /* the leading channel of the last frame */
        bool has_frame;
        unsigned detector_state;
        float level_uv;
        float floor_uv;
        double mvc_percent; /* NaN = not calibrated */

        /* How high above rest, 0 to 1; the youngest is at the end. */
        float points[LANE_POINTS];
        unsigned frames; /* in the youngest point */
};

/* False when memory is short. */
bool lane_begin(struct lane *lane, const char *path);
void lane_clear(struct lane *lane);

/* What crampd says of the sensor now; opens its stream if there is none. */
void lane_update(struct lane *lane, const struct crampd_sensor *sensor, crampd_client *client);

/* Reads what has arrived. Returns whether that changes anything. */
bool lane_read(struct lane *lane);
