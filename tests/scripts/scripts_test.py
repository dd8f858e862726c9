#!/usr/bin/env python3
"""The scripts of scripts/: their cases pass and evaluate nearly all of them, they are laid out, and each has its page.

  scripts_test.py cases --binary B   every script is right, laid out, and its cases pass
  scripts_test.py pages              every script has cases and a page that shows it as it is
  scripts_test.py payloads --binary B --data FOLDER   github-webhook reads every payload that GitHub really sent

The example on each page runs with those of all other pages (tests/quality/docs.py).
"""
import argparse
import glob
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77
COVERAGE_MIN = '90'  # percent of each script's expressions that its cases evaluate


def scripts():
    return sorted(os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, 'scripts', '*.computo')))


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def cases(binary):
    for arguments in (['computo', 'check'], ['computo', 'fmt', '--check'],
                      ['test', '--coverage-min', COVERAGE_MIN]):
        result = subprocess.run([binary, *arguments, *scripts()], capture_output=True, text=True, cwd=ROOT, check=False)
        print(' '.join(arguments) + ':', (result.stdout.strip().splitlines() or ['fine'])[-1])
        if result.returncode != 0:
            yield f'{" ".join(arguments)} fails:\n{result.stdout}{result.stderr}'


def pages():
    index = read('docs/scripts/README.md')
    for script in scripts():
        name = os.path.basename(script)[:-len('.computo')]
        page = f'docs/scripts/{name}.md'
        if not os.path.exists(os.path.join(ROOT, f'scripts/{name}.test.yaml')):
            yield f'{script} has no cases'
        if f'| [{name}]({name}.md) |' not in index:
            yield f'docs/scripts/README.md does not list {name}'
        if not os.path.exists(os.path.join(ROOT, page)):
            yield f'{script} has no page'
        elif f'```computo\n{read(script)}```\n' not in read(page):
            yield f'{page} does not show the script as it is: copy it'
        if not read(script).startswith('-- '):
            yield f'{script} does not say first what it is for'
    print(f'{len(scripts())} scripts')


def payloads(binary, folder):
    """Whatever GitHub sends becomes an event with a kind; few of them are of no kind of their own."""
    found = sorted(glob.glob(os.path.join(folder, 'github-webhooks', '**', '*.json'), recursive=True))
    if not found:
        print(f'SKIPPED: no payloads under {folder}')
        sys.exit(SKIPPED)
    lines = []
    for path in found:
        with open(path, encoding='utf-8') as file:
            lines.append(json.dumps(json.load(file)))
    result = subprocess.run([binary, 'computo', 'run', 'scripts/github-webhook.computo', '-'], input='\n'.join(lines),
                            capture_output=True, text=True, cwd=ROOT, check=False)
    if result.returncode != 0:
        yield f'a payload is refused: {result.stderr[:500]}'
        return
    events = [json.loads(line) for line in result.stdout.splitlines()]
    if len(events) != len(found):
        yield f'{len(found)} payloads gave {len(events)} events'
    for path, event in zip(found, events):
        if not event.get('kind') or not event.get('summary'):
            yield f'{path}: {event}'
    kinds = sorted({event['kind'] for event in events})
    print(f'{len(found)} payloads, kinds: {", ".join(kinds)}')
    if not {'issue', 'pull_request', 'push', 'release'} <= set(kinds):
        yield f'kinds are missing: {kinds}'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['cases', 'pages', 'payloads'])
    parser.add_argument('--binary')
    parser.add_argument('--data')
    arguments = parser.parse_args()
    if len(scripts()) < 25:
        print('there are fewer scripts than there should be')
        return 1
    checks = {'cases': lambda: cases(arguments.binary), 'pages': pages,
              'payloads': lambda: payloads(arguments.binary, arguments.data)}
    problems = list(checks[arguments.what]())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
