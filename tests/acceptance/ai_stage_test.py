"""[REQ-056][REQ-057][REQ-066][REQ-068][REQ-071] Models are asked about events: by the whole program, of a fake of their providers that
keeps a ledger of its own, through failures and kills. What is answered is paid for once."""
import json
import random
import sys

from harness import (REPOSITORY, Instance, check, check_equal, main, read_lines, request, run, wait_for,
                     work_directory)

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
from fake_ai_server import FakeAi  # noqa: E402

PIPELINE = """
name: issues
sources: [{name: hook, http: {path: /in}, dedupe: {key: ["$input", "/n"], window: 1h}}]
ai:
  providers:
    - openai: {api_key: fake-key, base_url: "%(url)s/v1"}
      retry: {attempts: 2, initial: 50ms, max: 200ms}
      timeouts: {first_byte: %(first_byte)s, silence: 5s}
    - name: claude
      anthropic: {api_key: fake-key, base_url: "%(url)s"}
      retry: {attempts: 2, initial: 50ms, max: 200ms}
      timeouts: {first_byte: %(first_byte)s, silence: 5s}
  budgets: [{name: all, limit: "%(limit)s", window: total, then: %(then)s}]
stages:
  - name: wrapped
    computo: "= {n: $input/n, text: $input/text}"
  - name: triage
    ai:
      models: %(models)s
      user: "What is this? {{ $input/text }}"
      parameters: {max_output_tokens: 200}
      details: /asked
      concurrency: %(concurrency)d
      on_unknown: %(on_unknown)s
sinks: [{name: out, file: {path: out.ndjson}}]
commit: {interval: %(commit)s}
errors: {retry: {policy: fixed, initial: 100ms}}
"""
USUAL = {"limit": "5 USD", "then": "stop", "models": "[openai/gpt-4o-mini, claude/claude-haiku-4-5]", "concurrency": 4,
         "on_unknown": "retry", "commit": "100ms", "first_byte": "10s"}
PRICES = ["--prices", str(REPOSITORY / "src/ai/prices.json")]


def write(directory, fake, **changes):
    (directory / "p.yaml").write_text(PIPELINE % {**USUAL, "url": fake.url, **changes})


def post(instance, numbers):
    """False if the process went away over it."""
    body = "\n".join(json.dumps({"n": n, "text": "issue number %d" % n}) for n in numbers)
    try:
        status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    except OSError:
        return False
    check_equal(status, 200, answer)
    return True


def results(directory):
    return read_lines(directory / "out.ndjson")


def records(directory, kind=None):
    code, out, err = run(["log", "cat", "issues.calls", "--data-dir", "data", "--format", "ndjson"], directory)
    check_equal(code, 0, err)
    found = [json.loads(line) for line in out.splitlines()]
    found = [record.get("value", record) for record in found]
    return [record for record in found if kind is None or record["kind"] == kind]


def money(directory, fake):
    """(settled, unknown, what the fake has billed), in billionths of a dollar."""
    settled = sum(r.get("cost", 0) for r in records(directory) if r["kind"] in ("answer", "failure"))
    unknown = sum(r.get("reserved", 0) for r in records(directory, "unknown"))
    return settled, unknown, sum(row["nano_usd"] for row in fake.ledger()["rows"])


def events_are_answered_in_order_and_paid_as_the_provider_says():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(40))
            wait_for(lambda: len(results(directory)) == 40, "all are answered", 30)
            check_equal(instance.stop(), 0, instance.stderr())
        found = results(directory)
        check_equal([each["n"] for each in found], list(range(40)), "the order")
        check(all(each["triage"] and each["asked"]["model"] == "openai/gpt-4o-mini" for each in found), found[0])
        settled, unknown, billed = money(directory, fake)
        check_equal((settled, unknown), (billed, 0), "what is settled is what the provider has billed")
        check(settled > 0, "and that is something")
        print("    40 answers, %d billionths of a dollar" % settled)


def where_one_provider_fails_the_next_one_is_asked():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        fake.fault("status", error="unavailable", provider="openai", times=2)
        fake.fault("error_in_stream", provider="openai", after=1, times=2, skip=0)
        with Instance("p.yaml", directory) as instance:
            post(instance, [1])
            wait_for(lambda: len(results(directory)) == 1, "it is answered")
            check_equal(results(directory)[0]["asked"]["model"], "claude/claude-haiku-4-5", "who answered")
            fake.clear_faults()
            check_equal(instance.stop(), 0, instance.stderr())
        settled, unknown, billed = money(directory, fake)
        check(settled <= billed <= settled + unknown, (settled, unknown, billed))


def an_answer_that_is_recorded_costs_nothing_again_after_a_kill():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        # Nothing is committed before it is killed.
        write(directory, fake, commit="30s")
        with Instance("p.yaml", directory) as instance:
            post(instance, range(5))
            wait_for(lambda: len(records(directory, "answer")) == 5, "all answers are recorded")
            check_equal(results(directory), [], "and none is used")
            instance.kill()
        asked = fake.counters()["requests"]
        write(directory, fake)
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(results(directory)) == 5, "all are through")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(fake.counters()["requests"], asked, "nothing was asked again")
        check_equal([each["n"] for each in results(directory)], list(range(5)), "the order")
        settled, unknown, billed = money(directory, fake)
        check_equal((settled, unknown), (billed, 0), "money")


def a_question_that_is_under_way_at_a_kill_is_unknown():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake, models="[openai/gpt-4o-mini]", first_byte="60s")
        fake.fault("hold", phase="before_head", times=3)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(3))
            fake.wait_for("held", 3)
            instance.kill()
        fake.release()
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(results(directory)) == 3, "all are asked again, and through")
            check("calls=3" in instance.stderr(), instance.stderr())
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(len(records(directory, "unknown")), 3, "unknown calls")
        settled, unknown, billed = money(directory, fake)
        check(settled <= billed <= settled + unknown, (settled, unknown, billed))


def those_may_be_dead_letters_instead():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake, models="[openai/gpt-4o-mini]", first_byte="60s", on_unknown="dead_letter")
        fake.fault("hold", phase="before_head", times=1)
        with Instance("p.yaml", directory) as instance:
            post(instance, [7])
            fake.wait_for("held", 1)
            instance.kill()
        with Instance("p.yaml", directory) as instance:
            post(instance, [8])
            wait_for(lambda: len(results(directory)) == 1, "the next one is through")
            check_equal(results(directory)[0]["n"], 8, "which")
            check_equal(instance.stop(), 0, instance.stderr())
        code, out, err = run(["dead", "ls", "issues.dead", "--data-dir", "data"], directory)
        check_equal(code, 0, err)
        check("triage" in out, out)


def a_budget_is_never_exceeded_and_says_so():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake, limit="0.0003 USD", then="dead_letter")
        with Instance("p.yaml", directory) as instance:
            post(instance, range(60))

            def left():
                return instance.metric("colloquium_dead_letters_total", component="triage") or 0
            wait_for(lambda: len(results(directory)) + left() == 60, "all are answered or given up", 30)
            check(left() > 0, "some were too much")
            check("budget 'all'" in instance.stderr(), instance.stderr())
            check_equal(instance.stop(), 0, instance.stderr())
        settled, unknown, billed = money(directory, fake)
        check(settled + unknown <= 300_000, settled)
        check_equal(settled, billed, "money")


def a_stop_waits_for_what_is_asked_and_asks_nothing_more():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        fake.fault("slow", head_ms=400, times=None)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(40))
            fake.wait_for("requests", 6)
            check_equal(instance.stop(), 0, instance.stderr())
        asked = fake.counters()["requests"]
        check(asked < 40, "all were asked before it stopped")
        check_equal(len(records(directory, "unknown")), 0, "unknown calls")
        check_equal(len(records(directory, "answer")), asked, "answers")
        fake.clear_faults()
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(results(directory)) == 40, "the rest")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(fake.counters()["requests"], 40, "each was asked once")
        settled, unknown, billed = money(directory, fake)
        check_equal((settled, unknown), (billed, 0), "money")


def what_was_refused_is_put_back_to_the_stage_that_gave_it_up():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake, models="[openai/gpt-4o-mini]")
        fake.fault("status", error="bad_request", times=1)
        with Instance("p.yaml", directory) as instance:
            post(instance, [1, 2])
            wait_for(lambda: "triage" in run(["dead", "ls", "issues.dead", "--data-dir", "data"], directory)[1], "a dead letter")
            code, out, err = run(["dead", "replay", "issues.dead", "--data-dir", "data"], directory)
            check_equal(code, 0, out + err)
            wait_for(lambda: len(results(directory)) == 2, "both are through")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(sorted(each["n"] for each in results(directory)), [1, 2], "which")


def a_replay_costs_nothing_unless_it_is_to():
    with FakeAi(arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake)
        with Instance("p.yaml", directory) as instance:
            post(instance, range(10))
            wait_for(lambda: len(results(directory)) == 10, "all are answered")
            check_equal(instance.stop(), 0, instance.stderr())
        asked = fake.counters()["requests"]
        code, _, err = run(["log", "replay", "issues", "--pipeline", "p.yaml", "--data-dir", "data", "--yes"], directory)
        check_equal(code, 0, err)
        found = results(directory)
        check_equal(len(found), 20, "the replay wrote all again")
        check_equal(found[:10], found[10:], "with the same answers")
        check_equal(fake.counters()["requests"], asked, "and asked nobody")
        code, _, err = run(["log", "replay", "issues", "--pipeline", "p.yaml", "--data-dir", "data", "--yes", "--fresh-ai"],
                           directory)
        check_equal(code, 0, err)
        check_equal(fake.counters()["requests"], asked + 10, "a fresh one asked again")


PHASES = ["accept", "before_head", "in_head", "before_first_chunk", "between_chunks", "before_final", "after_final"]


def through_faults_and_kills_money_and_events_are_accounted_for():
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    print("    seed %d" % seed)
    kills = 8
    # The fake counts four bytes a token. What broke off is estimated by words: of long ones, that is never more than it bills.
    rules = {"rules": [{"kind": "chat", "pieces": ["international ", "development ", "understanding ", "responsibility"]}]}
    with FakeAi(rules, arguments=PRICES) as fake, work_directory() as directory:
        write(directory, fake, first_byte="1s")
        sent = 0
        for _ in range(kills):
            with Instance("p.yaml", directory) as instance:
                for _ in range(chance.randrange(1, 5)):
                    kind = chance.choice(["reset", "close", "status", "error_in_stream", "truncate", "slow"])
                    more = {"status": {"error": chance.choice(["unavailable", "rate_limit", "overloaded"]), "retry_after": 1},
                            "error_in_stream": {"after": 1}, "slow": {"head_ms": 100, "chunk_ms": 5}}.get(
                                kind, {"phase": chance.choice(PHASES)} if kind in ("reset", "close") else {})
                    fake.fault(kind, times=chance.randrange(1, 4), skip=chance.randrange(0, 5), **more)
                before = len(results(directory))
                for _ in range(chance.randrange(1, 4)):
                    if post(instance, range(sent, sent + 10)):
                        sent += 10
                goal = min(sent, before + chance.randrange(1, 20))
                wait_for(lambda: len(results(directory)) >= goal, "some are through", 60)
                instance.kill()
        fake.clear_faults()
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(results(directory)) >= sent, "all are through", 60)
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([each["n"] for each in results(directory)], list(range(sent)), "each once, in order")
        settled, unknown, billed = money(directory, fake)
        check(settled <= billed <= settled + unknown, "settled %d, billed %d, unknown %d" % (settled, billed, unknown))
        by_call = {}
        for record in records(directory):
            by_call.setdefault(record["call"], []).append(record["kind"])
        check(all(kinds.count("intent") <= 1 and len(kinds) <= 2 or "reuse" in kinds for kinds in by_call.values()), by_call)
        answered = [json.dumps([r["event"], r["question"]]) for r in records(directory, "answer")]
        check_equal(len(answered), len(set(answered)), "no event was asked again once it was answered")
        print("    %d events, %d kills, %d calls; settled %d, billed %d, unknown %d" %
              (sent, kills, len(by_call), settled, billed, unknown))


main(events_are_answered_in_order_and_paid_as_the_provider_says, where_one_provider_fails_the_next_one_is_asked,
     an_answer_that_is_recorded_costs_nothing_again_after_a_kill, a_question_that_is_under_way_at_a_kill_is_unknown,
     those_may_be_dead_letters_instead, a_stop_waits_for_what_is_asked_and_asks_nothing_more,
     what_was_refused_is_put_back_to_the_stage_that_gave_it_up, a_budget_is_never_exceeded_and_says_so, a_replay_costs_nothing_unless_it_is_to,
     through_faults_and_kills_money_and_events_are_accounted_for)
