// OfflineLog: the event log of a data directory that no instance has open, for verbs that write to it.
//
// Opening it takes the lock (refused, with who holds it, while a process runs) and recovers the log as a start
// does. What the log does with callbacks is waited for here.
//
// Thread safety: main thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "log/data_directory.h"
#include "log/segment_log.h"

namespace colloquium::app {

class OfflineLog {
 public:
  // `keys` may be null; a ring that encrypts encrypts what is written.
  static Result<std::unique_ptr<OfflineLog>> open(const std::string& directory,
                                                  std::shared_ptr<const log::KeyRing> keys);

  log::SegmentLog& log() { return *log_; }

  struct Append {
    int32_t partition = 0;
    log::EncodedBatch batch;
  };
  // Durable, all at once; what came of each. Behind one that failed nothing else may be appended.
  std::vector<Result<log::AppendResult>> append(log::StreamId stream, std::vector<Append> batches);
  Status commit(log::CommitRequest request);
  Status close() { return log_->close(); }

 private:
  explicit OfflineLog(log::DataDirectoryLock lock) : lock_(std::move(lock)) {}

  // In the order in which they are made.
  const log::DataDirectoryLock lock_;
  SystemClock clock_;
  SystemRandom random_;
  ThreadExecutor executor_;
  std::unique_ptr<log::SegmentLog> log_;
};

}  // namespace colloquium::app
