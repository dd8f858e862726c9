"""[REQ-020] Formats of sources and sinks, from files, standard input and HTTP to files and standard output."""
import json

from harness import check, main, run, work_directory

RUN = ["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]


def pipeline(directory, text):
    (directory / "p.yaml").write_text(text)
    code, stdout, stderr = run(RUN, directory)
    check(code == 0, stderr)
    return stdout


def csv_becomes_events_and_csv_again():
    with work_directory() as directory:
        with open(directory / "in.csv", "w") as file:
            file.write('id;name;total\n1;"A; ""B""\nC";1.5\n2;;x\n3;D;2\n')
        pipeline(directory, """
name: orders
sources:
  - file: {path: in.csv, format: {csv: {delimiter: ";", types: {id: integer, total: number}}}}
sinks:
  - name: json
    file: out/all.ndjson
  - name: csv
    file: {path: out/all.csv, format: {csv: {columns: [total, name]}}}
""")
        events = [json.loads(line) for line in open(directory / "out/all.ndjson")]
        check(events == [{"id": 1, "name": 'A; "B"\nC', "total": 1.5}, {"id": 3, "name": "D", "total": 2}], events)
        text = (directory / "out/all.csv").read_text()
        check(text == 'total,name\n1.5,"A; ""B""\nC"\n2,D\n', text)
        code, stdout, stderr = run(["log", "cat", "orders.dead", "--data-dir", "data", "--format", "ndjson"], directory)
        check(code == 0 and "Mjs7eA==" in stdout and "column 'total' is a number" in stdout, stdout + stderr)


def logfmt_and_syslog_and_text_from_files():
    with work_directory() as directory:
        (directory / "a.log").write_text('level=info msg="it works" n=3 ok\n')
        (directory / "b.log").write_text("<34>Oct 11 22:14:15 host su[42]: failed\n")
        (directory / "c.log").write_text("a line\n")
        pipeline(directory, """
name: logs
log: off
sources:
  - {name: a, file: {path: a.log, format: logfmt}}
  - {name: b, file: {path: b.log, format: syslog}}
  - {name: c, file: {path: c.log, format: {text: {field: message}}}}
sinks:
  - file: out
""")
        got = sorted((directory / "out").read_text().splitlines())
        check(got == sorted(['{"level":"info","msg":"it works","n":3,"ok":true}',
                             '{"facility":"auth","severity":"crit","timestamp":"Oct 11 22:14:15","hostname":"host",'
                             '"appname":"su","procid":"42","message":"failed"}', '{"message":"a line"}']), got)


def a_template_writes_text_to_standard_output():
    with work_directory() as directory:
        (directory / "in").write_text('{"id":"a","n":1}\n{"id":null}\n')
        stdout = pipeline(directory, """
name: text
sources: [{file: in}]
sinks:
  - stdout: {format: {template: '= $input/id'}}
""")
        check(stdout == "a\n", stdout)


def unknown_formats_and_options_are_told_with_their_place():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("name: p\nsources: [{stdin: {format: cvs}}]\n"
                                          "sinks: [{stdout: {format: {csv: {colums: [a]}}}}]\n")
        code, _, stderr = run(["validate", "p.yaml"], directory)
        check(code == 2 and "p.yaml:2:28: error" in stderr and "did you mean 'csv'" in stderr
              and "did you mean 'columns'" in stderr, stderr)


main(csv_becomes_events_and_csv_again, logfmt_and_syslog_and_text_from_files,
     a_template_writes_text_to_standard_output, unknown_formats_and_options_are_told_with_their_place)
