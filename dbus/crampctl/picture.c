/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/picture.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define MARGIN 5u
#define DAYS_A_WEEK 7
/* A year of weeks, counted from New Year: the last one has a day or two. */
#define YEAR_WEEKS 53u
#define COUNTS_WIDTH 22u
#define RATE_ROWS 4u
#define HOUR_ROWS 4u
#define BAR_LEVELS 8u
#define LENGTH_BAR 12u
#define LENGTHS_AT 56u
#define LENGTHS_WIDTH 24u

/* Levels of a calendar's cell: not watched, no cramp, and four of cramps. */
enum { LEVEL_UNWATCHED, LEVEL_NONE, LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4, LEVELS };

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"),
                                       N_("Fri"), N_("Sat"), N_("Sun")};

unsigned picture_weeks(unsigned columns) {
        return columns > MARGIN + 2 ? (columns - MARGIN) / 2 : 1;
}

/* The calendar date of a day. */
static struct tm date_of(int day) {
        time_t s = (time_t)day * 86400;
        struct tm date = {};

        (void)gmtime_r(&s, &date);
        return date;
}

static void date_write(FILE *file, int day) {
        struct tm date = date_of(day);

        fprintf(file, "%04d-%02d-%02d", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

static void blanks_write(FILE *file, size_t n) {
        fprintf(file, "%*s", (int)n, "");
}

/* A word, and blanks up to so many cells. */
static void word_write(FILE *file, const char *word, size_t cells) {
        fputs(word, file);
        blanks_write(file, text_width(word) < cells ? cells - text_width(word) : 0);
}

/* --- words --- */

/* Before something of so many cells, after `used` of them on the line: a blank, or a new line where
 * there is no room. Returns what is used then. */
static size_t item_begin(const struct picture *picture, size_t used, size_t width) {
        if (used > 0 && used + 1 + width > picture->columns) {
                fputc('\n', picture->file);
                used = 0;
        } else if (used > 0) {
                fputc(' ', picture->file);
                used++;
        }
        return used + width;
}

/* Lines of words, broken where there is no room for more. */
static void lines_write(const struct picture *picture, const char *text) {
        size_t used = 0;

        while (*text) {
                int length = (int)strcspn(text, " \n");
                char word[128];

                (void)snprintf(word, sizeof(word), "%.*s", length, text);
                used = item_begin(picture, used, text_width(word));
                fputs(word, picture->file);
                text += length;
                if (*text == '\n') {
                        fputc('\n', picture->file);
                        used = 0;
                }
                text += *text ? 1 : 0;
        }
}

static void length_write(FILE *file, int64_t length_us) {
        int64_t s = length_us / 1000000;

        fprintf(file, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
}

/* Three cells: there is room for no more. */
static void month_write(FILE *file, size_t month) {
        const char *name = _(months[month]);
        size_t bytes = 0;

        for (unsigned cells = 0; cells < 3 && name[bytes]; cells++)
                do
                        bytes++;
                while (((unsigned char)name[bytes] & 0xc0) == 0x80);
        fprintf(file, "%.*s", (int)bytes, name);
}

static void words_write(FILE *file, const struct tally *tally) {
        const struct tally_span *all = &tally->all;
        char number[3][TEXT_NUMBER_SIZE];
        struct rate rate;

        date_write(file, tally->first_day);
        fputs(_(" to "), file);
        date_write(file, tally->first_day + (int)tally->n_days - 1);
        fprintf(file,
                all->nights == 1 ? _(": %u night watched (%.0f h), %u with gaps, %u short\n")
                                 : _(": %u nights watched (%.0f h), %u with gaps, %u short\n"),
                all->nights, (double)all->monitored_us / 3.6e9, all->gappy, all->brief);
        fprintf(file, all->cramps == 1 ? _("%u cramp") : _("%u cramps"), all->cramps);
        if (all->missed > 0)
                fprintf(file, _(", %u of them missed"), all->missed);
        if (tally_rate(all, &rate) >= 0) {
                language_number(words_language(), rate.rate, 2, number[0]);
                language_number(words_language(), rate.low, 2, number[1]);
                language_number(words_language(), rate.high, 2, number[2]);
                fprintf(file, _(": %s in 8 h (%s-%s)"), number[0], number[1], number[2]);
        }
        if (tally->n_lengths > 0) {
                fputs(_("; median "), file);
                length_write(file, tally->median_us);
                fputs(_(", longest "), file);
                length_write(file, tally->longest_us);
        }
        fputc('\n', file);
        if (all->unwatched > 0)
                fprintf(file, _("Missed while the sensor was not watching, left out of the rate: %u\n"),
                        all->unwatched);
        if (all->false_alarms > 0)
                fprintf(file,
                        all->false_alarms == 1 ? _("%u false alarm left out\n")
                                               : _("%u false alarms left out\n"),
                        all->false_alarms);
        if (tally->simulated > 0)
                fprintf(file, _("%u of the cramps [simulated]: of recordings that were played\n"),
                        tally->simulated);
}

static void words_draw(const struct picture *picture, const struct tally *tally) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        if (!file) {
                words_write(picture->file, tally);
                return;
        }
        words_write(file, tally);
        if (fclose(file) == 0)
                lines_write(picture, text);
}

/* --- calendars --- */

static const char *level_symbol(const struct picture *picture, unsigned level) {
        static const char *const shades[LEVELS] = {" ", "·", "░", "▒", "▓", "█"};
        static const char *const plain[LEVELS] = {" ", ".", "-", "+", "*", "#"};

        return picture->utf8 ? shades[level] : plain[level];
}

static void level_write(const struct picture *picture, unsigned level) {
        static const char *const colours[LEVELS] = {"",           "\033[32m", "\033[33m",
                                                    "\033[1;33m", "\033[31m", "\033[1;31m"};

        if (picture->colour && level != LEVEL_UNWATCHED)
                fputs(colours[level], picture->file);
        fputs(level_symbol(picture, level), picture->file);
        if (picture->colour && level != LEVEL_UNWATCHED)
                fputs(TEXT_PLAIN, picture->file);
}

static unsigned night_level(const struct tally_day *day) {
        /* A cramp that was missed is told of a night without a sensor too. */
        if (day->cramps == 0)
                return day->monitored_us > 0 ? LEVEL_NONE : LEVEL_UNWATCHED;
        return day->cramps < 4 ? LEVEL_NONE + day->cramps : LEVEL_4;
}

static char night_mark(const struct tally_day *day) {
        if (day->missed > 0)
                return 'm';
        return day->monitored_us > 0 &&
                               (day->gap_us >= TALLY_GAPS_US || day->monitored_us < TALLY_SHORT_US)
                       ? '\''
                       : ' ';
}

/* Months over their first week, where there is room. */
static void months_write(const struct picture *picture, int monday, unsigned weeks) {
        unsigned used = 0;
        int before = -1;

        blanks_write(picture->file, MARGIN);
        for (unsigned week = 0; week < weeks; week++) {
                /* The month of the week's Thursday, as in ISO 8601. */
                struct tm date = date_of(monday + (int)week * DAYS_A_WEEK + 3);

                if (date.tm_mon != before && used <= week * 2 && week * 2 + 3 <= weeks * 2) {
                        blanks_write(picture->file, week * 2 - used);
                        month_write(picture->file, (size_t)date.tm_mon);
                        used = week * 2 + 3;
                }
                before = date.tm_mon;
        }
        fputc('\n', picture->file);
}

static const struct tally_day *day_at(const struct tally *tally, int day) {
        int64_t index = (int64_t)day - tally->first_day;

        return index >= 0 && index < (int64_t)tally->n_days ? tally->days + index : NULL;
}

/* What the levels mean, and `marks`, if any. */
static void legend_draw(const struct picture *picture, const char *const *words, const char *marks) {
        const char *blank = _("blank not watched");
        size_t used = item_begin(picture, 0, text_width(blank) + 1);

        fprintf(picture->file, "%s,", blank);
        for (unsigned level = LEVEL_NONE; level < LEVELS; level++) {
                const char *word = _(words[level - LEVEL_NONE]);
                const char *after = level + 1 < LEVELS ? "," : marks ? ";" : "";

                used = item_begin(picture, used, strlen("x ") + text_width(word) + strlen(after));
                level_write(picture, level);
                fprintf(picture->file, " %s%s", word, after);
        }
        if (marks) {
                (void)item_begin(picture, used, text_width(marks));
                fputs(marks, picture->file);
        }
        fputc('\n', picture->file);
}

static void nights_draw(const struct picture *picture, const struct tally *tally, int monday,
                        unsigned weeks) {
        static const char *const words[] = {"0", "1", "2", "3", N_("4+ cramps")};
        FILE *file = picture->file;

        months_write(picture, monday, weeks);
        for (int weekday = 0; weekday < DAYS_A_WEEK; weekday++) {
                size_t waiting = 0; /* blanks that are written only before something else */

                word_write(file, _(weekdays[weekday]), 3);
                waiting = MARGIN - 3;
                for (unsigned week = 0; week < weeks; week++) {
                        const struct tally_day *day =
                                day_at(tally, monday + (int)week * DAYS_A_WEEK + weekday);
                        unsigned level = day ? night_level(day) : LEVEL_UNWATCHED;
                        char mark = day ? night_mark(day) : ' ';

                        if (level == LEVEL_UNWATCHED && mark == ' ') {
                                waiting += 2;
                                continue;
                        }
                        blanks_write(file, waiting);
                        level_write(picture, level);
                        waiting = mark == ' ';
                        if (mark != ' ')
                                fputc(mark, file);
                }
                fputc('\n', file);
        }
        if (picture->legend)
                legend_draw(picture, words, _("' gaps or short, m missed"));
}

/* Cramps a night, where a week is one cell. */
static unsigned week_level(const struct tally_span *span) {
        double each;

        if (span->nights == 0)
                return span->cramps > 0 ? LEVEL_1 : LEVEL_UNWATCHED;
        each = (double)span->cramps / span->nights;
        return each <= 0     ? LEVEL_NONE
               : each <= 0.5 ? LEVEL_1
               : each <= 1   ? LEVEL_2
               : each <= 2   ? LEVEL_3
                             : LEVEL_4;
}

static void counts_write(FILE *file, const struct tally_span *span) {
        fputc(' ', file);
        fprintf(file, span->cramps == 1 ? _("%u cramp") : _("%u cramps"), span->cramps);
        fputc('/', file);
        fprintf(file, span->nights == 1 ? _("%u night") : _("%u nights"), span->nights);
}

/* So that a year has room. */
static unsigned weeks_of_cell(const struct picture *picture) {
        return picture->columns >= MARGIN + YEAR_WEEKS ? 1 : 2;
}

static void year_draw(const struct picture *picture, const struct tally *tally, int year) {
        unsigned weeks = weeks_of_cell(picture), cells = (YEAR_WEEKS + weeks - 1) / weeks;
        struct tm date = {.tm_year = year - 1900, .tm_mday = 1};
        int first = (int)(timegm(&date) / 86400), next;
        struct tally_span all;

        date = (struct tm){.tm_year = year + 1 - 1900, .tm_mday = 1};
        next = (int)(timegm(&date) / 86400);
        fprintf(picture->file, "%4d ", year);
        for (unsigned cell = 0; cell < cells; cell++) {
                int days = (int)weeks * DAYS_A_WEEK, day = first + (int)cell * days, end = day + days;
                struct tally_span span = {};

                end = end > next ? next : end;
                day = day < tally->first_day ? tally->first_day : day;
                if (end > day)
                        span = tally_sum(tally, (size_t)(day - tally->first_day), (size_t)(end - day));
                level_write(picture, week_level(&span));
        }
        first = first < tally->first_day ? tally->first_day : first;
        all = tally_sum(tally, (size_t)(first - tally->first_day), (size_t)(next - first));
        if (picture->columns >= MARGIN + cells + COUNTS_WIDTH)
                counts_write(picture->file, &all);
        fputc('\n', picture->file);
}

static void years_draw(const struct picture *picture, const struct tally *tally) {
        static const unsigned starts[] = {0, 4, 8, 13, 17, 21, 26, 30, 34, 39, 43, 48};
        static const char *const words[] = {"0", N_("to 1/2"), N_("to 1"), N_("to 2"),
                                            N_("more cramps a night")};
        FILE *file = picture->file;
        unsigned used = 0;

        blanks_write(file, MARGIN);
        for (size_t m = 0; m < ARRAY_LENGTH(months); m++) {
                unsigned at = starts[m] / weeks_of_cell(picture);

                if (used > 0 && at <= used)
                        continue;
                blanks_write(file, at - used);
                month_write(file, m);
                used = at + 3;
        }
        fputc('\n', file);
        for (int year = date_of(tally->first_day).tm_year + 1900,
                 last = date_of(tally->first_day + (int)tally->n_days - 1).tm_year + 1900;
             year <= last; year++)
                year_draw(picture, tally, year);
        if (picture->legend)
                legend_draw(picture, words, NULL);
}

/* --- rates --- */

/* The next round number. */
static double round_up(double value) {
        static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
        double unit = pow(10, floor(log10(value)));

        for (size_t i = 0; i < ARRAY_LENGTH(steps); i++)
                if (value <= steps[i] * unit)
                        return steps[i] * unit;
        return 10 * unit;
}

struct rates {
        struct rate rates[512];
        bool known[512];
        unsigned n;
        unsigned weeks; /* in each */
        double top;
};

static void rates_make(const struct tally *tally, int monday, unsigned weeks, unsigned cells,
                       struct rates *ret) {
        static const unsigned steps[] = {1, 2, 4, 8, 13, 26, 52, 104, 208, 520};
        double highest = 0;

        *ret = (struct rates){};
        for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
                ret->weeks = steps[i];
                ret->n = (weeks + ret->weeks - 1) / ret->weeks;
                if (ret->n <= cells)
                        break;
        }
        if (ret->n > ARRAY_LENGTH(ret->rates))
                ret->n = ARRAY_LENGTH(ret->rates);
        for (unsigned i = 0; i < ret->n; i++) {
                int day = monday + (int)(i * ret->weeks) * DAYS_A_WEEK, end;
                struct tally_span span = {};

                end = day + (int)ret->weeks * DAYS_A_WEEK;
                day = day < tally->first_day ? tally->first_day : day;
                if (end > day)
                        span = tally_sum(tally, (size_t)(day - tally->first_day), (size_t)(end - day));
                ret->known[i] = tally_rate(&span, ret->rates + i) >= 0;
                if (ret->known[i] && ret->rates[i].rate > highest)
                        highest = ret->rates[i].rate;
        }
        /* A third more, to show something of the intervals too. */
        ret->top = highest > 0 ? round_up(highest * 4 / 3) : 1;
}

/* What of an interval falls into the band from `low` to `high`. */
static const char *rate_symbol(const struct picture *picture, const struct rate *rate, double low,
                               double high, bool highest) {
        if ((rate->rate >= low && rate->rate < high) || (highest && rate->rate >= high))
                return picture->utf8 ? "●" : "o";
        if (rate->high <= low || rate->low >= high)
                return " ";
        if (highest && rate->high > high)
                return picture->utf8 ? "↑" : "^";
        return picture->utf8 ? "│" : "|";
}

static void rates_draw(const struct picture *picture, const struct rates *rates) {
        FILE *file = picture->file;
        char heading[256];

        if (rates->weeks == 1)
                lines_write(picture,
                            /* xgettext:no-c-format */
                            _("Cramps in 8 h watched, of each week, with the exact 95 % interval"));
        else {
                (void)snprintf(
                        heading, sizeof(heading),
                        _("Cramps in 8 h watched, of %u weeks each, with the exact 95 %% interval"),
                        rates->weeks);
                lines_write(picture, heading);
        }
        fputc('\n', file);
        for (unsigned row = 0; row < RATE_ROWS; row++) {
                double high = rates->top * (RATE_ROWS - row) / RATE_ROWS;
                double low = rates->top * (RATE_ROWS - row - 1) / RATE_ROWS;
                char label[TEXT_NUMBER_SIZE] = "";
                size_t waiting;

                if (row == 0)
                        words_number(rates->top, 2, label);
                else if (row == RATE_ROWS - 1)
                        (void)strcpy(label, "0");
                if (label[0])
                        fprintf(file, "%4.4s", label);
                waiting = label[0] ? 1 : MARGIN;
                for (unsigned i = 0; i < rates->n; i++) {
                        const char *symbol = rates->known[i] ? rate_symbol(picture, rates->rates + i,
                                                                           low, high, row == 0)
                                                             : " ";

                        if (symbol[0] == ' ') {
                                waiting += 2;
                                continue;
                        }
                        blanks_write(file, waiting);
                        fputs(symbol, file);
                        waiting = 1;
                }
                fputc('\n', file);
        }
}

/* --- hours and lengths --- */

static const char *bar_symbol(const struct picture *picture, unsigned level) {
        static const char *const blocks[BAR_LEVELS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

        if (picture->utf8)
                return blocks[level];
        return level == 0 ? " " : level > BAR_LEVELS / 2 ? "#" : "_";
}

/* Cells from one hour to the next. */
static unsigned hour_cells(const struct picture *picture) {
        return picture->columns >= MARGIN + 2 * TALLY_HOURS ? 2 : 1;
}

/* Row `row` of HOUR_ROWS from the top; returns the cells that were written. */
static size_t hours_write(const struct picture *picture, const struct tally *tally, unsigned row) {
        unsigned highest = 1, below = (HOUR_ROWS - 1 - row) * BAR_LEVELS;
        size_t used = 0, waiting = MARGIN;

        for (unsigned h = 0; h < TALLY_HOURS; h++)
                highest = tally->hours[h] > highest ? tally->hours[h] : highest;
        for (unsigned i = 0; i < TALLY_HOURS; i++) {
                unsigned n = tally->hours[(i + 12) % TALLY_HOURS];
                unsigned level = (unsigned)((uint64_t)n * HOUR_ROWS * BAR_LEVELS / highest);

                /* Whatever there is is to be seen. */
                if (n > 0 && level == 0)
                        level = 1;
                level = level <= below ? 0 : level - below < BAR_LEVELS ? level - below : BAR_LEVELS;
                if (level == 0) {
                        waiting += hour_cells(picture);
                        continue;
                }
                blanks_write(picture->file, waiting);
                fputs(bar_symbol(picture, level), picture->file);
                used += waiting + 1;
                waiting = hour_cells(picture) - 1;
        }
        return used;
}

static void hour_labels_write(const struct picture *picture, size_t *used) {
        blanks_write(picture->file, MARGIN);
        for (unsigned i = 0, step = 4 / hour_cells(picture); i < TALLY_HOURS; i += step)
                fprintf(picture->file, i + step < TALLY_HOURS ? "%-4u" : "%u", (i + 12) % TALLY_HOURS);
        *used = MARGIN + TALLY_HOURS * 2 - 2;
}

static void lengths_write(const struct picture *picture, const struct tally *tally, unsigned bin) {
        static const char *const names[TALLY_LENGTHS] = {"< 30 s", "< 1 min", "< 2 min", "< 5 min",
                                                         N_("longer")};
        unsigned highest = 1, bar;

        for (unsigned i = 0; i < TALLY_LENGTHS; i++)
                highest = tally->lengths[i] > highest ? tally->lengths[i] : highest;
        bar = (unsigned)((uint64_t)tally->lengths[bin] * LENGTH_BAR / highest);
        if (tally->lengths[bin] > 0 && bar == 0)
                bar = 1;
        word_write(picture->file, _(names[bin]), bar > 0 ? 8 : 7);
        for (unsigned i = 0; i < bar; i++)
                fputs(picture->utf8 ? "█" : "#", picture->file);
        fprintf(picture->file, " %u", tally->lengths[bin]);
}

static void hours_and_lengths_draw(const struct picture *picture, const struct tally *tally) {
        bool beside = picture->columns >= LENGTHS_AT + LENGTHS_WIDTH;
        FILE *file = picture->file;

        word_write(file, _("By the hour in which they began"), beside ? LENGTHS_AT : 0);
        if (beside)
                fputs(_("How long they lasted"), file);
        fputc('\n', file);
        for (unsigned row = 0; row <= HOUR_ROWS; row++) {
                size_t used;

                if (row < HOUR_ROWS)
                        used = hours_write(picture, tally, row);
                else
                        hour_labels_write(picture, &used);
                if (beside) {
                        blanks_write(file, LENGTHS_AT - used);
                        lengths_write(picture, tally, row);
                }
                fputc('\n', file);
        }
        if (beside)
                return;
        fprintf(file, "%s\n", _("How long they lasted"));
        for (unsigned bin = 0; bin < TALLY_LENGTHS; bin++) {
                blanks_write(file, MARGIN);
                lengths_write(picture, tally, bin);
                fputc('\n', file);
        }
}

void picture_draw(const struct picture *picture, const struct tally *tally) {
        int monday = tally->first_day - (int)tally_weekday(tally->first_day);
        int end = tally->first_day + (int)tally->n_days;
        unsigned weeks = (unsigned)(end - monday + DAYS_A_WEEK - 1) / DAYS_A_WEEK;
        unsigned cells = picture_weeks(picture->columns);
        struct rates rates;

        if (tally->all.nights == 0 && tally->all.cramps == 0 && tally->all.false_alarms == 0) {
                fprintf(picture->file, "%s\n", _("Nothing was watched or recorded in that time."));
                return;
        }
        words_draw(picture, tally);
        if (weeks <= cells)
                nights_draw(picture, tally, monday, weeks);
        else
                years_draw(picture, tally);
        rates_make(tally, monday, weeks, cells, &rates);
        rates_draw(picture, &rates);
        hours_and_lengths_draw(picture, tally);
}
