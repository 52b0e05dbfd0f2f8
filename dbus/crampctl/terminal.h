/* SPDX-License-Identifier: MIT */
/*
 * A terminal as a screen of lines: the alternate screen, no cursor, keys without echo; and all as it was
 * afterwards. Only what changes is written, which is kind to slow links. Plain ANSI (ECMA-48), no
 * terminal database. Used by live.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TERMINAL_ROWS_MAX 512u

struct terminal;

/* Both `file` and, if keys are to be read, standard input are terminals. NULL when memory is short. */
struct terminal *terminal_new(FILE *file);
/* Gives everything back; returns NULL. NULL is accepted. */
struct terminal *terminal_free(struct terminal *terminal);

/* Whether a file is a terminal on which that can work. */
bool terminal_is_able(FILE *file);

/* Before and after the program stands still in the background. */
void terminal_leave(struct terminal *terminal);
void terminal_enter(struct terminal *terminal);

/* Asks for the size again; everything is to be drawn anew. */
void terminal_resize(struct terminal *terminal);
size_t terminal_rows(const struct terminal *terminal);
size_t terminal_columns(const struct terminal *terminal);

/* One row's text, which is no wider than the screen; `text` may hold escape sequences for colours. What
 * was there is replaced. */
void terminal_put(struct terminal *terminal, size_t row, const char *text, size_t width);
void terminal_flush(struct terminal *terminal);

/* The descriptor that keys come from, or -1. */
int terminal_fd(const struct terminal *terminal);
/* A key that was pressed, 0 when there is none. */
char terminal_key(struct terminal *terminal);
