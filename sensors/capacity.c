/* SPDX-License-Identifier: MIT */
/* Time on air: see capacity.h. */
#include "sensors/capacity.h"

#define BYTE_US 8.0
#define PACKET_OVERHEAD 10.0
#define SPACE_US 150.0
#define NOTIFICATION_OVERHEAD 7.0
#define VALUE_SHORT 20.0 /* fits into a link-layer packet of 27 bytes */
#define PAYLOAD_LONG 251.0
/* A link without data is asked all the same: at Linux's default interval of 30-50 ms (hci_core.c). */
#define IDLE_INTERVAL_US 30000.0
#define LISTENING 0.5 /* discovery would take all, but gives way to links: half of it is a choice */

/* Both packets and both spaces. */
static double exchange_us(double payload) {
        return (PACKET_OVERHEAD + payload) * BYTE_US + PACKET_OVERHEAD * BYTE_US + 2 * SPACE_US;
}

static double notification_us(double value_size) {
        double size = value_size + NOTIFICATION_OVERHEAD;
        unsigned full;

        if (value_size <= VALUE_SHORT || size <= PAYLOAD_LONG)
                return exchange_us(size);
        full = (unsigned)(size / PAYLOAD_LONG);
        size -= full * PAYLOAD_LONG;
        return full * exchange_us(PAYLOAD_LONG) + (size > 0 ? exchange_us(size) : 0.0);
}

static double link_share(const struct capacity_load *load) {
        double idle = exchange_us(0) / IDLE_INTERVAL_US;
        double busy = load->packets_per_s * notification_us(load->value_size) / 1e6;

        return busy > idle ? busy : idle;
}

double capacity_share(const struct capacity_load *loads, size_t n) {
        double share = 0.0;
        bool listens = false;

        for (size_t i = 0; i < n; i++) {
                listens = listens || loads[i].advert;
                share += loads[i].advert ? 0.0 : link_share(&loads[i]);
        }
        return share + (listens ? LISTENING : 0.0);
}
