"""[REQ-021] [REQ-023] [REQ-025] What fails for good goes to another pipeline (`errors.to`): as it was, with the reason in its
headers, and exactly once however often the process is killed."""
import json
import random

from harness import Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

EVENTS = 100_000
KILLS = 8

MAIN = """
name: orders
sources: [{file: {path: in.ndjson}}]
stages:
  - name: price
    computo: "= if $input/n % 10 == 3 then 1 / ($input/n - $input/n) else $input"
    errors: {to: rescue}
sinks:
  - file: {path: out.ndjson}
  - name: odd
    when: "= if $input/n % 10 == 5 then 1 / ($input/n - $input/n) == 1 else false"
    errors: {to: rescue}
    file: {path: odd.ndjson}
"""

RESCUE = """
name: rescue
sources: [{http: {path: /rescue}}]
stages:
  - computo: [obj, n, [$input, /n], stage, [$, /event_metadata/headers/colloquium-stage]]
sinks: [{file: {path: rescued.ndjson}}]
"""


def what_fails_is_in_the_other_pipeline_once():
    chance = random.Random(11)
    with work_directory() as directory:
        (directory / "orders.yaml").write_text(MAIN)
        (directory / "rescue.yaml").write_text(RESCUE)
        with open(directory / "in.ndjson", "w", encoding="utf-8") as file:
            for n in range(EVENTS):
                file.write('{"n":%d}\n' % n)
        out = directory / "rescued.ndjson"
        kills = 0
        for _ in range(KILLS):
            with Instance("orders.yaml", directory, arguments=["rescue.yaml"], wait=False) as instance:
                instance.wait_calls(chance.randrange(40, 130), 1)
                kills += len(read_lines(out)) < EVENTS // 5
                instance.kill()
        print("  %d kills before the last event was through" % kills)
        check(kills > 0, "the kills came too late: the test shows nothing")
        with Instance("orders.yaml", directory, arguments=["rescue.yaml"]) as instance:
            wait_for(lambda: len(read_lines(out)) >= EVENTS // 5, "everything", 60)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) >= EVENTS - EVENTS // 10, "the others", 60)
            check_equal(instance.stop(), 0, instance.stderr())
        got = read_lines(out)
        wanted = sorted([(n, "price") for n in range(3, EVENTS, 10)] + [(n, "when") for n in range(5, EVENTS, 10)])
        check_equal(sorted((line["n"], line["stage"]) for line in got), wanted, "what was rescued")
        check_equal([line["n"] for line in read_lines(directory / "out.ndjson")],
                    [n for n in range(EVENTS) if n % 10 != 3], "the others")
        code, text, stderr = run(["dead", "ls", "--data-dir", "data", "--format", "json"], directory)
        check_equal(code, 0, stderr)
        check(all(json.loads(line)["open"] == 0 for line in text.splitlines()), "there are dead letters: " + text)


def a_refused_event_of_a_sink_is_forwarded_with_its_reason():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: p
sources: [{http: {path: /in}}]
sinks: [{http: {url: "http://127.0.0.1:9/x", timeout: 1s}}]
errors: {to: rescue, retry: {attempts: 1, age: 100ms, initial: 10ms}}
""")
        (directory / "rescue.yaml").write_text("""
name: rescue
sources: [{http: {path: /rescue}}]
sinks: [{file: {path: rescued.ndjson}}]
""")
        with Instance("p.yaml", directory, arguments=["rescue.yaml"]) as instance:
            status, _, body = request(instance.listen, "POST", "/in", b'{"n":1}')
            check_equal(status, 200, body)
            wait_for(lambda: read_lines(directory / "rescued.ndjson") == [{"n": 1}], "the event to be rescued")
            check_equal(instance.stop(), 0, instance.stderr())
        code, text, stderr = run(["log", "cat", "rescue", "--data-dir", "data", "--format", "full"], directory)
        check_equal(code, 0, stderr)
        for header in ("colloquium-error", "colloquium-stage", "colloquium-attempts", "colloquium-event"):
            check(header in text, "no header %s in %s" % (header, text))


def too_many_failures_are_an_event_in_another_pipeline():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: p
sources: [{http: {path: /in}}]
stages: [{name: clean, computo: "= 1 / $input/n"}]
sinks: [{file: {path: out.ndjson}}]
errors: {alert: {percent: 20, window: 1s, events: 10, to: alerts}}
""")
        (directory / "alerts.yaml").write_text("""
name: alerts
sources: [{http: {path: /alerts}}]
sinks: [{file: {path: alerts.ndjson}}]
""")
        alerts = directory / "alerts.ndjson"
        with Instance("p.yaml", directory, arguments=["alerts.yaml"]) as instance:
            for n in range(30):
                request(instance.listen, "POST", "/in", b'{"n":%d}' % (n % 2))
            wait_for(lambda: [line["state"] for line in read_lines(alerts)] == ["raised", "cleared"], "the alert")
            check_equal(instance.metric("colloquium_error_alert", component="clean"), 0, "the metric")
            check_equal(instance.stop(), 0, instance.stderr())
        raised = read_lines(alerts)[0]
        check_equal((raised["alert"], raised["pipeline"], raised["component"], raised["threshold_percent"]),
                    ("error_rate", "p", "clean", 20), "the alert")


def who_is_given_first_does_not_decide_how_many_partitions_the_other_has():
    with work_directory() as directory:
        (directory / "orders.yaml").write_text("""
name: orders
sources: [{http: {path: /in}}]
stages: [{computo: "= 1 / $input/n", errors: {to: rescue}}]
sinks: [{file: {path: out.ndjson}}, {stream: {name: kept}}]
""")
        for name in ("rescue", "kept"):
            (directory / (name + ".yaml")).write_text("""
name: %s
log: {partition_by: [$input, /n]}
sources: [{http: {path: /%s}}]
sinks: [{file: {path: %s.ndjson}}]
""" % (name, name, name))
        with Instance("orders.yaml", directory, arguments=["rescue.yaml", "kept.yaml"]) as instance:
            check_equal(request(instance.listen, "POST", "/in", b'{"n":0}')[0], 200, "the answer")
            wait_for(lambda: read_lines(directory / "rescue.ndjson") == [{"n": 0}], "the event to be rescued")
            check("neither such a pipeline" not in instance.stderr(), "a warning without reason:\n" + instance.stderr())
            check_equal(instance.stop(), 0, instance.stderr())


def a_target_that_nobody_has_is_told():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: p
sources: [{http: {path: /in}}]
sinks: [{file: {path: out.ndjson}}]
errors: {to: rescu}
""")
        with Instance("p.yaml", directory) as instance:
            check("'rescu', and there is neither such a pipeline" in instance.stderr(), instance.stderr())
            check_equal(instance.stop(), 0, instance.stderr())


def a_circle_is_refused():
    with work_directory() as directory:
        for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
            (directory / (name + ".yaml")).write_text("""
name: %s
sources: [{http: {path: /%s}}]
sinks: [{file: {path: %s.ndjson}}]
errors: {to: %s}
""" % (name, name, name, other))
        code, _, stderr = run(["run", "a.yaml", "b.yaml", "c.yaml", "--data-dir", "data"], directory)
        check_equal(code, 2, stderr)
        check("'a' -> 'b' -> 'c' -> 'a'" in stderr, stderr)
        check(not (directory / "data").exists(), "something was started")
        code, _, stderr = run(["validate", "a.yaml", "b.yaml"], directory)
        check_equal(code, 0, stderr)


main(too_many_failures_are_an_event_in_another_pipeline, what_fails_is_in_the_other_pipeline_once,
     a_refused_event_of_a_sink_is_forwarded_with_its_reason, a_target_that_nobody_has_is_told, a_circle_is_refused,
     who_is_given_first_does_not_decide_how_many_partitions_the_other_has)
