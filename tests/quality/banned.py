#!/usr/bin/env python3
"""What sources may not use, each rule with what to use instead and the files that implement it.

Time, chance, threads and files are injected (Clock, Random, Executor, FileSystem), so that a simulator or a
test decides them; a direct use is only right in the implementation. A row's list of files may not name one
that no longer needs it.
"""
import collections
import fnmatch
import re
import sys

import tree

Rule = collections.namedtuple('Rule', 'name pattern instead allowed tests', defaults=((), False))

# Patterns are matched against code without comments and literals. `tests`: the rule holds in test files too.
RULES = [
    Rule('thread', r'\bstd::(?:jthread|thread|async)\b(?!::(?:id|hardware))|\bpthread_create\b|\buv_thread_create\b',
         'start no thread: take an Executor (colloquium/executor.h) and make a queue',
         ('src/base/thread_executor.cc',)),
    Rule('sleep', r'\bstd::this_thread::(?:sleep_for|sleep_until|yield)\b|\b(?:usleep|nanosleep)\s*\(|(?<![\w.:>])sleep\s*\(',
         'never sleep: wait for what you wait for (a Signal, Loop::start_timer, a callback)', (), True),
    Rule('wait', r'\bstd::(?:condition_variable|condition_variable_any|latch|barrier|counting_semaphore|future|promise)\b',
         'wait through Executor::make_signal, so that a simulator can run the code on one thread',
         ('src/base/*',)),
    Rule('clock', r'\bstd::chrono::\w*_clock\b|\b(?:gettimeofday|clock_gettime|timespec_get)\s*\(|\buv_(?:hrtime|now)\s*\('
                  r'|(?<![\w.:>])time\s*\(\s*(?:nullptr|NULL|0|&\w+)\s*\)',
         'take a Clock (colloquium/clock.h)',
         ('src/base/system_clock.cc',
          'src/loop/uv_loop.cc',  # the clock that libuv's own timers go by
          'src/net/server_core.cc')),  # the loop's cached time, for deadlines of connections: no system call
    Rule('random', r'\b(?:std::)?(?:random_device|mt19937(?:_64)?|default_random_engine|minstd_rand0?)\b'
                   r'|(?<![\w.:>])s?rand(?:_r|om)?\s*\(|\bgetrandom\s*\(|\bgetentropy\s*\(',
         'take a Random (colloquium/clock.h)', ('src/base/system_clock.cc',)),
    Rule('file', r'\b(?:std::)?[io]?fstream\b|\bstd::filesystem\b|(?<![\w.])(?:fopen|freopen|fdopen|mkstemp|opendir)\s*\('
                 r'|(?<![\w.>])::(?:open|openat|creat|unlink|rename|truncate|ftruncate|fdatasync|fsync|pwritev?|flock|stat)\s*\(',
         'use io::FileSystem (io/file_system.h)',
         ('src/io/posix_file_system.cc',
          'src/io/byte_stream.cc',  # what people name on a command line may be a pipe, which has no places
          'src/app/main.cc')),  # /dev/null in the place of standard streams that are closed
    Rule('environment', r'\b(?:secure_)?getenv\s*\(|\b(?:set|unset|put)env\s*\(|\benviron\b',
         'only src/app reads the environment and hands on what it says', ('src/app/*',)),
    Rule('regex', r'\bstd::(?:basic_)?regex\w*\b', 'std::regex recurses without bound and takes seconds to compile; '
         'write the few lines of scanning', ()),
    Rule('process', r'(?<![\w.:>])(?:std::)?(?:system|popen|fork|vfork|exit|_exit|quick_exit|abort|terminate)\s*\(',
         'a library never ends or forks the process: return an Error; ASSERT is for programmer errors',
         ('src/base/assert.cc', 'src/app/*')),
    Rule('print', r'\bstd::(?:cout|cerr|clog)\b|(?<![\w.:>])(?:std::)?(?:v?printf|puts|putchar|perror)\s*\('
                  r'|\b(?:std::)?v?fprintf\s*\(',
         'results go through src/app, messages through base/logging.h',
         ('src/base/assert.cc', 'src/app/*')),
    Rule('assert', r'(?<![\w.:>])assert\s*\(', 'ASSERT (base/assert.h) is on in every build', (), False),
    Rule('throw', r'\bthrow\b(?!\s*\()', 'return a Result; exceptions never leave a folder',
         ('src/config/yaml.cc',)),  # out of yaml-cpp's event handler there is no other way
    Rule('mutex in a component', r'\bstd::(?:recursive_|shared_|timed_)?mutex\b',
         'state of sources and sinks is the loop\'s alone: post to it',
         ('src/base/*', 'src/loop/*', 'src/io/*', 'src/log/*', 'src/net/*', 'src/metrics/*', 'src/engine/*',
          'src/admin/*', 'src/app/*', 'include/*',
          'src/components/mqtt/paho.cc')),  # Paho does not guard its own setting up against its taking down
    Rule('unsafe string', r'(?<![\w.:>])(?:std::)?(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof)\s*\(',
         'use std::string, std::from_chars or base/units.h', (), True),
    Rule('namespace', r'\busing\s+namespace\s+(?!std::(?:string_view_)?(?:string_)?(?:chrono_)?literals)std\b',
         'write std::', (), True),
]

HEAVY = re.compile(r'^(?:nlohmann/|yaml-cpp/|uv\.h|curl/|spdlog/|prometheus/|CLI/|http_parser\.h|nghttp2/|simdjson|openssl/|lz4|zstd|zlib)')
UNFINISHED = re.compile(r'\b(?:TODO|FIXME|XXX|HACK)\b')
VACUOUS = re.compile(r'\b(?:CHECK|REQUIRE)\(\s*true\s*\)')


def allowed(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def scan(path, text):
    """(message, rule or None) of everything wrong in one file; exempted uses come with message None."""
    code = tree.code_only(text)
    test = tree.is_test(path)
    lines = code.splitlines()
    for rule in RULES:
        if test and not rule.tests:
            continue
        for number, line in enumerate(lines, 1):
            match = re.search(rule.pattern, line)
            if not match or line.lstrip().startswith('#include'):
                continue
            if allowed(path, rule.allowed):
                yield None, rule
            else:
                yield f'{path}:{number}: {match.group(0).strip()}: {rule.instead}', rule
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f'{path}:{number}: unfinished: finish it, or take the note out', None
        if test and VACUOUS.search(line):
            yield f'{path}:{number}: a check that cannot fail', None
    if path.endswith('.h'):
        yield from ((problem, None) for problem in scan_header(path, text))


def scan_header(path, text):
    if not text.startswith('//'):
        yield f'{path}:1: a header begins with what it is for, who may call it on which thread, who owns what'
    if '#pragma once' not in text:
        yield f'{path}:1: no #pragma once'
    if tree.is_test(path):
        return
    for number, name, _ in tree.includes(text):
        if HEAVY.match(name):
            yield f'{path}:{number}: {name} in a header: declare forward, or hide it behind a pointer'


def main():
    problems, used, count = [], set(), 0
    sources = list(tree.files(tree.ROOT, ('src', 'include', 'tests'), tree.CPP))
    for path in sources:
        if path.startswith('tests/bench/'):
            continue  # programs to compare with, not Colloquium
        count += 1
        for problem, rule in scan(path, tree.read(path)):
            if problem:
                problems.append(problem)
            else:
                used |= {(rule.name, pattern) for pattern in rule.allowed if fnmatch.fnmatch(path, pattern)}
    for rule in RULES:
        problems += [f'banned.py: {rule.name}: {pattern} does not need it any more; take it off the list'
                     for pattern in rule.allowed if '*' not in pattern and (rule.name, pattern) not in used]
    return tree.finish('banned', problems, f'{count} files')


if __name__ == '__main__':
    sys.exit(main())
