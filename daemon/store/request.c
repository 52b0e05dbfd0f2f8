/* SPDX-License-Identifier: MIT */
/* Requests, their lists and checks: see request.h. */
#include "daemon/store/request.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Local time is never further from UTC than a day. */
#define ZONE_OFFSET_MAX_S (24 * 60 * 60)

struct request *request_new(enum request_kind kind, void *userdata) {
        struct request *request = calloc(1, sizeof(*request));

        if (!request)
                return NULL;
        request->kind = kind;
        request->userdata = userdata;
        return request;
}

struct request *request_free(struct request *request) {
        while (request) {
                struct request *follower = request->followers;

                if (follower) {
                        request->followers = follower->next;
                        follower->next = NULL;
                        free(follower->rows);
                        free(follower);
                        continue;
                }
                free(request->rows);
                free(request->change);
                (void)store_waveform_free(request->waveform);
                (void)store_person_free(request->person);
                (void)store_outline_free(request->outline);
                free(request);
                request = NULL;
        }
        return NULL;
}

bool request_is_put(const struct request *request) {
        return request->kind <= REQUEST_PUT_GAP;
}

void request_deliver(const struct request *request, int error) {
        bool well = error >= 0;

        if (!request->callback.done)
                return;
        switch (request->kind) {
        case REQUEST_ANNOTATE:
                request->callback.annotated(error, request->beside, request->userdata);
                break;
        case REQUEST_LIST_SENSORS:
                request->callback.sensors(error, well ? request->sensors : NULL,
                                          well ? request->n_rows : 0, request->userdata);
                break;
        case REQUEST_LIST_EPISODES:
                request->callback.episodes(error, well ? request->episodes : NULL,
                                           well ? request->n_rows : 0, well ? request->cursor : 0,
                                           request->userdata);
                break;
        case REQUEST_LIST_NIGHTS:
                request->callback.nights(error, well ? request->nights : NULL,
                                         well ? request->n_rows : 0, well ? request->cursor : 0,
                                         request->userdata);
                break;
        case REQUEST_LIST_VERDICTS:
                request->callback.verdicts(error, well ? request->verdicts : NULL,
                                           well ? request->n_rows : 0, request->userdata);
                break;
        case REQUEST_GET_ACCOUNT:
                request->callback.account(error, well && request->n_rows > 0 ? request->accounts : NULL,
                                          request->userdata);
                break;
        case REQUEST_GET_WAVEFORM:
                request->callback.waveform(error, well ? request->waveform : NULL, request->userdata);
                break;
        case REQUEST_LIST_MISSED:
                request->callback.missed(error, well ? request->missed : NULL,
                                         well ? request->n_rows : 0, well ? request->cursor : 0,
                                         request->userdata);
                break;
        case REQUEST_OUTLINE_EPISODES:
        case REQUEST_OUTLINE_NIGHTS:
        case REQUEST_TABULATE_EPISODES:
                request->callback.outline(error, well ? request->outline : NULL,
                                          well ? request->cursor : 0, request->userdata);
                break;
        case REQUEST_GET_PERSON:
                request->callback.person(error, well ? request->person : NULL, request->userdata);
                break;
        default:
                request->callback.done(error, request->userdata);
                break;
        }
}

void request_list_append(struct request_list *list, struct request *request) {
        request->next = NULL;
        if (list->tail)
                list->tail->next = request;
        else
                list->head = request;
        list->tail = request;
}

struct request *request_list_pop(struct request_list *list) {
        struct request *request = list->head;

        if (!request)
                return NULL;
        list->head = request->next;
        if (!list->head)
                list->tail = NULL;
        request->next = NULL;
        return request;
}

void request_list_put_back(struct request_list *list, struct request_list *from) {
        if (!from->head)
                return;
        from->tail->next = list->head;
        list->head = from->head;
        if (!list->tail)
                list->tail = from->tail;
        *from = (struct request_list){};
}

void request_list_answer(struct request_list *list, struct request_list *from) {
        struct request *request;

        while ((request = request_list_pop(from))) {
                struct request *follower = steal_pointer(&request->followers);

                request_list_append(list, request);
                while (follower) {
                        struct request *next = follower->next;

                        follower->error = request->error;
                        request_list_append(list, follower);
                        follower = next;
                }
        }
}

void request_list_clear(struct request_list *list) {
        struct request *request;

        while ((request = request_list_pop(list)))
                request_free(request);
}

static bool request_is_same(const struct request *a, const struct request *b) {
        if (a->kind != b->kind)
                return false;
        /* The parents are compared too: in the place of the older row, another parent might not be there
         * yet. */
        if (a->kind == REQUEST_PUT_NIGHT)
                return strcmp(a->night.id, b->night.id) == 0 &&
                       strcmp(a->night.sensor, b->night.sensor) == 0;
        if (a->kind == REQUEST_PUT_EPISODE)
                return strcmp(a->episode.id, b->episode.id) == 0 &&
                       strcmp(a->episode.sensor, b->episode.sensor) == 0 &&
                       strcmp(a->episode.night, b->episode.night) == 0;
        return false;
}

struct request *request_list_find_same(const struct request_list *list, const struct request *request) {
        struct request *found = NULL;

        for (struct request *i = list->head; i; i = i->next)
                if (request_is_same(i, request))
                        found = i;
        return found;
}

bool request_overtake(struct request *waiting, struct request *newer) {
        struct request **end = &waiting->followers;

        if (waiting->kind == REQUEST_PUT_NIGHT)
                waiting->night = newer->night;
        else
                waiting->episode = newer->episode;
        if (!newer->callback.done) {
                request_free(newer);
                return false;
        }
        while (*end)
                end = &(*end)->next;
        newer->next = NULL;
        *end = newer;
        return true;
}

static bool id_is_valid(const char id[static STORE_ID_SIZE]) {
        bool zero = true;

        for (size_t i = 0; i < STORE_ID_SIZE - 1; i++) {
                if (!((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f')))
                        return false;
                zero = zero && id[i] == '0';
        }
        /* Cursors are ids as numbers, and the cursor 0 means the start. */
        return !zero && id[STORE_ID_SIZE - 1] == '\0';
}

#define TEXT_IS_VALID(text) (memchr((text), '\0', sizeof(text)) != NULL)

static bool zone_is_valid(int32_t zone_offset_s) {
        return zone_offset_s >= -ZONE_OFFSET_MAX_S && zone_offset_s <= ZONE_OFFSET_MAX_S;
}

static bool rate_is_valid(double rate) {
        return rate >= 0 && isfinite(rate);
}

int sensor_check(const struct store_sensor *sensor) {
        bool valid = id_is_valid(sensor->id) && TEXT_IS_VALID(sensor->address) &&
                     TEXT_IS_VALID(sensor->driver) && TEXT_IS_VALID(sensor->name) &&
                     TEXT_IS_VALID(sensor->muscle) && TEXT_IS_VALID(sensor->leg) &&
                     sensor->added_us != STORE_NO_TIME && zone_is_valid(sensor->zone_offset_s) &&
                     sensor->scale_uv >= 0 && isfinite(sensor->scale_uv) &&
                     rate_is_valid(sensor->battery_rate) && TEXT_IS_VALID(sensor->battery_warned) &&
                     TEXT_IS_VALID(sensor->sensitivity);

        return valid ? 0 : -EINVAL;
}

int night_check(const struct store_night *night) {
        bool valid = id_is_valid(night->id) && id_is_valid(night->sensor) &&
                     TEXT_IS_VALID(night->evening) && night->start_us != STORE_NO_TIME &&
                     night->seen_us != STORE_NO_TIME && zone_is_valid(night->zone_offset_s) &&
                     night->packets <= INT64_MAX && night->lost_packets <= INT64_MAX &&
                     night->monitored_us <= INT64_MAX;

        return valid ? 0 : -EINVAL;
}

int episode_check(const struct store_episode *episode) {
        bool valid = id_is_valid(episode->id) && id_is_valid(episode->sensor) &&
                     id_is_valid(episode->night) && TEXT_IS_VALID(episode->muscle) &&
                     TEXT_IS_VALID(episode->leg) && episode->onset_us != STORE_NO_TIME &&
                     episode->alert_us != STORE_NO_TIME && zone_is_valid(episode->zone_offset_s) &&
                     TEXT_IS_VALID(episode->end_reason) && TEXT_IS_VALID(episode->severity) &&
                     TEXT_IS_VALID(episode->detector) && episode->confidence >= 0 &&
                     episode->confidence <= 1;

        return valid ? 0 : -EINVAL;
}

int account_check(const struct store_account *account) {
        bool valid = id_is_valid(account->episode) && TEXT_IS_VALID(account->sensitivity) &&
                     TEXT_IS_VALID(account->quality) && account->from_us != STORE_NO_TIME &&
                     account->point_us >= 0 && account->points <= STORE_ACCOUNT_POINTS;

        return valid ? 0 : -EINVAL;
}

int annotation_check(const struct store_annotation *annotation) {
        bool missed = annotation->sensor[0] != '\0';
        bool valid = id_is_valid(annotation->id) && (!missed || id_is_valid(annotation->sensor)) &&
                     (!missed || (annotation->time_us != STORE_NO_TIME && !annotation->clear)) &&
                     zone_is_valid(annotation->zone_offset_s) && TEXT_IS_VALID(annotation->verdict) &&
                     TEXT_IS_VALID(annotation->note) && annotation->pain >= STORE_NO_PAIN &&
                     annotation->pain <= STORE_PAIN_MAX && annotation->said_us != STORE_NO_TIME;

        return valid ? 0 : -EINVAL;
}

int waveform_check(const struct store_waveform *waveform) {
        return id_is_valid(waveform->episode) ? waveform_check_shape(waveform) : -EINVAL;
}

int gap_check(const struct store_gap *gap) {
        bool valid = id_is_valid(gap->night) && TEXT_IS_VALID(gap->reason) && gap->reason[0] &&
                     gap->start_us != STORE_NO_TIME && gap->end_us != STORE_NO_TIME &&
                     gap->frames <= INT64_MAX;

        return valid ? 0 : -EINVAL;
}

int battery_check(const struct store_battery *battery) {
        bool valid = id_is_valid(battery->sensor) && rate_is_valid(battery->rate) &&
                     TEXT_IS_VALID(battery->warned);

        return valid ? 0 : -EINVAL;
}

int calibration_check(const struct store_calibration *calibration) {
        bool valid = id_is_valid(calibration->sensor) &&
                     calibration->channels <= STORE_CALIBRATION_CHANNELS_MAX &&
                     rate_is_valid(calibration->scale_uv) && calibration->time_us != STORE_NO_TIME;

        for (uint32_t i = 0; valid && i < calibration->channels; i++)
                valid = rate_is_valid(calibration->rest_uv[i]) && rate_is_valid(calibration->mvc_uv[i]);
        return valid ? 0 : -EINVAL;
}

int filter_check(const struct store_filter *filter, uint32_t limit_max) {
        bool valid = filter->limit >= 1 && filter->limit <= limit_max &&
                     (filter->sensor[0] == '\0' || id_is_valid(filter->sensor)) &&
                     (filter->id[0] == '\0' || id_is_valid(filter->id));

        return valid ? 0 : -EINVAL;
}

static bool entry_is_valid(const struct store_entry *entry) {
        return id_is_valid(entry->id) && entry->time_us != STORE_NO_TIME &&
               zone_is_valid(entry->zone_offset_s) && TEXT_IS_VALID(entry->kind) &&
               TEXT_IS_VALID(entry->what) && TEXT_IS_VALID(entry->origin) &&
               TEXT_IS_VALID(entry->compound) && TEXT_IS_VALID(entry->amount) &&
               TEXT_IS_VALID(entry->leg) && TEXT_IS_VALID(entry->text);
}

static bool trial_is_valid(const struct store_trial *trial) {
        return id_is_valid(trial->id) && TEXT_IS_VALID(trial->nutrient) &&
               TEXT_IS_VALID(trial->design) && TEXT_IS_VALID(trial->start_day) &&
               TEXT_IS_VALID(trial->end_day);
}

int person_change_check(const struct store_person_change *change) {
        bool valid = false;

        switch (change->kind) {
        case STORE_CHANGE_PROFILE:
                valid = TEXT_IS_VALID(change->profile);
                break;
        case STORE_CHANGE_ENTRY:
                valid = entry_is_valid(&change->entry);
                break;
        case STORE_CHANGE_TRIAL:
                valid = trial_is_valid(&change->trial);
                break;
        case STORE_CHANGE_ENTRY_GONE:
        case STORE_CHANGE_TRIAL_GONE:
                valid = id_is_valid(change->id);
                break;
        }
        return valid ? 0 : -EINVAL;
}

int person_filter_check(const struct store_person_filter *filter) {
        bool valid = filter->entries_max <= STORE_ENTRIES_MAX &&
                     (filter->entry[0] == '\0' || id_is_valid(filter->entry)) &&
                     (filter->after[0] == '\0' || id_is_valid(filter->after));

        return valid ? 0 : -EINVAL;
}
