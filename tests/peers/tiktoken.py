"""tiktoken, OpenAI's tokenizer as Rust compiled to WebAssembly, of npm's registry: once, into the user's cache.
Unavailable says why it is not there."""
import json
import os
import subprocess

from cache import Unavailable, fetched  # noqa: F401: who counts with it catches it by this name

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = '1.0.22'
SHA256 = '55c339e756fdb17604f7c7e3eb35d2bcbffe4d960e8096e50285d1cefa51dd90'  # of the package, which needs no other


def modules():
    fetch = (f'set -e; curl -sSfL --retry 3 -o t.tgz https://registry.npmjs.org/tiktoken/-/tiktoken-{VERSION}.tgz; '
             f'echo "{SHA256}  t.tgz" | sha256sum -c; folder=made/node_modules/tiktoken; mkdir -p $folder; '
             'tar -xzf t.tgz -C $folder --strip-components=1')
    return fetched(f'tiktoken-{VERSION}', ('node', 'curl', 'tar', 'sha256sum'), lambda work: ['sh', '-c', fetch])


def _run(arguments, stdin):
    done = subprocess.run(['node', f'{HERE}/tiktoken.mjs', modules(), *arguments], input=stdin, capture_output=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f'tiktoken: {done.stderr.decode()[-2000:]}')
    return done.stdout


def ids(encoding, lines):
    """For each line, a JSON string, its ids as a JSON array."""
    return _run(['ids', encoding], lines).decode().splitlines()


def matching(patterns):
    """For each pattern, which code points its regular expressions find."""
    return json.loads(_run(['matching', json.dumps(patterns)], b''))
