"""[REQ-016] [REQ-018] Events as rows of a real PostgreSQL: values by column type, upserts, rows that the server refuses,
a server that is killed, stopped and frozen, and a process that is replaced by another."""
import json
import shutil
import sys
import threading

from harness import REPOSITORY, Instance, check, check_equal, main, request, run, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import nginx  # noqa: E402
import postgres  # noqa: E402

PORTS = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
SERVER = None


def pipeline(sink, source="file: {path: in.ndjson}", more=""):
    return "name: shop\n%ssources:\n  - name: in\n    %s\nsinks:\n  - name: out\n    postgres:\n      url: \"%s\"\n%s" % (
        more, source, SERVER.url(), "".join("      %s\n" % line for line in sink.strip().splitlines()))


def write(directory, events):
    with open(directory / "in.ndjson", "w", encoding="utf-8") as out:
        for event in events:
            out.write((event if isinstance(event, str) else json.dumps(event)) + "\n")


def run_pipeline(directory, sink, events, data="data", arguments=()):
    write(directory, events)
    (directory / "p.yaml").write_text(pipeline(sink))
    return run(["run", "p.yaml", "--data-dir", data, *PORTS, *arguments], directory)


def done(result):
    check(result[0] == 0, "the run failed (%d):\n%s" % (result[0], result[2]))
    return result[2]


def letters(directory, data="data"):
    code, out, err = run(["log", "cat", "shop.dead", "--data-dir", data], directory)
    check(code == 0, "log cat failed: " + err)
    return [json.loads(line) for line in out.splitlines()]


def values_are_written_by_the_types_of_their_columns():
    SERVER.query("CREATE TABLE typed (id text PRIMARY KEY, n bigint, price numeric, flag boolean, at timestamptz,"
                 " tags text[], grid int[], raw jsonb, word jsonb, nothing text, whole text, u uuid)")
    event = {"n": 12345678901234567, "price": 0.10, "flag": False, "at": "2026-11-22T01:02:03.456Z",
             "tags": ["a,b", 'q"uote', "back\\slash", None, "NULL", "tab\there\nand line"], "grid": [[1, 2], [3, 4]],
             "raw": {"b": 1, "a": [None, "\u00e9"]}, "word": "x", "whole": {"k": "line\nbreak"},
             "u": "7f1b4ad0-6a9c-4f0e-8a51-b1a1d9f4a001"}
    columns = "id: = event_metadata/id\n" + "".join("  %s: = $input/%s\n" % (k, k) for k in event)
    with work_directory() as directory:
        done(run_pipeline(directory, "table: typed\ncolumns:\n  " + columns + "  nothing: = null", [event]))
    row = SERVER.query("SELECT to_jsonb(t) FROM typed t")[0][0]
    got = json.loads(row)
    check_equal((got["n"], got["price"], got["flag"]), (12345678901234567, 0.10, False), "scalars")
    check_equal((got["tags"], got["grid"]), (event["tags"], event["grid"]), "arrays")
    check_equal((got["raw"], got["word"], got["nothing"]), (event["raw"], "x", None), "json and null")
    check_equal(json.loads(got["whole"]), event["whole"], "an object in a text column")
    check(got["at"].startswith("2026-11-22T01:02:03.456"), got["at"])
    check(got["id"].startswith("shop.") and got["id"].endswith("-0-0"), got["id"])


def whole_events_go_into_one_column_and_a_second_run_adds_nothing():
    SERVER.query("CREATE TABLE whole (seq bigserial, event jsonb)")
    with work_directory() as directory:
        events = [{"n": n, "text": "x" * (n % 300)} for n in range(20_000)]
        done(run_pipeline(directory, "table: whole", events))
        check_equal(SERVER.query("SELECT count(*), count(DISTINCT event->'n'), min((event->>'n')::int) FROM whole"),
                    [["20000", "20000", "0"]], "rows")
        check_equal(SERVER.value("SELECT count(*) FROM (SELECT (event->>'n')::int - lag((event->>'n')::int) OVER (ORDER"
                                 " BY seq) AS step FROM whole) s WHERE step <> 1"), "0", "rows out of order")
        done(run(["run", "p.yaml", "--data-dir", "data", *PORTS], directory))
        check_equal(SERVER.value("SELECT count(*) FROM whole"), "20000", "rows after a second run")
        # What the process would have forgotten, had its own commit been lost, the server knows.
        check(int(SERVER.value("SELECT max(next) FROM colloquium_progress WHERE leg = 'shop/out'")) >= 20_000, "the progress")


def an_upsert_keeps_the_last_event_of_each_key():
    SERVER.query("CREATE TABLE customers (id int PRIMARY KEY, name text, kept text DEFAULT 'as it was')")
    SERVER.query("INSERT INTO customers VALUES (1, 'before', 'mine')")
    sink = "table: public.customers\nmode: upsert\nkey: [id]\ncolumns: {id: = $input/id, name: = $input/name}"
    with work_directory() as directory:
        events = [{"id": n % 100, "name": "name %d" % n} for n in range(5000)] + [{"id": 7, "name": "last"}]
        done(run_pipeline(directory, sink, events))
        rows = SERVER.query("SELECT id, name, kept FROM customers ORDER BY id")
        check_equal(len(rows), 100, "rows")
        check_equal(rows[1], ["1", "name 4901", "mine"], "an updated row keeps its other columns")
        check_equal(rows[7], ["7", "last", "as it was"], "the last one wins")
        # A key that is NULL is refused for each event by itself.
        stderr = done(run_pipeline(directory, sink, [{"id": None, "name": "a"}, {"id": 500, "name": "b"},
                                                     {"id": None, "name": "c"}], data="data2"))
        check_equal(SERVER.value("SELECT count(*) FROM customers"), "101", "rows after the second run")
        check_equal(len(letters(directory, "data2")), 2, "dead letters; " + stderr)


def rows_that_the_server_refuses_are_dead_letters_and_all_others_are_written():
    SERVER.query("CREATE TABLE parents (id int PRIMARY KEY)")
    SERVER.query("INSERT INTO parents SELECT generate_series(0, 9)")
    SERVER.query("CREATE TABLE picky (id int PRIMARY KEY, total int NOT NULL CHECK (total >= 0), name varchar(10),"
                 " parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
    bad = {100: {"total": -1}, 2000: {"total": None}, 2001: {"total": "many"}, 3500: {"name": "far too long a name"},
           5000: {"id": 17}, 7777: {"parent": 99}, 8000: {"name": "nul \u0000"}, 8001: {"total": {"no": "number"}},
           9999: {"total": 1 << 40}}
    events = [{"id": n, "total": n, "name": "n%d" % n, "parent": n % 10, **bad.get(n, {})} for n in range(10_000)]
    columns = "{id: = $input/id, total: = $input/total, name: = $input/name, parent: = $input/parent}"
    with work_directory() as directory:
        done(run_pipeline(directory, "table: picky\ncolumns: " + columns, events))
        good = set(range(10_000)) - set(bad)
        got = [int(row[0]) for row in SERVER.query("SELECT id FROM picky")]
        check_equal(len(got), len(good), "rows")
        check_equal(set(got), good, "the rows")
        dead = letters(directory)
        check_equal(len(dead), len(bad), "dead letters")
        errors = "\n".join(letter["error"] for letter in dead)
        for part in ("check constraint", "not-null", "invalid input syntax", "too long", "duplicate key", "foreign key",
                     "out of range", "picky"):
            check(part in errors, "no dead letter says %r:\n%s" % (part, errors))


def a_table_with_row_level_security_and_a_view_take_rows_too():
    SERVER.query("CREATE ROLE limited LOGIN")
    SERVER.query("CREATE TABLE guarded (n int, owner text DEFAULT current_user); ALTER TABLE guarded ENABLE ROW LEVEL"
                 " SECURITY; CREATE POLICY mine ON guarded USING (owner = current_user);"
                 " GRANT ALL ON guarded TO limited; GRANT CREATE ON SCHEMA public TO limited;"
                 " CREATE VIEW window_on_it AS SELECT n FROM guarded; GRANT ALL ON window_on_it TO limited")
    with work_directory() as directory:
        for table, progress in (("guarded", "limited_progress"), ("window_on_it", "limited_progress")):
            done(run_pipeline(directory, "table: %s\nuser: limited\nprogress_table: %s\ncolumns: {n: = $input/n}"
                              % (table, progress), [{"n": n} for n in range(100)], data="data-" + table))
    check_equal(SERVER.query("SELECT count(*) FROM guarded"), [["200"]], "rows")


def what_is_wrong_with_the_setup_ends_the_run_and_is_named():
    SERVER.query("CREATE TABLE small (a int, b int); CREATE ROLE stranger LOGIN; CREATE ROLE keeper LOGIN PASSWORD"
                 " 'right'")
    cases = [("table: nowhere", ["nowhere", "no such table"]),
             ("table: small\ncolumns: {a: = $input/a, missing: = $input/b}", ["small", "no column missing"]),
             ("table: small\nuser: stranger\ncolumns: {a: = $input/a}", ["permission denied", "small"]),
             ("table: small\nmode: upsert\nkey: [a]\ncolumns: {a: = $input/a}", ["unique index", "small"]),
             ("table: small\ndatabase: elsewhere\ncolumns: {a: = $input/a}", ["log in", "elsewhere"]),
             ("table: small\nuser: nobody_at_all\npassword: hunter2\ncolumns: {a: = $input/a}",
              ["log in", "nobody_at_all"])]
    with work_directory() as directory:
        for number, (sink, wanted) in enumerate(cases):
            code, _, stderr = run_pipeline(directory, sink, [{"a": 1, "b": 2}], data="data%d" % number)
            check(code == 1, "%s: ended with %d:\n%s" % (sink, code, stderr))
            for part in wanted:
                check(part in stderr, "%s: no word of %r:\n%s" % (sink, part, stderr))
            check("hunter2" not in stderr, "the password is in:\n" + stderr)
        check_equal(SERVER.value("SELECT count(*) FROM small"), "0", "rows")


def a_server_that_asks_who_is_there_is_told_and_checked():
    """Passwords over TLS, certificates on both sides; and who is not let in, or would talk to somebody else."""
    rules = "host all test 127.0.0.1/32 trust\nhostssl all alice 127.0.0.1/32 scram-sha-256\n" \
            "hostssl all bob 127.0.0.1/32 cert\n"
    with work_directory() as directory:
        folder = directory / "server"
        server = postgres.Server(folder, ["ssl = on"] + ["ssl_%s_file = '%s'" % (name, folder / file) for name, file in (
            ("cert", "server.pem"), ("key", "server.key"), ("ca", "ca.pem"))])
        for name, authority in (("ca", None), ("other", None), ("server", "ca"), ("bob", "ca")):
            nginx.certificate(folder, name, authority, subject=name)
            (folder / (name + ".key")).chmod(0o600)
        shutil.copy(folder / "ca.pem", directory / "ca.pem")  # the server's own will be the server's alone
        (folder / "data/pg_hba.conf").write_text(rules)
        for name in ("server.pem", "server.key", "ca.pem", "data/pg_hba.conf"):
            server.own(name)
        with server:
            server.query("CREATE TABLE guests (who text, n int); CREATE ROLE alice LOGIN PASSWORD 's3cret'; CREATE ROLE bob"
                         " LOGIN; GRANT ALL ON TABLE guests TO alice, bob; GRANT ALL ON SCHEMA public TO alice, bob")
            ca = "ca: %s/ca.pem" % directory
            alice, bob = "user: alice, password: %s, tls: {%s}", "user: bob, tls: {%s}"
            ways = {"alice": alice % ("s3cret", "mode: verify-full, " + ca),
                    "bob": bob % ("mode: verify-full, %s, certificate: %s/bob.pem, key: %s/bob.key" % (ca, folder, folder))}
            for who, login in ways.items():
                done(run_guest(directory, server, who, login))
                server.query("GRANT ALL ON TABLE colloquium_progress TO bob")
            check_equal(server.query("SELECT who, sum(n) FROM guests GROUP BY who ORDER BY who"),
                        [["alice", "3"], ["bob", "3"]], "rows")
            refused = [(alice % ("wr0ng", "mode: verify-full, " + ca), "password authentication failed"),
                       (alice % ("s3cret", "mode: disable"), "no encryption"),
                       (bob % ("mode: verify-full, " + ca), "certificate")]
            for number, (login, reason) in enumerate(refused):
                code, _, stderr = run_guest(directory, server, "refused-%d" % number, login)
                check(code == 1 and reason in stderr, "%s: ended with %d and no word of %r:\n%s" % (login, code, reason, stderr))
                for secret in ("s3cret", "wr0ng"):
                    check(secret not in stderr, "a password is in:\n" + stderr)
            # Its certificate may be mended while we wait, as whatever else keeps it from answering.
            write_guest(directory, server, "other", alice % ("s3cret", "mode: verify-full, ca: %s/other.pem" % folder))
            with Instance("p.yaml", directory, data_dir="data-other", wait=False) as instance:
                wait_for(lambda: "certificate verify failed" in instance.stderr(), "the certificate to be refused")
                check("s3cret" not in instance.stderr(), "a password is in:\n" + instance.stderr())
            check_equal(server.value("SELECT count(*) FROM guests"), "4", "rows in the end")


def write_guest(directory, server, who, login):
    (directory / "in.ndjson").write_text('{"n":1}\n{"n":2}\n')
    (directory / "p.yaml").write_text(
        "name: shop\nsources: [{name: in, file: {path: in.ndjson}}]\nsinks:\n  - name: out\n    postgres: {host: 127.0.0.1, "
        "port: %d, database: postgres, %s, table: guests, columns: {who: = \"%s\", n: = $input/n}}\n"
        % (server.port, login, who))


def run_guest(directory, server, who, login):
    write_guest(directory, server, who, login)
    return run(["run", "p.yaml", "--data-dir", "data-" + who, *PORTS], directory)


class Poster(threading.Thread):
    """Posts numbered events, ten a request, until it is told to end; sends again what was not accepted."""

    def __init__(self, port):
        super().__init__()
        self.port, self.accepted, self.ending, self.complaint = port, 0, False, None

    def run(self):
        while not self.ending:
            body = "".join('{"n":%d}\n' % n for n in range(self.accepted, self.accepted + 10))
            try:
                status, _, answer = request(self.port, "POST", "/in", body, {"Content-Type": "application/x-ndjson"})
            except OSError as error:
                status, answer = 0, error
            if status == 200:
                self.accepted += 10
            elif status != 503:
                self.complaint = answer
                return


HTTP = "http: {path: /in}\n    dedupe: {key: [$input, /n], window: 1h}"


def a_server_that_is_killed_stopped_or_frozen_costs_nothing_and_gets_nothing_twice():
    SERVER.query("CREATE TABLE hardy (n int, seq bigserial)")
    with work_directory() as directory:
        (directory / "p.yaml").write_text(pipeline("table: hardy\ntimeout: 1s\nconnect_timeout: 1s\ncolumns: {n: = $input/n}", HTTP,
                                                   "errors: {retry: {max: 500ms}}\n"))
        with Instance("p.yaml", directory) as instance:
            poster = Poster(instance.listen)
            poster.start()

            def written():
                return int(SERVER.value("SELECT count(*) FROM hardy"))

            told = [0]

            def notices(what):
                # Either the writes are refused, or the one whose commit may be done is looked for.
                def noticed():
                    text = instance.stderr()
                    return "not written" in text[told[0]:] or "tried again until" in text[told[0]:]
                wait_for(noticed, "a word about " + what, 60)

            def goes_on(what):
                before = written()
                wait_for(lambda: written() > before, "rows after " + what, 60)

            goes_on("the start")
            for what in ("kill", "stop", "kill"):
                told[0] = len(instance.stderr())
                getattr(SERVER, what)()
                notices(what)
                SERVER.start()
                goes_on("a " + what)
            told[0] = len(instance.stderr())
            SERVER.freeze()
            notices("the freeze")
            SERVER.thaw()
            goes_on("a freeze")
            SERVER.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'colloquium%'")
            goes_on("its session was ended")
            poster.ending = True
            poster.join()
            check(poster.complaint is None, "refused: %s" % poster.complaint)
            wait_for(lambda: written() >= poster.accepted, "all %d rows" % poster.accepted, 60)
            code = instance.stop()
            check(code == 0, "ended with %d:\n%s" % (code, instance.stderr()))
            print("  %d rows" % poster.accepted)
    check_equal(SERVER.query("SELECT count(*), count(DISTINCT n) FROM hardy"), [[str(poster.accepted)] * 2], "rows")
    check_equal(SERVER.value("SELECT count(*) FROM (SELECT n - lag(n) OVER (ORDER BY seq) AS step FROM hardy) s WHERE"
                             " step < 1"), "0", "rows out of order")


def a_file_whose_first_events_are_for_no_sink_gets_its_rows_later():
    """Without a log each file is a part whose progress the server keeps; it is told of what is done of one part before
    anything of it was ever written."""
    SERVER.query("CREATE TABLE parted (f text, n int)")
    with work_directory() as directory:
        (directory / "in").mkdir()
        lines = {name: open(directory / "in" / name, "w", encoding="utf-8") for name in ("a.ndjson", "b.ndjson")}

        def add(name, n, keep):
            lines[name].write(json.dumps({"f": name[0], "n": n, "keep": keep}) + "\n")
            lines[name].flush()

        def rows(name):
            return int(SERVER.value("SELECT count(*) FROM parted WHERE f = '%s'" % name[0]))

        (directory / "p.yaml").write_text(
            pipeline("table: parted\ncolumns: {f: = $input/f, n: = $input/n}", "file: {path: \"in/*.ndjson\", follow: true}",
                     'log: "off"\n') + "    when: = $input/keep\n")
        with Instance("p.yaml", directory) as instance:
            add("b.ndjson", 0, False)
            # Long enough, in writes, for the part's progress to be told.
            for n in range(10):
                add("a.ndjson", n, True)
                wait_for(lambda: rows("a.ndjson") == n + 1, "row %d of a" % n)
            add("b.ndjson", 1, True)
            wait_for(lambda: rows("b.ndjson") == 1, "the row of b:\n" + instance.stderr())
            check_equal(instance.stop(), 0, "exit code")
        for file in lines.values():
            file.close()


def who_comes_later_takes_over_and_the_other_says_so():
    SERVER.query("CREATE TABLE contested (n int)")
    with work_directory() as directory:
        (directory / "p.yaml").write_text(pipeline("table: contested\ncolumns: {n: = $input/n}", HTTP))
        with Instance("p.yaml", directory, data_dir="one") as first:
            request(first.listen, "POST", "/in", '{"n": 1}')
            wait_for(lambda: SERVER.value("SELECT count(*) FROM contested") == "1", "the first row")
            with Instance("p.yaml", directory, data_dir="two") as second:
                request(second.listen, "POST", "/in", '{"n": 2}')
                wait_for(lambda: SERVER.value("SELECT count(*) FROM contested") == "2", "the second row")
                request(first.listen, "POST", "/in", '{"n": 3}')
                check_equal(first.process.wait(30), 1, "the exit code of the one that was replaced")
                check("another process took it over" in first.stderr(), "it does not say why:\n" + first.stderr())
                check("shop/out" in first.stderr(), "it does not say for whom:\n" + first.stderr())
                request(second.listen, "POST", "/in", '{"n": 4}')
                wait_for(lambda: SERVER.value("SELECT count(*) FROM contested") == "3", "the second one's next row")
                check_equal(second.stop(), 0, "the exit code of the other")
    check_equal(SERVER.query("SELECT n FROM contested ORDER BY n"), [["1"], ["2"], ["4"]], "the rows")


def all_tests():
    global SERVER
    with work_directory() as directory:
        try:
            server = postgres.Server(directory / "server")
        except postgres.Unavailable as why:
            skip(why)
        with server:
            SERVER = server
            main(values_are_written_by_the_types_of_their_columns,
                 whole_events_go_into_one_column_and_a_second_run_adds_nothing,
                 an_upsert_keeps_the_last_event_of_each_key,
                 rows_that_the_server_refuses_are_dead_letters_and_all_others_are_written,
                 a_table_with_row_level_security_and_a_view_take_rows_too,
                 what_is_wrong_with_the_setup_ends_the_run_and_is_named,
                 a_server_that_asks_who_is_there_is_told_and_checked,
                 a_server_that_is_killed_stopped_or_frozen_costs_nothing_and_gets_nothing_twice,
                 a_file_whose_first_events_are_for_no_sink_gets_its_rows_later,
                 who_comes_later_takes_over_and_the_other_says_so)


all_tests()
