"""File -> filter -> projection of five fields -> file, beside jq and a program written by hand."""
import json
import os

from measure import HERE, Failed, fresh, median_run, run, table

COLUMNS = [('program', None), ('log', None), ('k events/s', ',.0f'), ('CPU us/event', '.2f'), ('RSS MB', ',.0f'),
           ('x jq', '.1f'), ('of hand-written', '.2f')]


def make_input(options, count):
    path = os.path.join(options.folder, f'events-{count}.ndjson')
    if not os.path.exists(path):
        with open(path, 'wb') as out:
            run([f'{options.programs}/make_events', str(count), '1'], stdout=out)
    return path


class Job:
    """One input and one output, done by several programs."""

    def __init__(self, options, count):
        self.options = options
        self.count = count
        self.input = make_input(options, count)
        self.output = os.path.join(options.folder, 'out.ndjson')
        self.wanted = os.path.join(options.folder, 'out.handwritten.ndjson')

    def prepare(self):
        fresh(os.path.join(self.options.folder, 'data'))
        if os.path.exists(self.output):
            os.remove(self.output)

    def colloquium(self, pipeline, compression=''):
        environment = {'BENCH_INPUT': self.input, 'BENCH_OUTPUT': self.output, 'BENCH_COMPRESSION': compression}
        usage = median_run(self.options.repeat, self.prepare,
                           [self.options.colloquium, 'run', f'{HERE}/{pipeline}', '--data-dir',
                            f'{self.options.folder}/data', '--admin', '127.0.0.1:0', '--listen', '127.0.0.1:0'],
                           environment=environment)
        self.compare(pipeline)
        return usage

    def handwritten(self, log):
        output = self.wanted if log == 'none' else self.output
        return median_run(self.options.repeat, self.prepare,
                          [f'{self.options.programs}/handwritten_projection', self.input, output, log,
                           f'{self.options.folder}/handwritten.log'])

    def jq(self):
        with open(self.output, 'wb') as out:
            usage = run(['jq', '-c', '-f', f'{HERE}/projection.jq', self.input], stdout=out)
        with open(self.output, encoding='utf-8') as mine, open(self.wanted, encoding='utf-8') as other:
            if any(json.loads(a) != json.loads(b) for a, b in zip(mine, other, strict=True)):
                raise Failed('jq and the hand-written program disagree')
        return usage

    def compare(self, name):
        with open(self.output, 'rb') as mine, open(self.wanted, 'rb') as other:
            while True:
                a, b = mine.read(1 << 20), other.read(1 << 20)
                if a != b:
                    raise Failed(f'{name}: the output differs from the hand-written program\'s')
                if not a:
                    return


def measure(options):
    job = Job(options, 100_000 if options.quick else 1_000_000)
    runs = [('hand-written', 'none', job.handwritten('none')), ('jq -c', 'none', job.jq())]
    if options.colloquium:
        runs.insert(0, ('colloquium', 'off', job.colloquium('projection_off.yaml')))
        runs.append(('colloquium', 'none', job.colloquium('projection_logged.yaml', 'none')))
    runs.append(('hand-written', 'none', job.handwritten('raw')))
    if options.colloquium:
        runs.append(('colloquium', 'lz4', job.colloquium('projection_logged.yaml', 'lz4')))
    runs.append(('hand-written', 'lz4', job.handwritten('lz4')))
    logs = ['off', 'off', 'off', 'none', 'none', 'lz4', 'lz4'] if options.colloquium else ['off', 'off', 'none', 'lz4']
    rate = {(name, log): job.count / usage.seconds / 1e3 for (name, _, usage), log in zip(runs, logs)}
    rows = [(name, 'off' if log == 'off' else f'{log}, durable', rate[name, log], usage.cpu_seconds / job.count * 1e6,
             usage.rss_mb, rate[name, log] / rate['jq -c', 'off'], rate[name, log] / rate['hand-written', log])
            for (name, _, usage), log in zip(runs, logs)]
    size = os.path.getsize(job.input) / job.count
    table('File -> filter -> projection of 5 fields -> file',
          [f'{job.count:,} events of {size:.0f} bytes, 95% kept; the output of every program is compared.',
           f'Median of {options.repeat} (jq: 1), start-up included. Logged: every event read is synced to the log before it',
           'is delivered, the output synced behind it. The hand-written program checks nothing but the fields it takes.'],
          COLUMNS, rows)
    return {'projection': [dict(zip(('program', 'log', 'k_events_s', 'cpu_us_event', 'rss_mb', 'x_jq', 'x_hand'), row))
                           for row in rows]}
