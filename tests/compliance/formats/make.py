#!/usr/bin/env python3
"""Makes a data directory to be kept: what a version of the program wrote, for later versions to open.

  make.py BINARY FOLDER      FOLDER gets clean/ and crashed/ (data directories), events.ndjson, a pipeline file a codec

Run it when a version is released whose format differs from the newest one here, and never again for an old one.
Four streams, one a codec, each with two partitions, ids and the commits of a sink; crashed/ is what a SIGKILL left.
"""
import json
import pathlib
import shutil
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'acceptance'))
from harness import Instance, wait_for  # noqa: E402

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


def start(work):
    first, *others = (f'{codec}.yaml' for codec in CODECS)
    return Instance(first, work, arguments=others)


def wait_for_commits(instance):
    wait_for(lambda: instance.metric('colloquium_leg_lag_events') == 0, 'every sink to have everything')


def main():
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True)
    events = [json.dumps({'id': f'e{n}', 'n': n, 'text': 'Zoë ☂ ' * (n % 7)}, ensure_ascii=False, separators=(',', ':'))
              for n in range(60)]
    (folder / 'events.ndjson').write_text(''.join(event + '\n' for event in events), encoding='utf-8')
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for codec in CODECS:
            (work / f'{codec}.yaml').write_text(PIPELINE.format(codec=codec))
            shutil.copy(work / f'{codec}.yaml', folder)
        instance = start(work)
        for codec in CODECS:
            for begin in range(0, 40, 10):
                assert post(instance.listen, codec, events[begin:begin + 10])['accepted'] == 10
        wait_for_commits(instance)
        assert instance.stop() == 0
        keep(work, folder / 'clean')
        instance = start(work)
        for codec in CODECS:
            assert post(instance.listen, codec, events[40:])['accepted'] == 20
        instance.kill()
        keep(work, folder / 'crashed')


def keep(work, target):
    shutil.copytree(work / 'data', target, ignore=shutil.ignore_patterns('LOCK', 'BALLAST'))


if __name__ == '__main__':
    main()
