#!/usr/bin/env python3
"""Seeded bugs of the event log and of what stands on it: each *.patch here is applied to a copy of the tree, built,
and has to be caught: by a seed of a simulator, or else by a unit test.

  run.py [--only NAME] [--scale F] [--folder build/mutants]

Prints the table of docs/internals/log-proof.md. A mutant that nothing catches, or that does not apply or build any
more, fails this. The first line of a patch says what is wrong with it.
"""
import argparse
import glob
import html
import os
import shutil
import subprocess
import sys

# As many as `make test` runs.
SEEDS = {'log_simulator': 8000, 'pipeline_simulator': 1000}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(command, folder, timeout=3000):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8',
                          errors='replace', timeout=timeout, check=False)


def copy_tree(folder):
    """What git knows, as it stands here; only what differs is written, so that the build stays warm."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
                            stdout=subprocess.PIPE, check=True).stdout.decode()
    for name in listed.split('\0'):
        source, target = os.path.join(ROOT, name), os.path.join(folder, name)
        if not name or not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, 'rb') as file:
            content = file.read()
        if os.path.exists(target):
            with open(target, 'rb') as file:
                if file.read() == content:
                    continue
        shutil.copy(source, target)


def build(folder):
    return run(['ninja', '-C', 'build/mutant', *SEEDS], folder)


def simulate(folder, simulator, seeds):
    return run([f'build/mutant/tests/sim/{simulator}', '--seeds', f'1..{seeds}'], folder)


def verdict(simulator, done):
    """What a run of a simulator said about a mutant; None if it found nothing."""
    if done.returncode == 0:
        return None
    lines = done.stdout.strip().splitlines()
    for line in lines:
        if line.startswith('seed '):
            seed, what = line.split(': ', 1)
            return f'`{simulator} --replay {seed.split()[1]}`', what
    return f'`{simulator}`', lines[-1] if lines else f'ended with {done.returncode}'


def unit_verdict(folder, patch):
    """The first unit test of the folder that the patch changes which fails; None if none does."""
    with open(patch, encoding='utf-8') as file:
        part = next(line.split('/')[2] for line in file if line.startswith('+++ b/src/'))
    if run(['ninja', '-C', 'build/mutant', f'{part}_test'], folder).returncode != 0:
        return None
    done = run([f'build/mutant/src/{part}/{part}_test', '--abort', '-r', 'xml'], folder)
    name = None
    for line in done.stdout.splitlines():
        if '<TestCase ' in line:
            name = html.unescape(line.split('name="')[1].split('"')[0])
        if 'success="false"' in line:
            return f'`{part}_test`: {name}', 'it fails'
    return (f'`{part}_test`: {name}', f'ended with {done.returncode}') if done.returncode else None


def simulators_for(patch):
    """The log's own simulator knows nothing of what stands above the log."""
    with open(patch, encoding='utf-8') as file:
        below = any(line.startswith(('+++ b/src/log/', '+++ b/src/io/')) for line in file)
    return list(SEEDS) if below else ['pipeline_simulator']


def judge(patch, folder, scale):
    name = os.path.basename(patch)[:-len('.patch')]
    with open(patch, encoding='utf-8') as file:
        what = file.readline().strip()
    applied = run(['patch', '-p1', '--fuzz=0', '--no-backup-if-mismatch', '-i', patch], folder)
    try:
        if applied.returncode != 0:
            return name, what, None, 'THE PATCH DOES NOT APPLY: ' + applied.stdout.strip().splitlines()[-1]
        built = build(folder)
        if built.returncode != 0:
            return name, what, None, 'IT DOES NOT BUILD: ' + built.stdout[-500:]
        for simulator in simulators_for(patch):
            found = verdict(simulator, simulate(folder, simulator, int(SEEDS[simulator] * scale)))
            if found:
                return (name, what) + found
        found = unit_verdict(folder, patch)
        if found:
            return (name, what) + found
        return name, what, None, 'NOT CAUGHT'
    finally:
        copy_tree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--only')
    parser.add_argument('--scale', type=float, default=1, help='times the seeds of `make test`')
    parser.add_argument('--folder', default=os.path.join(ROOT, 'build', 'mutants'))
    options = parser.parse_args()
    copy_tree(options.folder)
    run(['cmake', '-S', '.', '-B', 'build/mutant', '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release'],
        options.folder)
    sound = build(options.folder).returncode == 0 and all(
        simulate(options.folder, simulator, 200).returncode == 0 for simulator in SEEDS)
    if not sound:
        print('the tree without a mutant does not build, or fails')
        return 1
    print('| mutant | what is wrong | caught by | which says |\n| --- | --- | --- | --- |', flush=True)
    missed = 0
    count = 0
    for patch in sorted(glob.glob(os.path.join(ROOT, 'tests', 'mutants', '*.patch'))):
        if options.only not in (None, os.path.basename(patch)[:-len('.patch')]):
            continue
        name, what, test, says = judge(patch, options.folder, options.scale)
        count += 1
        missed += test is None
        said = says.replace('|', '\\|').replace('\n', ' ')
        print(f'| `{name}` | {what} | {test or "nothing"} | {said[:110]} |', flush=True)
    print(f'\n{count} mutants, {count - missed} caught', flush=True)
    return 1 if missed or not count else 0


if __name__ == '__main__':
    sys.exit(main())
