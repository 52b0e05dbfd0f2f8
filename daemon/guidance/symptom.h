/* SPDX-License-Identifier: MIT */
/* The closed list of symptoms that a sleeper can log, by leg. Needs nothing; used by advise.c and by
 * whoever keeps the log. */
#pragma once

#include <stdint.h>

/* X(enumerator, name, N_(phrase for people)). The names are on the bus and in databases: these never
 * change.
 */
#define SYMPTOMS(X)                                                                 \
        X(SWELLING, "swelling", N_("swelling"))                                     \
        X(REDNESS, "redness", N_("redness"))                                        \
        X(SKIN_CHANGE, "skin-change", N_("a change of the skin"))                   \
        X(WARMTH, "warmth", N_("a leg that feels hot"))                             \
        X(LASTING_PAIN, "lasting-pain", N_("pain that stays after the cramp"))      \
        X(WEAKNESS, "weakness", N_("weakness of the leg"))                          \
        X(WASTING, "wasting", N_("a muscle that shrinks"))                          \
        X(TWITCHING, "twitching", N_("twitching under the skin"))                   \
        X(NUMBNESS, "numbness", N_("numbness"))                                     \
        X(TINGLING, "tingling", N_("tingling"))                                     \
        X(PAIN_ON_WALKING, "pain-on-walking", N_("calf pain on walking"))           \
        X(PALE_SKIN, "pale-skin", N_("pale skin"))                                  \
        X(URGE_TO_MOVE, "urge-to-move", N_("an urge to move the legs"))             \
        X(DARK_URINE, "dark-urine", N_("dark urine"))                               \
        X(FEVER, "fever", N_("fever"))                                              \
        X(WEAKNESS_ALL_OVER, "weakness-all-over", N_("weakness of the whole body")) \
        X(BREATHLESSNESS, "breathlessness", N_("short breath"))                     \
        X(CHEST_PAIN, "chest-pain", N_("chest pain"))                               \
        X(DIRTY_WOUND, "dirty-wound", N_("a dirty wound"))                          \
        X(POISON, "poison", N_("contact with poison"))                              \
        X(NEW_MEDICINE, "new-medicine", N_("a new medicine"))                       \
        X(STOMACH_ILLNESS, "stomach-illness", N_("vomiting or diarrhoea"))          \
        X(HEAVY_SWEATING, "heavy-sweating", N_("heavy sweating"))

#define SYMPTOM_ENUMERATOR(enumerator, name, phrase) SYMPTOM_##enumerator,
enum symptom { SYMPTOMS(SYMPTOM_ENUMERATOR) SYMPTOM_MAX };
#undef SYMPTOM_ENUMERATOR

#define SYMPTOM_BIT(symptom) (UINT32_C(1) << (symptom))

/* What was logged of late: bits by leg. What has no leg, or none was said, is in `unsaid`; what is on
 * both legs is in both. */
struct symptoms {
        uint32_t left, right, unsaid;
};

/* NULL outside the list; the return of _from_string is the symptom or -EINVAL. */
const char *symptom_to_string(unsigned symptom);
const char *symptom_phrase(unsigned symptom);
int symptom_from_string(const char *name);
