// Verification: reads every byte of a data directory and says what of it is not as it has to be.
//
// Changes nothing and needs no lock. Beside a running process it meets groups that are half written, outputs whose
// commit comes a moment later, segments that retention removes: whatever looks like a defect it looks at again,
// after a pause, and tells only what stays. A process that stands still in the middle of a group for seconds looks
// like a crash, and its group is told as torn.
//
// Thread safety: a function, on any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/key_ring.h"

namespace colloquium::log {

struct VerifyProblem {
  std::string stream;  // empty: the commit journal, or the data directory itself
  int32_t partition = 0;
  std::string file;
  uint64_t position = 0;      // of the first bad byte's batch in the file
  int64_t first_offset = -1;  // what can't be read; −1: not a matter of offsets
  int64_t last_offset = -1;   // −1: unknown
  bool torn = false;          // left by a crash, above everything acknowledged; the next start cuts it off
  std::string what;

  // One line: where, which offsets, what, torn or corrupt.
  std::string describe() const;
};

struct VerifyReport {
  uint64_t partitions = 0;  // of streams; the journal is verified too and is none
  uint64_t segments = 0;    // all, the journal's too
  uint64_t batches = 0;     // that hold events
  uint64_t events = 0;      // of streams: what the log writes for itself (marks, commits) is none
  uint64_t bytes = 0;       // all that were read
  std::vector<VerifyProblem> problems;
  // What is not as it should be and costs nothing but time: a sentence each. `log repair` makes index files again.
  std::vector<std::string> notes;
  // Ids of keys that were not given, and how many segments are encrypted with each: of those everything was
  // checked but what the batches hold and, if one is the journal's, which outputs were committed.
  std::map<std::string, uint64_t> keys_needed;
  // A repair or a restore has begun and not ended: what it is and what to do. Empty: there is none. The problems
  // are then those of the directory as it stands in the middle of that.
  std::string unfinished;

  bool corrupt() const;
};

using VerifyProgress = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;
// Waits some ten milliseconds, so that a process which writes gets on.
using VerifyPause = std::function<void()>;

// A failure is an I/O error or a directory that is none of ours; damage is in the report. `progress` may be null;
// its last call is for all of it. `keys` open what is encrypted; without them everything is checked that needs
// none. `pause` may be null if nobody writes: then nothing is looked at again.
Result<VerifyReport> verify_data_directory(io::FileSystem& fs, const std::string& directory,
                                           const VerifyProgress& progress,
                                           std::shared_ptr<const KeyRing> keys = nullptr,
                                           const VerifyPause& pause = nullptr);

}  // namespace colloquium::log
