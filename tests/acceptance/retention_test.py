"""`log.retention`: what is old or too much goes, and what a sink still needs does not."""
import contextlib
import json
import os
import random
import subprocess

from harness import (Instance, binary, check, check_equal, main, read_lines, request, run, size_of, small_disk, wait_for,
                     work_directory)

PIPELINE = """
name: orders
log: {compression: none, retention: {size: 2MiB%s}}
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: all, %s}]
"""

RECEIVER_IS_AWAY = 'http: {url: "http://127.0.0.1:9/in"}'


def post_megabytes(instance, count, first=0):
    """Of one event each, numbered from `first`."""
    for n in range(first, first + count):
        text = random.Random(n).randbytes(500_000).hex()
        status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n, "text": text}))
        check_equal(status, 200, body)


def removed(instance):
    return instance.metric("colloquium_log_removed_bytes_total")


def oldest(instance, stream="orders"):
    return instance.metric("colloquium_stream_oldest_offset", component=stream)


def a_stream_is_cut_to_its_size_and_opens_again():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("", "file: {path: out.ndjson}"))
        with Instance("p.yaml", directory) as instance:
            post_megabytes(instance, 8)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 8, "the sink has everything")
            wait_for(lambda: removed(instance) > 4_000_000, "retention has removed the front")
            # Segment by segment, and each figure is read by itself.
            wait_for(lambda: instance.metric("colloquium_stream_size_bytes", component="orders") <= 2 << 20,
                     "the size is kept")
            begins = oldest(instance)
            check(begins > 0, begins)
            check_equal(instance.metric("colloquium_log_removed_unread_offsets_total"), 0, "nothing unread went")
            check_equal(instance.stop(), 0, instance.stderr())
        verified = subprocess.run([binary(), "log", "verify", "--data-dir", "data"], cwd=directory)
        check_equal(verified.returncode, 0, "verify after a removal")
        with Instance("p.yaml", directory) as instance:
            check_equal(oldest(instance), begins, "the oldest offset after a start")
            post_megabytes(instance, 1, first=8)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 9, "it goes on")
            instance.kill()
        check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(9)), "the sink's events")


def what_a_sink_has_not_finished_stays_until_it_may_go():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("", RECEIVER_IS_AWAY))
        with Instance("p.yaml", directory) as instance:
            post_megabytes(instance, 5)
            wait_for(lambda: "retention cannot remove" in instance.stderr(), "the log says what holds it back")
            check("orders/all" in instance.stderr(), instance.stderr())
            check_equal(removed(instance), 0, "bytes removed")
            instance.kill()
        (directory / "p.yaml").write_text(PIPELINE % (", drop_unread: true", RECEIVER_IS_AWAY))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: removed(instance) > 2_000_000, "what is unread goes")
            check("orders/all" in instance.stderr() and "it loses them" in instance.stderr(), instance.stderr())
            check(instance.metric("colloquium_log_removed_unread_offsets_total") > 0, "it is counted")
            instance.kill()
        (directory / "p.yaml").write_text(PIPELINE % ("", "file: {path: out.ndjson}"))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: any(line["n"] == 4 for line in read_lines(directory / "out.ndjson")), "the newest event")
            numbers = [line["n"] for line in read_lines(directory / "out.ndjson")]
            check(numbers[0] > 0, numbers)
            check_equal(numbers, list(range(numbers[0], 5)), "the events that are left")


def dead_letters_are_cut_too_and_those_that_are_left_can_be_put_back():
    with work_directory() as directory:
        pipeline = "name: orders\nlog: {compression: none}\nsources: [{name: hook, http: {path: /in}}]\n" \
                   "stages: [{name: check, computo: '%s'}]\nsinks: [{name: all, file: {path: out.ndjson}}]\n" \
                   "errors: {retention: {size: 2MiB}}\n"
        (directory / "p.yaml").write_text(pipeline % '= error("no")')
        with Instance("p.yaml", directory) as instance:
            for n in range(8):  # a commit for each, so that they do not end up in one segment
                post_megabytes(instance, 1, first=n)
                wait_for(lambda: instance.metric("colloquium_stream_next_offset", component="orders.dead") > n,
                         "the letter to be stored")
            size = "colloquium_stream_size_bytes"
            wait_for(lambda: (oldest(instance, "orders.dead") or 0) > 0 and
                     instance.metric(size, component="orders.dead") <= 2 << 20, "retention to remove the oldest letters")
            check_equal(oldest(instance), 0, "the events themselves")
            check_equal(instance.stop(), 0, instance.stderr())
        (directory / "p.yaml").write_text(pipeline % "= $input")
        code, out, error = run(["dead", "ls", "--format", "json", "--data-dir", "data"], directory)
        check_equal(code, 0, error)
        left = json.loads(out)["open"]
        check(0 < left < 8, "%d letters are left" % left)
        code, out, error = run(["dead", "replay", "orders.dead", "--data-dir", "data"], directory)
        check_equal((code, out), (0, "put back %d events into orders\n" % left), error)
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == left, "the letters as events")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(8 - left, 8)), "the newest")


def a_disk_without_a_free_byte_is_started_on_and_cleared_by_retention():
    """Somebody else has filled it. Nothing but what the log keeps for this moment is left to start with."""
    with work_directory() as directory, small_disk(directory, 100) as disk:
        if disk is None:
            print("  skipped: this user may not mount a small file system")
            return
        data, out = disk / "data", directory / "out.ndjson"
        pipeline = PIPELINE % ("", "file: {path: %s}" % out)
        (directory / "p.yaml").write_text(pipeline.replace("2MiB", "8MiB"))
        with Instance("p.yaml", directory, data_dir=data) as instance:
            post_megabytes(instance, 6)
            wait_for(lambda: len(read_lines(out)) == 6, "the sink has everything")
            check_equal(size_of(data / "BALLAST"), 1 << 20, "what is kept for a full disk")
            instance.kill()
        neighbour = disk / "neighbour"
        with open(neighbour, "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while file.write(os.urandom(1 << 16)):
                    pass
        check_equal(os.statvfs(disk).f_bavail, 0, "free blocks")
        (directory / "p.yaml").write_text(pipeline)
        with Instance("p.yaml", directory, data_dir=data) as instance:
            wait_for(lambda: oldest(instance) > 0, "retention removes something")
            check("gives up" in instance.stderr(), instance.stderr())
            status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": 6}))
            check(status != 200, "an event within the reserve: %d %s" % (status, body))
            neighbour.unlink()
            wait_for(lambda: request(instance.listen, "POST", "/in", json.dumps({"n": 6}))[0] == 200, "space is back")
            wait_for(lambda: len(read_lines(out)) == 7, "the sink goes on")
            wait_for(lambda: size_of(data / "BALLAST") == 1 << 20, "it is kept again")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([line["n"] for line in read_lines(out)], list(range(7)), "the sink's events")
        verified = subprocess.run([binary(), "log", "verify", "--data-dir", data], cwd=directory)
        check_equal(verified.returncode, 0, "verify")


main(a_stream_is_cut_to_its_size_and_opens_again, what_a_sink_has_not_finished_stays_until_it_may_go,
     dead_letters_are_cut_too_and_those_that_are_left_can_be_put_back,
     a_disk_without_a_free_byte_is_started_on_and_cleared_by_retention)
