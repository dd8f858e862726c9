// EventImport: lines that become events of a stream, each exactly once.
//
// The last line that is done is stored with every batch, as the cursor of a source "import:<where from>": so an
// import that was interrupted at any moment goes on behind what is in the stream, partition by partition, because
// a line's partition follows from the line and its number alone. With the line a checksum of all lines up to it is
// stored, so that another file is not taken for the rest of the first.
//
// Thread safety: main thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "app/event_lines.h"
#include "app/ndjson_reader.h"
#include "app/offline_log.h"
#include "app/progress_line.h"

namespace colloquium::app {

struct ImportRequest {
  std::string stream;
  log::StreamId id = 0;
  int32_t partitions = 1;  // of the stream
  std::string name;        // of the file, for messages
  std::string source;      // "import:…"; empty: nothing is stored, and nothing can be resumed
  bool plain = false;      // a line is the value itself
  bool by_key = false;     // partitions of lines do not count
  bool skip_bad = false;   // a bad line is told and left out
};

// What went into a partition.
struct ImportedPart {
  uint64_t events = 0;
  int64_t first_offset = 0;
  int64_t last_offset = 0;
};

class EventImport {
 public:
  EventImport(ImportRequest request, OfflineLog& log, Console& console);

  // Finds what an import of this source has done before. With `resume` it goes on behind it, and kNotFound says
  // that there is nothing; with `again` it begins anew. With neither, kConflict if there is anything.
  Status begin(bool resume, bool again);

  // Until the lines end, or the first bad one, whose place is the error's context. What stood before it is
  // durable.
  Status run(NdjsonReader& reader);

  const std::vector<ImportedPart>& parts() const { return parts_; }
  uint64_t skipped_before() const { return skipped_before_; }  // done by the import that was interrupted
  uint64_t bad_lines() const { return bad_lines_; }

 private:
  struct Done {
    uint64_t line = 0;  // everything up to it is in the partition
    uint32_t crc = 0;   // of all lines up to it
  };

  Status take(std::string_view line, uint64_t number);
  Result<int32_t> partition_of(const EventLine& event, uint64_t number) const;
  void add(const EventLine& event, int32_t partition);
  Status flush();
  Status tell_bad(uint64_t number, const Error& error);
  Status check_same(uint64_t number) const;
  Status check_ended(uint64_t lines) const;
  tl::unexpected<Error> other_file(uint64_t line) const;
  std::string place(uint64_t line, const std::string& column) const;

  ImportRequest request_;
  OfflineLog& log_;
  Console& console_;
  SystemClock clock_;
  ProgressLine progress_;
  EventLineParser parser_;
  std::vector<Done> done_;                               // by partition, from an earlier run
  std::vector<std::unique_ptr<BatchBuilder>> builders_;  // by partition: what was not appended yet
  size_t pending_bytes_ = 0;
  Done cursor_;  // what has been read
  std::vector<ImportedPart> parts_;
  uint64_t skipped_before_ = 0;
  uint64_t bad_lines_ = 0;
};

}  // namespace colloquium::app
