/* SPDX-License-Identifier: MIT */
/* New ids: see public-id.h. */
#include "daemon/public-id.h"

#include <string.h>
#include <systemd/sd-id128.h>

void public_id_new(char ret[static STORE_ID_SIZE]) {
        sd_id128_t random = SD_ID128_NULL;
        char text[SD_ID128_STRING_MAX];

        /* Fails only where the kernel has no random numbers; an id of zeros is refused by the store
         * then. */
        (void)sd_id128_randomize(&random);
        memcpy(ret, sd_id128_to_string(random, text), STORE_ID_SIZE - 1);
        ret[STORE_ID_SIZE - 1] = '\0';
}
