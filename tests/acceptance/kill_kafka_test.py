"""[REQ-017] [REQ-174] From Kafka to Kafka, with transactions, through the log and without it: the process is killed
again and again under load, and in the end a read_committed reader has every record once, and those of a partition in
their order. A kill inside an open transaction leaves the mark of its abortion in the topic; a run without any says
nothing and fails.

COLLOQUIUM_KILLS sets how often (default 4)."""
import os
import random
import sys
import threading

from harness import REPOSITORY, Instance, Pace, check, main, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "4"))
KEYS = 8

PIPELINE = """
name: copy
log: {log}
sources:
  - kafka: {{brokers: ["{broker}"], topics: [in], group: copies, instance_id: one}}
stages:
  - computo: [obj, k, ["$input", "/k"], n, ["$input", "/n"], double, ["*", 2, ["$input", "/n"]]]
sinks:
  - kafka: {{brokers: ["{broker}"], topic: out, transactions: true}}
"""


class Load:
    """Events at a steady rate, until it is stopped; `sent` then says how many there were."""

    def __init__(self, broker, topic, patient=False, per_second=5000):
        self.sent = 0
        self.going = True
        self.per_second = per_second
        self.producer = broker.producer(topic, patient)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        pace = Pace(self.per_second)
        while self.going:
            for _ in range(100):
                key = self.sent % KEYS
                self.producer.stdin.write('k%d|{"k":"k%d","n":%d}\n' % (key, key, self.sent))
                self.sent += 1
            self.producer.stdin.flush()
            pace.wait(100)

    def stop(self):
        self.going = False
        self.thread.join()
        self.producer.stdin.close()
        check(self.producer.wait(90) == 0, "the producer failed")
        return self.sent


def killed_under_load(log):
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    print("  seed", seed)
    with work_directory() as directory, kafka.Broker(directory / "broker") as broker:
        broker.create("in", 2)
        broker.create("out", 2)
        (directory / "p.yaml").write_text(PIPELINE.format(broker=broker.address, log=log))
        load = Load(broker, "in")
        kills = 0
        # More of them, where the machine is so quick that none has fallen into an open transaction.
        while kills < KILLS or kills < 10 * KILLS and not broker.transactions("out")[1]:
            kills += 1
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: (instance.metric("colloquium_kafka_transactions_total") or 0) > 2, "a transaction", 90)
                instance.wait_calls(chance.randrange(60))
                instance.kill()
        sent = load.stop()
        with Instance("p.yaml", directory) as instance:
            compare(broker.consume("out", sent), sent)
            check(instance.stop() == 0, "the last run failed:\n" + instance.stderr())
        got = broker.consume("out", sent)
        aborted = len(broker.transactions("out")[1])
        print("  %d kills, %d of them in an open transaction; %d records" % (kills, aborted, sent))
        compare(got, sent)
        check(aborted > 0, "no kill fell into an open transaction: nothing is shown")


def killed_under_load_each_record_is_there_once_and_in_order():
    killed_under_load('{partitions: 2, partition_by: ["$input", "/k"]}')


def killed_under_load_without_a_log_likewise():
    killed_under_load("off")


def compare(got, sent):
    by_key = {}
    for record in got:
        value = record.value
        check(value["double"] == 2 * value["n"] and record.key == value["k"], "a wrong record: %r" % (record,))
        by_key.setdefault(record.key, []).append(value["n"])
    for key in range(KEYS):
        wanted = list(range(key, sent, KEYS))
        have = by_key.get("k%d" % key, [])
        check(have == wanted, "key %d: %d records instead of %d; first difference at %s" % (
            key, len(have), len(wanted), next((i for i, n in enumerate(have) if n != wanted[min(i, len(wanted) - 1)]),
                                             len(have))))


if __name__ == "__main__":
    try:
        kafka.jars()
    except kafka.Unavailable as why:
        skip(f"no Kafka: {why}")
    main(killed_under_load_each_record_is_there_once_and_in_order, killed_under_load_without_a_log_likewise)
