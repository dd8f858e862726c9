#!/usr/bin/env python3
"""The project speaks of itself alone: no word of anybody's workplace, tracker or machine in its files."""
import re
import sys

import tree

# Written in pieces, so that this file does not match itself.
WORDS = [
    (r'/(?:wor[k]|far[m])/[a-z.]', 'a path of one machine; say it relative to the project'),
    (r'\.librar[y]\b', 'a folder of one machine'),
    (r'\bfarm-(?:benc[h]|studi[o])', 'a tool of one machine'),
    (r'\bCE[O]\b', 'a person; say what the project needs'),
    (r'DEVELOPER[S]\.md', 'a file that is not of this project'),
    (r'\b[Ii]ssue #?[0-9]+\b', 'a number in a tracker; say the reason itself'),
]
SKIPPED = ('LICENSE',)


def scan(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, why in WORDS:
            match = re.search(pattern, line)
            if match:
                yield f'{path}:{number}: "{match.group(0)}": {why}'


def main():
    problems, count = [], 0
    for path in tree.files():
        if path in SKIPPED:
            continue
        with open(f'{tree.ROOT}/{path}', 'rb') as file:
            raw = file.read()
        if b'\0' in raw:
            continue
        count += 1
        problems += scan(path, raw.decode('utf-8', 'replace'))
    return tree.finish('words', problems, f'{count} files')


if __name__ == '__main__':
    sys.exit(main())
