"""[REQ-017] The kafka source and sink against a real broker: what a record is made of, where reading goes on and
what is refused. kill_broker_test.py has the bad days of a broker."""
import json
import subprocess
import sys
import time

from harness import (REPOSITORY, Instance, binary, check, check_equal, main, read_lines, request, run, skip,
                     wait_for, work_directory)

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402

BROKER = None  # one for all tests of this script, each with topics of its own

PIPELINE = """
name: {name}
sources:
  - name: in
    kafka: {{brokers: ["{broker}"], topics: ["{name}-in"], group: {group}, instance_id: one, commit_interval: 200ms}}
sinks:
  - name: out
    kafka: {{brokers: ["{broker}"], topic: {name}-out, {sink}}}
errors: {{dead_letter: {name}.dead}}
"""


def write_pipeline(directory, name, sink, group=""):
    (directory / (name + ".yaml")).write_text(PIPELINE.format(name=name, broker=BROKER.address, sink=sink, group=group or name))
    return name + ".yaml"


def drained(instance, count, sinks=("out",)):
    """Whether everything that came in is through."""
    return all((instance.metric("colloquium_input_events_total", component=sink) or 0) >= count for sink in sinks) and \
        instance.metric("colloquium_leg_lag_events") == 0


def wait_drained(instance, count, what, seconds=30, sinks=("out",)):
    try:
        wait_for(lambda: drained(instance, count, sinks), what, seconds)
    except AssertionError as error:
        raise AssertionError("%s\n%s" % (error, instance.stderr()[-6000:])) from None


def a_record_arrives_as_it_was():
    """Key, headers, time, tombstones; what is no JSON is a dead letter. Once more with the same data directory, nothing
    comes twice, and with another one the group's offsets count."""
    BROKER.create("plain-in", 2)
    BROKER.create("plain-out", 2)
    BROKER.produce("plain-in", ['a:1,b:two|k%d|{"n":%d}' % (n % 3, n) for n in range(300)] + ["NONE|k0|NONE", "x:y|k1|{no"],
                   **{"parse.headers": "true", "headers.delimiter": "|", "headers.separator": ",",
                      "headers.key.separator": ":", "null.marker": "NONE"})
    with work_directory() as directory:
        pipeline = write_pipeline(directory, "plain", "transactions: false")
        sent = {record.value["n"]: record for record in BROKER.consume("plain-in", 300, lenient=True) if record.value}
        with Instance(pipeline, directory) as instance:
            check("at least once, unless the source has dedupe" in instance.stderr(), "the promise is not told")
            wait_drained(instance, 301, "all records")
            check_equal(instance.stop(), 0, "exit code")
        got = BROKER.consume("plain-out", 301)
        values = [record for record in got if record.value is not None]
        check_equal(sorted(record.value["n"] for record in values), list(range(300)), "values")
        for record in values:
            wanted = sent[record.value["n"]]
            check_equal((record.key, record.headers, record.timestamp, record.partition),
                        (wanted.key, {"a": "1", "b": "two"}, wanted.timestamp, wanted.partition), "a record")
        check_equal([record.key for record in got if record.value is None], ["k0"], "tombstones")
        code, out, _ = run(["log", "cat", "plain.dead", "--data-dir", "data"], directory)
        check(code == 0 and out.count("\n") == 1 and "plain-in-" in out, "the dead letter: " + out)
        BROKER.produce("plain-in", ['k0|{"n":300}'])
        with Instance(pipeline, directory) as instance:
            wait_drained(instance, 1, "the new record")
            check_equal(instance.stop(), 0, "exit code")
        BROKER.produce("plain-in", ['k0|{"n":301}'])
        with Instance(pipeline, directory, data_dir="other") as instance:
            wait_drained(instance, 1, "the newer record")
            check_equal(instance.stop(), 0, "exit code")
        check_equal(len(BROKER.consume("plain-out", 303)), 303, "records in the end")


def values_are_what_the_formats_say():
    """From text to JSON and back. What the source's format can't read and what the sink's can't write are dead
    letters, in transactions, too."""
    for transactions in ("false", "true"):
        name = "text-" + transactions
        BROKER.create(name + "-in")
        BROKER.create(name + "-out")
        BROKER.produce(name + "-in", ["k1|id=1 name=Ada", "k2|id=2", 'k4|"', 'k5|id=5 name="two words"'])
        with work_directory() as directory:
            (directory / "p.yaml").write_text("""
name: %s
sources: [{kafka: {brokers: ["%s"], topics: [%s-in], group: %s, format: logfmt}}]
stages:
  - computo: ["if", ["==", ["$input", "/id"], 5], {"array": [5]}, ["$input"]]
sinks:
  - name: out
    kafka: {brokers: ["%s"], topic: %s-out, transactions: %s, format: {csv: {columns: [id, name], header: false}}}
errors: {dead_letter: %s.dead}
""" % (name, BROKER.address, name, name, BROKER.address, name, transactions, name))
            with Instance("p.yaml", directory) as instance:
                wait_drained(instance, 3, "all records")
                check_equal(instance.stop(), 0, "exit code")
            got = [(record.key, record.text) for record in BROKER.consume(name + "-out", 2, lenient=True)]
            check_equal(got, [("k1", "1,Ada"), ("k2", "2,")], "what is written")
            code, out, _ = run(["log", "cat", name + ".dead", "--data-dir", "data"], directory)
            check_equal((code, out.count("\n")), (0, 2), "dead letters: " + out)
            check("only an object can be written as csv" in out, "why it could not be written: " + out)


def what_brokers_refuse_is_left_out_of_a_transaction():
    BROKER.create("large-in")
    BROKER.create("large-out", max_message_bytes=3000)
    BROKER.produce("large-in", ['k|{"n":%d,"pad":"%s"}' % (n, ("%x" % (7919 ** 900 + n))[:8000] if n == 50 else "")
                                for n in range(100)])
    with work_directory() as directory:
        pipeline = write_pipeline(directory, "large", "transactions: true, compression: none")
        with Instance(pipeline, directory) as instance:
            wait_drained(instance, 99, "all records")
            check_equal(instance.stop(), 0, "exit code")
        check_equal([record.value["n"] for record in BROKER.consume("large-out", 99)],
                    [n for n in range(100) if n != 50], "values")
        code, out, _ = run(["log", "cat", "large.dead", "--data-dir", "data"], directory)
        check(code == 0 and out.count("\n") == 1 and "max.message.bytes" in out, "the dead letter: " + out)


def a_compacted_topic_refuses_what_has_no_key():
    """Far more of it than one record of progress could name one by one; and what has a key is written."""
    BROKER.create("bare-out", cleanup_policy="compact")
    with work_directory() as directory:
        (directory / "in.ndjson").write_text("".join('{"n":%d}\n' % n for n in range(10_000)))
        (directory / "bare.yaml").write_text("""
name: bare
sources: [{file: in.ndjson}]
sinks: [{name: out, kafka: {brokers: ["%s"], topic: bare-out, transactions: true}}]
errors: {dead_letter: bare.dead}
""" % BROKER.address)
        code, _, stderr = run(["run", "bare.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              directory, timeout=100)
        check_equal(code, 0, "exit code: " + stderr[-3000:])
        _, out, _ = run(["log", "cat", "bare.dead", "--data-dir", "data"], directory)
        check(out.count("\n") == 10_000 and "takes no event without key" in out, "%d dead letters" % out.count("\n"))
    for name, sink in (("mixed", "transactions: true"), ("loose", "transactions: false")):
        BROKER.create(name + "-in")
        BROKER.create(name + "-out", cleanup_policy="compact")
        BROKER.produce(name + "-in", ['%s|{"n":%d}' % ("NONE" if n % 3 else "k%d" % n, n) for n in range(1200)],
                       **{"null.marker": "NONE"})
        with work_directory() as directory:
            pipeline = write_pipeline(directory, name, sink)
            with Instance(pipeline, directory) as instance:
                wait_drained(instance, 1200, "all records of " + name, 60)
                check_equal(instance.stop(), 0, "exit code")
            check_equal([record.value["n"] for record in BROKER.consume(name + "-out", 400)], list(range(0, 1200, 3)),
                        "values of " + name)
            _, out, _ = run(["log", "cat", name + ".dead", "--data-dir", "data"], directory)
            check_equal(out.count("\n"), 800, "dead letters of " + name)


def a_key_is_made_of_the_event():
    BROKER.create("keyed-out", 4, cleanup_policy="compact")
    with work_directory() as directory:
        (directory / "in.ndjson").write_text("".join('{"n":%d,"customer":"c%d"}\n' % (n, n % 7) for n in range(500)) +
                                             '{"n":500}\n')
        (directory / "keyed.yaml").write_text("""
name: keyed
sources: [{file: in.ndjson}]
sinks: [{name: out, kafka: {brokers: ["%s"], topic: keyed-out, key: "customer/{$input/customer}"}}]
errors: {dead_letter: keyed.dead}
""" % BROKER.address)
        code, _, stderr = run(["run", "keyed.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              directory)
        check_equal(code, 0, "exit code: " + stderr[-3000:])
        got = BROKER.consume("keyed-out", 500)
        check_equal({record.value["n"]: record.key for record in got}, {n: "customer/c%d" % (n % 7) for n in range(500)}, "keys")
        check_equal(len({(record.key, record.partition) for record in got}), 7, "keys and their partitions")
        _, out, _ = run(["log", "cat", "keyed.dead", "--data-dir", "data"], directory)
        check(out.count("\n") == 1 and "no key" in out, "the dead letter: " + out)


def another_process_takes_over_and_the_first_ends():
    BROKER.create("fence-in", 2)
    BROKER.create("fence-out")
    with work_directory() as directory:
        first = write_pipeline(directory, "fence", "transactions: true", group="one")
        with Instance(first, directory) as instance:
            BROKER.produce("fence-in", ['k|{"n":1}'])
            wait_drained(instance, 1, "the first record")
            second = write_pipeline(directory, "fence", "transactions: true", group="two")
            with Instance(second, directory, data_dir="other") as other:
                wait_drained(other, 1, "the second process to write")
                BROKER.produce("fence-in", ['k|{"n":2}'])
                check_equal(instance.process.wait(60), 1, "exit code of who was fenced")
                check("has taken over" in instance.stderr(), "who was fenced does not say so:\n" + instance.stderr())
                wait_drained(other, 2, "the second record")
                check_equal(other.stop(), 0, "exit code")


def without_a_log_the_group_is_told_only_of_what_the_sinks_have():
    """What only waits in memory goes with the process, so whoever reads next in the group has to get it."""
    BROKER.create("unlogged-in", 2)
    BROKER.produce("unlogged-in", ['k%d|{"n":%d}' % (n, n) for n in range(300)])
    with work_directory() as directory:
        path = directory / write_pipeline(directory, "unlogged", "transactions: false")
        copy = path.read_text().split("sinks:")[0] + "log: off\nsinks: [{name: out, %s}]\n"
        path.write_text(copy % 'http: {url: "http://127.0.0.1:1/"}')
        with Instance(path.name, directory) as instance:
            wait_for(lambda: instance.metric("colloquium_input_events_total", component="in") == 300, "the records", 30)
            time.sleep(1)  # five times commit_interval
            instance.kill()
        path.write_text(copy % "file: out.ndjson")
        with Instance(path.name, directory, data_dir="other") as instance:
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) >= 300, "the records again", 30)
            check_equal(instance.stop(), 0, "exit code")
        # Now the group knows, as a stop tells it what is committed.
        BROKER.produce("unlogged-in", ['k0|{"n":300}'])
        with Instance(path.name, directory, data_dir="third") as instance:
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) > 300, "the new record", 30)
            check_equal(instance.stop(), 0, "exit code")
        check_equal(sorted(line["n"] for line in read_lines(directory / "out.ndjson")), list(range(301)), "lines")


def what_was_given_up_is_kept_no_longer_than_it_is_needed():
    """In the progress topic it stands until the engine has it: the next transaction at the latest, also where the engine
    stores nothing (no data directory), or only how far its other sources have come."""
    for name, more in (("forgets", ""), ("half", ', {name: there, file: there.ndjson}')):
        BROKER.create(name + "-out", cleanup_policy="compact")
        with work_directory() as directory:
            (directory / "there.ndjson").write_text('{"n":0}\n')
            (directory / "p.yaml").write_text("""
name: %s
log: off
sources: [{name: hook, http: {path: /in}}%s]
sinks: [{name: out, kafka: {brokers: ["%s"], topic: %s-out, key: "{$input/customer}", transactions: true}}]
""" % (name, more, BROKER.address, name))
            with Instance("p.yaml", directory) as instance:
                for number in range(1, 13):
                    # One that has no key, and so is given up, and one that brings a transaction about.
                    body = '{"n":%d}\n{"n":%d,"customer":"c"}' % (number, number)
                    status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
                    check_equal(status, 200, "post: %s" % answer)
                    wait_for(lambda number=number: instance.metric("colloquium_output_events_total", component="out") == number,
                             "event %d to be written" % number)
                    time.sleep(0.2)  # twice commit.interval
                check_equal((directory / "data").exists(), bool(more), "whether there is a data directory")
                instance.stop()
        records = [record for record in BROKER.consume("colloquium-progress", 1) if record.key.startswith(name + "/out/hook.")]
        check(len(records) >= 12, "%d records of progress" % len(records))
        kept = [sum(sum(one["offsets"][1::2]) for one in record.value["given_up"]) for record in records]
        # On a busy machine a commit may come a few transactions late.
        check(1 <= max(kept) <= 4, "%s: how many are kept as given up, record by record: %s" % (name, kept))


def from_start_everything_is_read_again():
    """Once, whether the data directory or only the group knows how far it was read; and then it goes on behind that."""
    for name, log in (("again", ""), ("again-off", "log: off\n")):
        BROKER.create(name + "-in", 2)
        BROKER.create(name + "-out", 2)
        BROKER.produce(name + "-in", ["k%d|%s" % (n % 5, json.dumps({"n": n})) for n in range(300)])
        with work_directory() as directory:
            path = directory / write_pipeline(directory, name, "transactions: true")
            text = path.read_text().replace("group: ", "start: latest, group: ")
            path.write_text(log + text)

            def one_run(count, *arguments, data_dir="data", path=path, directory=directory):
                with Instance(path.name, directory, data_dir=data_dir, arguments=arguments) as instance:
                    wait_for(lambda: (instance.metric("colloquium_output_events_total", component="out") or 0) >= count,
                             "%d events of %s" % (count, arguments))
                    check_equal(instance.stop(), 0, "exit code")

            one_run(300, "--from-start")  # `start: latest` would find nothing
            BROKER.produce(name + "-in", ['k0|{"n":300}'])
            one_run(1)
            one_run(301, "--from-start")
            BROKER.produce(name + "-in", ['k0|{"n":301}'])
            one_run(1)
            one_run(302, "--from-start", data_dir="other")  # where only the group knows anything
            BROKER.produce(name + "-in", ['k0|{"n":302}'])
            one_run(1, data_dir="other")
        runs = [range(301), range(302), range(303)]
        got = BROKER.consume(name + "-out", sum(map(len, runs)))
        for key in range(5):
            check_equal([record.value["n"] for record in got if record.key == "k%d" % key],
                        [n for numbers in runs for n in numbers if key == (0 if n >= 300 else n % 5)],
                        "%s: events of key %d" % (name, key))


def mistakes_are_told():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("name: p\nsources: [{kafka: {brokers: [\"%s\"], topics: [nowhere], group: g}}]\n"
                                          "sinks: [{file: out.ndjson}]\n" % BROKER.address)
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: "create the topic" in instance.stderr(), "the missing topic to be told")
            check("nowhere" in instance.stderr(), "the topic is not named")
            check_equal(instance.stop(), 0, "exit code")
        done = subprocess.run([binary(), "validate", "p.yaml", "--explain"], cwd=directory, capture_output=True, text=True,
                              check=False)
        check_equal(done.returncode, 0, "validate: " + done.stderr)


def with_a_broker(directory):
    global BROKER
    with kafka.Broker(directory / "broker") as BROKER:
        main(a_record_arrives_as_it_was, without_a_log_the_group_is_told_only_of_what_the_sinks_have,
             values_are_what_the_formats_say, what_brokers_refuse_is_left_out_of_a_transaction,
             a_compacted_topic_refuses_what_has_no_key, a_key_is_made_of_the_event,
             another_process_takes_over_and_the_first_ends, what_was_given_up_is_kept_no_longer_than_it_is_needed,
             from_start_everything_is_read_again, mistakes_are_told)


if __name__ == "__main__":
    try:
        kafka.jars()
    except kafka.Unavailable as why:
        skip(f"no Kafka: {why}")
    with work_directory() as folder:
        with_a_broker(folder)
