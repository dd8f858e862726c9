"""kafkajs, a Kafka client written without Kafka's code, as a reader of segments; from npm, once, into the user's
cache. Unavailable says why it is not there."""
import os
import subprocess

from cache import Unavailable, fetched  # noqa: F401: who reads with it catches it by this name

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ('kafkajs@2.2.4', 'lz4js@0.2.0', 'fzstd@0.1.1')


def modules():
    return fetched('kafkajs-2.2.4', ('node', 'npm'), lambda work: [
        'npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefix', f'{work}/made', *PACKAGES])


def values(segment):
    done = subprocess.run(['node', f'{HERE}/kafkajs.mjs', modules(), str(segment)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f'kafkajs: {done.stderr[-2000:]}')
    return done.stdout.splitlines()
