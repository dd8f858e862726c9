"""`log.compaction`: of the events of one key the newest stays, where it stood; and Kafka's own DumpLogSegments reads
what is left."""
import json
import random
import subprocess
import sys

from harness import (REPOSITORY, Instance, binary, check, check_equal, main, read_lines, request, wait_for,
                     work_directory)

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402

# Segments of 1 MiB, and nothing that retention removes.
PIPELINE = """
name: prices
log: {compression: none, partitions: 1, partition_by: ["$input", "/article"], retention: {size: 8MiB},
      compaction: {}}
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""
ARTICLES = 3
EVENTS = 21


def text_of(n):
    return random.Random(n).randbytes(150_000).hex()


def post(instance, n):
    body = json.dumps({"n": n, "article": f"a{n % ARTICLES}", "text": text_of(n)})
    status, _, answer = request(instance.listen, "POST", "/in", body)
    check_equal(status, 200, answer)


def log(directory, *arguments):
    done = subprocess.run([binary(), "log", *arguments, "--data-dir", "data"], cwd=directory, capture_output=True,
                          text=True)
    check_equal(done.returncode, 0, f"log {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def events_left(directory):
    return [json.loads(line) for line in log(directory, "cat", "prices", "--format", "full").splitlines()]


def check_left(directory, before):
    """What `log cat` shows: the newest of each article, unchanged, and less than there was."""
    left = events_left(directory)
    values = {event["value"]["n"]: event for event in left}
    check(set(range(EVENTS - ARTICLES, EVENTS)) <= set(values), f"the newest are there: {sorted(values)}")
    check(len(values) < EVENTS - 5, f"others are gone: {sorted(values)}")
    offsets = [event["offset"] for event in left]
    check_equal(offsets, sorted(offsets), "offsets")
    for n, event in values.items():
        check(event["value"]["text"] == text_of(n) and event["key"] == f"a{n % ARTICLES}", f"event {n} is another")
    # A pass that was under way may have gone on since.
    check(before is None or all(event in before for event in left), "what is left was there before")
    return left


def compacted_segments(directory):
    folder = directory / "data" / "streams" / "prices" / "0"
    return [seal.with_suffix(".log") for seal in sorted(folder.glob("*.seal")) if "compacted 1 " in seal.read_text()]


def dump(segment):
    text = kafka.tool("kafka.tools.DumpLogSegments", "--deep-iteration", "--files", str(segment))
    batches = [line for line in text.splitlines() if line.startswith("baseOffset:")]
    check(batches and all("isvalid: true" in line for line in batches), f"DumpLogSegments: {text[:2000]}")
    check(any("count: 0 " in line for line in batches), f"a batch without records: {text[:2000]}")
    print(f"DumpLogSegments: {len(batches)} batches of {segment.name} valid")


def a_stream_of_prices_keeps_the_newest_of_each():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            for n in range(EVENTS):
                post(instance, n)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == EVENTS, "the sink has everything")
            wait_for(lambda: instance.metric("colloquium_log_compacted_events_total") > 5, "it is compacted")
            check(instance.metric("colloquium_log_compacted_bytes_total") > 1_000_000, "it is smaller")
            check_equal(instance.metric("colloquium_log_removed_segments_total"), 0, "segments that retention removed")
            # What came last is certainly synced, for another process, after a second of idleness.
            wait_for(lambda: events_left(directory)[-1]["value"]["n"] == EVENTS - 1, "the mark behind the last event")
            left = check_left(directory, None)
            log(directory, "verify")
            instance.kill()
        check_left(directory, left)
        with Instance("p.yaml", directory) as instance:
            post(instance, EVENTS)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == EVENTS + 1, "it goes on")
            check_equal(instance.stop(), 0, instance.stderr())
        log(directory, "verify")
        check("nothing" in log(directory, "repair", "--dry-run").lower(), "a repair has nothing to do")
        numbers = [line["n"] for line in read_lines(directory / "out.ndjson")]
        check_equal(numbers, list(range(EVENTS + 1)), "the sink has every event once, those too that are gone")
        segments = compacted_segments(directory)
        check(segments, "segments were written anew")
        try:
            kafka.jars()
        except kafka.Unavailable as why:
            print(f"DumpLogSegments not tried: {why}")
            return
        for segment in segments:
            dump(segment)


main(a_stream_of_prices_keeps_the_newest_of_each)
