#include "tests/compliance/component_world.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "base/logging.h"
#include "config/yaml.h"
#include "io/file_system.h"

namespace colloquium::compliance {

World::World(int64_t limit_ms) : parts_(std::make_unique<Parts>()), limit_ms_(limit_ms) {
  set_log_writer([said = said_](std::string_view line) {
    const std::lock_guard lock(said->mutex);
    said->text.append(line).append("\n");
  });
  Services& services = parts_->services;
  parts_->server = std::make_unique<net::HttpServer>(loop(), parts_->clock);
  const Status listening = parts_->server->listen("127.0.0.1:0");
  ASSERT(listening);
  parts_->log = std::make_unique<log::FakeLog>(parts_->executor, parts_->clock);
  services.provide<io::FileSystem>(&io::posix_file_system());
  services.provide<loop::UvLoop>(parts_->loop.get());
  services.provide<Executor>(&parts_->executor);
  services.provide<metrics::Registry>(&parts_->registry);
  services.provide<net::HttpServer>(parts_->server.get());
  services.provide<log::Log>(parts_->log.get());
}

World::~World() {
  set_log_writer(nullptr);
  if (abandoned_) {
    // Still in use by whatever did not close, and so never destroyed.
    static auto* const kept = new std::vector<std::unique_ptr<Parts>>();
    kept->push_back(std::move(parts_));
    return;
  }
  const Status closed = parts_->log->close();
  ASSERT(closed);
  parts_->server.reset();
  turn(2);
  parts_->loop->close();
}

bool World::run_until(std::function<bool()> done) {
  const int64_t end_ns = clock().monotonic_ns() + limit_ms_ * 1'000'000;
  bool held = done();
  while (!held && clock().monotonic_ns() < end_ns) {
    const auto timer = loop().start_timer(1, [this] { loop().stop(); });
    loop().run();
    held = done();
  }
  return held;
}

void World::turn(int count) {
  for (int i = 0; i < count; ++i) {
    loop().post([this] { loop().stop(); });
    loop().run();
  }
}

ComponentContext World::context() {
  return {.loop = loop(),
          .clock = clock(),
          .random = parts_->random,
          .services = parts_->services,
          .pipeline = "p",
          .name = "subject",
          .base_dir = folder()};
}

std::string World::said() const {
  const std::lock_guard lock(said_->mutex);
  return said_->text;
}

Parsed parse_settings(const Descriptor& descriptor, const std::string& settings) {
  ConfigProblems problems;
  Parsed parsed;
  const auto node = config::load_yaml(descriptor.name + ": " + settings, "p.yaml", problems);
  if (node) {
    parsed.node = *node->find(descriptor.name);
    parsed.config = descriptor.parse(parsed.node, problems);
  }
  for (const ConfigProblem& problem : problems) parsed.problem += problem.describe() + "\n";
  return parsed;
}

std::string event_text(int64_t number, size_t padding) {
  std::string text = "{\"n\":" + std::to_string(number) + ",\"pad\":\"";
  text.append(padding, 'x');
  return text += "\"}";
}

std::vector<int64_t> numbers_in(std::string_view text) {
  constexpr std::string_view kKey = "\"n\":";
  std::vector<int64_t> numbers;
  for (size_t at = text.find(kKey); at != text.npos; at = text.find(kKey, at + 1)) {
    int64_t number = -1;
    std::from_chars(text.data() + at + kKey.size(), text.data() + text.size(), number);
    numbers.push_back(number);
  }
  return numbers;
}

std::string differs(const std::vector<int64_t>& found, int64_t count) {
  const auto total = static_cast<int64_t>(found.size());
  for (int64_t i = 0; i < std::min(count, total); ++i) {
    if (found[static_cast<size_t>(i)] == i) continue;
    return "event " + std::to_string(found[static_cast<size_t>(i)]) + " came where " + std::to_string(i) +
           " was due";
  }
  if (total == count) return {};
  return std::to_string(total) + " events came of " + std::to_string(count);
}

Verdict judge_metrics(const std::string& before, const std::string& during, const std::string& after) {
  if (after != before) return broken("a metric of it is still there when it has gone");
  uint64_t series = 0;
  for (size_t at = 0; at < during.size();) {
    const size_t end = std::min(during.find('\n', at), during.size());
    const std::string line = during.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line.front() == '#' || before.find(line) != before.npos) continue;
    if (line.find("component=\"subject\"") == line.npos) return broken("a metric of it has not its name: " + line);
    ++series;
  }
  return series > 0 ? holds(series) : absent("it has no metrics of its own");
}

// StrictDoor

void StrictDoor::Part::when_ready(Task resume) {
  ++door.asked_;
  if (door.ready_) {
    // The door may open between the question and this.
    door.world_.loop().post(std::move(resume));
    return;
  }
  door.waiting_.push_back(std::move(resume));
}

StrictDoor::Part& StrictDoor::part_of(const std::string& name) {
  std::unique_ptr<Part>& part = parts_[name];
  if (part == nullptr) part = std::make_unique<Part>(*this);
  return *part;
}

Intake& StrictDoor::part(const std::string& name) {
  return part_of(name);
}

void StrictDoor::restore(const StrictDoor& before) {
  for (const auto& [name, part] : before.parts_) part_of(name).stored = part->stored;
}

// Any thread may emit; the acknowledgement runs on the loop all the same.
void StrictDoor::take(Part& part, RawBatch batch, AckFn ack) {
  if (!world_.loop().is_current()) {
    (void)world_.loop().post(alive_.guard([this, &part, batch = std::move(batch), ack = std::move(ack)]() mutable {
      take(part, std::move(batch), std::move(ack));
    }));
    return;
  }
  ++emits_;
  const bool doomed = part.failing > 0 && !batch.cursor.empty();
  pending_.push_back({&part, std::move(batch), std::move(ack), doomed});
  if (shut_after_ > 0 && emits_ >= shut_after_) {
    shut_after_ = 0;
    ready_ = false;
  }
  if (holding_ || std::exchange(answering_, true)) return;
  world_.loop().post(alive_.guard([this] { answer(); }));
}

void StrictDoor::answer() {
  answering_ = false;
  std::vector<std::pair<Ack, Pending>> answers;
  while (!pending_.empty() && !holding_) {
    Pending one = std::move(pending_.front());
    pending_.pop_front();
    const bool turned_away = refuse_every_ > 0 && decided_++ % refuse_every_ == 0;
    Ack ack = decide(one, !turned_away);
    answers.emplace_back(std::move(ack), std::move(one));
  }
  if (backwards_) std::reverse(answers.begin(), answers.end());
  for (auto& [ack, one] : answers) {
    if (ack.error && !one.batch.cursor.empty()) --one.part->failing;
    one.ack(std::move(ack));
  }
}

Ack StrictDoor::decide(Pending& one, bool accept_it) {
  Ack ack;
  if (accept_it && !one.doomed) {
    accept(*one.part, one.batch, ack);
    if (accepted_.size() >= hold_from_) holding_ = true;
    return ack;
  }
  ++refused_;
  ack.error = Error{ErrorCode::kUnavailable, "turned away by the test", true, {}};
  ack.retry_after_ms = 1;
  if (one.batch.cursor.empty()) return ack;
  ++one.part->failing;
  for (Pending& later : pending_) later.doomed = later.doomed || later.part == one.part;
  return ack;
}

void StrictDoor::accept(Part& part, const RawBatch& batch, Ack& ack) {
  std::vector<int64_t> numbers;
  if (batch.body != nullptr) numbers = numbers_in(*batch.body);
  for (const RawMessage& message : batch.messages) {
    const std::vector<int64_t> more = numbers_in(message.value);
    numbers.insert(numbers.end(), more.begin(), more.end());
  }
  if (!batch.cursor.empty()) {
    if (batch.position < part.next_position) {
      violation_ =
          "position " + std::to_string(batch.position) + " came behind " + std::to_string(part.next_position - 1);
    }
    part.next_position = batch.position + 1;
    part.stored = batch.cursor;
  }
  ack.accepted = numbers.size();
  const auto first = static_cast<int64_t>(accepted_.size());
  ack.offsets = {{0, first, first + static_cast<int64_t>(numbers.size()) - 1}};
  accepted_.insert(accepted_.end(), numbers.begin(), numbers.end());
  if (batch.kept) batch.kept();
}

void StrictDoor::release(bool accept_all) {
  holding_ = false;
  hold_from_ = SIZE_MAX;
  for (std::deque<Pending> held = std::exchange(pending_, {}); !held.empty(); held.pop_front()) {
    Ack ack = decide(held.front(), accept_all);
    if (ack.error && !held.front().batch.cursor.empty()) --held.front().part->failing;
    held.front().ack(std::move(ack));
  }
}

void StrictDoor::open() {
  ready_ = true;
  for (Task& resume : std::exchange(waiting_, {})) resume();
}

// SourceRun

SourceRun::SourceRun(World& world, const Subject& subject, const std::string& settings, StrictDoor& door)
    : world_(world), door_(door) {
  Parsed parsed = parse_settings(*subject.descriptor, settings);
  if (!parsed.problem.empty()) {
    problem_ = parsed.problem;
    return;
  }
  SourceContext context{world.context(), door.intake(), false, [this] { ++finished_; },
                        [this](Error error) { failed_ = std::move(error); }};
  auto made = subject.descriptor->create_source(parsed.config, std::move(context));
  if (made) {
    source_ = std::move(*made);
  } else {
    problem_ = made.error().describe();
  }
}

SourceRun::~SourceRun() {
  if (source_ != nullptr && !closed_) (void)close();
}

Status SourceRun::start() {
  return source_->start(door_.stored_cursor());
}

std::string SourceRun::close() {
  closed_ = true;
  const auto times = std::make_shared<int>(0);
  source_->close([times] { ++*times; });
  if (*times > 0) return "it said that it was closed before close() had returned";
  if (!world_.run_until([&] { return *times > 0; })) {
    world_.abandon();
    (void)source_.release();
    return "it did not close";
  }
  world_.turn(5);
  return *times == 1 ? "" : "it said more than once that it was closed";
}

// SinkRun

std::shared_ptr<const Batch> batch_of(int64_t first, int64_t count, int32_t partition) {
  BatchBuilder builder;
  for (int64_t i = 0; i < count; ++i) {
    EventMeta meta;
    meta.timestamp_ms = 1'700'000'000'000 + first + i;
    meta.offset_delta = static_cast<uint32_t>(i);
    builder.add(event_text(first + i, 100), {}, meta);
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "p";
  origin->tag = "abcdefgh";
  origin->source = "in";
  origin->partition = partition;
  return builder.seal(std::move(origin), first);
}

bool SinkRun::Write::is_ok() const {
  for (size_t i = 0; i < batch->size(); ++i) {
    if (!is_ok(i)) return false;
  }
  return true;
}

SinkRun::SinkRun(World& world, const Subject& subject, const std::string& settings)
    : world_(world), parsed_(parse_settings(*subject.descriptor, settings)), problem_(parsed_.problem) {
  if (!problem_.empty()) return;
  auto made = subject.descriptor->create_sink(parsed_.config, world.context());
  if (made) {
    sink_ = std::move(*made);
  } else {
    problem_ = made.error().describe();
  }
}

SinkRun::~SinkRun() {
  if (sink_ != nullptr && !closed_) (void)close();
}

std::string SinkRun::start(const std::string& token) {
  if (const Status restored = sink_->restore(token); !restored) return "restore: " + restored.error().describe();
  if (const Status started = sink_->start(); !started) return "start: " + started.error().describe();
  ProgressKeeper* const keeper = sink_->progress();
  if (keeper == nullptr) return {};
  const auto answer = std::make_shared<std::optional<Result<std::vector<SinkProgress>>>>();
  keeper->recover("p/subject", {"p.abcdefgh-0"},
                  [answer](Result<std::vector<SinkProgress>> progress) { answer->emplace(std::move(progress)); });
  if (!world_.run_until([&] { return answer->has_value(); })) return "recover: no answer";
  return **answer ? "" : "recover: " + (*answer)->error().describe();
}

SinkRun::Write& SinkRun::write(std::shared_ptr<const Batch> batch) {
  Write& made = writes_.emplace_back();
  made.batch = batch;
  sink_->write(std::move(batch), [&made](std::vector<EventOutcome> outcomes) {
    ++made.answers;
    made.outcomes = std::move(outcomes);
  });
  return made;
}

std::string SinkRun::wait_for_answers() {
  const auto all_in = [this] {
    return std::all_of(writes_.begin(), writes_.end(), [](const Write& one) { return one.answers > 0; });
  };
  if (!world_.run_until(all_in)) return "a write was never answered";
  world_.turn(3);
  for (const Write& one : writes_) {
    if (one.answers > 1) return "a write was answered twice";
    if (!one.outcomes.empty() && one.outcomes.size() != one.batch->size()) {
      return std::to_string(one.outcomes.size()) + " outcomes for " + std::to_string(one.batch->size()) +
             " events";
    }
  }
  return {};
}

Result<std::string> SinkRun::token() {
  const auto answer = std::make_shared<std::optional<Result<std::string>>>();
  sink_->token([answer](Result<std::string> token) { answer->emplace(std::move(token)); });
  if (!world_.run_until([&] { return answer->has_value(); })) {
    return fail(ErrorCode::kTimeout, "token() was never answered");
  }
  return **answer;
}

std::string SinkRun::close() {
  closed_ = true;
  const auto times = std::make_shared<int>(0);
  const auto early = std::make_shared<bool>(false);
  sink_->close([this, times, early] {
    ++*times;
    for (const Write& one : writes_) *early = *early || one.answers == 0;
  });
  if (*times > 0) return "it said that it was closed before close() had returned";
  if (!world_.run_until([&] { return *times > 0; })) {
    world_.abandon();
    (void)sink_.release();
    return "it did not close";
  }
  world_.turn(5);
  if (*early) return "it closed with a write that was not answered";
  return *times == 1 ? "" : "it said more than once that it was closed";
}

}  // namespace colloquium::compliance
