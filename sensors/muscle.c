/* SPDX-License-Identifier: MIT */
/* Names of muscles and legs: see muscle.h. */
#include "sensors/muscle.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const muscle_names[MUSCLE_MAX] = {
        [MUSCLE_UNSPECIFIED] = "unspecified",
        [MUSCLE_GASTROCNEMIUS] = "gastrocnemius",
        [MUSCLE_GASTROCNEMIUS_MEDIALIS] = "gastrocnemius-medialis",
        [MUSCLE_GASTROCNEMIUS_LATERALIS] = "gastrocnemius-lateralis",
        [MUSCLE_SOLEUS] = "soleus",
        [MUSCLE_TIBIALIS_ANTERIOR] = "tibialis-anterior",
        [MUSCLE_PERONEUS_LONGUS] = "peroneus-longus",
        [MUSCLE_FOOT] = "foot",
        [MUSCLE_QUADRICEPS] = "quadriceps",
        [MUSCLE_HAMSTRINGS] = "hamstrings",
};

static const char *const leg_names[LEG_MAX] = {
        [LEG_UNSPECIFIED] = "unspecified",
        [LEG_LEFT] = "left",
        [LEG_RIGHT] = "right",
};

static int name_find(const char *const *names, size_t count, const char *name) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(names[i], name) == 0)
                        return (int)i;
        return -EINVAL;
}

const char *muscle_to_string(unsigned muscle) {
        return muscle < MUSCLE_MAX ? muscle_names[muscle] : NULL;
}

const char *leg_to_string(unsigned leg) {
        return leg < LEG_MAX ? leg_names[leg] : NULL;
}

int muscle_from_string(const char *name) {
        return name_find(muscle_names, MUSCLE_MAX, name);
}

int leg_from_string(const char *name) {
        return name_find(leg_names, LEG_MAX, name);
}
