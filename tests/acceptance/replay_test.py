"""[REQ-007] `log replay`: a part of a stream by place and time, into the same and another pipeline, beside a running
process, killed and gone on with; and what it says before it repeats anything."""
import json
import os
import re
import signal
import subprocess
import time

from harness import Instance, binary, check, check_equal, main, read_lines, request, run, wait_for, work_directory

ORDERS = """
name: orders
log: {partitions: 2, partition_by: ["$input", "/n"]}
sources: [{http: {path: /orders}}]
stages: [{filter: ["!=", ["%%", ["$input", "/n"], 10], 9]}]
sinks: [{name: all, file: {path: %s}}]
"""
# Another pipeline: everything once more, made into something else; one of them fails.
COPY = """
name: copy
sources: [{http: {path: /other}}]
stages:
  - computo: ["obj", "m", ["/", 100, ["-", ["$input", "/n"], 3]]]
sinks: [{name: out, file: {path: copy.ndjson}}]
"""


def write_pipelines(directory):
    (directory / "orders.yaml").write_text(ORDERS % "orders.ndjson")
    (directory / "copy.yaml").write_text(COPY)


def filled(directory, count=40):
    write_pipelines(directory)
    instance = Instance("orders.yaml", directory)
    post(instance, range(count))
    return instance


def post(instance, numbers):
    body = "\n".join(json.dumps({"n": n}) for n in numbers)
    status, _, answer = request(instance.listen, "POST", "/orders", body, {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, answer)


def replay(directory, *arguments, stream="orders"):
    return run(["log", "replay", stream, "--data-dir", "data", *arguments], directory)


def numbers(path):
    return sorted(event["n"] for event in read_lines(path))


def into_another_pipeline():
    with work_directory() as directory:
        check_equal(filled(directory).stop(), 0, "stop")
        before = (directory / "orders.ndjson").read_bytes()
        code, out, err = replay(directory, "--pipeline", "copy.yaml")
        check_equal(code, 0, err)
        check_equal(out, "", "standard output")
        check("replayed 40 events: 39 to out, 1 dead letters in copy.dead" in err, err)
        check_equal(len(read_lines(directory / "copy.ndjson")), 39, "copies")
        check_equal((directory / "orders.ndjson").read_bytes(), before, "the running pipeline's file")
        code, out, err = run(["log", "cat", "copy.dead", "--data-dir", "data"], directory)
        check_equal(code, 0, err)
        check_equal(json.loads(out)["event"], {"n": 3}, "the dead letter")
        check(json.loads(out)["position"].startswith("orders."), "its id is not the one it had: " + out)
        # The pipeline that made the stream goes on where it was.
        with Instance("orders.yaml", directory) as instance:
            post(instance, [100])
            wait_for(lambda: 100 in numbers(directory / "orders.ndjson"), "the next event")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(numbers(directory / "orders.ndjson"), [n for n in range(40) if n % 10 != 9] + [100], "events")


def by_place_and_time():
    with work_directory() as directory:
        instance = filled(directory, 10)
        time.sleep(1.1)  # times on the command line are whole seconds
        middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        post(instance, range(10, 20))
        check_equal(instance.stop(), 0, instance.stderr())

        def copies(*arguments):
            (directory / "copy.ndjson").unlink(missing_ok=True)
            name = "copy%d" % time.monotonic_ns()
            (directory / "now.yaml").write_text(COPY.replace("name: copy", "name: " + name).replace(
                '["/", 100, ["-", ["$input", "/n"], 3]]', '["$input", "/n"]'))
            code, _, err = replay(directory, "--pipeline", "now.yaml", *arguments)
            check_equal(code, 0, err)
            return sorted(event["m"] for event in read_lines(directory / "copy.ndjson"))
        check_equal(copies(), list(range(20)), "everything")
        check_equal(copies("--from", "beginning"), list(range(20)), "--from beginning")
        check_equal(copies("--from", middle), list(range(10, 20)), "--from TIME")
        check_equal(copies("--to", middle), list(range(10)), "--to TIME")
        check_equal(copies("--from", "2901-01-01T00:00Z"), [], "--from a late time")
        parts = [copies("--partition", p) for p in "01"]
        check(all(parts), "one partition has everything")
        check_equal(sorted(parts[0] + parts[1]), list(range(20)), "both partitions")
        lines = run(["log", "cat", "orders", "--data-dir", "data", "--partition", "0", "--format", "full"],
                    directory)[1].splitlines()
        offsets = {json.loads(line)["offset"]: json.loads(line)["value"]["n"] for line in lines}
        first, last = sorted(offsets)[1], sorted(offsets)[-1]
        check_equal(copies("--partition", "0", "--from", str(first), "--to", str(last)),
                    sorted(n for offset, n in offsets.items() if first <= offset < last), "a part in the midst")


def what_would_be_there_twice_needs_a_yes():
    with work_directory() as directory:
        check_equal(filled(directory, 20).stop(), 0, "stop")
        before = (directory / "orders.ndjson").read_bytes()
        code, out, err = replay(directory, "--pipeline", "orders.yaml")
        check_equal((code, out), (2, ""), err)
        check("sink all appends each line to" in err and "orders.ndjson' again" in err and "--yes" in err, err)
        check_equal((directory / "orders.ndjson").read_bytes(), before, "the file")
        code, _, err = replay(directory, "--pipeline", "orders.yaml", "--yes")
        check_equal(code, 0, err)
        once = [n for n in range(20) if n % 10 != 9]
        check_equal(numbers(directory / "orders.ndjson"), sorted(once + once), "events")
        # The pipeline knows of what was added to its file.
        with Instance("orders.yaml", directory) as instance:
            post(instance, [100])
            wait_for(lambda: 100 in numbers(directory / "orders.ndjson"), "the next event")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(numbers(directory / "orders.ndjson"), sorted(once + once + [100]), "events")
        check(not [name for name in os.listdir(directory) if "uncommitted" in name], "its lines were moved away")


def beside_a_running_process():
    with work_directory() as directory:
        with filled(directory) as instance:
            # The last group counts as synced for other processes once the mark behind it is, a second later.
            wait_for(lambda: run(["log", "cat", "orders", "--data-dir", "data"], directory)[1].count("\n") == 40,
                     "all events to be marked as synced")
            code, _, err = replay(directory, "--pipeline", "copy.yaml")
            check_equal(code, 0, err)
            check("in use by process %d: no progress is kept" % instance.process.pid in err, err)
            check_equal(len(read_lines(directory / "copy.ndjson")), 39, "copies")
            letters = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
            check_equal([letter["event"] for letter in letters], [{"n": 3}], "dead letters")
            check("replayed 40 events: 39 to out, 1 dead letters" in err, err)
            # Its file has a writer already.
            code, _, err = replay(directory, "--pipeline", "orders.yaml", "--yes")
            check(code == 2 and "is being written by another sink or process" in err, "%d %s" % (code, err))
            code, _, err = replay(directory, "--pipeline", "copy.yaml", "--resume", "whatever")
            check(code == 2 and "a replay can only go on where its progress is kept" in err, err)
            post(instance, range(40, 50))
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(numbers(directory / "orders.ndjson"), [n for n in range(50) if n % 10 != 9], "the running one")


def start_replay(directory, *arguments):
    return subprocess.Popen([binary(), "log", "replay", "orders", "--data-dir", "data", *arguments], cwd=directory,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def generation_of(line):
    return re.match(r"replay (\w{8}): stream orders, ", line).group(1)


def killed_and_gone_on_with():
    with work_directory() as directory:
        count = 2000
        check_equal(filled(directory, count).stop(), 0, "stop")
        path = directory / "copy.ndjson"
        process = start_replay(directory, "--pipeline", "copy.yaml", "--rate", "1500")
        generation = generation_of(process.stderr.readline())
        kills = 0
        while True:
            size = path.stat().st_size if path.exists() else 0
            wait_for(lambda: process.poll() is not None or (path.exists() and path.stat().st_size > size),
                     "the replay to write something")
            process.kill()
            process.communicate()
            kills += 1
            if kills == 4:
                break
            process = start_replay(directory, "--pipeline", "copy.yaml", "--rate", "1500", "--resume", generation)
        check(len(read_lines(path)) < count - 1, "it was through before it was killed")
        # A signal lets it write what it has read, and says how to go on.
        process = start_replay(directory, "--pipeline", "copy.yaml", "--rate", "1500", "--resume", generation)
        size = path.stat().st_size
        wait_for(lambda: path.stat().st_size > size, "the replay to write something")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        check_equal(process.returncode, 1, err)
        check("interrupted after" in err and "--resume " + generation in err, err)
        code, _, err = replay(directory, "--pipeline", "copy.yaml", "--resume", generation)
        check_equal(code, 0, err)
        got = sorted(event["m"] for event in read_lines(path))
        check_equal(got, sorted(100 / (n - 3) for n in range(count) if n != 3), "every event once")
        dead = run(["log", "cat", "copy.dead", "--data-dir", "data"], directory)[1]
        check_equal(dead.count("\n"), 1, "dead letters")
        code, _, err = replay(directory, "--pipeline", "copy.yaml", "--resume", generation)
        check(code == 2 and "it is through, or had not begun" in err, err)


def a_pace_is_kept():
    with work_directory() as directory:
        check_equal(filled(directory, 100).stop(), 0, "stop")
        started = time.monotonic()
        code, _, err = replay(directory, "--pipeline", "copy.yaml", "--rate", "50")
        check_equal(code, 0, err)
        seconds = time.monotonic() - started
        # A tenth of a second's worth may go at once.
        check(seconds > 1.7, "100 events at 50 a second took %.2f s" % seconds)
        check_equal(len(read_lines(directory / "copy.ndjson")), 99, "copies")


def what_cannot_be_is_refused():
    with work_directory() as directory:
        write_pipelines(directory)
        code, _, err = replay(directory, "--pipeline", "copy.yaml")
        check(code == 2 and "there is no data directory at 'data'" in err, err)
        check(not (directory / "data").exists(), "it made a data directory")
        check_equal(filled(directory, 3).stop(), 0, "stop")
        for arguments, told in [
                (["--pipeline", "copy.yaml", "--from", "yesterday"], "--from takes an offset, or a time"),
                (["--pipeline", "copy.yaml", "--partition", "7"], "has the partitions 0 to 1"),
                (["--pipeline", "copy.yaml", "--rate", "0"], "--rate takes a number above 0"),
                (["--pipeline", "copy.yaml", "--speed", "fast"], "--speed takes a number above 0"),
                (["--pipeline", "copy.yaml", "--rate", "1", "--speed", "2x"], "not both"),
                (["--pipeline", "copy.yaml", "--resume", "abc", "--from", "1"], "leave out --from"),
                (["--pipeline", "copy.yaml", "--resume", "abcdefgh"], "there is no replay 'abcdefgh'"),
                (["--pipeline", "nowhere.yaml"], "nowhere.yaml"),
                ([], "--pipeline FILE")]:
            code, out, err = replay(directory, *arguments)
            check(code == 2 and out == "" and told in err, "%s: %d %s" % (arguments, code, err))
        code, _, err = replay(directory, "--pipeline", "copy.yaml", stream="oders")
        check(code == 2 and "did you mean 'orders'?" in err, err)
        check(not (directory / "copy.ndjson").exists(), "a refused replay made its sink's file")
        # The pipeline of the stream's name, where the settings list one.
        (directory / "colloquium.yaml").write_text("data_dir: data\npipelines: [copy.yaml, orders.yaml]\n")
        (directory / "orders.yaml").write_text((ORDERS % "again.ndjson").replace("name: all", "name: again"))
        code, _, err = run(["log", "replay", "orders"], directory)
        check_equal(code, 0, err)
        check_equal(numbers(directory / "again.ndjson"), [0, 1, 2], "events")


main(into_another_pipeline, by_place_and_time, what_would_be_there_twice_needs_a_yes, beside_a_running_process,
     killed_and_gone_on_with, a_pace_is_kept, what_cannot_be_is_refused)
