/* SPDX-License-Identifier: MIT */
/* A sensor as the daemon keeps it: see sensor.h. */
#include "daemon/sensor.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/alerts.h"
#include "daemon/bus/calibrate.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/warnings.h"
#include "daemon/guidance/translate.h"
#include "daemon/livestream.h"
#include "daemon/recorder.h"
#include "sensors/bluez/link.h"
#include "sensors/muscle.h"

/* How long a night waits for its stream: as long as the detector lets a cramp go unseen, or, at rest,
 * long enough for the resting floor still to hold. */
#define GRACE_CRAMP_US (UINT64_C(30) * 1000000)
#define GRACE_REST_US (UINT64_C(300) * 1000000)

static int64_t clock_us(clockid_t clock) {
        struct timespec now;

        (void)clock_gettime(clock, &now); /* cannot fail for these clocks */
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t crampd_now_us(void) {
        return clock_us(CLOCK_REALTIME);
}

int64_t crampd_boot_us(void) {
        return clock_us(CLOCK_BOOTTIME);
}

/* --- night to store and bus --- */

static void on_alert(enum night_change change, const struct store_episode *episode, uint64_t lasting_us,
                     void *userdata) {
        struct sensor *sensor = userdata;

        if (change == NIGHT_ALERT_RAISED) {
                sensor->recorded = false;
                calibrate_end(sensor, CALIBRATE_CRAMP);
        }
        /* The alert first: it never waits for the disk. */
        alerts_send(sensor, change, episode, lasting_us, /* repeated= */ false, /* to= */ NULL);
        recorder_put(sensor->crampd->recorder, sensor, episode);
}

static void on_account(const struct store_account *account, void *userdata) {
        struct sensor *sensor = userdata;

        /* As gaps: the episode is there without it. */
        (void)store_put_account(sensor->crampd->store, account);
}

static void on_waveform(struct store_waveform *waveform, void *userdata) {
        struct sensor *sensor = userdata;

        /* The same; it takes the waveform over. */
        (void)store_put_waveform(sensor->crampd->store, waveform);
}

static void on_gap(const struct store_gap *gap, void *userdata) {
        struct sensor *sensor = userdata;

        /* Gaps give way when the queue fills up: the counters still tell of them. */
        (void)store_put_gap(sensor->crampd->store, gap);
}

static void on_night_row(const struct store_night *row, void *userdata) {
        struct sensor *sensor = userdata;
        int r = store_put_night(sensor->crampd->store, row, NULL, NULL);

        if (row->seen_us == row->start_us && row->end_us == STORE_NO_TIME) { /* it has just begun */
                sensor_set_factor(sensor, sensor_next_factor(sensor));
                sensor_learn(sensor); /* verdicts fade, too: for the night after */
        }
        if (row->end_us != STORE_NO_TIME) /* one more that counts, or not */
                advice_news_check(sensor->crampd->bus->news, sensor->row.owner_uid, "night");
        if (r < 0)
                log_warning("A night's progress could not be handed to the store: %s, ignoring.",
                            strerror(-r));
}

static void on_level(const struct detector_level *level, int64_t time_us, void *userdata) {
        struct sensor *sensor = userdata;

        livestream_send(sensor->crampd->livestream, sensor, level, time_us);
        warnings_check_signal(sensor, time_us);
        calibrate_take(sensor, level);
}

static void on_signal(const struct detector_signal *signal, int64_t time_us, void *userdata) {
        struct sensor *sensor = userdata;

        if (livestream_has_reader(sensor->crampd->livestream, sensor))
                livestream_send_samples(sensor->crampd->livestream, sensor, signal,
                                        sensor_get_beside(sensor), time_us);
}

static const struct night_callbacks night_callbacks = {
        .alert = on_alert,
        .account = on_account,
        .waveform = on_waveform,
        .gap = on_gap,
        .row = on_night_row,
        .level = on_level,
        .signal = on_signal,
};

static void end_night(struct sensor *sensor, const char *end_reason) {
        sensor->grace = sd_event_source_disable_unref(sensor->grace);
        calibrate_end(sensor, CALIBRATE_SIGNAL_LOST);
        if (!sensor->night)
                return;
        night_finish(sensor->night, end_reason);
        sensor->monitored_us += night_get_monitored_us(sensor->night);
        sensor->night = night_free(sensor->night);
}

/* --- source to night --- */

static void on_source_battery(unsigned percent, void *userdata) {
        sensor_take_battery(userdata, percent);
}

static void on_source_state(enum source_state state, const char *reason, void *userdata) {
        struct sensor *sensor = userdata;

        log_info("Sensor %s: %s: %s", sensor->row.id, source_state_to_string(state), reason);
        alerts_send_sensor_changed(sensor, state, reason);
}

static void on_source_format(const struct stream_format *format, int64_t start_us, void *userdata) {
        struct sensor *sensor = userdata;

        /* Only with the first block: a sensor that answers but sends nothing is no stream. */
        sensor->format = *format;
        if (sensor->clock)
                sample_clock_begin(sensor->clock, format, sensor->measured_rate_mhz);
        sensor->start_us = start_us;
        sensor->fresh = true;
        sensor->unwatchable = false;
}

static void begin_stream(struct sensor *sensor) {
        int r;

        sensor->fresh = false;
        warnings_check_leg(sensor);
        sensor->grace = sd_event_source_disable_unref(sensor->grace);
        if (sensor->night && night_fits(sensor->night, &sensor->format)) {
                night_resume(sensor->night);
                return;
        }
        end_night(sensor, "signal-lost");

        r = night_new(&(struct night_setup){.sensor = sensor->row.id,
                                            .muscle = sensor->row.muscle,
                                            .leg = sensor->row.leg,
                                            .format = &sensor->format,
                                            .sensitivity = sensor_sensitivity(&sensor->row),
                                            .evidence_factor = sensor_next_factor(sensor),
                                            .start_us = sensor->start_us,
                                            .callbacks = &night_callbacks,
                                            .userdata = sensor},
                      &sensor->night);
        if (r >= 0)
                night_set_calibration(sensor->night, &sensor->row.calibration);
        sensor->unwatchable = r < 0;
        if (r < 0)
                log_error("Sensor %s: its stream of %u channels at %u mHz cannot be watched: %s.",
                          sensor->row.id, sensor->format.channels, sensor->format.rate_mhz,
                          strerror(-r));
}

static void on_settled_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct sensor *sensor = userdata;
        struct sample_clock_stats stats = {};

        if (sensor->fresh && sensor->clock) {
                if (sensor->format.rate == STREAM_RATE_GUESSED)
                        sensor->measured_rate_mhz = sample_clock_get_format(sensor->clock)->rate_mhz;
                sensor->format = *sample_clock_get_format(sensor->clock);
        }
        if (sensor->fresh)
                begin_stream(sensor);
        if (!sensor->night)
                return;
        if (sensor->clock) {
                sample_clock_get_stats(sensor->clock, &stats);
                night_set_origin(sensor->night, stats.origin_us);
        }
        sensor_hear_beside(sensor);
        night_push(sensor->night, block, (int64_t)arrival_us, crampd_now_us() - crampd_boot_us());
}

static void on_source_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct sensor *sensor = userdata;

        if (arrival_us >= sensor->battery_check_us)
                sensor_check_battery(sensor);
        if (block->frames_after > 0 && sensor->format.rate_mhz > 0)
                arrival_us -= stream_frames_to_us(sensor->format.rate_mhz, block->frames_after);
        if (sensor->clock)
                sample_clock_push(sensor->clock, block, arrival_us);
        else
                on_settled_block(block, arrival_us, sensor);
}

static int on_grace_over(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct sensor *sensor = userdata;

        end_night(sensor, "signal-lost");
        return 0;
}

static void on_source_stopped(const char *reason, void *userdata) {
        struct sensor *sensor = userdata;
        uint64_t lasting_us;
        int r;

        sensor_end_battery(sensor);
        signal_watch_end(&sensor->signal_watch);
        if (sensor->clock)
                sample_clock_flush(sensor->clock);
        sensor->fresh = false;
        calibrate_end(sensor, CALIBRATE_SIGNAL_LOST);
        if (!sensor->night || sensor->grace)
                return;
        if (sensor->replay) {
                end_night(sensor, "stream-end");
                return;
        }

        r = sd_event_add_time_relative(sensor->crampd->event, &sensor->grace, CLOCK_BOOTTIME,
                                       night_get_episode(sensor->night, &lasting_us) ? GRACE_CRAMP_US
                                                                                     : GRACE_REST_US,
                                       /* accuracy= */ 0, on_grace_over, sensor);
        if (r < 0) /* without a timer the night ends now rather than never */
                end_night(sensor, "signal-lost");
}

static void on_source_extras(const struct sensor_extras *extras, void *userdata) {
        struct sensor *sensor = userdata;

        if (sensor->night && extras->accelerations != sensor->extras.accelerations)
                night_set_motion(sensor->night, extras->acceleration_mg);
        sensor->extras = *extras;
}

static void on_source_beside(const struct source_beside *beside, void *userdata) {
        struct sensor *sensor = userdata;

        sensor->replayed = *beside;
}

static const struct source_callbacks source_callbacks = {
        .state = on_source_state,
        .format = on_source_format,
        .block = on_source_block,
        .stopped = on_source_stopped,
        .battery = on_source_battery,
        .extras = on_source_extras,
        .beside = on_source_beside,
};

/* --- life
 * ----------------------------------------------------------------------------------------------------
 */

static int sensor_new(struct crampd *crampd, const struct store_sensor *row, struct sensor **ret) {
        struct sensor *sensor = calloc(1, sizeof(*sensor));

        if (!sensor)
                return -ENOMEM;

        sensor->crampd = crampd;
        sensor->row = *row;
        sensor->battery_percent = -1;
        battery_init(&sensor->battery, row->battery_rate);
        sensor->evidence_factor = 1.0;
        sensor->learning = learning_propose(NULL, 0, 0);
        sensor->extras.battery_mv = -1;
        LIST_INSERT_HEAD(&crampd->sensors, sensor, sensors);
        crampd->n_sensors++;
        sensor_learn(sensor);
        *ret = sensor;
        return 0;
}

static struct sensor_settings sensor_settings(const struct store_sensor *row) {
        return (struct sensor_settings){
                .name = "",
                .scale_uv = row->scale_uv,
                .rate_mhz = row->rate_mhz,
                .channels = (uint8_t)row->channels,
                .envelope = row->envelope,
        };
}

const char *sensor_says_leg(const struct sensor *sensor) {
        return sensor->format.leg == LEG_UNSPECIFIED ? NULL : leg_to_string(sensor->format.leg);
}

enum detector_sensitivity sensor_sensitivity(const struct store_sensor *row) {
        int sensitivity = detector_sensitivity_from_string(row->sensitivity);

        return sensitivity < 0 ? DETECTOR_SENSITIVITY_NORMAL : (enum detector_sensitivity)sensitivity;
}

void sensor_apply(struct sensor *sensor, const struct store_sensor *row) {
        struct sensor_settings settings = sensor_settings(row);
        struct store_sensor old = sensor->row;

        sensor->row = *row;
        /* What was learnt since the row was copied stays, in the store too. */
        sensor->row.battery_rate = old.battery_rate;
        memcpy(sensor->row.battery_warned, old.battery_warned, sizeof(old.battery_warned));
        sensor->row.calibration = old.calibration;
        if (sensor->night)
                night_set_place(sensor->night, row->muscle, row->leg);
        warnings_check_leg(sensor);
        /* Learning ends at once, and begins with a night. */
        if (row->learning_since_us != old.learning_since_us)
                sensor->learning = learning_propose(NULL, 0, 0);
        if (!row->learning || row->learning_since_us != old.learning_since_us)
                sensor->evidence_factor = 1.0;
        sensor_set_factor(sensor, sensor->evidence_factor);
        sensor_learn(sensor);
        if (!sensor->link)
                return;
        link_set_settings(sensor->link, &settings);
        link_set_allow_broadcast(sensor->link, row->allow_broadcast);
        link_pause(sensor->link, row->paused);
        if (row->paused)
                end_night(sensor, "stopped");
}

void sensor_set_calibration(struct sensor *sensor, const struct store_calibration *calibration) {
        sensor->row.calibration = *calibration;
        if (sensor->night)
                night_set_calibration(sensor->night, calibration);
}

int sensor_identify(struct sensor *sensor) {
        return sensor->link ? link_identify(sensor->link) : -EOPNOTSUPP;
}

int sensor_new_linked(struct crampd *crampd, const struct store_sensor *row, struct sensor **ret) {
        const struct sensor_driver *driver = sensor_driver_find(row->driver);
        struct link_setup setup = {
                .address = row->address,
                .owner = row->owner_uid,
                .driver = driver,
                .settings = sensor_settings(row),
                .allow_broadcast = row->allow_broadcast,
                .paused = row->paused,
                .callbacks = &source_callbacks,
        };
        struct sensor *sensor;
        int r;

        if (!driver)
                return -EINVAL;
        r = sensor_new(crampd, row, &sensor);
        if (r < 0)
                return r;
        setup.userdata = sensor;
        r = sample_clock_new(on_settled_block, sensor, &sensor->clock);
        if (r >= 0)
                r = link_new(crampd->bluez, &setup, &sensor->link);
        if (r < 0) {
                sensor_free(sensor, NULL);
                return r;
        }

        objects_sensor_added(sensor);
        *ret = sensor;
        return 0;
}

int sensor_new_replayed(struct crampd *crampd, const struct store_sensor *row, struct replay *replay,
                        struct sensor **ret) {
        struct sensor *sensor;
        int r;

        r = sensor_new(crampd, row, &sensor);
        if (r < 0)
                return r;
        sensor->replay = replay;
        objects_sensor_added(sensor);
        *ret = sensor;
        return 0;
}

int sensor_start_replay(struct sensor *sensor) {
        return replay_start(sensor->replay, sensor->crampd->event, &source_callbacks, sensor);
}

struct sensor *sensor_free(struct sensor *sensor, const char *end_reason) {
        if (!sensor)
                return NULL;

        end_night(sensor, end_reason);
        link_free(sensor->link);
        replay_free(sensor->replay);
        sample_clock_free(sensor->clock);
        livestream_end(sensor->crampd->livestream, sensor);
        objects_sensor_removed(sensor);
        LIST_REMOVE(sensor, sensors);
        sensor->crampd->n_sensors--;
        free(sensor);
        return NULL;
}

struct sensor *sensor_find(struct crampd *crampd, const char *id) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors)
                if (strcmp(sensor->row.id, id) == 0)
                        return sensor;
        return NULL;
}

const char *sensor_get_signal(const struct sensor *sensor) {
        return sensor->night ? detector_quality_to_string(night_get_quality(sensor->night)) : "no-data";
}

enum source_state sensor_get_state(const struct sensor *sensor, const char **ret_reason) {
        if (sensor->unwatchable) {
                *ret_reason =
                        N_("the stream's rate or number of channels is not one that crampd can watch");
                return SOURCE_STALLED;
        }
        if (sensor->link)
                return link_get_state(sensor->link, ret_reason);
        return replay_get_state(sensor->replay, ret_reason);
}

double sensor_get_capacity(const struct sensor *sensor) {
        struct capacity_load loads[SENSORS_MAX];
        const struct sensor *other;
        size_t n = 0;

        if (!sensor->link || sensor->row.paused)
                return -1.0;
        LIST_FOREACH (other, &sensor->crampd->sensors, sensors)
                if (other->link && !other->row.paused && n < SENSORS_MAX &&
                    link_may_share_adapter(sensor->link, other->link))
                        link_get_load(other->link, &loads[n++]);
        return capacity_share(loads, n);
}

void sensor_get_counters(const struct sensor *sensor, struct link_counters *ret) {
        *ret = (struct link_counters){0};
        if (sensor->link)
                link_get_counters(sensor->link, ret);
        else {
                replay_get_counters(sensor->replay, &ret->stream);
                ret->connects = ret->stream.packets > 0;
        }
}
