/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration file: refused with an error that names file and line, or taken. How to
 * search: see fuzz-recording.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct options options = {0};
        char *error;
        int r = config_parse((const char *)data, size, "file", &options, &error);

        assert(r == 0 || r == -EBADMSG);
        assert(!error == (r == 0));
        assert(!error || strncmp(error, "file:", strlen("file:")) == 0);
        for (unsigned i = 0; r == 0 && i < options.n_virtuals; i++)
                assert(options.virtuals[i].path && options.virtuals[i].name);
        free(error);
        options_done(&options);
        return 0;
}
