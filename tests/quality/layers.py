#!/usr/bin/env python3
"""Who may include whom: the folder table of docs/ARCHITECTURE.md, and no file or folder in a cycle.

A folder may include the folders its row names, what they may, and the standard library. Test files are
free (they bring fakes together), except that they obey the rules on cycles like everything else.
"""
import collections
import os
import re
import sys

import tree

# folder: what its row names. The order is the order of the table.
TABLE = {
    'include': [],
    'base': ['include'],
    'loop': ['base'],
    'io': ['base'],
    'json': ['base'],
    'log': ['io'],
    'state': ['log', 'json'],
    'computo': ['json'],
    'config': ['base'],
    'formats': ['computo', 'config'],
    'metrics': ['base'],
    'net': ['loop', 'io'],
    'ai': ['net', 'log', 'computo', 'config'],
    'components': '*above',      # each system alone: never another component
    'engine': '*above -components',
    'admin': ['engine', 'net', 'metrics'],
    'app': '*above',
}


def closure(table=None):
    """folder: every folder it may include, itself among them."""
    table = table or TABLE
    order = list(table)
    allowed = {}
    for folder in order:
        row = table[folder]
        if isinstance(row, str):
            without = set(re.findall(r'-(\w+)', row))
            row = [above for above in order[:order.index(folder)] if above not in without]
        allowed[folder] = {folder}.union(*(allowed[name] for name in row)) if row else {folder}
    return allowed


def place(path):
    """(folder, component or None) of a source file; (None, None) of what the table does not name."""
    parts = path.split('/')
    if parts[0] == 'include':
        return 'include', None
    if parts[0] != 'src' or len(parts) < 3:
        return None, None
    if parts[1] == 'components':
        return 'components', parts[2] if len(parts) > 3 else None
    return parts[1], None


def resolve(name, includer, known):
    for folder in (os.path.dirname(includer), 'include', 'src', ''):
        candidate = os.path.normpath(os.path.join(folder, name))
        if candidate in known:
            return candidate
    return None


def why_not(includer, included, allowed):
    """The rule an include breaks, or None."""
    source, source_component = place(includer)
    target, target_component = place(included)
    if source is None:
        return None
    if target is None:
        return 'sources include include/ and src/ only'
    if source not in allowed:
        return f'the folder table has no row for src/{source}'
    if target not in allowed[source]:
        names = ', '.join(sorted(allowed[source] - {source})) or 'nothing'
        return f'src/{source} may include {names}; move the code or turn the dependency round'
    if source_component and target == 'components' and target_component != source_component:
        return 'a component never includes another, nor the table of them; what both need belongs below components'
    return None


# How the documented table writes the rows that are not lists.
WRITTEN = {'nothing of ours': [], 'all above, never another component': '*above',
           'all above but components': '*above -components', 'everything': '*above'}


def documented_rows(text):
    """(folder, what its row names) of the folder table in docs/ARCHITECTURE.md."""
    for name, may in re.findall(r'^\| `(include|src/\w+)/[^`]*` \|[^|\n]*\| ([^|\n]*) \|$', text, re.M):
        yield name.removeprefix('src/'), WRITTEN[may] if may in WRITTEN else sorted(may.split(', '))


MODULES = re.compile(r'colloquium_module\(\s*(\w+)(.*?)\)', re.S)


def linked(path, text, allowed):
    """Problems of a folder's CMakeLists.txt: it links only what it may include."""
    folder, _ = place(path)
    keywords = 'SOURCES|MODULES|LIBS|TESTS|TEST_MODULES|TEST_LIBS'
    for module in MODULES.finditer(re.sub(r'#[^\n]*', '', text)):
        listed = re.search(rf'(?<![A-Z_])MODULES\b(.*?)(?=\b(?:{keywords})\b|$)', module.group(2), re.S)
        for name in listed.group(1).split() if listed else []:
            if folder in allowed and name in allowed and name not in allowed[folder]:
                yield f'{path}: links {name}, which src/{folder} may not include'


def check(root=tree.ROOT):
    allowed = closure()
    sources = list(tree.files(root, ('src', 'include'), tree.CPP))
    known = set(sources) | set(tree.files(root, ('tests',), tree.CPP))
    problems = []
    graph = {path: set() for path in sources}
    folders = collections.defaultdict(set)
    for path in sources:
        folder, _ = place(path)
        if folder is not None and folder not in allowed:
            problems.append(f'{path}: the folder table has no row for src/{folder}')
        for line, name, quoted in tree.includes(tree.read(path, root)):
            target = resolve(name, path, known)
            if target is None:
                if quoted:
                    problems.append(f'{path}:{line}: "{name}" is not a file of ours; write <{name}>')
                continue
            if target == path:
                continue
            graph[path].add(target)
            if tree.is_test(path):
                continue
            broken = why_not(path, target, allowed)
            if broken:
                problems.append(f'{path}:{line}: includes {target}: {broken}')
            if place(target)[0] != folder:
                folders[folder].add(place(target)[0])
    problems += ['files in a cycle: ' + ' '.join(group) for group in tree.cycles(graph)]
    problems += ['folders in a cycle: ' + ' '.join(map(str, group)) for group in tree.cycles(folders)]
    for path in tree.files(root, ('src',), 'CMakeLists.txt'):
        problems += linked(path, tree.read(path, root), allowed)
    return problems, len(sources)


def main():
    problems, count = check()
    return tree.finish('layers', problems, f'{count} files, every include is in the table')


if __name__ == '__main__':
    sys.exit(main())
