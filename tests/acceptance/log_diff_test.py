"""[REQ-007] `log diff`: what two versions of a pipeline make of the same events, for people and for programs."""
import json
import os

from harness import Instance, check, check_equal, main, request, run, work_directory

PIPELINE = """
name: orders
log: {partitions: 2, partition_by: ["$input", "/n"]}
sources: [{http: {path: /orders}}]
stages:
  - filter: ["!=", ["$input", "/n"], %d]
  - computo: %s
sinks:
  - {name: all, file: {path: %s}}
  - {name: big, when: [">", ["$input", "/n"], 5], stdout: }
%s"""
PLAIN = '["obj", "n", ["$input", "/n"], "share", ["/", 100, ["-", ["$input", "/n"], 3]]]'
# Another value for one event, and no failure for another.
OTHER = ('["obj", "n", ["$input", "/n"], "share", ["if", ["==", ["$input", "/n"], 3], 0, '
         '["if", ["==", ["$input", "/n"], 7], 1, ["/", 100, ["-", ["$input", "/n"], 3]]]]]')


def filled(directory):
    (directory / "old.yaml").write_text(PIPELINE % (0, PLAIN, "all.ndjson", ""))
    (directory / "new.yaml").write_text(PIPELINE % (8, OTHER, "all.ndjson", ""))
    (directory / "more.yaml").write_text(
        PIPELINE % (0, PLAIN, "all.ndjson", "  - {name: extra, file: {path: extra.ndjson}}\n"))
    with Instance("old.yaml", directory) as instance:
        body = "\n".join(json.dumps({"n": n}) for n in range(10))
        status, _, answer = request(instance.listen, "POST", "/orders", body,
                                    {"Content-Type": "application/x-ndjson"})
        check_equal(status, 200, answer)
        check_equal(instance.stop(), 0, instance.stderr())


def diff(directory, *arguments):
    return run(["log", "diff", "orders", "--data-dir", "data", *arguments], directory)


def both_versions_are_compared_event_by_event():
    with work_directory() as directory:
        filled(directory)
        before = sorted(os.listdir(directory)), (directory / "all.ndjson").read_bytes()
        code, out, err = diff(directory, "--pipeline", "old.yaml", "--pipeline", "new.yaml")
        check_equal(code, 1, err)
        for line in ["10 events of orders", "sink all: 6 equal, 1 changed, 1 only old, 2 only new",
                     "sink big: 2 equal, 1 changed, 1 only old, 0 only new",
                     "dead letters: 0 equal, 0 changed, 1 only old, 0 only new",
                     'only new: {"n":3,"share":0}', "at /share: old 25", ", new 1\n"]:
            check(line in out, "no %r in:\n%s" % (line, out))
        check("more; --show N" not in out, out)
        check_equal((sorted(os.listdir(directory)), (directory / "all.ndjson").read_bytes()), before, "the folder")


def programs_get_one_object():
    with work_directory() as directory:
        filled(directory)
        code, out, err = diff(directory, "--pipeline", "old.yaml", "--pipeline", "new.yaml", "--format", "json",
                              "--show", "100")
        check_equal(code, 1, err)
        found = json.loads(out)
        check_equal(found["sinks"][0], {"sink": "all", "equal": 6, "changed": 1, "only_old": 1, "only_new": 2}, "all")
        check_equal((found["events"], found["equal"]), (10, False), "the head")
        check_equal(len(found["differences"]), 7, "differences")
        changed = [d for d in found["differences"] if d.get("sink") == "all" and "old" in d and "new" in d]
        check_equal([(d["old"]["n"], d["new"]["share"]) for d in changed], [(7, 1)], "what changed")
        check(changed[0]["id"].startswith("orders.") and "-all-" in changed[0]["id"], changed[0]["id"])
        letters = [d for d in found["differences"] if d.get("dead_letter")]
        check_equal([d["old"]["event"] for d in letters], [{"n": 3}], "dead letters")
        code, out, err = diff(directory, "--pipeline", "old.yaml", "--pipeline", "new.yaml", "--format", "json",
                              "--show", "2")
        check_equal(code, 1, err)
        check_equal(json.loads(out)["differences"], found["differences"][:2], "differences shown")
        events = 0
        for partition in "01":
            _, out, _ = diff(directory, "--pipeline", "old.yaml", "--pipeline", "new.yaml", "--format", "json",
                             "--partition", partition)
            events += json.loads(out)["events"]
            check(0 < json.loads(out)["events"] < 10, out)
        check_equal(events, 10, "events of both partitions")


def equal_versions_end_with_0():
    with work_directory() as directory:
        filled(directory)
        code, out, err = diff(directory, "--pipeline", "old.yaml", "--pipeline", "old.yaml")
        check_equal(code, 0, out + err)
        check("sink all: 8 equal, 0 changed, 0 only old, 0 only new" in out, out)
        check("dead letters: 1 equal" in out, out)
        code, out, err = diff(directory, "--pipeline", "old.yaml", "--pipeline", "more.yaml", "--show", "1")
        check_equal(code, 1, out + err)
        check("sink extra: 0 equal, 0 changed, 0 only old, 8 only new (old.yaml has no such sink)" in out, out)
        check("and 7 more; --show N" in out, out)
        code, out, err = diff(directory, "--pipeline", "old.yaml", "--pipeline", "new.yaml", "--to", "0")
        check_equal(code, 0, out + err)


def what_cannot_be_is_refused():
    with work_directory() as directory:
        filled(directory)
        (directory / "bad.yaml").write_text("name: bad\nsinks: [{stdout: }]\n")
        for arguments, told in [
                (["--pipeline", "old.yaml"], "give --pipeline twice"),
                (["--pipeline", "old.yaml", "--pipeline", "bad.yaml"], "bad.yaml"),
                (["--pipeline", "old.yaml", "--pipeline", "new.yaml", "--show", "many"], "--show takes a number"),
                (["--pipeline", "old.yaml", "--pipeline", "new.yaml", "--from", "soon"], "--from takes an offset")]:
            code, out, err = diff(directory, *arguments)
            check(code == 2 and out == "" and told in err, "%s: %d %s" % (arguments, code, err))


main(both_versions_are_compared_event_by_event, programs_get_one_object, equal_versions_end_with_0,
     what_cannot_be_is_refused)
