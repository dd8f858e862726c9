// StageLeg: a leg that ends in an asynchronous stage: events go through the stage, up to `concurrency` at a time
// in each partition, and what it makes of them goes into a stream of its own, in the order of the events, in one
// commit with the position they came from.
//
// An event that waits for a retry holds back what is behind it in its partition, which is processed meanwhile as
// far as the window goes, and released once it is through. An event that is given up leaves the order. What the
// stage has made and no commit has stored is made again after a crash: a stage whose work costs something records
// it by itself.
//
// Without a log (`log: off`, a replay) the outputs go to the queues of the legs behind it, an item for each item
// that came in, with its position: those legs commit it.
//
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/stage.h"

#include "engine/leg.h"
#include "engine/leg_commits.h"
#include "engine/made_events.h"
#include "engine/sparse_warnings.h"

namespace colloquium::engine {

class QueueFeed;

struct StageLegOptions : LegOptions {
  // With `log`: where the outputs go, a partition for each of the input's.
  log::StreamId output = 0;
  std::string output_name;
  std::string output_tag;
  log::Codec codec = log::Codec::kLz4;
  // Without: one for each partition. They outlive the leg.
  std::vector<QueueFeed*> queues;
};

class StageLeg final : public Leg {
 public:
  StageLeg(StageLegOptions options, std::unique_ptr<AsyncStage> stage, Loop& loop, const Clock& clock,
           Random& random);
  ~StageLeg() override;

  void start(std::function<void(size_t, size_t)> release, Task drained,
             UniqueFunction<void(Error)> failed) override;
  void deliver(LegItem item) override;
  void close(Task closed) override;
  std::string last_error() const override { return last_error_; }
  bool degraded() const override;
  uint64_t waiting_events(size_t partition) const override;

  // Nothing new is begun: what is in flight is waited for and committed, and that is all that is to be drained.
  // The rest is read again in the next run.
  void wind_down();

  // A queue that was full has room again.
  void room();

 private:
  struct Event;
  struct Item;
  struct Lane;

  void pump(Lane& lane);
  void pump_all();
  bool begin_next(Lane& lane);
  void process(Lane& lane, Event& event);
  void processed(Lane& lane, Event& event, AsyncOutput output);
  void retry_later(Lane& lane, Event& event, const AsyncOutput& output);
  void give_up(Event& event, const Error& error);

  // Hands on, in order, what is done.
  void release(Lane& lane);
  bool may_release() const;
  void put_out(Item& item, const Event& event);
  void end_item(Lane& lane);
  void hand_on(Lane& lane, Item& item, int64_t position);
  void push(Lane& lane, Item& item);

  void begin_commit();
  Result<log::CommitRequest> collect();
  void stored(Status status);
  void check_drained();
  void check_closed();
  void fail(Error error);

  const StageLegOptions options_;
  std::unique_ptr<AsyncStage> stage_;
  Loop& loop_;
  const Clock& clock_;
  Random& random_;
  const size_t concurrency_;
  const size_t window_;  // events of a partition that are begun and not released
  std::function<void(size_t, size_t)> release_;
  Task drained_;
  UniqueFunction<void(Error)> failed_;
  Task closed_;

  // Heap objects: callbacks refer to them. They live as long as the leg.
  std::vector<std::unique_ptr<Lane>> lanes_;
  LegLetters kept_;
  MadeEvents made_;
  LegCommits commits_;
  bool broken_ = false;
  bool winding_down_ = false;
  bool closing_ = false;
  bool stage_closed_ = false;
  struct Settled {
    size_t lane;
    int64_t position;
  };
  std::vector<Settled> committing_of_;
  std::string last_error_;
  SparseWarnings drops_;
  SparseWarnings retries_;
};

}  // namespace colloquium::engine
