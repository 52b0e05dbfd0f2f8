/* SPDX-License-Identifier: MIT */
/*
 * Checks of `crampctl doctor` around the service: bus, account, unit, policy, what the caller may do,
 * database, clock. Needs the folder of the bus policy and the account's name from the build.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/doctor.h"
#include "dbus/crampctl/words.h"
#include "dbus/crampctl/timestamp.h"

#define CRAMPD_SERVICE "org.crampd1"
#define CRAMPD_UNIT "crampd.service"
#define SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* --- bus --- */

void check_bus(struct doctor *doctor) {
        if (doctor->system)
                doctor_tell(doctor, FINDING_OK, NULL, "The system bus answers.");
        else
                doctor_tell(doctor, FINDING_FAILED, "Start it: sudo systemctl start dbus",
                            "The system bus cannot be reached: %s.",
                            words_of_sentence(doctor->system_error.message).text);
}

/* --- account --- */

/* 1 = there, 0 = not, or negative errno. */
static int account_exists(const struct doctor *doctor, const char *name) {
        _cleanup_(fclosep) FILE *file = NULL;
        const struct passwd *user;

        if (!doctor->root[0]) {
                errno = 0;
                user = getpwnam(name);
                return user ? 1 : -errno;
        }
        file = doctor_open(doctor, "/etc/passwd");
        if (!file)
                return -errno;
        while ((user = fgetpwent(file)))
                if (strcmp(user->pw_name, name) == 0)
                        return 1;
        return 0;
}

void check_account(struct doctor *doctor) {
        int r = account_exists(doctor, CRAMPD_USER);

        if (r > 0)
                doctor_tell(doctor, FINDING_OK, NULL, "The account %s is there.", CRAMPD_USER);
        else if (r == 0 && doctor_is_on_bus(doctor->system, CRAMPD_SERVICE))
                doctor_tell(doctor, FINDING_WARNING,
                            "Well if you started it for a try; else: sudo systemd-sysusers",
                            "There is no account %s; the crampd on the bus runs as somebody else.",
                            CRAMPD_USER);
        else if (r == 0 || r == -ENOENT || r == -ESRCH)
                doctor_tell(doctor, FINDING_FAILED,
                            "Make it, then reload the bus: sudo systemd-sysusers && sudo systemctl "
                            "reload dbus",
                            "There is no account %s, so the bus ignores the policy that names it.",
                            CRAMPD_USER);
        else
                doctor_tell(doctor, FINDING_UNKNOWN, "Try again as root.",
                            "Whether there is an account %s cannot be told: %s.", CRAMPD_USER,
                            strerror(-r));
}

/* --- service --- */

struct unit {
        char load[DOCTOR_TEXT_MAX];    /* "loaded", "not-found", "masked", ... */
        char active[DOCTOR_TEXT_MAX];  /* "active", "inactive", "failed", ... */
        char enabled[DOCTOR_TEXT_MAX]; /* "enabled", "disabled", ... or "" */
};

static int unit_get_property(struct doctor *doctor, const char *path, const char *name,
                             char ret[static DOCTOR_TEXT_MAX]) {
        const struct question question = {
                SYSTEMD_SERVICE, path, PROPERTIES, "Get", {SYSTEMD_SERVICE ".Unit", name}};

        return doctor_ask(doctor->system, &question, ret, NULL);
}

/* False where there is no systemd to ask. */
static bool unit_get(struct doctor *doctor, struct unit *ret) {
        const struct question load = {SYSTEMD_SERVICE,
                                      "/org/freedesktop/systemd1",
                                      SYSTEMD_SERVICE ".Manager",
                                      "LoadUnit",
                                      {CRAMPD_UNIT}};
        char path[DOCTOR_TEXT_MAX];

        *ret = (struct unit){};
        if (!doctor_is_on_bus(doctor->system, SYSTEMD_SERVICE) ||
            doctor_ask(doctor->system, &load, path, NULL) < 0)
                return false;
        if (unit_get_property(doctor, path, "LoadState", ret->load) < 0 ||
            unit_get_property(doctor, path, "ActiveState", ret->active) < 0)
                return false;
        (void)unit_get_property(doctor, path, "UnitFileState", ret->enabled);
        return true;
}

static void service_tell_running(struct doctor *doctor, bool has_unit, const struct unit *unit) {
        if (!has_unit)
                doctor_tell(doctor, FINDING_OK, NULL, "crampd is on the bus (there is no systemd).");
        else if (strcmp(unit->active, "active") != 0)
                doctor_tell(doctor, FINDING_WARNING,
                            "Nothing starts it again after a crash or a reboot: sudo systemctl enable "
                            "--now crampd",
                            "crampd is on the bus, but was not started by systemd.");
        else if (strncmp(unit->enabled, "enabled", strlen("enabled")) != 0)
                doctor_tell(doctor, FINDING_WARNING,
                            "Let it start by itself: sudo systemctl enable crampd",
                            "crampd runs, but will not after a reboot.");
        else
                doctor_tell(doctor, FINDING_OK, NULL, "crampd runs, and will after a reboot.");
}

static void service_tell_missing(struct doctor *doctor, bool has_unit, const struct unit *unit) {
        if (has_unit && strcmp(unit->load, "masked") == 0)
                doctor_tell(
                        doctor, FINDING_FAILED,
                        "Allow it: sudo systemctl unmask crampd && sudo systemctl enable --now crampd",
                        "crampd is masked: systemd was told never to start it.");
        else if (has_unit && strcmp(unit->active, "failed") == 0)
                doctor_tell(doctor, FINDING_FAILED,
                            "See why: journalctl -u crampd -n 20; then: sudo systemctl restart crampd",
                            "crampd has failed, and systemd gave up starting it.");
        else if (has_unit && strcmp(unit->load, "loaded") == 0)
                doctor_tell(doctor, FINDING_FAILED, "Start it: sudo systemctl enable --now crampd",
                            "crampd is installed but does not run (it is %s).", unit->active);
        else if (doctor_is_activatable(doctor->system, CRAMPD_SERVICE))
                doctor_tell(doctor, FINDING_FAILED, "Start it; the bus can: crampctl status",
                            "crampd is installed but does not run.");
        else
                doctor_tell(
                        doctor, FINDING_FAILED,
                        "Install it, and if you have: sudo systemctl daemon-reload && sudo systemctl "
                        "reload dbus",
                        "crampd is not installed here.");
}

void check_service(struct doctor *doctor) {
        struct unit unit;
        bool has_unit;

        if (!doctor->system) {
                doctor_tell(doctor, FINDING_UNKNOWN, "See above.",
                            "Without the bus nobody can tell whether crampd runs.");
                return;
        }
        has_unit = unit_get(doctor, &unit);
        doctor->running = doctor_is_on_bus(doctor->system, CRAMPD_SERVICE);
        if (doctor->running)
                service_tell_running(doctor, has_unit, &unit);
        else
                service_tell_missing(doctor, has_unit, &unit);
}

/* --- policy --- */

void check_policy(struct doctor *doctor) {
        static const char *const folders[] = {"/etc/dbus-1/system.d", DBUS_POLICY_DIR};
        int error = 0;

        if (doctor->running) {
                doctor_tell(doctor, FINDING_OK, NULL, "The bus lets crampd have its name.");
                return;
        }
        for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
                _cleanup_(freep) char *path = NULL;
                _cleanup_(fclosep) FILE *file = NULL;

                if (asprintf(&path, "%s/org.crampd1.conf", folders[i]) < 0) {
                        path = NULL;
                        continue;
                }
                file = doctor_open(doctor, path);
                if (file) {
                        doctor_tell(doctor, FINDING_UNKNOWN,
                                    "If crampd says that it may not have its name: sudo systemctl "
                                    "reload dbus",
                                    "%s is there; whether the bus took it shows when crampd runs.",
                                    path);
                        return;
                }
                if (errno != ENOENT)
                        error = errno;
        }
        if (error)
                doctor_tell(doctor, FINDING_UNKNOWN, "Try again as root.",
                            "The policy of the bus cannot be read: %s.", strerror(error));
        else
                doctor_tell(doctor, FINDING_FAILED,
                            "Install crampd again, then: sudo systemctl reload dbus",
                            "The policy file that lets crampd on the bus is in neither %s nor %s.",
                            folders[0], folders[1]);
}

/* --- caller --- */

void check_caller(struct doctor *doctor) {
        struct crampd_error error = {};
        int r;

        if (!doctor->running) {
                doctor_tell(doctor, FINDING_UNKNOWN, "See above.", "crampd is not there to be asked.");
                return;
        }
        r = crampd_get_status(doctor->system, &doctor->status, &error);
        if (r >= 0)
                doctor_tell(doctor, FINDING_OK, NULL, "crampd %s answers you; sensors that you see: %u.",
                            doctor->status->version, doctor->status->sensors);
        else if (r == -EACCES)
                doctor_tell(doctor, FINDING_FAILED,
                            "Let the bus read the installed policy: sudo systemctl reload dbus",
                            "You (uid %u) may not ask crampd: %s.", (unsigned)getuid(),
                            words_of_sentence(error.message).text);
        else
                doctor_tell(doctor, FINDING_FAILED, "See why: journalctl -u crampd -n 20",
                            "crampd does not answer as it should: %s.",
                            words_of_sentence(error.message).text);
}

/* --- database --- */

void check_database(struct doctor *doctor) {
        if (!doctor->status)
                doctor_tell(doctor, FINDING_UNKNOWN, "See above.",
                            "crampd did not tell how its database is.");
        else if (strcmp(doctor->status->store, "ok") == 0)
                doctor_tell(doctor, FINDING_OK, NULL, "The database can be read and written.");
        else
                doctor_tell(doctor, FINDING_FAILED,
                            "Alerts still come, but nothing is kept. Check the disk: df -h "
                            "/var/lib/crampd; journalctl -u crampd -n 20",
                            "The database: %s.", doctor->status->store);
}

/* --- clock --- */

static int clock_ask(struct doctor *doctor, const char *name, char ret[static DOCTOR_TEXT_MAX]) {
        const struct question question = {"org.freedesktop.timedate1",
                                          "/org/freedesktop/timedate1",
                                          PROPERTIES,
                                          "Get",
                                          {"org.freedesktop.timedate1", name}};

        return doctor_ask(doctor->system, &question, ret, NULL);
}

void check_clock(struct doctor *doctor) {
        char synchronized[DOCTOR_TEXT_MAX], zone[DOCTOR_TEXT_MAX];

        if (clock_ask(doctor, "NTPSynchronized", synchronized) < 0 ||
            clock_ask(doctor, "Timezone", zone) < 0)
                doctor_tell(doctor, FINDING_UNKNOWN, "Compare it with another clock: date",
                            "Nobody here tells whether the clock is right (systemd-timedated does).");
        else if (strcmp(synchronized, "true") != 0)
                doctor_tell(doctor, FINDING_WARNING,
                            "Times of cramps may be wrong: sudo timedatectl set-ntp true",
                            "The clock is not synchronized (zone %s).", zone);
        else
                doctor_tell(doctor, FINDING_OK, NULL, "The clock is synchronized; nights go by zone %s.",
                            zone);
}
