// Oldest: where a partition begins once retention has removed segments from its front.
//
// It is on the disk before the first of the removed files goes, so that a start can tell a removed front from a
// lost first segment, and finish a removal that was interrupted. Files of segments that begin below it are
// nobody's. What the removed seals said of the sources and the time lives on in it.
//
// Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/seal.h"

namespace colloquium::log {

struct Oldest {
  int64_t offset = 0;  // 0: nothing was ever removed
  int64_t max_time_ms = 0;
  SourceMarks sources;  // of the partition, up to `offset`
};

std::string oldest_text(const Oldest& oldest);
// Offset 0 if there is no such file.
Result<Oldest> read_oldest(const io::FileSystem& fs, const std::string& partition_directory);

// Removes every file of a segment that begins below `offset`, whatever its kind, and syncs the folder if there
// was any. What can't be removed is in the way of nobody and is tried again at the next start: `left` counts it.
Status remove_segments_below(io::FileSystem& fs, const std::string& partition_directory, int64_t offset,
                             size_t& left);

}  // namespace colloquium::log
