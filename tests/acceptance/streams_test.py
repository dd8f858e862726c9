"""[REQ-008] A stream between two pipelines of one process: filled by a sink, read by a source, killed at any moment,
and each event is there once, in order."""
import json
import random

from harness import Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

ORDERS = """
name: orders
log: {partitions: 3, partition_by: ["$input", "/k"]}
sources: [{name: hook, http: {path: /in}, dedupe: {key: ["$input", "/n"], window: 1h}}]
stages: [{name: mark, computo: "= merge($input, {marked: true})"}]
sinks:
  - {name: even, when: "= $input/n % 2 == 0", stream: {name: review, partitions: 2}}
  - {name: all, file: {path: all.ndjson}}
"""
REVIEW = """
name: reviewed
log: {partitions: 2, partition_by: ["$input", "/k"]}
sources: [{name: in, stream: {name: review}}]
sinks: [{name: out, file: {path: reviewed.ndjson}}]
"""
KILLS = 8


def write_pipelines(directory):
    (directory / "orders.yaml").write_text(ORDERS)
    (directory / "reviewed.yaml").write_text(REVIEW)


def instance_of(directory):
    return Instance("orders.yaml", directory, arguments=["reviewed.yaml"])


def post(instance, numbers):
    """False if the process went away over it."""
    body = "\n".join(json.dumps({"n": n, "k": "k%d" % (n % 7)}) for n in numbers)
    try:
        status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    except OSError:
        return False
    check_equal(status, 200, answer)
    return True


def killed_at_any_moment_each_event_is_in_the_other_pipeline_once():
    chance = random.Random(7)
    with work_directory() as directory:
        write_pipelines(directory)
        sent = 0
        for _ in range(KILLS):
            with instance_of(directory) as instance:
                for _ in range(chance.randrange(3, 30)):
                    post(instance, range(sent, sent + 40))
                    sent += 40
                seen = len(read_lines(directory / "reviewed.ndjson"))
                goal = min(sent // 2, seen + chance.randrange(1, 200))
                wait_for(lambda: len(read_lines(directory / "reviewed.ndjson")) >= goal, "some are through")
                instance.kill()
        with instance_of(directory) as instance:
            wait_for(lambda: len(read_lines(directory / "reviewed.ndjson")) >= sent // 2, "all are through", 60)
            check_equal(instance.stop(), 0, instance.stderr())
        found = read_lines(directory / "reviewed.ndjson")
        check_equal(sorted(line["n"] for line in found), list(range(0, sent, 2)), "every even event once")
        for key in range(7):
            numbers = [line["n"] for line in found if line["k"] == "k%d" % key]
            check_equal(numbers, sorted(numbers), "the order of key %d" % key)
        check(all(line["marked"] for line in found), "the stage was passed")
        print("    %d events, %d kills" % (sent // 2, KILLS))
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, out + err)


def a_pipeline_of_dead_letters_takes_what_another_gave_up():
    with work_directory() as directory:
        (directory / "orders.yaml").write_text("""
name: orders
sources: [{name: hook, http: {path: /in}}]
stages: [{name: number, computo: "= toInt($input/n)"}]
sinks: [{name: all, file: {path: all.ndjson}}]
""")
        (directory / "reviewed.yaml").write_text("""
name: failed
sources: [{name: letters, stream: orders.dead}]
stages: [{name: event, computo: "= {event: $input/event, from: event_metadata/source}"}]
sinks: [{name: out, file: {path: failed.ndjson}}]
""")
        with instance_of(directory) as instance:
            request(instance.listen, "POST", "/in", '{"n":"x"}')
            wait_for(lambda: read_lines(directory / "failed.ndjson") == [{"event": {"n": "x"}, "from": "letters"}],
                     "the letter's event")
            check_equal(instance.stop(), 0, instance.stderr())


def what_cannot_work_is_refused():
    with work_directory() as directory:
        for name, text, what in (
                ("own", "name: own\nsources: [{stream: own}]\nsinks: [{file: {path: o}}]\n", "never end"),
                ("none", "name: p\nsources: [{stream: nothing}]\nsinks: [{file: {path: o}}]\n", "no stream 'nothing'"),
                ("off", "name: q\nlog: off\nsources: [{stream: x}]\nsinks: [{file: {path: o}}]\n", "needs the log")):
            (directory / (name + ".yaml")).write_text(text)
            code, out, err = run(["run", name + ".yaml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                                  "--data-dir", "data"], directory)
            check_equal(code, 2, out + err)
            check(what in err, err)


main(killed_at_any_moment_each_event_is_in_the_other_pipeline_once,
     a_pipeline_of_dead_letters_takes_what_another_gave_up, what_cannot_work_is_refused)
