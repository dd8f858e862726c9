"""[REQ-010] [REQ-029] The machine's worse days: a clock that jumps a month ahead and back, and a disk that is
mounted read-only under the process."""
import json
import os
import pathlib
import subprocess
import time

from harness import Instance, check, check_equal, main, read_lines, request, run, small_disk, wait_for, work_directory

PIPELINE = """
name: hooks
sources: [{name: hook, http: {path: /in}, dedupe: {key: ["$input", "/id"], window: 1h}}]
sinks: [{name: all, file: {path: OUT}}]
"""
FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def post(instance, number):
    status, _, body = request(instance.listen, "POST", "/in", json.dumps({"id": number, "n": number}))
    return status, json.loads(body)


def accepted(instance, number):
    check_equal(post(instance, number)[1].get("accepted"), 1, "event %d" % number)


def a_clock_that_jumps_loses_nothing_and_forgets_no_id():
    """Append times never go back, and they are the clock of `dedupe`: what is a minute old by them is known."""
    if FAKETIME is None:
        print("  skipped: libfaketime is not installed")
        return
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE.replace("OUT", "out.ndjson"))
        clock = directory / "clock"
        clock.write_text("+0\n")
        faked = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
                 "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with Instance("p.yaml", directory, environment=faked) as instance:
            number = 0
            for jump in ("+0", "+30d", "+30d", "-30d", "+0"):
                clock.write_text(jump + "\n")
                for _ in range(5):
                    accepted(instance, number)
                    check_equal(post(instance, number)[1]["duplicates"], 1, "event %d again, at %s" % (number, jump))
                    number += 1
            # Half an hour ago by append time, whatever the clock says now: the jump ahead was the last one that counts.
            for again in range(10, number):
                check_equal(post(instance, again)[1]["duplicates"], 1, "event %d at the end" % again)
            instance.kill()
        clock.write_text("-30d\n")
        with Instance("p.yaml", directory, environment=faked) as instance:
            for again in range(10, number):
                check_equal(post(instance, again)[1]["duplicates"], 1, "event %d after the kill" % again)
            accepted(instance, number)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == number + 1, "the file")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(number + 1)), "the lines")
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, out + err)


def remount(mount, how):
    """False if it can't be, as while a file is open for writing."""
    return subprocess.run(["mount", "-o", "remount," + how, mount], capture_output=True, check=False).returncode == 0


def a_disk_that_is_read_only_is_named_and_what_was_acknowledged_is_there_afterwards():
    with work_directory() as directory, small_disk(directory, 200) as disk:
        if disk is None:
            print("  skipped: this user may not mount a small file system")
            return
        (directory / "p.yaml").write_text(PIPELINE.replace("OUT", str(directory / "out.ndjson")))
        data = disk / "data"
        with Instance("p.yaml", directory, data_dir=data) as instance:
            for number in range(20):
                accepted(instance, number)
            instance.kill()
        check(remount(disk, "ro"), "remount ro")
        code, _, err = run(["run", "p.yaml", "--data-dir", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                           directory)
        check_equal(code, 2, err)
        check("ead-only file system" in err and str(data) in err, err)
        for verb in (["log", "verify"], ["log", "ls"], ["log", "cat", "hooks"], ["log", "repair", "--dry-run"]):
            code, out, err = run([*verb, "--data-dir", data], directory)
            check_equal(code, 0, "%s: %s%s" % (verb, out, err))
        check(remount(disk, "rw"), "remount rw")
        with Instance("p.yaml", directory, data_dir=data) as instance:
            for number in range(20):
                check_equal(post(instance, number)[1]["duplicates"], 1, "event %d" % number)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 20, "the file")
            check_equal(instance.stop(), 0, instance.stderr())


main(a_clock_that_jumps_loses_nothing_and_forgets_no_id,
     a_disk_that_is_read_only_is_named_and_what_was_acknowledged_is_there_afterwards)
