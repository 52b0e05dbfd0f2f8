#!/bin/sh
# SPDX-License-Identifier: MIT
#
# demo.sh [FILE [RATE_HZ]]: one night in under a minute. Builds crampd, starts a private bus with the project's own
# policy, the real daemon on it, and a virtual sensor that plays a simulated excerpt of a night (or FILE: EDF, EDF+, BDF or
# CSV; RATE_HZ for a CSV without a time column). Shows the alert as a D-Bus client gets it, the history and an export.
# Exit status 0 only if the alert came. On a bare Debian 12 it installs what the build needs (as root, or with sudo).
# Leaves nothing behind but build/demo.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
file=${1:+$(realpath -- "$1")}
rate=${2:-}
cd "$here"
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH

packages="gcc libc6-dev meson ninja-build pkg-config libsystemd-dev libdbus-1-dev libsqlite3-dev libedf-dev dbus-daemon"

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
        bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

title() {
        printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

die() {
        echo "demo: $*" >&2
        exit 1
}

install_packages() {
        missing=
        for package in $packages; do
                dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
                        missing="$missing $package"
        done
        [ -n "$missing" ] || return 0
        title "Installing$missing"
        sudo=
        [ "$(id -u)" -eq 0 ] || sudo=sudo
        $sudo apt-get -q update >"$work/apt.log" 2>&1 || die "apt-get update failed: $(tail -n 5 "$work/apt.log")"
        # shellcheck disable=SC2086 # one word a package
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing \
                >"$work/apt.log" 2>&1 || die "apt-get install failed: $(tail -n 5 "$work/apt.log")"
}

build() {
        title "Building"
        [ -e build/demo/build.ninja ] || meson setup build/demo -Dtests=false -Ddemo=true >"$work/build.log" 2>&1 ||
                die "meson failed: $(tail -n 20 "$work/build.log")"
        ninja -C build/demo >"$work/build.log" 2>&1 || die "the build failed: $(tail -n 20 "$work/build.log")"
        crampd=$here/build/demo/daemon/crampd
        crampctl=$here/build/demo/dbus/crampctl/crampctl
        calf_emg=$here/build/demo/tests/corpus/calf-emg
}

# The rules of a system bus, and after them crampd's own policy with this user in the place of its account.
start_bus() {
        sed "s/@user@/$(id -un)/" dbus/org.crampd1.conf.in >"$work/org.crampd1.conf"
        cat >"$work/bus.conf" <<END
<busconfig>
  <type>custom</type>
  <listen>unix:path=$work/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>$work/org.crampd1.conf</include>
</busconfig>
END
        mkfifo "$work/address"
        dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile --nosyslog --print-address=1 \
                >"$work/address" 2>"$work/bus.log" &
        bus_pid=$!
        read -r DBUS_SYSTEM_BUS_ADDRESS <"$work/address" || die "the bus does not start: $(cat "$work/bus.log")"
        export DBUS_SYSTEM_BUS_ADDRESS
}

# Two clients: one for the eye, one whose JSON lines tell the demo what has come.
start_monitors() {
        mkfifo "$work/monitor"
        # The limit ends the whole demo, should the recording's end never come.
        timeout "$limit_s" "$crampctl" --json monitor >"$work/monitor" 2>/dev/null &
        monitor_pid=$!
        # Not a terminal: a line for each event, and none after the recording's end.
        "$crampctl" --language=en monitor 2>/dev/null | sed -u '/^sensor .*: ended/q' &
        shown_pid=$!
}

make_night() {
        if [ -n "$file" ]; then
                # As fast as it goes: eight hours in half a minute.
                virtual="$file,speed=1000"
                [ -z "$rate" ] || virtual="$virtual,rate=$rate"
                title "The recording $file, as fast as it can be played"
                limit_s=600
        else
                title "A SIMULATED excerpt of a night, played 15 times as fast"
                "$calf_emg" --script excerpt --seed 1 --rate 1000 --channels 4 -o "$work/night.edf" ||
                        die "the night cannot be generated"
                virtual="$work/night.edf,speed=15"
                limit_s=55
        fi
}

# With crampd ends what waits for news of it.
run_daemon() {
        "$crampd" --state-dir "$work/state" --virtual "$virtual,name=demo" 2>"$work/crampd.log" &
        child_pid=$!
        trap 'kill "$child_pid"' TERM
        wait "$child_pid" || wait "$child_pid" || true
        kill "$monitor_pid" 2>/dev/null || true
}

start_daemon() {
        mkdir "$work/state"
        run_daemon &
        crampd_pid=$!
}

# Reads the monitor's JSON lines until the recording is over; says whether an alert came, and whether it is over.
await_alert() {
        alert=no ended=no
        while read -r line; do
                case $line in
                *'"type":"alert-raised"'*) alert=yes ;;
                *'"state":"ended"'*)
                        ended=yes
                        break
                        ;;
                esac
        done <"$work/monitor"
        # All is shown before what follows.
        [ "$ended" = no ] || wait "$shown_pid" || true
}

clean_up() {
        status=$?
        trap - EXIT INT TERM
        for pid in "${shown_pid:-}" "${monitor_pid:-}" "${crampd_pid:-}" "${bus_pid:-}"; do
                [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
        done
        wait 2>/dev/null || true
        rm -rf "$work"
        exit "$status"
}

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM
if [ -n "$file" ] && [ ! -r "$file" ]; then
        die "$file cannot be read"
fi
install_packages
build
start_bus
make_night
title "crampctl monitor: what a D-Bus client hears while the night is played"
start_monitors
start_daemon
await_alert
if [ "$alert" = no ]; then
        cat "$work/crampd.log" >&2
        [ -n "$rate" ] || ! grep -q 'no rate' "$work/crampd.log" ||
                die "this file does not tell its rate: sh daemon/demo.sh $file RATE_HZ"
        die "no alert came"
fi
title "crampctl status"
"$crampctl" status
title "crampctl history"
"$crampctl" history
title "crampctl export --format csv"
"$crampctl" export --format csv
title "Done: the alert came. crampd is an aid, not a medical device."
