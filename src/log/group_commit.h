// GroupCommit: what the log thread does with everything that waits: write it, sync it, commit it, tell of it.
//
//   1. place every append, then every commit's outputs     4. sync all files at once; what they hold is readable
//   2. write each partition in one call                    5. durable appends are told of
//   3. written appends are told of                         6. one journal batch, synced; commits are told of
//
// So a transaction lives inside one group: outputs that stand at a partition's end without a journal entry were
// never committed, and there are none anywhere else.
//
// A group without commits and durable appends ends with step 3. The helpers sync its files while the log thread
// writes the next one. What nobody waits to read (EncodedBatch::syncs_with_next) stays as it is until its file, or
// a commit, is synced, or a tick has it synced. Nothing is readable before it is synced: a sink that was given an
// event which a power cut then takes away would take the next event of that offset for the same.
//
// Thread safety: the log thread only.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/executor.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "log/journal.h"
#include "log/log.h"
#include "log/partition_writer.h"

namespace colloquium::log {

struct StagedAppend {
  PartitionWriter* writer;
  EncodedBatch batch;
  AckLevel level;
  AppendDone done;
  int64_t staged_ns = 0;  // when append() was called
};

struct StagedOutput {
  PartitionWriter* writer;
  EncodedBatch batch;
};

struct StagedCommit {
  CommitRequest request;  // its outputs moved to `outputs`
  std::vector<StagedOutput> outputs;
  std::vector<PartitionWriter*> positions;  // beside request.positions; null for an external one
  CommitDone done;
};

struct Group {
  std::vector<StagedAppend> appends;
  std::vector<StagedCommit> commits;
};

struct GroupCounters {
  std::atomic<uint64_t> appended_batches{0}, appended_events{0}, appended_bytes{0};
  std::atomic<uint64_t> groups{0}, syncs{0}, commits{0}, errors{0};
  LogTimes times;
};

class GroupCommit {
 public:
  // `wake` is told of every partition that has something new to read; `found_full` that a write found no room
  // (io::waits_for_room), before anybody is told that something failed by it; `synced`, on another thread,
  // that collect() is due.
  GroupCommit(Executor& executor, TaskQueue& helpers, Clock& clock, Journal& journal, GroupCounters& counters,
              std::function<void(const Partition&)> wake, std::function<void(const Error&)> found_full,
              std::function<void()> synced);

  ~GroupCommit();

  // Does the group and runs all its callbacks. A failure is for good: the log must not write any more. That there
  // was no room is none: then the callbacks have been told. `unsynced`: needs_no_sync(group) was so just now.
  Status run(Group group, bool unsynced = false);

  // Whether run() waits for no sync, unless it finds no room: nothing of the group is told of once it is synced,
  // nor is enough written to sync it all the same, and no segment ends or begins.
  bool needs_no_sync(const Group& group) const;

  // The helpers begin with what nobody waits to read.
  void sync_unawaited();

  // Sync marks, synced, for those of `writers` that want one. Failures as in run().
  Status mark(const std::vector<PartitionWriter*>& writers);

  // What the helpers have synced becomes readable, and they go on, not without a pause, with what was written
  // meanwhile. Failures as in run().
  Status collect();

  // Waits until everything written is synced, and makes it readable. Failures as in run().
  Status settle();

 private:
  // What the group does to one partition.
  struct Touched {
    int64_t weak_end = 0;      // appends below are acknowledged once written …
    bool weak_so_far = true;   // … because none that has to be synced is before them
    bool is_unawaited = true;  // nobody waits to read any of them
    std::optional<PartitionWriter::Savepoint> before_outputs;
  };
  using TouchedMap = std::map<PartitionWriter*, Touched>;

  Status make_ready(const Group& group);
  Status place(Group& group, std::vector<AppendResult>& results, std::vector<CommitRecord>& records);
  Status place_append(StagedAppend& append, AppendResult& result);
  Status place_outputs(StagedCommit& commit, CommitRecord& record);
  Status write();
  bool can_wait(const Group& group) const;
  bool sync_is_due() const;
  void begin_unsynced();
  void leave_unsynced(const Group& group);
  void leave(PartitionWriter& writer, const Touched& touched);
  void leave_unawaited();
  void sync_soon();
  void sync_behind();
  Status end_syncs();
  Status wait_behind();
  Status undo(Group& group, const Error& error);
  bool is_full(const Error& error);
  Status cut_back();
  void count(const Group& group);
  enum class What : uint8_t { kAwaited, kAll };
  Status sync(What what);
  Status sync_now(const std::set<PartitionWriter*>& writers);
  Status commit(Group& group, const std::vector<CommitRecord>& records);
  void refuse_impossible(std::vector<StagedCommit>& commits);
  void tell_appends(Group& group, const std::vector<AppendResult>& results, int stage);
  void publish_appends();
  void publish(PartitionWriter& writer, int64_t end);
  void finish_outputs();
  Touched& touch(PartitionWriter& writer) { return touched_[&writer]; }

  Executor& executor_;
  TaskQueue& helpers_;
  Clock& clock_;
  Journal& journal_;
  GroupCounters& counters_;
  const std::function<void(const Partition&)> wake_;
  const std::function<void(const Error&)> found_full_;
  const std::function<void()> synced_;
  TouchedMap touched_;

  // Syncs that go on while this thread does other things, and where the writers ended when they began.
  struct SyncRun;
  std::shared_ptr<SyncRun> behind_;
  int64_t behind_began_ns_ = 0;  // when the last one was
  enum class Pause : uint8_t { kNone, kOn, kOver };
  std::atomic<Pause> pause_{Pause::kNone};  // before the next one
  std::vector<std::pair<PartitionWriter*, int64_t>> behind_ends_;
  std::set<PartitionWriter*> unsynced_;   // between groups: all that are, those behind_ is for too
  int64_t unsynced_since_ns_ = 0;         // since when there have been some without end
  size_t unsynced_bytes_ = 0;             // since then
  std::set<PartitionWriter*> unawaited_;  // likewise unsynced, and nobody waits for it; none of them in unsynced_
  size_t unawaited_bytes_ = 0;            // since there was none
  int64_t now_ms_ = 0;
  // A thread of its own, as nothing that is awaited may stand behind a pause. Last: its task uses the rest.
  const std::unique_ptr<TaskQueue> pauses_;
};

}  // namespace colloquium::log
