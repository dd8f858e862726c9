#!/usr/bin/env python3
"""Writing a script as sugar and reading that again gives the script in normal form.

  sugar_round_trip.py PROGRAM FILE.jsonl… [--seed N] [--count N]

PROGRAM answers requests as run_vectors.py sends them. The scripts are those of the conformance files and COUNT random
ones. Each is written as sugar; a script that has no sugar form must be one by section 10.5 of the language. Of the
others the text is read again: that must be the normal form worked out here, must be written as the same text, and
must evaluate to the same result.
"""
import argparse
import json
import random
import re
import subprocess
import sys

import random_scripts
from run_vectors import D, L, Num, same

RESERVED = 'let in if then else and or not true false null'.split()
ODD = ['a b', 'a-b', 'if', 'x.y', 'not', '', '0', 'é', '$', '"', 'list', '/a']
INPUTS = [{'a': 1, 'xs': [1, {'a': 2}, 'x', None], 'b': {'c': 'd'}}]


def is_name(text):
    return isinstance(text, str) and re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', text) and text not in RESERVED


def is_text(value):
    return isinstance(value, str) and not isinstance(value, Num)


def wrapped(value, key):
    return value[key] if isinstance(value, dict) and list(value) == [key] else None


def constant(script, key):
    """Whether a bare list gives its data when it is evaluated."""
    if isinstance(script, dict):
        return list(script) != [key] or isinstance(script[key], list)
    if not isinstance(script, list):
        return True
    return not (script and is_text(script[0])) and all(constant(item, key) for item in script)


def data(value, key):
    inner = wrapped(value, key)
    if isinstance(inner, list):
        value = inner
    if isinstance(value, list):
        return {key: [data(item, key) for item in value]}
    if isinstance(value, dict):
        return {name: data(item, key) for name, item in value.items()}
    return value


class NoForm(Exception):
    pass


def names_read(expression):
    """The names that accesses in it begin with."""
    if isinstance(expression, dict):
        return set().union(*map(names_read, expression.values()))
    if not isinstance(expression, list):
        return set()
    if len(expression) > 1 and expression[0] == '$' and isinstance(expression[1], str) and expression[1][:1] == '/':
        return {expression[1][1:].split('/')[0]}
    return set().union(*map(names_read, expression))


def ordered(bindings):
    """The object form as pairs: by key, but whoever reads a name comes before the binding that would hide it."""
    rest, out = sorted(bindings.items(), key=lambda pair: pair[0].encode()), []
    reads = {key: set() if isinstance(value, list) and value[:1] == ['lambda'] else names_read(value) - {key}
             for key, value in rest}
    while rest:
        free = [pair for pair in rest if not any(pair[0] in reads[other] for other, _ in rest)] or rest
        out.append(free[0])
        rest.remove(free[0])
    return out


def bindings(given):
    pairs = ordered(given) if isinstance(given, dict) else given
    if not isinstance(pairs, list):
        raise NoForm
    for pair in pairs:
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and is_text(pair[0]) and is_name(pair[0])):
            raise NoForm
    return pairs


def normal(script, key):
    """The normal form of section 10.5."""
    if isinstance(script, dict):
        return data(script, key)
    if not isinstance(script, list):
        return script
    if constant(script, key):
        return data(script, key)
    if not is_text(script[0]):
        raise NoForm
    name, operands = script[0], script[1:]
    if name == 'let' and len(operands) == 2:
        return [name, [[n, normal(e, key)] for n, e in bindings(operands[0])], normal(operands[1], key)]
    if name == 'lambda' and len(operands) == 2:
        names = operands[0]
        if not isinstance(names, list) or not all(is_text(n) and is_name(n) for n in names):
            raise NoForm
        return [name, names, normal(operands[1], key)]
    return [name] + [normal(operand, key) for operand in operands]


class Scripts(random_scripts.Scripts):
    """Now and then a name, a key or a form that needs care to be written."""

    def expression(self, depth):
        if depth > 0 and self.random.random() < 0.12:
            odd = self.random.choice(ODD)
            return self.random.choice([
                lambda: [odd] + self.some(lambda: self.expression(depth - 1), 0, 3),
                lambda: ['$', '/' + odd],
                lambda: [self.random.choice(['$input', '$inputs'])] + self.some(lambda: '/a/' + odd, 0, 2),
                lambda: ['let', [[odd, self.expression(depth - 1)]], 1],
                lambda: ['lambda', [odd], self.expression(depth - 1)],
                lambda: ['obj', odd, self.expression(depth - 1), 'k', self.expression(depth - 1)],
                lambda: ['list'] + self.some(lambda: self.expression(depth - 1), 0, 3),
                lambda: {odd: self.data(depth), 'array': self.data(depth)},
                lambda: ['-', self.expression(depth - 1)],
                lambda: [self.random.choice(['if', 'let', 'lambda', '+', 'and', 'not', '==', '/'])]
                + self.some(lambda: self.expression(depth - 1), 0, 4)])()
        return super().expression(depth)


def ask(program, requests):
    text = ''.join(D({'id': Num(i), **request}) + '\n' for i, request in enumerate(requests))
    run = subprocess.run([program], input=text.encode(), stdout=subprocess.PIPE, check=False)
    answers = {int(answer['id']): answer for answer in map(L, run.stdout.decode().split('\n')[:-1])}
    return [answers.get(i, {}) for i in range(len(requests))]


def scripts_of(paths):
    for path in paths:
        with open(path, encoding='utf-8') as file:
            for vector in map(L, file):
                key = vector.get('options', {}).get('array_key', 'array')
                if vector['syntax'] == 'json' and 'script' in vector and 'mode' not in vector:
                    yield vector['script'], key
                if vector['syntax'] == 'convert':
                    script = vector['in'] if vector['to'] == 'sugar' else vector.get('out')
                    yield script, key


def failures_of(program, asked):
    texts = ask(program, [{'syntax': 'convert', 'to': 'sugar', 'in': s, 'options': {'array_key': k}}
                          for s, k in asked])
    sugars = [answer.get('out', '0') for answer in texts]
    back = ask(program, [{'syntax': 'convert', 'to': 'json', 'in': text, 'options': {'array_key': k}}
                         for text, (_, k) in zip(sugars, asked)])
    again = ask(program, [{'syntax': 'convert', 'to': 'sugar', 'in': answer.get('out'), 'options': {'array_key': k}}
                          for answer, (_, k) in zip(back, asked)])
    values = ask(program, [{'syntax': 'json', 'script': s, 'inputs': INPUTS, 'options': {'array_key': k}}
                           for s, k in asked])
    same_values = ask(program, [{'syntax': 'sugar', 'script': text, 'inputs': INPUTS, 'options': {'array_key': k}}
                                for text, (_, k) in zip(sugars, asked)])
    for i, (script, key) in enumerate(asked):
        try:
            wanted = normal(script, key)
        except NoForm:
            if texts[i].get('error') != 'unrepresentable':
                yield script, 'has no sugar form', texts[i]
            continue
        if 'out' not in texts[i] or 'out' not in back[i]:
            yield script, 'is refused', texts[i], back[i]
        elif not same(back[i]['out'], wanted):
            yield script, 'has the normal form', wanted, texts[i]['out'], back[i]['out']
        elif again[i].get('out') != texts[i]['out']:
            yield script, 'is written differently the second time', texts[i]['out'], again[i]
        elif re.search(r'"let",\{|\d[eE]|\.0', D(script)):
            continue  # bindings in sequence, and doubles that become integers, may mean something else
        elif values[i].get('error') != same_values[i].get('error') or \
                D(data(values[i].get('value'), 'array')) != D(data(same_values[i].get('value'), 'array')):
            # Functions show their normal form, hence data().
            yield script, 'gives another result', texts[i]['out'], values[i], same_values[i]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('program')
    parser.add_argument('files', nargs='*')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=4000)
    options = parser.parse_args()
    random_scripts_made = Scripts(options.seed)
    asked = list(scripts_of(options.files))
    given = len(asked)
    for _ in range(options.count):
        script = random_scripts_made.expression(random_scripts_made.random.randint(1, 6))
        asked.append((L(json.dumps(script)), 'array'))
    failures = list(failures_of(options.program, asked))
    for failure in failures[:5]:
        print(*(part if isinstance(part, str) else D(part) for part in failure), sep='\n    ')
    print(f'{given} scripts of files and {options.count} random ones, seed {options.seed}: {len(failures)} failed')
    return 1 if failures or len(asked) == 0 else 0


if __name__ == '__main__':
    sys.setrecursionlimit(100000)
    sys.exit(main())
