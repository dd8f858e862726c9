#!/usr/bin/env python3
"""The documentation is true: links resolve, examples run, the generated reference is the binary's own.

  docs.py links                   every relative link and anchor in *.md leads somewhere
  docs.py examples --binary B     every example marked as one validates or runs
  docs.py drift --binary B        docs/reference is what `colloquium docs` writes

Marks are words behind the language of a fenced block:

  ```yaml pipeline      a whole pipeline: `colloquium validate` accepts it
  ```json computo       a Computo script; with a block ```json input before it, its input, and with a block
                        ```json result after it, what it must yield (compared as JSON)

${…} in a pipeline are set from the variable's own name, files it names are made.
"""
import argparse
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


def check_script(binary, where, script, given, wanted):
    arguments = ['computo', 'run', '-e', script.strip()]
    if given is not None:
        arguments.append('-')
        given = json.dumps(json.loads(given), ensure_ascii=False) + '\n'
    result = run(binary, arguments, stdin=given if given is not None else '')
    if result.returncode != 0:
        yield f'{where}: this script fails: {result.stderr.strip()}'
    elif wanted is not None and json.loads(result.stdout) != json.loads(wanted):
        yield f'{where}: this script yields {result.stdout.strip()}, the page says {wanted.strip()}'


def check_examples(binary, path, text):
    """Runs the marked blocks of one page; (problems, how many were run)."""
    problems, count, given = [], 0, None
    page = list(blocks(text))
    for i, (line, words, content) in enumerate(page):
        where = f'{path}:{line}'
        if words[:2] == ['json', 'input']:
            given = content
        elif words[:2] == ['yaml', 'pipeline']:
            count += 1
            problems += check_pipeline(binary, where, content)
        elif words[:2] == ['json', 'computo']:
            count += 1
            following = page[i + 1] if i + 1 < len(page) else (0, [], '')
            wanted = following[2] if following[1][:2] == ['json', 'result'] else None
            problems += check_script(binary, where, content, given, wanted)
            given = None
    return problems, count


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
    problems, total = [], 0
    for path in tree.files(endings='.md'):
        found, count = check_examples(binary, path, tree.read(path))
        problems += found
        total += count
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
