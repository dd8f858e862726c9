// SegmentIndex: where in a segment an offset or a time is to be found, by the nearest batch before it.
//
// On disk as Kafka's: .index of 8-byte entries {int32 offset − base, int32 position}, .timeindex of 12-byte
// entries {int64 time, int32 offset − base}, big-endian. Neither has a checksum, and neither is trusted: a
// reader finds a whole valid batch of the right offset where an entry points, or rebuilds from the segment.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

class SegmentIndex {
 public:
  struct Entry {
    int64_t offset;
    uint64_t position;
    int64_t time_ms;  // of the batch there, which is not before any earlier batch's
  };

  // REQUIRES: rising offsets and positions. Takes every batch; keeps one per 4 KiB of segment.
  void add(const Entry& entry);

  // The last entry at or before; {base, 0} semantics are the caller's if there is none.
  const Entry* before_offset(int64_t offset) const;
  const Entry* before_position(int64_t position) const;
  // The last entry whose time is before `time_ms`: the first batch at or after that time follows it.
  const Entry* before_time(int64_t time_ms) const;

  size_t size() const { return entries_.size(); }
  // Drops what stands at or behind `position` (a cut).
  void cut(uint64_t position);

  std::string index_bytes(int64_t base_offset) const;
  std::string time_index_bytes(int64_t base_offset) const;
  // False if the two do not fit each other or a segment of this size.
  static bool parse(std::string_view index, std::string_view time_index, int64_t base_offset,
                    uint64_t segment_bytes, SegmentIndex& into);

  // By hopping over the headers of [0, end) of `file`.
  static Result<SegmentIndex> rebuild(std::shared_ptr<const io::File> file, uint64_t end);

 private:
  std::vector<Entry> entries_;
};

// From the segment's index files, or rebuilt if they are missing or unfit.
Result<SegmentIndex> load_index(const io::FileSystem& fs, const std::string& partition_directory,
                                int64_t base_offset, std::shared_ptr<const io::File> file, uint64_t end);
// Whether the files hold exactly this index.
bool index_files_fit(const io::FileSystem& fs, const std::string& partition_directory, int64_t base_offset,
                     const SegmentIndex& index);
// Not synced: a lost index is rebuilt.
Status store_index(io::FileSystem& fs, const std::string& partition_directory, int64_t base_offset,
                   const SegmentIndex& index);

}  // namespace colloquium::log
