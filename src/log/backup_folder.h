// The folder that backups go to: which snapshots are in it, and what each of them says it is.
//
//   BACKUP              whose backups these are: the tag of the data directory
//   LOCK                held while one is made, restored or removed
//   000001/ …           snapshots, each laid out as a data directory, but for files that a restore makes again
//   000001/MANIFEST     every file with length and checksum; a snapshot without it was never finished
//
// docs/internals/log-format.md, "Backups". Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

struct BackupManifest {
  struct File {
    uint64_t size_bytes = 0;
    uint32_t crc = 0;  // CRC-32C of the whole file
  };
  struct Partition {
    std::string stream;  // empty: the commit journal
    int32_t number = 0;
    int64_t oldest_offset = 0;
    int64_t next_offset = 0;  // behind the last that is in the snapshot
  };

  std::string tag;      // of the data directory
  int64_t time_ms = 0;  // of the instant that the snapshot shows
  std::vector<Partition> partitions;
  std::map<std::string, File> files;     // by path in the snapshot
  std::map<std::string, uint64_t> keys;  // ids of the keys that a restore needs, and how many segments each opens

  uint64_t size_bytes() const;
};

struct Snapshot {
  uint64_t number = 0;
  bool finished = false;  // there is a manifest; whether it can be read is another question
};

std::string snapshot_path(const std::string& folder, uint64_t number);
std::string manifest_path(const std::string& snapshot);
std::string snapshot_name(uint64_t number);

std::string manifest_text(const BackupManifest& manifest);
// kCorrupt if it is damaged or names files outside the snapshot.
Result<BackupManifest> read_manifest(const io::FileSystem& fs, const std::string& snapshot);

// By number, rising. kNotFound, kInvalidConfig if the folder is not there or holds no backups.
Result<std::vector<Snapshot>> list_snapshots(const io::FileSystem& fs, const std::string& folder);
// Its manifest first, so that nobody takes what is left for a snapshot.
Status remove_snapshot(io::FileSystem& fs, const std::string& folder, uint64_t number);

// Makes the folder, or checks that it holds backups of the data directory with this tag and nothing else's.
Status claim_backup_folder(io::FileSystem& fs, const std::string& folder, const std::string& tag);
// kConflict if another process is at work there.
Result<std::unique_ptr<io::FileLock>> lock_backup_folder(io::FileSystem& fs, const std::string& folder);

// Whether a path, which need not exist, is the folder `outer` or inside it.
bool lies_within(const io::FileSystem& fs, const std::string& path, const std::string& outer);

}  // namespace colloquium::log
