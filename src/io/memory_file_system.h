// MemoryFileSystem: a FileSystem in memory that can lose power, run full and fail, for tests and the simulator.
//
// It keeps what programs see apart from what is durable (FileSystem's rules): crash() forgets every byte not
// synced and every name whose folder was not synced, and makes every open file and lock dead. A hook sees each
// operation before it happens and may make it fail, wholly or in part.
//
// Thread safety: as FileSystem's; hooks run under its mutex and must not call back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/clock.h"

#include "io/file_system.h"

namespace colloquium::io {

class MemoryTree;

enum class OperationKind {
  kOpen,
  kWrite,
  kSync,
  kTruncate,
  kRename,
  kLink,
  kRemove,
  kMakeDirectory,
  kSyncDirectory,
  kRead
};

struct Operation {
  OperationKind kind;
  const std::string& path;
  uint64_t index;       // rising from 0 over all operations that change something; a read has the next one's index
  uint64_t offset = 0;  // kWrite, kRead: where in the file
  std::span<const std::string_view> pieces{};  // kWrite: what
};

// What a read gives instead of what the file holds.
enum class Misread {
  kNone,
  kFlippedBit,
  kElsewhere,  // bytes of another place of the file
  kStale,      // what the disk held before the file's last sync; zeros where it held nothing
};

// What a hook wants to happen instead of the operation.
struct Fault {
  Error error;
  uint64_t written_bytes = 0;        // kWrite: how much reaches the file before it fails
  bool loses_dirty = false;          // kSync: the un-synced bytes are dropped, as Linux does after a failed fsync
  Misread misread = Misread::kNone;  // kRead: it succeeds, with wrong bytes
  uint64_t where = 0;                // which bit, or which other place
};
using FaultHook = std::function<std::optional<Fault>(const Operation&)>;
// Sees what is to be opened or listed, which is no operation that counts; kUnavailable is what a process gets that
// has no descriptor left.
using OpenHook = std::function<std::optional<Error>(const std::string& path)>;

class MemoryFileSystem final : public FileSystem {
 public:
  explicit MemoryFileSystem(uint64_t capacity_bytes = uint64_t{1} << 40);
  ~MemoryFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, int permissions = 0644) override;
  Result<FileInfo> info(const std::string& path) const override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status link(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::unique_ptr<Folder>> open_folder(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) const override;
  Result<uint64_t> total_bytes(const std::string& path) const override;

  // --- faults ---------------------------------------------------------------------------------------------
  void set_hook(FaultHook hook);
  void set_open_hook(OpenHook hook);
  // From the operation with this index on nothing happens any more and everything fails: the process died.
  void halt_at(uint64_t index);
  // The operation with this index fails, once.
  void fail_at(uint64_t index, Fault fault);
  // The disk's size; writes beyond it are kNoSpace, after as many bytes as fit.
  void set_capacity(uint64_t bytes);

  // Operations counted so far.
  uint64_t operations() const;

  // The power goes and comes back; hooks, halt and faults are cleared. With `chance`, an arbitrary subset of
  // what was on its way to the disk has arrived, a sector now and then only in part.
  void crash(Random* chance = nullptr);
  // The process dies and the machine goes on: open files and locks are dead, every written byte is kept.
  void kill();

  // --- tampering ------------------------------------------------------------------------------------------
  // REQUIRES: the file exists and is longer than `offset`. Changes live and durable content.
  void flip(const std::string& path, uint64_t offset, uint8_t mask);
  // As `other` stands now, without its hook, faults and open files, and with its count of operations.
  void copy_from(const MemoryFileSystem& other);

 private:
  friend class MemoryFile;
  friend class MemoryFolder;
  friend class MemoryLock;
  Status sync_folder(const std::string& path) override;
  Status sync_open_folder(const std::string& path);  // REQUIRES: mutex_ held
  std::optional<Fault> begin(OperationKind kind, const std::string& path, uint64_t offset = 0,
                             std::span<const std::string_view> pieces = {}) const;
  Status begin_or_fail(OperationKind kind, const std::string& path) const;
  Status opening(const std::string& path) const;
  void begin_generation();

  mutable std::mutex mutex_;
  std::unique_ptr<MemoryTree> tree_;
  std::set<std::string> locks_;
  FaultHook hook_;
  OpenHook open_hook_;
  std::optional<std::pair<uint64_t, Fault>> planned_;
  uint64_t halt_index_ = ~uint64_t{0};
  uint64_t capacity_bytes_;
  uint64_t generation_ = 0;  // of files and locks; a crash begins a new one
  mutable uint64_t operations_ = 0;
};

}  // namespace colloquium::io
