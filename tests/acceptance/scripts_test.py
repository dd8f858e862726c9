"""[REQ-038] [REQ-039] [REQ-042] [REQ-048] [REQ-053] [REQ-112] [REQ-115] What a pipeline gives its scripts: imports,
`context`, `metrics`, `on_error`, `timeout`; and how errors in them look."""
import json
import re

from harness import Instance, check, check_equal, main, request, run, wait_for, work_directory

HEAD = "name: p\nlog: off\nsources:\n  - stdin: {}\n"
SINK = "sinks:\n  - stdout: {}\n"


def write(directory, files):
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def pipe(directory, stages, events, head="", sink=SINK):
    (directory / "p.yaml").write_text(HEAD + head + "stages:\n" + stages + sink)
    lines = "".join(json.dumps(event) + "\n" for event in events)
    code, out, err = run(["run", "p.yaml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory,
                         stdin=lines.encode())
    return code, [json.loads(line) for line in out.splitlines()], err


def scripts_import_from_their_own_folder():
    with work_directory() as directory:
        write(directory, {
            "scripts/clean.computo": 'let tax = import("lib/tax.json") in {id: $input/id, total: call(tax, $input/net)}\n',
            "scripts/lib/tax.json": '["lambda", ["net"], ["*", ["$", "/net"], ["import", "../rate.computo"]]]',
            "scripts/rate.computo": "-- twenty per cent\n1.2\n",
        })
        stages = ("  - computo: scripts/clean.computo\n"
                  "  - filter: = $input/total > import(\"scripts/rate.computo\")\n")
        sink = "sinks:\n  - stdout: {}\n    when: '= import(\"./scripts/rate.computo\") == 1.2'\n"
        code, out, err = pipe(directory, stages, [{"id": 1, "net": 10}, {"id": 2, "net": 1}], sink=sink)
        check_equal((code, out), (0, [{"id": 1, "total": 12}]), err)


def a_missing_import_and_a_circle_are_told_where_they_are():
    with work_directory() as directory:
        write(directory, {"a.json": '["+", 1,\n  ["import", "b.json"]]', "b.json": '["import", "a.json"]'})
        (directory / "p.yaml").write_text(HEAD + "stages:\n  - computo: a.json\n  - filter: [import, none.json]\n" + SINK)
        code, out, err = run(["validate", "p.yaml"], directory)
        check_equal((code, out), (2, ""), err)
        check(re.search(r"^b\.json:1:12: error: value: .*circle", err, re.M), err)
        check(re.search(r"p\.yaml:7:\d+: error: .*none\.json", err), err)
        check(run(["run", "p.yaml"], directory)[0] == 2, "it started")


def context_is_read_by_every_script():
    with work_directory() as directory:
        head = "context:\n  region: eu\n  limits: {total: 5}\n"
        stages = ("  - filter: = $input/total > limits/total\n"
                  "  - computo: '= {total: $input/total, region: region, name: pipeline_config/name}'\n")
        code, out, err = pipe(directory, stages, [{"total": 3}, {"total": 7}], head)
        check_equal((code, out), (0, [{"total": 7, "region": "eu", "name": "p"}]), err)
        (directory / "q.yaml").write_text(HEAD + head + "stages:\n  - filter: = regoin == 1\n" + SINK)
        code, _, err = run(["validate", "q.yaml"], directory)
        check(code == 2 and "q.yaml:9:15: error: unknown_variable: " in err and "Did you mean 'region'?" in err, err)
        check("    - filter: = regoin == 1\n" in err or "  - filter: = regoin == 1\n" in err, err)


def the_expressions_at_the_door_have_context_and_imports():
    with work_directory() as directory:
        write(directory, {"lib/id.computo": "(event) => event/id\n"})
        (directory / "p.yaml").write_text(
            "name: p\ncontext:\n  region: eu\nlog:\n  partition_by: '= [region, stream_metadata/name, $input/id]'\n"
            "sources:\n  - stdin:\n    dedupe:\n      key: '= [region, call(import(\"lib/id.computo\"), $input)]'\n"
            + SINK)
        code, out, err = run(["run", "p.yaml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory,
                             stdin=b'{"id":1}\n{"id":2}\n{"id":1}\n')
        check_equal((code, sorted(out.splitlines())), (0, ['{"id":1}', '{"id":2}']), err)
        _, out, err = run(["log", "cat", "p", "--format", "full"], directory)
        keys = sorted(json.loads(line)["key"] for line in out.splitlines())
        check_equal(keys, ['["eu","p",1]', '["eu","p",2]'], err)
        for expression in ("event_metadata/id", "regoin", 'metricAdd(\"n\", 1, $input/id)'):
            (directory / "q.yaml").write_text(
                "name: q\ncontext: {region: eu}\nmetrics: {n: counter}\n"
                f"log: {{partition_by: '= {expression}'}}\nsources:\n  - stdin: {{}}\n" + SINK)
            code, _, err = run(["validate", "q.yaml"], directory)
            check(code == 2 and "q.yaml:4:" in err, expression + "\n" + err)


def an_error_has_a_default_or_a_fallback():
    with work_directory() as directory:
        events = [{"n": 1}, {"n": "x"}, {}]
        stages = "  - computo:\n      script: '= {n: $input/n + 1}'\n      on_error: {default: {n: null}}\n"
        check_equal(pipe(directory, stages, events)[:2], (0, [{"n": 2}, {"n": None}, {"n": None}]), "the default")
        stages = "  - computo:\n      script: '= {n: $input/n + 1}'\n      on_error: {default: null}\n"
        check_equal(pipe(directory, stages, events)[:2], (0, [{"n": 2}]), "dropped")
        write(directory, {"else.computo": "{was: $input, why: error/category, at: error/path}\n"})
        stages = "  - computo:\n      script: = $input/n + 1\n      on_error: {fallback: else.computo}\n"
        check_equal(pipe(directory, stages, events)[:2],
                    (0, [2, {"was": {"n": "x"}, "why": "type", "at": "/+/0"},
                         {"was": {}, "why": "pointer", "at": "/+/0"}]), "the fallback")


def a_fallback_that_fails_makes_a_dead_letter_that_names_both():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(
            "name: p\nsources:\n  - stdin: {}\nstages:\n  - computo:\n      script: = $input/n + 1\n"
            "      on_error: {fallback: = $input/m}\n" + SINK)
        code, out, err = run(["run", "p.yaml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory,
                             stdin=b'{"n": "x", "password": "hunter2"}\n{"n": 1}\n')
        check_equal((code, out), (0, "2\n"), err)
        _, out, err = run(["log", "cat", "p.dead"], directory)
        check("expected number, got string" in out and "Then its fallback failed" in out, out + err)


def settings_that_contradict_are_refused():
    with work_directory() as directory:
        for stage, message in (("on_error: {default: 1, fallback: '= 2'}", "not both"),
                               ("on_error: {fallback: '= nosuch(1)'}", "unknown_operator"),
                               ("timeout: 2h", "timeout"), ("limits: {steps: 0}", "steps"),
                               ("on_eror: {default: 1}", "did you mean 'on_error'?")):
            (directory / "p.yaml").write_text(HEAD + "stages:\n  - computo:\n      script: = 1\n      " + stage + "\n" + SINK)
            code, _, err = run(["validate", "p.yaml"], directory)
            check(code == 2 and "p.yaml:8:" in err and message in err, stage + "\n" + err)


SLOW = "= reduce(range(0, 3000000), (a, x) => a + x % 7, 0)"


def an_evaluation_that_takes_too_long_fails_alone():
    with work_directory() as directory:
        stages = ("  - computo:\n      script: = if $input/slow then %s else $input\n      timeout: 20ms\n"
                  "      limits: {steps: 1000000000}\n"
                  "      on_error: {fallback: '= error/message'}\n" % SLOW[2:])
        code, out, err = pipe(directory, stages, [{"slow": False}, {"slow": True}, {"slow": False}])
        check_equal((code, out), (0, [{"slow": False}, "not done after 20 ms", {"slow": False}]), err)


def limits_are_settings():
    with work_directory() as directory:
        stages = "  - computo:\n      script: = map($input, (x) => x + 1)\n      limits: {steps: 50}\n      on_error: {default: []}\n"
        code, out, err = pipe(directory, stages, [[1, 2], list(range(100))])
        check_equal((code, out), (0, [[2, 3], []]), err)


METRICS = """name: p
sources:
  - http: {path: /in}
metrics:
  - {name: orders, help: Orders seen., labels: [region]}
  - {name: stock, type: gauge}
  - {name: total, type: histogram, buckets: [10, 100]}
stages:
  - computo: '= metricAdd("orders", 1, {region: $input/region}, metricSet("stock", $input/stock, metricObserve("total", $input/total, $input)))'
sinks:
  - file: {path: out.ndjson}
"""


def scripts_change_declared_metrics():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(METRICS)
        instance = Instance("p.yaml", directory)
        try:
            for total, region in ((5, "eu"), (50, "eu"), (500, "us")):
                body = json.dumps({"total": total, "region": region, "stock": total}).encode()
                status, _, answer = request(instance.listen, "POST", "/in", body)
                check_equal(status, 200, answer)
            wait_for(lambda: instance.metric("colloquium_script_orders_total") == 3, "the orders")
            check_equal(instance.metric("colloquium_script_orders_total", region="eu", pipeline="p"), 2, "eu")
            check_equal(instance.metric("colloquium_script_stock"), 500, "the gauge")
            check_equal(instance.metric("colloquium_script_total_bucket", le="100"), 2, "the bucket")
            check_equal(instance.metric("colloquium_script_total_sum"), 555, "the sum")
        finally:
            instance.stop()


def metrics_that_are_not_declared_are_refused():
    with work_directory() as directory:
        for metrics, script, message in (
                ("[]", 'metricAdd("orders", 1, 1)', 'the metric "orders" is not declared'),
                ("[{name: orders, type: gauge}]", 'metricAdd("orders", 1, 1)', "declared as something else"),
                ("[{name: a-b}]", "1", "no name for a metric"),
                ("[{name: a}, {name: a}]", "1", "declared already"),
                ("[{name: a, buckets: [1]}]", "1", "only a histogram has buckets"),
                ("[{name: a, type: histogram, buckets: [2, 1]}]", "1", "must ascend"),
                ("[{name: a, labels: [pipeline]}]", "1", "there already"),
                ("[{name: a, type: timer}]", "1", "counter")):
            (directory / "p.yaml").write_text(
                HEAD + "metrics: " + metrics + "\nstages:\n  - computo: '= " + script + "'\n" + SINK)
            code, _, err = run(["validate", "p.yaml"], directory)
            check(code == 2 and re.search(r"p\.yaml:\d+:\d+: error: ", err) and message in err, metrics + "\n" + err)


main(scripts_import_from_their_own_folder, a_missing_import_and_a_circle_are_told_where_they_are,
     context_is_read_by_every_script,
     the_expressions_at_the_door_have_context_and_imports, an_error_has_a_default_or_a_fallback,
     a_fallback_that_fails_makes_a_dead_letter_that_names_both, settings_that_contradict_are_refused,
     an_evaluation_that_takes_too_long_fails_alone, limits_are_settings, scripts_change_declared_metrics,
     metrics_that_are_not_declared_are_refused)
