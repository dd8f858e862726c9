"""[REQ-079][REQ-081][REQ-082][REQ-083] What must not leave does not, what was asked is in the audit stream, and keys are rotated
while events flow and stand nowhere."""
import json
import os
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
from fake_ai_server import FakeAi  # noqa: E402

PIPELINE = """
name: mail
sources: [{name: hook, http: {path: /in}}]
ai:
  providers:
    - openai: {api_key_file: key, base_url: "%s/v1"}
      retry: {attempts: 1}
      breaker: {failures: 1000}
  redact: [email, iban, {name: order, expression: "ord-[0-9]+"}]
  audit: {bodies: true, retention: {time: 7d}}
stages:
  - name: reply
    ai:
      models: [openai/gpt-4o-mini]
      user: "{{ $input/text }}"
      parameters: {max_output_tokens: 100}
sinks: [{name: out, file: {path: out.ndjson}}]
errors: {retry: {policy: fixed, initial: 100ms}}
"""
PRIVATE = ["ada@example.org", "DE89370400440532013000", "ord-4711"]
TEXT = "Mail %s about %s, and pay to %s." % (PRIVATE[0], PRIVATE[2], PRIVATE[1])


def post(instance, text):
    status, _, answer = request(instance.listen, "POST", "/in", json.dumps({"text": text}), {"Content-Type": "application/json"})
    check_equal(status, 200, answer)


def put_key(directory, key):
    (directory / "key.new").write_text(key + "\n")
    os.replace(directory / "key.new", directory / "key")


def cat(directory, stream):
    code, out, err = run(["log", "cat", stream, "--data-dir", "data"], directory)
    check_equal(code, 0, err)
    return out


def private_things_stay_and_the_audit_says_what_left():
    with FakeAi({"keys": ["key-one"]}) as fake, work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % fake.url)
        put_key(directory, "key-one")
        with Instance("p.yaml", directory) as instance:
            post(instance, TEXT)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 1, "an answer")
            metrics = request(instance.admin, "GET", "/metrics")[2].decode()
            check_equal(instance.stop(), 0, instance.stderr())
            said = instance.stderr() + metrics
        sent = json.dumps([one["body"] for one in fake.requests()])
        check(not any(thing in sent for thing in PRIVATE), sent)
        check("Mail [email] about [order], and pay to [iban]." in sent, sent)
        check_equal(read_lines(directory / "out.ndjson")[0]["text"], TEXT, "the event keeps what it had")
        audit = [json.loads(line) for line in cat(directory, "mail.audit").splitlines()]
        check_equal([(one["who"], one["outcome"]) for one in audit], [("reply", "answer")], "the audit")
        check_equal(audit[0]["asked"][0]["text"], "Mail [email] about [order], and pay to [iban].", "what left")
        stored = cat(directory, "mail.audit") + cat(directory, "mail.calls")
        check(not any(thing in stored for thing in PRIVATE), stored)
        check("key-one" not in stored + said, "the key stands somewhere")


def a_key_is_rotated_while_events_flow():
    with FakeAi({"keys": ["key-one"]}) as fake, work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % fake.url)
        put_key(directory, "key-one")
        with Instance("p.yaml", directory) as instance:
            post(instance, "first")
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 1, "an answer by the first key")
            fake.rules(keys=["key-two"])
            post(instance, "second")
            wait_for(lambda: "not through" in instance.stderr(), "the old key is refused")
            put_key(directory, "key-two")
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 2, "an answer by the second key")
            check_equal(instance.stop(), 0, instance.stderr())
            said = instance.stderr()
        check("key-one" not in said and "key-two" not in said, said)
        check_equal(cat(directory, "mail.dead"), "", "what was given up")


main(private_things_stay_and_the_audit_says_what_left, a_key_is_rotated_while_events_flow)
