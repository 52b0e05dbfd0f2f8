#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086 # $memcheck is several words
#
# memcheck.sh TEST...: runs a test under valgrind; for `meson test --wrapper`. A test in Python runs as it is and puts
# $WRAPPER before each program of ours that it starts. Reports go to files that begin with $MEMCHECK_REPORT. Used by
# check.sh.
memcheck="valgrind --quiet --leak-check=full --error-exitcode=99 --log-file=$MEMCHECK_REPORT.%p"
case $1 in
*/python3*) exec env WRAPPER="$memcheck" "$@" ;;
*.sh) exec "$@" ;; # the shell itself leaks
*) exec $memcheck "$@" ;;
esac
