/* SPDX-License-Identifier: MIT */
/*
 * Requests: one put or one query on its way from the loop to the writer thread and, as its answer, back
 * again. Owns their memory, the lists that they wait in, and the checks on what callers hand in. Used by
 * store.c and writer.c; a list is guarded by whoever owns it.
 */
#pragma once

#include "daemon/basic/cleanup.h"
#include "daemon/store/outline.h"
#include "daemon/store/person.h"
#include "daemon/store/store.h"
#include "daemon/store/waveform.h"

enum request_kind {
        REQUEST_PUT_SENSOR,
        REQUEST_PUT_NIGHT,
        REQUEST_PUT_EPISODE,
        REQUEST_PUT_ACCOUNT,
        REQUEST_ANNOTATE,
        REQUEST_PUT_BATTERY,
        REQUEST_PUT_CALIBRATION,
        REQUEST_CHANGE_PERSON,
        REQUEST_PUT_WAVEFORM,
        REQUEST_PUT_GAP,
        REQUEST_LIST_SENSORS,
        REQUEST_LIST_EPISODES,
        REQUEST_LIST_NIGHTS,
        REQUEST_LIST_MISSED,
        REQUEST_GET_PERSON,
        REQUEST_GET_ACCOUNT,
        REQUEST_LIST_VERDICTS,
        REQUEST_GET_WAVEFORM,
        REQUEST_OUTLINE_EPISODES,
        REQUEST_OUTLINE_NIGHTS,
        REQUEST_TABULATE_EPISODES,
};

struct request {
        struct request *next;
        struct request *followers; /* older contents of the same row, overtaken while waiting: only their
                                      `done` is left */
        enum request_kind kind;
        int error;
        union {
                struct store_sensor sensor;
                struct store_night night;
                struct store_episode episode;
                struct store_annotation annotation;
                struct store_account account;
                struct store_gap gap;
                struct store_battery battery;
                struct store_calibration calibration;
                struct store_filter filter;
                struct store_person_filter person_filter;
        };
        struct store_waveform *waveform;    /* put, or the answer */
        struct store_person_change *change; /* too large for every request to have room for one */
        union {
                store_done_func done;
                store_annotated_func annotated;
                store_sensors_func sensors;
                store_episodes_func episodes;
                store_nights_func nights;
                store_missed_func missed;
                store_person_func person;
                store_account_func account;
                store_verdicts_func verdicts;
                store_waveform_func waveform;
                store_outline_func outline;
        } callback;
        void *userdata;
        /* A query's answer. */
        union {
                struct store_sensor *sensors;
                struct store_episode *episodes;
                struct store_night_report *nights;
                struct store_missed *missed;
                struct store_account *accounts;
                struct store_verdict *verdicts;
                void *rows;
        };
        struct store_person *person;
        struct store_outline *outline;
        char beside[STORE_ID_SIZE]; /* of an annotation that was refused, else "" */
        size_t n_rows;
        uint64_t cursor;
};

struct request_list {
        struct request *head;
        struct request *tail;
};

struct request *request_new(enum request_kind kind, void *userdata);
/* Frees its followers too. */
struct request *request_free(struct request *request);
DEFINE_CLEANUP(struct request *, request_free)

bool request_is_put(const struct request *request);

/* Calls the callback, with nothing but `error` to say when it is negative. */
void request_deliver(const struct request *request, int error);

void request_list_append(struct request_list *list, struct request *request);
struct request *request_list_pop(struct request_list *list);
/* Moves all of `from` to the front of `list`, in order. */
void request_list_put_back(struct request_list *list, struct request_list *from);
/* Moves all of `from` to the end of `list`, in order, every follower as an answer of its own after the
 * one it follows. */
void request_list_answer(struct request_list *list, struct request_list *from);
void request_list_clear(struct request_list *list);

/* The waiting put that writes the same night or episode as `request` does, else NULL. */
struct request *request_list_find_same(const struct request_list *list, const struct request *request);
/* Has `waiting` write the contents of `newer` in its stead. Keeps `newer` as its follower if that has a
 * callback, else frees it; returns whether it was kept. */
bool request_overtake(struct request *waiting, struct request *newer);

/* 0, or -EINVAL for what could never be stored: a malformed id, a string without end, a missing time, a
 * number out of range. */
int sensor_check(const struct store_sensor *sensor);
int night_check(const struct store_night *night);
int episode_check(const struct store_episode *episode);
int account_check(const struct store_account *account);
int annotation_check(const struct store_annotation *annotation);
int waveform_check(const struct store_waveform *waveform);
int gap_check(const struct store_gap *gap);
int battery_check(const struct store_battery *battery);
int calibration_check(const struct store_calibration *calibration);
int filter_check(const struct store_filter *filter, uint32_t limit_max);
int person_change_check(const struct store_person_change *change);
int person_filter_check(const struct store_person_filter *filter);
