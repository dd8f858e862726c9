#!/usr/bin/env python3
"""The documentation is true: links resolve, examples run, the generated reference is the binary's own.

  docs.py links                   every relative link and anchor in *.md leads somewhere
  docs.py examples --binary B     every example marked as one validates or runs
  docs.py drift --binary B        docs/reference is what `colloquium docs` writes

Marks are words behind the language of a fenced block:

  ```yaml pipeline      a whole pipeline: `colloquium validate` accepts it
  ```computo            a Computo script in sugar, ```json computo one in JSON. The blocks ```json input before it are
                        its inputs. It must yield what the block ```json result behind it says (compared as JSON), or
                        fail with a message that holds what ```text error says. An example without either is wrong.
                        Several scripts before one result must all yield it.
  ```ndjson input       lines, each of which a script is evaluated for by itself; ```ndjson result says what it yields
  ```… file=NAME        a file that the examples behind it on the page find in their folder
  ```console            commands behind `$ `, continued behind `> `, and what they print; they run in a shell, in order

${…} in a pipeline are set from the variable's own name, files it names are made.
"""
import argparse
import concurrent.futures
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile

import tree

FENCE = re.compile(r'^( *)(`{3,}|~{3,})[ \t]*([^\n`]*)\n(.*?)^\1\2[ \t]*$', re.M | re.S)
LINK = re.compile(r'(?<!\!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|!\[[^\]]*\]\(([^)\s]+)\)')


def blocks(text):
    """(line, words behind the fence, content) of every fenced block."""
    for match in FENCE.finditer(text):
        indent = len(match.group(1))
        content = ''.join(line[indent:] if line[:indent].isspace() else line
                          for line in match.group(4).splitlines(keepends=True))
        yield text.count('\n', 0, match.start()) + 1, match.group(3).split(), content


def prose(text):
    """The text with code blanked out, line by line."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'`[^`\n]+`', blank, FENCE.sub(blank, text))


def anchors(text):
    """The anchors a Markdown page has, made as GitHub makes them."""
    seen, found = {}, set()
    for heading in re.findall(r'^#{1,6}[ \t]+(.*?)[ \t]*#*$', FENCE.sub('', text), re.M):
        words = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading)
        slug = re.sub(r'[^\w\- ]', '', words.lower()).replace(' ', '-')
        number = seen[slug] = seen.get(slug, -1) + 1
        found.add(f'{slug}-{number}' if number else slug)
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def broken_links(path, text, root=tree.ROOT):
    for match in LINK.finditer(prose(text)):
        link = match.group(1) or match.group(2)
        if re.match(r'[a-z][a-z0-9+.-]*:', link):
            continue
        number = text.count('\n', 0, match.start()) + 1
        target, _, anchor = link.partition('#')
        full = os.path.normpath(os.path.join(root, os.path.dirname(path), target)) if target else os.path.join(root, path)
        if not os.path.exists(full) or not full.startswith(root):
            yield f'{path}:{number}: {link} leads nowhere'
        elif anchor and full.endswith('.md') and anchor not in anchors(tree.read(os.path.relpath(full, root), root)):
            yield f'{path}:{number}: {link}: {target or "this page"} has no heading "{anchor}"'


def run(binary, arguments, stdin=None, cwd=None, environment=None):
    return subprocess.run([binary, *arguments], input=stdin, capture_output=True, text=True, timeout=60, cwd=cwd,
                          env=environment, check=False)


def check_pipeline(binary, where, content):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'example.yaml')
        with open(file, 'w', encoding='utf-8') as out:
            out.write(content)
        for script in re.findall(r'(?:computo|script):\s*([\w./-]+\.(?:computo|json))', content):
            os.makedirs(os.path.dirname(os.path.join(folder, script)), exist_ok=True)
            with open(os.path.join(folder, script), 'w', encoding='utf-8') as out:
                out.write('["$input"]' if script.endswith('.json') else '$input')
        for given in re.findall(r'\bpath:\s*"?((?:[\w-][\w.-]*/)*[\w-]+\.\w+)', content):
            os.makedirs(os.path.dirname(os.path.join(folder, given)), exist_ok=True)
            with open(os.path.join(folder, given), 'a', encoding='utf-8'):
                pass
        environment = dict(os.environ, **{name: name.lower() for name in re.findall(r'\$\{(\w+)\}', content)})
        result = run(binary, ['validate', file], cwd=folder, environment=environment)
    if result.returncode != 0:
        yield f'{where}: this pipeline does not validate:\n{result.stdout}{result.stderr}'


def in_folder(files, check):
    """What check says in a folder of its own that holds the files."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, files)
        return list(check(folder))


def write_files(folder, files):
    for name, content in files:
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as out:
            out.write(content)


def same(found, wanted, by_line):
    """Whether two texts say the same JSON, as one value or one a line: 1 and true differ, the order of keys does not."""
    def values(text):
        texts = [line for line in text.splitlines() if line.strip()] if by_line else [text]
        return [json.dumps(json.loads(part), sort_keys=True) for part in texts]
    try:
        return values(found) == values(wanted)
    except ValueError:
        return False


def check_script(binary, example, script, folder):
    """One script with its inputs against the outcome that the page says."""
    where, kind, wanted = example['where'], example['kind'], example['wanted']
    if example['lines'] is None:
        result = run(binary, ['computo', 'run', '-e', script, *example['inputs']], stdin='', cwd=folder)
    else:
        result = run(binary, ['computo', 'run', '-e', script, '-'], stdin=example['lines'], cwd=folder)
    if kind == 'error':
        if result.returncode == 0:
            yield f'{where}: this script yields {result.stdout.strip()}, the page says it fails'
        elif wanted.strip() not in result.stderr:
            yield f'{where}: this script fails with:\n{result.stderr.strip()}\nthe page says:\n{wanted.strip()}'
    elif result.returncode != 0:
        yield f'{where}: this script fails: {result.stderr.strip()}'
    elif not same(result.stdout, wanted, kind == 'ndjson'):
        yield f'{where}: this script yields {result.stdout.strip()}, the page says {wanted.strip()}'


def commands(content):
    """(line within the block, command, what it prints) of a ```console block."""
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.startswith('$ '):
            found.append([number, line[2:] + '\n', ''])
        elif not found:
            raise ValueError('a ```console block begins with a command behind "$ "')
        elif line.startswith('> ') and not found[-1][2]:
            found[-1][1] += line[2:] + '\n'
        else:
            found[-1][2] += line + '\n'
    return found


def check_console(binary, path, steps, folder):
    """The commands and files of one page in their order, in one folder."""
    environment = dict(os.environ, PATH=os.path.dirname(binary) + os.pathsep + os.environ['PATH'])
    for kind, line, content in steps:
        if kind == 'file':
            write_files(folder, [content])
            continue
        for number, command, wanted in commands(content):
            result = subprocess.run(['sh', '-c', command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                    stderr=subprocess.STDOUT, cwd=folder, env=environment, timeout=60, check=False)
            if result.stdout.rstrip() != wanted.rstrip():
                yield f'{path}:{line + number}: `{command.strip()}` prints:\n{result.stdout}the page says:\n{wanted}'


class Page:
    """The examples of one page: what is wrong with how they are written, and what is to be run."""

    def __init__(self, binary, path, text):
        self.binary, self.path = binary, path
        self.problems, self.jobs, self.steps, self.files = [], [], [], {}
        self.count = 0
        self.begin()
        for line, words, content in blocks(text):
            self.add(line, words, content)
        self.finish_example()
        if any(step[0] == 'console' for step in self.steps):
            self.jobs.append(lambda: in_folder([], lambda folder: check_console(binary, path, self.steps, folder)))

    def begin(self):
        self.inputs, self.lines, self.scripts = [], None, []

    def finish_example(self):
        """A script that is followed by an input or nothing has no result, an input that is followed by none no script."""
        for line, _ in self.scripts:
            self.problems.append(f'{self.path}:{line}: this script has no ```json result and no ```text error')
        if not self.scripts and (self.inputs or self.lines is not None):
            self.problems.append(f'{self.path}: an input near the end of an example has no script')
        self.begin()

    def add(self, line, words, content):
        where = f'{self.path}:{line}'
        for name in (word[5:] for word in words if word.startswith('file=')):
            self.files[name] = content
            self.steps.append(('file', line, (name, content)))
            return
        if words[:2] == ['yaml', 'pipeline']:
            self.count += 1
            self.jobs.append(lambda: list(check_pipeline(self.binary, where, content)))
        elif words[:1] == ['console']:
            self.count += len(re.findall(r'^\$ ', content, re.M))
            self.steps.append(('console', line, content))
        elif words[:1] == ['computo'] or words[:2] == ['json', 'computo']:
            self.scripts.append((line, ('= ' if words[0] == 'computo' else '') + content.strip()))
        elif words[1:2] == ['input']:
            self.add_input(words[0], content)
        elif words[1:2] in (['result'], ['error']):
            self.add_outcome(where, words, content)

    def add_input(self, language, content):
        if self.scripts:
            self.finish_example()
        if language == 'ndjson':
            self.lines = content
        else:
            self.inputs.append(json.dumps(json.loads(content), ensure_ascii=False))

    def add_outcome(self, where, words, content):
        if not self.scripts:
            self.problems.append(f'{where}: this result has no script')
        kind = 'error' if words[1] == 'error' else words[0]
        for line, script in self.scripts:
            self.count += 1
            example = {'where': f'{self.path}:{line}', 'kind': kind, 'wanted': content, 'inputs': self.inputs,
                       'lines': self.lines}
            self.jobs.append(lambda example=example, script=script, files=tuple(self.files.items()): in_folder(
                files, lambda folder: check_script(self.binary, example, script, folder)))
        self.begin()


def check_pages(binary, pages):
    """Runs the marked blocks of the pages, several at once; (problems, how many were run)."""
    pages = [Page(binary, path, text) for path, text in pages]
    problems = [problem for page in pages for problem in page.problems]
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        for found in pool.map(lambda job: job(), [job for page in pages for job in page.jobs]):
            problems += found
    return problems, sum(page.count for page in pages)


def differences(wanted, found, prefix=''):
    """Files that differ between two folders."""
    compared = filecmp.dircmp(wanted, found)
    for name in compared.left_only:
        yield f'docs/reference/{prefix}{name} is missing'
    for name in compared.right_only:
        yield f'docs/reference/{prefix}{name} is not written by the binary any more'
    _, differing, odd = filecmp.cmpfiles(wanted, found, compared.common_files, shallow=False)
    for name in differing + odd:
        yield f'docs/reference/{prefix}{name} is out of date'
    for name in compared.common_dirs:
        yield from differences(os.path.join(wanted, name), os.path.join(found, name), f'{prefix}{name}/')


def links():
    problems, count = [], 0
    for path in tree.files(endings='.md'):
        text = tree.read(path)
        count += len(LINK.findall(prose(text)))
        problems += broken_links(path, text)
    return tree.finish('links', problems, f'{count} links lead somewhere')


def examples(binary):
    problems, total = check_pages(binary, [(path, tree.read(path)) for path in tree.files(endings='.md')])
    if not total:
        problems.append('no example is marked as one, so nothing was tried')
    return tree.finish('examples', problems, f'{total} examples run')


def drift(binary):
    reference = os.path.join(tree.ROOT, 'docs', 'reference')
    with tempfile.TemporaryDirectory() as folder:
        result = run(binary, ['docs', '--out', folder])
        if result.returncode != 0:
            return tree.finish('drift', [f'`colloquium docs --out {folder}` fails: {result.stderr}'], '')
        if not os.path.isdir(reference):
            return tree.finish('drift', ['docs/reference is missing; run `make docs` and commit it'], '')
        problems = list(differences(folder, reference))
    if problems:
        problems.append('run `make docs` and commit what it writes')
    return tree.finish('drift', problems, 'docs/reference is what the binary writes')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['links', 'examples', 'drift'])
    parser.add_argument('--binary', help='the colloquium to run')
    options = parser.parse_args()
    if options.what == 'links':
        return links()
    if not options.binary:
        parser.error('--binary is needed')
    return (examples if options.what == 'examples' else drift)(os.path.abspath(options.binary))


if __name__ == '__main__':
    sys.exit(main())
