"""[REQ-116] [REQ-117] [REQ-118] [REQ-203] The admin port of a running process."""
import json

from harness import Instance, check, check_equal, main, request, wait_for, work_directory

PIPELINE = """
name: hooks
sources: [{name: hook, http: {path: /in}}]
stages: [{name: keep, filter: ["<", ["$input", "/n"], 5]}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""


def health_and_probes():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            check_equal(request(instance.admin, "GET", "/livez")[0], 200, "/livez")
            check_equal(request(instance.admin, "GET", "/readyz")[0], 200, "/readyz")
            status, headers, body = request(instance.admin, "GET", "/healthz")
            check_equal((status, headers["Content-Type"]), (200, "application/json"), "/healthz")
            health = json.loads(body)
            check_equal(health["status"], "ok", "status")
            names = [component["name"] for component in health["components"]]
            for name in ("pipeline hooks", "hooks: source hook", "hooks: sink all"):
                check(name in names, "no %r among %s" % (name, names))


def errors_are_problems():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            for method, path, expected in (("GET", "/nowhere", 404), ("POST", "/metrics", 405)):
                status, headers, body = request(instance.admin, method, path)
                check_equal(status, expected, path)
                check_equal(headers["Content-Type"], "application/problem+json", path)
                check_equal(json.loads(body)["status"], expected, path)
            check_equal(request(instance.listen, "GET", "/metrics")[0], 404, "metrics on the ingest port")


def every_component_reports_its_set():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            for n in range(10):
                check_equal(request(instance.listen, "POST", "/in", json.dumps({"n": n}))[0], 200, "post")
            wait_for(lambda: instance.metric("colloquium_output_events_total", component="all") == 5,
                     "the sink to report five events")
            for component, kind in (("hook", "http_source"), ("keep", "filter_stage"), ("all", "file_sink")):
                for name in ("input_events_total", "output_events_total", "input_bytes_total", "output_bytes_total",
                             "errors_total", "duration_seconds_count", "queue_depth"):
                    found = instance.metric("colloquium_" + name, pipeline="hooks", component=component, kind=kind)
                    check(found is not None, "%s reports no %s" % (component, name))
            check_equal(instance.metric("colloquium_input_events_total", component="keep"), 10, "events into the filter")
            check_equal(instance.metric("colloquium_log_appended_events_total"), 10, "events appended")
            check(instance.metric("colloquium_log_syncs_total") > 0, "no syncs")
            check_equal(instance.metric("colloquium_log_append_seconds_count"), 10, "appends timed")
            check(instance.metric("colloquium_log_sync_seconds_sum") > 0, "no time of syncs")
            check_equal(instance.metric("colloquium_stream_next_offset", component="hooks") >= 10, True, "next offset")
            wait_for(lambda: instance.metric("colloquium_leg_lag_events", component="all") == 0, "no lag")


main(health_and_probes, errors_are_problems, every_component_reports_its_set)
