/* SPDX-License-Identifier: MIT */
/*
 * crampctl --complete WORD...: what the last word may become, for the completion of shells, one a line
 * with a tab and a few words about it. Verbs come from main's table, options and operands from each
 * verb's own help, closed lists from where they are defined, sensors and episodes from crampd if it
 * runs. Never says that something failed: a shell is being typed into.
 */
#include "dbus/crampctl/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/language.h"
#include "daemon/guidance/amount.h"
#include "daemon/guidance/knowledge.h"
#include "daemon/guidance/profile.h"
#include "daemon/guidance/symptom.h"
#include "dbus/client/crampd-client.h"
#include "dbus/crampctl/export.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/usage.h"
#include "dbus/crampctl/words.h"
#include "sensors/muscle.h"

#define TIMEOUT_MS 500
#define EPISODES_SINCE_US (INT64_C(30) * 86400 * 1000000)
#define WORDS_MAX 64u
/* Instead of candidates: names of files and folders shall do. */
#define FILES ":files"

struct completion {
        const char *before; /* what stands before the value in the same word: "--leg=" */
        const char *begun;  /* of the value */
};

static void offer(const struct completion *completion, const char *value, const char *description) {
        if (strncmp(value, completion->begun, strlen(completion->begun)) != 0)
                return;
        fputs(completion->before, stdout);
        text_write(stdout, value);
        putchar('\t');
        text_write(stdout, description);
        putchar('\n');
}

static void offer_list(const struct completion *completion, const char *const *values) {
        for (; *values; values++)
                offer(completion, *values, "");
}

/* --- closed lists --- */

static void offer_muscles(const struct completion *completion) {
        for (unsigned i = MUSCLE_UNSPECIFIED + 1; i < MUSCLE_MAX; i++)
                offer(completion, muscle_to_string(i), muscle_title(i));
}

static void offer_legs(const struct completion *completion) {
        for (unsigned i = LEG_UNSPECIFIED + 1; i < LEG_MAX; i++)
                offer(completion, leg_to_string(i), "");
}

static void offer_languages(const struct completion *completion) {
        for (size_t i = 0; i < languages_n; i++)
                offer(completion, languages[i].name, "");
}

static void offer_formats(const struct completion *completion) {
        const struct export_format *format;

        for (size_t i = 0; (format = export_format_get(i)); i++)
                offer(completion, format->name, _(format->summary));
}

static void offer_nutrients(const struct completion *completion) {
        for (unsigned i = 0; i < NUTRIENT_MAX; i++)
                offer(completion, nutrient_to_string(i), nutrient_title(i));
}

static void offer_topics(const struct completion *completion) {
        static const char *const others[] = {"causes", "relief",  "stretching", "doctor",
                                             "food",   "quinine", "now",        NULL};

        offer_nutrients(completion);
        offer_list(completion, others);
}

static void offer_loggable(const struct completion *completion) {
        for (unsigned i = 0; i < ENTRY_WHAT_MAX; i++)
                offer(completion, entry_what_to_string(i), "");
        offer(completion, "water", "");
}

static void offer_symptoms(const struct completion *completion) {
        for (unsigned i = 0; i < SYMPTOM_MAX; i++)
                offer(completion, symptom_to_string(i), symptom_phrase(i));
}

static void offer_steps(const struct completion *completion) {
        offer(completion, "low", "fewer false alarms, later alerts");
        offer(completion, "normal", "");
        offer(completion, "high", "earlier alerts, more false alarms");
}

static void offer_units(const struct completion *completion) {
        static const char *const units[] = {"uV", "mV", "V", "counts", NULL};

        offer_list(completion, units);
}

static void offer_verdicts(const struct completion *completion) {
        static const char *const verdicts[] = {"confirmed", "false-alarm", "none", NULL};

        offer_list(completion, verdicts);
}

/* Those of sensors/registry.c; a test compares. */
static void offer_drivers(const struct completion *completion) {
        static const char *const drivers[] = {
                "crampd",   "npg-lite", "umyo",    "umyo-advert", "gforce",      "myo",
                "ganglion", "bitalino", "anr-m40", "myoware",     "nordic-text", NULL,
        };

        offer_list(completion, drivers);
}

static bool is_profile_key(const char *text, size_t length) {
        for (const char *const *key = profile_keys; *key; key++)
                if (strlen(*key) == length && strncmp(*key, text, length) == 0)
                        return true;
        return false;
}

/* "age=", then "sex=female" and "sex=male": what a key takes is told when a wrong value is tried. */
static void offer_assignments(const struct completion *completion) {
        const char *equals = strchr(completion->begun, '=');
        struct profile profile = PROFILE_EMPTY;
        struct profile_error error = {};
        char assignment[128], *rest = error.possible, *value;

        if (!equals) {
                for (const char *const *key = profile_keys; *key; key++) {
                        (void)snprintf(assignment, sizeof(assignment), "%s=", *key);
                        offer(completion, assignment, "");
                }
                return;
        }
        if (!is_profile_key(completion->begun, (size_t)(equals - completion->begun)))
                return;
        (void)snprintf(assignment, sizeof(assignment), "%.*s=?", (int)(equals - completion->begun),
                       completion->begun);
        if (profile_set(&profile, assignment, &error) >= 0)
                return;
        while ((value = strsep(&rest, ","))) {
                value += strspn(value, " ");
                (void)snprintf(assignment, sizeof(assignment), "%.*s=%s",
                               (int)(equals - completion->begun), completion->begun, value);
                if (*value)
                        offer(completion, assignment, "");
        }
}

/* --- what crampd knows --- */

static int true_look_for(const char *const *keys, const char *value, void *userdata) {
        *(bool *)userdata = strcmp(value, "true") == 0;
        return 0;
}

static bool service_is_there(crampd_client *client) {
        static const char *const arguments[] = {"org.crampd1", NULL};
        bool there = false;

        return crampd_ask(client, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "NameHasOwner", arguments, true_look_for, &there,
                          NULL) >= 0 &&
               there;
}

/* NULL unless crampd runs: completion starts nothing. */
static crampd_client *client_connect(void) {
        crampd_client *client;

        if (crampd_client_new(&client, NULL) < 0)
                return NULL;
        crampd_client_set_timeout(client, TIMEOUT_MS);
        if (!service_is_there(client))
                return crampd_client_free(client);
        return client;
}

static void offer_sensors(const struct completion *completion) {
        crampd_client *client = client_connect();
        struct crampd_sensor *sensors;
        char description[128];
        size_t n;

        if (client && crampd_list_sensors(client, &sensors, &n, NULL) >= 0) {
                for (size_t i = 0; i < n; i++) {
                        const struct crampd_sensor *sensor = sensors + i;

                        (void)snprintf(description, sizeof(description), "%s %s, %s", sensor->leg,
                                       sensor->muscle, sensor->state);
                        offer(completion, sensor->name[0] ? sensor->name : sensor->id, description);
                }
                crampd_sensors_free(sensors, n);
        }
        (void)crampd_client_free(client);
}

static int episode_offer(const struct crampd_episode *episode, void *userdata) {
        char onset[TIMESTAMP_SIZE], description[128];

        timestamp_format_people(episode->onset_us, episode->zone_offset_s, onset);
        (void)snprintf(description, sizeof(description), "%s, %s %s", onset, episode->leg,
                       episode->severity);
        offer(userdata, episode->id, description);
        return 0;
}

static void offer_episodes(const struct completion *completion) {
        const struct crampd_filter filter = {.since_us = timestamp_now_us() - EPISODES_SINCE_US,
                                             .until_us = CRAMPD_NO_TIME};
        crampd_client *client = client_connect();
        struct completion copy = *completion;

        offer(completion, "last", "the newest of the last 7 days");
        if (client)
                (void)crampd_list_episodes(client, &filter, episode_offer, &copy, NULL);
        (void)crampd_client_free(client);
}

static void offer_files(const struct completion *completion) {
        puts(FILES);
}

/* --- what a name in the help stands for --- */

static void offer_for(const char *name, const struct completion *completion) {
        static const struct {
                const char *name;
                void (*offer)(const struct completion *completion);
        } offers[] = {
                {"DIR", offer_files},        {"DRIVER", offer_drivers},
                {"EPISODE", offer_episodes}, {"FILE", offer_files},
                {"FORMAT", offer_formats},   {"KEY=VALUE", offer_assignments},
                {"LANG", offer_languages},   {"LEG", offer_legs},
                {"MUSCLE", offer_muscles},   {"NUTRIENT", offer_nutrients},
                {"SENSOR", offer_sensors},   {"STEP", offer_steps},
                {"SYMPTOM", offer_symptoms}, {"TOPIC", offer_topics},
                {"UNIT", offer_units},       {"VERDICT", offer_verdicts},
                {"WHAT", offer_loggable},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(offers); i++)
                if (strcmp(offers[i].name, name) == 0)
                        offers[i].offer(completion);
}

static void word_offer(const char *word, void *userdata) {
        if (usage_is_name(word))
                offer_for(word, userdata);
        else
                offer(userdata, word, "");
}

/* --- the words so far --- */

/* What is known once all words but the last are read. */
struct context {
        const struct verb *verb; /* NULL before it */
        char *help;              /* the verb's, or crampctl's */
        struct usage_option options[USAGE_OPTIONS_MAX];
        size_t n_options;
        const struct usage_option *waiting; /* for its value */
        const char *operands[WORDS_MAX];
        size_t n_operands;
        bool no_more_options; /* after "--" */
};

/* A verb's help, as it prints it. */
static char *help_catch(int (*print)(const struct verb *verb), const struct verb *verb) {
        FILE *terminal = stdout;
        char *help = NULL;
        size_t size;
        FILE *memory = open_memstream(&help, &size);

        if (!memory)
                return NULL;
        stdout = memory;
        (void)print(verb);
        stdout = terminal;
        (void)fclose(memory);
        return help;
}

static void context_enter(struct context *context, const struct completion_source *source,
                          const struct verb *verb) {
        free(context->help);
        context->verb = verb;
        context->help = help_catch(source->help_print, verb);
        context->n_options = context->help ? usage_options(context->help, context->options) : 0;
}

/* False for a verb that does not exist. */
static bool context_take(struct context *context, const struct completion_source *source,
                         const char *word) {
        if (context->waiting) {
                context->waiting = NULL;
                return true;
        }
        if (*word == '-' && word[1] && !context->no_more_options) {
                const struct usage_option *option =
                        usage_option_find(context->options, context->n_options, word);

                context->no_more_options = strcmp(word, "--") == 0;
                if (option && option->value[0] && !option->value_optional && !strchr(word, '='))
                        context->waiting = option;
                return true;
        }
        if (context->verb) {
                if (context->n_operands < WORDS_MAX)
                        context->operands[context->n_operands++] = word;
                return true;
        }
        for (const struct verb *verb = source->verbs; verb->name; verb++)
                if (strcmp(verb->name, word) == 0) {
                        context_enter(context, source, verb);
                        return true;
                }
        return false;
}

static void context_offer(const struct context *context, const struct completion_source *source,
                          const char *word) {
        struct completion completion = {.before = "", .begun = word};
        const char *equals = strchr(word, '=');
        char before[2 * USAGE_NAME_SIZE];

        if (context->waiting)
                usage_alternatives(context->waiting->value, word_offer, &completion);
        else if (*word == '-' && equals && !context->no_more_options) {
                const struct usage_option *option =
                        usage_option_find(context->options, context->n_options, word);

                (void)snprintf(before, sizeof(before), "%.*s", (int)(equals + 1 - word), word);
                completion = (struct completion){.before = before, .begun = equals + 1};
                if (option)
                        usage_alternatives(option->value, word_offer, &completion);
        } else if (*word == '-' && !context->no_more_options)
                for (size_t i = 0; i < context->n_options; i++)
                        offer(&completion, context->options[i].name, context->options[i].description);
        else if (!context->verb)
                for (const struct verb *verb = source->verbs; verb->name; verb++)
                        offer(&completion, verb->name, _(verb->summary));
        else if (context->help)
                usage_next(context->help, context->verb->name, context->operands, context->n_operands,
                           word_offer, &completion);
}

int complete_print(const struct completion_source *source, int n, char *words[]) {
        struct context context = {};
        bool known = n > 0;

        context_enter(&context, source, NULL);
        for (int i = 0; known && i + 1 < n; i++)
                known = context_take(&context, source, words[i]);
        if (known)
                context_offer(&context, source, words[n - 1]);
        free(context.help);
        return output_finish_stdout();
}
