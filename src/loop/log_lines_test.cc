#include "loop/log_lines.h"

#include <catch2/catch.hpp>
#include <vector>

namespace colloquium::loop {
namespace {

TEST_CASE("bytes become lines however they come in") {
  std::vector<std::string> told;
  LogLines lines([&](std::string_view line) { told.emplace_back(line); });
  lines.add("one\ntw");
  lines.add("o\n\n");
  lines.add("rest");
  CHECK(told == std::vector<std::string>{"one", "two"});
  lines.finish();
  lines.finish();
  CHECK(told == std::vector<std::string>{"one", "two", "rest"});
}

TEST_CASE("a line without end is told in pieces") {
  std::vector<size_t> sizes;
  LogLines lines([&](std::string_view line) { sizes.push_back(line.size()); });
  const std::string bytes(LogLines::kMostBytes * 2 + 7, 'x');
  lines.add(bytes);
  lines.add("\n");
  CHECK(sizes == std::vector<size_t>{LogLines::kMostBytes, LogLines::kMostBytes, 7});
  sizes.clear();
  lines.add(bytes.substr(0, LogLines::kMostBytes - 1) + "\nab\n");
  CHECK(sizes == std::vector<size_t>{LogLines::kMostBytes - 1, 2});
}

}  // namespace
}  // namespace colloquium::loop
