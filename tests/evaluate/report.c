/* SPDX-License-Identifier: MIT */
/* Tables: see report.h. Intervals are 95 %, in brackets. */
#include "tests/evaluate/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define CELL 80

/* How much less sensitive a rival may be and still be called quicker. */
#define EQUAL_SENSITIVITY 0.02
/* How much a false-alarm rate may be above ours and still be called equal. */
#define EQUAL_RATE 1.05

/* Rivals that are shown although they are nobody's usual setting. */
static const struct {
        const struct rival_kind *kind;
        double threshold, hold_s;
} shown_besides[] = {
        {&rival_ratio, 1.6, 15},
        {&rival_ratio, 3.2, 10},
        {&rival_ratio, 2, 20},
        {&rival_envelope, 1.6, 15},
};

static const char *text_share(size_t hits, size_t n, char text[static CELL]) {
        struct interval interval = interval_share(hits, n);

        if (n == 0)
                (void)snprintf(text, CELL, "-");
        else
                (void)snprintf(text, CELL, "%.3f (%.3f-%.3f)", (double)hits / (double)n, interval.low,
                               interval.high);
        return text;
}

static const char *text_rate(const struct summary *summary, size_t count, char text[static CELL]) {
        struct interval interval = interval_count(count);

        (void)snprintf(text, CELL, "%.2f (%.2f-%.2f)", summary_per_night(summary, count),
                       interval.low * 8 / summary->hours, interval.high * 8 / summary->hours);
        return text;
}

static const char *text_bound(double value, char *text, size_t size) {
        if (isinf(value))
                (void)snprintf(text, size, "?");
        else
                (void)snprintf(text, size, "%.1f", value);
        return text;
}

static const char *text_quantile(const struct values *values, double q, char text[static CELL]) {
        struct interval interval = interval_quantile(values->value, values->n, q);
        char low[24], high[24];

        if (values->n == 0)
                (void)snprintf(text, CELL, "-");
        else
                (void)snprintf(text, CELL, "%.1f (%s to %s)", quantile(values->value, values->n, q),
                               text_bound(interval.low, low, sizeof(low)),
                               text_bound(interval.high, high, sizeof(high)));
        return text;
}

static const char *text_setting(const struct rival_kind *kind, size_t index, char text[static CELL]) {
        struct rival_setting setting = kind->setting(kind, index);

        if (!kind->unit)
                (void)snprintf(text, CELL, "%s", kind->name);
        else if (setting.bridge_s > 0)
                (void)snprintf(text, CELL, "%s, %g %s, %g s, gaps %g s", kind->name, setting.threshold,
                               kind->unit, setting.hold_s, setting.bridge_s);
        else
                (void)snprintf(text, CELL, "%s, %g %s, %g s", kind->name, setting.threshold, kind->unit,
                               setting.hold_s);
        return text;
}

static const char *text_drawn(unsigned value, const char *unit, char text[static CELL]) {
        if (value == 0)
                (void)snprintf(text, CELL, "%s as drawn", unit);
        else
                (void)snprintf(text, CELL, "%u %s", value, unit);
        return text;
}

static void print_head(const char *what, const struct group *group) {
        const struct night_plan *plan = &group->plan;
        char rate[CELL], bits[CELL];

        (void)printf("\n%s: script %s%s, %zu x %g h, %u channel%s, %s, %s, seeds %" PRIu64 " to %" PRIu64
                     "\n",
                     what, plan->script, plan->recordings ? " of real pieces" : "", group->nights,
                     plan->hours, plan->channels, plan->channels > 1 ? "s" : "",
                     text_drawn(plan->rate_hz, "Hz", rate), text_drawn(plan->bits, "bits", bits),
                     plan->seed, plan->seed + group->nights - 1);
}

static void print_quantiles(const char *what, const struct values *values) {
        char middle[CELL], high[CELL];

        (void)printf("  %-36s p50 %s  p95 %s\n", what, text_quantile(values, 0.5, middle),
                     text_quantile(values, 0.95, high));
}

void report_own(const struct group *group, const struct rival_kind *own) {
        const struct summary *summary = &group->summaries[group_first(group, own)];
        char text[CELL];

        print_head(own->name, group);
        (void)printf("  %-36s %s  %zu of %zu\n", "sensitivity, strong (6 x rest and more)",
                     text_share(summary->strong_hits, summary->strong, text), summary->strong_hits,
                     summary->strong);
        (void)printf("  %-36s %s  %zu of %zu\n", "sensitivity, weak (2-6 x rest)",
                     text_share(summary->weak_hits, summary->weak, text), summary->weak_hits,
                     summary->weak);
        (void)printf("  %-36s %s  %zu in %.0f h\n", "false alarms per 8 h",
                     text_rate(summary, summary->false_total, text), summary->false_total,
                     summary->hours);
        (void)printf("  %-36s %s\n", "holds and standing per 8 h, apart",
                     text_rate(summary, summary->apart_total, text));
        print_quantiles("latency from twice rest, s", &summary->latency);
        print_quantiles("latency from the onset, s", &summary->from_onset);
        print_quantiles("onset error, strong, s", &summary->onset_strong);
        print_quantiles("onset error, weak, s", &summary->onset_weak);
        print_quantiles("end error, s", &summary->end);
        (void)printf("  %-36s %zu\n", "repeated alerts in a cramp", summary->repeats);
}

/* Calls `print` for what a table of rivals shows. */
static void rivals_visit(const struct group *group, const struct rival_kind *own,
                         void (*print)(const struct group *group, const struct rival_kind *kind,
                                       size_t setting)) {
        print(group, own, 0);
        for (size_t i = 0; i < group->n_kinds; i++) {
                const struct rival_kind *kind = group->kinds[i];

                if (kind == own)
                        continue;
                print(group, kind, kind->usual);
                for (size_t k = 0; k < kind->n_settings; k++) {
                        struct rival_setting setting = kind->setting(kind, k);

                        for (size_t s = 0; s < ARRAY_LENGTH(shown_besides); s++)
                                if (shown_besides[s].kind == kind &&
                                    shown_besides[s].threshold == setting.threshold &&
                                    shown_besides[s].hold_s == setting.hold_s)
                                        print(group, kind, k);
                }
        }
}

static void print_rival(const struct group *group, const struct rival_kind *kind, size_t setting) {
        const struct summary *summary = &group->summaries[group_first(group, kind) + setting];
        char name[CELL], strong[CELL], weak[CELL], rate[CELL], apart[CELL], middle[CELL], high[CELL];

        (void)printf("  %-48s %-20s %-20s %-20s %-20s %-20s %-20s %6.1f %6.1f %6.1f %6.1f %7zu\n",
                     text_setting(kind, setting, name),
                     text_share(summary->strong_hits, summary->strong, strong),
                     text_share(summary->weak_hits, summary->weak, weak),
                     text_rate(summary, summary->false_total, rate),
                     text_rate(summary, summary->apart_total, apart),
                     text_quantile(&summary->latency, 0.5, middle),
                     text_quantile(&summary->latency, 0.95, high),
                     quantile(summary->onset_strong.value, summary->onset_strong.n, 0.5),
                     quantile(summary->onset_weak.value, summary->onset_weak.n, 0.5),
                     quantile(summary->end.value, summary->end.n, 0.5),
                     quantile(summary->end.value, summary->end.n, 0.95), summary->repeats);
}

void report_rivals(const struct group *group, const struct rival_kind *own) {
        print_head("Rivals", group);
        (void)printf("  %-48s %-20s %-20s %-20s %-20s %-20s %-20s %-13s %-13s\n", "", "strong found",
                     "weak found", "false per 8 h", "holds, standing", "latency p50, s",
                     "latency p95, s", "onset p50, s", "end, s");
        (void)printf("  %-48s %-20s %-20s %-20s %-20s %-20s %-20s %6s %6s %6s %6s %7s\n", "", "", "", "",
                     "", "", "", "strong", "weak", "p50", "p95", "repeats");
        rivals_visit(group, own, print_rival);
}

static void print_causes(const struct group *group, const struct rival_kind *kind, size_t setting) {
        const struct summary *summary = &group->summaries[group_first(group, kind) + setting];
        char name[CELL], rate[CELL];
        bool any = false;

        (void)printf("  %-48s", text_setting(kind, setting, name));
        for (unsigned i = 0; i < SCORE_CAUSES; i++)
                if (summary->false_alarms[i] > 0) {
                        (void)printf("%s %s %s", any ? "," : "", score_cause_to_string(i),
                                     text_rate(summary, summary->false_alarms[i], rate));
                        any = true;
                }
        (void)printf("%s\n", any ? "" : " none");
}

void report_causes(const struct group *group, const struct rival_kind *own) {
        print_head("False alarms per 8 h by cause", group);
        rivals_visit(group, own, print_causes);
}

static double median_latency(const struct summary *summary) {
        return quantile(summary->latency.value, summary->latency.n, 0.5);
}

/* At no more false alarms than ours: the most sensitive setting, or the quickest of those that are about
 * as sensitive as ours. SIZE_MAX: none. */
static size_t find_equal(const struct group *group, const struct rival_kind *kind,
                         const struct summary *own, bool quickest) {
        const struct summary *summaries = &group->summaries[group_first(group, kind)];
        double rate_max = EQUAL_RATE * summary_per_night(own, own->false_total);
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < kind->n_settings; i++) {
                double sensitivity = summary_sensitivity(&summaries[i]);
                bool better;

                if (summary_per_night(&summaries[i], summaries[i].false_total) > rate_max)
                        continue;
                if (quickest && sensitivity < summary_sensitivity(own) - EQUAL_SENSITIVITY)
                        continue;
                if (best == SIZE_MAX)
                        better = true;
                else if (quickest || sensitivity == summary_sensitivity(&summaries[best]))
                        better = median_latency(&summaries[i]) < median_latency(&summaries[best]);
                else
                        better = sensitivity > summary_sensitivity(&summaries[best]);
                if (better)
                        best = i;
        }
        return best;
}

static void print_equal(const char *what, const struct group *group, const struct rival_kind *kind,
                        size_t setting, const struct summary *own) {
        const struct summary *summary = &group->summaries[group_first(group, kind) + setting];
        char name[CELL], share[CELL], rate[CELL], middle[CELL];
        double sensitivity = summary_sensitivity(summary);
        bool more = sensitivity > summary_sensitivity(own);
        bool quicker = sensitivity >= summary_sensitivity(own) - EQUAL_SENSITIVITY &&
                       median_latency(summary) < median_latency(own);

        (void)printf("  %-9s %-48s %-20s %-20s %-20s%s%s%s%s\n", what, text_setting(kind, setting, name),
                     text_share(summary->strong_hits + summary->weak_hits,
                                summary->strong + summary->weak, share),
                     text_rate(summary, summary->false_total, rate),
                     text_quantile(&summary->latency, 0.5, middle), more || quicker ? " BETTER:" : "",
                     more ? " sensitivity" : "", more && quicker ? "," : "", quicker ? " latency" : "");
}

void report_equal(const struct group *group, const struct rival_kind *own) {
        const struct summary *ours = &group->summaries[group_first(group, own)];

        print_head("Rivals at no more false alarms than crampd", group);
        (void)printf("  of all settings, chosen on these very nights: the most sensitive one, and the "
                     "quickest that is as sensitive (within %g)\n",
                     EQUAL_SENSITIVITY);
        (void)printf("  %-9s %-48s %-20s %-20s %s\n", "", "", "cramps found", "false per 8 h",
                     "latency p50, s");
        print_equal("", group, own, 0, ours);
        for (size_t i = 0; i < group->n_kinds; i++) {
                const struct rival_kind *kind = group->kinds[i];
                size_t sensitive, quick;

                if (kind == own)
                        continue;
                sensitive = find_equal(group, kind, ours, false);
                quick = find_equal(group, kind, ours, true);
                if (sensitive == SIZE_MAX)
                        (void)printf("  %-9s %s: no setting is as quiet\n", "", kind->name);
                else
                        print_equal("sensitive", group, kind, sensitive, ours);
                if (quick != SIZE_MAX && quick != sensitive)
                        print_equal("quick", group, kind, quick, ours);
        }
}

void report_cells(const struct group *groups, size_t n_groups) {
        (void)printf("\ncrampd by rate, resolution and channels: %zu x %g h each, the same nights; rest "
                     "from %g uV on\n",
                     groups[0].nights, groups[0].plan.hours, groups[0].plan.rest_min_uv);
        (void)printf("  %-28s %-20s %-20s %-18s %-18s %-20s %s\n", "", "strong found", "weak found",
                     "false per 8 h", "holds, standing", "latency p50, s", "latency p95, s");
        for (size_t i = 0; i < n_groups; i++) {
                const struct summary *summary = &groups[i].summaries[0];
                char strong[CELL], weak[CELL], rate[CELL], apart[CELL], middle[CELL], high[CELL];

                (void)printf("  %-28s %-20s %-20s %-18s %-18s %-20s %s\n", groups[i].name,
                             text_share(summary->strong_hits, summary->strong, strong),
                             text_share(summary->weak_hits, summary->weak, weak),
                             text_rate(summary, summary->false_total, rate),
                             text_rate(summary, summary->apart_total, apart),
                             text_quantile(&summary->latency, 0.5, middle),
                             text_quantile(&summary->latency, 0.95, high));
        }
}

void report_csv_head(FILE *file) {
        (void)fputs(
                "group,channels,rate_hz,bits,detector,setting,usual,threshold,hold_s,bridge_s,nights,"
                "hours,strong,strong_hits,weak,weak_hits,repeats,latency_p50_s,latency_p95_s,"
                "onset_strong_p50_s,onset_weak_p50_s,end_p50_s,end_p95_s,false,apart,found_low,found_"
                "high,"
                "false_per_8h,false_per_8h_low,false_per_8h_high",
                file);
        for (unsigned i = 0; i < SCORE_CAUSES; i++)
                (void)fprintf(file, ",false_%s", score_cause_to_string(i));
        (void)fputc('\n', file);
}

static void csv_quantile(FILE *file, const struct values *values, double q) {
        if (values->n > 0)
                (void)fprintf(file, ",%.3f", quantile(values->value, values->n, q));
        else
                (void)fputc(',', file);
}

static void csv_intervals(FILE *file, const struct summary *summary) {
        struct interval found = interval_share(summary->strong_hits + summary->weak_hits,
                                               summary->strong + summary->weak);
        struct interval count = interval_count(summary->false_total);

        (void)fprintf(file, ",%.4f,%.4f,%.4f,%.4f,%.4f", found.low, found.high,
                      summary_per_night(summary, summary->false_total), count.low * 8 / summary->hours,
                      count.high * 8 / summary->hours);
}

void report_csv(FILE *file, const struct group *group) {
        for (size_t k = 0; k < group->n_kinds; k++) {
                const struct rival_kind *kind = group->kinds[k];
                size_t first = group_first(group, kind);

                for (size_t i = 0; i < kind->n_settings; i++) {
                        const struct summary *summary = &group->summaries[first + i];
                        struct rival_setting setting = kind->setting(kind, i);

                        (void)fprintf(
                                file, "%s,%u,%u,%u,\"%s\",%zu,%d,%g,%g,%g,%zu,%g,%zu,%zu,%zu,%zu,%zu",
                                group->name, group->plan.channels, group->plan.rate_hz, group->plan.bits,
                                kind->name, i, i == kind->usual, setting.threshold, setting.hold_s,
                                setting.bridge_s, summary->nights, summary->hours, summary->strong,
                                summary->strong_hits, summary->weak, summary->weak_hits,
                                summary->repeats);
                        csv_quantile(file, &summary->latency, 0.5);
                        csv_quantile(file, &summary->latency, 0.95);
                        csv_quantile(file, &summary->onset_strong, 0.5);
                        csv_quantile(file, &summary->onset_weak, 0.5);
                        csv_quantile(file, &summary->end, 0.5);
                        csv_quantile(file, &summary->end, 0.95);
                        (void)fprintf(file, ",%zu,%zu", summary->false_total, summary->apart_total);
                        csv_intervals(file, summary);
                        for (unsigned c = 0; c < SCORE_CAUSES; c++)
                                (void)fprintf(file, ",%zu", summary->false_alarms[c]);
                        (void)fputc('\n', file);
                }
        }
}

/* Prints one bar; returns 1 if it is missed. NaN is. */
static unsigned bar(const char *what, double value, bool at_least, double limit) {
        bool met = at_least ? value >= limit : value <= limit;

        (void)printf("  %-6s %-52s %7.3f, bar %s %g\n", met ? "met" : "MISSED", what, value,
                     at_least ? ">=" : "<=", limit);
        return !met;
}

static double share(size_t hits, size_t n) {
        return n > 0 ? (double)hits / (double)n : NAN;
}

static unsigned bars_of(const struct group *group, const struct rival_kind *own, double false_max,
                        double p50_max_s, double p95_max_s) {
        const struct summary *summary = &group->summaries[group_first(group, own)];
        const char *with = group->plan.channels > 1 ? "two channels" : "one channel";
        unsigned missed = 0;
        char what[CELL];

#define BAR(name, ...) \
        ((void)snprintf(what, sizeof(what), "%s, %s", with, (name)), missed += bar(what, __VA_ARGS__))
        BAR("sensitivity to strong simulated cramps", share(summary->strong_hits, summary->strong), true,
            0.98);
        BAR("sensitivity to weak simulated cramps", share(summary->weak_hits, summary->weak), true,
            0.95);
        BAR("false alarms per 8 h", summary_per_night(summary, summary->false_total), false, false_max);
        BAR("latency p50, s", quantile(summary->latency.value, summary->latency.n, 0.5), false,
            p50_max_s);
        BAR("latency p95, s", quantile(summary->latency.value, summary->latency.n, 0.95), false,
            p95_max_s);
        BAR("onset error p50, strong, s",
            quantile(summary->onset_strong.value, summary->onset_strong.n, 0.5), false, 0.5);
        BAR("onset error p50, weak, s", quantile(summary->onset_weak.value, summary->onset_weak.n, 0.5),
            false, 3);
#undef BAR
        return missed;
}

unsigned report_bars(const struct group *one, const struct group *two, const struct rival_kind *own) {
        unsigned missed;

        (void)puts("\nBars, default setting");
        missed = bars_of(one, own, 0.3, 10, 15);
        return missed + bars_of(two, own, 0.05, 6, 10);
}

unsigned report_cell_bars(const struct group *groups, size_t n_groups) {
        double base = summary_sensitivity(&groups[0].summaries[0]);
        unsigned missed = 0;

        (void)puts("\nBars, slow and coarse sensors");
        for (size_t i = 0; i < n_groups; i++) {
                char what[CELL];

                if (groups[i].plan.rate_hz != 200 && groups[i].plan.bits != 8)
                        continue;
                (void)snprintf(what, sizeof(what), "sensitivity lost with %s", groups[i].name);
                missed += bar(what, base - summary_sensitivity(&groups[i].summaries[0]), false, 0.03);
        }
        return missed;
}
