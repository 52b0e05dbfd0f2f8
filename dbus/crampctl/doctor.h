/* SPDX-License-Identifier: MIT */
/*
 * What the checks of `crampctl doctor` share: the buses, what was found so far, and how a finding is
 * told. A new check is a function in one of the doctor-*.c files and a line in doctor.c's table.
 */
#pragma once

#include "dbus/client/crampd-client.h"
#include "dbus/crampctl/json.h"

#define DOCTOR_TEXT_MAX 256

enum finding {
        FINDING_OK,
        FINDING_WARNING, /* works, but not as well as it could */
        FINDING_FAILED,
        FINDING_UNKNOWN, /* could not tell */
};

struct check;

struct doctor {
        const char *root; /* folder in whose place the files of the system are looked for; "" = / */
        crampd_client *system, *session; /* NULL = there is no such bus */
        struct crampd_error system_error, session_error;

        /* Of crampd; filled in by check_service(). */
        bool running;
        /* Filled in by check_caller(); NULL = it did not answer. */
        struct crampd_status *status;

        const struct check *check; /* that is being made */
        bool as_json, colour;
        struct json json;
        unsigned findings[FINDING_UNKNOWN + 1];
        int code; /* of the first check that failed */
};

/* Tells one finding of the check that is being made. `remedy`: what to do about it, sentences; NULL with
 * FINDING_OK. */
void doctor_tell(struct doctor *doctor, enum finding finding, const char *remedy, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Opens a file below the root. NULL with errno. */
FILE *doctor_open(const struct doctor *doctor, const char *path);

/* Asks for the first value of the answer. Returns 0 or what crampd_ask() returns. `client` may be NULL:
 * -ENOTCONN. */
struct question {
        const char *service, *path, *interface, *method;
        const char *arguments[3];
};
int doctor_ask(crampd_client *client, const struct question *question, char ret[static DOCTOR_TEXT_MAX],
               struct crampd_error *error);
/* Whether the service has its name on the bus now; the question starts nothing. */
bool doctor_is_on_bus(crampd_client *client, const char *service);
/* Whether the bus could start it. */
bool doctor_is_activatable(crampd_client *client, const char *service);

/* doctor-service.c */
void check_bus(struct doctor *doctor);
void check_account(struct doctor *doctor);
void check_service(struct doctor *doctor);
void check_policy(struct doctor *doctor);
void check_caller(struct doctor *doctor);
void check_database(struct doctor *doctor);
void check_clock(struct doctor *doctor);

/* doctor-radio.c */
void check_bluetoothd(struct doctor *doctor);
void check_adapter(struct doctor *doctor);
void check_rfkill(struct doctor *doctor);
void check_sensors(struct doctor *doctor);

/* doctor-desktop.c */
void check_notifications(struct doctor *doctor);
void check_agent(struct doctor *doctor);
