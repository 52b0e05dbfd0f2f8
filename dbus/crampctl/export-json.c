/* SPDX-License-Identifier: MIT */
/*
 * crampctl export --format json: one object, as dbus/crampctl/export.schema.json describes it; and
 * jsonl: one episode a line.
 */
#include <errno.h>

#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/export.h"
#include "dbus/crampctl/night.h"
#include "dbus/crampctl/words.h"

#define SCHEMA "org.crampd1.export/1"

struct writing {
        FILE *file;
        struct json json;
};

static int write_episode(const struct crampd_episode *episode, void *userdata) {
        struct writing *writing = userdata;

        json_object_begin(&writing->json, NULL);
        episode_write_json(&writing->json, episode);
        json_object_end(&writing->json);
        return ferror(writing->file) ? -EIO : 0;
}

static int write_missed(const struct crampd_missed *missed, void *userdata) {
        struct writing *writing = userdata;

        json_object_begin(&writing->json, NULL);
        missed_write_json(&writing->json, missed);
        json_object_end(&writing->json);
        return ferror(writing->file) ? -EIO : 0;
}

static int write_night(const struct crampd_night *night, void *userdata) {
        struct writing *writing = userdata;

        night_write_json(&writing->json, night);
        return ferror(writing->file) ? -EIO : 0;
}

/* Of changes only episodes are told. */
static int json_write(struct export *export) {
        struct writing writing = {.file = export->file, .json = JSON_INIT(export->file)};
        struct json *json = &writing.json;
        int code;

        json_object_begin(json, NULL);
        json_string(json, "schema", SCHEMA);
        json_array_begin(json, "episodes");
        code = export_episodes(export, write_episode, &writing);
        json_array_end(json);
        if (code == 0 && export->after)
                json_string(json, "cursor", export->cursor);
        if (code == 0 && !export->after) {
                json_array_begin(json, "missed");
                code = export_missed(export, write_missed, &writing);
                json_array_end(json);
        }
        if (code == 0 && !export->after) {
                json_array_begin(json, "nights");
                code = export_nights(export, write_night, &writing);
                json_array_end(json);
        }
        json_object_end(json);
        (void)json_finish(json);
        return code;
}

const struct export_format export_json = {
        .name = "json",
        .summary = N_("one object of episodes, missed cramps and nights"),
        .kind = EXPORT_STREAM,
        .incremental = true,
        .write = json_write,
};

static int write_line(const struct crampd_episode *episode, void *userdata) {
        struct writing *writing = userdata;
        int r = write_episode(episode, writing);

        fputc('\n', writing->file);
        return r;
}

static int jsonl_write(struct export *export) {
        struct writing writing = {.file = export->file, .json = JSON_INIT(export->file)};

        return export_episodes(export, write_line, &writing);
}

const struct export_format export_jsonl = {
        .name = "jsonl",
        .summary = N_("one object an episode and line"),
        .kind = EXPORT_STREAM,
        .incremental = true,
        .write = jsonl_write,
};
