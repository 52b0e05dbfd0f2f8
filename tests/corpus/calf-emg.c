/* SPDX-License-Identifier: MIT */
/* calf-emg: writes SIMULATED muscle activity of a leg to a file, for the demo, tests and benchmarks. See
 * README.md. */
#include "tests/corpus/generate.h"

int main(int argc, char **argv) {
        return generate_main(argc, argv, NULL);
}
