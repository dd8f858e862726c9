"""[REQ-056][REQ-057][REQ-062] Applications ask models through the program: by their official clients, and in raw bytes, of a fake of the
providers that keeps a ledger of its own."""
import base64
import json
import math
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from harness import (REPOSITORY, Instance, check, check_equal, main, read_lines, request, skip, wait_for,
                     work_directory)

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
import ai_sdk  # noqa: E402
from fake_ai_server import FakeAi  # noqa: E402

PIPELINE = """
name: gate
sources:
%(sources)s
ai:
  providers:
    - openai: {api_key: fake-key, base_url: "%(url)s/v1"}
      retry: {attempts: %(attempts)d, initial: 20ms, max: 50ms}
    - name: claude
      anthropic: {api_key: fake-key, base_url: "%(url)s"}
      retry: {attempts: %(attempts)d, initial: 20ms, max: 50ms}
  budgets: [{name: all, limit: "%(limit)s", window: total, then: dead_letter}]
sinks: [{name: out, file: {path: out.ndjson}}]
commit: {interval: 50ms}
"""
OPENAI = """  - name: openai
    openai_api:
      models:
        gpt-4o-mini: %(models)s
        text-embedding-3-small: [openai/text-embedding-3-small]
      keys: [fake-key, {name: other, key: other-key}]
%(more)s"""
USUAL = {"limit": "5 USD", "attempts": 1}
PRICES = ["--prices", str(REPOSITORY / "src/ai/prices.json")]
ASKED = {"model": "gpt-4o-mini", "max_completion_tokens": 100, "messages": [{"role": "user", "content": "Say hello"}]}


ANTHROPIC = """  - name: anthropic
    anthropic_api:
      models: {claude-haiku-4-5: %(models)s}
      keys: [fake-key]
%(more)s"""
MESSAGE = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Say hello"}]}


class Gate:
    """A fake provider, and the program before it."""

    def __init__(self, models="[openai/gpt-4o-mini]", more="", source=OPENAI, **changes):
        self.sources = source % {"models": models, "more": more}
        self.changes = changes

    def __enter__(self):
        self.fake = FakeAi(arguments=PRICES).__enter__()
        self.place = work_directory()
        self.directory = self.place.__enter__()
        (self.directory / "p.yaml").write_text(PIPELINE % {**USUAL, "url": self.fake.url, **self.changes, "sources": self.sources})
        self.instance = Instance("p.yaml", self.directory).__enter__()
        self.url = "http://127.0.0.1:%d" % self.instance.listen
        return self

    def __exit__(self, *error):
        self.instance.__exit__(*error)
        self.place.__exit__(*error)
        self.fake.__exit__(*error)

    def restart(self):
        check_equal(self.instance.stop(), 0, self.instance.stderr())
        self.instance = Instance("p.yaml", self.directory).__enter__()

    def ask(self, body, key="fake-key", path="/v1/chat/completions"):
        status, headers, answer = request(self.instance.listen, "POST", path, json.dumps(body), {
            "Content-Type": "application/json", "Authorization": "Bearer " + key})
        return status, headers, answer

    def events(self):
        return read_lines(self.directory / "out.ndjson")

    def event(self, count, at=-1):
        wait_for(lambda: len(self.events()) >= count, "%d requests are events" % count)
        return self.events()[at]


def said(answer):
    return json.loads(answer)["choices"][0]["message"]["content"]


def official_clients_are_content():
    with Gate() as gate:
        rows = ai_sdk.drive_gateway(gate.url, "openai", control=gate.fake.url, beside="yes")
        for row in rows:
            print("    %s" % row)
        check_equal([row for row in rows if "failed" in row], [], "failed checks")
        check(len(rows) >= 14, "checks: %d" % len(rows))


def official_clients_of_anthropic_are_content():
    with Gate(models="[claude/claude-haiku-4-5]", source=ANTHROPIC) as gate:
        rows = ai_sdk.drive_gateway(gate.url, "anthropic", control=gate.fake.url, beside="yes")
        check_equal([row for row in rows if "failed" in row], [], "failed checks")
        check(len(rows) >= 28, "checks: %d" % len(rows))


def messages_are_answered_in_anthropic_s_words():
    with Gate(models="[claude/claude-haiku-4-5, openai/gpt-4o-mini]", source=ANTHROPIC) as gate:
        path = "/v1/messages"
        check_equal(json.loads(gate.ask(MESSAGE, path=path, key="x")[2])["error"]["type"], "authentication_error", "a wrong key")
        check_equal(json.loads(gate.ask({**MESSAGE, "max_tokens": 0}, path=path)[2])["error"]["type"], "invalid_request_error", "no")
        gate.fake.fault("status", error="overloaded", provider="anthropic", times=2)
        status, headers, answer = gate.ask(MESSAGE, path=path)
        check_equal((status, headers["X-Colloquium-Model"]), (200, "openai/gpt-4o-mini"), answer)
        answer = json.loads(answer)
        check_equal((answer["type"], answer["stop_reason"], answer["content"][0]["type"]), ("message", "end_turn", "text"), answer)


def tokens_are_counted_by_the_provider_or_by_estimate():
    path, asked = "/v1/messages/count_tokens", {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "twelve bytes"}]}
    with Gate(models="[claude/claude-haiku-4-5]", source=ANTHROPIC) as gate:
        status, headers, answer = gate.ask(asked, path=path)
        check_equal((status, headers["X-Colloquium-From"], json.loads(answer)), (200, "provider", {"input_tokens": 6}), answer)
        gate.fake.fault("status", error="rate_limit", provider="anthropic", retry_after=3)
        status, headers, answer = gate.ask(asked, path=path)
        check_equal((status, json.loads(answer)["error"]["type"]), (429, "rate_limit_error"), answer)
        check_equal(gate.ask(asked, path=path, key="x")[0], 401, "a wrong key")
        check_equal(gate.fake.ledger()["totals"]["calls"], 0, "nothing is billed")
    with Gate(models="[openai/gpt-4o-mini]", source=ANTHROPIC) as gate:
        status, headers, answer = gate.ask(asked, path=path)
        check_equal((status, headers["X-Colloquium-From"]), (200, "estimate"), answer)
        check(0 < json.loads(answer)["input_tokens"] < 20, answer)
        check_equal(gate.fake.counters().get("requests", 0), 0, "nobody is asked")


def another_provider_answers_where_one_fails():
    with Gate(models="[openai/gpt-4o-mini, claude/claude-haiku-4-5]") as gate:
        gate.fake.fault("status", error="unavailable", provider="openai", times=2)
        status, headers, answer = gate.ask(ASKED)
        check_equal((status, headers["X-Colloquium-Model"]), (200, "claude/claude-haiku-4-5"), answer)
        check_equal(json.loads(answer)["model"], "gpt-4o-mini", "the name that was asked for")
        event = gate.event(1)
        check_equal((event["answered_by"], event["key"], event["status"]), ("claude/claude-haiku-4-5", "key-1", 200), "event")


def what_was_answered_costs_nothing_again_but_for_another_key():
    with Gate(more="      cache: {ttl: 1h}\n") as gate:
        answers = [gate.ask(ASKED), gate.ask(ASKED), gate.ask(ASKED, key="other-key")]
        check_equal([status for status, _, _ in answers], [200] * 3, answers)
        check_equal([headers["X-Colloquium-From"] for _, headers, _ in answers], ["provider", "cache", "provider"], "from")
        check_equal(said(answers[0][2]), said(answers[1][2]), "the same answer")
        check_equal(gate.fake.counters()["requests"], 2, "requests of the provider")
        gate.event(3)
        costs = [event["cost_usd"] for event in gate.events()]
        check(costs[0] > 0 and costs[1] == 0 and costs[2] > 0, costs)
        whole = gate.ask({**ASKED, "stream": True})[2]
        check("data: [DONE]" in str(whole), whole)


def what_was_answered_costs_nothing_after_a_restart_either():
    # The `ai` section says nothing of a cache.
    with Gate(more="      cache: {ttl: 1h}\n") as gate:
        first = gate.ask(ASKED)
        check_equal((first[0], first[1]["X-Colloquium-From"]), (200, "provider"), first)
        gate.restart()
        again = gate.ask(ASKED)
        check_equal((again[0], again[1]["X-Colloquium-From"]), (200, "cache"), again)
        check_equal(said(first[2]), said(again[2]), "the same answer")
        check_equal(gate.fake.counters()["requests"], 1, "requests of the provider")


class NoNumbers(BaseHTTPRequestHandler):
    """A provider whose vectors are of what is no number, in base64 and in digits."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        vector = {"nan": base64.b64encode(struct.pack("<2f", 1, math.nan)).decode(), "inf": [1, 1e39], "one": [1]}[asked["input"][0]]
        body = json.dumps({"data": [{"index": 0, "embedding": vector}], "usage": {"prompt_tokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def vectors_that_are_none_are_refused_and_nothing_ends():
    provider = HTTPServer(("127.0.0.1", 0), NoNumbers)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    try:
        with Gate(more="", url="http://127.0.0.1:%d" % provider.server_port) as gate:
            for texts in (["nan"], ["inf"], ["one", "one"]):
                for encoding in ("float", "base64"):
                    status, _, answer = gate.ask({"model": "text-embedding-3-small", "input": texts, "encoding_format": encoding}, path="/v1/embeddings")
                    check_equal(status, 400, (texts, answer))
                    check("vector" in json.loads(answer)["error"]["message"], answer)
            check_equal(gate.ask({"model": "text-embedding-3-small", "input": ["one"]}, path="/v1/embeddings")[0], 200, "a good one")
    finally:
        provider.shutdown()
        provider.server_close()


def a_spent_budget_is_a_429():
    with Gate(limit="0.0000001 USD") as gate:
        status, headers, answer = gate.ask(ASKED)
        check_equal((status, json.loads(answer)["error"]["code"]), (429, "insufficient_quota"), answer)
        check(int(headers["Retry-After"]) > 0, headers)
        check_equal(gate.fake.counters().get("requests", 0), 0, "requests of the provider")
        check_equal(gate.event(1)["status"], 429, "event")


def requests_that_are_none_are_told_so():
    with Gate() as gate:
        check_equal(gate.ask(ASKED, key="wrong")[0], 401, "a wrong key")
        check_equal(gate.ask({**ASKED, "model": "gpt-9"})[0], 404, "a model that is not there")
        check_equal(gate.ask({**ASKED, "model": "nobody/gpt-9"})[0], 404, "a provider that is not there")
        check_equal(gate.ask({**ASKED, "model": "openai/gpt-4o-mini"})[0], 200, "a provider's model")
        check_equal(gate.ask({**ASKED, "messages": 1})[0], 400, "no messages")
        check_equal(gate.ask({"model": "text-embedding-3-small", "input": "x"}, path="/v1/embeddings")[0], 200, "embeddings")
        _, _, models = request(gate.instance.listen, "GET", "/v1/models", None, {"Authorization": "Bearer fake-key"})
        check_equal([each["id"] for each in json.loads(models)["data"]], ["gpt-4o-mini", "text-embedding-3-small"], "models")


def what_never_comes_to_a_model_is_told_in_the_words_of_the_api():
    both = OPENAI % {"models": "[openai/gpt-4o-mini]", "more": "      max_body: 1MiB\n"} + ANTHROPIC % {
        "models": "[claude/claude-haiku-4-5]", "more": "      max_body: 1MiB\n"}
    with Gate(source=both.replace("%", "%%")) as gate:
        large = {"messages": [{"role": "user", "content": "x" * (1 << 20)}], "max_tokens": 9}
        for path, model, header, wanted in (
                ("/v1/chat/completions", "gpt-4o-mini", "x-request-id", lambda error: (error["error"]["code"], error["error"]["param"])),
                ("/v1/messages", "claude-haiku-4-5", "request-id", lambda error: (error["error"]["type"], error["type"]))):
            told = []
            for method, body, more in (("GET", None, {}), ("POST", {"model": model, **large}, {}), ("POST", {}, {"Content-Encoding": "br"}),
                                       ("POST", {}, {"Authorization": "Bearer x"}), ("POST", {}, {})):
                status, headers, answer = request(gate.instance.listen, method, path, body and json.dumps(body), {
                    "Authorization": "Bearer fake-key", **more})
                told.append((status, *wanted(json.loads(answer))))
                check(headers[header].startswith("req_") and headers["Content-Type"] == "application/json", headers)
            check_equal([each[0] for each in told], [405, 413, 415, 401, 400], told)
            check_equal({each[2] for each in told}, {None} if header == "x-request-id" else {"error"}, told)
        # Below one path, those of Anthropic's clients are known by the version that they name.
        for more, key in (({}, "code"), ({"anthropic-version": "2023-06-01"}, "type")):
            status, _, answer = request(gate.instance.listen, "POST", "/v1/responses", "{}", {"Authorization": "Bearer fake-key", **more})
            check_equal((status, json.loads(answer)["error"][key]), (404, {"code": "unknown_url", "type": "not_found_error"}[key]), answer)
        metrics = request(gate.instance.admin, "GET", "/metrics")[2].decode()
        check('colloquium_gateway_chat_requests_total{pipeline="gate",component="openai",kind="openai_api_source",reason="413"} 1\n' in metrics, metrics)
        check_equal(gate.fake.counters().get("requests", 0), 0, "requests of the provider")


def requests_of_any_size_up_to_the_limit_are_asked_over_either_version_of_http():
    with Gate() as gate:
        body = {**ASKED, "messages": [{"role": "user", "content": ""}]}
        room = (32 << 20) - len(json.dumps(body))
        body["messages"][0]["content"] = "word " * (room // 5)
        (gate.directory / "fits").write_text(json.dumps(body))
        (gate.directory / "small").write_text(json.dumps({**ASKED, "stream": True}))
        (gate.directory / "over").write_text(json.dumps(body) + " " * (room % 5 + 1))
        curl = ["curl", "-sS", "-m", "120", "-w", "\n%{http_code} %{http_version}", "-H", "Authorization: Bearer fake-key", "-H",
                "Content-Type: application/json", gate.url + "/v1/chat/completions", "--data-binary"]
        fine = [("small", "200", "data: [DONE]"), ("fits", "200", '"choices"')]
        # A stream whose body is refused by its length is reset, and curl 7.88 tells no status then.
        for version, flag, all_of in (("1.1", "--http1.1", [*fine, ("over", "413", "request_too_large")]),
                                      ("2", "--http2-prior-knowledge", fine)):
            for name, status, wanted in all_of:
                done = subprocess.run([*curl, "@" + name, flag], cwd=gate.directory, capture_output=True, text=True, timeout=150)
                answer, _, last = done.stdout.rpartition("\n")
                check_equal(last, "%s %s" % (status, version), name + done.stderr + answer[-500:])
                check(wanted in answer, name + answer[-500:])


def raw(gate, headers=""):
    body = json.dumps({**ASKED, "stream": True})
    peer = socket.create_connection(("127.0.0.1", int(gate.url.rsplit(":", 1)[-1])), timeout=20)
    peer.sendall(("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer fake-key\r\n%s"
                  "Content-Length: %d\r\n\r\n%s" % (headers, len(body), body)).encode())
    return peer


def read_until(peer, what):
    got = b""
    while what not in got:
        piece = peer.recv(65536)
        check(piece, "it ended before %r: %r" % (what, got))
        got += piece
    return got


def a_stream_goes_out_as_it_comes_and_is_given_up_with_its_client():
    for headers in ("", "Connection: close\r\n"):
        with Gate() as gate:
            gate.fake.fault("hold", phase="between_chunks", after=6)
            with raw(gate, headers) as peer:
                got = read_until(peer, b'"content":"')
                gate.fake.wait_for("held", 1)
                check(b"[DONE]" not in got, got)
            wait_for(lambda: gate.fake.ledger()["rows"] and gate.fake.ledger()["rows"][0]["outcome"] == "client gone",
                     "the provider's side is given up")
            check_equal(gate.event(1)["status"], 499, "event")


def a_stop_lets_streams_end():
    with Gate() as gate:
        gate.fake.fault("hold", phase="between_chunks", after=6)
        with raw(gate) as peer:
            read_until(peer, b'"content":"')
            gate.fake.wait_for("held", 1)
            gate.instance.process.terminate()
            wait_for(lambda: "intake stops" in gate.instance.stderr(), "the stop has begun")
            gate.fake.release()
            read_until(peer, b"data: [DONE]")
        check_equal(gate.instance.process.wait(20), 0, gate.instance.stderr())
        check_equal(gate.event(1)["status"], 200, "event")


OURS = (messages_are_answered_in_anthropic_s_words, tokens_are_counted_by_the_provider_or_by_estimate, another_provider_answers_where_one_fails, what_was_answered_costs_nothing_again_but_for_another_key, what_was_answered_costs_nothing_after_a_restart_either,
        vectors_that_are_none_are_refused_and_nothing_ends, a_spent_budget_is_a_429,
        requests_that_are_none_are_told_so, what_never_comes_to_a_model_is_told_in_the_words_of_the_api,
        requests_of_any_size_up_to_the_limit_are_asked_over_either_version_of_http, a_stream_goes_out_as_it_comes_and_is_given_up_with_its_client, a_stop_lets_streams_end)
try:
    ai_sdk.modules()
except ai_sdk.Unavailable as reason:
    print("skipped in part: no official clients: %s" % reason)
    main(*OURS)
    skip("no official clients: %s" % reason)
main(*OURS, official_clients_are_content, official_clients_of_anthropic_are_content)
