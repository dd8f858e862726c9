#include "engine/stage_leg.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"
#include "engine/dead_letter.h"
#include "engine/dead_letter_tally.h"
#include "engine/feed.h"
#include "engine/stage_leg_lane.h"

namespace colloquium::engine {

namespace {

// Events of a partition that may be done and wait for one before them, for each call that may be in flight.
constexpr size_t kWindowPerCall = 8;

}  // namespace

StageLeg::StageLeg(StageLegOptions options, std::unique_ptr<AsyncStage> stage, Loop& loop, const Clock& clock,
                   Random& random)
    : options_(std::move(options)),
      stage_(std::move(stage)),
      loop_(loop),
      clock_(clock),
      random_(random),
      concurrency_(stage_->concurrency()),
      window_(concurrency_ * kWindowPerCall),
      kept_(options_.places, options_.commit_name, *options_.counters),
      commits_(
          options_, kept_, loop_, [this] { begin_commit(); },
          [this](const Error& error) {
            last_error_ = error.describe();
            options_.counters->errors.add(error.code);
          }),
      drops_(options_.commit_name, clock),
      retries_(options_.commit_name, clock) {
  ASSERT(concurrency_ > 0 && options_.letters != nullptr);
  ASSERT_WHY((options_.log == nullptr) == (options_.queues.size() == options_.partitions.size()),
             "outputs go to the log or to queues");
  for (size_t i = 0; i < options_.partitions.size(); ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->index = i;
  }
}

StageLeg::~StageLeg() = default;

void StageLeg::start(std::function<void(size_t, size_t)> release, Task drained,
                     UniqueFunction<void(Error)> failed) {
  LOOP_ASSERT(loop_);
  release_ = std::move(release);
  drained_ = std::move(drained);
  failed_ = std::move(failed);
}

void StageLeg::deliver(LegItem item) {
  LOOP_ASSERT(loop_);
  // What the runner had posted already. It stays uncommitted and is read again.
  if (closing_) return;
  Lane& lane = *lanes_[item.partition];
  ASSERT(!lane.ended && (lane.items.empty() || !lane.items.back().input.end));
  options_.counters->queue_depth.add(1);
  lane.items.emplace_back(std::move(item));
  pump(lane);
}

void StageLeg::pump_all() {
  for (const auto& lane : lanes_) pump(*lane);
}

void StageLeg::wind_down() {
  LOOP_ASSERT(loop_);
  winding_down_ = true;
  stage_->wind_down();
  check_drained();
}

void StageLeg::room() {
  LOOP_ASSERT(loop_);
  pump_all();
}

// A stage that answers at once answers inside process(), and its answer pumps: the loop here goes on instead.
void StageLeg::pump(Lane& lane) {
  if (lane.pumping) return;
  lane.pumping = true;
  do {
    release(lane);
  } while (begin_next(lane));
  lane.pumping = false;
  check_drained();
}

bool StageLeg::begin_next(Lane& lane) {
  if (broken_ || closing_ || winding_down_ || lane.in_flight >= concurrency_) return false;
  // What others wait for goes first.
  if (!lane.due.empty()) {
    Event& event = *lane.due.front();
    lane.due.pop_front();
    process(lane, event);
    return true;
  }
  if (lane.window.size() >= window_) return false;
  if (!options_.queues.empty() && options_.queues[lane.index]->full()) return false;
  Item* const next = lane.next_item();
  if (next == nullptr) return false;
  lane.window.push_back(std::make_unique<Event>(Event{.batch = next->input.batch, .index = next->begun++}));
  process(lane, *lane.window.back());
  return true;
}

void StageLeg::process(Lane& lane, Event& event) {
  ++lane.in_flight;
  event.begun_ns = clock_.monotonic_ns();
  if (event.first_begun_ns < 0) event.first_begun_ns = event.begun_ns;
  stage_->process(event.batch, event.index, [this, &lane, &event](AsyncOutput output) {
    processed(lane, event, std::move(output));
    pump(lane);
  });
}

void StageLeg::processed(Lane& lane, Event& event, AsyncOutput output) {
  LOOP_ASSERT(loop_);
  ASSERT(lane.in_flight > 0 && !event.done);
  --lane.in_flight;
  ComponentCounters& counters = *options_.counters;
  counters.duration.observe_ns(clock_.monotonic_ns() - event.begun_ns);
  // What is under way at the end is no failure of anybody's, and is asked again.
  if (closing_) return check_closed();
  if (winding_down_ && output.error && output.error->code == ErrorCode::kCancelled) return;
  std::shared_ptr<const Batch> made;
  if (!output.error) made = made_.make(*event.batch, event.index, options_.component, output);
  if (!output.error) {
    event.failing = false;
    event.done = true;
    event.made = std::move(made);
    return;
  }
  event.failing = true;
  ++(output.is_attempt ? event.attempts : event.outage);
  last_error_ = output.error->describe();
  const RetryPolicy& policy = options_.retry;
  const int64_t failing_ns = clock_.monotonic_ns() - event.first_begun_ns;
  const bool too_old = policy.age_ms > 0 && failing_ns >= policy.age_ms * 1'000'000;
  const bool exhausted =
      policy.kind == RetryPolicy::Kind::kNone || (output.is_attempt && policy.exhausted(event.attempts));
  if (!output.error->retryable || exhausted || too_old) return give_up(event, *output.error);
  counters.errors.add(output.error->code);
  if (options_.fail_when_stuck && !output.is_attempt && policy.exhausted(event.outage)) {
    return fail(Error{ErrorCode::kUnavailable,
                      "nothing could be done in " + std::to_string(event.outage) + " attempts: " + last_error_,
                      false,
                      {}});
  }
  retry_later(lane, event, output);
}

void StageLeg::retry_later(Lane& lane, Event& event, const AsyncOutput& output) {
  const int64_t wait_ms = options_.retry.wait_ms(event.attempts + event.outage, output.retry_after_ms, random_);
  retries_.warn(
      [&] {
        return "event " + event.batch->id(event.index) + " is not through, next attempt in " +
               std::to_string(wait_ms) + " ms: " + last_error_;
      },
      "failed attempts ");
  event.timer = loop_.start_timer(wait_ms, [this, &lane, &event] {
    event.timer = nullptr;
    lane.due.push_back(&event);
    pump(lane);
  });
}

void StageLeg::give_up(Event& event, const Error& error) {
  options_.counters->errors.add(error.code);
  const int64_t attempts = event.attempts + event.outage;
  const auto id = [&] { return event.batch->id(event.index); };
  event.done = true;
  event.failing = false;
  switch (options_.then) {
    case config::FailureAction::kStop:
      event.done = false;
      return fail(Error{error.code,
                        "event " + id() + " failed for good after " + std::to_string(attempts) +
                            " attempt(s), and errors.then is stop: " + error.message,
                        false, error.context});
    case config::FailureAction::kDrop:
      drops_.warn([&] { return "event " + id() + " dropped, as configured: " + error.describe(); });
      return;
    case config::FailureAction::kDeadLetter: {
      BatchBuilder letter;
      // It is past the stages before this one: put back, it comes here and nowhere else.
      const std::string leg = options_.to.empty() ? options_.component : std::string();
      add_dead_letter(*event.batch, event.index, error, options_.component, leg, attempts, letter, options_.to);
      options_.letters->add(error, id, options_.to);
      event.letter = letter.seal(event.batch->shared_origin(), 0);
      return;
    }
  }
}

void StageLeg::release(Lane& lane) {
  const auto is_full = [&] { return !options_.queues.empty() && options_.queues[lane.index]->full(); };
  while (!lane.items.empty() && may_release() && !is_full()) {
    Item& item = lane.items.front();
    if (item.input.end) {
      lane.ended = true;
      lane.pop_item();
      options_.counters->queue_depth.add(-1);
      return;
    }
    if (item.released == item.input.batch->size()) {
      end_item(lane);
      continue;
    }
    if (lane.window.empty() || !lane.window.front()->done) return;
    const std::unique_ptr<Event> event = std::move(lane.window.front());
    lane.window.pop_front();
    ++item.released;
    put_out(item, *event);
    // What the stages before gave up of an item is one batch: where there is some, the item is committed whole.
    if (options_.log != nullptr && item.input.dead == nullptr && event->is_last_of_offset()) {
      hand_on(lane, item, event->offset() + 1);
    }
  }
}

// While a commit is under way what is done after it waits in memory.
bool StageLeg::may_release() const {
  if (broken_ || closing_) return false;
  return !commits_.under_way() || !commits_.is_full();
}

void StageLeg::put_out(Item& item, const Event& event) {
  ComponentCounters& counters = *options_.counters;
  counters.events_in.add(1);
  counters.bytes_in.add(event.batch->value(event.index).size());
  if (event.letter != nullptr) item.letters.push_back(event.letter);
  if (event.made == nullptr) return;
  for (size_t i = 0; i < event.made->size(); ++i) item.out.keep(*event.made, i);
  counters.events_out.add(event.made->size());
  counters.bytes_out.add(event.made->payload_bytes());
}

void StageLeg::end_item(Lane& lane) {
  Item& item = lane.items.front();
  if (options_.log != nullptr) {
    hand_on(lane, item, item.input.next_position);
  } else {
    push(lane, item);
  }
  options_.counters->queue_depth.add(-1);
  const size_t credit = item.input.credit_bytes;
  lane.pop_item();
  release_(lane.index, credit);
}

// What the item has made so far is done, up to `position`.
void StageLeg::hand_on(Lane& lane, Item& item, int64_t position) {
  size_t bytes = item.out.byte_size();
  if (!item.out.empty()) {
    const auto made = item.out.seal(item.input.batch->shared_origin(), 0);
    for (size_t i = 0; i < made->size(); ++i) lane.out.add(*made, i);
  }
  if (item.input.dead != nullptr) {
    bytes += item.input.dead->payload_bytes();
    kept_.keep(*item.input.dead);
  }
  for (const auto& letter : std::exchange(item.letters, {})) {
    bytes += letter->payload_bytes();
    kept_.keep(*letter);
  }
  lane.done = position;
  commits_.done(bytes);
}

// To the legs behind this one, which commit its position.
void StageLeg::push(Lane& lane, Item& item) {
  BatchBuilder refused;
  const auto keep = [&](const Batch& letters) {
    for (size_t i = 0; i < letters.size(); ++i) refused.keep(letters, i);
  };
  if (item.input.dead != nullptr) keep(*item.input.dead);
  for (const auto& letter : item.letters) keep(*letter);
  const auto& input = *item.input.batch;
  FeedItem out;
  // Its events have their ids by now, and as in the stream that there would be, no leg stands behind them.
  auto origin = std::make_shared<BatchOrigin>(input.origin());
  origin->leg.clear();
  out.batch = item.out.seal(std::move(origin), input.base_offset());
  if (!refused.empty()) out.refused = refused.seal(input.shared_origin(), input.base_offset());
  out.next_position = item.input.next_position;
  out.cursor = std::move(item.input.cursor);
  out.part = std::move(item.input.part);
  options_.queues[lane.index]->push(std::move(out));
}

void StageLeg::begin_commit() {
  ASSERT(options_.log != nullptr);
  auto request = collect();
  if (!request) return fail(std::move(request).error());
  commits_.begin();
  commits_.store(std::move(*request),
                 [this](Status status, const log::CommitRequest&) { stored(std::move(status)); });
}

Result<log::CommitRequest> StageLeg::collect() {
  log::CommitRequest request;
  request.leg = options_.commit_name;
  committing_of_.clear();
  for (const auto& lane : lanes_) {
    if (!lane->done) continue;
    const CommitPartition& partition = options_.partitions[lane->index];
    const int64_t position = *std::exchange(lane->done, std::nullopt);
    request.positions.push_back(
        {.stream = partition.stream, .partition = partition.partition, .next_offset = position});
    committing_of_.push_back({lane->index, position});
    for (const auto& batch : lane->out.take(options_.output_name, options_.output_tag, partition.partition)) {
      TRY_ASSIGN(auto encoded, log::encode(batch, options_.codec, nullptr));
      request.outputs.push_back(
          {.stream = options_.output, .partition = partition.partition, .batch = std::move(encoded)});
    }
  }
  kept_.move_to(request);
  commits_.collected();
  return request;
}

void StageLeg::stored(Status status) {
  LOOP_ASSERT(loop_);
  if (!status) {
    // Nobody waits at a stop for a disk to be emptied: what is not committed is read, and made, again.
    if (closing_) {
      log_warning(options_.commit_name,
                  "it stops with a commit that failed; what was done since the one before is "
                  "done again: " +
                      status.error().describe());
    } else {
      fail(std::move(status).error());
    }
    return check_closed();
  }
  for (const Settled& each : committing_of_) {
    if (!closing_) stage_->settled(options_.partitions[each.lane].id, each.position);
  }
  commits_.go_on();
  pump_all();
  check_closed();
}

void StageLeg::check_drained() {
  if (!drained_ || closing_ || broken_ || commits_.under_way()) return;
  const auto is_done = [this](const auto& lane) {
    const bool released = lane->window.empty() || !lane->window.front()->done;
    return lane->ended || (winding_down_ && lane->in_flight == 0 && released);
  };
  if (!std::all_of(lanes_.begin(), lanes_.end(), is_done)) return;
  if (commits_.dirty()) return begin_commit();
  Task drained = std::move(drained_);
  drained_ = nullptr;
  loop_.post(std::move(drained));
}

void StageLeg::fail(Error error) {
  // From here on nothing is begun or committed.
  broken_ = true;
  commits_.stop();
  last_error_ = error.describe();
  if (!failed_) return;
  auto failed = std::move(failed_);
  failed_ = nullptr;
  failed(std::move(error));
}

void StageLeg::close(Task closed) {
  LOOP_ASSERT(loop_);
  closing_ = true;
  closed_ = std::move(closed);
  commits_.stop();
  commits_.give_up_waiting();
  for (const auto& lane : lanes_) {
    for (const auto& event : lane->window) event->timer = nullptr;
  }
  stage_->close([this] {
    stage_closed_ = true;
    check_closed();
  });
}

void StageLeg::check_closed() {
  if (!stage_closed_ || commits_.under_way() || !closed_) return;
  if (std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->in_flight > 0; })) return;
  Task closed = std::move(closed_);
  closed_ = nullptr;
  loop_.post(std::move(closed));
}

bool StageLeg::degraded() const {
  if (commits_.waits_for_room()) return true;
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return std::any_of(lane->window.begin(), lane->window.end(), [](const auto& event) { return event->failing; });
  });
}

uint64_t StageLeg::waiting_events(size_t partition) const {
  uint64_t events = 0;
  for (const Item& item : lanes_[partition]->items) {
    if (!item.input.end) events += item.input.batch->size() - item.released;
  }
  return events;
}

}  // namespace colloquium::engine
