#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the detector with gcc and clang at several levels of optimisation, and with TESTS_LONG for other machines; all
# must print the same digest. i386 calculates with SSE2, as the top meson.build has it. Usage: test-detector-sameness.sh SOURCE-FOLDER DIGEST-OF-THIS-BUILD

set -eu

source=$1
reference=$("$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

number=0
# check COMPILER OPTIONS [RUNNER]
check() {
        number=$((number + 1))
        # The flags that matter for numbers: see the top meson.build and the detector's.
        # shellcheck disable=SC2086 # the options are several words
        if ! "$1" -std=gnu17 -D_GNU_SOURCE -ffp-contract=off -fno-tree-slp-vectorize $2 \
                -I"$source" -o "$work/digest" "$source"/daemon/detector/*.c "$source/tests/unit/detector-digest.c" -lm \
                2>"$work/log"; then
                sed 's/^/# /' "$work/log"
                echo "not ok $number - $1 $2: does not build"
                return
        fi
        # shellcheck disable=SC2086 # nothing, or one word
        result=$(${3:-} "$work/digest")
        if [ "$result" = "$reference" ]; then
                echo "ok $number - $1 $2"
        else
                echo "# this build: $reference"
                echo "# $1 $2: $result"
                echo "not ok $number - $1 $2"
        fi
}

if [ -n "${TESTS_LONG:-}" ]; then echo "1..14"; else echo "1..8"; fi
for compiler in gcc clang; do
        check $compiler "-O0"
        check $compiler "-O2"
        check $compiler "-O3"
        check $compiler "-O3 -march=native"
done
[ -n "${TESTS_LONG:-}" ] || exit 0
for level in -O0 -O2 -O3; do
        check i686-linux-gnu-gcc "$level -static -msse2 -mfpmath=sse" qemu-i386-static
        check aarch64-linux-gnu-gcc "$level -static" qemu-aarch64-static
done
