"""[REQ-018] [REQ-174] A file sink with `rotate`: the process is killed again and again, and in the end the finished files
hold every event exactly once, in order per name.

COLLOQUIUM_KILLS sets how often (default 12)."""
import gzip
import json
import os
import random

from harness import Instance, check, main, run, wait_for, work_directory

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "12"))
EVENTS = 300_000
RUN = ["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]

PIPELINE = """
name: split
sources:
  - file: {path: in.ndjson}
sinks:
  - name: by-key
    file:
      path: "out/{$input/key}/all.ndjson.gz"
      rotate: {count: 7000, max_open_files: 3}
      compression: gzip
  - name: whole
    file: {path: whole/all.ndjson, rotate: {size: 256KiB}}
"""


def finished(folder):
    """The lines of the finished files under a folder, in the order of their numbers."""
    lines = []
    for path in sorted(folder.iterdir(), key=lambda p: (len(p.name), p.name)):
        check(not path.name.endswith(".part"), "not finished: %s" % path)
        lines += (gzip.open(path) if path.name.endswith(".gz") else open(path, "rb")).read().splitlines()
    return [json.loads(line)["n"] for line in lines]


def killed_again_and_again():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    print("  seed", seed)
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with open(directory / "in.ndjson", "w") as file:
            for n in range(EVENTS):
                file.write('{"n":%d,"key":"k/%d"}\n' % (n, n // 1000 % 5))
        with_open_files = 0
        for _ in range(KILLS):
            goal = len(list(directory.glob("whole/*"))) + chance.randrange(3)
            instance = Instance("p.yaml", directory, wait=False)
            # By what was written, so that a fast machine kills as often in the middle as a slow one.
            wait_for(lambda: instance.process.poll() is not None
                     or any(directory.glob("whole/*.part")) and len(list(directory.glob("whole/*"))) > goal,
                     "a file that is being written", pause=0.001)
            if instance.process.poll() is not None:
                check(instance.process.returncode == 0, "ended by itself with an error:\n" + instance.stderr())
            instance.kill()
            with_open_files += any(directory.glob("whole/*.part"))
        code, _, stderr = run(RUN, directory, timeout=120)
        check(code == 0, "the last run failed:\n" + stderr)
        print("  %d kills, %d of them with files under way" % (KILLS, with_open_files))
        check(with_open_files > KILLS // 4, "no kill fell while a file was written: the run says nothing")
        got = finished(directory / "whole")
        check(got == list(range(EVENTS)), "lost, repeated or out of order: %d events" % len(got))
        for key in range(5):
            got = finished(directory / "out" / ("k%%2F%d" % key))
            check(got == [n for n in range(EVENTS) if n // 1000 % 5 == key], "key %d: %d events" % (key, len(got)))
        check(all(path.stat().st_size <= 256 << 10 for path in (directory / "whole").iterdir()), "a file is too long")


main(killed_again_and_again)
