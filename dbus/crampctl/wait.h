/* SPDX-License-Identifier: MIT */
/*
 * What verbs that run on need: signals as a descriptor to wait for, and a clock that is never set.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Blocks SIGINT and SIGTERM and returns a non-blocking descriptor that gives them, or negative errno.
 * `with_screen`: also what matters to who holds the terminal's screen, SIGTSTP, SIGWINCH, SIGQUIT and
 * SIGHUP. */
int signals_open(bool with_screen);

int64_t clock_ms(void);
