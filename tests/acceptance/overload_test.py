"""[REQ-029] Ten times as many events come as the sink takes: what was answered 200 arrives, each once, in its order; what
was not is refused with 503 and a time to come back; memory stays within its bounds; and then it is as before.

The sink's rate is one event in ten of those that are posted, whatever the machine makes of that: the receiver waits with
its answers until so many more have been posted.

COLLOQUIUM_OVERLOAD_S sets for how long (default 8; the long run has a minute)."""
import asyncio
import json
import os
import random
import sys
import threading
import time

from harness import REPOSITORY, Instance, check, check_equal, main, work_directory, wait_for

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
from receiver import Receiver  # noqa: E402

SECONDS = float(os.environ.get("COLLOQUIUM_OVERLOAD_S", "8"))
TIMES = 10
BODY = 75                  # events of a request
REQUESTS = 270             # a second, while there is too much
NORMAL = REQUESTS / TIMES  # a second, before and after
NORMAL_BODIES = 30
PAD = 3000                 # bytes of an event, random so that the log can't make less of it
# Of the process, whose source takes up to 128 MiB of bodies and whose log queues 32 MiB: each body is there as it came
# and as the log has it, and an allocator keeps what was freed. It is less than what is offered in the shortest run.
GROWTH_MAX_MB = 450

# The stream may hold two seconds or so of too much; then the senders wait, and are refused.
PIPELINE = """
name: hooks
sources: [{name: hook, http: {path: /in}}]
sinks:
  - name: partner
    http: {url: "%s", batch: {events: 100}, format: ndjson, concurrency: 1, timeout: 60s}
    max_lag: {size: 8MiB}
"""


class SlowPartner:
    """Takes one in TIMES of what was posted, once `slow` is set."""

    def __init__(self):
        self.taken = []
        self.posted = self.before = self.begun = 0
        self.slow = False
        self.changed = threading.Condition()

    def set_slow(self, slow):
        with self.changed:
            self.slow, self.before, self.begun = slow, len(self.taken), self.posted
            self.changed.notify_all()

    def has_posted(self, count):
        with self.changed:
            self.posted += count
            self.changed.notify_all()

    def answer(self, request):
        numbers = [json.loads(line)["n"] for line in request.body.splitlines()]
        with self.changed:
            self.changed.wait_for(lambda: not self.slow or
                                  (len(self.taken) - self.before + len(numbers)) * TIMES <= self.posted - self.begun)
            self.taken += numbers
        return 204

    def count(self):
        with self.changed:
            return len(self.taken)


class Senders:
    """Requests at a rate, whether those before have been answered or not, each over a connection that is free, or another
    one. `accepted` has the numbers of the events that were answered 200, `refused` counts the others."""

    def __init__(self, port, partner):
        self.port, self.partner = port, partner
        self.idle, self.connections, self.most = [], 0, 0
        self.next = self.refused = 0
        self.accepted = set()
        chance = random.Random(1)
        self.pads = [chance.randbytes(PAD // 2).hex() for _ in range(64)]  # more than a window of lz4

    async def post_all(self, count, per_second):
        begun, tasks = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0, begun + number / per_second - time.monotonic()))
            tasks.append(asyncio.create_task(self.post()))
        await asyncio.gather(*tasks)

    def body(self):
        first, self.next = self.next, self.next + BODY
        numbers = range(first, first + BODY)
        return numbers, "".join('{"n":%d,"pad":"%s"}\n' % (n, self.pads[n % len(self.pads)]) for n in numbers).encode()

    async def post(self):
        numbers, body = self.body()
        if self.idle:
            reader, writer = self.idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.connections += 1
            self.most = max(self.most, self.connections)
        self.partner.has_posted(len(numbers))
        writer.write(b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s" % (
            len(body), body))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        answer = await reader.readexactly(length)
        status = int(head.split()[1])
        if status == 200:
            check_equal(json.loads(answer)["accepted"], len(numbers), "accepted events of a request")
            self.accepted.update(numbers)
        else:
            check_equal(status, 503, "the answer %r" % answer)
            check("retry-after:" in head, "a refusal that does not say when to come back: " + head)
            self.refused += len(numbers)
        if "connection: close" in head:
            writer.close()
            self.connections -= 1
        else:
            self.idle.append((reader, writer))


def memory_mb(instance, what):
    with open("/proc/%d/status" % instance.process.pid, encoding="ascii") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


async def story(instance, partner):
    senders = Senders(instance.listen, partner)
    await senders.post_all(NORMAL_BODIES, NORMAL)
    check_equal(senders.refused, 0, "events refused at the normal rate")
    before, idle = memory_mb(instance, "VmHWM:"), senders.most
    partner.set_slow(True)
    await senders.post_all(int(SECONDS * REQUESTS), REQUESTS)
    taken = partner.count() - NORMAL_BODIES * BODY
    offered = int(SECONDS * REQUESTS) * BODY
    offered_mb = offered * PAD / 1e6
    check(offered_mb > GROWTH_MAX_MB, "too little to say anything of memory")
    print("  %d events offered in %.0f s over up to %d connections, %d taken by the sink meanwhile; %d accepted, %d refused" % (
        offered, SECONDS, senders.most, taken, len(senders.accepted) - NORMAL_BODIES * BODY, senders.refused))
    check(senders.refused > 0, "nothing was refused: there was never too much")
    check(senders.most > idle, "no sender had to wait")
    check(taken * TIMES <= offered, "the sink was not slow")
    partner.set_slow(False)
    await asyncio.to_thread(wait_for, lambda: instance.metric("colloquium_leg_lag_events") == 0, "the sink to catch up", 60)
    for _ in range(100):  # the door opens a moment later
        refused = senders.refused
        await senders.post_all(1, NORMAL)
        if senders.refused == refused:
            break
    await senders.post_all(NORMAL_BODIES, NORMAL)
    check_equal(senders.refused, refused, "refused once it was over")
    after = memory_mb(instance, "VmHWM:")
    print("  resident: at most %.0f MB before, %.0f MB in all; %.0f MB were offered" % (
        before, after, offered_mb))
    check(after < before + GROWTH_MAX_MB, "memory grew from %.0f to %.0f MB" % (before, after))
    return senders.accepted


def ten_times_the_normal_rate_loses_nothing_acknowledged():
    partner = SlowPartner()
    with Receiver(partner.answer) as receiver, work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % receiver.url)
        with Instance("p.yaml", directory) as instance:
            try:
                accepted = asyncio.run(story(instance, partner))
            finally:
                partner.set_slow(False)
            wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "everything to be sent", 60)
            check_equal(instance.stop(), 0, "exit code:\n" + instance.stderr()[-2000:])
    check_equal(len(partner.taken), len(set(partner.taken)), "events that arrived, of those that are different")
    lost = accepted - set(partner.taken)
    check(not lost, "%d events were acknowledged and never came, the first of them %s" % (len(lost), sorted(lost)[:5]))
    check_equal(set(partner.taken) - accepted, set(), "events that came and had been refused")


if __name__ == "__main__":
    main(ten_times_the_normal_rate_loses_nothing_acknowledged)
