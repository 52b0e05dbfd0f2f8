/* SPDX-License-Identifier: MIT */
/*
 * The order in which the loop takes what is ready at the same time. Samples and BlueZ come first, then
 * what concludes from their absence, then callers: however many call at once, no sensor waits for them.
 */
#pragma once

#include <systemd/sd-event.h>

enum {
        PRIORITY_SENSORS = SD_EVENT_PRIORITY_NORMAL, /* as streams, and all that has no other */
        PRIORITY_SETTLED = PRIORITY_SENSORS + 10,    /* all that has arrived was taken */
        PRIORITY_CALLERS = PRIORITY_SENSORS + 20,
};
_Static_assert((int)PRIORITY_CALLERS < (int)SD_EVENT_PRIORITY_IDLE, "callers go before what can wait");
