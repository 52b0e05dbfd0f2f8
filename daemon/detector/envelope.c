/* SPDX-License-Identifier: MIT */
/* Short-time levels: see envelope.h. */
#include "daemon/detector/envelope.h"

void envelope_restart(struct envelope *envelope) {
        *envelope = (struct envelope){};
}

double envelope_power(const struct envelope *envelope, unsigned back) {
        return envelope
                ->power[(envelope->next + TUNING_REFERENCE_HOPS - 1 - back) % TUNING_REFERENCE_HOPS];
}

void envelope_take(struct envelope *envelope, double power, double still, double hop_s) {
        double sum = 0.0, mean;

        envelope->power[envelope->next] = power;
        envelope->next = (envelope->next + 1) % TUNING_REFERENCE_HOPS;
        if (envelope->hops < TUNING_REFERENCE_HOPS)
                envelope->hops++;

        /* Summed afresh: a running sum would keep rounding errors of strong activity for ever. */
        for (unsigned i = 0; i < envelope->hops; i++) {
                sum += envelope_power(envelope, i);
                if (i + 1 == TUNING_ENVELOPE_HOPS)
                        envelope->envelope_uv = __builtin_sqrt(sum / (double)(i + 1));
                if (i + 1 == TUNING_LEVEL_HOPS)
                        envelope->level_uv = __builtin_sqrt(sum / (double)(i + 1));
        }
        mean = sum / (double)envelope->hops;

        /* Soon after a restart the shorter times are all there is. */
        if (envelope->hops < TUNING_ENVELOPE_HOPS)
                envelope->envelope_uv = __builtin_sqrt(mean);
        if (envelope->hops < TUNING_LEVEL_HOPS)
                envelope->level_uv = __builtin_sqrt(mean);

        envelope->slow_power += still * (power - envelope->slow_power) * hop_s / TUNING_REFERENCE_SLOW_S;
        envelope->reference_uv =
                __builtin_sqrt(mean > envelope->slow_power ? mean : envelope->slow_power);
}

bool envelope_is_known(const struct envelope *envelope) {
        return envelope->hops >= TUNING_ENVELOPE_HOPS;
}
