#include "base/murmur2.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

using colloquium::murmur2;

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
