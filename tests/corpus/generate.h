/* SPDX-License-Identifier: MIT */
/* The command line of the generators: options to a file and its truth. Needs corpus.h and signal-file.h;
 * used by calf-emg.c and spliced-emg.c. */
#pragma once

#include "tests/corpus/corpus.h"

struct splice;

/* Where a generator's material comes from, as splice_load(); NULL for the model. */
typedef int (*generate_load_func)(const char *folder, unsigned rate_hz, struct splice **ret,
                                  struct corpus_error *error);

/* Returns the exit code. */
int generate_main(int argc, char **argv, generate_load_func load);
