#include "log/backup.h"

#include <algorithm>
#include <optional>

#include "base/assert.h"
#include "io/path.h"
#include "log/backup_run.h"
#include "log/clean_marker.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/repair_plan.h"
#include "log/stream_list.h"

namespace colloquium::log {
namespace {

// Retention, or the journal, may be faster than we are; damage is there every time.
constexpr int kMostAttempts = 5;

}  // namespace

// --- before --------------------------------------------------------------------------------------------------

Status Backup::choose_previous(const std::vector<Snapshot>& snapshots) {
  std::optional<SnapshotWriter::Previous> previous;
  uint64_t last = 0;
  for (const Snapshot& snapshot : snapshots) {
    if (!snapshot.finished) {
      TRY(remove_snapshot(fs_, options_.folder, snapshot.number));
      continue;
    }
    ASSERT(snapshot.number > last);
    last = snapshot.number;
    auto manifest = read_manifest(fs_, snapshot_path(options_.folder, last));
    if (manifest && !options_.full) previous = SnapshotWriter::Previous{last, std::move(*manifest)};
  }
  report_.number = last + 1;
  snapshot_.emplace(fs_, options_.folder, report_.number, std::move(previous));
  return {};
}

Status Backup::prepare() {
  directory_ = options_.directory;
  while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
  ASSERT(!directory_.empty() && !options_.folder.empty());
  TRY_ASSIGN(const DataFormat format, read_format(fs_, directory_));
  TRY(refuse_unfinished(fs_, directory_));
  tag_ = format.tag;
  if (lies_within(fs_, options_.folder, directory_)) {
    return fail(ErrorCode::kInvalidConfig, "'" + options_.folder + "' lies in the data directory '" + directory_ +
                                               "' itself; name a folder outside, on another disk if there is one");
  }
  TRY(fs_.make_directories(options_.folder));
  TRY(claim_backup_folder(fs_, options_.folder, tag_));
  TRY_ASSIGN(lock_, lock_backup_folder(fs_, options_.folder));
  TRY_ASSIGN(const std::vector<Snapshot> snapshots, list_snapshots(fs_, options_.folder));
  return choose_previous(snapshots);
}

void Backup::count_total() {
  done_bytes_ = 0;
  total_bytes_ = 0;
  const auto names = fs_.list(streams_directory(directory_));
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const auto folders = fs_.list(stream_directory(directory_, name));
    for (const std::string& folder : folders ? *folders : std::vector<std::string>()) {
      const std::string path = io::join(stream_directory(directory_, name), folder);
      const auto bases = list_segments(fs_, path);
      for (const int64_t base : bases ? *bases : std::vector<int64_t>()) {
        ASSERT(base >= 0);
        const auto info = fs_.info(segment_path(path, base, "log"));
        if (info) total_bytes_ += info->size;
      }
    }
  }
}

void Backup::advance(uint64_t bytes) {
  done_bytes_ += bytes;
  if (options_.progress) options_.progress(std::min(done_bytes_, total_bytes_), total_bytes_);
}

// --- all of it -----------------------------------------------------------------------------------------------

// The bulk of it, the newest first: what compaction takes away from a segment then has its newer value in one that
// was copied before, or is going to be with the instant. What is missing or unfinished here is looked at again
// then.
Status Backup::copy_finished_segments() {
  TRY_ASSIGN(const DataInstant now, look_at_data(fs_, directory_));
  for (const PartitionInstant& place : now.partitions) {
    for (size_t i = place.bases.size(); i-- > 0;) {
      if (i + 1 == place.bases.size()) continue;
      int64_t next = 0;
      const auto copied = copy_sealed(place, place.bases[i], true, next);
      ASSERT(!copied || !*copied || next > place.bases[i]);
      if (!copied && copied.error().code != ErrorCode::kNotFound) return fail(copied.error());
    }
  }
  return {};
}

Status Backup::copy_unchanging_files(const DataInstant& instant) {
  TRY(copy_if_there(format_path(directory_)));
  for (const std::string& stream : instant.streams) {
    ASSERT(!stream.empty());
    TRY(copy_if_there(meta_path(directory_, stream)));
  }
  return {};
}

Status Backup::copy_instant() {
  finished_.clear();
  snapshot_->begin_again();
  TRY(copy_finished_segments());
  snapshot_->begin_again();
  report_.manifest = BackupManifest();
  report_.manifest.tag = tag_;
  report_.manifest.time_ms = options_.clock->wall_ms();
  TRY_ASSIGN(const DataInstant instant, take_instant(fs_, directory_));
  TRY(copy_unchanging_files(instant));
  TRY(copy_journal(instant.journal));
  for (const PartitionInstant& place : instant.partitions) TRY(copy_partition(place, evidence_for(place)));
  return check_absent(instant);
}

// A snapshot without what is gone would in time take the place of the last one that has it.
Status Backup::check_absent(const DataInstant& instant) const {
  std::map<std::string, int32_t> streams;
  for (const PartitionInstant& place : instant.partitions) {
    int32_t& partitions = streams[place.stream];
    partitions = std::max(partitions, place.number + 1);
  }
  TRY_ASSIGN(const std::optional<CleanMarker> clean, read_clean(fs_, clean_path(directory_)));
  const auto absent = absent_partitions(journal_.value_or(JournalState()), clean, streams);
  ASSERT(absent.empty() || absent.front().end > 0);
  return absent.empty() ? Status() : fail(absent.front().error());
}

bool Backup::nobody_writes() const {
  const auto still = hold_still(fs_, directory_);
  ASSERT(!directory_.empty());
  return still && *still != nullptr;
}

Status Backup::copy_everything() {
  std::string missing;  // what the last attempt did not find
  bool same = true;     // as those before
  for (int attempt = 1;; ++attempt) {
    Status copied = copy_instant();
    if (copied) return {};
    const ErrorCode code = copied.error().code;
    const bool may_pass = code == ErrorCode::kNotFound || code == ErrorCode::kCorrupt;
    ASSERT(attempt <= kMostAttempts);
    if (!may_pass) return copied;
    same = same && (attempt == 1 || missing == copied.error().message);
    missing = copied.error().message;
    if (attempt < kMostAttempts) continue;
    if (code == ErrorCode::kCorrupt) return copied;
    if (same || nobody_writes()) {
      return fail(ErrorCode::kCorrupt, "cannot back up what is damaged: a file of '" + directory_ +
                                           "' is missing, and nobody is taking it away: " + missing +
                                           "; 'colloquium log verify' says what is lost");
    }
    return fail(Error{ErrorCode::kUnavailable,
                      "files of '" + directory_ + "' went again and again while they were copied: " +
                          copied.error().message + "; try again when there is less to do",
                      true});
  }
}

Status Backup::remove_old() {
  if (options_.keep == 0) return {};
  TRY_ASSIGN(const std::vector<Snapshot> snapshots, list_snapshots(fs_, options_.folder));
  // One that nobody could restore does not take the place of one that can be.
  uint64_t good = 0;
  auto kept = snapshots.end();
  while (kept != snapshots.begin() && good < options_.keep) {
    --kept;
    if (read_manifest(fs_, snapshot_path(options_.folder, kept->number))) ++good;
  }
  for (auto old = snapshots.begin(); old != kept; ++old) {
    ASSERT(old->number < report_.number);
    TRY(remove_snapshot(fs_, options_.folder, old->number));
    report_.removed.push_back(old->number);
  }
  return {};
}

Result<BackupReport> Backup::run() {
  TRY(prepare());
  ASSERT(snapshot_.has_value() && report_.number > 0);
  count_total();
  Status made = copy_everything();
  if (made) made = snapshot_->finish(report_.manifest);
  if (!made) {
    // A disk that is full should not stay so; if it can't be done now, the next backup does it.
    const Status removed = remove_snapshot(fs_, options_.folder, report_.number);
    (void)removed;
    return fail(made.error());
  }
  report_.linked_files = snapshot_->linked_files();
  report_.linked_bytes = snapshot_->linked_bytes();
  const Status removed = remove_old();
  if (!removed) report_.removal_failure = removed.error().describe();
  return std::move(report_);
}

Result<BackupReport> back_up(const BackupOptions& options) {
  ASSERT(options.files != nullptr && options.clock != nullptr);
  return Backup(options).run();
}

}  // namespace colloquium::log
