/* SPDX-License-Identifier: MIT */
/*
 * What Log() and EditLog() warn of: a day above an upper limit, and what is dangerous with what the
 * profile says. The entry is stored all the same. Used by daylog.c.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/basic/language.h"
#include "daemon/store/person.h"

/* Appends aa{sv}, as org.crampd1.Guidance.xml has it. `person` has the entries of that day, with the old
 * state of the entry or without it. */
int log_warnings_append(sd_bus_message *reply, const struct store_person *person,
                        const struct store_entry *entry, const struct language *language);
