"""kafkajs, a Kafka client written without Kafka's code, as a reader of segments; from npm, once, into the user's
cache. Unavailable says why it is not there."""
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ('kafkajs@2.2.4', 'lz4js@0.2.0', 'fzstd@0.1.1')


class Unavailable(Exception):
    """The message says why."""


def modules():
    cache = os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache'))
    folder = os.path.join(cache, 'colloquium', 'kafkajs-2.2.4')
    if os.path.isdir(folder):
        return folder
    for program in ('node', 'npm'):
        if shutil.which(program) is None:
            raise Unavailable(f'{program} is not installed')
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as work:
        fetched = subprocess.run(['npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefix', f'{work}/made',
                                  *PACKAGES], capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            raise Unavailable(f'npm: {(fetched.stdout + fetched.stderr)[-400:]}')
        if not os.path.isdir(folder):
            os.rename(f'{work}/made', folder)
    return folder


def values(segment):
    done = subprocess.run(['node', f'{HERE}/kafkajs.mjs', modules(), str(segment)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f'kafkajs: {done.stderr[-2000:]}')
    return done.stdout.splitlines()
