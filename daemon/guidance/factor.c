/* SPDX-License-Identifier: MIT */
/* The closed list of factors: see factor.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "daemon/guidance/factor.h"
#include "daemon/guidance/translate.h"

static const struct {
        const char *name;
        const char *phrase;
        enum field field;
} factors[FACTOR_MAX] = {
#define FACTOR_ROW(enumerator, name, phrase, field) \
        [FACTOR_##enumerator] = {name, phrase, FIELD_##field},
        FACTORS(FACTOR_ROW)
#undef FACTOR_ROW
};

const char *factor_to_string(unsigned factor) {
        return factor < FACTOR_MAX ? factors[factor].name : NULL;
}

const char *factor_phrase(unsigned factor) {
        return factor < FACTOR_MAX ? factors[factor].phrase : NULL;
}

enum field factor_field(enum factor factor) {
        return factors[factor].field;
}

int factor_from_string(const char *name) {
        for (int i = 0; i < FACTOR_MAX; i++)
                if (strcmp(factors[i].name, name) == 0)
                        return i;
        return -EINVAL;
}
