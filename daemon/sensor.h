/* SPDX-License-Identifier: MIT */
/*
 * A sensor as the daemon keeps it: who owns it, where its samples come from, its night, its live
 * readers. Joins the source's callbacks to the night, and the night's to store and bus. Owned by struct
 * crampd's list; used by main and by the bus objects.
 */
#pragma once

#include <sys/queue.h>

#include "daemon/battery.h"
#include "daemon/crampd.h"
#include "daemon/learning.h"
#include "daemon/night.h"
#include "daemon/signal-watch.h"
#include "sensors/bluez/link.h"
#include "sensors/clock.h"
#include "sensors/source.h"
#include "sensors/stream.h"
#include "sensors/virtual/replay.h"

struct sensor {
        LIST_ENTRY(sensor) sensors;
        struct crampd *crampd;
        struct store_sensor row;

        struct link *link; /* one of these two */
        struct replay *replay;

        struct stream_format format; /* of the stream that begins with the next block, if `fresh` */
        struct sample_clock *clock;  /* of a linked sensor's stream; a replay's time is exact */
        uint32_t measured_rate_mhz;  /* by an earlier stream whose rate was not known; 0 = none */
        int64_t start_us;
        bool fresh;
        bool unwatchable; /* the stream is such that no night can take it */

        struct night *night;         /* NULL until a stream has begun */
        bool recorded;               /* the open episode is durable */
        sd_event_source *grace;      /* ends the night when the stream does not come back */
        bool announced;              /* on the bus */
        int battery_percent;         /* -1 = unknown */
        uint64_t battery_heard_us;   /* boot time of that */
        struct battery battery;      /* its course while the sensor streams */
        uint64_t battery_check_us;   /* boot time of the next look at it; 0 = with the next block */
        uint64_t streaming_since_us; /* boot time of the first block; 0 = no stream */
        struct sensor_extras extras;
        struct source_beside replayed;    /* beside the samples of a replay that come next */
        struct signal_watch signal_watch; /* whether its owner should look at the electrodes */
        bool leg_warned;                  /* its owner was told that it names the other leg */
        uint64_t monitored_us;            /* of nights that are over */

        struct calibrating *calibrating; /* NULL = nobody calibrates it now; daemon/bus/calibrate.c */

        struct learning_proposal learning; /* from the annotations, as read last */
        double evidence_factor;            /* that holds in the present night */
};

/* Puts a sensor behind BlueZ into the list and begins to look for it. Returns 0, -EINVAL, -ENOMEM. */
int sensor_new_linked(struct crampd *crampd, const struct store_sensor *row, struct sensor **ret);
/* Takes over a replay that was made before the loop; it begins with sensor_start_replay(). */
int sensor_new_replayed(struct crampd *crampd, const struct store_sensor *row, struct replay *replay,
                        struct sensor **ret);
int sensor_start_replay(struct sensor *sensor);

/* Ends an open episode ("stopped", or as given) and the night, drops the link, and takes the sensor off
 * the list. */
struct sensor *sensor_free(struct sensor *sensor, const char *end_reason);

/* NULL if there is none. */
struct sensor *sensor_find(struct crampd *crampd, const char *id);

/* What is wrong with its signal, as Sensor.Describe() has it; "good" if a cramp could be seen. */
const char *sensor_get_signal(const struct sensor *sensor);

enum source_state sensor_get_state(const struct sensor *sensor, const char **ret_reason);
/* Share of the radio's time that it and all that may be on the same adapter take; < 0 = it uses none, or
 * is paused. */
double sensor_get_capacity(const struct sensor *sensor);
void sensor_get_counters(const struct sensor *sensor, struct link_counters *ret);

/* What its detector may hear besides samples: bits of livestream.h. */
unsigned sensor_get_beside(const struct sensor *sensor);
/* Tells its detector what holds for the samples that come next. */
void sensor_hear_beside(struct sensor *sensor);

/* The source tells the battery's level. */
void sensor_take_battery(struct sensor *sensor, unsigned percent);
/* With the first block of a stream, and again from `battery_check_us` on. */
void sensor_check_battery(struct sensor *sensor);
/* The stream is over. */
void sensor_end_battery(struct sensor *sensor);
/* How long the battery lasts, seen from now. */
void sensor_get_battery(const struct sensor *sensor, struct battery_forecast *ret);
/* Remembers that its owner has been warned this evening. */
void sensor_set_battery_warned(struct sensor *sensor, const char *evening);

/* The owner has changed the row, and the store has it: it holds from now on. Pausing ends the night. */
void sensor_apply(struct sensor *sensor, const struct store_sensor *row);
/* The leg that it says it is on, as it last streamed; NULL if it does not say. */
const char *sensor_says_leg(const struct sensor *sensor);
/* The step that a row names; normal if it names none. */
enum detector_sensitivity sensor_sensitivity(const struct store_sensor *row);
/* The factor of evidence that a night of this sensor begins with; and one that holds from now on. */
double sensor_next_factor(const struct sensor *sensor);
void sensor_set_factor(struct sensor *sensor, double factor);
/* Reads anew what was said of its alerts; the proposal holds from the next night on. Each that is about
 * sensors of `owner_uid`. */
void sensor_learn(struct sensor *sensor);
void sensor_learn_all(struct crampd *crampd, uid_t owner_uid);
/* Takes over what the store knew of a sensor. */
void sensor_take_verdicts(struct sensor *sensor, const struct store_verdict *verdicts, size_t n);
/* What is asked of the store for it. */
struct store_filter sensor_verdicts_filter(const struct sensor *sensor);
/* The store has another calibration of it: it holds from now on. One without channels: none. */
void sensor_set_calibration(struct sensor *sensor, const struct store_calibration *calibration);
/* As link_identify(). */
int sensor_identify(struct sensor *sensor);
