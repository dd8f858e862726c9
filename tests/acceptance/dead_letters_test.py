"""[REQ-021] [REQ-022] [REQ-023] A sink that is gone for a while: its events become dead letters, `dead replay` puts
them back, and every event reaches every sink once."""
import http.server
import json
import threading

from harness import Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

PIPELINE = """
name: orders
sources: [{name: hook, http: {path: /in}}]
stages: [{name: double, computo: "= {n: toInt($input/n) * 2}"}]
sinks:
  - {name: all, file: {path: all.ndjson}}
  - name: partner
    http: {url: "http://127.0.0.1:PORT/take"}
    errors: {retry: {policy: fixed, initial: 20ms, max: 20ms, age: 100ms}THEN}
errors: {then: dead_letter}
"""

class Partner:
    """A receiver on a port of its own that can go and come back."""

    def __init__(self):
        self.bodies = []
        self.status = 200
        partner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # no connection outlives the server

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if partner.status == 200:
                    partner.bodies.append(json.loads(body))
                self.send_response(partner.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.handler = Handler
        self.port = 0
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def dead(directory, *arguments, code=0):
    got, out, err = run(["dead", *arguments, "--data-dir", "data"], directory)
    check_equal(got, code, "dead %s: %s%s" % (" ".join(arguments), out, err))
    return out if code == 0 else err


def listed(directory, *arguments):
    return [json.loads(line) for line in dead(directory, "ls", *arguments, "--format", "json").splitlines()]


def post(instance, numbers):
    body = "\n".join(json.dumps({"n": n}) for n in numbers)
    status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, answer)


def numbers_of(path):
    return sorted(line["n"] for line in read_lines(path))


def write_pipeline(directory, partner, then=""):
    (directory / "p.yaml").write_text(PIPELINE.replace("PORT", str(partner.port)).replace("THEN", then))


def what_a_sink_gave_up_is_put_back_once_for_that_sink_alone():
    with work_directory() as directory:
        partner = Partner()
        write_pipeline(directory, partner)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(100))
            wait_for(lambda: len(partner.bodies) == 100, "the partner has the first hundred")
            partner.stop()
            post(instance, range(100, 150))
            wait_for(lambda: instance.metric("colloquium_dead_letters_total", component="partner") == 50,
                     "fifty dead letters", 60)
            partner.start()
            post(instance, range(150, 160))
            wait_for(lambda: len(partner.bodies) == 110, "the partner goes on")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([line["open"] for line in listed(directory)], [50], "open letters")
        letters = listed(directory, "orders.dead", "--stage", "partner")
        check_equal(len(letters), 50, "letters")
        whole = json.loads(dead(directory, "show", "orders.dead", letters[0]["position"]))
        check(whole["event"]["n"] in range(200, 300) and whole["sink"] == "partner", str(whole))
        check("would put back 50 events" in dead(directory, "replay", "orders.dead", "--dry-run"), "--dry-run")
        check("put back 1 event " in dead(directory, "replay", "orders.dead", letters[7]["position"]), "one by its id")
        check("put back 49 events" in dead(directory, "replay", "orders.dead"), "the others")
        check("put back 0 events" in dead(directory, "replay", "orders.dead"), "a second time")
        check_equal(listed(directory)[0], {"stream": "orders.dead", "open": 0, "replayed": 50, "dropped": 0}, "states")
        check_equal(len(listed(directory, "orders.dead", "--all")), 50, "--all")
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(partner.bodies) == 160, "the partner has everything")
            check_equal(instance.stop(), 0, instance.stderr())
        partner.stop()
        # Doubled once, by the stage, and not again on the way back; the file has each once, and never twice.
        check_equal(sorted(body["n"] for body in partner.bodies), [2 * n for n in range(160)], "the partner's")
        check_equal(numbers_of(directory / "all.ndjson"), [2 * n for n in range(160)], "the file's")
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, out + err)


def a_running_process_puts_letters_back_itself():
    with work_directory() as directory:
        partner = Partner()
        write_pipeline(directory, partner)
        with Instance("p.yaml", directory) as instance:
            partner.stop()
            post(instance, range(30))
            wait_for(lambda: instance.metric("colloquium_dead_letters_total", component="partner") == 30, "letters", 60)
            partner.start()
            wait_for(lambda: listed(directory) and listed(directory)[0]["open"] == 30, "the letters are synced")
            told = dead(directory, "replay", "orders.dead")
            check("put back 30 events into orders" in told, told)
            check("put back 0 events" in dead(directory, "replay", "orders.dead"), "a second time")
            wait_for(lambda: len(partner.bodies) == 30, "the partner has everything")
            for body, kind, status in ((b"{}", "application/json", 400), (b"{}", "text/plain", 415),
                                       (b'{"action":"drop","letters":"none"}', "application/json", 404)):
                got, _, answer = request(instance.admin, "POST", "/api/v1/dead-letters", body, {"Content-Type": kind})
                check_equal(got, status, answer)
            instance.kill()
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "everything is through")
            check("put back 0 events" in dead(directory, "replay", "orders.dead"), "after the kill")
            check_equal(instance.stop(), 0, instance.stderr())
        partner.stop()
        check_equal(listed(directory)[0], {"stream": "orders.dead", "open": 0, "replayed": 30, "dropped": 0}, "states")
        check_equal(numbers_of(directory / "all.ndjson"), [2 * n for n in range(30)], "the file's")


def what_a_stage_refused_goes_the_whole_way_after_a_fix():
    with work_directory() as directory:
        partner = Partner()
        write_pipeline(directory, partner)
        with Instance("p.yaml", directory) as instance:
            body = '{"n":"x"}\n{"n":4}\n{"n":"y"}'
            status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
            check_equal(status, 200, answer)
            wait_for(lambda: len(partner.bodies) == 1, "the good one")
            wait_for(lambda: instance.metric("colloquium_dead_letters_total", component="double") == 2, "two letters")
            check_equal(instance.stop(), 0, instance.stderr())
        check("dropped 1 event" in dead(directory, "drop", "orders.dead", "--error", '"x"'), "drop")
        check("--all" in dead(directory, "drop", "orders.dead", code=2), "drop of everything wants --all")
        fixed = (directory / "p.yaml").read_text().replace("toInt($input/n) * 2", "1000")
        (directory / "p.yaml").write_text(fixed)
        check("put back 1 event " in dead(directory, "replay", "orders.dead"), "replay")
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(partner.bodies) == 2, "the mended one")
            check_equal(instance.stop(), 0, instance.stderr())
        partner.stop()
        check_equal([body["n"] for body in partner.bodies], [8, 1000], "the partner's")
        check_equal(numbers_of(directory / "all.ndjson"), [8, 1000], "the file's")


def a_sink_may_drop_or_stop_instead():
    with work_directory() as directory:
        partner = Partner()
        partner.status = 422
        write_pipeline(directory, partner, ", then: drop")
        with Instance("p.yaml", directory) as instance:
            post(instance, range(5))
            wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "both sinks are through")
            check_equal(instance.metric("colloquium_dead_letters_total") or 0, 0, "dead letters")
            check("dropped, as configured" in instance.stderr(), instance.stderr())
            check_equal(instance.stop(), 0, instance.stderr())
        write_pipeline(directory, partner, ", then: stop")
        with Instance("p.yaml", directory) as instance:
            post(instance, [7])
            wait_for(lambda: instance.process.poll() is not None, "the process to end")
            check_equal(instance.process.returncode, 1, instance.stderr())
            check("errors.then is stop" in instance.stderr(), instance.stderr())
        partner.status = 200
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: partner.bodies == [{"n": 14}], "the event is tried again")
            check_equal(instance.stop(), 0, instance.stderr())
        partner.stop()


def a_sink_that_has_gone_gets_a_letter_of_its_own():
    with work_directory() as directory:
        partner = Partner()
        write_pipeline(directory, partner)
        partner.stop()
        with Instance("p.yaml", directory) as instance:
            post(instance, [1])
            wait_for(lambda: instance.metric("colloquium_dead_letters_total", component="partner") == 1, "the letter", 60)
            check_equal(instance.stop(), 0, instance.stderr())
        check("put back 1 event " in dead(directory, "replay", "orders.dead"), "replay")
        renamed = (directory / "p.yaml").read_text().replace("name: partner", "name: other")
        (directory / "p.yaml").write_text(renamed)
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(listed(directory, "orders.dead")) >= 1, "another letter")
            errors = [letter["error"] for letter in listed(directory, "orders.dead")]
            check(any("no sink 'partner' any more" in error for error in errors), str(errors))
            check_equal(instance.stop(), 0, instance.stderr())


def wrong_uses_are_refused():
    with work_directory() as directory:
        partner = Partner()
        write_pipeline(directory, partner)
        with Instance("p.yaml", directory) as instance:
            post(instance, [1])
            check_equal(instance.stop(), 0, instance.stderr())
        partner.stop()
        check("did you mean 'orders.dead'" in dead(directory, "ls", "orders.ded", code=2), "a mistyped stream")
        check("takes a time" in dead(directory, "ls", "orders.dead", "--from", "yesterday", code=2), "a time")
        check("--into" in dead(directory, "replay", "orders", code=2), "no letters")
        check("no letter" in dead(directory, "show", "orders.dead", "17", code=1), "no such letter")
        check_equal(dead(directory, "ls", "orders.dead").count("\n"), 1, "nothing but the heading")


main(what_a_sink_gave_up_is_put_back_once_for_that_sink_alone, a_running_process_puts_letters_back_itself,
     what_a_stage_refused_goes_the_whole_way_after_a_fix,
     a_sink_may_drop_or_stop_instead, a_sink_that_has_gone_gets_a_letter_of_its_own, wrong_uses_are_refused)
