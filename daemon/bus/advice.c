/* SPDX-License-Identifier: MIT */
/* Advice on the bus: see advice.h. */
#include "daemon/bus/advice.h"

#include <errno.h>
#include <string.h>

#include "daemon/advisor.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/text.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/guidance-call.h"
#include "daemon/guidance/relief.h"
#include "daemon/guidance/translate.h"
#include "daemon/sensor.h"

#define TEXT_SIZE 8192  /* org.crampd1.Manager.xml tells of it, and clients take as much */
#define SOURCES_MAX 24u /* of one item, its foods and its figures */

DEFINE_CLEANUP(struct advice *, advice_free)

/* --- lists of texts --- */

static void list_add(sd_bus_message *reply, int *r, const char *text) {
        if (*r >= 0)
                *r = sd_bus_message_append_basic(reply, 's', text);
}

/* --- words --- */

static void append_reasons(sd_bus_message *reply, int *r, const struct language *language,
                           const struct advice_reason reasons[], size_t n) {
        char text[512];

        dictionary_open_array(reply, r, "reasons", "as");
        for (size_t i = 0; i < n; i++) {
                (void)advice_reason_write(&reasons[i], language, text, sizeof(text));
                list_add(reply, r, text);
        }
        dictionary_close_array(reply, r);
}

/* The parts, joined by spaces. */
static void join(const struct language *language, const char *const *parts, size_t n, char *text,
                 size_t size) {
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; i < n && used < size; i++)
                if (parts[i]) {
                        int length = snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "",
                                              language_text(language, parts[i]));

                        used += length > 0 ? (size_t)length : 0;
                }
        text_end_at_character(text);
}

/* Names and titles stay as they are printed there. */
static void source_add(sd_bus_message *reply, int *r, const struct language *language,
                       const struct knowledge_source *source) {
        char text[1024];

        (void)snprintf(text, sizeof(text), "%s (%d%s). %s%s%s", language_text(language, source->authors),
                       source->year, source->undated ? language_text(language, ", as read then") : "",
                       language_text(language, source->where),
                       source->copied_by ? language_text(language, "; as repeated by ") : "",
                       source->copied_by ? language_text(language, source->copied_by) : "");
        list_add(reply, r, text);
}

/* One more, unless it is among them. */
static void gather(const struct knowledge_source *gathered[], size_t *n, size_t max,
                   const struct knowledge_source *source) {
        for (size_t i = 0; i < *n; i++)
                if (gathered[i] == source)
                        return;
        if (*n < max)
                gathered[(*n)++] = source;
}

/* Of what the text says, and of each figure that comes with it. */
static void append_sources(sd_bus_message *reply, int *r, const struct language *language,
                           const struct advice_item *item) {
        const struct knowledge_source *gathered[SOURCES_MAX];
        size_t n = 0;

        for (size_t i = 0; item->statement->sources[i]; i++)
                gather(gathered, &n, SOURCES_MAX, item->statement->sources[i]);
        if (item->intake)
                gather(gathered, &n, SOURCES_MAX, item->intake->source);
        if (item->limit)
                gather(gathered, &n, SOURCES_MAX, item->limit->source);
        for (size_t i = 0; i < item->n_foods; i++)
                gather(gathered, &n, SOURCES_MAX, item->foods[i]->source);
        dictionary_open_array(reply, r, "sources", "as");
        for (size_t i = 0; i < n; i++)
                source_add(reply, r, language, gathered[i]);
        dictionary_close_array(reply, r);
}

static void append_foods(sd_bus_message *reply, int *r, const struct language *language,
                         const struct advice_item *item, bool amounts) {
        char text[512], amount[LANGUAGE_NUMBER_SIZE];

        dictionary_open_array(reply, r, "foods", "as");
        for (size_t i = 0; i < item->n_foods; i++) {
                const struct knowledge_food *food = item->foods[i];
                const char *name = language_text(language, food->name);

                language_number(language, food->amount, -1, amount);
                if (amounts && food->amount > 0)
                        (void)snprintf(text, sizeof(text), "%s, %s: %s %s", name,
                                       language_text(language, food->portion), amount,
                                       language_text(language, food->unit));
                else
                        (void)snprintf(text, sizeof(text), "%s", name);
                list_add(reply, r, text);
        }
        dictionary_close_array(reply, r);
}

static void append_missing(sd_bus_message *reply, int *r, uint32_t missing) {
        dictionary_open_array(reply, r, "missing", "as");
        for (unsigned field = 0; field < FIELD_MAX; field++)
                if ((missing & (1U << field)) && field_to_string(field))
                        list_add(reply, r, field_to_string(field));
        dictionary_close_array(reply, r);
}

static void append_figures(sd_bus_message *reply, int *r, const struct advice_item *item) {
        if (item->intake) {
                dictionary_append(reply, r, "intake", "d", item->intake->amount);
                dictionary_append(reply, r, "intake_unit", "s", item->intake->unit);
                dictionary_append(reply, r, "intake_adequate", "b", item->intake->adequate);
        }
        if (item->limit) {
                dictionary_append(reply, r, "limit", "d", item->limit->amount);
                dictionary_append(reply, r, "limit_unit", "s", item->limit->unit);
                dictionary_append(reply, r, "limit_authority", "s", item->limit->authority);
                dictionary_append(reply, r, "limit_supplements_only", "b",
                                  item->limit->supplements_only);
        }
}

/* --- the answer --- */

static bool is_now(const char *topic) {
        return topic && strcmp(topic, ADVICE_TOPIC_NOW) == 0;
}

static void append_item(sd_bus_message *reply, int *r, const struct language *language,
                        const struct advice_item *item, bool amounts) {
        const struct knowledge_statement *statement = item->statement;
        char text[TEXT_SIZE];

        join(language, item->texts, item->n_texts, text, sizeof(text));
        dictionary_open(reply, r);
        dictionary_append(reply, r, "id", "s", statement->id);
        dictionary_append(reply, r, "topic", "s", statement->topic);
        dictionary_append(reply, r, "kind", "s", statement_kind_to_string(statement->kind));
        dictionary_append(reply, r, "title", "s", language_text(language, statement->title));
        dictionary_append(reply, r, "text", "s", text);
        dictionary_append(reply, r, "grade", "s", grade_to_string(statement->grade));
        if (statement->population)
                dictionary_append(reply, r, "population", "s", statement->population);
        dictionary_append(reply, r, "reviewed", "s", statement->reviewed);
        dictionary_append(reply, r, "priority", "u", item->priority);
        dictionary_append(reply, r, "red_flag", "b", item->red_flag);
        append_sources(reply, r, language, item);
        append_reasons(reply, r, language, item->reasons, item->n_reasons);
        append_foods(reply, r, language, item, amounts);
        append_missing(reply, r, item->missing);
        append_figures(reply, r, item);
        dictionary_close(reply, r);
}

static void append_suppressed(sd_bus_message *reply, int *r, const struct language *language,
                              const struct advice_suppressed *held_back) {
        char text[TEXT_SIZE];

        join(language, held_back->texts, ADVICE_REASONS_MAX, text, sizeof(text));
        dictionary_open(reply, r);
        dictionary_append(reply, r, "id", "s", nutrient_to_string(held_back->nutrient));
        dictionary_append(reply, r, "title", "s",
                          language_text(language, nutrient_title(held_back->nutrient)));
        dictionary_append(reply, r, "text", "s", text);
        dictionary_append(reply, r, "food", "b", held_back->food);
        append_reasons(reply, r, language, held_back->reasons, held_back->n_reasons);
        dictionary_close(reply, r);
}

/* What to do about a cramp of theirs that lasts, or about any. */
static void append_relief(sd_bus_message *reply, int *r, const struct guidance_call *call,
                          bool in_danger) {
        const char *const *steps = relief_steps(MUSCLE_UNSPECIFIED, 0);
        const struct sensor *sensor;
        uint64_t lasting_us;

        LIST_FOREACH (sensor, &call->bus->crampd->sensors, sensors) {
                const struct store_episode *episode =
                        sensor->row.owner_uid == call->uid && sensor->night
                                ? night_get_episode(sensor->night, &lasting_us)
                                : NULL;

                if (episode)
                        steps = relief_steps((enum muscle)muscle_from_string(episode->muscle),
                                             lasting_us);
        }
        if (in_danger)
                steps = relief_steps_in_danger();
        dictionary_open_array(reply, r, "relief", "as");
        for (; *steps; steps++)
                list_add(reply, r, language_text(call->language, *steps));
        dictionary_close_array(reply, r);
}

static int append_advice(sd_bus_message *reply, const struct guidance_call *call,
                         const struct advisor_view *view, const struct advice *advice, bool complete) {
        const struct language *language = call->language;
        bool amounts = advise_amounts_allowed(&view->profile);
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "language", "s", language->name);
        dictionary_append(reply, &r, "amounts_allowed", "b", amounts);
        dictionary_append(reply, &r, "nights", "u", view->history.nights);
        dictionary_append(reply, &r, "clusters", "u", view->history.clusters);
        dictionary_append(reply, &r, "reported", "u", view->history.reported);
        append_missing(reply, &r, advice->missing);
        if (is_now(call->arguments)) {
                dictionary_append(reply, &r, "complete", "b", complete);
                append_relief(reply, &r, call, advice->in_danger);
        }
        dictionary_close(reply, &r);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; i < advice->n_items; i++)
                append_item(reply, &r, language, &advice->items[i], amounts);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; i < advice->n_suppressed; i++)
                append_suppressed(reply, &r, language, &advice->suppressed[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int work_advise(struct guidance_call *call, const struct store_person *person,
                       sd_bus_error *error) {
        static const struct store_person stranger; /* of whom nothing is known */
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(advice_freep) struct advice *advice = advice_new();
        const int64_t now_us = crampd_now_us();
        struct advice_request request;
        struct advisor_view view;
        int r;

        if (!advice)
                return -ENOMEM;
        r = advisor_look(person ?: &stranger, now_us, &view);
        if (r < 0)
                return r;
        request = advisor_request(&view, call->arguments);
        advise(&request, advice);
        if (!request.topic)
                advice_news_told(call->bus->news, call->uid, person, now_us, advice);
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_advice(reply, call, &view, advice, person != NULL);
        return r < 0 ? r : guidance_reply(call, steal_pointer(&reply));
}

static int refuse_topic(const char *topic, const struct language *language, sd_bus_error *error) {
        char possible[1024] = "";
        size_t used = 0;

        for (size_t i = 0; i < knowledge_n_statements; i++) {
                const char *name = knowledge_statements[i].topic;
                bool seen = false;

                for (size_t j = 0; j < i && !seen; j++)
                        seen = strcmp(knowledge_statements[j].topic, name) == 0;
                if (!seen && used < sizeof(possible))
                        used += (size_t)snprintf(possible + used, sizeof(possible) - used, "%s%s",
                                                 used > 0 ? ", " : "", name);
        }
        if (used < sizeof(possible))
                (void)snprintf(possible + used, sizeof(possible) - used, ", " ADVICE_TOPIC_NOW);
        return guidance_refuse(error, language, N_("There is no topic \"%s\"."), topic, possible);
}

int method_advise(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *topic = NULL, *language = NULL;
        struct store_person_filter filter;
        struct bus *bus = userdata;
        bool owner_given = false;
        uint32_t owner = 0;
        uid_t caller, uid;
        char *wanted = NULL;
        const struct dictionary_entry entries[] = {{"topic", 's', &topic, NULL},
                                                   {"language", 's', &language, NULL},
                                                   {"owner", 'u', &owner, &owner_given},
                                                   {NULL}};
        int r;

        r = caller_get_uid(bus->callers, message, method_advise, userdata, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = dictionary_read(message, entries, error);
        if (r >= 0)
                r = guidance_owner(caller, owner_given, owner, &uid, error);
        if (r < 0)
                return r;
        if (topic && !advice_topic_known(topic))
                return refuse_topic(topic, language_find(language), error);
        if (topic && !(wanted = strdup(topic)))
                return -ENOMEM;
        filter = advisor_filter(uid, crampd_now_us());
        return (is_now(wanted) ? guidance_begin_urgent : guidance_begin)(
                bus, message, &filter, language_find(language), work_advise, wanted, error);
}
