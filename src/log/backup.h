// Backing up a data directory, also while a process writes it: into a folder of snapshots, each whole by itself,
// that share what has not changed.
//
// Finished segments come first; then an instant is taken (log/data_instant.h), and what stood then is copied: the
// journal, and every partition to its last whole batch. So a snapshot is what a kill would have left at that
// instant, and restoring it is recovering from that. Whatever was acknowledged before the backup began is in it.
// Nothing in the data directory is changed or locked. What goes meanwhile, because retention removes it or the
// journal begins a new segment, is noticed, and what is needed is looked at again.
//
// Every batch is checked as it is copied: a damaged directory gives no backup, but says what is damaged. No key is
// needed; with one it is also checked that everything is there that the commits of an encrypted journal speak of.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/backup_folder.h"
#include "log/key_ring.h"

namespace colloquium::log {

struct BackupOptions {
  std::string directory;  // the data directory
  std::string folder;     // of the snapshots; made if it is not there
  io::FileSystem* files = nullptr;
  const Clock* clock = nullptr;
  std::shared_ptr<const KeyRing> keys;  // may be null
  uint64_t keep = 0;                    // snapshots, this one too; older ones are removed; 0: all are kept
  bool full = false;                    // shares no file with the snapshot before
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;  // may be null
};

struct BackupReport {
  uint64_t number = 0;
  BackupManifest manifest;
  uint64_t linked_files = 0, linked_bytes = 0;  // shared with the snapshot before
  std::vector<uint64_t> removed;                // older snapshots
  std::string removal_failure;                  // of those; the new snapshot is there in any case
};

// kCorrupt if the data directory is damaged; the message names file and range. After a failure nothing is left
// that would be taken for a snapshot, and the next backup removes what is left.
Result<BackupReport> back_up(const BackupOptions& options);

}  // namespace colloquium::log
