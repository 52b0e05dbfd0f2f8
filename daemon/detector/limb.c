/* SPDX-License-Identifier: MIT */
/* Movement of the limb: see limb.h. */
#include "daemon/detector/limb.h"

/* Beyond this no accelerometer counts; the sums of a hop stay exact. */
#define COUNT_MAX (INT32_C(1) << 20)

void limb_init(struct limb *limb, double scale_g) {
        *limb = (struct limb){.scale_g = scale_g, .share = -1.0};
}

static void limb_begin_hop(struct limb *limb) {
        for (unsigned axis = 0; axis < LIMB_AXES; axis++)
                limb->sum[axis] = 0;
        limb->squares = 0;
        limb->frames = 0;
}

void limb_forget(struct limb *limb) {
        limb->noise_g = 0.0;
}

void limb_restart(struct limb *limb) {
        limb->primed = false;
        limb->share = -1.0;
        limb->recent = 0.0;
        limb_begin_hop(limb);
}

void limb_set(struct limb *limb, const int32_t *counts) {
        limb->known = counts && limb->scale_g > 0.0;
        for (unsigned axis = 0; limb->known && axis < LIMB_AXES; axis++)
                limb->counts[axis] = counts[axis] > COUNT_MAX    ? COUNT_MAX
                                     : counts[axis] < -COUNT_MAX ? -COUNT_MAX
                                                                 : counts[axis];
}

void limb_push(struct limb *limb, uint32_t frames) {
        if (!limb->known)
                return;
        for (unsigned axis = 0; axis < LIMB_AXES; axis++) {
                int64_t count = limb->counts[axis];

                limb->sum[axis] += (int64_t)frames * count;
                limb->squares += (int64_t)frames * (count * count);
        }
        limb->frames += frames;
}

/* How far the hop's mean is from gravity, and how much it shook within. What weighs much more than 1 g
 * rests, in another unit than it says. */
static double limb_measure(struct limb *limb, double hop_s) {
        double power = (double)limb->squares / (double)limb->frames, away = 0.0, weight = 0.0;

        for (unsigned axis = 0; axis < LIMB_AXES; axis++) {
                double mean = (double)limb->sum[axis] / (double)limb->frames;
                double mean_g = mean * limb->scale_g, d;

                power -= mean * mean;
                if (!limb->primed)
                        limb->gravity_g[axis] = mean_g;
                d = mean_g - limb->gravity_g[axis];
                away += d * d;
                limb->gravity_g[axis] += d * hop_s / TUNING_MOTION_GRAVITY_S;
                weight += limb->gravity_g[axis] * limb->gravity_g[axis];
        }
        limb->primed = true;
        if (!(power > 0.0))
                power = 0.0;
        limb->weighs = weight >= TUNING_MOTION_WEIGHT_MIN_G * TUNING_MOTION_WEIGHT_MIN_G;
        away += power * (limb->scale_g * limb->scale_g);
        if (weight > TUNING_MOTION_WEIGHT_MAX_G * TUNING_MOTION_WEIGHT_MAX_G)
                away /= weight;
        return __builtin_sqrt(away);
}

void limb_close_hop(struct limb *limb, const struct grid *grid) {
        double low_g, ratio, hop_s = grid->hop_s;

        limb->recent -= limb->recent * hop_s / TUNING_MOTION_RECENT_S;
        if (limb->frames == 0) {
                limb->primed = false;
                limb->share = -1.0;
                return;
        }
        limb->level_g = limb_measure(limb, hop_s);
        limb->noise_g += (limb->level_g - limb->noise_g) * hop_s /
                         (limb->level_g > limb->noise_g ? TUNING_MOTION_NOISE_RISE_S
                                                        : TUNING_MOTION_NOISE_FALL_S);
        low_g = TUNING_MOTION_NOISE_RATIO * limb->noise_g;
        if (low_g < TUNING_MOTION_STILL_G)
                low_g = TUNING_MOTION_STILL_G;
        ratio = limb->level_g / low_g;
        limb->share = (ratio - 1.0) / (TUNING_MOTION_MOVES_G / TUNING_MOTION_STILL_G - 1.0);
        if (limb->share < 0.0)
                limb->share = 0.0;
        if (limb->share > 1.0)
                limb->share = 1.0;
        if (limb->share > limb->recent)
                limb->recent = limb->share;
        /* That it is still says only a sensor that shows gravity. */
        if (!limb->weighs && !(limb->share > 0.0))
                limb->share = -1.0;
        limb_begin_hop(limb);
}
