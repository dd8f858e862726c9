// The data directory as a whole: its format, its lock, what is in it.
//
// Thread safety: functions; a DataDirectoryLock is held by whoever owns it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/key_ring.h"
#include "log/log.h"
#include "log/tape_builder.h"

namespace colloquium::log {

inline constexpr int kDataFormatVersion = 1;

// FORMAT: makes the directory and the file if there is neither. kInvalidConfig for a directory of another or a
// newer version, or one that holds streams without a FORMAT.
struct DataFormat {
  int version = kDataFormatVersion;
  std::string tag;  // 8 random characters, made with the directory
};
Result<DataFormat> open_format(io::FileSystem& fs, const std::string& directory, Random& random);
Result<DataFormat> read_format(const io::FileSystem& fs, const std::string& directory);

// LOCK, held while alive, and with it the folder itself: who takes LOCK for a leftover and deletes it has not let
// anybody in. Whoever writes to a data directory holds both; readers do not need them.
class DataDirectoryLock {
 public:
  // `folder` may be null: not every file system can lock one.
  DataDirectoryLock(io::FileSystem& fs, std::string path, std::unique_ptr<io::FileLock> lock,
                    std::unique_ptr<io::FileLock> folder);

  // Tells others where to reach this process; once the address is known (port 0).
  Status set_admin_address(const std::string& address);
  // kConflict if LOCK is not the file any more that is held. Any thread.
  Status check() const;

 private:
  io::FileSystem& fs_;
  std::string path_;
  std::unique_ptr<io::FileLock> lock_;
  std::unique_ptr<io::FileLock> folder_;
  uint64_t inode_ = 0;  // LOCK's, 0: not known
};

// Makes the directory if it is not there. kConflict if another process holds it; the message names its process id
// and admin address. kInvalidConfig for a folder that holds files and no FORMAT: it is somebody else's.
Result<DataDirectoryLock> lock_data_directory(io::FileSystem& fs, const std::string& directory,
                                              const std::string& admin_address);

// For who only looks, and would see what is half done: kConflict likewise while another process writes. Changes
// nothing, and needs no more than to read the directory; null if it can't be locked.
Result<std::unique_ptr<io::FileLock>> hold_still(io::FileSystem& fs, const std::string& directory);

// Who holds the lock, as they wrote it; empty fields if nobody ever did. Does not tell whether it is held.
struct LockHolder {
  std::string process_id;
  std::string admin_address;
};
LockHolder read_lock_holder(const io::FileSystem& fs, const std::string& directory);

// What is in a data directory, read without a lock, also while another process writes. `next_offset` and
// `synced_offset` are where what is certainly synced ends.
Result<std::vector<StreamInfo>> list_data_directory(io::FileSystem& fs, const std::string& directory);

// Reads a partition up to its synced end as it is now, without a lock. Offsets below the oldest begin there.
// `keys` open encrypted segments; null: they can't be read. With `tape`, which outlives the reader, its batches
// have tapes. `wholly`: kNotFound instead, if the offset is below the oldest.
Result<std::unique_ptr<Reader>> open_reader(io::FileSystem& fs, const std::string& directory,
                                            const std::string& stream, int32_t partition, int64_t from_offset,
                                            std::shared_ptr<const KeyRing> keys = nullptr,
                                            const TapeBuilder* tape = nullptr, bool wholly = false);

// What retention has removed from a partition: everything below `offset`, the newest of it appended at
// `newest_ms`. Offset 0: nothing.
struct RemovedFront {
  int64_t offset = 0;
  int64_t newest_ms = 0;
};
Result<RemovedFront> removed_front(io::FileSystem& fs, const std::string& directory, const std::string& stream,
                                   int32_t partition);

// The first offset appended at or after `time_ms` (by the log's clock), or the end if there is none yet.
Result<int64_t> find_offset(io::FileSystem& fs, const std::string& directory, const std::string& stream,
                            int32_t partition, int64_t time_ms);

}  // namespace colloquium::log
