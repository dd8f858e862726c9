"""The official clients of AI providers, and aimock, a fake of them that is not ours: of npm's registry, in the versions of
ai_sdk/package-lock.json, once, into the user's cache. Unavailable says why they are not there."""
import hashlib
import json
import os
import re
import subprocess
import tempfile

from cache import Unavailable, fetched  # noqa: F401: who uses them catches it by this name

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ai_sdk')
SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'  # of Amazon's own examples
FIXTURES_TOLD = 'fixtures'


def modules():
    """The folder in which node_modules is."""
    with open(f'{HERE}/package-lock.json', 'rb') as lock:
        digest = hashlib.sha256(lock.read()).hexdigest()[:12]
    install = (f'set -e; mkdir made; cp {HERE}/package.json {HERE}/package-lock.json made; cd made; '
               'npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retry-mintimeout=1000')
    return fetched(f'ai-sdk-{digest}', ('node', 'npm'), lambda work: ['sh', '-c', install])


def drive(url, *groups, control=None, timeout=120, **options):
    """Runs the driver's groups of checks against what is at `url`: rows of {"check", "failed"?}."""
    said = {'url': url, 'control': control, 'key': 'fake-key', 'secret': SECRET, 'groups': groups, **options}
    return _rows('drive.mjs', [json.dumps(said)], timeout)


def drive_gateway(base_url, dialect, timeout=120, **options):
    """The same for a gateway that speaks a dialect; `control`, `key`, `model`, `only` and `beside` as in gateway.mjs."""
    more = [text for name, value in options.items() for text in (f'--{name}', value)]
    return _rows('gateway.mjs', ['--base-url', base_url, '--dialect', dialect, *more], timeout)


def _rows(script, arguments, timeout):
    done = subprocess.run(['node', '--no-warnings', f'{HERE}/{script}', modules(), *arguments], capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f'the driver: {done.stdout[-1000:]}{done.stderr[-3000:]}')
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]


class AiMock:
    """aimock, with fixtures of its own kind; without any, those that the driver's happy paths need."""

    def __init__(self, fixtures=None):
        fixtures = fixtures or drive('', FIXTURES_TOLD)[0]
        self.script = tempfile.NamedTemporaryFile('w', suffix='.json')
        json.dump(fixtures, self.script)
        self.script.flush()
        self.process = subprocess.Popen(
            ['node', f'{modules()}/node_modules/@copilotkit/aimock/dist/cli.js', '-p', '0', '-f', self.script.name, '-c', '5'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = ''
        for line in self.process.stdout:
            told += line
            match = re.search(r'http://127\.0\.0\.1:(\d+)', line)
            if match:
                self.url = match[0]
                return
        raise RuntimeError(f'aimock did not start: {told}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
        self.script.close()
