#include "engine/partitioner.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

using namespace colloquium::engine;

TEST_CASE("murmur2 gives what Kafka's own tests expect of it") {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  const std::map<std::string, int32_t> expected = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : expected) {
    INFO(key);
    CHECK(static_cast<int32_t>(murmur2(key)) == hash);
  }
}

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
