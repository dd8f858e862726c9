#!/usr/bin/env python3
"""Names what failed in junit reports of ctest, each with the end of what it printed: a continuous integration that
keeps only the end of a long run then still says why it is red.

    failures.py build/release/ctest.xml..."""
import pathlib
import sys
import xml.etree.ElementTree

LINES = 8
TESTS = 5


def main():
    failed = []
    for path in sys.argv[1:]:
        preset = pathlib.Path(path).parent.name
        for case in xml.etree.ElementTree.parse(path).getroot().iter('testcase'):
            skipped = case.find('skipped')
            left_out = skipped is not None and skipped.get('message', '').startswith('SKIP_')
            if case.get('status') != 'run' and not left_out:
                failed.append((f'{preset}: {case.get("name")}', (case.findtext('system-out') or '').splitlines()))
    for name, output in failed[:TESTS]:
        print(f'FAILED {name}')
        for line in [line for line in output if line.strip()][-LINES:]:
            print(f'    {line[:200]}')
    if len(failed) > TESTS:
        print(f'FAILED {len(failed) - TESTS} more: ' + ', '.join(name for name, _ in failed[TESTS:])[:2000])


if __name__ == '__main__':
    main()
