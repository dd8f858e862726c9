#!/usr/bin/env python3
"""Writes the seeds of a fuzz target, from the conformance files: one file a text.

  seeds.py script|sugar|choices|log|formats|aws FOLDER FILE.jsonl…

`script`: JSON scripts, each with its input on a second line. `sugar`: sugar texts. `choices`: random bytes. `log`:
for every reader of log_fuzz.cc, by its number in the first byte, something like what it reads. `formats`: the same
of formats_fuzz.cc. `aws`: messages of an event stream, and the parts of one, for aws_fuzz.cc.
"""
import gzip
import hashlib
import json
import os
import random
import sys
import zlib


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


# The worked example of docs/internals/log-format.md.
BATCH = bytes.fromhex(
    '000000000000000000000064000000000 2cdfde8f6000800000000 0000018bcfe567f60000018bcfe56800ffffffffffffffffffffffffffff'
    '00000001 64000000026b107b226964223a377d0212 63712e616363657074 3001 08686f6f6b 00 02 11111111111111112222222222222222'
    .replace(' ', ''))
SIDE_FILES = ['epoch 0 0\nepoch 3 17', 'partitions 2\ntag abcdefgh\npartitioner murmur2', 'gap 3 7 lost',
              'offsets 0 5\nsize 400\ncrc32c-of-file 1\ntimes 1 2\nepochs 0 0\nsource hook % 0 1',
              'partition in 0 5 1 1 0 400 1 1 0 1 0 0\nsource in 0 hook % 0 1',
              'offset 5\ntime 1700000000000\nsource hook % 0 1',
              'tag abcdefgh\ntime 1700000000000\nkey k1 2\npartition in 0 0 5\nfile streams/in/meta 40 1',
              'quarantine q\nsegment in 0 0 400 1\nstretch 0 61 torn\ngap in 0 3 7 lost\njournal 0 1 2',
              'offsets 0 5\nevents-end 5\nsize 400\ncrc32c-of-file 1\ntimes 1 2\nepochs 0 0\ncompacted 1 5 2 9',
              'segment 0\nuuid ' + '0f' * 16 + '\ncipher aes-256-gcm\nkey k1 ' + '0a' * 60 + '\nolder ' + '0f' * 16
              + ' k1 ' + '0a' * 60]


def log_seeds():
    yield b'\0' + BATCH
    yield b'\1' + gzip.compress(b'{"n":1}' * 100)
    yield b'\1' + gzip.compress(bytes(1 << 21))
    yield b'\2' + b'\1' + b'\x0ap/leg' + bytes(8)
    for text in SIDE_FILES:
        yield b'\3' + text.encode()
    yield b'\4' + BATCH + BATCH + bytes(48)
    yield b'\5' + BATCH
    yield b'\6' + b'CQCKPT\0\1' + bytes(4) + b'ids'


TEXTS = ['a,b\n1,"x, ""y\"\"\n2,3\n', '1.5;{"n":[1]}\n;null\n', 'a,b\n007,true\n,\n', 'one\r\ntwo\n\nthree',
         'any \x00 bytes', 'level=info msg="it \\"is\\"" n=1 flag\n', '<34>1 2003-10-11T22:14:15.003Z host app 1 ID47 '
         '[a@1 k="v\\]"] message\n<13>Oct 11 22:14:15 host su: it failed\n', '1 first\n more\n2 second\n',
         '<13>Oct 11 22:14:15 host app[7]: trace\n  at x\n<14>Oct  1 00:00:00 h a: b\n']


def format_seeds():
    for number, text in enumerate(TEXTS):
        for piece in (0, 6):
            yield bytes([number, piece]) + text.encode()


# Every type of header: its name, its code and its value.
AWS_HEADERS = [b'\4true\0', b'\5false\1', b'\1b\2\xcf', b'\1s\3\0\x2a', b'\1i\4\0\0\xa0\x0c', b'\1l\5' + bytes(8),
               b'\5bytes\6\0\3\0\1\2', b'\x0b:event-type\7\0\x08metadata', b'\4time\x08' + bytes(8),
               b'\4uuid\x09' + bytes(range(16))]


def aws_message(headers, payload):
    lengths = (16 + len(headers) + len(payload)).to_bytes(4, 'big') + len(headers).to_bytes(4, 'big')
    message = lengths + zlib.crc32(lengths).to_bytes(4, 'big') + headers + payload
    return message + zlib.crc32(message).to_bytes(4, 'big')


def aws_seeds():
    for headers in [*AWS_HEADERS, b'', b''.join(AWS_HEADERS)]:
        message = aws_message(headers, b'{}')
        yield bytes([7, 0]) + message
        yield bytes([0, 0]) + message + aws_message(b'', b'') + message
        yield bytes([30, len(headers)]) + headers + b'{}'


SEEDS = {'log': log_seeds, 'formats': format_seeds, 'aws': aws_seeds}


def main():
    kind, folder, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    if kind in SEEDS:
        for seed in SEEDS[kind]():
            write(folder, seed)
        return
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
