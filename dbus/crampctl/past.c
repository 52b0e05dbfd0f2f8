/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/timestamp.h"

/* A sensor of which something is known, and whether its nights are meant. */
struct known_sensor {
        char *id;
        bool meant;
};

struct past {
        const struct episode_filter *filter;
        struct tally_source *source;
        struct known_sensor *sensors;
        size_t n_sensors;
        unsigned simulated;
        bool out_of_memory;
        unsigned last; /* found before: mostly the same again */
};

static void past_clear(struct past *past) {
        for (size_t i = 0; i < past->n_sensors; i++)
                free(past->sensors[i].id);
        free(past->sensors);
        (void)tally_source_free(past->source);
}

/* The number of a sensor, which is new if nobody told of it yet; 0 when memory is short. */
static unsigned sensor_number(struct past *past, const char *id) {
        struct known_sensor *larger;

        if (past->last < past->n_sensors && strcmp(past->sensors[past->last].id, id) == 0)
                return past->last;
        for (size_t i = 0; i < past->n_sensors; i++)
                if (strcmp(past->sensors[i].id, id) == 0)
                        return past->last = (unsigned)i;
        larger = reallocarray(past->sensors, past->n_sensors + 1, sizeof(*larger));
        if (larger) {
                past->sensors = larger;
                larger[past->n_sensors] = (struct known_sensor){.id = strdup(id)};
                if (larger[past->n_sensors].id)
                        return past->last = (unsigned)past->n_sensors++;
        }
        past->out_of_memory = true;
        return 0;
}

static bool fits(const char *wanted, const char *is) {
        return !wanted || strcmp(wanted, is) == 0;
}

static bool place_fits(const struct episode_filter *filter, const char *leg, const char *muscle) {
        return fits(filter->leg, leg) && fits(filter->muscle, muscle);
}

static void sensor_mean(struct past *past, const char *id) {
        unsigned number = sensor_number(past, id);

        if (number < past->n_sensors)
                past->sensors[number].meant = true;
}

static enum tally_kind kind_of(const struct past *past, const char *verdict) {
        if (strcmp(verdict, "confirmed") == 0)
                return TALLY_CONFIRMED;
        if (strcmp(verdict, "false-alarm") == 0 && !past->filter->verdict)
                return TALLY_FALSE_ALARM;
        return TALLY_SAID_NOTHING;
}

static int episode_take(const struct crampd_episode_outline *episode, void *userdata) {
        struct past *past = userdata;

        if (!place_fits(past->filter, episode->leg, episode->muscle))
                return 0;
        sensor_mean(past, episode->sensor);
        if (fits(past->filter->verdict, episode->verdict)) {
                enum tally_kind kind = kind_of(past, episode->verdict);

                tally_add_cramp(past->source, episode->onset_us, episode->zone_offset_s,
                                episode->length_us, kind);
                past->simulated += episode->simulated && kind != TALLY_FALSE_ALARM;
        }
        return past->out_of_memory ? -ENOMEM : 0;
}

static int missed_take(const struct crampd_missed *missed, void *userdata) {
        struct past *past = userdata;

        if (filter_takes_missed(past->filter, missed))
                tally_add_cramp(past->source, missed->time_us, missed->zone_offset_s, -1,
                                missed->watched ? TALLY_MISSED : TALLY_MISSED_UNWATCHED);
        return 0;
}

static int night_take(const struct crampd_night_outline *night, void *userdata) {
        struct past *past = userdata;
        unsigned number = sensor_number(past, night->sensor);

        if (past->out_of_memory)
                return -ENOMEM;
        /* Without a place to look for, every sensor is meant. */
        if (past->sensors[number].meant || (!past->filter->leg && !past->filter->muscle))
                tally_add_night(past->source, night->evening_day, number, night->monitored_us,
                                night->gap_us);
        return 0;
}

static int sensors_ask(struct past *past, crampd_client *client, struct crampd_error *error) {
        struct crampd_sensor *sensors;
        size_t n;
        int r = crampd_list_sensors(client, &sensors, &n, error);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (place_fits(past->filter, sensors[i].leg, sensors[i].muscle))
                        sensor_mean(past, sensors[i].id);
        crampd_sensors_free(sensors, n);
        return past->out_of_memory ? -ENOMEM : 0;
}

int past_today(int64_t now_us) {
        return tally_day_of(now_us, timestamp_local_offset(now_us));
}

static int make(struct past *past, int last_day, struct tally *ret) {
        const struct crampd_filter *asked = &past->filter->asked;
        int first = TALLY_NO_DAY, r;

        if (asked->since_us != CRAMPD_NO_TIME)
                first = past_today(asked->since_us);
        if (asked->until_us != CRAMPD_NO_TIME)
                last_day = past_today(asked->until_us - 1);
        r = tally_make(past->source, first, last_day, ret);
        if (r == -ERANGE)
                return fail(EX_DATAERR,
                            "that is more than %d nights; narrow it with --since and --until",
                            TALLY_DAYS_MAX);
        if (r < 0)
                return fail(EX_OSERR, "out of memory");
        ret->simulated = past->simulated;
        return 0;
}

int past_tally(crampd_client *client, const struct episode_filter *filter, int last_day,
               struct tally *ret) {
        _cleanup_(past_clear) struct past past = {.filter = filter, .source = tally_source_new()};
        struct crampd_error error = {};
        int r = 0;

        if (!past.source)
                return fail(EX_OSERR, "out of memory");
        if (filter->leg || filter->muscle)
                r = sensors_ask(&past, client, &error);
        if (r >= 0)
                r = crampd_outline_episodes(client, &filter->asked, episode_take, &past, &error);
        if (r >= 0)
                r = crampd_list_missed(client, &filter->asked, missed_take, &past, &error);
        if (r >= 0)
                r = crampd_outline_nights(client, &filter->asked, night_take, &past, &error);
        if (r == -ENOMEM)
                return fail(EX_OSERR, "out of memory");
        return r < 0 ? fail_client(r, &error) : make(&past, last_day, ret);
}
