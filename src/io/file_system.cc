#include "io/file_system.h"

#include "io/path.h"

namespace colloquium::io {

Result<std::string> read_file(const FileSystem& fs, const std::string& path, size_t limit_bytes) {
  // Asked before it is opened: opening a pipe waits for its writer, and it has no length to go by.
  if (const auto named = fs.info(path); named && !named->is_regular) {
    if (named->is_directory) return fail(ErrorCode::kInvalidInput, "cannot read '" + path + "': it is a folder");
    return fail(ErrorCode::kInvalidInput,
                "cannot read '" + path + "': it is no file of bytes; write a pipe's content to a file first");
  }
  // Opening for reading changes nothing, yet FileSystem::open is not const: it hands out writable files too.
  TRY_ASSIGN(std::unique_ptr<File> file, const_cast<FileSystem&>(fs).open(path, OpenMode::kRead));
  TRY_ASSIGN(const FileInfo info, file->info());
  if (info.size > limit_bytes) {
    return fail(ErrorCode::kLimit, "cannot read '" + path + "': it has " + std::to_string(info.size) +
                                       " bytes, more than the " + std::to_string(limit_bytes) +
                                       " expected at most");
  }
  std::string content(info.size, '\0');
  TRY_ASSIGN(const size_t count, file->read_at(0, content));
  content.resize(count);
  return content;
}

std::optional<std::string> read_beside(const FileSystem& fs, const std::string& path, const std::string& from,
                                       size_t limit_bytes, std::string& found, std::string& problem) {
  found = beside(from, path);
  auto text = read_file(fs, found, limit_bytes);
  if (text) return std::move(*text);
  problem = text.error().message;
  return std::nullopt;
}

bool waits_for_room(const Error& error) {
  return error.code == ErrorCode::kNoSpace || error.code == ErrorCode::kUnavailable;
}

Status end_of_sync(Status status) {
  if (status || !waits_for_room(status.error())) return status;
  Error error = status.error();
  error.code = ErrorCode::kIo;
  error.retryable = false;
  return fail(std::move(error));
}

Status File::sync() {
  return end_of_sync(sync_file());
}

Status Folder::sync() {
  return end_of_sync(sync_names());
}

namespace {

// Of a file system that can do no better: opened only when it is synced.
class NamedFolder final : public Folder {
 public:
  NamedFolder(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

 private:
  Status sync_names() override { return fs_.sync_directory(path_); }

  FileSystem& fs_;
  const std::string path_;
};

}  // namespace

Result<std::unique_ptr<Folder>> FileSystem::open_folder(const std::string& path) {
  return std::make_unique<NamedFolder>(*this, path);
}

Status FileSystem::sync_directory(const std::string& path) {
  return end_of_sync(sync_folder(path));
}

Status FileSystem::rename_new(const std::string& from, const std::string& to) {
  if (info(to)) return fail(ErrorCode::kAlreadyExists, "cannot rename '" + from + "' to '" + to + "': it exists");
  return rename(from, to);
}

Status remove_if_there(FileSystem& fs, const std::string& path) {
  Status removed = fs.remove(path);
  if (removed || removed.error().code == ErrorCode::kNotFound) return {};
  return removed;
}

Status remove_tree(FileSystem& fs, const std::string& path) {
  const Result<FileInfo> info = fs.info(path);
  if (!info && info.error().code == ErrorCode::kNotFound) return {};
  if (!info) return fail(info.error());
  if (info->is_directory) {
    TRY_ASSIGN(const std::vector<std::string> names, fs.list(path));
    for (const std::string& name : names) TRY(remove_tree(fs, join(path, name)));
  }
  return fs.remove(path);
}

Status write_file_atomically(FileSystem& fs, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  // First: behind the renaming it would be too late to find that no descriptor is free.
  TRY_ASSIGN(const std::unique_ptr<Folder> folder, fs.open_folder(parent_of(path)));
  {
    // A leftover of an earlier crash is overwritten: nothing ever reads a ".tmp".
    TRY_ASSIGN(std::unique_ptr<File> file, fs.open(temporary, OpenMode::kOpenOrCreate));
    TRY(file->truncate(0));
    TRY(file->write_at(0, content));
    TRY(file->sync());
  }
  TRY(fs.rename(temporary, path));
  return folder->sync();
}

}  // namespace colloquium::io
