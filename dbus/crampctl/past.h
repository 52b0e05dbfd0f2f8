/* SPDX-License-Identifier: MIT */
/*
 * Asks crampd for the past and makes a tally of it. Needs the client library, filter.c and tally.c; used
 * by history.c and report-data.c.
 */
#pragma once

#include "dbus/crampctl/filter.h"
#include "dbus/crampctl/tally.h"

/*
 * Nights of the sensors that the filter means: by leg and muscle as they are now, and for a sensor that
 * was given up as its cramps have them. False alarms count as cramps only if the filter asks for them.
 * The days are those of the filter's time, up to `last_day` where that has no end, and begin with the
 * data where it has no beginning. Returns 0, or an exit code after saying why.
 */
int past_tally(crampd_client *client, const struct episode_filter *filter, int last_day,
               struct tally *ret);

/* The evening of the night that is now, or of the last one until noon. */
int past_today(int64_t now_us);
