/* SPDX-License-Identifier: MIT */
/* Packets in real time: see sender.h. */
#include "sensors/virtual/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/basic/cleanup.h"

/* Beside what the socket holds, which is some hundreds of packets. */
#define QUEUE_MAX 256u

struct sender {
        sd_event *event;
        struct player *player;
        sender_finished_func finished;
        void *userdata;

        int fd; /* -1 while stopped */
        sd_event_source *timer;
        sd_event_source *writable;
        uint64_t start_us; /* CLOCK_MONOTONIC */
        bool over;         /* nothing more to come from the player */

        struct player_packet next; /* due at start_us + next.due_us */
        struct player_packet queue[QUEUE_MAX];
        size_t queue_first;
        size_t queue_count;
        struct sender_totals totals;
};

static void sender_end(struct sender *sender, const char *error) {
        const struct sender_totals *totals = sender_stop(sender);

        sender->finished(totals, error, sender->userdata);
}

/* Sends what waits. Returns 1 when the queue is empty, 0 when the socket is full, or negative errno. */
static int queue_flush(struct sender *sender) {
        while (sender->queue_count > 0) {
                const struct player_packet *packet = &sender->queue[sender->queue_first];

                if (send(sender->fd, packet->bytes, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                        if (errno == EINTR)
                                continue;
                        return errno == EAGAIN ? 0 : -errno;
                }
                sender->totals.packets++;
                sender->totals.frames += packet->frames;
                sender->queue_first = (sender->queue_first + 1) % QUEUE_MAX;
                sender->queue_count--;
        }
        return 1;
}

static void queue_push(struct sender *sender, const struct player_packet *packet) {
        if (sender->queue_count == QUEUE_MAX) {
                sender->totals.dropped++;
                return;
        }
        sender->queue[(sender->queue_first + sender->queue_count) % QUEUE_MAX] = *packet;
        sender->queue_count++;
}

/* Returns 0, or what ended the stream: negative errno. */
static int queue_send(struct sender *sender) {
        int r;

        r = queue_flush(sender);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(sender->writable, r > 0 ? SD_EVENT_OFF : SD_EVENT_ON);
}

/* After each change: is there anything left to do? */
static void sender_check(struct sender *sender, int r) {
        if (r == -EPIPE || r == -ECONNRESET)
                (void)sd_event_source_set_enabled(sender->timer,
                                                  SD_EVENT_OFF); /* whoever started us hears of it too */
        else if (r < 0)
                sender_end(sender, strerror(-r));
        else if (sender->over && sender->queue_count == 0)
                sender_end(sender, NULL);
}

static int on_writable(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct sender *sender = userdata;

        sender_check(sender, queue_send(sender));
        return 0;
}

/* Queues all that is due, and sets the timer to what is not. */
static int packets_take(struct sender *sender, uint64_t now_us, struct recording_error *error) {
        while (sender->start_us + sender->next.due_us <= now_us) {
                int r;

                queue_push(sender, &sender->next);
                r = player_next(sender->player, &sender->next, error);
                if (r < 0)
                        return r;
                if (r == 0) {
                        sender->over = true;
                        return 0;
                }
        }
        return sd_event_source_set_time(sender->timer, sender->start_us + sender->next.due_us);
}

static int on_time(sd_event_source *source, uint64_t due_us, void *userdata) {
        struct sender *sender = userdata;
        struct recording_error error = {};
        uint64_t now_us;
        int r;

        r = sd_event_now(sender->event, CLOCK_MONOTONIC, &now_us);
        if (r >= 0)
                r = packets_take(sender, now_us, &error);
        if (r < 0) {
                sender_end(sender, error.text[0] ? error.text : strerror(-r));
                return 0;
        }
        if (!sender->over)
                (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        sender_check(sender, queue_send(sender));
        return 0;
}

int sender_new(sd_event *event, struct player *player, sender_finished_func finished, void *userdata,
               struct sender **ret) {
        struct sender *sender = calloc(1, sizeof(*sender));

        if (!sender)
                return -ENOMEM;
        sender->event = sd_event_ref(event);
        sender->player = player;
        sender->finished = finished;
        sender->userdata = userdata;
        sender->fd = -1;
        *ret = sender;
        return 0;
}

struct sender *sender_free(struct sender *sender) {
        if (!sender)
                return NULL;
        (void)sender_stop(sender);
        sd_event_unref(sender->event);
        free(sender);
        return NULL;
}

static int sources_add(struct sender *sender) {
        struct timespec now;
        int r;

        if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                return -errno;
        sender->start_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;

        r = sd_event_add_io(sender->event, &sender->writable, sender->fd, EPOLLOUT, on_writable, sender);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(sender->writable, SD_EVENT_OFF);
        if (r < 0)
                return r;
        /* As exact as the clock is: the default of 250 ms would bunch the packets. */
        return sd_event_add_time(sender->event, &sender->timer, CLOCK_MONOTONIC,
                                 sender->start_us + sender->next.due_us, 1, on_time, sender);
}

int sender_start(struct sender *sender, int fd, size_t packet_size, struct recording_error *error) {
        int r;

        (void)sender_stop(sender);
        r = player_start(sender->player, packet_size, error);
        if (r < 0)
                return r;
        r = player_next(sender->player, &sender->next, error);
        if (r <= 0)
                return r < 0 ? r : -EIO;

        sender->totals = (struct sender_totals){};
        sender->over = false;
        sender->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        r = sender->fd < 0 ? -errno : sources_add(sender);
        if (r < 0) {
                (void)snprintf(error->text, sizeof(error->text), "%s", strerror(-r));
                (void)sender_stop(sender);
        }
        return r;
}

const struct sender_totals *sender_stop(struct sender *sender) {
        sender->timer = sd_event_source_disable_unref(sender->timer);
        sender->writable = sd_event_source_disable_unref(sender->writable);
        closep(&sender->fd);
        sender->fd = -1;
        sender->queue_count = 0;
        return &sender->totals;
}
