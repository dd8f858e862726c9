#include "io/forgetful_file_system.h"

#include <algorithm>
#include <cstring>

namespace colloquium::io {

struct ForgetfulContent {
  std::mutex mutex;
  uint64_t size = 0;                        // as programs see it, while anything is pending
  uint64_t lowest_cut = ~uint64_t{0};       // the file below must be cut to this before the extents are applied
  std::map<uint64_t, std::string> extents;  // un-synced bytes by position; they do not overlap

  bool pending() const { return !extents.empty() || lowest_cut != ~uint64_t{0}; }
  uint64_t size_over(const FileInfo& below) const { return pending() ? size : below.size; }
  void write(uint64_t offset, std::string_view bytes);
  void cut(uint64_t begin, uint64_t end);
  void truncate(uint64_t new_size);
  // Lays the extents over `into`, which holds the bytes from `offset` on.
  void overlay(uint64_t offset, std::span<char> into) const;
};

// Takes [begin, end) out of the extents.
void ForgetfulContent::cut(uint64_t begin, uint64_t end) {
  auto it = extents.upper_bound(begin);
  if (it != extents.begin()) --it;
  while (it != extents.end() && it->first < end) {
    const uint64_t at = it->first;
    const uint64_t stop = at + it->second.size();
    if (stop <= begin) {
      ++it;
      continue;
    }
    std::string behind = stop > end ? it->second.substr(end - at) : std::string();
    if (at < begin) {
      it->second.resize(begin - at);
      ++it;
    } else {
      it = extents.erase(it);
    }
    if (!behind.empty()) it = extents.emplace(end, std::move(behind)).first;
  }
}

void ForgetfulContent::write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  cut(offset, offset + bytes.size());
  // An append, the usual case, grows the last extent instead of making thousands of small ones.
  auto last = extents.empty() ? extents.end() : std::prev(extents.end());
  if (last != extents.end() && last->first + last->second.size() == offset) {
    last->second.append(bytes);
  } else {
    extents.emplace(offset, std::string(bytes));
  }
  size = std::max<uint64_t>(size, offset + bytes.size());
}

void ForgetfulContent::truncate(uint64_t new_size) {
  cut(new_size, ~uint64_t{0});
  lowest_cut = std::min(lowest_cut, new_size);
  size = new_size;
}

void ForgetfulContent::overlay(uint64_t offset, std::span<char> into) const {
  const uint64_t end = offset + into.size();
  auto it = extents.upper_bound(offset);
  if (it != extents.begin()) --it;
  for (; it != extents.end() && it->first < end; ++it) {
    const uint64_t begin = std::max(offset, it->first);
    const uint64_t stop = std::min<uint64_t>(end, it->first + it->second.size());
    if (begin < stop)
      std::memcpy(into.data() + (begin - offset), it->second.data() + (begin - it->first), stop - begin);
  }
}

namespace {

class ForgetfulFile final : public File {
 public:
  ForgetfulFile(std::unique_ptr<File> below, std::shared_ptr<ForgetfulContent> content,
                std::shared_ptr<File> scratch)
      : below_(std::move(below)), content_(std::move(content)), scratch_(std::move(scratch)) {}

  using File::write_at;
  Status write_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    const std::lock_guard lock(content_->mutex);
    TRY(begin_change());
    for (const std::string_view piece : pieces) {
      content_->write(offset, piece);
      offset += piece.size();
    }
    return {};
  }
  Result<size_t> read_at(uint64_t offset, std::span<char> into) const override;
  Status truncate(uint64_t size) override {
    const std::lock_guard lock(content_->mutex);
    TRY(begin_change());
    content_->truncate(size);
    return {};
  }
  Result<FileInfo> info() const override {
    const std::lock_guard lock(content_->mutex);
    TRY_ASSIGN(FileInfo info, below_->info());
    info.size = content_->size_over(info);
    return info;
  }

 private:
  Status sync_file() override;
  // The file below may have grown by other hands while nothing was pending here.
  Status begin_change() {
    if (content_->pending()) return {};
    TRY_ASSIGN(const FileInfo info, below_->info());
    content_->size = info.size;
    return {};
  }

  std::unique_ptr<File> below_;
  std::shared_ptr<ForgetfulContent> content_;
  std::shared_ptr<File> scratch_;
};

Result<size_t> ForgetfulFile::read_at(uint64_t offset, std::span<char> into) const {
  const std::lock_guard lock(content_->mutex);
  if (!content_->pending()) return below_->read_at(offset, into);
  if (offset >= content_->size) return size_t{0};
  const std::span<char> wanted = into.first(std::min<uint64_t>(into.size(), content_->size - offset));
  TRY_ASSIGN(const size_t count, below_->read_at(offset, wanted));
  // Behind a pending cut the file below still has old bytes; programs see zeros there.
  const uint64_t valid = std::min<uint64_t>(offset + count, content_->lowest_cut);
  const size_t kept = valid > offset ? valid - offset : 0;
  std::memset(wanted.data() + kept, 0, wanted.size() - kept);
  content_->overlay(offset, wanted);
  return wanted.size();
}

Status ForgetfulFile::sync_file() {
  const std::lock_guard lock(content_->mutex);
  if (scratch_ != nullptr && content_->pending()) {
    for (const auto& [offset, bytes] : content_->extents) TRY(scratch_->write_at(0, bytes));
    TRY(scratch_->sync());
  }
  if (content_->lowest_cut != ~uint64_t{0}) {
    TRY_ASSIGN(const FileInfo info, below_->info());
    if (content_->lowest_cut < info.size) TRY(below_->truncate(content_->lowest_cut));
  }
  for (const auto& [offset, bytes] : content_->extents) TRY(below_->write_at(offset, bytes));
  if (content_->lowest_cut != ~uint64_t{0}) TRY(below_->truncate(content_->size));
  TRY(below_->sync());
  content_->extents.clear();
  content_->lowest_cut = ~uint64_t{0};
  return {};
}

}  // namespace

ForgetfulFileSystem::ForgetfulFileSystem(FileSystem& below, const std::string& scratch_path) : below_(below) {
  if (scratch_path.empty()) return;
  if (auto scratch = below_.open(scratch_path, OpenMode::kOpenOrCreate)) scratch_ = std::move(*scratch);
}
ForgetfulFileSystem::~ForgetfulFileSystem() = default;

Result<std::unique_ptr<File>> ForgetfulFileSystem::open(const std::string& path, OpenMode mode, int permissions) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(std::unique_ptr<File> file, below_.open(path, mode, permissions));
  TRY_ASSIGN(const FileInfo info, file->info());
  std::shared_ptr<ForgetfulContent>& content = contents_[{info.device, info.inode}];
  if (content == nullptr) content = std::make_shared<ForgetfulContent>();
  return std::make_unique<ForgetfulFile>(std::move(file), content, scratch_);
}

Result<FileInfo> ForgetfulFileSystem::info(const std::string& path) const {
  TRY_ASSIGN(FileInfo info, below_.info(path));
  const std::lock_guard lock(mutex_);
  const auto found = contents_.find({info.device, info.inode});
  if (found != contents_.end()) {
    const std::lock_guard content_lock(found->second->mutex);
    info.size = found->second->size_over(info);
  }
  return info;
}

// The inode of a removed file may be given to another one: its bytes must not come back there.
void ForgetfulFileSystem::forget(const std::string& path) {
  const Result<FileInfo> info = below_.info(path);
  if (info && info->links <= 1) contents_.erase({info->device, info->inode});
}

Status ForgetfulFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  forget(to);
  return below_.rename(from, to);
}

// What is not synced belongs to the file, whatever it is called.
Status ForgetfulFileSystem::link(const std::string& from, const std::string& to) {
  return below_.link(from, to);
}

Status ForgetfulFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  forget(path);
  return below_.remove(path);
}

Result<std::vector<std::string>> ForgetfulFileSystem::list(const std::string& directory) const {
  return below_.list(directory);
}
Status ForgetfulFileSystem::make_directories(const std::string& path) {
  return below_.make_directories(path);
}
Status ForgetfulFileSystem::sync_folder(const std::string& path) {
  return below_.sync_directory(path);
}
Result<std::unique_ptr<FileLock>> ForgetfulFileSystem::lock(const std::string& path) {
  return below_.lock(path);
}
Result<uint64_t> ForgetfulFileSystem::free_bytes(const std::string& path) const {
  return below_.free_bytes(path);
}
Result<uint64_t> ForgetfulFileSystem::total_bytes(const std::string& path) const {
  return below_.total_bytes(path);
}

}  // namespace colloquium::io
