"""[REQ-178] Backups of a process under load, with the real binary over real files: two snapshots that share what is
finished, a backup killed with SIGKILL midway, and a restore from which the pipeline goes on: every event acknowledged
before the backup began is in the output exactly once."""
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time

from harness import Instance, binary, check, check_equal, main, read_lines, request, run, wait_for, work_directory

# Small segments, so that many are finished: an eighth of the size that is kept. The clients' events do not compress.
PIPELINE = """
name: hooks
log: {partitions: 2, partition_by: ["$input", "/id"], compression: none, retention: {size: 16MiB}}
sources:
  - http: {path: /in}
    dedupe: {key: ["$input", "/id"], window: 1h}
sinks: [{file: {path: out.ndjson}}]
"""
CLIENTS = 4
BODY = 50  # events a request


class Load:
    """Clients that post events with ids that rise, each request until it is answered."""

    def __init__(self, instance):
        self.port = instance.listen
        self.stopping = False
        self.lock = threading.Lock()
        self.acknowledged = [0] * CLIENTS
        self.complaints = []
        self.threads = [threading.Thread(target=self.post, args=(i,), daemon=True) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def post(self, client):
        filler = "".join(random.Random(client).choices("abcdefghijklmnop", k=700))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        number = 0
        while not self.stopping:
            body = "".join(json.dumps({"id": "%d-%d" % (client, number + i), "client": client, "n": number + i,
                                       "text": filler}) + "\n" for i in range(BODY))
            try:
                connection.request("POST", "/in", body, {"Content-Type": "application/x-ndjson"})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                return  # the process was killed
            if answer.status in (429, 503):
                time.sleep(0.01)  # as it was asked to: it is a client's pace, nothing is waited for
                continue
            if answer.status != 200:
                self.complaints.append("%d: %r" % (answer.status, text))
                return
            number += BODY
            with self.lock:
                self.acknowledged[client] = number
        connection.close()

    def so_far(self):
        with self.lock:
            return list(self.acknowledged)

    def wait_for_more(self, bytes_more):
        wanted = sum(self.so_far()) + bytes_more // 750
        wait_for(lambda: sum(self.so_far()) >= wanted or self.complaints, "the clients to post more", 120)
        check(not self.complaints, "; ".join(self.complaints[:3]))

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(30)


def log(directory, *arguments, code=0):
    got, out, err = run(["log", *arguments], directory, timeout=120)
    check_equal(got, code, "log %s: %s%s" % (" ".join(str(a) for a in arguments), out, err))
    return out + err


def once_each(lines, acknowledged, what):
    """Every acknowledged event is there, none twice, and those of one client and partition are in order."""
    seen = {}
    for line in lines:
        seen[(line["client"], line["n"])] = seen.get((line["client"], line["n"]), 0) + 1
    twice = [key for key, count in seen.items() if count > 1]
    check(not twice, "%s: %d events more than once, such as %s" % (what, len(twice), twice[:3]))
    missing = [(client, n) for client, count in enumerate(acknowledged) for n in range(count) if (client, n) not in seen]
    check(not missing, "%s: %d of %d acknowledged events are missing, such as %s"
          % (what, len(missing), sum(acknowledged), missing[:3]))


def finished_segments(snapshot):
    return [path.with_suffix(".log") for path in sorted(snapshot.rglob("*.seal"))]


def kill_backups(directory, backup):
    """Backups that are killed once they have made so many files; how many were stopped midway."""
    midway = 0
    made = lambda: sum(len(files) for _, _, files in os.walk(backup))
    for files in (0, 0, 1, 2, 4, 6, 9):
        goal = made() + files
        before = {path.name for path in backup.iterdir() if (path / "MANIFEST").exists()}
        process = subprocess.Popen([binary(), "log", "backup", str(backup), "--data-dir", "data"], cwd=directory,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: process.poll() is not None or made() >= goal, "the backup to make files", pause=0.001)
        process.kill()
        process.wait()
        left = {path.name for path in backup.iterdir() if path.is_dir()} - before
        midway += any(not (backup / name / "MANIFEST").exists() for name in left)
    return midway


def a_backup_under_load_loses_nothing_that_was_acknowledged():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        backup = directory / "backup"
        with Instance("p.yaml", directory) as instance:
            load = Load(instance)
            load.wait_for_more(6 << 20)
            first_before = load.so_far()
            log(directory, "backup", backup, "--data-dir", "data")
            load.wait_for_more(5 << 20)
            second_before = load.so_far()
            told = log(directory, "backup", backup, "--data-dir", "data")
            check(int(re.search(r"(\d+) files? with \d+ bytes? shared", told)[1]) > 0, told)
            midway = kill_backups(directory, backup)
            load.wait_for_more(1 << 20)
            instance.kill()
            load.stop()
        print("  %d events before the first, %d before the second, %d backups killed midway"
              % (sum(first_before), sum(second_before), midway))
        check(midway >= 1, "no backup was killed in the middle of its work")

        first, second = backup / "000001", backup / "000002"
        linked = [path for path in finished_segments(first) if (second / path.relative_to(first)).exists()]
        check(len(linked) >= 2, "only %d finished segments in both snapshots" % len(linked))
        for path in linked:
            check_equal(os.stat(path).st_ino, os.stat(second / path.relative_to(first)).st_ino, "one file, two names")
        # Backups that were killed may have finished, or left names behind: the next one removes those.
        told = log(directory, "backup", backup, "--data-dir", "data", "--keep", "100")
        check(all((path / "MANIFEST").exists() for path in backup.iterdir() if path.is_dir()), "an unfinished snapshot is left")

        # The disk with the log is gone; the output is not.
        shutil.move(directory / "data", directory / "lost")
        shutil.copy2(directory / "out.ndjson", directory / "before.ndjson")
        told = log(directory, "restore", backup, "--snapshot", "2", "--data-dir", "data")
        check("restored into data" in told, told)
        check("0 problems" in log(directory, "verify", "--data-dir", "data"), "verify")
        stored = [json.loads(line) for line in log(directory, "cat", "hooks", "--data-dir", "data").splitlines()]
        check(len(stored) > 0, "nothing was restored")
        with Instance("p.yaml", directory) as instance:
            status, _, body = request(instance.listen, "POST", "/in", json.dumps({"id": "new", "client": 0, "n": -1}))
            check_equal(status, 200, body)
            offsets = list(json.loads(body)["offsets"].values())[0]
            check(offsets[0] > 10 ** 15, "the offset %r was perhaps given out before" % offsets)
            wait_for(lambda: any(line["n"] == -1 for line in read_lines(directory / "out.ndjson")[-200:]), "the new event", 60)
            check_equal(instance.stop(), 0, instance.stderr())
        once_each(read_lines(directory / "out.ndjson"), second_before, "the output after the restore")

        # The first one too, into a directory beside it.
        log(directory, "restore", backup, "--snapshot", "1", "--data-dir", "old")
        check("0 problems" in log(directory, "verify", "--data-dir", "old"), "verify of the first")


def filled(directory, count=20):
    (directory / "p.yaml").write_text(PIPELINE)
    with Instance("p.yaml", directory) as instance:
        for n in range(count):
            status, _, body = request(instance.listen, "POST", "/in", json.dumps({"id": str(n), "client": 0, "n": n}))
            check_equal(status, 200, body)
        check_equal(instance.stop(), 0, instance.stderr())


def snapshots_are_listed_checked_and_thinned_out():
    with work_directory() as directory:
        filled(directory)
        for _ in range(3):
            log(directory, "backup", "b", "--data-dir", "data")
        lines = log(directory, "backup", "b", "--list").splitlines()
        check_equal([line.split()[0] for line in lines], ["SNAPSHOT", "000001", "000002", "000003"], "the list")
        check("as it was written" in log(directory, "restore", "b", "--check"), "check")
        told = log(directory, "backup", "b", "--data-dir", "data", "--keep", "2")
        check("snapshot 000001 was removed" in told and "snapshot 000002 was removed" in told, told)
        check("--keep takes" in log(directory, "backup", "b", "--data-dir", "data", "--keep", "0", code=2), "--keep 0")
        segment = next((directory / "b/000004").rglob("*0.log"))
        with open(segment, "r+b") as file:
            file.seek(80)
            byte = file.read(1)[0]
            file.seek(80)
            file.write(bytes([byte ^ 1]))
        for arguments in (["--check"], ["--data-dir", "new"]):
            told = log(directory, "restore", "b", *arguments, code=1)
            check(str(segment.relative_to(directory)) in told and "restore another snapshot" in told, told)
        # What a restore left unfinished is nobody's to open, and the next one's to begin again.
        code, _, err = run(["run", "p.yaml", "--data-dir", "new", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory)
        check(code != 0 and "was interrupted; 'colloquium log restore'" in err, err)
        check("was interrupted" in log(directory, "ls", "--data-dir", "new", code=2), "ls")
        log(directory, "backup", "c", "--data-dir", "data")
        log(directory, "restore", "c", "--data-dir", "new")
        check_equal(log(directory, "cat", "hooks", "--data-dir", "new"), log(directory, "cat", "hooks", "--data-dir", "data"),
                    "what is in it")


def what_is_refused_says_what_to_do():
    with work_directory() as directory:
        filled(directory, 3)
        check("there is no data directory" in log(directory, "backup", "b", "--data-dir", "nowhere", code=2), "no data")
        check(not (directory / "b").exists(), "it made a folder")
        (directory / "mine").mkdir()
        (directory / "mine/letter").write_text("dear")
        check("name an empty or a new folder" in log(directory, "backup", "mine", "--data-dir", "data", code=2), "foreign")
        check("lies in the data directory" in log(directory, "backup", "data/b", "--data-dir", "data", code=2), "inside")
        check("there are no backups" in log(directory, "restore", "mine", "--data-dir", "new", code=2), "no backups")
        log(directory, "backup", "b", "--data-dir", "data")
        check("cannot restore into 'data'" in log(directory, "restore", "b", "--data-dir", "data", code=2), "occupied")
        check("there are 000001" in log(directory, "restore", "b", "--snapshot", "9", "--data-dir", "new", code=2), "number")
        check(not (directory / "new").exists(), "it made a folder")
        segment = sorted((directory / "data/streams/hooks").rglob("*.log"))[0]
        with open(segment, "r+b") as file:
            file.seek(75)
            byte = file.read(1)[0]
            file.seek(75)
            file.write(bytes([byte ^ 1]))
        told = log(directory, "backup", "b", "--data-dir", "data", code=1)
        check(re.search(r"hooks/\d: offsets? \d+.*bytes 0 to \d+.*'colloquium log repair'", told), told)
        check_equal(len(log(directory, "backup", "b", "--list").splitlines()), 2, "snapshots")


main(a_backup_under_load_loses_nothing_that_was_acknowledged, snapshots_are_listed_checked_and_thinned_out,
     what_is_refused_says_what_to_do)
