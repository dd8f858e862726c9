#include "engine/sink_leg.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"
#include "engine/dead_letter.h"
#include "engine/dead_letter_tally.h"
#include "engine/lag_guard.h"
#include "engine/leg_join.h"
#include "engine/sink_leg_lane.h"

namespace colloquium::engine {

SinkLeg::SinkLeg(SinkLegOptions options, std::unique_ptr<Sink> sink, Loop& loop, const Clock& clock,
                 Random& random)
    : options_(std::move(options)),
      sink_(std::move(sink)),
      loop_(loop),
      clock_(clock),
      random_(random),
      kept_(options_.places, options_.commit_name, *options_.counters),
      commits_(
          options_, kept_, loop_, [this] { begin_commit(); },
          [this](const Error& error) {
            last_error_ = error.describe();
            options_.counters->errors.add(error.code);
          }),
      breaker_(options_.breaker_failures, options_.breaker_open_ms),
      drops_(options_.commit_name, clock),
      retries_(options_.commit_name, clock) {
  ASSERT(options_.counters != nullptr && options_.letters != nullptr);
  for (size_t i = 0; i < options_.partitions.size(); ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->index = i;
  }
}

SinkLeg::~SinkLeg() = default;

void SinkLeg::start(std::function<void(size_t, size_t)> release, Task drained,
                    UniqueFunction<void(Error)> failed) {
  LOOP_ASSERT(loop_);
  release_ = std::move(release);
  drained_ = std::move(drained);
  failed_ = std::move(failed);
  if (options_.max_lag && options_.log != nullptr) begin_guard();
  if (options_.first_token) begin_first_commit();
  if (sink_->progress() != nullptr) begin_recovery();
}

void SinkLeg::deliver(LegItem item) {
  LOOP_ASSERT(loop_);
  // What the runner had posted already. It stays uncommitted and is read again.
  if (closing_) return;
  Lane& lane = *lanes_[item.partition];
  ASSERT(!lane.ended);
  lane.waiting.push_back(std::move(item));
  options_.counters->queue_depth.add(1);
  pump(lane);
}

// Writes as long as the sink answers at once; a sink that answers later calls pump again.
void SinkLeg::pump(Lane& lane) {
  if (lane.pumping) return;
  lane.pumping = true;
  // Envelopes wait for the commit that stores them; more of them wait for its end.
  while (!lane.writing && !commits_.are_letters_full() && !barrier_ && !holding_ && !broken_ && !closing_ &&
         !lane.waiting.empty() && lane.retry_timer == nullptr) {
    // With max_lag each item is judged by its own place.
    if (lane.rest == nullptr && lag_ == nullptr) {
      options_.counters->queue_depth.add(-static_cast<int64_t>(join_front(lane.waiting, sink_->joins())));
    }
    LegItem& front = lane.waiting.front();
    if (front.end) {
      lane.ended = true;
      lane.waiting.pop_front();
      options_.counters->queue_depth.add(-1);
      break;
    }
    if (lane.rest == nullptr) lane.rest = unwritten(lane, front.batch);
    if (lane.rest->empty()) {
      complete(lane);
    } else if (is_left_behind(lane) && lag_->then() != config::LagAction::kPause) {
      give_up_front(lane);
    } else if (passes_breaker()) {
      write(lane);
    } else {
      break;
    }
  }
  lane.pumping = false;
  if (lane.ended) check_drained();
}

void SinkLeg::begin_guard() {
  std::vector<LagGuard::Partition> partitions;
  for (const CommitPartition& each : options_.partitions) partitions.push_back({each.stream, each.partition});
  lag_ = std::make_unique<LagGuard>(*options_.max_lag, std::move(partitions), *options_.log, loop_, clock_);
  lag_->start([this] { return queued_items() > 0; }, [this] { lag_looked(); });
}

bool SinkLeg::is_left_behind(const Lane& lane) const {
  if (lag_ == nullptr || lane.waiting.empty() || lane.waiting.front().end) return false;
  return lag_->is_behind(lane.index, lane.waiting.front().next_position);
}

void SinkLeg::lag_looked() {
  bool behind = false;
  for (const auto& lane : lanes_) {
    if (!is_left_behind(*lane)) continue;
    behind = true;
    // Nothing to wait for any more: it is given up.
    if (lag_->then() != config::LagAction::kPause) lane->retry_timer = nullptr;
  }
  pump_all();
  // A lane that catches up is empty now and then, while its runner reads on.
  constexpr int kCalmLooks = 3;
  calm_looks_ = behind ? 0 : calm_looks_ + 1;
  if (behind || calm_looks_ >= kCalmLooks) tell_pause(behind);
  check_closed();
}

void SinkLeg::tell_pause(bool behind) {
  if (lag_ == nullptr || lag_->then() != config::LagAction::kPause || behind == pausing_) return;
  pausing_ = behind;
  log_warning(options_.commit_name, behind ? "the sink is " + lag_->reason() + ": the sources wait for it"
                                           : "the sink has caught up: the sources go on");
  if (options_.pause) options_.pause(behind);
}

// Also what was tried and failed: the sink may have it.
void SinkLeg::give_up_front(Lane& lane) {
  ASSERT(!lane.writing && lane.rest != nullptr);
  const bool keep = lag_->then() == config::LagAction::kDeadLetter;
  const Error error{
      ErrorCode::kUnavailable,
      "the sink is " + lag_->reason() + (last_error_.empty() ? "" : "; it failed last with: " + last_error_),
      true,
      {}};
  for (size_t i = 0; i < lane.rest->size(); ++i) {
    leave(lane, i, error, lane.attempt + lane.outage, keep);
    tell_keeper(lane, i, error);
  }
  lane.begin_anew();
  complete(lane);
}

bool SinkLeg::passes_breaker() {
  const int64_t now_ns = clock_.monotonic_ns();
  if (breaker_.try_begin(now_ns)) return true;
  // While a probe is under way its end pumps the others.
  if (breaker_.is_probing() || breaker_timer_ != nullptr) return false;
  const int64_t wait_ms = (std::max<int64_t>(0, breaker_.next_probe_ns() - now_ns) + 999'999) / 1'000'000;
  breaker_timer_ = loop_.start_timer(wait_ms, [this] {
    breaker_timer_ = nullptr;
    pump_all();
  });
  return false;
}

void SinkLeg::note_breaker(bool failed) {
  const bool was_open = breaker_.is_open();
  if (failed) {
    breaker_.failed(clock_.monotonic_ns());
    if (!was_open && breaker_.is_open()) {
      log_warning(options_.commit_name, "the breaker opens: " + std::to_string(options_.breaker_failures) +
                                            " writes in a row have failed; the next is tried in " +
                                            std::to_string(options_.breaker_open_ms) + " ms");
    }
  } else {
    breaker_.succeeded();
    if (was_open) log_info(options_.commit_name, "the breaker closes: a write has succeeded");
  }
  // Those that it held back; of an open one, so that a timer is there for the next probe.
  if (was_open)
    loop_.at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) pump_all();
    });
}

void SinkLeg::pump_all() {
  for (const auto& lane : lanes_) pump(*lane);
}

void SinkLeg::write(Lane& lane) {
  lane.writing = true;
  lane.write_started_ns = clock_.monotonic_ns();
  sink_->write(lane.rest, [this, &lane](std::vector<EventOutcome> outcomes) {
    written(lane, std::move(outcomes));
    pump(lane);
  });
}

void SinkLeg::written(Lane& lane, std::vector<EventOutcome> outcomes) {
  LOOP_ASSERT(loop_);
  ASSERT(lane.writing);
  ASSERT(outcomes.empty() || outcomes.size() == lane.rest->size());
  lane.writing = false;
  ComponentCounters& counters = *options_.counters;
  counters.duration.observe_ns(clock_.monotonic_ns() - lane.write_started_ns);
  // Held on to: `rest` is replaced below while outcomes still speak of this one.
  const std::shared_ptr<const Batch> batch = lane.rest;
  counters.events_in.add(batch->size());
  counters.bytes_in.add(batch->payload_bytes());
  BatchBuilder again;
  const EventOutcome* first_retry = nullptr;
  bool too_old = false;
  uint64_t ok = outcomes.empty() ? batch->size() : 0;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const EventOutcome& outcome = outcomes[i];
    switch (outcome.outcome) {
      case Outcome::kOk:
        ++ok;
        break;
      case Outcome::kDrop:
        break;
      case Outcome::kDeadLetter:
        if (!give_up(lane, i, outcome.error, lane.attempt + 1)) again.keep(*batch, i);
        break;
      case Outcome::kRetry:
        if (first_retry == nullptr) {
          first_retry = &outcome;
          const bool exhausted = count_failure(lane, i, outcome);
          too_old = is_too_old(lane);
          if (exhausted && !too_old && give_up(lane, i, outcome.error, lane.attempt + lane.outage)) {
            tell_keeper(lane, i, outcome.error);
            lane.begin_anew();
            break;
          }
        }
        // Those behind it were tried as long.
        if (too_old && give_up(lane, i, outcome.error, lane.attempt + lane.outage)) {
          tell_keeper(lane, i, outcome.error);
          break;
        }
        again.keep(*batch, i);
        break;
    }
  }
  counters.events_out.add(ok);
  if (ok == batch->size()) counters.bytes_out.add(batch->payload_bytes());
  lane.rest = again.seal(batch->shared_origin(), batch->base_offset());
  note_health(lane, first_retry != nullptr);
  note_breaker(first_retry != nullptr);
  if (lane.rest->empty()) {
    lane.begin_anew();
    complete(lane);
  } else if (stop_) {
    fail(*stop_);
  } else if (auto why = dead_end(lane, first_retry->error)) {
    // The events stay uncommitted: they are written when the pipeline runs again.
    counters.errors.add(first_retry->error.code);
    fail(std::move(*why));
  } else {
    schedule_retry(lane, *first_retry, lane.rest);
  }
  // Only now, with the item's position taken: token and position must speak of the same writes.
  if (barrier_ && !closing_) try_token();
  check_closed();
}

// Attempts are the event's, an outage is the sink's: who counted the one as the other would turn a full disk
// into a stream of dead letters.
bool SinkLeg::count_failure(Lane& lane, size_t event, const EventOutcome& outcome) {
  // Once another event leads, or something was written, both counts begin anew.
  if (event > 0) lane.begin_anew();
  if (outcome.is_attempt) {
    lane.outage = 0;
    ++lane.attempt;
  } else {
    ++lane.outage;
  }
  if (closing_) return false;
  // Who chose no retries means it, whosever fault it was.
  const bool never = options_.retry.kind == RetryPolicy::Kind::kNone;
  return never || (outcome.is_attempt && options_.retry.exhausted(lane.attempt));
}

void SinkLeg::note_health(Lane& lane, bool failed) {
  lane.failing = failed;
  if (failed) return;
  // A lane whose event was given up and that has nothing more to write learns of it from the others.
  for (const auto& other : lanes_) other->failing = other->failing && other->rest != nullptr;
}

std::optional<Error> SinkLeg::dead_end(const Lane& lane, const Error& last) const {
  if (auto broken = sink_->broken()) return broken;
  if (!options_.fail_when_stuck || closing_ || lane.outage == 0 || !options_.retry.exhausted(lane.outage))
    return {};
  return Error{ErrorCode::kUnavailable,
               "the sink took nothing in " + std::to_string(lane.outage) + " attempts: " + last.describe(),
               false,
               {}};
}

bool SinkLeg::give_up(Lane& lane, size_t event, const Error& error, int64_t attempts) {
  last_error_ = error.describe();
  if (options_.then == config::FailureAction::kStop) {
    stop_ = Error{error.code,
                  "event " + lane.rest->id(event) + " failed for good after " + std::to_string(attempts) +
                      " attempt(s), and errors.then is stop: " + error.message,
                  false, error.context};
    return false;
  }
  leave(lane, event, error, attempts, options_.then == config::FailureAction::kDeadLetter);
  return true;
}

void SinkLeg::leave(Lane& lane, size_t event, const Error& error, int64_t attempts, bool keep) {
  options_.counters->errors.add(error.code);
  if (keep) return keep_envelope(lane, event, error, attempts);
  drops_.warn([&] { return "event " + lane.rest->id(event) + " dropped, as configured: " + error.describe(); });
}

void SinkLeg::keep_envelope(Lane& lane, size_t event, const Error& error, int64_t attempts) {
  if (kept_.takes_envelopes()) {
    add_dead_letter(*lane.rest, event, error, options_.component, options_.component, attempts, lane.dead,
                    options_.to);
    options_.letters->add(
        error, [&] { return lane.rest->id(event); }, options_.to);
  } else {
    // Each of them, as nothing else is left of it.
    options_.letters->count(error.code);
    log_warning(options_.commit_name, "event " + lane.rest->id(event) + " given up after " +
                                          std::to_string(attempts) + " attempt(s): " + error.describe());
  }
}

bool SinkLeg::is_too_old(Lane& lane) {
  if (lane.failing_since_ns < 0) lane.failing_since_ns = lane.write_started_ns;
  if (options_.retry.age_ms == 0 || closing_) return false;
  return clock_.monotonic_ns() - lane.failing_since_ns >= options_.retry.age_ms * 1'000'000;
}

void SinkLeg::schedule_retry(Lane& lane, const EventOutcome& outcome, std::shared_ptr<const Batch> rest) {
  ASSERT(!rest->empty());
  if (closing_) return;
  last_error_ = outcome.error.describe();
  options_.counters->errors.add(outcome.error.code);
  // After an event was given up, those behind it have not failed for themselves and need not wait.
  const int64_t failures = lane.attempt + lane.outage;
  const int64_t wait_ms = failures == 0 ? 0 : options_.retry.wait_ms(failures, outcome.retry_after_ms, random_);
  retries_.warn(
      [&] {
        return "event " + rest->id(0) + " not written, next attempt in " + std::to_string(wait_ms) +
               " ms: " + last_error_;
      },
      "failed attempts ");
  lane.retry_timer = loop_.start_timer(wait_ms, [this, &lane] {
    lane.retry_timer = nullptr;
    pump(lane);
  });
}

// The front item is done: its position may be committed, its credit goes back.
void SinkLeg::complete(Lane& lane) {
  LegItem item = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  lane.rest = nullptr;
  Lane::Done& done = lane.done[item.part];
  done.position = item.next_position;
  done.cursor = std::move(item.cursor);
  done.behind = std::max(done.behind, item.next_position);
  if (!item.batch->empty()) done.behind = std::max(done.behind, item.batch->offset(item.batch->size() - 1) + 1);
  if (item.dead != nullptr) kept_.keep(*item.dead);
  size_t dead_bytes = item.dead == nullptr ? 0 : item.dead->payload_bytes();
  if (!lane.dead.empty()) {
    dead_bytes += lane.dead.byte_size();
    kept_.keep(*lane.dead.seal(item.batch->shared_origin(), 0));
  }
  // Where nothing is stored no commit follows, and what was given up is told by now.
  if (options_.log == nullptr && !item.batch->empty()) {
    tell_settled(partition_id(item.batch->origin()), done.behind);
  }
  options_.counters->queue_depth.add(-1);
  // With the write, not with the commit: credit bounds what is under way, and commits come in their own time.
  release_(lane.index, item.credit_bytes);
  commits_.done(item.batch->payload_bytes() + dead_bytes);
}

void SinkLeg::check_drained() {
  if (!drained_ || closing_ || broken_) return;
  const bool ended = std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->ended; });
  if (!ended || commits_.under_way()) return;
  if (commits_.dirty()) return begin_commit();
  Task drained = std::move(drained_);
  drained_ = nullptr;
  loop_.post(std::move(drained));
}

void SinkLeg::fail(Error error) {
  // From here on nothing is written or committed: what a failed commit took along may not be stepped over. One
  // that is still at the log stays under way, so that close() waits for its answer.
  broken_ = true;
  leave_barrier();
  commits_.stop();
  last_error_ = error.describe();
  if (!failed_) return;
  auto failed = std::move(failed_);
  failed_ = nullptr;
  failed(std::move(error));
}

void SinkLeg::close(Task closed) {
  LOOP_ASSERT(loop_);
  closing_ = true;
  leave_barrier();
  closed_ = std::move(closed);
  commits_.stop();
  commits_.give_up_waiting();
  for (const auto& lane : lanes_) lane->retry_timer = nullptr;
  breaker_timer_ = nullptr;
  if (lag_ != nullptr) lag_->stop();
  tell_pause(false);
  // It ends its writes under way, with whatever outcome; their answers still come in here.
  sink_->close([this] {
    sink_closed_ = true;
    check_closed();
  });
}

// The token will not be asked for.
void SinkLeg::leave_barrier() {
  if (std::exchange(barrier_, false)) commits_.give_up();
}

void SinkLeg::check_closed() {
  if (!sink_closed_ || commits_.under_way() || !closed_ || (lag_ != nullptr && lag_->asking())) return;
  const bool writing = std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->writing; });
  if (writing) return;
  Task closed = std::move(closed_);
  closed_ = nullptr;
  loop_.post(std::move(closed));
}

std::string SinkLeg::last_error() const {
  if (!pausing_) return last_error_;
  return "the sink is " + lag_->reason() + ", and the sources wait for it; its last error: " + last_error_;
}

bool SinkLeg::degraded() const {
  if (commits_.waits_for_room() || pausing_) return true;
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->failing; });
}

uint64_t SinkLeg::waiting_events(size_t partition) const {
  const Lane& lane = *lanes_[partition];
  uint64_t events = 0;
  for (const LegItem& item : lane.waiting) events += item.batch == nullptr ? 0 : item.batch->size();
  // Of the front one a part may be written.
  if (lane.rest != nullptr) events = events - lane.waiting.front().batch->size() + lane.rest->size();
  return events;
}

size_t SinkLeg::queued_items() const {
  size_t total = 0;
  for (const auto& lane : lanes_) total += lane->waiting.size();
  return total;
}

}  // namespace colloquium::engine
