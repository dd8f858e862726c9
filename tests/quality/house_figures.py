#!/usr/bin/env python3
"""House figures of a C++ tree: how long files and functions are, what includes what, how much is said.

  house_figures.py [-v] [--check]      needs python3 and universal-ctags >= 5.9

--check fails on what may not be: a file over 1,000 lines, a function over 70 (but for the ones listed in
long_functions.txt, which may only shrink), a cycle of files or folders, less than half as much test as
source. Everything else is printed beside its target. Percentiles are nearest-rank; a function's length is its
first line to its closing brace, inclusive.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

import tree

FILE_LINES_MAX = 1000
FUNCTION_LINES_MAX = 70
TEST_SHARE_MIN = 0.5
EXCEPTIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'long_functions.txt')

LICENCE = re.compile(r'copyright|licen[cs]e|SPDX', re.I)

Function = collections.namedtuple('Function', 'path name line lines')


def percentile(values, share):
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0


def comment_counts(text):
    """(comment lines, code lines); a line with both is code. A licence at the head is neither."""
    comment = code = 0
    in_block = False
    head = LICENCE.search(text[:400]) is not None
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            continue
        if in_block:
            is_comment = True
            in_block = '*/' not in line
        elif line.startswith('/*'):
            is_comment = True
            in_block = '*/' not in line[2:]
        else:
            is_comment = line.startswith('//')
        if not is_comment:
            head = False
            code += 1
        elif not head:
            comment += 1
    return comment, code


def functions(root, paths):
    """Every C++ function with a body, as universal-ctags sees them."""
    if not paths:
        return
    tags = subprocess.run(['ctags', '-o', '-', '-L', '-', '--languages=C,C++', '--langmap=C++:+.h', '--kinds-C=f',
                           '--kinds-C++=f', '--fields=+ne', '--excmd=number', '--sort=no'],
                          input='\n'.join(paths), capture_output=True, text=True, cwd=root, errors='replace',
                          check=True)
    seen = set()
    for row in tags.stdout.splitlines():
        columns = row.split('\t')
        if row.startswith('!') or len(columns) < 4:
            continue
        fields = dict(column.split(':', 1) for column in columns[3:] if ':' in column)
        if 'line' not in fields or 'end' not in fields:
            continue
        key = (columns[1], int(fields['line']), int(fields['end']))
        if key not in seen:
            seen.add(key)
            yield Function(columns[1], columns[0], key[1], key[2] - key[1] + 1)


def folder_of(path):
    parts = path.split('/')
    if parts[0] == 'include':
        return 'include'
    return '/'.join(parts[1:-1][:2] if parts[1] == 'components' else parts[1:2])


class Figures:
    """Everything measured over one tree."""

    def __init__(self, root):
        everything = list(tree.files(root, ('src', 'include'), tree.CPP))
        self.sources = [path for path in everything if not tree.is_test(path)]
        self.tests = [path for path in everything if tree.is_test(path)]
        # The programs of tests/bench compare, and those of tests/quality check the tree: neither tests what it does.
        self.tests += [path for path in tree.files(root, ('tests',), tree.CPP + ('.py', '.test'))
                       if not path.startswith(('tests/bench/', 'tests/quality/'))]
        # Cases of the language are files of their own (.test): script and result, and tests like any other.
        text = {path: tree.read(path, root) for path in self.sources + self.tests}
        self.lines = {path: text[path].count('\n') for path in text}
        self.functions = list(functions(root, self.sources))
        self.comment = self.code = 0
        self.assertions = collections.Counter()
        for path in self.sources:
            comment, code = comment_counts(text[path])
            self.comment += comment
            self.code += code
            self.assertions[folder_of(path)] += len(re.findall(r'\b(?:LOOP_)?ASSERT(?:_WHY)?\s*\(', text[path]))
        self._graph(text)

    def _graph(self, text):
        known = set(self.sources)
        self.graph = {path: set() for path in self.sources}
        for path in self.sources:
            for _, name, _ in tree.includes(text[path]):
                for folder in (os.path.dirname(path), 'include', 'src', ''):
                    target = os.path.normpath(os.path.join(folder, name))
                    if target in known and target != path:
                        self.graph[path].add(target)
                        break
        self.fan_in = collections.Counter(target for targets in self.graph.values() for target in targets)
        self.folders = collections.defaultdict(set)
        for path, targets in self.graph.items():
            self.folders[folder_of(path)] |= {folder_of(target) for target in targets} - {folder_of(path)}
        self.file_cycles = tree.cycles(self.graph)
        self.folder_cycles = tree.cycles(self.folders)

    def source_lines(self):
        return sum(self.lines[path] for path in self.sources)

    def test_share(self):
        return sum(self.lines[path] for path in self.tests) / max(1, self.source_lines())

    def asserts_per_function(self, folder):
        count = sum(folder_of(function.path) == folder for function in self.functions)
        return self.assertions[folder] / max(1, count)


def read_exceptions(text):
    """{(path, function): lines} from 'path function lines  # why' rows."""
    allowed = {}
    for row in text.splitlines():
        words = row.split('#')[0].split()
        if words:
            allowed[words[0], words[1]] = int(words[2])
    return allowed


def violations(figures, allowed):
    """What may not be, as messages."""
    for path in sorted(figures.sources + figures.tests):
        if figures.lines[path] > FILE_LINES_MAX:
            yield f'{path}: {figures.lines[path]} lines, over {FILE_LINES_MAX}: split it by what it is about'
    longest = collections.Counter()
    for function in figures.functions:
        key = (function.path, function.name)
        longest[key] = max(longest[key], function.lines)
        limit = allowed.get(key, FUNCTION_LINES_MAX)
        if function.lines > limit:
            yield (f'{function.path}:{function.line}: {function.name} has {function.lines} lines, over {limit}: '
                   'give its steps names of their own')
    for key, limit in allowed.items():
        if longest[key] < limit:
            wanted = f'lower it to {longest[key]}' if longest[key] > FUNCTION_LINES_MAX else 'remove it'
            yield f'long_functions.txt: {key[0]} {key[1]} {limit}: it is {longest[key]} lines now; {wanted}'
    yield from ('files in a cycle: ' + ' '.join(group) for group in figures.file_cycles)
    yield from ('folders in a cycle: ' + ' '.join(group) for group in figures.folder_cycles)
    if figures.test_share() < TEST_SHARE_MIN:
        yield f'tests are {figures.test_share():.2f} of the source in lines, under {TEST_SHARE_MIN}'


def spread(values):
    return f'{percentile(values, 50)} / {percentile(values, 95)} / {max(values, default=0)}'


def table(figures):
    """Rows (figure, measured, target)."""
    file_lines = [figures.lines[path] for path in figures.sources]
    function_lines = [function.lines for function in figures.functions]
    headers = [path for path in figures.sources if path.endswith('.h')]
    fan_in = [figures.fan_in[path] for path in headers]
    over = sum(lines > FUNCTION_LINES_MAX for lines in function_lines)
    yield f'files ({len(file_lines)}, {sum(file_lines)} lines) p50 / p95 / max', spread(file_lines), '<=150 / <=500 / 1000'
    yield f'functions ({len(function_lines)}) p50 / p95 / max', spread(function_lines), '<=10 / <=45 / 70'
    yield 'functions over 70 lines', str(over), '0'
    yield 'header fan-in p50 / p95 / max', spread(fan_in), '- / <=20 / -'
    yield 'widest header, of files', f'{100 * max(fan_in, default=0) / max(1, len(file_lines)):.0f}%', '<=30%'
    yield 'include fan-out p50 / p95 / max', spread([len(targets) for targets in figures.graph.values()]), '- / <=12 / -'
    yield 'cycles of files, of folders', f'{len(figures.file_cycles)}, {len(figures.folder_cycles)}', '0, 0'
    yield 'comments, of non-blank lines', f'{100 * figures.comment / max(1, figures.comment + figures.code):.0f}%', '12-25%'
    for folder in ('loop', 'log', 'computo'):
        yield f'assertions per function in {folder}', f'{figures.asserts_per_function(folder):.2f}', '>=0.5'
    yield 'test / source lines', f'{figures.test_share():.2f}', '>=0.8 (fails under 0.5)'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='fail on what may not be')
    parser.add_argument('-v', action='store_true', help='name the longest and the most included')
    options = parser.parse_args()
    figures = Figures(tree.ROOT)
    for row in table(figures):
        print(f'{row[0]:<52}{row[1]:>18}   {row[2]}')
    if options.v:
        for function in sorted(figures.functions, key=lambda each: -each.lines)[:12]:
            print(f'  {function.lines:5} lines  {function.path}:{function.line} {function.name}')
        for path in sorted(figures.sources + figures.tests, key=lambda each: -figures.lines[each])[:12]:
            print(f'  {figures.lines[path]:5} lines  {path}')
        for path, count in figures.fan_in.most_common(8):
            print(f'  {count:5} includes of {path}')
        for path, targets in sorted(figures.graph.items(), key=lambda each: -len(each[1]))[:6]:
            print(f'  {len(targets):5} includes in {path}')
    if not options.check:
        return 0
    with open(EXCEPTIONS, encoding='utf-8') as file:
        allowed = read_exceptions(file.read())
    return tree.finish('house figures', list(violations(figures, allowed)), 'within what may be')


if __name__ == '__main__':
    sys.exit(main())
