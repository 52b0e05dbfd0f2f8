/* SPDX-License-Identifier: MIT */
/*
 * Formats of `crampctl export`: a new one is a file export-NAME.c and a line of the table in export.c.
 * What all of them share (options, filter, where the result goes, the cursor) is in export.c.
 */
#pragma once

#include <stdio.h>

#include "dbus/crampctl/filter.h"
#include "dbus/crampctl/progress.h"

enum export_kind {
        EXPORT_STREAM,   /* into `file`, which may be standard output */
        EXPORT_DATABASE, /* into a new file at `path`, which is then renamed */
        EXPORT_FOLDER,   /* into files of its own at or below `path` */
};

struct export {
        crampd_client *client;
        const struct episode_filter *filter;
        FILE *file;
        const char *path;
        bool legend;
        bool force;        /* existing files may be replaced */
        const char *after; /* cursor, "" = the beginning; NULL = all, in order of onset */
        char *cursor;      /* to be kept, after export_episodes() with `after` */
        struct crampd_error error;
        struct progress progress;
        int64_t first_us, now_us; /* of the progress */
};

struct export_format {
        const char *name;
        const char *summary; /* for --help */
        enum export_kind kind;
        bool incremental; /* can go on after a cursor */
        /* Returns 0, or an exit code after saying why. What a stream's `file` refuses is told by its
         * commit. */
        int (*write)(struct export *export);
};

extern const struct export_format export_csv, export_json, export_jsonl, export_ics, export_edf,
        export_sqlite;

/* In the order of --help; NULL after the last. */
const struct export_format *export_format_get(size_t i);

/* Calls `func` for each episode that the filter takes. Returns 0, or an exit code after saying why; for
 * a func that returns -EIO, 0 if the stream has failed, and -ECANCELED the code that it has told. */
int export_episodes(struct export *export, crampd_episode_func func, void *userdata);
int export_missed(struct export *export, crampd_missed_func func, void *userdata);
int export_nights(struct export *export, crampd_night_func func, void *userdata);

/* The signals of episodes, which are gathered first and then asked for, each while the one before is
 * being written. */
struct export_signals {
        struct crampd_episode *episodes; /* copies, of those that have one */
        size_t n, allocated;
};

/* Returns 0 or -ENOMEM. */
int export_signals_add(struct export_signals *signals, const struct crampd_episode *episode);
void export_signals_clear(struct export_signals *signals);
/* As export_episodes(); what crampd has forgotten since is left out. */
typedef int (*export_signal_func)(const struct crampd_episode *episode,
                                  const struct crampd_waveform *waveform, void *userdata);
int export_signals_get(struct export *export, const struct export_signals *signals,
                       export_signal_func func, void *userdata);
