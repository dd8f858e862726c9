"""[REQ-090] A provider of one's own, as a program and as an HTTP endpoint: asked by stages and through a gateway, killed in
the middle of calls, and stopped. plugin_model.py is the provider."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

MODEL = REPOSITORY / "tests/acceptance/plugin_model.py"
PIPELINE = """
name: own
sources:
%(sources)s
ai:
  providers:
    - name: mine
      plugin: {%(plugin)s}
      retry: {attempts: 3, initial: 20ms, max: 100ms}
      timeouts: {first_byte: %(first_byte)s, silence: 10s}
  prices: prices.json
  budgets: [{name: all, limit: "5 USD", window: total}]
%(stages)s
sinks: [{name: out, file: {path: out.ndjson}}]
commit: {interval: 50ms}
errors: {retry: {policy: fixed, initial: 50ms}}
"""
EVENTS = {"sources": """  - {name: hook, http: {path: /in, max_event: 8MiB}}""", "stages": """
stages:
  - name: asked
    ai: {models: [mine/tiny], user: "{{ $input/text }}", into: /answer, parameters: {max_output_tokens: 100}}"""}
GATEWAY = {"sources": """  - {name: gate, openai_api: {models: {tiny: [mine/tiny]}, keys: [fake-key]}}""", "stages": ""}
PRICES = {"date": "2026-11-23", "models": {"plugin/tiny": {"input": 1, "output": 2}}}
PROGRAM = 'command: [%s, "%s"], environment: {GREETING: "hi there"}, restart: {initial: 20ms, max: 100ms}' % (sys.executable, MODEL)


class Place:
    """A folder with the pipeline; what the provider notes is in its journal."""

    def __init__(self, plugin=PROGRAM, first_byte="10s", ends=EVENTS):
        self.place = work_directory()
        self.plugin, self.first_byte, self.ends = plugin, first_byte, ends

    def __enter__(self):
        self.directory = self.place.__enter__()
        self.environment = {"JOURNAL": str(self.directory / "journal"), "PLUGIN_KEY": "hush-1"}
        (self.directory / "prices.json").write_text(json.dumps(PRICES))
        self.write()
        return self

    def __exit__(self, *error):
        self.place.__exit__(*error)

    def write(self):
        (self.directory / "p.yaml").write_text(PIPELINE % {"plugin": self.plugin, "first_byte": self.first_byte, **self.ends})

    def instance(self):
        return Instance("p.yaml", self.directory, environment=self.environment)

    def notes(self, kind):
        path = self.directory / "journal"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [note for note in found if note[0] == kind]

    def results(self):
        return {each["n"]: each["answer"] for each in read_lines(self.directory / "out.ndjson")}

    def records(self, kind):
        code, out, err = run(["log", "cat", "own.calls", "--data-dir", "data", "--format", "ndjson"], self.directory)
        check_equal(code, 0, err)
        found = [json.loads(line) for line in out.splitlines()]
        return [record for record in (each.get("value", each) for each in found) if record["kind"] == kind]


def post(instance, texts):
    body = "\n".join(json.dumps({"n": n, "text": text}) for n, text in texts.items())
    status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, answer)


def stopped(instance):
    check_equal(instance.stop(), 0, instance.stderr())


def is_running(pid):
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def a_program_answers_and_is_paid_as_it_says():
    with Place() as place:
        texts = {n: "tell me of %d" % n for n in range(40)}
        with place.instance() as instance:
            post(instance, texts)
            wait_for(lambda: len(place.results()) == 40, "all are answered")
            pid = place.notes("started")[0][1]
            check_equal(place.notes("started"), [["started", pid, "hi there"]], "one program, with its environment")
            stopped(instance)
        wait_for(lambda: not is_running(pid), "the program is gone with us")
        check_equal(place.results(), texts, "the answers")
        answers = place.records("answer")
        check_equal({each["cost"] for each in answers}, {4 * 1000 + 8 * 2000}, "billionths of a dollar: 4 tokens in, 8 out")
        print("    40 answers of a program")


def calls_that_a_killed_program_had_are_unknown_and_asked_again():
    with Place(first_byte="60s") as place:
        with place.instance() as instance:
            post(instance, {1: "first try of one"})
            wait_for(lambda: place.notes("asked"), "it is asked")
            os.kill(place.notes("started")[0][1], signal.SIGKILL)
            wait_for(lambda: len(place.notes("asked")) == 2, "it is asked again")
            check("ended with signal 9" in instance.stderr(), instance.stderr())
            instance.kill()
        # Whether its first word had come is the machine's matter; that it has an end, and is paid for, is not.
        ends = place.records("failure") + place.records("unknown")
        check_equal([each.get("cost", 0) + each.get("reserved", 0) > 0 for each in ends], [True], "the first call")
    with Place(first_byte="60s") as place:
        with place.instance() as instance:
            post(instance, {n: "hold %d" % n for n in range(3)})
            wait_for(lambda: len(place.notes("asked")) == 3, "all are asked")
            os.kill(place.notes("started")[0][1], signal.SIGKILL)
            wait_for(lambda: len(place.notes("asked")) == 6, "all are asked again")
            instance.kill()
        lost = place.records("unknown")
        check_equal([each["reserved"] > 0 for each in lost], [True] * 3, "what was reserved counts as paid")


def what_is_under_way_when_we_are_killed_is_asked_of_the_next_program():
    with Place(first_byte="60s") as place:
        with place.instance() as instance:
            post(instance, {n: "hold %d" % n for n in range(2)})
            wait_for(lambda: len(place.notes("asked")) == 2, "both are asked")
            pid = place.notes("started")[0][1]
            instance.kill()
        wait_for(lambda: not is_running(pid), "the program sees the end of its input")
        with place.instance() as instance:
            wait_for(lambda: len(place.notes("asked")) == 4, "both are asked again")
            check("calls=2" in instance.stderr(), instance.stderr())
            wait_for(lambda: len(place.records("unknown")) == 2, "those that were under way are recorded")
            instance.kill()


def refusals_cost_nothing_and_rubbish_is_left_out():
    with Place() as place:
        texts = {1: "refuse throttled 2", 2: "refuse transient 1", 3: "rubbish it is", 4: "plain"}
        with place.instance() as instance:
            post(instance, texts)
            wait_for(lambda: len(place.results()) == 4, "all are answered")
            check("a line that is no answer is left out" in instance.stderr(), instance.stderr())
            stopped(instance)
        check_equal(place.results(), texts, "the answers")
        failures = place.records("failure")
        check_equal([each.get("cost", 0) for each in failures], [0] * 3, "refusals")


def what_is_refused_for_good_is_a_dead_letter():
    with Place() as place:
        with place.instance() as instance:
            post(instance, {1: "refuse caller 9", 2: "plain"})
            wait_for(lambda: place.results() == {2: "plain"}, "the other one is answered")
            wait_for(lambda: instance.metric("colloquium_dead_letters_total", component="asked") == 1, "a dead letter")
            stopped(instance)


def what_is_too_large_for_a_program_is_a_dead_letter_and_the_rest_goes_on():
    three_times = EVENTS["stages"].replace("{{ $input/text }}", "{{ $input/text }} {{ $input/text }} {{ $input/text }}")
    with Place(ends={**EVENTS, "stages": three_times}) as place:
        with place.instance() as instance:
            post(instance, {1: "x" * (6 << 20)})
            post(instance, {2: "plain"})
            wait_for(lambda: place.results() == {2: "plain plain plain"}, "the other one is answered")
            wait_for(lambda: instance.metric("colloquium_dead_letters_total", component="asked") == 1, "a dead letter")
            stopped(instance)
        check_equal([each.get("cost", 0) for each in place.records("failure")], [0], "one attempt, which was not sent")


def a_client_that_goes_away_cancels():
    with Place(first_byte="60s", ends=GATEWAY) as place:
        with place.instance() as instance:
            body = json.dumps({"model": "tiny", "stream": True, "messages": [{"role": "user", "content": "first word"}]})
            with contextlib.closing(socket.create_connection(("127.0.0.1", instance.listen), timeout=20)) as peer:
                peer.sendall(("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fake-key\r\n"
                              "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)).encode())
                got = b""
                while b'"first"' not in got:
                    piece = peer.recv(65536)
                    check(piece, "it hung up: %r" % got)
                    got += piece
            wait_for(lambda: place.notes("cancelled"), "the program is told")
            stopped(instance)


def applications_are_answered_through_the_gateway():
    with Place(ends=GATEWAY) as place:
        with place.instance() as instance:
            for stream in (False, True):
                body = json.dumps({"model": "tiny", "stream": stream, "messages": [{"role": "user", "content": "say hello twice"}]})
                status, _, answer = request(instance.listen, "POST", "/v1/chat/completions", body, {
                    "Authorization": "Bearer fake-key", "Content-Type": "application/json"})
                check_equal(status, 200, answer)
                if stream:
                    chunks = [json.loads(line[6:]) for line in answer.decode().splitlines() if line.startswith("data: {")]
                    said = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
                    check(answer.endswith(b"data: [DONE]\n\n"), answer)
                else:
                    said = json.loads(answer)["choices"][0]["message"]["content"]
                    check_equal(json.loads(answer)["usage"]["total_tokens"], 9, "usage")
                check_equal(said, "say hello twice", "the answer")
            stopped(instance)


@contextlib.contextmanager
def endpoint(place):
    port = place.directory / "port"
    server = subprocess.Popen([sys.executable, MODEL, port], env={**os.environ, **place.environment})
    try:
        wait_for(port.exists, "the endpoint listens")
        place.plugin = 'url: "http://127.0.0.1:%s/ask", api_key: "${PLUGIN_KEY}"' % port.read_text()
        place.write()
        yield
    finally:
        server.kill()
        server.wait()


def an_endpoint_is_asked_with_its_key():
    with Place() as place, endpoint(place):
        texts = {1: "plain words", 2: "status 503 1", 3: "status 429 1", 4: "refuse throttled 1", 5: "last"}
        with place.instance() as instance:
            post(instance, texts)
            wait_for(lambda: len(place.results()) == 5, "all are answered")
            check("hush-1" not in instance.stderr(), "the key is in the log")
            stopped(instance)
        check_equal(place.results(), texts, "the answers")
        check_equal({note[2] for note in place.notes("asked")}, {"Bearer hush-1"}, "who asks")
        check_equal(len(place.notes("asked")), 8, "how often")
        check_equal({each["model"] for each in place.records("answer")}, {"tiny"}, "records")
        check_equal([each.get("cost", 0) for each in place.records("failure")], [0] * 3, "refusals")


def an_endpoint_that_breaks_off_or_is_gone_is_tried_again():
    with Place() as place:
        with endpoint(place), place.instance() as instance:
            post(instance, {1: "break it"})
            wait_for(lambda: len(place.notes("asked")) >= 3, "it is asked again")
            instance.kill()
        check(place.records("failure"), "each has an end")


main(a_program_answers_and_is_paid_as_it_says, calls_that_a_killed_program_had_are_unknown_and_asked_again,
     what_is_under_way_when_we_are_killed_is_asked_of_the_next_program, refusals_cost_nothing_and_rubbish_is_left_out,
     what_is_refused_for_good_is_a_dead_letter, what_is_too_large_for_a_program_is_a_dead_letter_and_the_rest_goes_on,
     a_client_that_goes_away_cancels, applications_are_answered_through_the_gateway,
     an_endpoint_is_asked_with_its_key, an_endpoint_that_breaks_off_or_is_gone_is_tried_again)
