/* SPDX-License-Identifier: MIT */
/* Signals in which no cramp could be seen: see signal-watch.h. */
#include "daemon/signal-watch.h"

static bool may_warn(const struct signal_watch *watch, int64_t time_us) {
        return !watch->ever_warned || time_us - watch->warned_us >= SIGNAL_WATCH_AGAIN_US;
}

enum signal_watch_news signal_watch_push(struct signal_watch *watch, bool good, int64_t time_us) {
        if (!watch->begun || good != watch->good || time_us < watch->since_us) {
                watch->begun = true;
                watch->good = good;
                watch->since_us = time_us;
        }
        if (!good && !watch->warned && time_us - watch->since_us >= SIGNAL_WATCH_BAD_US &&
            may_warn(watch, time_us)) {
                watch->warned = watch->ever_warned = true;
                watch->warned_us = time_us;
                return SIGNAL_WATCH_WARN;
        }
        if (good && watch->warned && time_us - watch->since_us >= SIGNAL_WATCH_GOOD_US) {
                watch->warned = false;
                return SIGNAL_WATCH_OVER;
        }
        return SIGNAL_WATCH_NOTHING;
}

void signal_watch_end(struct signal_watch *watch) {
        watch->begun = watch->warned = false;
}
