/* SPDX-License-Identifier: MIT */
/*
 * The logger. Lines go to standard error, with the journal's "<N>" priority
 * prefix when standard error is the journal. Libraries (detector, recording, drivers) never log; whoever
 * handles an error for good logs it once. Never a health value: the journal is read by more people than
 * the sleeper.
 */
#pragma once

#include <syslog.h>

void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is less urgent than `level` (of syslog.h) is left out. LOG_INFO, everything, unless set. */
void log_set_level(int level);
/* "error", "warning", "info"; -EINVAL for anything else. */
int log_level_from_string(const char *text);

#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
