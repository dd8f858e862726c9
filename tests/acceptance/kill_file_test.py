"""[REQ-008] [REQ-009] [REQ-174] [REQ-176] From file to file through the log: the process is killed again and again,
also while it recovers, and in the end every line of the input is in the output exactly once and in order.

COLLOQUIUM_KILLS sets how often (default 12)."""
import os
import random

from harness import Instance, check, main, read_lines, run, size_of, wait_for, work_directory

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "12"))
EVENTS = 400_000
WRITTEN = EVENTS * 20  # bytes, about

PIPELINE = """
name: copy
{log}
sources:
  - file: {{path: in.ndjson}}
stages:
  - computo: [obj, n, ["$input", "/n"], double, ["*", 2, ["$input", "/n"]]]
sinks:
  - name: all
    file: {{path: out/all.ndjson}}
  - name: even
    when: ["==", 0, ["%", ["$input", "/n"], 2]]
    file: {{path: out/even.ndjson}}
"""


def kill_somewhere(instance, chance, out, even_steps):
    """Kills it: one time in three while it starts, else when it has written some more; an even share of the whole
    each, so that the last kill still finds something to do. Returns whether it had ended before."""
    if chance.randrange(3) == 0:
        running = instance.wait_calls(chance.randrange(1, 150))
    else:
        goal = size_of(out) + chance.randrange(1, even_steps)
        wait_for(lambda: instance.process.poll() is not None or size_of(out) >= goal, "more lines", 60, 0.0005)
        running = instance.process.poll() is None
    if not running:
        check(instance.process.returncode == 0, "ended by itself with an error:\n" + instance.stderr())
    instance.kill()
    return not running


def kill_until_done(log_setting):
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    print("  seed", seed)
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE.format(log=log_setting))
        with open(directory / "in.ndjson", "w") as file:
            for n in range(EVENTS):
                file.write('{"n":%d,"pad":"%s"}\n' % (n, "x" * (n % 97)))
        survived = 0
        for _ in range(KILLS):
            instance = Instance("p.yaml", directory, wait=False)
            survived += kill_somewhere(instance, chance, directory / "out/all.ndjson", WRITTEN // KILLS)
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              directory, timeout=120)
        check(code == 0, "the last run failed:\n" + stderr)
        print("  %d kills, %d runs ended before theirs" % (KILLS, survived))
        check(survived <= KILLS // 4, "most kills came too late: the test shows nothing")
        got = [line["n"] for line in read_lines(directory / "out/all.ndjson")]
        check(got == list(range(EVENTS)), "the output is not the input: %d lines, first difference at %s"
              % (len(got), next((i for i, n in enumerate(got) if n != i), "the end")))
        even = [line["n"] for line in read_lines(directory / "out/even.ndjson")]
        check(even == list(range(0, EVENTS, 2)), "the filtered output is wrong: %d lines" % len(even))
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              directory)
        check(code == 0 and "--from-start" in stderr, "a second run does not say that the file was read:\n" + stderr)
        check(len(read_lines(directory / "out/all.ndjson")) == EVENTS, "a second run wrote again")


def logged():
    kill_until_done("")


def logged_in_four_partitions_loses_and_repeats_nothing():
    """Order holds per partition only, so this compares as sets and counts."""
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE.format(log="log: {partitions: 4, partition_by: [$input, /n]}"))
        with open(directory / "in.ndjson", "w") as file:
            for n in range(EVENTS):
                file.write('{"n":%d}\n' % n)
        chance = random.Random(KILLS)
        for _ in range(KILLS // 2):
            instance = Instance("p.yaml", directory, wait=False)
            kill_somewhere(instance, chance, directory / "out/all.ndjson", WRITTEN // KILLS)
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                              directory, timeout=120)
        check(code == 0, "the last run failed:\n" + stderr)
        got = [line["n"] for line in read_lines(directory / "out/all.ndjson")]
        check(len(got) == EVENTS and sorted(got) == list(range(EVENTS)), "lost or repeated: %d lines" % len(got))


def log_off():
    kill_until_done("log: off")


def log_off_with_a_folder_of_files():
    """Each file is read by itself, and its lines keep their order."""
    files = 8
    chance = random.Random(KILLS)
    with work_directory() as directory:
        pipeline = PIPELINE.format(log="log: off").replace("path: in.ndjson", "path: in/*.ndjson")
        (directory / "p.yaml").write_text(pipeline)
        (directory / "in").mkdir()
        writers = [open(directory / "in" / ("%d.ndjson" % i), "w") for i in range(files)]
        for n in range(EVENTS):
            writers[n % files].write('{"n":%d}\n' % n)
        for file in writers:
            file.close()
        survived = 0
        for _ in range(KILLS):
            instance = Instance("p.yaml", directory, wait=False)
            survived += kill_somewhere(instance, chance, directory / "out/all.ndjson", WRITTEN // KILLS)
        check(survived <= KILLS // 4, "most kills came too late: the test shows nothing")
        arguments = ["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        for wanted in (EVENTS, EVENTS, EVENTS + 1):
            if wanted > EVENTS:
                (directory / "in" / "new.ndjson").write_text('{"n":%d}\n' % EVENTS)
            code, _, stderr = run(arguments, directory, timeout=120)
            check(code == 0, "the last run failed:\n" + stderr)
            got = [line["n"] for line in read_lines(directory / "out/all.ndjson")]
            check(len(got) == wanted and sorted(got) == list(range(wanted)), "lost or repeated: %d lines" % len(got))
        last = [-1] * files
        for n in got[:EVENTS]:
            check(last[n % files] < n, "the lines of a file are out of order")
            last[n % files] = n


main(logged, logged_in_four_partitions_loses_and_repeats_nothing, log_off, log_off_with_a_folder_of_files)
