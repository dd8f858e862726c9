#include "log/group_commit.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/leg_state.h"

namespace colloquium::log {
namespace {

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
                         GroupCounters& counters, std::function<void(const Partition&)> wake, Task found_full)
    : executor_(executor),
      helpers_(helpers),
      clock_(clock),
      journal_(journal),
      counters_(counters),
      wake_(std::move(wake)),
      found_full_(std::move(found_full)) {
  ASSERT(wake_ && found_full_);
}

Status GroupCommit::place_append(StagedAppend& append, AppendResult& result) {
  ASSERT(append.writer != nullptr && append.batch.count > 0);
  Touched& touched = touch(*append.writer);
  if (!append.writer->in_group()) TRY(append.writer->begin(now_ms_));
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
    const AppendResult placed = output.writer->add(std::move(output.batch), producer_of(record.leg), now_ms_);
    const Partition& partition = output.writer->partition();
    record.outputs.push_back({partition.stream(), partition.number(), placed.first_offset, placed.last_offset,
                              output.writer->last_crc()});
  }
  return {};
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

// The group could not be written. If that is for want of space, everything is as before it.
bool GroupCommit::is_full(const Error& error) {
  if (error.code != ErrorCode::kNoSpace) return false;
  found_full_();
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
  Status undone;
  for (auto& [writer, touched] : touched_) {
    if (!writer->in_group()) continue;
    if (Status cut = writer->cut_back_group(); !cut) undone = std::move(cut);
  }
  return undone;
}

Status GroupCommit::sync() {
  std::vector<PartitionWriter*> writers;
  for (auto& [writer, touched] : touched_) {
    if (writer->in_group()) writers.push_back(writer);
  }
  if (writers.empty()) return {};
  counters_.syncs += writers.size();
  const int64_t started_ns = clock_.monotonic_ns();
  // The helpers sync all files but the first, which this thread syncs; then it waits for them.
  struct Shared {
    std::atomic<size_t> left;
    std::vector<Status> results;
    std::shared_ptr<Signal> done;
  };
  auto shared = std::make_shared<Shared>();
  shared->left = writers.size() - 1;
  shared->results.resize(writers.size());
  shared->done = executor_.make_signal();
  for (size_t i = 1; i < writers.size(); ++i) {
    const auto work = [shared, i, writer = writers[i]] {
      shared->results[i] = writer->sync();
      if (shared->left.fetch_sub(1) == 1) shared->done->set();
    };
    if (!helpers_.post(work)) work();
  }
  shared->results[0] = writers[0]->sync();
  if (writers.size() > 1) shared->done->wait();
  ASSERT(shared->left.load() == 0);
  counters_.times.sync.observe_ns(clock_.monotonic_ns() - started_ns);
  for (Status& result : shared->results) TRY(std::move(result));
  for (PartitionWriter* writer : writers) writer->synced();
  return {};
}

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

void GroupCommit::publish_appends(bool synced) {
  for (auto& [writer, touched] : touched_) {
    if (!writer->in_group()) continue;
    const int64_t placed_end =
        touched.before_outputs ? touched.before_outputs->next_offset : writer->next_offset();
    const int64_t end = synced ? placed_end : touched.weak_end;
    ASSERT_WHY(end <= placed_end, "outputs are nobody's to read before their commit");
    if (end <= writer->partition().readable_end()) continue;
    writer->publish(end);
    wake_(writer->partition());
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

Status GroupCommit::run(Group group) {
  touched_.clear();
  now_ms_ = clock_.wall_ms();
  count(group);
  refuse_impossible(group.commits);
  std::vector<AppendResult> results;
  std::vector<CommitRecord> records;
  if (Status placed = place(group, results, records); !placed) return undo(group, placed.error());
  tell_appends(group, results, kPlaced);
  if (Status written = write(); !written) return undo(group, written.error());
  publish_appends(false);
  tell_appends(group, results, kWritten);
  if (Status synced = sync(); !synced) {
    ASSERT_WHY(synced.error().code != ErrorCode::kNoSpace, "a failed sync is never waited for");
    return undo(group, synced.error());
  }
  publish_appends(true);
  tell_appends(group, results, kSynced);
  return commit(group, records);
}

Status GroupCommit::mark(const std::vector<PartitionWriter*>& writers) {
  touched_.clear();
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
  TRY(sync());
  finish_outputs();
  return {};
}

}  // namespace colloquium::log
