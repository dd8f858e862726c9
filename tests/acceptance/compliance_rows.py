"""The components that speak with a peer over the network, a row each: how the peer is started behind a proxy that has
bad days, how the component is set, how events come, and how what arrived is counted. compliance_test.py does the rest.

A row's peer is real wherever there is one to be had; rows whose peer is not installed are skipped, visibly.
"""
import contextlib
import http.client
import http.server
import json
import random
import re
import sys
import threading
import time

from harness import REPOSITORY, request, wait_for

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402
import mosquitto  # noqa: E402
import postgres  # noqa: E402
from receiver import Receiver  # noqa: E402

SECRET = "hush-7d2e41b6"
ONCE, AGAIN = "exactly once", "at least once"


class Row:
    """A component and its peer. `claim` is what it promises of the events of one data directory."""
    name = kind = ""
    claim = AGAIN
    cut_bytes = (3_000, 20_000)  # after how many a connection is cut
    least_wait = 0.1             # between two attempts, in seconds, of one connection …
    parallel = 1                 # … and so many of them there are
    connects = True              # it makes connections; else others make them to it
    grace = 30                   # how long it may take to stop
    seen_late = 0                # seconds until what was written is counted, where that is not at once
    patience = 90                # how long is waited for events
    calm = False                 # the network has no bad days
    padding = 50                 # bytes of an event at least

    def __init__(self, directory, proxy):
        self.directory, self.proxy, self.stack = directory, proxy, contextlib.ExitStack()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self):
        """Starts the peer, and says to the proxy where it is."""

    def events(self, first, count):
        """Texts that no compression makes much less of."""
        return [json.dumps({"n": n, "pad": random.Random(n).randbytes((self.padding + n % 101) // 2).hex()})
                for n in range(first, first + count)]

    def moved(self):
        """(metric, labels) of everything that has to have moved in the end."""
        return [("colloquium_input_events_total", {"component": "out"}), ("colloquium_output_events_total", {"component": "in"})]

    def attach(self, instance):
        """A new instance runs."""

    def detach(self):
        """It is about to stop."""


class SinkRow(Row):
    """Events are posted to an http source, and go out through the component."""
    kind = "sink"
    retry = "{policy: fixed, initial: 100ms, attempts: 0}"

    def pipeline(self):
        return ("name: p\nsources: [{name: in, http: {path: /in}}]\nsinks:\n  - name: out\n    %s\n"
                "errors: {retry: %s}\n" % (self.sink(), self.retry))

    def pressed(self, limit):
        """The same, and the sink may not fall behind further than that."""
        return self.pipeline().replace("\nerrors:", "\n    %s\nerrors:" % limit)

    def moved(self):
        return super().moved() + [("colloquium_errors_total", {"component": "out"})]

    def feed(self, instance, first, count):
        status, _, body = request(instance.listen, "POST", "/in", "\n".join(self.events(first, count)),
                                  {"Content-Type": "application/x-ndjson"})
        if status != 200:
            raise AssertionError("the events were answered %d %s" % (status, body))


class SourceRow(Row):
    """Events come in through the component and go to a file."""
    kind = "source"
    taken_max = 100  # events that it may still hand over once it has to wait …
    kept_back = 750  # … of so many that come then
    probes_min = 2   # refusals of a post, two seconds each, for which it is watched at least

    def pipeline(self):
        return "name: p\nsources:\n  - name: in\n    %s\nsinks: [{name: out, file: {path: out.ndjson}}]\n" % self.source()

    def pressed(self, url, limit):
        """The same with a sink that may not fall behind further than `limit`, and a source to see that nothing is taken."""
        return ("name: p\nsources:\n  - name: in\n    %s\n  - {name: probe, http: {path: /probe}}\nsinks:\n"
                "  - {name: out, file: {path: out.ndjson}}\n  - {name: held, http: {url: \"%s\", batch: {}}, %s}\n" % (
                    self.source(), url, limit))

    def attach(self, _):
        self.read, self.numbers = 0, []  # what was not committed may be cut off again by a new instance

    def arrived(self):
        with contextlib.suppress(FileNotFoundError), open(self.directory / "out.ndjson", "rb") as file:
            file.seek(self.read)
            more = file.read()
            more = more[:more.rfind(b"\n") + 1]
            self.read += len(more)
            self.numbers += [int(number) for number in re.findall(rb'^\{"n": ?(\d+)', more, re.M)]
        return list(self.numbers)


class HttpSink(SinkRow):
    name = "http"

    def start(self):
        self.taken, self.keys = [], {}
        self.lock = threading.Lock()
        receiver = self.stack.enter_context(Receiver(self.answer))
        self.proxy.target = receiver.server_port

    def answer(self, received):
        if len(received.body) < int(received.headers.get("Content-Length", 0)):
            return 400  # cut off: nothing of it counts
        with self.lock:
            self.keep(json.loads(received.body)["n"])
        return 204

    def keep(self, number):
        self.taken.append(number)

    def sink(self):
        return 'http: {url: "http://127.0.0.1:%d/take", auth: {bearer: "%s"}, timeout: 5s}' % (self.proxy.port, SECRET)

    def arrived(self):
        with self.lock:
            return list(self.taken)


class PostgresSink(SinkRow):
    name, claim = "postgres", ONCE
    cut_bytes = (2_000, 12_000)

    def start(self):
        self.server = self.stack.enter_context(postgres.Server(self.directory / "server", ["fsync = off"]))
        self.server.query("CREATE TABLE events (seq bigserial, event jsonb)")
        self.proxy.target = self.server.port

    def sink(self):
        return ('postgres: {url: "postgresql://test@127.0.0.1:%d/postgres", password: "%s", table: events, timeout: 5s, '
                'connect_timeout: 2s, tls: {mode: disable}}' % (self.proxy.port, SECRET))

    def arrived(self):
        return [int(row[0]) for row in self.server.query("SELECT event->>'n' FROM events ORDER BY seq")]


class MqttSink(SinkRow):
    name = "mqtt"
    seen_late = 30
    cut_bytes = (1_000, 6_000)

    def start(self):
        mosquitto.available()
        broker = self.stack.enter_context(mosquitto.Broker(self.directory / "broker"))
        self.proxy.target = broker.port
        self.taken = []
        subscriber = broker.subscribe("taken")
        self.stack.callback(subscriber.process.wait)
        self.stack.callback(subscriber.process.kill)
        self.subscriber = subscriber

    def sink(self):
        return ('mqtt: {url: "mqtt://127.0.0.1:%d", topic: taken, username: u, password: "%s", timeout: 2s, '
                'reconnect: {initial: 100ms, max: 400ms}}' % (self.proxy.port, SECRET))

    def arrived(self):
        self.taken += [json.loads(line)["n"] for line in self.subscriber.lines(10_000, 0.05)]
        return list(self.taken)


class KafkaPeer:
    """One broker for both rows, each with a topic and a proxy of its own; so it has a listener for each, where nobody
    gets in without the secret."""

    def __init__(self, directory, proxies):
        ports = kafka.free_ports(len(proxies))
        for proxy, port in zip(proxies, ports):
            proxy.target = port
        names = ["L%d" % i for i in range(len(ports))]
        self.broker = kafka.Broker(directory)
        own = self.broker.address
        control = open(self.broker.folder + "/broker.properties", encoding="utf-8").read().split("CONTROLLER://")[1].split()[0]
        with open(self.broker.folder + "/broker.properties", "a", encoding="utf-8") as out:
            out.write("listeners=PLAINTEXT://%s,CONTROLLER://%s,%s\n" % (own, control, ",".join(
                "%s://127.0.0.1:%d" % pair for pair in zip(names, ports))))
            out.write("advertised.listeners=PLAINTEXT://%s,%s\n" % (own, ",".join(
                "%s://127.0.0.1:%d" % (name, proxy.port) for name, proxy in zip(names, proxies))))
            out.write("listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,%s\n" % ",".join(
                name + ":SASL_PLAINTEXT" for name in names))
            for name in names:
                out.write("listener.name.%s.sasl.enabled.mechanisms=PLAIN\n" % name.lower())
                out.write('listener.name.%s.plain.sasl.jaas.config=%s required user_u="%s";\n' % (
                    name.lower(), "org.apache.kafka.common.security.plain.PlainLoginModule", SECRET))


class KafkaSink(SinkRow):
    name, claim = "kafka", ONCE
    cut_bytes = (2_000, 12_000)
    parallel = 4
    seen_late = 30

    def start(self):
        self.proxy.broker.create("taken")
        self.consumer = self.stack.enter_context(self.proxy.broker.consumer("taken"))

    def sink(self):
        return ('kafka: {brokers: ["127.0.0.1:%d"], topic: taken, transactions: true, timeout: 3s, transaction_timeout: 6s, '
                'sasl: {mechanism: PLAIN, username: u, password: "%s"}}' % (self.proxy.port, SECRET))

    def moved(self):
        # An outage that librdkafka gets over by itself fails no write.
        return Row.moved(self) + [("colloquium_kafka_transactions_total", {"component": "out"})]

    def arrived(self):
        return [json.loads(line)["n"] for line in self.consumer.lines()]


class KafkaSource(SourceRow):
    name, claim = "kafka", ONCE
    kept_back = 1500  # librdkafka fetches 16 MiB ahead
    parallel = 4

    def start(self):
        self.proxy.broker.create("given")
        self.producer = self.proxy.broker.producer("given", **{"parse.key": "false"})
        self.stack.callback(self.producer.wait)
        self.stack.callback(self.producer.kill)

    def source(self):
        return ('kafka: {brokers: ["127.0.0.1:%d"], topics: [given], group: g, instance_id: one, commit_interval: 200ms, '
                'sasl: {mechanism: PLAIN, username: u, password: "%s"}}' % (self.proxy.port, SECRET))

    def feed(self, _, first, count):
        self.producer.stdin.write("".join(line + "\n" for line in self.events(first, count)))
        self.producer.stdin.flush()

    def moved(self):
        return super().moved() + [("colloquium_kafka_errors_total", {"component": "in"})]


class MqttSource(SourceRow):
    name = "mqtt"
    cut_bytes = (1_000, 6_000)

    def start(self):
        mosquitto.available()
        self.broker = self.stack.enter_context(mosquitto.Broker(self.directory / "broker"))
        self.proxy.target = self.broker.port

    def source(self):
        return ('mqtt: {url: "mqtt://127.0.0.1:%d", topics: [given], client_id: one, username: u, password: "%s", '
                'keep_alive: 2s, connect_timeout: 2s, reconnect: {initial: 100ms, max: 400ms}}' % (self.proxy.port, SECRET))

    def feed(self, instance, first, count):
        if first == 0:
            wait_connected(instance)  # before that the broker keeps nothing for it
        self.broker.publish("given", self.events(first, count))


def wait_connected(instance):
    wait_for(lambda: instance.metric("colloquium_mqtt_connected"), "the connection to the broker")


class Streamer(http.server.ThreadingHTTPServer):
    """Sends event number n as id n to whoever has n-1 last, as many as there are."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), StreamHandler)
        self.lines, self.more, self.over = [], threading.Condition(), False
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, *_):
        """Who went away is no error here."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.more:
            self.over = True
            self.more.notify_all()
        self.shutdown()
        self.server_close()


class StreamHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        at = int(self.headers.get("Last-Event-ID") or -1) + 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        while True:
            with self.server.more:
                self.server.more.wait_for(lambda: len(self.server.lines) > at or self.server.over, timeout=0.5)
                if self.server.over:
                    return
                lines = self.server.lines[at:]
            self.wfile.write(b":\n" if not lines else "".join(
                "id: %d\ndata: %s\n\n" % (n, line) for n, line in enumerate(lines, at)).encode())
            self.wfile.flush()
            at += len(lines)

    def log_message(self, *_):
        pass


class SseSource(SourceRow):
    name = "sse"

    def start(self):
        self.server = self.stack.enter_context(Streamer())
        self.proxy.target = self.server.server_port

    def source(self):
        return ('sse: {url: "http://127.0.0.1:%d/events", auth: {bearer: "%s"}, reconnect: {initial: 100ms, max: 400ms}}' %
                (self.proxy.port, SECRET))

    def feed(self, _, first, count):
        with self.server.more:
            self.server.lines += self.events(first, count)
            self.server.more.notify_all()


class HttpClientSource(SourceRow):
    """A list that has what was added since; whoever has taken one list is given the next."""
    name = "http_client"
    cut_bytes = (1_000, 6_000)

    def start(self):
        self.lines, self.tag, self.lock = [], 0, threading.Lock()
        self.given = 0
        self.proxy.target = self.stack.enter_context(Receiver(self.answer)).server_port

    def answer(self, asked):
        with self.lock:
            if asked.headers.get("If-None-Match") == '"%d"' % self.given:
                if self.given == len(self.lines):
                    return 304
                self.tag, self.given = self.given, min(len(self.lines), self.given + 20)
            body = "[" + ",".join(self.lines[self.tag:self.given]) + "]"
            return (200, {"ETag": '"%d"' % self.given, "Content-Type": "application/json"}, body.encode())

    def source(self):
        return ('http_client: {url: "http://127.0.0.1:%d/list", every: 100ms, split: true, timeout: 5s, auth: {bearer: "%s"}}' %
                (self.proxy.port, SECRET))

    def feed(self, _, first, count):
        with self.lock:
            self.lines += self.events(first, count)


class HttpSource(SourceRow):
    """Pushed to: the sender, behind the proxy, sends an event again until it is answered 200."""
    name, claim = "http", ONCE
    connects = False
    cut_bytes = (50, 500)  # a connection has one request

    def start(self):
        self.lines, self.more, self.over = [], threading.Condition(), False
        self.sender = threading.Thread(target=self.send_all, daemon=True)
        self.sender.start()
        self.stack.callback(self.end)

    def end(self):
        with self.more:
            self.over = True
            self.more.notify_all()
        self.proxy.reset()
        self.sender.join(30)

    def attach(self, instance):
        super().attach(instance)
        self.proxy.target = instance.listen

    def detach(self):
        self.proxy.target = 1  # nobody is there

    def send_all(self):
        at = 0
        while True:
            with self.more:
                self.more.wait_for(lambda at=at: len(self.lines) > at or self.over)
                if self.over:
                    return
                line = self.lines[at]
            with contextlib.suppress(OSError, http.client.HTTPException):
                if request(self.proxy.port, "POST", "/in", line, {"Authorization": "Bearer " + SECRET,
                                                                  "Content-Type": "application/json"}, timeout=5)[0] == 200:
                    at += 1
                    continue
            time.sleep(0.01)  # a sender's pause before it tries again

    def source(self):
        return 'http: {path: /in, auth: {bearer: "%s"}}\n    dedupe: ["$input", "/n"]' % SECRET

    def feed(self, _, first, count):
        with self.more:
            self.lines += self.events(first, count)
            self.more.notify_all()


ROWS = (HttpSource, HttpClientSource, SseSource, KafkaSource, MqttSource, HttpSink, KafkaSink, MqttSink, PostgresSink)
