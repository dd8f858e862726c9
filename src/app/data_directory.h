// DataDirectory: the folder of the event log, held by one process.
//
// Opening it makes it if it is not there, takes its LOCK (a second process is refused and told who holds it),
// recovers the log, and measures how long a sync takes here, since every durable acknowledgement waits for one.
//
// Thread safety: main thread only; the log itself is safe on any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/foundation.h"
#include "colloquium/result.h"
#include "io/file_system.h"
#include "log/log.h"

namespace colloquium::app {

struct DataDirectory {
  std::string path;
  std::unique_ptr<io::FileLock> lock;
  std::unique_ptr<log::Log> log;  // null if no pipeline needs one
  int64_t sync_us = 0;            // median of a few fdatasync calls on a small file

  // "data directory ./colloquium-data; a durable acknowledgement waits for an fdatasync, 0.4 ms here"
  std::string describe() const;

  // Puts the admin address into LOCK, where writing verbs look for the process that holds the directory.
  Status write_admin_address(io::FileSystem& files, const std::string& address);

  // Ends the log, then gives the lock back. Harmless without a log.
  Status close();
};

Result<DataDirectory> open_data_directory(Foundation& foundation, const std::string& path);

}  // namespace colloquium::app
