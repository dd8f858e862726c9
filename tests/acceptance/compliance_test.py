"""[REQ-009] [REQ-022] [REQ-029] The components that speak with a peer, through bad days of the network: a proxy cuts
their connections, lets nobody in for a while, and stands still while they are stopped. Whatever happens, what they
promise of delivery and order holds, they try again at a bounded rate and go on, stop in time, count what they do and tell
no secret. Each check is shown to fail: for each there is a twin (compliance_twins.py) that is wrong in just that.

  compliance_test.py BINARY [ROW…]     COLLOQUIUM_ROUNDS: how often the network is bad (default 1)
"""
import contextlib
import os
import re
import sys
import threading
import time
import traceback

import compliance_rows as rows
from compliance_pressure import under_pressure
from compliance_twins import TWINS, Twin
from harness import REPOSITORY, Instance, check, request, run, wait_for, work_directory
from lossy_proxy import LossyProxy
from cache import Unavailable

CHECKS = {
    "delivery": "Every event arrives, and none twice where exactly once is promised.",
    "order": "Events arrive in the order in which they were accepted; what comes again does not count.",
    "reconnect": "While nobody is let in it tries again, at a bounded rate, and goes on once somebody is.",
    "backpressure": "While nothing is taken a source stops, with a bound in memory; a sink whose peer stands still holds the "
                    "senders; and nothing is lost.",
    "stop": "It stops in time, with exit code 0, while its peer stands still with its connections open, or is away.",
    "metrics": "What goes through it, and what fails, moves its metrics.",
    "secrets": "Its secret is not in the log, on `/metrics` and the health pages, or in what `validate` says.",
}
PAGE = REPOSITORY / "docs" / "internals" / "compliance.md"
ROUNDS = int(os.environ.get("COLLOQUIUM_ROUNDS", "1"))
CUTS, ATTEMPTS = 3, 6
FIRST, MORE = 200, 40


class Failed(AssertionError):
    def __init__(self, name, message):
        super().__init__("%s: %s" % (name, message))
        self.check = name


def demand(condition, name, message):
    if not condition:
        raise Failed(name, message)


class Story:
    """One row's life. `counts` has what each check looked at."""

    def __init__(self, row, proxy):
        self.row, self.proxy = row, proxy
        self.counts = dict.fromkeys(CHECKS, 0)
        self.fed = 0
        self.said = ""  # everything that anybody could read

    def instance(self):
        made = Instance("p.yaml", self.row.directory, arguments=["--drain-timeout", "1s"], wait=False)
        made.wait_ready(60)
        self.row.attach(made)
        return made

    def feed(self, instance, count):
        self.row.feed(instance, self.fed, count)
        self.fed += count

    def wait_arrived(self, instance, what, name="delivery"):
        """Until all has arrived, or nothing more can: everything was called done."""
        written_at = None  # since when everything is called written

        def over():
            nonlocal written_at
            if len(set(self.row.arrived())) >= self.fed:
                return True
            if not self.is_called_written(instance):
                return False
            written_at = written_at or time.monotonic()
            return time.monotonic() - written_at > self.row.seen_late and len(set(self.row.arrived())) < self.fed

        try:
            wait_for(over, what, seconds=self.row.patience, pause=0.05)
        except AssertionError as error:
            raise Failed(name, "%s: %d of %d have arrived\n%s" % (
                error, len(set(self.row.arrived())), self.fed, instance.stderr()[-3000:])) from None
        self.check_delivery(name)

    def is_called_written(self, instance):
        return self.row.kind == "sink" and instance.metric("colloquium_leg_lag_events") == 0

    def check_delivery(self, name):
        arrived = self.row.arrived()
        missing = sorted(set(range(self.fed)) - set(arrived))
        demand(not missing, name, "%d of %d events are missing, the first of them %s" % (
            len(missing), self.fed, missing[:5]))
        first_times = list(dict.fromkeys(arrived))
        wrong = next((n for n, number in enumerate(first_times) if n != number), None)
        demand(wrong is None, "order", "where %s was due, %s came" % (wrong, first_times[wrong or 0]))
        again = len(arrived) - len(first_times)
        demand(again == 0 or self.row.claim != rows.ONCE, name, "%d events came again" % again)
        self.counts["delivery"] = self.counts["order"] = len(first_times)

    def listen_in(self, instance):
        for path in ("/metrics", "/healthz", "/readyz"):
            self.said += request(instance.admin, "GET", path)[2].decode()

    def bad_days(self, instance):
        before, cuts = len(self.proxy.attempts), self.proxy.cuts
        self.proxy.cut(CUTS + 2, *self.row.cut_bytes)
        self.feed(instance, FIRST)
        # Whoever needs few bytes is given more to do, until it was cut off.
        while self.proxy.cuts < cuts + CUTS:
            with contextlib.suppress(AssertionError):
                wait_for(lambda: self.proxy.cuts >= cuts + CUTS, "cuts", seconds=1)
                break
            check(self.fed < 100 * MORE, "the proxy has cut %d of %d connections, %d arrived of %d\n%s" % (
                self.proxy.cuts - cuts, len(self.proxy.attempts) - before, len(self.row.arrived()), self.fed,
                instance.stderr()[-3000:]))
            self.feed(instance, MORE)
        self.wait_arrived(instance, "what was fed while connections were cut")
        demand(len(self.proxy.attempts) > before, "reconnect", "no connection was made")
        self.listen_in(instance)

    def outage(self, instance):
        self.proxy.leave()
        begun, first = time.monotonic(), len(self.proxy.attempts)
        self.feed(instance, MORE)
        wait_for(lambda: len(self.proxy.attempts) >= first + ATTEMPTS, "%d attempts to connect" % ATTEMPTS, seconds=60)
        made, took = len(self.proxy.attempts) - first, time.monotonic() - begun
        # Waits are random below a bound in most components, so half of the least is what can be asked for.
        most = self.row.parallel * (2 + 2 * took / self.row.least_wait)
        demand(not self.row.connects or made <= most, "reconnect", "%d attempts in %.1f s of an outage" % (made, took))
        self.listen_in(instance)
        self.counts["reconnect"] += made
        there = len(set(self.row.arrived()))
        self.proxy.heal()
        try:
            # A sink that calls everything done has gone on; whether it was is the next question.
            wait_for(lambda: len(set(self.row.arrived())) > there or self.is_called_written(instance), "it to go on",
                     seconds=self.row.patience, pause=0.05)
        except AssertionError as error:
            raise Failed("reconnect", "%s, once it was let in again\n%s" % (error, instance.stderr()[-3000:])) from None
        self.wait_arrived(instance, "what was fed while nobody was let in")

    def stop_frozen(self, instance):
        self.proxy.freeze()
        self.feed(instance, MORE)
        wait_for(lambda: self.proxy.stuck > 0, "somebody to be stuck", seconds=60)
        self.stop_without_peer(instance, "its peer frozen")

    def stop_shut_out(self, instance):
        first = len(self.proxy.attempts)
        self.proxy.leave()
        self.feed(instance, MORE)
        wait_for(lambda: len(self.proxy.attempts) >= first + 2, "attempts to connect", seconds=60)
        self.stop_without_peer(instance, "nobody let in")

    def stop_without_peer(self, instance, how):
        instance.process.terminate()
        try:
            code = instance.process.wait(self.row.grace)
        except Exception:
            raise Failed("stop", "it had not stopped after %d s with %s:\n%s" % (
                self.row.grace, how, instance.stderr()[-3000:])) from None
        demand(code == 0, "stop", "it ended with %d, with %s:\n%s" % (code, how, instance.stderr()[-3000:]))
        self.counts["stop"] += 1
        self.said += instance.stderr()
        self.row.detach()
        self.proxy.heal()
        self.proxy.reset()

    def check_metrics(self, instance):
        for name, labels in self.row.moved():
            demand((instance.metric(name, **labels) or 0) > 0, "metrics", "%s of %s has not moved" % (name, labels))
            self.counts["metrics"] += 1

    def check_secrets(self):
        at = self.said.find(rows.SECRET)
        demand(at < 0, "secrets", "it is told: ...%s..." % self.said[max(0, at - 200):at + 40])
        demand(len(self.said) > 1000, "secrets", "there was nothing to look into")
        self.counts["secrets"] = len(self.said)

    def tell(self):
        (self.row.directory / "p.yaml").write_text(self.row.pipeline())
        code, out, err = run(["validate", "p.yaml", "--explain"], self.row.directory)
        check(code == 0, out + err)
        self.said += out + err
        for _ in range(0 if self.row.calm else ROUNDS):
            self.round()
        if not self.row.calm:
            self.check_secrets()
        under_pressure(self, demand)
        self.check_secrets()

    def round(self):
        with self.instance() as instance:
            self.bad_days(instance)
            self.outage(instance)
            self.check_metrics(instance)
            self.stop_frozen(instance)
        with self.instance() as instance:
            self.wait_arrived(instance, "what was under way at the stop")
            self.listen_in(instance)
            self.stop_shut_out(instance)
        with self.instance() as instance:
            self.wait_arrived(instance, "what was fed while nobody was let in, before the stop")
            self.stop_well(instance)

    def stop_well(self, instance):
        code = instance.stop()
        demand(code == 0, "stop", "it ended with %d:\n%s" % (code, instance.stderr()[-3000:]))
        self.said += instance.stderr()


class Result:
    def __init__(self, kind):
        self.kind, self.story, self.error, self.skipped, self.took = kind, None, None, None, 0


def play(kind, directory, result, proxy):
    begun = time.monotonic()
    try:
        directory.mkdir()
        with kind(directory, proxy) as row:
            result.story = Story(row, proxy)
            result.story.tell()
    except Unavailable as why:
        result.skipped = str(why)
    except Failed as error:
        result.error = error
    except Exception:  # pylint: disable=broad-except
        result.error = AssertionError(traceback.format_exc())
    result.took = time.monotonic() - begun


def play_all(kinds, directory):
    """Every row in a thread of its own, the rows of one broker behind it."""
    results = [Result(kind) for kind in kinds]
    with contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(LossyProxy(seed=n)) for n in range(len(kinds))]
        brokered = [(result, proxy) for result, proxy in zip(results, proxies) if result.kind.name == "kafka"]
        start_broker(brokered, directory, stack)
        threads = []
        for number, (result, proxy) in enumerate(zip(results, proxies)):
            if result.skipped:
                continue
            threads.append(threading.Thread(target=play, args=(result.kind, directory / str(number), result, proxy)))
            threads[-1].start()
        for thread in threads:
            thread.join()
    return results


def start_broker(brokered, directory, stack):
    if not brokered:
        return
    try:
        rows.kafka.jars()
    except Unavailable as why:
        for result, _ in brokered:
            result.skipped = str(why)
        return
    peer = rows.KafkaPeer(directory / "kafka", [proxy for _, proxy in brokered])
    stack.enter_context(peer.broker)
    for _, proxy in brokered:
        proxy.broker = peer.broker


def cell(result, name):
    if result.skipped:
        return "skipped"
    if getattr(result.error, "check", None) == name:
        return "BROKEN"
    return "holds (%d)" % result.story.counts[name] if result.story and not result.error else "?"


def table_of(results):
    lines = ["| component | claim | " + " | ".join(CHECKS) + " |", "| --- " * (2 + len(CHECKS)) + "|"]
    lines += ["| %s %s | %s | %s |" % (result.kind.name, result.kind.kind, result.kind.claim,
                                       " | ".join(cell(result, name) for name in CHECKS)) for result in results]
    return "".join(line + "\n" for line in lines)


def table_of_checks():
    lines = ["| check | what holds | fails for |", "| --- | --- | --- |"]
    lines += ["| %s | %s | %s |" % (name, promise, "; ".join(kind.name for kind in TWINS if kind.fails == name))
              for name, promise in CHECKS.items()]
    return "".join(line + "\n" for line in lines)


def differs_from_page(name, table):
    """Whether the table of this name on the page says something else, but for counts and for what was skipped. With
    COLLOQUIUM_WRITE_TABLES set, it is written there."""
    text = PAGE.read_text()
    head, rest = text.split("<!-- table: %s -->\n" % name)
    found, tail = rest.split("<!-- end -->", 1)
    if "COLLOQUIUM_WRITE_TABLES" in os.environ:
        PAGE.write_text(head + "<!-- table: %s -->\n%s<!-- end -->%s" % (name, table, tail))
        return False

    def lines(of):
        return [re.sub(r" \(\d+\)", "", line) for line in of.splitlines()]
    pairs = list(zip(lines(found), lines(table)))
    return len(lines(found)) != len(lines(table)) or any(a != b and "skipped" not in b for a, b in pairs)


def is_as_expected(result):
    """Whether a twin fails its check, and the one that is right none."""
    fails, found = result.kind.fails, getattr(result.error, "check", "" if result.error is None else "no check")
    print("twin: %s: %s (%.0f s)" % (result.kind.name, str(result.error).split("\n", 1)[0][:150] if found else "passes",
                                     result.took))
    if found == fails:
        return True
    print("FAILED %s: %s was to fail: %s" % (result.kind.name, "the check '%s'" % fails if fails else "nothing", result.error))
    return False


def main():
    wanted = sys.argv[2:]
    failed = False
    with work_directory() as directory:
        kinds = [kind for kind in rows.ROWS + TWINS
                 if not wanted or "%s %s" % (kind.name, kind.kind) in wanted or kind.__name__ in wanted]
        results = play_all(kinds, directory)
    of_components = [result for result in results if not issubclass(result.kind, Twin)]
    print("\n" + table_of(of_components))
    for result in of_components:
        print("  %s %s: %.0f s" % (result.kind.name, result.kind.kind, result.took))
    for result in of_components:
        if result.error:
            failed = True
            print("FAILED %s %s: %s" % (result.kind.name, result.kind.kind, result.error))
        if result.skipped:
            print("skipped: %s %s: %s" % (result.kind.name, result.kind.kind, result.skipped))
    for result in results[len(of_components):]:
        failed = not is_as_expected(result) or failed
    without = set(CHECKS) - {kind.fails for kind in TWINS}
    if without:
        failed = True
        print("FAILED nothing shows that these checks can fail:", *sorted(without))
    for name, table in () if wanted else (("network", table_of(of_components)), ("checks of the network", table_of_checks())):
        if differs_from_page(name, table):
            failed = True
            print("FAILED %s says something else; run this with COLLOQUIUM_WRITE_TABLES=1, and commit it" % PAGE)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
