"""[REQ-179] `log verify` beside a process that writes: never a defect that is none, and a flipped bit is found. What a
repair has left unfinished, what programs read, and what somebody at a terminal sees."""
import contextlib
import json
import os
import pty
import select
import subprocess
import threading

from harness import Instance, binary, check, check_equal, main, request, run, wait_for, work_directory

# A small size makes small segments: they are sealed, and removed, while they are verified.
PIPELINE = """
name: hooks
log: {partitions: 3, partition_by: ["$input", "/n"], compression: none, retention: {size: 9MiB}%s}
sources: [{http: {path: /in}}]
stages: [{computo: ["obj", "n", ["$input", "/n"], "d", ["/", 1, ["%%", ["$input", "/n"], 10]]]}]
sinks: [{file: {path: %s}}]
"""
VERIFICATIONS = 25


@contextlib.contextmanager
def load(instance, clients=3, events=60):
    """Posts from several threads until the block ends."""
    ended = threading.Event()
    failures = []

    def post(first):
        number = first
        while not ended.is_set():
            body = "".join(json.dumps({"n": n, "text": "%x" % (n * 7919) * 100}) + "\n"
                           for n in range(number, number + events))
            number += events
            try:
                status, _, answer = request(instance.listen, "POST", "/in", body,
                                            {"Content-Type": "application/x-ndjson"})
            except OSError as error:
                failures.append(str(error))
                return
            if status not in (200, 503, 429):
                failures.append("%d %r" % (status, answer))
                return
    threads = [threading.Thread(target=post, args=(i * 10_000_000,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    check(not failures, str(failures))


def verify(directory, *arguments):
    code, out, err = run(["log", "verify", "--data-dir", "data", "--format", "json", *arguments], directory)
    return code, json.loads(out) if out else None, err


def removed_segments(instance):
    return instance.metric("colloquium_log_removed_segments_total")


def verified_under_load(directory, instance, *arguments):
    """At least so often, and until segments have been sealed and removed meanwhile."""
    def good():
        code, report, err = verify(directory, *arguments)
        check_equal(code, 0, "%s %s" % (report, err))
        check_equal(report["problems"], [], "problems")
        return report["events"] > 0
    with load(instance):
        for _ in range(VERIFICATIONS):
            good()
            # Nor do the others stumble over what is written and removed under them.
            for verb in ("ls", "stats"):
                code, out, err = run(["log", verb, "--data-dir", "data", "--format", "json"], directory)
                check_equal(code, 0, "log %s: %s%s" % (verb, out, err))
        wait_for(lambda: good() and removed_segments(instance) > 10, "retention to remove", seconds=120)


def beside_a_process_under_load_nothing_is_found_until_a_bit_flips():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("", "out.ndjson"))
        with Instance("p.yaml", directory) as instance:
            verified_under_load(directory, instance)
            # The newest sealed segment of a partition: the last that retention would remove.
            folder = directory / "data/streams/hooks/1"
            segment = max(path for path in folder.glob("*.seal")).with_suffix(".log")
            with open(segment, "r+b") as file:
                file.seek(5000)
                byte = file.read(1)[0]
                file.seek(5000)
                file.write(bytes([byte ^ 16]))
            code, report, err = verify(directory)
            check_equal(code, 1, "%s %s" % (report, err))
            check(report["damaged"] and all(segment.name in problem["file"].replace(".seal", ".log")
                                            and not problem["torn"] for problem in report["problems"]), str(report))
            check(any(problem["position"] <= 5000 and problem["stream"] == "hooks" and problem["partition"] == 1
                      for problem in report["problems"]), str(report))
            instance.kill()


def beside_a_process_that_encrypts_nothing_is_found_with_or_without_the_key():
    with work_directory() as directory:
        (directory / "log.key").write_text("11" * 32)
        (directory / "log.key").chmod(0o600)
        (directory / "p.yaml").write_text(PIPELINE % (", encryption: {key_file: log.key}", "out.ndjson"))
        with Instance("p.yaml", directory) as instance:
            verified_under_load(directory, instance, "--key-file", "log.key")
            with load(instance):
                for _ in range(5):
                    code, report, err = verify(directory)
                    check_equal((code, report["problems"]), (0, []), err)
            instance.kill()


def what_a_kill_left_torn_is_told_and_is_no_damage():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("", "out.ndjson"))
        with Instance("p.yaml", directory) as instance:
            with load(instance):
                wait_for(lambda: instance.metric("colloquium_log_appended_events_total") > 500, "some events")
            instance.kill()
        segment = max((directory / "data/streams/hooks/0").glob("*.log"))
        with open(segment, "ab") as file:
            file.write(b"half a batch")
        code, report, err = verify(directory)
        check_equal(code, 0, "%s %s" % (report, err))
        check(not report["damaged"], str(report))
        check(any(problem["torn"] and problem["file"].endswith(segment.name) for problem in report["problems"]), str(report))
        code, out, _ = run(["log", "verify", "--data-dir", "data"], directory)
        check(code == 0 and "torn by a crash" in out, out)


def an_unfinished_repair_is_told_with_what_to_do():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("", "out.ndjson"))
        with Instance("p.yaml", directory) as instance:
            check_equal(instance.stop(), 0, instance.stderr())
        (directory / "data/REPAIR").write_text("begun")
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 1, out + err)
        check("a repair of 'data' was interrupted; 'colloquium log repair' finishes it" in out, out)
        check("0 problems" in out, out)
        code, report, _ = verify(directory)
        check(code == 1 and "log repair" in report["unfinished"] and not report["damaged"], str(report))


def terminal_output(arguments, directory):
    """What the program writes to standard error if that is a terminal, and its exit code."""
    above, below = pty.openpty()
    with subprocess.Popen([binary(), *arguments], cwd=directory, stdout=subprocess.PIPE, stderr=below) as process:
        os.close(below)
        shown = b""
        while True:
            select.select([above], [], [], 60)
            try:
                piece = os.read(above, 65536)
            except OSError:  # the last one who had the other end has closed it
                break
            if not piece:
                break
            shown += piece
        out = process.stdout.read()
        code = process.wait(60)
    os.close(above)
    return code, out.decode(), shown.decode()


def a_terminal_sees_how_far_it_is_and_a_pipe_does_not():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("", "out.ndjson"))
        with Instance("p.yaml", directory) as instance:
            with load(instance):
                wait_for(lambda: instance.metric("colloquium_log_appended_events_total") > 3000, "some events")
            check_equal(instance.stop(), 0, instance.stderr())
        code, out, shown = terminal_output(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, out + shown)
        percents = [int(part.split(" % verified")[0]) for part in shown.split("\r\x1b[K") if part]
        check(len(percents) > 10 and percents == sorted(percents) and percents[-1] < 100, str(percents))
        check(shown.endswith("\r\x1b[K"), "the line is not cleared at the end: %r" % shown[-40:])
        check("0 problems" in out and "\x1b" not in out, out)
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal((code, err), (0, ""), "into a pipe")


main(beside_a_process_under_load_nothing_is_found_until_a_bit_flips,
     beside_a_process_that_encrypts_nothing_is_found_with_or_without_the_key,
     what_a_kill_left_torn_is_told_and_is_no_damage, an_unfinished_repair_is_told_with_what_to_do,
     a_terminal_sees_how_far_it_is_and_a_pipe_does_not)
