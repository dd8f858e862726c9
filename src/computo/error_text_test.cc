#include "computo/error_text.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::computo {
namespace {

ScriptError type_error() {
  ScriptError error;
  error.category = Category::kType;
  error.path = "/+/1";
  error.problem = "expected number, got string \"x\"";
  error.line = 2;
  error.column = 9;
  error.arguments = {"5", "\"x\""};
  error.advice = "use toNumber to make a number of it";
  return error;
}

std::optional<std::string> line_of(std::string_view file, uint32_t line) {
  if (file != "a.computo" || line != 2) return std::nullopt;
  return "total + $input/name";
}

}  // namespace

TEST_CASE("an error shows its line, its place, the arguments and what may help [REQ-047]") {
  CHECK(error_text(type_error(), "a.computo", line_of) ==
        "a.computo:2:9: error[type]: at /+/1: expected number, got string \"x\"\n"
        "    total + $input/name\n"
        "            ^\n"
        "    arguments: 5, \"x\"\n"
        "    help: use toNumber to make a number of it\n");
}

TEST_CASE("what is not known of an error is left out") {
  ScriptError error = type_error();
  error.arguments.clear();
  error.advice.clear();
  error.path.clear();
  error.hint = "name";
  CHECK(error_text(error, "b.computo", line_of, " (input line 3)") ==
        "b.computo:2:9: error[type]: expected number, got string \"x\" (input line 3)\n"
        "    help: did you mean 'name'?\n");
  error.line = 0;
  error.origin = "lib.json";
  CHECK(error_text(error, "b.computo", nullptr).starts_with("lib.json: error[type]: "));
  error.arguments = {"true"};
  error.first_argument = 2;
  CHECK(error_text(error, "", nullptr).find("    argument 3: true\n") != std::string::npos);
}

TEST_CASE("the mark stands under its character") {
  CHECK(source_excerpt("abc", 1) == "    abc\n    ^\n");
  CHECK(source_excerpt("abc", 4) == "    abc\n       ^\n");
  CHECK(source_excerpt("  \tx + y", 4) == "    x + y\n    ^\n");
  CHECK(source_excerpt("\"üö\" + 1", 6) == "    \"üö\" + 1\n         ^\n");
  CHECK(source_excerpt("a\x1b[31m", 2) == "    a [31m\n     ^\n");
  CHECK(source_excerpt("", 1) == "    \n    ^\n");
  CHECK(source_excerpt("abc", 0).empty());
  CHECK(source_excerpt("abc", 9).empty());
}

TEST_CASE("of a long line the part around the place is shown") {
  std::string line(401, 'a');
  line.replace(200, 201, 201, 'c')[200] = 'B';
  const std::string text = source_excerpt(line, 201);
  const std::string first = text.substr(0, text.find('\n'));
  const std::string second = text.substr(text.find('\n') + 1);
  std::string expected = "    …";
  expected.append(60, 'a').append("B").append(39, 'c').append("…");
  CHECK(first == expected);
  // The '…' is one character of three bytes.
  std::string mark(4 + 1 + 60, ' ');
  mark += "^\n";
  CHECK(second == mark);
}

}  // namespace colloquium::computo
