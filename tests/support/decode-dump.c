/* SPDX-License-Identifier: MIT */
/*
 * Runs a driver over bytes, for tests/unit/test-families.py:
 *
 *     decode-dump DRIVER ADVERTISED-NAME
 *
 * Standard input: "answer STEP HEX" ("answer STEP -": nothing came) and "packet SOURCE HEX", a line
 * each. Standard output, a line for each answer, block and malformed packet: "step N", "block INDEX
 * FRAMES LOST COUNT...", "malformed". The format comes with the first packet: "format KIND RATE_MHZ
 * CHANNELS SLIP_FRAMES".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "sensors/driver.h"

#define LINE_MAX_BYTES 2048
#define PACKET_MAX 600u

static size_t hex_read(const char *text, uint8_t *ret) {
        size_t size = 0;
        unsigned byte;

        for (; size < PACKET_MAX && sscanf(text + 2 * size, "%2x", &byte) == 1; size++)
                ret[size] = (uint8_t)byte;
        return size;
}

static void block_print(const struct emg_block *block) {
        printf("block %" PRIu64 " %" PRIu32 " %" PRIu64, block->index, block->frames,
               block->lost_packets);
        for (uint32_t i = 0; i < block->frames * block->channels; i++)
                printf(" %" PRId32, block->counts[i]);
        putchar('\n');
}

static void packet_run(const struct sensor_driver *driver, struct sensor_decoder *decoder,
                       unsigned source, const uint8_t *packet, size_t size) {
        struct emg_block block;
        int r = driver->decode(decoder, source, packet, size, &block);

        if (r < 0)
                puts("malformed");
        if (driver->settles)
                r = driver->more(decoder, &block);
        for (; r > 0; r = driver->more ? driver->more(decoder, &block) : 0)
                block_print(&block);
}

static void format_print(const struct sensor_driver *driver, const struct sensor_decoder *decoder) {
        struct stream_format format = {};

        if (driver->format(decoder, &format) < 0)
                puts("format none");
        else
                printf("format %u %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", format.kind, format.rate_mhz,
                       format.channels, format.slip_frames);
}

int main(int argc, char *argv[]) {
        const struct sensor_driver *driver = argc == 3 ? sensor_driver_find(argv[1]) : NULL;
        struct sensor_decoder *decoder;
        char line[LINE_MAX_BYTES];
        uint8_t bytes[PACKET_MAX];
        bool formatted = false;

        if (!driver || driver->decoder_new(&decoder) < 0)
                return 1;
        if (driver->begin(decoder, &(struct sensor_settings){.name = argv[2]}) < 0)
                return 1;
        while (fgets(line, sizeof(line), stdin)) {
                char hex[LINE_MAX_BYTES] = "";
                unsigned number;

                if (sscanf(line, "answer %u %2047s", &number, hex) == 2) {
                        size_t size = hex_read(hex, bytes);

                        printf("step %d\n", driver->answer
                                                    ? driver->answer(decoder, number,
                                                                     hex[0] == '-' ? NULL : bytes, size)
                                                    : (int)number + 1);
                } else if (sscanf(line, "packet %u %2047s", &number, hex) == 2) {
                        if (!formatted)
                                format_print(driver, decoder);
                        formatted = true;
                        packet_run(driver, decoder, number, bytes, hex_read(hex, bytes));
                }
        }
        driver->decoder_free(decoder);
        return 0;
}
