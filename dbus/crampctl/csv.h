/* SPDX-License-Identifier: MIT */
/* One field of CSV. Needs nothing; used by whatever writes tables for other programs. */
#pragma once

#include <stdio.h>

/* RFC 4180: quoted when it has to be, quotes doubled; NULL is empty. `after` is the comma or CR behind
 * it, 0: nothing. */
void csv_text(FILE *file, const char *text, char after);
