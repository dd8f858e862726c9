"""[REQ-179] The verbs that look after the log: repair, backup, restore, export, import and stats, with the real binary
over real files."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness import Instance, binary, check, check_equal, main, request, run, wait_for, work_directory

PIPELINE = """
name: hooks
log: {partitions: 2, partition_by: ["$input", "/n"]}
sources: [{http: {path: /in}}]
sinks: [{file: {path: out.ndjson}}]
"""


def log(directory, *arguments, code=0, data="data"):
    got, out, err = run(["log", *arguments, "--data-dir", data], directory)
    check_equal(got, code, "log %s: %s%s" % (" ".join(arguments), out, err))
    return out + err


def post(instance, numbers):
    for n in numbers:
        status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n}))
        check_equal(status, 200, body)


def filled(directory, count=40):
    (directory / "p.yaml").write_text(PIPELINE)
    with Instance("p.yaml", directory) as instance:
        post(instance, range(count))
        check_equal(instance.stop(), 0, instance.stderr())


def events(directory, stream="hooks", data="data"):
    return sorted(json.loads(line)["n"] for line in log(directory, "cat", stream, data=data).splitlines())


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*"))
            if path.is_file() and path.name != "LOCK"}


def a_flipped_bit_is_refused_and_given_up_only_when_told_to():
    with work_directory() as directory:
        filled(directory)
        check("nothing to repair" in log(directory, "repair"), "an intact directory")
        segment = directory / "data/streams/hooks/0/00000000000000000000.log"
        flip(segment, 300)
        before = contents(directory / "data")
        told = log(directory, "repair", code=1)
        lost = re.search(r"lost: hooks/0: offsets? (\d+)(?: to (\d+))? in '\S+', bytes (\d+) to (\d+): .*"
                         r"; appended from 20\S+Z to 20\S+Z", told)
        check(lost, told)
        check(int(lost[3]) <= 300 <= int(lost[4]), told)
        check_equal(contents(directory / "data"), before, "the files")
        code, _, err = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory)
        check(code != 0 and "hooks/0" in err, err)
        check("would be moved" in log(directory, "repair", "--accept-loss", "--dry-run"), "dry run")
        check_equal(contents(directory / "data"), before, "the files after a dry run")
        told = log(directory, "repair", "--accept-loss")
        check("recorded as given up" in told, told)
        check((directory / "data/quarantine/000001/streams/hooks/0/00000000000000000000.log").read_bytes()
              == before["streams/hooks/0/00000000000000000000.log"], "the damaged segment in the quarantine")
        check("0 problems" in log(directory, "verify"), "verify")
        left = events(directory)
        missing = set(range(40)) - set(left)
        check(1 <= len(missing) <= 3, str(missing))
        with Instance("p.yaml", directory) as instance:
            post(instance, range(40, 45))
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(set(events(directory)), set(range(45)) - missing, "events after going on")
        check("0 problems" in log(directory, "verify"), "verify after going on")
        told = log(directory, "repair")
        check("nothing to repair" in told, told)


def repair_needs_the_lock():
    with work_directory() as directory:
        filled(directory, 2)
        with Instance("p.yaml", directory) as instance:
            check("in use by process" in log(directory, "repair", code=2), "beside a running process")
            check_equal(instance.stop(), 0, instance.stderr())
        check("there is no data directory" in log(directory, "repair", code=2, data="nowhere"), "no directory")
        check(not (directory / "nowhere").exists(), "it made one")


TESTS = [a_flipped_bit_is_refused_and_given_up_only_when_told_to, repair_needs_the_lock]
main(*TESTS)
