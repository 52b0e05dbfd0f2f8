/* SPDX-License-Identifier: MIT */
/* The closed list of symptoms: see symptom.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "daemon/guidance/symptom.h"
#include "daemon/guidance/translate.h"

static const struct {
        const char *name;
        const char *phrase;
} symptoms[SYMPTOM_MAX] = {
#define SYMPTOM_ROW(enumerator, name, phrase) [SYMPTOM_##enumerator] = {name, phrase},
        SYMPTOMS(SYMPTOM_ROW)
#undef SYMPTOM_ROW
};

const char *symptom_to_string(unsigned symptom) {
        return symptom < SYMPTOM_MAX ? symptoms[symptom].name : NULL;
}

const char *symptom_phrase(unsigned symptom) {
        return symptom < SYMPTOM_MAX ? symptoms[symptom].phrase : NULL;
}

int symptom_from_string(const char *name) {
        for (int i = 0; i < SYMPTOM_MAX; i++)
                if (strcmp(symptoms[i].name, name) == 0)
                        return i;
        return -EINVAL;
}
