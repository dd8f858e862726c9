#include "log/segment_copy.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::log {
namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

// Never the file that is there: that may be an older snapshot's too.
Result<std::unique_ptr<io::File>> create_anew(io::FileSystem& fs, const std::string& path) {
  ASSERT(!path.empty());
  if (fs.info(path)) TRY(fs.remove(path));
  return fs.open(path, io::OpenMode::kCreate);
}

// Small batches are written together.
class Pending {
 public:
  explicit Pending(io::File& file) : file_(file) {}

  Status add(std::string_view bytes) {
    waiting_ += bytes;
    return waiting_.size() < kWriteBytes ? Status() : flush();
  }
  Status flush() {
    ASSERT(waiting_.size() <= UINT32_MAX);
    if (waiting_.empty()) return {};
    TRY(file_.write_at(written_bytes_, waiting_));
    written_bytes_ += waiting_.size();
    waiting_.clear();
    return {};
  }
  Status cut(uint64_t size) {
    if (written_bytes_ == size) return {};
    ASSERT(written_bytes_ > size && waiting_.empty());
    return file_.truncate(size);
  }

 private:
  io::File& file_;
  std::string waiting_;
  uint64_t written_bytes_ = 0;
};

}  // namespace

Result<SegmentScan> copy_segment(io::FileSystem& fs, const std::shared_ptr<const io::File>& from,
                                 int64_t base_offset, uint64_t size, const EpochTable& epochs,
                                 const Evidence& evidence, const std::string& to, const BatchVisitor& visit) {
  ASSERT(from != nullptr && base_offset >= 0);
  TRY_ASSIGN(const std::unique_ptr<io::File> file, create_anew(fs, to));
  Pending pending(*file);
  const auto take = [&](const BatchCursor::Item& item) -> Status {
    TRY(visit(item));
    return pending.add(item.bytes);
  };
  TRY_ASSIGN(SegmentScan scan, scan_segment(from, {0, base_offset}, size, epochs, evidence, take));
  TRY(pending.flush());
  if (scan.uncommitted) scan.end = *scan.uncommitted;
  TRY(pending.cut(scan.end.active_bytes));
  TRY(file->sync());
  return scan;
}

Status write_copy(io::FileSystem& fs, const std::string& to, std::string_view content) {
  ASSERT(!to.empty());
  TRY_ASSIGN(const std::unique_ptr<io::File> file, create_anew(fs, to));
  TRY(file->write_at(0, content));
  return file->sync();
}

}  // namespace colloquium::log
