/* SPDX-License-Identifier: MIT */
/* Outlines in answers: see outline.h. */
#include "daemon/bus/outline.h"

#include "daemon/bus/dictionary.h"

static int append_words(sd_bus_message *reply, const struct store_outline *outline) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < outline->n_words; i++)
                r = sd_bus_message_append_basic(reply, 's', outline->words[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_column(sd_bus_message *reply, const struct store_column *column, size_t n_rows) {
        const char type[] = {'a', column->type, '\0'};
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(reply, 's', column->name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', type);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, column->type, column->values,
                                                n_rows * store_column_size(column));
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(reply);
        return r;
}

int outline_append(sd_bus_message *reply, const struct store_outline *outline, uint64_t cursor) {
        int r = append_words(reply, outline);

        dictionary_open(reply, &r);
        for (size_t c = 0; r >= 0 && c < outline->n_columns; c++)
                r = append_column(reply, outline->columns + c, outline->n_rows);
        dictionary_close(reply, &r);
        return r < 0 ? r : sd_bus_message_append(reply, "t", cursor);
}
