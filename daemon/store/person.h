/* SPDX-License-Identifier: MIT */
/*
 * What the store keeps for guidance, by person: profile, day log, trials, and the nights and cramps of
 * their sensors in short. As private as episodes. Part of the store's interface: see store.h. Called by
 * the Guidance interface and by advisor.c.
 */
#pragma once

#include "daemon/store/store.h"

#define STORE_PROFILE_SIZE 4096u
#define STORE_ENTRY_TEXT_SIZE 512u
#define STORE_AMOUNT_SIZE 40u

/* One line of the day log. The fields are words of guidance/: the store does not look into them. */
struct store_entry {
        char id[STORE_ID_SIZE];
        int64_t time_us;
        int32_t zone_offset_s;
        char kind[16]; /* amount, symptom, note */
        char what[32]; /* magnesium, standing, swelling, ...; "" for a note */
        char origin[16];
        char compound[32];
        char amount[STORE_AMOUNT_SIZE]; /* as it was given */
        char leg[16];
        char text[STORE_ENTRY_TEXT_SIZE];
};

struct store_trial {
        char id[STORE_ID_SIZE];
        char nutrient[32];
        char design[16];
        char start_day[11]; /* "2026-11-23" */
        char end_day[11];   /* the first day that does not count any more; "" while it runs */
        uint32_t baseline_days;
        uint32_t block_days;
        uint32_t washout_days;
};

/* The night of an evening: of several sensors, the one that watched longest. */
struct store_evening {
        char evening[11];
        uint64_t monitored_us;
};

/* A cramp that was recorded, unless it was said to be a false alarm; or one that raised no alert and was
 * reported. */
struct store_cramp {
        char evening[11];
        int64_t onset_us; /* when it was, of a reported one */
        int64_t end_us;   /* STORE_NO_TIME while it lasts, and of a reported one */
        int pain;         /* 0-10; STORE_NO_PAIN */
        bool strong;      /* as the detector has it; never of a reported one */
        bool reported;
        bool watched; /* its sensor was monitoring then; always so of a recorded one */
};

struct store_person {
        char profile[STORE_PROFILE_SIZE]; /* "key=value" lines; "" = nothing was said */
        struct store_entry *entries;      /* in order of time */
        size_t n_entries;
        struct store_trial *trials; /* in order of start */
        size_t n_trials;
        struct store_evening *evenings; /* in order */
        size_t n_evenings;
        struct store_cramp *cramps; /* in order of onset */
        size_t n_cramps;
};

struct store_person *store_person_free(struct store_person *person);

struct store_person_filter {
        uid_t uid;
        int64_t entries_since_us;  /* STORE_NO_TIME = from the first */
        int64_t entries_until_us;  /* STORE_NO_TIME = to the last */
        uint32_t entries_max;      /* 0 = no entries at all */
        char entry[STORE_ID_SIZE]; /* this one alone; "" = all */
        char after[STORE_ID_SIZE]; /* only entries beyond this one; "" = from the start */
        bool nights;               /* evenings and cramps too */
        int64_t nights_since_us;   /* STORE_NO_TIME = from the first */
};

#define STORE_ENTRIES_MAX 5000u
/* More entries of one person are not taken: a lifetime has fewer, and a disk has an end. */
#define STORE_ENTRIES_TOTAL_MAX 100000u

enum store_change_kind {
        STORE_CHANGE_PROFILE, /* "" forgets it */
        STORE_CHANGE_ENTRY,
        STORE_CHANGE_ENTRY_GONE,
        STORE_CHANGE_TRIAL,
        STORE_CHANGE_TRIAL_GONE,
};

struct store_person_change {
        enum store_change_kind kind;
        uid_t uid;
        union {
                char profile[STORE_PROFILE_SIZE];
                struct store_entry entry;
                struct store_trial trial;
                char id[STORE_ID_SIZE]; /* of what goes */
        };
};

/* The person lives during the callback only. */
typedef void (*store_person_func)(int error, const struct store_person *person, void *userdata);

/* As the other writes and queries of store.h. What goes is gone from the disk too, once `done` is
 * called. `done` gets -E2BIG for one entry too many.
 */
int store_change_person(struct store *store, const struct store_person_change *change,
                        store_done_func done, void *userdata);
/* -ESTALE when `after` is no entry of that person. */
int store_get_person(struct store *store, const struct store_person_filter *filter,
                     store_person_func done, void *userdata);
