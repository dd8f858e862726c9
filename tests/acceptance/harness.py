"""What the acceptance tests share: a temporary directory, the real binary, HTTP clients, and checks that explain
themselves. Python's standard library only.

A test is a script that takes the binary's path as its first argument, prints what it does, and exits 0 (passed),
1 (failed) or 77 (skipped, with the reason on its last line).
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def binary():
    if len(sys.argv) < 2:
        sys.exit("usage: %s BINARY" % sys.argv[0])
    return os.path.abspath(sys.argv[1])


def skip(reason):
    print("skipped:", reason)
    sys.exit(SKIPPED)


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def check_equal(got, wanted, what):
    if got != wanted:
        raise AssertionError("%s: got %r, expected %r" % (what, got, wanted))


def shared(path):
    """A file of the test data beside the repository, or a visible skip where there is none."""
    found = REPOSITORY.parent / "shared" / path
    if not found.exists():
        skip("no test data at %s" % found)
    return found


@contextlib.contextmanager
def work_directory():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="colloquium-test-"))
    try:
        yield directory
    finally:
        for root, folders, _ in os.walk(directory):
            for folder in folders:
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(root, folder), 0o755)
        shutil.rmtree(directory, ignore_errors=True)


def run(arguments, directory, timeout=60, environment=None, stdin=None):
    """Runs the binary to its end; returns (exit code, stdout, stderr)."""
    done = subprocess.run([binary()] + [str(a) for a in arguments], cwd=directory, timeout=timeout,
                          input=stdin, capture_output=True, env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")


class Instance:
    """A running `colloquium run`, with free ports."""

    def __init__(self, pipeline, directory, data_dir="data", environment=None, arguments=(), wait=True,
                 prefix=()):
        self.directory = directory
        self.log_path = pathlib.Path(directory) / ("stderr-%d.log" % time.monotonic_ns())
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [*prefix, binary(), "run", str(pipeline), "--data-dir", str(data_dir), "--listen", "127.0.0.1:0", "--admin",
             "127.0.0.1:0", *arguments],
            cwd=directory, stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})
        self.listen = self.admin = None
        if wait:
            self.wait_ready()

    def stderr(self):
        return self.log_path.read_text(errors="replace")

    def ports(self):
        """Reads the bound addresses from the start-up message; None while it has not been printed."""
        text = self.stderr()
        listen = re.search(r"listen\w*[^\n]*?127\.0\.0\.1:(\d+)", text)
        admin = re.search(r"admin[^\n]*?127\.0\.0\.1:(\d+)", text)
        self.listen = int(listen.group(1)) if listen else None
        self.admin = int(admin.group(1)) if admin else None
        return self.admin

    def is_ready(self):
        if self.ports():
            with contextlib.suppress(OSError):
                return request(self.admin, "GET", "/readyz")[0] == 200
        return False

    def wait_ready(self, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError("ended with %d before it was ready:\n%s" % (self.process.returncode, self.stderr()))
            if self.is_ready():
                return self
            time.sleep(0.01)
        raise AssertionError("not ready after %d s:\n%s" % (seconds, self.stderr()))

    def metric(self, name, **labels):
        """The sum of a metric's series that carry these labels; None if there is none."""
        _, _, body = request(self.admin, "GET", "/metrics")
        total = None
        for line in body.decode().splitlines():
            match = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
            if not match or match.group(1) != name:
                continue
            found = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            if all(found.get(k) == v for k, v in labels.items()):
                total = (total or 0) + float(match.group(3))
        return total

    def calls(self):
        """How many read and write calls it has made since its start (Linux counts them), or none if it has ended."""
        try:
            with open("/proc/%d/io" % self.process.pid, encoding="ascii") as counts:
                found = dict(line.split(": ") for line in counts.read().splitlines())
        except OSError:
            return 0
        return int(found["syscr"]) + int(found["syscw"])

    def wait_calls(self, more, seconds=2):
        """Waits for so many more calls: a moment to kill it that hangs on what it did, not on how fast the machine is.
        Whatever has nothing to do makes none, so it gives up after a while. Returns whether it still runs."""
        goal, deadline = self.calls() + more, time.monotonic() + seconds
        while self.process.poll() is None and self.calls() < goal and time.monotonic() < deadline:
            time.sleep(0.0001)  # gives the test's other threads a turn
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self, seconds=30):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("did not stop within %d s:\n%s" % (seconds, self.stderr()))
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


def request(port, method, path, body=None, headers=None, timeout=20):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def raw_request(port, data, timeout=10, shut_down=False):
    """Sends bytes as they are; returns everything that comes back until the peer closes or time runs out."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as peer:
        peer.sendall(data)
        if shut_down:
            peer.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(socket.timeout, ConnectionResetError):
            while True:
                piece = peer.recv(65536)
                if not piece:
                    break
                received += piece
        return received


def wait_for(condition, what, seconds=30, pause=0.02):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError("waited %d s for %s" % (seconds, what))


class Pace:
    """A load's rate: wait(n) returns when n more are due since the start."""

    def __init__(self, per_second):
        self.due, self.interval = time.monotonic(), 1 / per_second

    def wait(self, more):
        self.due += more * self.interval
        time.sleep(max(0, self.due - time.monotonic()))


def size_of(path):
    """0 while there is none."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def small_disk(directory, megabytes):
    """A file system of its own, or None where this user may not mount one."""
    mount = directory / "disk"
    mount.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "tmpfs", mount],
                                          capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", mount], capture_output=True, check=False)


def read_lines(path):
    """The complete lines of an NDJSON file, parsed."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        data = file.read()
    return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines()]


def main(*tests):
    """Runs the tests in order and reports each."""
    for test in tests:
        started = time.monotonic()
        try:
            test()
        except AssertionError as error:
            print("FAILED %s: %s" % (test.__name__, error))
            sys.exit(1)
        print("ok %s (%.1f s)" % (test.__name__, time.monotonic() - started), flush=True)
