#!/usr/bin/env python3
"""Builds the fuzz targets (preset fuzz) and gives each some time over the corpora at hand.

  soak.py [--seconds 60] [--only TARGET]

A target that finds something leaves the input in build/fuzz/tests/fuzz and fails this. Skipped without clang.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = {'json': [], 'machine': ['choices'], 'script': ['script'], 'sugar': ['sugar'], 'convert': ['script'], 'log': ['log'],
         'formats': ['formats'], 'aws': ['aws']}


def run(target, seconds):
    folder = f'{ROOT}/build/fuzz/tests/fuzz'
    corpora = [f'{folder}/grown/{target}'] + [f'{folder}/seeds/{kind}' for kind in SEEDS[target]]
    kept = f'{ROOT}/tests/fuzz/corpus/{target}'
    corpora += [kept] if os.path.isdir(kept) else []
    done = subprocess.run([f'{folder}/{target}_fuzz', f'-max_total_time={seconds}', '-timeout=20', '-max_len=2000',
                           '-len_control=0', '-rss_limit_mb=3000', f'-artifact_prefix={folder}/{target}-'] + corpora,
                          stderr=subprocess.PIPE, encoding='utf-8', errors='replace', check=False)
    count = re.findall(r'^(?:Done |#)(\d+)', done.stderr, re.M)
    print(f'{target}_fuzz: {count[-1] if count else 0} runs in {seconds} s, status {done.returncode}', flush=True)
    if done.returncode != 0:
        print(done.stderr[-4000:])
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=int, default=60)
    parser.add_argument('--only', choices=list(SEEDS))
    options = parser.parse_args()
    if shutil.which('clang++') is None:
        print('SKIPPED: clang++ is not installed (packaging/deps lint)')
        return 77
    subprocess.run(['cmake', '--preset', 'fuzz', '--log-level=WARNING'], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['ninja', '-C', f'{ROOT}/build/fuzz', 'fuzz_programs'], check=True, stdout=subprocess.DEVNULL)
    return 0 if all([run(t, options.seconds) for t in SEEDS if options.only in (None, t)]) else 1


if __name__ == '__main__':
    sys.exit(main())
