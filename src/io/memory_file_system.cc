#include "io/memory_file_system.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "io/memory_tree.h"
#include "io/path.h"

namespace colloquium::io {
namespace {

tl::unexpected<Error> missing(std::string_view verb, const std::string& path) {
  return fail(ErrorCode::kNotFound,
              "cannot " + std::string(verb) + " '" + path + "': no such file; check the path");
}

tl::unexpected<Error> disk_full(const std::string& path) {
  return fail(ErrorCode::kNoSpace, "cannot write '" + path + "': no space left; free space on that disk", {},
              true);
}

tl::unexpected<Error> dead_handle(const std::string& path) {
  return fail(ErrorCode::kIo, "cannot use '" + path + "': it was opened before the crash");
}

FileInfo info_of(const MemoryTree& tree, const MemoryNode& node) {
  FileInfo info;
  info.device = 1;
  info.inode = node.inode;
  info.size = node.live.size();
  info.is_directory = node.is_directory;
  info.is_regular = !node.is_directory;
  info.links = tree.names_of(node);
  return info;
}

}  // namespace

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& fs, MemoryNodePtr node, std::string path, bool writable)
      : fs_(fs),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        generation_(fs.generation_) {}

  using File::write_at;
  Status write_at(uint64_t offset, std::span<const std::string_view> pieces) override;
  Result<size_t> read_at(uint64_t offset, std::span<char> into) const override;
  Status truncate(uint64_t size) override;
  Result<FileInfo> info() const override {
    const std::lock_guard lock(fs_.mutex_);
    if (generation_ != fs_.generation_) return dead_handle(path_);
    return info_of(*fs_.tree_, *node_);
  }

 private:
  Status sync_file() override;
  void misread(const Fault& fault, uint64_t offset, std::span<char> bytes) const;
  Status usable() const {
    if (generation_ != fs_.generation_) return dead_handle(path_);
    if (!writable_) return fail(ErrorCode::kPermission, "cannot write '" + path_ + "': it was opened for reading");
    return {};
  }

  MemoryFileSystem& fs_;
  MemoryNodePtr node_;
  std::string path_;
  bool writable_;
  uint64_t generation_;
};

Status MemoryFile::write_at(uint64_t offset, std::span<const std::string_view> pieces) {
  const std::lock_guard lock(fs_.mutex_);
  TRY(usable());
  const std::optional<Fault> fault = fs_.begin(OperationKind::kWrite, path_, offset, pieces);
  uint64_t allowed = fault ? fault->written_bytes : ~uint64_t{0};
  const uint64_t used = fs_.tree_->used_bytes();
  const uint64_t free = used < fs_.capacity_bytes_ ? fs_.capacity_bytes_ - used : 0;
  const uint64_t end_on_disk = std::max<uint64_t>(node_->live.size(), offset) + free;
  for (std::string_view piece : pieces) {
    const uint64_t fits = std::min<uint64_t>(allowed, end_on_disk > offset ? end_on_disk - offset : 0);
    const std::string_view part = piece.substr(0, std::min<uint64_t>(fits, piece.size()));
    node_->write(offset, part);
    offset += part.size();
    if (!fault && part.size() < piece.size()) return disk_full(path_);
    if (part.size() < piece.size()) break;
    allowed -= part.size();
  }
  if (fault) return fail(fault->error);
  return {};
}

Result<size_t> MemoryFile::read_at(uint64_t offset, std::span<char> into) const {
  const std::lock_guard lock(fs_.mutex_);
  if (generation_ != fs_.generation_) return dead_handle(path_);
  const std::optional<Fault> fault = fs_.begin(OperationKind::kRead, path_, offset);
  if (fault && fault->misread == Misread::kNone) return fail(fault->error);
  if (offset >= node_->live.size()) return size_t{0};
  const size_t count = std::min<size_t>(into.size(), node_->live.size() - offset);
  std::memcpy(into.data(), node_->live.data() + offset, count);
  if (fault) misread(*fault, offset, into.first(count));
  return count;
}

// At most a sector of what was asked for is wrong.
void MemoryFile::misread(const Fault& fault, uint64_t offset, std::span<char> bytes) const {
  if (bytes.empty()) return;
  const size_t at = fault.where / 8 % bytes.size();
  if (fault.misread == Misread::kFlippedBit) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1u << (fault.where % 8)));
    return;
  }
  const bool stale = fault.misread == Misread::kStale;
  const std::string& from = stale ? node_->former : node_->live;
  for (size_t i = at; i < std::min(bytes.size(), at + kSectorBytes); ++i) {
    const uint64_t place = stale ? offset + i : (offset + i + kSectorBytes) % node_->live.size();
    bytes[i] = place < from.size() ? from[place] : '\0';
  }
}

Status MemoryFile::sync_file() {
  const std::lock_guard lock(fs_.mutex_);
  TRY(usable());
  if (const std::optional<Fault> fault = fs_.begin(OperationKind::kSync, path_)) {
    if (fault->loses_dirty) node_->cut_power(nullptr);
    return fail(fault->error);
  }
  node_->sync();
  return {};
}

Status MemoryFile::truncate(uint64_t size) {
  const std::lock_guard lock(fs_.mutex_);
  TRY(usable());
  TRY(fs_.begin_or_fail(OperationKind::kTruncate, path_));
  node_->truncate(size);
  return {};
}

class MemoryLock final : public FileLock {
 public:
  MemoryLock(MemoryFileSystem& fs, std::string path)
      : fs_(fs), path_(std::move(path)), generation_(fs.generation_) {}
  ~MemoryLock() override {
    const std::lock_guard lock(fs_.mutex_);
    if (generation_ == fs_.generation_) fs_.locks_.erase(path_);
  }

 private:
  MemoryFileSystem& fs_;
  std::string path_;
  uint64_t generation_;
};

class MemoryFolder final : public Folder {
 public:
  MemoryFolder(MemoryFileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

 private:
  Status sync_names() override {
    const std::lock_guard lock(fs_.mutex_);
    return fs_.sync_open_folder(path_);
  }

  MemoryFileSystem& fs_;
  const std::string path_;
};

MemoryFileSystem::MemoryFileSystem(uint64_t capacity_bytes)
    : tree_(std::make_unique<MemoryTree>()), capacity_bytes_(capacity_bytes) {}
MemoryFileSystem::~MemoryFileSystem() = default;

// Counts an operation and says whether it is to fail.
std::optional<Fault> MemoryFileSystem::begin(OperationKind kind, const std::string& path, uint64_t offset,
                                             std::span<const std::string_view> pieces) const {
  const uint64_t index = kind == OperationKind::kRead ? operations_ : operations_++;
  if (index >= halt_index_) {
    return Fault{Error{ErrorCode::kIo, "cannot use '" + path + "': the simulated process has died"}};
  }
  if (planned_ && planned_->first == index && kind != OperationKind::kRead) return planned_->second;
  if (hook_) return hook_({kind, path, index, offset, pieces});
  return std::nullopt;
}

Status MemoryFileSystem::begin_or_fail(OperationKind kind, const std::string& path) const {
  std::optional<Fault> fault = begin(kind, path);
  if (fault) return fail(std::move(fault->error));
  return {};
}

Status MemoryFileSystem::opening(const std::string& path) const {
  if (!open_hook_) return {};
  std::optional<Error> error = open_hook_(path);
  return error ? Status(fail(std::move(*error))) : Status();
}

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenMode mode, int) {
  const std::lock_guard lock(mutex_);
  TRY(opening(path));
  MemoryNodePtr node = tree_->find(path);
  const bool writable = mode != OpenMode::kRead;
  if (node != nullptr && mode == OpenMode::kCreate) {
    return fail(ErrorCode::kAlreadyExists, "cannot create '" + path + "': it exists; choose another name");
  }
  if (node != nullptr && node->is_directory)
    return fail(ErrorCode::kIo, "cannot open '" + path + "': it is a folder");
  if (node == nullptr) {
    if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return missing("open", path);
    const MemoryNodePtr folder = tree_->find(parent_of(path));
    if (folder == nullptr || !folder->is_directory) return missing("create", path);
    TRY(begin_or_fail(OperationKind::kOpen, path));
    node = tree_->make_node(false);
    tree_->set_name(path, node);
  }
  return std::make_unique<MemoryFile>(*this, std::move(node), path, writable);
}

Result<FileInfo> MemoryFileSystem::info(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const MemoryNodePtr node = tree_->find(path);
  if (node == nullptr) return missing("examine", path);
  return info_of(*tree_, *node);
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  TRY(opening(directory));
  const MemoryNodePtr node = tree_->find(directory);
  if (node == nullptr || !node->is_directory) return missing("list", directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Status MemoryFileSystem::make_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  for (size_t end = path.find('/', 1); !path.empty(); end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    const MemoryNodePtr node = tree_->find(part);
    if (node != nullptr && !node->is_directory) {
      return fail(ErrorCode::kAlreadyExists, "cannot make folder '" + part + "': a file has that name");
    }
    if (node == nullptr) {
      TRY(opening(parent_of(part)));
      TRY(begin_or_fail(OperationKind::kMakeDirectory, part));
      tree_->set_name(part, tree_->make_node(true));
      TRY(end_of_sync(begin_or_fail(OperationKind::kSyncDirectory, parent_of(part))));
      tree_->sync_names(tree_->find(parent_of(part)));
    }
    if (end == std::string::npos) break;
  }
  return {};
}

Result<std::unique_ptr<Folder>> MemoryFileSystem::open_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(opening(path));
  return std::make_unique<MemoryFolder>(*this, path);
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (tree_->find(from) == nullptr) return missing("rename", from);
  if (tree_->find(parent_of(to)) == nullptr) return missing("rename to", to);
  TRY(begin_or_fail(OperationKind::kRename, from));
  tree_->rename(from, to);
  return {};
}

Status MemoryFileSystem::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const MemoryNodePtr node = tree_->find(from);
  if (node == nullptr) return missing("link", from);
  const MemoryNodePtr folder = tree_->find(parent_of(to));
  if (folder == nullptr || !folder->is_directory) return missing("link to", to);
  if (node->is_directory) return fail(ErrorCode::kPermission, "cannot link '" + from + "': it is a folder");
  if (tree_->find(to) != nullptr)
    return fail(ErrorCode::kAlreadyExists, "cannot link to '" + to + "': it exists; choose another name");
  TRY(begin_or_fail(OperationKind::kLink, to));
  tree_->link(node, to);
  return {};
}

Status MemoryFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const MemoryNodePtr node = tree_->find(path);
  if (node == nullptr) return missing("remove", path);
  if (!node->names.empty()) return fail(ErrorCode::kIo, "cannot remove '" + path + "': the folder is not empty");
  TRY(begin_or_fail(OperationKind::kRemove, path));
  tree_->set_name(path, nullptr);
  return {};
}

Status MemoryFileSystem::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(opening(path));
  return sync_open_folder(path);
}

Status MemoryFileSystem::sync_open_folder(const std::string& path) {
  const MemoryNodePtr node = tree_->find(path);
  if (node == nullptr || !node->is_directory) return missing("sync folder", path);
  TRY(begin_or_fail(OperationKind::kSyncDirectory, path));
  tree_->sync_names(node);
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string& path) {
  if (const auto found = info(path); !found || !found->is_directory) {
    TRY_ASSIGN(const std::unique_ptr<File> made, open(path, OpenMode::kOpenOrCreate));
  }
  const std::lock_guard guard(mutex_);
  if (!locks_.insert(path).second) {
    return fail(ErrorCode::kConflict, "cannot lock '" + path + "': another process holds it");
  }
  return std::make_unique<MemoryLock>(*this, path);
}

Result<uint64_t> MemoryFileSystem::free_bytes(const std::string&) const {
  const std::lock_guard lock(mutex_);
  const uint64_t used = tree_->used_bytes();
  return used < capacity_bytes_ ? capacity_bytes_ - used : 0;
}

Result<uint64_t> MemoryFileSystem::total_bytes(const std::string&) const {
  const std::lock_guard lock(mutex_);
  return capacity_bytes_;
}

void MemoryFileSystem::set_hook(FaultHook hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void MemoryFileSystem::set_open_hook(OpenHook hook) {
  const std::lock_guard lock(mutex_);
  open_hook_ = std::move(hook);
}

void MemoryFileSystem::halt_at(uint64_t index) {
  const std::lock_guard lock(mutex_);
  halt_index_ = index;
}

void MemoryFileSystem::fail_at(uint64_t index, Fault fault) {
  const std::lock_guard lock(mutex_);
  planned_.emplace(index, std::move(fault));
}

void MemoryFileSystem::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_bytes_ = bytes;
}

uint64_t MemoryFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

// REQUIRES: mutex_ held.
void MemoryFileSystem::begin_generation() {
  locks_.clear();
  hook_ = nullptr;
  open_hook_ = nullptr;
  planned_.reset();
  halt_index_ = ~uint64_t{0};
  ++generation_;
}

void MemoryFileSystem::crash(Random* chance) {
  const std::lock_guard lock(mutex_);
  tree_->cut_power(chance);
  begin_generation();
}

void MemoryFileSystem::kill() {
  const std::lock_guard lock(mutex_);
  begin_generation();
}

void MemoryFileSystem::flip(const std::string& path, uint64_t offset, uint8_t mask) {
  const std::lock_guard lock(mutex_);
  const MemoryNodePtr node = tree_->find(path);
  ASSERT(node != nullptr && offset < node->live.size());
  node->live[offset] = static_cast<char>(node->live[offset] ^ mask);
  if (offset < node->durable.size()) node->durable[offset] = static_cast<char>(node->durable[offset] ^ mask);
}

void MemoryFileSystem::copy_from(const MemoryFileSystem& other) {
  ASSERT(this != &other);
  const std::scoped_lock lock(mutex_, other.mutex_);
  tree_ = other.tree_->copy();
  capacity_bytes_ = other.capacity_bytes_;
  operations_ = other.operations_;
  begin_generation();
}

}  // namespace colloquium::io
