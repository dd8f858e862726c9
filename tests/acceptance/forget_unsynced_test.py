"""[REQ-176] A file system that forgets un-synced bytes at the kill, below the real binary: with `ack: durable` no
acknowledged event is lost; with `ack: written` the same test must lose some, or it would prove nothing."""
import http.client
import json
import threading

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


def post(instance, stop, acknowledged, number, kill_at):
    """Posts until it is told to stop, or until it has `kill_at` answers; then it kills the process the moment the
    last one arrives, when what came with it may still be on its way to the disk."""
    n = 0
    try:
        connection = http.client.HTTPConnection("127.0.0.1", instance.listen, timeout=5)
        while not stop.is_set():
            connection.request("POST", "/in", json.dumps({"client": number, "n": n}))
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                acknowledged.add((number, n))
            n += 1
            if n == kill_at:
                instance.process.kill()
                stop.set()
    except (OSError, http.client.HTTPException):
        pass


def lost_with(level, attempts, enough):
    """Kills up to `attempts` times, until `enough` events were lost."""
    lost = 0
    total = 0
    for attempt in range(attempts):
        with work_directory() as directory:
            (directory / "p.yaml").write_text(PIPELINE % level)
            instance = Instance("p.yaml", directory, environment=FORGET)
            stop, acknowledged = threading.Event(), set()
            threads = [threading.Thread(target=post, args=(instance, stop, acknowledged, i, 20 + attempt if i == 0 else -1))
                       for i in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            instance.kill()
            again = Instance("p.yaml", directory)
            check(again.stop() == 0, "did not recover:\n" + again.stderr())
            stored = {(line["client"], line["n"]) for line in read_lines(directory / "out.ndjson")}
            lost += len(acknowledged - stored)
            total += len(acknowledged)
            if lost >= enough:
                break
    print("  ack: %s: %d kills, %d acknowledged, %d lost" % (level, attempt + 1, total, lost))
    check(total > 20, "only %d events were acknowledged: the test shows nothing" % total)
    return lost


def durable_loses_nothing():
    check(lost_with("durable", attempts=10, enough=1) == 0, "an acknowledged event is gone")


def written_loses_some():
    check(lost_with("written", attempts=40, enough=1) > 0, "nothing was lost, so the file system forgets nothing and the test above is worthless")


main(durable_loses_nothing, written_loses_some)
