// A run of the segment log that can be stopped at any operation of its file system, and the oracle that knows
// what must be there afterwards. For tests.
//
// Everything happens on one thread, in an order the seed decides, so that the same run can be stopped at
// operation after operation. Values are unique: what is found tells which call it came from.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/layout.h"
#include "log/nonce_watch_test.h"
#include "log/segment_log.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {

// How far apart the places are at which runs are stopped or failed, or bits flipped. They are on one thread: the
// thread sanitizer has little to see in them, and takes ten times as long; the other one takes three times.
#ifdef __SANITIZE_THREAD__
inline constexpr uint64_t kPlaceStep = 23;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr uint64_t kPlaceStep = 5;
#else
inline constexpr uint64_t kPlaceStep = 1;
#endif

enum class End { kPowerLoss, kSomeSectors, kKilled };

class ScriptedRun {
 public:
  explicit ScriptedRun(uint64_t seed) : executor_(seed, clock_), random_(seed), chance_(seed * 977 + 5) {}

  io::MemoryFileSystem& files() { return files_; }
  const std::vector<Error>& failures() const { return failures_; }
  SegmentLog* log() { return log_.get(); }
  SimExecutor& executor() { return executor_; }
  ManualClock& clock() { return clock_; }
  size_t acknowledged() const { return durable_.size() + committed_; }
  LogOptions& options() { return options_; }
  Random& random() { return random_; }
  // From the next opening on the log is encrypted.
  void encrypt() { options_.keys = nonces_.ring("k", random_); }
  NonceWatch& nonces() { return nonces_; }
  // What the log sees of the files from the next opening on, if not the files themselves.
  void watch(io::FileSystem& watched) { watched_ = &watched; }
  uint64_t removed_segments() const { return removed_before_ + log_->stats().removed_segments; }

  // From the next open on the input is kept for a while, and no longer than its leg needs it; the output until it
  // is too large.
  void retain() {
    options_.retention_interval_ms = 0;
    in_retention_ = Retention{.time_ms = 2500};
    out_retention_ = Retention{.size_bytes = 4000};
  }

  // From the next open on there is a stream of keys, too, that is compacted.
  void compact() {
    options_.retention_interval_ms = 0;
    options_.compaction_memory_bytes = 400;
    compacts_ = true;
  }
  uint64_t compacted_segments() const { return compacted_before_ + log_->stats().compacted_segments; }

  // Opens the log and its streams; the failure if it does not open.
  Status open() {
    Status opened = try_open();
    if (!opened) log_.reset();
    return opened;
  }

  Status try_open() {
    LogOptions options = options_;
    options.directory = directory_;
    options.files = watched_ != nullptr ? watched_ : &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.on_failure = [this](const Error& error) { failures_.push_back(error); };
    TRY_ASSIGN(log_, SegmentLog::open(std::move(options)));
    TRY_ASSIGN(in_, log_->open_stream({"in", 2, in_retention_}));
    TRY_ASSIGN(out_, log_->open_stream({"out", 1, out_retention_}));
    if (!compacts_) return {};
    const Compaction compaction{.on = true, .lag_ms = 0, .tombstone_ms = 3'600'000};
    TRY_ASSIGN(table_, log_->open_stream({"table", 1, std::nullopt, compaction}));
    return {};
  }

  // Steps of appends, commits, pauses and clean restarts. Ends early when the log fails.
  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      if (!failures_.empty() || (log_ == nullptr && !open())) return;
      take(step);
      if (step % 2 == 1) settle();
      if (step % 17 == 16) restart();
    }
    settle();
  }

  // One step, whose calls may stay under way: whoever moves the executor moves them.
  void take(int step) {
    switch (step % 6) {
      case 0:
        append(0, AckLevel::kDurable, 3);
        break;
      case 1:
        append(1, AckLevel::kWritten, 1);
        append(0, AckLevel::kDurable, 2);
        break;
      case 2:
        commit();
        append(1, AckLevel::kQueued, 2);
        break;
      case 3:
        append(0, AckLevel::kDurable, 1);
        commit();
        commit();
        break;
      case 4:
        settle();
        clock_.advance_ms(1500);
        log_->tick();
        break;
      default:
        append(1, AckLevel::kDurable, 40);
        commit();
    }
    if (compacts_) put(step % 3 == 0 ? AckLevel::kWritten : AckLevel::kDurable);
  }

  void settle() { executor_.run_until_idle(); }

  void restart() {
    settle();
    if (log_ != nullptr) (void)log_->close();
    if (!failures_.empty()) return;
    if (log_ != nullptr) removed_before_ += log_->stats().removed_segments;
    if (log_ != nullptr) compacted_before_ += log_->stats().compacted_segments;
    log_.reset();
    (void)open();
  }

  // The process ends here and now.
  void end(End how) {
    log_.reset();
    settle();
    failures_.clear();  // of an operation after the end
    if (how == End::kKilled) {
      files_.kill();
    } else {
      files_.crash(how == End::kSomeSectors ? &chance_ : nullptr);
      written_.clear();  // may be lost with the power
      written_values_ = durable_values_;
    }
  }

  // Everything promised is there, once, and nothing else is; else what is wrong. (Not by assertions, of which
  // millions would take longer than the runs.)
  std::string problem() {
    REQUIRE(log_ != nullptr);
    if (nonces_.reused()) return "a key and a nonce served for two texts";
    for (const auto& check :
         {&ScriptedRun::input_problem, &ScriptedRun::output_problem, &ScriptedRun::source_problem,
          &ScriptedRun::file_problem, &ScriptedRun::table_problem}) {
      std::string found = (this->*check)();
      if (!found.empty()) return found;
    }
    return {};
  }

  struct Placed {
    int32_t partition;
    int64_t offset;
    bool operator<(const Placed& other) const {
      return std::tie(partition, offset) < std::tie(other.partition, other.offset);
    }
  };

  using Event = std::pair<int, size_t>;  // number of its batch, place in it

  // What was acknowledged so far.
  struct Promises {
    std::map<Placed, Event> durable, written;
    std::map<int32_t, int64_t> acked_end;
    std::map<int32_t, int> acked_batch;
    size_t committed = 0;
    std::map<int, int64_t> durable_values, written_values;
  };
  Promises promises() const {
    return {durable_, written_, acked_end_, acked_batch_, committed_, durable_values_, written_values_};
  }

  // The same question of a copy of the directory, that was begun when this was promised. The copy is opened, and
  // closed again; the run can go on.
  std::string problem_in(const std::string& directory, const Promises& promised) {
    settle();
    const Promises now = promises();
    const auto refused = refused_;
    const int next_commit = next_commit_;
    io::FileSystem* const watched = std::exchange(watched_, nullptr);
    auto log = std::move(log_);
    directory_ = directory;
    expect(promised);
    const Status opened = open();
    std::string found = opened ? problem() : opened.error().describe();
    if (log_ != nullptr) (void)log_->close();
    log_ = std::move(log);
    directory_ = "data";
    watched_ = watched;
    expect(now);
    refused_ = refused;
    next_commit_ = next_commit;
    return found;
  }

 private:
  void expect(const Promises& promised) {
    std::tie(durable_, written_, acked_end_, acked_batch_, committed_, durable_values_, written_values_) =
        std::tie(promised.durable, promised.written, promised.acked_end, promised.acked_batch, promised.committed,
                 promised.durable_values, promised.written_values);
  }

  static std::string value_of(int batch, size_t i) {
    return "{\"b\":" + std::to_string(batch) + ",\"i\":" + std::to_string(i) + "}";
  }

  void append(int32_t partition, AckLevel level, size_t events) {
    if (log_ == nullptr) return;
    const int number = next_batch_++;
    std::vector<std::string> texts;
    for (size_t i = 0; i < events; ++i) texts.push_back(value_of(number, i));
    batch_sizes_[number] = events;
    batch_times_ms_[number] = clock_.wall_ms();
    AcceptInfo accept{"source", "cursor " + std::to_string(number), {}};
    const Codec codec = number % 3 == 0 ? Codec::kLz4 : Codec::kNone;
    auto encoded = contract::encoded(contract::values(texts), codec, &accept);
    log_->append(in_, partition, std::move(encoded), level, [=, this](Result<AppendResult> result) {
      if (!result) return;
      for (size_t i = 0; i < events; ++i) {
        const Placed place{partition, result->first_offset + static_cast<int64_t>(i)};
        if (level == AckLevel::kDurable) durable_[place] = {number, i};
        if (level != AckLevel::kQueued) written_[place] = {number, i};
      }
      if (level == AckLevel::kDurable) acked_end_[partition] = result->last_offset + 1;
      if (level == AckLevel::kDurable) acked_batch_[partition] = number;
    });
  }

  // --- the table: the n-th value is of one of a few keys, and now and then of none

  static std::string text_of(int number) { return '"' + std::to_string(number) + std::string(70, 't') + '"'; }
  static int key_of(int number) { return number % 11 == 5 ? -1 : number * number % 7; }

  void put(AckLevel level) {
    if (log_ == nullptr) return;
    std::vector<contract::Event> events;
    const int first = next_value_;
    for (; next_value_ < first + 4; ++next_value_) {
      contract::Event event{text_of(next_value_), {}, {}};
      if (const int key = key_of(next_value_); key >= 0) event.key = "k" + std::to_string(key);
      event.timestamp_ms += next_value_;
      events.push_back(std::move(event));
    }
    AcceptInfo accept{"source", "cursor " + std::to_string(first), {}};
    const Codec codec = first % 8 == 0 ? Codec::kLz4 : Codec::kNone;
    auto encoded = contract::encoded(contract::make_batch(events, "source"), codec, &accept);
    log_->append(table_, 0, std::move(encoded), level, [=, this](Result<AppendResult> result) {
      for (int i = 0; result && i < 4; ++i) {
        if (level == AckLevel::kDurable) durable_values_[first + i] = result->first_offset + i;
        written_values_[first + i] = result->first_offset + i;
      }
    });
  }

  // What was promised is there as it was, or a newer value of its key is.
  std::string table_problem() {
    if (!compacts_) return {};
    std::map<int, int64_t> found;
    std::map<int, int> newest;  // of a key: the number
    auto reader = log_->read(table_, 0, 0, false);
    if (!reader) return reader.error().describe();
    for (;;) {
      const auto batch = (*reader)->next();
      if (!batch) return batch.error().describe();
      if (*batch == nullptr) break;
      for (size_t i = 0; i < (*batch)->size(); ++i) {
        const std::string value((*batch)->value(i));
        const int number = std::stoi(value.substr(1));
        if (number >= next_value_ || value != text_of(number)) return "nobody put " + value;
        const auto key = (*batch)->key(i);
        if ((key ? *key : "none") != (key_of(number) < 0 ? "none" : "k" + std::to_string(key_of(number))))
          return "another key of " + value;
        if ((*batch)->entry(i).timestamp_ms != contract::Event().timestamp_ms + number) return "another time";
        if ((*batch)->origin().source != "source") return "another source";
        if (!found.empty() && found.rbegin()->first >= number) return "twice, or out of order: " + value;
        found[number] = (*batch)->offset(i);
        if (key) newest[key_of(number)] = number;
      }
    }
    for (const auto* promised : {&durable_values_, &written_values_}) {
      for (const auto& [number, offset] : *promised) {
        const auto there = found.find(number);
        if (there != found.end() && there->second != offset) return "moved: " + text_of(number);
        if (there != found.end() || (key_of(number) >= 0 && newest[key_of(number)] > number)) continue;
        return "lost of the table: " + text_of(number);
      }
    }
    return {};
  }

  // Commits of two legs by turns: the n-th puts "n" out twice, says so in a third leg's token, and forgets the leg
  // of the one before.
  void commit() {
    if (log_ == nullptr) return;
    const int number = next_commit_++;
    CommitRequest request;
    request.leg = leg_of(number);
    request.token_leg = "p/leg";
    request.forgotten = {leg_of(number + 1)};
    request.positions.push_back({in_, 0, acked_end_[0], "", ""});
    const std::string text = std::to_string(number);
    request.outputs.push_back({out_, 0, contract::encoded(contract::values({text}))});
    request.outputs.push_back({out_, 0, contract::encoded(contract::values({text}), Codec::kZstd)});
    request.sink_token = text;
    log_->commit(std::move(request), [=, this](Status result) {
      if (result) committed_ = static_cast<size_t>(number);
      if (!result && io::waits_for_room(result.error())) refused_.insert(static_cast<size_t>(number));
    });
  }

  static std::string leg_of(int number) { return number % 2 == 0 ? "p/even" : "p/odd"; }

  std::string input_problem() {
    std::map<Placed, Event> found;
    for (int32_t partition = 0; partition < 2; ++partition) {
      std::map<int, size_t> seen;  // events found of each batch
      for (const auto& [offset, value] : contract::read_all(*log_, in_, partition)) {
        const int batch = std::stoi(value.substr(5));
        found[{partition, offset}] = {batch, seen[batch]};
        if (batch >= next_batch_ || value != value_of(batch, seen[batch])) return "nobody appended " + value;
        ++seen[batch];
      }
      for (const auto& [batch, count] : seen) {
        if (count != batch_sizes_[batch]) return "only a part is there of batch " + std::to_string(batch);
      }
    }
    for (const auto* promised : {&durable_, &written_}) {
      for (const auto& [place, event] : *promised) {
        if (was_removed(place, event.first)) continue;
        const auto there = found.find(place);
        if (there == found.end()) return "lost: " + value_of(event.first, event.second);
        if (there->second != event) return "another event in the place of " + value_of(event.first, event.second);
      }
    }
    return {};
  }

  int64_t oldest(StreamId stream, int32_t partition) const {
    return log_->stream_info(stream)->partitions[static_cast<size_t>(partition)].oldest_offset;
  }

  // What the legs have committed of the input's first partition.
  int64_t done_below() const {
    int64_t below = 0;
    for (const int number : {0, 1}) {
      const std::optional<LegState> state = log_->leg_state(leg_of(number));
      if (state) below = std::max(below, state->positions.at(0).next_offset);
    }
    return below;
  }

  // By retention, and rightly so: it is old, and the leg has committed it.
  bool was_removed(const Placed& place, int batch) const {
    if (place.offset >= oldest(in_, place.partition) || !in_retention_ || place.partition != 0) return false;
    return place.offset < done_below() && batch_times_ms_.at(batch) < clock_.wall_ms() - in_retention_->time_ms;
  }

  // The last batch of a source is known, whatever became of it.
  std::string source_problem() {
    std::map<int32_t, int> last;
    const Status told = log_->accepted_since(in_, clock_.wall_ms() + 1, {}, [&](const Log::Accepted& accepted) {
      last[accepted.partition] = std::stoi(accepted.info.cursor.substr(7));
    });
    if (!told) return told.error().describe();
    for (const auto& [partition, number] : acked_batch_) {
      if (last.count(partition) == 0 || last[partition] < number) return "the last cursor of the source is lost";
    }
    return {};
  }

  std::string file_problem() {
    for (const auto& [name, stream] : {std::pair<std::string, StreamId>("in", in_), {"out", out_}}) {
      const std::string folder = partition_directory(directory_, name, 0);
      const std::vector<std::string> files = *files_.list(folder);
      for (const std::string& file : files) {
        const auto base = segment_of_file(file);
        if (base && *base < oldest(stream, 0)) return "what was removed is left: " + file;
      }
    }
    return {};
  }

  std::string output_problem() {
    const std::optional<LegState> state = log_->leg_state("p/leg");
    const size_t stored = state ? std::stoul(state->sink_token) : 0;
    if (stored < committed_) return "a commit is lost: " + std::to_string(committed_);
    if (stored >= static_cast<size_t>(next_commit_)) return "a commit nobody made";
    // Each commit that is stored put its number out twice, in order; the others nothing. Only a want of room lets
    // one fail and the next succeed.
    std::vector<std::string> expected;
    for (size_t number = 1; number <= stored; ++number) {
      if (refused_.count(number) == 0) expected.insert(expected.end(), 2, std::to_string(number));
    }
    const auto found = contract::values_of(contract::read_all(*log_, out_, 0));
    if (out_retention_ && oldest(out_, 0) > 0 && found.size() < expected.size() && found.size() >= 8) {
      expected.erase(expected.begin(), expected.end() - static_cast<std::ptrdiff_t>(found.size()));
    }
    if (found != expected) {
      return "outputs of " + std::to_string(stored) + " commits: " + std::to_string(found.size()) + " events";
    }
    if (log_->leg_state(leg_of(static_cast<int>(stored) + 1))) return "a leg that was to be forgotten is there";
    const std::optional<LegState> last = log_->leg_state(leg_of(static_cast<int>(stored)));
    if (last.has_value() != state.has_value()) return "a token without its positions";
    if (last && last->positions.at(0).next_offset > log_->stream_info(in_)->partitions[0].next_offset) {
      return "a position beyond the end";
    }
    // What is stored is the truth from here on.
    committed_ = stored;
    next_commit_ = static_cast<int>(stored) + 1;
    refused_.erase(refused_.lower_bound(stored + 1), refused_.end());
    return {};
  }

  ManualClock clock_;
  SimExecutor executor_;
  SeededRandom random_;
  SeededRandom chance_;
  NonceWatch nonces_;
  io::MemoryFileSystem files_;
  LogOptions options_ = [] {
    LogOptions options;
    options.segment_bytes = 1500;
    options.journal_segment_bytes = 900;
    options.memory_bytes = 300;
    return options;
  }();
  std::string directory_ = "data";
  io::FileSystem* watched_ = nullptr;
  std::unique_ptr<SegmentLog> log_;
  StreamId in_ = 0;
  StreamId out_ = 0;
  std::vector<Error> failures_;

  int next_batch_ = 0;
  int next_commit_ = 1;
  std::optional<Retention> in_retention_, out_retention_;
  std::map<int, size_t> batch_sizes_;
  std::map<int, int64_t> batch_times_ms_;  // when append() was called
  std::map<Placed, Event> durable_;        // acknowledged as durable
  std::map<Placed, Event> written_;        // acknowledged as written, or better
  std::map<int32_t, int64_t> acked_end_;
  std::map<int32_t, int> acked_batch_;  // the last durable one
  uint64_t removed_before_ = 0;         // the last clean stop
  bool compacts_ = false;
  uint64_t compacted_before_ = 0;  // likewise
  StreamId table_ = 0;
  int next_value_ = 0;
  std::map<int, int64_t> durable_values_, written_values_;  // number and offset
  size_t committed_ = 0;                                    // number of the last commit acknowledged
  std::set<size_t> refused_;                                // numbers of commits refused for want of space
};

}  // namespace colloquium::log
