# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of crampctl in bash. What there is to offer is known to crampctl itself: see --complete.

# Makes of _crampctl's `value` what must stand within its `quote`, which readline closes, or without one:
# a name may hold what the shell would run.
_crampctl_quote() {
        case $quote in
        \')
                value=${value//\'/\'\\\'\'}
                ;;
        \")
                value=${value//\\/\\\\}
                value=${value//\"/\\\"}
                value=${value//\$/\\\$}
                value=${value//\`/\\\`}
                # No backslash keeps it from the history there.
                value=${value//!/\"\'!\'\"}
                ;;
        *)
                printf -v value %q "$value"
                ;;
        esac
}

_crampctl() {
        local cur words cword line value quote='' before
        COMPREPLY=()
        # "--leg=left" and "C0:FF:..." are one word each.
        _get_comp_words_by_ref -n "=:" cur words cword

        case $cur in
        [\"\']*) quote=${cur:0:1} cur=${cur:1} ;;
        *) cur=${cur//\\/} ;;
        esac

        while IFS= read -r line; do
                if [[ $line == :files ]]; then
                        cur=${cur##*=}
                        _filedir
                        return
                fi
                value=${line%%$'\t'*}
                [[ $value != *= ]] || compopt -o nospace 2>/dev/null
                _crampctl_quote
                COMPREPLY+=("$value")
        done < <(crampctl --complete "${words[@]:1:cword-1}" "$cur" 2>/dev/null)

        # Readline replaces no more than what stands after the last of these.
        if [[ ! $quote && $cur == *[=:]* && $COMP_WORDBREAKS == *=* && $COMP_WORDBREAKS == *:* ]]; then
                before=${cur%"${cur##*[=:]}"}
                printf -v before %q "$before"
                COMPREPLY=("${COMPREPLY[@]#"$before"}")
        fi
}

complete -F _crampctl crampctl
