"""[REQ-007] `log diff` of pipelines that ask language models: what they answered is taken from the records, and what is not
recorded is told, with what it would cost. Nothing is asked."""
import json
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
from fake_ai_server import FakeAi  # noqa: E402

PIPELINE = """
name: %(name)s
sources: [{name: hook, http: {path: /in}}]
ai:
  providers: [{openai: {api_key: "${DIFF_KEY:-fake-key}", base_url: "%(url)s/v1"}}]
  redact: [email]
stages:
  - computo: "= {n: $input/n, text: $input/text}"
  - name: first
    ai: {models: [openai/gpt-4o-mini], user: "%(first)s", parameters: {max_output_tokens: 100}, into: /a}
  - filter: = $input/n %% 3 > 0
  - name: second
    ai: {models: [openai/gpt-4o-mini], user: "%(second)s", parameters: {max_output_tokens: 100}, into: /b}
  - computo: %(last)s
sinks: [{name: out, file: {path: out.ndjson}}]
"""
USUAL = {"name": "asks", "first": "What is {{ $input/text }}", "second": "Once more: {{ $input/a }}", "last": "= $input"}
EVENTS = 12


def write(directory, fake, file, **changes):
    (directory / file).write_text(PIPELINE % {**USUAL, "url": fake.url, **changes})


def filled(directory, fake):
    write(directory, fake, "old.yaml")
    with Instance("old.yaml", directory) as instance:
        body = "\n".join(json.dumps({"n": n, "text": "number %d of me@example.org" % n}) for n in range(EVENTS))
        status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
        check_equal(status, 200, answer)
        wait_for(lambda: len(read_lines(directory / "out.ndjson")) == EVENTS * 2 // 3, "all are through", 30)
        check_equal(instance.stop(), 0, instance.stderr())


def diff(directory, new, *more):
    code, out, err = run(["log", "diff", "asks", "--data-dir", "data", "--pipeline", "old.yaml", "--pipeline", new,
                          "--format", "json", "--show", "100", *more], directory)
    check(err == "", err)
    return code, json.loads(out)


def recorded_answers_are_used_and_nobody_is_asked():
    with FakeAi() as fake, work_directory() as directory:
        filled(directory, fake)
        asked = fake.counters()["requests"]
        check_equal(asked, EVENTS + EVENTS * 2 // 3, "questions")
        code, found = diff(directory, "old.yaml")
        check_equal((code, found["equal"], found["events"]), (0, True, EVENTS), found)
        check_equal(found["sinks"], [{"sink": "out", "equal": 8, "changed": 0, "only_old": 0, "only_new": 0}], "out")
        # Another name, and something else is made of the answers.
        write(directory, fake, "new.yaml", name="asks-2", last="'= {n: $input/n, b: $input/b, more: 1}'")
        code, found = diff(directory, "new.yaml")
        check_equal((code, found["sinks"][0]["changed"], "not_compared" in found), (1, 8, False), found)
        texts = {one["n"]: one["b"] for one in read_lines(directory / "out.ndjson")}
        for one in found["differences"]:
            check_equal(one["new"], {"n": one["old"]["n"], "b": texts[one["old"]["n"]], "more": 1}, "the recorded answer")
        check_equal(fake.counters()["requests"], asked, "questions after that")


def what_is_not_recorded_is_told_with_its_price_and_not_compared():
    with FakeAi() as fake, work_directory() as directory:
        filled(directory, fake)
        asked = fake.counters()["requests"]
        write(directory, fake, "new.yaml", second="Anew: {{ $input/a }}", last="'= {n: $input/n}'")
        code, found = diff(directory, "new.yaml")
        check_equal((code, found["equal"], found["sinks"][0]), (1, False, {
            "sink": "out", "equal": 0, "changed": 0, "only_old": 0, "only_new": 0}), found)
        told = found["not_compared"]
        check_equal((told["events"], told["old_would_ask"], told["new_would_ask"]["calls"]),
                    (8, {"calls": 0, "usd_at_most": 0}, 8), told)
        # gpt-4o-mini: 0.15 USD a million in, 0.6 out.
        least, most = 8 * 100 * 0.6e-6, 8 * (100 * 0.6e-6 + 200 * 0.15e-6)
        check(least < told["new_would_ask"]["usd_at_most"] < most, told)
        write(directory, fake, "new.yaml", first="Who is {{ $input/text }}", second="Anew: {{ $input/a }}")
        code, found = diff(directory, "new.yaml")
        check_equal((code, found["not_compared"]["events"], found["not_compared"]["new_would_ask"]["calls"]), (1, 12, 12), found)
        code, out, err = run(["log", "diff", "asks", "--data-dir", "data", "--pipeline", "old.yaml", "--pipeline", "new.yaml"],
                             directory)
        check(code == 1 and "not compared: 12 events with questions to models whose answers are not recorded\n"
              "  new.yaml would ask: 12 calls, 0.0" in out, out + err)
        check_equal(fake.counters()["requests"], asked, "questions after that")


def a_part_and_a_running_process_will_do():
    with FakeAi() as fake, work_directory() as directory:
        filled(directory, fake)
        asked = fake.counters()["requests"]
        with Instance("old.yaml", directory) as instance:
            code, found = diff(directory, "old.yaml", "--from", "4", "--to", "9")
            check_equal((code, found["events"], found["sinks"][0]["equal"]), (0, 5, 4), found)
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(fake.counters()["requests"], asked, "questions after that")


main(recorded_answers_are_used_and_nobody_is_asked, what_is_not_recorded_is_told_with_its_price_and_not_compared,
     a_part_and_a_running_process_will_do)
