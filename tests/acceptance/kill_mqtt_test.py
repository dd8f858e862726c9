"""[REQ-003] [REQ-174] From MQTT through the log to a file: the process is killed again and again under load. A message
that the broker was told is ours is never lost; without `dedupe` some come twice, with it none does. In between the disk
of the log is full for a while.

COLLOQUIUM_KILLS sets how often (default 8), for each version of MQTT and QoS 1 and 2 in turn."""
import collections
import os
import random
import sys
import threading

from harness import (REPOSITORY, Instance, Pace, check, check_equal, main, read_lines, skip, small_disk, wait_for,
                     work_directory)

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import mosquitto  # noqa: E402

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "8"))

PIPELINE = """
name: {name}
sources:
  - name: in
    mqtt: {{url: "{url}", topics: [in], qos: 2, client_id: {name}, protocol: "{protocol}", reconnect: {{max: 200ms}}, ack_timeout: {timeout}}}
    {dedupe}
sinks:
  - file: {{path: {name}.ndjson}}
"""
DEDUPE = 'dedupe: {key: ["$input", "/n"], window: 1h}'


class Load:
    """Events at a steady rate, half of them with QoS 1 and half with QoS 2; `sent` then says how many there were."""

    def __init__(self, broker, protocol):
        self.sent = 0
        self.going = True
        self.publishers = [broker.publisher("in", qos, protocol) for qos in (1, 2)]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        pace = Pace(260)
        while self.going:
            for publisher in self.publishers:
                for _ in range(4):
                    publisher.stdin.write('{"n":%d}\n' % self.sent)
                    self.sent += 1
                publisher.stdin.flush()
            pace.wait(8)

    def stop(self):
        self.going = False
        self.thread.join()
        for publisher in self.publishers:
            publisher.stdin.close()
            check_equal(publisher.wait(60), 0, "a publisher")
        return self.sent


def write_pipelines(directory, broker, protocol, timeout="10s"):
    for name, dedupe in (("plain", ""), ("exact", DEDUPE)):
        (directory / (name + ".yaml")).write_text(
            PIPELINE.format(name=name, url=broker.url, protocol=protocol, dedupe=dedupe, timeout=timeout))


def start(directory, **how):
    return Instance("plain.yaml", directory, arguments=["exact.yaml"], **how)


def counts(directory, name):
    return collections.Counter(event["n"] for event in read_lines(directory / (name + ".ndjson")))


def all_there(directory, sent, instance):
    for name in ("plain", "exact"):
        try:
            wait_for(lambda: len(counts(directory, name)) >= sent, "every message", 60, 0.1)
        except AssertionError as error:
            got = counts(directory, name)
            missing = [n for n in range(sent) if n not in got]
            raise AssertionError("%s: %s lacks %d of %d: %s\n%s" % (error, name, len(missing), sent, missing[:9],
                                                                    instance.stderr()[-3000:])) from None


def killed_under_load_no_acknowledged_message_is_lost():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    print("  seed", seed)
    for protocol in ("5", "3.1.1"):
        with work_directory() as directory, mosquitto.Broker(directory / "broker") as broker:
            write_pipelines(directory, broker, protocol)
            with start(directory) as instance:  # the broker knows us from here on
                wait_for(lambda: instance.metric("colloquium_mqtt_connected") == 2, "the connections")
                check_equal(instance.stop(), 0, "exit code")
            load = Load(broker, protocol)
            for _ in range(KILLS):
                with start(directory) as instance:
                    wait_for(lambda: (instance.metric("colloquium_input_events_total", component="in") or 0) > 20, "some events")
                    instance.wait_calls(chance.randrange(100))
                    instance.kill()
            sent = load.stop()
            with start(directory) as instance:
                all_there(directory, sent, instance)
                check_equal(instance.stop(), 0, "exit code")
            repeats = sum(counts(directory, "plain").values()) - sent
            print("  MQTT %s, %d kills: %d messages, %d of them twice without dedupe" % (protocol, KILLS, sent, repeats))
            check_equal(max(counts(directory, "exact").values()), 1, "how often one came with dedupe")


def a_full_disk_makes_the_broker_keep_what_it_has():
    """Nothing is acknowledged that was not stored; it all comes when there is room."""
    with work_directory() as directory, small_disk(directory, 160) as disk, \
            mosquitto.Broker(directory / "broker") as broker:
        if disk is None:
            print("  skipped: this user may not mount a small file system")
            return
        write_pipelines(directory, broker, "5", "300ms")
        with start(directory, data_dir=disk / "data") as instance:
            wait_for(lambda: instance.metric("colloquium_mqtt_connected") == 2, "the connections")
            broker.publish("in", ['{"n":%d}' % n for n in range(100)])
            all_there(directory, 100, instance)
            with open(disk / "filler", "wb") as filler:
                try:
                    while True:
                        filler.write(bytes(1 << 20))
                        filler.flush()
                except OSError:
                    pass
            broker.publish("in", ['{"n":%d}' % n for n in range(100, 200)])
            wait_for(lambda: (instance.metric("colloquium_mqtt_refused_total") or 0) > 1, "a refusal")
            (disk / "filler").unlink()
            all_there(directory, 200, instance)
            check_equal(instance.stop(), 0, "exit code")
        check_equal(max(counts(directory, "exact").values()), 1, "how often one came with dedupe")


if __name__ == "__main__":
    try:
        mosquitto.available()
    except mosquitto.Unavailable as why:
        skip(f"no MQTT broker: {why}")
    main(killed_under_load_no_acknowledged_message_is_lost, a_full_disk_makes_the_broker_keep_what_it_has)
