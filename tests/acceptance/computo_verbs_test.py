"""[REQ-047] [REQ-054] [REQ-055] [REQ-211] The verbs of `computo` that work on script files, and how errors look."""
import json
import os
import subprocess

from harness import binary, check, check_equal, main, run, work_directory

BAD = 'let total = $input/price\nin uper(total) + count()\n'


def check_tells_everything_at_once():
    with work_directory() as directory:
        (directory / "bad.computo").write_text(BAD)
        (directory / "good.json").write_text('["$", "/event_metadata/id"]')
        code, out, err = run(["computo", "check", "bad.computo", "good.json"], directory)
        check_equal((code, out), (2, "good.json: ok\n"), err)
        check_equal(err, 'bad.computo:2:4: error[unknown_operator]: at /let/body/+/0: unknown operator "uper"\n'
                         "    in uper(total) + count()\n"
                         "       ^\n"
                         "    help: did you mean 'upper'?\n"
                         'bad.computo:2:18: error[arity]: at /let/body/+/1: expected 1 argument for "count", got 0\n'
                         "    in uper(total) + count()\n"
                         "                     ^\n", "the errors")
        code, out, err = run(["computo", "check", "--format", "json", "bad.computo"], directory)
        check_equal((code, [(e["line"], e["column"], e["category"]) for e in json.loads(out)]),
                    (2, [(2, 4, "unknown_operator"), (2, 18, "arity")]), err)


def errors_show_line_mark_arguments_and_help():
    with work_directory() as directory:
        (directory / "a.json").write_text('["let", [["n", ["$input", "/n"]]],\n  ["+", 1, ["$", "/n"]]]')
        code, out, err = run(["computo", "run", "a.json", '{"n": "5", "password": "hunter2"}'], directory)
        check_equal((code, out), (1, ""), err)
        check_equal(err, 'a.json:2:12: error[type]: at /let/body/+/1: expected number, got string "5"\n'
                         '    ["+", 1, ["$", "/n"]]]\n'
                         "             ^\n"
                         '    arguments: 1, "5"\n'
                         "    help: use toNumber to make a number of it; strConcat joins text\n", "the error")
        for script in ("= upper($input)", "= 1 + $input/password", "= $input/password + 1", "= keys($input/Password)"):
            _, _, err = run(["computo", "run", "-e", script, '{"password": "hunter2", "Password": ["hunter2"]}'], directory)
            check("***" in err or "function" in err, err)
            check("hunter2" not in err, err)


def fmt_is_idempotent_and_keeps_comments_and_permissions():
    with work_directory() as directory:
        path = directory / "a.computo"
        path.write_text("#!/usr/bin/env -S colloquium computo run\n-- the sum\nlet a=1 in a+$input -- end")
        os.chmod(path, 0o755)
        check_equal(run(["computo", "fmt", "--check", "a.computo"], directory)[:2], (1, "a.computo\n"), "the list")
        check_equal(run(["computo", "fmt", "a.computo"], directory)[0], 0, "laying out")
        once = path.read_text()
        check("-- the sum" in once and "-- end" in once and once.startswith("#!/usr"), once)
        check_equal(os.stat(path).st_mode & 0o777, 0o755, "the permissions")
        check_equal(run(["computo", "fmt", "a.computo"], directory), (0, "", ""), "again")
        check_equal(path.read_text(), once, "the text")
        check_equal(run(["computo", "fmt", "--check", "a.computo"], directory), (0, "", ""), "the check")
        check_equal(run(["computo", "fmt", "-"], directory, stdin=b"[1,2]")[1], "[1, 2]\n", "standard input")


def convert_goes_both_ways():
    with work_directory() as directory:
        script = '["map", ["$input", "/items"], ["lambda", ["x"], ["obj", "id", ["$", "/x/id"]]]]\n'
        (directory / "a.json").write_text(script)
        code, sugar, err = run(["computo", "convert", "a.json"], directory)
        check_equal((code, sugar, err), (0, "map($input/items, (x) => {id: x/id})\n", ""), "the sugar")
        check_equal(run(["computo", "convert", "-"], directory, stdin=sugar.encode()), (0, script, ""), "and back")
        (directory / "b.computo").write_text("1 -- one\n")
        code, out, err = run(["computo", "convert", "b.computo", "--output", "b.json"], directory)
        check_equal((code, out, (directory / "b.json").read_text()), (0, "", "1\n"), err)
        check("b.computo:1: warning: JSON has no comments" in err, err)


def migrate_rewrites_what_it_can_and_tells_the_rest():
    with work_directory() as directory:
        (directory / "old.json").write_text(
            '// sums\n["let", [["m", ["map", ["$input"], [["x"], ["$", "/x"]]]]],\n'
            '  ["if", ["&&", true, ["$", "/m/array/0"]], ["cdr", ["$", "/m"]], null]]\n')
        code, out, err = run(["computo", "migrate", "old.json", "--output", "new.json"], directory)
        check_equal((code, out), (0, ""), err)
        for line in ("old.json:1:1: rewritten[D-JSON-STRICT]: ", "rewritten[D-CALLABLE]: ",
                     "old.json:3:11: rewritten[V-LOGIC]: ", "old.json:3:29: rewritten[D-ARRAY]: "):
            check(line in err, line + "\n" + err)
        check_equal(run(["computo", "run", "new.json", "[1,2]"], directory)[:2], (0, "[2]\n"), "the new script")
        code, out, err = run(["computo", "migrate", "-"], directory, stdin=b'["if", ["cdr", ["$input"]], ["upcase", 1], 2]')
        check_equal(code, 1, err)
        check("stdin:1:8: differs[D-ARRAY]: " in err and "error[unknown_operator]" in err, err)


def a_wrong_escape_in_a_pointer_is_told():
    """[REQ-047] In whichever operator, and whether the pointer is known before or not."""
    with work_directory() as directory:
        for script in ('["$input", "/a~2"]', '["get", ["$input"], "/a~"]', '["has", ["$input"], "/a~2"]',
                       '["has", ["$input"], ["strConcat", "/a~", "2"]]'):
            code, out, err = run(["computo", "run", "-e", script, "{}"], directory)
            check_equal((code, out), (1, ""), script)
            check("error[pointer]" in err and "'~' stands only in ~0 (for '~') and ~1 (for '/'), got " in err, err)


def sugar_may_begin_like_json():
    """[REQ-055] What is no JSON is sugar wherever no file's name says more, and '=' marks it."""
    with work_directory() as directory:
        for text, laid_out, as_json in (("{a:1+1}", "{a: 1 + 1}", '["obj", "a", ["+", 1, 1]]'),
                                        ("[1,$input]", "[1, $input]", '["list", 1, ["$input"]]'),
                                        ('"a"==1', '"a" == 1', '["==", "a", 1]'),
                                        ('=["+",1]', '= ["+", 1]', '{"array": ["+", 1]}')):
            bytes_in = text.encode()
            check_equal(run(["computo", "fmt", "-"], directory, stdin=bytes_in), (0, laid_out + "\n", ""), text)
            check_equal(run(["computo", "check", "-"], directory, stdin=bytes_in), (0, "stdin: ok\n", ""), text)
            check_equal(run(["computo", "convert", "-"], directory, stdin=bytes_in), (0, as_json + "\n", ""), text)
            check_equal(run(["computo", "run", "-e", text], directory),
                        run(["computo", "run", "-e", as_json], directory), text)
        for text, told in (("{a: uper(}", "-e:1:10: error[syntax]"), ('["+", 1 2]', "-e:1:9: error[parse]")):
            code, out, err = run(["computo", "run", "-e", text], directory)
            check_equal((code, out), (1, ""), text)
            check(err.startswith(told), err)


def scripts_and_inputs_may_come_from_pipes():
    """[REQ-211] What `<(…)` and /dev/stdin name is read to its end, and a pipe without a writer is given up."""
    def shell(line):
        done = subprocess.run(["bash", "-c", line.replace("COMPUTO", "'%s' computo" % binary())], cwd=directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    with work_directory() as directory:
        for line, out in (("COMPUTO run <(echo '$input + 1') <(sleep 0.2; echo 2)", "3\n"),
                          ("echo 2 | COMPUTO run -e '= $input + 1' /dev/stdin", "3\n"),
                          ("COMPUTO run -e '= $input + 1' --each <(echo 1; echo 2)", "2\n3\n"),
                          ("COMPUTO run -e '= $input + 1' --each <(true)", ""),
                          ("echo 1 | COMPUTO run -e '= $input + 1' --each /dev/stdin", "2\n"),
                          ("COMPUTO fmt --check <(echo '1 + 1')", ""),
                          ("COMPUTO check <(echo '1 + 1') | sed 's/.*: //'", "ok\n"),
                          ("COMPUTO convert <(echo '1+1')", '["+", 1, 1]\n'),
                          ("COMPUTO migrate <(echo '[\"+\", 1, 1]')", '["+", 1, 1]\n'),
                          ("echo '$input' | COMPUTO repl <(echo 5)", "5\n"),
                          ("mkfifo late; (echo 7 > late) & COMPUTO run -e '= $input' --each late", "7\n")):
            check_equal(shell(line), (0, out, ""), line)
        code, out, err = shell("COMPUTO profile -e '= $input' --each <(echo 1; echo 2) --format json")
        check_equal((code, json.loads(out)["evaluations"]), (0, 2), err)
        os.mkfifo(directory / "silent.computo")
        code, out, err = run(["computo", "check", "silent.computo"], directory)
        check_equal((code, out), (2, ""), err)
        check("nobody has written to this pipe" in err, err)
        (directory / "p.yaml").write_text("name: p\nsources:\n  - stdin: {}\nstages:\n  - computo: silent.computo\nsinks:\n  - stdout: {}\n")
        check_equal(run(["validate", "p.yaml"], directory)[0], 2, "a pipeline")


def debug_takes_an_event_out_of_the_dead_letters():
    with work_directory() as directory:
        (directory / "double.computo").write_text("{id: $input/id, twice: $input/n * 2}\n")
        (directory / "p.yaml").write_text(
            "name: orders\nsources: [{stdin: {}}]\nstages: [{computo: double.computo}]\nsinks: [{stdout: {}}]\n")
        events = b'{"id":1,"n":4}\n{"id":2,"n":"four"}\n{"id":3,"n":[]}\nno JSON\n'
        ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        code, out, err = run(["run", "p.yaml", "--data-dir", "d", *ports], directory, stdin=events)
        check_equal(out, '{"id":1,"twice":8}\n', err)
        code, out, err = run(["log", "cat", "orders.dead", "--data-dir", "d"], directory)
        letters = [json.loads(line) for line in out.splitlines()]
        check_equal(len(letters), 3, out)
        ids = {letter["event"]["id"]: letter["position"] for letter in letters if "event" in letter}

        def debug(*arguments):
            return run(["computo", "debug", "double.computo", *arguments], directory, stdin=b"continue\nprint $input/n\n")
        for number, shown in ((2, '"four"'), (3, "[]")):
            code, out, err = debug("--from-dead", ids[number], "--data-dir", "d")
            check(code == 0 and "expected number" in out and out.rstrip().endswith(shown), "%s: %s%s" % (number, out, err))
        code, out, err = debug("--from-dead", ids[2], "--data-dir", "d", "--dead-stream", "orders")
        check(code == 2 and "(orders)" in err, err)
        code, out, err = debug("--from-dead", "orders.nothing-0-7", "--data-dir", "d")
        check(code == 2 and "no dead letter of the event 'orders.nothing-0-7' in d (orders.dead)" in err, err)
        raw = next(letter["position"] for letter in letters if "event" not in letter)
        code, out, err = debug("--from-dead", raw, "--data-dir", "d")
        check(code == 2 and "no JSON" in err, err)


main(debug_takes_an_event_out_of_the_dead_letters, check_tells_everything_at_once, errors_show_line_mark_arguments_and_help,
     fmt_is_idempotent_and_keeps_comments_and_permissions, convert_goes_both_ways,
     migrate_rewrites_what_it_can_and_tells_the_rest, sugar_may_begin_like_json,
     scripts_and_inputs_may_come_from_pipes, a_wrong_escape_in_a_pointer_is_told)
