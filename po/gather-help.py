#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gather-help.py FILE... HELP.pot: the texts of what --help prints, as gettext has them. A help is made of strings and of
macros of strings, named ..._HELP. What is translated of it are its paragraphs and what stands behind the options, each as one
line, in the same way as dbus/crampctl/help.c looks them up; usage, names and examples stay."""

import re
import sys

PIECE = r'"(?:[^"\\]|\\.)*"|\w+_HELP'
HELP = re.compile(rf'(?:\bhelp\w*\[\] =|\.help =)((?:\s*(?:{PIECE}))+)')
ESCAPES = {'n': '\n', 't': '\t', '"': '"', '\\': '\\'}
# Where it usually begins, in crampctl or cramp-notify; behind a long option two blanks come before it, or it is below.
DESCRIPTION = re.compile(r'(?:.{24} |.{26} |(?:\S| (?! ))+ {2,})(?=\S)')
UNIT_MAX = 2000  # help.c has room for a little more


def joined(text, macros):
    parts = [part if part[0] == '"' else macros[part] for part in re.findall(PIECE, text)]
    return ''.join(part if part[0] != '"' else re.sub(r'\\(.)', lambda match: ESCAPES[match[1]], part[1:-1]) for part in parts)


def macros_read(sources):
    macros = {}
    for source in sources:
        for name, value in re.findall(r'^#define (\w+_HELP)\b((?:[^\n]*\\\n)*[^\n]*)', source, re.M):
            macros[name] = joined(value.replace('\\\n', '\n'), macros)
    return macros


def units(text):
    """Paragraphs and descriptions."""
    unit, paragraph = None, False
    for line in text.split('\n'):
        indent = len(line) - len(line.lstrip(' '))
        if unit is not None and line and (indent == 0 if paragraph else indent > 6):
            unit.append(line.strip())
            continue
        if unit:
            yield ' '.join(unit)
        paragraph = line != '' and indent == 0 and not line.startswith('Usage:')
        if 0 < indent <= 6 and line[indent] == '-':
            described = DESCRIPTION.match(line) or DESCRIPTION.match(line, indent)
            unit = [line[described.end():]] if described else []
        else:
            unit = [line] if paragraph else None
    if unit:
        yield ' '.join(unit)


def escaped(text):
    return text.replace('\\', '\\\\').replace('"', '\\"')


def main():
    sources = {}
    for file in sys.argv[1:-1]:
        with open(file, encoding='utf-8') as source:
            sources[file] = source.read()
    macros, places = macros_read(sources.values()), {}
    for file, source in sources.items():
        for body in HELP.findall(source):
            for unit in units(joined(body, macros)):
                assert len(unit) < UNIT_MAX, unit
                places.setdefault(unit, []).append(file)
    with open(sys.argv[-1], 'w', encoding='utf-8') as out:
        out.write('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n')
        for unit, where in places.items():
            out.write(f'\n#: {" ".join(sorted(set(where)))}\n#, no-c-format\nmsgid "{escaped(unit)}"\nmsgstr ""\n')


main()
