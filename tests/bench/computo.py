"""Computo scripts: beside jq, gojq, jsonata, plain JavaScript and a hand-written program, and against the reference."""
import os
import shutil
import subprocess
import time

from measure import HERE, Failed, run, table

# Nanoseconds per evaluation of the public reference implementation of the language on one core of a machine of this
# kind; its cases are of the same shape, not the same bytes.
REFERENCE_NS = {'a': 10_600, 'b': 6_600_000, 'c': 49_000_000, 'd': 33_000, 'e': 17_000}
CASES = {'a': 'projection of 5 fields', 'b': 'filter and map over 100 objects', 'c': 'reduce over 1,000 numbers',
         'd': 'strings and nested lets', 'e': '500 bytes: parse, project, write'}
GOALS = {'a': 30, 'b': 30, 'c': 300, 'd': 30}
PROJECTION = {'jq': '{customer: .customer.id, id, name: .customer.name, total, type}',
              'colloquium': '= {customer: $input/customer/id, id: $input/id, name: $input/customer/name, '
                            'total: $input/total, type: $input/type}'}


def peers_folder(options):
    """Where node finds jsonata; None if it cannot be had. The package is fetched into the build folder once."""
    folder = os.path.abspath(f'{options.build}/bench-peers')
    if shutil.which('npm') and not os.path.isdir(f'{folder}/node_modules/jsonata'):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(['npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, 'jsonata@2.2.2'],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return folder if os.path.isdir(f'{folder}/node_modules/jsonata') else None


class Rounds:
    """Every contestant once a round; the best of each counts."""

    def __init__(self, options):
        self.options = options
        self.count = 20_000 if options.quick else 200_000
        self.seconds = '1' if options.quick else '3'
        self.best = {}
        self.lines = {}
        self.events = self.make('events', self.count)
        self.few = self.make('few', 20_000)  # what programs that measure themselves go over again and again
        self.peers = peers_folder(options)

    def make(self, name, count):
        path = os.path.join(self.options.folder, f'{name}.ndjson')
        with open(path, 'wb') as out:
            run([f'{self.options.programs}/make_events', str(count), '1'], stdout=out)
        return path

    def note(self, name, value):
        self.best[name] = min(self.best.get(name, value), value)

    def printed(self, command):
        """A contestant that measures itself: lines of a name and a figure."""
        done = subprocess.run(command, stdout=subprocess.PIPE, encoding='ascii', check=False)
        if done.returncode != 0:
            raise Failed(f'{command[0]} ended with {done.returncode}')
        for line in done.stdout.splitlines():
            self.note(line.split()[0], float(line.split()[1]))

    def filter(self, name, command):
        """A program from NDJSON on its standard input to its standard output, start-up included."""
        out = os.path.join(self.options.folder, 'out')
        with open(self.events, 'rb') as source, open(out, 'wb') as sink:
            before = os.times()
            started = time.monotonic()
            status = subprocess.run(command, stdin=source, stdout=sink, check=False).returncode
            after = os.times()
        if status != 0:
            raise Failed(f'{command[0]} ended with {status}')
        used = after.children_user + after.children_system - before.children_user - before.children_system
        self.note(name, used * 1e9 / self.count)
        self.note(name + ' passed', (time.monotonic() - started) * 1e9 / self.count)
        with open(out, 'rb') as result:
            self.lines[name] = sum(1 for _ in result)
        if self.lines[name] != self.count:
            raise Failed(f'{name} gave {self.lines[name]} lines of {self.count}')

    def round(self):
        options = self.options
        if options.colloquium:
            self.printed([f'{options.programs}/computo_bench', self.few, self.seconds])
            for name, script in (('colloquium', PROJECTION['colloquium']), ('colloquium sum', '= $input/total + 1')):
                self.filter(name, [options.colloquium, 'computo', 'run', '-e', script, '-'])
        if shutil.which('node'):
            self.printed(['node', f'{HERE}/computo_peers.mjs', self.few, self.seconds] +
                         ([self.peers] if self.peers else []))
        for name in ('jq', 'gojq'):
            if shutil.which(name):
                self.filter(name, [name, '-c', PROJECTION['jq']])


def case_rows(best):
    for case, title in CASES.items():
        ratio = REFERENCE_NS[case] / best[case]
        goal = GOALS.get(case)
        yield (f'{case}: {title}', best[case], REFERENCE_NS[case], ratio,
               None if goal is None else f'{goal} x {"met" if ratio >= goal else "MISSED"}')


def peer_rows(best):
    ours = best['e']
    goals = {'jq': 15, 'gojq': 15, 'jsonata': 20, 'node': 4, 'simdjson': 0.5, 'colloquium': None, 'colloquium sum': None}
    titles = {'jq': 'jq -c', 'gojq': 'gojq -c', 'jsonata': 'jsonata (node)', 'node': 'JavaScript (node)',
              'simdjson': 'simdjson, hand-written, checks all', 'colloquium': 'colloquium computo run',
              'colloquium sum': 'the same: = $input/total + 1'}
    yield ('case e', ours, 1e6 / ours, None, None)
    for name, goal in goals.items():
        if name not in best:
            yield (titles[name], None, None, None, 'not installed')
            continue
        verdict = None if goal is None else f'{goal} x {"met" if best[name] / ours >= goal else "MISSED"}'
        yield (titles[name], best[name], 1e6 / best[name], best[name] / ours, verdict)


def measure(options):
    rounds = Rounds(options)
    for _ in range(1 if options.quick else options.repeat):
        rounds.round()
    best = rounds.best
    if options.colloquium:
        table('Computo: cases in one process, against the reference implementation',
              ['The input is parsed and the script compiled before, as in production; every result is written.',
               f'Processor time, best of {options.repeat} interleaved rounds. The reference\'s figures are constants.'],
              [('case', None), ('ns', ',.0f'), ('reference ns', ',.0f'), ('x reference', ',.0f'), ('goal', None)],
              list(case_rows(best)))
        table('Computo: from the bytes of an event to the bytes of its projection, beside others',
              [f'The same 5 fields of the same events of 530 bytes. jq, gojq and colloquium: {rounds.count:,} lines on',
               'standard input, start-up and reading included; the others have the lines in memory. Processor time.'],
              [('program', None), ('ns/event', ',.0f'), ('k events/s', ',.0f'), ('x case e', '.2f'), ('goal', None)],
              list(peer_rows(best)))
        table('Computo: single events and compilation', [],
              [('figure', None), ('value', '.2f'), ('goal', None)],
              [('p99 of one event of case e, us', best['p99_us'], '< 20'),
               ('compile 1,000 lines of sugar, ms', best['compile_sugar_ms'], '< 5'),
               ('compile 1,000 lines of JSON, ms', best['compile_json_ms'], '< 5')])
    return {'computo': best}
