/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/filled.h"

static struct {
        bool known;
        const char *wanted;
        const struct language *language;
} user;

static const char *environment_get(const char *name) {
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}

static const char *wanted_by_environment(void) {
        const char *locale = environment_get("LC_ALL") ?: environment_get("LC_MESSAGES") ?: environment_get("LANG");

        if (!locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
                return NULL;
        if (environment_get("LANGUAGE"))
                return environment_get("LANGUAGE");
        /* C.UTF-8 too is a locale without a language, but $LANGUAGE counts there. */
        return strncmp(locale, "C.", 2) == 0 ? NULL : locale;
}

static void user_find(void) {
        if (user.known)
                return;
        user.known = true;
        user.wanted = wanted_by_environment();
        user.language = language_find(user.wanted);
}

const char *words_text(const char *text) {
        user_find();
        return text ? language_text(user.language, text) : "";
}

const struct language *words_language(void) {
        user_find();
        return user.language;
}

const char *words_wanted(void) {
        user_find();
        return user.wanted;
}

int words_choose(const char *wanted) {
        const struct language *language = language_find(wanted);

        /* English is also what is found when there is nothing else. */
        if (language == &languages[0] &&
            strncmp(wanted, languages[0].name, strlen(languages[0].name)) != 0)
                return -EINVAL;
        user.known = true;
        user.wanted = wanted;
        user.language = language;
        return 0;
}

void words_number(double value, int decimals, char buffer[static TEXT_NUMBER_SIZE]) {
        char *point;

        text_number(value, decimals, buffer);
        point = strchr(buffer, '.');
        if (point)
                *point = words_language()->decimal_mark;
}

struct words_figure words_figure(double value, int decimals) {
        struct words_figure figure;

        language_number(words_language(), value, decimals, figure.text);
        return figure;
}

/* --- sentences --- */

#define RETRY ", trying again in "

/* What stands between pieces. */
static const char *const joints[] = {": ", "; ", RETRY};

static size_t joint_length(const char *text) {
        for (size_t i = 0; i < ARRAY_LENGTH(joints); i++)
                if (strncmp(text, joints[i], strlen(joints[i])) == 0)
                        return strlen(joints[i]);
        return 0;
}

/* The length of the longest piece at the beginning that has a translation, as it is or with its blanks
 * filled in; else 0. */
static size_t piece_known(const char *sentence, struct words_sentence *filled,
                          const char **ret_translated) {
        char piece[sizeof(filled->text)];

        for (size_t length = strlen(sentence); length > 0; length--) {
                if ((sentence[length] && joint_length(sentence + length) == 0) ||
                    length >= sizeof(piece))
                        continue;
                memcpy(piece, sentence, length);
                piece[length] = 0;
                *ret_translated = words_text(piece);
                if (*ret_translated != piece)
                        return length;
                if (filled_translate(words_language(), piece, filled->text, sizeof(filled->text))) {
                        *ret_translated = filled->text;
                        return length;
                }
        }
        return 0;
}

static size_t piece_unknown(const char *sentence) {
        size_t length = 1;

        while (sentence[length] && joint_length(sentence + length) == 0)
                length++;
        return length;
}

static void sentence_add(struct words_sentence *sentence, const char *text, size_t length) {
        size_t used = strlen(sentence->text), room = sizeof(sentence->text) - 1 - used;

        /* Cut at a character's border. */
        if (length > room)
                for (length = room; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
                        length--;
        memcpy(sentence->text + used, text, length);
}

/* Returns how much of `text`, which begins with RETRY and a number, was taken. */
static size_t retry_add(struct words_sentence *sentence, const char *text) {
        char *end, retry[128];
        double seconds = strtod(text + strlen(RETRY), &end);

        if (end == text + strlen(RETRY) || strncmp(end, " s", 2) != 0)
                return 0;
        (void)snprintf(retry, sizeof(retry), words_text(N_(", trying again in %s s")),
                       words_figure(seconds, -1).text);
        sentence_add(sentence, retry, strlen(retry));
        return (size_t)(end - text) + 2;
}

struct words_sentence words_of_sentence(const char *sentence) {
        struct words_sentence ret = {}, filled = {};

        while (sentence && *sentence) {
                const char *translated = sentence;
                size_t length = piece_known(sentence, &filled, &translated), joint;

                if (length > 0)
                        sentence_add(&ret, translated, strlen(translated));
                else {
                        length = piece_unknown(sentence);
                        sentence_add(&ret, sentence, length);
                }
                sentence += length;
                joint = strncmp(sentence, RETRY, strlen(RETRY)) == 0 ? retry_add(&ret, sentence) : 0;
                if (joint == 0) {
                        joint = joint_length(sentence);
                        sentence_add(&ret, sentence, joint);
                }
                sentence += joint;
        }
        return ret;
}

/* --- words of closed lists --- */

const char *words_of_list(const char *word) {
        static const char *const marked[] = {
                N_("left"),        N_("right"),    N_("both"),         N_("mild"),
                N_("moderate"),    N_("strong"),   N_("subsided"),     N_("signal-lost"),
                N_("stream-end"),  N_("stopped"),  N_("food"),         N_("supplement"),
                N_("symptom"),     N_("note"),     N_("before-after"), N_("alternating"),
                N_("low"),         N_("normal"),   N_("high"),         N_("confirmed"),
                N_("false-alarm"), N_("absent"),   N_("scanning"),     N_("connecting"),
                N_("resolving"),   N_("starting"), N_("streaming"),    N_("stalled"),
                N_("paused"),      N_("ended"),    N_("good"),         N_("ok"),
        };

        for (size_t i = 0; word && i < ARRAY_LENGTH(marked); i++)
                if (strcmp(marked[i], word) == 0)
                        return words_text(marked[i]);
        return word;
}

const char *words_of_bluetooth(const char *bluetooth) {
        static const struct {
                const char *bluetooth, *label;
        } labels[] = {
                {"ok", N_("ok")},
                {"no-bluez", N_("bluetoothd does not run; see 'crampctl doctor'")},
                {"no-adapter", N_("there is no adapter, or it is off; see 'crampctl doctor'")},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(labels); i++)
                if (strcmp(labels[i].bluetooth, bluetooth) == 0)
                        return words_text(labels[i].label);
        return bluetooth;
}

const char *words_of_population(const char *population) {
        static const struct {
                const char *population, *label;
        } labels[] = {
                {"general", N_("in people without a known lack")},
                {"older-adults", N_("in older adults")},
                {"pregnancy", N_("in pregnancy")},
                {"deficiency", N_("in people with a lack")},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(labels); i++)
                if (strcmp(labels[i].population, population) == 0)
                        return words_text(labels[i].label);
        return population;
}

const char *words_of_grade(const char *grade) {
        static const struct {
                const char *grade, *label;
        } labels[] = {
                {"strong", N_("strong evidence")},   {"moderate", N_("moderate evidence")},
                {"limited", N_("limited evidence")}, {"mixed", N_("mixed evidence")},
                {"against", N_("evidence against")}, {"common-advice", N_("common advice")},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(labels); i++)
                if (strcmp(labels[i].grade, grade) == 0)
                        return words_text(labels[i].label);
        return grade;
}
