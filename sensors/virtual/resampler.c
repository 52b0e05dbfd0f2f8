/* SPDX-License-Identifier: MIT */
/* Recordings at another rate: see resampler.h. */
#include "sensors/virtual/resampler.h"

#include <math.h>
#include <string.h>

int resampler_start(struct resampler *resampler, struct player *player, uint32_t rate_mhz,
                    double envelope_s, struct recording_error *error) {
        const struct open_profile_description *description = player_description(player);
        double rate_hz = description->rate_mhz / 1000.0;

        *resampler = (struct resampler){
                .player = player,
                .step = (double)description->rate_mhz / rate_mhz,
                /* Without a unit, counts stand for microvolts. */
                .scale_uv = description->scale_pv > 0 ? description->scale_pv / 1e6 : 1,
                .smoothing = envelope_s > 0 ? 1 - exp(-1 / (rate_hz * envelope_s)) : 1,
                .channels = description->channels,
        };
        return player_start(player, PLAYER_PACKET_SIZE, error);
}

/* Takes one recorded frame, or a silent one in a gap. Returns as resampler_next(). */
static int frame_take(struct resampler *resampler, struct recording_error *error) {
        bool is_gap;

        if (resampler->frames == 0) {
                ssize_t frames =
                        player_read(resampler->player, &resampler->counts, &resampler->index, error);

                if (frames <= 0)
                        return (int)frames;
                resampler->frames = (size_t)frames;
        }
        is_gap = resampler->next < resampler->index;
        for (size_t i = 0; i < resampler->channels; i++) {
                double uv = is_gap ? 0 : resampler->counts[i] * resampler->scale_uv;

                resampler->raw_before_uv[i] = resampler->raw_uv[i];
                resampler->envelope_before_uv[i] = resampler->envelope_uv[i];
                resampler->raw_uv[i] = uv;
                resampler->envelope_uv[i] +=
                        (fabs(uv) - resampler->envelope_uv[i]) * resampler->smoothing;
        }
        resampler->next++;
        if (is_gap)
                return 1;
        resampler->counts += resampler->channels;
        resampler->index++;
        resampler->frames--;
        return 1;
}

static int frame_average(struct resampler *resampler, struct resampled *ret,
                         struct recording_error *error) {
        double end = resampler->position + resampler->step;
        unsigned count = 0;

        memset(ret, 0, sizeof(*ret));
        while ((double)resampler->next < end - 1e-6) {
                int r = frame_take(resampler, error);

                if (r <= 0)
                        return r;
                count++;
                for (size_t i = 0; i < resampler->channels; i++) {
                        ret->raw_uv[i] += resampler->raw_uv[i];
                        ret->envelope_uv[i] += resampler->envelope_uv[i];
                }
        }
        for (size_t i = 0; count > 1 && i < resampler->channels; i++) {
                ret->raw_uv[i] /= count;
                ret->envelope_uv[i] /= count;
        }
        resampler->position = end;
        return 1;
}

static int frame_interpolate(struct resampler *resampler, struct resampled *ret,
                             struct recording_error *error) {
        double whole = floor(resampler->position), part = resampler->position - whole;

        while ((double)resampler->next < whole + 2) {
                int r = frame_take(resampler, error);

                if (r <= 0)
                        return r;
        }
        for (size_t i = 0; i < resampler->channels; i++) {
                ret->raw_uv[i] = resampler->raw_before_uv[i] * (1 - part) + resampler->raw_uv[i] * part;
                ret->envelope_uv[i] =
                        resampler->envelope_before_uv[i] * (1 - part) + resampler->envelope_uv[i] * part;
        }
        resampler->position += resampler->step;
        return 1;
}

int resampler_next(struct resampler *resampler, struct resampled *ret, struct recording_error *error) {
        return resampler->step >= 1 ? frame_average(resampler, ret, error)
                                    : frame_interpolate(resampler, ret, error);
}
