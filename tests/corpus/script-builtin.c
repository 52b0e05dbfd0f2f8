/* SPDX-License-Identifier: MIT */
/* The built-in scripts, in the same text form as a file's: see README.md. */
#include "tests/corpus/script.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

static const char excerpt_text[] = "# six minutes of a night\n"
                                   " 30  movement       12\n"
                                   " 52  fasciculations 30 muscle=GM per_minute=20\n"
                                   " 88  walk           26               # to the bathroom\n"
                                   "146  plm             2.2\n"
                                   "174  plm             1.8\n"
                                   "196  fasciculations 18 muscle=GM per_minute=30\n"
                                   "214  cramp          80 muscle=GM ratio=7 rise=15 fall=5\n"
                                   "287  stretch         5\n"
                                   "290  recovery       50 muscle=GM\n"
                                   "360  end\n";

static const char minute_text[] = "# rest, one cramp, rest\n"
                                  "20 cramp 40 muscle=GM ratio=6 rise=10 fall=4\n"
                                  "84 end\n";

static const char walk_text[] = "# rest, walking, rest\n"
                                "10 walk 60\n"
                                "80 end\n";

static const struct {
        const char *name;
        const char *summary;
        const char *text; /* fixed, or */
        int (*draw)(const struct script_layout *layout,
                    struct script *ret); /* drawn from the seed, or rest alone */
        double hours;                    /* unless asked otherwise */
} builtins[] = {
        {"excerpt", "6 min of a night: turning over, twitches, a short walk, leg jerks, one calf cramp",
         excerpt_text, NULL, 0},
        {"minute", "84 s: rest, one calf cramp of 40 s, rest", minute_text, NULL, 0},
        {"rest", "10 min of rest alone (--hours)", NULL, NULL, 1.0 / 6},
        {"night", "8 h of sleep with cramps (--hours, --cramps)", NULL, script_night, 8},
        {"home-night", "8 h with everything drawn by the seed, the sensor too (--hours, --cramps)", NULL,
         script_home, 8},
        {"walk", "80 s: a minute of walking between rests", walk_text, NULL, 0},
        {"movements", "1 h of everything but cramps, densely (--hours)", NULL, script_movements, 1},
};

const char *script_builtin_name(size_t i) {
        return i < ARRAY_LENGTH(builtins) ? builtins[i].name : NULL;
}

const char *script_builtin_summary(size_t i) {
        return i < ARRAY_LENGTH(builtins) ? builtins[i].summary : NULL;
}

int script_builtin(const char *name, const struct script_layout *layout, struct script *ret,
                   struct corpus_error *error) {
        struct script_layout timed = *layout;
        size_t i = 0;

        while (i < ARRAY_LENGTH(builtins) && strcmp(builtins[i].name, name) != 0)
                i++;
        if (i == ARRAY_LENGTH(builtins))
                return -ENOENT;

        if (builtins[i].text) {
                if (layout->hours > 0) {
                        (void)snprintf(
                                error->text, sizeof(error->text),
                                "%s: its length is fixed; --hours goes with rest, night, home-night, "
                                "movements",
                                name);
                        return -EINVAL;
                }
                return script_parse(builtins[i].text, name, ret, error);
        }

        if (timed.hours <= 0)
                timed.hours = builtins[i].hours;
        if (builtins[i].draw) {
                int r = builtins[i].draw(&timed, ret);

                if (r == -ENOSPC || r == -E2BIG) {
                        (void)snprintf(
                                error->text, sizeof(error->text),
                                "%s: %u cramps do not fit into %g hours: fewer --cramps or more --hours",
                                name, timed.cramps, timed.hours);
                        return -EINVAL;
                }
                return r;
        }
        *ret = (struct script){.duration_s = ceil(timed.hours * 3600)};
        return 0;
}
