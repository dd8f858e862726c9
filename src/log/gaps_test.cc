// The table of given-up offsets by itself: what it takes for a gap, and what it refuses to read.
#include "log/gaps.h"

#include <catch2/catch.hpp>

#include "io/memory_file_system.h"

namespace colloquium::log {
namespace {

Result<GapTable> read_back(const std::string& text) {
  io::MemoryFileSystem fs;
  REQUIRE(io::write_file_atomically(fs, "gaps", text));
  return GapTable::read(fs, "gaps");
}

}  // namespace

TEST_CASE("an offset in a gap is passed over to the first one behind it", "[gaps]") {
  GapTable table;
  table.add(10, 20);
  table.add(40, 41);
  CHECK(table.skip(9) == 9);
  CHECK(table.skip(10) == 20);
  CHECK(table.skip(19) == 20);
  CHECK(table.skip(20) == 20);
  CHECK(table.skip(40) == 41);
  CHECK(table.at(9) == nullptr);
  CHECK(table.at(19)->from == 10);
  CHECK(table.at(20) == nullptr);
  CHECK(table.behind(9)->from == 10);
  CHECK(table.behind(10)->from == 40);
  CHECK(table.behind(40) == nullptr);
}

TEST_CASE("gaps that touch or overlap become one", "[gaps]") {
  GapTable table;
  table.add(30, 40);
  table.add(10, 20);
  REQUIRE(table.gaps().size() == 2);
  table.add(20, 25);
  CHECK(table.gaps()[0].below == 25);
  table.add(5, 35);
  REQUIRE(table.gaps().size() == 1);
  CHECK(table.gaps()[0].from == 5);
  CHECK(table.gaps()[0].below == 40);
}

TEST_CASE("the table is read back as it was written, and a damaged one is refused", "[gaps]") {
  GapTable table;
  table.add(0, 3);
  table.add(7, 9);
  const std::string text = table.text();
  const auto read = read_back(text);
  REQUIRE(read);
  CHECK(read->text() == text);
  for (size_t at = 0; at < text.size(); ++at) {
    std::string bad = text;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    INFO("byte " << at);
    CHECK_FALSE(read_back(bad));
  }
  io::MemoryFileSystem fs;
  REQUIRE(GapTable::read(fs, "gaps"));
  CHECK(GapTable::read(fs, "gaps")->empty());
}

}  // namespace colloquium::log
