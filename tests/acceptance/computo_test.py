"""[REQ-211] [REQ-047] `computo run`: scripts by themselves, over values, files and lines of NDJSON."""
import re

from harness import check, check_equal, main, run, work_directory


def evaluate(script, *inputs, stdin=b"", options=(), directory=None):
    return run(["computo", "run", *options, "-e", script, *inputs], directory, stdin=stdin)


def the_result_is_one_line_of_json():
    check_equal(evaluate('["+", 1, 2]'), (0, "3\n", ""), "the sum")


def inputs_are_json_texts_or_files():
    with work_directory() as directory:
        (directory / "two.json").write_text('{"a": 2}')
        check_equal(evaluate('["$inputs"]', '{"a": 1}', "two.json", directory=directory),
                    (0, '[{"a": 1},{"a": 2}]\n', ""), "the inputs")


def a_script_file():
    with work_directory() as directory:
        (directory / "total.json").write_text('["+", ["$input", "/a"], 1]')
        check_equal(run(["computo", "run", "total.json", '{"a": 41}'], directory), (0, "42\n", ""), "the result")


def a_dash_evaluates_once_a_line():
    check_equal(evaluate('["$input", "/a"]', "-", stdin=b'{"a":1}\n\n{"a":[2, 3]}\n{"a":"x"}'),
                (0, '1\n[2, 3]\n"x"\n', ""), "the results")


def each_reads_a_file():
    with work_directory() as directory:
        (directory / "in.ndjson").write_text("".join('{"n":%d,"pad":"%s"}\n' % (i, "x" * 500) for i in range(5000)))
        code, out, err = evaluate('["*", ["$input", "/n"], 2]', options=("--each", "in.ndjson"), directory=directory)
        check_equal(code, 0, err)
        check_equal(out, "".join("%d\n" % (2 * i) for i in range(5000)), "the results")


def an_error_names_place_and_category():
    with work_directory() as directory:
        (directory / "bad.json").write_text('["+", 1,\n  "x"]')
        code, out, err = run(["computo", "run", "bad.json"], directory)
        check_equal((code, out), (1, ""), err)
        check(re.match(r"bad\.json:\d+:\d+: error\[type\]: ", err), err)


def parse_errors_and_unknown_operators_are_script_errors():
    code, out, err = evaluate('["+", 1')
    check_equal((code, out), (1, ""), err)
    check(re.match(r"-e:1:\d+: error\[parse\]: ", err), err)
    code, _, err = evaluate('["$inptu"]')
    check(code == 1 and "did you mean '$input'?" in err, err)


def sugar_is_a_notation_too():
    code, out, err = evaluate("= $input/a + 1", '{"a": 2}')
    check_equal((code, out), (0, "3\n"), err)
    code, out, err = evaluate("= $input/a +", "{}")
    check_equal((code, out), (1, ""), err)
    check(err.startswith("-e:1:13: error[syntax]: "), err)


def bad_lines_are_told_and_the_others_go_on():
    code, out, err = evaluate('["+", ["$input"], 1]', "-", stdin=b'1\n{"a"\n"x"\n4\n')
    check_equal((code, out), (1, "2\n5\n"), err)
    check("stdin:2:5: error[parse]: " in err and "(input line 3)" in err, err)


def an_input_that_is_neither_json_nor_a_file_is_refused():
    code, out, err = evaluate('["$input"]', '{"a":')
    check_equal((code, out), (2, ""), err)
    check("neither JSON" in err, err)


def the_array_key_can_be_chosen():
    check_equal(evaluate('{"@list": [1, 2]}', options=("--array", "@list")), (0, "[1,2]\n", ""), "the array")


def no_script_is_refused():
    code, _, err = run(["computo", "run"], None)
    check(code == 2 and "-e" in err, err)


main(the_result_is_one_line_of_json, inputs_are_json_texts_or_files, a_script_file, a_dash_evaluates_once_a_line,
     each_reads_a_file, an_error_names_place_and_category, parse_errors_and_unknown_operators_are_script_errors,
     sugar_is_a_notation_too, bad_lines_are_told_and_the_others_go_on,
     an_input_that_is_neither_json_nor_a_file_is_refused, the_array_key_can_be_chosen, no_script_is_refused)
