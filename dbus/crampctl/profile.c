/* SPDX-License-Identifier: MIT */
/*
 * crampctl profile: what you tell crampd of yourself.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/guidance/profile.h"
#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"

#define VALUES_MAX 32u

static const char help[] =
        "Usage: crampctl profile [OPTION...] show\n"
        "       crampctl profile [OPTION...] set KEY=VALUE...\n"
        "       crampctl profile [OPTION...] forget\n"
        "\n"
        "Show, change or delete what you told of yourself. 'crampctl guidance' depends on it. Only you "
        "(and root) can read\n"
        "it. Nothing is required: what you do not say counts as unsafe, and is named there as what "
        "would "
        "sharpen advice.\n"
        "\n"
        "Keys:\n"
        "  age=YEARS              sex=female|male              pregnancy=no|pregnant|breastfeeding\n"
        "  diet=omnivore|vegetarian|vegan                      alcohol=none|some|much\n"
        "  kidney-disease, dialysis, liver-disease, heart-failure=yes|no\n"
        "  medicines=LIST, conditions=LIST                     names by commas, or none; a wrong one is "
        "answered by the list\n"
        "  supplements=LIST       NAME:AMOUNT a day (elemental), or none: "
        "magnesium:300mg,vitamin-d:1000IU\n"
        "An empty value takes back what was said.\n"
        "\n"
        "Options:\n" OWNER_HELP COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl profile set age=67 sex=female kidney-disease=no medicines=simvastatin\n"
        "  crampctl profile set medicines=none\n"
        "  crampctl profile show\n";

static const char *value_of(const struct crampd_profile_value *values, size_t n, const char *key) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(values[i].key, key) == 0)
                        return values[i].value;
        return NULL;
}

static int profile_print_json(const struct crampd_profile_value *values, size_t n) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        for (const char *const *key = profile_keys; *key; key++)
                json_string(&json, *key, value_of(values, n, *key));
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

static int profile_print(const struct crampd_profile_value *values, size_t n, bool legend) {
        static const struct column columns[] = {{N_("KEY")}, {N_("VALUE")}};
        struct table *table = table_new(columns, ARRAY_LENGTH(columns));
        int r;

        if (!table)
                return fail(EX_OSERR, "out of memory");
        for (const char *const *key = profile_keys; *key; key++) {
                const char *value = value_of(values, n, *key);

                table_cell(table, "%s", *key);
                table_cell(table, "%s", value ? value : "-");
        }
        r = table_print(table, stdout, legend);
        (void)table_free(table);
        if (r < 0)
                return fail(EX_OSERR, "out of memory");
        return output_finish_stdout();
}

static int run_show(crampd_client *client, const struct global_options *global, unsigned owner) {
        struct crampd_profile_value *values;
        struct crampd_error error = {};
        size_t n;
        int r, code;

        r = crampd_get_profile(client, owner, &values, &n, &error);
        if (r < 0)
                return fail_client(r, &error);
        code = global->json ? profile_print_json(values, n)
                            : profile_print(values, n, !global->no_legend);
        crampd_profile_free(values, n);
        return code;
}

static int run_set(crampd_client *client, unsigned owner, int n_words, char *words[]) {
        struct crampd_profile_value values[VALUES_MAX];
        struct crampd_error error = {};
        int r;

        if (n_words == 0 || n_words > (int)VALUES_MAX)
                return fail(EX_USAGE, "write KEY=VALUE, up to %u of them; see 'crampctl profile --help'",
                            VALUES_MAX);
        for (int i = 0; i < n_words; i++) {
                char *equals = strchr(words[i], '=');

                if (!equals)
                        return fail(EX_USAGE, "'%s' is not of the form KEY=VALUE", words[i]);
                *equals = '\0';
                values[i] = (struct crampd_profile_value){words[i], equals + 1};
        }
        r = crampd_set_profile(client, owner, values, (size_t)n_words, &error);
        return r < 0 ? fail_client(r, &error) : 0;
}

static int run_forget(crampd_client *client, unsigned owner) {
        struct crampd_error error = {};
        int r = crampd_forget_profile(client, owner, &error);

        return r < 0 ? fail_client(r, &error) : 0;
}

int verb_profile(const struct global_options *global, int argc, char *argv[]) {
        static const struct option long_options[] = {COMMON_OPTIONS, OWNER_OPTION, {}};
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct global_options g = *global;
        const char *what, *user = NULL;
        unsigned owner;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", long_options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_OWNER:
                        user = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        what = optind < argc ? argv[optind++] : "show";
        if (strcmp(what, "set") != 0 && strcmp(what, "show") != 0 && strcmp(what, "forget") != 0)
                return fail(EX_USAGE, "profile does not know '%s'; write show, set or forget", what);
        if (strcmp(what, "set") != 0 && (code = operands_refuse(argc, argv)) != 0)
                return code;
        code = guidance_open(user, &client, &owner);
        if (code != 0)
                return code;
        if (strcmp(what, "set") == 0)
                return run_set(client, owner, argc - optind, argv + optind);
        return strcmp(what, "show") == 0 ? run_show(client, &g, owner) : run_forget(client, owner);
}
