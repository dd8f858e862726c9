"""Calls of models through the gateway, beside the same calls to the provider itself, and beside Portkey's gateway and
litellm's proxy before the same provider: what each adds to a call, how many streams it holds, how fast answers are read."""
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile

from measure import (HERE, Failed, Running, Sampler, cpu_sets, fdatasync, free_port, fresh, listens, load_note, median, peak_rss_mb,
                     ratio, start, table)

sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'peers'))
import litellm_proxy  # noqa: E402
import portkey  # noqa: E402

MODEL = 'gpt-4o-mini'
CONNECTIONS = 64
RATE, SHARE = 5000, 0.6  # calls a second, but no more than this of what a gateway can do
SMALL, LARGE = 300, 10_000
TOKENS = 16
STREAM_PAUSE_MS = 5
DIRECT, ON_DISK, IN_MEMORY = 'the provider itself', 'Colloquium, on disk', 'Colloquium, in memory'
COLUMNS = [('program', None), ('', None), ('calls/s', ',.0f'), ('p50 us', ',.0f'), ('p99 us', ',.0f'), ('p99.9 us', ',.0f'),
           ('adds p50', ',.0f'), ('adds p99', ',.0f'), ('x ours p50', '.1f'), ('x ours p99', '.1f'), ('capacity/s', ',.0f'),
           ('RSS MB', ',.0f')]
NAMES = ('program', 'how', 'calls_s', 'p50_us', 'p99_us', 'p999_us', 'adds_p50_us', 'adds_p99_us', 'of_ours_p50', 'of_ours_p99',
         'capacity_s', 'rss_mb')

PIPELINE = """
name: bench
sources:
  - openai_api:
      models: {{{model}: [openai/{model}]}}
      keys: [{{name: bench, key: bench-key}}]
      cache: {{ttl: 1h}}
      max_requests: 20000
ai:
  providers:
    - openai: {{api_key: fake-key, base_url: "http://127.0.0.1:{upstream}/v1"}}
      connections: {connections}
  budgets: [{{name: all, limit: "1000000 USD", window: day, then: dead_letter}}]
  cache: {{ttl: 1h, size: 64MiB}}
  audit: {{retention: {{time: 30d}}}}
sinks: [{{name: out, file: {{path: out.ndjson}}}}]
"""


class Gateway:
    """One of those that are measured: how it is started, what its clients have to say, and where it listens."""

    def __init__(self, name, command=None, headers=lambda upstream: []):
        self.name, self.command, self.headers = name, command, headers
        self.port = self.pid = None  # once it runs


class Calls:
    def __init__(self, options):
        self.options = options
        self.seconds = 2 if options.quick else 5
        self.rounds = 1 if options.quick else options.repeat
        self.memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None

    def load(self, port, kind, rate, calls, body, connections=CONNECTIONS, headers=(), tokens=TOKENS):
        """What ai_load says; it has a core of its own where there is more than one."""
        command = [f'{self.options.programs}/ai_load', port, kind, rate, calls, connections, body, tokens, MODEL, *headers]
        process = start(list(map(str, command)), cpu_sets()[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said, complaint = process.communicate()
        if process.returncode != 0:
            raise Failed(complaint.strip())
        got = json.loads(said)
        if got['wrong']:
            raise Failed(f'{got["wrong"]} of {calls} answers are not what was asked for: {complaint.strip()}')
        return got

    @contextlib.contextmanager
    def upstream(self, tokens=TOKENS, pause_ms=0):
        port = free_port()
        folder = fresh(os.path.join(self.options.folder, f'upstream-{port}'))
        command = [f'{self.options.programs}/ai_upstream', str(port), str(tokens), str(pause_ms)]
        with Running('the provider', command, folder, cpu_sets()[1]) as running:
            running.wait(lambda: listens(port), 10)
            yield port

    def colloquium(self, in_memory, connections=CONNECTIONS):
        def command(folder, listen, upstream):
            with open(f'{folder}/p.yaml', 'w', encoding='utf-8') as out:
                out.write(PIPELINE.format(model=MODEL, upstream=upstream, connections=connections))
            return [self.options.colloquium, 'run', 'p.yaml', '--data-dir', 'data', '--listen', f'127.0.0.1:{listen}',
                    '--admin', '127.0.0.1:0']

        command.in_memory = in_memory
        return command

    @contextlib.contextmanager
    def running(self, gateway, upstream):
        """The gateway, at work: `port` and `pid` are set."""
        with contextlib.ExitStack() as stack:
            if getattr(gateway.command, 'in_memory', False):
                folder = stack.enter_context(tempfile.TemporaryDirectory(dir=self.memory))
            else:
                folder = fresh(os.path.join(self.options.folder, f'work-{free_port()}'))
            gateway.port = free_port()
            running = stack.enter_context(Running(gateway.name, gateway.command(folder, gateway.port, upstream), folder))
            running.wait(lambda: listens(gateway.port), 90)
            gateway.pid = running.process.pid
            yield gateway


def gateways(calls):
    """(those that can be had, notes on those that can't)"""
    found, notes = [], []
    if calls.options.colloquium:
        if calls.memory:
            found.append(Gateway(IN_MEMORY, calls.colloquium(True)))
        found.append(Gateway(ON_DISK, calls.colloquium(False)))
    try:
        portkey.modules()
        found.append(Gateway('Portkey 1.15.2', lambda _, listen, upstream: portkey.command(listen), portkey.headers))
    except portkey.Unavailable as why:
        notes.append(f'Portkey: skipped, {why}')
    try:
        litellm_proxy.program()
        os.environ.update(litellm_proxy.ENVIRONMENT)
        found.append(Gateway('litellm 1.106.2', lambda folder, listen, upstream: litellm_proxy.command(folder, listen, {
            MODEL: {'model': f'openai/{MODEL}', 'api_base': f'http://127.0.0.1:{upstream}/v1', 'api_key': 'fake-key'}},
            cache=True)))
    except litellm_proxy.Unavailable as why:
        notes.append(f'litellm: skipped, {why}')
    return found, notes


class Overheads:
    """Of one kind of call: each gateway at a rate that it sustains, and beside it at the same rate the provider and ours."""

    def __init__(self, calls, upstream, kind, body):
        self.calls, self.kind, self.body = calls, kind, body
        self.direct = Gateway(DIRECT)
        self.direct.port = self.upstream = upstream
        self.prefix = 'first_' if kind == 'stream' else ''
        self.capacities = {}
        self.how = f'{kind}, {body:,d} bytes' + (', first token' if kind == 'stream' else '')

    def load(self, gateway, rate, calls):
        return self.calls.load(gateway.port, self.kind, rate, int(calls), self.body, headers=gateway.headers(self.upstream))

    def capacity(self, gateway):
        """Calls a second where all connections always wait for one."""
        warm = self.load(gateway, 1e6, CONNECTIONS * 2)
        many = min(max(CONNECTIONS * 2, warm['calls_s'] * self.calls.seconds), 50_000)
        return self.load(gateway, 1e6, many)['calls_s']

    def at(self, rate, found):
        """{name: the middle of each figure}; in turns, so that what else the machine does meets all of them."""
        got = {gateway.name: [] for gateway in found}
        for _ in range(self.calls.rounds):
            for gateway in found:
                said = self.load(gateway, rate, max(20, rate * self.calls.seconds))
                got[gateway.name].append(tuple(said[f'{self.prefix}{which}_us'] for which in ('p50', 'p99', 'p999')))
        return {name: tuple(map(median, zip(*runs))) for name, runs in got.items()}

    def rows_at(self, rate, found):
        figures = self.at(rate, [self.direct, *found])
        direct = figures[DIRECT]
        adds = {name: (got[0] - direct[0], got[1] - direct[1]) for name, got in figures.items()}
        ours = adds.get(IN_MEMORY) or adds.get(ON_DISK)
        for gateway in [self.direct, *found]:
            name = gateway.name
            is_peer = name not in (DIRECT, IN_MEMORY, ON_DISK)
            yield (name, self.how, rate, *figures[name], *(adds[name] if name != DIRECT else (None, None)),
                   *((ratio(adds[name][i], ours[i]) if ours and is_peer else None) for i in (0, 1)),
                   self.capacities.get(name), peak_rss_mb(gateway.pid) if gateway.pid else None)

    def rows(self, found):
        for gateway in found:
            self.capacities[gateway.name] = self.capacity(gateway)
        ours = [gateway for gateway in found if gateway.name in (IN_MEMORY, ON_DISK)]
        if ours:
            yield from self.rows_at(self.rate_of(ours), ours)
        for peer in found:
            if peer not in ours:
                yield from self.rows_at(self.rate_of([peer]), [*ours, peer])

    def rate_of(self, found):
        """A stream keeps its connection: no more of them than half of the connections carry."""
        most = CONNECTIONS * 1000 / (2 * TOKENS * STREAM_PAUSE_MS) if self.kind == 'stream' else RATE
        return max(1, int(min([most, *(SHARE * self.capacities[gateway.name] for gateway in found)])))


def overheads(calls):
    found, notes = gateways(calls)
    rows = []
    for kind, pause_ms in (('whole', 0), ('stream', STREAM_PAUSE_MS)):
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(calls.upstream(pause_ms=pause_ms))
            for gateway in found:
                stack.enter_context(calls.running(gateway, upstream))
            for body in (SMALL,) if calls.options.quick else (SMALL, LARGE):
                rows += Overheads(calls, upstream, kind, body).rows(found)
    disk = fdatasync(calls.options)[1]
    table('Calls of a model through a gateway: what it adds to the provider\'s own answer',
          [f'From when each call was due until its answer was whole (of a stream: until its first token), {CONNECTIONS} '
           f'connections; every prompt is another. At {RATE:,d} calls/s, or {SHARE:.0%} of what the gateway can do; streams '
           f'have {TOKENS} tokens, one each {STREAM_PAUSE_MS} ms, and at most half of the connections are busy.',
           'Provider and client on the last core, a gateway wherever it finds room. Colloquium with budget, cache, audit and '
           'records; an answer\'s end waits until it is recorded durably: "on disk" less "in memory" is the sync. ' + disk,
           'litellm with its cache in memory, Portkey without (of streams, it holds back the first token for 25 ms by itself).',
           'Goals: adds p50 <= 150 us, p99 <= 1 ms; peers 10 times as much. ' + load_note(), *notes], COLUMNS, rows)
    return [dict(zip(NAMES, row)) for row in rows]


def slow_streams(calls):
    """So many streams at a time that bring a token a second."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = 1000 if calls.options.quick else 10_000
    streams = min(wanted, (hard - 100) // 2)  # a stream is two sockets of the gateway
    tokens = 6 if calls.options.quick else 25
    ramp = streams / 5 if calls.options.quick else streams / 10
    gateway = Gateway(ON_DISK, calls.colloquium(False, connections=10_000))
    with calls.upstream(tokens, 1000) as upstream, calls.running(gateway, upstream):
        sampler = Sampler(gateway.pid)
        got = calls.load(gateway.port, 'stream', ramp, streams, SMALL, connections=streams, tokens=tokens)
        sampler.stop()
        most = max(value for _, value in sampler.samples)
    if got['most_under_way'] < streams:
        raise Failed(f'only {got["most_under_way"]} of {streams} streams were under way at a time')
    limit = '' if streams == wanted else f' (not {wanted:,d}: no more than {hard:,d} files may be open here)'
    table('Slow streams at a time', [f'{streams:,d} streams{limit} of {tokens} tokens, one a second; all were right. Goal: 10,000 in '
                                     'less than 1 GB. ' + load_note()],
          [('streams', ',d'), ('RSS MB', ',.0f'), ('first token p50 ms', ',.1f'), ('p99 ms', ',.1f')],
          [(streams, most, got['first_p50_us'] / 1e3, got['first_p99_us'] / 1e3)])
    return {'streams': streams, 'rss_mb': most, 'first_p99_us': got['first_p99_us']}


def decoding(calls):
    said = subprocess.run([f'{calls.options.programs}/ai_stream_bench', '0.5' if calls.options.quick else '2'],
                          capture_output=True, text=True, check=True)
    got = json.loads(said.stdout)
    table('Reading an answer\'s stream, one core',
          [f'Chunks of OpenAI\'s chat completions of {got["event_bytes"]:.0f} bytes, one token each. Goal: 500 MB/s. ' + load_note()],
          [('', None), ('MB/s', ',.0f'), ('k tokens/s', ',.0f')],
          [(name, got[key], got[key] / got['event_bytes'] * 1e3) for name, key in
           (('copied', 'copied_mb_s'), ('cut into events', 'cut_mb_s'), ('decoded', 'decoded_mb_s'))])
    return got


def measure(options):
    calls = Calls(options)
    figures = {'ai': overheads(calls)}
    if options.colloquium:
        figures['ai_streams'] = slow_streams(calls)
    figures['ai_decoding'] = decoding(calls)
    return figures
