"""Pages with a recorded session: what the scripts beside them that record one have in common.

A page holds the files of its session (blocks with file=NAME) and, in the block below the mark `recorded session`, what
was typed and what came of it.
"""
import argparse
import os
import re
import shutil

SESSION = re.compile(r'(<!-- recorded session -->\n\n```text\n)(.*?)(^```$)', re.M | re.S)
FILE = re.compile(r'^```[^\n]* file=(\S+)\n(.*?)^```$', re.M | re.S)
SKIPPED = 77


def main(script, description, path, programs, record):
    """Writes the session anew into the page at `path`, or with --check compares it. `record(page, binary, check)` gives
    its text."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true')
    parser.add_argument('binary')
    options = parser.parse_args()
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        print('SKIPPED: there is no', ' and no '.join(missing))
        return SKIPPED
    with open(path, encoding='utf-8') as file:
        page = file.read()
    session = record(page, options.binary, options.check)
    if not options.check:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(SESSION.sub(lambda match: match.group(1) + session + match.group(3), page))
        return 0
    if session == SESSION.search(page).group(2):
        return 0
    print(f'{path}: the session is another one now; {os.path.basename(script)} BINARY writes it anew. It is:\n{session}')
    return 1
