/* SPDX-License-Identifier: MIT */
/* Bluetooth addresses as text, "XX:XX:XX:XX:XX:XX". Needs nothing; used wherever people or programs give
 * one. */
#pragma once

#define ADDRESS_SIZE 18u /* with the final NUL */

/* Takes either case and gives upper case, as BlueZ writes it. Returns 0, or -EINVAL. */
int address_parse(const char *text, char ret[static ADDRESS_SIZE]);
