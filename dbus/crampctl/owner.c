/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/owner.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/words.h"

static int uid_parse(const char *text, unsigned *ret) {
        char *end;
        unsigned long value;

        if (text[0] < '0' || text[0] > '9')
                return -EINVAL;
        errno = 0;
        value = strtoul(text, &end, 10);
        /* The highest value stands for "no user". */
        if (errno != 0 || *end || value >= UINT32_MAX)
                return -EINVAL;
        *ret = (unsigned)value;
        return 0;
}

int owner_find(const char *user, bool *ret_given, unsigned *ret) {
        const char *sudo_uid = getenv("SUDO_UID");
        const struct passwd *entry;

        *ret_given = true;
        if (user) {
                entry = getpwnam(user);
                if (entry)
                        *ret = entry->pw_uid;
                else if (uid_parse(user, ret) < 0)
                        return fail(EX_USAGE, "there is no user '%s'", user);
                return 0;
        }
        *ret_given = geteuid() == 0 && sudo_uid && uid_parse(sudo_uid, ret) >= 0;
        return 0;
}

int guidance_open(const char *user, crampd_client **ret_client, unsigned *ret_owner) {
        bool given;
        int code = owner_find(user, &given, ret_owner);

        if (code != 0)
                return code;
        if (!given)
                *ret_owner = CRAMPD_OWNER_SELF;
        return client_open(ret_client);
}
