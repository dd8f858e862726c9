// Upkeep: what a log does to its finished segments beside the groups: retention, then compaction.
//
// It has a queue of its own, because files are large and their removal can be slow; the log thread only finishes
// segments whose events have all expired. A failure of the data directory that is met there is kept for the log
// thread to find.
//
// Thread safety: failure() on any thread; the rest on the log thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/executor.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "log/compactor.h"
#include "log/open_data.h"
#include "log/partition_writer.h"
#include "log/pruner.h"

namespace colloquium::log {

// A stream with something to be kept up.
struct KeptStream {
  std::string name;
  Retention retention;
  Compaction compaction;
  std::vector<PartitionWriter*> writers;
};

// Gives the stream the retention and compaction that the spec names, and its segments a size and an age that suit
// them: small shares of what is kept, and not too large to be compared soon. REQUIRES: whatever guards the stream.
void set_upkeep(OpenStream& stream, const StreamSpec& spec, uint64_t segment_bytes);

class Upkeep {
 public:
  using Done = UniqueFunction<void(Status)>;

  Upkeep(Executor& executor, io::FileSystem& fs, Clock& clock, const Journal& journal, int64_t interval_ms,
         const CompactorOptions& compaction, Pruner::Tell tell, std::function<void(const Error&)> failed);
  ~Upkeep();

  // True if a pass should be begun.
  bool due() const;
  // Begins a pass; `done` (may be null) runs when it is over, on the queue; with it, what is hardly worth
  // compacting yet is compacted too. A failure is the log thread's own: of finishing a segment; kNoSpace leaves
  // that for later.
  Status begin(const std::vector<KeptStream>& streams, Done done);
  // Waits until what was begun is over; a compaction ends early.
  void drain();

  // The log has failed: nothing more is begun, and a pass that is under way ends where it can. Any thread.
  void stop();

  const PruneCounters& counters() const { return counters_; }
  const CompactCounters& compacted() const { return compacted_; }

 private:
  struct Pass {
    std::vector<PrunedStream> pruned;
    std::vector<CompactedStream> compacted;
    bool now = false;
  };
  Status run(const Pass& pass);
  Status refusal() const;
  Status prune_again(const Pass& pass);

  Executor& executor_;
  Clock& clock_;
  const int64_t interval_ms_;
  int64_t last_begun_ns_ = 0;
  bool begun_ = false;

  PruneCounters counters_;
  CompactCounters compacted_;
  int64_t last_pruned_ns_ = 0;  // the queue's, as the next two
  Pruner pruner_;
  Compactor compactor_;

  // Told on the queue, before anybody is told how the pass ended: the log must not write any more.
  const std::function<void(const Error&)> failed_;
  std::atomic<bool> stopped_{false};

  std::unique_ptr<TaskQueue> queue_;  // last: its tasks use everything above
};

}  // namespace colloquium::log
