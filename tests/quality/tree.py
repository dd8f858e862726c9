"""What the quality tests share: which files there are, and C++ text without comments and strings."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CPP = ('.h', '.cc', '.cpp', '.c')
TEST = re.compile(r'(^|/)(tests?|testing|testdata)/|_test\.|_fuzz\.|_bench\.')


def files(root=ROOT, under=(), endings=None):
    """Paths below root, relative to it: tracked ones and new ones that git does not ignore."""
    if os.path.exists(os.path.join(root, '.git')):
        listed = subprocess.run(['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                                capture_output=True, text=True, check=True).stdout.split('\0')
    else:
        listed = [os.path.relpath(os.path.join(folder, name), root)
                  for folder, _, names in os.walk(root) for name in names]
    for path in sorted(set(listed)):
        if not path or not os.path.isfile(os.path.join(root, path)) or path.startswith('build/'):
            continue
        if under and not any(path.startswith(folder.rstrip('/') + '/') for folder in under):
            continue
        if endings and not path.endswith(endings):
            continue
        yield path


def read(path, root=ROOT):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
        return file.read()


def is_test(path):
    return bool(TEST.search(path))


_RAW = r'R"(?P<delimiter>[^ ()\\\t\v\f\n]*)\(.*?\)(?P=delimiter)"'
_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|' + _RAW + r'''|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*\'''', re.S)


def code_only(text):
    """C++ text with comments and literals blanked out, line by line where they were; #include lines stay."""
    def blank(match):
        token = match.group(0)
        if token.startswith('"') and text.rfind('#include', text.rfind('\n', 0, match.start()) + 1, match.start()) >= 0:
            return token
        return re.sub(r'[^\n]', ' ', token)
    return _TOKEN.sub(blank, text)


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[>"]', re.M)


def includes(text):
    """Yields (line number, name, quoted) of every #include."""
    for match in _INCLUDE.finditer(text):
        yield text.count('\n', 0, match.start()) + 1, match.group(2), match.group(1) == '"'


def cycles(graph):
    """Strongly connected groups of more than one node (Tarjan, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for start in list(graph):
        if start in index:
            continue
        work = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(sorted(graph.get(target, ())))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        on_stack.discard(group[-1])
                    if len(group) > 1:
                        found.append(sorted(group))
    return found


def finish(name, problems, good):
    """Prints the outcome and returns the exit status."""
    for problem in problems:
        print(problem)
    print(f'{name}: {len(problems)} problems' if problems else f'{name}: {good}')
    return 1 if problems else 0
