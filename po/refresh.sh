#!/bin/sh
# SPDX-License-Identifier: MIT
#
# refresh.sh [--pot | --check]: finds the files with texts for people (POTFILES), gathers these, those of knowledge.toml and of
# --help into crampd.pot, and brings the translations up to date with it; what is new or changed in them is then empty or "fuzzy".
# --pot: leaves the translations alone. --check: changes nothing, fails when something is not up to date.
# Places are named by file alone, so that only a change of texts shows here.
set -eu
cd "$(dirname "$0")/.."

mode=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
        echo '# Files with texts for people, beside daemon/guidance/knowledge.toml. Written by refresh.sh.'
        grep -rlE --include='*.[ch]' '(^|[^A-Za-z_])(N?_\(|doctor_tell\(|language_text\([a-z>-]+,|fail\(EX_|sd_bus_error_setf?\(|error_set\(|check_text\()' daemon dbus sensors |
                grep -v -e '/translate\.h$' -e '/language\.[ch]$' -e '/words\.h$' -e '/crampctl\.h$' -e '/peripheral\.c$' -e '/player\.c$' -e '/internal\.h$' | LC_ALL=C sort
} >"$work/POTFILES"
grep -v '^#' "$work/POTFILES" >"$work/files"
gather() { # gather KEYWORD...
        xgettext --from-code=UTF-8 --language=C --add-comments=TRANSLATORS --add-location=file --package-name=crampd \
                --files-from="$work/files" -o "$work/code.pot" "$@"
}
gather --keyword=_ --keyword=N_ --keyword=language_text:2 --keyword=fail:2 --keyword=doctor_tell:4 \
        --keyword=sd_bus_error_set:3 --keyword=sd_bus_error_setf:3 --keyword=error_set:3 --keyword=check_text:1
# The remedies: a keyword has one text at a time.
gather --join-existing --keyword --keyword=doctor_tell:3
python3 daemon/guidance/generate-knowledge.py --messages daemon/guidance/knowledge.toml daemon/guidance/factor.h \
        "$work/knowledge.pot"
# What --help prints, in paragraphs.
python3 po/gather-help.py dbus/crampctl/*.[ch] dbus/notify/options.c "$work/help.pot"
# Without dates: they are in the history of the files.
msgcat --use-first --add-location=file "$work/code.pot" "$work/help.pot" "$work/knowledge.pot" |
        sed -e '1c # SPDX-License-Identifier: MIT' -e '2,/^msgid/{/^#/d}' -e '/^"POT-Creation-Date:/d' -e '/^"PO-Revision-Date:/d' \
                >"$work/crampd.pot"

merge() { # merge LANGUAGE.po: as it would be
        msgmerge --quiet --add-location=file "$1" "$work/crampd.pot" | sed -e '/^"POT-Creation-Date:/d'
}

if [ "$mode" = --check ]; then
        diff -u po/POTFILES "$work/POTFILES"
        diff -u po/crampd.pot "$work/crampd.pot"
        for po in po/*.po; do
                merge "$po" | diff -u "$po" -
        done
        exit
fi
cp "$work/POTFILES" "$work/crampd.pot" po/
[ "$mode" != --pot ] || exit 0
for po in po/*.po; do
        merge "$po" >"$work/merged.po"
        cp "$work/merged.po" "$po"
done
