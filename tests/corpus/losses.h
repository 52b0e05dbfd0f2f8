/* SPDX-License-Identifier: MIT */
/* Samples that never arrive: from a script's gaps and losses to frames. Needs corpus.h and random.h;
 * used by corpus.c. */
#pragma once

#include "tests/corpus/corpus.h"

/* Ascending, apart from each other, within `frames`. Returns 0, -ENOMEM or -E2BIG. */
int losses_build(const struct script *script, uint64_t seed, unsigned rate_hz, uint64_t frames,
                 struct corpus_gap **ret, size_t *ret_n);
