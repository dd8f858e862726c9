// Stage: what changes events.
//
// Two kinds. A PureStage is a function of its input and runs on the worker that owns the partition, inside
// the leg it stands in. An AsyncStage has an effect or waits (network look-up, AI call); it runs on the loop,
// ends its leg, and its outputs are stored with its position.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium {

// An event a stage could not process for good. It goes to the dead letters of the pipeline.
struct FailedEvent {
  size_t index;  // in the stage's input batch
  Error error;
};

// One instance per worker, so that it may keep scratch memory; results must not depend on it.
class PureStage {
 public:
  virtual ~PureStage() = default;

  // Appends the results of every event of `input` to `output`, in order, each with its input event's time,
  // key, headers and place (BatchBuilder::keep or finish_from), and the events that failed to `failed` in
  // rising order. Worker only; never blocks.
  virtual void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) = 0;

  // Whether run() reads Batch::tape. If so the engine sees to it that there is one.
  virtual bool needs_tape() const = 0;

  // Tells the stage before the first run whether whoever comes next reads the tape of its output.
  virtual void set_output_tape(bool wanted) = 0;
};

// The outcome of one event of an asynchronous stage.
struct AsyncOutput {
  std::vector<std::string> values;  // JSON texts; none: the event is dropped
  std::optional<Error> error;       // if set: retried while retryable and attempts remain, else given up
  int64_t retry_after_ms = 0;       // what the peer asked for, 0 if nothing
  // With a retryable error: it was about this event, so it is one of the attempts the event has. Otherwise nothing
  // can be done at present, no event is to blame, and the engine waits for as long as that lasts.
  bool is_attempt = true;
};

// Up to `concurrency()` calls are in flight per partition; they complete in any order, and the engine
// releases their results in order. Every method and callback on the loop.
class AsyncStage {
 public:
  virtual ~AsyncStage() = default;
  virtual size_t concurrency() const = 0;  // 1 or more; constant

  // `event` indexes `batch`, which the stage keeps alive while it needs views. `done` runs exactly once.
  // It may run inside process().
  virtual void process(std::shared_ptr<const Batch> batch, size_t event,
                       UniqueFunction<void(AsyncOutput)> done) = 0;

  // The outcomes of every event of `partition` (partition_id(), batch.h) below `offset` are committed: but in a
  // replay none of them comes again.
  virtual void settled(const std::string& partition, int64_t offset) { (void)partition, (void)offset; }

  // The leg stops, and waits for what is in flight: what would take long is to be abandoned (`done` runs, with
  // kCancelled), and is processed again in the next run. Nothing is begun any more.
  virtual void wind_down() {}

  // Abandons what is in flight (its `done` still runs, with kCancelled); `closed` may run inside close().
  virtual void close(Task closed) = 0;
};

}  // namespace colloquium
