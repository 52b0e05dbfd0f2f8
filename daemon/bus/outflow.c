/* SPDX-License-Identifier: MIT */
/* Whether what crampd sends gets out: see outflow.h. */
#include "daemon/bus/outflow.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include "daemon/basic/cleanup.h"

/* What was sent and is not out yet. */
struct unread {
        uint64_t messages; /* in sd-bus's queue */
        int bytes;         /* in the socket, which the bus has not read */
};

struct outflow {
        struct bus *bus;
        outflow_stuck_func stuck;
        struct unread unread; /* when last looked at */
        sd_event_source *look;
        sd_event_source *timer; /* on while there is anything; set anew when there is less */
};

/* Looks at what is unread. Returns whether there is any and, since the last look, none of it went. */
static bool outflow_look(struct outflow *outflow) {
        struct unread last = outflow->unread, now = {0};
        int fd = sd_bus_get_fd(outflow->bus->connection);

        (void)sd_bus_get_n_queued_write(outflow->bus->connection, &now.messages);
        if (fd >= 0)
                (void)ioctl(fd, SIOCOUTQ, &now.bytes);
        outflow->unread = now;
        if (now.messages == 0 && now.bytes == 0)
                return false;
        return (last.messages > 0 || last.bytes > 0) && now.messages >= last.messages &&
               now.bytes >= last.bytes;
}

static int on_look(sd_event_source *source, void *userdata) {
        struct outflow *outflow = userdata;
        const struct unread *unread = &outflow->unread;

        if (outflow_look(outflow))
                return 0;
        if (unread->messages == 0 && unread->bytes == 0)
                return sd_event_source_set_enabled(outflow->timer, SD_EVENT_OFF);
        (void)sd_event_source_set_time_relative(outflow->timer, OUTFLOW_STUCK_US);
        return sd_event_source_set_enabled(outflow->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct outflow *outflow = userdata;
        bool stuck = outflow_look(outflow);

        /* What is there still, or on a new connection, is looked at afresh. */
        outflow->unread = (struct unread){0};
        /* Before the bus has said hello nothing can go: it has just been started, or hangs. */
        if (stuck && sd_bus_is_ready(outflow->bus->connection) > 0)
                outflow->stuck(outflow->bus);
        return 0;
}

DEFINE_CLEANUP(struct outflow *, outflow_free)

int outflow_new(struct bus *bus, outflow_stuck_func stuck, struct outflow **ret) {
        _cleanup_(outflow_freep) struct outflow *outflow = NULL;
        int r;

        outflow = calloc(1, sizeof(*outflow));
        if (!outflow)
                return -ENOMEM;
        outflow->bus = bus;
        outflow->stuck = stuck;
        r = sd_event_add_time_relative(bus->crampd->event, &outflow->timer, CLOCK_MONOTONIC,
                                       OUTFLOW_STUCK_US, /* accuracy= */ 0, on_timer, outflow);
        if (r >= 0)
                r = sd_event_source_set_enabled(outflow->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_post(bus->crampd->event, &outflow->look, on_look, outflow);
        if (r < 0)
                return r;
        *ret = steal_pointer(&outflow);
        return 0;
}

struct outflow *outflow_free(struct outflow *outflow) {
        if (!outflow)
                return NULL;
        sd_event_source_disable_unref(outflow->look);
        sd_event_source_disable_unref(outflow->timer);
        free(outflow);
        return NULL;
}
