/* SPDX-License-Identifier: MIT */
/*
 * AdviceChanged of org.crampd1.Guidance: when what somebody told, logged or tries changes their advice,
 * their subscribers hear of it, and nobody else. Owned by the bus; called where advice is given or its
 * grounds change.
 */
#pragma once

#include "daemon/bus/bus.h"
#include "daemon/guidance/advise.h"

struct advice_news;

int advice_news_new(struct bus *bus, struct advice_news **ret);
struct advice_news *advice_news_free(struct advice_news *news);

/* This is what a person was told just now of what matters now. */
void advice_news_told(struct advice_news *news, uid_t uid, const struct advice *advice);

/* The grounds of a person's advice have changed: `why` is "profile", "log" or "trial". Looks, without
 * waiting, whether the advice has, and signals. */
void advice_news_check(struct advice_news *news, uid_t uid, const char *why);
