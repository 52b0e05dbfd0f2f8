/* SPDX-License-Identifier: MIT */
/*
 * Checks of `crampctl doctor` between the leg and crampd: bluetoothd, adapter, radio switch, sensors.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/describe.h"
#include "dbus/crampctl/doctor.h"
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/words.h"
#include "sensors/capacity.h"

#define BLUEZ_SERVICE "org.bluez"
#define ADAPTER_INTERFACE "org.bluez.Adapter1"
#define RFKILL_FOLDER "/sys/class/rfkill"
#define NAME_SIZE 64
#define BATTERY_LOW_PERCENT 20

/* --- bluetoothd --- */

/* It does not tell on the bus; what comes in the same package does. "" if that is not there. */
static void version_read(char ret[static NAME_SIZE]) {
        FILE *pipe = popen("bluetoothctl --version 2>/dev/null", "re");
        char line[NAME_SIZE] = "";
        const char *space;

        ret[0] = 0;
        if (!pipe)
                return;
        if (fgets(line, sizeof(line), pipe) && (space = strchr(line, ' ')))
                (void)snprintf(ret, NAME_SIZE, " %.*s", (int)strcspn(space + 1, "\n"), space + 1);
        (void)pclose(pipe);
}

void check_bluetoothd(struct doctor *doctor) {
        char version[NAME_SIZE];

        if (!doctor->system)
                doctor_tell(doctor, FINDING_UNKNOWN, "See above.",
                            "Without the bus nobody can tell whether bluetoothd runs.");
        else if (doctor_is_on_bus(doctor->system, BLUEZ_SERVICE)) {
                version_read(version);
                doctor_tell(doctor, FINDING_OK, NULL, "bluetoothd%s is on the bus.", version);
        } else if (doctor_is_activatable(doctor->system, BLUEZ_SERVICE))
                doctor_tell(doctor, FINDING_FAILED, "Start it: sudo systemctl enable --now bluetooth",
                            "bluetoothd does not run, so no sensor can be reached.");
        else
                doctor_tell(doctor, FINDING_FAILED,
                            "Install BlueZ (package bluez), then: sudo systemctl enable --now bluetooth",
                            "bluetoothd neither runs nor is installed, so no sensor can be reached.");
}

/* --- adapter --- */

struct adapters {
        unsigned n, powered;
        char on[NAME_SIZE], off[NAME_SIZE]; /* one that is so; "" = none */
};

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* GetManagedObjects(): path, interface, property. */
static int adapter_take(const char *const *keys, const char *value, void *userdata) {
        struct adapters *adapters = userdata;
        bool on = strcmp(value, "true") == 0;
        const char *name;

        if (!keys[0] || !keys[1] || !keys[2] || strcmp(keys[1], ADAPTER_INTERFACE) != 0 ||
            strcmp(keys[2], "Powered") != 0)
                return 0;
        name = last_part(keys[0]);
        adapters->n++;
        adapters->powered += on;
        (void)snprintf(on ? adapters->on : adapters->off, NAME_SIZE, "%s", name);
        return 0;
}

void check_adapter(struct doctor *doctor) {
        struct crampd_error error = {};
        struct adapters adapters = {};
        int r;

        if (!doctor_is_on_bus(doctor->system, BLUEZ_SERVICE)) {
                doctor_tell(doctor, FINDING_UNKNOWN, "See above.",
                            "Without bluetoothd nobody can tell of adapters.");
                return;
        }
        r = crampd_ask(doctor->system, BLUEZ_SERVICE, "/", "org.freedesktop.DBus.ObjectManager",
                       "GetManagedObjects", NULL, adapter_take, &adapters, &error);
        if (r < 0)
                doctor_tell(doctor, FINDING_UNKNOWN, "Try again as root.",
                            "bluetoothd does not tell of its adapters: %s.",
                            words_of_sentence(error.message).text);
        else if (adapters.n == 0)
                doctor_tell(doctor, FINDING_FAILED,
                            "Plug one in, or see why the kernel did not find it: sudo dmesg | grep -i "
                            "bluetooth",
                            "There is no Bluetooth adapter.");
        else if (adapters.powered == 0)
                doctor_tell(doctor, FINDING_FAILED, "Switch it on: bluetoothctl power on",
                            "The Bluetooth adapter %s is off.", adapters.off);
        else
                doctor_tell(doctor, FINDING_OK, NULL, "The Bluetooth adapter %s is on.", adapters.on);
}

/* --- rfkill --- */

static bool line_read(const struct doctor *doctor, const char *name, const char *file,
                      char ret[static NAME_SIZE]) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(fclosep) FILE *stream = NULL;

        if (asprintf(&path, RFKILL_FOLDER "/%s/%s", name, file) < 0) {
                path = NULL;
                return false;
        }
        stream = doctor_open(doctor, path);
        if (!stream || !fgets(ret, NAME_SIZE, stream))
                return false;
        ret[strcspn(ret, "\n")] = 0;
        return true;
}

static void rfkill_look(struct doctor *doctor, DIR *folder) {
        const struct dirent *entry;
        unsigned n = 0;

        while ((entry = readdir(folder))) {
                char type[NAME_SIZE], soft[NAME_SIZE], hard[NAME_SIZE];

                if (entry->d_name[0] == '.' || !line_read(doctor, entry->d_name, "type", type) ||
                    strcmp(type, "bluetooth") != 0 || !line_read(doctor, entry->d_name, "soft", soft) ||
                    !line_read(doctor, entry->d_name, "hard", hard))
                        continue;
                n++;
                if (strcmp(hard, "0") != 0) {
                        doctor_tell(doctor, FINDING_FAILED,
                                    "Use the switch or key of this computer, or its firmware settings.",
                                    "Bluetooth is switched off by hardware (%s).", entry->d_name);
                        return;
                }
                if (strcmp(soft, "0") != 0) {
                        doctor_tell(doctor, FINDING_FAILED, "Unblock it: sudo rfkill unblock bluetooth",
                                    "Bluetooth is blocked (%s).", entry->d_name);
                        return;
                }
        }
        if (n > 0)
                doctor_tell(doctor, FINDING_OK, NULL, "No switch holds Bluetooth off.");
        else
                doctor_tell(doctor, FINDING_OK, NULL, "There is no switch for Bluetooth.");
}

void check_rfkill(struct doctor *doctor) {
        _cleanup_(freep) char *path = NULL;
        DIR *folder;

        if (asprintf(&path, "%s" RFKILL_FOLDER, doctor->root) < 0) {
                path = NULL;
                doctor_tell(doctor, FINDING_UNKNOWN, "Try again.", "Out of memory.");
                return;
        }
        folder = opendir(path);
        if (!folder) {
                doctor_tell(doctor, FINDING_UNKNOWN,
                            "Look for a switch or key for radio on this computer.",
                            "The kernel does not tell of radio switches: %s.", strerror(errno));
                return;
        }
        rfkill_look(doctor, folder);
        (void)closedir(folder);
}

/* --- sensors --- */

static void sensor_tell_streaming(struct doctor *doctor, const struct crampd_sensor *sensor,
                                  const char *name) {
        char battery[32] = "", radio[32] = "";
        const char *signal = signal_describe(sensor->signal);

        if (sensor->battery >= 0)
                (void)snprintf(battery, sizeof(battery), _(", battery %d%%"), sensor->battery);
        if (sensor->rssi != 0)
                (void)snprintf(radio, sizeof(radio), ", %d dBm", sensor->rssi);

        if (signal)
                doctor_tell(doctor, FINDING_WARNING, "No cramp can be seen until that is better.",
                            "%s streams%s, but %s.", name, battery, signal);
        else if (sensor->battery_lasts_night == 0)
                doctor_tell(doctor, FINDING_WARNING, "Charge it, or put in a new battery.",
                            "%s streams%s, which will not last until 08:00.", name, battery);
        else if (sensor->battery >= 0 && sensor->battery <= BATTERY_LOW_PERCENT &&
                 sensor->battery_lasts_night != 1)
                doctor_tell(doctor, FINDING_WARNING, "Charge it, or put in a new battery.",
                            "%s streams%s: low.", name, battery);
        else if (sensor->capacity >= CAPACITY_FULL)
                doctor_tell(doctor, FINDING_WARNING,
                            "Pause a sensor, or give one an adapter of its own.",
                            "%s streams, but the sensors on its adapter take %.0f%% of its time.", name,
                            100 * sensor->capacity);
        else
                doctor_tell(doctor, FINDING_OK, NULL, "%s streams%s%s.", name, battery, radio);
}

static void sensor_tell(struct doctor *doctor, const struct crampd_sensor *sensor) {
        static const struct {
                const char *state;
                enum finding finding;
                const char *remedy;
        } states[] = {
                {"stalled", FINDING_FAILED,
                 N_("If that sentence names no way out: switch the sensor off and on.")},
                {"absent", FINDING_WARNING,
                 N_("Switch it on, charge it, wear it within 10 m of this computer.")},
                {"ended", FINDING_OK, NULL},
        };
        const struct words_sentence reason = words_of_sentence(sensor->reason);
        const char *name = sensor->name[0] ? sensor->name : sensor->id;
        char remedy[DOCTOR_TEXT_MAX];

        if (strcmp(sensor->state, "streaming") == 0) {
                sensor_tell_streaming(doctor, sensor, name);
                return;
        }
        if (strcmp(sensor->state, "paused") == 0) {
                (void)snprintf(remedy, sizeof(remedy), _("Watch it again: crampctl resume \"%s\""),
                               name);
                doctor_tell(doctor, FINDING_WARNING, remedy, "%s is paused.", name);
                return;
        }
        for (size_t i = 0; i < ARRAY_LENGTH(states); i++)
                if (strcmp(states[i].state, sensor->state) == 0) {
                        doctor_tell(doctor, states[i].finding, states[i].remedy, "%s is %s: %s.", name,
                                    words_of_list(sensor->state), reason.text);
                        return;
                }
        doctor_tell(doctor, FINDING_WARNING, "Wait a minute, then ask again.", "%s is %s: %s.", name,
                    words_of_list(sensor->state), reason.text);
}

static void sensor_tell_leg(struct doctor *doctor, const struct crampd_sensor *sensor) {
        const char *name = sensor->name[0] ? sensor->name : sensor->id;
        char remedy[DOCTOR_TEXT_MAX];

        if (!sensor_says_other_leg(sensor))
                return;
        (void)snprintf(remedy, sizeof(remedy), _("If it is: crampctl edit \"%s\" --leg %s"), name,
                       sensor->says_leg);
        doctor_tell(doctor, FINDING_WARNING, remedy, "%s says that it is on the other leg (%s).", name,
                    words_of_list(sensor->says_leg));
}

void check_sensors(struct doctor *doctor) {
        struct crampd_error error = {};
        struct crampd_sensor *sensors;
        size_t n;

        if (!doctor->status) {
                doctor_tell(doctor, FINDING_UNKNOWN, "See above.",
                            "crampd did not tell of your sensors.");
                return;
        }
        if (crampd_list_sensors(doctor->system, &sensors, &n, &error) < 0) {
                doctor_tell(doctor, FINDING_FAILED, "See why: journalctl -u crampd -n 20",
                            "Your sensors cannot be listed: %s.", words_of_sentence(error.message).text);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                sensor_tell(doctor, sensors + i);
                sensor_tell_leg(doctor, sensors + i);
        }
        if (n == 0)
                doctor_tell(doctor, FINDING_WARNING,
                            "Find yours with 'crampctl scan', adopt it with 'crampctl add'; root adopts "
                            "for others "
                            "by --owner.",
                            "No sensor is yours, so nothing is watched.");
        crampd_sensors_free(sensors, n);
}
