"""A source or a sink as a program, run by `exec`, that breaks one promise: for the twins of compliance_test.py.

  twin_program.py source PORT FAULT     prints the events that a stream of them has; FAULT `none` breaks nothing
  twin_program.py sink PORT FAULT       posts each line of its input until it is taken, and then answers it
"""
import http.client
import json
import os
import signal
import sys
import time

STARTED_BY = os.getppid()
PAUSE_S = 0.12   # between two attempts
MARKED = 37      # the event with which it does what it should not
LOST_AFTER = 3   # failed attempts, for who then stays away


def is_alone():
    """Whether who started it was killed: nobody is there to end it."""
    return os.getppid() != STARTED_BY


class Source:
    def __init__(self, port, fault):
        self.port, self.fault = port, fault
        self.last, self.failed, self.held = -1, 0, None

    def run(self):
        if self.fault == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while not is_alone():
            try:
                self.read()
                self.failed += 1
            except (OSError, http.client.HTTPException):
                self.failed += 1
            if self.fault != "hurries":
                time.sleep(PAUSE_S)

    def read(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/events", headers={"Last-Event-ID": str(self.last)})
            answer = connection.getresponse()
            if self.fault == "stays away" and self.failed >= LOST_AFTER:
                return
            self.failed = 0
            for line in iter(answer.readline, b""):
                if line.startswith(b"data: ") and line.endswith(b"\n"):
                    self.last += 1
                    self.give(line[6:].decode())
        finally:
            connection.close()

    def give(self, line):
        if self.last == MARKED and self.fault == "loses":
            return
        if self.last == MARKED and self.fault == "swaps":
            self.held = line
            return
        sys.stdout.write(line)
        if self.held:
            sys.stdout.write(self.held)
            self.held = None
        sys.stdout.flush()


class Sink:
    def __init__(self, port, fault):
        self.port, self.fault, self.held = port, fault, None

    def run(self):
        for line in sys.stdin:
            number = json.loads(line)["n"]
            if number == MARKED and self.fault == "swaps":
                self.held = line
            elif number != MARKED or self.fault != "loses":
                self.post(line)
                if self.held:
                    self.post(self.held)
                    self.held = None
            print("done", flush=True)

    def post(self, line):
        while not is_alone():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("POST", "/take", line)
                if connection.getresponse().status == 204:
                    return
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    {"source": Source, "sink": Sink}[sys.argv[1]](int(sys.argv[2]), sys.argv[3]).run()
