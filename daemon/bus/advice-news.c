/* SPDX-License-Identifier: MIT */
/* AdviceChanged: see advice-news.h. */
#include "daemon/bus/advice-news.h"

#include <errno.h>
#include <string.h>

#include "daemon/advisor.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/subscribers.h"

/* More persons than one box has; of one that does not fit, every change is news. */
#define PERSONS_MAX 64u
/* When the store did not say what would change. Chosen. */
#define RETRY_US INT64_C(60000000)

struct look;

struct told {
        uid_t uid;
        uint64_t digest;
        int64_t next_us; /* when it may change by time alone */
};

struct advice_news {
        struct bus *bus;
        sd_event_source *timer; /* at the first of all `next_us` */
        struct told all[PERSONS_MAX];
        size_t n;
        LIST_HEAD(, look) looks; /* on their way, one a person */
};

DEFINE_CLEANUP(struct advice *, advice_free)

int advice_news_new(struct bus *bus, struct advice_news **ret) {
        struct advice_news *news = calloc(1, sizeof(*news));

        if (!news)
                return -ENOMEM;
        news->bus = bus;
        *ret = news;
        return 0;
}

struct advice_news *advice_news_free(struct advice_news *news) {
        if (news)
                sd_event_source_disable_unref(news->timer);
        free(news);
        return NULL;
}

/* --- what was told --- */

/* FNV-1a (Fowler, Noll and Vo). */
static uint64_t mix(uint64_t digest, const char *text) {
        do {
                digest = (digest ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
        } while (*text++);
        return digest;
}

/* Of what is shown and why, in order; ranks themselves are not shown. */
static uint64_t digest_of(const struct advice *advice) {
        uint64_t digest = UINT64_C(0xcbf29ce484222325);

        digest = (digest ^ advice->missing) * UINT64_C(0x100000001b3);
        for (size_t i = 0; i < advice->n_items; i++) {
                const struct advice_item *item = &advice->items[i];

                digest = mix(digest, item->statement->id);
                for (size_t j = 0; j < item->n_texts; j++)
                        digest = mix(digest, item->texts[j]);
                for (size_t j = 0; j < item->n_reasons; j++)
                        digest = mix(mix(digest, item->reasons[j].message),
                                     item->reasons[j].phrase ?: "");
        }
        for (size_t i = 0; i < advice->n_suppressed; i++)
                digest = mix(digest, nutrient_to_string(advice->suppressed[i].nutrient));
        return digest;
}

static struct told *find(struct advice_news *news, uid_t uid) {
        for (size_t i = 0; i < news->n; i++)
                if (news->all[i].uid == uid)
                        return &news->all[i];
        return NULL;
}

static void forget(struct advice_news *news, uid_t uid) {
        struct told *told = find(news, uid);

        if (told)
                *told = news->all[--news->n];
}

/* --- time --- */

static int on_time(sd_event_source *source, uint64_t time_us, void *userdata);

static void timer_set(struct advice_news *news) {
        int64_t first_us = INT64_MAX;
        int r = 0;

        for (size_t i = 0; i < news->n; i++)
                if (news->all[i].next_us < first_us)
                        first_us = news->all[i].next_us;
        if (first_us == INT64_MAX)
                return;
        if (!news->timer)
                r = sd_event_add_time(news->bus->crampd->event, &news->timer, CLOCK_REALTIME,
                                      (uint64_t)first_us, /* accuracy= */ 0, on_time, news);
        else if ((r = sd_event_source_set_time(news->timer, (uint64_t)first_us)) >= 0)
                r = sd_event_source_set_enabled(news->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_warning("Advice will not follow the time of day: %s, ignoring.", strerror(-r));
}

static int on_time(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct advice_news *news = userdata;
        int64_t now_us = crampd_now_us();
        uid_t due[PERSONS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < news->n; i++)
                if (news->all[i].next_us <= now_us) {
                        due[n++] = news->all[i].uid;
                        /* The look that follows says when next; if it fails, it is made up for then. */
                        news->all[i].next_us = now_us + RETRY_US;
                }
        for (size_t i = 0; i < n; i++)
                advice_news_check(news, due[i], "time");
        /* For the others, whoever was forgotten. */
        timer_set(news);
        return 0;
}

void advice_news_told(struct advice_news *news, uid_t uid, const struct store_person *person,
                      int64_t now_us, const struct advice *advice) {
        struct told *told = find(news, uid);

        if (!told && news->n < PERSONS_MAX)
                told = &news->all[news->n++];
        if (!told)
                return;
        *told = (struct told){uid, digest_of(advice), advisor_next_us(person, now_us)};
        timer_set(news);
}

/* --- the signal --- */

struct look {
        struct bus *bus;
        LIST_ENTRY(look) looks;
        uid_t uid;
        const char *why;   /* NULL: nothing has changed, and it is only to be known what is told */
        bool again;        /* something has changed since the store was asked */
        const char *after; /* why */
};

/* What the signal is made of. */
struct news_item {
        const struct look *look;
        const struct advice *advice;
};

static int build_signal(const struct language *language, const void *userdata, sd_bus_message **ret) {
        const struct news_item *item = userdata;
        const struct advice *advice = item->advice;
        int r;

        r = sd_bus_message_new_signal(item->look->bus->connection, ret, CRAMPD_ROOT,
                                      CRAMPD_NAME ".Guidance", "AdviceChanged");
        dictionary_open(*ret, &r);
        dictionary_append(*ret, &r, "owner", "u", (uint32_t)item->look->uid);
        dictionary_append(*ret, &r, "why", "s", item->look->why);
        if (advice->n_items > 0) {
                dictionary_append(*ret, &r, "id", "s", advice->items[0].statement->id);
                dictionary_append(*ret, &r, "title", "s",
                                  language_text(language, advice->items[0].statement->title));
                dictionary_append(*ret, &r, "red_flag", "b", advice->items[0].red_flag);
                dictionary_append(*ret, &r, "language", "s", language->name);
        }
        dictionary_close(*ret, &r);
        return r;
}

static int send_signal(const struct look *look, const struct advice *advice) {
        const struct news_item item = {look, advice};

        return subscribers_tell(look->bus->subscribers, build_signal, &item, look->uid, /* to= */ NULL);
}

static int compare(const struct look *look, const struct store_person *person) {
        _cleanup_(advice_freep) struct advice *advice = advice_new();
        struct advice_news *news = look->bus->news;
        const struct told *told = find(news, look->uid);
        const int64_t now_us = crampd_now_us();
        struct advice_request request;
        struct advisor_view view;
        bool changed;
        int r;

        if (!advice)
                return -ENOMEM;
        r = advisor_look(person, now_us, &view);
        if (r < 0)
                return r;
        request = advisor_request(&view, NULL);
        advise(&request, advice);
        changed = look->why && (!told || told->digest != digest_of(advice));
        advice_news_told(news, look->uid, person, now_us, advice);
        return changed ? send_signal(look, advice) : 0;
}

static void on_person(int error, const struct store_person *person, void *userdata) {
        _cleanup_(freep) struct look *look = userdata;

        LIST_REMOVE(look, looks);
        if (error == -ECANCELED)
                return;
        if (error >= 0)
                error = compare(look, person);
        if (error < 0)
                log_error("Whether advice has changed could not be found out: %s.", strerror(-error));
        if (look->again)
                advice_news_check(look->bus->news, look->uid, look->after);
}

/* One question a person at a time: a thousand changes at once are looked at twice, and keep neither
 * disk nor store from others. */
static void look_at(struct advice_news *news, uid_t uid, const char *why) {
        const struct store_person_filter filter = advisor_filter(uid, crampd_now_us());
        struct look *look;
        int r = -ENOMEM;

        LIST_FOREACH (look, &news->looks, looks)
                if (look->uid == uid) {
                        look->again = look->again || why;
                        look->after = look->after ?: why;
                        return;
                }
        look = malloc(sizeof(*look));
        if (look) {
                *look = (struct look){.bus = news->bus, .uid = uid, .why = why};
                LIST_INSERT_HEAD(&news->looks, look, looks);
                r = store_get_person(news->bus->crampd->store, &filter, on_person, look);
                if (r < 0)
                        LIST_REMOVE(look, looks);
        }
        if (r < 0) {
                free(look);
                log_warning("Whether advice has changed is not looked up: %s, ignoring.", strerror(-r));
        }
}

void advice_news_check(struct advice_news *news, uid_t uid, const char *why) {
        if (news->bus->crampd->stopping)
                return;
        if (!subscribers_hear(news->bus->subscribers, uid, /* to= */ NULL))
                forget(news, uid); /* who comes later has not heard of this change */
        else
                look_at(news, uid, why);
}

void advice_news_check_all(struct advice_news *news, const char *why) {
        uid_t all[PERSONS_MAX];
        size_t n = news->n;

        for (size_t i = 0; i < n; i++)
                all[i] = news->all[i].uid;
        for (size_t i = 0; i < n; i++)
                advice_news_check(news, all[i], why);
}

void advice_news_listen(struct advice_news *news, uid_t uid) {
        if (!find(news, uid))
                look_at(news, uid, /* why= */ NULL);
}
