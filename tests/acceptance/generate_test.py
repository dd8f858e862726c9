"""[REQ-016] Generated events: the same for the same seed, each exactly once although the process is killed again and
again, and a rate that is kept."""
import json
import random
import time

from harness import Instance, check, check_equal, main, read_lines, run, size_of, wait_for, work_directory

PORTS = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
EVENTS = 300_000
KILLS = 6
LINE = 60  # bytes of the shortest line, and some


def pipeline(settings, log=""):
    return ("name: mock\n%ssources:\n  - generate: {template: {n: '{{n}}', id: '{{uuid}}', who: '{{name}}'}, %s}\n"
            "sinks:\n  - file: {path: out.ndjson}\n" % (log, settings))


def generated(directory, settings, *arguments):
    (directory / "p.yaml").write_text(pipeline(settings))
    code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", *PORTS, *arguments], directory, timeout=120)
    check(code == 0, "the run failed:\n" + stderr)
    return (directory / "out.ndjson").read_bytes(), stderr


def the_same_seed_gives_the_same_bytes():
    texts = []
    for seed in (1, 1, 2):
        with work_directory() as directory:
            texts.append(generated(directory, "count: 5000, rate: 0, seed: %d" % seed)[0])
    check(texts[0] == texts[1], "two runs with one seed differ")
    check(texts[0] != texts[2], "two seeds give the same")
    lines = [json.loads(line) for line in texts[0].splitlines()]
    check_equal([line["n"] for line in lines], list(range(5000)), "numbers")
    check_equal(len({line["id"] for line in lines}), 5000, "different ids")


def a_second_run_has_nothing_left_and_from_start_makes_them_again():
    with work_directory() as directory:
        first, _ = generated(directory, "count: 1000, rate: 0")
        again, stderr = generated(directory, "count: 1000, rate: 0")
        check(first == again, "a second run wrote more")
        check("--from-start" in stderr, "a second run does not say why:\n" + stderr)
        more, _ = generated(directory, "count: 1500, rate: 0")
        check_equal(len(more.splitlines()), 1500, "lines after the count was raised")
        twice, _ = generated(directory, "count: 1500, rate: 0", "--from-start")
        check(twice == more + more, "from the start came something else")


def killed(log):
    chance = random.Random(time.monotonic_ns())
    with work_directory() as directory:
        (directory / "p.yaml").write_text(pipeline("count: %d, rate: 0" % EVENTS, log))
        out = directory / "out.ndjson"
        for _ in range(KILLS):
            instance = Instance("p.yaml", directory, wait=False)
            goal = size_of(out) + chance.randrange(1, EVENTS * LINE // KILLS)
            wait_for(lambda: size_of(out) >= goal, "more lines", pause=0.0005)
            check(instance.process.poll() is None, "it was through before its kill")
            instance.kill()
        code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", *PORTS], directory, timeout=120)
        check(code == 0, "the last run failed:\n" + stderr)
        got = [line["n"] for line in read_lines(directory / "out.ndjson")]
        check(got == list(range(EVENTS)), "%d lines, first difference at %s"
              % (len(got), next((i for i, n in enumerate(got) if n != i), "the end")))


def every_event_once_although_the_process_is_killed():
    killed("")


def every_event_once_without_a_log_too():
    killed("log: off\n")


def a_rate_is_kept():
    with work_directory() as directory:
        begun = time.monotonic()
        text, _ = generated(directory, "count: 1000, rate: 500")
        took = time.monotonic() - begun
        check_equal(len(text.splitlines()), 1000, "lines")
        check(took >= 1.9, "a thousand events at 500 a second came in %.2f s" % took)


main(the_same_seed_gives_the_same_bytes, a_second_run_has_nothing_left_and_from_start_makes_them_again,
     every_event_once_although_the_process_is_killed, every_event_once_without_a_log_too, a_rate_is_kept)
