// What the door's tests share: a door over the in-memory log, on one thread.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/sim_executor.h"
#include "engine/dead_letter_tally.h"
#include "engine/door.h"
#include "engine/id_window.h"
#include "engine/pipeline.h"
#include "engine/producer_sequences.h"
#include "engine/test_support.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"

namespace colloquium::engine {

inline computo::ProgramPtr program(const std::string& script) {
  computo::CompileFailure failure;
  auto compiled = computo::compile_json(script, {}, failure);
  REQUIRE(compiled != nullptr);
  return compiled;
}

struct DoorSetting {
  int32_t partitions = 1;
  std::string partition_by;
  std::string dedupe_key;
  std::string dedupe_sequence;
  uint64_t under_way_bytes = 1 << 20;
  uint64_t held_bytes_max = 4 << 20;
  uint64_t seed = 11;  // of the order in which threads get their turns
  size_t workers = 1;  // and as many door threads
  uint64_t max_ids = 1000;
  size_t log_queue_bytes_max = size_t{32} << 20;
  std::shared_ptr<log::FakeStorage> storage = log::make_fake_storage();
};

// REQUIRES: `setting.storage` is used by one bench at a time.
struct DoorBench {
  explicit DoorBench(DoorSetting setting_in = {}) : setting(std::move(setting_in)) {
    log::FakeLogOptions fake;
    fake.storage = setting.storage;
    fake.queue_bytes_max = setting.log_queue_bytes_max;
    log = std::make_unique<log::FakeLog>(executor, clock, fake);
    options.source = "hook";
    options.pipeline = "orders";
    options.max_event_bytes = 1000;
    options.under_way_bytes = setting.under_way_bytes;
    options.held_bytes_max = setting.held_bytes_max;
    options.log = log.get();
    options.stream = *log->open_stream({.name = "orders", .partitions = setting.partitions});
    options.stream_name = "orders";
    options.partitions = setting.partitions;
    options.dead_stream = *log->open_stream({.name = "orders.dead", .partitions = 1});
    options.dead_origin = test_origin();
    options.tag = "tagtagta";
    options.counters = &counters;
    options.letters = &letters;
    if (!setting.partition_by.empty()) options.partition_by = program(setting.partition_by);
    if (!setting.dedupe_key.empty()) {
      options.dedupe_key = program(setting.dedupe_key);
      if (setting.dedupe_sequence.empty()) {
        options.dedupe = std::make_shared<IdWindow>(5, 3'600'000, setting.max_ids);
      } else {
        options.dedupe_sequence = program(setting.dedupe_sequence);
        options.dedupe = std::make_shared<ProducerSequences>(5, 3'600'000, 1000);
      }
    }
    intake = std::make_unique<SourceIntake>(options, loop, clock, workers);
    REQUIRE(intake->restore());
  }
  ~DoorBench() {
    settle();
    intake.reset();
    REQUIRE(log->close());
  }
  void settle() {
    do {
      loop.run_until_idle();
    } while (executor.run_until_idle() > 0 || loop.can_move());
  }
  void emit(const std::string& body, BodyFormat format = BodyFormat::kJson,
            BadEventPolicy policy = BadEventPolicy::kRejectAll, int64_t position = 0, std::string cursor = {}) {
    RawBatch raw;
    raw.body = std::make_shared<const std::string>(body);
    raw.format = format;
    raw.bad_event = policy;
    raw.position = position;
    raw.cursor = std::move(cursor);
    intake->emit(std::move(raw), [this](Ack ack) { acks.push_back(std::move(ack)); });
  }
  Ack one(const std::string& body, BodyFormat format = BodyFormat::kJson) {
    emit(body, format);
    settle();
    return acks.back();
  }
  std::vector<std::string> stored(log::StreamId stream, int32_t partition = 0) {
    std::vector<std::string> out;
    auto reader = log->read(stream, partition, 0, false);
    while (true) {
      const auto batch = (*reader)->next();
      if (*batch == nullptr) return out;
      ++batches;
      for (size_t i = 0; i < (*batch)->size(); ++i) out.emplace_back((*batch)->value(i));
    }
  }
  std::vector<std::string> stored() { return stored(options.stream); }

  DoorSetting setting;
  ManualClock clock;
  SimExecutor executor{setting.seed, clock};
  loop::TestLoop loop{clock};
  WorkerPool workers{executor, setting.workers};
  std::unique_ptr<log::FakeLog> log;
  ComponentCounters counters;
  DeadLetterTally letters{"orders/hook", clock};
  IntakeOptions options;
  std::unique_ptr<SourceIntake> intake;
  std::vector<Ack> acks;
  int batches = 0;
};

}  // namespace colloquium::engine
