// ForgetfulFileSystem: the disk of a real process, made to forget like a machine whose power goes.
//
// Killing a process leaves the kernel's page cache alone, so kill -9 never loses a written byte. This wrapper
// keeps what was written in the process's own memory until it is synced; only then does it reach the files
// below. A SIGKILL therefore forgets exactly what was not synced, and a test can tell `ack: durable` from
// `ack: written` on a real process. Names (create, rename, remove) pass through at once.
//
// A sync takes the disk its time before the bytes are there: it writes and syncs a scratch file first, and only
// then hands the bytes down. Otherwise they would be safe from a SIGKILL as soon as a sync begins.
//
// Thread safety: as FileSystem's. Several File objects of one file see each other's un-synced bytes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "io/file_system.h"

namespace colloquium::io {

struct ForgetfulContent;  // the un-synced bytes of one file

class ForgetfulFileSystem final : public FileSystem {
 public:
  // `below` must outlive this and every file opened through it. Without `scratch_path` a sync takes no time.
  explicit ForgetfulFileSystem(FileSystem& below, const std::string& scratch_path = {});
  ~ForgetfulFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, int permissions = 0644) override;
  Result<FileInfo> info(const std::string& path) const override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status link(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) const override;
  Result<uint64_t> total_bytes(const std::string& path) const override;

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device, inode: stays with a file through renames
  Status sync_folder(const std::string& path) override;
  void forget(const std::string& path);

  FileSystem& below_;
  std::shared_ptr<File> scratch_;  // null: none
  mutable std::mutex mutex_;
  // Kept after the last File is closed: closing does not sync.
  std::map<Identity, std::shared_ptr<ForgetfulContent>> contents_;
};

}  // namespace colloquium::io
