// DataDirectory: the folder of the event log, held by one process.
//
// Opening it makes it if it is not there, takes its LOCK (a second process is refused and told who holds it),
// recovers the log, and measures how long a sync takes here, since every durable acknowledgement waits for one.
// A log that fails for good ends the process, with a message: what it could not write may look written.
//
// Thread safety: loop only; the log itself is safe on any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "app/foundation.h"
#include "log/ballast.h"
#include "log/data_directory.h"
#include "log/segment_log.h"

namespace colloquium::app {

// The tapes of what is read from the log: lives for ever.
const log::TapeBuilder& stored_tapes();

class DataDirectory {
 public:
  // `keys` may be null: then nothing is encrypted, and a log that is can't be opened.
  static Result<std::unique_ptr<DataDirectory>> open(Foundation& foundation, const std::string& path,
                                                     std::shared_ptr<const log::KeyRing> keys);

  // As everything above src/log sees it.
  log::Log& log() { return *log_; }
  log::SegmentLog& segments() { return *log_; }

  // What recovery found, and what a durable acknowledgement waits for; one line each.
  std::vector<std::string> describe() const;

  // Puts the admin address into LOCK, where writing verbs look for the process that holds the directory.
  Status set_admin_address(const std::string& address);

  // The log notices idleness and disk space by this timer. stop_ticking() before the loop ends.
  void start_ticking();
  void stop_ticking() { timer_.reset(); }

  // Ends the log. No loop is needed any more.
  Status close();

 private:
  DataDirectory(Foundation& foundation, std::string path, log::DataDirectoryLock lock)
      : foundation_(foundation),
        path_(std::move(path)),
        files_(files_of(foundation, path_)),
        lock_(std::move(lock)) {}
  static std::shared_ptr<log::BallastFiles> files_of(Foundation& foundation, const std::string& path);
  void make_ballast();

  // Constant after construction.
  Foundation& foundation_;
  const std::string path_;
  const std::shared_ptr<log::BallastFiles> files_;  // shared with work on the offload pool
  std::shared_ptr<const log::KeyRing> keys_;
  log::DataDirectoryLock lock_;
  std::unique_ptr<log::SegmentLog> log_;
  Result<int64_t> sync_us_ = 0;  // median of a few syncs of a small file
  int64_t ballast_tried_ns_ = 0;
  std::unique_ptr<Timer> timer_;
};

}  // namespace colloquium::app
