"""Runs the fake of AI providers for a test, as a process of its own, and asks it things."""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class FakeAi:
    """`script` as in fake_ai/README.md. `url` is where all providers are."""

    def __init__(self, script=None, arguments=()):
        self.log = tempfile.TemporaryFile()
        with tempfile.NamedTemporaryFile('w', suffix='.json') as rules:
            json.dump(script or {}, rules)
            rules.flush()
            self.process = subprocess.Popen(
                [sys.executable, os.path.join(HERE, 'fake_ai'), '--until-stdin-ends', '--script', rules.name, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
            line = self.process.stdout.readline().decode()
        match = re.search(r'listening on [^ ]*:(\d+), control on [^ ]*:(\d+)', line)
        if match is None:
            self.process.wait()
            raise RuntimeError(f'the fake did not start: {line}{self.complaints()}')
        self.port, self.control = int(match[1]), int(match[2])
        self.url = f'http://127.0.0.1:{self.port}'

    def complaints(self):
        self.log.seek(0)
        return self.log.read().decode(errors='replace')

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.control, timeout=30)
        try:
            connection.request(method, f'/fake/{path}', None if body is None else json.dumps(body))
            answer = connection.getresponse()
            value = json.loads(answer.read())
            if answer.status != 200:
                raise ValueError(f'{method} /fake/{path}: {value}')
            return value
        finally:
            connection.close()

    def fault(self, kind, **more):
        """The next call has this fault; `times`, `skip`, `provider`, `match` … say otherwise."""
        self.ask('POST', 'faults', {'kind': kind, **more})

    def clear_faults(self):
        self.ask('DELETE', 'faults')

    def rules(self, *rules, **more):
        self.ask('POST', 'script', {'rules': rules, **more})

    def release(self, count=None):
        return self.ask('POST', 'release', {} if count is None else {'count': count})['released']

    def listen(self, wanted):
        self.ask('POST', 'listen', {'open': wanted})

    def ledger(self, since=0):
        return self.ask('GET', f'ledger?since={since}')

    def counters(self):
        return self.ask('GET', 'counters')

    def requests(self, since=0):
        return self.ask('GET', f'requests?since={since}')['requests']

    def reset(self):
        self.ask('POST', 'reset')

    def wait_for(self, name, count, seconds=20):
        """Until that counter is at least so much."""
        deadline = time.monotonic() + seconds
        while self.counters().get(name, 0) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f'{name} stays below {count}: {self.counters()}')
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        complaints = self.complaints()
        self.log.close()
        if complaints and kind is None:
            raise AssertionError(f'the fake complained: {complaints}')
