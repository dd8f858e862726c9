"""kafkajs, a Kafka client written without Kafka's code, as a reader of segments; from npm's registry, once, into the user's
cache. Unavailable says why it is not there."""
import os
import subprocess

from cache import Unavailable, fetched  # noqa: F401: who reads with it catches it by this name

HERE = os.path.dirname(os.path.abspath(__file__))
# They need nothing else, so that no npm is needed either.
PACKAGES = (('kafkajs', '2.2.4'), ('lz4js', '0.2.0'), ('fzstd', '0.1.1'))


def modules():
    fetch = ['set -e']
    for name, version in PACKAGES:
        folder = f'made/node_modules/{name}'
        fetch.append(f'mkdir -p {folder}; curl -sSfL --retry 3 -o {name}.tgz '
                     f'https://registry.npmjs.org/{name}/-/{name}-{version}.tgz; '
                     f'tar -xzf {name}.tgz -C {folder} --strip-components=1')
    return fetched('kafkajs-2.2.4', ('node', 'curl', 'tar'), lambda work: ['sh', '-c', '\n'.join(fetch)])


def values(segment):
    done = subprocess.run(['node', f'{HERE}/kafkajs.mjs', modules(), str(segment)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f'kafkajs: {done.stderr[-2000:]}')
    return done.stdout.splitlines()
