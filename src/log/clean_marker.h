// CLEAN: left by a clean stop, taken away before the next write. It says how every partition ended, so that a
// start after it need not read the segments.
//
// Thread safety: values and functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/partition_writer.h"
#include "log/seal.h"

namespace colloquium::log {

struct CleanEntry {
  PartitionEnd end;
  uint64_t sealed_bytes = 0;
  uint32_t index_crc = 0;  // of the active segment's index files, one after the other
  SourceMarks sources;
};

// By stream (empty: the journal) and partition.
using CleanMarker = std::map<std::pair<std::string, int32_t>, CleanEntry>;

std::string clean_text(const CleanMarker& marker);
// Nothing if there is no CLEAN; a damaged one counts as none.
Result<std::optional<CleanMarker>> read_clean(const io::FileSystem& fs, const std::string& path);

// CRC-32C of a segment's index files; 0 if they can't be read.
uint32_t index_files_crc(const io::FileSystem& fs, const std::string& partition_directory, int64_t base_offset);

}  // namespace colloquium::log
