#include "components/file/file_writer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kTokenPrefix = "file 1 ";
constexpr size_t kCopyBytes = size_t{1} << 20;

// What to do when the file is not the one the commit speaks of.
constexpr char kStartAnew[] =
    "; put the file back as it was, or give the sink another name in the pipeline: it then writes the stream anew";

std::string quote(const std::string& path) {
  return "'" + path + "'";
}

}  // namespace

std::string FileToken::encode() const {
  return std::string(kTokenPrefix) + std::to_string(inode) + " " + std::to_string(length);
}

Result<FileToken> FileToken::decode(const std::string& text) {
  FileToken token;
  if (text.starts_with(kTokenPrefix)) {
    const char* end = text.data() + text.size();
    const auto [space, bad_inode] = std::from_chars(text.data() + kTokenPrefix.size(), end, token.inode);
    if (bad_inode == std::errc() && space != end && *space == ' ') {
      const auto [last, bad_length] = std::from_chars(space + 1, end, token.length);
      if (bad_length == std::errc() && last == end) return token;
    }
  }
  return fail(ErrorCode::kCorrupt, "the place stored for this sink is not one of a file sink of this version: '" +
                                       text + "'; use the version that wrote it, or give the sink another name");
}

FileWriter::FileWriter(io::FileSystem& file_system, std::string path)
    : file_system_(file_system), path_(std::move(path)) {}

FileWriter::~FileWriter() = default;

Result<std::unique_ptr<FileWriter>> FileWriter::open(io::FileSystem& file_system, const std::string& path,
                                                     const std::optional<FileToken>& token) {
  // Before anything is made or cut: a file that is not as it was left is left as it is.
  if (token) TRY(check(file_system, path, *token));
  std::unique_ptr<FileWriter> writer(new FileWriter(file_system, path));
  TRY(writer->prepare(token));
  return writer;
}

Status FileWriter::check(const io::FileSystem& file_system, const std::string& path, const FileToken& token) {
  const auto info = file_system.info(path);
  if (!info && info.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound, "the file " + quote(path) + ", of which " + std::to_string(token.length) +
                                          " bytes are committed, is gone" + kStartAnew);
  }
  if (!info) return fail(info.error());
  if (info->inode != token.inode) {
    return fail(ErrorCode::kConflict, "the file " + quote(path) + " was replaced by another since " +
                                          std::to_string(token.length) + " bytes of it were committed" +
                                          kStartAnew);
  }
  if (info->size < token.length) {
    return fail(ErrorCode::kConflict, "the file " + quote(path) + " has " + std::to_string(info->size) +
                                          " bytes, but " + std::to_string(token.length) +
                                          " were committed: it was cut by someone" + kStartAnew);
  }
  return {};
}

Status FileWriter::prepare(const std::optional<FileToken>& token) {
  const auto named = file_system_.info(path_);
  if (named && !named->is_regular) {
    return fail(ErrorCode::kInvalidConfig,
                "cannot append to " + quote(path_) + ": it is not a file of bytes; name a file, or use stdout");
  }
  // Only then: a folder that may not be listed can still hold a file that may be written.
  if (!named) TRY(file_system_.make_directories(io::parent_of(path_)));
  TRY_ASSIGN(file_, file_system_.open(path_, io::OpenMode::kOpenOrCreate));
  // Before the length is read: nobody else may be changing it.
  auto held = file_system_.lock(path_);
  if (!held && held.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict, "the file " + quote(path_) +
                                          " is being written by another sink or process; give each its own file");
  }
  TRY_ASSIGN(lock_, std::move(held));
  TRY_ASSIGN(const io::FileInfo info, file_->info());
  inode_ = info.inode;
  // Without a token the name may be new, or from a run that ended before its first commit.
  name_synced_ = token.has_value();
  if (!name_synced_) {
    // Now: a sync that finds no descriptor would be one that failed, and those are not tried again.
    auto folder = file_system_.open_folder(io::parent_of(path_));
    if (!folder && io::waits_for_room(folder.error())) return fail(folder.error());
    if (folder) folder_ = std::move(*folder);
  }
  length_ = token ? token->length : info.size;
  synced_length_ = token ? token->length : 0;
  tail_end_ = info.size;
  ASSERT(tail_end_ >= length_);
  return token ? Status() : end_last_line();
}

// What someone else wrote may end in the middle of a line.
Status FileWriter::end_last_line() {
  if (length_ == 0) return {};
  char last = 0;
  TRY_ASSIGN(const size_t got, file_->read_at(length_ - 1, {&last, 1}));
  if (got == 1 && last == '\n') return {};
  return append("\n");
}

Status FileWriter::append(std::string_view lines) {
  if (torn_) {
    TRY(file_->truncate(length_));
    torn_ = false;
  }
  if (tail_end_ > length_) {
    TRY_ASSIGN(const bool same, continues_with(lines));
    if (!same) TRY(set_aside());
    if (same && tail_end_ - length_ >= lines.size()) {
      length_ += lines.size();
      return {};
    }
  }
  // At the good length, never at the end of the file, whatever a failed write left there.
  const Status written = file_->write_at(length_, lines);
  if (written) {
    length_ += lines.size();
    tail_end_ = length_;
    drop_aside(lines);
    return {};
  }
  torn_ = !file_->truncate(length_).has_value();
  tail_end_ = length_;
  return written;
}

Result<bool> FileWriter::continues_with(std::string_view lines) const {
  std::string found(static_cast<size_t>(std::min<uint64_t>(tail_end_ - length_, lines.size())), '\0');
  TRY_ASSIGN(const size_t got, file_->read_at(length_, {found.data(), found.size()}));
  return got == found.size() && lines.starts_with(found);
}

// Copied and synced before it is cut off, so that a crash between the two leaves both.
Status FileWriter::set_aside() {
  if (tail_end_ == length_) return {};
  std::string path = path_ + ".uncommitted-" + std::to_string(length_);
  for (int i = 2; file_system_.info(path).has_value(); ++i) {
    path = path_ + ".uncommitted-" + std::to_string(length_) + "-" + std::to_string(i);
  }
  TRY_ASSIGN(const auto folder, file_system_.open_folder(io::parent_of(path)));
  TRY_ASSIGN(const auto aside, file_system_.open(path, io::OpenMode::kOpenOrCreate));
  aside_ = UncommittedLines();
  std::string piece(kCopyBytes, '\0');
  for (uint64_t at = length_; at < tail_end_;) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(tail_end_ - at, piece.size()));
    TRY_ASSIGN(const size_t got, file_->read_at(at, {piece.data(), wanted}));
    if (got == 0) break;  // it was cut meanwhile
    TRY(aside->write_at(at - length_, {piece.data(), got}));
    aside_.add({piece.data(), got});
    at += got;
  }
  TRY(aside->sync());
  TRY(folder->sync());
  TRY(file_->truncate(length_));
  tail_end_ = length_;
  aside_path_ = std::move(path);
  return {};
}

void FileWriter::drop_aside(std::string_view lines) {
  if (aside_path_.empty()) return;
  aside_.came(lines);
  // A file too many does no harm.
  if (aside_.all_came() && file_system_.remove(aside_path_)) aside_path_.clear();
}

Result<FileToken> FileWriter::sync() {
  if (sync_failure_) return fail(*sync_failure_);
  const Status synced = sync_once();
  if (!synced) {
    sync_failure_ = synced.error();
    return fail(synced.error());
  }
  return FileToken{inode_, length_};
}

Status FileWriter::sync_once() {
  // A commit without writes, of dead letters only for instance, costs no sync.
  if (synced_length_ != length_) {
    TRY(file_->sync());
    synced_length_ = length_;
  }
  if (!name_synced_) {
    TRY(folder_ != nullptr ? folder_->sync() : file_system_.sync_directory(io::parent_of(path_)));
    folder_ = nullptr;
    name_synced_ = true;
  }
  return {};
}

}  // namespace colloquium::components
