"""[REQ-176] A file system that forgets un-synced bytes at the kill, below the real binary: with `ack: durable` no
acknowledged event is lost; with `ack: written` the same test must lose some, or it would prove nothing."""
import http.client
import json
import threading
import time

from harness import Instance, check, main, read_lines, work_directory

PIPELINE = """
name: hooks
log: {ack: %s}
sources:
  - name: hook
    http: {path: /in}
sinks:
  - file: {path: out.ndjson}
"""
FORGET = {"COLLOQUIUM_TEST_FORGET_UNSYNCED": "1"}


def post(port, stop, acknowledged, number):
    n = 0
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        while not stop.is_set():
            connection.request("POST", "/in", json.dumps({"client": number, "n": n}))
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                acknowledged.add((number, n))
            n += 1
    except (OSError, http.client.HTTPException):
        pass


def lost_with(level):
    lost = 0
    total = 0
    for attempt in range(5):
        with work_directory() as directory:
            (directory / "p.yaml").write_text(PIPELINE % level)
            instance = Instance("p.yaml", directory, environment=FORGET)
            stop, acknowledged = threading.Event(), set()
            threads = [threading.Thread(target=post, args=(instance.listen, stop, acknowledged, i)) for i in range(16)]
            for thread in threads:
                thread.start()
            time.sleep(0.3 + 0.1 * attempt)
            instance.kill()
            stop.set()
            for thread in threads:
                thread.join()
            again = Instance("p.yaml", directory)
            check(again.stop() == 0, "did not recover:\n" + again.stderr())
            stored = {(line["client"], line["n"]) for line in read_lines(directory / "out.ndjson")}
            lost += len(acknowledged - stored)
            total += len(acknowledged)
    print("  ack: %s: %d acknowledged, %d lost" % (level, total, lost))
    check(total > 500, "only %d events were acknowledged: the test shows nothing" % total)
    return lost


def durable_loses_nothing():
    check(lost_with("durable") == 0, "an acknowledged event is gone")


def written_loses_some():
    check(lost_with("written") > 0, "nothing was lost, so the file system forgets nothing and the test above is worthless")


main(durable_loses_nothing, written_loses_some)
