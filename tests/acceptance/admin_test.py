"""[REQ-116] [REQ-117] [REQ-118] [REQ-203] The admin port of a running process."""
import http.server
import json
import threading

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
            # The door counts a request as ended a moment after it was answered.
            wait_for(lambda: instance.metric("colloquium_queue_depth", component="hook") == 0, "the door to be idle")
            for component, kind in (("hook", "http_source"), ("keep", "filter_stage"), ("all", "file_sink")):
                for name in ("input_events_total", "output_events_total", "input_bytes_total", "output_bytes_total",
                             "errors_total", "dead_letters_total", "duration_seconds_count", "duration_seconds_sum",
                             "queue_depth"):
                    found = instance.metric("colloquium_" + name, pipeline="hooks", component=component, kind=kind)
                    check(found is not None, "%s reports no %s" % (component, name))
                    # Ten events went through, and all of them without an error: what does not move is not measured.
                    if name in ("errors_total", "dead_letters_total", "queue_depth"):
                        check_equal(found, 0, "%s of %s" % (name, component))
                    else:
                        check(found > 0, "%s of %s is 0 after ten events" % (name, component))
            check_equal(instance.metric("colloquium_input_events_total", component="keep"), 10, "events into the filter")
            check_equal(instance.metric("colloquium_log_appended_events_total"), 10, "events appended")
            check(instance.metric("colloquium_log_syncs_total") > 0, "no syncs")
            check_equal(instance.metric("colloquium_log_append_seconds_count"), 10, "appends timed")
            check(instance.metric("colloquium_log_sync_seconds_sum") > 0, "no time of syncs")
            check_equal(instance.metric("colloquium_stream_next_offset", component="hooks") >= 10, True, "next offset")
            # Each event is 8 bytes; the filter kept five of ten.
            check_equal(instance.metric("colloquium_output_bytes_total", component="hook"), 80, "bytes accepted")
            check_equal(instance.metric("colloquium_output_bytes_total", component="keep"), 40, "bytes kept")
            wait_for(lambda: instance.metric("colloquium_leg_lag_events", component="all") == 0, "no lag")
            # A second later the idle log marks its end, which takes an offset and is nobody's lag.
            wait_for(lambda: instance.metric("colloquium_stream_next_offset", component="hooks") >= 11, "a sync mark")
            check_equal(instance.metric("colloquium_leg_lag_events", component="all"), 0, "lag behind the sync mark")


DEAD = """
name: hooks
sources: [{name: hook, http: {path: /in}}]
stages: [{name: pick, computo: ["$input", "/n"]}]
sinks: [{name: out, http: {url: "http://127.0.0.1:%d/"}}]
"""


def dead_letters_are_counted_and_told():
    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(204 if self.rfile.read(int(self.headers["Content-Length"])) == b"1" else 422)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with work_directory() as directory:
        (directory / "p.yaml").write_text(DEAD % receiver.server_port)
        with Instance("p.yaml", directory) as instance:
            def dead(**labels):
                return instance.metric("colloquium_dead_letters_total", pipeline="hooks", **labels)

            check_equal((dead(component="out"), dead(component="pick")), (0, 0), "before")
            for n in (1, 2, 2, 2):
                check_equal(request(instance.listen, "POST", "/in", json.dumps({"n": n}))[0], 200, "post")
            for _ in range(2):
                check_equal(request(instance.listen, "POST", "/in", b"{}")[0], 200, "post")
            wait_for(lambda: (dead(component="out"), dead(component="pick")) == (3, 2), "five dead letters")
            check_equal(dead(component="out", kind="http_sink", reason="invalid_input"), 3, "refused by the receiver")
            check_equal(dead(component="pick", kind="computo_stage", reason="invalid_input"), 2, "failed in the stage")
            check_equal(instance.stop(), 0, instance.stderr())
            lines = [line for line in instance.stderr().splitlines() if "went to the dead letters" in line]
            check_equal(len(lines), 2, "lines:\n" + instance.stderr())
            check(any("hooks/out" in line and "answered 422" in line for line in lines), str(lines))
            check(any("hooks/pick" in line and "/n" in line for line in lines), str(lines))
    receiver.shutdown()


WITH_DEDUPE = """
name: hooks
sources: [{name: hook, http: {path: /in}, dedupe: {key: ["$input", "/id"], window: 1h, max_ids: 16}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""


def a_window_cut_short_shows():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(WITH_DEDUPE)
        with Instance("p.yaml", directory) as instance:
            def horizon():
                return instance.metric("colloquium_dedupe_horizon_seconds", pipeline="hooks", component="hook")

            check_equal(horizon(), 3600, "the whole window")
            check_equal(instance.metric("colloquium_dedupe_ids", component="hook"), 0, "ids")
            body = "".join('{"id":%d}\n' % n for n in range(200))
            headers = {"Content-Type": "application/x-ndjson"}
            check_equal(request(instance.listen, "POST", "/in", body, headers)[0], 200, "post")
            check(horizon() < 600, "ids were pushed out, and the horizon is still %s s" % horizon())
            check(0 < instance.metric("colloquium_dedupe_ids", component="hook") <= 16, "ids over max_ids")


main(health_and_probes, errors_are_problems, every_component_reports_its_set, dead_letters_are_counted_and_told,
     a_window_cut_short_shows)
