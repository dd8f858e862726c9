"""[REQ-107] [REQ-262] `test` on pipelines that ask language models: what they answer stands in the cases, everything else of
the stages is the real thing, and nothing is sent, not even with a key."""
import os
import socket
import subprocess
import threading

from harness import REPOSITORY, binary, check, check_equal, main, run, work_directory

# A provider that is there, so that a call that is made by mistake arrives.
PIPELINE = """
name: asks
sources: [{stdin: {}}]
ai:
  providers:
    - openai: {api_key: "${ASKS_KEY}", base_url: "http://127.0.0.1:%d/v1"}
  budgets: [{name: all, limit: "0.000000001 USD"}]
  cache: {}
stages:
  - name: shaped
    computo: "= {id: $input/id, text: $input/text}"
  - name: facts
    ai:
      task: extract
      models: [openai/gpt-4o-mini]
      system: Extract.
      user: "{{ $input/text }}"
      output: {schema: {type: object, properties: {n: {type: integer}}, required: [n], additionalProperties: false}, repairs: 2}
      into: /facts
  - filter: = $input/facts/n > 0
  - name: tools
    ai:
      models: [openai/gpt-4o-mini]
      messages: '= [{role: "user", content: strConcat("n is ", toString($input/facts/n))}]'
      tools: [{name: find, description: Finds., parameters: {type: object}}]
      into: /asked
  - name: vector
    ai: {task: embed, models: [openai/text-embedding-3-small], input: "= [$input/text, \\"x\\"]", into: /vector}
sinks:
  - name: all
    stdout: {}
"""

CASES = """
cases:
  - name: through three models
    input: [{id: 1, text: "n is 7"}, {id: 2, text: none}]
    answers:
      facts:
        - {text: "```json\\n{\\"n\\": \\"7\\"}\\n```", asked: [--- system, Extract., --- user, n is 7]}
        - {text: no, asked: [That is not what was asked for, '"7"']}
        - {json: {n: 7}}
        - {json: {n: 0}}
      tools: [{text: Let me look., tool_calls: [{name: find, arguments: {id: 7}}], asked: [n is 7]}]
      vector: [{embedding: [[1, 0.5], [0, 2]]}]
    expect:
      all:
        - id: 1
          text: n is 7
          facts: {n: 7}
          asked: {text: Let me look., tool_calls: [{name: find, id: call_1, arguments: {id: 7}}]}
          vector: [[1, 0.5], [0, 2]]
  - name: an answer that is never right is a dead letter
    input: [{id: 1, text: a}]
    answers: {facts: [a, b, c]}
    expect: {all: []}
    dead_letters: 1
  - name: so are arguments that are no JSON, and vectors that are too few
    input: [{id: 1, text: a}, {id: 2, text: b}]
    answers:
      facts: [{json: {n: 1}}, {json: {n: 2}}]
      tools: [{tool_calls: [{name: find, arguments: "{"}]}, {text: fine}]
      vector: [{embedding: [1, 2]}]
    dead_letters: 2
  - name: eight attempts are made, and no more
    input: [{id: 1, text: a}]
    answers: {facts: [%s]}
    dead_letters: 1
""" % ", ".join(["{error: transient, status: 500}"] * 8)


class Listener:
    """Counts who comes."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.came = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.came += 1


def files(directory, cases=CASES):
    listener = Listener()
    (directory / "asks.yaml").write_text(PIPELINE % listener.port)
    (directory / "asks.test.yaml").write_text(cases)
    return listener


def every_task_runs_whole_on_what_the_cases_answer():
    with work_directory() as directory:
        listener = files(directory)
        for environment in ({}, {"ASKS_KEY": "k"}):
            done = subprocess.run([binary(), "test", "asks.yaml"], cwd=directory, capture_output=True, text=True,
                                  env={**os.environ, **environment})
            check_equal((done.returncode, done.stdout, done.stderr), (0, "4 passed, 0 failed\n", ""), "with " + str(environment))
        check_equal(listener.came, 0, "connections to the provider")
        check_equal(sorted(path.name for path in directory.iterdir()), ["asks.test.yaml", "asks.yaml"], "what is left behind")


def a_question_that_cannot_be_asked_fails_the_case_as_it_would_fail_the_pipeline():
    with work_directory() as directory:
        files(directory)
        pipeline = directory / "asks.yaml"
        pipeline.write_text(pipeline.read_text().replace("openai/gpt-4o-mini]\n      system", "openai/no-such-model]\n      system"))
        code, _, err = run(["test", "asks.yaml", "--filter", "eight"], directory)
        check(code == 1 and "model 'no-such-model' of provider 'openai' has no price" in err, err)


def what_is_missing_or_too_much_is_told():
    with work_directory() as directory:
        files(directory, """
cases:
  - {name: short, input: [{id: 1, text: a}], answers: {facts: [a]}}
  - {name: long, input: [{id: 1, text: a}], answers: {facts: [{json: {n: 0}}, b]}}
""")
        code, out, err = run(["test", "asks.yaml", "--junit", "out.xml"], directory)
        check_equal((code, out), (1, "0 passed, 2 failed\n"), err)
        check("asks.test.yaml:3:5: failed: short: stage facts, event 1: no answer is left for what it asked:\n    --- system\n"
              "    Extract.\n    --- user\n    a\n    --- assistant\n    a\n    --- user\n    That is not" in err, err)
        check("failed: long: nothing asked for the answer at asks.test.yaml:4:79 of stage facts" in err, err)
        check("--- assistant" in (directory / "out.xml").read_text(), "the question is not in the report")


def mistakes_in_answers_are_refused_with_their_place():
    with work_directory() as directory:
        for answer, told in (("{txt: a}", "3:24: error: unknown key 'txt' in test file.cases[0].answers.facts[0]; did you mean"),
                             ("{error: bussy}", "3:31: error: test file.cases[0].answers.facts[0].error must be caller, key, throttled"),
                             ("{for: {/a: 1}}", "3:23: error: an answer is a text, or has one of"),
                             ("{text: a, for: {a: 1}}", "3:39: error: 'a' is no JSON pointer"),
                             ("7", "3:23: error: test file.cases[0].answers.facts[0] must be a string, found the number 7")):
            files(directory, "cases:\n  - name: a\n    answers: {facts: [%s]}\n" % answer)
            code, _, err = run(["test", "asks.yaml"], directory)
            check(code == 2 and "asks.test.yaml:" + told in err, answer + "\n" + err)


def the_example_passes_its_cases_without_a_key():
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    done = subprocess.run([binary(), "test", REPOSITORY / "examples/ai-triage/issues.yaml"], capture_output=True, text=True,
                          env=environment)
    check_equal((done.returncode, done.stdout), (0, "5 passed, 0 failed\n"), done.stderr)


main(every_task_runs_whole_on_what_the_cases_answer,
     a_question_that_cannot_be_asked_fails_the_case_as_it_would_fail_the_pipeline, what_is_missing_or_too_much_is_told,
     mistakes_in_answers_are_refused_with_their_place, the_example_passes_its_cases_without_a_key)
