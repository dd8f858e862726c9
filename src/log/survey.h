// Surveying a partition: everything about it that a repair has to know, found without changing anything.
//
// Where recovery stops at the first thing that must not be, a survey goes on behind it: it says which stretches
// are intact, which offsets are lost although they were synced, and which side files can be made again.
//
// Thread safety: functions; nobody may write the partition meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/epochs.h"
#include "log/gaps.h"
#include "log/segment_scan.h"

namespace colloquium::log {

// Offsets that were synced and can't be read.
struct LostRange {
  std::string stream;  // empty: the commit journal
  int32_t partition = 0;
  int64_t first_offset = 0;
  int64_t last_offset = 0;
  std::string file;       // a segment, or the folder it is missing from
  uint64_t position = 0;  // the bytes [position, position + size) of the file, if it is there
  uint64_t size = 0;
  int64_t after_ms = -1;   // append time of the last event before; −1: there is none
  int64_t before_ms = -1;  // of the first behind
  std::string what;

  // Everything of it in one line.
  std::string describe() const;
};

// Batches that stand one behind the other and are intact.
struct Stretch {
  uint64_t position = 0;
  uint64_t size = 0;
  int64_t base_offset = 0;
};

struct SegmentSurvey {
  int64_t base_offset = 0;
  bool damaged = false;  // below what was synced; `stretches` are what is left of it
  std::vector<Stretch> stretches;
  bool compaction_failed = false;     // what it committed is damaged, and the file of before was looked at instead
  bool bad_seal = false;              // the segment is whole, and its seal says something else
  std::optional<SegmentIndex> index;  // to be written, because the files say something else
};

struct PartitionSurvey {
  std::string stream;
  int32_t partition = 0;
  std::string folder;
  std::vector<SegmentSurvey> segments;
  std::vector<LostRange> lost;
  std::vector<std::string> start_mends;  // what the next start would do by itself, as sentences
  std::vector<std::string> hopeless;     // what no repair can do anything about
  std::optional<EpochTable> new_epochs;  // made again from the batches
  int64_t end = 0;                       // behind everything that is there or lost
  int64_t committed_below = 0;           // outputs below this are committed, whatever the journal says …
  int64_t uncommitted_from = -1;         // … and the first that the journal does not know stands here
  int32_t epoch = 0;                     // current

  bool journal_lost_entries() const { return uncommitted_from >= 0 && uncommitted_from < committed_below; }
};

struct SurveyPlace {
  std::string stream;  // empty: the commit journal
  int32_t partition = 0;
  std::string folder;
  std::vector<int64_t> passed_over;  // segments that are as good as removed
};

// `visit` is called for every intact batch, in order; it may be null. A failure is an I/O error, or the visitor's.
Result<PartitionSurvey> survey_partition(io::FileSystem& fs, const SurveyPlace& place, const Evidence& evidence,
                                         const BatchVisitor& visit);

}  // namespace colloquium::log
