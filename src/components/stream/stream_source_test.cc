#include "components/stream/stream_source.h"

#include <catch2/catch.hpp>

#include "base/logging.h"
#include "base/sim_executor.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

struct Bench {
  explicit Bench(int32_t partitions = 1) {
    stream = *log.open_stream({.name = "orders", .partitions = partitions});
  }
  ~Bench() {
    if (source != nullptr) close();
    REQUIRE(log.close());
  }
  void make(StreamSourceConfig config = {.name = "orders"}) {
    SourceContext context{{loop, clock, random, services, "audit", "in", ""},
                          intake,
                          false,
                          [] {},
                          [this](const Error& error) { failure = error; }};
    source = std::make_unique<StreamSource>(std::move(context), std::move(config), log);
  }
  void start(StreamSourceConfig config = {.name = "orders"}) {
    make(std::move(config));
    const Status started = source->start("");
    INFO((started ? "" : started.error().describe()));
    REQUIRE(started);
    settle();
  }
  void close() {
    bool closed = false;
    source->close([&] { closed = true; });
    settle();
    CHECK(closed);
    source.reset();
  }
  void settle() {
    do {
      loop.run_until_idle();
    } while (executor.run_until_idle() > 0 || loop.can_move());
  }
  void append(const std::vector<std::string>& values, int32_t partition = 0) {
    BatchBuilder builder;
    for (const std::string& value : values) {
      const std::pair<std::string_view, std::string_view> header{"h", "1"};
      EventMeta meta;
      meta.key = "k";
      meta.headers = {&header, 1};
      meta.timestamp_ms = 9;
      meta.offset_delta = static_cast<uint32_t>(builder.size());
      if (value.empty()) {
        builder.add_tombstone(meta);
      } else {
        builder.add(value, {}, meta);
      }
    }
    auto encoded = log::encode(builder.seal(std::make_shared<BatchOrigin>(), 0), log::Codec::kNone, nullptr);
    log.append(stream, partition, std::move(*encoded), log::AckLevel::kDurable,
               [](const auto& done) { REQUIRE(done); });
    settle();
  }
  FakeIntake& part(int32_t partition = 0) {
    const std::string tag = log.stream_info(stream)->tag;
    return static_cast<FakeIntake&>(intake.part("orders." + tag + "-" + std::to_string(partition)));
  }
  // Values in the order in which they came, and that their positions are their offsets.
  std::vector<std::string> taken(int32_t partition = 0) {
    std::vector<std::string> values;
    for (const RawBatch& raw : part(partition).emitted) {
      CHECK(raw.cursor == std::to_string(raw.position + static_cast<int64_t>(raw.messages.size())));
      for (const RawMessage& message : raw.messages) values.push_back(message.tombstone ? "-" : message.value);
    }
    return values;
  }

  ManualClock clock;
  SimExecutor executor{1, clock};
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{clock};
  FakeIntake intake{loop};
  log::FakeLog log{executor, clock};
  log::StreamId stream = 0;
  std::optional<Error> failure;
  std::unique_ptr<StreamSource> source;
};

TEST_CASE("what is in the stream comes in order, and what is added follows") {
  Bench bench;
  bench.append({"1", "2"});
  bench.append({"3"});
  bench.start();
  CHECK(bench.taken() == std::vector<std::string>{"1", "2", "3"});
  bench.append({"", "5"});
  CHECK(bench.taken() == std::vector<std::string>{"1", "2", "3", "-", "5"});
  const RawMessage& message = bench.part().emitted[0].messages[0];
  CHECK(message.key == "k");
  CHECK(message.headers == std::vector<std::pair<std::string, std::string>>{{"h", "1"}});
  CHECK(message.timestamp_ms == 9);
}

TEST_CASE("it goes on behind its cursor, whatever `from` says", "[REQ-008]") {
  Bench bench;
  bench.append({"1", "2", "3"});
  bench.start();
  bench.close();
  const std::string cursor = bench.part().cursor;
  bench.part().emitted.clear();
  bench.append({"4"});
  bench.start({.name = "orders", .from = StreamStart::kEnd});
  CHECK(bench.taken() == std::vector<std::string>{"4"});
  CHECK(cursor != bench.part().cursor);
}

TEST_CASE("from the end only what comes later is taken") {
  Bench bench;
  bench.append({"1", "2"});
  bench.start({.name = "orders", .from = StreamStart::kEnd});
  CHECK(bench.taken().empty());
  bench.append({"3"});
  CHECK(bench.taken() == std::vector<std::string>{"3"});
}

TEST_CASE("where it began is where it begins again, also where nothing was accepted", "[REQ-008]") {
  Bench bench(2);
  bench.append({"1"}, 0);
  bench.start({.name = "orders", .from = StreamStart::kEnd});
  bench.close();
  bench.append({"2"}, 0);
  bench.append({"a"}, 1);
  bench.start({.name = "orders", .from = StreamStart::kEnd});
  CHECK(bench.taken(0) == std::vector<std::string>{"2"});
  CHECK(bench.taken(1) == std::vector<std::string>{"a"});
}

TEST_CASE("what was put back for one sink of the other pipeline is left out") {
  Bench bench;
  bench.append({"1"});
  BatchBuilder builder;
  const std::pair<std::string_view, std::string_view> header{log::kLegHeader, "partner"};
  builder.add("2", {}, {.headers = {&header, 1}});
  auto encoded = log::encode(builder.seal(std::make_shared<BatchOrigin>(), 0), log::Codec::kNone, nullptr);
  bench.log.append(bench.stream, 0, std::move(*encoded), log::AckLevel::kDurable, [](const auto&) {});
  bench.append({"3"});
  bench.start();
  CHECK(bench.taken() == std::vector<std::string>{"1", "3"});
}

TEST_CASE("partitions are parts of their own, and one that is held back holds no other", "[REQ-009]") {
  Bench bench(3);
  bench.part(1).hold();
  bench.append({"1", "2"}, 0);
  bench.append({"a"}, 1);
  bench.append({"x"}, 2);
  bench.start();
  bench.append({"b"}, 1);
  bench.append({"3"}, 0);
  CHECK(bench.taken(0) == std::vector<std::string>{"1", "2", "3"});
  CHECK(bench.taken(1) == std::vector<std::string>{"a"});
  CHECK(bench.taken(2) == std::vector<std::string>{"x"});
  bench.part(1).accept();
  bench.settle();
  CHECK(bench.taken(1) == std::vector<std::string>{"a", "b"});
  bench.part(1).accept();
}

TEST_CASE("what the door refuses is offered again, and nothing behind it before") {
  Bench bench;
  std::string said;
  set_log_writer([&](std::string_view line) { said += line; });
  bench.part().hold();
  bench.append({"1"});
  bench.append({"2"});
  bench.start();
  bench.part().refuse(ErrorCode::kNoSpace, 50);
  bench.settle();
  CHECK(bench.taken() == std::vector<std::string>{"1"});
  bench.loop.advance(50);
  bench.settle();
  CHECK(bench.taken() == std::vector<std::string>{"1", "1"});
  bench.part().accept();
  bench.settle();
  CHECK(bench.taken() == std::vector<std::string>{"1", "1", "2"});
  bench.part().accept();
  set_log_writer(nullptr);
  CHECK(said.find("not accepted") != std::string::npos);
}

TEST_CASE("retention of the other stream learns from the start on how far it is", "[REQ-008]") {
  Bench bench;
  bench.append({"1", "2"});
  bench.part().hold();
  bench.start();
  const auto position = [&] { return bench.log.leg_state("audit/@stream/in")->positions.at(0).next_offset; };
  const int64_t first = position();
  bench.part().accept();
  bench.settle();
  CHECK(position() == first);
  bench.loop.advance(1000);
  bench.settle();
  CHECK(position() > first);
}

TEST_CASE("where it begins waits for room on the disk, and what is read for a descriptor", "[REQ-008]") {
  Bench bench;
  bench.append({"1", "2"});
  const ErrorCode why = GENERATE(ErrorCode::kNoSpace, ErrorCode::kUnavailable);
  bench.log.set_commits_full(true, why);
  bench.log.fail_reads(2, {ErrorCode::kUnavailable, "no descriptor", true});
  bench.start();
  CHECK(bench.taken().empty());
  bench.loop.advance(1500);
  bench.settle();
  CHECK(bench.taken().empty());
  bench.log.set_commits_full(false);
  for (int i = 0; i < 6 && bench.taken().empty(); ++i) {
    bench.loop.advance(500);
    bench.settle();
  }
  CHECK(bench.taken() == std::vector<std::string>{"1", "2"});
  CHECK_FALSE(bench.failure);
}

TEST_CASE("what no waiting mends ends it") {
  Bench bench;
  bench.append({"1"});
  bench.log.fail_reads(1, {ErrorCode::kCorrupt, "damaged"});
  bench.start();
  REQUIRE(bench.failure);
  CHECK(bench.failure->code == ErrorCode::kCorrupt);
}

TEST_CASE("a stream that is not there is refused with what to do") {
  Bench bench;
  bench.make({.name = "none"});
  const Status started = bench.source->start("");
  REQUIRE_FALSE(started);
  CHECK(started.error().message.find("start the pipeline that fills it") != std::string::npos);
}

}  // namespace
}  // namespace colloquium::components
