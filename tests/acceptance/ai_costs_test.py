"""[REQ-080][REQ-111] What models cost is told by `ai costs` and on /metrics, and it is what their provider has billed:
while the process runs, after its end, and after a kill."""
import json
import shutil
import subprocess
import sys

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
      retry: {attempts: 1}
      timeouts: {first_byte: 60s}
      breaker: {failures: %(failures)d, open: 60s}
    - name: claude
      anthropic: {api_key: fake-key, base_url: "%(url)s"}
  budgets: [{name: all, limit: "5 USD", window: total}]
stages:
  - name: triage
    ai: {models: %(models)s, user: "What is this? {{ $input/text }}", parameters: {max_output_tokens: 200}, details: /asked}
sinks: [{name: out, file: {path: out.ndjson}}]
commit: {interval: 100ms}
errors: {retry: {policy: fixed, initial: 100ms}}
"""
PRICES = ["--prices", str(REPOSITORY / "src/ai/prices.json")]
BOTH = "[openai/gpt-4o-mini, claude/claude-haiku-4-5]"


def write(directory, fake, models="[openai/gpt-4o-mini]", failures=5):
    (directory / "p.yaml").write_text(PIPELINE % {"url": fake.url, "models": models, "failures": failures})


def post(instance, numbers):
    body = "\n".join(json.dumps({"n": n, "text": "issue number %d" % n}) for n in numbers)
    status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, answer)


def answered(directory, count):
    wait_for(lambda: len(read_lines(directory / "out.ndjson")) == count, "%d are answered" % count, 30)


def costs(directory, *more):
    code, out, err = run(["ai", "costs", "--data-dir", "data", "--format", "json", *more], directory)
    check_equal(code, 0, err)
    return json.loads(out)


def billed(fake):
    return sum(row["nano_usd"] for row in fake.ledger()["rows"])


def what_is_told_is_what_was_billed_while_it_runs_and_after():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(12))
            answered(directory, 12)
            wait_for(lambda: costs(directory)["total"]["answered"] == 12, "all are on disk")
            running = costs(directory)
            check_equal(running["total"]["cost_nano_usd"], billed(fake), "while it runs")
            post(instance, range(12, 20))
            answered(directory, 20)
            check_equal(instance.stop(), 0, instance.stderr())
        told = costs(directory)
        total = told["total"]
        check_equal((total["calls"], total["answered"], total["unknown"]), (20, 20, 0), "calls")
        check_equal(total["cost_nano_usd"], billed(fake), "what is told is what was billed")
        check_equal([(row["pipeline"], row["provider"], row["model"]) for row in told["rows"]],
                    [("issues", "openai", "gpt-4o-mini")], "rows")
        check_equal(told["rows"][0]["cost_nano_usd"], billed(fake), "the row")
        check_equal((told["open_calls"], told["open_reserved_nano_usd"]), (0, 0), "none is open")
        check(total["tokens"]["input"] > 0 and total["tokens"]["output"] > 0, total)
        by_stage = costs(directory, "--by", "stage,key", "--since", "1d", "--pipeline", "issues")["rows"]
        check_equal([(row["stage"], row["key"], row["calls"]) for row in by_stage], [("triage", "openai", 20)], "by stage")
        code, out, err = run(["ai", "costs", "--data-dir", "data"], directory)
        check_equal(code, 0, err)
        lines = [line.split() for line in out.splitlines()]
        check_equal(lines[0][:4], ["PIPELINE", "PROVIDER", "MODEL", "CALLS"], out)
        check_equal(lines[2][:3], ["total", "20", "20"], out)
        check_equal(round(float(lines[2][-2]) * 1e9), billed(fake), out)
        check("forecast" in out and "unknown" not in out, out)


def after_a_kill_it_says_what_is_unknown():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        fake.fault("hold", phase="before_head", times=3)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(3))
            fake.wait_for("held", 3)
            instance.kill()
        # Nobody has looked at it since: these calls may be under way for all one can see.
        check_equal(costs(directory)["total"]["calls"], 0, "none has ended")
        fake.release()
        with Instance("p.yaml", directory) as instance:
            answered(directory, 3)
            check_equal(instance.stop(), 0, instance.stderr())
        told = costs(directory)
        total = told["total"]
        check_equal((total["calls"], total["answered"], total["unknown"], told["open_calls"]), (6, 3, 3, 0), "calls")
        check(total["cost_nano_usd"] <= billed(fake) <= total["cost_nano_usd"] + total["unknown_nano_usd"], total)
        code, out, err = run(["ai", "costs", "--data-dir", "data"], directory)
        check_equal(code, 0, err)
        check("USD reserved for 3 calls that nobody knows the end of" in out, out)


def a_replay_that_asks_again_is_a_row_of_its_own():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(4))
            answered(directory, 4)
            check_equal(instance.stop(), 0, instance.stderr())
        before = billed(fake)
        code, _, err = run(["log", "replay", "issues", "--pipeline", "p.yaml", "--data-dir", "data", "--yes", "--fresh-ai"],
                           directory)
        check_equal(code, 0, err)
        told = costs(directory, "--by", "pipeline")
        check_equal(told["total"]["cost_nano_usd"], billed(fake), "all of it")
        names = [row["pipeline"] for row in told["rows"]]
        check(len(names) == 2 and names[0] == "issues" and names[1].startswith("issues.replay-"), names)
        check_equal(told["rows"][0]["cost_nano_usd"], before, "the pipeline's own")
        check_equal(costs(directory, "--pipeline", "issues")["total"]["calls"], 8, "with its replays")


def what_cannot_be_told_is_refused():
    with work_directory() as directory:
        for more, word in ((["--by", "models"], "--by takes"), (["--since", "yesterday"], "--since takes"),
                           ([], "no data directory")):
            code, _, err = run(["ai", "costs", "--data-dir", "data", *more], directory)
            check_equal(code, 2, err)
            check(word in err, err)


def metrics_say_the_same():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake, models=BOTH, failures=2)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(5))
            answered(directory, 5)
            model = {"pipeline": "issues", "component": "openai", "kind": "openai_provider", "model": "gpt-4o-mini"}

            def value(name, **more):
                return instance.metric("colloquium_ai_" + name, **{**model, **more})
            check_equal(value("calls_total", reason="answered"), 5, "answered")
            check_equal((value("calls_total", reason="failed"), value("calls_total", reason="unknown")), (0, 0), "others")
            check_equal((value("answer_seconds_count"), value("first_output_seconds_count")), (5, 5), "timed")
            check_equal(round(value("cost_usd_total") * 1e9), billed(fake), "cost")
            wait_for(lambda: costs(directory)["total"]["answered"] == 5, "all are on disk")
            for bucket, tokens in costs(directory)["total"]["tokens"].items():
                check_equal(value("tokens_total", reason=bucket), tokens, bucket)
            check_equal((value("waiting_calls"), value("calls_under_way"), value("breaker_open")), (0, 0, 0), "at rest")
            budget = {"pipeline": "issues", "component": "all", "kind": "ai_budget"}
            check_equal(instance.metric("colloquium_ai_budget_limit_usd", **budget), 5, "limit")
            wait_for(lambda: round(instance.metric("colloquium_ai_budget_spent_usd", **budget) * 1e9) == billed(fake),
                     "the budget knows what is spent")
            check_equal(instance.metric("colloquium_ai_budget_reserved_usd", **budget), 0, "reserved")

            fake.fault("status", error="unavailable", provider="openai", times=100)
            post(instance, range(5, 10))
            answered(directory, 10)
            check(value("calls_total", reason="failed") >= 2, "failed")
            check_equal(value("failures_total", reason="transient"), value("calls_total", reason="failed"), "why")
            check_equal(value("breaker_open"), 1, "left alone")
            check(instance.metric("colloquium_ai_calls_total", component="claude", reason="answered") == 5, "who answered")
            _, _, body = request(instance.admin, "GET", "/healthz")
            health = json.loads(body)
            entry = [each for each in health["components"] if "model openai/gpt-4o-mini" in each["name"]]
            check_equal((health["status"], [each["status"] for each in entry]), ("degraded", ["degraded"]), body)
            check("left alone for" in entry[0]["detail"], entry)
            _, _, text = request(instance.admin, "GET", "/metrics")
            if shutil.which("promtool"):
                done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
                check_equal((done.returncode, done.stdout + done.stderr), (0, b""), "promtool check metrics")
            check_equal(instance.stop(), 0, instance.stderr())


main(what_is_told_is_what_was_billed_while_it_runs_and_after, after_a_kill_it_says_what_is_unknown,
     a_replay_that_asks_again_is_a_row_of_its_own, what_cannot_be_told_is_refused, metrics_say_the_same)
