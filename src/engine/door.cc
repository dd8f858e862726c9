#include "engine/door.h"

#include <algorithm>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"
#include "engine/door_batch.h"
#include "engine/feed.h"
#include "engine/pipeline.h"
#include "log/patient_commit.h"

namespace colloquium::engine {

namespace {

// Bodies up to this size are merged with what else the turn brings; a longer one is worth a hop of its own.
constexpr size_t kInlineBytes = 64u << 10;
// A turn of fewer requests is cut on the loop: the hop would cost more than it takes off the loop.
constexpr size_t kLaneRequests = 4;

// A merged batch goes out when it has this many bytes, however many requests the turn still brings.
constexpr size_t kMergeBytes = 1u << 20;

// What a client is told to wait. The log needs far less for its queue and far more for a full disk; a second keeps
// clients from crowding in either case.
constexpr int64_t kRetryAfterMs = 1000;

// In place of a position, for emits that do not move the safe cursor.
constexpr int64_t kFailed = -1;

// Batches of a partition are told of in their order.
void add_range(Ack& ack, const Ack::Range& range) {
  const auto same = [&](const Ack::Range& other) { return other.partition == range.partition; };
  const auto found = std::find_if(ack.offsets.begin(), ack.offsets.end(), same);
  if (found == ack.offsets.end()) {
    ack.offsets.push_back(range);
  } else {
    found->last = range.last;
  }
}

uint64_t size_of(const RawBatch& batch) {
  uint64_t bytes = batch.body == nullptr ? 0 : batch.body->size();
  for (const RawMessage& message : batch.messages) bytes += message.value.size();
  return bytes;
}

Error no_memory() {
  return {ErrorCode::kUnavailable, "as much is under way as the door's memory allows; try again shortly", true, {}};
}

Error behind_failed() {
  return {ErrorCode::kUnavailable, "an earlier part of the source was not stored", true, {}};
}

}  // namespace

SourceIntake::SourceIntake(IntakeOptions options, Loop& loop, const Clock& clock, WorkerPool& workers)
    : SourceIntake(nullptr, std::move(options), loop, clock, workers) {}

SourceIntake::SourceIntake(SourceIntake* root, IntakeOptions options, Loop& loop, const Clock& clock,
                           WorkerPool& workers)
    : root_(root), options_(std::move(options)), loop_(loop), clock_(clock), workers_(workers) {
  ASSERT(options_.counters != nullptr && options_.letters != nullptr);
  ASSERT((options_.log == nullptr) != (options_.queue == nullptr));
  for (size_t target = 0; target < dead_target(); ++target) origins_.push_back(make_origin(target));
  origins_.push_back(options_.dead_origin);
  accepted_position_.resize(dead_target() + 1, 0);
}

SourceIntake::~SourceIntake() = default;

size_t SourceIntake::target_count() const {
  return dead_target() + (options_.dead_stream ? 1 : 0);
}

void SourceIntake::emit(RawBatch batch, AckFn ack) {
  auto request = std::make_shared<Request>();
  request->bytes = size_of(batch);
  // A source without cursor gets positions from us, so that ids never repeat within a run.
  if (batch.cursor.empty()) {
    batch.position =
        next_own_position_.fetch_add(static_cast<int64_t>(request->bytes + batch.messages.size() + 1));
  }
  request->end_position =
      batch.position + static_cast<int64_t>(batch.messages.empty() ? request->bytes : batch.messages.size());
  request->raw = std::move(batch);
  request->ack = std::move(ack);
  request->started_ns = clock_.monotonic_ns();
  std::optional<Error> refused = refusal_of(*request);
  root().bytes_under_way_.fetch_add(request->bytes);
  options_.counters->queue_depth.add(1);
  options_.counters->bytes_in.add(request->bytes);
  if (!loop_.is_current()) {
    // The source's own thread. Only cursors have an order that the loop has to know of first.
    if (request->raw.cursor.empty()) {
      emits_under_way_.fetch_add(1);
    } else {
      loop_.post([this, request] { began(request); });
    }
    if (refused) {
      refuse_unread(request, std::move(*refused));
    } else {
      cut_alone(request);
    }
    // The last thing this thread does with the intake: once settled, it may be gone.
    if (request->outstanding.fetch_sub(1) == 1) loop_.post([this, request] { finish(request); });
    return;
  }
  began(request);
  if (refused) {
    refuse_unread(request, std::move(*refused));
    return settle(request);
  }
  if (request->bytes <= kInlineBytes && !on_door_threads_.contains(request->raw.order_key)) {
    turn_.push_back(std::move(request));
    return schedule_turn_end();
  }
  take_on_door_thread(request);
}

// Requests of many connections that are read in one turn become one batch: one seal, one encode, one append.
void SourceIntake::schedule_turn_end() {
  if (turn_end_scheduled_) return;
  turn_end_scheduled_ = true;
  loop_.at_turn_end([this] {
    turn_end_scheduled_ = false;
    end_turn();
  });
}

void SourceIntake::end_turn() {
  if (turn_.empty()) return;
  auto turn = std::make_shared<Turn>(std::exchange(turn_, {}));
  turn_.reserve(turn->size());
  // Behind a turn that is still at the lane, a smaller one has to follow it.
  if (turn->size() < kLaneRequests && in_lane_.empty()) {
    cut_turn(*turn);
    return settle_turn(*turn);
  }
  in_lane_.push_back(turn);
  const bool posted = workers_.door(options_.door_thread).post([this, turn] {
    cut_turn(*turn);
    // The last thing this thread does with the intake: once settled, it may be gone.
    loop_.post([this, turn] {
      in_lane_.pop_front();
      settle_turn(*turn);
    });
  });
  if (posted) return;
  in_lane_.pop_back();
  for (const RequestPtr& request : *turn) refuse_unread(request, no_memory());
  settle_turn(*turn);
}

// On the loop or on the lane, whichever owns the turn.
void SourceIntake::cut_turn(const Turn& turn) {
  auto scratch = borrow_scratch();
  std::vector<OpenBatch>& open = scratch->open;
  open.resize(target_count());
  for (const RequestPtr& request : turn) {
    Cutter(*this, request, *scratch).run();
    // Waiting for the turn's end would only make one batch larger than the log's readers like.
    const bool large = std::any_of(open.begin(), open.end(), [](const OpenBatch& batch) {
      return batch.builder->byte_size() >= kMergeBytes;
    });
    if (large || !scratch->full.empty()) flush(*scratch);
  }
  flush(*scratch);
  for (const RequestPtr& request : turn) request->kept_one();
  return_scratch(std::move(scratch));
}

void SourceIntake::settle_turn(const Turn& turn) {
  for (const RequestPtr& request : turn) settle(request);
}

void SourceIntake::began(const RequestPtr& request) {
  LOOP_ASSERT(loop_);
  if (!request->raw.cursor.empty()) request->number = next_emit_++;
  ++emits_under_way_;
}

// Cuts and appends a request by itself, on the calling thread.
void SourceIntake::cut_alone(const RequestPtr& request) {
  cut_turn({request});
}

// In order per key: a request follows what came before it on its connection to wherever that is.
void SourceIntake::take_on_door_thread(const RequestPtr& request) {
  const uint64_t key = request->raw.order_key;
  end_turn();
  const auto of_key = [key](const RequestPtr& other) { return other->raw.order_key == key; };
  const bool in_lane = std::any_of(in_lane_.begin(), in_lane_.end(), [&](const std::shared_ptr<const Turn>& turn) {
    return std::any_of(turn->begin(), turn->end(), of_key);
  });
  const size_t lane = options_.door_thread;
  OnDoorThread& there =
      on_door_threads_.try_emplace(key, OnDoorThread{in_lane ? lane : lane + key, 0}).first->second;
  ++there.requests;
  const bool posted = workers_.door(there.thread).post([this, request, key] {
    cut_alone(request);
    // The last thing this thread does with the intake: once settled, it may be gone.
    loop_.post([this, request, key] {
      left_door_thread(key);
      settle(request);
    });
  });
  if (posted) return;
  left_door_thread(key);
  refuse_unread(request, no_memory());
  settle(request);
}

void SourceIntake::left_door_thread(uint64_t key) {
  const auto found = on_door_threads_.find(key);
  ASSERT(found != on_door_threads_.end());
  if (--found->second.requests == 0) on_door_threads_.erase(found);
}

std::optional<Error> SourceIntake::refusal_of(const Request& request) const {
  // What goes to a queue is not looked at again: see held_back().
  if (options_.queue != nullptr && !request.raw.cursor.empty() && poisoned_.load()) return behind_failed();
  if (held_bytes() >= options_.held_bytes_max) return no_memory();
  return std::nullopt;
}

// Before a byte of it was looked at: not for what it says.
void SourceIntake::refuse_unread(const RequestPtr& request, Error error) {
  if (!request->raw.cursor.empty()) poisoned_.store(true);
  request->result.error = std::move(error);
}

void SourceIntake::flush(Scratch& scratch) {
  std::vector<OpenBatch>& open = scratch.open;
  if (options_.queue != nullptr) {
    if (!open[0].parts.empty() || target_count() > 1) enqueue(open);
    return;
  }
  RequestPtr before;
  const auto send = [&](size_t target, OpenBatch batch) {
    ASSERT(!batch.parts.empty());
    const bool follows = before != nullptr && !before->failed.load();
    before = batch.parts.front().request;
    append(target, std::move(batch), follows);
  };
  for (FullBatch& full : scratch.full) send(full.target, std::move(full.batch));
  scratch.full.clear();
  for (size_t target = 0; target < open.size(); ++target) {
    if (!open[target].builder->empty()) send(target, std::exchange(open[target], OpenBatch()));
  }
}

// `log: off`: one item for the batch and what was refused. It is as safe as it will get once it is queued.
void SourceIntake::enqueue(std::vector<OpenBatch>& open) {
  OpenBatch batch = std::exchange(open[0], OpenBatch());
  if (batch.parts.empty()) return;
  FeedItem item;
  if (target_count() > 1 && !open[1].builder->empty()) {
    OpenBatch refused = std::exchange(open[1], OpenBatch());
    item.refused = refused.builder->seal(origin_of(0), refused.base_position);
    for (Part& part : refused.parts) batch.parts.push_back({part.request, 0, 0});
  }
  item.batch = batch.builder->seal(origin_of(0), batch.base_position);
  item.next_position = batch.position;
  item.cursor = batch.cursor;
  item.part = options_.part;
  options_.queue->push(std::move(item));
  if (!batch.cursor.empty()) {
    std::lock_guard lock(position_mutex_);
    accepted_position_[0] = std::max(accepted_position_[0], batch.position);
  }
  // Safe as far as it goes: without a log an id lives as long as the process, like the queue.
  if (options_.dedupe) {
    for (const IdHash& id : batch.ids) options_.dedupe->confirm(id);
  }
  for (const Part& part : batch.parts) part.request->kept_one();
  loop_.post([this, parts = std::move(batch.parts)] {
    for (const Part& part : parts) {
      part.request->result.accepted += part.count;
      settle(part.request);
    }
  });
}

void SourceIntake::append(size_t target, OpenBatch batch, bool follows) {
  const bool dead = target == dead_target();
  auto sealed = batch.builder->seal(origin_of(target), 0);
  log::AcceptInfo info;
  info.source = dead ? options_.pipeline + "/" + options_.source : options_.source;
  info.id_hashes = batch.ids;
  info.ids = ids_kind();
  if (!batch.cursor.empty()) info.cursor = stored_cursor(batch).encode();
  auto shared = std::make_shared<OpenBatch>(std::move(batch));
  // Before the poison is looked at: encoding takes long, and what fails meanwhile must still be seen.
  auto encoded = log::encode(std::move(sealed), options_.codec, &info);
  if (!encoded) return appended(target, *shared, fail(std::move(encoded).error()));
  // Or a request that is larger than the queue would be refused half way, however often it comes. What there is of
  // it is bounded by `held_bytes_max`.
  encoded->follows = follows;
  const auto send = [&] {
    options_.log->append(
        dead ? *options_.dead_stream : options_.stream, dead ? 0 : static_cast<int32_t>(target),
        std::move(*encoded), options_.ack,
        [this, target, shared](Result<log::AppendResult> result) { appended(target, *shared, result); });
  };
  if (shared->cursor.empty() && !shared->parts.front().request->split) {
    // Without the lock below, which whoever is told takes as well.
    encoded->caller_waits = shared->parts.front().request->raw.kept != nullptr && !loop_.is_current();
    return send();
  }
  // In one: what fails meanwhile on the log's thread is told there before the log takes anything else.
  const std::lock_guard lock(poison_mutex_);
  std::optional<Error> held = held_back(*shared);
  if (!held) return send();
  appended(target, *shared, fail(std::move(*held)));
}

std::optional<Error> SourceIntake::held_back(const OpenBatch& batch) const {
  if (!batch.cursor.empty() && poisoned_.load())
    return behind_failed();
  // Those behind it in the batch come again as well.
  const Request& first = *batch.parts.front().request;
  if (first.split && first.failed.load())
    return Error{ErrorCode::kUnavailable, "an earlier part of the request was not stored", true, {}};
  return std::nullopt;
}

StoredCursor SourceIntake::stored_cursor(const OpenBatch& batch) const {
  std::lock_guard lock(position_mutex_);
  return {batch.position, batch.cursor, safe_position_, safe_cursor_};
}

// On the log thread, in an append of whoever waits, or wherever the append failed at once.
void SourceIntake::appended(size_t target, OpenBatch& batch, const Result<log::AppendResult>& result) {
  for (const IdHash& id : batch.ids) {
    if (result) {
      options_.dedupe->confirm(id);
    } else {
      options_.dedupe->release(id);
    }
  }
  if (result && !batch.ids.empty()) {
    SourceIntake& all = root();
    std::lock_guard lock(all.ids_mutex_);
    all.ids_end_[target] = std::max(all.ids_end_[target], result->last_offset + 1);
  }
  if (!result) {
    const std::lock_guard lock(poison_mutex_);
    if (!batch.cursor.empty()) poisoned_.store(true);
    for (const Part& part : batch.parts) part.request->failed.store(true);
  } else if (!batch.cursor.empty()) {
    std::lock_guard lock(position_mutex_);
    accepted_position_[target] = std::max(accepted_position_[target], batch.position);
  }
  if (result) {
    for (const Part& part : batch.parts) part.request->kept_one();
  }
  loop_.post([this, target, parts = std::move(batch.parts), result] {
    for (const Part& part : parts) {
      if (!result) {
        // The first says why; of those behind it only that they were held back.
        if (!part.request->result.error) part.request->result.error = result.error();
      } else if (target != dead_target() && part.count > 0) {
        part.request->result.accepted += part.count;
        const auto first = result->first_offset + static_cast<int64_t>(part.first);
        add_range(part.request->result,
                  {static_cast<int32_t>(target), first, first + static_cast<int64_t>(part.count) - 1});
      }
      settle(part.request);
    }
  });
}

// One thing the request waited for has happened.
void SourceIntake::settle(const RequestPtr& request) {
  LOOP_ASSERT(loop_);
  if (request->outstanding.fetch_sub(1) == 1) finish(request);
}

void SourceIntake::finish(const RequestPtr& request) {
  Ack& result = request->result;
  // All or nothing is what the client is told. What part of it the log has stored all the same (another
  // partition's) it gets again; without dedupe that is at least once.
  if (result.error) {
    result.accepted = result.duplicates = 0;
    request->kept_bytes = 0;
    result.offsets.clear();
    if (result.error->retryable) result.retry_after_ms = kRetryAfterMs;
    if (result.error->retryable) options_.counters->errors.add(result.error->code);
  }
  options_.counters->events_in.add(result.accepted + result.duplicates);
  options_.counters->events_out.add(result.accepted);
  options_.counters->bytes_out.add(request->kept_bytes);
  options_.counters->duration.observe_ns(clock_.monotonic_ns() - request->started_ns);
  options_.counters->queue_depth.add(-1);
  // Before the acknowledgement: whoever emits from it must find the room it has just been given.
  root().bytes_under_way_.fetch_sub(request->bytes);
  advance_safe_cursor(request);
  // The source has all its answers and goes back to the first that failed; from here on it is trusted again.
  if (--emits_under_way_ == 0) {
    poisoned_.store(false);
    held_ = false;
  }
  SourceIntake& all = root();
  all.new_ids_ += result.accepted;
  all.store_ids_if_due();
  AckFn ack = std::move(request->ack);
  ack(std::move(result));
  all.room();
  all.tell_idle();
}

bool SourceIntake::idle() const {
  ASSERT(root_ == nullptr);
  if (emits_under_way_ != 0 || storing_ids_) return false;
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const auto& part) { return part.second->emits_under_way_ == 0; });
}

void SourceIntake::tell_idle() {
  if (!idle() || waiting_idle_.empty()) return;
  auto waiting = std::exchange(waiting_idle_, {});
  for (Task& task : waiting) task();
}

void SourceIntake::advance_safe_cursor(const RequestPtr& request) {
  if (request->raw.cursor.empty()) return;
  std::lock_guard lock(position_mutex_);
  // An emit that failed holds the cursor where it is, whatever ends well behind it: the source goes back to it.
  const int64_t end = request->result.error ? kFailed : request->end_position;
  finished_behind_[request->number] = {end, request->raw.cursor};
  for (auto it = finished_behind_.begin(); it != finished_behind_.end() && it->first == next_finish_;
       it = finished_behind_.erase(it), ++next_finish_) {
    held_ = held_ || it->second.first == kFailed;
    if (!held_ && it->second.first > safe_position_) {
      safe_position_ = it->second.first;
      safe_cursor_ = it->second.second;
    }
  }
}

void SourceIntake::when_idle(Task task) {
  LOOP_ASSERT(loop_);
  if (idle()) {
    loop_.post(std::move(task));
  } else {
    waiting_idle_.push_back(std::move(task));
  }
}

std::unique_ptr<SourceIntake::Scratch> SourceIntake::borrow_scratch() {
  if (root_ != nullptr) return root_->borrow_scratch();
  {
    std::lock_guard lock(scratch_mutex_);
    if (!scratch_.empty()) {
      auto scratch = std::move(scratch_.back());
      scratch_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<Scratch>(options_);
}

void SourceIntake::return_scratch(std::unique_ptr<Scratch> scratch) {
  if (root_ != nullptr) return root_->return_scratch(std::move(scratch));
  std::lock_guard lock(scratch_mutex_);
  scratch_.push_back(std::move(scratch));
}

}  // namespace colloquium::engine
