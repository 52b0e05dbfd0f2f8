/* SPDX-License-Identifier: MIT */
/* The names of what is known: see knowledge.h. The table itself is generated. */
#include <errno.h>
#include <string.h>

#include "daemon/guidance/knowledge.h"
#include "daemon/guidance/translate.h"

static const struct {
        const char *name;
        const char *title;
} nutrients[NUTRIENT_MAX] = {
        [NUTRIENT_MAGNESIUM] = {"magnesium", N_("Magnesium")},
        [NUTRIENT_POTASSIUM] = {"potassium", N_("Potassium")},
        [NUTRIENT_CALCIUM] = {"calcium", N_("Calcium")},
        [NUTRIENT_VITAMIN_D] = {"vitamin-d", N_("Vitamin D")},
        [NUTRIENT_VITAMIN_K2] = {"vitamin-k2", N_("Vitamin K2")},
        [NUTRIENT_VITAMIN_B1] = {"vitamin-b1", N_("Vitamin B1 (thiamine)")},
        [NUTRIENT_VITAMIN_B12] = {"vitamin-b12", N_("Vitamin B12 (cobalamin)")},
        [NUTRIENT_HYDRATION] = {"hydration", N_("Drinking enough")},
};

static const char *const grades[GRADE_MAX] = {
        [GRADE_STRONG] = "strong",   [GRADE_MODERATE] = "moderate",
        [GRADE_LIMITED] = "limited", [GRADE_MIXED] = "mixed",
        [GRADE_AGAINST] = "against", [GRADE_COMMON_ADVICE] = "common-advice",
};

static const char *const kinds[STATEMENT_KIND_MAX] = {
        [STATEMENT_ROLE] = "role",
        [STATEMENT_LACK] = "lack",
        [STATEMENT_RISK] = "risk",
        [STATEMENT_FOODS] = "foods",
        [STATEMENT_INTAKE] = "intake",
        [STATEMENT_LIMIT] = "limit",
        [STATEMENT_FORMS] = "forms",
        [STATEMENT_ABSORPTION] = "absorption",
        [STATEMENT_INTERACTION] = "interaction",
        [STATEMENT_EVIDENCE] = "evidence",
        [STATEMENT_COMPARISON] = "comparison",
        [STATEMENT_RECOMMENDATION] = "recommendation",
        [STATEMENT_SUPPLEMENT] = "supplement",
        [STATEMENT_CAUSE] = "cause",
        [STATEMENT_RELIEF] = "relief",
        [STATEMENT_PREVENTION] = "prevention",
        [STATEMENT_DOCTOR] = "doctor",
        [STATEMENT_QUININE] = "quinine",
        [STATEMENT_GENERAL] = "general",
        [STATEMENT_RED_FLAG] = "red-flag",
        [STATEMENT_NOTICE] = "notice",
};

const char *nutrient_to_string(unsigned nutrient) {
        return nutrient < NUTRIENT_MAX ? nutrients[nutrient].name : NULL;
}

const char *nutrient_title(unsigned nutrient) {
        return nutrient < NUTRIENT_MAX ? nutrients[nutrient].title : NULL;
}

int nutrient_from_string(const char *name) {
        for (int i = 0; i < NUTRIENT_MAX; i++)
                if (strcmp(nutrients[i].name, name) == 0)
                        return i;
        return -EINVAL;
}

const char *grade_to_string(unsigned grade) {
        return grade < GRADE_MAX ? grades[grade] : NULL;
}

const char *statement_kind_to_string(unsigned kind) {
        return kind < STATEMENT_KIND_MAX ? kinds[kind] : NULL;
}
