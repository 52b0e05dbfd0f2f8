/* SPDX-License-Identifier: MIT */
/* Cuts the recordings of a folder into pieces: see splice.h and README.md. Needs the recording reader;
 * used by spliced-emg.c and tests. */
#pragma once

#include "tests/corpus/splice.h"

/* For a sensor of this rate. Returns 0, -ENOMEM, or, with `error`, -ENOENT or -EBADMSG. */
int splice_load(const char *folder, unsigned rate_hz, struct splice **ret, struct corpus_error *error);
