"""[REQ-176] Any system call of the log may be the last one, or fail: what was acknowledged is there, once.

A fixed script of requests under strace, which kills the process before the N-th call of a kind, or lets that call
fail; also as it does on a file system that has become read-only, or lost its rights. Then it is started again without
faults. `make test` tries a sample for some seconds, COLLOQUIUM_SYSCALL_FAULTS=all every N that the script reaches.
"""
import json
import os
import random
import shutil
import subprocess
import time

from harness import Instance, check, check_equal, main, read_lines, request, run, skip, work_directory

PIPELINE = """
name: orders
sources:
  - name: hook
    http: {path: /in, split: true}
sinks:
  - file: {path: out.ndjson}
"""
EVENTS = 75  # each is taken, stored, written to the file and committed: 300 operations
CALLS = ["pwritev", "fdatasync", "fsync", "openat", "rename", "unlink", "ftruncate", "pread64", "mkdir"]
FAULTS = ["signal=KILL", "error=EIO", "error=ENOSPC", "error=EROFS", "error=EACCES"]
SAMPLE_SECONDS = 20


def faults_of(call):
    return FAULTS + (["error=EMFILE"] if call == "openat" else [])


def post(port, n):
    status, _, _ = request(port, "POST", "/in", json.dumps([{"n": n}]), {"Content-Type": "application/json"})
    return status


def under_fault(directory, call, fault, nth):
    """The script under one fault: what was acknowledged, and whether the call was reached at all."""
    trace = directory / "strace.txt"
    strace = ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-e", "trace=" + call, "-e",
              "inject=%s:%s:when=%d" % (call, fault, nth), "-o", str(trace)]
    accepted = []
    instance = Instance("p.yaml", directory, prefix=strace, wait=False)
    try:
        instance.wait_ready()
        for n in range(EVENTS):
            status = post(instance.listen, n)
            if status == 200:
                accepted.append(n)
        instance.stop()
    except (OSError, AssertionError):
        pass  # it is gone, as it was meant to be
    if instance.process.poll() is None:
        instance.kill()
    text = trace.read_text(errors="replace") if trace.exists() else ""
    return accepted, "INJECTED" in text or "killed by SIGKILL" in text


def try_one(call, fault, nth):
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        accepted, reached = under_fault(directory, call, fault, nth)
        what = "%s %s, call %d" % (call, fault, nth)
        with Instance("p.yaml", directory) as again:
            check_equal(post(again.listen, EVENTS), 200, what + ": a post after the restart")
            check_equal(again.stop(), 0, what + ": exit code after the restart")
        lines = [line["n"] for line in read_lines(directory / "out.ndjson")]
        wrong = [n for n in accepted + [EVENTS] if lines.count(n) != 1]
        check_equal(wrong, [], what + ": acknowledged and not there once")
        check_equal(len(lines), len(set(lines)), what + ": some are there twice")
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, what + ": log verify: " + out + err)
        return reached, len(accepted)


def whole():
    tried = 0
    for call in CALLS:
        for fault in faults_of(call):
            nth = 1
            while try_one(call, fault, nth)[0]:
                nth += 1
            tried += nth - 1
            print("  %s, %s: %d calls" % (call, fault, nth - 1), flush=True)
    check(tried > 300, "only %d faults were reached" % tried)


def sample():
    chance = random.Random(1)
    deadline = time.monotonic() + SAMPLE_SECONDS
    tried = reached = acknowledged = 0
    while time.monotonic() < deadline or reached < 3:
        call = chance.choice(CALLS[:1] + CALLS[:3] + CALLS)
        fault = chance.choice(faults_of(call))
        hit, accepted = try_one(call, fault, chance.randrange(1, 30))
        tried, reached, acknowledged = tried + 1, reached + hit, acknowledged + accepted
    print("  %d runs, %d of them with a fault, %d events acknowledged" % (tried, reached, acknowledged))
    check(acknowledged > 0, "nothing was ever acknowledged: this shows nothing")


def any_system_call_may_fail_or_be_the_last():
    if shutil.which("strace") is None:
        skip("no strace here (packaging/deps test installs it)")
    if subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], check=False).returncode != 0:
        skip("strace may not trace here")
    whole() if os.environ.get("COLLOQUIUM_SYSCALL_FAULTS") == "all" else sample()


main(any_system_call_may_fail_or_be_the_last)
