#!/usr/bin/env python3
"""Random scripts must be answered, and must not care where they stand.

  random_scripts.py PROGRAM [SEED [COUNT]]

PROGRAM answers requests as run_vectors.py sends them. Every script is asked for as it is and in places that
may not change its result: bound to a name, as an element, in a function that is called once, in a branch. All
answers to one script must be equal to the byte (errors by category): what an optimiser knows about a script
in one of these places and not in another must not show. A program that dies leaves requests unanswered.
"""
import json
import random
import subprocess
import sys

NAMES = ['a', 'b', 'f', 'g', 'x', '']
SCALARS = [0, 1, -1, 2.5, 1e300, -0.0, '', 'a', '/a', 'desc', 'firsts', True, False, None, 'é\n',
           9223372036854775807, -9223372036854775808, 18446744073709551615, 1e17]
ARITIES = {'!=': 2, '%': 2, '*': 3, '+': 2, '-': 2, '/': 2, '<': 3, '<=': 2, '==': 3, '>': 2, '>=': 2, 'and': 2,
           'append': 2, 'approx': 3, 'car': 1, 'cdr': 1, 'cons': 2, 'count': 1, 'join': 2, 'keys': 1, 'merge': 2,
           'not': 1, 'obj': 4, 'objFromPairs': 1, 'omit': 2, 'or': 2, 'pick': 2, 'reverse': 1, 'sort': 2,
           'strConcat': 2, 'unique': 1, 'uniqueSorted': 2, 'values': 1, 'zip': 2, 'nosuch': 1}
LOOPS = ['map', 'filter', 'find', 'some', 'every']
ARRAYS_FIRST = {'append', 'car', 'cdr', 'count', 'join', 'objFromPairs', 'reverse', 'sort', 'unique',
                'uniqueSorted', 'zip'}
INPUTS = ['{"a":1,"xs":[1,{"a":2,"a":3},"x\\u0041",[1,2],null, 1.50,1],"b":{"c":"d", "\\u0061":[]}}', '[3,1,2]']
PLACES = [lambda e: ['let', {'place': e}, ['$', '/place']],
          lambda e: ['car', ['cdr', [0, e]]],
          lambda e: ['car', ['map', [0], ['lambda', ['place'], e]]],
          lambda e: ['if', ['count', ['$inputs']], e, 0],
          lambda e: ['let', [['place', ['lambda', ['n'], e]]], ['reduce', [1], ['lambda', ['p', 'q'],
                     ['car', ['map', [0], ['$', '/place']]]], 0]]]


class Scripts:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, make, least, most):
        return [make() for _ in range(self.random.randint(least, most))]

    def data(self, depth):
        if depth <= 0 or self.random.random() < 0.4:
            return self.random.choice(SCALARS)
        if self.random.random() < 0.5:
            return self.some(lambda: self.data(depth - 1), 0, 3)
        return {self.random.choice(['array', 'a', 'b', 'c']): self.data(depth - 1)
                for _ in range(self.random.randint(0, 3))}

    def array(self, depth):
        choice = self.random.random()
        if choice < 0.4:
            return ['$input', '/xs']
        if choice < 0.7:
            return {'array': self.some(lambda: self.data(depth - 1), 0, 5)}
        return self.expression(depth)

    def function(self, depth, parameters=1):
        if self.random.random() < 0.05:
            parameters += 1
        return ['lambda', self.some(lambda: self.random.choice(NAMES), parameters, parameters),
                self.expression(depth - 1)]

    def bound(self, depth):
        return self.function(depth) if self.random.random() < 0.5 else self.expression(depth - 1)

    def let(self, depth):
        pairs = self.some(lambda: [self.random.choice(NAMES), self.bound(depth)], 0, 3)
        return ['let', pairs if self.random.random() < 0.5 else dict(pairs), self.expression(depth - 1)]

    def loop(self, depth):
        function = self.function(depth) if self.random.random() < 0.8 else ['$', '/f']
        if self.random.random() < 0.2:
            return ['reduce', self.array(depth - 1), self.function(depth, 2), self.expression(depth - 1)]
        return [self.random.choice(LOOPS), self.array(depth - 1), function]

    def call(self, depth):
        name = self.random.choice(list(ARITIES))
        count = ARITIES[name] + (self.random.random() < 0.05)
        arguments = [self.expression(depth - 1) for _ in range(count)]
        if arguments and name in ARRAYS_FIRST:
            arguments[0] = self.array(depth - 1)
        if name == 'obj' and self.random.random() < 0.7:
            arguments[::2] = [self.random.choice(['k', 'a', 'b', 'é"']) for _ in arguments[::2]]
        if name in ('sort', 'uniqueSorted') and self.random.random() < 0.7:
            arguments[1:] = [self.random.choice(['/a', '', 'desc', 'asc', 'lasts', 'singles', ['/a', 'desc'], 5])]
        return [name] + arguments

    def expression(self, depth):
        choice = self.random.random()
        if depth <= 0 or choice < 0.1:
            return self.random.choice(SCALARS)
        if choice < 0.15:
            return self.data(depth)
        if choice < 0.22:
            return self.some(lambda: self.expression(depth - 1), 0, 4)
        if choice < 0.32:
            return ['$', '/' + self.random.choice(NAMES) + self.random.choice(['', '', '', '/a', '/0'])]
        if choice < 0.38:
            return ['$input'] + self.some(lambda: self.random.choice(['/a', '/b/c', '/xs', '/xs/1', '/z']), 0, 1)
        if choice < 0.40:
            return ['$inputs']
        if choice < 0.50:
            return self.let(depth)
        if choice < 0.53:
            return self.function(depth)
        if choice < 0.58:
            return ['if'] + self.some(lambda: self.expression(depth - 1), 3, 3)
        if choice < 0.70:
            return self.loop(depth)
        return self.call(depth)


def answers(program, requests):
    """The answers as text without their ids; a request without one is missing."""
    run = subprocess.run([program], input='\n'.join(requests).encode() + b'\n', stdout=subprocess.PIPE, check=False)
    out = {}
    for line in run.stdout.decode().split('\n')[:-1]:
        head, _, rest = line.partition(',')
        if rest.startswith('"error"'):
            rest = json.loads('{' + rest)['error']
        out[head] = rest
    return [out.get(f'{{"id":{i}') for i in range(len(requests))]


def main():
    program = sys.argv[1]
    seed, count = (int(text) for text in (sys.argv[2:] + ['1', '4000'][len(sys.argv) - 2:])[:2])
    scripts = Scripts(seed)
    asked = []
    for _ in range(count):
        script = scripts.expression(scripts.random.randint(1, 7))
        asked += [script] + [place(script) for place in PLACES]
    got = answers(program, [json.dumps({'id': i, 'script': script, 'inputs_text': INPUTS})
                            for i, script in enumerate(asked)])
    step = len(PLACES) + 1
    failures = [i for i in range(0, len(asked), step) if got[i] is None or len(set(got[i:i + step])) > 1]
    for i in failures[:3]:
        print('script', json.dumps(asked[i]))
        for k in range(step):
            print('   ', json.dumps(asked[i + k])[:60], '→', got[i + k])
    values = sum(text is not None and text.startswith('"value"') for text in got[::step])
    print(f'{count} scripts in {step} places each, seed {seed}: {values} gave a value, {len(failures)} failed')
    if values < count // 5:
        print('too few scripts mean anything')
    return 1 if failures or values < count // 5 else 0


if __name__ == '__main__':
    sys.exit(main())
