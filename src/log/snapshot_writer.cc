#include "log/snapshot_writer.h"

#include <utility>

#include "base/assert.h"
#include "io/checksum.h"
#include "io/path.h"
#include "log/segment_copy.h"

namespace colloquium::log {

SnapshotWriter::SnapshotWriter(io::FileSystem& fs, std::string folder, uint64_t number,
                               std::optional<Previous> previous)
    : fs_(fs),
      folder_(std::move(folder)),
      number_(number),
      root_(snapshot_path(folder_, number)),
      previous_(std::move(previous)) {
  ASSERT(!previous_ || previous_->number < number_);
}

Result<std::string> SnapshotWriter::place_for(const std::string& path) {
  ASSERT(!path.empty() && path.front() != '/');
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? std::string() : path.substr(0, slash);
  if (folders_.count(folder) == 0) {
    TRY(fs_.make_directories(folder.empty() ? root_ : io::join(root_, folder)));
    for (size_t end = folder.find('/'); end != std::string::npos; end = folder.find('/', end + 1)) {
      folders_.insert(folder.substr(0, end));
    }
    folders_.insert(folder);
  }
  return io::join(root_, path);
}

void SnapshotWriter::put(const std::string& path, const BackupManifest::File& file) {
  ASSERT(!path.empty());
  files_[path] = file;
  linked_.erase(path);
  wanted_.insert(path);
}

bool SnapshotWriter::holds(const std::string& path, std::string_view content) const {
  ASSERT(!path.empty());
  const auto file = files_.find(path);
  return file != files_.end() && file->second.size_bytes == content.size() &&
         file->second.crc == io::crc32c(content);
}

void SnapshotWriter::keep(const std::string& path) {
  ASSERT_WHY(has(path), "what is kept was put");
  wanted_.insert(path);
}

uint64_t SnapshotWriter::linked_bytes() const {
  uint64_t bytes = 0;
  for (const std::string& path : linked_) bytes += files_.at(path).size_bytes;
  return bytes;
}

// A disk may refuse for reasons of its own; then the file is copied, and what is really wrong shows there.
bool SnapshotWriter::link(const std::string& path) {
  ASSERT(previous_.has_value());
  const BackupManifest::File file = previous_->manifest.files.at(path);
  const std::string from = io::join(snapshot_path(folder_, previous_->number), path);
  const auto info = fs_.info(from);
  if (!info || info->size != file.size_bytes) return false;
  const auto to = place_for(path);
  if (!to || (fs_.info(*to) && !fs_.remove(*to)) || !fs_.link(from, *to)) return false;
  put(path, file);
  linked_.insert(path);
  return true;
}

Status SnapshotWriter::put_text(const std::string& path, std::string_view content) {
  const BackupManifest::File file{content.size(), io::crc32c(content)};
  if (holds(path, content)) {
    keep(path);
    return {};
  }
  if (previous_) {
    const auto before = previous_->manifest.files.find(path);
    const bool same_sum = before != previous_->manifest.files.end() &&
                          before->second.size_bytes == file.size_bytes && before->second.crc == file.crc;
    // It is small, and so it is compared as a whole.
    if (same_sum) {
      const auto stored =
          io::read_file(fs_, io::join(snapshot_path(folder_, previous_->number), path), content.size());
      if (stored && *stored == content && link(path)) return {};
    }
  }
  TRY_ASSIGN(const std::string to, place_for(path));
  TRY(write_copy(fs_, to, content));
  ASSERT(file.size_bytes == content.size());
  put(path, file);
  return {};
}

Result<bool> SnapshotWriter::link_segment(const std::string& path, uint64_t size_bytes,
                                          const std::string& seal_path, std::string_view seal,
                                          const std::string& key_path) {
  ASSERT(path != seal_path);
  if (!previous_) return false;
  const auto& before = previous_->manifest.files;
  const auto segment = before.find(path);
  const auto sealed = before.find(seal_path);
  if (segment == before.end() || sealed == before.end() || segment->second.size_bytes != size_bytes) return false;
  if (has(key_path) != (before.count(key_path) != 0)) return false;
  // The seal holds the segment's checksum.
  if (sealed->second.size_bytes != seal.size() || sealed->second.crc != io::crc32c(seal)) return false;
  return link(path);
}

Status SnapshotWriter::remove_unwanted() {
  for (auto file = files_.begin(); file != files_.end();) {
    if (wanted_.count(file->first) != 0) {
      ++file;
      continue;
    }
    TRY(fs_.remove(io::join(root_, file->first)));
    linked_.erase(file->first);
    file = files_.erase(file);
  }
  ASSERT(files_.size() == wanted_.size());
  return {};
}

Status SnapshotWriter::sync_folders() {
  ASSERT(!folders_.empty());
  for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
    TRY(fs_.sync_directory(folder->empty() ? root_ : io::join(root_, *folder)));
  }
  return fs_.sync_directory(folder_);
}

Status SnapshotWriter::finish(BackupManifest& manifest) {
  TRY(remove_unwanted());
  TRY(sync_folders());
  manifest.files = files_;
  ASSERT(!manifest.files.empty());
  return io::write_file_atomically(fs_, manifest_path(root_), manifest_text(manifest));
}

}  // namespace colloquium::log
