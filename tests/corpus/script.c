/* SPDX-License-Identifier: MIT */
/* Event lists and their text form: see script.h and README.md. */
#include "tests/corpus/script.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"

#define BIT(muscle) (1U << (muscle))
#define CALF (BIT(MUSCLE_GM) | BIT(MUSCLE_GL) | BIT(MUSCLE_SO))
#define ALL (BIT(CORPUS_MUSCLES) - 1)

static const struct {
        const char *label;
        const char *name;
} muscles[CORPUS_MUSCLES] = {
        [MUSCLE_GM] = {"GM", "gastrocnemius-medialis"},
        [MUSCLE_GL] = {"GL", "gastrocnemius-lateralis"},
        [MUSCLE_SO] = {"SO", "soleus"},
        [MUSCLE_TA] = {"TA", "tibialis-anterior"},
        [MUSCLE_PL] = {"PL", "peroneus-longus"},
        [MUSCLE_AH] = {"AH", "foot"},
        [MUSCLE_RF] = {"RF", "quadriceps"},
        [MUSCLE_BF] = {"BF", "hamstrings"},
};

/* What an event has unless the script says otherwise. */
static const struct {
        const char *name;
        struct script_event usual;
} kinds[EVENT_KINDS] = {
        /* Rise: 41 s before waking (Chaney and Sherman); scripts shorten it. Level: +217 % is their
           mean. */
        [EVENT_CRAMP] = {"cramp",
                         {.muscles = BIT(MUSCLE_GM),
                          .ratio = 5,
                          .rise_s = 15,
                          .fall_s = 4,
                          .roughness = MODEL_ROUGHNESS}},
        /* Near twice the old rest after the cramp (Chaney and Sherman). */
        [EVENT_RECOVERY] =
                {"recovery",
                 {.muscles = BIT(MUSCLE_GM), .ratio = 2, .rise_s = 3, .roughness = MODEL_ROUGHNESS}},
        [EVENT_MOVEMENT] = {"movement", {.muscles = ALL, .level_uv = 60}},
        [EVENT_PLM] = {"plm", {.muscles = ALL, .level_uv = 45, .rise_s = 0.25, .fall_s = 0.4}},
        [EVENT_FASCICULATIONS] = {"fasciculations",
                                  {.muscles = BIT(MUSCLE_GM),
                                   .per_minute = MODEL_FASCICULATION_PER_MINUTE}},
        [EVENT_WALK] = {"walk", {.muscles = ALL}},
        [EVENT_STRETCH] = {"stretch",
                           {.muscles = CALF,
                            .level_uv = 60,
                            .rise_s = 0.6,
                            .fall_s = 0.8,
                            .roughness = MODEL_ROUGHNESS}},
        [EVENT_HOLD] = {"hold",
                        {.muscles = CALF,
                         .level_uv = 30,
                         .rise_s = 1,
                         .fall_s = 1,
                         .roughness = MODEL_ROUGHNESS}},
        [EVENT_STAND] = {"stand",
                         {.muscles = CALF,
                          .level_uv = MODEL_STAND_UV,
                          .rise_s = 1,
                          .fall_s = 1,
                          .roughness = MODEL_ROUGHNESS}},
        [EVENT_RUB] = {"rub", {.muscles = ALL, .level_uv = MODEL_RUB_UV}},
        [EVENT_TONE] = {"tone", {.muscles = ALL, .ratio = 1, .hz = MODEL_TONE_HZ}},
        [EVENT_FLOOR] = {"floor", {.muscles = ALL, .ratio = 1.5, .rise_s = 1, .fall_s = 1}},
        [EVENT_LIFT] = {"lift", {.muscles = ALL, .level_uv = MODEL_LIFT_UV}},
        [EVENT_HUM] = {"hum", {.muscles = ALL, .level_uv = MODEL_HUM_UV}},
        [EVENT_RAIL] = {"rail", {.muscles = ALL, .rise_s = 0.5, .fall_s = 1}},
        [EVENT_GAP] = {"gap", {.muscles = ALL}},
        [EVENT_LOSS] = {"loss", {.muscles = ALL, .per_minute = MODEL_LOSS_PER_MINUTE}},
};

const char *corpus_muscle_label(enum corpus_muscle muscle) {
        return muscles[muscle].label;
}

const char *corpus_muscle_name(enum corpus_muscle muscle) {
        return muscles[muscle].name;
}

const char *event_kind_to_string(enum event_kind kind) {
        return kinds[kind].name;
}

bool event_kind_is_muscle(enum event_kind kind) {
        return kind < EVENT_RUB;
}

bool event_kind_is_loss(enum event_kind kind) {
        return kind == EVENT_GAP || kind == EVENT_LOSS;
}

const char *script_seed_use(uint64_t seed) {
        if (seed >= 1 && seed <= SCRIPT_SEED_DEVELOPMENT_MAX)
                return "development";
        return seed >= SCRIPT_SEED_TEST_MIN && seed <= SCRIPT_SEED_TEST_MAX ? "test" : "other";
}

void script_done(struct script *script) {
        free(script->events);
        *script = (struct script){0};
}

int script_add(struct script *script, enum event_kind kind, double start_s, double duration_s,
               struct script_event **ret) {
        struct script_event *events;

        if (script->n_events >= SCRIPT_EVENTS_MAX)
                return -E2BIG;

        events = reallocarray(script->events, script->n_events + 1, sizeof(*events));
        if (!events)
                return -ENOMEM;
        script->events = events;

        events += script->n_events++;
        *events = kinds[kind].usual;
        events->kind = kind;
        events->start_s = start_s;
        events->duration_s = duration_s;
        if (ret)
                *ret = events;
        return 0;
}

static int event_kind_from_string(const char *name) {
        for (int kind = 0; kind < EVENT_KINDS; kind++)
                if (strcmp(kinds[kind].name, name) == 0)
                        return kind;
        return -EINVAL;
}

static int number_parse(const char *text, double min, double max, double *ret) {
        char *end;
        double value;

        if (!*text)
                return -EINVAL;
        value = strtod(text, &end);
        if (*end || !(value >= min && value <= max))
                return -EINVAL;
        *ret = value;
        return 0;
}

/* "GM,TA", "calf" or "all". */
static int muscles_parse(char *text, unsigned *ret) {
        char *rest = NULL;
        unsigned found = 0;

        for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
                unsigned bits = strcmp(word, "all") == 0 ? ALL : strcmp(word, "calf") == 0 ? CALF : 0;

                for (unsigned i = 0; i < CORPUS_MUSCLES; i++)
                        if (strcmp(muscles[i].label, word) == 0)
                                bits = BIT(i);
                if (bits == 0)
                        return -EINVAL;
                found |= bits;
        }
        if (found == 0)
                return -EINVAL;
        *ret = found;
        return 0;
}

/* Reads "key=value" into the event. The remedy for a bad value is its range. */
static int setting_parse(char *text, struct script_event *event, const char **ret_remedy) {
        /* Noise may fall; what is added to it cannot be less than nothing. */
        bool beside = event->kind == EVENT_FLOOR || event->kind == EVENT_TONE;
        double ratio_min = beside ? 0.1 : 1;
        const char *ratio_remedy = beside ? "ratio is 0.1 to 200 x rest" : "ratio is 1 to 200 x rest";
        const struct {
                const char *key;
                double *value;
                double min, max;
                const char *remedy;
        } numbers[] = {
                {"ratio", &event->ratio, ratio_min, 200, ratio_remedy},
                {"uv", &event->level_uv, 0.1, 2000, "uv is 0.1 to 2000 microvolts RMS"},
                {"rise", &event->rise_s, 0, 3600, "rise is 0 to 3600 seconds"},
                {"fall", &event->fall_s, 0, 3600, "fall is 0 to 3600 seconds"},
                {"rough", &event->roughness, 0, 1, "rough is 0 to 1"},
                {"per_minute", &event->per_minute, 0.1, 600, "per_minute is 0.1 to 600"},
                {"tonic", &event->tonic, 0, 1, "tonic is 0 to 1"},
                {"hz", &event->hz, 1, 900, "hz is 1 to 900"},
        };
        char *value = strchr(text, '=');

        *ret_remedy = "settings are key=value with muscle, ratio, uv, rise, fall, rough, per_minute, "
                      "tonic, hz";
        if (!value)
                return -EINVAL;
        *value++ = '\0';

        if (strcmp(text, "muscle") == 0) {
                *ret_remedy = "muscle is all, calf, or some of GM,GL,SO,TA,PL,AH,RF,BF";
                return muscles_parse(value, &event->muscles);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
                if (strcmp(numbers[i].key, text) != 0)
                        continue;
                *ret_remedy = numbers[i].remedy;
                /* A level is given in one way: the latter unsets the kind's usual one. */
                if (numbers[i].value == &event->level_uv)
                        event->ratio = 0;
                return number_parse(value, numbers[i].min, numbers[i].max, numbers[i].value);
        }
        return -EINVAL;
}

/* One line without its comment: "START_S KIND DURATION_S key=value ...". */
static int line_parse(char *line, struct script *script, double *end_s, const char **ret_remedy) {
        char *rest = NULL, *start, *kind_name, *duration;
        double start_s, duration_s;
        struct script_event *event;
        int kind, r;

        start = strtok_r(line, " \t\r", &rest);
        if (!start)
                return 0;
        kind_name = strtok_r(NULL, " \t\r", &rest);
        duration = strtok_r(NULL, " \t\r", &rest);

        *ret_remedy =
                "a line is START_S KIND DURATION_S [key=value ...], times in seconds up to 48 hours";
        if (!kind_name || number_parse(start, 0, SCRIPT_HOURS_MAX * 3600.0, &start_s) < 0)
                return -EINVAL;
        if (strcmp(kind_name, "end") == 0) {
                *ret_remedy = "the line that ends the script is END_S end";
                *end_s = start_s;
                return duration ? -EINVAL : 0;
        }
        kind = event_kind_from_string(kind_name);
        if (!duration || number_parse(duration, kind == EVENT_GAP ? 0.001 : 0.1,
                                      SCRIPT_HOURS_MAX * 3600.0, &duration_s) < 0)
                return -EINVAL;

        *ret_remedy = "kinds are cramp, recovery, movement, plm, fasciculations, walk, stretch, hold, "
                      "stand, rub, tone, floor, lift, hum, rail, gap, loss, end";
        if (kind < 0)
                return -EINVAL;

        *ret_remedy = "too many events";
        r = script_add(script, (enum event_kind)kind, start_s, duration_s, &event);
        if (r < 0)
                return r == -ENOMEM ? r : -EINVAL;

        for (char *word = strtok_r(NULL, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
                r = setting_parse(word, event, ret_remedy);
                if (r < 0)
                        return r;
        }

        *ret_remedy = "rise and fall together are longer than the event";
        return event->rise_s + event->fall_s > event->duration_s ? -EINVAL : 0;
}

/* The script lasts to its "end" line, or 10 s beyond its last event. */
static int script_set_duration(struct script *script, double end_s, const char **ret_remedy) {
        double last_s = 0;

        for (size_t i = 0; i < script->n_events; i++)
                last_s = fmax(last_s, script->events[i].start_s + script->events[i].duration_s);

        *ret_remedy = "an event lasts beyond the end";
        if (end_s >= 0 && end_s < last_s)
                return -EINVAL;
        script->duration_s = ceil(end_s >= 0 ? end_s : last_s + 10);

        *ret_remedy = "a script lasts 1 second to 48 hours";
        return script->duration_s < 1 || script->duration_s > SCRIPT_HOURS_MAX * 3600.0 ? -EINVAL : 0;
}

int script_parse(const char *text, const char *origin, struct script *ret, struct corpus_error *error) {
        __attribute__((cleanup(script_done))) struct script script = {0};
        _cleanup_(freep) char *copy = strdup(text);
        const char *remedy = NULL;
        double end_s = -1;
        unsigned number = 0;
        char *next = copy;
        int r;

        if (!copy)
                return -ENOMEM;

        for (char *line = strsep(&next, "\n"); line; line = strsep(&next, "\n")) {
                number++;
                line[strcspn(line, "#")] = '\0';
                r = line_parse(line, &script, &end_s, &remedy);
                if (r == -EINVAL)
                        (void)snprintf(error->text, sizeof(error->text), "%s:%u: %s", origin, number,
                                       remedy);
                if (r < 0)
                        return r;
        }

        r = script_set_duration(&script, end_s, &remedy);
        if (r < 0) {
                (void)snprintf(error->text, sizeof(error->text), "%s: %s", origin, remedy);
                return r;
        }
        *ret = script;
        script = (struct script){0};
        return 0;
}
