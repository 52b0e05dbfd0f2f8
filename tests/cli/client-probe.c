/* SPDX-License-Identifier: MIT */
/*
 * Drives the client library for test-client.py: runs the commands of its command line one after the
 * other and prints what came of each. The library's own allocations can be made to fail (the linker puts
 * the functions below in their place).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/client/crampd-client.h"

/* Wide of any number of allocations that one call makes. */
#define SWEEP_MAX 1000u
#define WAIT_LIMIT_MS 20000

static unsigned fail_at; /* the how manieth allocation from now fails; 0 = none */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static bool allocation_fails(void) {
        return fail_at > 0 && --fail_at == 0;
}

void *__wrap_calloc(size_t n, size_t size) {
        return allocation_fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *text) {
        return allocation_fails() ? NULL : __real_strdup(text);
}

/* What came of a call that does not wait. */
struct later {
        bool done;
        int r;
        struct crampd_error error;
};

struct probe {
        crampd_client *client;
        unsigned events;
        bool nested; /* the callback makes a call */
        struct later subscription;
};

static void event_print(const struct crampd_event *event, void *userdata) {
        struct probe *probe = userdata;
        struct crampd_status *status;

        probe->events++;
        printf("event %d %s\n", (int)event->type, event->episode.id ? event->episode.id : "-");
        if (probe->nested && crampd_get_status(probe->client, &status, NULL) >= 0) {
                printf("nested %s\n", status->version);
                crampd_status_free(status);
        }
        (void)fflush(stdout);
}

static int episode_count(const struct crampd_episode *episode, void *userdata) {
        unsigned *count = userdata;

        (*count)++;
        return 0;
}

static int run_status(struct probe *probe, struct crampd_error *error) {
        struct crampd_status *status;
        int r = crampd_get_status(probe->client, &status, error);

        if (r >= 0)
                crampd_status_free(status);
        return r;
}

static int answer_print(const char *const *keys, const char *value, void *userdata) {
        for (; *keys; keys++)
                printf("%s/", *keys);
        printf("%s\n", value);
        return strcmp(value, "stop") == 0 ? -ESTALE : 0;
}

static int run_ask(struct probe *probe, struct crampd_error *error) {
        static const char *const arguments[] = {"one", "two", NULL}, *const bad[] = {"\xff", NULL};
        int r = crampd_ask(probe->client, "org.example", "/", "org.example.I", "No-Name", NULL, NULL,
                           NULL, error);

        if (r == -EINVAL)
                r = crampd_ask(probe->client, "org.example", "/", "org.example.I", "Get", bad, NULL,
                               NULL, error);
        if (r != -EINVAL)
                return -EPROTO;
        *error = (struct crampd_error){};
        return crampd_ask(probe->client, "org.example", "/", "org.example.I", "Everything", arguments,
                          answer_print, NULL, error);
}

static int run_sensors(struct probe *probe, struct crampd_error *error) {
        struct crampd_sensor *sensors;
        size_t n;
        int r = crampd_list_sensors(probe->client, &sensors, &n, error);

        if (r < 0)
                return r;
        crampd_sensors_free(sensors, n);
        return (int)n;
}

static int run_episodes(struct probe *probe, struct crampd_error *error) {
        const struct crampd_filter filter = {.since_us = 0, .until_us = INT64_MAX};
        unsigned count = 0;
        int r = crampd_list_episodes(probe->client, &filter, episode_count, &count, error);

        return r < 0 ? r : (int)count;
}

static int run_changes(struct probe *probe, struct crampd_error *error) {
        const struct crampd_filter filter = {.since_us = 0, .until_us = INT64_MAX};
        unsigned count = 0;
        char *cursor;
        int r = crampd_list_changes(probe->client, &filter, NULL, episode_count, &count, &cursor, error);

        if (r < 0)
                return r;
        free(cursor);
        return (int)count;
}

static int run_waveform(struct probe *probe, struct crampd_error *error) {
        struct crampd_waveform *waveform;
        int r = crampd_get_waveform(probe->client, "e1", &waveform, error);

        if (r < 0)
                return r;
        r = (int)waveform->n_pieces;
        crampd_waveform_free(waveform);
        return r;
}

static int waveform_count(size_t i, const struct crampd_waveform *waveform, void *userdata) {
        unsigned *count = userdata;

        (*count)++;
        return 0;
}

/* More than are asked for at once. */
static int run_waveforms(struct probe *probe, struct crampd_error *error) {
        static const char *const ids[] = {"e1", "e2", "e3", "e4", "e5"};
        unsigned count = 0;
        int r = crampd_get_waveforms(probe->client, ids, 5, waveform_count, &count, error);

        return r < 0 ? r : (int)count;
}

static int outline_count(const struct crampd_episode_outline *episode, void *userdata) {
        unsigned *count = userdata;

        (*count)++;
        return 0;
}

static int night_count(const struct crampd_night_outline *night, void *userdata) {
        unsigned *count = userdata;

        (*count)++;
        return 0;
}

static int run_outlines(struct probe *probe, struct crampd_error *error) {
        const struct crampd_filter filter = {.since_us = 0, .until_us = INT64_MAX};
        unsigned count = 0;
        int r = crampd_outline_episodes(probe->client, &filter, outline_count, &count, error);

        if (r >= 0)
                r = crampd_outline_nights(probe->client, &filter, night_count, &count, error);
        return r < 0 ? r : (int)count;
}

/* The caller's own end of a listing comes back as it is. */
static int episode_stop(const struct crampd_episode *episode, void *userdata) {
        return -ESTALE;
}

static int run_stop(struct probe *probe, struct crampd_error *error) {
        const struct crampd_filter filter = {.since_us = CRAMPD_NO_TIME, .until_us = CRAMPD_NO_TIME};

        return crampd_list_episodes(probe->client, &filter, episode_stop, NULL, error);
}

static int run_add(struct probe *probe, struct crampd_error *error) {
        const struct crampd_sensor_options options = {
                .muscle = "soleus", .leg = "left", .driver = "crampd", .name = "x", .has_owner = true};
        char *path;
        int r = crampd_add_sensor(probe->client, "C0:FF:EE:00:00:01", &options, &path, error);

        if (r >= 0)
                free(path);
        return r;
}

static int run_remove(struct probe *probe, struct crampd_error *error) {
        return crampd_remove_sensor(probe->client, "/org/crampd1/sensor/a1", error);
}

static int run_stream(struct probe *probe, struct crampd_error *error) {
        int fd = crampd_open_stream(probe->client, "/org/crampd1/sensor/a1", NULL, error);

        if (fd < 0)
                return fd;
        (void)close(fd);
        return 0;
}

static int run_bad_arguments(struct probe *probe, struct crampd_error *error) {
        const struct crampd_sensor_options empty = {}, bad = {.muscle = "\xff", .leg = "left"};
        static const char *const paths[] = {NULL,
                                            "",
                                            "x",
                                            "/",
                                            "/org/crampd1",
                                            "/org/crampd1/sensor/",
                                            "/org/crampd1/sensor/a-b",
                                            "/org/crampd1/sensor/\xff"};
        char *path;

        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
                if (crampd_remove_sensor(probe->client, paths[i], error) != -EINVAL ||
                    crampd_open_stream(probe->client, paths[i], NULL, NULL) != -EINVAL)
                        return -EDOM;
        if (crampd_add_sensor(probe->client, "x", &empty, &path, error) != -EINVAL ||
            crampd_add_sensor(probe->client, NULL, &bad, &path, error) != -EINVAL ||
            crampd_subscribe(probe->client, NULL, NULL, error) != -EINVAL ||
            crampd_subscribe_later(probe->client, NULL, NULL, NULL, error) != -EINVAL)
                return -EDOM;
        return crampd_add_sensor(probe->client, "x", &bad, &path, error);
}

static int run_subscribe(struct probe *probe, struct crampd_error *error) {
        return crampd_subscribe(probe->client, event_print, probe, error);
}

static int run_unsubscribe(struct probe *probe, struct crampd_error *error) {
        return crampd_unsubscribe(probe->client, error);
}

/* Waits for the next event, as a caller's poll() loop does. */
static int run_event(struct probe *probe, struct crampd_error *error) {
        unsigned before = probe->events;

        while (probe->events == before) {
                struct pollfd pollfd = {.fd = crampd_client_get_fd(probe->client),
                                        .events = crampd_client_get_events(probe->client)};
                int r = crampd_client_dispatch(probe->client);

                if (r < 0)
                        return r;
                if (probe->events == before && poll(&pollfd, 1, WAIT_LIMIT_MS) <= 0)
                        return -ETIME;
        }
        return 0;
}

/* Whether the loop stands still when there is nothing to do. */
static int run_idle(struct probe *probe, struct crampd_error *error) {
        struct pollfd pollfd = {.fd = crampd_client_get_fd(probe->client), .events = POLLIN};
        int r = crampd_client_dispatch(probe->client);

        return r < 0 ? r : poll(&pollfd, 1, 50);
}

static int run_profile(struct probe *probe, struct crampd_error *error) {
        struct crampd_profile_value *values;
        size_t n;
        int r = crampd_get_profile(probe->client, 7, &values, &n, error);

        if (r >= 0)
                crampd_profile_free(values, n);
        return r;
}

static int run_say(struct probe *probe, struct crampd_error *error) {
        static char key[] = "age", value[] = "67";
        const struct crampd_profile_value values[] = {{key, value}};

        return crampd_set_profile(probe->client, 7, values, 1, error);
}

static int run_advise(struct probe *probe, struct crampd_error *error) {
        struct crampd_advice *advice;
        int r = crampd_advise(probe->client, 7, "food", "de", &advice, error);

        if (r >= 0)
                crampd_advice_free(advice);
        return r;
}

static int run_log(struct probe *probe, struct crampd_error *error) {
        static char what[] = "magnesium", amount[] = "300mg", id[] = "f1";
        const struct crampd_entry entry = {.id = id, .what = what, .amount = amount};
        struct crampd_warning *warnings;
        char *new_id;
        size_t n;
        int r = crampd_log(probe->client, 7, &entry, &new_id, &warnings, &n, error);

        if (r < 0)
                return r;
        free(new_id);
        crampd_warnings_free(warnings, n);
        return r;
}

static int entry_count(const struct crampd_entry *entry, void *userdata) {
        return 0;
}

static int run_entries(struct probe *probe, struct crampd_error *error) {
        const struct crampd_filter filter = {.since_us = 1, .until_us = CRAMPD_NO_TIME};

        return crampd_list_entries(probe->client, 7, &filter, entry_count, NULL, error);
}

static int run_trial(struct probe *probe, struct crampd_error *error) {
        const struct crampd_trial_plan plan = {.nutrient = "calcium",
                                               .design = "alternating",
                                               .from = "2026-11-01",
                                               .baseline_days = 1,
                                               .block_days = 1,
                                               .has_washout = true};
        char *id;
        int r = crampd_start_trial(probe->client, 7, &plan, &id, error);

        if (r >= 0)
                free(id);
        return r;
}

static int trial_count(const struct crampd_trial *trial, void *userdata) {
        return 0;
}

static int run_trials(struct probe *probe, struct crampd_error *error) {
        return crampd_list_trials(probe->client, 7, trial_count, NULL, error);
}

static void later_done(int r, const struct crampd_error *error, void *userdata) {
        *(struct later *)userdata = (struct later){.done = true, .r = r, .error = *error};
}

static void later_advised(int r, struct crampd_advice *advice, const struct crampd_error *error,
                          void *userdata) {
        later_done(r, error, userdata);
        crampd_advice_free(advice);
}

static void later_listed(int r, struct crampd_sensor *sensors, size_t n,
                         const struct crampd_error *error, void *userdata) {
        later_done(r < 0 ? r : (int)n, error, userdata);
        crampd_sensors_free(sensors, n);
}

static int later_wait(struct probe *probe, struct later *later, struct crampd_error *error) {
        while (!later->done) {
                struct pollfd pollfd = {.fd = crampd_client_get_fd(probe->client), .events = POLLIN};
                int r = crampd_client_dispatch(probe->client);

                if (later->done)
                        break;
                if (r < 0)
                        return r;
                if (poll(&pollfd, 1, WAIT_LIMIT_MS) <= 0)
                        return -ETIME;
        }
        *error = later->error;
        return later->r;
}

static int run_annotate_later(struct probe *probe, struct crampd_error *error) {
        const struct crampd_annotation annotation = {.verdict = "confirmed", .pain = 3, .note = "x"};
        struct later later = {};
        int r = crampd_annotate_later(probe->client, "e1", &annotation, later_done, &later, error);

        return r < 0 ? r : later_wait(probe, &later, error);
}

static int run_advise_later(struct probe *probe, struct crampd_error *error) {
        struct later later = {};
        int r = crampd_advise_later(probe->client, 7, "food", "de", later_advised, &later, error);

        return r < 0 ? r : later_wait(probe, &later, error);
}

static int run_sensors_later(struct probe *probe, struct crampd_error *error) {
        struct later later = {};
        int r = crampd_list_sensors_later(probe->client, later_listed, &later, error);

        return r < 0 ? r : later_wait(probe, &later, error);
}

static void later_subscribed(int r, const struct crampd_error *error, void *userdata) {
        struct probe *probe = userdata;

        later_done(r, error, &probe->subscription);
}

static int subscribe_later(struct probe *probe, struct crampd_error *error) {
        probe->subscription = (struct later){};
        return crampd_subscribe_later(probe->client, event_print, later_subscribed, probe, error);
}

static int run_subscribe_later(struct probe *probe, struct crampd_error *error) {
        int r = subscribe_later(probe, error);

        return r < 0 ? r : later_wait(probe, &probe->subscription, error);
}

/* Ended before it has begun: nobody is told of it. */
static int run_subscribe_not(struct probe *probe, struct crampd_error *error) {
        int r = subscribe_later(probe, error);

        if (r < 0)
                return r;
        r = crampd_unsubscribe(probe->client, error);
        if (r < 0)
                return r;
        r = crampd_client_dispatch(probe->client);
        return r < 0 ? r : probe->subscription.done;
}

/* Calls that wait when the client is freed, and more of them than may. */
static int run_many_later(struct probe *probe, struct crampd_error *error) {
        static struct later later;
        int r = 0;

        for (unsigned n = 0; n < 65 && r >= 0; n++)
                r = crampd_list_sensors_later(probe->client, later_listed, &later, error);
        return r;
}

static void on_calibration(const struct crampd_calibration *calibration, void *userdata) {
}

static int run_calibrate(struct probe *probe, struct crampd_error *error) {
        struct crampd_calibration_options options = {.rest_s = 30};
        int r = crampd_start_calibration(probe->client, "/org/crampd1/sensor/a1", &options,
                                         on_calibration, NULL, error);

        if (r < 0)
                return r;
        if (options.tries == 0)
                return -EDOM;
        return crampd_stop_calibration(probe->client, error);
}

static int run_forget(struct probe *probe, struct crampd_error *error) {
        return crampd_forget_calibration(probe->client, "/org/crampd1/sensor/a1", error);
}

static const struct command {
        const char *name;
        int (*run)(struct probe *probe, struct crampd_error *error);
} commands[] = {
        {"status", run_status},
        {"ask", run_ask},
        {"sensors", run_sensors},
        {"episodes", run_episodes},
        {"outlines", run_outlines},
        {"waveforms", run_waveforms},
        {"changes", run_changes},
        {"waveform", run_waveform},
        {"stop", run_stop},
        {"add", run_add},
        {"remove", run_remove},
        {"stream", run_stream},
        {"bad-arguments", run_bad_arguments},
        {"profile", run_profile},
        {"say", run_say},
        {"advise", run_advise},
        {"log", run_log},
        {"entries", run_entries},
        {"trial", run_trial},
        {"trials", run_trials},
        {"subscribe", run_subscribe},
        {"unsubscribe", run_unsubscribe},
        {"event", run_event},
        {"idle", run_idle},
        {"annotate-later", run_annotate_later},
        {"advise-later", run_advise_later},
        {"sensors-later", run_sensors_later},
        {"many-later", run_many_later},
        {"subscribe-later", run_subscribe_later},
        {"subscribe-not", run_subscribe_not},
        {"calibrate", run_calibrate},
        {"forget", run_forget},
};

static const struct command *command_find(const char *name) {
        for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
                if (strcmp(commands[i].name, name) == 0)
                        return commands + i;
        fprintf(stderr, "no command '%s'\n", name);
        exit(2);
}

/* Lets each allocation of a command fail in turn; returns how many there were, or what was not -ENOMEM.
 */
static int sweep(struct probe *probe, const struct command *command) {
        for (unsigned n = 1; n < SWEEP_MAX; n++) {
                struct crampd_error error = {};
                int r;

                fail_at = n;
                r = command->run(probe, &error);
                if (fail_at > 0) {
                        fail_at = 0;
                        return r < 0 ? r : (int)n - 1;
                }
                if (r != -ENOMEM || !error.name[0] || !error.message[0])
                        return r < 0 ? r : -EDOM;
        }
        return -ERANGE;
}

static void command_run(struct probe *probe, char *word) {
        char *argument = strchr(word, '=');
        struct crampd_error error = {};
        int r;

        if (argument)
                *argument++ = 0;
        if (strcmp(word, "timeout") == 0)
                crampd_client_set_timeout(probe->client, atoi(argument));
        else if (strcmp(word, "fail") == 0)
                fail_at = (unsigned)atoi(argument);
        else if (strcmp(word, "nested") == 0)
                probe->nested = true;
        else if (strcmp(word, "enter") == 0) {
                if (getchar() == EOF)
                        exit(2);
        } else if (strcmp(word, "sweep") == 0)
                printf("sweep %s %d\n", argument, sweep(probe, command_find(argument)));
        else {
                r = command_find(word)->run(probe, &error);
                printf("%s %d %s\n", word, r, error.name);
        }
        (void)fflush(stdout);
}

int main(int argc, char *argv[]) {
        struct probe probe = {};
        struct crampd_error error = {};
        int r;

        /* One allocation after the other, until connecting succeeds. */
        for (unsigned n = 1;; n++) {
                fail_at = getenv("PROBE_SWEEP") ? n : 0;
                r = crampd_client_new(&probe.client, &error);
                if (r != -ENOMEM || n == SWEEP_MAX)
                        break;
        }
        fail_at = 0;
        printf("new %d %s\n", r, error.name);
        (void)fflush(stdout);
        for (int i = 1; r >= 0 && i < argc; i++)
                command_run(&probe, argv[i]);
        (void)crampd_client_free(probe.client);
        crampd_status_free(NULL);
        crampd_sensors_free(NULL, 0);
        return 0;
}
