"""Kafka itself reads our segments, with every codec: its DumpLogSegments finds every batch valid and prints the
events; a real broker that is given a segment as its own serves them to Kafka's console consumer; and kafkajs decodes
the same bytes. [REQ-010]"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

from harness import REPOSITORY, check, check_equal, run, skip, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402
import kafkajs  # noqa: E402

CODECS = ("none", "gzip", "lz4", "zstd")
EVENTS = [json.dumps({"id": i, "text": "Zoë ☂ " + "ab" * (i % 40), "half": i / 2}, ensure_ascii=False)
          for i in range(700)]


def make_segment(directory, codec):
    """The path of a finished log's only segment, and nothing but our own binary in between."""
    (directory / "in.ndjson").write_text("".join(event + "\n" for event in EVENTS))
    pipeline = directory / f"orders-{codec}.yaml"
    pipeline.write_text("name: orders\nlog: {compression: %s}\nsources: [{file: {path: in.ndjson}}]\n"
                        "sinks: [{file: {path: out-%s.ndjson}}]\n" % (codec, codec))
    code, _, err = run(["run", pipeline, "--data-dir", f"data-{codec}", "--listen", "127.0.0.1:0", "--admin",
                        "127.0.0.1:0"], directory)
    check_equal(code, 0, f"run with {codec}: {err}")
    return directory / f"data-{codec}" / "streams" / "orders" / "0" / ("0" * 20 + ".log")


def dumped(segment):
    text = kafka.tool("kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log", "--files", str(segment))
    batches = [line for line in text.splitlines() if line.startswith("baseOffset:")]
    check(batches and all("isvalid: true" in line for line in batches), f"DumpLogSegments: {text[:2000]}")
    return re.findall(r"payload: (.*)$", text, re.MULTILINE), batches


def served(directory, segments):
    """What Kafka's consumer reads from a broker whose topics are our segments."""
    read = {}
    with kafka.Broker(directory / "broker") as broker:
        for codec in segments:
            broker.create("orders-" + codec)
        broker.stop()
        for codec, segment in segments.items():
            folder = directory / "broker" / "data" / f"orders-{codec}-0"
            for index in folder.glob("*.*index"):
                index.unlink()
            shutil.copy(segment, folder / segment.name)
        # So that the broker looks at the files as after a crash, and builds its indexes anew.
        with contextlib.suppress(FileNotFoundError):
            (directory / "broker" / "data" / ".kafka_cleanshutdown").unlink()
        broker.start()
        for codec in segments:
            text = kafka.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", broker.address,
                              "--topic", "orders-" + codec, "--from-beginning", "--max-messages", str(len(EVENTS)),
                              "--timeout-ms", "30000")
            read[codec] = text.splitlines()
    return read


def main():
    try:
        kafka.jars()
    except kafka.Unavailable as why:
        skip(f"no Kafka: {why}")
    with work_directory() as directory:
        segments = {codec: make_segment(directory, codec) for codec in CODECS}
        for codec, segment in segments.items():
            payloads, batches = dumped(segment)
            check_equal(payloads, EVENTS, f"DumpLogSegments, {codec}")
            check(any(f"compresscodec: {codec}" in batch for batch in batches), f"no batch says {codec}")
            print(f"DumpLogSegments, {codec}: {len(batches)} batches valid, {len(payloads)} events")
        for codec, lines in served(directory, segments).items():
            check_equal(lines, EVENTS, f"a broker with our segment, {codec}")
            print(f"a broker serves our segment, {codec}: {len(lines)} events")
        try:
            for codec in CODECS:
                check_equal(kafkajs.values(segments[codec]), EVENTS, f"kafkajs, {codec}")
                print(f"kafkajs, {codec}: {len(EVENTS)} events")
        except kafkajs.Unavailable as why:
            skip(f"no kafkajs: {why}")


main()
