"""[REQ-206] [REQ-109] `run`: finite pipelines end by themselves, signals drain, settings come in their order, and what
cannot start is refused."""
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading

from harness import (Instance, binary, check, check_equal, main, read_lines, request, run, wait_for, work_directory)

FILTER = """
name: pipe
log: off
sources: [{stdin: {}}]
stages: [{filter: [">", ["$input", "/n"], 1]}]
sinks: [{stdout: {}}]
"""

COPY = """
name: copy
sources: [{file: {path: in.ndjson}}]
sinks: [{file: {path: out.ndjson}}]
"""

HOOK = """
name: hooks
sources: [{http: {path: /in}}]
sinks: [{file: {path: out.ndjson}}]
"""


def standard_input_through_a_filter_to_standard_output():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(FILTER)
        code, out, err = run(["run", "p.yaml", "--admin", "off"], directory, stdin=b'{"n":1}\n{"n":2}\n{"n": 3}\n')
        check_equal((code, out), (0, '{"n":2}\n{"n": 3}\n'), err)
        check(not (directory / "colloquium-data").exists(), "a pipeline that needs no data directory made one")


def a_file_is_read_once_and_again_from_the_start():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(COPY)
        (directory / "in.ndjson").write_text("".join('{"n":%d}\n' % n for n in range(1000)))
        arguments = ["run", "p.yaml", "--data-dir", "data", "--admin", "off"]
        code, out, err = run(arguments, directory)
        check_equal((code, out), (0, ""), err)
        check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(1000)), "the copy")
        code, _, err = run(arguments, directory)
        check(code == 0 and "--from-start" in err, "the second run does not say that the file was read:\n" + err)
        check_equal(len(read_lines(directory / "out.ndjson")), 1000, "lines after the second run")
        check_equal(run([*arguments, "--from-start"], directory)[0], 0, "--from-start")
        check_equal(len(read_lines(directory / "out.ndjson")), 2000, "lines after --from-start")


def the_start_up_message_says_what_is_promised_and_where_it_listens():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(HOOK)
        with Instance("p.yaml", directory) as instance:
            text = instance.stderr()
            check("http -> file: exactly once" in text, "no promise for the pair:\n" + text)
            check("fdatasync" in text, "nothing about syncing:\n" + text)
            lock = (directory / "data" / "LOCK").read_text()
            check("127.0.0.1:%d" % instance.admin in lock, "LOCK does not hold the admin address: %r" % lock)


def a_signal_drains_and_exits_with_zero():
    for number in (signal.SIGTERM, signal.SIGINT):
        with work_directory() as directory:
            (directory / "p.yaml").write_text(HOOK)
            with Instance("p.yaml", directory) as instance:
                for n in range(50):
                    status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n}))
                    check_equal(status, 200, body)
                instance.process.send_signal(number)
                check_equal(instance.process.wait(30), 0, instance.stderr())
                check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(50)), "the file")


class KeepAliveClient(threading.Thread):
    """Posts numbered events over one connection until it is refused or the connection is gone."""

    def __init__(self, port, number):
        super().__init__()
        self.port, self.number = port, number
        self.acknowledged, self.refusal, self.closes = [], None, None
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for n in range(1_000_000):
                connection.request("POST", "/in", json.dumps({"client": self.number, "n": n}))
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.refusal = (answer.status, answer.getheader("Retry-After"), answer.getheader("Connection"))
                    break
                self.acknowledged.append((self.number, n))
                self.closes = answer.getheader("Connection") == "close"
                if self.closes:
                    break
        connection.close()


def a_signal_under_load_loses_nothing_acknowledged_and_never_says_404():
    """Senders of webhooks give up for good at a 404. Clients end with a last 200 or a 503 that both close, or with a
    connection that was closed between two requests."""
    refusals = 0
    for _ in range(6):
        with work_directory() as directory:
            (directory / "p.yaml").write_text(HOOK)
            with Instance("p.yaml", directory) as instance:
                clients = [KeepAliveClient(instance.listen, number) for number in range(24)]
                wait_for(lambda: all(len(client.acknowledged) >= 5 for client in clients), "every client's events")
                check_equal(instance.stop(), 0, instance.stderr())
                for client in clients:
                    client.join()
                for client in clients:
                    check(client.refusal in (None, (503, "1", "close")), "a client was answered %r" % (client.refusal,))
                    refusals += client.refusal is not None
                check(any(client.refusal or client.closes for client in clients), "no client was asked to go")
                written = {(line["client"], line["n"]) for line in read_lines(directory / "out.ndjson")}
                lost = [event for client in clients for event in client.acknowledged if event not in written]
                check(not lost, "%d acknowledged events are not in the file: %r" % (len(lost), lost[:5]))
    print("  refused with 503: %d clients" % refusals)


def a_second_signal_ends_at_once():
    """The sink's receiver never answers, so a drain would take its whole deadline."""
    with work_directory() as directory, socket.create_server(("127.0.0.1", 0)) as mute:
        (directory / "p.yaml").write_text(HOOK.replace(
            "file: {path: out.ndjson}", 'http: {url: "http://127.0.0.1:%d/"}' % mute.getsockname()[1]))
        with Instance("p.yaml", directory, arguments=["--drain-timeout", "5m"]) as instance:
            check_equal(request(instance.listen, "POST", "/in", "{}")[0], 200, "the event")
            instance.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "SIGTERM" in instance.stderr(), "the first signal to be noticed")
            instance.process.send_signal(signal.SIGTERM)
            check_equal(instance.process.wait(20), 1, instance.stderr())


def a_drain_that_takes_too_long_is_cut_at_its_deadline():
    with work_directory() as directory, socket.create_server(("127.0.0.1", 0)) as mute:
        (directory / "p.yaml").write_text(HOOK.replace(
            "file: {path: out.ndjson}", 'http: {url: "http://127.0.0.1:%d/"}' % mute.getsockname()[1]))
        with Instance("p.yaml", directory, arguments=["--set", "drain_timeout=200ms"]) as instance:
            check_equal(request(instance.listen, "POST", "/in", "{}")[0], 200, "the event")
            check_equal(instance.stop(), 0, instance.stderr())
            check("deadline" in instance.stderr(), instance.stderr())


def what_cannot_start_is_refused_with_what_to_do():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(HOOK)
        with Instance("p.yaml", directory) as instance:
            for flag, port in (("--listen", instance.listen), ("--admin", instance.admin)):
                other = {"--listen": "127.0.0.1:0", "--admin": "127.0.0.1:0", flag: "127.0.0.1:%d" % port}
                code, _, err = run(["run", "p.yaml", "--data-dir", "other"] +
                                   [word for pair in other.items() for word in pair], directory)
                check(code == 2 and flag in err and str(port) in err, "%d %s" % (code, err))
                check("drained" not in err, "it speaks of a rest, and nothing ran:\n" + err)
        (directory / "in.ndjson").unlink(missing_ok=True)
        (directory / "c.yaml").write_text(COPY)
        code, _, err = run(["run", "c.yaml", "--data-dir", "third", "--admin", "off"], directory)
        check(code == 2 and "in.ndjson" in err, "a source file that is missing: %d %s" % (code, err))


def a_dry_run_starts_nothing():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(COPY)
        (directory / "in.ndjson").write_text("1\n")
        code, out, err = run(["run", "p.yaml", "--dry-run", "--workers", "3"], directory)
        check_equal(code, 0, err)
        check("leg copy:" in out and "workers: 3 (--workers)" in out, out)
        check_equal(sorted(os.listdir(directory)), ["in.ndjson", "p.yaml"], "files")


def settings_come_in_their_order():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(HOOK)
        (directory / "colloquium.yaml").write_text("workers: 2\ndata_dir: from-file\nlisten: 127.0.0.1:1\n"
                                                   "pipelines: [p.yaml]\n")
        (directory / "colloquium.production.yaml").write_text("listen: 127.0.0.1:2\ndata_dir: from-overlay\n")
        code, out, err = run(["run", "--dry-run", "--env", "production", "--set", "workers=4"], directory,
                             environment={"COLLOQUIUM_DATA_DIR": "from-variable", "COLLOQUIUM_WORKERS": "3"})
        check_equal(code, 0, err)
        for line in ('listen: "127.0.0.1:2" (colloquium.production.yaml:1:', "data_dir: from-variable (COLLOQUIUM_DATA_DIR)",
                     "workers: 4 (--workers)", 'admin: "127.0.0.1:9464" (default)'):
            check(line in out, "no %r in\n%s" % (line, out))
        code, _, err = run(["run", "--dry-run", "--set", "wrkers=4"], directory)
        check(code == 2 and "did you mean 'workers'?" in err, err)
        code, _, err = run(["run", "--dry-run", "--env", "staging"], directory)
        check(code == 2 and "colloquium.staging.yaml" in err, err)


def two_pipelines_in_one_process():
    with work_directory() as directory:
        (directory / "a.yaml").write_text(COPY)
        (directory / "b.yaml").write_text(COPY.replace("copy", "second").replace("out.", "second."))
        (directory / "in.ndjson").write_text('{"n":1}\n{"n":2}\n')
        code, _, err = run(["run", "a.yaml", "b.yaml", "--data-dir", "data", "--admin", "off"], directory)
        check_equal(code, 0, err)
        for name in ("out.ndjson", "second.ndjson"):
            check_equal(len(read_lines(directory / name)), 2, name)


def a_reader_that_goes_away_ends_the_run():
    """`colloquium run … | head -1` must not hang."""
    with work_directory() as directory:
        (directory / "p.yaml").write_text(FILTER)
        command = "yes '{\"n\":5}' | %s run p.yaml --admin off --log-level off | head -n 1" % binary()
        done = subprocess.run(["bash", "-c", command], cwd=directory, capture_output=True, timeout=60)
        check_equal(done.stdout, b'{"n":5}\n', done.stderr)


def a_run_that_lost_events_or_could_not_read_ends_with_one():
    """Scripts look at the exit code, people at the last line."""
    with work_directory() as directory:
        (directory / "p.yaml").write_text(FILTER)
        (directory / "c.yaml").write_text(COPY)
        (directory / "in.ndjson").write_text('{"n":1}\n{"n":2}\nrubbish\n')
        committed = "every source is read to its end and committed"

        def ends(command, code):
            done = subprocess.run(["bash", "-c", "exec %s run %s" % (binary(), command)], cwd=directory, timeout=120,
                                  capture_output=True)
            err = done.stderr.decode()
            check_equal(done.returncode, code, command + ":\n" + err)
            return err

        err = ends("p.yaml --admin off </", 1)
        check("cannot read standard input" in err.splitlines()[-1] and committed not in err, err)
        err = ends("p.yaml --admin off <in.ndjson", 1)
        check("1 event was lost" in err.splitlines()[-1] and committed not in err, err)
        (directory / "fast.yaml").write_text(FILTER + "errors: {retry: {attempts: 2, initial: 1ms}}\n")
        err = ends("fast.yaml --admin off <in.ndjson >/dev/full", 1)
        check("No space left" in err and committed not in err, err)
        # What is among the dead letters is kept: the run did what it could, and says so.
        err = ends("c.yaml --data-dir data --admin off", 0)
        check(committed + "; some events are dead letters dead_letters=1 stream=copy.dead" in err, err)


def without_a_log_a_stop_says_how_many_events_it_lost():
    with work_directory() as directory, socket.create_server(("127.0.0.1", 0)) as mute:
        pipeline = HOOK.replace("file: {path: out.ndjson}", 'http: {url: "http://127.0.0.1:%d/"}' % mute.getsockname()[1])
        (directory / "p.yaml").write_text(pipeline + "log: off\n")
        with Instance("p.yaml", directory, arguments=["--set", "drain_timeout=200ms"]) as instance:
            for _ in range(3):
                check_equal(request(instance.listen, "POST", "/in", "{}")[0], 200, "the event")
            check_equal(instance.stop(), 1, instance.stderr())
            check("error: 3 events were lost: not written in time" in instance.stderr(), instance.stderr())
            check("stays in the log" not in instance.stderr(), "it promises what it cannot keep:\n" + instance.stderr())


def standard_streams_that_are_closed_belong_to_nobody_else():
    """Else the log or a socket would get their numbers, and the events of a sink would go into it."""
    with work_directory() as directory:
        (directory / "p.yaml").write_text(FILTER)
        (directory / "in.ndjson").write_text('{"n":1}\n{"n":2}\n')
        (directory / "c.yaml").write_text(COPY)

        def ends(command, code, mention=b""):
            done = subprocess.run(["bash", "-c", "exec %s %s" % (binary(), command)], cwd=directory, timeout=60,
                                  capture_output=True)
            check_equal(done.returncode, code, "%s: %r" % (command, done.stderr))
            check(mention in done.stderr, "%s does not say %r: %r" % (command, mention, done.stderr))
            return done.stdout

        ends("run p.yaml --admin 127.0.0.1:0 <&-", 2, b"standard input is closed")
        ends("run p.yaml --admin 127.0.0.1:0 <in.ndjson >&-", 2, b"standard output is closed")
        check_equal(ends("run p.yaml --admin 127.0.0.1:0 <in.ndjson 2>&-", 0), b'{"n":2}\n', "with messages closed")
        ends("validate p.yaml >&-", 1, b"cannot write to standard output")
        # Who uses none of the three has nothing to miss.
        ends("run c.yaml --data-dir data --admin 127.0.0.1:0 <&- >&- 2>&-", 0)
        check_equal(len(read_lines(directory / "out.ndjson")), 2, "lines of the copy")


def a_sink_that_becomes_another_kind_goes_on_where_it_was():
    with work_directory() as directory:
        text = "name: p\nsources: [{http: {path: /in}}]\nsinks: [{name: all, %s}]\n"
        (directory / "p.yaml").write_text(text % "file: {path: out.ndjson}")
        with Instance("p.yaml", directory) as instance:
            check_equal(request(instance.listen, "POST", "/in", '{"n":1}')[0], 200, "the first event")
            check_equal(instance.stop(), 0, instance.stderr())
        (directory / "p.yaml").write_text(text % "stdout: {}")
        with Instance("p.yaml", directory) as instance:
            check_equal(request(instance.listen, "POST", "/in", '{"n":2}')[0], 200, "the second event")
            wait_for(lambda: '{"n":2}\n' in instance.stderr(), "the second event on standard output")
            check('{"n":1}' not in instance.stderr(), "the first event, too:\n" + instance.stderr())
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal((directory / "out.ndjson").read_text(), '{"n":1}\n', "the file")


main(standard_input_through_a_filter_to_standard_output, a_file_is_read_once_and_again_from_the_start,
     the_start_up_message_says_what_is_promised_and_where_it_listens, a_signal_drains_and_exits_with_zero,
     a_signal_under_load_loses_nothing_acknowledged_and_never_says_404,
     a_second_signal_ends_at_once, a_drain_that_takes_too_long_is_cut_at_its_deadline,
     what_cannot_start_is_refused_with_what_to_do, a_dry_run_starts_nothing, settings_come_in_their_order,
     two_pipelines_in_one_process, a_reader_that_goes_away_ends_the_run,
     a_run_that_lost_events_or_could_not_read_ends_with_one, without_a_log_a_stop_says_how_many_events_it_lost,
     standard_streams_that_are_closed_belong_to_nobody_else,
     a_sink_that_becomes_another_kind_goes_on_where_it_was)
