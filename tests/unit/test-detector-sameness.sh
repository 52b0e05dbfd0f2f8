#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the detector with every compiler at hand and several levels of optimisation, and demands bit-identical results.
# Usage: test-detector-sameness.sh SOURCE-FOLDER DIGEST-OF-THIS-BUILD

set -eu

source=$1
reference=$("$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

number=0
check() {
        number=$((number + 1))
        name="$1 $2 $3"
        if ! command -v "$1" >"$work/which" ||
           ! echo 'int main(void) { return 0; }' | "$1" $3 -x c -o "$work/probe" - 2>"$work/log" ||
           ! "$work/probe"; then
                echo "ok $number - $name # SKIP this compiler cannot do that here"
                return
        fi
        # The flags of the project that matter for numbers, see meson.build.
        if ! "$1" -std=gnu17 -D_GNU_SOURCE -ffp-contract=off "$2" $3 -I"$source" -o "$work/digest" \
                "$source"/daemon/detector/*.c "$source/tests/unit/detector-digest.c" -lm 2>"$work/log"; then
                sed 's/^/# /' "$work/log"
                echo "not ok $number - $name: does not build"
                return
        fi
        result=$("$work/digest")
        if [ "$result" = "$reference" ]; then
                echo "ok $number - $name"
        else
                echo "# this build: $reference"
                echo "# $name: $result"
                echo "not ok $number - $name"
        fi
}

echo "1..8"
for compiler in gcc clang; do
        check $compiler -O0 ""
        check $compiler -O2 ""
        check $compiler -O3 "-march=native"
        check $compiler -O2 "-m32 -msse2 -mfpmath=sse"
done
