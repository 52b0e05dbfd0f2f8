/* SPDX-License-Identifier: MIT */
/* spliced-emg: as calf-emg, but from pieces of real recordings, so that results can be checked on
 * signals that no model made. See README.md. */
#include "tests/corpus/generate.h"
#include "tests/corpus/splice-load.h"

int main(int argc, char **argv) {
        return generate_main(argc, argv, splice_load);
}
