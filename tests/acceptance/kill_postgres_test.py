"""[REQ-016] [REQ-018] [REQ-176] From a file to a real PostgreSQL: the process is killed with SIGKILL again and again, also
while it recovers, and in the end every event is one row, in order, and every event that the table refuses is one dead
letter. A run in which no kill fell inside an open transaction shows nothing and fails.

COLLOQUIUM_KILLS sets how often (default 12)."""
import json
import os
import random
import signal
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, run, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import postgres  # noqa: E402

KILLS = int(os.environ.get("COLLOQUIUM_KILLS", "12"))
EVENTS = max(120_000, 10_000 * KILLS)
REFUSED = 997  # every so manieth event is none that the table takes
PORTS = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]

PIPELINE = """
name: copy
log: {{partitions: 2, partition_by: [$input, /lane]}}
sources:
  - file: {{path: in.ndjson}}
sinks:
  - name: rows
    postgres:
      url: "{url}"
      table: rows
      columns: {{n: = $input/n, lane: = $input/lane, pad: = $input/pad}}
"""

# Of the sessions of ours, those inside of a transaction that wrote something.
OPEN = ("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'colloquium%' AND xact_start IS NOT NULL"
        " AND (backend_xid IS NOT NULL OR query LIKE '%COPY%')")


def kill(instance, server):
    """True if that was inside of an open transaction: the process is stopped first, so that nothing moves meanwhile."""
    instance.process.send_signal(signal.SIGSTOP)
    inside = int(server.value(OPEN)) > 0
    instance.kill()
    return inside


def progress_is_committed_with_its_rows_however_often_the_process_is_killed():
    seed = int(os.environ.get("COLLOQUIUM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    print("  seed", seed)
    with work_directory() as directory:
        try:
            made = postgres.Server(directory / "server")
        except postgres.Unavailable as why:
            skip(why)
        with made as server:
            server.query("CREATE TABLE rows (n int NOT NULL CHECK (n %% %d <> 5), lane int, pad text, seq bigserial)"
                         % REFUSED)
            # As over a slower network: most of a transaction's time is spent open.
            server.query("CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.04);"
                         " RETURN NULL; END'; CREATE TRIGGER linger AFTER INSERT ON rows FOR EACH STATEMENT EXECUTE"
                         " FUNCTION linger()")
            (directory / "p.yaml").write_text(PIPELINE.format(url=server.url()))
            with open(directory / "in.ndjson", "w", encoding="utf-8") as file:
                for n in range(EVENTS):
                    file.write('{"n":%d,"lane":%d,"pad":"%s"}\n' % (n, n % 7, "x" * (n % 211)))
            inside = ended = 0
            for number in range(KILLS):
                # Every third kill comes early, while the process still starts and claims its place.
                early = number % 3 == 2
                instance = Instance("p.yaml", directory, wait=not early)
                if instance.wait_calls(chance.randrange(150 if early else 60)):
                    inside += kill(instance, server)
                else:
                    check(instance.process.returncode == 0, "ended by itself with an error:\n" + instance.stderr())
                    ended += 1
            code, _, stderr = run(["run", "p.yaml", "--data-dir", "data", *PORTS], directory, timeout=300)
            check(code == 0, "the last run failed:\n" + stderr)
            refused = [n for n in range(EVENTS) if n % REFUSED == 5]
            rows, distinct = server.query("SELECT count(*), count(DISTINCT n) FROM rows")[0]
            print("  %d kills, %d of them inside an open transaction, %d runs ended before theirs, %s rows"
                  % (KILLS, inside, ended, rows))
            check_equal((int(rows), int(distinct)), (EVENTS - len(refused),) * 2, "rows, and different ones")
            check_equal(server.value("SELECT count(*) FROM (SELECT n - lag(n) OVER (PARTITION BY lane ORDER BY seq) AS step"
                                     " FROM rows) s WHERE step <= 0"), "0", "rows out of order within their key")
            code, out, _ = run(["log", "cat", "copy.dead", "--data-dir", "data"], directory)
            check_equal(code, 0, "log cat")
            dead = sorted(json.loads(line)["event"]["n"] for line in out.splitlines())
            check_equal(dead, refused, "dead letters")
            check(inside > 0, "no kill fell inside an open transaction: the run shows nothing")


main(progress_is_committed_with_its_rows_however_often_the_process_is_killed)
