"""The event log encrypted at rest: run, look into it, rotate the key, and what is said when a key is wrong."""
import json
import os

from harness import Instance, check, check_equal, main, request, run, work_directory

PIPELINE = """
name: hooks
log: {encryption: {%s}}
sources: [{http: {path: /in}}]
sinks: [{file: {path: out.ndjson}}]
"""
OLD, NEW = "11" * 32, "22" * 32


def key_file(directory, *keys, name="log.key"):
    path = directory / name
    path.write_text("# the newest first\n" + "".join(key + "\n" for key in keys))
    path.chmod(0o600)


def ran(directory, texts, settings="key_file: log.key", environment=None):
    (directory / "p.yaml").write_text(PIPELINE % settings)
    instance = Instance("p.yaml", directory, environment=environment)
    for text in texts:
        status, _, body = request(instance.listen, "POST", "/in", json.dumps({"text": text}))
        check_equal(status, 200, body)
    check_equal(instance.stop(), 0, instance.stderr())
    return instance


def refused(directory, settings="key_file: log.key"):
    (directory / "p.yaml").write_text(PIPELINE % settings)
    code, _, err = run(["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "off"], directory)
    check_equal(code, 2, err)
    check(OLD[:8] not in err and NEW[:8] not in err, "a key is printed: " + err)
    return err


def cat(directory, *arguments):
    code, out, err = run(["log", "cat", "hooks", "--data-dir", "data", *arguments], directory)
    check_equal(code, 0, err)
    return [json.loads(line)["text"] for line in out.splitlines()]


def bytes_below(directory):
    return b"".join(open(os.path.join(folder, name), "rb").read()
                    for folder, _, names in os.walk(directory) for name in names)


def what_is_stored_can_be_read_with_the_key_alone():
    with work_directory() as directory:
        key_file(directory, OLD)
        instance = ran(directory, ["a text that is secret"])
        check("the log is encrypted with the key" in instance.stderr(), instance.stderr())
        check(b"that is secret" not in bytes_below(directory / "data"), "the text stands on the disk")
        check_equal(cat(directory, "--key-file", "log.key"), ["a text that is secret"], "with --key-file")
        check_equal(cat(directory, "--pipeline", "p.yaml"), ["a text that is secret"], "with --pipeline")
        for variable, value in (("COLLOQUIUM_LOG_KEY", OLD), ("COLLOQUIUM_LOG_KEY_FILE", "log.key")):
            code, out, err = run(["log", "cat", "hooks", "--data-dir", "data"], directory, environment={variable: value})
            check_equal(code, 0, err)
            check("that is secret" in out, out)
        code, out, err = run(["log", "cat", "hooks", "--data-dir", "data"], directory)
        check_equal(code, 1, err)
        check("is encrypted with the key" in err and "--key-file" in err and not out, err)
        code, out, err = run(["log", "ls", "--data-dir", "data"], directory)
        check("hooks" in out, err)


def verify_checks_what_it_can_without_the_key():
    with work_directory() as directory:
        key_file(directory, OLD)
        ran(directory, ["a", "b"])
        code, out, _ = run(["log", "verify", "--data-dir", "data", "--key-file", "log.key"], directory)
        check_equal(code, 0, out)
        check("is not given" not in out and "2 events" in out, out)
        code, out, _ = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, out)
        check("segments are encrypted with the key" in out and "2 events" in out, out)


def a_key_is_rotated_by_putting_a_new_one_in_front():
    with work_directory() as directory:
        key_file(directory, OLD)
        ran(directory, ["first"])
        key_file(directory, NEW, OLD)
        ran(directory, ["second"])
        check_equal(cat(directory, "--key-file", "log.key"), ["first", "second"], "with both keys")
        ran(directory, ["third"], "key: '${KEYS}'", {"KEYS": NEW + " " + OLD})
        check_equal(cat(directory, "--key-file", "log.key"), ["first", "second", "third"], "from the environment")
        key_file(directory, NEW)
        check("encrypted with the key" in refused(directory), "the old key is gone")


def a_wrong_setting_is_told_with_its_place_and_without_the_key():
    with work_directory() as directory:
        key_file(directory, OLD)
        ran(directory, ["first"])
        key_file(directory, NEW)
        err = refused(directory)
        check("is encrypted with the key" in err and "the keys given are" in err, err)
        check("p.yaml:3:" in refused(directory, "key_file: missing.key"), "a missing file")
        key_file(directory, OLD[2:])
        err = refused(directory)
        check("p.yaml:3:" in err and "openssl rand -hex 32" in err, err)
        key_file(directory, OLD)
        (directory / "log.key").chmod(0o644)
        err = refused(directory)
        check("p.yaml:3:" in err and "may be read by others" in err and "chmod 600" in err, err)
        err = refused(directory, "key_file: log.key, key: " + OLD)
        check("p.yaml:3:" in err and "needs either key_file or key" in err, err)
        err = refused(directory, "key: '" + OLD + "x'")
        check("p.yaml:3:" in err and "is no key" in err, err)


def an_encrypted_log_is_written_in_the_clear_only_where_asked_for():
    with work_directory() as directory:
        key_file(directory, OLD)
        ran(directory, ["secret"])
        instance = ran(directory, ["a text in the clear"], "key_file: log.key, decrypt_only: true")
        check("written in the clear" in instance.stderr(), instance.stderr())
        check(b"a text in the clear" in bytes_below(directory / "data" / "streams"), "it is not in the clear")
        check_equal(cat(directory, "--key-file", "log.key"), ["secret", "a text in the clear"], "both")


main(what_is_stored_can_be_read_with_the_key_alone, verify_checks_what_it_can_without_the_key,
     a_key_is_rotated_by_putting_a_new_one_in_front, a_wrong_setting_is_told_with_its_place_and_without_the_key,
     an_encrypted_log_is_written_in_the_clear_only_where_asked_for)
