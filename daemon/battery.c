/* SPDX-License-Identifier: MIT */
/* How long a sensor's battery lasts: see battery.h. */
#include "daemon/battery.h"

#include <math.h>

#define US_PER_HOUR 3600e6
#define HOUR_US (INT64_C(3600) * 1000000)
#define DAY_US (24 * HOUR_US)

static double hours_between(uint64_t from_us, uint64_t to_us) {
        return (double)(to_us - from_us) / US_PER_HOUR;
}

/* --- the run --- */

void battery_init(struct battery *battery, double learned) {
        *battery = (struct battery){.learned = learned > 0 && learned <= BATTERY_RATE_MAX ? learned : 0,
                                    .away = true};
}

static const struct battery_low *last_low(const struct battery *battery) {
        return battery->n_lows > 0 ? &battery->lows[battery->n_lows - 1] : &battery->start;
}

/* The gauge's step: the least fall there was, 0 before the first. */
static unsigned step_percent(const struct battery *battery) {
        const struct battery_low *before = &battery->start;
        unsigned step = 0;

        for (size_t i = 0; i < battery->n_lows; before = &battery->lows[i++]) {
                unsigned fall = before->percent - battery->lows[i].percent;

                if (step == 0 || fall < step)
                        step = fall;
        }
        return step;
}

static void end_run(struct battery *battery) {
        battery->learned = battery_get_learned(battery);
        battery->started = false;
        battery->n_lows = 0;
}

/* Notes the time. Going back, or ahead without a stream, it ends the run. */
static void pass(struct battery *battery, uint64_t time_us) {
        if (time_us < battery->last_us ||
            (battery->away && time_us - battery->last_us > BATTERY_BREAK_US))
                end_run(battery);
        battery->last_us = time_us;
}

void battery_begin(struct battery *battery, uint64_t time_us) {
        pass(battery, time_us);
        battery->away = false;
}

void battery_end(struct battery *battery, uint64_t time_us) {
        pass(battery, time_us);
        battery->away = true;
}

static bool is_rise(const struct battery *battery, unsigned percent) {
        unsigned step = step_percent(battery);

        return percent >
               last_low(battery)->percent + (step > BATTERY_RISE_PERCENT ? step : BATTERY_RISE_PERCENT);
}

/* Lows that this rise undoes within moments never were. */
static void forget_dip(struct battery *battery, unsigned percent, uint64_t time_us) {
        while (battery->n_lows > 0 && is_rise(battery, percent) &&
               time_us - last_low(battery)->time_us < BATTERY_DIP_US)
                battery->n_lows--;
}

static bool is_jump(const struct battery *battery, unsigned percent) {
        return percent + BATTERY_JUMP_PERCENT < last_low(battery)->percent;
}

void battery_push(struct battery *battery, unsigned percent, uint64_t time_us) {
        if (percent > 100)
                return;
        pass(battery, time_us);
        battery->shown = percent;

        if (battery->started) {
                forget_dip(battery, percent, time_us);
                if (is_rise(battery, percent) || is_jump(battery, percent))
                        end_run(battery);
        }
        if (!battery->started) {
                battery->start = (struct battery_low){time_us, percent};
                battery->started = true;
        } else if (percent < last_low(battery)->percent)
                battery->lows[battery->n_lows++] = (struct battery_low){time_us, percent};
}

bool battery_has_reading(const struct battery *battery, uint64_t time_us) {
        return battery->started && time_us >= battery->last_us &&
               (!battery->away || time_us - battery->last_us <= BATTERY_BREAK_US);
}

/* --- the rate --- */

/* How far apart the lows are. */
static void get_span(const struct battery *battery, unsigned *ret_percent, uint64_t *ret_us) {
        const struct battery_low *first = &battery->lows[0], *last = last_low(battery);

        *ret_percent = battery->n_lows > 0 ? first->percent - last->percent : 0;
        *ret_us = battery->n_lows > 0 ? last->time_us - first->time_us : 0;
}

/* Percent an hour. Levels are exact and times are not, so the times are fitted to the levels. */
static double fit_lows(const struct battery *battery) {
        const struct battery_low *lows = battery->lows;
        double mean_h = 0, mean_percent = 0, products = 0, squares = 0;
        size_t n = battery->n_lows;

        for (size_t i = 0; i < n; i++) {
                mean_h += hours_between(lows[0].time_us, lows[i].time_us) / (double)n;
                mean_percent += (double)lows[i].percent / (double)n;
        }
        for (size_t i = 0; i < n; i++) {
                double percent = mean_percent - (double)lows[i].percent;

                products += percent * (hours_between(lows[0].time_us, lows[i].time_us) - mean_h);
                squares += percent * percent;
        }
        return squares / products; /* times grow as levels fall: never 0 */
}

/* The rate of this run alone, 0 = not yet known. */
static double run_rate(const struct battery *battery, uint64_t time_us) {
        unsigned percent;
        uint64_t span_us;
        double rate, most;

        get_span(battery, &percent, &span_us);
        if (percent < BATTERY_FIT_PERCENT || span_us < BATTERY_FIT_US)
                return 0;
        rate = fit_lows(battery);
        /* It has not fallen by one more step since. */
        most = (percent + step_percent(battery)) / hours_between(battery->lows[0].time_us, time_us);
        return fmin(fmin(rate, most), BATTERY_RATE_MAX);
}

double battery_get_learned(const struct battery *battery) {
        unsigned percent;
        uint64_t span_us;
        double rate;

        get_span(battery, &percent, &span_us);
        if (percent < BATTERY_LEARN_PERCENT || span_us < BATTERY_LEARN_US)
                return battery->learned;
        rate = run_rate(battery, last_low(battery)->time_us);
        return battery->learned > 0 ? (battery->learned + rate) / 2 : rate;
}

/* --- the forecast --- */

/* Where the battery stands within the step that the gauge shows. At a new low it is at the step's upper
 * edge; gauges round up, down or to the nearest, so the shown value is taken for the middle. */
static double level_now(const struct battery *battery, double rate, uint64_t time_us) {
        const struct battery_low *low = last_low(battery);
        double half = step_percent(battery) / 2.0, fallen;

        if (battery->n_lows == 0)
                return low->percent;
        fallen = rate * hours_between(low->time_us, time_us);
        return low->percent + half - fmin(fallen, 2 * half);
}

static int64_t time_of_day_us(int64_t local_us) {
        int64_t us = local_us % DAY_US;

        return us < 0 ? us + DAY_US : us;
}

static double hours_to_morning(int64_t local_us) {
        int64_t left_us = BATTERY_MORNING_HOUR * HOUR_US - time_of_day_us(local_us);

        return (double)(left_us > 0 ? left_us : left_us + DAY_US) / (double)HOUR_US;
}

void battery_forecast(const struct battery *battery, uint64_t time_us, int64_t local_us,
                      struct battery_forecast *ret) {
        double rate;

        *ret = (struct battery_forecast){.percent = -1, .hours = (double)NAN, .lasts_night = -1};
        if (!battery_has_reading(battery, time_us))
                return;
        ret->percent = (int)battery->shown;
        rate = run_rate(battery, time_us);
        if (rate <= 0)
                rate = battery->learned;
        if (rate <= 0)
                return;
        ret->hours = fmax(level_now(battery, rate, time_us) - BATTERY_EMPTY_PERCENT, 0) / rate;
        ret->lasts_night = ret->hours >= hours_to_morning(local_us);
}

bool battery_is_warning(const struct battery_forecast *forecast, int64_t local_us) {
        int64_t hour = time_of_day_us(local_us) / HOUR_US;

        if (hour < BATTERY_WARN_FROM_HOUR || hour >= BATTERY_WARN_UNTIL_HOUR || forecast->percent < 0)
                return false;
        if (forecast->lasts_night >= 0)
                return forecast->lasts_night == 0;
        return forecast->percent <= BATTERY_LOW_PERCENT;
}
