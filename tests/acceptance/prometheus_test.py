"""[REQ-111] [REQ-226] A real Prometheus scrapes /metrics, keeps what it found, and its promtool has no complaints."""
import json
import shutil
import socket
import subprocess
import urllib.parse

from harness import Instance, check, check_equal, main, request, skip, wait_for, work_directory

PIPELINE = """
name: hooks
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""

CONFIG = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: colloquium
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def query(port, expression):
    """The one value of an instant query, or None."""
    status, _, body = request(port, "GET", "/api/v1/query?query=" + urllib.parse.quote(expression))
    check_equal(status, 200, body)
    result = json.loads(body)["data"]["result"]
    return float(result[0]["value"][1]) if len(result) == 1 else None


def prometheus_finds_what_was_counted():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            for n in range(7):
                check_equal(request(instance.listen, "POST", "/in", json.dumps({"n": n}))[0], 200, "post")
            (directory / "prometheus.yml").write_text(CONFIG % instance.admin)
            port = free_port()
            with open(directory / "prometheus.log", "wb") as log:
                prometheus = subprocess.Popen(
                    ["prometheus", "--config.file", directory / "prometheus.yml", "--storage.tsdb.path",
                     directory / "tsdb", "--web.listen-address", "127.0.0.1:%d" % port], stdout=log, stderr=log)
            try:
                def scraped():
                    check(prometheus.poll() is None, "Prometheus ended:\n" + (directory / "prometheus.log").read_text())
                    try:
                        return query(port, 'colloquium_output_events_total{component="all"}') == 7
                    except (OSError, AssertionError):
                        return False  # not listening or not ready yet
                wait_for(scraped, "Prometheus to have scraped seven events")
                check_equal(query(port, 'up{job="colloquium"}'), 1, "up")
                check_equal(query(port, 'sum(colloquium_input_events_total{kind="http_source"})'), 7, "events in")
                check_equal(query(port, "colloquium_log_appended_events_total"), 7, "events appended")
                # A histogram that Prometheus could read has buckets it can take a quantile of.
                quantile = query(port, 'histogram_quantile(0.5, colloquium_duration_seconds_bucket{component="all"})')
                check(quantile is not None and quantile > 0, "no quantile: %s" % quantile)
                _, _, body = request(port, "GET", "/api/v1/targets")
                target = json.loads(body)["data"]["activeTargets"][0]
                check_equal((target["health"], target["lastError"]), ("up", ""), "the target")
            finally:
                prometheus.terminate()
                prometheus.wait(30)


def promtool_has_no_complaints():
    if shutil.which("promtool") is None:
        skip("promtool is not installed (Debian package prometheus)")
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            status, headers, body = request(instance.admin, "GET", "/metrics")
            check_equal(status, 200, "status")
            check(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers["Content-Type"])
            done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, timeout=60)
            check_equal((done.returncode, done.stdout + done.stderr), (0, b""), "promtool check metrics")


if shutil.which("prometheus") is None:
    skip("prometheus is not installed (Debian package prometheus)")
main(prometheus_finds_what_was_counted, promtool_has_no_complaints)
