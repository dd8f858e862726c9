// A small world for tests of whole pipelines: a source of numbers, a stage that is picky, sinks that are lists,
// over the in-memory log, all on one thread, with a seed that chooses what moves next.
//
// Thread safety: one thread.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/part_name.h"
#include "base/sim_executor.h"
#include "config/pipeline_config.h"
#include "engine/pipeline.h"
#include "engine/test_numbers.h"
#include "engine/test_support.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"

namespace colloquium::engine {

struct NoConfig {};

inline std::string number_event(int n) {
  return R"({"n":)" + std::to_string(1'000'000 + n) + "}";
}

// What survives a crash: each sink's file.
using Disk = std::map<std::string, std::vector<std::string>>;

// A file in small: appends at once, and a token is its length.
class DiskSink final : public Sink {
 public:
  // `ids` gets those of the events that are written; it may be null.
  DiskSink(std::vector<std::string>& lines, std::vector<std::string>* ids, Loop& loop, Random& random)
      : lines_(lines), ids_(ids), loop_(loop), random_(random) {}
  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status restore(const std::string& token) override {
    // A file that was there before is added to, as a real one would be.
    const size_t length = token.empty() ? lines_.size() : std::stoul(token);
    if (lines_.size() < length) return fail(ErrorCode::kCorrupt, "the file is shorter than what was committed");
    lines_.resize(length);
    return {};
  }
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override {
    enqueue([this, batch, done = std::move(done)]() mutable {
      for (size_t i = 0; i < batch->size(); ++i) {
        lines_.emplace_back(batch->value(i));
        if (ids_ != nullptr) ids_->push_back(batch->id(i));
      }
      done({});
    });
  }
  bool has_token() const override { return true; }
  void token(TokenDone done) override {
    enqueue([this, done = std::move(done)]() mutable { done(std::to_string(lines_.size())); });
  }
  void close(Task closed) override { enqueue(std::move(closed)); }

 private:
  // One after the other, each after a while.
  void enqueue(Task task) {
    waiting_.push_back(std::move(task));
    if (timer_ == nullptr) next();
  }
  void next() {
    timer_ = loop_.start_timer(static_cast<int64_t>(random_.next() % 30), [this] {
      Task task = std::move(waiting_.front());
      waiting_.pop_front();
      timer_ = nullptr;
      if (!waiting_.empty()) next();
      task();
    });
  }
  std::vector<std::string>& lines_;
  std::vector<std::string>* const ids_;
  Loop& loop_;
  Random& random_;
  std::deque<Task> waiting_;
  std::unique_ptr<Timer> timer_;
};

// A database in small: a write appends the events and moves the leg's progress at once; the progress is what
// survives.
class KeptSink final : public Sink, public ProgressKeeper {
 public:
  using Settled = std::map<std::string, int64_t>;  // by partition
  KeptSink(Disk& disk, Settled& settled, std::string name, Loop& loop, Random& random)
      : disk_(disk), settled_(settled), name_(std::move(name)), loop_(loop), random_(random) {}
  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status restore(const std::string&) override { return {}; }
  Status start() override { return {}; }
  ProgressKeeper* progress() override { return this; }
  void recover(const std::string&, std::vector<std::string> partitions, ProgressDone done) override {
    std::vector<SinkProgress> known;
    for (const auto& [name, lines] : disk_) {
      if (!name.starts_with(prefix())) continue;
      const std::string partition = name.substr(prefix().size());
      if (is_of_any(partition, partitions)) known.push_back({partition, std::stoll(lines.at(0)), {}});
    }
    done(std::move(known));
  }
  void gave_up(const std::string&, int64_t, const std::string&) override {}
  void settled(const std::string& partition, int64_t offset) override { settled_[partition] = offset; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override {
    auto answer = std::make_shared<WriteDone>(std::move(done));
    timers_.push_back(loop_.start_timer(static_cast<int64_t>(random_.next() % 30), [this, batch, answer] {
      for (size_t i = 0; i < batch->size(); ++i) disk_[name_].emplace_back(batch->value(i));
      disk_[prefix() + partition_id(batch->origin())] = {std::to_string(batch->offset(batch->size() - 1) + 1)};
      (*answer)({});
    }));
  }
  bool has_token() const override { return false; }
  void token(TokenDone) override { ASSERT_WHY(false, "it has none"); }
  void close(Task closed) override { timers_.push_back(loop_.start_timer(100, std::move(closed))); }

 private:
  std::string prefix() const { return name_ + "@progress/"; }
  Disk& disk_;
  Settled& settled_;
  const std::string name_;
  Loop& loop_;
  Random& random_;
  std::vector<std::unique_ptr<Timer>> timers_;
};

// Drops every seventh event; fails every eleventh.
class PickyStage final : public PureStage {
 public:
  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override {
    for (size_t i = 0; i < input.size(); ++i) {
      const int n = std::stoi(std::string(input.value(i).substr(5)));
      if (n % 11 == 0) {
        failed.push_back({i, Error{ErrorCode::kInvalidInput, "eleven", false, {}}});
      } else if (n % 7 != 0) {
        output.keep(input, i);
      }
    }
  }
  bool needs_tape() const override { return false; }
  void set_output_tape(bool) override {}
};

// Asks somebody who takes a while, fails now and then, has nothing to say to every fifth, and refuses every
// thirteenth.
class AskingStage final : public AsyncStage {
 public:
  AskingStage(Loop& loop, Random& random) : loop_(loop), random_(random) {}
  size_t concurrency() const override { return 4; }
  void process(std::shared_ptr<const Batch> batch, size_t event, UniqueFunction<void(AsyncOutput)> done) override {
    const uint64_t number = next_++;
    AsyncOutput output;
    const std::string value(batch->value(event));
    const int n = std::stoi(value.substr(5));
    if (n % 13 == 0) {
      output.error = Error{ErrorCode::kInvalidInput, "thirteen", false, {}};
    } else if (random_.next() % 10 == 0) {
      output.error = Error{ErrorCode::kUnavailable, "busy", true, {}};
      output.is_attempt = false;
    } else if (n % 5 != 0) {
      output.values.push_back(value);
    }
    Call& call = calls_[number];
    call.done = std::move(done);
    call.timer = loop_.start_timer(static_cast<int64_t>(random_.next() % 20), [this, number, output] {
      Call ended = std::move(calls_.at(number));
      calls_.erase(number);
      ended.done(output);
    });
  }
  void close(Task closed) override {
    for (auto& [number, call] : std::exchange(calls_, {})) {
      call.done({.values = {}, .error = Error{ErrorCode::kCancelled, "closed", true, {}}});
    }
    closing_ = loop_.start_timer(5, std::move(closed));
  }

 private:
  struct Call {
    UniqueFunction<void(AsyncOutput)> done;
    std::unique_ptr<Timer> timer;
  };
  Loop& loop_;
  Random& random_;
  std::map<uint64_t, Call> calls_;
  uint64_t next_ = 0;
  std::unique_ptr<Timer> closing_;
};

// One process: everything it has in memory.
struct World {
  World(uint64_t seed, std::shared_ptr<log::FakeStorage> storage, Disk& disk_in, int total_in)
      : disk(disk_in), total(total_in), executor(seed, clock), random{seed} {
    describe();
    log::FakeLogOptions fake;
    fake.seed = seed;
    fake.storage = std::move(storage);
    fake.tape = [](std::string_view value, std::vector<TapeToken>& tape) {
      json::Walker().walk_unchecked(value, tape);
    };
    log = std::make_unique<log::FakeLog>(executor, clock, fake);
  }

  void describe() {
    source.kind = ComponentKind::kSource;
    source.name = "numbers";
    bind_spec(source, ConfigSpec<NoConfig>());
    source.source_traits = [this](const ParsedConfig&) {
      return SourceTraits{.rereadable = rereadable, .finite = true, .max_event_bytes = max_event_bytes};
    };
    source.create_source = [this](const ParsedConfig&, SourceContext context) -> Result<std::unique_ptr<Source>> {
      acks_from_memory = context.acks_from_memory;
      if (parts > 0)
        return std::make_unique<PartedNumbers>(std::move(context), parts, total, number_event, accepted);
      return std::make_unique<NumberSource>(std::move(context), total, number_event, accepted, source_error);
    };
    fleeting = source;
    fleeting.name = "fleeting";
    fleeting.source_traits = [this](const ParsedConfig&) {
      return SourceTraits{.rereadable = false, .finite = true, .max_event_bytes = max_event_bytes};
    };
    stage.kind = ComponentKind::kStage;
    stage.name = "picky";
    bind_spec(stage, ConfigSpec<NoConfig>());
    stage.create_pure_stage = [](const ParsedConfig&, ComponentContext) -> Result<std::unique_ptr<PureStage>> {
      return std::make_unique<PickyStage>();
    };
    asking.kind = ComponentKind::kStage;
    asking.name = "ask";
    bind_spec(asking, ConfigSpec<NoConfig>());
    asking.create_async_stage = [](const ParsedConfig&,
                                   ComponentContext context) -> Result<std::unique_ptr<AsyncStage>> {
      return std::make_unique<AskingStage>(context.loop, context.random);
    };
    sink.kind = ComponentKind::kSink;
    sink.name = "disk";
    sink.delivery = Guarantee::kExactlyOnce;
    bind_spec(sink, ConfigSpec<NoConfig>());
    sink.create_sink = [this](const ParsedConfig&, ComponentContext context) -> Result<std::unique_ptr<Sink>> {
      if (keeps_progress)
        return std::make_unique<KeptSink>(disk, settled, context.name, context.loop, context.random);
      return std::make_unique<DiskSink>(disk[context.name], &ids[context.name], context.loop, context.random);
    };
  }

  std::shared_ptr<const Plan> plan(const std::string& text, ConfigProblems& problems) {
    config::PipelineSurroundings surroundings;
    surroundings.registry.find = [this](ComponentKind kind, std::string_view name) -> const Descriptor* {
      for (const Descriptor* d : {&source, &fleeting, &stage, &asking, &sink}) {
        if (d->kind == kind && d->name == name) return d;
      }
      return nullptr;
    };
    surroundings.registry.names = [](ComponentKind) { return std::vector<std::string>(); };
    return Plan::compile(config::read_pipeline(text, "p.yaml", surroundings, problems), problems);
  }

  Environment environment() {
    return {.loop = loop,
            .executor = executor,
            .clock = clock,
            .random = random,
            .services = services,
            .workers = workers,
            .log = log.get()};
  }

  std::unique_ptr<Pipeline> create(const std::string& text, Environment in) {
    ConfigProblems problems;
    auto compiled = plan(text, problems);
    for (const auto& problem : problems) UNSCOPED_INFO(problem.describe());
    REQUIRE(compiled != nullptr);
    auto created = Pipeline::create(compiled, std::move(in));
    if (!created) FAIL(created.error().describe());
    return std::move(*created);
  }

  void start(const std::string& text) {
    pipeline = create(text, environment());
    REQUIRE(pipeline->start([this] { finished = true; }, [this](Error error) { failure = error; }));
  }

  // One small step of something; now and then time passes, so that commits come due in the midst of it.
  void step() {
    if (random.next() % 30 == 0) return loop.advance(static_cast<int64_t>(random.next() % 60));
    if (random.next() % 2 == 0 && loop.run_turn()) return;
    if (executor.step()) return;
    if (loop.run_turn()) return;
    loop.advance(10);
  }

  void close(int64_t deadline_ms = 1000) {
    close(pipeline, deadline_ms);
    REQUIRE(log->close());
  }

  void close(std::unique_ptr<Pipeline>& which, int64_t deadline_ms) {
    bool closed = false;
    which->stop(deadline_ms, [&] { closed = true; });
    for (int i = 0; i < 100'000 && !closed; ++i) step();
    REQUIRE(closed);
    outcome = which->outcome();
    which.reset();
    while (executor.run_until_idle() > 0 || loop.run_until_idle() > 0) {
    }
  }

  Disk& disk;
  const int total;
  bool acks_from_memory = false;  // as the last source was told
  int64_t max_event_bytes = 1 << 20;
  bool rereadable = true;
  int parts = 0;                // of the source; 0: it has none
  bool keeps_progress = false;  // the sinks do
  Disk ids;                     // of what this process has written, by sink
  KeptSink::Settled settled;    // as they were told
  std::optional<Error> source_error;
  uint64_t accepted = 0;
  PipelineOutcome outcome;  // once closed
  ManualClock clock;
  SimExecutor executor;
  loop::TestLoop loop{clock};
  SeededRandom random;
  Services services;
  WorkerPool workers{executor, 2};
  std::unique_ptr<log::FakeLog> log;
  Descriptor source, fleeting, stage, asking, sink;  // fleeting: a source that cannot read again
  std::unique_ptr<Pipeline> pipeline;
  bool finished = false;
  std::optional<Error> failure;
};

inline std::vector<std::string> expected(int total, bool filtered) {
  std::vector<std::string> out;
  for (int n = 1'000'000; n < 1'000'000 + total; ++n) {
    if (filtered && (n % 7 == 0 || n % 11 == 0)) continue;
    out.push_back(number_event(n - 1'000'000));
  }
  return out;
}

inline std::vector<std::string> stored(log::Log& log, const std::string& stream) {
  std::vector<std::string> out;
  const auto id = log.open_stream({.name = stream, .partitions = 1});
  auto reader = log.read(*id, 0, 0, false);
  while (true) {
    const auto batch = (*reader)->next();
    if (*batch == nullptr) return out;
    for (size_t i = 0; i < (*batch)->size(); ++i) out.emplace_back((*batch)->value(i));
  }
}

inline constexpr char kTwoSinks[] =
    "name: p\nsources: [{numbers: {}}]\nstages: [{picky: {}}]\n"
    "sinks:\n  - {name: all, disk: {}}\n  - {name: odd, when: ['==', 1, ['%', [$input, /n], 2]], disk: {}}\n";

inline std::vector<std::string> odd(const std::vector<std::string>& lines) {
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    if ((line[line.size() - 2] - '0') % 2 == 1) out.push_back(line);
  }
  return out;
}

// Runs `text` to its end, crashing up to `crashes` times on the way, and says how often. A crashed world is kept,
// never run again: its objects go when the test process does. `prepare` sees each world before it starts.
inline int run_with_crashes(const std::string& text, uint64_t seed, int crashes, Disk& disk,
                            const std::function<void(World&)>& at_end, int total, uint64_t steps_max = 300,
                            const std::function<void(World&)>& prepare = {}) {
  static std::vector<std::unique_ptr<World>>& graveyard = *new std::vector<std::unique_ptr<World>>();
  auto storage = log::make_fake_storage();
  SeededRandom chance(seed * 31);
  for (int life = 0; life <= crashes; ++life) {
    auto world = std::make_unique<World>(seed * 100 + static_cast<uint64_t>(life), storage, disk, total);
    if (prepare) prepare(*world);
    world->start(text);
    const uint64_t steps = life == crashes ? UINT64_MAX : chance.next() % steps_max;
    for (uint64_t i = 0; i < steps && !world->finished && !world->failure; ++i) world->step();
    if (world->failure) FAIL(world->failure->describe());
    if (world->finished || life == crashes) {
      REQUIRE(world->finished);
      at_end(*world);
      world->close();
      return life;
    }
    graveyard.push_back(std::move(world));
  }
  return crashes;
}

}  // namespace colloquium::engine
