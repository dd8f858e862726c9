"""[REQ-046] [REQ-094] [REQ-183] [REQ-185] Rubbish from outside: each gets a clear refusal, nothing accepted is lost, nothing
crashes. One instance takes all of it; good events posted in between must come out, and nothing else."""
import gzip
import json
import os
import socket
import subprocess
import time

from harness import (Instance, binary, check, main, raw_request, read_lines, request, run, wait_for, work_directory)

PIPELINE = """
name: hooks
sources:
  - name: hook
    http: {path: /in, max_body: 64KiB}
sinks:
  - file: {path: out.ndjson}
"""


class Bench:
    """An instance, and the good events it was given."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "p.yaml").write_text(PIPELINE)
        self.instance = Instance("p.yaml", directory)
        self.sent = []

    def good(self):
        event = {"good": len(self.sent)}
        status, _, body = request(self.instance.listen, "POST", "/in", json.dumps(event))
        check(status == 200, "a good event was answered %d: %r" % (status, body))
        check(json.loads(body)["accepted"] == 1, "not accepted: %r" % body)
        self.sent.append(event)

    def refused(self, body, expected, mention=None, headers=None, path="/in", method="POST"):
        status, answer_headers, answer = request(self.instance.listen, method, path, body, headers)
        check(status in (expected if isinstance(expected, tuple) else (expected,)),
              "%r was answered %d, expected %s: %r" % (body[:60] if body else body, status, expected, answer))
        check(answer_headers.get("Content-Type", "").startswith("application/problem+json"),
              "the refusal is no problem+json: %s" % answer_headers)
        problem = json.loads(answer)
        check(problem["status"] == status, "status in the body differs: %r" % answer)
        if mention:
            check(mention in json.dumps(problem), "the refusal does not say %r: %r" % (mention, answer))
        self.good()
        return problem

    def finish(self):
        check(self.instance.stop() == 0, "did not stop cleanly:\n" + self.instance.stderr())
        got = read_lines(self.directory / "out.ndjson")
        check(got == self.sent, "the file holds %d events, %d were accepted" % (len(got), len(self.sent)))


def bodies():
    with work_directory() as directory:
        bench = Bench(directory)
        problem = bench.refused(b'{"a":1,}', 400)
        check(problem.get("byte") == 7, "the first bad byte is 7, not %s" % problem.get("byte"))
        problem = bench.refused(b'{"a":"\xff"}', 400)
        check(problem.get("byte") == 6, "the first bad byte is 6, not %s" % problem.get("byte"))
        bench.refused(b'', 400)
        bench.refused(b'{"a":"\xed\xa0\x80"}', 400)
        bench.refused(b'{"a":1} {"b":2}', 400)
        bench.refused(b'[' * 10_000 + b']' * 10_000, 400, "more than 1024 levels of nesting")
        bench.refused(b'{"a":"' + b"x" * 70_000 + b'"}', 413)
        bench.refused(b'{"a":1}\n{"a":\n{"a":3}', 400, headers={"Content-Type": "application/x-ndjson"})
        bench.refused(b'{"a":1}', 415, headers={"Content-Type": "image/png"})
        bench.refused(b'{"a":1}', 415, "got 'application/x-www-form-urlencoded'; add -H 'Content-Type: application/json'",
                      headers={"Content-Type": "application/x-www-form-urlencoded"})
        bench.refused(b'{"a":1}', 404, path="/nowhere")
        bench.refused(None, 405, method="GET")
        bench.refused(gzip.compress(b'{"a":"' + b"0" * 10_000_000 + b'"}'), 413, headers={"Content-Encoding": "gzip"})
        bench.refused(b"not gzip at all", 400, headers={"Content-Encoding": "gzip"})
        bench.refused(b'{"a":1e999}', 400)
        bench.refused(b'{"a":"\\ud800"}', 400)
        bench.finish()


def protocol():
    with work_directory() as directory:
        bench = Bench(directory)
        port = bench.instance.listen
        both = (b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"7\r\n{\"a\":1}\r\n0\r\n\r\n")
        answer = raw_request(port, both, timeout=3)
        check(answer.startswith(b"HTTP/1.1 400"), "conflicting lengths were answered %r" % answer[:80])
        bench.good()
        two = b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n{\"a\":1}"
        check(raw_request(port, two, timeout=3).startswith(b"HTTP/1.1 400"), "two lengths were not refused")
        bench.good()
        check(raw_request(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, timeout=3).startswith(b"HTTP/1.1 400"),
              "a TLS hello was not refused")
        bench.good()
        # Half a request, then gone: nothing is kept.
        raw_request(port, b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"half\":", timeout=1, shut_down=True)
        bench.good()
        # A body that never ends: refused at the limit, not at the end of memory.
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(b"POST /in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            sent = 0
            try:
                while sent < 50_000_000:
                    peer.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    sent += 4096
            except OSError:
                pass
            check(sent < 50_000_000, "an endless body was taken to its end")
        bench.good()
        bench.finish()


def second_process_on_the_same_data_directory():
    with work_directory() as directory:
        bench = Bench(directory)
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              directory, timeout=20)
        check(code == 2, "the second process ended with %d:\n%s" % (code, stderr))
        check(str(bench.instance.process.pid) in stderr or str(bench.instance.admin) in stderr,
              "the refusal does not say who holds the directory:\n" + stderr)
        bench.good()
        bench.finish()


def as_nobody(arguments):
    """As an ordinary user: root may write anywhere."""
    command = [binary()] + [str(a) for a in arguments]
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + command
    done = subprocess.run(command, input=b"{}\n", capture_output=True, timeout=20, cwd="/")
    return done.returncode, done.stderr.decode()


def missing_permission():
    """Each is refused before anything starts, by the file's name and the reason."""
    stdin = "name: p\nlog: off\nsources: [{stdin: {}}]\nsinks: [{file: {path: %s}}]\n"
    with work_directory() as directory:
        os.chmod(directory, 0o777)
        closed = directory / "closed"
        closed.mkdir()
        (directory / "secret.ndjson").write_text("{}\n")
        (directory / "secret.computo").write_text("$input")
        pipelines = {
            "sink": (stdin % "closed/out.ndjson", "closed"),
            "source": ("name: p\nsources: [{file: secret.ndjson}]\nsinks: [{stdout: {}}]\n", "secret.ndjson"),
            "script": ("name: p\nlog: off\nsources: [{stdin: {}}]\nstages: [{computo: secret.computo}]\n"
                       "sinks: [{stdout: {}}]\n", "secret.computo"),
            "data": ("name: p\nsources: [{stdin: {}}]\nsinks: [{stdout: {}}]\n", "closed/data"),
        }
        for name in ("secret.ndjson", "secret.computo"):
            os.chmod(directory / name, 0o000)
        os.chmod(closed, 0o555)
        for name, (text, mention) in pipelines.items():
            (directory / (name + ".yaml")).write_text(text)
            data = closed / "data" if name == "data" else directory / "data"
            code, stderr = as_nobody(["run", directory / (name + ".yaml"), "--data-dir", data, "--admin", "127.0.0.1:0",
                                      "--listen", "127.0.0.1:0"])
            check(code == 2, "%s: ended with %d:\n%s" % (name, code, stderr))
            check(mention in stderr and "ermission" in stderr,
                  "%s: the message names neither file nor reason:\n%s" % (name, stderr))


def full_disk():
    """A data directory on a file system of 80 MiB: the door answers 503 or 429 when it is full, and goes on when
    there is room again; everything acknowledged comes out."""
    with work_directory() as directory:
        mount = directory / "small"
        mount.mkdir()
        if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", mount],
                                              capture_output=True).returncode != 0:
            print("  skipped: this user may not mount a small file system")
            return
        try:
            (directory / "p.yaml").write_text(PIPELINE)
            instance = Instance("p.yaml", directory, data_dir=mount / "data")
            accepted, refusals, ballast = 0, 0, None
            text = os.urandom(20_000).hex()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and refusals < 5:
                status, headers, body = request(instance.listen, "POST", "/in", json.dumps({"n": accepted, "t": text}))
                if status == 200:
                    accepted += 1
                    if ballast is None and accepted == 10:
                        ballast = mount / "ballast"
                        ballast.write_bytes(b"x" * (10 << 20))
                else:
                    check(status in (429, 503), "a full disk was answered %d: %r" % (status, body))
                    check("Retry-After" in headers, "no Retry-After: %s" % headers)
                    refusals += 1
                    time.sleep(0.05)
            check(refusals == 5, "the disk never filled: %d accepted" % accepted)
            ballast.unlink()
            # It resumes by itself.
            def again():
                status, _, _ = request(instance.listen, "POST", "/in", json.dumps({"n": accepted, "t": ""}))
                return status == 200
            wait_for(again, "the door to open again")
            accepted += 1
            check(instance.stop() == 0, instance.stderr())
            got = [line["n"] for line in read_lines(directory / "out.ndjson")]
            check(got == list(range(accepted)), "accepted %d, the file holds %d" % (accepted, len(got)))
            print("  %d accepted before the disk was full" % accepted)
        finally:
            subprocess.run(["umount", "-l", mount], capture_output=True)


def configuration():
    with work_directory() as directory:
        cases = {
            "cycle": ("name: a\nsources: &x [*x]\n", "1"),
            "duplicate": ("name: a\nname: b\n", ":2:1: error:"),
            "syntax": ("name: [a\n", "error:"),
        }
        for name, (text, mention) in cases.items():
            (directory / (name + ".yaml")).write_text(text)
            code, out, stderr = run(["run", name + ".yaml"], directory)
            check(code == 2, "%s: ended with %d:\n%s%s" % (name, code, out, stderr))
            check(mention in out + stderr, "%s: the message does not say %r:\n%s%s" % (name, mention, out, stderr))
        check(not (directory / "colloquium-data").exists(), "a refused pipeline made a data directory")


main(bodies, protocol, second_process_on_the_same_data_directory, missing_permission, full_disk, configuration)
