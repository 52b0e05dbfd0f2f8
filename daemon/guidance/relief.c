/* SPDX-License-Identifier: MIT */
/* The relief steps: see relief.h. */
#include "daemon/guidance/relief.h"
#include "daemon/guidance/translate.h"

#define SIT_UP N_("Sit up and hold on before you stand.")
#define WARM N_("Keep the muscle warm: a hand, a blanket, a warm cloth.")
#define WALK N_("When it eases, walk about a little, holding on.")
#define NO_MASSAGE N_("Swollen, hot or red leg: do not massage, get help.")

static const char *const steps_calf[] = {
        SIT_UP,     N_("Stand and put weight on the leg, or pull the toes toward the shin."),
        NO_MASSAGE, N_("Massage the calf from heel to knee."),
        WARM,       WALK,
        NULL,
};

static const char *const steps_shin[] = {
        SIT_UP,     N_("Point the toes away from you and let the top of the foot stretch."),
        NO_MASSAGE, N_("Massage the front of the shin."),
        WARM,       WALK,
        NULL,
};

static const char *const steps_foot[] = {
        SIT_UP,     N_("Pull the toes up toward the shin, or stand with the foot flat on the floor."),
        NO_MASSAGE, N_("Massage the sole with the thumb."),
        WARM,       WALK,
        NULL,
};

static const char *const steps_thigh_front[] = {
        SIT_UP,     N_("Stand holding on and pull the heel toward the buttock."),
        NO_MASSAGE, N_("Massage the front of the thigh."),
        WARM,       WALK,
        NULL,
};

static const char *const steps_thigh_back[] = {
        SIT_UP,     N_("Straighten the knee and lean forward from the hip."),
        NO_MASSAGE, N_("Massage the back of the thigh."),
        WARM,       WALK,
        NULL,
};

static const char *const steps_any[] = {
        SIT_UP,     N_("Stretch the cramped muscle gently and hold it."),
        NO_MASSAGE, N_("Massage it."),
        WARM,       WALK,
        NULL,
};

static const char *const steps_help[] = {
        N_("Ten minutes: get medical help now."),
        SIT_UP,
        N_("Go on stretching gently and keep the muscle warm until help comes."),
        NO_MASSAGE,
        NULL,
};

const char *const *relief_steps(enum muscle muscle, uint64_t lasting_us) {
        if (lasting_us >= RELIEF_HELP_AFTER_US)
                return steps_help;

        switch (muscle) {
        case MUSCLE_GASTROCNEMIUS:
        case MUSCLE_GASTROCNEMIUS_MEDIALIS:
        case MUSCLE_GASTROCNEMIUS_LATERALIS:
        case MUSCLE_SOLEUS:
                return steps_calf;
        case MUSCLE_TIBIALIS_ANTERIOR:
        case MUSCLE_PERONEUS_LONGUS:
                return steps_shin;
        case MUSCLE_FOOT:
                return steps_foot;
        case MUSCLE_QUADRICEPS:
                return steps_thigh_front;
        case MUSCLE_HAMSTRINGS:
                return steps_thigh_back;
        case MUSCLE_UNSPECIFIED:
        case MUSCLE_MAX:
                break;
        }
        return steps_any;
}
