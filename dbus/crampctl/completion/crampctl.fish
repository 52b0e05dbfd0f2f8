# SPDX-License-Identifier: MIT
# Completion of crampctl in fish. What there is to offer is known to crampctl itself: see --complete.

function __crampctl_complete
    set -l words (commandline -opc)
    # As it will be once its quotes are closed.
    set -l current (commandline -ct | string trim --left --chars '"\'' | string replace --all '\\' '')
    test -n "$current"; or set current ''
    for line in (crampctl --complete $words[2..] "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (string replace --regex '^--[^=]*=' '' -- $current)
        else
            echo -- $line
        end
    end
end

complete --command crampctl --no-files --keep-order --arguments '(__crampctl_complete)'
