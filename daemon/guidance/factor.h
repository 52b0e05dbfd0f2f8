/* SPDX-License-Identifier: MIT */
/*
 * Factors: the closed list of what can be true of a sleeper and bears on advice (an illness, a class of
 * medicine, a habit seen in the log). A condition of a statement in knowledge.toml is one of these
 * names; generate-knowledge.py reads the list from this file. An answer has three values: not having
 * said is never the same as "no". Needs nothing; used by all of guidance/.
 */
#pragma once

#include <stdint.h>

enum answer { ANSWER_UNSET, ANSWER_NO, ANSWER_YES };

/* What a factor is known from, and what to ask for when it is not known. */
enum field {
        FIELD_AGE,
        FIELD_SEX,
        FIELD_PREGNANCY,
        FIELD_DIET,
        FIELD_ALCOHOL,
        FIELD_KIDNEY_DISEASE,
        FIELD_DIALYSIS,
        FIELD_LIVER_DISEASE,
        FIELD_HEART_FAILURE,
        FIELD_MEDICINES,
        FIELD_CONDITIONS,
        FIELD_SUPPLEMENTS,
        FIELD_LOG, /* no field of the profile: from here on the log tells */
        FIELD_MAX
};

/* X(enumerator, name, phrase for people, field) */
#define FACTORS(X)                                                                                      \
        X(UNDER_18, "under-18", "age under 18", AGE)                                                    \
        X(OVER_50, "over-50", "age over 50", AGE)                                                       \
        X(OVER_65, "over-65", "age of 65 or more", AGE)                                                 \
        X(PREGNANT, "pregnant", "pregnancy", PREGNANCY)                                                 \
        X(BREASTFEEDING, "breastfeeding", "breastfeeding", PREGNANCY)                                   \
        X(VEGAN, "vegan", "vegan diet", DIET)                                                           \
        X(NO_MEAT, "no-meat", "diet without meat", DIET)                                                \
        X(ALCOHOL, "alcohol", "much alcohol", ALCOHOL)                                                  \
        X(KIDNEY_DISEASE, "kidney-disease", "kidney disease", KIDNEY_DISEASE)                           \
        X(DIALYSIS, "dialysis", "dialysis", DIALYSIS)                                                   \
        X(LIVER_DISEASE, "liver-disease", "liver disease", LIVER_DISEASE)                               \
        X(HEART_FAILURE, "heart-failure", "heart failure", HEART_FAILURE)                               \
        X(VITAMIN_K_ANTAGONIST, "vitamin-k-antagonist", "warfarin or a similar medicine", MEDICINES)    \
        X(OTHER_ANTICOAGULANT, "other-anticoagulant", "another blood thinner", MEDICINES)               \
        X(ACE_INHIBITOR, "ace-inhibitor", "an ACE inhibitor", MEDICINES)                                \
        X(ARB, "arb", "an angiotensin receptor blocker", MEDICINES)                                     \
        X(POTASSIUM_SPARING, "potassium-sparing-diuretic", "a potassium-sparing diuretic", MEDICINES)   \
        X(LOOP_DIURETIC, "loop-diuretic", "a loop diuretic", MEDICINES)                                 \
        X(THIAZIDE, "thiazide-diuretic", "a thiazide or thiazide-like diuretic", MEDICINES)             \
        X(STATIN, "statin", "a statin", MEDICINES)                                                      \
        X(TETRACYCLINE, "tetracycline", "a tetracycline antibiotic", MEDICINES)                         \
        X(QUINOLONE, "quinolone", "a quinolone antibiotic", MEDICINES)                                  \
        X(OTHER_ANTIBIOTIC, "other-antibiotic", "a long course of another antibiotic", MEDICINES)       \
        X(BISPHOSPHONATE, "bisphosphonate", "a bisphosphonate", MEDICINES)                              \
        X(LEVOTHYROXINE, "levothyroxine", "levothyroxine", MEDICINES)                                   \
        X(DIGOXIN, "digoxin", "digoxin", MEDICINES)                                                     \
        X(METFORMIN, "metformin", "metformin", MEDICINES)                                               \
        X(PPI, "proton-pump-inhibitor", "a proton pump inhibitor", MEDICINES)                           \
        X(BETA_AGONIST, "long-acting-beta-agonist", "a long-acting beta-agonist", MEDICINES)            \
        X(NSAID, "nsaid", "an anti-inflammatory painkiller (NSAID)", MEDICINES)                         \
        X(GABAPENTIN, "gabapentin", "gabapentin", MEDICINES)                                            \
        X(CALCIUM_CHANNEL_BLOCKER, "calcium-channel-blocker", "a calcium-channel blocker", MEDICINES)   \
        X(NITROFURANTOIN, "nitrofurantoin", "nitrofurantoin", MEDICINES)                                \
        X(PENICILLAMINE, "penicillamine", "penicillamine", MEDICINES)                                   \
        X(IRON, "iron", "iron", MEDICINES)                                                              \
        X(ORLISTAT, "orlistat", "orlistat", MEDICINES)                                                  \
        X(BILE_ACID_RESIN, "bile-acid-resin", "a bile-acid resin", MEDICINES)                           \
        X(QUININE, "quinine", "quinine", MEDICINES)                                                     \
        X(CRAMP_MEDICINE, "other-cramp-medicine", "a medicine that has cramps on its label", MEDICINES) \
        X(OTHER_MEDICINE, "other-medicine", "a medicine that is not on the list", MEDICINES)            \
        X(DIABETES, "diabetes", "diabetes", CONDITIONS)                                                 \
        X(HYPOTHYROIDISM, "hypothyroidism", "an underactive thyroid", CONDITIONS)                       \
        X(PARKINSON, "parkinson", "Parkinson disease", CONDITIONS)                                      \
        X(NERVE_COMPRESSION, "nerve-compression", "a pressed nerve (spinal stenosis)", CONDITIONS)      \
        X(NEUROPATHY, "neuropathy", "a nerve disorder", CONDITIONS)                                     \
        X(POOR_CIRCULATION, "poor-circulation", "poor circulation in the legs", CONDITIONS)             \
        X(CANCER, "cancer", "cancer", CONDITIONS)                                                       \
        X(GUT_DISEASE, "gut-disease", "a gut disease or gut surgery", CONDITIONS)                       \
        X(HIGH_CALCIUM, "high-calcium", "high calcium in the blood", CONDITIONS)                        \
        X(KIDNEY_STONES, "kidney-stones", "kidney stones", CONDITIONS)                                  \
        X(RESTLESS_LEGS, "restless-legs", "restless legs", CONDITIONS)                                  \
        X(OTHER_CONDITION, "other-condition", "a condition that is not on the list", CONDITIONS)        \
        X(LONG_STANDING, "long-standing", "long standing in your log", LOG)                             \
        X(MUCH_EXERCISE, "much-exercise", "hard exercise in your log", LOG)                             \
        X(LITTLE_DRINK, "little-drink", "little drink in your log", LOG)                                \
        X(FLUID_LOSS, "fluid-loss", "sweating or stomach illness in your log", LOG)

#define FACTOR_ENUMERATOR(enumerator, name, phrase, field) FACTOR_##enumerator,
enum factor { FACTORS(FACTOR_ENUMERATOR) FACTOR_MAX };
#undef FACTOR_ENUMERATOR

_Static_assert(FACTOR_MAX <= 64, "a set of factors is a 64-bit mask");
#define FACTOR_BIT(factor) (UINT64_C(1) << (factor))

/* NULL outside the list. */
const char *factor_to_string(unsigned factor);
const char *factor_phrase(unsigned factor);
enum field factor_field(enum factor factor);

/* Returns the factor, or -EINVAL for a name outside the list. */
int factor_from_string(const char *name);
