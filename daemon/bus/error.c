/* SPDX-License-Identifier: MIT */
/* The org.crampd1.Error.* names: see error.h. */
#include "daemon/bus/error.h"

#include <errno.h>
#include <string.h>

#include "daemon/guidance/translate.h"

static const sd_bus_error_map error_map[] = {
        SD_BUS_ERROR_MAP(ERROR_INVALID_ARGUMENT, EINVAL),
        SD_BUS_ERROR_MAP(ERROR_NOT_AUTHORIZED, EACCES),
        SD_BUS_ERROR_MAP(ERROR_NOT_SAFE, EPERM),
        SD_BUS_ERROR_MAP(ERROR_NO_SUCH_SENSOR, ENXIO),
        SD_BUS_ERROR_MAP(ERROR_NO_SUCH_EPISODE, ENOENT),
        SD_BUS_ERROR_MAP(ERROR_NO_SUCH_ENTRY, ENOENT),
        SD_BUS_ERROR_MAP(ERROR_ALREADY_EXISTS, EEXIST),
        SD_BUS_ERROR_MAP(ERROR_LIMIT_REACHED, EDQUOT),
        SD_BUS_ERROR_MAP(ERROR_STORE_FAILED, EIO),
        SD_BUS_ERROR_MAP(ERROR_NOT_SUPPORTED, EOPNOTSUPP),
        SD_BUS_ERROR_MAP(ERROR_NOT_CONNECTED, ENOLINK),
        SD_BUS_ERROR_MAP_END,
};

int error_register(void) {
        return sd_bus_error_add_map(error_map);
}

int error_set_store(sd_bus_error *error, int r) {
        if (r == -ENOBUFS)
                return sd_bus_error_set(error, ERROR_LIMIT_REACHED,
                                        "Too many requests wait for the database; try again.");
        if (r == -ESTALE)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'after' is not a cursor that was given to this user.");
        if (r == -ECANCELED)
                return sd_bus_error_set(error, ERROR_STORE_FAILED, "crampd is stopping.");
        return sd_bus_error_setf(error, ERROR_STORE_FAILED, "%s: %s.",
                                 N_("The database cannot be used now"), strerror(-r));
}

int error_set_no_episode(sd_bus_error *error, int r) {
        return sd_bus_error_set(error, ERROR_NO_SUCH_EPISODE,
                                r == -EINVAL ? "An episode's id is 16 hexadecimal digits."
                                             : "There is no such episode.");
}
