"""[REQ-091] [REQ-094] [REQ-106] A pipeline with five mistakes gets five messages with line and column, exit 2, and
nothing is started."""
import json
import re

from harness import check, main, run, work_directory

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


main(five_mistakes_give_five_messages, json_output_says_the_same, explain_prints_the_legs)
