#include "components/kafka/kafka_sink.h"

#include <catch2/catch.hpp>

#include "base/logging.h"
#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "loop/uv_loop.h"

namespace colloquium::components {

TEST_CASE("what is given up at once while the brokers keep the thread waiting is held for the next write") {
  set_log_level(LogLevel::kOff);
  ThreadExecutor executor;
  const auto loop = loop::UvLoop::create(executor).value();
  SystemClock clock;
  SeededRandom random{1};
  Services services;
  KafkaSinkConfig config;
  config.brokers = {"127.0.0.1:1"};  // nobody is there
  config.topic = "out";
  config.transactions = true;
  KafkaSink sink({*loop, clock, random, services, "p", "out", ""}, config,
                 formats::MessageText::create(*formats::default_sink_format(), nullptr).value(), nullptr,
                 executor);
  REQUIRE(sink.restore(""));
  REQUIRE(sink.start());
  sink.recover("p/out", {"orders.abcdefgh-0"}, [](auto) {});
  for (int64_t offset = 0; offset < 100'000; ++offset) {
    sink.gave_up("orders.abcdefgh-0", offset, "too far behind");
    sink.settled("orders.abcdefgh-0", offset - 10);
  }
  bool closed = false;
  sink.close([&] {
    closed = true;
    loop->stop();
  });
  loop->run();
  CHECK(closed);
  loop->close();
  set_log_level(LogLevel::kInfo);
}

}  // namespace colloquium::components
