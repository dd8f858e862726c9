"""`log stats` and `log ls`: numbers that fit what was written, beside a running process and afterwards, for
people and for programs, of encrypted and of compressed streams."""
import contextlib
import http.server
import json
import threading

from harness import Instance, check, check_equal, main, request, run, wait_for, work_directory

PIPELINE = """
name: orders
log: {partitions: 2, partition_by: ["$input", "/n"], compression: %s%s}
sources: [{http: {path: /in}}]
sinks:
  - {name: all, file: {path: out.ndjson}}
  - {name: away, %s}
"""
FILE = "file: {path: away.ndjson}"
AWAY = 'http: {url: "http://127.0.0.1:%d/in"}'
TEXT = "a text that is said over and over, " * 20


def post(instance, numbers):
    body = "".join(json.dumps({"n": n, "text": TEXT}) + "\n" for n in numbers)
    status, _, answer = request(instance.listen, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, answer)


def log(directory, *arguments, code=0):
    got, out, err = run(["log", *arguments, "--data-dir", "data"], directory)
    check_equal(got, code, "log %s: %s%s" % (" ".join(arguments), out, err))
    return out if code == 0 else err


def stats(directory, *arguments):
    return json.loads(log(directory, "stats", *arguments, "--format", "json"))


def stream(found, name="orders"):
    return next(stream for stream in found["streams"] if stream["stream"] == name)


def filled(directory, sink=FILE, codec="lz4", encryption=""):
    (directory / "p.yaml").write_text(PIPELINE % (codec, encryption, sink))
    instance = Instance("p.yaml", directory)
    for first in range(0, 100, 10):
        post(instance, range(first, first + 10))
    return instance


def what_was_written_is_counted():
    with work_directory() as directory:
        check_equal(filled(directory).stop(), 0, "stop")
        orders = stream(stats(directory))
        check_equal(orders["events"], 100, "events")
        check_equal(sum(part["events"] for part in orders["partitions"]), 100, "events of the partitions")
        check_equal(orders["batches"], sum(part["batches"] for part in orders["partitions"]), "batches")
        check(10 <= orders["batches"] <= 20, str(orders))
        check_equal(orders["codecs"], {"lz4": orders["batches"]}, "codecs")
        check(orders["uncompressed_bytes"] > 100 * len(TEXT) > orders["size_bytes"], str(orders))
        check_equal(orders["keys"], {}, "keys")
        check_equal(orders["dead_letters"], 0, "dead letters")
        check(orders["first_append_ms"] <= orders["last_append_ms"], str(orders))
        check(orders["events_per_second"] > 0 and orders["events_per_second_last_minute"] > 0, str(orders))
        for part in orders["partitions"]:
            check_equal([leg["leg"] for leg in part["legs"]], ["orders/all", "orders/away"], "legs")
            check_equal([leg["events_behind"] for leg in part["legs"]], [0, 0], "events behind")
            check_equal([leg["behind_ms"] for leg in part["legs"]], [None, None], "behind")
            folder = directory / "data/streams/orders" / str(part["partition"])
            check_equal(part["size_bytes"], sum(file.stat().st_size for file in folder.glob("*.log")), "bytes")
        check_equal(stream(stats(directory, "--exact"))["uncompressed_bytes"], orders["uncompressed_bytes"], "--exact")
        listed = json.loads(log(directory, "ls", "--format", "json"))
        for part, same in zip(stream(listed)["partitions"], orders["partitions"]):
            for name in ("partition", "oldest_offset", "next_offset", "size_bytes"):
                check_equal(part[name], same[name], name)
        check_equal([leg["leg"] for leg in listed["legs"]], ["orders/all", "orders/away"], "legs of ls")
        text = log(directory, "stats", "orders")
        for part in ("orders/0\n", "orders/1\n", "orders, all partitions\n", "100 in ", "lz4", " times as many",
                     "leg           orders/all: committed below ", ", everything\n", "dead letters  0 in orders.dead",
                     "events/s ", "journal\n"):
            check(part in text, "no %r in\n%s" % (part, text))
        check("orders.dead/0" not in text, text)


@contextlib.contextmanager
def receiver():
    """Takes whatever is posted to it."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def behind(directory, leg):
    return [found for part in stream(stats(directory))["partitions"] for found in part["legs"] if found["leg"] == leg]


def a_leg_that_lags_is_told_by_events_and_age_beside_the_running_process():
    with work_directory() as directory:
        with receiver() as port, filled(directory, AWAY % port) as instance:
            # The last group counts as synced for other processes once the mark behind it is, a second later.
            wait_for(lambda: stream(stats(directory))["events"] == 100, "all events to be marked as synced")
            for leg in ("orders/all", "orders/away"):
                wait_for(lambda: [found["events_behind"] for found in behind(directory, leg)] == [0, 0], leg)
            check_equal(instance.stop(), 0, instance.stderr())
        with Instance("p.yaml", directory) as instance:
            post(instance, range(100, 120))
            wait_for(lambda: stream(stats(directory))["events"] == 120, "the new events to be marked as synced")
            wait_for(lambda: [found["events_behind"] for found in behind(directory, "orders/all")] == [0, 0], "orders/all")
            legs = behind(directory, "orders/away")
            check_equal(sum(leg["events_behind"] for leg in legs), 20, str(legs))
            check(all((leg["behind_ms"] is not None) == (leg["events_behind"] > 0) for leg in legs), str(legs))
            check(any((leg["behind_ms"] or 0) >= 100 for leg in legs), str(legs))
            text = log(directory, "stats", "orders")
            check(" behind, the oldest " in text, text)
            check("orders/away" in log(directory, "ls"), "ls has no leg")
            instance.kill()


def dead_letters_are_counted_in_their_stream():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("name: orders\nsources: [{http: {path: /in}}]\n"
                                          "stages: [{computo: [\"/\", 1, [\"$input\", \"/n\"]]}]\n"
                                          "sinks: [{file: {path: out.ndjson}}]\n")
        with Instance("p.yaml", directory) as instance:
            post(instance, [0, 1, 0, 2])
            wait_for(lambda: stream(stats(directory, "orders"))["dead_letters"] == 2, "two dead letters")
            check_equal(instance.stop(), 0, instance.stderr())
        check("2 in orders.dead" in log(directory, "stats", "orders"), "text")
        check_equal(stream(stats(directory), "orders.dead")["events"], 2, "the stream itself")


def of_an_encrypted_stream_keys_are_told_and_the_size_with_the_key():
    with work_directory() as directory:
        (directory / "log.key").write_text("11" * 32)
        (directory / "log.key").chmod(0o600)
        check_equal(filled(directory, encryption=", encryption: {key_file: log.key}").stop(), 0, "stop")
        closed = stats(directory)
        check(stream(closed)["uncompressed_bytes"] is None and "--key-file" in closed["legs_unknown"], str(closed))
        check_equal(sum(stream(closed)["keys"].values()), 2, "encrypted segments")
        check_equal(stream(closed)["events"], 100, "events")
        text = log(directory, "stats")
        check("uncompressed size unknown" in text and "with the key " in text and "legs          unknown: " in text, text)
        check("legs are not known: " in log(directory, "ls"), "ls")
        check("legs_unknown" in json.loads(log(directory, "ls", "--format", "json")), "ls --format json")
        opened = stats(directory, "--exact", "--key-file", "log.key")
        check(stream(opened)["uncompressed_bytes"] > 100 * len(TEXT), str(opened))
        check("legs_unknown" not in opened and stream(opened)["partitions"][0]["legs"], str(opened))
        check("orders/all" in log(directory, "ls", "--key-file", "log.key"), "ls with the key")


def what_is_not_there_or_damaged_is_told():
    with work_directory() as directory:
        check("there is no data directory at 'data'" in log(directory, "stats", code=2), "no directory")
        check_equal(filled(directory).stop(), 0, "stop")
        check("did you mean 'orders'?" in log(directory, "stats", "order", code=2), "another stream")
        segment = next((directory / "data/streams/orders/0").glob("*.log"))
        with open(segment, "r+b") as file:
            file.seek(16)
            file.write(b"\7")
        err = log(directory, "stats", code=1)
        check("is damaged at byte 0" in err and "log verify" in err, err)


main(what_was_written_is_counted, a_leg_that_lags_is_told_by_events_and_age_beside_the_running_process,
     dead_letters_are_counted_in_their_stream, of_an_encrypted_stream_keys_are_told_and_the_size_with_the_key,
     what_is_not_there_or_damaged_is_told)
