// SegmentLog: the Log on segment files of this machine (docs/internals/log-format.md).
//
// One log thread (a TaskQueue of width 1) writes everything: whatever has been appended and committed since its
// last turn is one group, written and synced together. Helpers sync several files at once. Readers follow from
// memory, or read the segments.
//
// Time passes for it through tick(): call it every few hundred milliseconds from a timer. It writes the sync
// mark after a second of idleness, notices that a full disk has space again, and begins what retention and
// compaction ask for, which is done on a thread of its own.
//
// A refused commit is told through its callback on the log's thread; after close() on the caller's own.
// Thread safety: as Log's. The Executor, FileSystem, Clock and Random outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/executor.h"

#include "io/file_system.h"
#include "log/key_ring.h"
#include "log/log.h"
#include "log/tape_builder.h"

namespace colloquium::log {

struct LogOptions {
  std::string directory;
  io::FileSystem* files = nullptr;
  Executor* executor = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  TapeBuilder tape;                     // for readers that want tapes
  std::shared_ptr<const KeyRing> keys;  // null: nothing is encrypted, and what is can't be opened

  uint64_t segment_bytes = uint64_t{256} << 20;
  uint64_t journal_segment_bytes = uint64_t{16} << 20;
  size_t group_bytes = size_t{8} << 20;         // written and synced at once
  size_t queue_bytes_max = size_t{32} << 20;    // encoded bytes that may wait; more is refused
  size_t memory_bytes = size_t{64} << 20;       // newest events kept per partition …
  size_t memory_bytes_total = size_t{1} << 30;  // … and in all partitions together
  uint64_t reserve_bytes = uint64_t{64} << 20;  // of the disk, kept free: this …
  double reserve_fraction = 0.01;               // … and this share of it
  int64_t idle_mark_ms = 1000;
  int64_t retention_interval_ms = 10'000;  // between two looks at what retention lets go of, or can be compacted
  size_t compaction_memory_bytes = size_t{128} << 20;  // for the keys that compaction compares at once
  size_t sync_helpers = 4;

  // Asked on the log's thread now and then, and by its failure the log ends: whether the directory is still this
  // process's alone. May be null.
  std::function<Status()> still_ours;
  // Told once, on the thread that met it, when a write or a sync has failed and the log can't go on: exit the
  // process.
  std::function<void(const Error&)> on_failure;
  // Told, on a thread of the log's, what the user should know of and is no failure: that a leg holds back
  // retention, or loses events by it, or that compaction meets damage. Each is told once;
  // that no file can be opened for want of a descriptor, once a minute.
  std::function<void(const std::string&)> on_warning;
};

// What opening found and mended, for the start-up messages. Empty after a clean stop.
struct RecoveryReport {
  struct Note {
    std::string partition;  // "orders/0", "the commit journal"
    std::string text;
  };
  bool clean = false;  // the last stop was clean, and everything is as it left it
  std::vector<Note> notes;
};

class SegmentLog final : public Log {
 public:
  // Recovers the data directory, or makes it. The caller holds its lock (lock_data_directory). kCorrupt, with
  // nothing changed, if anything that was acknowledged as durable can't be read.
  static Result<std::unique_ptr<SegmentLog>> open(LogOptions options);
  // Without close() before, the next open is one after a crash.
  ~SegmentLog() override;

  Result<StreamId> open_stream(const StreamSpec& spec) override;
  Result<StreamInfo> stream_info(StreamId stream) const override;
  void append(StreamId stream, int32_t partition, EncodedBatch batch, AckLevel level, AppendDone done) override;
  bool full() const override;
  void when_not_full(Task resume) override;
  void commit(CommitRequest request, CommitDone done) override;
  std::optional<LegState> leg_state(const std::string& leg) const override;
  Result<std::unique_ptr<Reader>> read(StreamId stream, int32_t partition, int64_t from_offset,
                                       bool with_tape) override;
  void subscribe(StreamId stream, UniqueFunction<void(int32_t partition)> wake) override;
  Status accepted_since(StreamId stream, int64_t since_ms, std::span<const int64_t> known_below,
                        UniqueFunction<void(const Accepted&)> visit) override;
  Result<int64_t> first_within(StreamId stream, int32_t partition, const LagLimit& limit) const override;
  Status store_checkpoint(const std::string& name, std::string bytes) override;
  std::optional<std::string> load_checkpoint(const std::string& name) const override;
  void apply_retention(UniqueFunction<void(Status)> done) override;
  Status close() override;
  std::string data_tag() const override;
  LogStats stats() const override;
  const LogTimes* times() const override;

  // Any thread; never blocks.
  void tick();
  const RecoveryReport& recovery() const;
  // The first offset appended at or after `time_ms`, or the end.
  Result<int64_t> offset_at(StreamId stream, int32_t partition, int64_t time_ms) const;
  // Every stream of the data directory, opened here or not.
  std::vector<StreamInfo> streams() const;

 private:
  class Impl;
  explicit SegmentLog(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace colloquium::log
