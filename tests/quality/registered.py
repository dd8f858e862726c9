#!/usr/bin/env python3
"""Nothing that proves something is forgotten: every script of tests is run by some CMakeLists.txt, and every seeded bug
stands in the table of what was caught."""
import os
import re
import sys

import tree

TABLE = 'docs/internals/log-proof.md'


def unregistered(paths, read):
    """Those *_test.py that no CMakeLists.txt names, of their folder or one above."""
    listed = [(os.path.dirname(path), read(path)) for path in paths if os.path.basename(path) == 'CMakeLists.txt']
    for path in paths:
        name = os.path.basename(path)
        if not name.endswith('_test.py'):
            continue
        above = [text for folder, text in listed if path.startswith(folder + '/') or not folder]
        if not any(re.search(r'\b' + re.escape(name), text) for text in above):
            yield f'{path}: no CMakeLists.txt runs it'


def untold(patches, table):
    """Seeded bugs and rows of the table that have no counterpart."""
    names = {os.path.basename(path)[:-len('.patch')] for path in patches}
    rows = set(re.findall(r'^\| `([a-z0-9-]+)` \| ', table, re.M))
    for name in sorted(names - rows):
        yield f'{TABLE}: {name} is not in the table; run tests/mutants/run.py and put in what it prints'
    for name in sorted(rows - names):
        yield f'{TABLE}: there is no tests/mutants/{name}.patch'
    for count in re.findall(r'^([0-9]+) mutants, [0-9]+ caught', table, re.M):
        if int(count) != len(names):
            yield f'{TABLE}: {count} mutants are said to be there, and {len(names)} are'


def main():
    paths = list(tree.files())
    patches = [path for path in paths if path.startswith('tests/mutants/') and path.endswith('.patch')]
    problems = [*unregistered(paths, tree.read), *untold(patches, tree.read(TABLE))]
    return tree.finish('registered', problems, f'{len(patches)} seeded bugs')


if __name__ == '__main__':
    sys.exit(main())
