"""[REQ-016] [REQ-174] A file sent in batches to a receiver that loses answers and is busy now and then, while the
process is killed with SIGKILL again and again. Counted against the file: at least once by what came in, and by the
Idempotency-Keys exactly once and in order.

COLLOQUIUM_KILLS sets how often (default 12)."""
import json
import os
import random
import sys
import threading

from harness import REPOSITORY, Instance, check, main, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
from receiver import HANG_UP, Receiver  # noqa: E402

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "12"))
BATCHES = 400 + 40 * KILLS

PIPELINE = """
name: p
log: {partitions: 3, partition_by: ["$input", "/customer"]}
sources: [{file: in.ndjson}]
sinks:
  - name: out
    http: {url: "%s/{$input/customer}", format: ndjson, batch: {events: 20, bytes: 2KiB}}
errors: {retry: {policy: fixed, initial: 5ms}}
commit: {interval: 20ms}
"""


class Model:
    """What a receiver knows that looks at keys: the first body of each, in the order of arrival."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.bodies = {}
        self.requests = self.again = self.lost = 0
        self.at = {}  # a number of requests: what waits for it

    def says(self, request):
        self.requests += 1
        for waiting in self.at.pop(self.requests, ()):
            waiting.set()
        luck = self.chance.random()
        if luck < 0.05:
            return 503
        key, taken = request.headers["Idempotency-Key"], (request.path, request.body)
        if key in self.bodies:
            self.again += 1
            check(self.bodies[key] == taken, "one key, two requests: %s" % key)
        self.bodies.setdefault(key, taken)
        if luck < 0.10:
            self.lost += 1
            return HANG_UP
        return 200

    def after(self, receiver, requests):
        """Set once so many more requests have come."""
        event = threading.Event()
        with receiver.lock:
            self.at.setdefault(self.requests + requests, []).append(event)
        return event


def batches_survive_every_kill():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    print("  seed", seed)
    chance = random.Random(seed)
    model = Model(seed)
    events = []
    while len(events) < BATCHES * 5:
        customer = chance.randrange(12)
        for _ in range(chance.randrange(1, 20)):
            events.append({"customer": customer, "n": len(events), "text": "x" * chance.randrange(200)})
    with work_directory() as directory, Receiver(model.says) as receiver:
        (directory / "in.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
        (directory / "p.yaml").write_text(PIPELINE % receiver.url)
        kills = 0
        while kills < KILLS:
            reached = model.after(receiver, chance.randrange(1, 30))
            instance = Instance("p.yaml", directory, wait=False)
            wait_for(lambda: reached.is_set() or instance.process.poll() is not None, "requests to come")
            if instance.process.poll() is not None:
                break
            instance.kill()
            kills += 1
        check(kills == KILLS, "the file was through after %d kills: the test shows too little" % kills)
        instance = Instance("p.yaml", directory, wait=False)
        wait_for(lambda: instance.process.poll() is not None, "the rest to be sent", 120)
        check(instance.process.returncode == 0, instance.stderr()[-3000:])
        got = [(path, json.loads(line)) for path, body in model.bodies.values() for line in body.splitlines()]
        print("  %d kills, %d requests, %d answers lost, %d requests again by their keys, %d of %d events"
              % (kills, model.requests, model.lost, model.again, len(got), len(events)))
        check(model.again > model.lost, "nothing came again because of a kill: the test shows nothing")
        check(all(path == "/%d" % event["customer"] for path, event in got), "an event at another's place")
        for customer in range(12):
            wanted = [event for event in events if event["customer"] == customer]
            check([event for _, event in got if event["customer"] == customer] == wanted,
                  "customer %d has not every event once and in order" % customer)


main(batches_survive_every_kill)
