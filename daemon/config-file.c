/* SPDX-License-Identifier: MIT */
/* The configuration file: see config-file.h. */
#include "daemon/config-file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"

#define FILE_SIZE_MAX ((size_t)64 * 1024)

struct parser {
        const char *file;
        unsigned line;
        struct options *options;
        const struct section *section; /* NULL before the first */
        unsigned section_line;
        char **ret_error;
};

struct section {
        const char *name;
        int (*begin)(struct parser *parser);
        int (*end)(struct parser *parser);
        int (*take)(struct parser *parser, const char *key, const char *value);
        const char *keys; /* for people */
};

static int refuse_at(struct parser *parser, unsigned line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static int refuse_at(struct parser *parser, unsigned line, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        if (asprintf(parser->ret_error, "%s:%u: %s", parser->file, line, text) < 0) {
                *parser->ret_error = NULL;
                return -ENOMEM;
        }
        return -EBADMSG;
}

#define refuse(parser, ...) refuse_at(parser, (parser)->line, __VA_ARGS__)

static int refuse_key(struct parser *parser, const char *key) {
        return refuse(parser, "there is no key '%s' in [%s]; it knows %s", key, parser->section->name,
                      parser->section->keys);
}

/* --- [General] --- */

static int general_take(struct parser *parser, const char *key, const char *value) {
        if (strcmp(key, "LogLevel") == 0) {
                if (log_level_from_string(value) < 0)
                        return refuse(parser, "LogLevel is '%s'; it must be error, warning or info",
                                      value);
                parser->options->log_level = log_level_from_string(value);
                return 0;
        }
        if (strcmp(key, "StateDirectory") == 0) {
                char *copy;

                if (value[0] != '/')
                        return refuse(parser, "StateDirectory is '%s'; it must begin with '/'", value);
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
                free(parser->options->state_dir);
                parser->options->state_dir = copy;
                return 0;
        }
        return refuse_key(parser, key);
}

/* --- [Bluetooth] --- */

static int bluetooth_take(struct parser *parser, const char *key, const char *value) {
        _cleanup_(freep) char *words = NULL;
        char *rest, *word;
        int r;

        if (strcmp(key, "Adapters") != 0)
                return refuse_key(parser, key);
        words = strdup(value);
        if (!words)
                return -ENOMEM;
        for (rest = words; (word = strsep(&rest, " \t"));) {
                if (!*word)
                        continue;
                r = options_add_adapter(parser->options, word);
                if (r == -EINVAL)
                        return refuse(parser,
                                      "there is no adapter '%s'; write hci0, hci1 ... with spaces "
                                      "between them",
                                      word);
                if (r == -E2BIG)
                        return refuse(parser,
                                      "there are more than %u adapters; leave the line out to "
                                      "use all",
                                      ADAPTERS_USED_MAX);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- [VirtualSensor] --- */

static struct virtual_option *virtual_last(const struct parser *parser) {
        return &parser->options->virtuals[parser->options->n_virtuals - 1];
}

static int virtual_begin(struct parser *parser) {
        int r = options_add_virtual(parser->options);

        if (r == -E2BIG)
                return refuse(parser, "there are more than %u virtual sensors; take some out",
                              VIRTUAL_SENSORS_MAX);
        return r;
}

static int virtual_end(struct parser *parser) {
        if (virtual_last(parser)->path)
                return 0;
        return refuse_at(parser, parser->section_line,
                         "[VirtualSensor] has no File; name the recording to be played");
}

static int virtual_take(struct parser *parser, const char *key, const char *value) {
        static const char *const names[][2] = {{"Speed", "speed"}, {"Rate", "rate"},
                                               {"Owner", "owner"}, {"Muscle", "muscle"},
                                               {"Leg", "leg"},     {"Name", "name"}};
        struct virtual_option *option = virtual_last(parser);
        const char *remedy;
        int r;

        if (strcmp(key, "File") == 0) {
                if (value[0] != '/')
                        return refuse(parser, "File is '%s'; it must begin with '/'", value);
                free(option->path);
                option->path = strdup(value);
                return option->path ? 0 : -ENOMEM;
        }
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
                if (strcmp(names[i][0], key) == 0) {
                        r = virtual_option_set(option, names[i][1], value, &remedy);
                        return r == -EINVAL ? refuse(parser, "%s is '%s'; %s", key, value, remedy) : r;
                }
        return refuse_key(parser, key);
}

/* --- lines --- */

static const struct section sections[] = {
        {"General", NULL, NULL, general_take, "LogLevel and StateDirectory"},
        {"Bluetooth", NULL, NULL, bluetooth_take, "Adapters"},
        {"VirtualSensor", virtual_begin, virtual_end, virtual_take,
         "File, Speed, Rate, Owner, Muscle, Leg and Name"},
};

static int section_end(struct parser *parser) {
        return parser->section && parser->section->end ? parser->section->end(parser) : 0;
}

static int section_begin(struct parser *parser, char *line) {
        size_t length = strlen(line);
        int r = section_end(parser);

        if (r < 0)
                return r;
        if (line[length - 1] != ']')
                return refuse(parser,
                              "'%s' is no section; write [General], [Bluetooth] or [VirtualSensor]",
                              line);
        line[length - 1] = '\0';
        for (size_t i = 0; i < ARRAY_LENGTH(sections); i++)
                if (strcmp(sections[i].name, line + 1) == 0) {
                        parser->section = sections + i;
                        parser->section_line = parser->line;
                        return sections[i].begin ? sections[i].begin(parser) : 0;
                }
        return refuse(parser,
                      "there is no section [%s]; there are [General], [Bluetooth] and "
                      "[VirtualSensor]",
                      line + 1);
}

static char *strip(char *text) {
        size_t length;

        while (*text == ' ' || *text == '\t')
                text++;
        length = strlen(text);
        while (length > 0 && strchr(" \t\r", text[length - 1]))
                text[--length] = '\0';
        return text;
}

static int line_take(struct parser *parser, char *line) {
        char *key = strip(line), *equals;

        if (!*key || *key == '#' || *key == ';')
                return 0;
        for (const char *c = key; *c; c++)
                if (iscntrl((unsigned char)*c) && *c != '\t')
                        return refuse(parser, "there is a control character; take it out");
        if (*key == '[')
                return section_begin(parser, key);
        equals = strchr(key, '=');
        if (!equals)
                return refuse(parser, "'%s' is no KEY=VALUE; begin a remark with '#'", key);
        if (!parser->section)
                return refuse(parser, "'%s' stands before the first section; write [General] above it",
                              key);
        *equals = '\0';
        key = strip(key);
        line = strip(equals + 1);
        if (!*line)
                return refuse(parser, "%s has no value; give it one, or take the line out", key);
        return parser->section->take(parser, key, line);
}

int config_parse(const char *text, size_t size, const char *file, struct options *options,
                 char **ret_error) {
        struct parser parser = {.file = file, .options = options, .ret_error = ret_error};
        _cleanup_(freep) char *copy = malloc(size + 1);
        char *rest, *line;

        *ret_error = NULL;
        if (!copy)
                return -ENOMEM;
        if (size > 0)
                memcpy(copy, text, size);
        copy[size] = '\0';
        parser.line = 1;
        if (strlen(copy) != size)
                return refuse(&parser, "the file holds a zero byte; it must be text");

        for (rest = copy, parser.line = 0; (line = strsep(&rest, "\n"));) {
                int r;

                parser.line++;
                r = line_take(&parser, line);
                if (r < 0)
                        return r;
        }
        return section_end(&parser);
}

/* --- the file --- */

static int file_read(const char *path, char **ret, size_t *ret_size) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        size_t size = 0;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        text = malloc(FILE_SIZE_MAX);
        if (!text)
                return -ENOMEM;
        while ((n = read(fd, text + size, FILE_SIZE_MAX - size)) > 0)
                size += (size_t)n;
        if (n < 0)
                return -errno;
        if (size == FILE_SIZE_MAX)
                return -EFBIG;
        *ret = steal_pointer(&text);
        *ret_size = size;
        return 0;
}

int config_load(const char *path, struct options *options) {
        _cleanup_(freep) char *text = NULL, *error = NULL;
        size_t size = 0;
        int r;

        r = file_read(path, &text, &size);
        if (r == -ENOENT)
                return r;
        if (r < 0) {
                log_error("%s cannot be read: %s.", path, strerror(-r));
                return r == -ENOMEM ? r : -EIO;
        }
        r = config_parse(text, size, path, options, &error);
        if (r == -EBADMSG)
                log_error("%s.", error);
        return r;
}
