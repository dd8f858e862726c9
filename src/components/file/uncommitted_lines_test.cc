#include "components/file/uncommitted_lines.h"

#include <catch2/catch.hpp>

namespace colloquium::components {

TEST_CASE("what comes again in any order has all come") {
  UncommittedLines lines;
  lines.add("a\nb");
  lines.add("b\na\nto");
  CHECK_FALSE(lines.all_came());
  lines.came("bb\na\n");
  lines.came("other\n");
  CHECK_FALSE(lines.all_came());
  lines.came("a\n");
  CHECK_FALSE(lines.all_came());
  lines.came("torn\n");
  CHECK(lines.all_came());
}

TEST_CASE("a line comes as often as it was held") {
  UncommittedLines lines;
  lines.add("a\na\n");
  lines.came("a\n");
  CHECK_FALSE(lines.all_came());
  lines.came("a\n");
  CHECK(lines.all_came());
}

TEST_CASE("where nothing was held nothing has come, and a line without its end is none") {
  UncommittedLines nothing;
  nothing.came("a\n");
  CHECK_FALSE(nothing.all_came());
  UncommittedLines open;
  open.add("precious");
  open.came("x\n");
  CHECK_FALSE(open.all_came());
}

}  // namespace colloquium::components
