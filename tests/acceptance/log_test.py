"""[REQ-171] `log ls`, `log cat` and `log verify`: beside a running process, over one that stopped, and over damage."""
import json
import os
import re

from harness import Instance, check, check_equal, main, request, run, wait_for, work_directory

PIPELINE = """
name: hooks
log: {partitions: 2, partition_by: ["$input", "/n"]}
sources: [{http: {path: /in}}]
sinks: [{file: {path: out.ndjson}}]
"""


def filled(directory, count=40):
    (directory / "p.yaml").write_text(PIPELINE)
    instance = Instance("p.yaml", directory)
    for n in range(count):
        status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n}))
        check_equal(status, 200, body)
    return instance


def log(directory, *arguments):
    code, out, err = run(["log", *arguments, "--data-dir", "data"], directory)
    check_equal(code, 0, err)
    return out


def everything_acknowledged_can_be_read_beside_the_running_process():
    with work_directory() as directory, filled(directory) as instance:
        listing = log(directory, "ls")
        check("hooks" in listing and "hooks.dead" in listing, listing)
        # The last group counts as synced for other processes once the mark behind it is, a second later.
        wait_for(lambda: len(log(directory, "cat", "hooks").splitlines()) == 40, "all events to be marked as synced")
        events = [json.loads(line)["n"] for line in log(directory, "cat", "hooks").splitlines()]
        check_equal(sorted(events), list(range(40)), "the events")
        halves = [log(directory, "cat", "hooks", "--partition", str(p)).splitlines() for p in (0, 1)]
        check_equal(sum(len(half) for half in halves), 40, "events of both partitions")
        check(all(halves), "one partition got everything")
        log(directory, "verify")
        check_equal(instance.stop(), 0, instance.stderr())


def full_gives_place_time_and_id():
    with work_directory() as directory:
        check_equal(filled(directory, 6).stop(), 0, "stop")
        lines = [json.loads(line) for line in log(directory, "cat", "hooks", "--format", "full").splitlines()]
        check_equal(len(lines), 6, "lines")
        for line in lines:
            check_equal(line["stream"], "hooks", "stream")
            check(re.match(r"hooks\.\w{8}-%d-%d$" % (line["partition"], line["offset"]), line["id"]), line["id"])
            check(line["timestamp"] > 1_600_000_000_000 and line["source"] == "http" and "value" in line, str(line))


def from_and_to_choose_by_offset_and_time():
    with work_directory() as directory:
        check_equal(filled(directory, 20).stop(), 0, "stop")
        lines = [json.loads(line) for line in
                 log(directory, "cat", "hooks", "--partition", "0", "--format", "full").splitlines()]
        offsets = [line["offset"] for line in lines]
        middle = offsets[len(offsets) // 2]

        def cat(*arguments):
            out = log(directory, "cat", "hooks", "--partition", "0", "--format", "full", *arguments)
            return [json.loads(line)["offset"] for line in out.splitlines()]
        check_equal(cat("--from", str(middle)), [o for o in offsets if o >= middle], "--from OFFSET")
        check_equal(cat("--to", str(middle)), [o for o in offsets if o < middle], "--to OFFSET")
        check_equal(cat("--from", "2001-01-01T00:00:00Z"), offsets, "--from an early time")
        check_equal(cat("--from", "2901-01-01T00:00:00Z"), [], "--from a late time")
        code, _, err = run(["log", "cat", "hooks", "--data-dir", "data", "--from", "yesterday"], directory)
        check(code == 2 and "yesterday" in err, err)


def what_is_not_there_is_refused():
    with work_directory() as directory:
        for verb in (["ls"], ["cat", "hooks"], ["verify"]):
            code, out, err = run(["log", *verb, "--data-dir", "data"], directory)
            check(code == 2 and out == "" and "there is no data directory at 'data'" in err, "%s: %d %s" % (verb, code, err))
        check(not (directory / "data").exists(), "a reading verb made a data directory")
        check_equal(filled(directory, 1).stop(), 0, "stop")
        code, _, err = run(["log", "cat", "hoks", "--data-dir", "data"], directory)
        check(code == 2 and "did you mean 'hooks'?" in err, err)
        code, _, err = run(["log", "cat", "hooks", "--partition", "7", "--data-dir", "data"], directory)
        check(code == 2 and "7" in err, err)


def verify_finds_a_flipped_bit():
    with work_directory() as directory:
        check_equal(filled(directory).stop(), 0, "stop")
        out = log(directory, "verify")
        check("40 events in " in out and " of 3 partitions, and the commit journal; " in out and "0 problems" in out, out)
        segments = [os.path.join(root, name) for root, _, names in os.walk(directory / "data" / "streams" / "hooks")
                    for name in names if name.endswith(".log") and os.path.getsize(os.path.join(root, name)) > 200]
        check(segments, "there are no segments")
        with open(segments[0], "r+b") as file:
            file.seek(100)
            byte = file.read(1)[0]
            file.seek(100)
            file.write(bytes([byte ^ 4]))
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 1, out + err)
        check(os.path.basename(segments[0]) in out + err or "hooks/" in out + err, "it does not say where:\n" + out + err)


main(everything_acknowledged_can_be_read_beside_the_running_process, full_gives_place_time_and_id,
     from_and_to_choose_by_offset_and_time, what_is_not_there_is_refused, verify_finds_a_flipped_bit)
