"""[REQ-004] A file source that follows: files are rotated under load in every way there is, the process is killed again
and again, and every line arrives exactly once, in order per file.

COLLOQUIUM_KILLS sets how often (default 12)."""
import gzip
import json
import os
import random
import shutil
import threading

from harness import Instance, Pace, check, main, read_lines, run, wait_for, work_directory

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "12"))
RUN = ["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]

PIPELINE = """
name: follow
sources:
  - file: {path: "logs/*.log*", follow: true, poll: 50ms}
sinks:
  - file: out/all.ndjson
"""


class Writer(threading.Thread):
    """Appends numbered lines to a log, and rotates it as it is told."""

    def __init__(self, path, name, rotate, lines):
        super().__init__()
        self.path, self.name_, self.rotate, self.lines = path, name, rotate, lines
        self.rotations = 0

    def run(self):
        file, pace = open(self.path, "a"), Pace(5000)
        for n in range(self.lines):
            file.write(json.dumps({"log": self.name_, "n": n}) + "\n")
            if n % 50 == 49:
                file.flush()
                pace.wait(50)
            if n % 3000 == 2999 and n + 1 < self.lines:
                file.flush()
                self.rotations += 1
                file = self.rotate(self, file)
        file.close()


def by_renaming(writer, file):
    os.rename(writer.path, "%s.%d" % (writer.path, writer.rotations))
    # Its writer learns of it a little later.
    file.write(json.dumps({"log": writer.name_ + "-late", "n": writer.rotations}) + "\n")
    file.close()
    return open(writer.path, "a")


def by_copying_and_cutting(writer, file):
    shutil.copyfile(writer.path, "%s.%d" % (writer.path, writer.rotations))
    os.truncate(writer.path, 0)
    return file


def numbers(lines, log):
    return [line["n"] for line in lines if line["log"] == log]


def rotation_under_load_and_kills():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    print("  seed", seed)
    lines = 15_000
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        (directory / "logs").mkdir()
        writers = [Writer(str(directory / "logs/a.log"), "a", by_renaming, lines),
                   Writer(str(directory / "logs/b.log"), "b", by_copying_and_cutting, lines)]
        for writer in writers:
            writer.start()
        kills = 0
        while any(writer.is_alive() for writer in writers) or kills < KILLS:
            instance = Instance("p.yaml", directory, wait=False)
            check(instance.wait_calls(chance.randrange(10, 600), 1), "ended by itself:\n" + instance.stderr())
            instance.kill()
            kills += 1
        for writer in writers:
            writer.join()
        check(all(writer.rotations == 4 for writer in writers), "the logs were not rotated")
        instance = Instance("p.yaml", directory)
        wanted = 2 * lines + 4
        out = directory / "out/all.ndjson"
        wait_for(lambda: len(read_lines(out)) >= wanted, "all lines", seconds=60)
        check(instance.stop() == 0, instance.stderr())
        got = read_lines(out)
        print("  %d kills, %d lines" % (kills, len(got)))
        check(len(got) == wanted, "lost or repeated: %d lines instead of %d" % (len(got), wanted))
        for log in ("a", "b"):
            check(sorted(numbers(got, log)) == list(range(lines)), "log %s is not whole" % log)
        check(sorted(numbers(got, "a-late")) == [1, 2, 3, 4], "what was written behind a rotation is missing")
        # Order holds within a file: a file has 3000 lines here.
        for log in ("a", "b"):
            for file in range(lines // 3000):
                in_file = [n for n in numbers(got, log) if n // 3000 == file]
                check(in_file == sorted(in_file), "log %s, file %d is out of order" % (log, file))


def a_folder_is_read_once_whatever_its_files_are_called_next_time():
    with work_directory() as directory:
        (directory / "logs").mkdir()
        (directory / "p.yaml").write_text(PIPELINE.replace(', follow: true, poll: 50ms', ""))
        for name in range(30):
            (directory / ("logs/%d.log" % name)).write_text("".join('{"log":%d,"n":%d}\n' % (name, n) for n in range(100)))
        code, _, stderr = run(RUN, directory)
        check(code == 0, stderr)
        check(len(read_lines(directory / "out/all.ndjson")) == 3000, "not all was read")
        for name in range(30):
            os.rename(directory / ("logs/%d.log" % name), directory / ("logs/other-%d.log" % name))
        with open(directory / "logs/other-7.log", "a") as file:
            file.write('{"log":7,"n":100}\n')
        code, _, stderr = run(RUN, directory)
        check(code == 0, stderr)
        got = read_lines(directory / "out/all.ndjson")
        check(len(got) == 3001 and got[-1] == {"log": 7, "n": 100}, "read again: %d lines" % len(got))


def a_file_that_cannot_be_read_fails_the_run_when_the_others_are_read():
    with work_directory() as directory:
        (directory / "logs").mkdir()
        (directory / "p.yaml").write_text(PIPELINE.replace(', follow: true, poll: 50ms', ""))
        lines = "".join('{"n":%d}\n' % n for n in range(1000))
        whole = gzip.compress(lines.encode())
        (directory / "logs/a.log.gz").write_bytes(whole[:len(whole) // 2])
        (directory / "logs/b.log").write_text('{"n":1000}\n')
        code, _, stderr = run(RUN, directory)
        check(code == 1 and "a.log.gz" in stderr.splitlines()[-1], "exit code %d: %s" % (code, stderr))
        check(read_lines(directory / "out/all.ndjson") == [{"n": 1000}], "the other file was not read")
        (directory / "logs/a.log.gz").write_bytes(whole)
        code, _, stderr = run(RUN, directory)
        check(code == 0, stderr)
        check([line["n"] for line in read_lines(directory / "out/all.ndjson")] == [1000, *range(1000)], "read again")


main(rotation_under_load_and_kills, a_folder_is_read_once_whatever_its_files_are_called_next_time,
     a_file_that_cannot_be_read_fails_the_run_when_the_others_are_read)
