/* SPDX-License-Identifier: MIT */
/* The owner's other sensors: see company.h and detector_set_company(). */
#include "daemon/detector/company.h"

#include "daemon/detector/detector.h"
#include "daemon/detector/tuning.h"

int32_t company_clamp(int32_t percent) {
        return percent < 0 ? -1 : percent > DETECTOR_COMPANY_MAX ? DETECTOR_COMPANY_MAX : percent;
}

int32_t detector_company_percent(const struct detector_level *level) {
        double highest = -1.0;

        for (uint32_t i = 0; i < level->channels; i++) {
                double ratio;

                if (level->quality[i] != DETECTOR_QUALITY_GOOD || !(level->floor_uv[i] > 0.0))
                        continue;
                ratio = level->level_uv[i] / level->floor_uv[i];
                if (ratio > highest)
                        highest = ratio;
        }
        if (highest >= DETECTOR_COMPANY_MAX / 100.0)
                return DETECTOR_COMPANY_MAX;
        return highest < 0.0 ? -1 : (int32_t)(100.0 * highest);
}

bool detector_company_rises(int32_t percent) {
        return percent / 100.0 >= TUNING_TOGETHER_RATIO;
}
