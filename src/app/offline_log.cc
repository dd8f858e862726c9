#include "app/offline_log.h"

#include <atomic>
#include <utility>

#include "app/verb_log.h"
#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::app {

Result<std::unique_ptr<OfflineLog>> OfflineLog::open(const std::string& directory,
                                                     std::shared_ptr<const log::KeyRing> keys) {
  TRY_ASSIGN(log::DataDirectoryLock lock, log::lock_data_directory(log_files(), directory, ""));
  std::unique_ptr<OfflineLog> opened(new OfflineLog(std::move(lock)));
  log::LogOptions options;
  options.directory = directory;
  options.files = &log_files();
  options.executor = &opened->executor_;
  options.clock = &opened->clock_;
  options.random = &opened->random_;
  options.keys = std::move(keys);
  options.on_warning = [](const std::string& warning) { log_warning("log", warning); };
  TRY_ASSIGN(opened->log_, log::SegmentLog::open(std::move(options)));
  return opened;
}

std::vector<Result<log::AppendResult>> OfflineLog::append(log::StreamId stream, std::vector<Append> batches) {
  ASSERT(!batches.empty());
  // The callbacks run on the log's thread, each for its own place; the last one wakes us.
  std::vector<Result<log::AppendResult>> results(batches.size());
  std::atomic<size_t> left = batches.size();
  const std::shared_ptr<Signal> done = executor_.make_signal();
  for (size_t i = 0; i < batches.size(); ++i) {
    log_->append(stream, batches[i].partition, std::move(batches[i].batch), log::AckLevel::kDurable,
                 [&results, &left, done, i](Result<log::AppendResult> result) {
                   results[i] = std::move(result);
                   if (left.fetch_sub(1) == 1) done->set();
                 });
  }
  done->wait();
  return results;
}

Status OfflineLog::commit(log::CommitRequest request) {
  Status committed;
  const std::shared_ptr<Signal> done = executor_.make_signal();
  log_->commit(std::move(request), [&committed, done](Status status) {
    committed = std::move(status);
    done->set();
  });
  done->wait();
  return committed;
}

}  // namespace colloquium::app
