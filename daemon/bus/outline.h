/* SPDX-License-Identifier: MIT */
/*
 * Outlines in answers: words, columns and cursor, as History.OutlineEpisodes(), OutlineNights() and
 * TabulateEpisodes() give them. Called by history.c.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/store/outline.h"

int outline_append(sd_bus_message *reply, const struct store_outline *outline, uint64_t cursor);
