// Calls over a scripted provider and the log in memory, on one thread, for tests.
//
// Thread safety: one thread.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ai/calls.h"
#include "ai/scripted_provider_test.h"
#include "base/manual_clock.h"
#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/fake_log.h"
#include "log/segment_log.h"
#include "loop/test_loop.h"

namespace colloquium::ai {

// A thousand tokens cost a dollar, in and out: a token is a thousandth.
constexpr int64_t kToken = kNanoPerUsd / 1000;

inline PriceTable token_prices() {
  return *PriceTable::parse(
      R"({"date": "2026-01-01", "models": {"line/m": {"input": 1000, "output": 1000}, "line/n": {"input": 1000, "output": 1000}}})",
      "test");
}

inline ProviderSettings line_provider(const std::string& name) {
  ProviderSettings provider;
  provider.name = name;
  provider.kind = "line";
  provider.provider = std::make_shared<LineProvider>();
  provider.access = [name] { return AiAccess{"http://" + name, "secret", {}}; };
  provider.key = "team";
  return provider;
}

inline CallSettings line_settings() {
  CallSettings settings;
  settings.pipeline = "p";
  settings.records = "p";
  settings.providers = {line_provider("one"), line_provider("two")};
  settings.prices = token_prices();
  return settings;
}

inline AiQuestion question(const std::string& text, std::optional<int64_t> offset = std::nullopt) {
  AiQuestion question;
  question.who = "stage";
  if (offset) question.event = AiEvent{"in-" + std::to_string(*offset), "in-0", *offset};
  question.request.messages.push_back({AiRole::kUser, {AiText{text}}});
  question.request.parameters.max_output_tokens = 20;
  question.models = {{"one", "m", 1}};
  return question;
}

// What lives as long as the process.
class CallsScene {
 public:
  // Over a log in memory, or over the real one on files in memory.
  explicit CallsScene(ScriptedTransport::Script script, uint64_t seed = 1,
                      std::shared_ptr<log::FakeStorage> storage = log::make_fake_storage(),
                      io::MemoryFileSystem* files = nullptr)
      : executor(seed, clock), random(seed), transport(loop, std::move(script)) {
    if (files != nullptr) {
      open_log(*files);
      return;
    }
    auto made = std::make_unique<log::FakeLog>(
        executor, clock, log::FakeLogOptions{.seed = seed, .tape = {}, .storage = std::move(storage)});
    fake = made.get();
    log = std::move(made);
  }

  void open(CallSettings settings = line_settings(), bool with_log = true) {
    auto created = Calls::create(std::move(settings), {.log = with_log ? log.get() : nullptr,
                                                       .loop = loop,
                                                       .clock = clock,
                                                       .random = random,
                                                       .transport = transport,
                                                       .book = book});
    if (!created) FAIL(created.error().describe());
    calls = std::move(*created);
  }

  // Outcomes by the order of asking.
  AiCalls::Number ask(AiQuestion question, AiListen listen = nullptr) {
    const size_t at = outcomes.size();
    outcomes.emplace_back();
    return calls->ask(
        std::move(question),
        [this, at](AiOutcome outcome) {
          CHECK_FALSE(outcomes[at].has_value());
          outcomes[at] = std::move(outcome);
        },
        std::move(listen));
  }

  void settle_down() {
    while (executor.run_until_idle() + loop.run_until_idle() > 0) {
    }
  }
  // Time passes, in small steps.
  void pass(int64_t ms) {
    settle_down();
    for (int64_t i = 0; i < ms; i += 10) {
      loop.advance(std::min<int64_t>(10, ms - i));
      settle_down();
    }
  }
  const AiOutcome& outcome(size_t at) {
    for (int i = 0; i < 100'000 && !outcomes.at(at); ++i) pass(10);
    REQUIRE(outcomes.at(at).has_value());
    return *outcomes.at(at);
  }
  const AiAnswer& answer(size_t at) {
    const AiOutcome& found = outcome(at);
    if (!found.answer) FAIL(found.refusal.error().describe());
    return *found.answer;
  }
  const AiRefusal& refusal(size_t at) {
    REQUIRE_FALSE(outcome(at).answer.has_value());
    return outcome(at).refusal;
  }

  void close() {
    bool closed = false;
    calls->close([&closed] { closed = true; });
    for (int i = 0; i < 1000 && !closed; ++i) pass(10);
    REQUIRE(closed);
    calls.reset();
  }

  // The records, as they are in the log.
  std::vector<CallRecord> records(const std::string& of = "p") {
    settle_down();
    std::vector<CallRecord> all;
    const auto stream = log->open_stream({.name = of + ".calls", .partitions = 0, .retention = {}});
    if (!stream) return all;
    const auto reader = log->read(*stream, 0, 0, false);
    while (true) {
      const auto batch = (*reader)->next();
      REQUIRE(batch);
      if (*batch == nullptr) return all;
      for (size_t i = 0; i < (*batch)->size(); ++i) all.push_back(*parse_record((*batch)->value(i)));
    }
  }
  std::string kinds() {
    std::string all;
    for (const CallRecord& record : records()) all += std::string(to_string(record.kind)) + " ";
    return all;
  }

  void open_log(io::MemoryFileSystem& files) {
    log::LogOptions options;
    options.directory = "data";
    options.files = &files;
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    auto opened = log::SegmentLog::open(std::move(options));
    if (!opened) FAIL(opened.error().describe());
    log = std::move(*opened);
  }

  ManualClock clock;
  SimExecutor executor;
  loop::TestLoop loop{clock};
  SeededRandom random;
  ScriptedTransport transport;
  BudgetBook book;
  std::unique_ptr<log::Log> log;
  log::FakeLog* fake = nullptr;  // the log, if it is that
  std::unique_ptr<Calls> calls;
  std::vector<std::optional<AiOutcome>> outcomes;
};

}  // namespace colloquium::ai
