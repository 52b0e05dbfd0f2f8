/* SPDX-License-Identifier: MIT */
/* The profile: see profile.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/guidance/profile.h"
#include "daemon/guidance/translate.h"

/* Nobody is older (the oldest known age is 122 years). */
#define AGE_MAX_YEARS 125
/* Outside of these ages a pregnancy is more likely a slip of the finger. */
#define PREGNANCY_MIN_YEARS 10
#define PREGNANCY_MAX_YEARS 65

const char *const profile_keys[] = {
        "age",      "sex",           "pregnancy",     "diet",      "alcohol",    "kidney-disease",
        "dialysis", "liver-disease", "heart-failure", "medicines", "conditions", "supplements",
        NULL,
};

/* By enum field; the log has no key. Marked for the sentences that name one. */
static const char *const field_names[FIELD_MAX] = {
        [FIELD_AGE] = N_("age"),
        [FIELD_SEX] = N_("sex"),
        [FIELD_PREGNANCY] = N_("pregnancy"),
        [FIELD_DIET] = N_("diet"),
        [FIELD_ALCOHOL] = N_("alcohol"),
        [FIELD_KIDNEY_DISEASE] = N_("kidney-disease"),
        [FIELD_DIALYSIS] = N_("dialysis"),
        [FIELD_LIVER_DISEASE] = N_("liver-disease"),
        [FIELD_HEART_FAILURE] = N_("heart-failure"),
        [FIELD_MEDICINES] = N_("medicines"),
        [FIELD_CONDITIONS] = N_("conditions"),
        [FIELD_SUPPLEMENTS] = N_("supplements"),
};

static const char *const sex_names[] = {"", "female", "male", NULL};
static const char *const pregnancy_names[] = {"", "no", "pregnant", "breastfeeding", NULL};
static const char *const diet_names[] = {"", "omnivore", "vegetarian", "vegan", NULL};
static const char *const alcohol_names[] = {"", "none", "some", "much", NULL};
static const char *const answer_names[] = {"", "no", "yes", NULL};

/* Common medicines by international name, with the class that counts here. Not all there are: who does
 * not find theirs gives its class, or other-medicine. */
static const struct {
        const char *name;
        enum factor class;
} medicines[] = {
        {"warfarin", FACTOR_VITAMIN_K_ANTAGONIST},
        {"acenocoumarol", FACTOR_VITAMIN_K_ANTAGONIST},
        {"phenprocoumon", FACTOR_VITAMIN_K_ANTAGONIST},
        {"fluindione", FACTOR_VITAMIN_K_ANTAGONIST},
        {"apixaban", FACTOR_OTHER_ANTICOAGULANT},
        {"dabigatran", FACTOR_OTHER_ANTICOAGULANT},
        {"edoxaban", FACTOR_OTHER_ANTICOAGULANT},
        {"heparin", FACTOR_OTHER_ANTICOAGULANT},
        {"rivaroxaban", FACTOR_OTHER_ANTICOAGULANT},
        {"captopril", FACTOR_ACE_INHIBITOR},
        {"enalapril", FACTOR_ACE_INHIBITOR},
        {"lisinopril", FACTOR_ACE_INHIBITOR},
        {"perindopril", FACTOR_ACE_INHIBITOR},
        {"ramipril", FACTOR_ACE_INHIBITOR},
        {"candesartan", FACTOR_ARB},
        {"irbesartan", FACTOR_ARB},
        {"losartan", FACTOR_ARB},
        {"olmesartan", FACTOR_ARB},
        {"sacubitril-valsartan", FACTOR_ARB},
        {"telmisartan", FACTOR_ARB},
        {"valsartan", FACTOR_ARB},
        {"amiloride", FACTOR_POTASSIUM_SPARING},
        {"eplerenone", FACTOR_POTASSIUM_SPARING},
        {"finerenone", FACTOR_POTASSIUM_SPARING},
        {"spironolactone", FACTOR_POTASSIUM_SPARING},
        {"triamterene", FACTOR_POTASSIUM_SPARING},
        {"bumetanide", FACTOR_LOOP_DIURETIC},
        {"furosemide", FACTOR_LOOP_DIURETIC},
        {"torasemide", FACTOR_LOOP_DIURETIC},
        {"bendroflumethiazide", FACTOR_THIAZIDE},
        {"chlortalidone", FACTOR_THIAZIDE},
        {"hydrochlorothiazide", FACTOR_THIAZIDE},
        {"indapamide", FACTOR_THIAZIDE},
        {"xipamide", FACTOR_THIAZIDE},
        {"atorvastatin", FACTOR_STATIN},
        {"fluvastatin", FACTOR_STATIN},
        {"pravastatin", FACTOR_STATIN},
        {"rosuvastatin", FACTOR_STATIN},
        {"simvastatin", FACTOR_STATIN},
        {"doxycycline", FACTOR_TETRACYCLINE},
        {"minocycline", FACTOR_TETRACYCLINE},
        {"ciprofloxacin", FACTOR_QUINOLONE},
        {"levofloxacin", FACTOR_QUINOLONE},
        {"moxifloxacin", FACTOR_QUINOLONE},
        {"alendronate", FACTOR_BISPHOSPHONATE},
        {"ibandronate", FACTOR_BISPHOSPHONATE},
        {"risedronate", FACTOR_BISPHOSPHONATE},
        {"digitoxin", FACTOR_DIGOXIN},
        {"esomeprazole", FACTOR_PPI},
        {"lansoprazole", FACTOR_PPI},
        {"omeprazole", FACTOR_PPI},
        {"pantoprazole", FACTOR_PPI},
        {"formoterol", FACTOR_BETA_AGONIST},
        {"salmeterol", FACTOR_BETA_AGONIST},
        {"aspirin", FACTOR_NSAID},
        {"diclofenac", FACTOR_NSAID},
        {"ibuprofen", FACTOR_NSAID},
        {"naproxen", FACTOR_NSAID},
        {"amlodipine", FACTOR_CALCIUM_CHANNEL_BLOCKER},
        {"diltiazem", FACTOR_CALCIUM_CHANNEL_BLOCKER},
        {"nifedipine", FACTOR_CALCIUM_CHANNEL_BLOCKER},
        {"verapamil", FACTOR_CALCIUM_CHANNEL_BLOCKER},
        {"colesevelam", FACTOR_BILE_ACID_RESIN},
        {"colestyramine", FACTOR_BILE_ACID_RESIN},
        {"raloxifene", FACTOR_CRAMP_MEDICINE},
        {"salbutamol", FACTOR_CRAMP_MEDICINE},
        {"teriparatide", FACTOR_CRAMP_MEDICINE},
};

const char *field_to_string(unsigned field) {
        return field < FIELD_MAX ? field_names[field] : NULL;
}

/* --- Errors */

static void possible_add(struct profile_error *error, const char *name) {
        size_t used = strlen(error->possible);

        (void)snprintf(error->possible + used, sizeof(error->possible) - used, "%s%s",
                       used > 0 ? ", " : "", name);
}

static int refuse(struct profile_error *error, const char *message, const char *value) {
        error->message = message;
        (void)snprintf(error->value, sizeof(error->value), "%.60s", value);
        error->possible[0] = '\0';
        return -EINVAL;
}

static int refuse_with_names(struct profile_error *error, const char *message, const char *value,
                             const char *const *names) {
        (void)refuse(error, message, value);
        for (; *names; names++)
                if (**names)
                        possible_add(error, *names);
        return -EINVAL;
}

/* --- Reading a value */

static int choice_read(const char *value, const char *const *names, unsigned *ret,
                       struct profile_error *error) {
        for (unsigned i = 0; names[i]; i++)
                if (strcmp(value, names[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return refuse_with_names(error, N_("\"%s\" is not possible here."), value, names);
}

static int age_read(const char *value, int *ret_years, struct profile_error *error) {
        int years = 0;

        if (!*value) {
                *ret_years = -1;
                return 0;
        }
        for (const char *p = value; *p; p++) {
                if (*p < '0' || *p > '9' || p - value >= 3)
                        return refuse(error,
                                      N_("\"%s\" is not an age: give whole years, from 0 to 125."),
                                      value);
                years = years * 10 + (*p - '0');
        }
        if (years > AGE_MAX_YEARS)
                return refuse(error, N_("\"%s\" is not an age: give whole years, from 0 to 125."),
                              value);
        *ret_years = years;
        return 0;
}

/* Adds the factor of one name, of a medicine or a condition. */
static int factor_read(const char *name, enum field field, uint64_t *factors,
                       struct profile_error *error) {
        int factor = factor_from_string(name);

        if (factor >= 0 && factor_field(factor) == field) {
                *factors |= FACTOR_BIT(factor);
                return 0;
        }
        if (field == FIELD_MEDICINES)
                for (size_t i = 0; i < ARRAY_LENGTH(medicines); i++)
                        if (strcmp(medicines[i].name, name) == 0) {
                                *factors |= FACTOR_BIT(medicines[i].class);
                                return 0;
                        }

        (void)refuse(
                error,
                field == FIELD_MEDICINES
                        ? N_("\"%s\" is not a medicine known here: give its class, or other-medicine.")
                        : N_("\"%s\" is not a condition known here: give other-condition for others."),
                name);
        possible_add(error, "none");
        for (int i = 0; i < FACTOR_MAX; i++)
                if (factor_field(i) == field)
                        possible_add(error, factor_to_string(i));
        return -EINVAL;
}

static int supplement_read(const char *item, struct profile *profile, struct profile_error *error) {
        const char *colon = strchr(item, ':');
        char name[32];
        struct profile_supplement supplement;
        struct amount_error amount_error;
        int nutrient;

        (void)snprintf(name, sizeof(name), "%.*s", colon ? (int)(colon - item) : (int)strlen(item),
                       item);
        nutrient = nutrient_from_string(name);
        if (nutrient < 0 || nutrient == NUTRIENT_HYDRATION) {
                (void)refuse(error, N_("\"%s\" is not a supplement known here."), item);
                possible_add(error, "none");
                for (int i = 0; i < NUTRIENT_HYDRATION; i++)
                        possible_add(error, nutrient_to_string(i));
                return -EINVAL;
        }
        if (!colon)
                return refuse(error, N_("\"%s\" has no amount: write for example magnesium:300mg."),
                              item);
        if (profile->n_supplements == PROFILE_SUPPLEMENTS_MAX)
                return refuse(error, N_("\"%s\" is one too many: there is room for 16 supplements."),
                              item);
        if (amount_read(nutrient, colon + 1, &supplement.amount, &amount_error) < 0) {
                (void)refuse(error, amount_error.message, amount_error.value);
                (void)snprintf(error->possible, sizeof(error->possible), "%s", amount_error.possible);
                return -EINVAL;
        }
        supplement.nutrient = nutrient;
        profile->supplements[profile->n_supplements++] = supplement;
        return 0;
}

static int item_read(struct profile *profile, enum field field, const char *item,
                     struct profile_error *error) {
        switch (field) {
        case FIELD_MEDICINES:
                return factor_read(item, field, &profile->medicines, error);
        case FIELD_CONDITIONS:
                return factor_read(item, field, &profile->conditions, error);
        default:
                return supplement_read(item, profile, error);
        }
}

static void list_clear(struct profile *profile, enum field field, bool said) {
        if (field == FIELD_MEDICINES) {
                profile->medicines = 0;
                profile->medicines_said = said;
        } else if (field == FIELD_CONDITIONS) {
                profile->conditions = 0;
                profile->conditions_said = said;
        } else {
                profile->n_supplements = 0;
                profile->supplements_said = said;
        }
}

static int list_read(struct profile *profile, enum field field, const char *value,
                     struct profile_error *error) {
        _cleanup_(freep) char *copy = NULL;
        char *rest, *item;

        list_clear(profile, field, *value != '\0');
        if (!*value || strcmp(value, "none") == 0)
                return 0;
        rest = copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        while ((item = strsep(&rest, ","))) {
                int r;

                item += strspn(item, " ");
                for (size_t end = strlen(item); end > 0 && item[end - 1] == ' '; end--)
                        item[end - 1] = '\0';
                if (strcmp(item, "none") == 0)
                        return refuse(error, N_("\"%s\" cannot stand beside others in a list."), item);
                r = item_read(profile, field, item, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int value_read(struct profile *profile, enum field field, const char *value,
                      struct profile_error *error) {
        unsigned choice = 0;
        int r;

        switch (field) {
        case FIELD_AGE:
                return age_read(value, &profile->age_years, error);
        case FIELD_SEX:
                r = choice_read(value, sex_names, &choice, error);
                profile->sex = choice;
                return r;
        case FIELD_PREGNANCY:
                r = choice_read(value, pregnancy_names, &choice, error);
                profile->pregnancy = choice;
                return r;
        case FIELD_DIET:
                r = choice_read(value, diet_names, &choice, error);
                profile->diet = choice;
                return r;
        case FIELD_ALCOHOL:
                r = choice_read(value, alcohol_names, &choice, error);
                profile->alcohol = choice;
                return r;
        case FIELD_KIDNEY_DISEASE:
                r = choice_read(value, answer_names, &choice, error);
                profile->kidney_disease = choice;
                return r;
        case FIELD_DIALYSIS:
                r = choice_read(value, answer_names, &choice, error);
                profile->dialysis = choice;
                return r;
        case FIELD_LIVER_DISEASE:
                r = choice_read(value, answer_names, &choice, error);
                profile->liver_disease = choice;
                return r;
        case FIELD_HEART_FAILURE:
                r = choice_read(value, answer_names, &choice, error);
                profile->heart_failure = choice;
                return r;
        default:
                return list_read(profile, field, value, error);
        }
}

/* --- Contradictions */

static int consistent(const struct profile *profile, struct profile_error *error) {
        bool with_child = profile->pregnancy == PREGNANCY_PREGNANT ||
                          profile->pregnancy == PREGNANCY_BREASTFEEDING;

        if (with_child && profile->sex == SEX_MALE)
                return refuse(error, N_("sex=male and pregnancy=%s contradict each other."),
                              pregnancy_names[profile->pregnancy]);
        if (with_child && profile->age_years >= 0 &&
            (profile->age_years < PREGNANCY_MIN_YEARS || profile->age_years > PREGNANCY_MAX_YEARS))
                return refuse(error, N_("This age and pregnancy=%s contradict each other."),
                              pregnancy_names[profile->pregnancy]);
        if (profile->dialysis == ANSWER_YES && profile->kidney_disease == ANSWER_NO)
                return refuse(error, N_("dialysis=%s and kidney-disease=no contradict each other."),
                              "yes");
        return 0;
}

static int assign(struct profile *profile, const char *assignment, struct profile_error *error) {
        const char *equals = strchr(assignment, '=');
        size_t length = equals ? (size_t)(equals - assignment) : strlen(assignment);

        if (equals)
                for (int field = 0; field < FIELD_LOG; field++)
                        if (strlen(field_names[field]) == length &&
                            strncmp(field_names[field], assignment, length) == 0)
                                return value_read(profile, field, equals + 1, error);
        return refuse_with_names(error,
                                 equals ? N_("\"%s\" has no key of a profile before its \"=\".")
                                        : N_("\"%s\" is not of the form KEY=VALUE."),
                                 assignment, profile_keys);
}

int profile_set_all(struct profile *profile, const char *const *assignments, size_t n_assignments,
                    struct profile_error *error) {
        struct profile changed = *profile;
        int r;

        for (size_t i = 0; i < n_assignments; i++) {
                r = assign(&changed, assignments[i], error);
                if (r < 0)
                        return r;
        }
        r = consistent(&changed, error);
        if (r < 0)
                return r;
        *profile = changed;
        return 0;
}

int profile_set(struct profile *profile, const char *assignment, struct profile_error *error) {
        return profile_set_all(profile, &assignment, 1, error);
}

/* --- Writing a value */

static void value_add(char *value, const char *item) {
        size_t used = strlen(value);

        (void)snprintf(value + used, PROFILE_VALUE_SIZE - used, "%s%s", used > 0 ? "," : "", item);
}

static void factors_write(uint64_t factors, bool said, char *value) {
        for (int i = 0; i < FACTOR_MAX; i++)
                if (factors & FACTOR_BIT(i))
                        value_add(value, factor_to_string(i));
        if (said && !*value)
                value_add(value, "none");
}

static void supplements_write(const struct profile *profile, char *value) {
        for (size_t i = 0; i < profile->n_supplements; i++) {
                const struct profile_supplement *supplement = &profile->supplements[i];
                char amount[AMOUNT_TEXT_SIZE], item[AMOUNT_TEXT_SIZE + 32];

                amount_write(&supplement->amount, amount);
                (void)snprintf(item, sizeof(item), "%s:%s", nutrient_to_string(supplement->nutrient),
                               amount);
                value_add(value, item);
        }
        if (profile->supplements_said && profile->n_supplements == 0)
                value_add(value, "none");
}

static void field_write(const struct profile *profile, enum field field, char *value) {
        value[0] = '\0';
        switch (field) {
        case FIELD_AGE:
                if (profile->age_years >= 0)
                        (void)snprintf(value, PROFILE_VALUE_SIZE, "%d", profile->age_years);
                break;
        case FIELD_SEX:
                value_add(value, sex_names[profile->sex]);
                break;
        case FIELD_PREGNANCY:
                value_add(value, pregnancy_names[profile->pregnancy]);
                break;
        case FIELD_DIET:
                value_add(value, diet_names[profile->diet]);
                break;
        case FIELD_ALCOHOL:
                value_add(value, alcohol_names[profile->alcohol]);
                break;
        case FIELD_KIDNEY_DISEASE:
                value_add(value, answer_names[profile->kidney_disease]);
                break;
        case FIELD_DIALYSIS:
                value_add(value, answer_names[profile->dialysis]);
                break;
        case FIELD_LIVER_DISEASE:
                value_add(value, answer_names[profile->liver_disease]);
                break;
        case FIELD_HEART_FAILURE:
                value_add(value, answer_names[profile->heart_failure]);
                break;
        case FIELD_MEDICINES:
                factors_write(profile->medicines, profile->medicines_said, value);
                break;
        case FIELD_CONDITIONS:
                factors_write(profile->conditions, profile->conditions_said, value);
                break;
        default:
                supplements_write(profile, value);
                break;
        }
}

int profile_get(const struct profile *profile, const char *key, char *value, size_t size) {
        char whole[PROFILE_VALUE_SIZE];

        for (int field = 0; field < FIELD_LOG; field++) {
                if (strcmp(key, field_names[field]) != 0)
                        continue;
                field_write(profile, field, whole);
                if (strlen(whole) >= size)
                        return -ENOBUFS;
                (void)snprintf(value, size, "%s", whole);
                return 0;
        }
        return -EINVAL;
}

/* --- Answers */

static enum answer answer_of(bool said, bool yes) {
        return !said ? ANSWER_UNSET : yes ? ANSWER_YES : ANSWER_NO;
}

/* A man needs not be asked. */
static enum pregnancy pregnancy_of(const struct profile *profile) {
        if (profile->pregnancy == PREGNANCY_UNSET && profile->sex == SEX_MALE)
                return PREGNANCY_NO;
        return profile->pregnancy;
}

/* Dialysis is a kidney disease, and without one there is no dialysis. */
static enum answer kidney_answer(const struct profile *profile) {
        return profile->dialysis == ANSWER_YES ? ANSWER_YES : profile->kidney_disease;
}

static enum answer dialysis_answer(const struct profile *profile) {
        return profile->kidney_disease == ANSWER_NO ? ANSWER_NO : profile->dialysis;
}

enum answer profile_answer(const struct profile *profile, enum factor factor) {
        bool age_said = profile->age_years >= 0;

        switch (factor) {
        case FACTOR_UNDER_18:
                return answer_of(age_said, profile->age_years < 18);
        case FACTOR_OVER_50:
                return answer_of(age_said, profile->age_years > 50);
        case FACTOR_OVER_65:
                return answer_of(age_said, profile->age_years >= 65);
        case FACTOR_PREGNANT:
                return answer_of(pregnancy_of(profile) != PREGNANCY_UNSET,
                                 profile->pregnancy == PREGNANCY_PREGNANT);
        case FACTOR_BREASTFEEDING:
                return answer_of(pregnancy_of(profile) != PREGNANCY_UNSET,
                                 profile->pregnancy == PREGNANCY_BREASTFEEDING);
        case FACTOR_VEGAN:
                return answer_of(profile->diet != DIET_UNSET, profile->diet == DIET_VEGAN);
        case FACTOR_NO_MEAT:
                return answer_of(profile->diet != DIET_UNSET, profile->diet >= DIET_VEGETARIAN);
        case FACTOR_ALCOHOL:
                return answer_of(profile->alcohol != ALCOHOL_UNSET, profile->alcohol == ALCOHOL_MUCH);
        case FACTOR_KIDNEY_DISEASE:
                return kidney_answer(profile);
        case FACTOR_DIALYSIS:
                return dialysis_answer(profile);
        case FACTOR_LIVER_DISEASE:
                return profile->liver_disease;
        case FACTOR_HEART_FAILURE:
                return profile->heart_failure;
        default:
                break;
        }
        if (factor_field(factor) == FIELD_MEDICINES)
                return answer_of(profile->medicines_said,
                                 (profile->medicines & FACTOR_BIT(factor)) != 0);
        if (factor_field(factor) == FIELD_CONDITIONS)
                return answer_of(profile->conditions_said,
                                 (profile->conditions & FACTOR_BIT(factor)) != 0);
        return ANSWER_UNSET;
}

uint32_t profile_missing(const struct profile *profile) {
        uint32_t missing = 0;

        if (profile->age_years < 0)
                missing |= 1U << FIELD_AGE;
        if (profile->sex == SEX_UNSET)
                missing |= 1U << FIELD_SEX;
        if (pregnancy_of(profile) == PREGNANCY_UNSET)
                missing |= 1U << FIELD_PREGNANCY;
        if (profile->diet == DIET_UNSET)
                missing |= 1U << FIELD_DIET;
        if (profile->alcohol == ALCOHOL_UNSET)
                missing |= 1U << FIELD_ALCOHOL;
        if (kidney_answer(profile) == ANSWER_UNSET)
                missing |= 1U << FIELD_KIDNEY_DISEASE;
        if (dialysis_answer(profile) == ANSWER_UNSET && kidney_answer(profile) != ANSWER_UNSET)
                missing |= 1U << FIELD_DIALYSIS;
        if (profile->liver_disease == ANSWER_UNSET)
                missing |= 1U << FIELD_LIVER_DISEASE;
        if (profile->heart_failure == ANSWER_UNSET)
                missing |= 1U << FIELD_HEART_FAILURE;
        if (!profile->medicines_said)
                missing |= 1U << FIELD_MEDICINES;
        if (!profile->conditions_said)
                missing |= 1U << FIELD_CONDITIONS;
        if (!profile->supplements_said)
                missing |= 1U << FIELD_SUPPLEMENTS;
        return missing;
}
