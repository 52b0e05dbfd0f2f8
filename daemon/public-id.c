/* SPDX-License-Identifier: MIT */
/* Ids: see public-id.h. */
#include "daemon/public-id.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-id128.h>

int public_id_read(const char *text, char ret[static STORE_ID_SIZE]) {
        if (strlen(text) != STORE_ID_SIZE - 1 || strspn(text, "0123456789abcdef") != STORE_ID_SIZE - 1)
                return -EINVAL;
        if (strspn(text, "0") == STORE_ID_SIZE - 1)
                return -ENOENT;
        memcpy(ret, text, STORE_ID_SIZE);
        return 0;
}

void public_id_new(char ret[static STORE_ID_SIZE]) {
        sd_id128_t random = SD_ID128_NULL;
        char text[SD_ID128_STRING_MAX];

        /* Fails only where the kernel has no random numbers; an id of zeros is refused by the store
         * then. */
        (void)sd_id128_randomize(&random);
        memcpy(ret, sd_id128_to_string(random, text), STORE_ID_SIZE - 1);
        ret[STORE_ID_SIZE - 1] = '\0';
}
