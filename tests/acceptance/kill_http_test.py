"""[REQ-001] [REQ-008] [REQ-009] [REQ-174] [REQ-176] Events posted over 64 connections while the process is killed
with SIGKILL again and again, also during recovery. Clients retry unanswered requests with the same id; in the end
every acknowledged event is in the file exactly once, and those of one connection are in order. So are those of eight
of the connections at a receiver that they are posted on to, and that knows an Idempotency-Key when it comes again.

COLLOQUIUM_KILLS sets how often (default 50), 250 times each directory: every start reads the ids of an hour, and with
the thousandth one would measure little else."""
import collections
import http.client
import http.server
import json
import os
import random
import socket
import threading
import time

from harness import Instance, check, main, read_lines, wait_for, work_directory

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "50"))
KILLS_A_ROUND = 250
CONNECTIONS = 64
FORWARDED = 8  # connections whose events go on to the receiver, which is slower than a file

PIPELINE = """
name: hooks
sources:
  - name: hook
    http: {path: /in}
    dedupe: {key: ["$input", "/id"], window: 1h}
sinks:
  - file: {path: out.ndjson}
  - http: {url: "http://127.0.0.1:RECEIVER/"}
    when: ["<", ["$input", "/client"], FORWARDED]
"""


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the first body of every Idempotency-Key, in the order of arrival."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.lock = threading.Lock()
        self.bodies = {}
        self.again = 0
        self.changed = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A sender that was killed is no error here."""

    def take(self, key, body):
        with self.lock:
            first = self.bodies.setdefault(key, body)
            if first is body:
                return
            self.again += 1
            if first != body:
                self.changed.append(key)

    def events(self):
        with self.lock:
            return [json.loads(body) for body in self.bodies.values()]


class ReceiverHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(self.headers["Idempotency-Key"], body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Client(threading.Thread):
    """One connection that posts numbered events one after the other, each until it is answered."""

    def __init__(self, number, test):
        super().__init__(daemon=True)
        self.number, self.test = number, test
        self.acknowledged = 0
        self.duplicates = 0

    def run(self):
        connection = None
        while not self.test.stopping:
            body = json.dumps({"id": "%d-%d" % (self.number, self.acknowledged), "client": self.number,
                               "n": self.acknowledged, "text": "é" * (self.acknowledged % 50)})
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.test.port, timeout=5)
                connection.request("POST", "/in", body.encode(), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status == 200:
                    self.duplicates += json.loads(text)["duplicates"]
                    self.acknowledged += 1
                elif answer.status not in (429, 503):
                    self.test.complaints.append("answer %d: %r" % (answer.status, text))
                    return
            except (OSError, http.client.HTTPException, socket.timeout, ValueError):
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.03)  # a crowd that knocks all the time would hold up the start
        if connection is not None:
            connection.close()


class Test:
    def __init__(self):
        self.stopping = False
        self.port = 1
        self.complaints = []
        self.clients = [Client(i, self) for i in range(CONNECTIONS)]

    def acknowledged(self):
        return sum(client.acknowledged for client in self.clients)


def acknowledged_events_survive_every_kill():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    print("  seed", seed)
    sums = collections.Counter()
    while sums["kills"] < KILLS:
        sums += kill_again_and_again(random.Random(seed + sums["kills"]), min(KILLS_A_ROUND, KILLS - sums["kills"]))
        print("  %(kills)d kills (%(recovering)d more during recovery), %(acknowledged)d acknowledged, %(lines)d lines, "
              "%(repeats)d duplicates refused; %(posted)d posted on, %(again)d of them again" % sums, flush=True)


def kill_again_and_again(chance, kills):
    """On a directory of its own; returns what happened."""
    with work_directory() as directory:
        receiver = Receiver()
        (directory / "p.yaml").write_text(PIPELINE.replace("RECEIVER", str(receiver.server_port))
                                          .replace("FORWARDED", str(FORWARDED)))
        test = Test()
        clients = test.clients
        instance = Instance("p.yaml", directory)
        test.port = instance.listen
        for client in clients:
            client.start()
        during_recovery = 0
        for kill in range(kills):
            goal = test.acknowledged() + chance.randrange(500)
            wait_for(lambda: test.acknowledged() >= goal, "more events to be acknowledged", pause=0.001)
            instance.kill()
            instance = Instance("p.yaml", directory, wait=False)
            # Every third one is killed again while it recovers.
            if kill % 3 == 2:
                instance.wait_calls(chance.randrange(1, 120))
                during_recovery += not instance.is_ready()
                instance.kill()
                instance = Instance("p.yaml", directory, wait=False)
            instance.wait_ready()
            test.port = instance.listen
        goal = test.acknowledged() + CONNECTIONS
        wait_for(lambda: test.acknowledged() >= goal, "more events to be acknowledged")
        test.stopping = True
        for client in clients:
            client.join(20)
        check(not test.complaints, "; ".join(test.complaints[:3]))
        total = test.acknowledged()
        forwarded = sum(client.acknowledged for client in clients[:FORWARDED])
        wait_for(lambda: len(receiver.bodies) >= forwarded, "the receiver to have everything", 60)
        code = instance.stop()
        check(code == 0, "did not stop cleanly (%d):\n%s" % (code, instance.stderr()))
        lines = read_lines(directory / "out.ndjson")
        check(total > kills * 20, "only %d events were acknowledged: the test shows nothing" % total)
        check_complete(clients, lines, "the file")
        check(not receiver.changed, "one id, two bodies: %s" % receiver.changed[:3])
        check_complete(clients[:FORWARDED], receiver.events(), "the receiver")
        receiver.shutdown()
        receiver.server_close()
        return collections.Counter(kills=kills, recovering=during_recovery, acknowledged=total, lines=len(lines),
                                   repeats=sum(c.duplicates for c in clients), posted=len(receiver.bodies),
                                   again=receiver.again)


def check_complete(clients, lines, where):
    per_client = {}
    for line in lines:
        per_client.setdefault(line["client"], []).append(line["n"])
    check(len(per_client) <= len(clients), "%s has events of others" % where)
    for client in clients:
        got = per_client.get(client.number, [])
        # The last one may have been stored without its answer having arrived.
        check(got[:client.acknowledged] == list(range(client.acknowledged)) and len(got) <= client.acknowledged + 1,
              "client %d: %d acknowledged, %s has %d, first difference at %s"
              % (client.number, client.acknowledged, where, len(got),
                 next((i for i, n in enumerate(got) if n != i), "the end")))


main(acknowledged_events_survive_every_kill)
