// DataInstant: how long every file of a data directory was at one instant, also while another process writes it.
//
// What a process wrote before an instant is what it would have left if it had been killed then, and recovery knows
// how to go on from that. So a copy that ends where an instant says is as good as a directory after a kill, and
// needs neither the process nor, if it is encrypted, a key. All files can't be looked at in one moment; but
// outputs and their commit hang together through the journal alone, and so the moment is one in which the journal
// did not grow: no output that stood then was committed later, and none that had been committed is missing.
//
// Thread safety: functions and values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/epochs.h"
#include "log/gaps.h"
#include "log/oldest.h"
#include "log/segment_key.h"

namespace colloquium::log {

// A segment of the journal, which the journal removes when it has begun the next: so it is held open.
struct HeldSegment {
  std::shared_ptr<const io::File> file;
  std::optional<StoredKey> key;  // nothing: it is in the clear
  std::string key_text;          // of the key's file
};

struct PartitionInstant {
  std::string stream;  // empty: the commit journal
  std::string tag;     // of the stream
  int32_t number = 0;
  std::string folder;
  EpochTable epochs;  // empty: there was no file, nor any segment
  GapTable gaps;
  Oldest oldest;
  std::vector<int64_t> bases;     // of the segments from `oldest` on
  bool last_sealed = false;       // the newest of them is finished
  uint64_t last_bytes = 0;        // length of the newest
  std::vector<HeldSegment> held;  // of the journal: by `bases`

  bool is_journal() const { return stream.empty(); }
};

struct DataInstant {
  PartitionInstant journal;
  std::vector<PartitionInstant> partitions;  // of all streams
  std::vector<std::string> streams;
};

// The same without lengths, and of no one moment: files may have come and gone meanwhile.
Result<DataInstant> look_at_data(io::FileSystem& fs, const std::string& directory);

// A moment is tried for again and again; kUnavailable if the journal never stood still for as long as it takes to
// ask for the lengths of the newest segments.
Result<DataInstant> take_instant(io::FileSystem& fs, const std::string& directory);

}  // namespace colloquium::log
