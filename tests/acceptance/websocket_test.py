"""[REQ-001] WebSocket at the ingest port before python3-websockets: messages and their acknowledgements in order, over TLS
too; what is refused and what closes; a stop; and clients that send again what was not acknowledged while the process is
killed: each event is there once, in order.

COLLOQUIUM_KILLS sets how often (default 6)."""
import asyncio
import contextlib
import json
import os
import random
import ssl
import sys
import time

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, request, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import nginx  # noqa: E402  its certificates
from cache import Unavailable  # noqa: E402

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's packages, whichever Python runs this
try:
    import websockets
except ImportError:
    skip("python3-websockets is not installed")

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "6"))
CLIENTS = 8
WINDOW = 20  # messages that one client has sent and not seen acknowledged
LIMIT_S = 20

PIPELINE = """
name: live
sources:
  - name: live
    http:
      path: /in
      max_body: 64KiB
      headers: [X-Tenant]
      auth: {bearer: t0ken}
      websocket: {acks: true, max_connections: 20}
    dedupe: {key: ["$input", "/id"], window: 1h}
  - name: silent
    http: {path: /silent, websocket: {}}
sinks:
  - file: {path: out.ndjson}
"""
TOKEN = {"Authorization": "Bearer t0ken", "X-Tenant": "acme"}


def connect(port, path="/in", scheme="ws", headers=None, **settings):
    return websockets.connect("%s://127.0.0.1:%d%s" % (scheme, port, path), open_timeout=LIMIT_S, close_timeout=LIMIT_S,
                              extra_headers=TOKEN if headers is None else headers, **settings)


async def received(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), LIMIT_S))


async def ended(socket):
    """(code, reason) of the server's close."""
    await asyncio.wait_for(socket.wait_closed(), LIMIT_S)
    return socket.close_code, socket.close_reason


async def status_of(connecting):
    try:
        async with connecting:
            return 101
    except websockets.InvalidStatusCode as refused:
        return refused.status_code


async def talk(port, **settings):
    """Three thousand messages, of which the acknowledgements are read when all are sent."""
    async with connect(port, **settings) as socket:
        async def send():
            for n in range(3000):
                text = json.dumps({"id": n, "text": "é" * (n % 300)}, ensure_ascii=False)
                # Every third in fragments, every fifth as bytes.
                if n % 3 == 0:
                    await socket.send([text[:5], text[5:6], text[6:]])
                else:
                    await socket.send(text.encode() if n % 5 == 0 else text)

        sending = asyncio.ensure_future(send())
        offsets = [(await received(socket))["offsets"]["0"] for _ in range(3000)]
        await sending
        await asyncio.wait_for(await socket.ping(), LIMIT_S)
        check(all(begin == end for begin, end in offsets), "a message is not one event")
        check(offsets == sorted(offsets), "acknowledgements are not in the order of the messages")


async def refusals(port):
    check_equal(await status_of(connect(port, headers={})), 401, "without a token")
    check_equal(await status_of(connect(port, "/silent", headers={}, origin="https://evil.example.org")), 403, "a page")
    check_equal(await status_of(connect(port, "/none")), 404, "another path")
    check_equal(request(port, "GET", "/silent")[0], 405, "no handshake")
    async with connect(port) as socket:
        await socket.send('{"id":')
        answer = await received(socket)
        check_equal((answer["status"], answer["byte"]), (400, 6), "what is no JSON")
        await socket.send('{"id":"after"}')
        check_equal((await received(socket))["accepted"], 1, "behind it")
        await socket.send('{"id":"after"}')
        check_equal((await received(socket))["duplicates"], 1, "the same again")
        await socket.send('"' + "x" * 70000 + '"')
        check_equal((await ended(socket))[0], 1009, "too big")
    async with connect(port, "/silent", headers={}) as socket:
        await socket.send('{"id":"silent"}')
        await socket.send("no JSON")
        code, reason = await ended(socket)
        check_equal(code, 1007, reason)


def metrics(instance):
    def refused(reason):
        return instance.metric("colloquium_http_refused_total", reason=reason)

    check_equal([refused(r) for r in ("credentials_missing", "credentials_wrong", "websocket_origin")], [1, 0, 1], "refused")
    check_equal(instance.metric("colloquium_http_websockets_closed_total", reason="bad_data"), 1, "closed for bad data")
    check_equal(instance.metric("colloquium_http_websockets_closed_total", reason="too_big"), 1, "closed for size")
    wait_for(lambda: instance.metric("colloquium_http_websockets") == 0, "all to be closed")


def messages_are_events_and_each_is_acknowledged():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            asyncio.run(talk(instance.listen))
            asyncio.run(refusals(instance.listen))
            metrics(instance)
            check_equal(instance.stop(), 0, "stop")
        lines = read_lines(directory / "out.ndjson")
        check([line["id"] for line in lines] == [*range(3000), "after", "silent"], "the events are not those sent")
        check_equal(lines[299]["text"], "é" * 299, "its text")


def over_tls_it_is_the_same():
    with work_directory() as directory:
        try:
            nginx.certificate(directory, "ca")
            nginx.certificate(directory, "server", authority="ca")
        except Unavailable as reason:
            print("  left out:", reason)
            return
        (directory / "p.yaml").write_text(PIPELINE)
        context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        with Instance("p.yaml", directory,
                      arguments=("--tls-certificate", "server.pem", "--tls-key", "server.key")) as instance:
            asyncio.run(talk(instance.listen, scheme="wss", ssl=context))
            check_equal(instance.stop(), 0, "stop")
        check_equal(len(read_lines(directory / "out.ndjson")), 3000, "the events")


def a_stop_acknowledges_what_was_received_and_closes_with_1001():
    async def send(socket, room):
        with contextlib.suppress(websockets.ConnectionClosed):
            for n in range(1000000):
                await room.acquire()
                await socket.send('{"id":%d}' % n)

    async def until_closed(instance):
        room = asyncio.Semaphore(200)
        async with connect(instance.listen) as socket:
            sending = asyncio.ensure_future(send(socket, room))
            acknowledged = 0
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    acknowledged += (await received(socket)).get("accepted", 0)
                    room.release()
                    if acknowledged == 2000:
                        instance.process.terminate()
            sending.cancel()
            check_equal((await ended(socket))[0], 1001, "the close")
            return acknowledged

    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            acknowledged = asyncio.run(until_closed(instance))
            check_equal(instance.process.wait(30), 0, "stop")
        ids = [line["id"] for line in read_lines(directory / "out.ndjson")]
        check(ids == list(range(len(ids))), "the events are not those sent, in their order")
        check_equal(acknowledged, len(ids), "each that is there was acknowledged, and each acknowledged is there")


class Client:
    """Sends numbered events, WINDOW ahead of their acknowledgements, and after a lost connection from the first on that was
    not acknowledged."""

    def __init__(self, number, test):
        self.number, self.test = number, test
        self.acknowledged = self.duplicates = self.connections = 0

    async def run(self):
        while not self.test.stopping:
            try:
                async with connect(self.test.port) as socket:
                    self.connections += 1
                    await self.send(socket)
            except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
                await asyncio.sleep(0.005)

    async def send(self, socket):
        sent = self.acknowledged
        while not self.test.stopping or sent > self.acknowledged:
            while sent < self.acknowledged + WINDOW and not self.test.stopping:
                await socket.send(json.dumps({"id": "%d-%d" % (self.number, sent), "client": self.number, "n": sent}))
                sent += 1
            answer = await received(socket)
            if "accepted" not in answer:
                if answer["status"] != 503:
                    self.test.complaints.append(answer)
                return
            self.acknowledged += 1
            self.duplicates += answer["duplicates"]


class Kills:
    def __init__(self, directory):
        self.directory = directory
        self.stopping = False
        self.complaints = []
        self.clients = [Client(n, self) for n in range(CLIENTS)]
        self.instance = Instance("p.yaml", directory)
        self.port = self.instance.listen

    def acknowledged(self):
        return sum(client.acknowledged for client in self.clients)

    async def reach(self, goal):
        deadline = time.monotonic() + 60
        while self.acknowledged() < goal:
            check(time.monotonic() < deadline, "no more events are acknowledged: %s" % self.complaints[:2])
            await asyncio.sleep(0.001)

    async def run(self, chance):
        running = [asyncio.ensure_future(client.run()) for client in self.clients]
        for _ in range(KILLS):
            await self.reach(self.acknowledged() + 1 + chance.randrange(1500))
            self.instance.kill()
            self.instance = Instance("p.yaml", self.directory)
            self.port = self.instance.listen
        await self.reach(self.acknowledged() + 200)
        self.stopping = True
        await asyncio.wait_for(asyncio.gather(*running), 60)


def what_was_acknowledged_survives_kills_and_nothing_comes_twice():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    print("  seed", seed)
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        test = Kills(directory)
        with test.instance:
            asyncio.run(test.run(random.Random(seed)))
            check(not test.complaints, "refused: %s" % test.complaints[:3])
            check_equal(test.instance.stop(), 0, "stop")
        per_client = {client.number: [] for client in test.clients}
        for line in read_lines(directory / "out.ndjson"):
            per_client[line["client"]].append(line["n"])
        print("  %d kills, %d acknowledged over %d connections, %d duplicates refused"
              % (KILLS, test.acknowledged(), sum(c.connections for c in test.clients),
                 sum(c.duplicates for c in test.clients)))
        for client in test.clients:
            got = per_client[client.number]
            check(got == list(range(client.acknowledged)), "client %d: %d acknowledged, %d there, first difference at %s" % (
                client.number, client.acknowledged, len(got), next((i for i, n in enumerate(got) if n != i), "the end")))


main(messages_are_events_and_each_is_acknowledged, over_tls_it_is_the_same,
     a_stop_acknowledges_what_was_received_and_closes_with_1001,
     what_was_acknowledged_survives_kills_and_nothing_comes_twice)
