// Opening a data directory: its format, its journal, and every stream, recovered.
//
// Thread safety: functions; before the log thread runs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/journal.h"
#include "log/log.h"
#include "log/partition_writer.h"
#include "log/segment_log.h"
#include "log/stream_meta.h"

namespace colloquium::log {

struct OpenStream {
  std::string name;
  StreamMeta meta;
  std::vector<std::unique_ptr<PartitionWriter>> writers;  // by partition
  Retention retention;                                    // as it was opened with; at first nothing is removed
  Compaction compaction;                                  // likewise
};

struct OpenData {
  std::string tag;
  std::unique_ptr<Journal> journal;
  std::vector<std::unique_ptr<OpenStream>> streams;
  RecoveryReport report;
};

// Recovers everything; afterwards CLEAN is gone. kCorrupt, with nothing changed, if anything synced is damaged.
Result<OpenData> open_data(const LogOptions& options);

// The same for a directory of which something is unfinished, by who finishes it.
Result<OpenData> recover_data(const LogOptions& options);

// A stream just made.
Result<std::unique_ptr<OpenStream>> make_stream(const LogOptions& options, const StreamSpec& spec,
                                                size_t memory_bytes);

// Writes CLEAN for partitions that are synced and marked.
Status write_clean(io::FileSystem& fs, const std::string& directory, Journal& journal,
                   const std::vector<OpenStream*>& streams);

// What of the memory for newest events each of `partitions` may have.
size_t memory_share(const LogOptions& options, size_t partitions);

}  // namespace colloquium::log
