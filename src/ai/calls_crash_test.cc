// What AiCalls promises, whatever fails and whenever the process dies: an answer that was recorded is never paid
// again, what was spent is between what is settled and that with the unknown, and no budget is exceeded. Hundreds
// of seeds; each draws the questions, the faults of the provider, and when the process is killed.
#include <algorithm>
#include <iostream>
#include <set>

#include "ai/calls_scene_test.h"
#include "base/logging.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kEvents = 24;
constexpr size_t kConcurrency = 5;
constexpr int64_t kPieces = 3;
constexpr int64_t kPieceTokens = 5;
constexpr int64_t kFull = (1 + kPieces * kPieceTokens) * kToken;

enum class Fault : uint8_t {
  kNone,
  kRefused,
  kResetBeforeHead,
  kNoHead,
  kThrottled,
  kServerError,
  kQuota,
  kResetInBody,
  kHangInBody,
  kTruncated,
  kErrorInBody,
  kResetAfterEnd,
  kWholeBroken,  // one JSON text, paid in whole, of which a part comes
  kCount
};
constexpr std::array<const char*, static_cast<size_t>(Fault::kCount)> kFaultNames = {"none",
                                                                                     "refused",
                                                                                     "reset before head",
                                                                                     "no head",
                                                                                     "429",
                                                                                     "500",
                                                                                     "quota",
                                                                                     "reset in body",
                                                                                     "hang in body",
                                                                                     "truncated",
                                                                                     "error in a 200",
                                                                                     "reset after end",
                                                                                     "broken JSON"};

// How a process ends, and what is left then.
enum class Dies : uint8_t {
  kKilled,       // what it has written stays, in the log in memory …
  kKilledFiles,  // … and in the real one
  kPowerLoss,    // what was not synced is gone
  kSomeSectors,  // of what was not synced, some is there
};

struct Disk {
  explicit Disk(Dies how_it_dies) : dies(how_it_dies) {}
  const Dies dies;
  std::shared_ptr<log::FakeStorage> storage = log::make_fake_storage();
  io::MemoryFileSystem files;

  io::MemoryFileSystem* real() { return dies == Dies::kKilled ? nullptr : &files; }
  bool keeps_written() const { return dies == Dies::kKilled || dies == Dies::kKilledFiles; }
  void die(SeededRandom& chance) {
    if (dies == Dies::kKilledFiles) files.kill();
    if (dies == Dies::kPowerLoss) files.crash();
    if (dies == Dies::kSomeSectors) files.crash(&chance);
  }
};

// The provider's own ledger, which outlives every process.
struct ProviderBooks {
  struct Entry {
    NanoUsd billed;
    bool under_way = false;
  };
  std::deque<Entry> entries;  // stays where it is
  NanoUsd total() const {
    NanoUsd sum;
    for (const Entry& entry : entries) sum += entry.billed;
    return sum;
  }
};

struct Tally {
  std::array<int, static_cast<size_t>(Fault::kCount)> faults{};
  int kills = 0, kills_under_way = 0, unknown = 0, answered = 0, shared = 0, recorded = 0, over_budget = 0;
};

class FaultyProvider {
 public:
  FaultyProvider(ProviderBooks& books, uint64_t seed, Tally& tally)
      : books_(books), random_(seed), tally_(tally) {}

  CallScript operator()(const AiHttpRequest& request) {
    const Fault fault = random_.below(2) == 0
                            ? Fault::kNone
                            : static_cast<Fault>(random_.below(static_cast<uint64_t>(Fault::kCount)));
    ++tally_.faults[static_cast<size_t>(fault)];
    books_.entries.push_back({});
    ProviderBooks::Entry& entry = books_.entries.back();
    const auto wait = [this] { return static_cast<int64_t>(random_.below(30)); };
    CallScript script;
    if (fault == Fault::kRefused) return {{ScriptStep::kBreak, wait(), 0, "connection refused"}};
    script.push_back({ScriptStep::kSent, wait(), 0, {}, {}, [&entry] { entry.under_way = true; }});
    const auto ends = [&entry] { entry.under_way = false; };
    if (fault == Fault::kResetBeforeHead || fault == Fault::kNoHead) {
      const bool billed = random_.below(2) == 0;
      script.back().then = [&entry, billed] { entry.billed = {billed ? kFull : 0}; };
      if (fault == Fault::kResetBeforeHead) script.push_back({ScriptStep::kBreak, wait(), 0, "connection reset"});
      return script;
    }
    const int status = fault == Fault::kThrottled ? 429 : fault == Fault::kServerError ? 500 : 402;
    if (fault == Fault::kThrottled || fault == Fault::kServerError || fault == Fault::kQuota) {
      script.push_back({ScriptStep::kHead, wait(), status, {}, {{"retry-after-ms", "40"}}, ends});
      script.push_back({ScriptStep::kEnd, wait()});
      return script;
    }
    if (fault == Fault::kWholeBroken) {
      script.back().then = [&entry] { entry = {{kFull}, true}; };
      script.push_back({ScriptStep::kHead, wait(), 200, {}, {{"content-type", "application/json"}}});
      script.push_back({ScriptStep::kBytes, wait(), 200, "T a part of", {}, ends});
      script.push_back(
          {random_.below(2) == 0 ? ScriptStep::kBreak : ScriptStep::kEnd, wait(), 0, "connection reset"});
      script.push_back({ScriptStep::kCut, 0, 0, {}, {}, ends});
      return script;
    }
    script.push_back({ScriptStep::kHead, wait()});
    const bool breaks = fault == Fault::kResetInBody || fault == Fault::kHangInBody ||
                        fault == Fault::kTruncated || fault == Fault::kErrorInBody;
    const int64_t pieces = breaks ? static_cast<int64_t>(random_.below(kPieces)) : kPieces;
    for (int64_t i = 1; i <= pieces; ++i) {
      const int64_t output = i * kPieceTokens;
      const std::string text = i < kPieces ? "to " : request.body;
      script.push_back({ScriptStep::kBytes,
                        wait(),
                        200,
                        "U 1 " + std::to_string(output) + "\nT " + text + "\n",
                        {},
                        [&entry, output] { entry.billed = {(1 + output) * kToken}; }});
    }
    if (pieces == 0) {
      script.push_back({ScriptStep::kBytes, wait(), 200, "U 1 0\n", {}, [&entry] { entry.billed = {kToken}; }});
    }
    end(fault, script, ends);
    script.push_back({ScriptStep::kCut, 0, 0, {}, {}, ends});  // it sees that nobody reads any more
    return script;
  }

 private:
  void end(Fault fault, CallScript& script, const std::function<void()>& ends) {
    const auto after_ms = static_cast<int64_t>(random_.below(30));
    switch (fault) {
      case Fault::kResetInBody:
        script.push_back({ScriptStep::kBreak, after_ms, 0, "connection reset", {}, ends});
        return;
      case Fault::kHangInBody:
        return;
      case Fault::kErrorInBody:
        script.push_back({ScriptStep::kBytes, after_ms, 200, "F transient overloaded\n", {}, ends});
        break;
      case Fault::kTruncated:
        break;
      default:
        script.push_back({ScriptStep::kBytes, after_ms, 200, "E\n", {}, ends});
    }
    if (fault == Fault::kResetAfterEnd) {
      script.push_back({ScriptStep::kBreak, after_ms, 0, "connection reset", {}, ends});
    } else {
      script.push_back({ScriptStep::kEnd, after_ms, 0, {}, {}, ends});
    }
  }
  ProviderBooks& books_;
  SeededRandom random_;
  Tally& tally_;
};

std::string text_of(uint64_t seed, int64_t event) {
  return "q" + std::to_string((static_cast<uint64_t>(event) * 7 + seed) % 16);
}

CallSettings crash_settings(SeededRandom& random) {
  CallSettings settings = line_settings();
  settings.cache_ttl_max_ms = 500;
  for (ProviderSettings& provider : settings.providers) {
    provider.connections = kConcurrency;
    provider.timeouts = {.connect_ms = 50, .first_byte_ms = 150, .silence_ms = 100, .total_ms = 2000};
    provider.retry = {.attempts = 2, .first_ms = 20, .max_ms = 100, .hint_max_ms = 1000};
    provider.breaker = {.failures = 4, .open_ms = 60, .quota_ms = 100};
  }
  // Some of them are in the way of calls at the same time, and of the whole day.
  const auto calls = static_cast<int64_t>(60 + random.below(300));
  settings.budgets = {{{.name = "day", .scope = {}, .limit = {calls * kToken}, .alert_percents = {}}}};
  return settings;
}

// A pipeline's part, in small: asks for its events in their order, so many at once, and settles those that are
// done.
class Asker {
 public:
  // `told`: the events that were given an answer.
  Asker(CallsScene& scene, uint64_t seed, int64_t& committed, std::set<int64_t>& told, Tally& tally)
      : scene_(scene), seed_(seed), committed_(committed), next_(committed), tally_(tally), told_(told) {}

  bool done() const { return committed_ == kEvents; }

  void step() {
    while (next_ < kEvents && static_cast<size_t>(next_ - committed_) < kConcurrency) ask(next_++);
    if (scene_.random.below(400) == 0 && !asked_.empty()) {
      const auto [event, number] = *asked_.begin();
      scene_.calls->cancel(number);
      ask(event);
    }
    while (finished_.contains(committed_)) finished_.erase(committed_++);
    if (committed_ > settled_) scene_.calls->settled("stage", "in-0", settled_ = committed_);
  }

 private:
  void ask(int64_t event) {
    AiQuestion asked = question(text_of(seed_, event), event);
    asked.request.parameters.max_output_tokens = kPieces * kPieceTokens;
    asked.models = {{"one", "m", 1}, {"two", "m", 1}};
    asked.on_unknown = event % 3 == 0 ? AiOnUnknown::kFail : AiOnUnknown::kRetry;
    asked.cache_ttl_ms = event % 2 == 0 ? 500 : 0;
    // Some listen; what they hear is the answer, once, or its beginning.
    const auto heard = std::make_shared<std::string>();
    AiListen listen;
    if (event % 4 == 1) {
      listen = [heard](const AiOutput& output) {
        if (const auto* text = std::get_if<AiTextDelta>(&output)) *heard += text->text;
      };
    }
    const bool listens = listen != nullptr;
    const auto answered = [this, event, heard, listens](AiOutcome outcome) {
      asked_.erase(event);
      const std::string& said = outcome.answer ? outcome.answer->text : outcome.refusal.partial;
      if (listens && outcome.answer && *heard != said)
        FAIL("it heard '" << *heard << "' and was told '" << said << "'");
      if (listens && !said.starts_with(*heard)) FAIL("it heard '" << *heard << "' of '" << said << "'");
      told(event, outcome);
    };
    const auto number = scene_.calls->ask(std::move(asked), answered, std::move(listen));
    asked_[event] = number;
  }
  void told(int64_t event, const AiOutcome& outcome) {
    if (outcome.answer) {
      if (outcome.answer->text != "to to " + text_of(seed_, event)) FAIL("another question's answer");
      ++tally_.answered;
      tally_.shared +=
          outcome.answer->from == AiAnswerFrom::kShared || outcome.answer->from == AiAnswerFrom::kCache;
      tally_.recorded += outcome.answer->from == AiAnswerFrom::kRecord;
      finished_.insert(event);
      told_.insert(event);
      return;
    }
    if (!outcome.refusal.error().retryable) return (void)finished_.insert(event);
    tally_.over_budget += outcome.refusal.budget;
    // A day passes, or a while.
    const int64_t wait_ms = outcome.refusal.budget ? 86'400'000 : 50;
    retries_.push_back(scene_.loop.start_timer(wait_ms, [this, event] { ask(event); }));
  }
  CallsScene& scene_;
  const uint64_t seed_;
  int64_t& committed_;  // survives, as the leg's position does
  int64_t next_;
  int64_t settled_ = 0;
  Tally& tally_;
  std::map<int64_t, AiCalls::Number> asked_;
  std::set<int64_t> finished_;
  std::set<int64_t>& told_;
  std::vector<std::unique_ptr<Timer>> retries_;
};

void move(CallsScene& scene) {
  if (scene.random.below(8) == 0) return scene.loop.advance(static_cast<int64_t>(scene.random.below(15)));
  if (scene.random.below(2) == 0 && scene.loop.run_turn()) return;
  if (scene.executor.step()) return;
  if (scene.loop.run_turn()) return;
  const auto next_ns = scene.loop.next_timer_ns();
  const int64_t by_ms = next_ns ? (*next_ns - scene.clock.monotonic_ns()) / 1'000'000 + 1 : 10;
  scene.loop.advance(std::max<int64_t>(by_ms, 1));
}

struct Sums {
  NanoUsd settled, unknown;
  int64_t lost = 0;            // calls
  size_t died = 0;             // calls that a process left without an end
  std::set<int64_t> answered;  // events
};

// What the stream says, in its order; and that no event is asked for again once its answer is there.
Sums sums_of(const std::vector<CallRecord>& records) {
  Sums sums;
  std::set<std::string> answered, open, ended;
  for (const CallRecord& record : records) {
    const CallTags& tags = record.tags;
    const std::string event = tags.event->id + digest_text(tags.question);
    switch (record.kind) {
      case RecordKind::kIntent:
        if (answered.contains(event)) FAIL("an event was sent again, and its answer was recorded");
        if (!open.insert(tags.call).second) FAIL("a call has two intents");
        continue;
      case RecordKind::kBatch:
      case RecordKind::kReuse:
        sums.answered.insert(tags.event->offset);
        answered.insert(event);
        continue;
      case RecordKind::kAnswer:
        sums.answered.insert(tags.event->offset);
        answered.insert(event);
        break;
      case RecordKind::kUnknown:
        sums.unknown += tags.reserved;
        ++sums.lost;
        if (tags.reserved.value < kFull) FAIL("less is reserved than a call may cost");
        sums.died += record.failure.message.find("process ended") != std::string::npos;
        break;
      case RecordKind::kFailure:
        break;
    }
    if (open.erase(tags.call) == 0 || !ended.insert(tags.call).second) FAIL("a call has no intent, or two ends");
    if (record.kind == RecordKind::kUnknown) continue;
    const bool is_answer = record.kind == RecordKind::kAnswer;
    if (is_answer && record.estimated) FAIL("the provider always says what it took");
    if (!is_answer && record.cost.value > 0 && !record.estimated) FAIL("it has not said its last word");
    sums.settled += record.cost;
  }
  return sums;
}

void check_budget(CallsScene& scene) {
  const BudgetStatus now = scene.calls->budgets().front();
  if (now.spent() + now.reserved > now.spec->limit) {
    FAIL("a budget is exceeded: " << usd_text(now.spent()) << " and " << usd_text(now.reserved));
  }
}

// A scene for each process, kept when it died: its objects go with the test's own process.
struct Life {
  std::shared_ptr<Disk> disk;
  std::shared_ptr<ProviderBooks> books;
  std::unique_ptr<CallsScene> scene;
  std::unique_ptr<Asker> asker;
};

class Run {
 public:
  Run(uint64_t seed, Dies dies, Tally& tally)
      : seed_(seed),
        tally_(tally),
        chance_(seed * 977),
        disk_(std::make_shared<Disk>(dies)),
        settings_(crash_settings(chance_)) {}

  void run() {
    const uint64_t kills = chance_.below(8);
    for (uint64_t life = 0;; ++life) {
      const bool last = life >= kills;
      Life now = begin(life);
      const bool done = live(now, last ? UINT64_MAX : 10 + chance_.below(400));
      if (done) {
        now.asker->step();
        now.scene->close();
        REQUIRE(now.scene->log->close());
        check_end(now);
        now.asker.reset();
        return;
      }
      die(std::move(now));
    }
  }

 private:
  static std::vector<Life>& graveyard() {
    static std::vector<Life>& lives = *new std::vector<Life>();
    return lives;
  }

  Life begin(uint64_t life) {
    auto provider = std::make_shared<FaultyProvider>(*books_, seed_ * 31 + life, tally_);
    Life now{disk_, books_, nullptr, nullptr};
    now.scene =
        std::make_unique<CallsScene>([provider](const AiHttpRequest& request) { return (*provider)(request); },
                                     seed_ * 100 + life, disk_->storage, disk_->real());
    now.scene->clock.set_wall_ms(wall_ms_);
    now.scene->open(settings_);
    now.asker = std::make_unique<Asker>(*now.scene, seed_, committed_, told_, tally_);
    return now;
  }

  static bool live(Life& now, uint64_t steps) {
    for (uint64_t i = 0; i < steps && !now.asker->done(); ++i) {
      now.asker->step();
      check_budget(*now.scene);
      move(*now.scene);
      if (i > 2'000'000) FAIL("it never ends");
    }
    return now.asker->done();
  }

  void die(Life now) {
    ++tally_.kills;
    tally_.kills_under_way += now.scene->transport.under_way() > 0;
    // The provider goes on with what it has got, or sees that nobody is there any more.
    for (ProviderBooks::Entry& entry : books_->entries) {
      if (std::exchange(entry.under_way, false) && chance_.below(2) == 0) entry.billed = {kFull};
    }
    wall_ms_ = now.scene->clock.wall_ms() + static_cast<int64_t>(chance_.below(1000));
    disk_->die(chance_);
    graveyard().push_back(std::move(now));
    CallsScene reader([](const AiHttpRequest&) { return CallScript(); }, seed_, disk_->storage, disk_->real());
    const Sums sums = check(reader.records());
    REQUIRE(reader.log->close());
    tally_.unknown += static_cast<int>(sums.died - died_before_);
    died_before_ = sums.died;
  }

  Sums check(const std::vector<CallRecord>& records) {
    const Sums sums = sums_of(records);
    if (sums.settled > books_->total()) FAIL("more is settled than was paid");
    if (sums.died > died_before_ + kConcurrency) FAIL("a kill left more unknown than were under way");
    if (!std::includes(sums.answered.begin(), sums.answered.end(), told_.begin(), told_.end())) {
      FAIL("somebody was told what is not recorded");
    }
    return sums;
  }

  void check_end(Life& now) {
    CallsScene after([](const AiHttpRequest&) { return CallScript(); }, seed_, disk_->storage, disk_->real());
    after.clock.set_wall_ms(now.scene->clock.wall_ms());
    const Sums sums = check(after.records());
    INFO("settled " << usd_text(sums.settled) << ", unknown " << usd_text(sums.unknown) << ", provider "
                    << usd_text(books_->total()));
    // Without its intent, which is written and not synced, nothing tells of a call.
    if (disk_->keeps_written()) {
      if (books_->total() > sums.settled + NanoUsd{sums.lost * kFull}) FAIL("more was paid than is known");
      if (sums.unknown.value == 0 && books_->total() != sums.settled)
        FAIL("nothing is unknown, and the sums differ");
    }
    // What the leg has stored is what the stream says.
    after.open(settings_);
    const LedgerSums total = after.calls->ledger().total();
    if (total.settled != sums.settled || total.unknown != sums.unknown) FAIL("the ledger has other sums");
    after.close();
    REQUIRE(after.log->close());
  }

  const uint64_t seed_;
  Tally& tally_;
  SeededRandom chance_;
  const std::shared_ptr<Disk> disk_;
  const CallSettings settings_;
  const std::shared_ptr<ProviderBooks> books_ = std::make_shared<ProviderBooks>();
  int64_t committed_ = 0;
  std::set<int64_t> told_;
  size_t died_before_ = 0;
  int64_t wall_ms_ = 1'700'000'000'000;
};

void run_seeds(Dies dies, uint64_t seeds, Tally& tally) {
  set_log_level(LogLevel::kError);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    Run(seed, dies, tally).run();
  }
  set_log_level(LogLevel::kInfo);
  std::cout << "answers " << tally.answered << ", shared or cached " << tally.shared << ", recorded "
            << tally.recorded << "; over a budget " << tally.over_budget << "; kills " << tally.kills
            << ", with calls under way " << tally.kills_under_way << ", calls unknown by them " << tally.unknown
            << "\nfaults:";
  for (size_t i = 0; i < tally.faults.size(); ++i)
    std::cout << " " << kFaultNames[i] << " " << tally.faults[i] << ";";
  std::cout << "\n";
  for (const int count : tally.faults) CHECK(count > 0);
  CHECK(tally.recorded > 0);
  CHECK(tally.shared > 0);
  CHECK(tally.over_budget > 0);
}

TEST_CASE("whatever fails and whenever the process dies, answers are paid once and the sums hold",
          "[REQ-062][REQ-070][crash]") {
  Tally tally;
  run_seeds(Dies::kKilled, 400, tally);
  CHECK(tally.kills_under_way > 400);
  CHECK(tally.unknown > 100);
}

TEST_CASE("so they do on the real log, and what was told survives the machine", "[REQ-062][REQ-070][crash]") {
  const Dies dies = GENERATE(Dies::kKilledFiles, Dies::kPowerLoss, Dies::kSomeSectors);
  INFO("dies " << static_cast<int>(dies));
  Tally tally;
  run_seeds(dies, 60, tally);
  CHECK(tally.kills_under_way > 40);
}

}  // namespace
}  // namespace colloquium::ai
