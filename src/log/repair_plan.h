// RepairPlan: what a repair that gives events up is going to do, written down before it does it.
//
// The damaged segments are copied to the quarantine first; then the plan is stored as REPAIR, and from then on no
// log opens the directory until it has been carried out. Carrying out reads the copies, which nothing changes,
// so it can be interrupted and done again from the start.
//
// Thread safety: values and functions; the caller holds the data directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/gaps.h"
#include "log/key_ring.h"
#include "log/survey.h"

namespace colloquium::log {

// A commit journal that begins anew with what is known to be committed.
struct NewJournal {
  int64_t base_offset = 0;
  int32_t epoch = 0;
  int64_t time_ms = 0;
  std::string checkpoint;  // as put_checkpoint() makes it
};

struct RepairPlan {
  struct CutSegment {
    std::string stream;  // never the journal
    int32_t partition = 0;
    int64_t base_offset = 0;
    std::vector<Stretch> stretches;  // each becomes a segment
  };
  struct NewGap {
    std::string stream;
    int32_t partition = 0;
    GapTable::Gap gap;
  };

  std::string quarantine;  // folder in the data directory
  std::vector<CutSegment> segments;
  std::vector<NewGap> gaps;
  std::optional<NewJournal> journal;  // replaces every segment there is

  bool empty() const { return segments.empty() && gaps.empty() && !journal; }
};

// Nothing if no repair is unfinished.
Result<std::optional<RepairPlan>> read_repair_plan(const io::FileSystem& fs, const std::string& directory);

// Copies what the plan takes apart and stores the plan: afterwards it has to be carried out.
Status store_repair_plan(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan);

// Afterwards REPAIR is gone, and a start recovers the rest as after a crash.
// `keys` as for opening the log.
Status carry_out(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan,
                 const std::shared_ptr<const KeyRing>& keys);

// kConflict while a restore into the directory is unfinished.
Status refuse_unfinished_restore(const io::FileSystem& fs, const std::string& directory);
// kConflict while a repair or a restore of the directory is unfinished; says what to do.
Status refuse_unfinished(const io::FileSystem& fs, const std::string& directory);

}  // namespace colloquium::log
