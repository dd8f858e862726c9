"""[REQ-007] `log replay` and `log diff` of an encrypted stream, and of one that retention cuts: what is gone is said, and
never passed over."""
import json
import random
import subprocess

from harness import Instance, binary, check, check_equal, main, read_lines, request, run, wait_for, work_directory

ORDERS = """
name: orders
log: {compression: none%s}
sources: [{name: hook, http: {path: /in}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""
COPY = """
name: copy
%ssources: [{http: {path: /other}}]
stages: [{computo: ["obj", "n", ["$input", "/n"]]}]
sinks: [{name: out, file: {path: %s}}]
"""
SIZE = ", retention: {size: 2MiB}"


def post_megabytes(instance, numbers):
    for n in numbers:
        text = random.Random(n).randbytes(500_000).hex()
        status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n, "text": text}))
        check_equal(status, 200, body)


def filled(directory, numbers, settings=""):
    (directory / "orders.yaml").write_text(ORDERS % settings)
    instance = Instance("orders.yaml", directory)
    post_megabytes(instance, numbers)
    wait_for(lambda: any(line["n"] == numbers[-1] for line in read_lines(directory / "out.ndjson")), "the sink")
    return instance


def copied(directory, name="copy.ndjson"):
    return [line["n"] for line in read_lines(directory / name)]


def verb(directory, name, *arguments, code=0):
    got, out, err = run(["log", name, "orders", "--data-dir", "data", *arguments], directory)
    check_equal(got, code, out + err)
    return out + err


def an_encrypted_stream_is_replayed_and_compared_with_the_key():
    with work_directory() as directory:
        for name, key in (("log.key", "11"), ("new.key", "22")):
            (directory / name).write_text(key * 32)
            (directory / name).chmod(0o600)
        secret = ", encryption: {key_file: log.key}"
        check_equal(filled(directory, range(3), secret).stop(), 0, "stop")
        for name, settings in (("plain", ""), ("keyed", "log: {encryption: {key_file: log.key}}\n"),
                               ("wrong", "log: {encryption: {key_file: new.key}}\n")):
            (directory / (name + ".yaml")).write_text(COPY.replace("name: copy", "name: " + name)
                                                      % (settings, name + ".ndjson"))
        for pipeline in ("plain.yaml", "wrong.yaml"):
            told = verb(directory, "replay", "--pipeline", pipeline, code=2)
            check("is encrypted with the key" in told and "--key-file" in told, told)
            told = verb(directory, "diff", "--pipeline", pipeline, "--pipeline", pipeline, code=1)
            check("is encrypted with the key" in told and "--key-file" in told, told)
        verb(directory, "replay", "--pipeline", "keyed.yaml")
        check_equal(copied(directory, "keyed.ndjson"), [0, 1, 2], "with the pipeline's key")
        verb(directory, "replay", "--pipeline", "plain.yaml", "--key-file", "log.key")
        check_equal(copied(directory, "plain.ndjson"), [0, 1, 2], "with --key-file")
        told = verb(directory, "diff", "--pipeline", "keyed.yaml", "--pipeline", "plain.yaml")
        check("3 equal, 0 changed" in told, told)
        # What the replays have kept of themselves, dead letters among it, is stored as the rest is.
        check("0 problems" in verb_verify(directory), "verify")
        # The key is rotated: what is older is opened by the old one.
        (directory / "log.key").write_text("33" * 32 + "\n" + "11" * 32)
        check_equal(filled(directory, range(3, 5), secret).stop(), 0, "stop")
        (directory / "keyed.ndjson").unlink()
        with Instance("orders.yaml", directory) as instance:
            (directory / "keyed.yaml").write_text(COPY.replace("name: copy", "name: again") % (
                "log: {encryption: {key_file: log.key}}\n", "again.ndjson"))
            told = verb(directory, "replay", "--pipeline", "keyed.yaml")
            check("no progress is kept" in told, told)
            check_equal(copied(directory, "again.ndjson"), list(range(5)), "beside a running process, with both keys")
            check_equal(instance.stop(), 0, instance.stderr())


def verb_verify(directory):
    code, out, err = run(["log", "verify", "--data-dir", "data", "--key-file", "log.key"], directory)
    check_equal(code, 0, out + err)
    return out


def an_interrupted_replay_of_an_encrypted_stream_goes_on():
    with work_directory() as directory:
        (directory / "log.key").write_text("11" * 32)
        (directory / "log.key").chmod(0o600)
        check_equal(filled(directory, range(4), ", encryption: {key_file: log.key}").stop(), 0, "stop")
        (directory / "copy.yaml").write_text(COPY % ("log: {encryption: {key_file: log.key}}\n", "copy.ndjson"))
        with subprocess.Popen([binary(), "log", "replay", "orders", "--data-dir", "data", "--pipeline", "copy.yaml",
                               "--rate", "0.5"], cwd=directory, stderr=subprocess.PIPE) as replay:
            generation = replay.stderr.readline().split()[1].rstrip(b":").decode()
            wait_for(lambda: copied(directory), "the first event")
            replay.kill()
        verb(directory, "replay", "--pipeline", "copy.yaml", "--resume", generation)
        check_equal(copied(directory), [0, 1, 2, 3], "every event once")


def what_retention_has_removed_is_refused_before_anything_is_done():
    with work_directory() as directory:
        with filled(directory, range(8), SIZE) as instance:
            wait_for(lambda: instance.metric("colloquium_log_removed_bytes_total") > 4_000_000, "retention")
            oldest = int(instance.metric("colloquium_stream_oldest_offset", component="orders"))
            check_equal(instance.stop(), 0, instance.stderr())
        (directory / "copy.yaml").write_text(COPY % ("", "copy.ndjson"))
        (directory / "other.yaml").write_text(COPY.replace("name: copy", "name: other") % ("", "other.ndjson"))
        for arguments in (("replay", "--pipeline", "copy.yaml"), ("export",),
                          ("diff", "--pipeline", "copy.yaml", "--pipeline", "other.yaml")):
            for begin in ("0", str(oldest - 1), "2020-01-01T00:00Z"):
                told = verb(directory, *arguments, "--from", begin, code=2)
                check("retention has removed a part of that from orders/0: offsets below %d, appended up to 20" % oldest
                      in told and "--from beginning" in told, told)
        check(not (directory / "copy.ndjson").exists(), "a file was made")
        kept = [json.loads(line)["n"] for line in verb(directory, "cat").splitlines()]
        verb(directory, "replay", "--pipeline", "copy.yaml", "--from", "beginning")
        check_equal(copied(directory), kept, "--from beginning")
        verb(directory, "replay", "--pipeline", "other.yaml", "--from", str(oldest))
        check_equal(copied(directory, "other.ndjson"), kept, "--from the oldest")


def what_is_removed_while_it_is_replayed_ends_the_replay():
    with work_directory() as directory:
        with filled(directory, range(9), ", retention: {size: 10MiB}") as instance:
            # Only what is certainly on disk can be read beside it, which takes up to a second.
            wait_for(lambda: len(verb(directory, "cat").splitlines()) == 9, "all events to be marked as synced")
            (directory / "copy.yaml").write_text(COPY % ("", "copy.ndjson"))
            with subprocess.Popen([binary(), "log", "replay", "orders", "--data-dir", "data", "--pipeline", "copy.yaml",
                                   "--rate", "0.5"], cwd=directory, stderr=subprocess.PIPE) as replay:
                wait_for(lambda: copied(directory), "the first event")
                post_megabytes(instance, range(9, 19))
                err = replay.communicate(timeout=60)[1].decode()
                check_equal(replay.returncode, 1, err)
            check("was removed by retention; the oldest offset left is" in err, err)
            # What it has read it has delivered; the file of a removed segment that was open is read to its end.
            check(0 < len(copied(directory)) < 9 and copied(directory) == list(range(len(copied(directory)))),
                  str(copied(directory)))
            check_equal(instance.stop(), 0, instance.stderr())


def a_replay_that_was_overtaken_is_not_resumed_over_a_gap():
    with work_directory() as directory:
        check_equal(filled(directory, range(4)).stop(), 0, "stop")
        (directory / "copy.yaml").write_text(COPY % ("", "copy.ndjson"))
        with subprocess.Popen([binary(), "log", "replay", "orders", "--data-dir", "data", "--pipeline", "copy.yaml",
                               "--rate", "0.1"], cwd=directory, stderr=subprocess.PIPE) as replay:
            generation = replay.stderr.readline().split()[1].rstrip(b":").decode()
            wait_for(lambda: copied(directory), "the first event")
            replay.kill()
        # What the replay has not done yet would hold retention back, if that were not told otherwise.
        with filled(directory, range(4, 9), ", retention: {size: 2MiB, drop_unread: true}") as instance:
            wait_for(lambda: instance.metric("colloquium_log_removed_bytes_total") > 4_000_000, "retention")
            check_equal(instance.stop(), 0, instance.stderr())
        told = verb(directory, "replay", "--pipeline", "copy.yaml", "--resume", generation, code=2)
        check("was removed by retention; the oldest offset left is" in told, told)
        check_equal(copied(directory), [0], "what was replayed")


main(an_encrypted_stream_is_replayed_and_compared_with_the_key, an_interrupted_replay_of_an_encrypted_stream_goes_on,
     what_retention_has_removed_is_refused_before_anything_is_done, what_is_removed_while_it_is_replayed_ends_the_replay,
     a_replay_that_was_overtaken_is_not_resumed_over_a_gap)
