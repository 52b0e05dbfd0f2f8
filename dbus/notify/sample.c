/* SPDX-License-Identifier: MIT */
#include "dbus/notify/sample.h"

#include <math.h>

#include "dbus/crampctl/timestamp.h"

#define LASTS_US INT64_C(20000000)
#define SUMMARY_US INT64_C(30000000)
/* An alert comes some seconds after the cramp's onset. */
#define DELAY_US INT64_C(10000000)

/* The strings live as long as the program, for the event's are not const. */
static char id[] = "test", sensor[] = "test", muscle[] = "gastrocnemius-medialis", leg[] = "left",
            severity[] = "moderate", reason[] = "subsided";

static const char *const relief[] = {
        "Sit up and hold on before you stand.",
        "Stand and put weight on the leg, or pull the toes toward the shin.",
        "Swollen, hot or red leg: do not massage, get help.",
        "Massage the calf from heel to knee.",
        NULL,
};

static void event_send(enum crampd_event_type type, struct alerts *alerts, int64_t now_us) {
        int64_t real_us = timestamp_now_us();
        const struct crampd_event event = {
                .type = type,
                .sensor_path = "/org/crampd1/sensor/test",
                .sensor_name = "a sample",
                .episode = {.id = id,
                            .sensor = sensor,
                            .muscle = muscle,
                            .leg = leg,
                            .onset_us = real_us - DELAY_US - (type == CRAMPD_ALERT_ENDED ? LASTS_US : 0),
                            .alert_us = real_us,
                            .end_us = type == CRAMPD_ALERT_ENDED ? real_us : CRAMPD_NO_TIME,
                            .zone_offset_s = timestamp_local_offset(real_us),
                            .end_reason = type == CRAMPD_ALERT_ENDED ? reason : NULL,
                            .severity = severity,
                            .peak_uv = (double)NAN,
                            .median_hz = (double)NAN,
                            .confidence = 1,
                            .pain = -1,
                            .simulated = true},
                .relief = type == CRAMPD_ALERT_ENDED ? NULL : relief,
                .simulated = true,
        };

        alerts_take(alerts, &event, /* test= */ true, now_us);
}

int64_t sample_tick(struct sample *sample, struct alerts *alerts, int64_t now_us) {
        if (sample->raised_us == 0) {
                event_send(CRAMPD_ALERT_RAISED, alerts, now_us);
                sample->raised_us = now_us;
        } else if (sample->ended_us == 0 &&
                   (now_us - sample->raised_us >= LASTS_US || alerts_are_gone(alerts))) {
                event_send(CRAMPD_ALERT_ENDED, alerts, now_us);
                sample->ended_us = now_us;
        }
        return sample->ended_us == 0 ? sample->raised_us + LASTS_US : sample->ended_us + SUMMARY_US;
}

bool sample_is_over(const struct sample *sample, const struct alerts *alerts, int64_t now_us) {
        return sample->ended_us > 0 &&
               (now_us - sample->ended_us >= SUMMARY_US || alerts_are_gone(alerts));
}
