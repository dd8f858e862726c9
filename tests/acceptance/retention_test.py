"""`log.retention`: what is old or too much goes, and what a sink still needs does not."""
import json
import random
import subprocess

from harness import Instance, binary, check, check_equal, main, read_lines, request, wait_for, work_directory

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


def oldest(instance):
    return instance.metric("colloquium_stream_oldest_offset", component="orders")


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


main(a_stream_is_cut_to_its_size_and_opens_again, what_a_sink_has_not_finished_stays_until_it_may_go)
