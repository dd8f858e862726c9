// SnapshotWriter: puts files into a new snapshot of a backup, as links to the snapshot before where they are the
// same.
//
// What was put and is not wanted any more, because the data directory had to be looked at again, is left out with
// begin_again() and goes before the manifest is written. The manifest comes last, when every file and folder is
// synced: so a snapshot with a manifest is whole.
//
// Thread safety: none; one backup owns it and holds the folder's lock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/backup_folder.h"

namespace colloquium::log {

class SnapshotWriter {
 public:
  struct Previous {
    uint64_t number;
    BackupManifest manifest;
  };
  // Makes nothing yet.
  SnapshotWriter(io::FileSystem& fs, std::string folder, uint64_t number, std::optional<Previous> previous);

  uint64_t number() const { return number_; }
  // Where a file of this path within the snapshot is to be written, its folder made.
  Result<std::string> place_for(const std::string& path);
  // A file that the caller has written there, and synced.
  void put(const std::string& path, const BackupManifest::File& file);
  // A small file as a whole.
  Status put_text(const std::string& path, std::string_view content);
  // A finished segment, if the snapshot before has it with the same seal, and with a key file if this one has put
  // one; false if it has to be copied.
  Result<bool> link_segment(const std::string& path, uint64_t size_bytes, const std::string& seal_path,
                            std::string_view seal, const std::string& key_path);

  // What is put from here on makes the snapshot; what was put before may be kept.
  void begin_again() { wanted_.clear(); }
  bool has(const std::string& path) const { return files_.count(path) != 0; }
  // With these bytes, whatever it was put for.
  bool holds(const std::string& path, std::string_view content) const;
  void keep(const std::string& path);

  // Syncs everything and writes the manifest, its files filled in.
  Status finish(BackupManifest& manifest);

  uint64_t linked_files() const { return linked_.size(); }
  uint64_t linked_bytes() const;

 private:
  bool link(const std::string& path);
  Status remove_unwanted();
  Status sync_folders();

  io::FileSystem& fs_;
  const std::string folder_;
  const uint64_t number_;
  const std::string root_;
  const std::optional<Previous> previous_;
  std::map<std::string, BackupManifest::File> files_;
  std::set<std::string> wanted_;   // of files_
  std::set<std::string> linked_;   // of files_
  std::set<std::string> folders_;  // made in the snapshot, relative to it
};

}  // namespace colloquium::log
