// Recovery of one partition: from files of unknown history to a Partition that can be read and written.
//
// The rules (docs/internals/log-format.md, "Recovery"): what stands at or above everything known to be synced
// and is not valid was torn by a crash, and is saved, cut off, synced, and followed by a new incarnation; what
// is not valid below is corruption, and nothing is changed. Outputs that no commit names are taken back.
// Every step can be interrupted and repeated.
//
// Thread safety: functions; the caller holds the data directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/clean_marker.h"
#include "log/partition.h"
#include "log/partition_writer.h"
#include "log/segment_scan.h"

namespace colloquium::log {

struct RecoveryNote {
  std::string partition;  // "orders/0", "the commit journal"
  std::string text;       // what was found and done, a sentence
};

struct Recovered {
  PartitionEnd end;
  std::vector<RecoveryNote> notes;
};

struct RecoveryOptions {
  const CleanEntry* clean = nullptr;  // how the partition was left, if it was left cleanly
  bool seals = true;                  // false: the journal, whose older segments are leftovers
  BatchVisitor visit;                 // sees every batch of the active segment that is read
};

// Fills `partition` and says how it ends. kCorrupt, with nothing changed, if anything synced is damaged.
Result<Recovered> recover_partition(io::FileSystem& fs, Partition& partition, const Evidence& evidence,
                                    const RecoveryOptions& options);

// Whether damage is a crash's (cut it) or corruption (refuse): kCorrupt with the range that is lost.
Status judge_damage(const std::string& place, const std::string& file, const Damage& damage,
                    const Evidence& evidence, const EpochTable& epochs, std::optional<SyncMark> mark_behind);

}  // namespace colloquium::log
