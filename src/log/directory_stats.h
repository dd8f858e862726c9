// What a data directory holds, in numbers: for `log stats`.
//
// Walks the headers of all batches and reads their contents only where asked to (`exact`), so that many gigabytes
// take seconds. Without a lock, also while another process writes: the numbers are of what was certainly synced
// when each partition was looked at. Memory does not grow with the log.
//
// Thread safety: functions and values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/journal_state.h"
#include "log/key_ring.h"
#include "log/log.h"

namespace colloquium::log {

// A leg that has committed a position in the stream.
struct LegPosition {
  std::string leg;
  int64_t next_offset = 0;  // of the first it has not committed
  uint64_t events_behind = 0;
  int64_t oldest_ms = -1;  // append time of the oldest of those; −1: there is none
};

// Of a partition, or of all of a stream: then offsets are 0, and legs are left out.
struct PartitionStats {
  int64_t oldest_offset = 0;
  int64_t next_offset = 0;
  uint64_t segments = 0;
  uint64_t batches = 0;  // that hold events
  uint64_t events = 0;
  uint64_t events_per_batch_p99 = 0;  // exact below 64, else less than 4 % too high
  uint64_t events_per_batch_max = 0;
  uint64_t size_bytes = 0;
  // What the log would take without compression; nothing if a batch does not tell (it is encrypted, say).
  std::optional<uint64_t> uncompressed_bytes = 0;
  std::map<Codec, uint64_t> codecs;  // batches of each
  int64_t first_append_ms = -1;
  int64_t last_append_ms = -1;
  // Appended within that time before the stream's last append; a second more or less.
  uint64_t events_last_hour = 0;
  uint64_t events_last_minute = 0;
  std::map<std::string, uint64_t> keys;  // ids, and how many segments are encrypted with each
  std::vector<LegPosition> legs;

  // A second: the shortest time that a rate is of.
  double events_per_second() const;
  // Over `window_ms` before the last append, or since the first if that is less.
  double events_per_second(uint64_t events_within, int64_t window_ms) const;
};

struct StreamStats {
  std::string name;
  std::string tag;
  std::vector<PartitionStats> partitions;
  PartitionStats total;
};

struct StatsOptions {
  std::optional<std::string> stream;  // only this one
  bool exact = false;                 // read every batch, so that nothing is unknown (given the keys)
  std::shared_ptr<const KeyRing> keys;
};

struct DirectoryStats {
  std::vector<StreamStats> streams;
  uint64_t journal_bytes = 0;
  std::string journal_closed;  // why no leg is known; empty if they are
};

// kNotFound if there is no such directory or stream, kCorrupt where a header is damaged.
Result<DirectoryStats> directory_stats(io::FileSystem& fs, const std::string& directory,
                                       const StatsOptions& options);

}  // namespace colloquium::log
