"""[REQ-017] [REQ-174] From Kafka through the log to Kafka, and it is the broker that dies, again and again under load, and
that stands still for longer than a transaction may stay open and than any of our timeouts. In the end a read_committed
reader has every record once, and those of a key in their order.

Each strike falls where the broker has records of a transaction in its files and no mark of its end: it is stopped, its
files are read, and it goes on if there is none. A run in which none fell so says nothing and fails.

COLLOQUIUM_KILLS sets how often it is killed, and frozen half as often, rounded up (default 1)."""
import os
import random
import sys
import time

from harness import REPOSITORY, Instance, check, check_equal, main, skip, wait_for, work_directory
from kill_kafka_test import Load, compare

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "1"))
TRANSACTION_S = 4   # how long a transaction may stay open
FROZEN_S = 8        # longer than that, and than `timeout` and the 5 s for which an abort is waited for together
TRIES = 300         # to find an open transaction, until it strikes in any case
SINKS = ("exact", "plain")

PIPELINE = """
name: copy
log: {{partitions: 2, partition_by: ["$input", "/k"]}}
sources:
  - kafka: {{brokers: ["{broker}"], topics: [in], group: copies, instance_id: one, commit_interval: 200ms}}
stages:
  - computo: [obj, k, ["$input", "/k"], n, ["$input", "/n"], double, ["*", 2, ["$input", "/n"]]]
sinks:
  - name: exact
    kafka: {{brokers: ["{broker}"], topic: exact, transactions: true, timeout: 2s, transaction_timeout: {limit}s}}
  - name: plain
    kafka: {{brokers: ["{broker}"], topic: plain, timeout: 2s}}
"""


class Strikes:
    """What was done to the broker, and how much of it while a transaction was open."""

    def __init__(self, broker, instance, chance):
        self.broker, self.instance, self.chance = broker, instance, chance
        self.kills = self.freezes = self.kills_inside = self.freezes_inside = 0

    def transactions(self):
        return self.instance.metric("colloquium_kafka_transactions_total", component="exact") or 0

    def stop_inside(self):
        """The broker stands still; whether with an open transaction."""
        before = self.transactions()
        wait_for(lambda: self.transactions() > before, "a transaction", 60)
        for _ in range(TRIES):
            self.instance.wait_calls(self.chance.randrange(200))
            self.broker.freeze()
            if self.broker.transactions("exact")[0]:
                return True
            self.broker.thaw()
        self.broker.freeze()
        return False

    def kill(self):
        self.kills_inside += self.stop_inside()
        self.kills += 1
        self.broker.kill()
        self.broker.start()

    def freeze(self):
        inside = self.stop_inside()
        frozen_at = time.monotonic()
        try:
            # How long it stands still is what is tested.
            wait_for(lambda: time.monotonic() - frozen_at > FROZEN_S, "the timeouts to pass", FROZEN_S + 30, pause=0.2)
        finally:
            self.broker.thaw()
        self.freezes += 1
        self.freezes_inside += inside


def a_broker_that_dies_and_freezes_inside_of_transactions_costs_nothing():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    print("  seed", seed)
    # Its coordinator looks for transactions that are open for too long every half a second, instead of every ten.
    # One that comes back after a kill may only begin once it has missed its heartbeats for a whole session.
    settings = ["transaction.abort.timed.out.transaction.cleanup.interval.ms=500", "num.partitions=2",
                "broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"]
    with work_directory() as directory, kafka.Broker(directory / "broker", settings) as broker:
        (directory / "p.yaml").write_text(PIPELINE.format(broker=broker.address, limit=TRANSACTION_S))
        load = Load(broker, "in", patient=True, per_second=1500)
        wait_for((directory / "broker" / "data" / "in-0").exists, "the first topic")  # they make themselves
        with Instance("p.yaml", directory) as instance:
            strikes = Strikes(broker, instance, random.Random(seed))
            for number in range(KILLS):
                strikes.kill()
                if number % 2 == 0:
                    strikes.freeze()
            sent = load.stop()
            wait_for(lambda: all(read(instance, sink) >= sent for sink in SINKS) and
                     instance.metric("colloquium_leg_lag_events") == 0, "everything to be written", 120)
            check_equal(instance.stop(), 0, "exit code of one that saw its broker die:\n" + instance.stderr()[-4000:])
        print("  the broker was killed %d times, %d of them in an open transaction; frozen %d times for %d s, %d of them in "
              "an open transaction of at most %d s; %d transactions were aborted; %d records" % (
                  strikes.kills, strikes.kills_inside, strikes.freezes, FROZEN_S, strikes.freezes_inside, TRANSACTION_S,
                  len(broker.transactions("exact")[1]), sent))
        compare(broker.consume("exact", sent), sent)
        plain = [record.value["n"] for record in broker.consume("plain", sent)]
        check_equal(sorted(set(plain)), list(range(sent)), "the records of the sink without transactions")
        print("  without transactions %d of them are there twice" % (len(plain) - sent))
        check(strikes.kills_inside > 0, "no kill fell into an open transaction: nothing is shown")
        check(strikes.freezes_inside > 0, "no freeze fell into an open transaction: nothing is shown")


def read(instance, sink):
    return instance.metric("colloquium_input_events_total", component=sink) or 0


if __name__ == "__main__":
    try:
        kafka.jars()
    except kafka.Unavailable as why:
        skip(f"no Kafka: {why}")
    main(a_broker_that_dies_and_freezes_inside_of_transactions_costs_nothing)
