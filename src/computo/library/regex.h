// Operators with regular expressions, by RE2: time linear in the text, bounded memory, no backtracking.
//
// The syntax is RE2's (https://github.com/google/re2/wiki/Syntax): Perl's without look-around and back references.
// A group's name may be written (?<name>…) or (?P<name>…). A pattern is compiled once per machine (prepared.h).
// Matching without groups takes nothing from the heap; with groups, and a pattern in which more than one way
// through has to be followed, RE2 takes working memory for it.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// regex.cc
bool regex_capture(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool regex_find(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool regex_find_all(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool regex_test(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// regex_replace.cc
bool regex_replace(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool regex_split(Machine& machine, const Value* arguments, uint32_t count, Value& out);

std::string check_regex(std::span<const ConstantText> arguments);
std::string check_regex_capture(std::span<const ConstantText> arguments);
std::string check_regex_replace(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kRegexLibrary[] = {
    native("regexCapture", 2, 2,
           {"Regular expressions", "text: string, pattern: string", "object or null", "type value"}, "s",
           ops::regex_capture,
           "What the named groups matched, as an object of strings, null for a group that took no part; null if "
           "there is no match. A pattern without a named group is an error of category value.",
           R"x(["regexCapture","17:45 up","(?<hour>\\d+):(?<minute>\\d+)"])x", R"({"hour":"17","minute":"45"})",
           ops::check_regex_capture),
    native("regexFind", 2, 2,
           {"Regular expressions", "text: string, pattern: string", "object or null", "type value"}, "s",
           ops::regex_find,
           "The first match of the pattern: its text, the index in code points where it starts, its groups in "
           "order and those with names; null if there is none. A pattern that is no regular expression (of RE2's "
           "syntax) is an error of category value, here and in all regex operators.",
           R"x(["regexFind","id=17","(?<key>\\w+)=(\\d+)(x)?"])x",
           R"({"groups":["id","17",null],"match":"id=17","named":{"key":"id"},"start":0})", ops::check_regex),
    native(
        "regexFindAll", 2, 3,
        {"Regular expressions", "text: string, pattern: string, most?: integer", "array of objects", "type value"},
        "ssi", ops::regex_find_all,
        "All matches that do not overlap, each as regexFind gives it, at most as many as the third operand says.",
        R"(["regexFindAll","a1","\\w"])",
        R"([{"groups":[],"match":"a","named":{},"start":0},{"groups":[],"match":"1","named":{},"start":1}])",
        ops::check_regex),
    native("regexReplace", 3, 4,
           {"Regular expressions", "text: string, pattern: string, replacement: string, most?: integer", "string",
            "type value"},
           "sssi", ops::regex_replace,
           "The string with each match replaced, at most as many as the fourth operand says. In the replacement "
           "$0 is the match, $1 to $9 and ${12} a group, ${name} a named one, empty if it took no part, and $$ a "
           "dollar sign; a group that the pattern does not have is an error of category value.",
           R"x(["regexReplace","Doe, Jane","(\\w+), (?<first>\\w+)","${first} $1"])x", R"("Jane Doe")",
           ops::check_regex_replace),
    native(
        "regexSplit", 2, 3,
        {"Regular expressions", "text: string, pattern: string, most?: integer", "array of strings", "type value"},
        "ssi", ops::regex_split,
        "The pieces between matches, at most as many as the third operand says, the last being what is left. "
        "A match of nothing separates nothing.",
        R"(["regexSplit","a, b;c","[,;]\\s*"])", R"(["a","b","c"])", ops::check_regex),
    native("regexTest", 2, 2, {"Regular expressions", "text: string, pattern: string", "boolean", "type value"},
           "s", ops::regex_test, "True if the pattern matches anywhere in the string; ^ and $ tie it to its ends.",
           R"(["regexTest","ord-17","^ord-\\d+$"])", "true", ops::check_regex),
};

}  // namespace colloquium::computo
