/* SPDX-License-Identifier: MIT */
/* Bluetooth addresses as text: see address.h. */
#include "sensors/address.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

int address_parse(const char *text, char ret[static ADDRESS_SIZE]) {
        char address[ADDRESS_SIZE] = "";

        if (strlen(text) != ADDRESS_SIZE - 1)
                return -EINVAL;
        for (size_t i = 0; i < ADDRESS_SIZE - 1; i++) {
                bool colon = i % 3 == 2;

                /* Not isxdigit(): it asks the locale. */
                if (colon ? text[i] != ':' : !strchr("0123456789abcdefABCDEF", text[i]))
                        return -EINVAL;
                address[i] = text[i] >= 'a' ? (char)(text[i] - 'a' + 'A') : text[i];
        }
        memcpy(ret, address, sizeof(address));
        return 0;
}
