// Machine: a disk, a clock, an executor and the log that runs on them, as one seed decides.
//
// Thread safety: none.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim_executor.h"
#include "log/nonce_watch_test.h"
#include "log/segment_log.h"
#include "tests/sim/disk.h"
#include "tests/sim/model.h"

namespace colloquium::sim {

enum class End { kPowerLoss, kSomeSectors, kKilled };

// How the log is set up: small, so that every kind of event comes soon.
struct Shape {
  explicit Shape(uint64_t seed);
  log::LogOptions options;
  std::vector<int> partitions;  // of each of kStreams
  bool encrypted = false;
};

class Machine {
 public:
  Machine(const Shape& shape, uint64_t seed);
  // Its disk, copied; nothing runs.
  Machine(const Machine& other, uint64_t seed);
  ~Machine();
  Machine& operator=(const Machine&) = delete;

  // Starts the log, with the streams; `late` too if it is wanted or there.
  Status open(bool late);
  Status open_late();
  void settle() { executor.run_until_idle(); }
  // The log is gone, and the machine or the process with it.
  void end(End how);
  void drop_log();
  // What the log did to the disk, or with its keys, that it may never do; empty: nothing.
  std::string misdeed() const;
  int partitions_of(size_t stream) const { return shape.partitions[stream]; }
  log::StreamId id(Place place) const { return streams[static_cast<size_t>(place.stream)]; }

  const Shape shape;
  ManualClock clock;
  SimExecutor executor;
  SeededRandom random;
  SeededRandom chance;  // of what a crash keeps
  Disk disk;
  log::NonceWatch nonces;  // of all lives
  std::unique_ptr<log::SegmentLog> log;
  std::vector<log::StreamId> streams;  // −1: not open
  log::StreamId table = -1;
  std::optional<Error> failure;     // the log can't go on
  uint64_t compacted_segments = 0;  // by logs that are gone
};

}  // namespace colloquium::sim
