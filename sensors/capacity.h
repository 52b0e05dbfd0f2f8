/* SPDX-License-Identifier: MIT */
/*
 * How much of a radio's time sensors take: an estimate, so that a person learns beforehand that one more
 * is too many. Pure arithmetic; called by the daemon. crampctl doctor warns by the same limit.
 *
 * Time on air after the Core Specification 5.3, Vol 6, Part B: LE 1M, 8 us a byte; 10 bytes beside each
 * packet's payload (2.1: preamble 1, access address 4, header 2, CRC 3); 150 us between packets (4.1.1);
 * each of the sensor's packets is asked for by an empty one. A notification carries 4 bytes of L2CAP and
 * 3 of ATT beside its value (Vol 3, Part A, 3.1 and Part F, 3.4.7.1).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* From here on packets may come late and then not at all: several links never fit into each other
 * without gaps, other Bluetooth and Wi-Fi share the band, and lost packets are sent again. A choice. */
#define CAPACITY_FULL 0.7

/* What a sensor sends. */
struct capacity_load {
        double packets_per_s;
        double value_size; /* bytes of a packet, on average */
        bool advert;       /* never connected to: one listening serves all of these */
};

/* Share of one radio's time that all of them take, 0 and up. Values of more than 20 bytes are taken to
 * go in packets of up to 251 bytes, as they do between all radios with the Data Length Extension (4.2
 * and later); with older ones they take up to three times as long. */
double capacity_share(const struct capacity_load *loads, size_t n);
