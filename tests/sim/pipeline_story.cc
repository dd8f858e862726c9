#include "tests/sim/pipeline_story.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <set>

#include "colloquium/config_spec.h"

#include "base/assert.h"
#include "components/registry.h"
#include "engine/test_numbers.h"
#include "io/file_system.h"
#include "tests/sim/machine.h"

namespace colloquium::sim {
namespace {

constexpr char kNumbersPath[] = "/in/numbers.ndjson";
constexpr char kAllPath[] = "/out/all.ndjson";
constexpr char kOddPath[] = "/out/odd.ndjson";
constexpr uint64_t kRoom = uint64_t{1} << 40;
constexpr size_t kWhole = size_t{1} << 30;
constexpr int kClients = 3;
constexpr uint64_t kStepsOfLife = 3000;
constexpr int kStepsToTheEnd = 400'000;
constexpr int64_t kDrainMs = 600'000;
constexpr int kFirstNumber = 1000;          // all numbers of the file have four digits
constexpr int kDropped = 7, kFailing = 11;  // every so-manieth event

// The keys of the file's events follow those of the producers'.
struct NoConfig {};

std::string number_event(int n) {
  return "{\"id\":\"f-" + std::to_string(n) + "\",\"k\":" + std::to_string(kClients + n % 3) +
         ",\"n\":" + std::to_string(n) + "}";
}

// −1: it has none, as what is no whole event has not.
int member(const std::string& event, const std::string& name) {
  const size_t at = event.find("\"" + name + "\":");
  int value = -1;
  if (at != std::string::npos)
    std::from_chars(event.data() + at + name.size() + 3, event.data() + event.size(), value);
  return value;
}

// What is found in one place, against what belongs there: each once, and those of a key in order.
std::string compare(const std::string& place, const std::vector<std::string>& found,
                    const std::vector<std::string>& wanted, bool in_order) {
  std::set<std::string> seen;
  std::map<int, int> last;
  for (const std::string& event : found) {
    if (!seen.insert(event).second) return place + " has " + event + " twice";
    const int n = member(event, "n");
    const auto [at, fresh] = last.try_emplace(member(event, "k"), n);
    if (!fresh && n < at->second && in_order) return place + " has " + event + " behind a later one";
    at->second = n;
  }
  for (const std::string& event : wanted) {
    if (seen.erase(event) == 0) return place + " lacks " + event;
  }
  return seen.empty() ? std::string() : place + " has " + *seen.begin() + ", which does not belong there";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

PipelineStory::PipelineStory(uint64_t seed, RunSettings settings, Tally& tally)
    : seed_(seed),
      settings_(settings),
      tally_(tally),
      chance_(seed * 7 + 3),
      numbers_(static_cast<int>(chance_.below(150))),
      posting_(chance_.below(4) != 0),
      from_file_(chance_.below(3) == 0),
      logged_(posting_ || seed % 3 != 0),
      partitions_(1 + static_cast<int>(chance_.below(3))),
      producers_(seed + 5, kClients, posting_ ? 20 + static_cast<int>(chance_.below(40)) : 0) {}

void PipelineStory::tell(const std::string& text) const {
  if (settings_.verbose) std::printf("  %s\n", text.c_str());
}

// It is there, durable, before anything else is.
void PipelineStory::write_numbers() {
  std::string text;
  for (int n = kFirstNumber; n < kFirstNumber + numbers_; ++n) text += number_event(n) + "\n";
  io::MemoryFileSystem& files = disk_.files();
  ASSERT(files.make_directories("/in").has_value());
  ASSERT(files.make_directories("/out").has_value());
  auto file = files.open(kNumbersPath, io::OpenMode::kCreate);
  ASSERT(file.has_value());
  const std::string_view piece = text;
  ASSERT((*file)->write_at(0, {&piece, 1}).has_value());
  ASSERT((*file)->sync().has_value());
  ASSERT(files.sync_directory("/in").has_value());
  ASSERT(files.sync_directory("/").has_value());
}

std::string PipelineStory::pipeline() const {
  static const std::vector<std::string> codecs = {"none", "gzip", "lz4", "zstd"};
  std::string text = "name: p\n";
  if (logged_) {
    text += "log:\n  partitions: " + std::to_string(partitions_) +
            "\n  partition_by: [$input, /k]\n  compression: " + codecs[seed_ % codecs.size()] + "\n";
    // Ids keep what they stand with; without them the pruner has something to do.
    if (!posting_) text += "  retention: {time: 1s}\n";
  } else {
    text += "log: off\n";
  }
  text += "sources:\n  - {name: numbers, ";
  text += from_file_ ? "file: {path: " + std::string(kNumbersPath) + "}}\n" : std::string("numbers: {}}\n");
  if (posting_) text += "  - {name: hook, producers: {}, dedupe: {key: [$input, /id], window: 30d}}\n";
  text += "stages:\n  - computo: '= if $input/n % " + std::to_string(kDropped) +
          " == 0 then null else if $input/n % " + std::to_string(kFailing) +
          " == 0 then error(\"no\") else $input'\n";
  text += "commit: {interval: " + std::to_string(10 + seed_ % 100) + "ms}\n";
  text += "errors: {retry: {initial: 10ms, max: 100ms}}\nsinks:\n";
  text += "  - {name: all, file: {path: " + std::string(kAllPath) + "}}\n";
  text +=
      "  - {name: odd, when: ['==', 1, ['%', [$input, /n], 2]], file: {path: " + std::string(kOddPath) + "}}\n";
  text += "  - {name: third, when: ['==', 0, ['%', [$input, /n], 3]], receiver: {}}\n";
  return text;
}

std::vector<Descriptor> PipelineStory::components() {
  // Their checks look at the machine that this runs on.
  Descriptor source = *components::find_component(ComponentKind::kSource, "file");
  source.check = nullptr;
  Descriptor sink = *components::find_component(ComponentKind::kSink, "file");
  sink.check = nullptr;
  Descriptor numbers;
  numbers.kind = ComponentKind::kSource;
  numbers.name = "numbers";
  bind_spec(numbers, ConfigSpec<NoConfig>());
  numbers.source_traits = [](const ParsedConfig&) { return SourceTraits{.rereadable = true, .finite = true}; };
  numbers.create_source = [this](const ParsedConfig&, SourceContext context) -> Result<std::unique_ptr<Source>> {
    const auto event = [](int n) { return number_event(kFirstNumber + n); };
    return std::make_unique<engine::NumberSource>(std::move(context), numbers_, event, numbers_taken_,
                                                  std::nullopt);
  };
  return {source, sink, std::move(numbers), producer_source(producers_),
          receiver_sink(receiver_, [this] { return !disk_.halted(); })};
}

// --- lives ---------------------------------------------------------------------------------------------------

void PipelineStory::plan_life() {
  FaultPlan plan;
  const uint64_t at = disk_.files().operations() + chance_.below(300);
  const uint64_t which = chance_.below(16);
  if (which < 9) {
    plan.halt_at = at;
  } else if (which < 13) {
    plan.fail_at = at;
    plan.fault = io_error(chance_);
  } else if (which < 15) {
    plan.read_fault_after = chance_.below(60);
    plan.read_fault = io::Fault{Error{ErrorCode::kIo, "injected read error"}};
  }
  disk_.arm(plan);
}

// The disk gets small, down to any byte; or has space again.
void PipelineStory::squeeze() {
  squeezed_ = !squeezed_;
  tell(squeezed_ ? "the disk gets full" : "the disk has space again");
  if (squeezed_) ++tally_.faults["no space"];
  disk_.files().set_capacity(squeezed_ ? disk_.used_bytes() + chance_.below(3000) : kRoom);
}

void PipelineStory::make_process() {
  log::LogOptions options = Shape(seed_).options;
  options.queue_bytes_max = size_t{1} << 20;
  options.retention_interval_ms = 500;
  process_ = std::make_unique<PipelineProcess>(seed_ * 100 + lives_++, disk_, clock_, options, components());
}

std::string PipelineStory::begin() {
  ++tally_.states;
  make_process();
  const Status started = process_->start(pipeline());
  if (started) return {};
  tell("does not start: " + started.error().describe());
  return disk_.undisturbed() && !squeezed_ ? "does not start: " + started.error().describe() : std::string();
}

void PipelineStory::end_life() {
  if (!disk_.faulted().empty()) ++tally_.faults[disk_.faulted()];
  if (disk_.halted()) ++tally_.crashes[disk_.halted_before()];
  const auto how = static_cast<End>(chance_.below(3));
  tell((disk_.halted()        ? "crash before: " + disk_.halted_before()
        : process_->failure() ? "failed: " + process_->failure()->describe()
                              : std::string("killed")) +
       (how == End::kKilled      ? "; the machine goes on"
        : how == End::kPowerLoss ? "; power lost"
                                 : "; some sectors kept"));
  disk_.halt();
  producers_.disconnect();
  process_->end();
  process_.reset();
  if (how == End::kKilled) {
    disk_.kill();
  } else {
    disk_.crash(how == End::kSomeSectors ? &chance_ : nullptr);
  }
  squeezed_ = false;
  disk_.files().set_capacity(kRoom);
  // Somebody sets the clock while the process is down.
  if (chance_.below(8) == 0) {
    clock_.set_wall_ms(clock_.wall_ms() + static_cast<int64_t>(chance_.below(200'000)) - 100'000);
  }
}

std::string PipelineStory::live_and_die() {
  plan_life();
  if (std::string wrong = begin(); !wrong.empty()) return wrong;
  const uint64_t steps = 1 + chance_.below(kStepsOfLife);
  for (uint64_t i = 0; i < steps && process_->log() != nullptr; ++i) {
    if (disk_.halted() || process_->failure() || !producers_.problem().empty()) break;
    process_->step();
    if (chance_.below(400) == 0 && (squeezed_ || chance_.below(4) == 0)) squeeze();
  }
  if (!producers_.problem().empty()) return producers_.problem();
  // A sink whose own disk is full gives up after its attempts; the log's never does.
  const bool by_sink = process_->failure() && process_->failure()->message.find("'/out/") != std::string::npos;
  if (process_->failure() && !by_sink && disk_.undisturbed()) {
    return "it fails though nothing did: " + process_->failure()->describe();
  }
  const bool may_stop = !disk_.halted() && !process_->failure() && !squeezed_ && process_->is_ready();
  if (may_stop && chance_.below(4) == 0) {
    tell("stops");
    if (!process_->stop(static_cast<int64_t>(chance_.below(2000)))) return "does not stop";
    if (!disk_.halted() && !process_->failure()) (void)process_->close_log();
  }
  end_life();
  return {};
}

bool PipelineStory::everything_taken() const {
  return producers_.done() && process_->is_finished("numbers");
}

std::string PipelineStory::live_to_the_end() {
  disk_.arm({});
  if (std::string wrong = begin(); !wrong.empty()) return wrong;
  for (int i = 0; i < kStepsToTheEnd && !everything_taken(); ++i) {
    if (process_->failure()) return "undisturbed, it fails: " + process_->failure()->describe();
    if (!producers_.problem().empty()) return producers_.problem();
    process_->step();
  }
  if (!everything_taken()) return "undisturbed, it does not take everything";
  return {};
}

// --- what has to be there ------------------------------------------------------------------------------------

std::vector<std::string> PipelineStory::wanted(const std::function<bool(int n)>& which) const {
  std::vector<std::string> events;
  for (int n = kFirstNumber; n < kFirstNumber + numbers_; ++n) {
    if (which(n)) events.push_back(number_event(n));
  }
  for (int client = 0; client < producers_.clients(); ++client) {
    for (int n = 0; n < producers_.events_of_each(); ++n) {
      if (which(n)) events.push_back(Producers::event(client, n));
    }
  }
  return events;
}

Result<std::vector<std::string>> PipelineStory::stored(log::SegmentLog& log, const std::string& stream) const {
  std::vector<std::string> events;
  // One that is there keeps its number of partitions, and the dead letters have one.
  const int partitions = stream == "p" ? partitions_ : 1;
  TRY_ASSIGN(const log::StreamId id, log.open_stream({.name = stream, .partitions = partitions}));
  for (int32_t partition = 0; partition < partitions; ++partition) {
    TRY_ASSIGN(const auto reader, log.read(id, partition, 0, false));
    while (true) {
      TRY_ASSIGN(const auto batch, reader->next());
      if (batch == nullptr) break;
      for (size_t i = 0; i < batch->size(); ++i) events.emplace_back(batch->value(i));
    }
  }
  return events;
}

std::string PipelineStory::check_streams() {
  make_process();
  if (const Status opened = process_->open_log(); !opened) return "does not open: " + opened.error().describe();
  auto letters = stored(*process_->log(), "p.dead");
  if (!letters) return letters.error().describe();
  for (std::string& letter : *letters) {
    const size_t begin = letter.find("\"event\":") + 8;
    if (begin < 8) return "a dead letter without its event: " + letter;
    letter = letter.substr(begin, letter.find('}', begin) + 1 - begin);
  }
  const auto fails = [](int n) { return n % kDropped != 0 && n % kFailing == 0; };
  if (std::string wrong = compare("the dead letters", *letters, wanted(fails), false); !wrong.empty())
    return wrong;
  if (!posting_) return {};  // retention has removed what it may
  const auto events = stored(*process_->log(), "p");
  if (!events) return events.error().describe();
  return compare("the stream", *events, wanted([](int) { return true; }), true);
}

std::string PipelineStory::check() {
  if (!process_->stop(kDrainMs)) return "does not stop";
  if (process_->failure()) return "undisturbed, it fails: " + process_->failure()->describe();
  if (const Status closed = process_->close_log(); !closed) return "does not close: " + closed.error().describe();
  process_->end();
  process_.reset();
  disk_.crash(nullptr);
  if (!producers_.problem().empty()) return producers_.problem();
  if (!receiver_.problem().empty()) return receiver_.problem();
  const auto passes = [](int n) { return n % kDropped != 0 && n % kFailing != 0; };
  const auto all = wanted(passes);
  const auto odd = wanted([&](int n) { return passes(n) && n % 2 == 1; });
  const auto third = wanted([&](int n) { return passes(n) && n % 3 == 0; });
  tally_.promises_checked += all.size() + odd.size() + third.size();
  for (const auto& [path, events] : {std::pair{kAllPath, &all}, std::pair{kOddPath, &odd}}) {
    const auto text = io::read_file(disk_.files(), path, kWhole);
    if (!text) return text.error().describe();
    if (std::string wrong = compare(path, lines_of(*text), *events, true); !wrong.empty()) return wrong;
  }
  if (std::string wrong = compare("the receiver", receiver_.values(), third, true); !wrong.empty()) return wrong;
  return check_streams();
}

std::string PipelineStory::run() {
  write_numbers();
  std::string wrong;
  for (uint64_t lives = 1 + chance_.below(5); lives > 0 && wrong.empty(); --lives) wrong = live_and_die();
  if (wrong.empty()) wrong = live_to_the_end();
  if (wrong.empty()) wrong = check();
  if (wrong.empty()) wrong = disk_.problem();
  if (process_ != nullptr) {
    disk_.halt();
    process_->end();
    process_.reset();
  }
  const uint64_t taken = producers_.acknowledged() + static_cast<uint64_t>(numbers_);
  ++(taken == 0 ? tally_.idle_seeds : tally_.seeds);
  tally_.acknowledged += taken;
  return wrong;
}

}  // namespace colloquium::sim
