"""[REQ-016] [REQ-021] [REQ-022] [REQ-118] Sinks that can take nothing for a while: a receiver that is away or busy,
a full disk. They cost no event and no order, and the health says so until a write succeeds."""
import http.server
import json
import os
import socket
import subprocess
import threading

from harness import Instance, binary, check, check_equal, main, read_lines, request, run, wait_for, work_directory

PIPELINE = """
name: hooks
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: out, %s}]
errors: {retry: {policy: fixed, initial: 10ms, attempts: 2}}
"""
TO_RECEIVER = 'http: {url: "http://127.0.0.1:%d/"}'


class Receiver:
    """Answers each body with what `says` gives for it, and keeps what it answered with 204."""

    def __init__(self, port, says):
        kept = self.kept = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = says(event)
                if status == 204:
                    kept.append(event["n"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def post(instance, count, padding=0):
    for n in range(count):
        body = json.dumps({"n": n, "padding": "x" * padding})
        check_equal(request(instance.listen, "POST", "/in", body)[0], 200, "post")


def sink_health(instance):
    health = json.loads(request(instance.admin, "GET", "/healthz")[2])
    entry = [component for component in health["components"] if component["name"] == "hooks: sink out"][0]
    return entry["status"], entry.get("detail", "")


def failures(instance):
    return instance.metric("colloquium_errors_total", component="out")


def dead_letters(directory):
    code, out, err = run(["log", "cat", "hooks.dead", "--data-dir", "data"], directory)
    check_equal(code, 0, err)
    return [json.loads(line) for line in out.splitlines()]


def a_receiver_that_is_away_and_then_overloaded_gets_everything():
    port, overloaded = free_port(), True
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % (TO_RECEIVER % port))
        with Instance("p.yaml", directory) as instance:
            check_equal(sink_health(instance), ("ok", ""), "health before")
            post(instance, 5)
            wait_for(lambda: failures(instance) >= 10, "ten failed attempts, of two that an event has")
            status, detail = sink_health(instance)
            check_equal(status, "degraded", "health while the receiver is away")
            check("127.0.0.1:%d" % port in detail, detail)
            with Receiver(port, lambda event: 503 if overloaded else 204) as receiver:
                before = failures(instance)
                wait_for(lambda: failures(instance) >= before + 10, "ten attempts at an overloaded receiver")
                wait_for(lambda: "503" in sink_health(instance)[1], "the health to speak of the answer")
                overloaded = False
                wait_for(lambda: len(receiver.kept) >= 5, "the events")
                wait_for(lambda: sink_health(instance) == ("ok", ""), "the health to be ok again")
                check_equal(instance.stop(), 0, instance.stderr())
                check_equal(receiver.kept, [0, 1, 2, 3, 4], "what the receiver got")
        check_equal(dead_letters(directory), [], "dead letters")


def an_event_the_receiver_chokes_on_is_given_up():
    with Receiver(0, lambda event: 500 if event["n"] == 1 else 204) as receiver, work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % (TO_RECEIVER % receiver.server.server_port))
        with Instance("p.yaml", directory) as instance:
            post(instance, 4)
            wait_for(lambda: len(receiver.kept) >= 3, "the others")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(receiver.kept, [0, 2, 3], "what the receiver took")
        letters = dead_letters(directory)
        check_equal([(letter["event"]["n"], letter["attempts"]) for letter in letters], [(1, 2)], "dead letters")


def a_sink_too_far_behind_gives_up_the_oldest_for_itself_alone():
    port = free_port()
    with work_directory() as directory:
        (directory / "p.yaml").write_text(
            (PIPELINE % ("max_lag: {time: 1s, then: dead_letter}, " + TO_RECEIVER % port)).replace(
                "}]\nerrors", "}, {name: all, file: {path: all.ndjson}}]\nerrors"))
        with Instance("p.yaml", directory) as instance:
            post(instance, 5)
            wait_for(lambda: len(dead_letters(directory)) == 5, "the events that waited too long", pause=0.3)
            letters = dead_letters(directory)
            check_equal([letter["event"]["n"] for letter in letters], [0, 1, 2, 3, 4], "dead letters")
            check("max_lag (time: 1s)" in str(letters[0]["error"]), letters[0])
            with Receiver(port, lambda event: 204) as receiver:
                wait_for(lambda: sink_health(instance) == ("ok", "") or post(instance, 1), "a write that succeeds")
                check(set(receiver.kept) <= {0}, receiver.kept)
                code, out, err = run(["dead", "replay", "hooks.dead", "--data-dir", "data"], directory)
                check_equal(code, 0, out + err)
                wait_for(lambda: set(receiver.kept) == {0, 1, 2, 3, 4}, "what was put back")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([line["n"] for line in read_lines(directory / "all.ndjson")][:5], [0, 1, 2, 3, 4], "the other sink")


def a_sink_too_far_behind_holds_the_senders():
    port = free_port()
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("max_lag: {time: 1s}, " + TO_RECEIVER % port))
        with Instance("p.yaml", directory) as instance:
            post(instance, 3)
            wait_for(lambda: "the sources wait for it" in sink_health(instance)[1], "the sink to be too far behind")
            status, headers, body = request(instance.listen, "POST", "/in", '{"n": 3}')
            check_equal(status, 503, body)
            check(headers.get("Retry-After"), headers)
            with Receiver(port, lambda event: 204) as receiver:
                wait_for(lambda: request(instance.listen, "POST", "/in", '{"n": 3}')[0] == 200, "room at the door")
                wait_for(lambda: len(receiver.kept) == 4, "everything")
                check_equal(receiver.kept, [0, 1, 2, 3], "what the receiver got")
                wait_for(lambda: sink_health(instance) == ("ok", ""), "the health to be ok again")
                check_equal(instance.stop(), 0, instance.stderr())


def a_disk_that_was_full_has_everything_once_it_has_room():
    with work_directory() as directory:
        small = directory / "small"
        small.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], capture_output=True)
        if done.returncode != 0:
            print("  not tested: no small disk can be mounted here:", done.stderr.decode().strip())
            return
        try:
            (small / "other").write_bytes(b"x" * 200_000)
            (directory / "p.yaml").write_text(PIPELINE % "file: {path: small/out.ndjson}")
            with Instance("p.yaml", directory) as instance:
                post(instance, 20, padding=10_000)
                wait_for(lambda: failures(instance) >= 10, "ten failed attempts")
                status, detail = sink_health(instance)
                check_equal(status, "degraded", "health while the disk is full")
                check("space" in detail, detail)
                os.remove(small / "other")
                wait_for(lambda: len(read_lines(small / "out.ndjson")) >= 20, "the events")
                wait_for(lambda: sink_health(instance) == ("ok", ""), "the health to be ok again")
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal([event["n"] for event in read_lines(small / "out.ndjson")], list(range(20)), "the lines")
            check_equal(dead_letters(directory), [], "dead letters")
        finally:
            subprocess.run(["umount", "-l", small], check=True)


def a_run_that_has_to_end_and_keeps_nothing_fails_instead_of_waiting():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("name: pipe\nlog: off\nsources: [{stdin: {}}]\nsinks: [{stdout: {}}]\n"
                                          "errors: {retry: {policy: fixed, initial: 10ms, attempts: 3}}\n")
        (directory / "run.sh").write_text('exec "$@" >/dev/full\n')
        done = subprocess.run(["sh", "run.sh", binary(), "run", "p.yaml", "--admin", "127.0.0.1:0", "--listen",
                               "127.0.0.1:0"], cwd=directory, input=b"1\n2\n", capture_output=True, timeout=60)
        message = done.stderr.decode()
        check_equal(done.returncode, 1, message)
        check("took nothing in 3 attempts" in message and "space" in message, message)


main(a_receiver_that_is_away_and_then_overloaded_gets_everything, an_event_the_receiver_chokes_on_is_given_up,
     a_sink_too_far_behind_gives_up_the_oldest_for_itself_alone, a_sink_too_far_behind_holds_the_senders,
     a_disk_that_was_full_has_everything_once_it_has_room,
     a_run_that_has_to_end_and_keeps_nothing_fails_instead_of_waiting)
