/* SPDX-License-Identifier: MIT */
/* Names of muscles and legs: see muscle.h. */
#include "sensors/muscle.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sensors/translate.h"

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

static const struct {
        const char *title;
        const char *site;
} places[MUSCLE_MAX] = {
        [MUSCLE_UNSPECIFIED] = {N_("Not said"), N_("As the maker of the sensor shows it.")},
        [MUSCLE_GASTROCNEMIUS] = {N_("Calf (gastrocnemius, either head)"),
                                  N_("On the calf's biggest bulge, below the knee; along the leg.")},
        [MUSCLE_GASTROCNEMIUS_MEDIALIS] =
                {N_("Inner calf (gastrocnemius medialis)"),
                 N_("On the most prominent bulge of the inner calf; along the leg.")},
        [MUSCLE_GASTROCNEMIUS_LATERALIS] =
                {N_("Outer calf (gastrocnemius lateralis)"),
                 N_("A third of the way from the head of the fibula (the knob "
                    "below the knee, outside) to the "
                    "heel; along that line.")},
        [MUSCLE_SOLEUS] =
                {N_("Deep calf (soleus)"),
                 N_("Two thirds of the way from the inner side of the knee (medial condyle of the "
                    "femur) to the inner ankle bone; along that line.")},
        [MUSCLE_TIBIALIS_ANTERIOR] =
                {N_("Shin (tibialis anterior)"),
                 N_("A third of the way from the tip of the fibula, below the knee, to "
                    "the tip of the inner ankle bone; along that line.")},
        [MUSCLE_PERONEUS_LONGUS] =
                {N_("Outer shin (peroneus longus)"),
                 N_("A quarter of the way from the tip of the head of the fibula to the "
                    "tip of the outer ankle bone; along that line.")},
        [MUSCLE_FOOT] =
                {N_("Foot (short muscles of the sole)"),
                 N_("On the inner edge of the arch, in front of the heel; along the foot. SENIAM has "
                    "no site for it.")},
        [MUSCLE_QUADRICEPS] =
                {N_("Front of the thigh (rectus femoris)"),
                 N_("Halfway from the front tip of the hip bone (anterior superior iliac spine) "
                    "to the top of the kneecap; along that line.")},
        [MUSCLE_HAMSTRINGS] =
                {N_("Back of the thigh (biceps femoris)"),
                 N_("Halfway from the sitting bone (ischial tuberosity) to the outer side of "
                    "the knee (lateral epicondyle of the tibia); along that line.")},
};

const char *muscle_title(unsigned muscle) {
        return muscle < MUSCLE_MAX ? places[muscle].title : NULL;
}

const char *muscle_site(unsigned muscle) {
        return muscle < MUSCLE_MAX ? places[muscle].site : NULL;
}
