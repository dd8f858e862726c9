"""[REQ-176] A process that may open no more files: clients that connect and stay cost the log none, and where there is
none all the same, it refuses until there are some, and goes on by itself."""
import contextlib
import http.client
import json
import os
import re
import resource
import socket
import time

from harness import (Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory)

# Segments of 1 MiB, so that files have to be opened all the time.
PIPELINE = """
name: orders
log: {compression: none, retention: {size: 8MiB}}
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""
FEW = ("sh", "-c", 'ulimit -n 128; exec "$@"', "sh")
TEXT = "x" * 200_000


class Producer:
    """Events with rising numbers, over one connection that stays."""

    def __init__(self, instance):
        self.connection = http.client.HTTPConnection("127.0.0.1", instance.listen, timeout=20)
        self.accepted, self.next = [], 0

    def post(self):
        number, self.next = self.next, self.next + 1
        self.connection.request("POST", "/in", body=json.dumps({"n": number, "text": TEXT}))
        answer = self.connection.getresponse()
        answer.read()
        if answer.status == 200:
            self.accepted.append(number)
        return answer

    def can_post(self):
        """Behind a refusal, which ends the connection: the next one may be refused, too."""
        try:
            return self.post().status == 200
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return False


def idle_clients(port, count):
    return [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(count)]


def arrived(directory):
    return [line["n"] for line in read_lines(directory / "out.ndjson")]


def ends_well(instance, directory, accepted):
    wait_for(lambda: len(arrived(directory)) >= len(accepted), "the sink has everything")
    check_equal(instance.stop(), 0, instance.stderr())
    check_equal(arrived(directory), accepted, "what the sink got")
    code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
    check_equal(code, 0, out + err)


def clients_that_stay_take_nothing_from_the_log():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory, prefix=FEW) as instance:
            producer = Producer(instance)
            check_equal(producer.post().status, 200, "the first post")
            idle = idle_clients(instance.listen, 200) + idle_clients(instance.admin, 60)
            for _ in range(60):
                check_equal(producer.post().status, 200, "a post among idle clients")
            check_equal(instance.process.poll(), None, "the process with idle clients")
            taken = len(os.listdir("/proc/%d/fd" % instance.process.pid))
            check(taken < 120, "%d descriptors of 128 are taken" % taken)
            for client in idle:
                client.close()
            # Those who come now are served as soon as the others are seen to have gone.
            check_equal(request(instance.listen, "POST", "/in", json.dumps({"n": producer.next}))[0], 200, "a new client")
            producer.accepted.append(producer.next)
            check_equal(request(instance.admin, "GET", "/readyz")[0], 200, "the admin port")
            ends_well(instance, directory, producer.accepted)


def cpu_seconds(process):
    fields = open("/proc/%d/stat" % process.pid, encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def without_a_descriptor_it_refuses_and_goes_on_when_there_are_some():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            limit = resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE)
            told = re.search(r"open_files_max=(\d+)", instance.stderr())
            check(told and int(told.group(1)) == limit[0], instance.stderr())
            check(limit[0] == min(hard, 1 << 20) or hard == resource.RLIM_INFINITY, limit)
            producer = Producer(instance)
            for _ in range(3):
                check_equal(producer.post().status, 200, "a post")
            wait_for(lambda: len(arrived(directory)) == 3, "the sink has its file open")
            resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
            answer = producer.post()
            while answer.status == 200 and producer.next < 40:
                answer = producer.post()
            check_equal(answer.status, 503, "the answer where a segment had to be begun")
            check(answer.getheader("Retry-After"), "no Retry-After")
            # Whoever connects meanwhile can't be accepted, and nothing turns in circles for it.
            before = cpu_seconds(instance.process)
            waiting = []
            for _ in range(20):
                with contextlib.suppress(OSError):  # its port may be closed for a moment
                    waiting += idle_clients(instance.listen, 1)
            time.sleep(2)
            check(cpu_seconds(instance.process) - before < 1, "it is busy with what it can't accept")
            check_equal(instance.process.poll(), None, "the process without descriptors")
            resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, limit)
            for client in waiting:
                client.close()
            wait_for(producer.can_post, "it goes on by itself", pause=0.1)
            for _ in range(12):
                check_equal(producer.post().status, 200, "a post behind it")
            check_equal(request(instance.listen, "POST", "/in", json.dumps({"n": producer.next}))[0], 200, "a new client")
            producer.accepted.append(producer.next)
            ends_well(instance, directory, producer.accepted)


main(clients_that_stay_take_nothing_from_the_log, without_a_descriptor_it_refuses_and_goes_on_when_there_are_some)
