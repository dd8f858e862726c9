// Pruner: removes segments from the front of partitions, as their streams' retention says.
//
// Of a stream it removes, oldest first, what is past its time, and then what is beyond its size; only finished
// segments that another one follows, never what a leg still needs (unless told to) and never what is younger
// than the retention keeps. The order is: the oldest file, synced; readers see the segments no more; their files
// go. So a crash leaves a partition that begins before or behind them, and files that are nobody's.
//
// Thread safety: one thread at a time; the journal, the partitions and the counters are shared with others.
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
#include "log/log.h"
#include "log/partition.h"
#include "log/seal.h"

namespace colloquium::log {

struct PruneCounters {
  std::atomic<uint64_t> segments{0}, bytes{0}, offsets{0}, unread_offsets{0};
};

// A stream whose retention removes something.
struct PrunedStream {
  std::string name;
  Retention retention;
  std::vector<std::shared_ptr<Partition>> partitions;
};

class Pruner {
 public:
  using Tell = std::function<void(const std::string& warning)>;

  // `tell` may be null; it is told once of every leg that holds back, or loses, what retention would remove.
  Pruner(io::FileSystem& fs, Clock& clock, const Journal& journal, PruneCounters& counters, Tell tell);

  // One pass. That the disk is full ends it, and the next one goes on; any failure told is the data directory's.
  Status run(const std::vector<PrunedStream>& streams);
  // Of seals that have been replaced since.
  void forget_seals() { seals_.clear(); }

 private:
  // How far one partition is to be cut.
  struct Front {
    std::shared_ptr<Partition> partition;
    std::vector<std::shared_ptr<Segment>> segments;
    Needed needed;
    size_t count = 0;          // of the first segments, to be removed
    uint64_t bytes = 0;        // of them
    std::optional<Seal> last;  // of the last of them
    std::optional<Seal> next;  // of the one behind, if that one may be removed as well
  };
  Front front_of(const PrunedStream& stream, const std::shared_ptr<Partition>& partition);
  void look_at_next(Front& front);
  void see(const Front& front);
  int64_t newest_ms(const Front& front, const Seal& seal);
  bool is_needed(const PrunedStream& stream, const Front& front, const Seal& seal);
  void take(Front& front);
  void choose(const PrunedStream& stream, std::vector<Front>& fronts);
  Status remove(const PrunedStream& stream, const Front& front);
  Status delete_hidden();
  void count_unread(const PrunedStream& stream, const Front& front, int64_t oldest);
  void tell_once(const std::string& key, const std::string& warning);

  io::FileSystem& fs_;
  Clock& clock_;
  const Journal& journal_;
  PruneCounters& counters_;
  const Tell tell_;
  int64_t now_ms_ = 0;
  std::map<std::string, Seal> seals_;  // by path: those a pass ended at, which the next one begins with
  // By folder and base: when a pass saw the segment first, no later than now. What a clock that was ahead has
  // stamped is taken for appended before the segment behind it was seen.
  std::map<std::string, std::map<int64_t, int64_t>> seen_ms_;
  std::map<std::string, int64_t> hidden_;  // by folder: below this, files that are to be deleted
  std::set<std::string> told_;
};

}  // namespace colloquium::log
