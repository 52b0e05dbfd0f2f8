/* SPDX-License-Identifier: MIT */
/* Signals for the detector's tests: see detector-signals.h. */
#include "tests/unit/detector-signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory in a test's own preparation is the end of the test. */
static void *must_calloc(size_t n, size_t size) {
        void *memory = calloc(n > 0 ? n : 1, size);

        if (!memory)
                abort();
        return memory;
}

uint64_t signal_random(uint64_t *state) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return *state * UINT64_C(2685821657736338717);
}

double signal_uniform(uint64_t *state) {
        return (double)(signal_random(state) >> 11) * 0x1p-53;
}

double signal_normal(uint64_t *state) {
        double sum = 0.0;

        /* The sum of twelve uniform numbers has variance 1 and is near enough to normal for noise. */
        for (int i = 0; i < 4; i++) {
                uint64_t bits = signal_random(state);

                for (int k = 0; k < 3; k++, bits >>= 21)
                        sum += (double)(bits & 0x1fffff) / 2097152.0;
        }
        return sum - 6.0;
}

void signal_init(struct signal *signal, uint32_t rate_mhz, uint32_t channels, double scale_uv,
                 double seconds) {
        *signal = (struct signal){.rate_mhz = rate_mhz, .channels = channels, .scale_uv = scale_uv};
        signal->frames = (size_t)(seconds * (double)rate_mhz / 1000.0);
        signal->counts = must_calloc(signal->frames * channels, sizeof(int32_t));
        signal->uv = must_calloc(signal->frames * channels, sizeof(double));
}

void signal_done(struct signal *signal) {
        free(signal->counts);
        free(signal->uv);
        *signal = (struct signal){};
}

double signal_rate_hz(const struct signal *signal) {
        return (double)signal->rate_mhz / 1000.0;
}

void signal_add_rest(struct signal *signal, uint32_t channel, double rms_uv, uint64_t seed) {
        for (size_t i = 0; i < signal->frames; i++)
                signal->uv[i * signal->channels + channel] += rms_uv * signal_normal(&seed);
}

void signal_add_emg(struct signal *signal, uint32_t channel, double from_s, double to_s,
                    double from_rms_uv, double to_rms_uv, double roughness, uint64_t seed) {
        double rate = signal_rate_hz(signal), low = 0.0, lower = 0.0, slow = 0.0;
        double a = 1.0 - exp(-2.0 * M_PI * 150.0 / rate), b = 1.0 - exp(-2.0 * M_PI * 40.0 / rate);
        double c = 1.0 - exp(-2.0 * M_PI * 0.8 / rate);
        /* Variances of the two filters' outputs for white input, so that the amplitudes are the ones
         * asked for. */
        double va = a / (2.0 - a), vb = b / (2.0 - b), cross = a * b / (1.0 - (1.0 - a) * (1.0 - b));
        double norm = 1.0 / sqrt(va + vb - 2.0 * cross), slow_norm = sqrt((2.0 - c) / c);
        size_t first = (size_t)(from_s * rate), last = (size_t)(to_s * rate);

        if (last > signal->frames)
                last = signal->frames;
        for (size_t i = first; i < last; i++) {
                double share = (double)(i - first) / (double)(last - first),
                       white = signal_normal(&seed), rms;

                low += a * (white - low);
                lower += b * (white - lower);
                slow += c * (signal_normal(&seed) - slow);
                rms = (from_rms_uv + (to_rms_uv - from_rms_uv) * share) *
                      exp(roughness * slow * slow_norm);
                signal->uv[i * signal->channels + channel] += rms * norm * (low - lower);
        }
}

void signal_add_line(struct signal *signal, uint32_t channel, double from_s, double to_s, double uv,
                     double from_hz, double to_hz) {
        double rate = signal_rate_hz(signal), phase = 0.25;
        size_t first = (size_t)(from_s * rate), last = (size_t)(to_s * rate);

        if (last > signal->frames)
                last = signal->frames;
        for (size_t i = first; i < last; i++) {
                double share = (double)(i - first) / (double)(last - first);

                phase += (from_hz + (to_hz - from_hz) * share) / rate;
                phase -= floor(phase);
                signal->uv[i * signal->channels + channel] += uv * sin(2.0 * M_PI * phase);
        }
}

void signal_add_offset(struct signal *signal, uint32_t channel, double uv) {
        for (size_t i = 0; i < signal->frames; i++)
                signal->uv[i * signal->channels + channel] += uv;
}

void signal_quantise(struct signal *signal, int32_t low, int32_t high) {
        for (size_t i = 0; i < signal->frames * signal->channels; i++) {
                double count = rint(signal->uv[i] / signal->scale_uv);

                signal->counts[i] = count < (double)low    ? low
                                    : count > (double)high ? high
                                                           : (int32_t)count;
        }
}

void signal_collect(const struct detector_event *event, void *userdata) {
        struct signal_events *events = userdata;

        if (events->count >= SIGNAL_EVENTS_MAX)
                abort();
        events->event[events->count++] = *event;
}

static struct detector *signal_detector(const struct signal *signal, struct signal_events *events) {
        struct detector *detector;
        double *scales = must_calloc(signal->channels, sizeof(double));
        struct detector_setup setup = {
                .rate_mhz = signal->rate_mhz,
                .channels = signal->channels,
                .scale_uv = scales,
                .on_event = signal_collect,
                .userdata = events,
        };

        for (uint32_t i = 0; i < signal->channels; i++)
                scales[i] = signal->scale_uv;
        events->count = 0;
        if (detector_new(&setup, &detector) < 0)
                abort();
        free(scales);
        return detector;
}

static void signal_push(struct detector *detector, const struct signal *signal, size_t from, size_t to,
                        size_t chunk) {
        while (from < to) {
                size_t n = chunk > 0 && chunk < to - from ? chunk : to - from;

                if (detector_push(detector, from, signal->counts + from * signal->channels, n) < 0)
                        abort();
                from += n;
        }
}

void signal_detect(const struct signal *signal, size_t chunk, struct signal_events *ret) {
        struct detector *detector = signal_detector(signal, ret);

        signal_push(detector, signal, 0, signal->frames, chunk);
        detector_finish(detector);
        detector_free(detector);
}

void signal_detect_with_gap(const struct signal *signal, size_t from, size_t to,
                            struct signal_events *ret) {
        struct detector *detector = signal_detector(signal, ret);

        signal_push(detector, signal, 0, from, 0);
        signal_push(detector, signal, to, signal->frames, 0);
        detector_finish(detector);
        detector_free(detector);
}

void signal_detect_with_loss(const struct signal *signal, size_t period, size_t lost,
                             struct signal_events *ret) {
        struct detector *detector = signal_detector(signal, ret);

        for (size_t at = 0; at < signal->frames; at += period)
                signal_push(detector, signal, at + lost < signal->frames ? at + lost : signal->frames,
                            at + period < signal->frames ? at + period : signal->frames, 0);
        detector_finish(detector);
        detector_free(detector);
}

void signal_detect_in_random_chunks(const struct signal *signal, size_t longest, uint64_t *seed,
                                    struct signal_events *ret) {
        struct detector *detector = signal_detector(signal, ret);

        for (size_t at = 0; at < signal->frames;) {
                size_t to = at + signal_random(seed) % (longest + 1);

                if (to > signal->frames)
                        to = signal->frames;
                signal_push(detector, signal, at, to, 0);
                at = to;
        }
        detector_finish(detector);
        detector_free(detector);
}

void signal_detect_from(const struct signal *signal, uint64_t index, struct signal_events *ret) {
        struct detector *detector = signal_detector(signal, ret);

        if (detector_push(detector, index, signal->counts, signal->frames) < 0)
                abort();
        detector_finish(detector);
        detector_free(detector);
}

size_t signal_count(const struct signal_events *events, enum detector_event_type type) {
        size_t count = 0;

        for (size_t i = 0; i < events->count; i++)
                count += events->event[i].type == type ? 1 : 0;
        return count;
}

const struct detector_event *signal_first(const struct signal_events *events,
                                          enum detector_event_type type) {
        for (size_t i = 0; i < events->count; i++)
                if (events->event[i].type == type)
                        return &events->event[i];
        return NULL;
}

static bool doubles_equal(double a, double b) {
        return memcmp(&a, &b, sizeof(a)) == 0;
}

bool signal_same(const struct signal_events *a, const struct signal_events *b) {
        if (a->count != b->count)
                return false;
        for (size_t i = 0; i < a->count; i++) {
                const struct detector_event *x = &a->event[i], *y = &b->event[i];

                if (x->type != y->type || x->channel != y->channel || x->onset_index != y->onset_index ||
                    x->alert_index != y->alert_index || x->end_index != y->end_index ||
                    x->severity != y->severity || x->end_reason != y->end_reason ||
                    !doubles_equal(x->peak_uv, y->peak_uv) || !doubles_equal(x->rest_uv, y->rest_uv) ||
                    !doubles_equal(x->median_hz, y->median_hz) ||
                    !doubles_equal(x->confidence, y->confidence))
                        return false;
        }
        return true;
}
