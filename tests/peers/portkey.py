"""Portkey's gateway (@portkey-ai/gateway), as a peer of ours; of npm's registry, in the versions of portkey/package-lock.json,
once, into the user's cache. Unavailable says why it is not there."""
import hashlib
import os

from cache import Unavailable, fetched  # noqa: F401: who measures it catches it by this name

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'portkey')


def modules():
    """The folder in which node_modules is. A newer @hono/node-server than that of the lock breaks its streams."""
    with open(f'{HERE}/package-lock.json', 'rb') as lock:
        digest = hashlib.sha256(lock.read()).hexdigest()[:12]
    install = (f'set -e; mkdir made; cp {HERE}/package.json {HERE}/package-lock.json made; cd made; '
               'npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retry-mintimeout=1000')
    return fetched(f'portkey-{digest}', ('node', 'npm'), lambda work: ['sh', '-c', install])


def command(port):
    return ['node', '--require', f'{HERE}/loopback.cjs', f'{modules()}/node_modules/@portkey-ai/gateway/build/start-server.js',
            f'--port={port}', '--headless']


def headers(upstream):
    """What a request carries, so that it goes to `upstream`, a port of this machine that speaks as OpenAI does."""
    return ['x-portkey-provider: openai', f'x-portkey-custom-host: http://127.0.0.1:{upstream}/v1']
