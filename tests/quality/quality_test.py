#!/usr/bin/env python3
"""Each quality test catches what it is there for, and lets pass what is right."""
import os
import stat
import subprocess
import tempfile
import unittest

import banned
import docs
import house_figures
import layers
import registered
import tree
import words


class Tree:
    """A small source tree in a temporary folder."""

    def __init__(self, files):
        self.folder = tempfile.TemporaryDirectory()
        for path, text in files.items():
            full = os.path.join(self.folder.name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, 'w', encoding='utf-8') as file:
                file.write(text)

    def __enter__(self):
        return self.folder.name

    def __exit__(self, *_):
        self.folder.cleanup()


class TreeTest(unittest.TestCase):
    def test_comments_and_literals_are_blanked_and_lines_kept(self):
        text = 'a; // std::thread\n/* rand()\n */ b("fopen(", \'"\', R"x(rand() ")x"); c = 1\'000;\n#include "x/y.h"\n'
        code = tree.code_only(text)
        self.assertEqual(code.count('\n'), text.count('\n'))
        for word in ('thread', 'rand', 'fopen'):
            self.assertNotIn(word, code)
        for word in ('a;', 'b(', "c = 1'000;", '#include "x/y.h"'):
            self.assertIn(word, code)

    def test_a_string_in_an_ordinary_line_after_an_include_is_blanked(self):
        self.assertNotIn('rand', tree.code_only('#include "a.h"\nf("rand()");\n'))

    def test_cycles_are_found_and_chains_are_not(self):
        self.assertEqual(tree.cycles({'a': {'b'}, 'b': {'c'}, 'c': {'a'}, 'd': {'a'}}), [['a', 'b', 'c']])
        self.assertEqual(tree.cycles({'a': {'b'}, 'b': {'c'}, 'c': set()}), [])


class LayersTest(unittest.TestCase):
    def problems(self, files):
        with Tree(files) as root:
            return layers.check(root)[0]

    def test_a_right_tree_passes(self):
        self.assertEqual(self.problems({
            'include/colloquium/a.h': '', 'src/base/b.h': '#include "colloquium/a.h"\n#include <vector>\n',
            'src/io/c.cc': '#include "base/b.h"\n', 'src/log/d.cc': '#include "colloquium/a.h"\n',
            'src/components/http/e.cc': '#include "log/d.h"\n', 'src/log/d.h': '',
            'src/app/main.cc': '#include "components/http/e.h"\n', 'src/components/http/e.h': ''}), [])

    def test_a_wrong_include_is_caught(self):
        found = self.problems({'src/base/a.cc': '#include "log/log.h"\n', 'src/log/log.h': ''})
        self.assertEqual(len(found), 1)
        self.assertIn('src/base/a.cc:1: includes src/log/log.h', found[0])

    def test_what_may_be_included_is_transitive_but_not_more(self):
        self.assertEqual(self.problems({'src/log/a.cc': '#include "base/b.h"\n', 'src/base/b.h': ''}), [])
        self.assertEqual(len(self.problems({'src/log/a.cc': '#include "json/b.h"\n', 'src/json/b.h': ''})), 1)

    def test_a_component_that_includes_another_is_caught(self):
        found = self.problems({'src/components/http/a.cc': '#include "components/file/b.h"\n',
                               'src/components/file/b.h': ''})
        self.assertIn('never includes another', found[0])

    def test_the_engine_may_not_know_components(self):
        self.assertEqual(len(self.problems({'src/engine/a.cc': '#include "components/file/b.h"\n',
                                            'src/components/file/b.h': ''})), 1)
        self.assertEqual(self.problems({'src/engine/a.cc': '#include "net/b.h"\n', 'src/net/b.h': ''}), [])

    def test_test_files_are_free_but_for_cycles(self):
        self.assertEqual(self.problems({'src/base/a_test.cc': '#include "log/log.h"\n', 'src/log/log.h': ''}), [])

    def test_cyclic_files_are_caught(self):
        found = self.problems({'src/base/a.h': '#include "base/b.h"\n', 'src/base/b.h': '#include "a.h"\n'})
        self.assertEqual(found, ['files in a cycle: src/base/a.h src/base/b.h'])

    def test_an_unknown_folder_and_a_missing_file_are_caught(self):
        found = self.problems({'src/utils/a.cc': '#include "utils/none.h"\n'})
        self.assertEqual(len(found), 2)

    def test_linking_what_may_not_be_included_is_caught(self):
        found = self.problems({'src/base/CMakeLists.txt': 'colloquium_module(base SOURCES a.cc MODULES io TESTS t.cc '
                                                          'TEST_MODULES log)\n', 'src/io/x.h': ''})
        self.assertEqual(found, ['src/base/CMakeLists.txt: links io, which src/base may not include'])

    def test_the_table_itself_has_no_cycle(self):
        self.assertEqual(tree.cycles({name: allowed - {name} for name, allowed in layers.closure().items()}), [])

    def test_the_table_is_the_documented_one(self):
        rows = dict(layers.documented_rows(tree.read('docs/ARCHITECTURE.md')))
        self.assertEqual(rows, {name: row if isinstance(row, str) else sorted(row) for name, row in layers.TABLE.items()})


class BannedTest(unittest.TestCase):
    BAD = {
        'thread': 'std::thread worker(run);', 'sleep': 'std::this_thread::sleep_for(1s);',
        'wait': 'std::condition_variable changed_;', 'clock': 'auto now = std::chrono::steady_clock::now();',
        'random': 'std::random_device device;', 'file': 'std::ofstream out(path);',
        'environment': 'const char* home = getenv("HOME");', 'regex': 'std::regex pattern("a*");',
        'process': 'std::exit(1);', 'print': 'std::cout << 1;', 'assert': 'assert(x > 0);',
        'throw': 'throw std::runtime_error("no");', 'mutex in a component': 'std::mutex lock_;',
        'unsafe string': 'sprintf(buffer, "%d", n);', 'namespace': 'using namespace std;',
    }

    def names(self, path, text):
        return [rule.name for problem, rule in banned.scan(path, text) if problem and rule]

    def test_every_rule_catches_its_example(self):
        self.assertEqual(set(self.BAD), {rule.name for rule in banned.RULES})
        for name, line in self.BAD.items():
            self.assertIn(name, self.names('src/components/x/a.cc', line + '\n'), line)

    def test_the_same_words_in_comments_and_strings_pass(self):
        for line in self.BAD.values():
            quoted = line.replace('\\', '').replace('"', '')
            self.assertEqual(self.names('src/components/x/a.cc', f'// {line}\nf("{quoted}");\n'), [])

    def test_near_misses_pass(self):
        for line in ('std::this_thread::get_id();', 'clock.wall_ms();', 'loop.exit(1);', 'x->time(0);', 'operand(1);',
                     'std::thread::id owner_;', 'static_assert(sizeof(int) == 4);', 'file_system.open(path);',
                     'using namespace std::string_literals;', 'snprintf(buffer, sizeof buffer, "x");',
                     'std::thread::hardware_concurrency();', 'a.system(x);', 'program.abort();'):
            self.assertEqual(self.names('src/components/x/a.cc', line + '\n'), [], line)

    def test_the_implementation_may(self):
        found = list(banned.scan('src/base/thread_executor.cc', 'std::thread worker_;\n'))
        self.assertEqual([problem for problem, _ in found], [None])

    def test_tests_may_open_files_but_not_sleep(self):
        self.assertEqual(self.names('src/io/a_test.cc', 'std::ofstream out(path);\n'), [])
        self.assertEqual(self.names('src/io/a_test.cc', self.BAD['sleep'] + '\n'), ['sleep'])

    def test_headers_say_what_they_are_and_hide_heavy_libraries(self):
        good = '// A thing.\n#pragma once\n#include <vector>\n'
        self.assertEqual([p for p, _ in banned.scan('src/io/a.h', good)], [])
        bad = '#include <nlohmann/json.hpp>\n'
        self.assertEqual(len(list(banned.scan('src/io/a.h', bad))), 3)

    def test_unfinished_and_vacuous_lines_are_caught(self):
        self.assertEqual(len(list(banned.scan('src/io/a.cc', '// TOD' 'O: more\n'))), 1)
        self.assertEqual(len(list(banned.scan('src/io/a_test.cc', 'CHECK(true);\n'))), 1)


class FiguresTest(unittest.TestCase):
    def figures(self, files):
        with Tree(files) as root:
            return house_figures.Figures(root)

    def function(self, lines, name='f'):
        return f'int {name}(int x) {{\n' + '  ++x;\n' * (lines - 3) + '  return x;\n}\n'

    def violations(self, files, allowed=None):
        files = dict(files, **{'tests/all_test.cc': '\n' * 600})
        return list(house_figures.violations(self.figures(files), allowed or {}))

    def test_percentiles_are_nearest_rank(self):
        self.assertEqual(house_figures.percentile([5, 1, 4, 2, 3], 50), 3)
        self.assertEqual(house_figures.percentile(range(1, 101), 95), 95)
        self.assertEqual(house_figures.percentile([], 50), 0)

    def test_functions_are_measured_from_first_line_to_brace(self):
        figures = self.figures({'src/base/a.cc': '\n' + self.function(12)})
        self.assertEqual([(f.name, f.line, f.lines) for f in figures.functions], [('f', 2, 12)])

    def test_a_long_function_is_caught_and_a_listed_one_may_only_shrink(self):
        files = {'src/base/a.cc': self.function(80)}
        self.assertIn('f has 80 lines, over 70', self.violations(files)[0])
        self.assertEqual(self.violations(files, {('src/base/a.cc', 'f'): 80}), [])
        self.assertIn('over 79', self.violations(files, {('src/base/a.cc', 'f'): 79})[0])
        self.assertIn('lower it to 80', self.violations(files, {('src/base/a.cc', 'f'): 90})[0])
        self.assertIn('remove it', self.violations({'src/base/a.cc': ''}, {('src/base/a.cc', 'f'): 90})[0])

    def test_a_long_file_is_caught(self):
        self.assertIn('1001 lines', self.violations({'src/base/a.cc': '\n' * 1001})[0])
        self.assertEqual(self.violations({'src/base/a.cc': '\n' * 1000}), [])

    def test_cycles_are_caught(self):
        found = self.violations({'src/base/a.h': '#include "io/b.h"\n', 'src/io/b.h': '#include "base/a.h"\n'})
        self.assertEqual(len(found), 2)

    def test_too_few_tests_are_caught(self):
        figures = self.figures({'src/base/a.cc': '\n' * 100, 'src/base/a_test.cc': '\n' * 49})
        self.assertIn('0.49', list(house_figures.violations(figures, {}))[0])

    def test_exceptions_are_read(self):
        self.assertEqual(house_figures.read_exceptions('# why\nsrc/a.cc run 100  # the switch\n\n'),
                         {('src/a.cc', 'run'): 100})

    def test_comment_lines_are_counted_without_the_licence(self):
        body = '// what\n\nint a;  // x\n// why\n/* b\n c */\nint d;\n'
        self.assertEqual(house_figures.comment_counts(body), (4, 2))
        self.assertEqual(house_figures.comment_counts('// Copyright us\n' + body), (3, 2))


class WordsTest(unittest.TestCase):
    def test_words_of_a_workplace_are_caught(self):
        for line in ('see /wor' 'k/main', 'in /far' 'm/x', 'iss' 'ue 12', 'Iss' 'ue #3 says', 'the CE' 'O',
                     'DEVELOPER' 'S.md', 'farm-ben' 'ch'):
            self.assertEqual(len(list(words.scan('a.md', line + '\n'))), 1, line)

    def test_ordinary_words_pass(self):
        for line in ('/wor' 'kers/x', 'build/wor' 'k.txt', 'iss' 'ue a request', 'tiss' 'ue 12', 'the networ' 'k/a path',
                     '/far' 'mer'):
            self.assertEqual(list(words.scan('a.md', line + '\n')), [], line)


class RegisteredTest(unittest.TestCase):
    def test_a_script_that_nothing_runs_is_caught(self):
        texts = {'t/CMakeLists.txt': 'acceptance_test(a a_test.py)', 't/a_test.py': '', 't/b_test.py': '', 't/deep/a_test.py': ''}
        self.assertEqual([line.split(':')[0] for line in registered.unregistered(texts, texts.get)], ['t/b_test.py'])

    def test_a_seeded_bug_that_is_not_told_of_is_caught(self):
        table = '| `one` | x |\n| `gone` | x |\n\n3 mutants, 3 caught\n'
        found = list(registered.untold(['m/one.patch', 'm/two.patch'], table))
        self.assertEqual(len(found), 3)
        self.assertEqual(list(registered.untold(['m/one.patch'], '| `one` | x |\n\n1 mutants, 1 caught\n')), [])


class DocsTest(unittest.TestCase):
    def test_broken_links_and_anchors_are_caught(self):
        page = '# A b\n[x](gone.md) [y](b.md#here) [z](#a-b) [w](#none) [q](https://example.org) `[c](no)`\n'
        with Tree({'a.md': page, 'b.md': '## Here\n'}) as root:
            found = list(docs.broken_links('a.md', page, root))
        self.assertEqual(len(found), 2)
        self.assertIn('gone.md', found[0])
        self.assertIn('#none', found[1])

    def test_links_in_code_are_not_links(self):
        page = '```\n[x](gone.md)\n```\n'
        with Tree({'a.md': page}) as root:
            self.assertEqual(list(docs.broken_links('a.md', page, root)), [])

    def fake(self, folder, body):
        path = os.path.join(folder, 'colloquium')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\n' + body)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def check(self, body, page):
        """What check_pages says of a page with a program that does what body says."""
        with Tree({}) as root:
            return docs.check_pages(self.fake(root, body), [('a.md', page)])

    def test_examples_are_run_and_a_wrong_one_is_caught(self):
        page = ('```json input\n3\n```\n```json computo\n["+", 1]\n```\n```json result\n4\n```\n'
                '```computo\n1 + 3\n```\n```json computo\n["+", 1, 3]\n```\n```json result\n4\n```\n'
                '```yaml pipeline\nname: a\n```\n```yaml\nnot: tried\n```\n')
        self.assertEqual(self.check('echo 4\n', page), ([], 4))
        problems, count = self.check('if [ $1 = computo ]; then echo 5; else exit 2; fi\n', page)
        self.assertEqual((len(problems), count), (4, 4))

    def test_a_script_gets_its_inputs_and_the_files_before_it(self):
        page = ('```computo file=lib/a.computo\n7\n```\n```json input\n{"a": 1}\n```\n```json input\n2\n```\n'
                '```computo\n$input\n```\n```json result\n["= $input", {"a": 1}, 2, 7]\n```\n')
        body = 'echo "[\\"$4\\", $5, $6, $(cat lib/a.computo)]"\n'
        self.assertEqual(self.check(body, page), ([], 1))

    def test_lines_go_through_standard_input(self):
        page = '```ndjson input\n1\n2\n```\n```computo\n$input\n```\n```ndjson result\n1\n2\n```\n'
        self.assertEqual(self.check('test "$5" = - && cat\n', page), ([], 1))
        self.assertEqual(len(self.check('echo 1\n', page)[0]), 1)

    def test_results_are_compared_with_their_types(self):
        page = '```computo\n1\n```\n```json result\n1\n```\n'
        self.assertEqual(len(self.check('echo true\n', page)[0]), 1)

    def test_an_error_is_compared_with_the_message(self):
        page = '```computo\n1 / 0\n```\n```text error\nby zero\n```\n'
        self.assertEqual(self.check('echo division by zero >&2; exit 1\n', page), ([], 1))
        self.assertEqual(len(self.check('echo type >&2; exit 1\n', page)[0]), 1)
        self.assertEqual(len(self.check('echo 1\n', page)[0]), 1)

    def test_examples_that_are_not_whole_are_caught(self):
        script, given, result = '```computo\n1\n```\n', '```json input\n1\n```\n', '```json result\n1\n```\n'
        for page in (script, script + given + script + result, result, given):
            self.assertEqual(len(self.check('echo 1\n', page)[0]), 1, page)

    def test_commands_are_run_in_order_in_one_folder(self):
        page = ('```text file=a/b\nin b\n```\n```console\n$ cat a/b > c; colloquium \\\n> x\nsaid x\n```\n'
                '```console\n$ cat c\nin b\n$ true\n```\n')
        self.assertEqual(self.check('echo said $1\n', page), ([], 3))
        problems, _ = self.check('echo said nothing\n', page)
        self.assertEqual(len(problems), 1)
        self.assertIn('a.md:5', problems[0])

    def test_drift_is_caught(self):
        with Tree({'new/a.md': '1', 'new/b/c.md': '1', 'old/a.md': '2', 'old/d.md': '', 'old/b/c.md': '1'}) as root:
            found = sorted(docs.differences(f'{root}/new', f'{root}/old'))
        self.assertEqual(found, ['docs/reference/a.md is out of date',
                                 'docs/reference/d.md is not written by the binary any more'])


class ScriptsTest(unittest.TestCase):
    def test_packages_of_an_unknown_group_are_refused(self):
        result = subprocess.run([f'{tree.ROOT}/packaging/deps', '--check', 'nothing'], capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("no group 'nothing'", result.stderr)

    def test_every_package_says_what_it_is_for(self):
        for path in tree.files(under=('packaging/deps.d',)):
            for line in tree.read(path).splitlines():
                self.assertRegex(line, r'^#|^[a-z0-9.+-]+ +# \w', path)


if __name__ == '__main__':
    unittest.main()
