/* SPDX-License-Identifier: MIT */
/* Real recordings: see detector-recording.h. */
#include "tests/unit/detector-recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define COLUMNS_MAX 32u

static uint32_t parse_row(const char *line, double *values) {
        uint32_t n = 0;

        while (n < COLUMNS_MAX) {
                char *end;

                values[n] = strtod(line, &end);
                if (end == line)
                        break;
                n++;
                line = end + strspn(end, ", \t;\r\n");
        }
        return n;
}

static int read_rows(FILE *file, const uint32_t *columns, uint32_t channels, double factor_uv,
                     double *uv, size_t *ret_rows) {
        char line[1024];
        size_t rows = 0;

        while (fgets(line, sizeof(line), file)) {
                double values[COLUMNS_MAX];
                uint32_t n = parse_row(line, values);

                if (n == 0)
                        continue;
                for (uint32_t i = 0; i < channels; i++) {
                        if (columns[i] >= n)
                                return -EINVAL;
                        if (uv)
                                uv[rows * channels + i] = values[columns[i]] * factor_uv;
                }
                rows++;
        }
        *ret_rows = rows;
        return 0;
}

int recording_load(const char *folder, const char *name, uint32_t rate_mhz, const uint32_t *columns,
                   uint32_t channels, double factor_uv, double scale_uv, struct signal *ret) {
        _cleanup_(fclosep) FILE *file = NULL;
        char path[4096];
        size_t rows = 0;
        int r;

        if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        file = fopen(path, "re");
        if (!file)
                return -errno;

        r = read_rows(file, columns, channels, factor_uv, NULL, &rows);
        if (r < 0)
                return r;
        if (rows == 0)
                return -EINVAL;

        rewind(file);
        signal_init(ret, rate_mhz, channels, scale_uv, ((double)rows + 0.5) * 1000.0 / (double)rate_mhz);
        r = read_rows(file, columns, channels, factor_uv, ret->uv, &rows);
        if (r < 0) {
                signal_done(ret);
                return r;
        }
        signal_quantise(ret, INT32_MIN, INT32_MAX);
        return 0;
}

void recording_repeat(const struct signal *signal, uint32_t channel, double rest_s, double rest_uv,
                      unsigned times, struct signal *ret) {
        uint32_t channels = channel == UINT32_MAX ? signal->channels : 1;
        size_t rest = (size_t)(rest_s * signal_rate_hz(signal)), total = rest + times * signal->frames;
        uint64_t seed = 99;

        signal_init(ret, signal->rate_mhz, channels, signal->scale_uv,
                    ((double)total + 0.5) / signal_rate_hz(signal));
        for (size_t i = 0; i < total; i++)
                for (uint32_t k = 0; k < channels; k++) {
                        size_t source = channel == UINT32_MAX ? k : channel;
                        double *uv = &ret->uv[i * channels + k];

                        if (i < rest)
                                *uv = rest_uv * signal_normal(&seed) + signal->uv[source];
                        else
                                *uv = signal->uv[(i - rest) % signal->frames * signal->channels +
                                                 source];
                }
        signal_quantise(ret, INT32_MIN, INT32_MAX);
}
