"""[REQ-050] [REQ-107] [REQ-208] `test`: cases beside scripts and pipelines."""
import xml.etree.ElementTree

from harness import REPOSITORY, check, check_equal, main, run, work_directory

PIPELINE = """
sources: [{stdin: {}}]
stages:
  - computo: [obj, id, ["$input", "/id"], total, ["+", ["$input", "/total"], 1]]
  - filter: [">", ["$input", "/total"], 10]
sinks:
  - name: big
    when: [">", ["$input", "/total"], 1000]
    stdout: {}
  - name: all
    file: {path: out.ndjson}
"""

PIPELINE_CASES = """
cases:
  - name: keeps and marks the big ones
    input: [{id: 1, total: 5}, {id: 2, total: 50}, {id: 3, total: 5000}]
    expect:
      all: [{id: 2, total: 51}, {id: 3, total: 5001}]
      big: [{total: 5001, id: 3}]
  - name: what cannot be added is a dead letter
    input: [{id: 1, total: "x"}]
    expect: {all: []}
    dead_letters: 1
"""

SCRIPT = '["+", ["$inputs", "/0"], ["$inputs", "/1"]]'
SCRIPT_CASES = """
cases:
  - {name: adds, inputs: [1, 2], expect: 3}
  - {name: wants numbers, inputs: ["x", 1], error: type}
"""


def files(directory, pipeline_cases=PIPELINE_CASES, script_cases=SCRIPT_CASES):
    (directory / "orders.yaml").write_text(PIPELINE)
    (directory / "orders.test.yaml").write_text(pipeline_cases)
    (directory / "add.json").write_text(SCRIPT)
    (directory / "add.test.yaml").write_text(script_cases)


def cases_of_a_pipeline_and_a_script_pass():
    with work_directory() as directory:
        files(directory)
        code, out, err = run(["test", "orders.yaml", "add.test.yaml"], directory)
        check_equal((code, out), (0, "4 passed, 0 failed\n"), err)
        check(not (directory / "out.ndjson").exists(), "the test wrote to the sink")


def a_failure_names_its_case_and_difference_and_goes_to_junit():
    with work_directory() as directory:
        files(directory, script_cases=SCRIPT_CASES.replace("expect: 3", "expect: 4"))
        code, out, err = run(["test", "add.json", "--junit", "out.xml"], directory)
        check_equal((code, out), (1, "1 passed, 1 failed\n"), err)
        check("add.test.yaml:3:5: failed: adds: expected 4, got 3" in err, err)
        suites = xml.etree.ElementTree.fromstring((directory / "out.xml").read_text())
        check_equal((suites.get("tests"), suites.get("failures")), ("2", "1"), "the counts")
        check_equal(suites.find(".//failure").get("message"), "expected 4, got 3", "the message")


def failures_of_a_pipeline_are_told_by_sink():
    with work_directory() as directory:
        files(directory, PIPELINE_CASES.replace("total: 51", "total: 52").replace("letters: 1", "letters: 0"))
        code, out, err = run(["test", "orders.yaml"], directory)
        check_equal((code, out), (1, "0 passed, 2 failed\n"), err)
        check("sink all: at /0/total: expected 52, got 51" in err, err)
        check("expected 0 dead letters, got 1" in err, err)


def the_filter_chooses_by_name():
    with work_directory() as directory:
        files(directory)
        code, out, err = run(["test", "add.json", "--filter", "wants"], directory)
        check_equal((code, out), (0, "1 passed, 0 failed\n"), err)
        check_equal(run(["test", "add.json", "--filter", "nothing"], directory)[0], 2, "a filter that matches nothing")


def mistakes_in_the_cases_are_refused_with_their_place():
    with work_directory() as directory:
        files(directory, script_cases="cases:\n  - {name: a, expct: 1}\n")
        code, _, err = run(["test", "add.json"], directory)
        check(code == 2 and "add.test.yaml:2:" in err and "did you mean 'expect'?" in err, err)
        files(directory, script_cases="cases:\n  - name: a\n    error: typ\n")
        code, _, err = run(["test", "add.json"], directory)
        check(code == 2 and "add.test.yaml:3:12: error: there is no category of errors 'typ'; did you mean 'type'?" in err,
              err)


def a_file_and_its_cases_may_both_be_named():
    with work_directory() as directory:
        files(directory)
        names = ["add.json", "add.test.yaml", "./add.json", "orders.test.yaml", "orders.yaml"]
        check_equal(run(["test"] + names, directory), (0, "4 passed, 0 failed\n", ""), "each case once")


def the_quickstart_passes_its_own_cases():
    quickstart = REPOSITORY / "examples" / "quickstart" / "orders.yaml"
    code, out, err = run(["test", quickstart], None)
    check(code == 0 and out.endswith(" 0 failed\n"), out + err)


main(cases_of_a_pipeline_and_a_script_pass, a_failure_names_its_case_and_difference_and_goes_to_junit,
     failures_of_a_pipeline_are_told_by_sink, the_filter_chooses_by_name,
     mistakes_in_the_cases_are_refused_with_their_place,
     a_file_and_its_cases_may_both_be_named, the_quickstart_passes_its_own_cases)
