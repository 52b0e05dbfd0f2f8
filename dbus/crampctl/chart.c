/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define DAYS_A_WEEK 7
/* A year, and a calendar's width. */
#define BAND_WEEKS 53u
#define POINTS_MAX 53u
#define LABEL_SIZE 9.0
/* What a character of a label takes at most, on average: no canvas tells how wide a text is. */
#define LABEL_ADVANCE (0.6 * LABEL_SIZE)
#define LABEL_GAP 8.0
#define LEFT 30.0
#define CELL_MAX 18.0
#define MONTHS_HEIGHT 12.0
#define BAND_GAP 8.0
#define LEGEND_HEIGHT 34.0
/* Digits fit into cells of this size. */
#define CELL_DIGITS 10.0
#define NUMBER_SIZE 32

const char *const chart_length_names[TALLY_LENGTHS] = {
        N_("under 30 s"), N_("under 1 min"), N_("under 2 min"), N_("under 5 min"), N_("longer")};

static const char *const months[] = {N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
                                     N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec")};

static struct tm date_of(int day) {
        time_t s = (time_t)day * 86400;
        struct tm date = {};

        (void)gmtime_r(&s, &date);
        return date;
}

static int monday_of(const struct tally *tally) {
        return tally->first_day - (int)tally_weekday(tally->first_day);
}

static unsigned weeks_of(const struct tally *tally) {
        int days = tally->first_day + (int)tally->n_days - monday_of(tally);

        return (unsigned)((days + DAYS_A_WEEK - 1) / DAYS_A_WEEK);
}

/* --- nights --- */

/* A calendar in bands of weeks: all of one size of cell. */
struct bands {
        unsigned weeks, n, weeks_each;
        double cell;
};

static struct bands bands_of(const struct tally *tally) {
        struct bands bands = {.weeks = weeks_of(tally)};

        bands.weeks_each = bands.weeks < BAND_WEEKS ? bands.weeks : BAND_WEEKS;
        bands.n = (bands.weeks + bands.weeks_each - 1) / bands.weeks_each;
        bands.cell = fmin(CELL_MAX, floor((CHART_WIDTH - LEFT) / bands.weeks_each * 10) / 10);
        return bands;
}

static double band_height(const struct bands *bands) {
        return MONTHS_HEIGHT + DAYS_A_WEEK * bands->cell + BAND_GAP;
}

double chart_nights_height(const struct tally *tally) {
        struct bands bands = bands_of(tally);

        return bands.n * band_height(&bands) + LEGEND_HEIGHT;
}

static enum ink level_of(unsigned cramps) {
        return cramps < 4 ? INK_LEVEL_0 + cramps : INK_LEVEL_4;
}

/* A night with gaps, or watched for too short, has a corner cut off; one with a missed cramp has a dot.
 */
static void night_draw(struct canvas *canvas, double x, double y, double size,
                       const struct tally_day *day) {
        bool watched = day->monitored_us > 0;
        char number[NUMBER_SIZE];

        if (!watched && day->cramps == 0) {
                canvas->rect(canvas, x, y, size, size, INK_NONE, INK_GRID);
                return;
        }
        canvas->rect(canvas, x, y, size, size, level_of(day->cramps), watched ? INK_SOFT : INK_GRID);
        if (watched && (day->gap_us >= TALLY_GAPS_US || day->monitored_us < TALLY_SHORT_US))
                canvas->line(canvas, x, y + size / 2, x + size / 2, y + size, 1.2, INK_MARK);
        if (day->missed > 0)
                canvas->disc(canvas, x + size - size / 6, y + size / 6, size / 6, INK_MARK);
        if (size < CELL_DIGITS || day->cramps == 0)
                return;
        (void)snprintf(number, sizeof(number), "%u", day->cramps);
        canvas->text(canvas, x + size / 2, y + size / 2 + 3, 8, ANCHOR_MIDDLE,
                     day->cramps >= 3 ? INK_ON_DARK : INK_ON_LIGHT, number);
}

/* Months above their first weeks, where there is room. */
static void months_draw(struct canvas *canvas, const struct bands *bands, int monday, unsigned weeks,
                        double y) {
        double used = -1;

        for (unsigned week = 0; week < weeks; week++) {
                /* The month of the week's Thursday, as in ISO 8601. */
                int month = date_of(monday + (int)week * DAYS_A_WEEK + 3).tm_mon;
                double x = LEFT + week * bands->cell;
                unsigned rest = 0;

                while (week + rest < weeks &&
                       date_of(monday + (int)(week + rest) * DAYS_A_WEEK + 3).tm_mon == month)
                        rest++;
                if (x >= used && rest * bands->cell >= 20) {
                        canvas->text(canvas, x, y, LABEL_SIZE, ANCHOR_START, INK_SOFT, _(months[month]));
                        used = x + 24;
                }
                week += rest - 1;
        }
}

static void band_draw(const struct tally *tally, struct canvas *canvas, const struct bands *bands,
                      unsigned band, double top) {
        static const char *const weekdays[DAYS_A_WEEK] = {N_("Mon"), NULL, N_("Wed"), NULL,
                                                          N_("Fri"), NULL, N_("Sun")};
        int monday = monday_of(tally) + (int)(band * bands->weeks_each) * DAYS_A_WEEK;
        unsigned left = bands->weeks - band * bands->weeks_each;
        unsigned weeks = left < bands->weeks_each ? left : bands->weeks_each;
        double grid = top + MONTHS_HEIGHT, size = bands->cell * 0.88;
        char year[NUMBER_SIZE];

        (void)snprintf(year, sizeof(year), "%d", date_of(monday + 3).tm_year + 1900);
        canvas->text(canvas, 0, top + LABEL_SIZE, LABEL_SIZE, ANCHOR_START, INK_SOFT, year);
        for (int weekday = 0; weekday < DAYS_A_WEEK; weekday++)
                if (weekdays[weekday])
                        canvas->text(canvas, 0, grid + (weekday + 0.5) * bands->cell + 3, LABEL_SIZE,
                                     ANCHOR_START, INK_SOFT, _(weekdays[weekday]));
        months_draw(canvas, bands, monday, weeks, top + LABEL_SIZE);
        for (unsigned week = 0; week < weeks; week++) {
                double x = LEFT + week * bands->cell;

                for (int weekday = 0; weekday < DAYS_A_WEEK; weekday++) {
                        int64_t index =
                                (int64_t)monday + (int)week * DAYS_A_WEEK + weekday - tally->first_day;

                        if (index >= 0 && index < (int64_t)tally->n_days)
                                night_draw(canvas, x, grid + weekday * bands->cell, size,
                                           tally->days + index);
                }
        }
}

static void nights_legend_draw(struct canvas *canvas, double y) {
        static const char *const words[] = {"0", "1", "2", "3", N_("4 and more cramps")};
        static const struct tally_day days[] = {
                {},
                {.monitored_us = 2 * TALLY_SHORT_US, .gap_us = TALLY_GAPS_US},
                {.monitored_us = 2 * TALLY_SHORT_US, .cramps = 1, .missed = 1},
        };
        static const char *const names[] = {N_("not watched"), N_("gaps, or under 4 h"),
                                            N_("one missed")};
        const double size = 9;
        double x = 0;

        for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++, x += 34) {
                canvas->rect(canvas, x, y, size, size, INK_LEVEL_0 + i, INK_SOFT);
                canvas->text(canvas, x + size + 4, y + size - 1, LABEL_SIZE, ANCHOR_START, INK_SOFT,
                             _(words[i]));
        }
        x = 0;
        for (unsigned i = 0; i < sizeof(days) / sizeof(*days); i++) {
                night_draw(canvas, x, y + 15, size, days + i);
                canvas->text(canvas, x + size + 4, y + 15 + size - 1, LABEL_SIZE, ANCHOR_START, INK_SOFT,
                             _(names[i]));
                x += size + 4 + (double)text_width(_(names[i])) * LABEL_ADVANCE + LABEL_GAP;
        }
}

void chart_nights(const struct tally *tally, struct canvas *canvas) {
        struct bands bands = bands_of(tally);

        for (unsigned band = 0; band < bands.n; band++)
                band_draw(tally, canvas, &bands, band, band * band_height(&bands));
        nights_legend_draw(canvas, bands.n * band_height(&bands) + 4);
}

/* --- rates --- */

unsigned chart_rate_weeks(const struct tally *tally) {
        return (weeks_of(tally) + POINTS_MAX - 1) / POINTS_MAX;
}

/* The next round number. */
static double round_up(double value) {
        static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
        double unit = pow(10, floor(log10(value)));

        for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
                if (value <= steps[i] * unit)
                        return steps[i] * unit;
        return 10 * unit;
}

struct points {
        struct rate rates[POINTS_MAX];
        bool known[POINTS_MAX];
        unsigned n, weeks;
        double top;
};

static void points_make(const struct tally *tally, struct points *ret) {
        double highest = 0;

        *ret = (struct points){.weeks = chart_rate_weeks(tally)};
        ret->n = (weeks_of(tally) + ret->weeks - 1) / ret->weeks;
        for (unsigned i = 0; i < ret->n; i++) {
                int first = monday_of(tally) + (int)(i * ret->weeks) * DAYS_A_WEEK - tally->first_day;
                int end = first + (int)ret->weeks * DAYS_A_WEEK;
                struct tally_span span;

                first = first < 0 ? 0 : first;
                span = tally_sum(tally, (size_t)first, (size_t)(end - first));
                ret->known[i] = tally_rate(&span, ret->rates + i) >= 0;
                if (ret->known[i] && ret->rates[i].rate > highest)
                        highest = ret->rates[i].rate;
        }
        ret->top = highest > 0 ? round_up(highest * 5 / 3) : 1;
}

/* A label for a day below an axis. */
static void day_label(struct canvas *canvas, double x, double y, enum anchor anchor, int day) {
        struct tm date = date_of(day);
        char text[NUMBER_SIZE];

        (void)snprintf(text, sizeof(text), "%d %s %d", date.tm_mday, _(months[date.tm_mon]),
                       date.tm_year + 1900);
        canvas->text(canvas, x, y, LABEL_SIZE, anchor, INK_SOFT, text);
}

void chart_rates(const struct tally *tally, struct canvas *canvas) {
        const double bottom = CHART_RATES_HEIGHT - 16, height = bottom - 8, width = CHART_WIDTH - LEFT;
        struct points points;
        double step;

        points_make(tally, &points);
        for (unsigned i = 0; i <= 2; i++) {
                double y = bottom - height * i / 2;
                char label[TEXT_NUMBER_SIZE];

                words_number(points.top * i / 2, 2, label);
                canvas->line(canvas, LEFT, y, CHART_WIDTH, y, 0.5, INK_GRID);
                canvas->text(canvas, LEFT - 4, y + 3, LABEL_SIZE, ANCHOR_END, INK_SOFT, label);
        }
        step = width / points.n;
        for (unsigned i = 0; i < points.n; i++) {
                const struct rate *rate = points.rates + i;
                double x = LEFT + (i + 0.5) * step;
                double high = fmin(rate->high, points.top) / points.top * height;

                if (!points.known[i])
                        continue;
                canvas->line(canvas, x, bottom - rate->low / points.top * height, x, bottom - high, 1.2,
                             INK_BAR);
                /* An end that is cut off is open, others have a foot. */
                if (rate->high <= points.top)
                        canvas->line(canvas, x - 2, bottom - high, x + 2, bottom - high, 1.2, INK_BAR);
                canvas->disc(canvas, x, bottom - rate->rate / points.top * height, 2.4, INK_MARK);
        }
        day_label(canvas, LEFT, CHART_RATES_HEIGHT - 3, ANCHOR_START, tally->first_day);
        day_label(canvas, CHART_WIDTH, CHART_RATES_HEIGHT - 3, ANCHOR_END,
                  tally->first_day + (int)tally->n_days - 1);
}

/* --- hours and lengths --- */

static unsigned highest_of(const unsigned *counts, size_t n) {
        unsigned highest = 1;

        for (size_t i = 0; i < n; i++)
                highest = counts[i] > highest ? counts[i] : highest;
        return highest;
}

void chart_hours(const struct tally *tally, struct canvas *canvas) {
        const double bottom = CHART_HOURS_HEIGHT - 16, height = bottom - 14;
        const double step = (CHART_WIDTH - LEFT) / TALLY_HOURS;
        unsigned highest = highest_of(tally->hours, TALLY_HOURS);

        canvas->line(canvas, LEFT, bottom, CHART_WIDTH, bottom, 0.5, INK_SOFT);
        for (unsigned i = 0; i < TALLY_HOURS; i++) {
                /* From noon to noon, as a night. */
                unsigned hour = (i + TALLY_HOURS / 2) % TALLY_HOURS;
                double x = LEFT + i * step, bar = height * tally->hours[hour] / highest;
                char text[NUMBER_SIZE];

                if (tally->hours[hour] > 0) {
                        canvas->rect(canvas, x + 1.5, bottom - bar, step - 3, bar, INK_BAR, INK_NONE);
                        (void)snprintf(text, sizeof(text), "%u", tally->hours[hour]);
                        canvas->text(canvas, x + step / 2, bottom - bar - 2, 8, ANCHOR_MIDDLE, INK_TEXT,
                                     text);
                }
                if (i % 3 != 0)
                        continue;
                (void)snprintf(text, sizeof(text), "%u:00", hour);
                canvas->text(canvas, x, CHART_HOURS_HEIGHT - 3, LABEL_SIZE,
                             i == 0 ? ANCHOR_START : ANCHOR_MIDDLE, INK_SOFT, text);
                canvas->line(canvas, x, bottom, x, bottom + 3, 0.5, INK_SOFT);
        }
}

void chart_lengths(const struct tally *tally, struct canvas *canvas) {
        const double left = 70, width = CHART_WIDTH - left - 40,
                     step = CHART_LENGTHS_HEIGHT / TALLY_LENGTHS;
        unsigned highest = highest_of(tally->lengths, TALLY_LENGTHS);

        for (unsigned i = 0; i < TALLY_LENGTHS; i++) {
                double bar = width * tally->lengths[i] / highest, y = i * step;
                char text[NUMBER_SIZE];

                canvas->text(canvas, left - 6, y + step / 2 + 3, LABEL_SIZE, ANCHOR_END, INK_SOFT,
                             _(chart_length_names[i]));
                if (tally->lengths[i] > 0)
                        canvas->rect(canvas, left, y + 3, bar, step - 6, INK_BAR, INK_NONE);
                (void)snprintf(text, sizeof(text), "%u", tally->lengths[i]);
                canvas->text(canvas, left + bar + 4, y + step / 2 + 3, LABEL_SIZE, ANCHOR_START,
                             INK_TEXT, text);
        }
        canvas->line(canvas, left, 0, left, CHART_LENGTHS_HEIGHT, 0.5, INK_SOFT);
}
