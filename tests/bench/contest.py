"""What the benchmarks of whole pipelines share: ours, the bare loop and others take turns at the same work."""
import collections
import os
import sys

from measure import HERE, load_note, median, ratio

sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'peers'))
import bento  # noqa: E402
import rsyslog  # noqa: E402

Result = collections.namedtuple('Result', 'events_s cpu_us')  # per event

COLUMNS = [('program', None), ('', None), ('events/s', ',.0f'), ('CPU us/event', '.2f'), ('of bare', '.2f'),
           ('of Bento', '.1f'), ('of rsyslog', '.1f')]
NAMES = ('program', 'how', 'events_s', 'cpu_us_event', 'of_bare', 'of_bento', 'of_rsyslog')


def colloquium(options, pipeline, **how):
    """command(folder, names) of our binary over this pipeline, a template."""
    def command(folder, names):
        with open(f'{folder}/p.yaml', 'w', encoding='utf-8') as out:
            out.write(pipeline.format(**names, **how))
        return [options.colloquium, 'run', 'p.yaml', '--data-dir', 'data', '--listen',
                f'127.0.0.1:{names.get("listen", 0)}', '--admin', '127.0.0.1:0']

    return command


class Contest:
    """Those that take part, each (program, how): `bare` is among them, and those that can't be are in `notes`."""

    def __init__(self, options):
        self.options = options
        self.commands = {}
        self.floors = {}  # of (program, how): how the bare loop does the same
        self.notes = []

    def add(self, program, how, command, floor):
        self.commands[program, how] = command
        self.floors[program, how] = floor

    def add_colloquium(self, how, pipeline, floor, **names):
        if self.options.colloquium:
            self.add('Colloquium', how, colloquium(self.options, pipeline, **names), floor)

    def add_bento(self, how, pipeline, floor, **more):
        self._add_if('Bento', how, bento.program, lambda folder, names: bento.command(
            folder, pipeline.format(**names, **more)), floor)

    def add_rsyslog(self, how, modules, configuration, floor):
        self._add_if('rsyslog', how, lambda: rsyslog.program(*modules), lambda folder, names: rsyslog.command(
            folder, modules, configuration.format(**names)), floor)

    def _add_if(self, program, how, available, command, floor):
        try:
            available()
            self.add(program, how, command, floor)
        except (bento.Unavailable, rsyslog.Unavailable) as why:
            note = f'{program}: skipped, {why}'
            if note not in self.notes:
                self.notes.append(note)

    def rows(self, measure_one):
        """Each in turn, so that what else the machine does meets all of them; the middle of what was measured."""
        measured = {key: [] for key in self.commands}
        for _ in range(1 if self.options.quick else self.options.repeat):
            for key, command in self.commands.items():
                measured[key].append(measure_one(key[0], command))
        middle = {key: Result(*map(median, zip(*results))) for key, results in measured.items()}
        rows = []
        for key, result in middle.items():
            peers = [middle.get((peer, self.floors[key])) for peer in ('bare', 'Bento', 'rsyslog')]
            rows.append((*key, *result, *(ratio(result.events_s, peer.events_s) if peer else None for peer in peers)))
        return rows

    def all_notes(self, *notes):
        return [*notes, 'Goals: 0.70 of bare, 5 times Bento, 3 times rsyslog. ' + load_note(), *self.notes]
