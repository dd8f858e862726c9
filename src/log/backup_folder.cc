#include "log/backup_folder.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "io/path.h"
#include "log/layout.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;
constexpr size_t kNumberDigits = 6;

std::string marker_path(const std::string& folder) {
  ASSERT(!folder.empty());
  return io::join(folder, "BACKUP");
}

std::optional<uint64_t> number_of(std::string_view name) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || name != snapshot_name(number))
    return std::nullopt;
  return number;
}

// Below the snapshot, whatever a manifest says.
bool is_inside(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path = path.substr(slash + 1);
  }
  return false;
}

bool read_line(const SidecarLine& line, BackupManifest& manifest) {
  ASSERT(!line.name.empty());
  if (line.name == "tag") manifest.tag = line.field(0);
  if (line.name == "time") return line.number(0, manifest.time_ms);
  if (line.name == "key") return line.number(1, manifest.keys[std::string(line.field(0))]);
  if (line.name == "partition") {
    BackupManifest::Partition& partition = manifest.partitions.emplace_back();
    partition.stream = line.field(0);
    return line.number(1, partition.number) && line.number(2, partition.oldest_offset) &&
           line.number(3, partition.next_offset);
  }
  if (line.name == "file") {
    BackupManifest::File& file = manifest.files[std::string(line.field(0))];
    return is_inside(line.field(0)) && line.number(1, file.size_bytes) && line.number(2, file.crc);
  }
  return true;  // lines of later minor additions are passed over
}

Result<std::string> read_marker(const io::FileSystem& fs, const std::string& folder) {
  TRY_ASSIGN(const Sidecar sidecar, read_sidecar(fs, marker_path(folder), "backup", kVersion));
  for (const SidecarLine& line : sidecar.lines) {
    if (line.name == "tag" && !line.field(0).empty()) return std::string(line.field(0));
  }
  return sidecar_damaged(marker_path(folder), "it has no tag");
}

Status make_marker(io::FileSystem& fs, const std::string& folder, const std::string& tag) {
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(folder));
  const auto foreign = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return name != "LOCK" && name != "BACKUP.tmp" && name != "lost+found";
  });
  if (foreign != names.end()) {
    return fail(ErrorCode::kInvalidConfig, "'" + folder +
                                               "' is no folder of backups: it has no file BACKUP, and holds '" +
                                               *foreign + "'; name an empty or a new folder");
  }
  SidecarWriter writer("backup", kVersion);
  writer.line("tag", {tag});
  return io::write_file_atomically(fs, marker_path(folder), writer.finish());
}

}  // namespace

uint64_t BackupManifest::size_bytes() const {
  uint64_t size = 0;
  for (const auto& [path, file] : files) size += file.size_bytes;
  return size;
}

std::string snapshot_name(uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kNumberDigits) digits.insert(0, kNumberDigits - digits.size(), '0');
  return digits;
}

std::string snapshot_path(const std::string& folder, uint64_t number) {
  ASSERT(!folder.empty() && number > 0);
  return io::join(folder, snapshot_name(number));
}

std::string manifest_path(const std::string& snapshot) {
  ASSERT(!snapshot.empty());
  return io::join(snapshot, "MANIFEST");
}

std::string manifest_text(const BackupManifest& manifest) {
  ASSERT(!manifest.tag.empty() && !manifest.files.empty());
  SidecarWriter writer("snapshot", kVersion);
  writer.line("tag", {manifest.tag});
  writer.line("time", {std::to_string(manifest.time_ms)});
  for (const auto& [id, segments] : manifest.keys) writer.line("key", {id, std::to_string(segments)});
  for (const BackupManifest::Partition& partition : manifest.partitions) {
    writer.line("partition", {partition.stream, std::to_string(partition.number),
                              std::to_string(partition.oldest_offset), std::to_string(partition.next_offset)});
  }
  for (const auto& [path, file] : manifest.files) {
    writer.line("file", {path, std::to_string(file.size_bytes), std::to_string(file.crc)});
  }
  return writer.finish();
}

Result<BackupManifest> read_manifest(const io::FileSystem& fs, const std::string& snapshot) {
  const std::string path = manifest_path(snapshot);
  TRY_ASSIGN(const Sidecar sidecar, read_sidecar(fs, path, "snapshot", kVersion));
  BackupManifest manifest;
  for (const SidecarLine& line : sidecar.lines) {
    if (!read_line(line, manifest)) return sidecar_damaged(path, "the line '" + line.name + "' is malformed");
  }
  if (manifest.tag.empty() || manifest.files.empty()) return sidecar_damaged(path, "lines are missing");
  return manifest;
}

Result<std::vector<Snapshot>> list_snapshots(const io::FileSystem& fs, const std::string& folder) {
  const auto marker = read_marker(fs, folder);
  if (!marker && marker.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                "there are no backups in '" + folder +
                    "': it has no file BACKUP; name the folder that 'colloquium log backup' wrote to");
  }
  if (!marker) return fail(marker.error());
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(folder));
  std::vector<Snapshot> snapshots;
  for (const std::string& name : names) {
    const std::optional<uint64_t> number = number_of(name);
    if (!number || *number == 0) continue;
    snapshots.push_back({*number, fs.info(manifest_path(io::join(folder, name))).has_value()});
  }
  std::sort(snapshots.begin(), snapshots.end(),
            [](const Snapshot& a, const Snapshot& b) { return a.number < b.number; });
  return snapshots;
}

Status remove_snapshot(io::FileSystem& fs, const std::string& folder, uint64_t number) {
  const std::string path = snapshot_path(folder, number);
  ASSERT(path.size() > folder.size());
  if (fs.info(manifest_path(path))) {
    TRY(fs.remove(manifest_path(path)));
    TRY(fs.sync_directory(path));
  }
  TRY(io::remove_tree(fs, path));
  return fs.sync_directory(folder);
}

Status claim_backup_folder(io::FileSystem& fs, const std::string& folder, const std::string& tag) {
  ASSERT(!tag.empty());
  const auto claimed = read_marker(fs, folder);
  if (!claimed && claimed.error().code == ErrorCode::kNotFound) return make_marker(fs, folder, tag);
  if (!claimed) return fail(claimed.error());
  if (*claimed == tag) return {};
  return fail(ErrorCode::kInvalidConfig, "'" + folder + "' holds backups of another data directory (its tag is " +
                                             *claimed + ", this one's is " + tag + "); name a folder of its own");
}

Result<std::unique_ptr<io::FileLock>> lock_backup_folder(io::FileSystem& fs, const std::string& folder) {
  ASSERT(!folder.empty());
  auto held = fs.lock(io::join(folder, "LOCK"));
  if (held || held.error().code != ErrorCode::kConflict) return held;
  return fail(ErrorCode::kConflict,
              "another backup or restore is at work in '" + folder + "'; wait until it is done");
}

bool lies_within(const io::FileSystem& fs, const std::string& path, const std::string& outer) {
  ASSERT(!path.empty());
  const auto wanted = fs.info(outer);
  if (!wanted) return false;
  std::string at = path;
  while (!fs.info(at) && io::parent_of(at) != at) at = io::parent_of(at);
  constexpr int kDeepest = 1000;
  uint64_t last_inode = 0;
  for (int depth = 0; depth < kDeepest; ++depth, at = io::join(at, "..")) {
    const auto info = fs.info(at);
    if (!info || (depth > 0 && info->inode == last_inode)) return false;  // the root is its own parent
    if (info->device == wanted->device && info->inode == wanted->inode) return true;
    last_inode = info->inode;
  }
  return false;
}

}  // namespace colloquium::log
