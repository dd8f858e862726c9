#!/usr/bin/env python3
"""Layout (clang-format) and the blocking checks of .clang-tidy.

  lint.py            what differs from the branch's upstream, or from the last commit, and what is new
  lint.py --all      everything
  lint.py FILE…      these files
  lint.py --fix …    lay the files out instead of complaining (clang-format only)

clang-tidy reads the compile commands of build/lint, which this configures (nothing is compiled).
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys

import tree

BUILD = os.path.join(tree.ROOT, 'build', 'lint')


def git(*arguments):
    result = subprocess.run(['git', '-C', tree.ROOT, *arguments], capture_output=True, text=True, check=False)
    return result.stdout.split('\n') if result.returncode == 0 else []


def changed():
    base = (git('merge-base', 'HEAD', '@{upstream}') or ['HEAD'])[0]
    return set(git('diff', '--name-only', base)) | set(git('ls-files', '--others', '--exclude-standard'))


def chosen(options):
    ours = list(tree.files(under=('src', 'include', 'tests'), endings=('.h', '.cc')))
    if options.all:
        return ours
    if options.files:
        wanted = {os.path.relpath(os.path.abspath(path), tree.ROOT) for path in options.files}
    else:
        wanted = changed()
    return [path for path in ours if path in wanted]


def layout(paths, fix):
    """Paths whose layout is not clang-format's (none with fix, which lays them out)."""
    mode = ['-i'] if fix else ['--dry-run', '--Werror']
    bad = []
    for path in paths:
        result = subprocess.run(['clang-format', *mode, path], cwd=tree.ROOT, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            bad.append(f'{path}: layout; run tests/quality/lint.py --fix {path}')
    return bad


def tidy(path):
    result = subprocess.run(['clang-tidy', '-p', BUILD, '--quiet', path], cwd=tree.ROOT, capture_output=True, text=True,
                            check=False)
    return path, result.returncode, result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--fix', action='store_true')
    parser.add_argument('--no-tidy', action='store_true', help='layout only')
    parser.add_argument('files', nargs='*')
    options = parser.parse_args()
    paths = chosen(options)
    problems = layout(paths, options.fix)
    sources = [path for path in paths if path.endswith('.cc') and not options.no_tidy and not options.fix]
    if sources:
        # No precompiled header: it is GCC's, and clang would trip over it.
        subprocess.run(['cmake', '-S', tree.ROOT, '-B', BUILD, '-G', 'Ninja', '--log-level=WARNING',
                        '-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON'], check=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for path, status, output in pool.map(tidy, sources):
                if status != 0:
                    problems.append(f'{path}: clang-tidy\n{output.strip()}')
    return tree.finish('lint', problems, f'{len(paths)} files laid out well, {len(sources)} of them through clang-tidy')


if __name__ == '__main__':
    sys.exit(main())
