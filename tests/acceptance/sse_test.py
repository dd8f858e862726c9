"""[REQ-016] The sse source against a server that keeps its events and cuts connections, behind nginx with TLS: what it
sends comes at least once whatever dies, and exactly once by its ids; what is no event is a dead letter."""
import http.server
import json
import pathlib
import sys
import threading

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import nginx  # noqa: E402
from cache import Unavailable  # noqa: E402

PIPELINE = """
name: p
sources:
  - name: in
    sse: {url: "%s", reconnect: {initial: 5ms, max: 50ms}, %s}
%s
sinks:
  - file: out.ndjson
"""


class Streamer(http.server.ThreadingHTTPServer):
    """Sends event number n as id n to who has n-1 last, as many as there are; cuts each connection after some."""
    daemon_threads = True

    def __init__(self, cut_after):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/events" % self.server_port
        self.cut_after = cut_after
        self.events = []
        self.more = threading.Condition()
        self.asked = []  # Last-Event-ID of each connection
        self.over = False
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add(self, *events):
        with self.more:
            self.events += events
            self.more.notify_all()

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


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        last = self.headers.get("Last-Event-ID")
        with server.more:
            server.asked.append(last)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        self.wfile.write(b": welcome\nretry: 5\n\n")
        at = first = int(last or -1) + 1
        while at < first + server.cut_after:
            with server.more:
                server.more.wait_for(lambda: len(server.events) > at or server.over, timeout=0.5)
                if server.over:
                    return
                event = server.events[at] if len(server.events) > at else None
            if event is None:
                self.wfile.write(b":\n")  # who has gone is noticed
            else:
                self.wfile.write(b"id: %d\r\n%s\r\n\r\n" % (at, event))
                at += 1
            self.wfile.flush()
        self.wfile.write(b"id: 999999\ndata: half")  # an event that never ends is none

    def log_message(self, *_):
        pass


def numbered(first, count):
    return [b"event: n\r\ndata: {\"n\":\r\ndata: %d}" % n for n in range(first, first + count)]


def numbers(directory):
    return [event["n"] for event in read_lines(directory / "out.ndjson")]


def cut_connections_lose_and_repeat_nothing():
    with work_directory() as directory, Streamer(cut_after=7) as server:
        (directory / "p.yaml").write_text(PIPELINE % (server.url, "silence: 10s", ""))
        server.add(*numbered(0, 100))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(numbers(directory)) >= 100, "a hundred events")
            server.add(*numbered(100, 20))
            wait_for(lambda: len(numbers(directory)) >= 120, "those that came later")
            check_equal(instance.stop(), 0, instance.stderr())
        connections = len(server.asked)
        check(connections >= 120 // 7, "only %d connections: nothing was cut" % connections)
        server.add(*numbered(120, 5))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(numbers(directory)) >= 125, "those after a stop")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(server.asked[connections], "119", "Last-Event-ID after a stop")
        check_equal(numbers(directory), list(range(125)), "events")


def kills_repeat_events_that_dedupe_knows():
    """Through nginx, over TLS. Without dedupe the same kills may repeat events, but never lose one."""
    with work_directory() as directory, Streamer(cut_after=50) as server:
        for name, authority in (("ca", None), ("server", "ca")):
            nginx.certificate(directory, name, authority)
        with nginx.Nginx(directory / "nginx", """
    ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;
    location / {{ proxy_pass {1}; proxy_buffering off; }}""".format(directory, server.url.rsplit("/", 1)[0]), "ssl") as peer:
            url = "https://127.0.0.1:%d/events" % peer.port
            for folder, value, dedupe in (("plain", "data", ""),
                                          ("once", "message", '    dedupe: {key: ["$input", "/id"], window: 1h}')):
                place = directory / folder
                place.mkdir()
                (place / "p.yaml").write_text(PIPELINE % (url, "tls: {ca: ../ca.pem}, value: %s" % value, dedupe))
            server.add(*numbered(0, 40))
            killed_at = [kill_and_go_on(server, directory / folder) for folder in ("plain", "once")]
            plain = numbers(directory / "plain")
            check(sorted(set(plain)) == list(range(len(server.events)))[:max(plain) + 1], "events were lost")
            once = read_lines(directory / "once" / "out.ndjson")
            check_equal([event["data"]["n"] for event in once], list(range(len(server.events))), "events")
            check(all(event["event"] == "n" and event["id"] == str(event["data"]["n"]) for event in once), "messages")
            print("  killed after %s events; without dedupe %d came again" % (killed_at, len(plain) - len(set(plain))))


def kill_and_go_on(server, place):
    killed_at = []

    def count():
        return len(read_lines(place / "out.ndjson"))

    for _ in range(4):
        with Instance("p.yaml", place) as instance:
            wait_for(lambda: count() >= len(server.events), "what there is")
            before = count()
            server.add(*numbered(len(server.events), 200))
            wait_for(lambda: count() > before + 20, "some of what was added")
            instance.kill()
            killed_at.append(count())
    with Instance("p.yaml", place) as instance:
        wait_for(lambda: count() >= len(server.events), "everything")
        check_equal(instance.stop(), 0, instance.stderr())
    return killed_at


def what_is_no_event_is_a_dead_letter():
    with work_directory() as directory, Streamer(cut_after=100) as server:
        (directory / "p.yaml").write_text(PIPELINE % (server.url, "max_event: 100", ""))
        server.add(b"data: [DONE]x", b"data: \"" + b"y" * 500 + b"\"", b"data: \xff", b": nothing", b"data: {\"n\":1}")
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: numbers(directory), "the event")
            wait_for(lambda: instance.metric("colloquium_dead_letters_total") == 3, "three dead letters")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(numbers(directory), [1], "events")


def a_server_that_has_no_stream_is_told_and_asked_again():
    with work_directory() as directory:
        folder = pathlib.Path(directory / "www")
        folder.mkdir()
        (folder / "events").write_text("data: 1\n\n")
        with nginx.Nginx(directory / "nginx", "root %s; default_type text/plain;" % folder) as peer:
            (directory / "p.yaml").write_text(PIPELINE % ("http://127.0.0.1:%d/events" % peer.port, "silence: 10s", ""))
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: len(peer.requests()) >= 5, "further connections")
                check_equal(instance.stop(), 0, instance.stderr())
                text = instance.stderr()
                check_equal(text.count("is no event stream: its Content-Type is 'text/plain'"), 1, text)
            check_equal(numbers(directory), [], "events")


try:
    main(cut_connections_lose_and_repeat_nothing, kills_repeat_events_that_dedupe_knows,
         what_is_no_event_is_a_dead_letter, a_server_that_has_no_stream_is_told_and_asked_again)
except Unavailable as reason:
    skip(str(reason))
