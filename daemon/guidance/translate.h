/* SPDX-License-Identifier: MIT */
/* Marks a text for xgettext without translating it here: guidance hands out message ids, and whoever
 * shows them translates. Needs nothing. */
#pragma once

#define N_(text) text
