"""[REQ-001] [REQ-176] Tools that are not ours: curl posts, jq reads what came out, strace makes system calls fail."""
import json
import shutil
import subprocess

from harness import Instance, check, check_equal, main, read_lines, request, run, skip, wait_for, work_directory

PIPELINE = """
name: orders
sources:
  - name: hook
    http: {path: /in, split: true}
sinks:
  - file: {path: out.ndjson}
"""
JSON = ["-H", "Content-Type: application/json"]


def needs(tool):
    if shutil.which(tool) is None:
        skip("no %s here (packaging/deps test installs it)" % tool)


def curl(instance, *arguments, body=None):
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code} %{num_connects}\n", *arguments,
                           "http://127.0.0.1:%d/in" % instance.listen], input=body, capture_output=True, timeout=60,
                          check=True)
    return done.stdout.decode().splitlines()


def curl_posts_as_curl_does():
    needs("curl")
    needs("jq")
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        large = json.dumps([{"n": n, "text": "x" * 1000} for n in range(3000)])
        (directory / "large.json").write_text(large)
        (directory / "small.json").write_text('[{"n":-1,"text":"é"}]')
        with Instance("p.yaml", directory) as instance:
            # A body of more than a megabyte makes curl ask first (Expect: 100-continue).
            answer = curl(instance, *JSON, "--data-binary", "@%s" % (directory / "large.json"))
            check_equal(answer[-1].split()[0], "200", "a large body: %s" % answer)
            check_equal(json.loads(answer[0])["accepted"], 3000, "events of the large body")
            chunked = curl(instance, *JSON, "-H", "Transfer-Encoding: chunked", "-T", "-", "-X", "POST",
                           body=b'[{"n":-2},{"n":-3}]')
            check_equal(json.loads(chunked[0])["accepted"], 2, "events of a chunked body")
            zipped = subprocess.run(["gzip", "-c", str(directory / "small.json")], capture_output=True, check=True).stdout
            answer = curl(instance, *JSON, "-H", "Content-Encoding: gzip", "--data-binary", "@-", body=zipped)
            check_equal(json.loads(answer[0])["accepted"], 1, "events of a body that was compressed")
            url = "http://127.0.0.1:%d/in" % instance.listen
            twice = curl(instance, *JSON, "-d", '[{"n":-4}]', url)
            check_equal([line.split() for line in twice if line.startswith("200")], [["200", "1"], ["200", "0"]],
                        "the second request takes the connection of the first")
            check_equal(instance.stop(), 0, "exit code")
        total = subprocess.run(["jq", "-s", "[length, (map(.n) | add), (map(select(.n == -1)) | .[0].text)]", "-c",
                                str(directory / "out.ndjson")], capture_output=True, check=True).stdout.decode().strip()
        check_equal(total, '[3005,%d,"é"]' % (sum(range(3000)) - 1 - 2 - 3 - 4 - 4), "what jq makes of the output")


class Traced(Instance):
    """An instance whose system calls fail as strace is told."""

    def __init__(self, inject, directory, path=None):
        # -D: the process is ours, and strace its grandchild, so signals and exit codes are those of the binary.
        strace = ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-e", "trace=%s" % inject.split(":")[0], "-e",
                  "inject=" + inject, "-o", str(directory / "strace.txt")]
        if path is not None:
            strace += ["-P", str(path)]
        super().__init__("p.yaml", directory, prefix=strace)

    def post(self, n):
        status, headers, _ = request(self.listen, "POST", "/in", json.dumps([{"n": n}]),
                                     {"Content-Type": "application/json"})
        return status, headers


def can_trace():
    needs("strace")
    if subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], check=False).returncode != 0:
        skip("strace may not trace here")


def a_disk_that_fails_to_sync_ends_the_process_and_loses_nothing():
    can_trace()
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        accepted = []
        with Traced("fdatasync:error=EIO:when=25+", directory) as instance:
            for n in range(500):
                try:
                    status, _ = instance.post(n)
                except OSError:
                    break
                if status == 200:
                    accepted.append(n)
            check_equal(instance.process.wait(20), 1, "exit code when the disk fails")
            check("I/O error" in instance.stderr() or "Input/output error" in instance.stderr(),
                  "the disk's error is not told:\n" + instance.stderr())
        check(0 < len(accepted) < 500, "%d were accepted: the fault did not come in between" % len(accepted))
        with Instance("p.yaml", directory) as again:
            check_equal(again.stop(), 0, "exit code of the next run")
        lines = [line["n"] for line in read_lines(directory / "out.ndjson")]
        check_equal([n for n in accepted if lines.count(n) != 1], [], "acknowledged events not in the file once")


def a_disk_that_is_full_for_a_while_is_waited_for():
    can_trace()
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        refused = 0
        with Instance("p.yaml", directory) as first:
            check_equal(first.stop(), 0, "exit code of the first run")
        segment = (directory / "data/streams/orders/0/00000000000000000000.log").resolve()
        with Traced("pwritev:error=ENOSPC:when=10..13", directory, segment) as instance:
            for n in range(80):
                def answered(n=n):
                    nonlocal refused
                    check(instance.process.poll() is None, "it ended:\n" + instance.stderr())
                    try:
                        status, headers = instance.post(n)
                    except OSError as error:
                        raise AssertionError("%s: %s" % (error, instance.stderr())) from error
                    if status == 200:
                        return True
                    check_equal((status, "Retry-After" in headers), (503, True), "the answer of a full disk")
                    refused += 1
                    return False
                wait_for(answered, "event %d to be accepted" % n)
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 80, "all of them in the file")
            check_equal(instance.stop(), 0, "exit code")
        lines = [line["n"] for line in read_lines(directory / "out.ndjson")]
        check_equal(lines, list(range(80)), "the lines of the file")
        check(refused > 0, "no write failed")
        print("  %d requests were refused for want of space" % refused)
        code, out, err = run(["log", "verify", "--data-dir", "data"], directory)
        check_equal(code, 0, "log verify: " + out + err)


main(curl_posts_as_curl_does, a_disk_that_fails_to_sync_ends_the_process_and_loses_nothing,
     a_disk_that_is_full_for_a_while_is_waited_for)
