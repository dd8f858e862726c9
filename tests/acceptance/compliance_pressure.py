"""Backpressure of compliance_test.py's rows: more comes than is taken.

For a source the door is shut: a sink beside `out` is given no answer and may not fall behind (`max_lag`), so the pipeline
takes nothing, until hardly a byte moves any more between the source and its peer while a post to another source of the
pipeline is refused. Then most of the events still have to be at the peer, and few of them in memory. For a sink it is the peer that stands still,
and whoever sends has to be refused before much has come. Then all goes on, and everything arrives.
"""
import contextlib
import itertools
import threading
import time

from harness import request, wait_for
from receiver import Receiver

PAD = 32_000          # bytes of an event
BEGUN = 40            # events until the door is shut
SHARE_MAX = 0.5       # of what comes then, in memory
LIMIT = "max_lag: {size: 64KiB}"
STILL_BYTES = 500_000  # in the two seconds that a refusal takes: signs of life, and what pushing senders try again
POST = 10             # events
POSTS_MAX = 200       # before somebody is refused, or as many as come in …
SECONDS_MAX = 5       # … as how far a sink is behind is looked at once a second


def under_pressure(story, demand):
    if story.row.kind == "source":
        source_waits(story, demand)
    else:
        sink_holds(story, demand)


def memory_mb(instance):
    with open("/proc/%d/status" % instance.process.pid, encoding="ascii") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def post(instance, path, events):
    return request(instance.listen, "POST", path, "\n".join(events), {"Content-Type": "application/x-ndjson"})[0]


def source_waits(story, demand):
    row, gate = story.row, threading.Event()

    def taken():
        return instance.metric("colloquium_output_events_total", component="in") or 0

    def answer(_):
        gate.wait()
        return 204

    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(Receiver(answer))
        stack.callback(gate.set)
        (row.directory / "p.yaml").write_text(row.pressed(receiver.url, LIMIT))
        instance = stack.enter_context(story.instance())
        row.padding = PAD
        story.feed(instance, BEGUN)
        wait_for(lambda: b"the sources wait for it" in request(instance.admin, "GET", "/healthz")[2], "the door to shut", 60)
        before, memory = taken(), memory_mb(instance)
        story.feed(instance, row.kept_back)
        moved, probes = 0, 0
        while probes < row.probes_min or story.proxy.moved - moved >= STILL_BYTES:
            moved, probes = story.proxy.moved, probes + 1
            status = post(instance, "/probe", ['{"n":-1}'])
            demand(status == 503, "backpressure", "a post was answered %d while nothing was taken" % status)
        more, grown = taken() - before, memory_mb(instance) - memory
        demand(more <= row.taken_max, "backpressure", "%d events were handed over while nothing was taken" % more)
        demand(grown <= SHARE_MAX * row.kept_back * PAD / 1e6, "backpressure",
               "memory grew by %.0f MB while nothing was taken of %.0f MB" % (grown, row.kept_back * PAD / 1e6))
        gate.set()
        story.wait_arrived(instance, "what waited", "backpressure")
        story.counts["backpressure"] = story.fed
        story.stop_well(instance)


def sink_holds(story, demand):
    row = story.row
    (row.directory / "p.yaml").write_text(row.pressed(LIMIT))
    with story.instance() as instance:
        row.padding = PAD
        story.proxy.freeze()
        begun = time.monotonic()
        for number in itertools.count():
            if number > POSTS_MAX and time.monotonic() - begun > SECONDS_MAX:
                break
            status = post(instance, "/in", row.events(story.fed, POST))
            if status != 200:
                break
            story.fed += POST
        demand(number > 0 and status == 503, "backpressure", "the %d. post was answered %d while its peer stood still" % (
            number + 1, status))
        story.proxy.heal()
        story.wait_arrived(instance, "what was accepted while its peer stood still", "backpressure")
        story.counts["backpressure"] = story.fed
        story.stop_well(instance)
