/* SPDX-License-Identifier: MIT */
/*
 * A live stream into EDF+ or BDF+ files: the sensor's own counts, gaps of up to RECORDER_HELD_S held and
 * annotated. What a file cannot hold begins the next one: a longer gap, a stream that begins anew or has
 * another shape, counts beyond 16 bits in EDF, or no room for more annotations. What the detector hears
 * besides has signals of its own where there is such a thing, as edf-writer.h has them, so that a replay
 * finds the same. Counts and scale are exact. Knows no bus. Errors are told here; functions return an
 * exit code. Used by record.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dbus/client/crampd-client.h"

#define RECORDER_HELD_S 10u

struct recorder;

struct recorder_setup {
        /* "night.edf" or "night.bdf", the next ones night-2.edf, ...; else a folder, which is created,
         * for files named by the local time of their start. BDF takes the place of EDF where counts need
         * it. */
        const char *path;
        bool force;       /* the first file may replace one */
        const char *text; /* for the header: which sensor */
};

int recorder_new(const struct recorder_setup *setup, struct recorder **ret);
/* Finishes nothing: see recorder_finish(). NULL is accepted. */
void recorder_free(struct recorder *recorder);

int recorder_push(struct recorder *recorder, const struct crampd_samples *samples,
                  const struct crampd_stream_info *info);
/* A moment, or a span if `duration_us` >= 0, that lies in the present file; else nothing happens. */
void recorder_annotate(struct recorder *recorder, int64_t time_us, int64_t duration_us,
                       const char *text);
/* Ends the file that is open. The recorder may go on: the next sample begins another. */
int recorder_finish(struct recorder *recorder);

struct recorder_figures {
        unsigned files;
        uint64_t frames; /* gaps left out */
        uint64_t gaps;
        uint64_t length_us; /* held gaps counted */
        uint64_t clamped;   /* values beyond 24 bits */
        const char *path;   /* of the file that is open, or was last; NULL = none */
};
void recorder_get_figures(const struct recorder *recorder, struct recorder_figures *ret);
