#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh: the one test command. On a bare Debian 12 (as root, or with sudo for apt-get) it installs what it needs and
# runs every check of the project; see usage() for options. The last line is "N passed, N failed", the line before it
# "N skipped"; the exit status is 0 only if nothing failed. Logs stay in build/check/.
set -u
started_in=$PWD
cd "$(dirname "$0")/.." || exit 70

# Debian's python and meson come first, whatever else this machine has.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

# What a plain build needs, then what the checks need, then what the machine in tests/vm is made of.
packages="gcc libc6-dev meson ninja-build pkg-config libsystemd-dev libdbus-1-dev libsqlite3-dev libedf-dev
        clang clang-format libclang-rt-14-dev valgrind libc6-dbg shellcheck libxml2-utils
        libpango1.0-dev fonts-dejavu-core tidy python3-html5lib poppler-utils chromium tmux
        desktop-file-utils gettext libcmocka-dev python3 python3-dbus python3-gi python3-scipy
        less bash-completion zsh fish mandoc python3-biosig python3-icalendar python3-jsonschema dbus dbus-daemon dunst imagemagick xvfb sqlite3 systemd
        qemu-system-x86 bluez bluez-test-tools busybox-static cpio kmod util-linux udev libpam-systemd dbus-user-session"
# The detector on other machines, in the long form.
packages_long="gcc-i686-linux-gnu libc6-dev-i386-cross gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"

logs=$PWD/build/check
jobs=2
tests_at_once=5 # most of them mostly wait
passed=0 failed=0 skipped=0
recordings='' with_vm=yes evaluate=no

usage() {
        cat <<END
Usage: sh tests/check.sh [OPTION]...
  --recordings DIR  also run the tests that need real EMG recordings, found in DIR; nothing may be skipped then
  --skip-vm         leave out the virtual machine with a real BlueZ
  --long            the full length of every bar instead of its short form
  --evaluate        instead of all that: the detector and its rivals over 100 simulated nights (see tests/evaluate);
                    tables, figures and curve stay in build/evaluate/
  --evaluate-constants
                    the same, and what each constant of the detector does
  --help            this text
END
}

options_read() {
        while [ $# -gt 0 ]; do
                case $1 in
                --recordings)
                        [ $# -ge 2 ] || { usage >&2; exit 64; }
                        recordings=$(cd "$started_in" && realpath -e "$2") || exit 66
                        shift
                        ;;
                --skip-vm) with_vm=no ;;
                --long) export TESTS_LONG=1 ;;
                --evaluate) evaluate=yes ;;
                --evaluate-constants) evaluate=constants ;;
                --help) usage; exit 0 ;;
                *) usage >&2; exit 64 ;;
                esac
                shift
        done
}

as_root() {
        if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

packages_missing() {
        # shellcheck disable=SC2086 # one word per package
        for package in $packages ${TESTS_LONG:+$packages_long}; do
                dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
        done
}

packages_install() {
        missing=$(packages_missing)
        [ -n "$missing" ] || return 0
        as_root apt-get -q update
        # shellcheck disable=SC2086 # one word per package
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
}

stage() {
        printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"
}

# check NAME COMMAND...: one case, which passes if the command does; its output is shown only if it fails.
check() {
        name=$1
        shift
        if ("$@") >"$logs/$name.log" 2>&1 </dev/null; then
                echo "ok     $name"
                passed=$((passed + 1))
        else
                echo "FAILED $name, the end of $logs/$name.log:"
                tail -n 60 "$logs/$name.log"
                failed=$((failed + 1))
                return 1
        fi
}

# suite NAME BUILD [ARGUMENT...]: runs `meson test` and counts its cases.
suite() {
        name=$1 build=$2
        shift 2
        rm -f "$build"/meson-logs/*.junit.xml "$build"/meson-logs/*.json
        status=0
        meson test -C "$build" --no-rebuild --num-processes "$tests_at_once" --print-errorlogs "$@" \
                >"$logs/$name.log" 2>&1 </dev/null || status=$?
        junit=$(find "$build/meson-logs" -name '*.junit.xml')
        if [ -z "$junit" ]; then
                counts="0 1 0"
        else
                counts=$(python3 tests/support/count.py ${recordings:+--no-skip} "${junit%.junit.xml}" 2>"$logs/$name.failed")
        fi
        # shellcheck disable=SC2086 # three numbers
        set -- $counts
        # Whatever the cases say: a run that meson calls bad is bad.
        [ "$status" -eq 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1 "$3"
        passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
        echo "$name: $1 passed, $2 failed, $3 skipped"
        sed -n 's/^# measured: /  /p' "${junit%.junit.xml}.txt" 2>/dev/null
        [ "$2" -gt 0 ] || return 0
        [ ! -s "$logs/$name.failed" ] || cat "$logs/$name.failed"
        echo "The end of $logs/$name.log:"
        tail -n 100 "$logs/$name.log"
        return 1
}

# build_new NAME COMPILER MESON-OPTION...: a fresh build in build/NAME.
build_new() {
        directory=build/$1 compiler=$2
        shift 2
        rm -rf "$directory"
        CC=$compiler meson setup "$directory" --werror -Drecordings="$recordings" "$@" && ninja -C "$directory" -j "$jobs"
}

format_is_clean() {
        find daemon dbus sensors tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
}

scripts_are_clean() {
        find .ci daemon dbus po sensors systemd tests -type f -exec grep -lZE '^#!/bin/(busybox |ba)?sh|^# shellcheck shell=' {} + |
                xargs -0 shellcheck
}

xml_is_clean() {
        find dbus \( -name '*.xml' -o -name '*.conf.in' \) -print0 | xargs -0 xmllint --noout --nonet
}

# The threshold is in tenths: an exposure of 1.0 at most.
unit_is_tight() {
        systemd-analyze security --offline=yes --threshold=10 build/gcc/systemd/crampd.service
}

# The memory checkers write to files, so that no test's handling of output and exit codes can hide a report.
no_reports() {
        find "$logs" -name "$1.*" -size +0 -exec cat {} + | { ! grep .; }
}

nothing_left() {
        [ ! -d "$1" ] || find "$1" ! -type d | { ! grep .; }
}

# What a distribution expects is there after installing, and nothing of it after uninstalling.
installs_to_destdir() {
        root=$logs/destdir
        rm -rf "$root"
        DESTDIR=$root meson install -C build/gcc --no-rebuild || return 1
        for name in bin/crampd bin/crampctl bin/cramp-notify bin/leg-sensor lib/sysusers.d/crampd.conf include/crampd-client.h \
                share/dbus-1/system.d/org.crampd1.conf share/dbus-1/system-services/org.crampd1.service \
                share/dbus-1/interfaces/org.crampd1.Manager.xml share/dbus-1/interfaces/org.crampd1.Sensor.xml \
                share/dbus-1/interfaces/org.crampd1.History.xml share/dbus-1/interfaces/org.crampd1.Guidance.xml \
                share/crampd/export.schema.json share/bash-completion/completions/crampctl share/zsh/site-functions/_crampctl \
                share/fish/vendor_completions.d/crampctl.fish share/doc/crampd/examples/lamp.c share/man/man1/crampctl.1 \
                share/man/man1/cramp-notify.1 share/man/man5/crampd.conf.5 share/man/man7/org.crampd1.7 share/man/man8/crampd.8; do
                [ -f "$root/usr/$name" ] || { echo "not installed: /usr/$name"; return 1; }
        done
        [ -f "$root/etc/crampd.conf" ] || { echo "not installed: /etc/crampd.conf"; return 1; }
        # These folders depend on the distribution.
        for path in '*/systemd/system/crampd.service' '*/systemd/user/cramp-notify.service' '*/pkgconfig/crampd-client.pc' \
                '*/xdg/autostart/cramp-notify.desktop'; do
                find "$root" -path "$path" | grep . || { echo "not installed: $path"; return 1; }
        done
        ninja -C build/gcc uninstall && nothing_left "$root"
}

# Any other prefix gets everything below itself, so that no privilege is needed.
installs_to_prefix() {
        meson install -C build/clang --no-rebuild || return 1
        if grep -v -e '^#' -e "^$prefix$" -e "^$prefix/" build/clang/meson-logs/install-log.txt; then
                echo "the files above lie outside of the prefix $prefix"
                return 1
        fi
        ninja -C build/clang uninstall && nothing_left "$prefix"
}

check_sources() {
        stage "sources"
        check format format_is_clean
        check shellcheck scripts_are_clean
        check xml xml_is_clean
}

check_gcc() {
        stage "gcc: all tests, unit, installation"
        check build-gcc build_new gcc gcc --prefix=/usr || return
        suite tests-gcc build/gcc
        suite bench-gcc build/gcc --benchmark
        check exposure unit_is_tight
        check autostart desktop-file-validate build/gcc/dbus/notify/cramp-notify.desktop
        check install-destdir installs_to_destdir
}

check_clang() {
        stage "clang: unit tests, installation into a prefix"
        prefix=$logs/prefix
        rm -rf "$prefix"
        check build-clang build_new clang clang --prefix="$prefix" -Dpdf=disabled -Ddebug=false || return
        suite tests-clang build/clang --suite unit
        check install-prefix installs_to_prefix
}

check_sanitizers() {
        stage "address and undefined-behaviour sanitizers: all tests"
        # As much is found without what takes the compiler long; a report needs no more than lines.
        check build-sanitizers build_new sanitizers gcc -Db_sanitize=address,undefined -Doptimization=1 -Ddebug=false -Dc_args=-g1 || return
        export ASAN_OPTIONS="halt_on_error=1:detect_leaks=1:log_path=$logs/sanitizers.report"
        export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:log_path=$logs/sanitizers.report"
        export LSAN_OPTIONS="suppressions=$PWD/tests/support/leaks-of-others.txt:print_suppressions=0"
        export TESTS_SLOW=1
        suite tests-sanitizers build/sanitizers --no-suite realtime --timeout-multiplier 4
        unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TESTS_SLOW
        check reports-sanitizers no_reports sanitizers.report
}

check_valgrind() {
        stage "valgrind: all tests"
        [ -f build/gcc/build.ninja ] || return
        export MEMCHECK_REPORT="$logs/valgrind.report" TESTS_SLOW=1
        tests_at_once=3 # few of them wait here, and recordings play on while programs start
        suite tests-valgrind build/gcc --no-suite realtime --no-suite statistics --no-suite sweep --wrapper "sh $PWD/tests/support/memcheck.sh" --timeout-multiplier 20
        unset MEMCHECK_REPORT TESTS_SLOW
        check reports-valgrind no_reports valgrind.report
}

check_vm() {
        stage "virtual machine: installed service, systemd, BlueZ"
        if [ "$with_vm" = no ]; then
                echo "left out, as asked"
                skipped=$((skipped + 1))
                return
        fi
        check vm-kernel sh tests/vm/kernel.sh || return
        suite tests-vm build/gcc --suite vm
}

# shown NAME COMMAND...: one case, whose output is shown while it comes and stays in build/evaluate/NAME.txt; standard
# error is for its progress.
shown() {
        name=$1
        shift
        rm -f "build/evaluate/$name.status"
        { "$@" </dev/null || echo $? >"build/evaluate/$name.status"; } | tee "build/evaluate/$name.txt"
        if [ -e "build/evaluate/$name.status" ]; then
                echo "FAILED $name"
                failed=$((failed + 1))
        else
                echo "ok     $name"
                passed=$((passed + 1))
        fi
}

# Missed bars fail the first case; the tables are complete all the same.
check_evaluate() {
        stage "evaluation on simulated nights: takes a quarter of an hour to an hour"
        check build-evaluate build_new evaluate gcc --buildtype=release || return
        shown evaluation build/evaluate/tests/evaluate/evaluate --bars --csv build/evaluate/evaluation.csv
        check curve python3 tests/evaluate/curve.py build/evaluate/evaluation.csv build/evaluate/evaluation.svg
        echo "the curve: build/evaluate/evaluation.svg"
        # A detector that was shaped on one generator may know the generator.
        if [ -n "$recordings" ]; then
                shown evaluation-pieces build/evaluate/tests/evaluate/evaluate --recordings "$recordings" \
                        --nights 15 --cells 0 --csv build/evaluate/evaluation-pieces.csv
        fi
        [ "$evaluate" = constants ] || return
        stage "what each constant does: takes as long again"
        shown constants python3 tests/evaluate/sweep.py build/evaluate/tests/evaluate/evaluate .
}

check_all() {
        check_sources
        check_gcc
        check_clang
        check_sanitizers
        check_valgrind
        check_vm
}

main() {
        options_read "$@"
        rm -rf "$logs"
        mkdir -p "$logs" || exit 73
        stage "packages"
        if check packages packages_install; then
                if [ "$evaluate" = no ]; then check_all; else check_evaluate; fi
        fi
        rm -rf build/gcc build/clang build/sanitizers
        printf '\n%d skipped\n%d passed, %d failed\n' "$skipped" "$passed" "$failed"
        [ "$failed" -eq 0 ]
}

main "$@"
