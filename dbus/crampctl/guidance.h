/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of guidance share: whose it is, and how figures look.
 */
#pragma once

#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/words.h"

/* Far from the values of the verbs' own options. */
#define OPTION_OWNER (OPTION_VERB + 0x100)
#define OWNER_OPTION \
        { "owner", required_argument, NULL, OPTION_OWNER }
#define OWNER_HELP                                                                               \
        "      --owner=USER       Whose it is, if not yours; only for root (default: whom sudo " \
        "tells)\n"

/* Reaches the bus; `user` is what --owner said, or NULL. Returns 0, or an exit code after saying why. */
int guidance_open(const char *user, crampd_client **ret_client, unsigned *ret_owner);

/* "320 mg", "350 mg (from supplements)"; "" when it is not told. In the user's language, or, for
 * programs, in English. */
struct figures {
        char intake[128];
        char limit[128];
};
void figures_format(const struct crampd_advice_item *item, const struct language *language,
                    struct figures *ret);

void strings_write_json(struct json *json, const char *key, char **strings);

/* Writes the words with line breaks between them. */
void paragraph_write(const char *indent, const char *text);
