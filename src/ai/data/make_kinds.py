#!/usr/bin/env python3
"""Makes character_kinds.inc beside this script: where in Unicode the kinds of characters change that the patterns of
o200k_base and cl100k_base tell apart.

Needs the module unicodedata2 16.0.0, or a Python that has Unicode 16: the version that tiktoken 1.0.22 knows (asked by
patterns of one class over all code points). With another one, letters that are newer or older are cut otherwise.
"""
import os
import sys

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

VERSION = '16.0.0'
# By general category, in the words of src/ai/character_kind.h.
KINDS = {'Lu': 'kUpper', 'Lt': 'kUpper', 'Ll': 'kLower', 'Lm': 'kCaseless', 'Lo': 'kCaseless', 'Mn': 'kMark',
         'Mc': 'kMark', 'Me': 'kMark', 'Nd': 'kNumber', 'Nl': 'kNumber', 'No': 'kNumber', 'Zs': 'kSpace', 'Zl': 'kSpace',
         'Zp': 'kSpace'}
# White_Space without a category of its own.
SPACES = {0x09: 'kSpace', 0x0a: 'kBreak', 0x0b: 'kSpace', 0x0c: 'kSpace', 0x0d: 'kBreak', 0x85: 'kSpace'}
PER_LINE = 5


def kind(code):
    return SPACES.get(code) or KINDS.get(unicodedata.category(chr(code)), 'kOther')


def changes():
    last = None
    for code in range(0x110000):
        if kind(code) != last:
            last = kind(code)
            yield f'{{0x{code:x}, {last}}},'


def main():
    if unicodedata.unidata_version != VERSION:
        sys.exit(f'this Python has Unicode {unicodedata.unidata_version}: pip install unicodedata2=={VERSION}')
    found = list(changes())
    lines = [f'// Unicode {VERSION}: the first code point of each range and its kind. Written by make_kinds.py.']
    lines += [' '.join(found[i:i + PER_LINE]) for i in range(0, len(found), PER_LINE)]
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'character_kinds.inc')
    with open(out, 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')
    print(f'{len(found)} ranges')


if __name__ == '__main__':
    main()
