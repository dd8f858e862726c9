"""A real Kafka broker: one node in KRaft mode, from its Maven jars on Java 17.

jars() fetches them once into the user's cache; Broker starts and stops one on free ports; tool() runs a class of
Kafka's own tools. Unavailable says why there is none (no Java, no Maven, no network): tests then skip, visibly.
"""
import glob
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from cache import Unavailable, fetched  # noqa: F401: who uses the broker catches it by this name

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = '3.9.1'

# Of a record batch: its length behind the first twelve bytes, magic, attributes, producer's id and epoch.
BATCH = struct.Struct('>8xi4xb4xh20xqh')
TRANSACTIONAL, CONTROL = 1 << 4, 1 << 5
ABORT = 0


def jars():
    def make(work):
        shutil.copy(os.path.join(HERE, 'kafka.pom.xml'), os.path.join(work, 'pom.xml'))
        return ['mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=made']

    return fetched(f'kafka-{VERSION}', ('java', 'mvn'), make)


def java(*arguments, memory='256m'):
    return ['java', f'-Xmx{memory}', '-XX:+UseSerialGC', '-cp', f'{jars()}/*', *arguments]


def tool(name, *arguments, check=True, **how):
    """Runs a main class, e.g. tool('kafka.tools.DumpLogSegments', '--files', path); its output."""
    done = subprocess.run(java(name, *arguments), capture_output=True, text=True, check=False, **how)
    if check and done.returncode != 0:
        raise RuntimeError(f'{name} {" ".join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}')
    return done.stdout


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(('127.0.0.1', 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def transactions(segment):
    """(those that begin in these bytes of a segment and do not end there, those that were aborted), each a set of
    (producer's id, epoch). Format: https://kafka.apache.org/documentation/#recordbatch"""
    begun, aborted, at = set(), set(), 0
    while len(segment) - at >= BATCH.size:
        length, magic, attributes, producer, epoch = BATCH.unpack_from(segment, at)
        end = at + 12 + length
        if magic != 2 or length <= 0 or end > len(segment):
            break  # preallocated, or being written
        if attributes & CONTROL:
            # Its only record is a mark, and all its numbers are one byte long: the last of the key says what it means.
            if segment[at + BATCH.size + 16] == ABORT:
                aborted.add((producer, epoch))
            # The mark of who aborts for somebody else has a newer epoch.
            begun = {one for one in begun if one[0] != producer or one[1] > epoch}
        elif attributes & TRANSACTIONAL:
            begun.add((producer, epoch))
        at = end
    return begun, aborted


class Record:
    """One line of the console consumer's."""

    def __init__(self, timestamp, partition, offset, headers, key, value, lenient):
        self.timestamp = int(timestamp.split(':')[1])
        self.partition = int(partition.split(':')[1])
        self.offset = int(offset.split(':')[1])
        self.headers = {} if headers == 'NO_HEADERS' else dict(pair.split(':', 1) for pair in headers.split(','))
        self.key = None if key == 'null' else key
        self.text = None if value == 'null' else value
        try:
            self.value = None if value == 'null' else json.loads(value)
        except ValueError:
            if not lenient:
                raise
            self.value = None

    def __repr__(self):
        return f'{self.partition}@{self.offset} {self.key}={self.value} {self.headers}'


class Broker:
    """Started on entry, killed on exit; kill() or stop(), and start(), in between, over the same data.

    `more_listeners` by name, each {'protocol': …} with settings of its own: a client finds it at `addresses[name]`.
    `users` of SCRAM-SHA-512 by name, with their passwords."""

    def __init__(self, folder, settings=(), memory='512m', cpus=None, more_listeners=None, users=None):
        self.folder = os.path.abspath(folder)
        self.memory = memory
        self.cpus = cpus
        self.users = users or {}
        more = more_listeners or {}
        self.port, controller, *ports = free_ports(2 + len(more))
        self.address = f'127.0.0.1:{self.port}'
        self.addresses = {name: f'127.0.0.1:{port}' for name, port in zip(more, ports)}
        self.process = None
        os.makedirs(self.folder, exist_ok=True)
        public = [f'PLAINTEXT://{self.address}', *(f'{name}://{at}' for name, at in self.addresses.items())]
        protocols = ['CONTROLLER:PLAINTEXT', 'PLAINTEXT:PLAINTEXT',
                     *(f'{name}:{listener["protocol"]}' for name, listener in more.items())]
        lines = ['process.roles=broker,controller', 'node.id=1', f'controller.quorum.voters=1@127.0.0.1:{controller}',
                 f'listeners={",".join(public)},CONTROLLER://127.0.0.1:{controller}',
                 f'advertised.listeners={",".join(public)}', 'controller.listener.names=CONTROLLER',
                 f'listener.security.protocol.map={",".join(protocols)}',
                 f'log.dirs={self.folder}/data', 'num.partitions=1', 'offsets.topic.replication.factor=1',
                 'offsets.topic.num.partitions=4', 'transaction.state.log.replication.factor=1',
                 'transaction.state.log.min.isr=1', 'transaction.state.log.num.partitions=4',
                 'group.initial.rebalance.delay.ms=0',
                 *(f'listener.name.{name.lower()}.{key}={value}' for name, listener in more.items()
                   for key, value in listener.items() if key != 'protocol'), *settings]
        with open(f'{self.folder}/broker.properties', 'w', encoding='utf-8') as out:
            out.write('\n'.join(lines) + '\n')

    def __enter__(self):
        scram = [word for name, password in self.users.items()
                 for word in ('--add-scram', f'SCRAM-SHA-512=[name={name},password={password}]')]
        tool('kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', 'Y29sbG9xdWl1bS10ZXN0cw', '-c',
             f'{self.folder}/broker.properties', *scram)
        self.start()
        return self

    def start(self, timeout_s=60):
        with open(f'{self.folder}/broker.log', 'ab') as out:
            self.process = subprocess.Popen(
                java('kafka.Kafka', f'{self.folder}/broker.properties', memory=self.memory), stdout=out, stderr=out,
                preexec_fn=(lambda: os.sched_setaffinity(0, self.cpus)) if self.cpus else None)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            time.sleep(0.1)
        with open(f'{self.folder}/broker.log', encoding='utf-8', errors='replace') as log:
            raise RuntimeError('the broker does not listen:\n' + log.read()[-2000:])

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        """An orderly end, as a service manager's."""
        self.process.terminate()
        self.process.wait()
        self.process = None

    def create(self, topic, partitions=1, **settings):
        command = ['--bootstrap-server', self.address, '--create', '--topic', topic, '--partitions', str(partitions)]
        for name, value in settings.items():
            command += ['--config', f'{name.replace("_", ".")}={value}']
        tool('org.apache.kafka.tools.TopicCommand', *command)

    def freeze(self):
        """Stops it where it is; when this returns, none of its threads runs any more."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def transactions(self, topic):
        """(open, aborted), by the marks that the topic's files have."""
        begun, aborted = set(), set()
        for segment in glob.glob(f'{self.folder}/data/{topic}-*/*.log'):
            with open(segment, 'rb') as file:
                more = transactions(file.read())
            begun |= more[0]
            aborted |= more[1]
        return begun, aborted

    def producer(self, topic, patient=False, **properties):
        """A running console producer: lines KEY|VALUE go to its standard input, which is to be closed. A `patient` one
        waits for a broker that has gone, and sends nothing twice."""
        command = java('kafka.tools.ConsoleProducer', '--bootstrap-server', self.address, '--topic', topic)
        for setting in ('enable.idempotence=true', 'acks=all', 'retries=2147483647', 'delivery.timeout.ms=600000',
                        'max.block.ms=600000') if patient else ():
            command += ['--producer-property', setting]
        for name, value in {'parse.key': 'true', 'key.separator': '|', **properties}.items():
            command += ['--property', f'{name}={value}']
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=open(f'{self.folder}/producer.log', 'ab'), text=True)

    def produce(self, topic, lines, **properties):
        producer = self.producer(topic, **properties)
        producer.communicate(''.join(line + '\n' for line in lines))
        if producer.returncode != 0:
            raise RuntimeError(f'the console producer ended with {producer.returncode}')

    def consume(self, topic, count, isolation='read_committed', idle_ms=1500, lenient=False):
        """What Kafka's own consumer reads: `count` records and whatever more comes until nothing does. What is no JSON
        is an error, or None if `lenient`."""
        for patience in (1, 4, 16):  # on a busy machine it takes the consumer long to find its partitions
            records = self.consume_once(topic, isolation, idle_ms * patience, lenient)
            if len(records) >= count:
                return records
        raise AssertionError(f'{len(records)} records in {topic}, expected {count}')

    def consume_once(self, topic, isolation, idle_ms, lenient):
        text = tool('org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', self.address, '--topic',
                    topic, '--from-beginning', '--isolation-level', isolation, '--timeout-ms', str(idle_ms),
                    *(word for name in ('timestamp', 'partition', 'offset', 'headers', 'key')
                      for word in ('--property', f'print.{name}=true')), check=False)
        return [Record(*line.split('\t', 5), lenient) for line in text.splitlines() if line.count('\t') >= 5]

    def consumer(self, topic):
        """A running console consumer of what is committed, from the beginning on."""
        return Consumer(java('org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', self.address,
                             '--topic', topic, '--from-beginning', '--isolation-level', 'read_committed'))

    def __exit__(self, *_):
        self.kill()


class Consumer:
    """lines() are the values that have come by now."""

    def __init__(self, command):
        self.read = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.read.append(line.rstrip('\n'))

    def lines(self):
        return list(self.read)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.thread.join()
