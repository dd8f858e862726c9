// SinkLeg: the end of a leg: writes batches to a sink in order per partition, retries, gives up, and commits.
//
// A partition has one write under way at a time, so that an event waiting for a retry holds back its
// partition on this leg and nothing else. A commit stores, in one step, the positions up to which everything
// is done, the envelopes of what was given up, and the sink's token. For a sink with a token the leg lets the
// writes under way end first, asks for the token, and goes on writing while the token and the commit are
// made durable. A sink that keeps the progress itself (ProgressKeeper) is asked for it before the first write:
// what its peer has already is done, whatever the journal says of it.
//
// Thread safety: loop only. Destroy after close's callback.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/sink.h"

#include "config/pipeline_config.h"
#include "engine/leg.h"
#include "engine/leg_commits.h"
#include "engine/sparse_warnings.h"
#include "log/log.h"
#include "net/circuit_breaker.h"

namespace colloquium::engine {

class LagGuard;

// Without `log` nothing is stored, and the token is asked for once, at the end.
struct SinkLegOptions : LegOptions {
  std::string token_leg;         // the leg that keeps the sink's token; may be the same, or empty for the same
  int64_t breaker_failures = 0;  // 0: none
  int64_t breaker_open_ms = 0;
  bool first_token = false;  // nothing was ever committed for this leg: store the sink's token before it writes
  std::optional<config::MaxLagConfig> max_lag;  // with a log only
  std::function<void(bool)> pause;              // of max_lag: whether the sources are to wait; may be empty
  // `log: off`: what is committed of a part of a source (empty: the source itself). May be empty.
  std::function<void(size_t partition, const std::string& part, int64_t position, const std::string& cursor)>
      committed;
};

class SinkLeg final : public Leg {
 public:
  SinkLeg(SinkLegOptions options, std::unique_ptr<Sink> sink, Loop& loop, const Clock& clock, Random& random);
  ~SinkLeg() override;

  Sink& sink() { return *sink_; }

  void start(std::function<void(size_t, size_t)> release, Task drained,
             UniqueFunction<void(Error)> failed) override;
  void deliver(LegItem item) override;
  void close(Task closed) override;
  std::string last_error() const override;
  bool degraded() const override;
  uint64_t waiting_events(size_t partition) const override;
  size_t queued_items() const;

 private:
  struct Lane;

  bool is_left_behind(const Lane& lane) const;
  void begin_guard();
  void give_up_front(Lane& lane);
  void lag_looked();
  void tell_pause(bool behind);
  // Begins the next write if nothing holds it back: a write or retry of this lane, a commit that needs quiet, a
  // failure, closing.
  void pump(Lane& lane);
  void write(Lane& lane);
  void written(Lane& lane, std::vector<EventOutcome> outcomes);
  // The envelope waits in the lane until its whole item is done: only then does a commit speak of that position.
  // False if the event has to end the leg instead, and stays.
  bool give_up(Lane& lane, size_t event, const Error& error, int64_t attempts);
  void leave(Lane& lane, size_t event, const Error& error, int64_t attempts, bool keep);
  void keep_envelope(Lane& lane, size_t event, const Error& error, int64_t attempts);
  // To a sink that keeps the progress.
  void tell_keeper(const Lane& lane, size_t event, const Error& error);
  void tell_settled(const std::string& partition, int64_t position);
  bool is_too_old(Lane& lane);
  // Whether a write may begin, as far as the breaker goes; if not, the lanes are pumped when it is worth it.
  bool passes_breaker();
  void note_breaker(bool failed);
  void pump_all();
  void schedule_retry(Lane& lane, const EventOutcome& outcome, std::shared_ptr<const Batch> rest);
  // Counts a failure of the first event that has to wait. True if it has no attempt left.
  bool count_failure(Lane& lane, size_t event, const EventOutcome& outcome);
  void note_health(Lane& lane, bool failed);
  // Why the leg can't go on although a retry is due; nothing if it can.
  std::optional<Error> dead_end(const Lane& lane, const Error& last) const;
  void complete(Lane& lane);

  void begin_first_commit();
  void begin_recovery();
  void recovered(Result<std::vector<SinkProgress>> progress);
  // What of a new item is still to be written.
  std::shared_ptr<const Batch> unwritten(Lane& lane, const std::shared_ptr<const Batch>& batch);
  // REQUIRES: none under way. One at a time, so that positions in the journal only rise.
  void begin_commit();
  void try_token();
  // Everything that is done and not committed. From here on it counts as committed: a failure must end the leg.
  log::CommitRequest collect(std::optional<std::string> token);
  void store(log::CommitRequest request);
  void tell_given_up(const log::CommitRequest& commit);
  void tell_committed(const log::CommitRequest& committed);
  void stored(Status status, const log::CommitRequest& committed);
  // Both may be called at any time and act once.
  void check_drained();
  void check_closed();
  void leave_barrier();
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

  // Lanes are heap objects as callbacks of the sink and of timers refer to them; they live as long as the leg.
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::map<std::string, SinkProgress> recovered_;  // of a sink that keeps it, by partition_id()
  // Whose the positions of the commit under way are, in their order.
  struct CommittedPart {
    size_t lane;
    std::string part;  // of the source
    int64_t behind;    // all its events
  };
  std::vector<CommittedPart> committing_of_;
  // Of what is done and not committed: some 16 MiB and one item's, as then a commit begins, and while one is under
  // way no write begins.
  LegLetters kept_;
  LegCommits commits_;
  bool barrier_ = false;  // no new writes until the token is asked for
  bool holding_ = false;  // no writes until the first token is stored, or the progress known
  bool broken_ = false;   // the sink can write nothing any more
  bool closing_ = false;
  bool sink_closed_ = false;
  net::CircuitBreaker breaker_;
  std::unique_ptr<LagGuard> lag_;  // null: it may fall behind as far as it does
  bool pausing_ = false;
  int calm_looks_ = 0;                    // while pausing_: without anything too far behind
  std::unique_ptr<Timer> breaker_timer_;  // there while the breaker is open and no probe under way
  std::optional<Error> stop_;             // an event failed for good, and that ends the leg
  std::string last_error_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // for callbacks that may come after the end
  SparseWarnings drops_;
  SparseWarnings retries_;
};

}  // namespace colloquium::engine
