/* SPDX-License-Identifier: MIT */
/*
 * crampctl scan: sensors near, as they are heard. On a terminal a list that is kept up to date, else a
 * line (or object) for each sensor when it is first heard.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/wait.h"
#include "dbus/crampctl/words.h"

#define SECONDS_DEFAULT 30u
#define SECONDS_MAX 300u
/* Radio range can be crowded; what comes later is not shown. */
#define ROWS_MAX 256u
#define DRAW_INTERVAL_MS 250
/* How much longer than asked crampd may take to say that the scan is over. */
#define PATIENCE_MS 5000
#define DBM_SIZE 16

static const char help[] =
        "Usage: crampctl scan [OPTION...]\n"
        "\n"
        "Look for sensors that crampd can use. Switch yours on; some have to be put into Bluetooth mode "
        "by a button first.\n"
        "SIGNAL is in dBm: nearer to 0 is stronger. A '?' after the driver means that only the name or "
        "a "
        "common service\n"
        "speaks for it; connecting will tell.\n"
        "\n"
        "Options:\n"
        "      --seconds=N        How long (default: 30, at most 300)\n"
        "      --all              Also show what crampd cannot use\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl scan\n"
        "  crampctl scan --seconds 10 --json | jq -r .address\n";

struct row {
        char *address;
        char *name;
        char *driver;
        char *notes;
        bool maybe;
        bool added;
        int rssi;
};

struct scan {
        bool json, legend, live;
        struct row rows[ROWS_MAX];
        size_t n_rows;
        size_t drawn_lines;
        bool dirty, over;
        bool short_of_memory;
        char reason[256];
        int64_t drawn_ms;
};

static void row_clear(struct row *row) {
        free(row->address);
        free(row->name);
        free(row->driver);
        free(row->notes);
}

static int row_set(struct row *row, const struct crampd_found *found) {
        struct row copy = {
                .address = strdup(found->address),
                .name = strdup(found->name),
                .driver = strdup(found->driver),
                .notes = strdup(found->notes),
                .maybe = strcmp(found->match, "maybe") == 0,
                .added = found->added,
                .rssi = found->rssi,
        };

        if (!copy.address || !copy.name || !copy.driver || !copy.notes) {
                row_clear(&copy);
                return -ENOMEM;
        }
        row_clear(row);
        *row = copy;
        return 0;
}

static void found_write_json(const struct crampd_found *found) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "address", found->address);
        json_string(&json, "name", found->name);
        json_string(&json, "driver", found->driver);
        json_string(&json, "title", found->title);
        json_string(&json, "match", found->match);
        json_string(&json, "notes", found->notes);
        if (found->rssi != 0)
                json_int(&json, "rssi", found->rssi);
        else
                json_null(&json, "rssi");
        json_bool(&json, "added", found->added);
        json_object_end(&json);
        (void)json_finish(&json);
        (void)fflush(stdout);
}

static const struct column columns[] = {
        {N_("ADDRESS")}, {N_("SIGNAL"), true}, {N_("DRIVER")}, {N_("NAME")}, {""},
};

static void row_add_cells(struct table *table, const struct row *row) {
        char dbm[DBM_SIZE] = "-";

        if (row->rssi != 0)
                (void)snprintf(dbm, sizeof(dbm), "%d", row->rssi);
        table_cell(table, "%s", row->address);
        table_cell(table, "%s", dbm);
        table_cell(table, "%s%s", row->driver[0] ? row->driver : "-", row->maybe ? " ?" : "");
        table_cell(table, "%s", row->name);
        table_cell(table, "%s", row->added ? _("added") : "");
}

static int rows_print(const struct scan *scan, size_t first, bool headings) {
        struct table *table = table_new(columns, ARRAY_LENGTH(columns));
        int r;

        if (!table)
                return -ENOMEM;
        for (size_t i = first; i < scan->n_rows; i++)
                row_add_cells(table, scan->rows + i);
        r = table_print(table, stdout, headings);
        (void)table_free(table);
        (void)fflush(stdout);
        return r;
}

static void rows_draw(struct scan *scan) {
        if (scan->drawn_lines > 0)
                printf("\033[%zuA\033[J", scan->drawn_lines);
        if (rows_print(scan, 0, true) < 0)
                scan->short_of_memory = true;
        scan->drawn_lines = scan->n_rows + 1;
        scan->dirty = false;
        scan->drawn_ms = clock_ms();
}

static struct row *row_find(struct scan *scan, const char *address) {
        for (size_t i = 0; i < scan->n_rows; i++)
                if (strcmp(scan->rows[i].address, address) == 0)
                        return scan->rows + i;
        return NULL;
}

static void on_found(const struct crampd_found *found, const char *reason, void *userdata) {
        struct scan *scan = userdata;
        struct row *row;
        bool is_new;

        if (!found) {
                (void)snprintf(scan->reason, sizeof(scan->reason), "%s", reason);
                scan->over = true;
                return;
        }
        row = row_find(scan, found->address);
        is_new = !row;
        if (is_new && scan->n_rows == ROWS_MAX)
                return;
        if (is_new)
                row = scan->rows + scan->n_rows;
        if (row_set(row, found) < 0) {
                scan->short_of_memory = true;
                return;
        }
        scan->n_rows += is_new;
        scan->dirty = true;
        if (scan->json && is_new)
                found_write_json(found);
        else if (!scan->live && is_new && rows_print(scan, scan->n_rows - 1, false) < 0)
                scan->short_of_memory = true;
}

/* Each driver's notes once. */
static void notes_print(const struct scan *scan) {
        for (size_t i = 0; i < scan->n_rows; i++) {
                const struct row *row = scan->rows + i;
                bool told = !row->notes[0];

                for (size_t j = 0; j < i && !told; j++)
                        told = strcmp(scan->rows[j].driver, row->driver) == 0;
                if (told)
                        continue;
                text_write(stdout, row->driver);
                fputs(": ", stdout);
                text_write(stdout, row->notes);
                fputc('\n', stdout);
        }
}

static int scan_finish(struct scan *scan) {
        if (scan->live)
                rows_draw(scan);
        if (scan->short_of_memory)
                return fail(EX_OSERR, "out of memory");
        if (!scan->json && scan->legend) {
                notes_print(scan);
                if (scan->n_rows == 0)
                        puts(_("No sensor was heard. Is it switched on, near, and not connected to "
                               "another "
                               "device?"));
                else
                        puts(_("Adopt one with: crampctl add ADDRESS --muscle=MUSCLE --leg=LEG"));
        }
        return output_finish_stdout();
}

static int scan_wait(const struct scan *scan, crampd_client *client, int signal_fd, int64_t end_ms) {
        struct pollfd fds[] = {
                {.fd = crampd_client_get_fd(client), .events = crampd_client_get_events(client)},
                {.fd = signal_fd, .events = POLLIN},
        };
        int64_t wait_ms = end_ms - clock_ms();

        if (scan->live && scan->dirty && wait_ms > DRAW_INTERVAL_MS)
                wait_ms = DRAW_INTERVAL_MS;
        if (poll(fds, ARRAY_LENGTH(fds), wait_ms > 0 ? (int)wait_ms : 0) < 0 && errno != EINTR)
                return -errno;
        return fds[1].revents ? 1 : 0;
}

static int scan_loop(struct scan *scan, crampd_client *client, int signal_fd, unsigned seconds) {
        int64_t end_ms = clock_ms() + (int64_t)seconds * 1000 + PATIENCE_MS;
        int r = 0;

        while (!scan->over && clock_ms() < end_ms && r == 0 && !ferror(stdout)) {
                if (crampd_client_dispatch(client) < 0)
                        return fail(EX_UNAVAILABLE, "the system bus has gone");
                if (scan->live && scan->dirty && clock_ms() >= scan->drawn_ms + DRAW_INTERVAL_MS)
                        rows_draw(scan);
                if (!scan->over)
                        r = scan_wait(scan, client, signal_fd, end_ms);
        }
        if (r < 0)
                return fail(EX_OSERR, "cannot wait for events: %s", strerror(-r));
        if (scan->over && scan->reason[0] && strcmp(scan->reason, "done") != 0)
                return fail(EX_UNAVAILABLE, "the scan ended early: %s", scan->reason);
        if (!scan->over)
                (void)crampd_stop_scan(client, NULL);
        return scan_finish(scan);
}

/* Who waits for half a minute is not to hear then that the sensor is to blame. */
static int bluetooth_check(crampd_client *client) {
        struct crampd_error error = {};
        struct crampd_status *status;
        int r = crampd_get_status(client, &status, &error), code = 0;

        if (r < 0)
                return fail_client(r, &error);
        if (strcmp(status->bluetooth, "ok") != 0)
                code = fail(EX_UNAVAILABLE, "no sensor can be heard: %s",
                            words_of_bluetooth(status->bluetooth));
        crampd_status_free(status);
        return code;
}

static int scan_run(struct scan *scan, unsigned seconds, bool all) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct crampd_error error = {};
        int code, r, signal_fd;

        signal_fd = signals_open(/* with_screen= */ false);
        if (signal_fd < 0)
                return fail(EX_OSERR, "cannot receive signals: %s", strerror(-signal_fd));
        code = client_open(&client);
        if (code == 0)
                code = bluetooth_check(client);
        if (code == 0) {
                r = crampd_start_scan(client, seconds, all, on_found, scan, &error);
                code = r < 0 ? fail_client(r, &error) : 0;
        }
        if (code == 0)
                code = scan_loop(scan, client, signal_fd, seconds);
        (void)close(signal_fd);
        return code;
}

static int seconds_parse(const char *text, unsigned *ret) {
        char *end;
        unsigned long value;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno != 0 || text[0] < '0' || text[0] > '9' || *end || value < 1 || value > SECONDS_MAX)
                return fail(EX_USAGE, "--seconds takes a whole number from 1 to %u", SECONDS_MAX);
        *ret = (unsigned)value;
        return 0;
}

int verb_scan(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_SECONDS = OPTION_VERB, OPTION_ALL };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"seconds", required_argument, NULL, OPTION_SECONDS},
                {"all", no_argument, NULL, OPTION_ALL},
                {},
        };
        struct global_options g = *global;
        unsigned seconds = SECONDS_DEFAULT;
        struct scan scan = {};
        bool all = false;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_SECONDS:
                        code = seconds_parse(optarg, &seconds);
                        if (code != 0)
                                return code;
                        break;
                case OPTION_ALL:
                        all = true;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;

        scan.json = g.json;
        scan.legend = !g.no_legend;
        scan.live = !g.json && isatty(STDOUT_FILENO);
        code = scan_run(&scan, seconds, all);
        for (size_t i = 0; i < scan.n_rows; i++)
                row_clear(scan.rows + i);
        return code;
}
