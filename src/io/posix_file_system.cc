// The real FileSystem: pread, pwritev, fdatasync, flock.
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/file_system.h"
#include "io/path.h"
#include "io/posix_calls.h"

namespace colloquium::io {
namespace {

FileInfo info_of(const struct stat& status) {
  FileInfo info;
  info.device = status.st_dev;
  info.inode = status.st_ino;
  info.size = static_cast<uint64_t>(status.st_size);
  info.modified_ms = static_cast<int64_t>(status.st_mtim.tv_sec) * 1000 + status.st_mtim.tv_nsec / 1000000;
  info.is_directory = S_ISDIR(status.st_mode);
  info.is_regular = S_ISREG(status.st_mode);
  info.links = status.st_nlink;
  info.owner = status.st_uid;
  info.permissions = status.st_mode & 07777;
  return info;
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  using File::write_at;
  Status write_at(uint64_t offset, std::span<const std::string_view> pieces) override;
  Result<size_t> read_at(uint64_t offset, std::span<char> into) const override;

  Status truncate(uint64_t size) override {
    if (without_interrupts([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); }) != 0) {
      return failed("truncate", path_, errno);
    }
    return {};
  }
  Result<FileInfo> info() const override {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) return failed("examine", path_, errno);
    return info_of(status);
  }

 private:
  Status sync_file() override {
    if (without_interrupts([&] { return ::fdatasync(descriptor_.get()); }) != 0) {
      return failed("sync", path_, errno);
    }
    return {};
  }
  Status write_vector(uint64_t offset, std::span<iovec> vector);

  Descriptor descriptor_;
  std::string path_;
};

// Writes all of `vector`, which it consumes: the kernel may take less than asked for (a signal, a limit).
Status PosixFile::write_vector(uint64_t offset, std::span<iovec> vector) {
  while (!vector.empty()) {
    const ssize_t written = without_interrupts([&] {
      return ::pwritev(descriptor_.get(), vector.data(), static_cast<int>(vector.size()),
                       static_cast<off_t>(offset));
    });
    if (written < 0) return failed("write", path_, errno);
    if (written == 0) return failed("write", path_, EIO);
    offset += static_cast<uint64_t>(written);
    size_t left = static_cast<size_t>(written);
    while (!vector.empty() && left >= vector.front().iov_len) {
      left -= vector.front().iov_len;
      vector = vector.subspan(1);
    }
    if (!vector.empty()) {
      vector.front().iov_base = static_cast<char*>(vector.front().iov_base) + left;
      vector.front().iov_len -= left;
    }
  }
  return {};
}

Status PosixFile::write_at(uint64_t offset, std::span<const std::string_view> pieces) {
  std::array<iovec, IOV_MAX> vector;
  size_t count = 0;
  uint64_t bytes = 0;
  for (const std::string_view piece : pieces) {
    if (piece.empty()) continue;
    vector[count++] = {const_cast<char*>(piece.data()), piece.size()};
    bytes += piece.size();
    if (count == vector.size()) {
      TRY(write_vector(offset, {vector.data(), count}));
      offset += bytes;
      count = 0;
      bytes = 0;
    }
  }
  return write_vector(offset, {vector.data(), count});
}

Result<size_t> PosixFile::read_at(uint64_t offset, std::span<char> into) const {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t count = without_interrupts([&] {
      return ::pread(descriptor_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    });
    if (count < 0) return failed("read", path_, errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

// flock: released by the kernel when the process dies, and exclusive between two locks of one process too.
class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int descriptor) : descriptor_(descriptor) {}

 private:
  Descriptor descriptor_;
};

class PosixFolder final : public Folder {
 public:
  PosixFolder(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

 private:
  Status sync_names() override {
    if (without_interrupts([&] { return ::fsync(descriptor_.get()); }) == 0) return {};
    return failed("sync folder", path_, errno);
  }

  Descriptor descriptor_;
  const std::string path_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kOpenOrCreate:
      return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, int permissions) override {
    const int descriptor =
        without_interrupts([&] { return ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, permissions); });
    if (descriptor < 0) return failed("open", path, errno);
    return std::make_unique<PosixFile>(descriptor, path);
  }
  Result<FileInfo> info(const std::string& path) const override {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return failed("examine", path, errno);
    return info_of(status);
  }
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from + "' to '" + to, errno);
    return {};
  }
  Status rename_new(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    // Some file systems do not know the flag; between the look and the renaming somebody could come there.
    if (errno == EINVAL || errno == ENOSYS) return FileSystem::rename_new(from, to);
    return failed("rename", from + "' to '" + to, errno);
  }
  Status link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return failed("link", from + "' to '" + to, errno);
    return {};
  }
  Status remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0) return failed("remove", path, errno);
    return {};
  }
  Result<std::unique_ptr<Folder>> open_folder(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) const override {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) return failed("examine the disk of", path, errno);
    return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  }
  Result<uint64_t> total_bytes(const std::string& path) const override {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) return failed("examine the disk of", path, errno);
    return static_cast<uint64_t>(status.f_blocks) * status.f_frsize;
  }

 private:
  Status sync_folder(const std::string& path) override;
};

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& directory) const {
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return failed("list", directory, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, ::closedir);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("list", directory, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixFileSystem::make_directories(const std::string& path) {
  const Result<FileInfo> existing = info(path);
  if (existing && existing->is_directory) return {};
  if (existing) return failed("make folder", path, EEXIST);
  const std::string parent = parent_of(path);
  if (parent != path) TRY(make_directories(parent));
  // First: behind the making it would be too late to find that no descriptor is free.
  TRY_ASSIGN(const std::unique_ptr<Folder> folder, open_folder(parent));
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return failed("make folder", path, errno);
  return folder->sync();
}

Result<std::unique_ptr<Folder>> PosixFileSystem::open_folder(const std::string& path) {
  Descriptor directory(
      without_interrupts([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!directory.valid()) return failed("open folder", path, errno);
  return std::make_unique<PosixFolder>(std::move(directory), path);
}

Status PosixFileSystem::sync_folder(const std::string& path) {
  TRY_ASSIGN(const std::unique_ptr<Folder> folder, open_folder(path));
  return folder->sync();
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  int number = without_interrupts([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (number < 0 && (errno == ENOTDIR || errno == ENOENT)) {
    number = without_interrupts([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); });
  }
  if (number < 0) return failed("open the lock file", path, errno);
  auto held = std::make_unique<PosixLock>(number);
  if (without_interrupts([&] { return ::flock(number, LOCK_EX | LOCK_NB); }) == 0) return held;
  if (errno != EWOULDBLOCK) return failed("lock", path, errno);
  return fail(ErrorCode::kConflict,
              "cannot lock '" + path + "': another process holds it; stop that one or use another folder");
}

}  // namespace

FileSystem& posix_file_system() {
  // Never destroyed: files may be closed by other objects of static life.
  static PosixFileSystem* const fs = new PosixFileSystem;
  return *fs;
}

}  // namespace colloquium::io
