"""From Kafka to Kafka through a script that adds a member, beside a bare librdkafka loop that copies the records as
they are, and beside Bento and rsyslog with the same pipeline: one broker, the same settings of the client, one
partition."""
import itertools
import json
import os
import subprocess

from contest import COLUMNS, NAMES, Contest, Result
from measure import Failed, Running, fresh, run, table
import kafka  # contest knows where

EVENT_BYTES = 500

PIPELINE = """
name: bench
log: {log}
sources:
  - kafka: {{brokers: ["{broker}"], topics: [in], group: "{group}"}}
stages:
  - computo: ["merge", ["$input"], {{checked: true}}]
sinks:
  - kafka: {{brokers: ["{broker}"], topic: "{topic}"}}
"""

# The fastest of those tried (batches of 200 to 5,000, up to 64 of them under way), which keeps no order.
BENTO = """
input:
  kafka_franz:
    seed_brokers: ["{broker}"]
    topics: [in]
    consumer_group: "{group}"
    checkpoint_limit: 100000
    batching: {{count: 5000, period: 5ms}}
pipeline:
  processors:
    - mapping: |
        root = this
        root.checked = true
output:
  kafka_franz:
    seed_brokers: ["{broker}"]
    topic: "{topic}"
    compression: lz4
    max_in_flight: 64
"""

RSYSLOG_MODULES = ('imkafka', 'omkafka', 'mmjsonparse')
RSYSLOG = """
global(maxMessageSize="64k")
template(name="event" type="subtree" subtree="$!")
input(type="imkafka" broker=["{broker}"] topic="in" consumergroup="{group}" ruleset="copy"
      confParam=["auto.offset.reset=earliest"])
ruleset(name="copy" queue.type="LinkedList" queue.size="100000" queue.dequeueBatchSize="1000") {{
  action(type="mmjsonparse" cookie="" useRawMsg="on")
  set $!checked = "true";
  action(type="omkafka" broker=["{broker}"] topic="{topic}" template="event" partitions.auto="on"
         confParam=["compression.codec=lz4", "linger.ms=5", "acks=all", "enable.idempotence=true",
                    "queue.buffering.max.messages=1000000"])
}}
"""


class Copies:
    """A broker with a full topic; each measurement copies it to a topic of its own."""

    def __init__(self, options, broker, count):
        self.options = options
        self.broker = broker
        self.count = count
        self.numbers = itertools.count()

    def bare(self, *arguments):
        return [f'{self.options.programs}/bare_kafka', *map(str, arguments)]

    def fill(self):
        events = os.path.join(self.options.folder, 'kafka.ndjson')
        with open(events, 'wb') as out:
            run([f'{self.options.programs}/make_events', '20000', '11', '--bytes', str(EVENT_BYTES)], stdout=out)
        self.broker.create('in')
        run(self.bare('fill', self.broker.address, 'in', events, self.count))

    def loop(self, _, names):
        return self.bare('copy', names['broker'], names['group'], 'in', names['topic'], self.count)

    def measure(self, name, command):
        topic = f'out-{next(self.numbers)}'
        self.broker.create(topic)
        folder = fresh(os.path.join(self.options.folder, 'work'))
        names = {'broker': self.broker.address, 'topic': topic, 'group': topic}
        with Running(name, command(folder, names), folder) as copying:
            watch = subprocess.Popen(self.bare('watch', self.broker.address, topic, self.count, 300),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                copying.wait(lambda: watch.poll() is not None, 310, ends=True)
            finally:
                watch.kill()
                said, complaint = watch.communicate()
        if not said:
            copying.fail(f'did not copy all: {complaint}')
        seen = json.loads(said)
        if seen['records'] != self.count:
            raise Failed(f'{name} wrote {seen["records"]} records of {self.count}')
        return Result((self.count - seen['first']) / seen['seconds'], copying.cpu_seconds / self.count * 1e6)


def measure(options):
    count = 200_000 if options.quick else 500_000
    try:
        kafka.jars()
    except kafka.Unavailable as why:
        print(f'\nKafka: skipped, {why}')
        return {}
    with kafka.Broker(fresh(os.path.join(options.folder, 'kafka')), memory='1g') as broker:
        copies = Copies(options, broker, count)
        copies.fill()
        contest = Contest(options)
        contest.add('bare', '', copies.loop, '')
        for log in ('off', '{ack: written}', '{ack: durable}'):
            contest.add_colloquium(f'log: {log}', PIPELINE, '', log=log)
        contest.add_bento('', BENTO, '')
        contest.add_rsyslog('', RSYSLOG_MODULES, RSYSLOG, '')
        copies.measure('bare', copies.loop)  # warms the broker up
        rows = contest.rows(copies.measure)
    table(f'From Kafka to Kafka, {count:,d} events of {EVENT_BYTES} bytes, lz4, acks=all, idempotent',
          contest.all_notes('From the first record written to the last, the broker on the same cores. The bare loop on '
                            'librdkafka copies; the others read the JSON and add a member.'), COLUMNS, rows)
    return {'kafka': [dict(zip(NAMES, row)) for row in rows]}
