/* SPDX-License-Identifier: MIT */
/* Registering with bluetoothd: see registration.h. */
#include "sensors/virtual/registration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define BLUEZ "org.bluez"

struct registration {
        sd_bus *bus;
        struct registration_setup setup;
        char *adapter; /* object path */
        char *address;
        struct registration_callbacks callbacks;
        void *userdata;

        sd_bus_slot *owner_slot;
        sd_bus_slot *call_slot; /* the call that runs */
        bool failed;
};

DEFINE_CLEANUP(struct registration *, registration_free)

static void registration_fail(struct registration *registration, const char *text) {
        if (registration->failed)
                return;
        registration->failed = true;
        registration->callbacks.failed(text, registration->userdata);
}

static void refusal_report(struct registration *registration, const char *what, sd_bus_message *reply) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        char text[512];

        (void)snprintf(text, sizeof(text),
                       "bluetoothd does not accept the %s on this adapter (%s): try another", what,
                       error->message ? error->message : error->name);
        registration_fail(registration, text);
}

static int manager_call(struct registration *registration, const char *interface, const char *method,
                        const char *path, sd_bus_message_handler_t on_reply) {
        registration->call_slot = sd_bus_slot_unref(registration->call_slot);
        return sd_bus_call_method_async(registration->bus, &registration->call_slot, BLUEZ,
                                        registration->adapter, interface, method, on_reply, registration,
                                        "oa{sv}", path, 0);
}

static int on_advertisement_registered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct registration *registration = userdata;

        if (sd_bus_message_is_method_error(reply, NULL))
                refusal_report(registration, "advertisement", reply);
        else
                registration->callbacks.ready(registration->address, registration->userdata);
        return 0;
}

/* The advertisement comes last: who finds it finds the services too. */
static int on_application_registered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct registration *registration = userdata;

        if (sd_bus_message_is_method_error(reply, NULL))
                refusal_report(registration, "services", reply);
        else if (manager_call(registration, BLUEZ ".LEAdvertisingManager1", "RegisterAdvertisement",
                              registration->setup.advertisement, on_advertisement_registered) < 0)
                registration_fail(registration, "the connection to the system bus is lost: start again");
        return 0;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name, *old_owner, *new_owner;
        int r;

        r = sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner);
        if (r < 0)
                return r;
        if (old_owner[0])
                registration_fail(userdata, "bluetoothd has ended: start it, and then this again");
        return 0;
}

static int adapter_prepare(struct registration *registration, char **ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_set_property(registration->bus, BLUEZ, registration->adapter, BLUEZ ".Adapter1",
                                "Powered", &error, "b", true);
        if (r >= 0)
                r = sd_bus_get_property_string(registration->bus, BLUEZ, registration->adapter,
                                               BLUEZ ".Adapter1", "Address", &error,
                                               &registration->address);
        if (r < 0 &&
            asprintf(ret_error,
                     "adapter %s cannot be used (%s): see `bluetoothctl list` and whether bluetoothd "
                     "runs",
                     registration->setup.adapter, error.message ? error.message : strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

int registration_new(sd_bus *bus, const struct registration_setup *setup,
                     const struct registration_callbacks *callbacks, void *userdata,
                     struct registration **ret, char **ret_error) {
        _cleanup_(registration_freep) struct registration *registration = NULL;
        int r;

        *ret_error = NULL;
        registration = calloc(1, sizeof(*registration));
        if (!registration)
                return -ENOMEM;
        registration->bus = sd_bus_ref(bus);
        registration->setup = *setup;
        registration->callbacks = *callbacks;
        registration->userdata = userdata;
        if (asprintf(&registration->adapter, "/org/bluez/%s", setup->adapter) < 0) {
                registration->adapter = NULL;
                return -ENOMEM;
        }

        r = adapter_prepare(registration, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_add_match_async(
                bus, &registration->owner_slot,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                "arg0='" BLUEZ "'",
                on_owner_changed, NULL, registration);
        if (r < 0)
                return r;
        r = manager_call(registration, BLUEZ ".GattManager1", "RegisterApplication", setup->application,
                         on_application_registered);
        if (r < 0)
                return r;
        *ret = steal_pointer(&registration);
        return 0;
}

struct registration *registration_free(struct registration *registration) {
        if (!registration)
                return NULL;
        /* An adapter without an address was never ours, and a bluetoothd that failed has nothing to give
         * back. */
        if (registration->address && !registration->failed) {
                (void)sd_bus_call_method_async(registration->bus, NULL, BLUEZ, registration->adapter,
                                               BLUEZ ".LEAdvertisingManager1", "UnregisterAdvertisement",
                                               NULL, NULL, "o", registration->setup.advertisement);
                (void)sd_bus_call_method_async(registration->bus, NULL, BLUEZ, registration->adapter,
                                               BLUEZ ".GattManager1", "UnregisterApplication", NULL,
                                               NULL, "o", registration->setup.application);
        }
        sd_bus_slot_unref(registration->call_slot);
        sd_bus_slot_unref(registration->owner_slot);
        sd_bus_unref(registration->bus);
        free(registration->adapter);
        free(registration->address);
        free(registration);
        return NULL;
}
