#!/usr/bin/env python3
"""Writes the seeds of a fuzz target, from the conformance files: one file a text.

  seeds.py script|sugar|choices FOLDER FILE.jsonl…

`script`: JSON scripts, each with its input on a second line. `sugar`: sugar texts. `choices`: random bytes.
"""
import hashlib
import json
import os
import random
import sys


def texts_of(kind, vector):
    def text(value):
        return json.dumps(value, ensure_ascii=False)

    if vector['syntax'] == 'convert':
        sugar = vector['in'] if vector['to'] == 'json' else vector.get('out')
        script = vector['in'] if vector['to'] == 'sugar' else vector.get('out')
        yield sugar if kind == 'sugar' else text(script)
    elif 'script' in vector and vector['syntax'] == kind.replace('script', 'json'):
        inputs = vector.get('inputs') or []
        yield vector['script'] if kind == 'sugar' else '\n'.join([text(vector['script'])] + [text(i) for i in inputs[:1]])


def write(folder, data):
    if 0 < len(data) < 4096:
        with open(os.path.join(folder, hashlib.sha1(data).hexdigest()[:16]), 'wb') as out:
            out.write(data)


def main():
    kind, folder, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    if kind == 'choices':
        chance = random.Random(1)
        for _ in range(400):
            write(folder, chance.randbytes(chance.randrange(20, 400)))
        return
    for path in files:
        with open(path, encoding='utf-8') as file:
            for line in file:
                for text in texts_of(kind, json.loads(line)):
                    if isinstance(text, str):
                        write(folder, text.encode('utf-8', 'surrogatepass'))


if __name__ == '__main__':
    main()
