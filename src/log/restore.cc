#include "log/restore.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "io/checksum.h"
#include "io/path.h"
#include "log/data_directory.h"
#include "log/gaps.h"
#include "log/layout.h"
#include "log/open_data.h"
#include "log/segment_key.h"

namespace colloquium::log {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
// How far a partition is put ahead if the clock is behind it.
constexpr int64_t kLeastStep = 1'000'000'000;

class Restore {
 public:
  explicit Restore(const RestoreOptions& options) : options_(options), fs_(*options.log.files) {}

  Result<RestoreReport> run();

 private:
  Status lock_folder();
  Status choose_snapshot();
  Status check_keys() const;
  Status take_directory();
  Status refuse_occupied() const;
  Status clear_leftovers();
  Status copy_everything();
  Status copy_checked(const std::string& path, const BackupManifest::File& wanted);
  Status sync_folders();
  Status recover();
  Status put_ahead(const OpenData& data, int64_t from_offset);
  Status finish();
  tl::unexpected<Error> damaged(const std::string& path, const std::string& what) const;

  const RestoreOptions& options_;
  io::FileSystem& fs_;
  std::string directory_;
  std::string snapshot_;
  std::unique_ptr<io::FileLock> folder_lock_, lock_;
  std::set<std::string> folders_;  // that were made, below the data directory
  uint64_t done_bytes_ = 0;
  RestoreReport report_;
};

// --- the snapshot --------------------------------------------------------------------------------------------

// So that nobody removes what is read. A folder that can't be written to needs none.
Status Restore::lock_folder() {
  ASSERT(folder_lock_ == nullptr);
  auto held = lock_backup_folder(fs_, options_.folder);
  if (held) folder_lock_ = std::move(*held);
  if (!held && held.error().code == ErrorCode::kConflict) return fail(held.error());
  return {};
}

Status Restore::choose_snapshot() {
  TRY_ASSIGN(const std::vector<Snapshot> snapshots, list_snapshots(fs_, options_.folder));
  std::string there;
  for (const Snapshot& snapshot : snapshots) {
    if (!snapshot.finished) continue;
    if (!options_.number || *options_.number == snapshot.number) report_.number = snapshot.number;
    there += (there.empty() ? "" : ", ") + snapshot_name(snapshot.number);
  }
  if (there.empty()) {
    return fail(ErrorCode::kNotFound,
                "there is no finished snapshot in '" + options_.folder + "'; 'colloquium log backup' makes one");
  }
  if (report_.number == 0) {
    return fail(ErrorCode::kNotFound, "there is no finished snapshot " + snapshot_name(*options_.number) +
                                          " in '" + options_.folder + "'; there are " + there);
  }
  snapshot_ = snapshot_path(options_.folder, report_.number);
  auto manifest = read_manifest(fs_, snapshot_);
  if (!manifest && manifest.error().code == ErrorCode::kCorrupt) {
    return fail(ErrorCode::kCorrupt,
                manifest.error().message + ", or restore another snapshot: there are " + there);
  }
  TRY_ASSIGN(report_.manifest, std::move(manifest));
  ASSERT(!report_.manifest.files.empty());
  return {};
}

Status Restore::check_keys() const {
  const auto& keys = options_.log.keys;
  for (const auto& [id, segments] : report_.manifest.keys) {
    ASSERT(segments > 0);
    if (keys != nullptr && keys->has(id)) continue;
    return fail(ErrorCode::kInvalidConfig,
                "'" + snapshot_ + "' holds " + std::to_string(segments) +
                    " segments that are encrypted with the key " + id +
                    ", which is not given, and the restored directory has to be opened once; give it with "
                    "--key-file or --pipeline");
  }
  return {};
}

tl::unexpected<Error> Restore::damaged(const std::string& path, const std::string& what) const {
  ASSERT(!what.empty());
  return fail(ErrorCode::kCorrupt,
              "the backup is damaged: '" + io::join(snapshot_, path) + "' " + what +
                  "; restore another snapshot of '" + options_.folder +
                  "': one that has the file as a copy of its own, as the next one with --full has");
}

// --- the data directory --------------------------------------------------------------------------------------

Status Restore::refuse_occupied() const {
  const auto names = fs_.list(directory_);
  if (!names && names.error().code == ErrorCode::kNotFound) return {};
  if (!names) return fail(names.error());
  ASSERT(!directory_.empty());
  // Everything in it is a restore's.
  if (fs_.info(restoring_path(directory_))) return {};
  const auto other = std::find_if(names->begin(), names->end(),
                                  [](const std::string& name) { return name != "LOCK" && name != "lost+found"; });
  if (other == names->end()) return {};
  return fail(ErrorCode::kInvalidConfig,
              "cannot restore into '" + directory_ + "': it holds '" + *other +
                  "'; name an empty or a new folder with --data-dir, and move what is in "
                  "the way aside");
}

Status Restore::take_directory() {
  ASSERT(lock_ == nullptr);
  if (lies_within(fs_, directory_, options_.folder)) {
    return fail(ErrorCode::kInvalidConfig, "cannot restore into '" + directory_ +
                                               "': it lies in the folder of the "
                                               "backups; name another one with --data-dir");
  }
  TRY(refuse_occupied());
  TRY(fs_.make_directories(directory_));
  auto held = fs_.lock(lock_path(directory_));
  if (!held && held.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                "the data directory '" + directory_ + "' is in use by another process; name another --data-dir");
  }
  TRY_ASSIGN(lock_, std::move(held));
  TRY(refuse_occupied());  // nobody else comes in from here on
  TRY_ASSIGN(const std::unique_ptr<io::File> marker,
             fs_.open(restoring_path(directory_), io::OpenMode::kOpenOrCreate));
  TRY(marker->truncate(0));
  TRY(marker->write_at(0, "snapshot " + snapshot_ + "\n"));
  TRY(marker->sync());
  TRY(fs_.sync_directory(directory_));
  return clear_leftovers();
}

Status Restore::clear_leftovers() {
  TRY_ASSIGN(const std::vector<std::string> names, fs_.list(directory_));
  for (const std::string& name : names) {
    const std::string path = io::join(directory_, name);
    if (name == "LOCK" || name == "lost+found" || path == restoring_path(directory_)) continue;
    TRY(io::remove_tree(fs_, path));
  }
  return fs_.sync_directory(directory_);
}

// --- copying -------------------------------------------------------------------------------------------------

Status Restore::copy_checked(const std::string& path, const BackupManifest::File& wanted) {
  auto opened = fs_.open(io::join(snapshot_, path), io::OpenMode::kRead);
  if (!opened && opened.error().code == ErrorCode::kNotFound) return damaged(path, "is missing");
  TRY_ASSIGN(const std::unique_ptr<io::File> from, std::move(opened));
  TRY_ASSIGN(const io::FileInfo info, from->info());
  if (info.size != wanted.size_bytes) {
    return damaged(path,
                   "has " + std::to_string(info.size) + " bytes, and had " + std::to_string(wanted.size_bytes));
  }
  std::unique_ptr<io::File> to;
  if (!options_.check_only) {
    const std::string target = io::join(directory_, path);
    TRY(fs_.make_directories(io::parent_of(target)));
    folders_.insert(io::parent_of(target));
    TRY_ASSIGN(to, fs_.open(target, io::OpenMode::kCreate));
  }
  uint32_t crc = 0;
  std::string chunk;
  for (uint64_t at = 0; at < wanted.size_bytes; at += chunk.size()) {
    chunk.resize(std::min<uint64_t>(kChunkBytes, wanted.size_bytes - at));
    TRY_ASSIGN(const size_t count, from->read_at(at, chunk));
    if (count < chunk.size()) return damaged(path, "ends after " + std::to_string(at + count) + " bytes");
    crc = io::crc32c(chunk, crc);
    if (to != nullptr) TRY(to->write_at(at, chunk));
    done_bytes_ += count;
    if (options_.progress) options_.progress(done_bytes_, report_.manifest.size_bytes());
  }
  if (crc != wanted.crc) return damaged(path, "does not have the checksum that the manifest says");
  return to == nullptr ? Status() : to->sync();
}

Status Restore::copy_everything() {
  ASSERT(done_bytes_ == 0);
  for (const auto& [path, file] : report_.manifest.files) TRY(copy_checked(path, file));
  return {};
}

Status Restore::sync_folders() {
  for (const std::string& folder : folders_) {
    ASSERT(!folder.empty());
    TRY(fs_.sync_directory(folder));
  }
  return fs_.sync_directory(directory_);
}

// --- making it one that is new -------------------------------------------------------------------------------

// Ends every partition with a gap up to `from_offset`, behind which it goes on.
Status Restore::put_ahead(const OpenData& data, int64_t from_offset) {
  for (const auto& stream : data.streams) {
    for (const auto& writer : stream->writers) {
      const Partition& partition = writer->partition();
      const PartitionEnd end = writer->end();
      const int64_t next = std::max(from_offset, end.next_offset + kLeastStep);
      report_.partitions.push_back(
          {stream->name, partition.number(), partition.info().oldest_offset, end.next_offset, next});
      // No segment begins where a gap does.
      if (end.has_active && end.active_bytes == 0)
        TRY(remove_segment(fs_, partition.directory(), end.active_base));
      GapTable gaps = partition.gaps();
      ASSERT(gaps.at(end.next_offset) == nullptr);
      gaps.add(end.next_offset, next);
      TRY(io::write_file_atomically(fs_, gaps_path(partition.directory()), gaps.text()));
    }
  }
  return {};
}

Status Restore::recover() {
  LogOptions log = options_.log;
  log.directory = directory_;
  log.on_failure = nullptr;
  log.on_warning = nullptr;
  {
    TRY_ASSIGN(const OpenData data, recover_data(log));
    ASSERT(data.journal != nullptr);
    TRY(put_ahead(data, log.clock->wall_ms() * 1000));
  }
  // And once more: the next start finds nothing to mend.
  TRY_ASSIGN(const OpenData again, recover_data(log));
  auto partition = report_.partitions.begin();
  for (const auto& stream : again.streams) {
    for (const auto& writer : stream->writers) {
      ASSERT(partition != report_.partitions.end());
      if (partition->next_offset != writer->next_offset()) {
        return fail(ErrorCode::kCorrupt, "'" + directory_ + "' does not hold what was written to it: '" +
                                             stream->name +
                                             "' ends at another offset than it was given; check the disk");
      }
      ++partition;
    }
  }
  return {};
}

Status Restore::finish() {
  TRY(fs_.remove(restoring_path(directory_)));
  ASSERT(lock_ != nullptr);
  return fs_.sync_directory(directory_);
}

Result<RestoreReport> Restore::run() {
  directory_ = options_.log.directory;
  while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
  ASSERT(!options_.folder.empty() && (options_.check_only || !directory_.empty()));
  TRY(lock_folder());
  TRY(choose_snapshot());
  if (options_.check_only) {
    TRY(copy_everything());
    return std::move(report_);
  }
  TRY(check_keys());
  TRY(take_directory());
  TRY(copy_everything());
  TRY(sync_folders());
  TRY(recover());
  TRY(finish());
  return std::move(report_);
}

}  // namespace

Result<RestoreReport> restore(const RestoreOptions& options) {
  ASSERT(options.log.files != nullptr && options.log.clock != nullptr && options.log.random != nullptr);
  return Restore(options).run();
}

}  // namespace colloquium::log
