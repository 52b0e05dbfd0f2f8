/* SPDX-License-Identifier: MIT */
/*
 * What --help prints, in the user's language. A help is English: usage, paragraphs, options described
 * from a certain column on, and examples. Needs words and text; for crampctl's verbs through options.h,
 * and for cramp-notify.
 */
#pragma once

/* Writes a help, or a part of one, to standard output. */
void help_write(const char *help);
