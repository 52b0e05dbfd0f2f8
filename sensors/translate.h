/* SPDX-License-Identifier: MIT */
/* Marks a text of the sensors' for translators, and leaves it in English: whoever shows it translates.
 * The same mark as the daemon's. Needs nothing. */
#pragma once

#define N_(text) text
