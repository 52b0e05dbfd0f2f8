/* SPDX-License-Identifier: MIT */
/*
 * The closed lists of muscles and legs: names as on the bus and the command line, codes as in the open
 * sensor profile (PROFILE.md). Used by every room; needs nothing.
 */
#pragma once

enum muscle {
        MUSCLE_UNSPECIFIED,
        MUSCLE_GASTROCNEMIUS, /* either head, not told apart */
        MUSCLE_GASTROCNEMIUS_MEDIALIS,
        MUSCLE_GASTROCNEMIUS_LATERALIS,
        MUSCLE_SOLEUS,
        MUSCLE_TIBIALIS_ANTERIOR,
        MUSCLE_PERONEUS_LONGUS,
        MUSCLE_FOOT, /* short muscles of the sole */
        MUSCLE_QUADRICEPS,
        MUSCLE_HAMSTRINGS,
        MUSCLE_MAX
};

enum leg { LEG_UNSPECIFIED, LEG_LEFT, LEG_RIGHT, LEG_MAX };

/* "gastrocnemius-medialis"; NULL for a code outside the list. */
const char *muscle_to_string(unsigned muscle);
const char *leg_to_string(unsigned leg);

/* For people: "Inner calf (gastrocnemius medialis)", and where the electrodes go, after the SENIAM
 * recommendations (Hermens et al. 1999; seniam.org) where these have the muscle. NULL as above. */
const char *muscle_title(unsigned muscle);
const char *muscle_site(unsigned muscle);

/* Returns the code, or -EINVAL for a name outside the list. */
int muscle_from_string(const char *name);
int leg_from_string(const char *name);
