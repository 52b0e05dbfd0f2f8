/* SPDX-License-Identifier: MIT */
/*
 * The advisor: from what the store keeps of a person to what guidance/ reasons about. Needs store and
 * guidance; knows nothing of the bus. Called by the bus objects of Guidance.
 */
#pragma once

#include "daemon/guidance/advise.h"
#include "daemon/guidance/trial.h"
#include "daemon/store/person.h"

/* From and to the lines that the store keeps. What cannot be read (a newer crampd wrote it) counts as
 * not said, which is the safe side. -ENOBUFS when it does not fit. */
void advisor_read_profile(const char *text, struct profile *ret);
int advisor_write_profile(const struct profile *profile, char *text, size_t size);

/* Advice looks back so far: days of the log and of nights, twice that for nights to compare with. */
#define ADVISOR_DAYS 28
/* A symptom counts for so long. Our own choice: two weeks, or until its entry is deleted. */
#define ADVISOR_SYMPTOM_DAYS 14

/* When what was seen of a person at `now_us` can look different without anything new: a night is over, a
 * symptom or an entry gets too old, a cramp that lasts becomes a long one. Always after `now_us`. */
int64_t advisor_next_us(const struct store_person *person, int64_t now_us);

/* A person as advise() wants to see them. */
struct advisor_view {
        struct profile profile;
        struct advice_log log;
        struct advice_history history;
        struct symptoms symptoms;
};

/* What to ask of the store for advisor_look(). */
struct store_person_filter advisor_filter(uid_t uid, int64_t now_us);

/* What the person's nights say; part of advisor_look(). Returns 0 or -ENOMEM. */
int advisor_look_history(const struct store_person *person, int64_t now_us, struct advice_history *ret);

/* Returns 0 or -ENOMEM. */
int advisor_look(const struct store_person *person, int64_t now_us, struct advisor_view *ret);

/* The view's request; it lives as long as the view does. `topic` may be NULL. */
struct advice_request advisor_request(const struct advisor_view *view, const char *topic);

/* Days since 1970-01-01 of "2026-11-23"; INT64_MIN for what is no date. */
int64_t advisor_day(const char *date);
/* The local day of an entry. */
int64_t advisor_day_of(const struct store_entry *entry);
/* Reads an entry of the kind "amount"; false for others, and for words of a newer crampd. */
bool advisor_read_amount(const struct store_entry *entry, struct entry *ret);

/* A trial's nights compared: the person with all nights. Returns 0 or -ENOMEM. */
int advisor_compare(const struct store_person *person, const struct store_trial *trial,
                    struct trial_result *ret);
