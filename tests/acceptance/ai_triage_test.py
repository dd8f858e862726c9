"""[REQ-088] The example examples/ai-triage runs as its script starts it, without a key: issues come out by their labels, each with
what it cost."""
import json
import os
import socket
import subprocess

from harness import REPOSITORY, binary, check, check_equal, main, read_lines, work_directory


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def issues_go_where_their_label_says():
    with work_directory() as directory:
        environment = {**os.environ, "TRIAGE_ONCE": "1", "TRIAGE_DIR": str(directory / "triage"), "COLLOQUIUM": binary(),
                       "LISTEN": "127.0.0.1:%d" % free_port(), "ADMIN": "127.0.0.1:%d" % free_port()}
        environment.pop("OPENAI_API_KEY", None)
        done = subprocess.run([REPOSITORY / "examples/ai-triage/run.sh"], env=environment, capture_output=True, timeout=90)
        said = done.stdout.decode() + done.stderr.decode()
        check_equal(done.returncode, 0, said)
        out = directory / "triage" / "out"
        found = {name: [one["number"] for one in read_lines(out / (name + ".ndjson"))] for name in ("security", "bugs", "others")}
        check_equal(found, {"security": [44], "bugs": [41], "others": [42, 43]}, "where the issues went")
        check(all(one["asked"]["cost_usd"] > 0 for one in read_lines(out / "others.ndjson")), said)
        records = subprocess.run([binary(), "log", "cat", "issues.calls", "--data-dir", directory / "triage/colloquium-data"],
                                 capture_output=True, check=True).stdout
        kinds = [json.loads(line)["kind"] for line in records.splitlines() if b'"kind"' in line]
        check_equal(sorted(kinds), ["answer"] * 4 + ["intent"] * 4, "what is recorded")


main(issues_go_where_their_label_says)
