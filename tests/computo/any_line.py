#!/usr/bin/env python3
"""The conformance program answers any line, one answer each, and lives on.

  any_line.py PROGRAM FILE.jsonl… [--seed N] [--count N]

Lines are random bytes, requests of the files cut off, damaged or with members of other types, and a few that are huge or nest
deeply. Whatever a line holds, the answer is one JSON object with a value, an output or an error, and no way of evaluating
gives another answer than the others.
"""
import argparse
import base64
import json
import random
import subprocess
import sys

ODD = [None, True, 0, -1.5, '', 'x', '=', [], [[]], {}, {'a': 1}, 'convert', 'sugar', 'permuto.apply']


def damaged(chance, line):
    choice = chance.randrange(5)
    if choice == 0:
        return line[:chance.randrange(len(line))]
    if choice == 1:
        at = chance.randrange(len(line))
        return line[:at] + bytes([chance.randrange(256)]) + line[at + 1:]
    request = json.loads(line)
    if choice == 2:
        request[chance.choice(list(request))] = chance.choice(ODD)
    if choice == 3:
        request.setdefault('options', {})[chance.choice(['array_key', 'permuto'])] = chance.choice(ODD)
    if choice == 4:
        name = chance.choice(['script', 'in'])
        request.pop(name, None)
        request[name + '_b64'] = base64.b64encode(chance.randbytes(chance.randrange(40))).decode()
        request['syntax'] = chance.choice(['json', 'sugar', 'convert'])
    return json.dumps(request).encode()


def huge():
    yield b'[' * 1_000_000
    yield b'{"id":1,"script":' + b'[' * 3000 + b']' * 3000 + b'}'
    yield b'{"id":1,"script":"' + b'x' * 10_000_000 + b'"}'
    yield b'{"id":1,"syntax":"sugar","script":"' + b'(' * 1_000_000 + b'"}'
    yield b'{"id":1,"script":null,"inputs":[' + b'0,' * 1_000_000 + b'0]}'
    yield b'{"id":1,"script_text":"' + b'[\\"-\\",' * 1_000_000 + b'"}'
    yield b'x' * (65 << 20)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('program')
    parser.add_argument('files', nargs='+')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=20000)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    requests = [line for path in options.files for line in open(path, 'rb').read().splitlines()]
    lines = list(huge()) + [b'', b' ', b'null', b'[]', b'"id"', b'{}']
    lines += [damaged(chance, chance.choice(requests)) for _ in range(options.count)]
    lines += [chance.randbytes(chance.randrange(1, 200)) for _ in range(options.count // 10)]
    lines = [line.replace(b'\n', b' ') for line in lines]
    run = subprocess.run([options.program], input=b'\n'.join(lines) + b'\n', stdout=subprocess.PIPE, check=False)
    answers = run.stdout.decode().split('\n')[:-1]
    errors = 0
    for line, answer in zip(lines, answers):
        answer = json.loads(answer)
        errors += 'error' in answer
        if answer.get('error') == 'ways_disagree' or len({'value', 'out', 'error'} & answer.keys()) != 1:
            print('FAIL', line[:300], answer)
            return 1
    print(f'{len(lines)} lines, seed {options.seed}: {len(answers)} answers, {errors} of them errors, '
          f'status {run.returncode}')
    return 0 if len(answers) == len(lines) and run.returncode == 0 and errors > options.count // 10 else 1


if __name__ == '__main__':
    sys.setrecursionlimit(100000)
    sys.exit(main())
