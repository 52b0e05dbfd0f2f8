/* SPDX-License-Identifier: MIT */
/* Recordings as packets: see player.h. */
#include "sensors/virtual/player.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define PICOVOLTS_PER_MICROVOLT 1e6
/* A scale below is not expressed well enough by whole picovolts. */
#define SCALE_MIN_PV 1000.0
#define SCAN_FRAMES 1024u
/* More than the detector looks at. */
#define MOTION_MAX_MG 1e9
/* More channels than that do not fit with 3 bytes per value. */
#define WIDE_CHANNELS_MAX (OPEN_PROFILE_FRAME_SIZE_MAX / 3)

struct player {
        struct player_setup setup;
        char *path;

        struct recording *recording;
        size_t recorded_channels;
        size_t columns; /* of a frame as read: the channels, and what is beside them */
        struct open_profile_description description;
        double factor[OPEN_PROFILE_CHANNELS_MAX]; /* from the recording's counts to the packet's; 0:
                                                     unchanged */
        uint64_t length;                          /* frames */
        char notice[256];

        int32_t *recorded; /* SCAN_FRAMES frames as read */
        /* Of these, read and not yet given: */
        size_t waiting_at, waiting;
        uint64_t waiting_index;
        struct source_beside beside; /* of what was given last */

        size_t packet_frames; /* 0 before the start */
        uint16_t sequence;
        uint64_t loop_index; /* of the recording's first frame in this turn of the loop */
};

/* What reading through the file tells. */
struct extremes {
        double lowest[OPEN_PROFILE_CHANNELS_MAX];
        double highest[OPEN_PROFILE_CHANNELS_MAX];
};

__attribute__((format(printf, 3, 4))) static int error_set(struct recording_error *error, int code,
                                                           const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
        return code;
}

static int player_open(struct player *player, struct recording_error *error) {
        struct recording_options options = {.rate_hz = player->setup.csv_rate_hz,
                                            .motion = player->setup.beside,
                                            .company = player->setup.beside};

        player->recording = recording_free(player->recording);
        return recording_open(player->path, &options, &player->recording, error);
}

static void extremes_update(struct extremes *extremes, const struct player *player, size_t frames) {
        for (size_t frame = 0; frame < frames; frame++) {
                const int32_t *counts = player->recorded + frame * player->columns;

                for (size_t i = 0; i < player->description.channels; i++) {
                        if (counts[i] < extremes->lowest[i])
                                extremes->lowest[i] = counts[i];
                        if (counts[i] > extremes->highest[i])
                                extremes->highest[i] = counts[i];
                }
        }
}

static int recording_scan(struct player *player, struct extremes *extremes,
                          struct recording_error *error) {
        uint64_t jump_max = (uint64_t)player->description.rate_mhz * OPEN_PROFILE_JUMP_MAX_S / 1000;
        uint64_t expected = 0;

        for (;;) {
                uint64_t index;
                ssize_t frames;

                frames = recording_read(player->recording, &index, player->recorded, SCAN_FRAMES, error);
                if (frames < 0)
                        return (int)frames;
                if (frames == 0)
                        break;
                if (index - expected > jump_max)
                        return error_set(error, -EBADMSG,
                                         "%s: a gap of more than an hour after sample %" PRIu64
                                         ": split the file there",
                                         player->path, expected);
                extremes_update(extremes, player, (size_t)frames);
                expected = index + (uint64_t)frames;
        }

        if (expected == 0)
                return error_set(error, -EBADMSG, "%s: holds no samples: choose another recording",
                                 player->path);
        player->length = expected;
        return 0;
}

static double scale_get(const struct player *player, size_t channel) {
        return recording_channel(player->recording, channel)->scale_uv;
}

static bool scale_arbitrary(const struct player *player) {
        for (size_t i = 0; i < player->description.channels; i++)
                if (recording_channel(player->recording, i)->arbitrary)
                        return true;
        return false;
}

/* Bytes per value with which the counts can go out unchanged, or 0. */
static uint8_t value_size_unchanged(const struct player *player, const struct extremes *extremes) {
        double scale_pv = scale_get(player, 0) * PICOVOLTS_PER_MICROVOLT;
        double needed = 0;

        if (!scale_arbitrary(player) && !(scale_pv >= SCALE_MIN_PV && scale_pv <= UINT32_MAX))
                return 0;
        for (size_t i = 0; i < player->description.channels; i++) {
                if (scale_get(player, i) != scale_get(player, 0))
                        return 0;
                needed = fmax(needed, fmax(extremes->highest[i], -1 - extremes->lowest[i]));
        }

        if (needed <= open_profile_count_max(2))
                return 2;
        if (player->description.channels <= WIDE_CHANNELS_MAX && needed <= open_profile_count_max(3))
                return 3;
        return 0;
}

/* One scale for all channels, in units of `unit` per count, that holds the highest value. */
static double scale_common(const struct player *player, const struct extremes *extremes, double unit,
                           int32_t count_max) {
        double finest = INFINITY, peak = 0;

        for (size_t i = 0; i < player->description.channels; i++) {
                double scale = scale_get(player, i) * unit;

                finest = fmin(finest, scale);
                peak = fmax(peak, scale * fmax(extremes->highest[i], -extremes->lowest[i]));
        }
        return fmax(finest, peak / count_max);
}

static void scale_choose(struct player *player, const struct extremes *extremes) {
        struct open_profile_description *description = &player->description;
        bool arbitrary = scale_arbitrary(player);
        double unit = arbitrary ? 1 : PICOVOLTS_PER_MICROVOLT;
        double scale;

        description->value_size = value_size_unchanged(player, extremes);
        if (description->value_size > 0) {
                description->scale_pv = arbitrary ? 0 : (uint32_t)llround(scale_get(player, 0) * unit);
                return;
        }

        description->value_size = description->channels <= WIDE_CHANNELS_MAX ? 3 : 2;
        scale = scale_common(player, extremes, unit, open_profile_count_max(description->value_size));
        if (!arbitrary)
                scale = fmin(ceil(scale), UINT32_MAX);
        description->scale_pv = arbitrary ? 0 : (uint32_t)scale;
        for (size_t i = 0; i < description->channels; i++)
                player->factor[i] = scale_get(player, i) * unit / scale;
}

static void notice_set(struct player *player) {
        bool rounded = player->factor[0] > 0,
             cut = player->recorded_channels > player->description.channels;
        char which[64] = "", how[128] = "";

        if (cut)
                (void)snprintf(which, sizeof(which), "plays the first %u of %zu channels",
                               player->description.channels, player->recorded_channels);
        if (rounded && player->description.scale_pv > 0)
                (void)snprintf(how, sizeof(how), "rounds values to multiples of %.6g uV",
                               player->description.scale_pv / PICOVOLTS_PER_MICROVOLT);
        else if (rounded)
                (void)snprintf(how, sizeof(how), "rounds values to a common scale");
        (void)snprintf(player->notice, sizeof(player->notice), "%s%s%s", which,
                       cut && rounded ? "; " : "", how);
}

int player_new(const struct player_setup *setup, struct player **ret, struct recording_error *error) {
        _cleanup_(player_freep) struct player *player = NULL;
        struct open_profile_description *description;
        struct extremes extremes = {};
        size_t channels;
        int r;

        player = calloc(1, sizeof(*player));
        if (!player)
                return error_set(error, -ENOMEM, "%s: out of memory", setup->path);
        player->setup = *setup;
        player->path = strdup(setup->path);
        if (!player->path)
                return error_set(error, -ENOMEM, "%s: out of memory", setup->path);

        r = player_open(player, error);
        if (r < 0)
                return r;

        player->recorded_channels = recording_channels(player->recording);
        player->columns = recording_columns(player->recording);
        player->recorded = calloc(player->columns * SCAN_FRAMES, sizeof(int32_t));
        if (!player->recorded)
                return error_set(error, -ENOMEM, "%s: out of memory", setup->path);

        channels = player->recorded_channels;
        if (channels > OPEN_PROFILE_CHANNELS_MAX)
                channels = OPEN_PROFILE_CHANNELS_MAX;
        description = &player->description;
        description->channels = (uint8_t)channels;
        description->leg = setup->leg;
        description->rate_mhz = recording_rate_mhz(player->recording);
        memset(description->muscle, setup->muscle, channels);

        r = recording_scan(player, &extremes, error);
        if (r < 0)
                return r;
        scale_choose(player, &extremes);
        notice_set(player);

        *ret = steal_pointer(&player);
        return 0;
}

struct player *player_free(struct player *player) {
        if (!player)
                return NULL;
        recording_free(player->recording);
        free(player->recorded);
        free(player->path);
        free(player);
        return NULL;
}

const struct open_profile_description *player_description(const struct player *player) {
        return &player->description;
}

uint64_t player_frames(const struct player *player) {
        return player->length;
}

const char *player_notice(const struct player *player) {
        return player->notice[0] ? player->notice : NULL;
}

/* As many frames as fit, but not more than may be waited for. */
static size_t packet_frames(const struct open_profile_description *description, size_t packet_size) {
        uint64_t interval = (uint64_t)description->rate_mhz * OPEN_PROFILE_INTERVAL_MS / 1000000;
        size_t fit;

        if (packet_size > OPEN_PROFILE_PACKET_MAX)
                packet_size = OPEN_PROFILE_PACKET_MAX;
        fit = open_profile_frames_fit(description, packet_size);
        return fit < interval ? fit : (size_t)interval;
}

/* From the beginning, if the buffers are still right for it. */
static int player_reopen(struct player *player, struct recording_error *error) {
        int r = player_open(player, error);

        if (r < 0)
                return r;
        if (recording_channels(player->recording) != player->recorded_channels ||
            recording_columns(player->recording) != player->columns ||
            recording_rate_mhz(player->recording) != player->description.rate_mhz)
                return error_set(error, -EBADMSG, "%s: changed while it was played: start again",
                                 player->path);
        return 0;
}

int player_start(struct player *player, size_t packet_size, struct recording_error *error) {
        size_t frames = packet_frames(&player->description, packet_size);
        int r;

        if (frames == 0)
                return error_set(error, -EMSGSIZE,
                                 "%s: %u channels of %u bytes do not fit packets of %zu bytes",
                                 player->path, player->description.channels,
                                 player->description.value_size, packet_size);
        r = player_reopen(player, error);
        if (r < 0)
                return r;

        player->packet_frames = frames;
        player->waiting = 0;
        player->sequence = 0;
        player->loop_index = 0;
        return 0;
}

/* Returns the number of frames, 0 at the end, or negative errno. */
static ssize_t block_read(struct player *player, uint64_t *ret_index, struct recording_error *error) {
        ssize_t frames;
        int r;

        frames = recording_read(player->recording, ret_index, player->recorded, player->packet_frames,
                                error);
        if (frames != 0 || !player->setup.loop)
                return frames;

        r = player_reopen(player, error);
        if (r < 0)
                return r;
        player->loop_index += player->length;
        return recording_read(player->recording, ret_index, player->recorded, player->packet_frames,
                              error);
}

/* How many of the frames that wait have the same beside them as the first. */
static size_t run_length(const struct player *player) {
        const int32_t *first =
                player->recorded + player->waiting_at * player->columns + player->recorded_channels;
        size_t beside = (player->columns - player->recorded_channels) * sizeof(*first), n = 1;

        if (beside == 0)
                return player->waiting;
        while (n < player->waiting && memcmp(first, first + n * player->columns, beside) == 0)
                n++;
        return n;
}

static void beside_take(struct player *player, const int32_t *frame) {
        double scale_mg = recording_motion_scale_g(player->recording) * 1000.0;
        const int32_t *motion = recording_motion(player->recording, frame);

        player->beside = (struct source_beside){
                .has_motion = scale_mg > 0,
                .has_company = recording_has_company(player->recording),
                .motion_known = motion != NULL,
                .company_percent = recording_company_percent(player->recording, frame),
        };
        for (size_t axis = 0; motion && axis < 3; axis++)
                player->beside.motion_mg[axis] = (int32_t)fmax(
                        fmin(round(motion[axis] * scale_mg), MOTION_MAX_MG), -MOTION_MAX_MG);
}

/* The next frames that have the same beside them. Returns as block_read(). */
static ssize_t frames_read(struct player *player, int32_t **ret_frames, uint64_t *ret_index,
                           struct recording_error *error) {
        size_t run;

        if (player->waiting == 0) {
                ssize_t frames = block_read(player, &player->waiting_index, error);

                if (frames <= 0)
                        return frames;
                player->waiting = (size_t)frames;
                player->waiting_at = 0;
        }
        run = run_length(player);
        *ret_frames = player->recorded + player->waiting_at * player->columns;
        *ret_index = player->waiting_index;
        beside_take(player, *ret_frames);
        player->waiting_at += run;
        player->waiting_index += run;
        player->waiting -= run;
        return (ssize_t)run;
}

/* To the played channels and the packet's scale, in place. */
static void frames_convert(const struct player *player, int32_t *read, size_t frames) {
        size_t channels = player->description.channels;

        for (size_t frame = 0; frame < frames; frame++)
                for (size_t i = 0; i < channels; i++) {
                        int32_t count = read[frame * player->columns + i];

                        /* The scan saw to it that the product is in range; a file that changed since is
                         * not. */
                        if (player->factor[i] > 0)
                                count = (int32_t)fmax(fmin(round(count * player->factor[i]), INT32_MAX),
                                                      INT32_MIN);
                        read[frame * channels + i] = count;
                }
}

const struct source_beside *player_beside(const struct player *player) {
        return &player->beside;
}

ssize_t player_read(struct player *player, const int32_t **ret_counts, uint64_t *ret_index,
                    struct recording_error *error) {
        int32_t *read;
        ssize_t frames = frames_read(player, &read, ret_index, error);

        if (frames <= 0)
                return frames;
        frames_convert(player, read, (size_t)frames);
        *ret_index += player->loop_index;
        *ret_counts = read;
        return frames;
}

int player_next(struct player *player, struct player_packet *ret, struct recording_error *error) {
        const struct open_profile_description *description = &player->description;
        const int32_t *counts;
        ssize_t frames, size;
        uint64_t index;

        frames = player_read(player, &counts, &index, error);
        if (frames <= 0)
                return (int)frames;

        size = open_profile_encode_samples(description, player->sequence, (uint32_t)index, counts,
                                           (size_t)frames, ret->bytes, sizeof(ret->bytes));
        if (size < 0)
                return error_set(error, (int)size, "%s: cannot be packed", player->path);

        player->sequence++;
        ret->size = (size_t)size;
        ret->frames = (uint32_t)frames;
        ret->due_us = (index + (uint64_t)frames) * UINT64_C(1000000000) / description->rate_mhz;
        return 1;
}
