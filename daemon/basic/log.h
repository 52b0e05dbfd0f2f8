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

#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
