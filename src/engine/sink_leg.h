// SinkLeg: the end of a leg: writes batches to a sink in order per partition, retries, gives up, and commits.
//
// A partition has one write under way at a time, so that an event waiting for a retry holds back its
// partition on this leg and nothing else. A commit stores, in one step, the positions up to which everything
// is done, the envelopes of what was given up, and the sink's token. For a sink with a token the leg lets the
// writes under way end first, asks for the token, and goes on writing while the token and the commit are
// made durable.
//
// Thread safety: loop only. Destroy after close's callback.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/sink.h"

#include "engine/partition_runner.h"
#include "engine/retry_policy.h"
#include "log/log.h"

namespace colloquium {
struct ComponentCounters;
}

namespace colloquium::engine {

// How a leg names a partition of its input in a commit.
struct CommitPartition {
  log::StreamId stream = 0;
  int32_t partition = 0;
  std::string external;  // `log: off`: the source's name
};

struct SinkLegOptions {
  std::string commit_name;  // "<pipeline>/<sink>": the leg in the journal
  std::string sink_name;
  std::vector<CommitPartition> partitions;
  RetryPolicy retry;
  int64_t commit_interval_ms = 100;
  size_t commit_bytes = 8u << 20;
  bool first_token = false;  // nothing was ever committed for this leg: store the sink's token before it writes
  log::Log* log = nullptr;   // null: nothing is stored; the token is asked for once, at the end
  std::optional<log::StreamId> dead_stream;        // nothing: dead letters are logged and counted
  std::shared_ptr<const BatchOrigin> dead_origin;  // set with dead_stream
  ComponentCounters* counters = nullptr;           // never null
};

class SinkLeg {
 public:
  SinkLeg(SinkLegOptions options, std::unique_ptr<Sink> sink, Loop& loop, const Clock& clock, Random& random);
  ~SinkLeg();

  Sink& sink() { return *sink_; }

  // `release(partition, bytes)` gives credit back to the partition's runner. `drained` runs once when every
  // partition has ended and everything is committed; `failed` once if the leg can't go on.
  void start(std::function<void(size_t, size_t)> release, Task drained, UniqueFunction<void(Error)> failed);

  void deliver(LegItem item);

  // Stops writing, waits for what is under way, closes the sink.
  void close(Task closed);

  const std::string& last_error() const { return last_error_; }
  bool waiting_for_retry() const;
  size_t queued_items() const;

 private:
  struct Lane;

  void pump(Lane& lane);
  void write(Lane& lane);
  void written(Lane& lane, std::vector<EventOutcome> outcomes);
  void give_up(Lane& lane, size_t event, const Error& error, int64_t attempts);
  void schedule_retry(Lane& lane, const EventOutcome& outcome, std::shared_ptr<const Batch> rest);
  void complete(Lane& lane);

  void progress_made(size_t bytes);
  void begin_first_commit();
  void begin_commit();
  void try_token();
  log::CommitRequest collect(std::optional<std::string> token);
  void add_letters(const Batch& letters, size_t part_bytes, log::CommitRequest& request);
  void add_output(const std::shared_ptr<const Batch>& letters, log::CommitRequest& request);
  void store(log::CommitRequest request);
  void stored(Status status, const std::optional<std::string>& token);
  void check_drained();
  void check_closed();
  void fail(Error error);

  SinkLegOptions options_;
  std::unique_ptr<Sink> sink_;
  Loop& loop_;
  const Clock& clock_;
  Random& random_;
  std::function<void(size_t, size_t)> release_;
  Task drained_;
  UniqueFunction<void(Error)> failed_;
  Task closed_;

  std::vector<std::unique_ptr<Lane>> lanes_;
  BatchBuilder dead_;  // envelopes of what is done and not committed
  size_t uncommitted_bytes_ = 0;
  bool dirty_ = false;    // something done is not committed
  bool barrier_ = false;  // no new writes until the token is asked for
  bool holding_ = false;  // no writes until the first token is stored
  bool committing_ = false;
  bool broken_ = false;  // the sink can write nothing any more
  bool closing_ = false;
  bool sink_closed_ = false;
  std::unique_ptr<Timer> commit_timer_;
  std::string last_error_;
};

}  // namespace colloquium::engine
