#!/usr/bin/env python3
"""Instructions per evaluation of the hot paths, counted by callgrind, against instructions.json.

  instructions.py PROGRAM [--update]

Time varies with the machine and its load, instructions hardly do: what got 5 % longer fails here at once. So does what got
5 % shorter, so that the figures stay true. After a change that means to do either: build the release preset, run this with
--update, and commit instructions.json together with the change. Another compiler gives other figures, so the file names the
one it was made with, and with any other this is skipped; so it is without valgrind.
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FIGURES = f'{HERE}/instructions.json'
TOLERANCE = 0.05
CASES = 'abcde'


def compiler(program):
    """What the program was compiled with, as it says itself."""
    with open(program, 'rb') as binary:
        found = re.search(rb'GCC: \([^)]*\) [0-9.]+', binary.read())
    return found.group().decode() if found else 'unknown'


def count(program, case):
    done = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', '--collect-atstart=no',
                           '--toggle-collect=computo_counted', program, f'{HERE}/instructions.ndjson', case],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8', check=False)
    collected = re.search(r'Collected : (\d+)', done.stderr)
    if done.returncode != 0 or not collected:
        sys.exit(f'case {case}: {done.stderr[-2000:]}')
    return int(collected.group(1)) / int(done.stdout)


def main():
    program = sys.argv[1]
    if not shutil.which('valgrind'):
        print('SKIPPED: valgrind is not installed (packaging/deps test)')
        return 77
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        counted = dict(zip(CASES, pool.map(lambda case: round(count(program, case)), CASES)))
    made_with = compiler(program)
    if '--update' in sys.argv:
        with open(FIGURES, 'w', encoding='utf-8') as out:
            json.dump({'compiler': made_with, 'instructions': counted}, out, indent=2)
            out.write('\n')
        return 0
    with open(FIGURES, encoding='utf-8') as file:
        figures = json.load(file)
    if figures['compiler'] != made_with:
        print(f'SKIPPED: the figures were made with {figures["compiler"]}, this is {made_with}')
        return 77
    wrong = 0
    for case, wanted in figures['instructions'].items():
        change = counted[case] / wanted - 1
        wrong += abs(change) > TOLERANCE
        print(f'case {case}: {counted[case]:>9,} instructions, {change:+.1%} of {wanted:,}'
              f'{"" if abs(change) <= TOLERANCE else "   <-- more than 5 %"}')
    if wrong:
        print(f'If that is meant: {os.path.relpath(__file__)} {os.path.relpath(program)} --update, and commit '
              'instructions.json with the change. What was counted: tests/bench/computo_cases.cc.')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
