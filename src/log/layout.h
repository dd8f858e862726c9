// Where things are in a data directory:
//
//   FORMAT  LOCK  CLEAN
//   journal/                        one partition: the commits
//   streams/<name>/meta
//   streams/<name>/<partition>/     epochs, oldest, and per segment by its first offset:
//     00000000000000001234.log      batches
//     00000000000000001234.index    offset → position; rebuildable, written when the segment is sealed
//     00000000000000001234.timeindex
//     00000000000000001234.seal     what the sealed segment is
//     00000000000000001234.key      of an encrypted segment: its wrapped key
//     00000000000000001234.<position>.torn   what a recovery cut off
//     00000000000000001234.<generation>.compacted   what is to replace the .log file; there until it has
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

std::string format_path(const std::string& directory);
std::string clean_path(const std::string& directory);
std::string lock_path(const std::string& directory);
// What a repair has begun and must finish; what a restore has begun.
std::string repair_path(const std::string& directory);
std::string restoring_path(const std::string& directory);
std::string quarantine_directory(const std::string& directory);
std::string ballast_path(const std::string& directory);
std::string journal_directory(const std::string& directory);
std::string streams_directory(const std::string& directory);
std::string stream_directory(const std::string& directory, const std::string& stream);
std::string meta_path(const std::string& directory, const std::string& stream);
std::string partition_directory(const std::string& directory, const std::string& stream, int32_t partition);

std::string epochs_path(const std::string& partition_directory);
std::string gaps_path(const std::string& partition_directory);
std::string oldest_path(const std::string& partition_directory);
// suffix: "log", "index", "timeindex", "seal", "key".
std::string segment_path(const std::string& partition_directory, int64_t base_offset, std::string_view suffix);
std::string torn_path(const std::string& partition_directory, int64_t base_offset, uint64_t position);
std::string compacted_path(const std::string& partition_directory, int64_t base_offset, int32_t generation);

// First offsets of the segments of a partition, rising. Other files are passed over.
Result<std::vector<int64_t>> list_segments(const io::FileSystem& fs, const std::string& partition_directory);
// The same for the files of another suffix.
Result<std::vector<int64_t>> list_segment_files(const io::FileSystem& fs, const std::string& partition_directory,
                                                std::string_view suffix);

// The files that compacted_path() names.
struct CompactedFile {
  int64_t base_offset = 0;
  int32_t generation = 0;
};
Result<std::vector<CompactedFile>> list_compacted_files(const io::FileSystem& fs,
                                                        const std::string& partition_directory);

// The first offset of the segment that a file belongs to, of whatever kind; nothing if it belongs to none.
std::optional<int64_t> segment_of_file(std::string_view name);

// Names become folders: 1 to 200 of A–Z a–z 0–9 . _ -, and not "." or "..".
Status check_stream_name(const std::string& name);

// What a place is called in messages: "orders/0", or "the commit journal".
std::string partition_name(const std::string& stream, int32_t partition);

}  // namespace colloquium::log
