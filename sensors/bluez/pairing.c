/* SPDX-License-Identifier: MIT */
/* Pairing with a sensor: see pairing.h. */
#include "sensors/bluez/pairing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/translate.h"

/* Outside of our own tree, which the object manager lists. */
#define AGENT_PATH "/crampd/agent"
#define AGENT_MANAGER_PATH "/org/bluez"
#define AGENT_MANAGER "org.bluez.AgentManager1"
#define REJECTED "org.bluez.Error.Rejected"
#define CALL_LIMIT_US (UINT64_C(25) * 1000 * 1000)

struct pairing {
        struct bluez *bluez;
        char *device; /* path */
        pairing_func done;
        void *userdata;
        sd_bus_slot *agent;
        sd_bus_slot *call;
        bool registered, asked; /* what has to be taken back */
};

/* sd-bus would ask the bus who calls, and wait for the answer. */
static bool is_from_bluez(const struct pairing *pairing, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);

        return pairing->bluez->owner && sender && strcmp(sender, pairing->bluez->owner) == 0;
}

/* Somebody must compare, type or read something: nobody is there. */
static int on_rejected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_error_set_const(ret_error, REJECTED, "only what needs no person is accepted");
}

static int on_authorization(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const struct pairing *pairing = userdata;
        const char *path;
        int r;

        if (!is_from_bluez(pairing, m))
                return sd_bus_error_set_const(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                              "for bluetoothd only");
        r = sd_bus_message_read_basic(m, 'o', &path);
        if (r < 0)
                return r;
        if (strcmp(path, pairing->device) != 0)
                return sd_bus_error_set_const(ret_error, REJECTED, "not the sensor that is paired");
        return sd_bus_reply_method_return(m, NULL);
}

static int on_noted(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Release", NULL, NULL, on_noted, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Cancel", NULL, NULL, on_noted, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestPinCode", "o", "s", on_rejected, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisplayPinCode", "os", NULL, on_rejected, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestPasskey", "o", "u", on_rejected, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisplayPasskey", "ouq", NULL, on_rejected, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestConfirmation", "ou", NULL, on_rejected, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestAuthorization", "o", NULL, on_authorization, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AuthorizeService", "os", NULL, on_rejected, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void pairing_end(struct pairing *pairing, const char *error) {
        pairing->done(error, pairing->userdata);
}

static void pairing_fail(struct pairing *pairing, sd_bus_message *m) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        char text[160];

        (void)snprintf(text, sizeof(text), "%s: %.80s", N_("could not pair"),
                       error && error->message ? error->message : N_("no reason given"));
        pairing_end(pairing, text);
}

static int on_paired(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct pairing *pairing = userdata;

        pairing->call = sd_bus_slot_unref(pairing->call);
        pairing->asked = false;
        if (sd_bus_message_is_method_error(m, NULL) &&
            !sd_bus_message_is_method_error(m, "org.bluez.Error.AlreadyExists"))
                pairing_fail(pairing, m);
        else
                pairing_end(pairing, NULL);
        return 0;
}

static int on_registered(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct pairing *pairing = userdata;
        int r;

        pairing->call = sd_bus_slot_unref(pairing->call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                pairing->registered = false;
                pairing_fail(pairing, m);
                return 0;
        }
        /* The link's state has the limit. */
        r = bluez_call(pairing->bluez, &pairing->call, pairing->device, "org.bluez.Device1", "Pair",
                       on_paired, pairing, UINT64_MAX, NULL);
        pairing->asked = r >= 0;
        if (r < 0)
                pairing_end(pairing, strerror(-r));
        return 0;
}

int pairing_new(struct bluez *bluez, const struct bluez_device *device, pairing_func done,
                void *userdata, struct pairing **ret) {
        struct pairing *pairing;
        int r;

        if (bluez->pairs)
                return -EBUSY;
        pairing = calloc(1, sizeof(*pairing));
        if (!pairing)
                return -ENOMEM;
        *pairing = (struct pairing){.bluez = bluez, .done = done, .userdata = userdata};
        pairing->device = strdup(device->path);
        bluez->pairs = true;
        r = pairing->device ? sd_bus_add_object_vtable(bluez->bus, &pairing->agent, AGENT_PATH,
                                                       "org.bluez.Agent1", agent_vtable, pairing)
                            : -ENOMEM;
        if (r >= 0)
                r = bluez_call(bluez, &pairing->call, AGENT_MANAGER_PATH, AGENT_MANAGER, "RegisterAgent",
                               on_registered, pairing, CALL_LIMIT_US, "os", AGENT_PATH,
                               "NoInputNoOutput");
        pairing->registered = r >= 0;
        if (r < 0) {
                pairing_free(pairing);
                return r;
        }
        *ret = pairing;
        return 0;
}

struct pairing *pairing_free(struct pairing *pairing) {
        if (!pairing)
                return NULL;
        if (pairing->asked)
                (void)bluez_call(pairing->bluez, NULL, pairing->device, "org.bluez.Device1",
                                 "CancelPairing", NULL, NULL, 0, NULL);
        if (pairing->registered)
                (void)bluez_call(pairing->bluez, NULL, AGENT_MANAGER_PATH, AGENT_MANAGER,
                                 "UnregisterAgent", NULL, NULL, 0, "o", AGENT_PATH);
        pairing->bluez->pairs = false;
        sd_bus_slot_unref(pairing->call);
        sd_bus_slot_unref(pairing->agent);
        free(pairing->device);
        free(pairing);
        return NULL;
}
