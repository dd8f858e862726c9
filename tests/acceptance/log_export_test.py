"""[REQ-178] [REQ-210] `log export` and `log import`: what goes out comes back byte by byte, once, whatever ends an import
in between."""
import json
import os
import random
import signal
import subprocess

from harness import Instance, binary, check, check_equal, main, request, run, small_disk, wait_for, work_directory

PIPELINE = """
name: orders
log: {partitions: 3, partition_by: ["$input", "/k"]%s}
sources: [{http: {path: /in, headers: [X-One, X-Two]}}]
sinks: [{file: {path: out.ndjson}}]
"""
VALUES = ['{"k":"a","n":1.50,"t":"\\u00e9\\u0000"}', '{ "k" : "b",\n  "z":[ ] }', '{"k":"c","k":"c","b":12345678901234567890}',
          '{"k":"' + "ä" * 1000 + '"}', '{"k":1,"deep":' + "[" * 500 + "]" * 500 + "}"]


def log(directory, *arguments, code=0, data="data", stdin=None):
    got, out, err = run(["log", *arguments, "--data-dir", data], directory, stdin=stdin)
    check_equal(got, code, "log %s: %s%s" % (" ".join(arguments), out, err))
    return out if code == 0 else out + err


def without_offsets(lines):
    return [{name: value for name, value in json.loads(line).items() if name != "offset"} for line in lines.splitlines()]


def filled(directory, settings=""):
    (directory / "p.yaml").write_text(PIPELINE % settings)
    with Instance("p.yaml", directory) as instance:
        for n in range(40):
            value = VALUES[n % len(VALUES)]
            status, _, body = request(instance.listen, "POST", "/in", value.encode(), {"X-One": "1", "X-Two": "é".encode()})
            check_equal(status, 200, body)
        check_equal(instance.stop(), 0, instance.stderr())


def numbered(directory, count, name="in.ndjson", partitions=3, size=20):
    with open(directory / name, "w", encoding="utf-8") as file:
        for n in range(count):
            file.write(json.dumps({"partition": n % partitions, "time": 1_700_000_000_000 + n, "key": "k%d" % (n % 7),
                                   "headers": {"n": str(n)}, "value": {"n": n, "text": "-" * size}}) + "\n")


def imported(directory, data="data", stream="orders"):
    return [json.loads(line) for line in log(directory, "export", stream, data=data).splitlines()]


def what_is_exported_imported_and_exported_again_is_the_same():
    with work_directory() as directory:
        filled(directory)
        lines = log(directory, "export", "orders")
        values = sorted(json.loads(line).get("raw") or line[line.index('"value":') + 8:-1] for line in lines.splitlines())
        check_equal(values, sorted(VALUES * 8), "the values, byte by byte")
        out = log(directory, "export", "orders", "--out", "orders.ndjson")
        check_equal((out, (directory / "orders.ndjson").read_text()), ("", lines), "--out")
        told = log(directory, "import", "orders", "orders.ndjson", "--partitions", "3", data="other")
        check("imported 40 events into orders\n" in told and "partition 0: " in told and ", offsets 0 to " in told, told)
        again = log(directory, "export", "orders", data="other")
        check_equal(without_offsets(again), without_offsets(lines), "the lines of the copy")
        # Byte by byte, too, once the offsets are out of the way; here they are dense, so they may even be the same.
        check_equal(sorted(line.split('"time"')[1] for line in again.splitlines()),
                    sorted(line.split('"time"')[1] for line in lines.splitlines()), "the bytes")
        check("0 problems" in log(directory, "verify", data="other"), "verify")
        third = log(directory, "import", "third", stdin=lines.encode(), data="other", code=1)
        check("<stdin>:" in third and "--by-key" in third, third)
        told = log(directory, "import", "fourth", "--by-key", stdin=lines.encode(), data="other")
        check("imported 40 events into fourth" in told and "partition 0: 40 events, offsets 0 to 39" in told, told)


def a_part_is_chosen_by_offset_time_and_partition():
    with work_directory() as directory:
        numbered(directory, 300)
        log(directory, "import", "orders", "in.ndjson", "--partitions", "3")
        everything = imported(directory)
        one = [json.loads(line) for line in log(directory, "export", "orders", "--partition", "1").splitlines()]
        check_equal(one, [line for line in everything if line["partition"] == 1], "--partition")
        some = [json.loads(line) for line in log(directory, "export", "orders", "--from", "10", "--to", "20").splitlines()]
        check_equal(some, [line for line in everything if 10 <= line["offset"] < 20], "--from and --to")
        check_equal(log(directory, "export", "orders", "--from", "2901-01-01"), "", "--from a late time")
        check_equal(len(log(directory, "export", "orders", "--from", "2001-01-01").splitlines()), 300, "an early time")
        log(directory, "export", "orders", "--from", "yesterday", code=2)
        (directory / "there").write_text("precious")
        check("is there already" in log(directory, "export", "orders", "--out", "there", code=2), "a file that is there")
        check_equal((directory / "there").read_text(), "precious", "the file")


def beside_a_running_process_export_reads_and_import_is_refused():
    with work_directory() as directory:
        filled(directory)
        with Instance("p.yaml", directory) as instance:
            check_equal(len(log(directory, "export", "orders").splitlines()), 40, "lines")
            numbered(directory, 5)
            check("in use by process" in log(directory, "import", "orders", "in.ndjson", code=2), "import")
            check_equal(instance.stop(), 0, instance.stderr())
        log(directory, "import", "orders", "in.ndjson")
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len((directory / "out.ndjson").read_text().splitlines()) == 45, "the sink to get them")
            check_equal(instance.stop(), 0, instance.stderr())


def a_bad_line_ends_the_import_and_tells_where():
    with work_directory() as directory:
        for number, (bad, column, what) in enumerate([
                (b'{"value":1', 11, ""), (b'{"value":"\xff\xfe"}', 11, ""), (b'{"value":1,"nokey":2}', 12, "nokey"),
                (b'{"partition":5,"value":1}', 1, "--partitions"), (b"[1,2]", 1, "--plain"), (b"\x00", 1, ""),
                (b'{"headers":{"cq.accept":"x"},"value":1}', 13, "the log's own")]):
            stream = "s%d" % number
            text = b'{"value":1}\n\n{"value":2}\n' + bad + b'\n{"value":3}\n'
            (directory / "in.ndjson").write_bytes(text)
            told = log(directory, "import", stream, "in.ndjson", code=1)
            check("in.ndjson:4:%d: " % column in told and what in told, told)
            check("imported 2 events" in told, told)
            check_equal([line["value"] for line in imported(directory, stream=stream)], [1, 2], "what is there")
            told = log(directory, "import", stream, "in.ndjson", "--skip-bad", "--resume")
            check("imported 1 event into" in told and "1 bad lines were left out" in told, told)
            check_equal([line["value"] for line in imported(directory, stream=stream)], [1, 2, 3], "with --skip-bad")
        (directory / "in.ndjson").write_bytes(b"nothing")
        told = log(directory, "import", "none", "in.ndjson", code=1)
        check("--resume" not in told, "nothing is there to go on behind: %s" % told)
        told = log(directory, "import", "s", ".", code=2, data="other")
        check("it is a folder" in told and not (directory / "other").exists(), told)
        # Mended, the rest is wanted.
        (directory / "in.ndjson").write_bytes(b'{"value":1}\n{"value":2\n{"value":3}\n')
        log(directory, "import", "mended", "in.ndjson", code=1)
        (directory / "in.ndjson").write_bytes(b'{"value":1}\n{"value":2}\n{"value":3}\n')
        log(directory, "import", "mended", "in.ndjson", "--resume")
        check_equal([line["value"] for line in imported(directory, stream="mended")], [1, 2, 3], "mended")


def plain_lines_pipes_and_large_lines():
    with work_directory() as directory:
        text = b'\xef\xbb\xbf{"a":1}\r\n\r\n  [1, 2]  \nnull\n"\xc3\xa9"'
        told = log(directory, "import", "plain", "--plain", stdin=text)
        check("imported 4 events into plain" in told, told)
        check_equal([line.split('"value":')[1] for line in log(directory, "export", "plain").splitlines()],
                    ['{"a":1}}', "[1, 2]}", "null}", '"é"}'], "the values")
        check("<stdin>:1:2: " in log(directory, "import", "plain", "--plain", stdin=b"{1}", code=1), "a bad plain line")
        large = json.dumps({"text": "x" * 40_000_000})
        (directory / "large.ndjson").write_text('{"value":1}\n{"value":%s}\n{"value":2}\n' % large)
        log(directory, "import", "large", "large.ndjson")
        sizes = [len(line) for line in log(directory, "export", "large").splitlines()]
        check(len(sizes) == 3 and sizes[1] > 40_000_000, str(sizes))
        check("0 problems" in log(directory, "verify"), "verify")
        os.mkfifo(directory / "pipe")
        with subprocess.Popen([binary(), "log", "export", "plain", "--data-dir", "data"], cwd=directory,
                              stdout=subprocess.PIPE) as source:
            sink = subprocess.run([binary(), "log", "import", "copy", "-", "--data-dir", "copied"], cwd=directory,
                                  stdin=source.stdout, capture_output=True, check=False)
            check_equal((source.wait(), sink.returncode), (0, 0), sink.stderr)
        check_equal(without_offsets(log(directory, "export", "copy", data="copied")),
                    without_offsets(log(directory, "export", "plain")), "through a pipe")
        log(directory, "import", "empty", "--plain", stdin=b"")
        check_equal(log(directory, "export", "empty"), "", "an empty stream")
        with subprocess.Popen([binary(), "log", "export", "large", "--data-dir", "data"], cwd=directory,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as closed:
            closed.stdout.close()
            check(closed.wait(60) in (1, -signal.SIGPIPE), "whoever read it has gone")
        check("cannot open" in log(directory, "import", "none", "missing.ndjson", data="fresh", code=2), "no such file")
        check(not (directory / "fresh").exists(), "it made a data directory")


def stored_bytes(directory):
    return sum(path.stat().st_size for path in directory.glob("data/streams/orders/*/*.log"))


def killed_at_any_moment_and_resumed_every_line_is_there_once():
    with work_directory() as directory:
        count = 60_000
        numbered(directory, count, size=200)
        command = [binary(), "log", "import", "orders", "in.ndjson", "--partitions", "3", "--data-dir", "data"]
        kills = 0
        resume = []
        for attempt in range(60):
            goal = stored_bytes(directory) + random.randrange(10_000, 120_000)
            with subprocess.Popen(command + resume, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                # By what it has written, so that a fast machine kills as often as a slow one; the first right away.
                wait_for(lambda: process.poll() is not None or attempt == 0 or stored_bytes(directory) > goal,
                         "the import to write", pause=0.001)
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
                out, err = process.communicate()
                if process.returncode == 0:
                    break
                if process.returncode == 2 and b"there is no import to resume" in err:
                    check_equal(imported(directory), [], "events of an import that had not begun")
                    resume = []
                    continue
                check_equal(process.returncode, -signal.SIGKILL, out + err)
                resume = ["--resume"] if (directory / "data/streams/orders/meta").exists() else []
        check_equal(process.returncode, 0, "the last attempt")
        check(kills > 2, "%d kills" % kills)
        print("    %d kills" % kills)
        found = imported(directory)
        check_equal(sorted(line["value"]["n"] for line in found), list(range(count)), "every line once")
        for partition in range(3):
            numbers = [line["value"]["n"] for line in found if line["partition"] == partition]
            check_equal(numbers, list(range(partition, count, 3)), "the order of partition %d" % partition)
        told = log(directory, "import", "orders", "in.ndjson", "--resume")
        check("imported 0 events" in told and "%d lines were imported before" % count in told, told)


def an_import_that_was_done_is_refused_and_other_files_are_told():
    with work_directory() as directory:
        numbered(directory, 100)
        log(directory, "import", "orders", "in.ndjson", "--partitions", "3")
        told = log(directory, "import", "orders", "in.ndjson", code=2)
        check("up to line 100" in told and "--resume" in told and "--again" in told, told)
        check("imported 100 events" in log(directory, "import", "orders", "in.ndjson", "--again"), "--again")
        check_equal(len(imported(directory)), 200, "events")
        check("imported 0 events" in log(directory, "import", "orders", "in.ndjson", "--resume"), "--resume")
        with open(directory / "in.ndjson", "a", encoding="utf-8") as file:
            file.write('{"partition":0,"value":"new"}\n')
        check("imported 1 event " in log(directory, "import", "orders", "in.ndjson", "--resume"), "a line more")
        lines = (directory / "in.ndjson").read_text().splitlines(keepends=True)
        (directory / "in.ndjson").write_text("".join(lines[1:]))
        told = log(directory, "import", "orders", "in.ndjson", "--resume", code=1)
        check("is not what was imported before" in told, told)
        (directory / "in.ndjson").write_text("".join(lines[:50]))
        told = log(directory, "import", "orders", "in.ndjson", "--resume", code=1)
        check("is not what was imported before" in told, told)
        check_equal(len(imported(directory)), 201, "events")
        told = log(directory, "import", "orders", "--resume", stdin=b"", code=2)
        check("--source" in told, told)
        told = log(directory, "import", "orders", "--resume", "--source", "never", stdin=b"", code=2)
        check("there is no import to resume" in told, told)
        log(directory, "import", "orders", "--source", "it", stdin=b'{"value":1}')
        told = log(directory, "import", "orders", "--source", "it", "--resume", stdin=b'{"value":1}\n{"value":2}')
        check("imported 1 event " in told, told)
        told = log(directory, "import", "orders", "in.ndjson", "--partitions", "2", "--source", "x", code=2)
        check("has 3 partitions, not 2" in told, told)


def an_encrypted_stream_goes_out_with_the_key_and_comes_back_encrypted():
    with work_directory() as directory:
        (directory / "log.key").write_text("11" * 32)
        (directory / "log.key").chmod(0o600)
        filled(directory, ", encryption: {key_file: log.key}")
        check("--key-file" in log(directory, "export", "orders", code=1), "without the key")
        check("--key-file" in log(directory, "export", "orders", "--out", "out", code=1), "without the key")
        check(not (directory / "out").exists() and not (directory / "out.part").exists(), "a file that is not whole")
        lines = log(directory, "export", "orders", "--key-file", "log.key")
        check_equal(len(lines.splitlines()), 40, "lines")
        numbered(directory, 30)
        check("is encrypted with the key" in log(directory, "import", "orders", "in.ndjson", code=2), "without the key")
        log(directory, "import", "orders", "in.ndjson", "--key-file", "log.key")
        stored = b"".join(path.read_bytes() for path in (directory / "data").rglob("*.log"))
        check(b"-" * 10 not in stored and b'"n"' not in stored, "it is stored in the clear")
        check_equal(len(log(directory, "export", "orders", "--pipeline", "p.yaml").splitlines()), 70, "lines")
        check("0 problems" in log(directory, "verify", "--key-file", "log.key"), "verify")
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len((directory / "out.ndjson").read_text().splitlines()) == 70, "the sink to get them")
            check_equal(instance.stop(), 0, instance.stderr())


def a_full_disk_ends_an_import_that_goes_on_once_there_is_space():
    with work_directory() as directory, small_disk(directory, 120) as disk:
        if disk is None:
            print("  skipped: this user may not mount a small file system")
            return
        ballast = disk / "ballast"
        ballast.write_bytes(os.urandom(40 << 20))
        with open(directory / "in.ndjson", "w", encoding="utf-8") as file:
            for n in range(400):
                file.write('{"value":{"n":%d,"text":"%s"}}\n' % (n, os.urandom(50_000).hex()))
        told = log(directory, "import", "orders", "in.ndjson", code=1, data=disk / "data")
        check("--resume" in told and ("space" in told or "full" in told), told)
        before = [line["value"]["n"] for line in imported(directory, data=disk / "data")]
        check_equal(before, list(range(len(before))), "what is there")
        check(0 < len(before) < 400, str(len(before)))
        ballast.unlink()
        log(directory, "import", "orders", "in.ndjson", "--resume", data=disk / "data")
        check_equal([line["value"]["n"] for line in imported(directory, data=disk / "data")], list(range(400)), "all")
        ballast.write_bytes(bytes(80 << 20))
        told = log(directory, "export", "orders", "--out", str(disk / "out.ndjson"), code=1, data=disk / "data")
        check("No space left" in told, told)
        check(not (disk / "out.ndjson").exists() and not (disk / "out.ndjson.part").exists(), "a file that is not whole")


main(what_is_exported_imported_and_exported_again_is_the_same, a_part_is_chosen_by_offset_time_and_partition,
     beside_a_running_process_export_reads_and_import_is_refused, a_bad_line_ends_the_import_and_tells_where,
     plain_lines_pipes_and_large_lines, killed_at_any_moment_and_resumed_every_line_is_there_once,
     an_import_that_was_done_is_refused_and_other_files_are_told,
     an_encrypted_stream_goes_out_with_the_key_and_comes_back_encrypted,
     a_full_disk_ends_an_import_that_goes_on_once_there_is_space)
