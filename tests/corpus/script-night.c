/* SPDX-License-Identifier: MIT */
/* Nights drawn at random from published rates: see script.h. */
#include "tests/corpus/night.h"

#include <errno.h>
#include <math.h>

#include "tests/corpus/model.h"

#define PLACE_TRIES 200
#define CRAMP_EARLIEST_S 120.0

static bool night_is_free(const struct night *night, double start_s, double end_s) {
        for (size_t i = 0; i < night->script.n_events; i++) {
                const struct script_event *event = &night->script.events[i];

                if (event->start_s < end_s + NIGHT_GUARD_S &&
                    event->start_s + event->duration_s > start_s - NIGHT_GUARD_S)
                        return false;
        }
        return true;
}

/* Gives the waxing and waning an envelope roughness of 0.1 to 0.3, in cramps and in holds alike. */
static double night_roughness(struct night *night) {
        return random_uniform(&night->random, 0.16, 0.5);
}

bool night_find_room(struct night *night, double earliest_s, double latest_s, double length_s,
                     double *ret_start_s) {
        latest_s = fmin(latest_s, night->script.duration_s - NIGHT_GUARD_S) - length_s;

        for (unsigned i = 0; i < PLACE_TRIES && latest_s > earliest_s; i++) {
                double start_s = random_uniform(&night->random, earliest_s, latest_s);

                if (night_is_free(night, start_s, start_s + length_s)) {
                        *ret_start_s = start_s;
                        return true;
                }
        }
        return false;
}

double night_clamp(double value, double low, double high) {
        return fmin(fmax(value, low), high);
}

/* A cramp, the stretch that ends it, and the recovery. Half are weak (2-6 x rest, rising over tens of
 * seconds). */
static int night_add_cramp(struct night *night) {
        struct random *random = &night->random;
        bool weak = random_uniform(random, 0, 1) < 0.5;
        double ratio = weak ? random_uniform(random, 2.2, 6) : random_uniform(random, 6, 15);
        /* 55.6 +- 19.2 s (Minetto et al. 2011) after the rise; rise of 41 +- 11 s (Chaney and Sherman)
         * when weak. */
        double rise_s = weak ? night_clamp(41 + 11 * random_normal(random), 20, 70)
                             : random_uniform(random, 3, 20);
        double hold_s = night_clamp(55.6 + 19.2 * random_normal(random), 25, 600);
        double fall_s = random_uniform(random, 2, 6), rest_s = random_uniform(random, 30, 90);
        double length_s = rise_s + hold_s + fall_s, start_s;
        unsigned calf = night->channels < 3 ? night->channels : 3;
        /* Mostly in the medial head (Ross and Thomas 1995). */
        unsigned muscle = random_uniform(random, 0, 1) < 0.7 ? MUSCLE_GM : random_below(random, calf);
        struct script_event *event;
        int r;

        /* Cramps were asked for by number; everything else comes as often as there is room. */
        if (!night_find_room(night, CRAMP_EARLIEST_S, INFINITY, length_s + rest_s, &start_s))
                return -ENOSPC;

        r = script_add(&night->script, EVENT_CRAMP, start_s, length_s, &event);
        if (r < 0)
                return r;
        event->muscles = 1U << muscle;
        event->ratio = ratio;
        event->rise_s = rise_s;
        event->fall_s = fall_s;
        event->roughness = night_roughness(night);

        if (random_uniform(random, 0, 1) < 0.6) {
                r = script_add(&night->script, EVENT_STRETCH, start_s + length_s - fall_s - 3, 5, NULL);
                if (r < 0)
                        return r;
        }

        r = script_add(&night->script, EVENT_RECOVERY, start_s + length_s - fall_s, rest_s, &event);
        if (r < 0)
                return r;
        event->muscles = 1U << muscle;
        event->ratio = fmin(2, ratio);
        return 0;
}

static int night_add_walk(struct night *night) {
        double length_s = random_uniform(&night->random, 15, 60), start_s;

        if (!night_find_room(night, 120, INFINITY, length_s, &start_s))
                return 0;
        return script_add(&night->script, EVENT_WALK, start_s, length_s, NULL);
}

/* A series of periodic leg movements: at least 4, 0.5-10 s each, 10-90 s apart (Ferri et al. 2016). */
int night_add_plm_series(struct night *night) {
        struct random *random = &night->random;
        unsigned count = 4 + random_below(random, 12);
        double spacing_s = random_uniform(random, 18, 40), start_s;
        struct script_event *event;
        int r;

        if (!night_find_room(night, 120, INFINITY, count * spacing_s, &start_s))
                return 0;
        for (unsigned i = 0; i < count; i++) {
                double jitter_s = random_uniform(random, -3, 3);

                r = script_add(&night->script, EVENT_PLM, start_s + 3 + i * spacing_s + jitter_s,
                               night_clamp(random_lognormal(random, 2.2, 1.2), 0.8, 9.5), &event);
                if (r < 0)
                        return r;
                event->level_uv = night_clamp(random_lognormal(random, 45, 25), 12, 200);
        }
        return 0;
}

/* Large movements: about 12.4 s (IQR 10.7-14.4 between sleepers), 3-45 s (Ferri et al., IRLSSG). */
static int night_add_movement(struct night *night) {
        struct random *random = &night->random;
        double length_s = night_clamp(random_lognormal(random, 12.4, 7), 3, 45), start_s;
        struct script_event *event;
        int r;

        if (!night_find_room(night, 60, INFINITY, length_s, &start_s))
                return 0;
        r = script_add(&night->script, EVENT_MOVEMENT, start_s, length_s, &event);
        if (r < 0)
                return r;
        event->level_uv = night_clamp(random_lognormal(random, 60, 40), 15, 250);
        return 0;
}

int night_add_fasciculations(struct night *night) {
        struct random *random = &night->random;
        double length_s = random_uniform(random, 20, 120), start_s;
        struct script_event *event;
        int r;

        if (!night_find_room(night, 30, INFINITY, length_s, &start_s))
                return 0;
        r = script_add(&night->script, EVENT_FASCICULATIONS, start_s, length_s, &event);
        if (r < 0)
                return r;
        event->muscles = 1U << random_below(random, night->channels);
        event->per_minute = random_uniform(random, 2, 30);
        return 0;
}

/* Steady holds of 8-40 s, and stretches in bed. */
static int night_add_hold(struct night *night) {
        struct random *random = &night->random;
        bool stretch = random_uniform(random, 0, 1) < 0.5;
        double length_s = stretch ? random_uniform(random, 2.5, 7) : random_uniform(random, 8, 40),
               start_s;
        struct script_event *event;
        int r;

        if (!night_find_room(night, 60, INFINITY, length_s, &start_s))
                return 0;
        r = script_add(&night->script, stretch ? EVENT_STRETCH : EVENT_HOLD, start_s, length_s, &event);
        if (r < 0)
                return r;
        event->level_uv = random_uniform(random, 12, 80);
        event->roughness = night_roughness(night);
        return 0;
}

int night_add_often(struct night *night, double per_hour, int (*add)(struct night *night)) {
        double hours = night->script.duration_s / 3600,
               at = random_exponential(&night->random, 1 / per_hour);

        while (at < hours) {
                int r = add(night);

                if (r < 0)
                        return r;
                at += random_exponential(&night->random, 1 / per_hour);
        }
        return 0;
}

void night_init(struct night *night, const struct script_layout *layout, enum random_purpose purpose) {
        *night = (struct night){
                .script = {.duration_s = ceil(layout->hours * 3600)},
                .channels = layout->channels,
        };
        random_init(&night->random, layout->seed, purpose, 0, 0);
}

int night_finish(struct night *night, int r, struct script *ret) {
        if (r < 0) {
                script_done(&night->script);
                return r;
        }
        *ret = night->script;
        return 0;
}

int script_night(const struct script_layout *layout, struct script *ret) {
        struct night night;
        unsigned walks;
        int r = 0;

        night_init(&night, layout, RANDOM_LAYOUT);
        /* Cramps and walks first, while there is room. */
        for (unsigned i = 0; i < layout->cramps && r == 0; i++)
                r = night_add_cramp(&night);
        walks = 1 + random_below(&night.random, 2);
        for (unsigned i = 0; i < walks && r == 0; i++)
                r = night_add_walk(&night);
        /* About 7 periodic movements an hour (36 % of healthy sleepers are above 5/h, Frauscher et al.
         * 2014). */
        if (r == 0)
                r = night_add_often(&night, 0.75, night_add_plm_series);
        /* 6.8 large movements an hour (IRLSSG normative study). */
        if (r == 0)
                r = night_add_often(&night, 6.8, night_add_movement);
        if (r == 0)
                r = night_add_often(&night, 2, night_add_fasciculations);
        return night_finish(&night, r, ret);
}

int script_movements(const struct script_layout *layout, struct script *ret) {
        struct night night;
        int r;

        night_init(&night, layout, RANDOM_LAYOUT);
        r = night_add_often(&night, 4, night_add_walk);
        if (r == 0)
                r = night_add_often(&night, 4, night_add_plm_series);
        if (r == 0)
                r = night_add_often(&night, 12, night_add_hold);
        if (r == 0)
                r = night_add_often(&night, 30, night_add_movement);
        if (r == 0)
                r = night_add_often(&night, 6, night_add_fasciculations);
        return night_finish(&night, r, ret);
}
