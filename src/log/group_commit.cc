#include "log/group_commit.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/leg_state.h"

namespace colloquium::log {
namespace {

// How much may be written, and for how long, before a group that could wait for its sync is synced with the rest.
constexpr size_t kUnsyncedBytesMax = 8u << 20;
constexpr int64_t kUnsyncedNsMax = 50'000'000;
// How soon after the last began the helpers begin to sync again. Where a sync takes less, syncing without a pause
// takes the processor, and the disk, from those who write.
constexpr int64_t kSyncBehindEveryNs = 1'000'000;

// Stages at which an append's callback may run.
enum Stage : int { kPlaced, kWritten, kSynced };

int64_t producer_of(const std::string& leg) {
  ASSERT(!leg.empty());
  return static_cast<int64_t>(io::xxh3_64(leg) >> 1);
}

CommitRecord record_of(const StagedCommit& commit) {
  ASSERT_WHY(commit.request.outputs.empty(), "staging has moved them out");
  CommitRecord record;
  record.leg = commit.request.leg;
  if (commit.request.token_leg.empty()) {
    record.has_token = commit.request.sink_token.has_value();
    record.state.sink_token = commit.request.sink_token.value_or(std::string());
  }
  ASSERT(commit.positions.size() == commit.request.positions.size());
  for (size_t i = 0; i < commit.positions.size(); ++i) {
    const Position& position = commit.request.positions[i];
    if (commit.positions[i] == nullptr) {
      record.state.external.push_back({position.external, position.next_offset, position.cursor});
    } else {
      record.state.positions.push_back(
          {commit.positions[i]->partition().stream(), position.partition, position.next_offset});
    }
  }
  return record;
}

// What the commit says of other legs is a record for each, in the same batch.
void add_other_legs(const CommitRequest& request, std::vector<CommitRecord>& records) {
  ASSERT_WHY(!records.empty(), "the commit's own comes first");
  if (!request.token_leg.empty() && request.sink_token) {
    CommitRecord record;
    record.leg = request.token_leg;
    record.has_token = true;
    record.state.sink_token = *request.sink_token;
    records.push_back(std::move(record));
  }
  for (const std::string& leg : request.forgotten) {
    CommitRecord record;
    record.leg = leg;
    record.forgets = true;
    records.push_back(std::move(record));
  }
}

}  // namespace

GroupCommit::GroupCommit(Executor& executor, TaskQueue& helpers, Clock& clock, Journal& journal,
                         GroupCounters& counters, std::function<void(const Partition&)> wake,
                         std::function<void(const Error&)> found_full, std::function<void()> synced)
    : executor_(executor),
      helpers_(helpers),
      clock_(clock),
      journal_(journal),
      counters_(counters),
      wake_(std::move(wake)),
      found_full_(std::move(found_full)),
      synced_(std::move(synced)),
      pauses_(executor_.make_queue("log-pause", 1, 1)) {
  ASSERT(wake_ && found_full_ && synced_);
}

GroupCommit::~GroupCommit() = default;

Status GroupCommit::place_append(StagedAppend& append, AppendResult& result) {
  ASSERT(append.writer != nullptr && append.batch.count > 0);
  Touched& touched = touch(*append.writer);
  if (!append.writer->in_group()) TRY(append.writer->begin(now_ms_));
  touched.is_unawaited =
      touched.is_unawaited && append.batch.syncs_with_next && append.level != AckLevel::kDurable;
  result = append.writer->add(std::move(append.batch), -1, now_ms_);
  if (append.level == AckLevel::kDurable) touched.weak_so_far = false;
  if (touched.weak_so_far) touched.weak_end = result.last_offset + 1;
  return {};
}

Status GroupCommit::place_outputs(StagedCommit& commit, CommitRecord& record) {
  ASSERT(record.leg == commit.request.leg && record.outputs.empty());
  for (StagedOutput& output : commit.outputs) {
    ASSERT(output.writer != nullptr && output.batch.count > 0);
    Touched& touched = touch(*output.writer);
    if (!output.writer->in_group()) TRY(output.writer->begin(now_ms_));
    if (!touched.before_outputs) touched.before_outputs = output.writer->savepoint();
    touched.is_unawaited = false;
    const AppendResult placed = output.writer->add(std::move(output.batch), producer_of(record.leg), now_ms_);
    const Partition& partition = output.writer->partition();
    record.outputs.push_back({partition.stream(), partition.number(), placed.first_offset, placed.last_offset,
                              output.writer->last_crc()});
  }
  return {};
}

// A segment is finished, and an incarnation begun, over what is synced.
Status GroupCommit::make_ready(const Group& group) {
  ASSERT(touched_.empty());
  const auto anew = [this](const PartitionWriter* writer) {
    ASSERT(writer != nullptr);
    return writer->unsynced() && writer->begins_anew(now_ms_);
  };
  bool needed =
      std::any_of(group.appends.begin(), group.appends.end(), [&](const auto& a) { return anew(a.writer); });
  for (const StagedCommit& commit : group.commits) {
    for (const StagedOutput& output : commit.outputs) needed = needed || anew(output.writer);
  }
  return needed ? settle() : Status();
}

Status GroupCommit::place(Group& group, std::vector<AppendResult>& results, std::vector<CommitRecord>& records) {
  ASSERT_WHY(touched_.empty(), "one group at a time");
  results.resize(group.appends.size());
  for (size_t i = 0; i < group.appends.size(); ++i) TRY(place_append(group.appends[i], results[i]));
  for (StagedCommit& commit : group.commits) {
    records.push_back(record_of(commit));
    TRY(place_outputs(commit, records.back()));
    add_other_legs(commit.request, records);
  }
  return {};
}

Status GroupCommit::write() {
  for (auto& [writer, touched] : touched_) {
    ASSERT(writer->in_group());
    TRY(writer->write());
  }
  return {};
}

// The group could not be written. If that is for want of space, or of a descriptor to open a file with, everything
// is as before it.
bool GroupCommit::is_full(const Error& error) {
  if (!io::waits_for_room(error)) return false;
  found_full_(error);
  return true;
}

Status GroupCommit::undo(Group& group, const Error& error) {
  ASSERT(!error.message.empty());
  const bool no_space = is_full(error);
  Status undone = no_space ? cut_back() : Status();
  counters_.errors += group.appends.size() + group.commits.size();
  for (StagedAppend& append : group.appends) {
    if (append.done) append.done(fail(error));
  }
  for (StagedCommit& commit : group.commits) commit.done(fail(error));
  if (!no_space) return fail(error);
  return undone;
}

Status GroupCommit::cut_back() {
  TRY(wait_behind());
  Status undone;
  for (auto& [writer, touched] : touched_) {
    if (!writer->in_group()) continue;
    if (Status cut = writer->cut_back_group(); !cut) undone = std::move(cut);
  }
  return undone;
}

// --- sync ----------------------------------------------------------------------------------------------------

struct GroupCommit::SyncRun {
  std::atomic<size_t> left;
  std::vector<Status> results;
  std::shared_ptr<Signal> done;

  SyncRun(size_t count, Executor& executor) : left(count), results(count), done(executor.make_signal()) {
    ASSERT(count > 0);
  }
  void sync(size_t i, PartitionWriter& writer) {
    results[i] = writer.sync();
    if (left.fetch_sub(1) == 1) done->set();
  }
  Status wait() {
    done->wait();
    ASSERT(left.load() == 0);
    for (const Status& result : results) TRY(Status(result));
    return {};
  }
};

// Cutting syncs too, and so it waits like any other sync for those that go on behind.
Status GroupCommit::wait_behind() {
  ASSERT(behind_ == nullptr || !behind_ends_.empty());
  return behind_ == nullptr ? Status() : behind_->wait();
}

// The helpers sync all files but the first, which this thread syncs; then it waits for them.
Status GroupCommit::sync_now(const std::set<PartitionWriter*>& writers) {
  if (writers.empty()) return {};
  counters_.syncs += writers.size();
  const int64_t started_ns = clock_.monotonic_ns();
  const auto run = std::make_shared<SyncRun>(writers.size(), executor_);
  size_t i = 1;
  for (auto writer = std::next(writers.begin()); writer != writers.end(); ++writer, ++i) {
    const auto work = [run, i, writer = *writer] { run->sync(i, *writer); };
    if (!helpers_.post(work)) work();
  }
  run->sync(0, **writers.begin());
  const Status synced = run->wait();
  counters_.times.sync.observe_ns(clock_.monotonic_ns() - started_ns);
  TRY(Status(synced));
  for (PartitionWriter* writer : writers) writer->synced(writer->next_offset());
  return {};
}

// What the group wrote, and whatever was left by those before it: a commit speaks of positions in that.
Status GroupCommit::sync(What what) {
  TRY(end_syncs());
  std::set<PartitionWriter*> writers = std::exchange(unsynced_, {});
  if (what == What::kAll) writers.merge(std::exchange(unawaited_, {}));
  for (auto& [writer, touched] : touched_) {
    if (!writer->in_group()) continue;
    writers.insert(writer);
    unawaited_.erase(writer);
  }
  TRY(sync_now(writers));
  for (PartitionWriter* writer : writers) {
    if (!writer->in_group()) publish(*writer, writer->next_offset());
  }
  return {};
}

// Waits for the helpers. A sync that comes after a failed one may succeed without the bytes of before, so nothing
// is synced before it is known how this one ended.
Status GroupCommit::end_syncs() {
  if (behind_ == nullptr) return {};
  const Status synced = std::exchange(behind_, nullptr)->wait();
  const auto ends = std::exchange(behind_ends_, {});
  TRY(Status(synced));
  for (const auto& [writer, end] : ends) {
    ASSERT(unsynced_.count(writer) == 1);
    writer->synced(end);
    publish(*writer, end);
    if (!writer->unsynced()) unsynced_.erase(writer);
  }
  return {};
}

void GroupCommit::sync_soon() {
  if (behind_ != nullptr || pause_ == Pause::kOn || unsynced_.empty()) return;
  const bool waited = pause_.exchange(Pause::kNone) == Pause::kOver;
  const int64_t left_ns = behind_began_ns_ + kSyncBehindEveryNs - clock_.monotonic_ns();
  if (waited || left_ns <= 0) return sync_behind();
  pause_ = Pause::kOn;
  const bool posted = pauses_->post([this, left_ns] {
    (void)executor_.make_signal()->wait(left_ns);
    pause_ = Pause::kOver;
    synced_();
  });
  ASSERT_WHY(posted, "one pause at a time");
}

void GroupCommit::sync_behind() {
  ASSERT(behind_ == nullptr && !unsynced_.empty());
  behind_began_ns_ = clock_.monotonic_ns();
  counters_.syncs += unsynced_.size();
  behind_ = std::make_shared<SyncRun>(unsynced_.size(), executor_);
  size_t i = 0;
  for (PartitionWriter* writer : unsynced_) {
    behind_ends_.emplace_back(writer, writer->next_offset());
    const auto work = [run = behind_, i, writer, synced = synced_] {
      run->sync(i, *writer);
      if (run->left.load() == 0) synced();
    };
    ++i;
    if (!helpers_.post(work)) work();
  }
}

Status GroupCommit::collect() {
  ASSERT_WHY(touched_.empty() || !touched_.begin()->first->in_group(), "between groups");
  if (behind_ != nullptr && behind_->left.load() != 0) return {};  // settled meanwhile, and begun anew
  TRY(end_syncs());
  sync_soon();
  return {};
}

Status GroupCommit::settle() {
  touched_.clear();
  return sync(What::kAll);
}

// Nobody was promised that it lasts. Now and then it is synced all the same, so that a sync mark can be written,
// and so that a slow disk is felt by those who fill it.
bool GroupCommit::can_wait(const Group& group) const {
  if (!group.commits.empty()) return false;
  const auto strong = [](const StagedAppend& append) { return append.level == AckLevel::kDurable; };
  if (std::any_of(group.appends.begin(), group.appends.end(), strong)) return false;
  return !sync_is_due();
}

bool GroupCommit::sync_is_due() const {
  if (unsynced_.empty()) return false;
  return unsynced_bytes_ >= kUnsyncedBytesMax || clock_.monotonic_ns() - unsynced_since_ns_ >= kUnsyncedNsMax;
}

void GroupCommit::leave_unsynced(const Group& group) {
  begin_unsynced();
  ASSERT(group.commits.empty());
  for (auto& [writer, touched] : touched_) leave(*writer, touched);
  sync_soon();
}

void GroupCommit::leave(PartitionWriter& writer, const Touched& touched) {
  ASSERT(!touched.before_outputs);
  const size_t bytes = writer.group_bytes();
  writer.end_group();
  if (touched.is_unawaited && !unsynced_.contains(&writer)) {
    if (unawaited_.empty()) unawaited_bytes_ = 0;
    unawaited_bytes_ += bytes;
    unawaited_.insert(&writer);
    if (unawaited_bytes_ >= kUnsyncedBytesMax) sync_unawaited();
    return;
  }
  unawaited_.erase(&writer);
  unsynced_bytes_ += bytes;
  unsynced_.insert(&writer);
}

// Of a group that has to be synced.
void GroupCommit::leave_unawaited() {
  for (auto& [writer, touched] : touched_) {
    if (touched.is_unawaited && writer->in_group()) leave(*writer, touched);
  }
}

void GroupCommit::begin_unsynced() {
  if (!unsynced_.empty()) return;
  unsynced_since_ns_ = clock_.monotonic_ns();
  unsynced_bytes_ = 0;
}

void GroupCommit::sync_unawaited() {
  if (unawaited_.empty()) return;
  begin_unsynced();
  unsynced_bytes_ += std::exchange(unawaited_bytes_, 0);
  unsynced_.merge(std::exchange(unawaited_, {}));
  sync_soon();
}

// --- commits -------------------------------------------------------------------------------------------------

// A leg can't have read what is not there; such a commit is refused alone.
void GroupCommit::refuse_impossible(std::vector<StagedCommit>& commits) {
  const auto impossible = [&](StagedCommit& commit) {
    ASSERT(commit.positions.size() == commit.request.positions.size());
    for (size_t i = 0; i < commit.positions.size(); ++i) {
      if (commit.positions[i] == nullptr) continue;
      Status valid = check_position(commit.request.positions[i], commit.positions[i]->partition().readable_end());
      if (valid) continue;
      ++counters_.errors;
      commit.done(std::move(valid));
      return true;
    }
    return false;
  };
  commits.erase(std::remove_if(commits.begin(), commits.end(), impossible), commits.end());
}

void GroupCommit::tell_appends(Group& group, const std::vector<AppendResult>& results, int stage) {
  ASSERT(results.size() == group.appends.size());
  for (size_t i = 0; i < group.appends.size(); ++i) {
    StagedAppend& append = group.appends[i];
    if (!append.done) continue;
    const bool weak = results[i].last_offset < touch(*append.writer).weak_end;
    const bool due =
        stage == kSynced || (stage == kPlaced && append.level == AckLevel::kQueued) || (stage == kWritten && weak);
    if (!due) continue;
    AppendDone done = std::move(append.done);
    append.done = nullptr;
    counters_.times.append.observe_ns(clock_.monotonic_ns() - append.staged_ns);
    done(results[i]);
  }
}

void GroupCommit::publish(PartitionWriter& writer, int64_t end) {
  if (end <= writer.partition().readable_end()) return;
  writer.publish(end);
  wake_(writer.partition());
}

void GroupCommit::publish_appends() {
  for (auto& [writer, touched] : touched_) {
    if (!writer->in_group()) continue;
    // Outputs are nobody's to read before their commit.
    publish(*writer, touched.before_outputs ? touched.before_outputs->next_offset : writer->next_offset());
  }
}

void GroupCommit::finish_outputs() {
  for (auto& [writer, touched] : touched_) {
    if (!writer->in_group()) continue;
    ASSERT(writer->next_offset() >= writer->partition().readable_end());
    writer->publish(writer->next_offset());
    writer->end_group();
    if (touched.before_outputs) wake_(writer->partition());
  }
}

Status GroupCommit::commit(Group& group, const std::vector<CommitRecord>& records) {
  ASSERT_WHY(records.size() >= group.commits.size(), "one for each, and those of other legs");
  if (group.commits.empty()) {
    finish_outputs();
    return {};
  }
  Status stored = journal_.append(records, now_ms_);
  journal_.writer().note_written(clock_.monotonic_ns());
  if (stored) {
    finish_outputs();
    counters_.commits += group.commits.size();
    counters_.syncs += 1;
    for (StagedCommit& commit : group.commits) commit.done({});
    return {};
  }
  const bool no_space = is_full(stored.error());
  Status undone;
  for (auto& [writer, touched] : touched_) {
    if (!no_space || !writer->in_group() || !touched.before_outputs) continue;
    if (Status cut = writer->cut_back(*touched.before_outputs); !cut) undone = std::move(cut);
  }
  if (no_space) finish_outputs();
  counters_.errors += group.commits.size();
  for (StagedCommit& commit : group.commits) commit.done(fail(stored.error()));
  if (!no_space) return stored;
  return undone;
}

// What is about to be written.
void GroupCommit::count(const Group& group) {
  counters_.groups += 1;
  counters_.appended_batches += group.appends.size();
  for (const StagedAppend& append : group.appends) {
    counters_.appended_events += static_cast<uint64_t>(append.batch.count);
    counters_.appended_bytes += append.batch.records.size() + kHeaderBytes;
  }
}

bool GroupCommit::needs_no_sync(const Group& group) const {
  const int64_t now_ms = clock_.wall_ms();
  const auto goes_on = [&](const StagedAppend& append) { return append.writer->goes_on(now_ms); };
  return can_wait(group) && std::all_of(group.appends.begin(), group.appends.end(), goes_on);
}

Status GroupCommit::run(Group group, bool unsynced) {
  touched_.clear();
  now_ms_ = clock_.wall_ms();
  count(group);
  refuse_impossible(group.commits);
  const bool waits = unsynced || can_wait(group);
  std::vector<AppendResult> results;
  std::vector<CommitRecord> records;
  if (Status ready = make_ready(group); !ready) return undo(group, ready.error());
  if (Status placed = place(group, results, records); !placed) return undo(group, placed.error());
  tell_appends(group, results, kPlaced);
  if (Status written = write(); !written) return undo(group, written.error());
  for (auto& [writer, touched] : touched_) writer->note_written(clock_.monotonic_ns());
  tell_appends(group, results, kWritten);
  if (waits) {
    leave_unsynced(group);
    return {};
  }
  if (group.commits.empty()) leave_unawaited();
  if (Status synced = sync(group.commits.empty() ? What::kAwaited : What::kAll); !synced) {
    ASSERT_WHY(!io::waits_for_room(synced.error()), "a failed sync is never waited for");
    return undo(group, synced.error());
  }
  publish_appends();
  tell_appends(group, results, kSynced);
  return commit(group, records);
}

Status GroupCommit::mark(const std::vector<PartitionWriter*>& writers) {
  TRY(settle());
  now_ms_ = clock_.wall_ms();
  const auto write_marks = [&]() -> Status {
    for (PartitionWriter* writer : writers) {
      ASSERT(writer != nullptr);
      if (!writer->wants_mark()) continue;
      touch(*writer);
      TRY(writer->begin(now_ms_, writer != &journal_.writer()));
      TRY(writer->write());
    }
    return {};
  };
  if (Status written = write_marks(); !written) {
    return is_full(written.error()) ? cut_back() : written;
  }
  TRY(sync(What::kAll));
  finish_outputs();
  return {};
}

}  // namespace colloquium::log
