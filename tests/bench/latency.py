"""From HTTP to HTTP: how long an event takes from when it was due to be posted until it is at the receiver, at half of
what the pipeline can do. Bento with the same pipeline at half of what it can do, and the probe against itself."""
import json
import os
import subprocess

from contest import Contest
from measure import Failed, Running, cpu_sets, fresh, free_port, listens, load_note, run, start, table

EVENT_BYTES = 500
CONNECTIONS = 256
SHARE = 0.5
COLUMNS = [('program', None), ('', None), ('capacity k/s', ',.1f'), ('at k/s', ',.1f'), ('p50 ms', '.2f'),
           ('p95 ms', '.2f'), ('p99 ms', '.2f'), ('p99.9 ms', '.2f'), ('max ms', ',.1f'), ('goal p95', None),
           ('sent late p99', '.2f'), ('events/request', ',.1f'), ('CPU us/event', ',.1f')]
NAMES = ('program', 'how', 'capacity_k_s', 'rate_k_s', 'p50_ms', 'p95_ms', 'p99_ms', 'p999_ms', 'max_ms', 'goal_p95',
         'sent_late_p99_ms', 'events_per_request', 'cpu_us_event')
GOALS = {'log: off': '< 10', 'log: {ack: written}': '< 10', 'log: {ack: durable}': '< 25'}

PIPELINE = """
name: bench
log: {log}
sources:
  - http: {{path: /in}}
stages:
  - filter: [">=", ["$input", "/n"], 0]
sinks:
  - http: {{url: "http://127.0.0.1:{port}/out", format: ndjson, batch: {{events: 500, join: true}}}}
"""

BENTO = """
input:
  http_server: {{address: "127.0.0.1:{listen}", path: /in}}
pipeline:
  processors:
    - mapping: root = if this.n < 0 {{ deleted() }}
output:
  http_client:
    url: "http://127.0.0.1:{port}/out"
    verb: POST
    headers: {{Content-Type: application/x-ndjson}}
    max_in_flight: 64
    batching: {{count: 500, period: 1ms, processors: [{{archive: {{format: lines}}}}]}}
"""


class Latency:
    def __init__(self, options):
        self.options = options
        self.seconds = 5 if options.quick else 10
        self.rounds = 1 if options.quick else options.repeat
        self.sent = 0
        self.events = os.path.join(options.folder, 'latency.ndjson')
        with open(self.events, 'wb') as out:
            run([f'{options.programs}/make_events', '5000', '17', '--bytes', str(EVENT_BYTES - 15)], stdout=out)

    def probe(self, how, listen, to, events, *rate):
        """What the probe says; it has a core of its own where there is more than one."""
        command = [f'{self.options.programs}/http_probe', how, str(listen), str(to), self.events, str(events),
                   str(CONNECTIONS), *map(str, rate)]
        process = start(command, cpu_sets()[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said, complaint = process.communicate()
        if process.returncode != 0:
            raise Failed(complaint.strip())
        got = json.loads(said)
        if got['refused']:
            raise Failed(f'{got["refused"]} of {events} events were refused')
        self.sent += events
        return got

    def flood(self, listen, to):
        """Events a second from the first that is sent to the last that arrives; the first run warms up and says how
        many make up some seconds."""
        warm = self.probe('flood', listen, to, 5000)
        return self.probe('flood', listen, to, max(5000, int(warm['events_s'] * self.seconds / 2)))['events_s']

    def steady(self, listen, to, rate):
        """The middle one of several, by what the goals are for."""
        events = max(1000, int(rate * self.seconds))
        got = [self.probe('steady', listen, to, events, rate) for _ in range(self.rounds)]
        return sorted(got, key=lambda one: one['p95_ms'])[len(got) // 2]

    def row(self, name, how, command):
        port, listen = free_port(), free_port()
        folder = fresh(os.path.join(self.options.folder, 'work'))
        names = {'port': port, 'listen': listen}
        before = self.sent
        with Running(name, command(folder, names), folder, cpu_sets()[0]) as serving:
            serving.wait(lambda: listens(listen), 30)
            try:
                capacity = self.flood(port, listen)
                got = self.steady(port, listen, capacity * SHARE)
            except Failed as why:
                serving.fail(f'did not pass everything on ({why})')
        cpu_us = serving.cpu_seconds / (self.sent - before) * 1e6
        return (*self.figures(name, how, capacity, capacity * SHARE, got), cpu_us)

    def alone(self, rate):
        """The probe posts to its own receiver: what it and the machine take by themselves."""
        port = free_port()
        return (*self.figures('the probe itself', '', None, rate, self.steady(port, port, rate)), None)

    def figures(self, name, how, capacity, rate, got):
        return (name, how, capacity / 1e3 if capacity else None, rate / 1e3,
                *(got[f'{which}_ms'] for which in ('p50', 'p95', 'p99', 'p999', 'max')), GOALS.get(how),
                got['late_p99_ms'], got['events'] / got['requests'])


def measure(options):
    latency = Latency(options)
    contest = Contest(options)
    for how in GOALS:
        contest.add_colloquium(how, PIPELINE, how, log=how.removeprefix('log: '))
    contest.add_bento('', BENTO, '')
    rows = [latency.row(*key, command) for key, command in contest.commands.items()]
    if rows:
        rows.append(latency.alone(rows[0][3] * 1e3))
    serving, probing = cpu_sets()
    table(f'Latency from HTTP to HTTP at {SHARE:.0%} of capacity, events of {EVENT_BYTES} bytes, one per request',
          [f'Pipeline on core {" ".join(map(str, serving))}, sender and receiver, one process, on '
           f'{" ".join(map(str, probing))}. Each event is due at a fixed time, whatever was answered before; it takes '
           f'from then until its batch is at the receiver. Capacity: {CONNECTIONS} connections post as soon as they are '
           'answered, events from the first sent to the last received.',
           f'The middle, by p95, of runs of {latency.seconds} s: {latency.rounds}.',
           '"sent late" is how long after it was due an event was written to its socket. CPU time is of all that was '
           'sent. ' + load_note(), *contest.notes],
          COLUMNS, rows)
    return {'latency': [dict(zip(NAMES, row)) for row in rows]}
