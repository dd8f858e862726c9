"""[REQ-029] More comes than the pipeline takes: with `block` the source waits and nothing is lost; with the other
policies of `overflow` what is dropped and what is delivered are all that came."""
import re
import signal
import stat

from harness import Instance, check, check_equal, main, read_lines, size_of, wait_for, work_directory

# Of 2.5 kB each: the pipeline holds some 12,000 of them, and where the program is quicker than that takes them, a third
# may be dropped before it is full.
EVENTS = 40_000
# The sink takes a few, and the rest only when it may.
TAKEN_FIRST = 1600


def script(directory, name, text):
    path = directory / name
    path.write_text("#!/usr/bin/env python3\nimport fcntl, os, sys, termios, time\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def set_up(directory, overflow):
    script(directory, "source.py", """
def until_read():
    sys.stdout.flush()
    while int.from_bytes(fcntl.ioctl(1, termios.FIONREAD, bytes(4)), sys.byteorder) > 0:
        time.sleep(0.001)
for n in range(%d):
    print('{"n":%%d,"pad":"%s"}' %% n)
sys.stdout.flush()
open("all-written", "w").close()
until_read()
open("all-read", "w").close()
""" % (EVENTS, "x" * 2500))
    script(directory, "sink.py", """
out = open("got.ndjson", "a")
for number, line in enumerate(sys.stdin):
    while number >= %d and not os.path.exists("go-on"):
        time.sleep(0.01)
    out.write(line)
    out.flush()
""" % TAKEN_FIRST)
    (directory / "p.yaml").write_text("""
name: p
log: off
sources:
  - exec: {command: [./source.py], restart: never, overflow: %s}
sinks:
  - exec: {command: [./sink.py]}
""" % overflow)


def numbers(directory):
    return [line["n"] for line in read_lines(directory / "got.ndjson")]


def let_go(instance, directory):
    (directory / "go-on").touch()
    wait_for(lambda: instance.process.poll() is not None, "the end of the run", 60)
    check_equal(instance.process.returncode, 0, "the exit code")


def with_block_the_program_waits_and_nothing_is_lost():
    with work_directory() as directory:
        set_up(directory, "block")
        with Instance("p.yaml", directory) as instance:
            taken = []

            def held_back():
                taken.append(instance.metric("colloquium_input_bytes_total", kind="exec_source"))
                stands_still = len(taken) > 10 and len(set(taken[-10:])) == 1
                return stands_still and size_of(directory / "got.ndjson") > TAKEN_FIRST * 2500

            wait_for(held_back, "the source to be held back", 60)
            check(not (directory / "all-written").exists(), "the program did not have to wait")
            let_go(instance, directory)
        check_equal(numbers(directory), list(range(EVENTS)), "the events")


def what_is_dropped_and_what_is_delivered_are_all(policy):
    with work_directory() as directory:
        set_up(directory, "{policy: %s, buffer: 1MiB}" % policy)
        with Instance("p.yaml", directory) as instance:
            # What is still in the pipe would find room once the sink goes on.
            wait_for(lambda: (directory / "all-read").exists(), "the program to be read to its end, unhindered", 60)
            let_go(instance, directory)
            told = [int(number) for number in re.findall(r"events are dropped .*dropped=(\d+)", instance.stderr())]
        got = numbers(directory)
        check_equal(got, sorted(set(got)), "the order")
        check_equal(got[0], 0, "the first event")
        check_equal(len(got) + sum(told), EVENTS, "delivered and dropped, of which it told %s" % told)
        check_equal(got[-1] == EVENTS - 1, policy == "drop_old", "whether the last event is there")


def what_a_stop_finds_is_delivered():
    """Read and not yet taken when the stop comes, with what the program says when it is told to end."""
    with work_directory() as directory:
        set_up(directory, "{policy: drop_old, buffer: 4MiB}")
        with open(directory / "source.py", "a") as file:
            file.write("""
import signal
def end(*_):
    print('{"n":%d}')
    sys.stdout.flush()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
open("waits", "w").close()
while True:
    time.sleep(0.05)
""" % EVENTS)
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: (directory / "waits").exists(), "the program to have written", 60)
            wait_for(lambda: instance.metric("colloquium_source_dropped_total", kind="exec_source", reason="drop_old"),
                     "drops", 60)
            instance.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "intake stops" in instance.stderr(), "the stop", 10)
            (directory / "go-on").touch()
            check_equal(instance.process.wait(60), 0, "the exit code")
            told = [int(number) for number in re.findall(r"events are dropped .*dropped=(\d+)", instance.stderr())]
            check("stopped before" not in instance.stderr(), "something was left")
        got = numbers(directory)
        check_equal(got, sorted(set(got)), "the order")
        check_equal(got[-1], EVENTS, "its last word")
        check_equal(len(got) + sum(told), EVENTS + 1, "delivered and dropped, of which it told %s" % told)


def with_drop_new_the_oldest_stay():
    what_is_dropped_and_what_is_delivered_are_all("drop_new")


def with_drop_old_the_newest_stay():
    what_is_dropped_and_what_is_delivered_are_all("drop_old")


main(with_block_the_program_waits_and_nothing_is_lost, with_drop_new_the_oldest_stay, with_drop_old_the_newest_stay,
     what_a_stop_finds_is_delivered)
