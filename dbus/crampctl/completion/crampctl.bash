# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of crampctl in bash. What there is to offer is known to crampctl itself: see --complete.

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
                # Within quotes readline closes them; elsewhere spaces want a backslash.
                [[ $quote ]] || printf -v value %q "$value"
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
