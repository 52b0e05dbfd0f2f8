/* SPDX-License-Identifier: MIT */
/*
 * Nights as a corpus wants them: sensor, sleeper, cramps, everything else and what goes wrong are drawn
 * anew for every seed (see README.md). Needs night.h; its entries are in script.h and corpus.h.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/corpus.h"
#include "tests/corpus/model.h"
#include "tests/corpus/night.h"

#define CALF_MUSCLES (1U << MUSCLE_GM | 1U << MUSCLE_GL | 1U << MUSCLE_SO)
/* Before a sleeper lies still. */
#define SETTLE_S 120.0
/* Faults keep so far away from cramps that they would hide. */
#define FAULT_GUARD_S 60.0

struct home {
        struct night night; /* first: night.h's functions hand it on */
        double rest_uv;
        bool weak_next;
        double last_cramp_end_s; /* < 0: none yet */
        double movement_mean_s;  /* this sleeper's */
};

static struct home *home_of(struct night *night) {
        return (struct home *)night;
}

static bool chance(struct random *random, double share) {
        return random_uniform(random, 0, 1) < share;
}

/* Between two positive limits, every factor as likely. */
static double log_uniform(struct random *random, double low, double high) {
        return low * exp(random_uniform(random, 0, 1) * log(high / low));
}

/* A lognormal by its median and the SD of its logarithm. */
static double around(struct random *random, double median, double sigma) {
        return median * exp(sigma * random_normal(random));
}

/* One distribution for all that is steady, so that smoothness tells nothing. */
static void draw_roughness(struct random *random, struct script_event *event) {
        event->roughness = random_uniform(random, MODEL_HOME_ROUGHNESS_MIN, MODEL_HOME_ROUGHNESS_MAX);
        event->banded = true;
}

static int home_add(struct home *home, enum event_kind kind, double start_s, double duration_s,
                    unsigned muscles, struct script_event **ret) {
        struct script_event *event;
        int r = script_add(&home->night.script, kind, start_s, duration_s, &event);

        if (r < 0)
                return r;
        if (muscles != 0)
                event->muscles = muscles;
        if (ret)
                *ret = event;
        return 0;
}

/* Turning over; some are pushes rather than bursts. */
static int home_add_movement_at(struct home *home, double start_s, double length_s) {
        struct random *random = &home->night.random;
        struct script_event *event;
        int r = home_add(home, EVENT_MOVEMENT, start_s, length_s, 0, &event);

        if (r < 0)
                return r;
        event->level_uv = night_clamp(random_lognormal(random, 60, 40), 15, 250);
        if (chance(random, MODEL_HOME_TONIC_SHARE)) {
                event->tonic = random_uniform(random, MODEL_HOME_TONIC_MIN, MODEL_HOME_TONIC_MAX);
                draw_roughness(random, event);
        }
        return 0;
}

static int home_add_stand_at(struct home *home, double start_s, double length_s) {
        struct random *random = &home->night.random;
        struct script_event *event;
        int r = home_add(home, EVENT_STAND, start_s, length_s, 0, &event);

        if (r < 0)
                return r;
        event->level_uv = log_uniform(random, 8, 45);
        event->rise_s = log_uniform(random, 0.3, fmin(5, length_s / 3));
        draw_roughness(random, event);
        return 0;
}

/* Off the bed, some steps, and something to hold on to. Returns where it ends in `*at_s`. */
static int home_add_steps_at(struct home *home, double *at_s) {
        struct random *random = &home->night.random;
        double stand_s = random_uniform(random, 3, 15), walk_s = random_uniform(random, 15, 60);
        struct script_event *event = NULL;
        int r = home_add_stand_at(home, *at_s, stand_s);

        if (r == 0)
                r = home_add(home, EVENT_WALK, *at_s + stand_s, walk_s, 0, &event);
        if (r < 0)
                return r;
        event->level_uv = log_uniform(random, 40, 130);
        *at_s += stand_s + walk_s;
        return 0;
}

struct cramp_plan {
        bool weak, moved, stretched, walked;
        unsigned muscle;
        double ratio, rise_s, fall_s, length_s, recovery_s;
        double room_s; /* for all that belongs to it */
};

static void home_plan_cramp(struct home *home, struct cramp_plan *plan) {
        struct random *random = &home->night.random;
        unsigned calf = home->night.channels < 3 ? home->night.channels : 3;

        plan->weak = home->weak_next;
        home->weak_next = !home->weak_next;
        plan->ratio = plan->weak ? random_uniform(random, 2.2, 6) : log_uniform(random, 6, 15);
        plan->rise_s = plan->weak ? night_clamp(41 + 11 * random_normal(random), 20, 70)
                                  : log_uniform(random, 1, 40);
        plan->fall_s = log_uniform(random, 1.5, 20);
        plan->length_s =
                plan->rise_s + plan->fall_s + around(random, MODEL_HOME_CRAMP_S, MODEL_HOME_CRAMP_SIGMA);
        plan->length_s = night_clamp(plan->length_s, 25, 600);
        /* The shortest have no time for slow rises. */
        if (plan->rise_s + plan->fall_s > 0.8 * plan->length_s) {
                double shrink = 0.8 * plan->length_s / (plan->rise_s + plan->fall_s);

                plan->rise_s *= shrink;
                plan->fall_s *= shrink;
        }
        plan->moved = chance(random, 0.35);
        plan->stretched = chance(random, 0.6);
        plan->walked = chance(random, 0.3);
        plan->recovery_s = random_uniform(random, 30, 90);
        plan->room_s = plan->length_s + fmax(plan->recovery_s, plan->walked ? 100 : 0);
        /* Mostly in the medial head (Ross and Thomas 1995). */
        plan->muscle = chance(random, 0.7) ? MUSCLE_GM : random_below(random, calf);
}

/* What the sleeper does about it. */
static int home_add_relief(struct home *home, const struct cramp_plan *plan, double start_s) {
        struct random *random = &home->night.random;
        double end_s = start_s + plan->length_s, at_s = end_s + random_uniform(random, 3, 15);
        struct script_event *event;
        int r = 0;

        if (plan->moved) {
                double length_s = random_uniform(random, 3, 10);

                r = home_add_movement_at(home, random_uniform(random, start_s + 5, end_s - length_s - 5),
                                         length_s);
        }
        if (r == 0 && plan->stretched) {
                double length_s = random_uniform(random, 3, 7);

                r = home_add(home, EVENT_STRETCH, end_s - plan->fall_s / 2 - length_s / 2, length_s, 0,
                             &event);
                if (r == 0)
                        event->level_uv = log_uniform(random, 20, 120);
        }
        if (r == 0 && plan->walked)
                r = home_add_steps_at(home, &at_s);
        return r;
}

/* Half of the cramps are weak. One makes another likelier for an hour (Miller and Knight's threshold
 * falls for at least 60 min); how often it comes is a choice. */
static int home_add_cramp(struct home *home) {
        struct random *random = &home->night.random;
        struct cramp_plan plan = {0};
        struct script_event *event;
        double start_s;
        bool found = false;
        int r;

        home_plan_cramp(home, &plan);
        if (home->last_cramp_end_s >= 0 && chance(random, 0.3))
                found = night_find_room(&home->night, home->last_cramp_end_s + 120,
                                        home->last_cramp_end_s + 3600 + plan.room_s, plan.room_s,
                                        &start_s);
        if (!found && !night_find_room(&home->night, SETTLE_S, INFINITY, plan.room_s, &start_s))
                return -ENOSPC;
        home->last_cramp_end_s = start_s + plan.length_s;

        r = home_add(home, EVENT_CRAMP, start_s, plan.length_s, 1U << plan.muscle, &event);
        if (r < 0)
                return r;
        event->ratio = plan.ratio;
        event->rise_s = plan.rise_s;
        event->fall_s = plan.fall_s;
        event->within_reach = true;
        draw_roughness(random, event);

        r = home_add(home, EVENT_RECOVERY, start_s + plan.length_s - plan.fall_s / 2, plan.recovery_s,
                     1U << plan.muscle, &event);
        if (r < 0)
                return r;
        event->ratio = fmin(2, plan.ratio);
        return home_add_relief(home, &plan, start_s);
}

/* To the bathroom and back. */
static int home_add_bathroom(struct home *home) {
        struct random *random = &home->night.random;
        double up_s = random_uniform(random, 4, 10), there_s = random_uniform(random, 20, 120), at_s;
        int r;

        if (!night_find_room(&home->night, SETTLE_S, INFINITY, 330, &at_s))
                return 0;
        r = home_add_movement_at(home, at_s, up_s);
        at_s += up_s + 2;
        if (r == 0)
                r = home_add_steps_at(home, &at_s);
        if (r == 0 && chance(random, 0.5))
                r = home_add_stand_at(home, at_s, there_s);
        at_s += there_s;
        if (r == 0)
                r = home_add_steps_at(home, &at_s);
        return r == 0 ? home_add_movement_at(home, at_s + 2, random_uniform(random, 4, 12)) : r;
}

/* Some leave the electrode where it hums more, or less. */
static int home_add_movement(struct night *night) {
        struct home *home = home_of(night);
        struct random *random = &night->random;
        double length_s = night_clamp(random_lognormal(random, home->movement_mean_s, 7), 3, 45),
               start_s;

        if (!night_find_room(night, 60, INFINITY, length_s, &start_s))
                return 0;
        return home_add_movement_at(home, start_s, length_s);
}

/* A contraction at will, of the calf or more, with every onset and level that a cramp has too. */
static int home_add_hold(struct night *night) {
        static const unsigned choices[] = {CALF_MUSCLES, CALF_MUSCLES | 1U << MUSCLE_TA,
                                           1U << MUSCLE_GM | 1U << MUSCLE_GL,
                                           CALF_MUSCLES | 1U << MUSCLE_PL};
        struct random *random = &night->random;
        double length_s = random_uniform(random, 8, 40), start_s;
        struct script_event *event;
        int r;

        if (!night_find_room(night, 60, INFINITY, length_s, &start_s))
                return 0;
        r = home_add(home_of(night), EVENT_HOLD, start_s, length_s,
                     choices[random_below(random, ARRAY_LENGTH(choices))], &event);
        if (r < 0)
                return r;
        event->ratio = log_uniform(random, 2, 15);
        event->rise_s = log_uniform(random, 0.5, 0.6 * length_s);
        event->fall_s = log_uniform(random, 0.3, 0.3 * length_s);
        draw_roughness(random, event);
        return 0;
}

static int home_add_stretch(struct night *night) {
        struct random *random = &night->random;
        double length_s = random_uniform(random, 2.5, 7), start_s;
        struct script_event *event;
        int r;

        if (!night_find_room(night, 60, INFINITY, length_s, &start_s))
                return 0;
        r = home_add(home_of(night), EVENT_STRETCH, start_s, length_s, 0, &event);
        if (r < 0)
                return r;
        event->level_uv = log_uniform(random, 12, 120);
        draw_roughness(random, event);
        return 0;
}

/* --- What goes wrong --- */

/* Whether a cramp on one of the muscles is near. */
static bool home_has_cramp(const struct home *home, double start_s, double end_s, unsigned muscles) {
        const struct script *script = &home->night.script;

        for (size_t i = 0; i < script->n_events; i++) {
                const struct script_event *event = &script->events[i];

                if (event->kind == EVENT_CRAMP && (event->muscles & muscles) &&
                    event->start_s < end_s + FAULT_GUARD_S &&
                    event->start_s + event->duration_s > start_s - FAULT_GUARD_S)
                        return true;
        }
        return false;
}

/* At any time that hides no cramp; left out where there is none. */
static int home_add_fault(struct home *home, enum event_kind kind, double length_s, unsigned muscles,
                          struct script_event **ret) {
        struct random *random = &home->night.random;
        double latest_s = home->night.script.duration_s - length_s - 1;

        *ret = NULL;
        for (unsigned i = 0; i < 50 && latest_s > 30; i++) {
                double start_s = random_uniform(random, 30, latest_s);

                if (!home_has_cramp(home, start_s, start_s + length_s, muscles))
                        return home_add(home, kind, start_s, length_s, muscles, ret);
        }
        return 0;
}

static unsigned any_channel(struct home *home) {
        return 1U << random_below(&home->night.random, home->night.channels);
}

/* An electrode comes off, or its amplifier goes to the rail, for a minute up to half an hour. */
static int home_add_contact_fault(struct night *night) {
        static const enum event_kind kinds[] = {EVENT_LIFT, EVENT_HUM, EVENT_RAIL};
        struct home *home = home_of(night);
        struct random *random = &night->random;
        enum event_kind kind = kinds[random_below(random, ARRAY_LENGTH(kinds))];
        double length_s = log_uniform(random, 60, 1800);
        struct script_event *event;
        int r = home_add_fault(home, kind, length_s, any_channel(home), &event);

        if (r == 0 && event && kind == EVENT_HUM)
                event->level_uv = log_uniform(random, 60, 1500);
        if (r == 0 && event && kind == EVENT_LIFT)
                event->level_uv = random_uniform(random, 1.3, 1.6);
        return r;
}

static int home_add_rub(struct night *night) {
        struct home *home = home_of(night);
        struct random *random = &night->random;
        unsigned muscles = chance(random, 0.5) ? any_channel(home) : 0xff;
        struct script_event *event;
        int r = home_add_fault(home, EVENT_RUB, log_uniform(random, 1, 20), muscles, &event);

        if (r == 0 && event)
                event->level_uv = log_uniform(random, 30, 500);
        return r;
}

static int home_add_tone(struct home *home) {
        struct random *random = &home->night.random;
        struct script_event *event;
        int r = home_add_fault(home, EVENT_TONE, log_uniform(random, 60, 3600), 0xff, &event);

        if (r < 0 || !event)
                return r;
        event->ratio = log_uniform(random, 0.5, 4);
        event->hz = random_uniform(random, 22, 180);
        return 0;
}

/* Rest of 1 to 20 uV is left, whatever the factor. */
static double floor_factor(struct home *home, double low, double high) {
        double factor = log_uniform(&home->night.random, low, high);

        return night_clamp(factor, fmin(1, 1 / home->rest_uv), fmax(1, 20 / home->rest_uv));
}

/* Sweat comes and dries over a quarter of an hour and more. */
static int home_add_sweat(struct home *home) {
        struct random *random = &home->night.random;
        double duration_s = home->night.script.duration_s;
        double rise_s = random_uniform(random, 600, 2400), fall_s = random_uniform(random, 600, 2400);
        double length_s = rise_s + fall_s + random_uniform(random, 600, 7200);
        struct script_event *event;
        int r;

        if (length_s > 0.9 * duration_s)
                return 0;
        r = home_add(home, EVENT_FLOOR, random_uniform(random, 0, duration_s - length_s), length_s,
                     chance(random, 0.5) ? any_channel(home) : 0xff, &event);
        if (r < 0)
                return r;
        event->ratio = floor_factor(home, 0.5, 2);
        event->rise_s = rise_s;
        event->fall_s = fall_s;
        return 0;
}

/* After some movements an electrode sits otherwise, until it has settled again. */
static int home_add_floor_steps(struct home *home) {
        struct random *random = &home->night.random;
        size_t n = home->night.script.n_events;

        for (size_t i = 0; i < n; i++) {
                const struct script_event *movement = &home->night.script.events[i];
                double start_s = movement->start_s + movement->duration_s / 2, fall_s, length_s;
                struct script_event *event;
                int r;

                if (movement->kind != EVENT_MOVEMENT || !chance(random, MODEL_HOME_STEP_SHARE))
                        continue;
                fall_s = random_uniform(random, 30, 300);
                length_s = fmin(fall_s + random_uniform(random, 120, 2400),
                                home->night.script.duration_s - start_s);
                if (length_s < fall_s + 10)
                        continue;
                r = home_add(home, EVENT_FLOOR, start_s, length_s, any_channel(home), &event);
                if (r < 0)
                        return r;
                event->ratio = floor_factor(home, 0.6, 1.8);
                event->rise_s = 0.3;
                event->fall_s = fall_s;
        }
        return 0;
}

/* A bad place for the radio. */
static int home_add_loss(struct night *night) {
        struct random *random = &night->random;
        double length_s = log_uniform(random, 10, 600), latest_s = night->script.duration_s - length_s;
        struct script_event *event;
        int r;

        if (latest_s <= 0)
                return 0;
        r = home_add(home_of(night), EVENT_LOSS, random_uniform(random, 0, latest_s), length_s, 0,
                     &event);
        if (r < 0)
                return r;
        event->per_minute = log_uniform(random, 1, 30);
        return 0;
}

static int home_add_gap(struct night *night) {
        struct random *random = &night->random;
        struct script_event *event;

        return home_add_fault(home_of(night), EVENT_GAP, log_uniform(random, 0.5, 300), 0xff, &event);
}

/* --- The night --- */

static int home_add_faults(struct home *home) {
        struct night *night = &home->night;
        struct random *random = &night->random;
        unsigned sweats = random_below(random, 3),
                 tones = chance(random, 0.3) ? 1 + random_below(random, 3) : 0;
        int r = home_add_floor_steps(home);

        for (unsigned i = 0; i < sweats && r == 0; i++)
                r = home_add_sweat(home);
        for (unsigned i = 0; i < tones && r == 0; i++)
                r = home_add_tone(home);
        /* Per hour: choices. */
        if (r == 0)
                r = night_add_often(night, 0.1, home_add_contact_fault);
        if (r == 0)
                r = night_add_often(night, 0.5, home_add_rub);
        if (r == 0)
                r = night_add_often(night, 0.5, home_add_loss);
        if (r == 0)
                r = night_add_often(night, 0.1, home_add_gap);
        return r;
}

int script_home(const struct script_layout *layout, struct script *ret) {
        struct home home = {.rest_uv = layout->rest_uv > 0 ? layout->rest_uv : 5,
                            .last_cramp_end_s = -1};
        struct night *night = &home.night;
        struct random *random = &night->random;
        double movements, jerks;
        unsigned trips;
        int r = 0;

        night_init(night, layout, RANDOM_HOME);
        home.weak_next = chance(random, 0.5);
        /* Large movements: 6.8 an hour (IQR 4.5-10.8), 12.4 s (IQR 10.7-14.4) between sleepers (IRLSSG
         * normative study). */
        movements = night_clamp(around(random, 6.8, 0.65), 1, 25);
        home.movement_mean_s = around(random, 12.4, 0.22);
        /* Periodic ones: 36 % have more than 5 an hour, 18 % more than 15, 10 % more than 24.8
         * (Frauscher et al. 2014); a series has about 9.5. */
        jerks = fmin(around(random, 2.69, 1.73), 60) / 9.5;
        trips = 1 + random_below(random, 2);

        /* Cramps and trips first, while there is room. */
        for (unsigned i = 0; i < layout->cramps && r == 0; i++)
                r = home_add_cramp(&home);
        for (unsigned i = 0; i < trips && r == 0; i++)
                r = home_add_bathroom(&home);
        if (r == 0)
                r = night_add_often(night, jerks, night_add_plm_series);
        if (r == 0)
                r = night_add_often(night, MODEL_HOME_HOLDS_PER_HOUR, home_add_hold);
        if (r == 0)
                r = night_add_often(night, 0.4, home_add_stretch);
        if (r == 0)
                r = night_add_often(night, movements, home_add_movement);
        if (r == 0)
                r = night_add_often(night, 2, night_add_fasciculations);
        if (r == 0)
                r = home_add_faults(&home);
        return night_finish(night, r, ret);
}

void corpus_setup_home(uint64_t seed, struct corpus_setup *ret) {
        static const unsigned rates_hz[] = {200, 250, 500, 512, 1000, 1000, 1000, 1150, 2000};
        static const unsigned bits[] = {8, 10, 12, 16, 16, 24};
        struct random random;

        random_init(&random, seed, RANDOM_HOME, 1, 0);
        *ret = corpus_setup_usual();
        ret->seed = seed;
        ret->rate_hz = rates_hz[random_below(&random, ARRAY_LENGTH(rates_hz))];
        ret->bits = bits[random_below(&random, ARRAY_LENGTH(bits))];
        /* Half of the nights have one channel, by the seed, so that it is half of any hundred. */
        ret->channels = 2 + (chance(&random, 0.5) ? 0 : 1 + random_below(&random, 2));
        if (seed % 2 == 1)
                ret->channels = 1;
        /* A calf under a 10-bit sensor had 10 uV; coarse sensors see nothing of less than a count. */
        ret->rest_uv = log_uniform(&random, ret->bits <= 10 ? 5 : 1.5, 15);
        ret->rest_spread = random_uniform(&random, 0, 0.3);
        ret->noise_rise = log_uniform(&random, 0.3, 6);
        ret->noise_corner_hz = log_uniform(&random, 30, 120);
        if (chance(&random, 0.7)) {
                ret->mains_hz = chance(&random, 0.7) ? 50 : 60;
                ret->mains_uv = log_uniform(&random, 0.5, 20);
        }
        if (chance(&random, 0.4))
                ret->ecg_uv = log_uniform(&random, 1, 10);
        ret->clock_ppm = night_clamp(30 * random_normal(&random), -100, 100);
}
