#!/usr/bin/env python3
"""Makes the ranks of o200k_base and cl100k_base, o200k_base.ranks.zst and cl100k_base.ranks.zst, beside this script.

  make_ranks.py PACKAGE     the unpacked npm package tiktoken 1.0.22; needs the program zstd

A file is, compressed: the length of each token, one byte each, in the order of ranks, then the bytes of all of them in
the same order. Lengths and bytes apart take a twentieth less than mixed.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys

# SHA-256 of the files that OpenAI publishes: a line for each token, its base64 and its rank.
PUBLISHED = {
    'o200k_base': '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
    'cl100k_base': '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
}


def tokens(package, name):
    """The bytes of each token, by rank; exits if they are not the published ones."""
    with open(os.path.join(package, 'encoders', f'{name}.json'), encoding='utf-8') as file:
        mark, first, *encoded = json.load(file)['bpe_ranks'].split(' ')
    published = ''.join(f'{token} {rank}\n' for rank, token in enumerate(encoded))
    if (mark, first) != ('!', '0') or hashlib.sha256(published.encode()).hexdigest() != PUBLISHED[name]:
        sys.exit(f'{name}: these are not the ranks that OpenAI publishes')
    return [base64.b64decode(token) for token in encoded]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name in PUBLISHED:
        ranked = tokens(sys.argv[1], name)
        packed = bytes(len(token) for token in ranked) + b''.join(ranked)
        out = os.path.join(os.path.dirname(os.path.abspath(__file__)), f'{name}.ranks.zst')
        subprocess.run(['zstd', '-q', '-f', '-19', f'--stream-size={len(packed)}', '-o', out], input=packed, check=True)
        print(f'{name}: {len(ranked)} tokens, {len(packed)} bytes, {os.path.getsize(out)} compressed')


if __name__ == '__main__':
    main()
