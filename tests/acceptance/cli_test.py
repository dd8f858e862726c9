"""[REQ-206] [REQ-215] [REQ-110] [REQ-254] Exit codes, help and did-you-mean of every verb; the pages and schemas it
prints."""
import json
import os
import subprocess

from harness import binary, check, check_equal, main, run, work_directory

VERBS = [["run"], ["validate"], ["test"], ["log", "ls"], ["log", "cat"], ["log", "verify"], ["computo", "run"],
         ["ai", "tokens"], ["docs"], ["schema"], ["version"]]
GROUPS = [[], ["log"], ["computo"], ["ai"]]


def help_of_every_verb_ends_with_an_example():
    for verb in VERBS + GROUPS:
        code, out, err = run([*verb, "--help"], None)
        check_equal((code, err), (0, ""), "%s --help" % verb)
        example = out.rstrip("\n").split("\nExample:\n")[-1].splitlines()
        check(example and all(line.startswith("  colloquium") for line in example), "%s: no example:\n%s" % (verb, out))


def mistakes_are_refused_with_a_suggestion():
    for words, meant in [(["vlidate"], "validate"), (["log", "verfy"], "verify"), (["computo", "rn"], "run"),
                         (["run", "--data-dri", "x", "y.yaml"], "--data-dir"), (["run", "--wrkers=2"], "--workers"),
                         (["validate", "--explian", "y.yaml"], "--explain")]:
        code, out, err = run(words, None)
        check_equal((code, out), (2, ""), words)
        check("did you mean '%s'?" % meant in err, "%s: %s" % (words, err))


def nothing_to_do_is_refused():
    with work_directory() as directory:
        code, _, err = run([], directory)
        check(code == 2 and "Verbs:" in err, "no verb: %d %s" % (code, err))
        code, _, err = run(["run"], directory)
        check(code == 2 and "no pipeline to run" in err, "no pipeline: %d %s" % (code, err))


def files_that_are_not_there_are_refused():
    with work_directory() as directory:
        for verb in (["run"], ["validate"], ["test"], ["computo", "run"]):
            code, _, err = run([*verb, "missing.yaml"], directory)
            check(code == 2 and "missing" in err, "%s: %d %s" % (verb, code, err))


def version_is_printed():
    code, out, _ = run(["version"], None)
    check(code == 0 and out.startswith("colloquium 0.") and out.count(".") == 2, out)
    check_equal(run(["--version"], None)[1], out, "--version")


def output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([binary(), "schema"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    check(done.returncode == 1 and b"cannot write" in done.stderr, "%d %r" % (done.returncode, done.stderr))


def schemas_are_json():
    for arguments in ([], ["--of", "settings"]):
        code, out, err = run(["schema", *arguments], None)
        check(code == 0 and "$schema" in json.loads(out), err)


def docs_writes_every_page_and_the_same_bytes_twice():
    with work_directory() as directory:
        code, out, err = run(["docs", "--out", "one"], directory)
        check_equal(code, 0, err)
        run(["docs", "--out", "two"], directory)
        pages = sorted(os.path.basename(line) for line in out.splitlines())
        check_equal(sorted(os.listdir(directory / "one")), pages, "the pages written and told")
        for page in ("pipeline.md", "settings.md", "command-line.md", "computo-operators.md", "sink-file.md"):
            check(page in pages, "no page %s among %s" % (page, pages))
        for page in pages:
            check_equal((directory / "two" / page).read_bytes(), (directory / "one" / page).read_bytes(), page)


main(help_of_every_verb_ends_with_an_example, mistakes_are_refused_with_a_suggestion, nothing_to_do_is_refused,
     files_that_are_not_there_are_refused, version_is_printed, output_that_cannot_be_written_is_a_failure,
     schemas_are_json, docs_writes_every_page_and_the_same_bytes_twice)
