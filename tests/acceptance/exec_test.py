"""[REQ-016] Programs as source and sink: restarts, backpressure, acknowledgements, and nothing left of them when the
process ends."""
import json
import os
import stat

from harness import Instance, check, check_equal, main, read_lines, run, wait_for, work_directory

PORTS = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]


def script(directory, name, text):
    path = directory / name
    path.write_text("#!/usr/bin/env python3\nimport json, os, signal, sys, time\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as text:
        return text.read().rpartition(")")[2].split()[0] == "Z"


def a_program_that_crashes_half_way_is_started_again():
    with work_directory() as directory:
        script(directory, "source.py", """
begin = int(open("at").read()) if os.path.exists("at") else 0
for n in range(begin, 5000):
    print(json.dumps({"n": n}), flush=True)
    if n in (1000, 2500) and begin <= n:
        open("at", "w").write(str(n + 1))
        sys.stderr.write("something broke\\n")
        sys.stdout.write('{"n": 9')
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
""")
        (directory / "p.yaml").write_text("name: p\nsources:\n  - exec: {command: [./source.py], restart: {initial: 10ms}}\n"
                                          "sinks:\n  - file: {path: out.ndjson}\n")
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", *PORTS], directory)
        check(code == 0, "the run failed:\n" + stderr)
        check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(5000)), "the lines")
        check("something broke" in stderr, "its standard error is not in the log:\n" + stderr)
        check("signal 9" in stderr, "how it ended is not in the log:\n" + stderr)


def a_failure_that_is_final_ends_the_run():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("name: p\nsources:\n  - exec: {command: [sh, -c, 'echo 1; exit 3'], restart: never}"
                                          "\nsinks:\n  - file: {path: out.ndjson}\n")
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", *PORTS], directory)
        check_equal(code, 1, "the exit code")
        check("exit status 3" in stderr, "it does not say why:\n" + stderr)
        check_equal(read_lines(directory / "out.ndjson"), [1], "what came before")


def a_sink_whose_program_dies_loses_nothing_it_did_not_acknowledge():
    with work_directory() as directory:
        script(directory, "sink.py", """
out = open("got.ndjson", "a")
for number, line in enumerate(sys.stdin):
    out.write(line)
    out.flush()
    print("ok", flush=True)
    if number == 700:
        os.kill(os.getpid(), signal.SIGKILL)
""")
        with open(directory / "in.ndjson", "w", encoding="utf-8") as out:
            for n in range(3000):
                out.write('{"n":%d}\n' % n)
        (directory / "p.yaml").write_text("name: p\nerrors: {retry: {initial: 5ms, max: 20ms}}\nsources:\n"
                                          "  - file: {path: in.ndjson}\nsinks:\n  - exec: {command: [./sink.py], "
                                          "acknowledge: line, restart: {initial: 5ms, max: 20ms}}\n")
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", *PORTS], directory)
        check(code == 0, "the run failed:\n" + stderr)
        got = [line["n"] for line in read_lines(directory / "got.ndjson")]
        check_equal(sorted(set(got)), list(range(3000)), "the events that arrived")
        check(len(got) <= 3010, "%d lines for 3000 events" % len(got))


def nothing_is_left_of_the_programs_when_the_process_stops():
    with work_directory() as directory:
        script(directory, "source.py", """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    print(json.dumps([os.getpid(), child]), flush=True)
while True:
    signal.pause()
""")
        (directory / "p.yaml").write_text("name: p\nsources:\n  - exec: {command: [./source.py], restart: always, "
                                          "stop_timeout: 100ms}\nsinks:\n  - exec: {command: [sh, -c, 'cat >> got']}\n")
        with Instance("p.yaml", directory) as instance:
            got = directory / "got"
            wait_for(lambda: got.exists() and got.read_text().endswith("\n"), "the pids")
            pids = json.loads(got.read_text())
            check(not any(gone(pid) for pid in pids), "the programs do not run")
            check_equal(instance.stop(), 0, "the exit code")
        for pid in pids:
            wait_for(lambda pid=pid: gone(pid), "the end of %d" % pid)


main(a_program_that_crashes_half_way_is_started_again, a_failure_that_is_final_ends_the_run,
     a_sink_whose_program_dies_loses_nothing_it_did_not_acknowledge, nothing_is_left_of_the_programs_when_the_process_stops)
