// FileSystem: every file the log and the file components touch goes through this, so that tests can inject
// faults below it and a simulator can replace it whole.
//
// Semantics are POSIX's, made explicit: data is durable only after File::sync; a created, linked, renamed or
// removed name is durable only after sync_directory of its folder. Errors carry kIo, kNoSpace (ENOSPC, EDQUOT),
// kPermission, kNotFound, kAlreadyExists or kUnavailable (no descriptor was free to open something with, and
// nothing was done) and name the path. EINTR is handled inside; a short write is an error that leaves an unknown
// prefix written. A sync that failed, of a file or of a folder, is not to be tried again: the pages that it was
// for may be gone, and the next one succeeds without them. So a sync that finds the disk full, or no descriptor,
// which callers wait for elsewhere, is kIo here. Who wants to wait for a descriptor opens the folder before the
// change.
//
// Thread safety: FileSystem on any thread. A File may be used by several threads at once for reads (pread);
// writes and sync of one file are the caller's to order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::io {

enum class OpenMode {
  kRead,
  kReadWrite,     // must exist
  kCreate,        // read and write; must not exist
  kOpenOrCreate,  // read and write
};

struct FileInfo {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ms = 0;
  bool is_directory = false;
  bool is_regular = false;
  uint64_t links = 1;        // names it has
  uint32_t owner = 0;        // user id
  uint32_t permissions = 0;  // the nine bits of rwx, and set-id and sticky
};

class File {
 public:
  virtual ~File() = default;  // closes; errors of close are ignored, so sync first

  virtual Status write_at(uint64_t offset, std::span<const std::string_view> pieces) = 0;
  Status write_at(uint64_t offset, std::string_view bytes) {
    return write_at(offset, std::span<const std::string_view>(&bytes, 1));
  }
  // Bytes read; fewer than asked only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> into) const = 0;
  Status sync();  // fdatasync; never kNoSpace or kUnavailable
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<FileInfo> info() const = 0;

 private:
  virtual Status sync_file() = 0;
};

// An open folder: to sync its names takes no descriptor any more.
class Folder {
 public:
  virtual ~Folder() = default;
  Status sync();  // as sync_directory

 private:
  virtual Status sync_names() = 0;
};

// Held while alive.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, int permissions = 0644) = 0;
  virtual Result<FileInfo> info(const std::string& path) const = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) const = 0;  // names, sorted
  virtual Status make_directories(const std::string& path) = 0;  // as mkdir -p; each new name synced
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // The same, but kAlreadyExists if `to` is there: nothing is ever replaced.
  virtual Status rename_new(const std::string& from, const std::string& to);
  // A second name for a file, on the same disk; both are equally its names from then on. kAlreadyExists if `to` is
  // there. A disk may refuse, for good or because a file has too many names.
  virtual Status link(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  Status sync_directory(const std::string& path);                                // never kNoSpace or kUnavailable
  virtual Result<std::unique_ptr<Folder>> open_folder(const std::string& path);  // the file system outlives it
  // kConflict if another process (or another FileLock of this one) holds it. Of a file, which is made if it is not
  // there, or of a folder, for which reading it is enough.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& path) const = 0;  // for an unprivileged user
  virtual Result<uint64_t> total_bytes(const std::string& path) const = 0;

 private:
  virtual Status sync_folder(const std::string& path) = 0;
};

// What a sync has come to, for those who implement one: see above.
Status end_of_sync(Status status);

// Whether what failed lacks only room, on the disk or among the process's descriptors, and may be done again
// later.
bool waits_for_room(const Error& error);

// The real one. Never fails to exist; lives for ever.
FileSystem& posix_file_system();

// Nothing to do if it is not there. Not synced.
Status remove_if_there(FileSystem& fs, const std::string& path);
// A folder with everything in it; nothing to do if it is not there. Not synced.
Status remove_tree(FileSystem& fs, const std::string& path);

// Whole small files.
Result<std::string> read_file(const FileSystem& fs, const std::string& path, size_t limit_bytes);
// The file that the file `from` calls `path`: relative paths start at its folder. `found` is its path from here.
// Nothing, with a `problem`, if it cannot be read.
std::optional<std::string> read_beside(const FileSystem& fs, const std::string& path, const std::string& from,
                                       size_t limit_bytes, std::string& found, std::string& problem);
// tmp + sync + rename + sync of the folder: the old content or the new, whenever the power goes. kUnavailable: the
// old.
Status write_file_atomically(FileSystem& fs, const std::string& path, std::string_view content);

}  // namespace colloquium::io
