#include "base/names.h"

#include <array>
#include <catch2/catch.hpp>

namespace colloquium {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"compression", "partitions", "port", "path", "ack", "x"};

TEST_CASE("a name one or two edits away is suggested") {
  CHECK(closest_name("compresion", kNames) == "compression");
  CHECK(closest_name("compresions", kNames) == "compression");
  CHECK(closest_name("prot", kNames) == "port");
}

TEST_CASE("a name three edits away is not suggested") {
  CHECK(closest_name("compressxyz", kNames).empty());
  CHECK(closest_name("retention", kNames).empty());
}

TEST_CASE("the nearest wins, then byte order, whatever the order of the candidates") {
  CHECK(closest_name("pathh", kNames) == "path");
  constexpr std::array<std::string_view, 3> kTies = {"cat", "bat", "rat"};
  CHECK(closest_name("eat", kTies) == "bat");
  constexpr std::array<std::string_view, 3> kReversed = {"rat", "bat", "cat"};
  CHECK(closest_name("eat", kReversed) == "bat");
}

TEST_CASE("a name that would have to change wholly gets no suggestion") {
  CHECK(closest_name("y", kNames).empty());
  CHECK(closest_name("zz", kNames).empty());
  CHECK(closest_name("", kNames).empty());
}

TEST_CASE("candidates may be owned strings, and there may be none") {
  const std::vector<std::string> names = {"filter", "file"};
  CHECK(closest_name("filer", std::span<const std::string>(names)) == "file");
  CHECK(closest_name("filer", std::span<const std::string>()).empty());
}

TEST_CASE("edit distance counts insertions, deletions and replacements up to its limit") {
  CHECK(edit_distance("kitten", "sitting", 5) == 3);
  CHECK(edit_distance("kitten", "sitting", 2) == 3);
  CHECK(edit_distance("", "abc", 3) == 3);
  CHECK(edit_distance("same", "same", 2) == 0);
  CHECK(edit_distance("a", "abcdefgh", 2) == 3);
}

}  // namespace
}  // namespace colloquium
