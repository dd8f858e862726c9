#!/usr/bin/env python3
"""Makes data directories to be kept of what make.py leaves out: what is encrypted, compacted, cut by retention, and
numbered by its producers.

  make_more.py BINARY FOLDER      FOLDER gets NAME/ (a data directory), NAME.yaml and NAME.sum of each

NAME.sum is the SHA-256 of what `log cat` shows. Run it when a version is released whose format differs from the newest
one here, and never again for an old one. Texts repeat themselves, so that a repository holds little of them.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'acceptance'))
from harness import Instance, binary, request, wait_for  # noqa: E402
from make import keep, wait_for_commits  # noqa: E402

KEY = '5a' * 32
PIPELINES = {
    'encrypted': 'log: {encryption: {key_file: log.key}, compression: zstd}\n',
    'numbered': 'log: {compression: lz4}\n',
    'compacted': 'log: {compression: none, partitions: 1, partition_by: ["$input", "/key"], retention: {size: 8MiB},\n'
                 '      compaction: {}}\n',
    'cut': 'log: {compression: none, partitions: 1, retention: {size: 2MiB}}\n',
}
DEDUPE = {'numbered': ',\n           dedupe: {key: ["$input", "/key"], sequence: ["$input", "/turn"], window: 87600h}'}
LARGE = ('compacted', 'cut')


def event(name, n):
    made = {'n': n, 'key': f'k{n % 3}', 'turn': n // 3}
    if name in LARGE:
        made['text'] = f'{n} of many; ' * 8000
    return json.dumps(made, separators=(',', ':'))


def pipeline(name):
    return (f'name: {name}\n{PIPELINES[name]}sources: [{{name: hook, http: {{path: /in}}{DEDUPE.get(name, "")}}}]\n'
            'sinks: [{name: all, stdout: {}}]\n')


def cat(name, work):
    keys = ['--key-file', 'log.key'] if name == 'encrypted' else []
    done = subprocess.run([binary(), 'log', 'cat', name, '--data-dir', 'data', *keys], cwd=work, capture_output=True,
                          check=True)
    return done.stdout


def is_done(name, work, instance):
    partition = work / 'data' / 'streams' / name / '0'
    if name == 'compacted':
        return instance.metric('colloquium_log_compacted_segments_total') >= 3
    return name != 'cut' or (partition / 'oldest').exists()


def main():
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name in PIPELINES:
        with tempfile.TemporaryDirectory() as work:
            work = pathlib.Path(work)
            (work / 'p.yaml').write_text(pipeline(name))
            (work / 'log.key').write_text(KEY + '\n')
            (work / 'log.key').chmod(0o600)
            instance = Instance('p.yaml', work)
            for n in range(60 if name in LARGE else 30):
                status, _, body = request(instance.listen, 'POST', '/in', event(name, n))
                assert status == 200, body
            wait_for_commits(instance)
            wait_for(lambda: is_done(name, work, instance), f'{name} to be so', seconds=120)
            assert instance.stop() == 0
            (folder / f'{name}.sum').write_text(hashlib.sha256(cat(name, work)).hexdigest() + '\n')
            (folder / f'{name}.yaml').write_text(pipeline(name))
            keep(work, folder / name)


if __name__ == '__main__':
    main()
