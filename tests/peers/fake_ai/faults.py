"""What goes wrong, for whom, how often: faults are given by the script or at POST /fake/faults, and taken by calls."""
import collections
import random
import re

from .script import applies

# Where an answer can break off. With a whole body, its halves are the chunks.
PHASES = ('accept', 'before_head', 'in_head', 'before_first_chunk', 'between_chunks', 'before_final', 'after_final')
KINDS = {
    'reset': 'the peer gets a RST, at `phase`', 'close': 'the connection is closed, at `phase`',
    'hang': 'nothing more comes, at `phase`', 'hold': 'nothing more comes, at `phase`, until POST /fake/release',
    'status': 'an error for an answer: `error` (a kind, in the words of the provider) or `status` and `body`',
    'error_in_stream': '200, then `error` after `after` frames', 'truncate': 'all but the last frame, and a proper end',
    'content_type': '`value` instead of the right one', 'invalid_utf8': 'bytes in the text that are no UTF-8',
    'broken_frame': 'a frame that is none, after `after` frames', 'big_event': 'an event of `megabytes`',
    'split': 'each byte is a write of its own', 'slow': '`chunk_ms` between chunks, `head_ms` before the head',
}
FIELDS = {'kind', 'phase', 'after', 'error', 'message', 'status', 'body', 'headers', 'retry_after', 'value', 'megabytes',
          'chunk_ms', 'head_ms', 'billed', 'provider', 'model', 'match', 'call', 'stream', 'times', 'skip', 'chance', 'seed',
          'for_kind'}


class Fault:
    def __init__(self, spec, number=0):
        unknown = set(spec) - FIELDS
        if unknown or spec.get('kind') not in KINDS or spec.get('phase', 'accept') not in PHASES:
            raise ValueError(f'no such fault: {spec}')
        self.spec = spec
        self.number = number
        self.kind = spec['kind']
        self.phase = spec.get('phase', 'between_chunks')
        self.after = spec.get('after', 1)
        self.left = spec.get('times', 1)  # None: always
        self.skip = spec.get('skip', 0)
        self.chance = random.Random(spec.get('seed', 1)) if 'chance' in spec else None
        self.pattern = re.compile(spec['match']) if 'match' in spec else None
        when = {key: spec[key] for key in ('provider', 'model', 'stream') if key in spec}
        self.when = {**when, 'kind': spec['for_kind']} if 'for_kind' in spec else when

    def breaks(self):
        return self.kind in ('reset', 'close', 'hang', 'hold')

    def stops(self):
        """Whether the call is refused before anything is generated."""
        return self.kind == 'status'

    def fits(self, call, call_id):
        if call.kind == 'batch' and self.when.get('kind') != 'batch':  # only who means files and batches strikes them
            return False
        return (applies(self.when, call) and self.spec.get('call', call_id) == call_id
                and (self.pattern is None or self.pattern.search(call.last_user) is not None))

    def take(self):
        """Whether it strikes now."""
        if self.skip:
            self.skip -= 1
            return False
        if self.chance and self.chance.random() >= self.spec['chance']:
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def name(self):
        if self.breaks():
            return f'{self.kind}/{self.phase}'
        return f'{self.kind}/{self.spec["error"]}' if 'error' in self.spec else self.kind


class Faults:
    def __init__(self):
        self.waiting = []
        self.numbers = 0
        self.counters = collections.Counter()

    def add(self, spec):
        self.numbers += 1
        self.waiting.append(Fault(spec, self.numbers))
        return self.numbers

    def clear(self):
        self.waiting.clear()

    def take(self, call, call_id, scripted=()):
        """All that strike this call. They add up: a slow answer may break off, too."""
        taken = [Fault(spec) for spec in scripted]
        for fault in list(self.waiting):
            if fault.phase == 'accept' and fault.breaks():
                continue
            if fault.fits(call, call_id) and fault.take():
                taken.append(fault)
        self._count(taken)
        return taken

    def take_accepted(self):
        """One that strikes a connection before anything was read of it."""
        for fault in self.waiting:
            if fault.phase == 'accept' and fault.breaks() and fault.take():
                self._count([fault])
                return fault
        return None

    def _count(self, taken):
        for fault in taken:
            self.counters[fault.name()] += 1
        if taken:
            self.waiting = [fault for fault in self.waiting if fault.left is None or fault.left > 0]
