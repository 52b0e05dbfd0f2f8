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

/* X(enumerator, name, N_(phrase for people), field) */
#define FACTORS(X)                                                                                     \
        X(UNDER_18, "under-18", N_("age under 18"), AGE)                                               \
        X(OVER_50, "over-50", N_("age over 50"), AGE)                                                  \
        X(OVER_65, "over-65", N_("age of 65 or more"), AGE)                                            \
        X(PREGNANT, "pregnant", N_("pregnancy"), PREGNANCY)                                            \
        X(BREASTFEEDING, "breastfeeding", N_("breastfeeding"), PREGNANCY)                              \
        X(VEGAN, "vegan", N_("vegan diet"), DIET)                                                      \
        X(NO_MEAT, "no-meat", N_("diet without meat"), DIET)                                           \
        X(ALCOHOL, "alcohol", N_("much alcohol"), ALCOHOL)                                             \
        X(KIDNEY_DISEASE, "kidney-disease", N_("kidney disease"), KIDNEY_DISEASE)                      \
        X(DIALYSIS, "dialysis", N_("dialysis"), DIALYSIS)                                              \
        X(LIVER_DISEASE, "liver-disease", N_("liver disease"), LIVER_DISEASE)                          \
        X(HEART_FAILURE, "heart-failure", N_("heart failure"), HEART_FAILURE)                          \
        X(VITAMIN_K_ANTAGONIST, "vitamin-k-antagonist", N_("warfarin or a similar medicine"),          \
          MEDICINES)                                                                                   \
        X(OTHER_ANTICOAGULANT, "other-anticoagulant", N_("another blood thinner"), MEDICINES)          \
        X(ACE_INHIBITOR, "ace-inhibitor", N_("an ACE inhibitor"), MEDICINES)                           \
        X(ARB, "arb", N_("an angiotensin receptor blocker"), MEDICINES)                                \
        X(POTASSIUM_SPARING, "potassium-sparing-diuretic", N_("a potassium-sparing diuretic"),         \
          MEDICINES)                                                                                   \
        X(LOOP_DIURETIC, "loop-diuretic", N_("a loop diuretic"), MEDICINES)                            \
        X(THIAZIDE, "thiazide-diuretic", N_("a thiazide or thiazide-like diuretic"), MEDICINES)        \
        X(STATIN, "statin", N_("a statin"), MEDICINES)                                                 \
        X(TETRACYCLINE, "tetracycline", N_("a tetracycline antibiotic"), MEDICINES)                    \
        X(QUINOLONE, "quinolone", N_("a quinolone antibiotic"), MEDICINES)                             \
        X(OTHER_ANTIBIOTIC, "other-antibiotic", N_("a long course of another antibiotic"), MEDICINES)  \
        X(BISPHOSPHONATE, "bisphosphonate", N_("a bisphosphonate"), MEDICINES)                         \
        X(LEVOTHYROXINE, "levothyroxine", N_("levothyroxine"), MEDICINES)                              \
        X(DIGOXIN, "digoxin", N_("digoxin"), MEDICINES)                                                \
        X(METFORMIN, "metformin", N_("metformin"), MEDICINES)                                          \
        X(PPI, "proton-pump-inhibitor", N_("a proton pump inhibitor"), MEDICINES)                      \
        X(BETA_AGONIST, "long-acting-beta-agonist", N_("a long-acting beta-agonist"), MEDICINES)       \
        X(NSAID, "nsaid", N_("an anti-inflammatory painkiller (NSAID)"), MEDICINES)                    \
        X(GABAPENTIN, "gabapentin", N_("gabapentin"), MEDICINES)                                       \
        X(CALCIUM_CHANNEL_BLOCKER, "calcium-channel-blocker", N_("a calcium-channel blocker"),         \
          MEDICINES)                                                                                   \
        X(NITROFURANTOIN, "nitrofurantoin", N_("nitrofurantoin"), MEDICINES)                           \
        X(PENICILLAMINE, "penicillamine", N_("penicillamine"), MEDICINES)                              \
        X(IRON, "iron", N_("iron"), MEDICINES)                                                         \
        X(ORLISTAT, "orlistat", N_("orlistat"), MEDICINES)                                             \
        X(BILE_ACID_RESIN, "bile-acid-resin", N_("a bile-acid resin"), MEDICINES)                      \
        X(QUININE, "quinine", N_("quinine"), MEDICINES)                                                \
        X(CRAMP_MEDICINE, "other-cramp-medicine", N_("a medicine that has cramps on its label"),       \
          MEDICINES)                                                                                   \
        X(OTHER_MEDICINE, "other-medicine", N_("a medicine that is not on the list"), MEDICINES)       \
        X(DIABETES, "diabetes", N_("diabetes"), CONDITIONS)                                            \
        X(HYPOTHYROIDISM, "hypothyroidism", N_("an underactive thyroid"), CONDITIONS)                  \
        X(PARKINSON, "parkinson", N_("Parkinson disease"), CONDITIONS)                                 \
        X(NERVE_COMPRESSION, "nerve-compression", N_("a pressed nerve (spinal stenosis)"), CONDITIONS) \
        X(NEUROPATHY, "neuropathy", N_("a nerve disorder"), CONDITIONS)                                \
        X(POOR_CIRCULATION, "poor-circulation", N_("poor circulation in the legs"), CONDITIONS)        \
        X(CANCER, "cancer", N_("cancer"), CONDITIONS)                                                  \
        X(GUT_DISEASE, "gut-disease", N_("a gut disease or gut surgery"), CONDITIONS)                  \
        X(HIGH_CALCIUM, "high-calcium", N_("high calcium in the blood"), CONDITIONS)                   \
        X(KIDNEY_STONES, "kidney-stones", N_("kidney stones"), CONDITIONS)                             \
        X(RESTLESS_LEGS, "restless-legs", N_("restless legs"), CONDITIONS)                             \
        X(OTHER_CONDITION, "other-condition", N_("a condition that is not on the list"), CONDITIONS)   \
        X(LONG_STANDING, "long-standing", N_("long standing"), LOG)                                    \
        X(MUCH_EXERCISE, "much-exercise", N_("hard exercise"), LOG)                                    \
        X(LITTLE_DRINK, "little-drink", N_("little drink"), LOG)                                       \
        X(FLUID_LOSS, "fluid-loss", N_("sweating or stomach illness"), LOG)

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
