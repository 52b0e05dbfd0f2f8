/* SPDX-License-Identifier: MIT */
/* What all twins share: see twin.h. */
#include "sensors/virtual/twin.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const struct twin_family *const twin_families[] = {
        &twin_anr_m40,     &twin_bitalino, &twin_ganglion, &twin_gforce,      &twin_myo, &twin_myoware,
        &twin_nordic_text, &twin_npg_lite, &twin_umyo,     &twin_umyo_advert, NULL,
};

int twin_init(struct twin *twin, const char *family, const char *variant) {
        const struct twin_family *const *found = twin_families;
        const struct twin_variant *form;

        while (*found && strcmp((*found)->name, family) != 0)
                found++;
        if (!*found)
                return -ENOENT;
        form = (*found)->variants;
        while (variant && form->name && strcmp(form->name, variant) != 0)
                form++;
        if (!form->name)
                return -EINVAL;

        *twin = (struct twin){
                .family = *found, .variant = form, .form = form->form, .battery_percent = 80};
        return 0;
}

int32_t twin_count(const struct twin *twin, double uv) {
        double count = round(uv / twin->form.scale_uv) + twin->form.middle;

        return (int32_t)fmax(twin->form.lowest, fmin(twin->form.highest, count));
}

void twin_run(struct twin *twin, bool on) {
        twin->running = on;
        twin->held_frames = 0;
        twin->stream_size = 0;
        twin->stream_frames = 0;
        if (!on)
                return;
        twin->index = 0;
        if (twin->family->begin)
                twin->family->begin(twin);
}

void twin_frame(struct twin *twin, const int32_t *frame) {
        if (!twin->running)
                return;
        twin->family->pack(twin, frame);
        twin->index++;
}

int twin_write(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        return twin->family->write(twin, characteristic, value, size);
}

void twin_subscribed(struct twin *twin, unsigned characteristic, bool on) {
        if (twin->family->subscribed)
                twin->family->subscribed(twin, characteristic, on);
}

size_t twin_read(const struct twin *twin, unsigned characteristic,
                 uint8_t value[static GATT_VALUE_MAX]) {
        return twin->family->read(twin, characteristic, value);
}

void twin_spoil(const struct twin *twin, struct twin_packet *packet) {
        if (twin->family->spoil)
                twin->family->spoil(packet);
        else if (packet->size > 0)
                packet->size--;
}

void twin_emit(struct twin *twin, unsigned characteristic, const void *bytes, size_t size,
               uint32_t frames) {
        struct twin_packet *packet = &twin->out[twin->out_count];

        if (twin->out_count == TWIN_OUT_MAX || size > sizeof(packet->bytes))
                return;
        packet->characteristic = characteristic;
        packet->size = size;
        packet->frames = frames;
        memcpy(packet->bytes, bytes, size);
        twin->out_count++;
}

bool twin_hold(struct twin *twin, const int32_t *frame) {
        memcpy(twin->held + (size_t)twin->held_frames * twin->form.channels, frame,
               twin->form.channels * sizeof(*frame));
        if (++twin->held_frames < twin->form.packet_frames)
                return false;
        twin->held_frames = 0;
        return true;
}

void twin_stream(struct twin *twin, unsigned characteristic, const void *bytes, size_t count,
                 size_t size) {
        const uint8_t *next = bytes;

        for (; count > 0; count--) {
                twin->stream[twin->stream_size++] = *next++;
                if (twin->stream_size < size)
                        continue;
                twin_emit(twin, characteristic, twin->stream, size, twin->stream_frames + (count == 1));
                twin->stream_frames = 0;
                twin->stream_size = 0;
                if (count == 1)
                        return;
        }
        twin->stream_frames++;
}

size_t twin_text(uint8_t value[static GATT_VALUE_MAX], const char *text) {
        size_t size = strlen(text);

        memcpy(value, text, size);
        return size;
}
