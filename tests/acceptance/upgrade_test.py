"""[REQ-010] Data directories that earlier versions wrote are opened by this one: after a clean stop and after a kill,
verified, read to the byte, and gone on with; ids that came before are known, and legs go on where they stood."""
import hashlib
import json
import shutil

from harness import REPOSITORY, Instance, check, check_equal, main, request, run, wait_for, work_directory

FORMATS = sorted(path.parent for path in (REPOSITORY / "tests" / "compliance" / "formats").glob("*/events.ndjson"))
CODECS = ("none", "gzip", "lz4", "zstd")


def post(instance, codec, lines):
    status, _, body = request(instance.listen, "POST", "/" + codec, "\n".join(lines).encode(),
                              {"Content-Type": "application/x-ndjson"})
    check_equal(status, 200, body)
    return json.loads(body)


def opened(kept, state, count):
    """`count` of the kept events are in each stream of this state."""
    events = (kept / "events.ndjson").read_text(encoding="utf-8").splitlines()
    with work_directory() as directory:
        shutil.copytree(kept / state, directory / "data")
        for codec in CODECS:
            shutil.copy(kept / (codec + ".yaml"), directory)
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, "verify: %s%s" % (out, err))
        pipelines = [codec + ".yaml" for codec in CODECS]
        with Instance(pipelines[0], directory, arguments=pipelines[1:]) as instance:
            for codec in CODECS:
                check_equal(post(instance, codec, events[:count])["duplicates"], count, "%s: ids that came before" % codec)
                check_equal(post(instance, codec, events)["accepted"], len(events) - count, "%s: new ones" % codec)
            check_equal(instance.stop(), 0, instance.stderr())
            written = [json.loads(line)["n"] for line in instance.stderr().splitlines() if line.startswith("{")]
        new = set(range(40, len(events)))  # to the sinks; of a killed run some may have been written and committed
        least = set(range(count, len(events)))  # posted just now
        check(set(written) == new if state == "clean" else least <= set(written) <= new, "written: %s" % sorted(set(written)))
        check_equal(len(written) % 4 if state == "clean" else 0, 0, "each once a stream")
        for codec in CODECS:
            code, out, err = run(["log", "cat", codec, "--data-dir", "data"], directory)
            check_equal((code, sorted(out.splitlines())), (0, sorted(events)), "log cat %s: %s" % (codec, err))


def data_directories_of_every_format_are_opened_and_gone_on_with():
    check(FORMATS, "no kept data directories")
    for kept in FORMATS:
        opened(kept, "clean", 40)
        opened(kept, "crashed", 60)
        print("  %s: opened after a clean stop and after a kill" % kept.name)


def gone_on_with(kept, name):
    with work_directory() as directory:
        shutil.copytree(kept / name, directory / "data")
        shutil.copy(kept / (name + ".yaml"), directory / "p.yaml")
        (directory / "log.key").write_text("5a" * 32 + "\n")
        (directory / "log.key").chmod(0o600)
        keys = ["--key-file", "log.key"] if name == "encrypted" else []

        def log(verb, *arguments):
            code, out, err = run(["log", verb, *arguments, "--data-dir", "data", *keys], directory)
            check_equal(code, 0, "log %s: %s%s" % (verb, out, err))
            return out

        log("verify")
        shown = log("cat", name)
        check_equal(hashlib.sha256(shown.encode()).hexdigest(), (kept / (name + ".sum")).read_text().strip(), "log cat")
        event = {"n": 1000, "key": "a new one", "turn": 0}
        with Instance("p.yaml", directory) as instance:
            if name == "numbered":
                again = request(instance.listen, "POST", "/in", shown.splitlines()[-1])[2]
                check_equal(json.loads(again)["duplicates"], 1, "what was numbered before")
            check_equal(request(instance.listen, "POST", "/in", json.dumps(event))[0], 200, "a new event")
            wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "the sink to have it")
            check_equal(instance.stop(), 0, instance.stderr())
            written = [json.loads(line) for line in instance.stderr().splitlines() if line.startswith("{")]
        check_equal(written, [event], "what had been written before is not written again")
        log("verify")
        check_equal(log("cat", name).splitlines()[-1], json.dumps(event, separators=(",", ":")), "log cat afterwards")


def what_is_encrypted_compacted_cut_or_numbered_is_opened_and_gone_on_with():
    names = [path.stem for kept in FORMATS for path in sorted((kept / "more").glob("*.sum"))]
    check(len(names) >= 4, "kept: %s" % names)
    for kept in FORMATS:
        for path in sorted((kept / "more").glob("*.sum")):
            gone_on_with(kept / "more", path.stem)
            print("  %s, %s: opened" % (kept.name, path.stem))


main(data_directories_of_every_format_are_opened_and_gone_on_with,
     what_is_encrypted_compacted_cut_or_numbered_is_opened_and_gone_on_with)
