/* SPDX-License-Identifier: MIT */
/* Languages: see language.h. */
#include "daemon/basic/language.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct language *find_one(const char *name, size_t length) {
        for (size_t i = 0; i < languages_n; i++)
                if (strlen(languages[i].name) == length &&
                    strncasecmp(languages[i].name, name, length) == 0)
                        return &languages[i];
        return NULL;
}

const struct language *language_find(const char *wanted) {
        while (wanted && *wanted) {
                const struct language *found = find_one(wanted, strcspn(wanted, "_-.@:"));

                if (found)
                        return found;
                wanted += strcspn(wanted, ":");
                wanted += *wanted == ':';
        }
        return &languages[0];
}

static int compare(const void *key, const void *entry) {
        return strcmp(key, ((const struct language_text *)entry)->text);
}

const char *language_text(const struct language *language, const char *text) {
        const struct language_text *found;

        if (!language || !text || language->n_texts == 0)
                return text;
        found = bsearch(text, language->texts, language->n_texts, sizeof(*language->texts), compare);
        return found ? found->translated : text;
}

void language_number(const struct language *language, double value, int decimals,
                     char ret[static LANGUAGE_NUMBER_SIZE]) {
        char *point;

        if (decimals < 0)
                (void)snprintf(ret, LANGUAGE_NUMBER_SIZE, "%g", value);
        else
                (void)snprintf(ret, LANGUAGE_NUMBER_SIZE, "%.*f", decimals, value);
        point = strchr(ret, '.');
        if (point && language)
                *point = language->decimal_mark;
}
