#include "app/data_directory.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unistd.h>
#include <utility>

#include "app/verb.h"
#include "base/assert.h"
#include "base/logging.h"
#include "io/path.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

// Often enough for the log to write its mark within a second of the last event.
constexpr int64_t kTickMs = 200;
constexpr int64_t kBallastPauseMs = 10'000;
// Few and small: this delays every start. A median of five shrugs off one slow sync.
constexpr size_t kSyncProbes = 5;
constexpr size_t kProbeBytes = 4096;
// Below this, whatever holds the directory does not wait for a disk.
constexpr int64_t kUnlikelySyncUs = 20;

// Median time of an fdatasync after a small write, in this directory.
Result<int64_t> measure_sync_us(io::FileSystem& files, const Clock& clock, const std::string& directory) {
  const std::string path = io::join(directory, "sync-probe.tmp");
  std::array<int64_t, kSyncProbes> times{};
  const auto measure = [&]() -> Status {
    TRY_ASSIGN(const std::unique_ptr<io::File> file, files.open(path, io::OpenMode::kOpenOrCreate));
    const std::string block(kProbeBytes, 'x');
    for (size_t i = 0; i < kSyncProbes; ++i) {
      TRY(file->write_at(i * kProbeBytes, block));
      const int64_t started_ns = clock.monotonic_ns();
      TRY(file->sync());
      times[i] = (clock.monotonic_ns() - started_ns) / 1000;
    }
    return {};
  };
  const Status measured = measure();
  (void)files.remove(path);
  if (!measured) return fail(measured.error());
  std::nth_element(times.begin(), times.begin() + kSyncProbes / 2, times.end());
  return times[kSyncProbes / 2];
}

std::string milliseconds(int64_t us) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f ms", static_cast<double>(us) / 1000);
  return text.data();
}

void warn_of_ballast(const Error& error) {
  log_warning("log", "no space can be kept for when the disk is full: " + error.message);
}

// The pages behind a failed sync may be gone although a retry would report success, so nothing this process
// could still say would be worth anything.
void end_process(const Error& error) {
  log_error("log", "the event log cannot go on, the process ends: " + error.describe());
  ::_exit(static_cast<int>(Exit::kFailed));
}

log::LogOptions log_options(Foundation& foundation, const std::string& path, io::FileSystem& files) {
  log::LogOptions options;
  options.directory = path;
  options.files = &files;
  options.executor = &foundation.executor();
  options.clock = &foundation.clock();
  options.random = &foundation.chance();
  options.tape = stored_tapes();
  options.on_failure = end_process;
  options.on_warning = [](const std::string& warning) { log_warning("log", warning); };
  return options;
}

}  // namespace

// src/log knows no JSON. A batch read from disk was checked before it was written, and its CRC holds.
const log::TapeBuilder& stored_tapes() {
  static const log::TapeBuilder tapes = [](std::string_view value, std::vector<TapeToken>& tape) {
    thread_local json::Walker walker;
    walker.walk_unchecked(value, tape);
  };
  return tapes;
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(Foundation& foundation, const std::string& path,
                                                           std::shared_ptr<const log::KeyRing> keys) {
  // The lock comes first: recovery writes. The address follows once the port is known.
  TRY_ASSIGN(log::DataDirectoryLock lock, log::lock_data_directory(foundation.files(), path, ""));
  std::unique_ptr<DataDirectory> opened(new DataDirectory(foundation, path, std::move(lock)));
  log::LogOptions options = log_options(foundation, path, *opened->files_);
  options.keys = opened->keys_ = std::move(keys);
  options.still_ours = [&lock = opened->lock_] { return lock.check(); };
  TRY_ASSIGN(opened->log_, log::SegmentLog::open(std::move(options)));
  if (const Status made = opened->files_->make(); !made) warn_of_ballast(made.error());
  // What measures is no part of the log: a disk too full for it may have room for what makes room.
  opened->sync_us_ = measure_sync_us(foundation.files(), foundation.clock(), path);
  if (!opened->sync_us_) {
    log_warning("log", "how long a sync takes could not be measured: " + opened->sync_us_.error().message);
  }
  return opened;
}

std::shared_ptr<log::BallastFiles> DataDirectory::files_of(Foundation& foundation, const std::string& path) {
  return std::make_shared<log::BallastFiles>(foundation.files(), path,
                                             [](const std::string& warning) { log_warning("log", warning); });
}

std::vector<std::string> DataDirectory::describe() const {
  std::vector<std::string> lines;
  // What recovery cut off is worth a line each: it tells an operator that the last stop was none.
  for (const log::RecoveryReport::Note& note : log_->recovery().notes) {
    lines.push_back("recovered " + note.partition + ": " + note.text);
  }
  std::string line = "data directory " + path_ + "; a durable acknowledgement waits for an fdatasync";
  if (sync_us_) line += ", " + milliseconds(*sync_us_) + " here";
  if (sync_us_ && *sync_us_ < kUnlikelySyncUs) line += "; that is too fast for a disk: is this a RAM disk?";
  lines.push_back(std::move(line));
  if (keys_ != nullptr) {
    lines.push_back(keys_->encrypts()
                        ? "the log is encrypted with the key " + keys_->current()
                        : std::string("the log is written in the clear; its keys only open what is older"));
  }
  return lines;
}

Status DataDirectory::set_admin_address(const std::string& address) {
  return lock_.set_admin_address(address);
}

// Not while the log refuses what comes: that space is wanted.
void DataDirectory::make_ballast() {
  const int64_t now_ns = foundation_.clock().monotonic_ns();
  if (!files_->missing() || log_->full() || now_ns - ballast_tried_ns_ < kBallastPauseMs * 1'000'000) return;
  ballast_tried_ns_ = now_ns;
  const auto made = std::make_shared<Status>();
  const bool offloaded = foundation_.loop().offload([files = files_, made] { *made = files->make(); },
                                                    [made] {
                                                      if (!*made) warn_of_ballast(made->error());
                                                    });
  if (!offloaded) ballast_tried_ns_ = 0;
}

void DataDirectory::start_ticking() {
  log_->tick();
  make_ballast();
  timer_ = foundation_.loop().start_timer(kTickMs, [this] { start_ticking(); });
}

Status DataDirectory::close() {
  ASSERT(timer_ == nullptr);
  return log_->close();
}

}  // namespace colloquium::app
