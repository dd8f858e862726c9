#include "formats/line_cutter.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace colloquium::formats {
namespace {

void feed(LineCutter& cutter, std::string_view bytes) {
  const auto room = cutter.room(bytes.size() + 3);
  std::memcpy(room.data(), bytes.data(), bytes.size());
  cutter.added(bytes.size());
}

// Everything that comes out when `input` is fed in pieces of `step` bytes.
std::vector<Lines> cut(std::string_view input, size_t step, size_t max_line, uint64_t position = 0) {
  LineCutter cutter(max_line, position);
  std::vector<Lines> all;
  for (size_t at = 0; at < input.size(); at += step) {
    feed(cutter, input.substr(at, step));
    while (auto lines = cutter.take()) all.push_back(*lines);
  }
  while (auto lines = cutter.take()) all.push_back(*lines);
  if (auto last = cutter.finish()) all.push_back(*last);
  return all;
}

TEST_CASE("lines come out whole and complete, however the bytes come in") {
  const std::string input = "{\"a\":1}\n\n[2]\r\n\"three\"";
  const size_t step = GENERATE(1, 2, 3, 5, 7, 100);
  std::string joined;
  uint64_t next = 40;
  for (const Lines& lines : cut(input, step, 1000, 40)) {
    CHECK(lines.begin == next);
    CHECK(lines.end == lines.begin + lines.body->size());
    next = lines.end;
    joined += *lines.body;
    if (joined.size() < input.size()) CHECK(lines.body->back() == '\n');
  }
  CHECK(joined == input);
}

TEST_CASE("a partial last line waits for its rest") {
  LineCutter cutter(1000, 0);
  feed(cutter, "one\ntw");
  auto first = cutter.take();
  REQUIRE(first);
  CHECK(*first->body == "one\n");
  CHECK_FALSE(cutter.take());
  CHECK(cutter.position() == 6);
  feed(cutter, "o");
  CHECK_FALSE(cutter.take());
  feed(cutter, "\n");
  CHECK(*cutter.take()->body == "two\n");
  CHECK_FALSE(cutter.finish());
}

TEST_CASE("nothing in gives nothing out") {
  CHECK(cut("", 1, 10).empty());
  LineCutter cutter(10, 7);
  CHECK_FALSE(cutter.take());
  CHECK_FALSE(cutter.finish());
  CHECK(cutter.position() == 7);
}

TEST_CASE("a line beyond the limit is cut, marked and skipped, and those around it are not touched") {
  const std::string input = "[1]\n" + std::string(100, '9') + "\n[2]\n[3]";
  const size_t step = GENERATE(1, 4, 9, 16);
  const auto all = cut(input, step, 20);
  std::vector<std::string> lines;
  uint64_t next = 0;
  for (const Lines& part : all) {
    CHECK(part.begin == next);
    next = part.end;
    lines.push_back(*part.body);
  }
  CHECK(next == input.size());
  REQUIRE(lines.size() >= 3);
  CHECK(lines[0] == "[1]\n");
  CHECK(lines[1].size() == 21);
  CHECK(lines[1].back() == '\x01');
  CHECK(lines[1].substr(0, 20) == std::string(20, '9'));
  std::string rest;
  for (size_t i = 2; i < lines.size(); ++i) rest += lines[i];
  CHECK(rest == "[2]\n[3]");
}

TEST_CASE("a line that is too long and never ends is one bad event at the end") {
  const auto all = cut(std::string(100, 'x'), 10, 20, 5);
  REQUIRE(all.size() == 1);
  CHECK(all[0].body->size() == 21);
  CHECK(all[0].begin == 5);
  CHECK(all[0].end == 105);
}

}  // namespace
}  // namespace colloquium::formats
