/* SPDX-License-Identifier: MIT */
/* One person's nights compared: see trial.h. */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/guidance/translate.h"
#include "daemon/guidance/trial.h"

enum trial_phase trial_phase_of(const struct trial_plan *plan, int64_t day) {
        int64_t since = day - plan->start_day;

        if (day >= plan->end_day)
                return TRIAL_APART;
        if (plan->design == TRIAL_BEFORE_AFTER) {
                if (since < 0)
                        return -since <= (int64_t)plan->baseline_days ? TRIAL_WITHOUT : TRIAL_APART;
                return since < (int64_t)plan->washout_days ? TRIAL_APART : TRIAL_WITH;
        }
        if (since < 0 || plan->block_days == 0 || since % plan->block_days < plan->washout_days)
                return TRIAL_APART;
        return since / plan->block_days % 2 == 0 ? TRIAL_WITHOUT : TRIAL_WITH;
}

unsigned trial_clusters(const int64_t *onsets_us, size_t n_onsets) {
        unsigned clusters = 0;

        for (size_t i = 0; i < n_onsets; i++)
                clusters += i == 0 || onsets_us[i] - onsets_us[i - 1] >= (int64_t)TRIAL_CLUSTER_GAP_US;
        return clusters;
}

static void side_sum(enum trial_phase phase, const struct trial_night *nights, size_t n_nights,
                     struct trial_side *ret) {
        double hours = 0, seconds = 0, pain = 0;

        *ret = (struct trial_side){0};
        for (size_t i = 0; i < n_nights; i++) {
                const struct trial_night *night = &nights[i];

                if (night->phase != phase || night->monitored_hours < TRIAL_NIGHT_MIN_HOURS)
                        continue;
                ret->nights++;
                ret->clusters += night->clusters;
                ret->cramps += night->cramps;
                ret->strong += night->strong;
                ret->reported += night->reported;
                ret->rated += night->rated;
                hours += night->monitored_hours;
                seconds += night->cramps_s;
                pain += night->pain;
        }
        ret->per_night = ret->nights > 0 ? (double)ret->clusters / ret->nights : NAN;
        ret->hours_per_night = ret->nights > 0 ? hours / ret->nights : NAN;
        ret->mean_s = ret->cramps > 0 ? seconds / ret->cramps : NAN;
        ret->mean_pain = ret->rated > 0 ? pain / ret->rated : NAN;
}

/* Pearson's chi-square of the nights against their side's mean. It needs a few expected events over all
 * to follow its distribution. */
static void dispersion_judge(const struct trial_night *nights, size_t n_nights,
                             struct trial_result *result) {
        double chi_square = 0;
        unsigned degrees = 0;

        result->dispersion = result->dispersion_p_value = NAN;
        for (size_t i = 0; i < n_nights; i++) {
                const struct trial_night *night = &nights[i];
                const struct trial_side *side =
                        night->phase == TRIAL_WITH ? &result->with : &result->without;

                if (night->phase == TRIAL_APART || night->monitored_hours < TRIAL_NIGHT_MIN_HOURS ||
                    side->clusters == 0)
                        continue;
                chi_square += (night->clusters - side->per_night) * (night->clusters - side->per_night) /
                              side->per_night;
                degrees++;
        }
        degrees -= (result->with.clusters > 0) + (result->without.clusters > 0);
        if (degrees < 10 || result->with.clusters + result->without.clusters < 5)
                return;
        result->dispersion = chi_square / degrees;
        result->dispersion_p_value = chi_square_above(chi_square, degrees);
}

/* Whether so few with the change could be told from chance, against those without it. */
static bool is_told(const struct trial_result *result, unsigned clusters, double *ret_effect) {
        struct rate_ratio ratio;

        if (rate_ratio_exact(clusters, result->with.nights, result->without.clusters,
                             result->without.nights, TRIAL_CONFIDENCE, &ratio) < 0 ||
            ratio.high >= 1 || ratio.p_value >= 1 - TRIAL_CONFIDENCE)
                return false;
        *ret_effect = ratio.ratio;
        return true;
}

/* How few clusters would have had to come with the change, for chance to be ruled out: by halving, as
 * years of nights have thousands, and somebody waits. */
static void smallest_effect_find(struct trial_result *result) {
        const struct trial_side *without = &result->without, *with = &result->with;
        unsigned above;

        result->most_clusters = -1;
        result->smallest_effect = NAN;
        if (without->nights == 0 || with->nights == 0 || without->clusters == 0)
                return;
        /* At the rate without the change nothing is told. */
        above = (unsigned)ceil(without->clusters * ((double)with->nights / without->nights));
        while ((unsigned)(result->most_clusters + 1) < above) {
                unsigned least = (unsigned)(result->most_clusters + 1);
                unsigned middle = least + (above - least) / 2;

                if (is_told(result, middle, &result->smallest_effect))
                        result->most_clusters = (int)middle;
                else
                        above = middle;
        }
}

/* Interval and p value need not agree (Fay 2010): a difference is one only if both say so. */
static enum trial_verdict verdict_of(const struct trial_result *result) {
        const double limit = 1 - TRIAL_CONFIDENCE;
        bool fewer, more;

        if (result->without.nights < TRIAL_NIGHTS_MIN || result->with.nights < TRIAL_NIGHTS_MIN)
                return TRIAL_TOO_FEW;
        if (result->without.clusters + result->with.clusters == 0)
                return TRIAL_NO_CRAMPS;
        fewer = result->ratio.high < 1 && result->ratio.p_value < limit;
        more = result->ratio.low > 1 && result->ratio.p_value < limit;
        if (!fewer && !more)
                return result->most_clusters < 0 ? TRIAL_TOO_FEW : TRIAL_UNCLEAR;
        if (result->dispersion_p_value < limit)
                return TRIAL_UNEVEN;
        return fewer ? TRIAL_FEWER : TRIAL_MORE;
}

void trial_compare(enum trial_design design, const struct trial_night *nights, size_t n_nights,
                   struct trial_result *ret) {
        *ret = (struct trial_result){.design = design, .ratio = {NAN, NAN, NAN, NAN}};
        side_sum(TRIAL_WITHOUT, nights, n_nights, &ret->without);
        side_sum(TRIAL_WITH, nights, n_nights, &ret->with);
        for (size_t i = 0; i < n_nights; i++)
                ret->nights_left_out += nights[i].phase != TRIAL_APART &&
                                        nights[i].monitored_hours < TRIAL_NIGHT_MIN_HOURS;
        (void)rate_ratio_exact(ret->with.clusters, ret->with.nights, ret->without.clusters,
                               ret->without.nights, TRIAL_CONFIDENCE, &ret->ratio);
        smallest_effect_find(ret);
        dispersion_judge(nights, n_nights, ret);
        ret->verdict = verdict_of(ret);
}

/* --- In plain sentences */

struct teller {
        const struct language *language;
        char *text;
        size_t size;
        int length;
};

/* A number as text: how it is written depends on the language. */
struct number {
        char text[LANGUAGE_NUMBER_SIZE];
};

static struct number number(const struct teller *teller, double value, int decimals) {
        struct number number;

        language_number(teller->language, value, decimals, number.text);
        return number;
}

/* Every format comes from this file, or from a translation that a test has checked against it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void tell(struct teller *teller, const char *sentence, ...) {
        size_t used = (size_t)teller->length < teller->size ? (size_t)teller->length : teller->size;
        char *at = teller->size > 0 ? teller->text + used : NULL;
        va_list arguments;
        int r;

        if (teller->length > 0) {
                r = snprintf(at, teller->size - used, " ");
                teller->length += r;
                used = (size_t)teller->length < teller->size ? (size_t)teller->length : teller->size;
                at = teller->size > 0 ? teller->text + used : NULL;
        }
        va_start(arguments, sentence);
        r = vsnprintf(at, teller->size - used, language_text(teller->language, sentence), arguments);
        va_end(arguments);
        if (r > 0)
                teller->length += r;
}
#pragma GCC diagnostic pop

static void tell_counts(struct teller *teller, const struct trial_result *result) {
        tell(teller,
             N_("Monitored nights without the change: %u, bouts of cramp in them: %u; with it: %u and "
                "%u. Cramps within an hour count as one bout."),
             result->without.nights, result->without.clusters, result->with.nights,
             result->with.clusters);
        if (result->nights_left_out > 0)
                tell(teller, N_("Nights that were monitored for less than four hours are left out: %u."),
                     result->nights_left_out);
        if (result->without.reported + result->with.reported > 0)
                tell(teller,
                     N_("Cramps without an alert that you reported count too: %u without the change, %u "
                        "with it. Report them in the same way on both sides, or they distort the "
                        "comparison."),
                     result->without.reported, result->with.reported);
        if (result->reported_left_out > 0)
                tell(teller,
                     N_("Cramps that you reported of time that was not monitored are left out, as no "
                        "monitored night stands against them: %u."),
                     result->reported_left_out);
}

static void tell_ratio(struct teller *teller, const struct trial_result *result) {
        if (isfinite(result->ratio.high))
                tell(teller,
                     N_("The rate with the change is %s times that without (95 %% interval %s to %s)."),
                     number(teller, result->ratio.ratio, 2).text,
                     number(teller, result->ratio.low, 2).text,
                     number(teller, result->ratio.high, 2).text);
}

static void tell_smallest(struct teller *teller, const struct trial_result *result) {
        if (result->most_clusters == 0)
                tell(teller,
                     N_("With so many nights only an end of all cramps could be told from chance."));
        else if (result->most_clusters > 0)
                tell(teller,
                     N_("With so many nights only a fall to %s times the rate or less could be told "
                        "from chance."),
                     number(teller, result->smallest_effect, 2).text);
}

static void tell_verdict(struct teller *teller, const struct trial_result *result) {
        unsigned nights;

        switch (result->verdict) {
        case TRIAL_TOO_FEW:
                nights = result->without.nights + result->with.nights;
                tell(teller,
                     nights == 1 ? N_("%u monitored night is too few to tell.")
                                 : N_("%u monitored nights are too few to tell."),
                     nights);
                break;
        case TRIAL_NO_CRAMPS:
                tell(teller, N_("There was no cramp on either side, so there is nothing to compare."));
                break;
        case TRIAL_UNCLEAR:
                tell_ratio(teller, result);
                tell(teller, N_("Chance alone explains the difference: this neither shows that it helps "
                                "nor that it does not."));
                tell_smallest(teller, result);
                break;
        case TRIAL_UNEVEN:
                tell_ratio(teller, result);
                tell(teller, N_("But your cramps come in bunches more than by chance, so the interval "
                                "is too narrow: this does "
                                "not tell whether it helps."));
                break;
        case TRIAL_FEWER:
                tell_ratio(teller, result);
                tell(teller, N_("You had fewer cramps with the change than chance explains. That does "
                                "not prove that the change "
                                "did it."));
                break;
        case TRIAL_MORE:
                tell_ratio(teller, result);
                tell(teller, N_("You had more cramps with the change than chance explains. That does "
                                "not prove that the change "
                                "did it; think of stopping what you tried, unless it was prescribed, "
                                "and ask about it."));
                break;
        }
}

static void tell_cautions(struct teller *teller, const struct trial_result *result) {
        if (result->verdict != TRIAL_FEWER && result->verdict != TRIAL_MORE &&
            result->verdict != TRIAL_UNEVEN)
                return;
        if (result->design == TRIAL_BEFORE_AFTER)
                tell(teller, N_("People start something when cramps are at their worst, and then they "
                                "mostly ease by themselves "
                                "(regression to the mean). Alternating blocks would tell more."));
        tell(teller, N_("Looking again and again until a difference shows finds one by chance: decide "
                        "beforehand when to end."));
        if (fabs(result->with.hours_per_night - result->without.hours_per_night) >
            result->without.hours_per_night / 10)
                tell(teller, N_("The nights of one side were monitored for longer, which distorts the "
                                "comparison."));
}

static void tell_cramps(struct teller *teller, const struct trial_result *result) {
        if (!isnan(result->without.mean_s) && !isnan(result->with.mean_s))
                tell(teller, N_("A cramp lasted %s s on average without the change, and %s s with it."),
                     number(teller, result->without.mean_s, 0).text,
                     number(teller, result->with.mean_s, 0).text);
        if (result->without.cramps > 0 && result->with.cramps > 0)
                tell(teller,
                     N_("Cramps that were strong by the signal: %u of %u without the change, and %u of "
                        "%u with it."),
                     result->without.strong, result->without.cramps, result->with.strong,
                     result->with.cramps);
        if (!isnan(result->without.mean_pain) && !isnan(result->with.mean_pain))
                tell(teller,
                     N_("The pain that you noted was %s of 10 on average without the change "
                        "(cramps: %u), and %s with it (%u)."),
                     number(teller, result->without.mean_pain, 1).text, result->without.rated,
                     number(teller, result->with.mean_pain, 1).text, result->with.rated);
}

int trial_tell(const struct trial_result *result, const struct language *language, char *text,
               size_t size) {
        struct teller teller = {.language = language, .text = text, .size = size};

        if (size > 0)
                text[0] = '\0';
        tell_counts(&teller, result);
        tell_verdict(&teller, result);
        tell_cautions(&teller, result);
        tell_cramps(&teller, result);
        return teller.length;
}
