/* SPDX-License-Identifier: MIT */
/*
 * Checks of `crampctl doctor` between crampd and the sleeper: the desktop's notification server, and
 * cramp-notify, which feeds it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/doctor.h"
#include "dbus/crampctl/words.h"

#define NOTIFICATIONS_SERVICE "org.freedesktop.Notifications"
#define NOTIFICATIONS_PATH "/org/freedesktop/Notifications"
#define AGENT_SERVICE "org.crampd1.Notify"

/* --- notifications --- */

struct capabilities {
        bool actions, sound;
};

static int capability_take(const char *const *keys, const char *value, void *userdata) {
        struct capabilities *capabilities = userdata;

        capabilities->actions |= strcmp(value, "actions") == 0;
        capabilities->sound |= strcmp(value, "sound") == 0;
        return 0;
}

static bool is_graphical(void) {
        const char *wayland = getenv("WAYLAND_DISPLAY"), *x11 = getenv("DISPLAY");

        return (wayland && *wayland) || (x11 && *x11);
}

static void server_tell_missing(struct doctor *doctor) {
        if (is_graphical())
                doctor_tell(doctor, FINDING_FAILED,
                            "Install one (mako, dunst, or that of your desktop); until then: crampctl "
                            "monitor",
                            "This desktop has no notification server: alerts cannot be shown.");
        else
                doctor_tell(doctor, FINDING_UNKNOWN,
                            "Run this in your desktop session; without a desktop: crampctl monitor",
                            "No desktop is running here, so there is no notification server.");
}

static void server_tell_capabilities(struct doctor *doctor, const char *server,
                                     const struct capabilities *capabilities) {
        if (!capabilities->actions)
                doctor_tell(doctor, FINDING_WARNING, "Answer alerts with 'crampctl annotate' instead.",
                            "%s shows alerts, but without buttons.", server);
        else if (!capabilities->sound)
                doctor_tell(doctor, FINDING_WARNING,
                            "To be woken, let cramp-notify play one: cramp-notify --exec "
                            "'canberra-gtk-play -i alarm-clock-elapsed'",
                            "%s shows alerts, but without sound.", server);
        else
                doctor_tell(doctor, FINDING_OK, NULL, "%s shows alerts with buttons and sound.", server);
}

void check_notifications(struct doctor *doctor) {
        const struct question question = {NOTIFICATIONS_SERVICE,
                                          NOTIFICATIONS_PATH,
                                          NOTIFICATIONS_SERVICE,
                                          "GetServerInformation",
                                          {}};
        struct capabilities capabilities = {};
        char server[DOCTOR_TEXT_MAX];
        struct crampd_error error = {};
        int r;

        if (!doctor->session) {
                doctor_tell(doctor, FINDING_UNKNOWN, "Run this in your desktop session, as yourself.",
                            "There is no session bus here: %s.",
                            words_of_sentence(doctor->session_error.message).text);
                return;
        }
        if (!doctor_is_on_bus(doctor->session, NOTIFICATIONS_SERVICE) &&
            !doctor_is_activatable(doctor->session, NOTIFICATIONS_SERVICE)) {
                server_tell_missing(doctor);
                return;
        }
        r = doctor_ask(doctor->session, &question, server, &error);
        if (r >= 0)
                r = crampd_ask(doctor->session, NOTIFICATIONS_SERVICE, NOTIFICATIONS_PATH,
                               NOTIFICATIONS_SERVICE, "GetCapabilities", NULL, capability_take,
                               &capabilities, &error);
        if (r < 0)
                doctor_tell(doctor, FINDING_FAILED, "Start your notification server again.",
                            "The notification server does not answer: %s.",
                            words_of_sentence(error.message).text);
        else
                server_tell_capabilities(doctor, server, &capabilities);
}

/* --- agent --- */

void check_agent(struct doctor *doctor) {
        if (!doctor->session)
                doctor_tell(doctor, FINDING_UNKNOWN, "Run this in your desktop session, as yourself.",
                            "Without a session bus nobody can tell whether cramp-notify runs.");
        else if (doctor_is_on_bus(doctor->session, AGENT_SERVICE))
                doctor_tell(doctor, FINDING_OK, NULL, "cramp-notify runs.");
        else if (is_graphical())
                doctor_tell(doctor, FINDING_WARNING,
                            "Start it: systemctl --user enable --now cramp-notify; until then: crampctl "
                            "monitor",
                            "cramp-notify does not run here, so alerts do not come to this desktop.");
        else
                doctor_tell(doctor, FINDING_UNKNOWN,
                            "Run this in your desktop session; without a desktop: crampctl monitor",
                            "No desktop is running here, so there is no cramp-notify.");
}
