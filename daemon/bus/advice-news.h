/* SPDX-License-Identifier: MIT */
/*
 * AdviceChanged of org.crampd1.Guidance: when what somebody told, logged, tries or lived through changes
 * their advice, or the time that passes does, their subscribers hear of it, and nobody else. Owned by
 * the bus; called where advice is given or its grounds change.
 */
#pragma once

#include "daemon/bus/bus.h"
#include "daemon/guidance/advise.h"
#include "daemon/store/person.h"

struct advice_news;

int advice_news_new(struct bus *bus, struct advice_news **ret);
struct advice_news *advice_news_free(struct advice_news *news);

/* This is what a person was told at `now_us` of what matters now. */
void advice_news_told(struct advice_news *news, uid_t uid, const struct store_person *person,
                      int64_t now_us, const struct advice *advice);

/* The grounds of a person's advice have changed: `why` is "profile", "log", "trial", "cramp",
 * "annotation", "night" or "time". Looks, without waiting, whether the advice has, and signals. */
void advice_news_check(struct advice_news *news, uid_t uid, const char *why);
/* The same for all persons that it knows, where it is not known whose grounds have changed. */
void advice_news_check_all(struct advice_news *news, const char *why);

/* A person has subscribed: what they would be told now is no news, but what it turns into is. */
void advice_news_listen(struct advice_news *news, uid_t uid);
