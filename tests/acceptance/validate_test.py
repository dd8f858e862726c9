"""[REQ-091] [REQ-094] [REQ-106] A pipeline with five mistakes gets five messages with line and column, exit 2, and
nothing is started."""
import json
import os
import re
import shutil
import subprocess

from harness import binary, check, main, run, work_directory

FIVE = """name: orders
log:
  compresion: lz4
sources:
  - http: {path: orders}
stages:
  - filter: [">", ["$input", "/total"]]
  - computo: ["strconcat", "a"]
sinks:
  - fil: {path: out.ndjson}
"""


def five_mistakes_give_five_messages():
    with work_directory() as directory:
        (directory / "orders.yaml").write_text(FIVE)
        code, out, err = run(["validate", "orders.yaml"], directory)
        text = out + err
        print("\n".join("  " + line for line in text.splitlines()))
        check(code == 2, "exit code %d" % code)
        places = re.findall(r"orders\.yaml:(\d+):(\d+): error: ", text)
        check(len(places) == 5, "%d messages instead of 5" % len(places))
        check([int(line) for line, _ in places] == [3, 5, 7, 8, 10], "wrong lines: %s" % places)
        check("unknown key 'compresion' in log; did you mean 'compression'?" in text, "no suggestion for the key")
        check("did you mean 'file'?" in text, "no suggestion for the kind")
        check("strConcat" in text, "no suggestion for the operator")
        code, _, _ = run(["run", "orders.yaml"], directory)
        check(code == 2 and not (directory / "colloquium-data").exists(), "run started something")


def json_output_says_the_same():
    with work_directory() as directory:
        (directory / "orders.yaml").write_text(FIVE)
        code, out, _ = run(["validate", "--format", "json", "orders.yaml"], directory)
        check(code == 2, "exit code %d" % code)
        problems = json.loads(out)
        check(len(problems) == 5 and {"file", "line", "column", "message"} <= set(problems[0]), out)


def explain_prints_the_legs():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("name: p\nsources: [{http: {path: /in}}]\nsinks: [{name: all, file: {path: o}}]\n")
        code, out, err = run(["validate", "--explain", "p.yaml"], directory)
        check(code == 0, err)
        check("leg p:" in out and "leg p/all:" in out and "sink all (file)" in out, out)


TWICE = """name: twice
sources:
  - http: {path: /in}
  - name: second
    http: {path: /in}
sinks:
  - file: {path: o}
  - file: {path: ./o}
"""


def what_run_would_refuse_is_refused():
    """Two components for one thing: with both places, in one file and over all that are given."""
    with work_directory() as directory:
        (directory / "twice.yaml").write_text(TWICE)
        for verb in ("validate", "run"):
            code, _, err = run([verb, "twice.yaml"], directory)
            check(code == 2, "%s: exit code %d" % (verb, code))
            check("twice.yaml:5:18: error: the path /in is taken already by the source 'http' at twice.yaml:3:18" in err, err)
            check(re.search(r"twice.yaml:8:18: error: the file /\S+/o is taken already by the sink 'file' at twice.yaml:7:18",
                            err), err)
        (directory / "a.yaml").write_text("name: a\nlog: off\nsources: [{stdin: {}}]\nsinks: [{stdout: {}}]\n")
        (directory / "b.yaml").write_text("name: b\nlog: off\nsources: [{stdin: {}}]\nsinks: [{stdout: {}}]\n")
        code, _, err = run(["validate", "a.yaml", "b.yaml"], directory)
        check(code == 2 and "b.yaml:3:12: error: standard input is taken already" in err and "a.yaml:3:12" in err, err)


def an_input_that_this_user_may_not_read_is_refused():
    """Run as somebody without rights where this test has all of them."""
    with work_directory() as directory:
        os.chmod(directory, 0o755)
        (directory / "p.yaml").write_text("name: p\nsources: [{file: in}]\nsinks: [{file: out}]\n")
        (directory / "in").write_text("1\n")
        os.chmod(directory / "in", 0)
        program = shutil.copy(binary(), directory / "colloquium")
        user = {"user": 65534} if os.geteuid() == 0 else {}
        done = subprocess.run([program, "validate", "p.yaml"], cwd=directory, capture_output=True, timeout=60, **user)
        err = done.stderr.decode()
        check(done.returncode == 2 and "p.yaml:2:18: error: " in err and "ermission denied" in err, err)


main(five_mistakes_give_five_messages, json_output_says_the_same, explain_prints_the_legs,
     what_run_would_refuse_is_refused, an_input_that_this_user_may_not_read_is_refused)
