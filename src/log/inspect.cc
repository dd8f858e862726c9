#include "log/inspect.h"

#include <algorithm>

#include "base/assert.h"
#include "log/batch_cursor.h"
#include "log/clean_marker.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/segment_scan.h"

namespace colloquium::log {
namespace {

struct SyncedEnd {
  int64_t offset;
  uint64_t position;
};

// The last sync mark of a segment that is being written, its first byte if there is none.
Result<SyncedEnd> last_mark(const io::File& file, uint64_t size, int64_t base, const EpochTable& epochs) {
  ASSERT(base >= 0);
  // Groups are a few megabytes, so the last mark is near the end; look there first, then everywhere.
  constexpr uint64_t kNear = uint64_t{32} << 20;
  const uint64_t near = size > kNear ? size - kNear : 0;
  TRY_ASSIGN(auto mark, last_mark_behind(file, near, size, epochs));
  if (!mark && near > 0) {
    TRY_ASSIGN(mark, last_mark_behind(file, 0, size, epochs));
  }
  if (!mark) return SyncedEnd{base, 0};
  ASSERT(mark->position <= size);
  return SyncedEnd{mark->offset, mark->position};
}

// Where the last segment's certainly synced part ends.
Result<SyncedEnd> synced_end(io::FileSystem& fs, const std::string& directory, int64_t base,
                             const EpochTable& epochs, const CleanEntry* clean) {
  ASSERT(clean == nullptr || clean->end.next_offset >= 0);
  TRY_ASSIGN(const std::unique_ptr<io::File> file,
             fs.open(segment_path(directory, base, "log"), io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  if (clean != nullptr && clean->end.has_active && clean->end.active_base == base &&
      clean->end.active_bytes == info.size) {
    return SyncedEnd{clean->end.next_offset, info.size};
  }
  TRY_ASSIGN(SyncedEnd end, last_mark(*file, info.size, base, epochs));
  if (epochs.current_start() <= end.offset) return end;
  // An incarnation began behind the last mark: hop there.
  TRY_ASSIGN(std::unique_ptr<io::File> again, fs.open(segment_path(directory, base, "log"), io::OpenMode::kRead));
  BatchCursor cursor(std::move(again), end.position, info.size);
  while (end.offset < epochs.current_start()) {
    const auto item = cursor.next(false);
    if (!item || !*item) break;
    end = {(*item)->header.last_offset() + 1, cursor.position()};
  }
  return end;
}

struct SegmentEnd {
  int64_t offset;
  uint64_t position;
  bool sealed;
};

// Of a segment that another one follows. What its seal would say is known without it: all of the file, up to the
// next. So a seal that is missing or damaged takes nothing away from a reader; to tell of it is verify's part.
Result<SegmentEnd> finished_end(io::FileSystem& fs, const std::string& directory, int64_t base,
                                int64_t next_base) {
  ASSERT(next_base > base);
  const auto seal = read_seal(fs, segment_path(directory, base, "seal"));
  if (seal) return SegmentEnd{seal->next_offset, seal->size_bytes, true};
  if (seal.error().code != ErrorCode::kNotFound && seal.error().code != ErrorCode::kCorrupt)
    return fail(seal.error());
  TRY_ASSIGN(const io::FileInfo info, fs.info(segment_path(directory, base, "log")));
  return SegmentEnd{next_base, info.size, false};
}

// Of the newest, which may be sealed too: after a restore, or while there is no room for another.
Result<SegmentEnd> newest_end(io::FileSystem& fs, const std::string& directory, int64_t base,
                              const EpochTable& epochs, const CleanEntry* clean) {
  ASSERT(base >= 0);
  const auto seal = read_seal(fs, segment_path(directory, base, "seal"));
  if (seal) return SegmentEnd{seal->next_offset, seal->size_bytes, true};
  if (seal.error().code != ErrorCode::kNotFound && seal.error().code != ErrorCode::kCorrupt)
    return fail(seal.error());
  TRY_ASSIGN(const SyncedEnd synced, synced_end(fs, directory, base, epochs, clean));
  return SegmentEnd{synced.offset, synced.position, false};
}

// The segments that retention has not removed, also if their files are still there.
Result<std::vector<int64_t>> kept_segments(const io::FileSystem& fs, const std::string& directory) {
  TRY_ASSIGN(const Oldest oldest, read_oldest(fs, directory));
  TRY_ASSIGN(std::vector<int64_t> bases, list_segments(fs, directory));
  ASSERT(std::is_sorted(bases.begin(), bases.end()));
  bases.erase(bases.begin(), std::lower_bound(bases.begin(), bases.end(), oldest.offset));
  return bases;
}

}  // namespace

bool removed_since(const io::FileSystem& fs, const std::string& partition_directory, int64_t base_offset,
                   const Error& error) {
  if (error.code != ErrorCode::kNotFound) return false;
  const auto oldest = read_oldest(fs, partition_directory);
  return oldest && oldest->offset > base_offset;
}

Result<std::shared_ptr<Partition>> inspect_partition(io::FileSystem& fs, const std::string& directory,
                                                     const std::string& stream, const std::string& tag,
                                                     int32_t number, std::shared_ptr<const KeyRing> keys) {
  const std::string folder = partition_directory(directory, stream, number);
  auto partition = std::make_shared<Partition>(fs, folder, stream, tag, number, 0);
  partition->set_keys(std::move(keys));
  TRY_ASSIGN(const EpochTable epochs, EpochTable::read(fs, epochs_path(folder)));
  partition->set_epochs(std::make_shared<const EpochTable>(epochs));
  TRY_ASSIGN(GapTable gaps, GapTable::read(fs, gaps_path(folder)));
  partition->set_gaps(std::move(gaps));
  TRY_ASSIGN(const std::vector<int64_t> bases, kept_segments(fs, folder));
  TRY_ASSIGN(const std::optional<CleanMarker> marker, read_clean(fs, clean_path(directory)));
  const CleanEntry* clean = nullptr;
  if (marker && marker->count({stream, number}) != 0) clean = &marker->at({stream, number});

  int64_t end = 0;
  uint64_t sealed_bytes = 0;
  for (size_t i = 0; i < bases.size(); ++i) {
    const int64_t base = bases[i];
    const bool finished = i + 1 < bases.size();  // before the next one was made
    const auto end_here =
        finished ? finished_end(fs, folder, base, bases[i + 1]) : newest_end(fs, folder, base, epochs, clean);
    if (!end_here && removed_since(fs, folder, base, end_here.error())) continue;
    if (!end_here) return fail(end_here.error());
    auto segment = std::make_shared<Segment>(folder, base, end_here->sealed);
    segment->set_readable_bytes(end_here->position);
    if (end_here->sealed || finished) sealed_bytes += end_here->position;
    end = std::max(end, end_here->offset);
    partition->add_segment(std::move(segment));
  }
  // All that was there when we looked has been removed since: look again.
  if (!bases.empty() && partition->segments().empty()) {
    return inspect_partition(fs, directory, stream, tag, number, partition->keys());
  }
  ASSERT(end >= 0);
  partition->add_sealed_bytes(sealed_bytes);
  partition->open_at(partition->gaps().skip(end));
  return partition;
}

}  // namespace colloquium::log
