#include "components/stream/stream_sink.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/sim_executor.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::pair<std::string, std::string>>& events, int64_t base,
                                      int32_t partition = 0) {
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->tag = "tagtagta";
  origin->source = "hook";
  origin->partition = partition;
  BatchBuilder builder;
  for (const auto& [key, value] : events) {
    EventMeta meta;
    if (!key.empty()) meta.key = key;
    meta.timestamp_ms = 5;
    meta.offset_delta = static_cast<uint32_t>(builder.size());
    if (value.empty()) {
      builder.add_tombstone(meta);
    } else {
      builder.add(value, {}, meta);
    }
  }
  return builder.seal(std::move(origin), base);
}

struct Bench {
  explicit Bench(std::shared_ptr<log::FakeStorage> storage_in, StreamSinkConfig config = {.name = "review"})
      : storage(std::move(storage_in)) {
    log::FakeLogOptions options;
    options.storage = storage;
    log = std::make_unique<log::FakeLog>(executor, clock, options);
    sink = std::make_unique<StreamSink>(ComponentContext{loop, clock, random, services, "orders", "large", ""},
                                        std::move(config), *log);
    REQUIRE(sink->restore(""));
    REQUIRE(sink->start());
    sink->recover("orders/large", {"orders.tagtagta-0", "orders.tagtagta-1"},
                  [&](Result<std::vector<SinkProgress>> known) {
                    REQUIRE(known);
                    progress = std::move(*known);
                  });
  }
  ~Bench() {
    bool closed = false;
    sink->close([&] { closed = true; });
    settle();
    REQUIRE(closed);
    sink.reset();
    REQUIRE(log->close());
  }
  void settle() {
    do {
      loop.run_until_idle();
    } while (executor.run_until_idle() > 0 || loop.can_move());
  }
  std::vector<EventOutcome> write(std::shared_ptr<const Batch> batch) {
    std::optional<std::vector<EventOutcome>> out;
    sink->write(std::move(batch), [&](std::vector<EventOutcome> outcomes) { out = std::move(outcomes); });
    settle();
    REQUIRE(out);
    return *out;
  }
  std::vector<std::string> stored(int32_t partition = 0) {
    std::vector<std::string> all;
    const auto stream = *log->open_stream({.name = "review", .partitions = 0});
    auto reader = *log->read(stream, partition, 0, false);
    while (auto batch = *reader->next()) {
      for (size_t i = 0; i < batch->size(); ++i) {
        all.push_back(std::string(batch->key(i).value_or("")) + "=" +
                      (batch->is_tombstone(i) ? "" : std::string(batch->value(i))));
      }
    }
    return all;
  }

  std::shared_ptr<log::FakeStorage> storage;
  ManualClock clock;
  SimExecutor executor{1, clock};
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{clock};
  std::unique_ptr<log::FakeLog> log;
  std::unique_ptr<StreamSink> sink;
  std::vector<SinkProgress> progress;
};

TEST_CASE("what is written is in the other stream, and recover tells how far it is", "[REQ-008]") {
  const auto storage = log::make_fake_storage();
  {
    Bench bench(storage);
    CHECK(bench.progress.empty());
    CHECK(bench.write(batch_of({{"a", "1"}, {"", "2"}, {"a", ""}}, 10)).empty());
    CHECK(bench.write(batch_of({{"", "3"}}, 40, 1)).empty());
    CHECK(bench.stored() == std::vector<std::string>{"a=1", "=2", "a=", "=3"});
  }
  Bench bench(storage);
  REQUIRE(bench.progress.size() == 2);
  for (const SinkProgress& known : bench.progress) {
    CHECK(known.next == (known.partition == "orders.tagtagta-0" ? 13 : 41));
    CHECK(known.given_up.empty());
  }
}

TEST_CASE("keys keep their partition, and events without key that of their own stream", "[REQ-009]") {
  Bench bench(log::make_fake_storage(), {.name = "review", .partitions = 3});
  std::mt19937 random(5);
  for (int i = 0; i < 60; ++i) {
    bench.write(batch_of({{"k" + std::to_string(random() % 9), std::to_string(i)}}, i));
  }
  bench.write(batch_of({{"", "\"one\""}}, 60, 1));
  std::map<std::string, int> partition_of_key;
  size_t events = 0;
  for (int p = 0; p < 3; ++p) {
    int last = -1;
    for (const std::string& event : bench.stored(p)) {
      ++events;
      const std::string key = event.substr(0, event.find('='));
      if (key.empty()) {
        CHECK(p == 1);
        continue;
      }
      CHECK(partition_of_key.emplace(key, p).first->second == p);
      const int number = std::stoi(event.substr(key.size() + 1));
      CHECK(number > last);
      last = number;
    }
  }
  CHECK(events == 61);
}

TEST_CASE("what the engine gave up is kept with the next write, until the engine has committed it", "[REQ-021]") {
  const auto storage = log::make_fake_storage();
  {
    Bench bench(storage);
    bench.sink->gave_up("orders.tagtagta-0", 4, "too \"large\"");
    bench.write(batch_of({{"", "1"}}, 5));
  }
  {
    Bench bench(storage);
    REQUIRE(bench.progress.size() == 1);
    REQUIRE(bench.progress[0].given_up.size() == 1);
    CHECK(bench.progress[0].given_up[0].offset == 4);
    CHECK(bench.progress[0].given_up[0].error == "too \"large\"");
    bench.sink->settled("orders.tagtagta-0", 6);
    bench.write(batch_of({{"", "2"}}, 6));
  }
  Bench bench(storage);
  REQUIRE(bench.progress.size() == 1);
  CHECK(bench.progress[0].next == 7);
  CHECK(bench.progress[0].given_up.empty());
}

TEST_CASE("what was given up reads back as it was, and rubbish is refused") {
  const std::vector<SinkProgress::GivenUp> events = {{0, ""}, {INT64_MAX, "\n\"é"}};
  const auto read = decode_given_up(encode_given_up(events));
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK((*read)[1].offset == INT64_MAX);
  CHECK((*read)[1].error == "\n\"é");
  CHECK(decode_given_up("")->empty());
  for (const std::string text : {"{}", "[1]", "[[1]]", "[[\"1\",\"x\"]]", "[[1,2]]", "["}) {
    INFO(text);
    CHECK_FALSE(decode_given_up(text));
  }
}

}  // namespace
}  // namespace colloquium::components
