/* SPDX-License-Identifier: MIT */
/*
 * Writes generated signals as EDF+ or BDF+ (through EDFlib) or CSV, marked as simulated, and the truth
 * as JSON. Needs corpus.h; used by calf-emg.c.
 */
#pragma once

#include <stdint.h>

#include "tests/corpus/corpus.h"

enum signal_format {
        SIGNAL_EDF, /* up to 16 bits */
        SIGNAL_BDF, /* up to 24 bits */
        SIGNAL_CSV, /* time_s and a column LABEL_uV per channel */
};

/* Local time at which the recording is said to begin. */
struct signal_start {
        int year, month, day, hour, minute, second;
};

/* "2024-01-15T22:30:00"; years 1985-2084, as EDF has them. Returns 0 or -EINVAL. */
int signal_start_parse(const char *text, struct signal_start *ret);

/* Reads the corpus to its end and writes it with its events as annotations. An unfinished file is
 * removed. `script` is named in the header. Returns 0, -ENOMEM, -EIO or another errno of opening, or,
 * with `error` filled in, -EINVAL. */
int signal_file_write(const char *path, enum signal_format format, struct corpus *corpus,
                      const char *script, const struct signal_start *start, struct corpus_error *error);

/* Writes what is true of the recording at `signal_path`. Returns 0 or negative errno. */
int truth_file_write(const char *path, const char *signal_path, const struct corpus *corpus,
                     const char *script, const struct signal_start *start);
