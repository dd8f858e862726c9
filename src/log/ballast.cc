#include "log/ballast.h"

#include <algorithm>

#include "base/assert.h"
#include "io/path.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

// So much free space per byte of ballast, or it is left to others.
constexpr uint64_t kRoom = 8;
constexpr size_t kPieceBytes = size_t{64} << 10;

// Bytes that no file system makes smaller: Marsaglia's xorshift64.
std::string noise(uint64_t& state) {
  ASSERT_WHY(state != 0, "zero stays zero");
  std::string piece(kPieceBytes, '\0');
  for (char& byte : piece) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state & 0xff);
  }
  return piece;
}

template <class Outcome>
bool no_space(const Outcome& outcome) {
  return !outcome && outcome.error().code == ErrorCode::kNoSpace;
}

}  // namespace

// A file that may have the ballast.
class BallastFile final : public io::File {
 public:
  BallastFile(BallastFiles& files, std::string path, std::unique_ptr<io::File> below)
      : files_(files), path_(std::move(path)), below_(std::move(below)) {}

  using File::write_at;
  Status write_at(uint64_t offset, std::span<const std::string_view> pieces) override;
  Result<size_t> read_at(uint64_t offset, std::span<char> into) const override {
    return below_->read_at(offset, into);
  }
  Status truncate(uint64_t size) override { return below_->truncate(size); }
  Result<io::FileInfo> info() const override { return below_->info(); }

 private:
  Status sync_file() override { return below_->sync(); }

  BallastFiles& files_;
  const std::string path_;
  const std::unique_ptr<io::File> below_;
};

BallastFiles::BallastFiles(io::FileSystem& below, std::string directory, Tell tell, uint64_t bytes)
    : below_(below),
      directory_(std::move(directory)),
      path_(ballast_path(directory_)),
      tell_(std::move(tell)),
      bytes_(bytes) {
  ASSERT(bytes_ > 0 && bytes_ < UINT64_MAX / kRoom);
  const auto found = below_.info(path_);
  missing_ = !found || found->size < bytes_;
}

bool BallastFiles::may_have_it(const std::string& path) const {
  ASSERT(!path.empty());
  const bool grows = path.ends_with(".log") || path.ends_with(".compacted") || path.ends_with(".checkpoint") ||
                     path.ends_with(".checkpoint.tmp");
  return !grows || path.starts_with(journal_directory(directory_) + "/");
}

bool BallastFiles::give_up(const std::string& wanted_by) {
  const std::lock_guard lock(mutex_);
  const auto found = below_.info(path_);
  if (!found || found->size == 0) return false;
  const auto file = below_.open(path_, io::OpenMode::kReadWrite);
  if (!file || !(*file)->truncate(0)) return false;
  ASSERT(path_ != wanted_by);
  missing_ = true;
  if (tell_) {
    tell_("the disk of '" + directory_ + "' is full: the log gives up " + std::to_string(found->size) +
          " bytes that it kept for that, so that '" + wanted_by + "' can be written; free space on it");
  }
  return true;
}

template <class Work>
auto BallastFiles::with_ballast(const std::string& path, const Work& work) -> decltype(work()) {
  auto outcome = work();
  if (!no_space(outcome) || !may_have_it(path) || !give_up(path)) return outcome;
  return work();
}

Status BallastFile::write_at(uint64_t offset, std::span<const std::string_view> pieces) {
  return files_.with_ballast(path_, [&] { return below_->write_at(offset, pieces); });
}

Result<std::unique_ptr<io::File>> BallastFiles::open(const std::string& path, io::OpenMode mode, int permissions) {
  TRY_ASSIGN(std::unique_ptr<io::File> file,
             with_ballast(path, [&] { return below_.open(path, mode, permissions); }));
  if (mode == io::OpenMode::kRead || !may_have_it(path)) return file;
  return std::make_unique<BallastFile>(*this, path, std::move(file));
}

Status BallastFiles::rename(const std::string& from, const std::string& to) {
  return with_ballast(to, [&] { return below_.rename(from, to); });
}

Status BallastFiles::write_ballast() {
  TRY_ASSIGN(const std::unique_ptr<io::File> file, below_.open(path_, io::OpenMode::kOpenOrCreate));
  uint64_t state = 0x9e3779b97f4a7c15;
  for (uint64_t at = 0; at < bytes_; at += kPieceBytes) {
    const std::string piece = noise(state);
    const Status written =
        file->write_at(at, std::string_view(piece).substr(0, std::min<uint64_t>(kPieceBytes, bytes_ - at)));
    if (written) continue;
    (void)file->truncate(0);
    return written;
  }
  TRY(file->sync());
  return below_.sync_directory(directory_);
}

Status BallastFiles::make() {
  const std::lock_guard lock(mutex_);
  if (!missing_) return {};
  const auto free = below_.free_bytes(directory_);
  if (free && *free < bytes_ * kRoom) return {};
  Status made = write_ballast();
  if (no_space(made)) return {};
  ASSERT(!made || below_.info(path_)->size == bytes_);
  if (made) missing_ = false;
  return made;
}

}  // namespace colloquium::log
