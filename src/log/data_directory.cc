#include "log/data_directory.h"

#include <algorithm>
#include <unistd.h>

#include "base/assert.h"
#include "io/path.h"
#include "log/accept_scan.h"
#include "log/inspect.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/partition_reader.h"
#include "log/repair_plan.h"
#include "log/sidecar.h"
#include "log/stream_list.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

constexpr size_t kMaxLockBytes = 4096;

std::string field_after(const std::string& text, const std::string& name) {
  const size_t at = text.find(name + " ");
  if (at == std::string::npos) return {};
  const size_t begin = at + name.size() + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

// What an interrupted first start may have left there, and what a file system puts into its root.
bool is_no_ones(const std::string& directory, const std::string& name) {
  const std::string path = io::join(directory, name);
  return path == lock_path(directory) || path == format_path(directory) + ".tmp" ||
         path == streams_directory(directory) || name == "lost+found";
}

// A mistyped --data-dir must not scatter our files among somebody else's.
Status refuse_foreign(const io::FileSystem& fs, const std::string& directory) {
  if (fs.info(format_path(directory))) return {};
  TRY(refuse_unfinished_restore(fs, directory));
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(directory));
  const auto foreign = std::find_if(names.begin(), names.end(),
                                    [&](const std::string& name) { return !is_no_ones(directory, name); });
  if (foreign == names.end()) return {};
  return fail(ErrorCode::kInvalidConfig, "'" + directory +
                                             "' is no data directory: it has no FORMAT file, and holds '" +
                                             *foreign + "'; name an empty or a new folder with --data-dir");
}

}  // namespace

Result<DataFormat> read_format(const io::FileSystem& fs, const std::string& directory) {
  auto read = read_sidecar(fs, format_path(directory), "data", kDataFormatVersion);
  if (!read) TRY(refuse_unfinished_restore(fs, directory));
  if (!read && read.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                "there is no data directory at '" + directory + "'; name the one you mean with --data-dir");
  }
  TRY_ASSIGN(const Sidecar sidecar, std::move(read));
  DataFormat format;
  format.version = sidecar.version;
  for (const SidecarLine& line : sidecar.lines) {
    if (line.name == "tag") format.tag = line.field(0);
  }
  if (format.tag.empty()) return sidecar_damaged(format_path(directory), "it has no tag");
  return format;
}

namespace {
// The folders were there already, but whoever made them may have died before their names were synced. Those that
// are not ours to read are not ours either.
Status sync_names_above(io::FileSystem& fs, const std::string& directory) {
  ASSERT(!directory.empty());
  for (std::string folder = directory; folder != io::parent_of(folder);) {
    folder = io::parent_of(folder);
    Status synced = fs.sync_directory(folder);
    if (!synced && synced.error().code != ErrorCode::kPermission) return synced;
  }
  return {};
}
}  // namespace

Result<DataFormat> open_format(io::FileSystem& fs, const std::string& directory, Random& random) {
  ASSERT(!directory.empty());
  TRY(fs.make_directories(directory));
  const auto existing = read_format(fs, directory);
  if (existing || existing.error().code != ErrorCode::kNotFound) return existing;
  const auto streams = fs.list(streams_directory(directory));
  if (streams && !streams->empty()) {
    return fail(ErrorCode::kInvalidConfig,
                "'" + directory +
                    "' holds streams but no FORMAT file, so nobody can say "
                    "what wrote them; restore FORMAT from a backup or use another directory");
  }
  TRY(sync_names_above(fs, directory));
  DataFormat format;
  format.tag = random_tag(random);
  SidecarWriter writer("data", kDataFormatVersion);
  writer.line("tag", {format.tag});
  TRY(io::write_file_atomically(fs, format_path(directory), writer.finish()));
  return format;
}

LockHolder read_lock_holder(const io::FileSystem& fs, const std::string& directory) {
  const auto content = io::read_file(fs, lock_path(directory), kMaxLockBytes);
  if (!content) return {};
  return {field_after(*content, "pid"), field_after(*content, "admin")};
}

Status DataDirectoryLock::set_admin_address(const std::string& address) {
  ASSERT(lock_ != nullptr);
  TRY_ASSIGN(const std::unique_ptr<io::File> file, fs_.open(path_, io::OpenMode::kReadWrite));
  const std::string content = "pid " + std::to_string(::getpid()) + "\nadmin " + address + "\n";
  // In this order, because on a disk that is full what is given away does not come back.
  TRY(file->write_at(0, content));
  TRY(file->truncate(content.size()));
  return file->sync();
}

DataDirectoryLock::DataDirectoryLock(io::FileSystem& fs, std::string path, std::unique_ptr<io::FileLock> lock,
                                     std::unique_ptr<io::FileLock> folder)
    : fs_(fs), path_(std::move(path)), lock_(std::move(lock)), folder_(std::move(folder)) {
  ASSERT(lock_ != nullptr);
  if (const auto info = fs_.info(path_)) inode_ = info->inode;
}

Status DataDirectoryLock::check() const {
  ASSERT(lock_ != nullptr);
  const auto now = fs_.info(path_);
  const bool gone = !now && now.error().code == ErrorCode::kNotFound;
  if (!gone && (!now || now->inode == inode_ || inode_ == 0)) return {};
  return fail(ErrorCode::kConflict, "'" + path_ + "' was " + (gone ? "deleted" : "replaced") +
                                        " while this process held it, so that another one may write to the same "
                                        "data directory: never delete it, the system frees it when a process "
                                        "ends; start again");
}

namespace {
tl::unexpected<Error> in_use(const io::FileSystem& fs, const std::string& directory) {
  const LockHolder holder = read_lock_holder(fs, directory);
  std::string who = holder.process_id.empty() ? "another process" : "process " + holder.process_id;
  ASSERT(!who.empty());
  if (!holder.admin_address.empty()) who += " (admin address " + holder.admin_address + ")";
  return fail(ErrorCode::kConflict, "the data directory '" + directory + "' is in use by " + who +
                                        "; stop it, or use another --data-dir");
}
}  // namespace

Result<std::unique_ptr<io::FileLock>> hold_still(io::FileSystem& fs, const std::string& directory) {
  ASSERT(!directory.empty());
  auto folder = fs.lock(directory);
  if (folder) return folder;
  if (folder.error().code == ErrorCode::kConflict) return in_use(fs, directory);
  return std::unique_ptr<io::FileLock>();
}

Result<DataDirectoryLock> lock_data_directory(io::FileSystem& fs, const std::string& directory,
                                              const std::string& admin_address) {
  ASSERT(!directory.empty());
  TRY(fs.make_directories(directory));
  TRY(refuse_foreign(fs, directory));
  // First, so that whoever is refused has not made another LOCK.
  TRY_ASSIGN(std::unique_ptr<io::FileLock> folder, hold_still(fs, directory));
  auto held = fs.lock(lock_path(directory));
  if (!held && held.error().code == ErrorCode::kConflict) return in_use(fs, directory);
  if (!held) return fail(held.error());
  DataDirectoryLock lock(fs, lock_path(directory), std::move(*held), std::move(folder));
  // A disk without space is no reason not to start: what frees some comes after this.
  const Status told = lock.set_admin_address(admin_address);
  if (!told && told.error().code != ErrorCode::kNoSpace) return fail(told.error());
  return lock;
}

Result<std::vector<StreamInfo>> list_data_directory(io::FileSystem& fs, const std::string& directory) {
  TRY(read_format(fs, directory));
  TRY(refuse_unfinished(fs, directory));
  TRY_ASSIGN(const std::vector<std::string> names, list_streams(fs, directory));
  std::vector<StreamInfo> streams;
  for (const std::string& name : names) {
    TRY_ASSIGN(const StreamMeta meta, read_meta(fs, meta_path(directory, name)));
    StreamInfo info{name, meta.tag, {}};
    for (int32_t number = 0; number < meta.partitions; ++number) {
      TRY_ASSIGN(const auto partition, inspect_partition(fs, directory, name, meta.tag, number));
      info.partitions.push_back(partition->info());
    }
    streams.push_back(std::move(info));
  }
  return streams;
}

namespace {

Result<std::shared_ptr<Partition>> find_partition(io::FileSystem& fs, const std::string& directory,
                                                  const std::string& stream, int32_t number,
                                                  std::shared_ptr<const KeyRing> keys = nullptr) {
  ASSERT(!directory.empty());
  TRY(read_format(fs, directory));
  TRY(refuse_unfinished(fs, directory));
  TRY(check_stream_name(stream));
  const auto meta = read_meta(fs, meta_path(directory, stream));
  if (!meta && meta.error().code == ErrorCode::kNotFound) {
    TRY(list_streams(fs, directory));  // which finds those that lost their meta file
    return fail(ErrorCode::kNotFound, "there is no stream '" + stream + "' in '" + directory +
                                          "'; 'colloquium log ls' lists those there are");
  }
  if (!meta) return fail(meta.error());
  if (number < 0 || number >= meta->partitions) {
    return fail(ErrorCode::kNotFound, "stream '" + stream + "' has the partitions 0 to " +
                                          std::to_string(meta->partitions - 1) + ", and no " +
                                          std::to_string(number));
  }
  return inspect_partition(fs, directory, stream, meta->tag, number, std::move(keys));
}

}  // namespace

Result<std::unique_ptr<Reader>> open_reader(io::FileSystem& fs, const std::string& directory,
                                            const std::string& stream, int32_t number, int64_t from_offset,
                                            std::shared_ptr<const KeyRing> keys, const TapeBuilder* tape,
                                            bool wholly) {
  TRY_ASSIGN(std::shared_ptr<Partition> partition, find_partition(fs, directory, stream, number, std::move(keys)));
  const int64_t oldest = partition->info().oldest_offset;
  if (wholly && from_offset < oldest) {
    return fail(ErrorCode::kNotFound,
                "cannot read offset " + std::to_string(from_offset) + " of '" + partition->name() +
                    "': it was removed by retention; the oldest offset left is " + std::to_string(oldest));
  }
  return std::make_unique<PartitionReader>(std::move(partition), from_offset, tape);
}

Result<int64_t> find_offset(io::FileSystem& fs, const std::string& directory, const std::string& stream,
                            int32_t number, int64_t time_ms) {
  TRY_ASSIGN(const std::shared_ptr<Partition> partition, find_partition(fs, directory, stream, number));
  return offset_at_time(partition, time_ms);
}

Result<RemovedFront> removed_front(io::FileSystem& fs, const std::string& directory, const std::string& stream,
                                   int32_t partition) {
  ASSERT(partition >= 0);
  TRY_ASSIGN(const Oldest oldest, read_oldest(fs, partition_directory(directory, stream, partition)));
  return RemovedFront{oldest.offset, oldest.max_time_ms};
}

}  // namespace colloquium::log
