/* SPDX-License-Identifier: MIT */
/* A line of the review and how it is written: private to review.c, which gathers them, and
 * review-write.c, which knows the forms. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/guidance/knowledge.h"
#include "dbus/crampctl/options.h"

enum review_form { REVIEW_TEXT, REVIEW_JSON, REVIEW_CSV };

/* One line of the review; what is NULL does not apply. */
struct review_line {
        const char *kind;
        const char *id;
        const char *grade;
        const char *population; /* whom evidence is of */
        const char *text;
        const char *const *steps; /* more texts, NULL at the end */
        const char *general;
        const char *goes_beyond;
        const char *reviewed;
        uint64_t applies, forbids;
        const struct knowledge_source *const *sources;
        const struct knowledge_source *source; /* the only one */
};

/* What stands before the lines. */
void review_begin(enum review_form form);
void review_line_write(enum review_form form, const struct review_line *line);
