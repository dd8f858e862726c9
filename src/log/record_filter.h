// RecordFilter: which records of a batch compaction leaves, and the batch's records without the others.
//
// A record goes if a newer one of its key stands below the end of what was compared, or if it is a tombstone whose
// time is over. One without a key stays. What stays keeps its offset, and every byte; but of a batch that loses
// records, the first that is left takes over the log's own header: the source, and with it the cursor, but no ids,
// which are remembered for no longer than a batch is left alone.
//
// Thread safety: belongs to one thread; keeps its compression context between calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "io/compress.h"
#include "log/key_table.h"
#include "log/record_batch.h"

namespace colloquium::log {

// The records of a batch, each looked at: kCorrupt for what no writer makes, whatever the checksum says.
class CheckedRecords {
 public:
  CheckedRecords(const BatchHeader& header, std::string_view unpacked)
      : last_offset_delta_(header.last_offset_delta), reader_(unpacked, header.record_count) {}

  // False at the end.
  Result<bool> next(Record& record);

 private:
  const int64_t last_offset_delta_;
  int64_t before_ = -1;
  RecordReader reader_;
};

// Whether a record is a version of its key. Not one that was put back for a single leg (kLegHeader): it is older
// than its offset says, and nobody else reads it. A version behind it replaces it like any other.
bool is_version(const Record& record);

class RecordFilter {
 public:
  // `newest` knows the keys of what stands below `below`; it outlives the filter.
  RecordFilter(KeyTable& newest, int64_t below) : newest_(newest), below_(below) {}
  // Of the segment that comes: whether its tombstones go.
  void set_drop_tombstones(bool drop) { drop_tombstones_ = drop; }

  struct Verdict {
    int32_t left = 0;
    int32_t tombstones = 0;  // of those
    bool all() const { return left == count; }
    int32_t count = 0;
  };
  // kCorrupt if the records are malformed. `unpacked`: uncompressed.
  Result<Verdict> judge(const BatchHeader& header, std::string_view unpacked);
  // What is left, compressed as the batch was; valid until the next call. REQUIRES: judge() said that some is
  // left, and some is not.
  Result<std::string_view> filter(const BatchHeader& header, std::string_view unpacked);

 private:
  bool stays(const BatchHeader& header, const Record& record);

  KeyTable& newest_;
  const int64_t below_;
  bool drop_tombstones_ = false;
  io::Compressor compressor_;
  std::string raw_;
  std::string packed_;
};

}  // namespace colloquium::log
