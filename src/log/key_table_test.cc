#include "log/key_table.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::log {

TEST_CASE("a key table tells the newest offset of every key, through its growing", "[compaction]") {
  KeyTable table(size_t{1} << 20);
  CHECK_FALSE(table.find("k1"));
  for (int64_t i = 0; i < 20'000; ++i) REQUIRE(table.put("k" + std::to_string(i % 7000), i));
  CHECK(table.size() == 7000);
  for (int64_t i = 0; i < 7000; ++i) {
    const int64_t newest = i < 6000 ? 14'000 + i : 7000 + i;
    REQUIRE(table.find("k" + std::to_string(i)) == newest);
  }
  CHECK_FALSE(table.find("k7000"));
  CHECK_FALSE(table.find(""));
  REQUIRE(table.put("", 20'000));
  CHECK(table.find("") == 20'000);
}

TEST_CASE("a key table that is full refuses new keys and follows those it has", "[compaction]") {
  const size_t budget = GENERATE(0u, 100u, 1000u, 5000u);
  KeyTable table(budget);
  int64_t offset = 0;
  while (table.put("k" + std::to_string(offset), offset)) ++offset;
  CHECK(offset >= 3);
  CHECK(static_cast<size_t>(offset) <= std::max<size_t>(3, budget / 24));
  CHECK(table.size() == static_cast<size_t>(offset));
  CHECK_FALSE(table.find("k" + std::to_string(offset)));
  CHECK(table.put("k0", offset));
  CHECK(table.find("k0") == offset);
  CHECK(table.find("k1") == 1);
}

}  // namespace colloquium::log
