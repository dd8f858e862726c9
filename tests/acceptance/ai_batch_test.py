"""[REQ-089] Questions that go to a provider as batches: by the whole program, of a fake of the providers that keeps a
ledger of its own. They cost what batches cost, are paid once, and outlive kills and stops."""
import json
import sys
import time

from harness import (REPOSITORY, Instance, check, check_equal, main, read_lines, request, run, wait_for,
                     work_directory)

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
from fake_ai_server import FakeAi  # noqa: E402

PIPELINE = """
name: issues
sources: [{name: hook, http: {path: /in}}]
ai:
  providers:
    - openai: {api_key: fake-key, base_url: "%(url)s/v1"}
      retry: {attempts: 2, initial: 50ms, max: 200ms}
    - name: claude
      anthropic: {api_key: fake-key, base_url: "%(url)s"}
      retry: {attempts: 2, initial: 50ms, max: 200ms}
stages:
  - name: triage
    ai:
      models: [%(model)s]
      user: "What is this? {{ $input/text }}"
      parameters: {max_output_tokens: 200}
      details: /asked
      batch: {size: %(size)d, every: %(every)s, poll: 50ms}
      on_unknown: %(on_unknown)s
sinks: [{name: out, file: {path: out.ndjson}}]
commit: {interval: 100ms}
errors: {retry: {policy: fixed, initial: 100ms}}
"""
MODELS = {"openai": "openai/gpt-4o-mini", "anthropic": "claude/claude-haiku-4-5"}
CREATE = {"openai": ("POST", "/v1/batches"), "anthropic": ("POST", "/v1/messages/batches")}
USUAL = {"size": 10, "every": "500ms", "on_unknown": "retry"}
PRICES = ["--prices", str(REPOSITORY / "src/ai/prices.json")]


def fake(provider, looks=3):
    # For OpenAI the names of states, for Anthropic as many looks.
    return FakeAi({"batch": {"states": ["in_progress"] * looks}}, arguments=PRICES)


def write(directory, server, provider, **changes):
    text = PIPELINE % {**USUAL, "url": server.url, "model": MODELS[provider], **changes}
    (directory / "p.yaml").write_text(text)


def post(instance, numbers):
    body = "\n".join(json.dumps({"n": n, "text": "issue number %d" % n}) for n in numbers)
    status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, answer)


def results(directory):
    return read_lines(directory / "out.ndjson")


def records(directory, *kinds):
    code, out, err = run(["log", "cat", "issues.calls", "--data-dir", "data", "--format", "ndjson"], directory)
    check_equal(code, 0, err)
    found = [json.loads(line) for line in out.splitlines()]
    found = [record.get("value", record) for record in found]
    return [record for record in found if record["kind"] in kinds]


def made(server, provider):
    return sum((each["method"], each["target"]) == CREATE[provider] for each in server.requests())


def check_money(directory, server, unknown=0):
    settled = sum(r.get("cost", 0) for r in records(directory, "answer", "failure"))
    lost = records(directory, "unknown")
    billed = sum(row["nano_usd"] for row in server.ledger()["rows"])
    check_equal(len(lost), unknown, "calls that nobody knows of")
    check(settled <= billed <= settled + sum(r["reserved"] for r in lost), (settled, billed, lost))
    if unknown == 0:
        check_equal(settled, billed, "what is settled is what the provider has billed")
    check(billed > 0, "and that is something")
    check(all(row["batch"] for row in server.ledger()["rows"]), "all of it in batches")
    return settled


def events_go_in_batches_and_come_out_in_order():
    for provider in MODELS:
        with fake(provider) as server, work_directory() as directory:
            write(directory, server, provider)
            with Instance("p.yaml", directory) as instance:
                post(instance, range(35))
                wait_for(lambda: len(results(directory)) == 35, "all are answered", 30)
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal([each["n"] for each in results(directory)], list(range(35)), "the order")
            check(all(each["triage"] for each in results(directory)), results(directory)[0])
            check_equal(made(server, provider), 4, "three full batches, and one of what was left")
            settled = check_money(directory, server)
            print("    %s: 35 answers in 4 batches, %d billionths of a dollar" % (provider, settled))


def a_batch_that_is_out_outlives_a_kill_and_a_stop():
    for provider in MODELS:
        with fake(provider, looks=40) as server, work_directory() as directory:
            write(directory, server, provider)
            with Instance("p.yaml", directory) as instance:
                post(instance, range(10))
                wait_for(lambda: len(records(directory, "batch")) >= 2, "it is known to be there")
                instance.kill()
            with Instance("p.yaml", directory) as instance:
                began = time.monotonic()
                check_equal(instance.stop(), 0, instance.stderr())
                check(time.monotonic() - began < 8, "a stop does not wait for a batch")
            check_equal(results(directory), [], "nothing is answered yet")
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: len(results(directory)) == 10, "all are answered", 60)
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal([each["n"] for each in results(directory)], list(range(10)), "the order")
            check_equal(made(server, provider), 1, "batches")
            check_money(directory, server)


def a_batch_that_nobody_knows_the_fate_of_is_found_or_told():
    for provider, unknown in (("openai", 0), ("anthropic", 10)):
        with fake(provider) as server, work_directory() as directory:
            write(directory, server, provider)
            # It makes the batch, and never says so. OpenAI's file goes before that.
            skip = 1 if provider == "openai" else 0
            server.fault("hold", phase="before_head", for_kind="batch", skip=skip)
            with Instance("p.yaml", directory) as instance:
                post(instance, range(10))
                server.wait_for("held", 1)
                instance.kill()
            server.clear_faults()
            server.release()
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: len(results(directory)) == 10, "all are answered", 60)
                told = instance.stderr()
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal([each["n"] for each in results(directory)], list(range(10)), "the order")
            check_equal(made(server, provider), 1 if unknown == 0 else 2, "batches")
            if unknown:
                check("nobody knows what became of them" in told, told)
            check_money(directory, server, unknown)


def what_fails_in_a_batch_is_asked_again_or_given_up():
    for provider in MODELS:
        with fake(provider) as server, work_directory() as directory:
            write(directory, server, provider)
            server.rules({"match": "number 3$", "nth": 1, "error": "overloaded" if provider == "anthropic" else "server"},
                         {"match": "number 5$", "error": "context_length"}, batch={"states": ["in_progress"]})
            with Instance("p.yaml", directory) as instance:
                post(instance, range(10))
                wait_for(lambda: len(results(directory)) == 9, "the others are answered", 30)
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal([each["n"] for each in results(directory)], [0, 1, 2, 3, 4, 6, 7, 8, 9], "the order")
            check_equal(made(server, provider), 2, "one for all, and one for what is asked again")
            check_money(directory, server)
            code, out, err = run(["dead", "ls", "issues.dead", "--data-dir", "data"], directory)
            check_equal(code, 0, err)
            check("triage" in out, out)


def providers_without_batches_are_told_before_anything_runs():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: p
sources: [{stdin: {}}]
ai: {providers: [{ollama: {}}]}
stages: [{name: s, ai: {models: [ollama/llama3], user: "hi", batch: {size: 5}}}]
sinks: [{stdout: {}}]
""")
        code, _, err = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory)
        check(code != 0, "it does not run")
        check("takes no batches" in err, err)


main(events_go_in_batches_and_come_out_in_order, a_batch_that_is_out_outlives_a_kill_and_a_stop,
     a_batch_that_nobody_knows_the_fate_of_is_found_or_told, what_fails_in_a_batch_is_asked_again_or_given_up,
     providers_without_batches_are_told_before_anything_runs)
