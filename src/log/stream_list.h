// The streams of a data directory, and those that are gone from it.
//
// A stream is there when its meta file is. A folder without one is what a crash left of a stream's making, as long
// as it holds no segments: those are somebody's events, and whoever reads the directory has to say so. In the same
// way a stream that the commit journal or CLEAN speaks of and that is not there was lost, whatever took it: its
// legs' positions would swallow the first events of a new stream of that name.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/clean_marker.h"
#include "log/journal_state.h"

namespace colloquium::log {

// A stream's folder: `lost_meta` if it holds segments and no meta file.
struct StreamFolder {
  std::string name;
  bool lost_meta = false;
};
// Without folders that were not made completely; by name. None if there is no folder of streams.
Result<std::vector<StreamFolder>> list_stream_folders(const io::FileSystem& fs, const std::string& directory);

// The names alone. kCorrupt if one lost its meta file.
Result<std::vector<std::string>> list_streams(const io::FileSystem& fs, const std::string& directory);

Error lost_meta_error(const std::string& directory, const std::string& stream);

struct AbsentPartition {
  std::string stream;
  int32_t partition = 0;
  int64_t end = 0;  // offsets below were there
  std::string why;

  // What is missing, how that is known and what to do.
  Error error() const;
};
// What the journal and CLEAN know of, and is in none of these streams (with their numbers of partitions).
std::vector<AbsentPartition> absent_partitions(const JournalState& journal,
                                               const std::optional<CleanMarker>& clean,
                                               const std::map<std::string, int32_t>& streams);

}  // namespace colloquium::log
