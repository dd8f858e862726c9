"""The twins of compliance_test.py's rows: components of which one check, and that one, has to fail. Most are programs
run by `exec` (twin_program.py), and one of these breaks nothing and has to pass.
"""
import pathlib
import sys

from compliance_rows import ONCE, SECRET, HttpSink, SseSource

PROGRAM = pathlib.Path(__file__).with_name("twin_program.py")


class ProgramSource(SseSource):
    fault = "none"
    more = '\n    dedupe: ["$input", "/n"]'  # it begins anew at each start
    exec_more = ""
    claim = ONCE

    def source(self):
        return "exec: {command: [%s, %s, source, '%d', %s]%s}%s" % (
            sys.executable, PROGRAM, self.proxy.port, self.fault, self.exec_more, self.more)


class ProgramSink(HttpSink):
    fault = "none"
    cut_bytes = (50, 250)  # a connection has one request

    def sink(self):
        return "exec: {command: [%s, %s, sink, '%d', %s], acknowledge: line, stop_timeout: 100ms}" % (
            sys.executable, PROGRAM, self.proxy.port, self.fault)


class Twin:
    fails = ""  # the check; none for the one that is right
    grace = 10
    patience = 15


class Honest(Twin, ProgramSource):
    name = "a source that is right"
    patience, grace = 90, 30


class SourceLoses(Twin, ProgramSource):
    name, fails, fault = "a source that loses an event", "delivery", "loses"


class SourceBeginsAnew(Twin, ProgramSource):
    name, fails, more = "a source that begins anew at each start and claims exactly once", "delivery", ""
    patience = 90


class SinkLoses(Twin, ProgramSink):
    name, fails, fault = "a sink that answers for an event it has not sent", "delivery", "loses"


class SinkGivesUp(Twin, HttpSink):
    name, fails = "a sink that does not try again", "delivery"
    connects = False  # each event is one attempt, and what is looked for is what becomes of them
    retry = "{policy: none}"


class SourceSwaps(Twin, ProgramSource):
    name, fails, fault = "a source that mixes up two events", "order", "swaps"
    patience = 90


class SinkSwaps(Twin, ProgramSink):
    name, fails, fault = "a sink that mixes up two events", "order", "swaps"
    patience = 90


class SourceHurries(Twin, ProgramSource):
    name, fails, fault = "a source that does not wait between two attempts", "reconnect", "hurries"
    patience, least_wait = 90, 2  # far from what it does, however busy the machine is


class SourceStaysAway(Twin, ProgramSource):
    name, fails, fault = "a source that does not go on once somebody lets it in", "reconnect", "stays away"


class SourceDrops(Twin, SseSource):
    name, fails = "a source that drops what is not taken", "backpressure"
    patience, calm = 20, True
    overflow = "{policy: drop_new, buffer: 1MiB}"

    def source(self):
        return super().source()[:-1] + ", overflow: %s}" % self.overflow


class SourceKeepsAll(SourceDrops):
    name = "a source that reads on and keeps in memory what is not taken"
    probes_min = 5  # until it has them all, on a busy machine
    patience, overflow = 90, "{policy: drop_new, buffer: 1GiB}"


class SinkHoldsNobody(Twin, HttpSink):
    name, fails = "a sink that gives up what its peer does not take in time", "backpressure"
    patience, calm = 90, True

    def pressed(self, limit):
        return super().pressed(limit.replace("}", ", then: drop}"))


class SourceIsStubborn(Twin, ProgramSource):
    name, fails, fault = "a source that does not stop", "stop", "stubborn"
    exec_more = ", stop_timeout: 1m"
    patience, grace = 90, 3


class SinkHidesFailures(Twin, ProgramSink):
    name, fails = "a sink that counts no failure", "metrics"
    patience = 90


class SinkTellsSecret(Twin, HttpSink):
    name, fails = "a sink with its secret in a place that is shown", "secrets"
    patience, grace = 90, 30

    def sink(self):
        return super().sink().replace("/take", "/take/" + SECRET)


TWINS = (Honest, SourceLoses, SourceBeginsAnew, SinkLoses, SinkGivesUp, SourceSwaps, SinkSwaps, SourceHurries,
         SourceStaysAway, SourceDrops, SourceKeepsAll, SinkHoldsNobody, SourceIsStubborn, SinkHidesFailures, SinkTellsSecret)
