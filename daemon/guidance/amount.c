/* SPDX-License-Identifier: MIT */
/* Amounts and units: see amount.h. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/guidance/amount.h"
#include "daemon/guidance/profile.h"
#include "daemon/guidance/translate.h"

/* Every double of so many digits is exact as an integer. */
#define DIGITS_MAX 12

static const struct {
        const char *name;
        double factor; /* to µg, ml or minutes */
} units[UNIT_MAX] = {
        [UNIT_UG] = {"ug", 1},   [UNIT_MG] = {"mg", 1e3},
        [UNIT_G] = {"g", 1e6},   [UNIT_IU] = {"IU", 1 / VITAMIN_D_IU_PER_UG},
        [UNIT_ML] = {"ml", 1},   [UNIT_L] = {"l", 1e3},
        [UNIT_MIN] = {"min", 1}, [UNIT_H] = {"h", 60},
};

/* Other spellings: the micro sign, the Greek letter, the American one. */
static const struct {
        const char *name;
        enum unit unit;
} spellings[] = {
        {"\302\265g", UNIT_UG}, {"\316\274g", UNIT_UG}, {"mcg", UNIT_UG},  {"iu", UNIT_IU},
        {"mL", UNIT_ML},        {"L", UNIT_L},          {"hours", UNIT_H}, {"minutes", UNIT_MIN},
};

#define MASS ((1U << UNIT_UG) | (1U << UNIT_MG) | (1U << UNIT_G))
#define VOLUME ((1U << UNIT_ML) | (1U << UNIT_L))
#define TIME ((1U << UNIT_MIN) | (1U << UNIT_H))

/* What fits, and the most that is believed for one day: far above any dose that is prescribed, so that
 * only slips of the finger and of the unit are refused. In µg, ml or minutes. */
static const struct {
        const char *name;
        unsigned units;
        double most;
} whats[ENTRY_WHAT_MAX] = {
        [NUTRIENT_MAGNESIUM] = {"magnesium", MASS, 10e6},
        [NUTRIENT_POTASSIUM] = {"potassium", MASS, 20e6},
        [NUTRIENT_CALCIUM] = {"calcium", MASS, 15e6},
        [NUTRIENT_VITAMIN_D] = {"vitamin-d", MASS | (1U << UNIT_IU), 15e3},
        [NUTRIENT_VITAMIN_K2] = {"vitamin-k2", MASS, 100e3},
        [NUTRIENT_VITAMIN_B1] = {"vitamin-b1", MASS, 2e6},
        [NUTRIENT_VITAMIN_B12] = {"vitamin-b12", MASS, 20e3},
        [NUTRIENT_HYDRATION] = {"water", VOLUME, 20e3},
        [ENTRY_STANDING] = {"standing", TIME, 24 * 60},
        [ENTRY_EXERCISE] = {"exercise", TIME, 24 * 60},
        [ENTRY_SLEEP] = {"sleep", TIME, 24 * 60},
};

/* Conventional atomic weights (IUPAC, Prohaska et al. 2022). */
enum element { H, C, N, O, Mg, S, Cl, K, Ca, ELEMENT_MAX };
static const double weights[ELEMENT_MAX] = {1.008, 12.011, 14.007, 15.999, 24.305,
                                            32.06, 35.45,  39.098, 40.078};

/* Compounds of supplements, without water of crystallisation: a hydrate holds less of the element, so
 * that a sum errs to the safe side. */
static const struct {
        const char *name;
        enum nutrient nutrient;
        enum element element;
        unsigned char atoms[ELEMENT_MAX];
} compounds[] = {
        {"magnesium-oxide", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [O] = 1}},
        {"magnesium-hydroxide", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [O] = 2, [H] = 2}},
        {"magnesium-carbonate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [C] = 1, [O] = 3}},
        {"magnesium-chloride", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [Cl] = 2}},
        {"magnesium-sulfate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [S] = 1, [O] = 4}},
        {"magnesium-citrate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 3, [C] = 12, [H] = 10, [O] = 14}},
        {"magnesium-glycinate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [C] = 4, [H] = 8, [N] = 2, [O] = 4}},
        {"magnesium-lactate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [C] = 6, [H] = 10, [O] = 6}},
        {"magnesium-malate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [C] = 4, [H] = 4, [O] = 5}},
        {"magnesium-aspartate", NUTRIENT_MAGNESIUM, Mg, {[Mg] = 1, [C] = 8, [H] = 12, [N] = 2, [O] = 8}},
        {"potassium-chloride", NUTRIENT_POTASSIUM, K, {[K] = 1, [Cl] = 1}},
        {"potassium-bicarbonate", NUTRIENT_POTASSIUM, K, {[K] = 1, [H] = 1, [C] = 1, [O] = 3}},
        {"potassium-citrate", NUTRIENT_POTASSIUM, K, {[K] = 3, [C] = 6, [H] = 5, [O] = 7}},
        {"potassium-gluconate", NUTRIENT_POTASSIUM, K, {[K] = 1, [C] = 6, [H] = 11, [O] = 7}},
        {"calcium-carbonate", NUTRIENT_CALCIUM, Ca, {[Ca] = 1, [C] = 1, [O] = 3}},
        {"calcium-citrate", NUTRIENT_CALCIUM, Ca, {[Ca] = 3, [C] = 12, [H] = 10, [O] = 14}},
        {"calcium-lactate", NUTRIENT_CALCIUM, Ca, {[Ca] = 1, [C] = 6, [H] = 10, [O] = 6}},
        {"calcium-gluconate", NUTRIENT_CALCIUM, Ca, {[Ca] = 1, [C] = 12, [H] = 22, [O] = 14}},
};

static int refuse(struct amount_error *error, const char *message, const char *value) {
        error->message = message;
        (void)snprintf(error->value, sizeof(error->value), "%.60s", value);
        error->possible[0] = '\0';
        return -EINVAL;
}

static void possible_add(struct amount_error *error, const char *name) {
        size_t used = strlen(error->possible);

        (void)snprintf(error->possible + used, sizeof(error->possible) - used, "%s%s",
                       used > 0 ? ", " : "", name);
}

static int refuse_unit(struct amount_error *error, const char *message, const char *value,
                       unsigned fitting) {
        (void)refuse(error, message, value);
        for (unsigned i = 0; i < UNIT_MAX; i++)
                if (fitting & (1U << i))
                        possible_add(error, units[i].name);
        return -EINVAL;
}

/* --- Reading */

/* Decimal digits with one point at most: no sign, exponent or locale. Returns the end, NULL for no
 * number. */
static const char *number_parse(const char *text, double *ret) {
        static const double powers[] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                        1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
        uint64_t digits = 0;
        int n_digits = 0, decimals = -1;

        for (;; text++) {
                if (*text == '.' && decimals < 0 && n_digits > 0) {
                        decimals = 0;
                } else if (*text >= '0' && *text <= '9') {
                        if (++n_digits > DIGITS_MAX)
                                return NULL;
                        digits = digits * 10 + (unsigned)(*text - '0');
                        decimals += decimals >= 0;
                } else {
                        break;
                }
        }
        if (n_digits == 0 || decimals == 0)
                return NULL;
        *ret = (double)digits / powers[decimals > 0 ? decimals : 0];
        return text;
}

static int unit_parse(const char *text) {
        for (int i = 0; i < UNIT_MAX; i++)
                if (strcmp(text, units[i].name) == 0)
                        return i;
        for (size_t i = 0; i < ARRAY_LENGTH(spellings); i++)
                if (strcmp(text, spellings[i].name) == 0)
                        return spellings[i].unit;
        return -EINVAL;
}

int amount_parse(const char *text, struct amount *ret, struct amount_error *error) {
        double value = 0;
        const char *end = number_parse(text, &value);
        int unit;

        if (!end)
                return refuse(error,
                              N_("\"%s\" is not an amount: write a number above 0 and a unit, like "
                                 "300mg or 1.5l."),
                              text);
        if (value <= 0)
                return refuse(error, N_("\"%s\" is not an amount above 0."), text);
        if (*end == ' ')
                end++;
        if (!*end)
                return refuse_unit(error, N_("\"%s\" has no unit."), text, (1U << UNIT_MAX) - 1);
        unit = unit_parse(end);
        if (unit < 0)
                return refuse_unit(error, N_("\"%s\" has a unit that is not known."), text,
                                   (1U << UNIT_MAX) - 1);
        *ret = (struct amount){.value = value, .unit = unit};
        return 0;
}

static int amount_read_what(int what, const char *text, struct amount *ret, struct amount_error *error) {
        struct amount amount;
        int r = amount_parse(text, &amount, error);

        if (r < 0) {
                /* Of all units only those that fit are worth naming. */
                if (error->possible[0])
                        (void)refuse_unit(error, error->message, text, whats[what].units);
                return r;
        }
        if (!(whats[what].units & (1U << amount.unit)))
                return refuse_unit(error, N_("\"%s\" has a unit that does not fit."), text,
                                   whats[what].units);
        if (amount.value * units[amount.unit].factor > whats[what].most)
                return refuse(error,
                              N_("\"%s\" is more than anybody takes or does in a day: check the unit."),
                              text);
        *ret = amount;
        return 0;
}

int amount_read(enum nutrient nutrient, const char *text, struct amount *ret,
                struct amount_error *error) {
        return amount_read_what(nutrient, text, ret, error);
}

void amount_write(const struct amount *amount, char text[static AMOUNT_TEXT_SIZE]) {
        char number[AMOUNT_TEXT_SIZE - 4], *comma;

        (void)snprintf(number, sizeof(number), "%.12g", amount->value);
        if (strchr(number, 'e')) {
                /* Small, and no exponent is read back: what was read has 11 decimals at most. */
                (void)snprintf(number, sizeof(number), "%.11f", amount->value);
                for (size_t end = strlen(number); number[end - 1] == '0'; end--)
                        number[end - 1] = '\0';
        }
        comma = strchr(number, ',');
        if (comma)
                *comma = '.';
        (void)snprintf(text, AMOUNT_TEXT_SIZE, "%s%s", number, units[amount->unit].name);
}

double amount_to_base(enum nutrient nutrient, const struct amount *amount) {
        return amount->value * units[amount->unit].factor;
}

/* --- Entries of the log */

static int entry_what_from_string(const char *name) {
        if (strcmp(name, "hydration") == 0)
                return NUTRIENT_HYDRATION;
        for (int i = 0; i < ENTRY_WHAT_MAX; i++)
                if (strcmp(whats[i].name, name) == 0)
                        return i;
        return -EINVAL;
}

const char *entry_what_to_string(unsigned what) {
        return what < ENTRY_WHAT_MAX ? whats[what].name : NULL;
}

const char *entry_what_of(const char *said) {
        int what = entry_what_from_string(said);

        return what < 0 ? said : whats[what].name;
}

double compound_share(enum nutrient nutrient, const char *compound) {
        for (size_t i = 0; i < ARRAY_LENGTH(compounds); i++) {
                double whole = 0;

                if (compounds[i].nutrient != nutrient || strcmp(compounds[i].name, compound) != 0)
                        continue;
                for (int j = 0; j < ELEMENT_MAX; j++)
                        whole += compounds[i].atoms[j] * weights[j];
                return compounds[i].atoms[compounds[i].element] * weights[compounds[i].element] / whole;
        }
        return 0;
}

const char *compound_name(enum nutrient nutrient, size_t i) {
        for (size_t j = 0; j < ARRAY_LENGTH(compounds); j++)
                if (compounds[j].nutrient == nutrient && i-- == 0)
                        return compounds[j].name;
        return NULL;
}

static int compound_read(int what, const char *compound, struct entry *entry,
                         struct amount_error *error) {
        for (size_t i = 0; i < ARRAY_LENGTH(compounds); i++)
                if ((int)compounds[i].nutrient == what && strcmp(compounds[i].name, compound) == 0) {
                        entry->compound = compounds[i].name;
                        entry->base *= compound_share(compounds[i].nutrient, compound);
                        return 0;
                }
        (void)refuse(error, N_("\"%s\" is not a compound known for this: give the elemental amount."),
                     compound);
        for (size_t i = 0; i < ARRAY_LENGTH(compounds); i++)
                if ((int)compounds[i].nutrient == what)
                        possible_add(error, compounds[i].name);
        return -EINVAL;
}

int entry_read(const char *what, const char *amount, enum entry_from from, const char *compound,
               struct entry *ret, struct amount_error *error) {
        struct entry entry = {.what = entry_what_from_string(what), .from = from};
        int r;

        if (entry.what < 0) {
                (void)refuse(error, N_("\"%s\" is not something that can be logged with an amount."),
                             what);
                for (int i = 0; i < ENTRY_WHAT_MAX; i++)
                        possible_add(error, whats[i].name);
                return -EINVAL;
        }
        r = amount_read_what(entry.what, amount, &entry.amount, error);
        if (r < 0)
                return r;
        entry.base = entry.amount.value * units[entry.amount.unit].factor;
        if (compound) {
                r = compound_read(entry.what, compound, &entry, error);
                if (r < 0)
                        return r;
        }
        *ret = entry;
        return 0;
}

/* --- Limits and recommended amounts */

static double unit_factor(const char *name) {
        int unit = unit_parse(name);

        return unit < 0 ? 0 : units[unit].factor;
}

/* The limit for an age; for an unknown one the strictest from the age of 9 on, below which nobody is
 * left alone with a log. */
static const struct knowledge_limit *limit_find(enum nutrient nutrient, int age_years) {
        const struct knowledge_limit *found = NULL;
        int age_months = age_years * 12;

        for (size_t i = 0; i < knowledge_n_limits; i++) {
                const struct knowledge_limit *limit = &knowledge_limits[i];

                if (limit->nutrient != nutrient)
                        continue;
                if (age_years >= 0) {
                        if (age_months >= limit->from_months && age_months < limit->below_months)
                                return limit;
                } else if (limit->below_months > 9 * 12 && (!found || limit->amount < found->amount)) {
                        found = limit;
                }
        }
        return found;
}

bool limit_check(enum nutrient nutrient, int age_years, double food, double supplement,
                 struct limit_check *ret) {
        const struct knowledge_limit *limit = limit_find(nutrient, age_years);

        *ret = (struct limit_check){.limit = limit};
        if (!limit)
                return false;
        ret->counted = supplement + (limit->supplements_only ? 0 : food);
        ret->limit_base = limit->amount * unit_factor(limit->unit);
        ret->age_assumed = age_years < 0;
        /* A sum of roundings is not an excess. */
        ret->above = ret->counted > ret->limit_base * (1 + 1e-9);
        return ret->above;
}

static bool intake_fits(const struct knowledge_intake *intake, const struct profile *profile,
                        enum intake_state state) {
        int age_months = profile->age_years * 12;

        if (intake->state != state || age_months < intake->from_months ||
            age_months >= intake->below_months)
                return false;
        return intake->sex == INTAKE_ANY_SEX ||
               intake->sex == (profile->sex == SEX_FEMALE ? INTAKE_FEMALE : INTAKE_MALE);
}

double intake_recommended(const struct profile *profile, enum nutrient nutrient,
                          const struct knowledge_intake **ret_intake) {
        enum intake_state state = profile->pregnancy == PREGNANCY_PREGNANT        ? INTAKE_PREGNANT
                                  : profile->pregnancy == PREGNANCY_BREASTFEEDING ? INTAKE_BREASTFEEDING
                                                                                  : INTAKE_USUAL;

        if (ret_intake)
                *ret_intake = NULL;
        if (profile->age_years < 0)
                return 0;
        for (size_t i = 0; i < knowledge_n_intakes; i++) {
                const struct knowledge_intake *intake = &knowledge_intakes[i];

                if (intake->nutrient != nutrient || !intake_fits(intake, profile, state))
                        continue;
                if (intake->sex != INTAKE_ANY_SEX && profile->sex == SEX_UNSET)
                        return 0;
                if (ret_intake)
                        *ret_intake = intake;
                return intake->amount * unit_factor(intake->unit);
        }
        return 0;
}
