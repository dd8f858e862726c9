#include "log/segment_index.h"

#include <algorithm>

#include "base/assert.h"
#include "log/batch_cursor.h"
#include "log/layout.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {
constexpr uint64_t kIntervalBytes = 4096;
constexpr size_t kIndexEntryBytes = 8;
constexpr size_t kTimeEntryBytes = 12;
constexpr size_t kMaxIndexBytes = size_t{64} << 20;
}  // namespace

void SegmentIndex::add(const Entry& entry) {
  ASSERT(entries_.empty() || (entries_.back().offset < entry.offset && entries_.back().position < entry.position));
  if (!entries_.empty() && entry.position - entries_.back().position < kIntervalBytes) return;
  entries_.push_back(entry);
}

const SegmentIndex::Entry* SegmentIndex::before_offset(int64_t offset) const {
  ASSERT(offset >= 0);
  const auto after = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const Entry& entry) { return entry.offset <= offset; });
  return after == entries_.begin() ? nullptr : &*std::prev(after);
}

const SegmentIndex::Entry* SegmentIndex::before_position(int64_t position) const {
  ASSERT(position >= 0);
  const auto after = std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.position <= static_cast<uint64_t>(position);
  });
  return after == entries_.begin() ? nullptr : &*std::prev(after);
}

const SegmentIndex::Entry* SegmentIndex::before_time(int64_t time_ms) const {
  const auto after = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const Entry& entry) { return entry.time_ms < time_ms; });
  return after == entries_.begin() ? nullptr : &*std::prev(after);
}

void SegmentIndex::cut(uint64_t position) {
  ASSERT(std::is_sorted(entries_.begin(), entries_.end(),
                        [](const Entry& a, const Entry& b) { return a.position < b.position; }));
  while (!entries_.empty() && entries_.back().position >= position) entries_.pop_back();
}

std::string SegmentIndex::index_bytes(int64_t base_offset) const {
  std::string bytes;
  bytes.reserve(entries_.size() * kIndexEntryBytes);
  for (const Entry& entry : entries_) {
    ASSERT(entry.offset - base_offset <= INT32_MAX && entry.position <= UINT32_MAX);
    append_be32(bytes, static_cast<uint32_t>(entry.offset - base_offset));
    append_be32(bytes, static_cast<uint32_t>(entry.position));
  }
  return bytes;
}

std::string SegmentIndex::time_index_bytes(int64_t base_offset) const {
  std::string bytes;
  bytes.reserve(entries_.size() * kTimeEntryBytes);
  for (const Entry& entry : entries_) {
    ASSERT(entry.offset >= base_offset && entry.offset - base_offset <= INT32_MAX);
    append_be64(bytes, static_cast<uint64_t>(entry.time_ms));
    append_be32(bytes, static_cast<uint32_t>(entry.offset - base_offset));
  }
  return bytes;
}

bool SegmentIndex::parse(std::string_view index, std::string_view time_index, int64_t base_offset,
                         uint64_t segment_bytes, SegmentIndex& into) {
  ASSERT(base_offset >= 0);
  into.entries_.clear();
  if (index.size() % kIndexEntryBytes != 0 || index.empty()) return false;
  const size_t count = index.size() / kIndexEntryBytes;
  if (time_index.size() != count * kTimeEntryBytes) return false;
  ByteReader offsets(index);
  ByteReader times(time_index);
  for (size_t i = 0; i < count; ++i) {
    Entry entry{};
    const uint32_t relative = offsets.be32();
    entry.offset = base_offset + relative;
    entry.position = offsets.be32();
    entry.time_ms = static_cast<int64_t>(times.be64());
    if (times.be32() != relative || entry.position + kHeaderBytes > segment_bytes) return false;
    if (i > 0) {
      const Entry& last = into.entries_.back();
      if (entry.offset <= last.offset || entry.position <= last.position || entry.time_ms < last.time_ms)
        return false;
    }
    into.entries_.push_back(entry);
  }
  return into.entries_.front().position == 0 && into.entries_.front().offset == base_offset;
}

Result<SegmentIndex> SegmentIndex::rebuild(std::shared_ptr<const io::File> file, uint64_t end) {
  ASSERT(file != nullptr);
  SegmentIndex index;
  BatchCursor cursor(std::move(file), 0, end);
  for (;;) {
    TRY_ASSIGN(const auto item, cursor.next(false));
    if (!item) return index;
    const BatchHeader& header = item->header;
    if (index.size() != 0 && header.base_offset <= index.entries_.back().offset) {
      return fail(ErrorCode::kCorrupt, "the segment's offsets do not rise");
    }
    index.add({header.base_offset, item->position, header.max_timestamp_ms});
  }
}

Result<SegmentIndex> load_index(const io::FileSystem& fs, const std::string& directory, int64_t base_offset,
                                std::shared_ptr<const io::File> file, uint64_t end) {
  ASSERT(base_offset >= 0 && file != nullptr);
  const auto index = io::read_file(fs, segment_path(directory, base_offset, "index"), kMaxIndexBytes);
  const auto times = io::read_file(fs, segment_path(directory, base_offset, "timeindex"), kMaxIndexBytes);
  SegmentIndex loaded;
  if (index && times && SegmentIndex::parse(*index, *times, base_offset, end, loaded)) return loaded;
  return SegmentIndex::rebuild(std::move(file), end);
}

bool index_files_fit(const io::FileSystem& fs, const std::string& directory, int64_t base_offset,
                     const SegmentIndex& index) {
  ASSERT(base_offset >= 0);
  const auto offsets = io::read_file(fs, segment_path(directory, base_offset, "index"), kMaxIndexBytes);
  const auto times = io::read_file(fs, segment_path(directory, base_offset, "timeindex"), kMaxIndexBytes);
  return offsets && times && *offsets == index.index_bytes(base_offset) &&
         *times == index.time_index_bytes(base_offset);
}

Status store_index(io::FileSystem& fs, const std::string& directory, int64_t base_offset,
                   const SegmentIndex& index) {
  ASSERT(base_offset >= 0);
  const auto store = [&](std::string_view suffix, const std::string& bytes) -> Status {
    TRY_ASSIGN(const std::unique_ptr<io::File> file,
               fs.open(segment_path(directory, base_offset, suffix), io::OpenMode::kOpenOrCreate));
    TRY(file->truncate(0));
    return file->write_at(0, bytes);
  };
  TRY(store("index", index.index_bytes(base_offset)));
  return store("timeindex", index.time_index_bytes(base_offset));
}

}  // namespace colloquium::log
