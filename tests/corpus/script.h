/* SPDX-License-Identifier: MIT */
/*
 * What happens when: a list of timed events for the generator, from a text (built in or a file) or drawn
 * at random for a night. The text form is documented in README.md. Needs random.h; used by corpus.c and
 * calf-emg.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Channels in the order in which they are used; the medial gastrocnemius, where most cramps are, comes
 * first. */
enum corpus_muscle {
        MUSCLE_GM,
        MUSCLE_GL,
        MUSCLE_SO,
        MUSCLE_TA,
        MUSCLE_PL,
        MUSCLE_AH,
        MUSCLE_RF,
        MUSCLE_BF,
        CORPUS_MUSCLES
};

/* "GM", and "gastrocnemius-medialis" as crampd's closed list of muscles has it. */
const char *corpus_muscle_label(enum corpus_muscle muscle);
const char *corpus_muscle_name(enum corpus_muscle muscle);

enum event_kind {
        EVENT_CRAMP,
        EVENT_RECOVERY,
        EVENT_MOVEMENT,
        EVENT_PLM,
        EVENT_FASCICULATIONS,
        EVENT_WALK,
        EVENT_STRETCH,
        EVENT_HOLD,
        EVENT_STAND,
        /* From here on nothing that a muscle does: */
        EVENT_RUB,   /* of the cable or the electrode */
        EVENT_TONE,  /* a steady line from another device */
        EVENT_FLOOR, /* rest noise louder or softer: sweat, drying, an electrode that was shifted */
        EVENT_LIFT,  /* electrode off: the amplifier's own noise */
        EVENT_HUM,   /* electrode off: mains */
        EVENT_RAIL,  /* amplifier at its end */
        EVENT_GAP,   /* one stretch of samples lost, on all channels */
        EVENT_LOSS,  /* packets lost at random */
        EVENT_KINDS
};

const char *event_kind_to_string(enum event_kind kind);
bool event_kind_is_muscle(enum event_kind kind);
/* Samples are missing: it concerns all channels alike. */
bool event_kind_is_loss(enum event_kind kind);

struct script_event {
        enum event_kind kind;
        double start_s, duration_s;
        unsigned muscles;      /* bit 1 << muscle */
        double ratio;          /* level at its height in multiples of rest, if > 0 */
        double level_uv;       /* else in microvolts RMS */
        double rise_s, fall_s; /* within the duration */
        double roughness;      /* relative SD of the slow waxing and waning */
        bool banded;           /* which keeps to its band, instead of fading out beyond */
        double per_minute;     /* fasciculations, lost packets */
        double tonic;          /* movement: share of the level that is held between its bursts */
        double hz;             /* tone */
        bool within_reach;     /* a cramp that is stronger than its muscle is as strong as that gives */
};

struct script {
        struct script_event *events;
        size_t n_events;
        double duration_s; /* whole seconds */
};

#define SCRIPT_EVENTS_MAX 20000
#define SCRIPT_HOURS_MAX 48

struct corpus_error {
        char text[256]; /* ready to be printed */
};

void script_done(struct script *script);

/* A new event with what its kind usually has. Returns 0, -ENOMEM or -E2BIG. */
int script_add(struct script *script, enum event_kind kind, double start_s, double duration_s,
               struct script_event **ret);

/* `origin` names the text in errors ("FILE"). Returns 0, -ENOMEM or, with `error` filled in, -EINVAL. */
int script_parse(const char *text, const char *origin, struct script *ret, struct corpus_error *error);

struct script_layout {
        uint64_t seed;
        double hours;      /* 0: as long as the script usually is */
        unsigned cramps;   /* in a night */
        unsigned channels; /* cramps are put where they can be seen */
        double rest_uv;    /* home-night: so that a changed floor stays within sense; 0: 5 */
};

/* The built-in scripts: number `i`, or NULL after the last. */
const char *script_builtin_name(size_t i);
const char *script_builtin_summary(size_t i);
/* Returns 0, -ENOENT if there is none of that name, -EINVAL (with `error`) if it cannot be had so, or
 * -ENOMEM. */
int script_builtin(const char *name, const struct script_layout *layout, struct script *ret,
                   struct corpus_error *error);

/* Used by script_builtin(): nights drawn at random (script-night.c). */
int script_night(const struct script_layout *layout, struct script *ret);
int script_movements(const struct script_layout *layout, struct script *ret);
int script_home(const struct script_layout *layout, struct script *ret); /* script-home.c */

/* Seeds of home-night. Those for tests are for reporting only: nothing is chosen by them. */
#define SCRIPT_SEED_DEVELOPMENT_MAX 9999 /* from 1 */
#define SCRIPT_SEED_TEST_MIN 10001
#define SCRIPT_SEED_TEST_MAX 19999
/* "development", "test" or "other". */
const char *script_seed_use(uint64_t seed);
