/* SPDX-License-Identifier: MIT */
/*
 * A source of muscle activity as the daemon sees it: a sensor behind BlueZ (bluez/link.h) or a replayed
 * recording (virtual/replay.h). Both report through these callbacks, always from the event loop, never
 * from within the call that created them.
 */
#pragma once

#include <stdint.h>

#include "sensors/driver.h"

enum source_state {
        SOURCE_ABSENT,     /* no usable adapter, or no BlueZ */
        SOURCE_SCANNING,   /* looking for the sensor's adverts */
        SOURCE_CONNECTING, /* asked for a link */
        SOURCE_RESOLVING,  /* linked; its services are not known yet */
        SOURCE_STARTING,   /* reading the description, acquiring, starting */
        SOURCE_STREAMING,  /* packets arrive */
        SOURCE_STALLED,    /* linked, but no data for 2 s */
        SOURCE_PAUSED,     /* by the owner: nothing is connected to or looked for */
        SOURCE_ENDED,      /* a replayed recording is over */
        SOURCE_STATE_MAX
};

const char *source_state_to_string(enum source_state state);

/* What a replayed recording holds beside its samples. */
struct source_beside {
        bool has_motion, has_company; /* it has a place for them */
        bool motion_known;
        int32_t motion_mg[3];    /* of the accelerometer */
        int32_t company_percent; /* as detector_set_company() has it; -1 = not known */
};

struct source_callbacks {
        /* `reason` is one sentence for the user, without personal values; in English, and translated
         * piece by piece by whoever shows it. */
        void (*state)(enum source_state state, const char *reason, void *userdata);

        /* A new stream begins: blocks that follow count from 0 again. `start_us` is the realtime of
         * frame 0 in microseconds UTC if the source knows it (a replay), else 0: then the first block's
         * arrival tells. */
        void (*format)(const struct stream_format *format, int64_t start_us, void *userdata);

        void (*block)(const struct emg_block *block, uint64_t arrival_us, void *userdata);

        /* The stream has ended (link lost, sensor stopped, recording over). */
        void (*stopped)(const char *reason, void *userdata);

        /* 0-100 percent. May be NULL. */
        void (*battery)(unsigned percent, void *userdata);

        /* What the sensor tells beside its samples has changed; as driver.h has it. May be NULL. */
        void (*extras)(const struct sensor_extras *extras, void *userdata);

        /* What lies beside the blocks that follow. May be NULL. */
        void (*beside)(const struct source_beside *beside, void *userdata);
};
