#!/usr/bin/env python3
"""Makes a data directory to be kept: what a version of the program wrote, for later versions to open.

  make.py BINARY FOLDER      FOLDER gets clean/ and crashed/ (data directories), events.ndjson, a pipeline file a codec

Run it when a version is released whose format differs from the newest one here, and never again for an old one.
Four streams, one a codec, each with two partitions, ids and the commits of a sink; crashed/ is what a SIGKILL left.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

CODECS = ('none', 'gzip', 'lz4', 'zstd')
PIPELINE = """name: {codec}
log: {{compression: {codec}, partitions: 2, partition_by: ["$input", "/n"]}}
sources: [{{name: hook, http: {{path: /{codec}}}, dedupe: {{key: ["$input", "/id"], window: 87600h}}}}]
sinks: [{{name: all, stdout: {{}}}}]
"""


def post(port, path, events):
    body = '\n'.join(events).encode()
    request = urllib.request.Request(f'http://127.0.0.1:{port}/{path}', body, {'Content-Type': 'application/x-ndjson'})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def start(binary, work):
    process = subprocess.Popen([binary, 'run', *(f'{codec}.yaml' for codec in CODECS), '--data-dir', 'data', '--listen',
                                '127.0.0.1:7391', '--admin', '127.0.0.1:7392'], cwd=work, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while True:
        try:
            urllib.request.urlopen('http://127.0.0.1:7392/readyz', timeout=1).close()
            return process
        except OSError:
            time.sleep(0.05)


def wait_for_commits():
    while True:
        with urllib.request.urlopen('http://127.0.0.1:7392/metrics', timeout=10) as answer:
            lags = re.findall(r'^colloquium_leg_lag_events{.*} (.*)$', answer.read().decode(), re.MULTILINE)
        if lags and all(float(lag) == 0 for lag in lags):
            return
        time.sleep(0.05)


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True)
    events = [json.dumps({'id': f'e{n}', 'n': n, 'text': 'Zoë ☂ ' * (n % 7)}, ensure_ascii=False, separators=(',', ':'))
              for n in range(60)]
    (folder / 'events.ndjson').write_text(''.join(event + '\n' for event in events), encoding='utf-8')
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for codec in CODECS:
            (work / f'{codec}.yaml').write_text(PIPELINE.format(codec=codec))
            shutil.copy(work / f'{codec}.yaml', folder)
        process = start(binary, work)
        for codec in CODECS:
            for begin in range(0, 40, 10):
                assert post(7391, codec, events[begin:begin + 10])['accepted'] == 10
        wait_for_commits()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        keep(work, folder / 'clean')
        process = start(binary, work)
        for codec in CODECS:
            assert post(7391, codec, events[40:])['accepted'] == 20
        process.kill()
        process.wait()
        keep(work, folder / 'crashed')


def keep(work, target):
    shutil.copytree(work / 'data', target, ignore=shutil.ignore_patterns('LOCK'))


if __name__ == '__main__':
    main()
