/* SPDX-License-Identifier: MIT */
/* crampctl export --format csv: a row an episode, as RFC 4180 has it. */
#include <errno.h>

#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/export.h"
#include "dbus/crampctl/words.h"

static int write_row(const struct crampd_episode *episode, void *userdata) {
        struct export *export = userdata;

        episode_write_csv(export->file, episode);
        return ferror(export->file) ? -EIO : 0;
}

static int csv_write(struct export *export) {
        if (export->legend)
                episode_write_csv_header(export->file);
        return export_episodes(export, write_row, export);
}

const struct export_format export_csv = {
        .name = "csv",
        .summary = N_("a row an episode (RFC 4180); the default"),
        .kind = EXPORT_STREAM,
        .incremental = true,
        .write = csv_write,
};
