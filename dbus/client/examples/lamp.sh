#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Lists last week's cramps, then runs a command at each alert:  lamp.sh mosquitto_pub -t lamp -m on
# The command gets the alert, one JSON object, on its standard input.
set -eu

crampctl history --list --no-legend --since -7d

# One object a line, flushed at once. crampctl goes on when crampd restarts.
crampctl monitor --json | while IFS= read -r line; do
        case $line in
        '{"type":"alert-raised",'*'"repeated":true'*)
                # Sent again to a new subscriber: not news.
                ;;
        '{"type":"alert-raised",'*)
                echo "Cramp: sit up and hold on before you stand."
                if [ $# -gt 0 ]; then
                        printf '%s\n' "$line" | "$@" || echo "'$1' failed" >&2
                fi
                ;;
        '{"type":"warning",'*'"what":"battery"'*)
                echo "Charge the sensor before the night."
                ;;
        '{"type":"service-gone"'*)
                echo "Nobody watches: crampd is gone." >&2
                ;;
        esac
done
