"""[REQ-006] `log forget`: a leg that nothing runs any more, or a replay that nobody resumes, no longer holds retention
back."""
import json
import random
import re
import signal
import subprocess

from harness import Instance, binary, check, check_equal, main, read_lines, request, run, wait_for, work_directory

ORDERS = """
name: orders
log: {compression: none, retention: {size: 2MiB}}
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: all, file: {path: out.ndjson}}%s]
"""
COPY = """
name: copy
sources: [{http: {path: /other}}]
sinks: [{name: out, file: {path: copy.ndjson}}]
"""
SECOND = ", {name: second, file: {path: second.ndjson}}"


def post_megabytes(instance, numbers):
    for n in numbers:
        text = random.Random(n).randbytes(500_000).hex()
        status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n, "text": text}))
        check_equal(status, 200, body)


def log(directory, *arguments, code=0):
    got, out, err = run(["log", *arguments, "--data-dir", "data"], directory)
    check_equal(got, code, "log %s: %s%s" % (" ".join(arguments), out, err))
    return out + err


def listed(directory):
    return json.loads(log(directory, "ls", "--format", "json"))["legs"]


def legs(directory):
    return [leg["leg"] for leg in listed(directory)]


def ran(directory, numbers, second=""):
    (directory / "orders.yaml").write_text(ORDERS % second)
    with Instance("orders.yaml", directory) as instance:
        post_megabytes(instance, numbers)
        for name in ["out.ndjson"] + (["second.ndjson"] if second else []):
            wait_for(lambda: any(line["n"] == numbers[-1] for line in read_lines(directory / name)), name)
        check_equal(instance.stop(), 0, instance.stderr())


def removed(instance):
    return instance.metric("colloquium_log_removed_bytes_total")


def a_replay_that_nobody_resumes():
    with work_directory() as directory:
        ran(directory, range(2))
        (directory / "copy.yaml").write_text(COPY)
        with subprocess.Popen([binary(), "log", "replay", "orders", "--pipeline", "copy.yaml", "--data-dir", "data",
                               "--rate", "0.01"], cwd=directory, stderr=subprocess.PIPE) as replay:
            generation = re.match(rb"replay (\w+):", replay.stderr.readline())[1].decode()
            wait_for(lambda: any(leg["leg"] == "copy/out@replay-" + generation and leg["positions"]
                                 for leg in listed(directory)), "the first position of the replay")
            check("in use by process" in log(directory, "forget", "copy@replay-" + generation, code=2), "while it runs")
            replay.send_signal(signal.SIGKILL)
        check("LEG" in log(directory, "ls") and "copy/out@replay-" + generation in log(directory, "ls"), "ls")
        with Instance("orders.yaml", directory) as instance:
            post_megabytes(instance, range(2, 7))
            wait_for(lambda: "retention cannot remove" in instance.stderr(), "the log says what holds it back")
            check("copy/out@replay-" + generation in instance.stderr(), instance.stderr())
            check_equal(removed(instance), 0, "bytes removed")
            check("in use by process" in log(directory, "forget", "copy@replay-" + generation, code=2), "beside an instance")
            check_equal(instance.stop(), 0, instance.stderr())
        told = log(directory, "forget", "copy@replay-" + generation)
        check(re.search(r"copy/out@replay-\w+ has committed orders/0 below \d+ and holds back what follows: \d events, the "
                        r"oldest of 20", told), told)
        check("forgot copy@replay-" + generation in told and "forgot copy/out@replay-" + generation in told, told)
        # The sink's token is not the replay's: it says how long the file is.
        check_equal(legs(directory), ["copy/out", "orders/all"], "legs")
        check("did you mean" not in log(directory, "forget", "copy@replay-" + generation, code=2), "a second time")
        code, _, err = run(["log", "replay", "orders", "--pipeline", "copy.yaml", "--data-dir", "data", "--resume",
                            generation], directory)
        check(code == 2 and "there is no replay" in err, err)
        with Instance("orders.yaml", directory) as instance:
            wait_for(lambda: removed(instance) > 2_000_000, "retention removes what was held back")
            check_equal(instance.stop(), 0, instance.stderr())
        check("0 problems" in log(directory, "verify"), "verify")


def a_sink_that_is_gone():
    with work_directory() as directory:
        ran(directory, range(2), SECOND)
        ran(directory, range(2, 6))
        told = log(directory, "forget", "orders/second", code=2)
        check("orders/second has committed orders/0 below" in told and "holds back what follows: 4 events" in told, told)
        check("nothing was forgotten" in told and "--yes" in told, told)
        check_equal(legs(directory), ["orders/all", "orders/second"], "legs")
        check("did you mean 'orders/second'?" in log(directory, "forget", "orders/secnd", code=2), "a typing error")
        check("forgot orders/second" in log(directory, "forget", "orders/second", "--yes"), "with --yes")
        check_equal(legs(directory), ["orders/all"], "legs")
        with Instance("orders.yaml", directory) as instance:
            wait_for(lambda: removed(instance) > 2_000_000, "retention removes what was held back")
            check_equal(instance.stop(), 0, instance.stderr())
        check("there is no data directory" in run(["log", "forget", "x", "--data-dir", "nowhere"], directory)[2], "no directory")
        check(not (directory / "nowhere").exists(), "it made one")


def of_an_encrypted_log():
    with work_directory() as directory:
        (directory / "log.key").write_text("11" * 32)
        (directory / "log.key").chmod(0o600)
        (directory / "orders.yaml").write_text((ORDERS % SECOND).replace("log: {", "log: {encryption: {key_file: log.key}, "))
        with Instance("orders.yaml", directory) as instance:
            post_megabytes(instance, [1])
            wait_for(lambda: len(read_lines(directory / "second.ndjson")) == 1, "the event")
            check_equal(instance.stop(), 0, instance.stderr())
        check("--key-file" in log(directory, "forget", "orders/second", "--yes", code=2), "without the key")
        log(directory, "forget", "orders/second", "--yes", "--key-file", "log.key")
        check("orders/second" not in log(directory, "ls", "--key-file", "log.key"), "ls")
        # What it wrote is encrypted as the rest is.
        check(b"orders/all" not in b"".join(path.read_bytes() for path in (directory / "data/journal").iterdir()), "journal")
        check("0 problems" in log(directory, "verify", "--key-file", "log.key"), "verify")


main(a_replay_that_nobody_resumes, a_sink_that_is_gone, of_an_encrypted_log)
