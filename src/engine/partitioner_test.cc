#include "engine/partitioner.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

using namespace colloquium::engine;

TEST_CASE("a key's partition is within bounds and spreads over all of them") {
  std::map<int32_t, int> counts;
  for (int i = 0; i < 4000; ++i) ++counts[partition_of("customer-" + std::to_string(i), 4)];
  REQUIRE(counts.size() == 4);
  for (const auto& [partition, count] : counts) {
    CHECK(partition >= 0);
    CHECK(partition < 4);
    CHECK(count > 800);
  }
  CHECK(partition_of("anything", 1) == 0);
}
