// Seals: what a finished segment is, written once when the next one is begun.
//
// A sealed segment is never written again. Its seal lets a start trust it by its size alone, lets a scrub
// compare every byte, and lets a reader skip it by time. Compaction replaces it with that of the compacted
// segment: which segment counts is what the seal says. Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/sidecar.h"

namespace colloquium::log {

// The last batch of a source in a partition: what accepted_since tells of it whatever its age.
struct SourceMark {
  std::string cursor;
  int64_t first_offset = 0;
  int64_t append_time_ms = 0;
};
using SourceMarks = std::map<std::string, SourceMark>;

// A line "source NAME CURSOR OFFSET TIME" each, in seals and where seals are summed up.
void write_source_lines(SidecarWriter& writer, const SourceMarks& sources);
// From the fields that begin with the name at `first`; false if they are malformed.
bool read_source_fields(const SidecarLine& line, size_t first, SourceMarks& sources);

// What compaction has done to a segment (compactor.h).
struct Compacted {
  int32_t generation = 0;    // how often it was written anew: 0, never, and no batch bears the mark of it
  int64_t below_offset = 0;  // its records below were compared with each other and with all that is older …
  int64_t time_ms = 0;       // … and since then with all of its own; 0: not with all of them yet
  int64_t tombstones = 0;    // left in it then

  bool any() const { return generation > 0 || below_offset > 0; }
};

struct Seal {
  int64_t base_offset = 0;
  int64_t next_offset = 0;  // the following segment's first offset
  int64_t events_end = 0;   // behind the last event: next_offset, or less if a sync mark is the last batch
  uint64_t size_bytes = 0;
  uint32_t crc = 0;  // CRC-32C of the whole file
  int64_t first_time_ms = 0;
  int64_t max_time_ms = 0;
  int32_t first_epoch = 0;
  int32_t last_epoch = 0;
  SourceMarks sources;  // of the partition, up to this segment's end
  Compacted compacted;
};

std::string seal_text(const Seal& seal);
Result<Seal> read_seal(const io::FileSystem& fs, const std::string& path);

}  // namespace colloquium::log
