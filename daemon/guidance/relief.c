/* SPDX-License-Identifier: MIT */
/* The relief steps: see relief.h. */
#include "daemon/guidance/relief.h"

#include <string.h>

#include "daemon/guidance/knowledge.h"

static const char *place_of(enum muscle muscle) {
        switch (muscle) {
        case MUSCLE_GASTROCNEMIUS:
        case MUSCLE_GASTROCNEMIUS_MEDIALIS:
        case MUSCLE_GASTROCNEMIUS_LATERALIS:
        case MUSCLE_SOLEUS:
                return "calf";
        case MUSCLE_TIBIALIS_ANTERIOR:
        case MUSCLE_PERONEUS_LONGUS:
                return "shin";
        case MUSCLE_FOOT:
                return "foot";
        case MUSCLE_QUADRICEPS:
                return "thigh-front";
        case MUSCLE_HAMSTRINGS:
                return "thigh-back";
        case MUSCLE_UNSPECIFIED:
        case MUSCLE_MAX:
                break;
        }
        return "any";
}

/* The generator sees to it that each place is there. */
static const char *const *steps_of(const char *place) {
        size_t i = 0;

        while (strcmp(knowledge_reliefs[i].place, place) != 0)
                i++;
        return knowledge_reliefs[i].steps;
}

const char *const *relief_steps(enum muscle muscle, uint64_t lasting_us) {
        return steps_of(lasting_us >= RELIEF_HELP_AFTER_US ? "help" : place_of(muscle));
}

const char *const *relief_steps_in_danger(void) {
        return steps_of("danger");
}
