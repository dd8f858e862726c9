"""[REQ-015] [REQ-019] Several sinks: `route` sorts events into cases, each sink takes some, and none waits for another."""
import json

from harness import Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

PIPELINE = """
name: orders
sources: [{name: hook, http: {path: /in}}]
route:
  match: MATCH
  cases:
    - {name: large, when: "= $input/n >= 90"}
    - {name: even, when: "= $input/n % 2 == 0"}
  default: rest
sinks:
  - {name: large, route: [large], file: {path: large.ndjson}}
  - {name: even, route: [even], file: {path: even.ndjson}}
  - {name: others, route: [rest], file: {path: rest.ndjson}}
  - {name: both, route: [large, rest], when: "= $input/n != 91", file: {path: both.ndjson}}
  - {name: all, file: {path: all.ndjson}}
  - {name: dead, http: {url: "http://127.0.0.1:1/nobody"}}
"""


def sorted_by(match):
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE.replace("MATCH", match))
        with Instance("p.yaml", directory) as instance:
            body = "\n".join(json.dumps({"n": n}) for n in range(100))
            status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
            check_equal(status, 200, answer)
            # The sink whose receiver is not there holds back none of the others.
            for sink in ("large", "even", "others", "both", "all"):
                wait_for(lambda: instance.metric("colloquium_leg_lag_events", component=sink) == 0, "sink " + sink)
            check_equal(instance.metric("colloquium_leg_lag_events", component="dead"), 100, "the dead sink's lag")
            instance.kill()
        return {name: [line["n"] for line in read_lines(directory / (name + ".ndjson"))]
                for name in ("large", "even", "rest", "both", "all")}


def an_event_is_the_first_case_that_is_true():
    found = sorted_by("first")
    check_equal(found["large"], list(range(90, 100)), "large")
    check_equal(found["even"], list(range(0, 90, 2)), "even")
    check_equal(found["rest"], list(range(1, 90, 2)), "rest")
    check_equal(found["both"], [n for n in range(100) if (n >= 90 or n % 2) and n != 91], "both")
    check_equal(found["all"], list(range(100)), "all")


def or_every_case_that_is_true():
    found = sorted_by("all")
    check_equal(found["large"], list(range(90, 100)), "large")
    check_equal(found["even"], list(range(0, 100, 2)), "even")
    check_equal(found["rest"], list(range(1, 90, 2)), "rest")


def a_mistyped_case_is_told_with_its_place():
    with work_directory() as directory:
        text = PIPELINE.replace("MATCH", "first").replace("route: [even]", "route: [evn]")
        (directory / "p.yaml").write_text(text)
        code, out, err = run(["validate", "p.yaml"], directory)
        check_equal(code, 2, out + err)
        check("route has no case 'evn'; did you mean 'even'?" in out + err, out + err)
        check("no sink takes the case 'even' of route" in out + err, out + err)
        (directory / "q.yaml").write_text(PIPELINE.replace("MATCH", "first"))
        code, out, err = run(["validate", "q.yaml", "--explain"], directory)
        check_equal(code, 0, out + err)
        check("-> route large, rest -> when -> sink both" in out, out)


main(an_event_is_the_first_case_that_is_true, or_every_case_that_is_true, a_mistyped_case_is_told_with_its_place)
