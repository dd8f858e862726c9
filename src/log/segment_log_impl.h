// SegmentLog::Impl: what a SegmentLog does, on any thread up to its mutex and behind that on the log thread.
//
// Callers stage appends and commits under the mutex; a turn of the log thread takes what is staged as one group,
// writes and syncs it (GroupCommit), and tells; where nothing needs a sync, a caller that waits anyway may run it.
// Upkeep (retention, compaction) has a thread of its own.
//
// Ownership: shared by the SegmentLog and its readers' partitions; the queues are destroyed first, as their tasks
// use the rest. Thread safety: as said at each block.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "log/group_commit.h"
#include "log/leg_state.h"
#include "log/open_data.h"
#include "log/segment_log.h"
#include "log/space_guard.h"
#include "log/staging.h"
#include "log/subscribers.h"
#include "log/upkeep.h"

namespace colloquium::log {

class SegmentLog::Impl {
 public:
  Impl(LogOptions options, OpenData data);
  ~Impl();

  Result<StreamId> open_stream(const StreamSpec& spec);
  Result<StreamInfo> stream_info(StreamId id) const;
  std::vector<StreamInfo> streams() const;
  void append(StreamId stream, int32_t partition, EncodedBatch batch, AckLevel level, AppendDone done);
  void commit(CommitRequest request, CommitDone done);
  bool full() const { return space_.full() || staging_.bytes() >= options_.queue_bytes_max; }
  void when_not_full(Task resume);
  void subscribe(StreamId stream, UniqueFunction<void(int32_t)> wake);
  Status close();
  void tick();
  void apply_retention(UniqueFunction<void(Status)> done);
  Status store_checkpoint(const std::string& name, std::string bytes);
  std::shared_ptr<Partition> partition(StreamId stream, int32_t number) const;
  LogStats stats() const;
  const LogTimes* times() const { return &counters_.times; }

  const LogOptions& options() const { return options_; }
  const RecoveryReport& report() const { return report_; }
  const std::string& tag() const { return tag_; }
  std::optional<LegState> leg_state(const std::string& leg) const { return journal_->leg_state(leg); }

 private:
  // --- any thread
  void fail_for_good(const Error& error);
  std::optional<Error> refusal_locked() const;
  template <class Done>
  void refuse(Done done, Error error);
  void schedule_locked();
  void schedule_again_locked();
  void turn_here();
  OpenStream* stream_locked(StreamId id) const;
  std::optional<Error> append_refusal_locked(const EncodedBatch& batch) const;
  PartitionWriter* writer_locked(StreamId id, int32_t number) const;
  StagedCommit stage_locked(CommitRequest request, CommitDone done) const;

  // --- the log thread
  Group take_group(size_t& bytes);
  void turn();
  void turn_with(Group group, size_t bytes, bool unsynced);
  void run_group(Group group, bool unsynced);
  void collect_synced();
  void refuse_appends(std::vector<StagedAppend> appends, const Error& error);
  void refuse_staged();
  void found_full(const Error& error);
  void resume_waiting();
  void do_tick();
  Status finish();
  std::vector<PartitionWriter*> all_writers();
  std::vector<KeptStream> kept_streams() const;
  void keep_up(Upkeep::Done done);

  const LogOptions options_;
  const std::string tag_;
  const RecoveryReport report_;
  const std::unique_ptr<Journal> journal_;
  io::FileSystem& fs_;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<OpenStream>> streams_;
  Staging staging_;
  std::vector<Task> resumes_;
  bool scheduled_ = false;
  bool closed_ = false;
  Status close_result_;
  bool going_ = false;  // without close(): what is staged behind the last turn is dropped
  std::optional<Error> failed_;

  SpaceGuard space_;
  std::optional<int64_t> told_full_ns_;  // the log thread's
  Subscribers subscribers_;
  std::atomic<bool> tick_posted_{false};
  GroupCounters counters_;
  std::mutex storing_checkpoint_;  // guards the next; taken alone
  std::optional<Error> checkpoint_failure_;
  std::mutex making_stream_;  // one stream is made at a time; taken before mutex_
  Upkeep upkeep_;

  // By which a helper reaches the queue, which goes before the helpers do.
  struct Gate {
    std::mutex mutex;
    TaskQueue* queue = nullptr;
  };
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::unique_ptr<TaskQueue> helpers_;
  std::unique_ptr<GroupCommit> group_commit_;
  std::unique_ptr<TaskQueue> queue_;  // last: its tasks use everything above
};

}  // namespace colloquium::log
