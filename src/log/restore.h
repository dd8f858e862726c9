// Restoring a snapshot of a backup (log/backup.h) into a data directory that is not there yet.
//
// Every file is compared with the manifest while it is copied; then the directory is recovered as after a kill,
// and so it is known to open. What was acknowledged behind the snapshot is not in it, but its offsets were given
// out, and ids made of them may be known elsewhere. So every partition goes on at an offset that no earlier
// process gave out: the microseconds since 1970 at the restore, which is ahead of any partition that gets fewer
// than a million records a second. The offsets between are recorded as given up (log/gaps.h), and new incarnations
// begin.
//
// The directory holds RESTORING from the first moment to the last, and nothing opens it meanwhile. A restore that
// was interrupted is begun again by the next one.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/backup_folder.h"
#include "log/segment_log.h"

namespace colloquium::log {

struct RestoreOptions {
  std::string folder;              // of the snapshots
  std::optional<uint64_t> number;  // of the snapshot; unset: the newest
  LogOptions log;                  // the data directory to be, its files, clock, random numbers and keys
  bool check_only = false;         // reads and compares everything, and restores nothing
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;  // may be null
};

struct RestoreReport {
  struct Partition {
    std::string stream;
    int32_t number = 0;
    int64_t oldest_offset = 0;
    int64_t end_offset = 0;   // behind the last event that is there
    int64_t next_offset = 0;  // of the next event
  };
  uint64_t number = 0;
  BackupManifest manifest;
  std::vector<Partition> partitions;  // empty with check_only
};

// kCorrupt if the snapshot is damaged, naming the file; kInvalidConfig if the data directory holds anything
// already or a key is missing; kNotFound if there is no such snapshot.
Result<RestoreReport> restore(const RestoreOptions& options);

}  // namespace colloquium::log
