// Compactor: of the records of one key leaves the newest, in the finished segments of streams that are compacted.
//
// As Kafka's log cleaner does it (KIP-58; kafka.log.LogCleaner; tombstones as KIP-534 has them): the keys of what
// is not compared yet, the "dirty" segments, go to a table that says where the newest record of each stands; then
// every segment from the oldest on, as far as the table reaches, is written anew without the records that a newer
// one replaces. If not all keys fit, the table reaches less far, and the next pass goes on there.
//
// What is left alone: the segment that is written and the one before it (whose seal alone would still say where a
// source was, if the source's newest batch were emptied), whatever a leg has not committed, whatever is younger
// than Compaction::lag_ms or Retention::keep_ms, and records without a key. A segment that is damaged ends the
// pass of its partition: what follows it may only lose a tombstone once everything before it has lost what the
// tombstone deletes.
//
// A pass is begun when half of what is there was not compared yet, or some of it not for a week: so a key that is
// deleted does not stay for as long as few others come.
//
// A segment is replaced in this order, so that a crash leaves one or the other: the key of the new file beside the
// old one; the new file, synced, with its name; the seal, which is the commit; the name `<base>.log`. Readers that
// are in the old file stay there to its end.
//
// Thread safety: one thread at a time, but for stop(); journal, partitions and counters are shared with others.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "log/journal.h"
#include "log/key_table.h"
#include "log/log.h"
#include "log/partition.h"
#include "log/seal.h"
#include "log/segment_rewriter.h"

namespace colloquium::log {

struct CompactCounters {
  std::atomic<uint64_t> segments{0}, records{0}, bytes{0};
};

// A stream that is compacted.
struct CompactedStream {
  std::string name;
  Compaction compaction;
  Retention retention;  // whose legs and whose keep_ms count here too
  std::vector<std::shared_ptr<Partition>> partitions;
};

struct CompactorOptions {
  size_t memory_bytes = size_t{128} << 20;  // for the table of keys
  uint64_t reserve_bytes = 0;               // of the disk, that a new file must leave free: this …
  double reserve_fraction = 0;              // … and this share of it
};

class Compactor {
 public:
  using Tell = std::function<void(const std::string& warning)>;
  // What may not wait for the end of a pass, such as retention: called before each segment. It may remove the
  // oldest ones.
  using Between = std::function<Status()>;

  // `tell` may be null; it is told once of every place where compaction can't go on.
  Compactor(io::FileSystem& fs, Clock& clock, const Journal& journal, const CompactorOptions& options,
            CompactCounters& counters, Tell tell);

  // One pass. `now`: also what is hardly worth it yet. True if a segment was replaced. That the disk is full ends
  // it, and the next one goes on; any failure told, also of `between` (may be null), is the data directory's.
  Result<bool> run(const std::vector<CompactedStream>& streams, bool now, const Between& between);
  // Ends the pass that runs, soon, and every later one. Any thread.
  void stop() { stop_ = true; }

 private:
  struct Candidate {
    std::shared_ptr<Segment> segment;
    Seal seal;
    bool dirty() const { return seal.compacted.below_offset < seal.next_offset; }
    int64_t dirty_from() const { return std::max(seal.base_offset, seal.compacted.below_offset); }
  };
  struct Work {
    const CompactedStream* stream = nullptr;
    Partition* partition = nullptr;
    std::vector<Candidate> segments;  // that may be compacted, from the oldest on
    std::optional<KeyTable> newest;   // of the dirty ones
    int64_t end = 0;                  // the table holds what stands below
    bool replaced = false;
  };
  Status compact(Work& work, bool now);
  Result<bool> still_there(const Work& work, const Candidate& candidate);
  std::vector<Candidate> candidates(const CompactedStream& stream, Partition& partition);
  bool is_due(const Work& work, bool now) const;
  bool tombstones_are_over(const Work& work, const Candidate& candidate) const;
  Status gather(Work& work);
  Result<bool> gather_segment(Work& work, const Candidate& candidate);
  Status compact_segment(Work& work, Candidate& candidate);
  Status rewrite(Work& work, Candidate& candidate, SegmentRewriter& rewriter);
  Status replace(Work& work, Candidate& candidate, RewrittenSegment rewritten);
  Status store_seal(Work& work, Candidate& candidate, const Seal& seal);
  Status finish_renames();
  Compacted after_pass(const Work& work, const Candidate& candidate, int64_t tombstones) const;
  bool has_space_for(const Work& work, const Candidate& candidate) const;
  Status end_of_pass(const Work& work, const Error& error);
  void tell_once(const std::string& key, const std::string& warning);

  io::FileSystem& fs_;
  Clock& clock_;
  const Journal& journal_;
  const CompactorOptions options_;
  CompactCounters& counters_;
  const Tell tell_;
  std::atomic<bool> stop_{false};
  int64_t now_ms_ = 0;
  const Between* between_ = nullptr;  // of the pass that runs
  std::optional<Error> between_failure_;
  // By folder and first offset, of the segments a pass has seen: without sources.
  std::map<std::string, std::map<int64_t, Seal>> seals_;
  struct Rename {
    std::string folder;
    int64_t base_offset = 0;
    SegmentIndex index;
  };
  std::map<std::string, Rename> renames_;  // committed and not done yet, by the present name
  std::set<std::string> told_;
};

}  // namespace colloquium::log
