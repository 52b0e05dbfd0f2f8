/* SPDX-License-Identifier: MIT */
#include "sensors/recording/signal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/basic/cleanup.h"

int recording_fail(struct recording_error *error, int r, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
        return r;
}

const char *text_printable(char *ret, size_t size, const char *text, size_t length) {
        size_t kept = length < size ? length : size - 1;

        for (size_t i = 0; i < kept; i++)
                ret[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
        ret[kept] = '\0';
        if (kept < length && size > 4)
                memcpy(ret + size - 4, "...", 4);
        return ret;
}

bool unit_is_voltage(enum unit unit) {
        return unit == UNIT_MICROVOLT || unit == UNIT_MILLIVOLT || unit == UNIT_VOLT;
}

double unit_microvolts(enum unit unit) {
        switch (unit) {
        case UNIT_MILLIVOLT:
                return 1e3;
        case UNIT_VOLT:
                return 1e6;
        default:
                return 1;
        }
}

enum unit unit_from_voltage(const char *text, size_t length) {
        static const struct {
                const char *spelling;
                enum unit unit;
        } spellings[] = {
                {"uV", UNIT_MICROVOLT},        {"\xc2\xb5V", UNIT_MICROVOLT}, /* micro sign in UTF-8, */
                {"\xce\xbcV", UNIT_MICROVOLT},                                /* Greek mu in UTF-8, */
                {"\xb5V", UNIT_MICROVOLT},                                    /* micro sign in Latin-1 */
                {"mV", UNIT_MILLIVOLT},        {"V", UNIT_VOLT},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(spellings); i++)
                if (strlen(spellings[i].spelling) == length &&
                    strncasecmp(spellings[i].spelling, text, length) == 0)
                        return spellings[i].unit;
        return UNIT_OTHER;
}

int signal_list_init(struct signal_list *list, size_t count) {
        list->signals = calloc(count > 0 ? count : 1, sizeof(*list->signals));
        if (!list->signals)
                return -ENOMEM;
        list->count = count;
        return 0;
}

void signal_list_done(struct signal_list *list) {
        for (size_t i = 0; i < list->count; i++)
                free(list->signals[i].label);
        free(list->signals);
        *list = (struct signal_list){0};
}

size_t signal_list_taken(const struct signal_list *list) {
        size_t taken = 0;

        for (size_t i = 0; i < list->count; i++)
                taken += list->signals[i].taken;
        return taken;
}

static bool signal_is_called(const struct signal *signal, const char *name, bool stem) {
        if (!stem)
                return strcmp(signal->label, name) == 0;
        return strlen(name) == signal->stem_length &&
               strncmp(signal->label, name, signal->stem_length) == 0;
}

/* Returns how many signals bear the name; the last of them is `*ret`. */
static size_t signal_list_find(const struct signal_list *list, const char *name, bool stem,
                               struct signal **ret) {
        size_t found = 0;

        for (size_t i = 0; i < list->count; i++)
                if (signal_is_called(&list->signals[i], name, stem)) {
                        *ret = &list->signals[i];
                        found++;
                }
        return found;
}

static struct signal *signal_list_number(const struct signal_list *list, const char *name) {
        char *end;
        unsigned long number;

        if (*name < '0' || *name > '9')
                return NULL;
        errno = 0;
        number = strtoul(name, &end, 10);
        if (errno != 0 || *end != '\0' || number == 0 || number > list->count)
                return NULL;
        return &list->signals[number - 1];
}

/* "1 GM_uV, 2 GL_uV, ..." as far as there is room. */
static void signal_list_describe(const struct signal_list *list, char *ret, size_t size) {
        size_t used = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < list->count; i++) {
                char label[32];
                const struct signal *signal = &list->signals[i];
                int length = snprintf(
                        ret + used, size - used, "%s%zu %s", i > 0 ? ", " : "", i + 1,
                        text_printable(label, sizeof(label), signal->label, strlen(signal->label)));

                if (length < 0 || (size_t)length + 5 >= size - used) {
                        (void)snprintf(ret + used, size - used, ", ...");
                        return;
                }
                used += (size_t)length;
        }
}

int signal_list_choose(struct signal_list *list, const char *const *names, const char *path,
                       struct recording_error *error) {
        for (; *names; names++) {
                struct signal *signal = NULL;
                size_t found = signal_list_find(list, *names, false, &signal);
                char all[256];

                if (found == 0)
                        found = signal_list_find(list, *names, true, &signal);
                if (found == 0) {
                        signal = signal_list_number(list, *names);
                        found = signal != NULL;
                }
                if (found == 1) {
                        signal->chosen = true;
                        continue;
                }

                signal_list_describe(list, all, sizeof(all));
                if (found == 0)
                        return recording_fail(error, -EBADMSG, "%s: no channel \"%s\": choose from %s",
                                              path, *names, all);
                return recording_fail(error, -EBADMSG,
                                      "%s: %zu channels are called \"%s\": choose by number from %s",
                                      path, found, *names, all);
        }
        return 0;
}
