/* SPDX-License-Identifier: MIT */
/* Names of a source's states: see source.h. */
#include "sensors/source.h"

#include <stddef.h>

static const char *const state_names[SOURCE_STATE_MAX] = {
        [SOURCE_ABSENT] = "absent",         [SOURCE_SCANNING] = "scanning",
        [SOURCE_CONNECTING] = "connecting", [SOURCE_RESOLVING] = "resolving",
        [SOURCE_STARTING] = "starting",     [SOURCE_STREAMING] = "streaming",
        [SOURCE_STALLED] = "stalled",       [SOURCE_PAUSED] = "paused",
        [SOURCE_ENDED] = "ended",
};

const char *source_state_to_string(enum source_state state) {
        return (unsigned)state < SOURCE_STATE_MAX ? state_names[state] : NULL;
}
