#include <catch2/catch.hpp>

#include "engine/sink_leg_bench_test.h"

using namespace colloquium::engine;
using Bench = SinkLegBench;

TEST_CASE("what waits behind a write is written at once, and committed as one") {
  Bench bench(true);
  bench.sink->hold = true;
  for (int i = 0; i < 6; ++i) bench.deliver({std::to_string(i)}, i);
  bench.settle();
  CHECK(bench.sink->writes == 1);
  bench.sink->finish();
  CHECK(bench.sink->writes == 2);
  bench.sink->finish();
  bench.advance(100);
  CHECK(bench.sink->written == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
  CHECK(bench.committed() == 6);
  CHECK(bench.released == 60);
  CHECK(bench.counters.queue_depth.value() == 0);
}

TEST_CASE("a sink that has to send the same again is written the log's batches") {
  Bench bench(true);
  bench.sink->may_join = false;
  bench.sink->hold = true;
  for (int i = 0; i < 3; ++i) bench.deliver({std::to_string(i)}, i);
  for (int i = 0; i < 3; ++i) bench.sink->finish();
  CHECK(bench.sink->writes == 3);
}
