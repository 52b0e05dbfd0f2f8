/* SPDX-License-Identifier: MIT */
/*
 * What History tells, appended to a reply: rows of the store as the values that
 * dbus/org.crampd1.History.xml documents. Used by history.c. Negative errno on failure.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/store/store.h"
#include "daemon/store/waveform.h"

/* a{sv} */
int history_append_episode(sd_bus_message *reply, const struct store_episode *episode);
int history_append_account(sd_bus_message *reply, const struct store_account *account);
/* aa{sv}t */
int history_append_episodes(sd_bus_message *reply, const struct store_episode *episodes, size_t n,
                            uint64_t cursor);
int history_append_missed(sd_bus_message *reply, const struct store_missed *missed, size_t n,
                          uint64_t cursor);
int history_append_nights(sd_bus_message *reply, const struct store_night_report *nights, size_t n,
                          uint64_t cursor);
/* aa{sv}s; `before` is the cursor that was asked from. */
int history_append_changes(sd_bus_message *reply, const struct store_episode *episodes, size_t n,
                           const char *before);
/* The cursor's text. */
#define HISTORY_CHANGE_SIZE 40u
void history_format_change(int64_t changed_us, const char *id, char ret[static HISTORY_CHANGE_SIZE]);
int history_parse_change(const char *text, int64_t *ret_changed_us, char ret_id[static STORE_ID_SIZE]);
/* a{sv}an */
int history_append_waveform(sd_bus_message *reply, const struct store_waveform *waveform);
