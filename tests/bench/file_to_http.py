"""From a file to HTTP in batches, beside a bare libcurl loop that reads lines and posts as many of them to the same
receiver, and beside Bento with the same pipeline."""
import json
import os
import signal
import subprocess

from contest import COLUMNS, NAMES, Contest, Result
from measure import Failed, Running, fresh, free_port, run, table
import rsyslog  # contest knows where

EVENT_BYTES = 500
BATCH = 500
UNDER_WAY = 16
ORDERED, UNORDERED = 'one request at a time', f'{UNDER_WAY} requests at a time'

PIPELINE = """
name: bench
log: {log}
sources:
  - file: "{file}"
stages:
  - filter: [">=", ["$input", "/total"], 0]
sinks:
  - http: {{url: "http://127.0.0.1:{port}/in", format: ndjson, batch: {{events: {batch}}}, order: {order}}}
"""

BENTO = """
input:
  file: {{paths: ["{file}"], scanner: {{lines: {{}}}}}}
buffer: {{none: {{}}}}
pipeline:
  processors:
    - mapping: root = if this.total < 0 {{ deleted() }}
output:
  http_client:
    url: "http://127.0.0.1:{port}/in"
    verb: POST
    headers: {{Content-Type: application/x-ndjson}}
    max_in_flight: {under_way}
    batching: {{count: {batch}, period: 100ms, processors: [{{archive: {{format: lines}}}}]}}
"""


class Posts:
    def __init__(self, options, count):
        self.options = options
        self.count = count
        self.file = os.path.join(options.folder, 'http.ndjson')
        with open(self.file, 'wb') as out:
            run([f'{options.programs}/make_events', str(count), '13', '--bytes', str(EVENT_BYTES)], stdout=out)

    def loop(self, under_way):
        return lambda _, names: [f'{self.options.programs}/bare_curl', self.file,
                                 f'http://127.0.0.1:{names["port"]}/in', str(BATCH), str(under_way)]

    def measure(self, name, command):
        port = free_port()
        folder = fresh(os.path.join(self.options.folder, 'work'))
        receiver = subprocess.Popen([f'{self.options.programs}/http_probe', 'receive', str(port)],
                                    stdout=subprocess.PIPE)
        try:
            names = {'file': self.file, 'port': port, 'batch': BATCH}
            with Running(name, command(folder, names), folder) as posting:
                posting.wait(lambda: posting.ended() is not None, 600, ends=True)
        finally:
            receiver.send_signal(signal.SIGTERM)
            said = receiver.communicate()[0]
        came = json.loads(said)
        if came['events'] != self.count:
            raise Failed(f'{name} posted {came["events"]} events of {self.count}')
        return Result(came['timed'] / came['seconds'], posting.cpu_seconds / self.count * 1e6)


def measure(options):
    posts = Posts(options, 200_000 if options.quick else 1_000_000)
    contest = Contest(options)
    for how, under_way, order in ((ORDERED, 1, 'partition'), (UNORDERED, UNDER_WAY, 'none')):
        contest.add('bare', how, posts.loop(under_way), how)
        for log in ('off', '{ack: durable}'):
            contest.add_colloquium(f'{how}, log: {log}', PIPELINE, how, log=log, order=order)
        contest.add_bento(how, BENTO, how, under_way=under_way)
    try:
        rsyslog.program('imfile', 'omhttp')
        contest.notes.append('rsyslog: skipped, its omhttp is not measured here')
    except rsyslog.Unavailable as why:
        contest.notes.append(f'rsyslog: skipped, {why}')
    rows = contest.rows(posts.measure)
    table(f'From a file to HTTP, {posts.count:,d} events of {EVENT_BYTES} bytes, {BATCH} a request',
          contest.all_notes('From the first request to the last at a receiver on the same cores. The bare loop on '
                            'libcurl posts lines; the others read the JSON and filter by a member.'), COLUMNS, rows)
    os.remove(posts.file)
    return {'file_to_http': [dict(zip(NAMES, row)) for row in rows]}
