// PartitionRunner: one partition's pure stages at work.
//
// It belongs to one worker. It reads the partition's feed, runs the stage chain once per batch for all legs
// that stand at the same place, applies each leg's `when`, and posts the results to the legs on the loop. A
// leg may have `kCreditBytes` of batches under way; one that has none left stays behind and is served by
// reads of its own until it stands where the others stand again.
//
// Thread safety: wake, release, drain and close on any thread; they only post to the worker, and what they
// post keeps the runner alive. Held by shared_ptr.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/executor.h"
#include "colloquium/function.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "config/pipeline_config.h"
#include "engine/feed.h"
#include "engine/stage_chain.h"

namespace colloquium::engine {

// What a runner hands to a leg.
struct LegItem {
  size_t partition = 0;                // index among the pipeline's partitions
  std::shared_ptr<const Batch> batch;  // for the sink; may be empty; null only with `end`
  std::shared_ptr<const Batch> dead;   // envelopes to store when the item is done; may be null
  int64_t next_position = 0;
  std::string cursor;
  std::string part;         // as FeedItem::part
  size_t credit_bytes = 0;  // to be given back by release()
  bool end = false;         // nothing follows: the partition is drained
};

// A leg as its runner sees it.
struct LegPort {
  std::function<void(LegItem)> deliver;  // runs on the loop
  std::unique_ptr<PureStage> when;       // null: every event
  // Of the sink: its name, whether batches may be for it alone (engine/dead_letters.h; not in a replay, which
  // passes them over), and what becomes of events that `when` fails at.
  std::string name;
  bool takes_own_batches = false;
  config::FailureAction then = config::FailureAction::kDeadLetter;
  std::string to;             // as StageChain::Link::to
  std::string origin_leg;     // goes into ids, if the stages make new events; else empty
  int64_t next_sequence = 0;  // where it starts to read
  // `log: off`, by part of the source: events at lower positions are done already.
  std::map<std::string, int64_t> skip_below;
  bool skips_offsets = false;          // those positions are offsets of a stream: true whatever the source says
  bool takes_dead_letters = false;     // exactly one leg of a pipeline stores those of the stages
  DeadLetterTally* letters = nullptr;  // the sink's, for those of `when`; outlives the runner; may be null
};

class PartitionRunner : public std::enable_shared_from_this<PartitionRunner> {
 public:
  // `failed` runs on the loop, once: the feed could not be read, and the runner has stopped for good. What is
  // retryable is tried again instead. Destroyed only once it is closed.
  PartitionRunner(size_t partition, TaskQueue& worker, Loop& loop, std::unique_ptr<Feed> feed, StageChain chain,
                  std::vector<LegPort> legs, std::function<void(Error)> failed);
  ~PartitionRunner();

  // There may be something new to read. Cheap to call for every batch: wakes that are not served yet are one.
  void wake();
  // Gives credit back. One call per LegItem that was delivered, which bounds the tasks in the worker's queue.
  void release(size_t leg, size_t bytes);

  // Delivers an `end` to every leg once the feed has nothing more for it. Call when nothing will be added.
  void drain();

  // Stops reading for good; `closed` runs on the loop, and nothing is delivered after it.
  void close(Task closed);

  Feed& feed() { return *feed_; }

  // Why nothing can be read at present; empty: it can. Loop only.
  const std::string& obstacle() const { return obstacle_; }

 private:
  struct Leg {
    LegPort port;
    // Memory that is used again: output of `when`, and what failed there.
    BatchBuilder selected;
    std::vector<FailedEvent> failed;
    // Bytes of results that may still be under way to this leg. At 0 it is not served.
    size_t credit_bytes;
    int64_t skip_below = 0;  // of the item being served
    bool end_delivered = false;
  };

  void post(Task task);
  void step();
  // One read serves every leg that stands where it was read.
  bool serve_lowest();
  void read_later(const Error& error);
  void has_read();
  void serve(const FeedItem& item, int64_t sequence);
  void serve_group(const FeedItem& item, int64_t sequence, int64_t skip_below);
  // Of a batch that one leg alone is to take; the others only move on.
  void serve_one(const FeedItem& item, int64_t sequence, int64_t skip_below, std::string_view name);
  static int64_t skip_of(Leg& leg, const FeedItem& item);
  static bool is_served(const Leg& leg, int64_t sequence, int64_t skip_below);
  void serve_leg(Leg& leg, const FeedItem& item, const std::shared_ptr<const Batch>& result,
                 std::initializer_list<const Batch*> letters);
  static std::shared_ptr<const Batch> named(const Leg& leg, const std::shared_ptr<const Batch>& chosen);
  std::shared_ptr<const Batch> select(Leg& leg, const std::shared_ptr<const Batch>& batch, BatchBuilder& dead);
  void deliver(Leg& leg, LegItem item);
  void end_legs_at(int64_t sequence);
  void fail_all(Error error);

  // Constant, or self-synchronised. Worker, loop and what `failed_` refers to outlive the runner.
  const size_t partition_;
  TaskQueue& worker_;
  Loop& loop_;
  std::unique_ptr<Feed> feed_;
  const std::function<void(Error)> failed_;

  // Any thread. Set while a wake waits in the worker's queue: that one will see whatever came meanwhile.
  std::atomic<bool> wake_posted_{false};

  // Loop only.
  std::unique_ptr<Timer> retry_timer_;
  std::string obstacle_;

  // Worker only.
  StageChain chain_;
  std::vector<std::unique_ptr<Leg>> legs_;
  // Envelopes of the batch being served; empty in between.
  BatchBuilder dead_;
  bool draining_ = false;
  bool reads_again_ = false;  // the last read failed, and its timer runs
  bool closed_ = false;
};

}  // namespace colloquium::engine
