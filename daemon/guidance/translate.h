/* SPDX-License-Identifier: MIT */
/* Marks a text for translators without translating it here: guidance hands out message ids, and whoever
 * shows them translates, by language_text() of daemon/basic/language.h. Needs nothing. */
#pragma once

#define N_(text) text
