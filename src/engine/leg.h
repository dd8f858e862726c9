// Leg: what runs between two durable points of a pipeline, from where the runners of its partitions hand it what
// the pure stages made: to a sink (SinkLeg), or through an asynchronous stage into a stream (StageLeg).
//
// Life: start → deliver … → drained or failed → close → destroyed after `closed`. Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "config/pipeline_config.h"
#include "engine/leg_letters.h"
#include "engine/partition_runner.h"
#include "engine/retry_policy.h"
#include "log/log.h"

namespace colloquium {
struct ComponentCounters;
}

namespace colloquium::engine {

class DeadLetterTally;

// How a leg names a partition of its input in a commit.
struct CommitPartition {
  log::StreamId stream = 0;
  int32_t partition = 0;
  std::string external;  // `log: off`: the source's name; its parts are called by part_name()
  std::string id;        // the beginning of its events' ids (partition_id); likewise
};

// What every leg is told, whatever it ends in.
struct LegOptions {
  std::string commit_name;  // "<pipeline>/<sink or stage>": the leg in the journal
  std::string component;    // the sink's or stage's own name
  // By the index that LegItem::partition means.
  std::vector<CommitPartition> partitions;
  RetryPolicy retry;
  config::FailureAction then = config::FailureAction::kDeadLetter;  // of what failed for good
  std::string to;                                                   // as StageChain::Link::to
  // A commit is due when either is reached: this long after something was done, or this many bytes of events and
  // envelopes. Between two commits a crash makes a sink without token see events again.
  int64_t commit_interval_ms = 100;
  size_t commit_bytes = 8u << 20;
  // A component that takes nothing for as many attempts as an event has fails the leg instead of being waited
  // for: for runs that have to end and keep nothing to go on with.
  bool fail_when_stuck = false;
  log::Log* log = nullptr;  // null: nothing is stored
  LetterPlaces places;
  ComponentCounters* counters = nullptr;  // never null
  DeadLetterTally* letters = nullptr;     // never null
};

class Leg {
 public:
  virtual ~Leg() = default;

  // `release(partition, bytes)` gives credit back to the partition's runner. `drained` runs once when every
  // partition has ended and everything is committed; `failed` once if the leg can't go on.
  virtual void start(std::function<void(size_t, size_t)> release, Task drained,
                     UniqueFunction<void(Error)> failed) = 0;
  virtual void deliver(LegItem item) = 0;

  // Begins nothing new, waits for what is under way, closes the component.
  virtual void close(Task closed) = 0;

  virtual std::string last_error() const = 0;
  // What was tried last did not succeed (until something does, not only while its retry waits), or was not
  // committed.
  virtual bool degraded() const = 0;
  // Events of a partition that were delivered and are not done, those under way included.
  virtual uint64_t waiting_events(size_t partition) const = 0;
};

}  // namespace colloquium::engine
