#include "base/door_queue.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium {
namespace {

constexpr int64_t kRetryMs = 1000;
constexpr int64_t kTellMs = 10'000;
// What messages that come one by one may make together.
constexpr uint64_t kTogetherBytes = uint64_t{1} << 20;

// About what it takes of memory.
uint64_t bytes_of(const RawBatch& batch) {
  uint64_t bytes = batch.body == nullptr ? 0 : batch.body->size();
  for (const RawMessage& message : batch.messages) {
    bytes += sizeof message + message.value.size() + (message.key ? message.key->size() : 0);
    for (const auto& header : message.headers) bytes += sizeof header + header.first.size() + header.second.size();
  }
  return bytes;
}

// As the door would cut it.
uint64_t events_in(const RawBatch& batch) {
  if (batch.body == nullptr) return batch.messages.size();
  std::string_view rest = *batch.body;
  uint64_t count = 0;
  if (batch.decoder != nullptr) {
    rest.remove_prefix(std::min<size_t>(batch.records_begin, rest.size()));
    std::string_view record;
    while (batch.decoder->next(rest, record)) ++count;
    return count;
  }
  if (batch.format != BodyFormat::kNdjson) return 1;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (rest.substr(0, end).find_first_not_of(" \t\r") != rest.npos) ++count;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return count;
}

int64_t end_of(const RawBatch& batch) {
  return batch.position + static_cast<int64_t>(batch.body == nullptr ? batch.messages.size() : batch.body->size());
}

}  // namespace

DoorQueue::DoorQueue(Loop& loop, Intake& intake, DoorQueueOptions options, Task moved)
    : loop_(loop), intake_(intake), options_(std::move(options)), moved_(std::move(moved)) {
  ASSERT(options_.at_door_max > 0);
}

void DoorQueue::push(RawBatch batch) {
  LOOP_ASSERT(loop_);
  ASSERT_WHY(options_.at_door_max == 1 || !batch.cursor.empty(), "one at a time, or with cursors");
  const uint64_t bytes = bytes_of(batch);
  if (!make_room(bytes)) return drop(batch);
  waiting_bytes_ += bytes;
  items_.push_back({next_number_++, std::move(batch), bytes});
}

bool DoorQueue::make_room(uint64_t bytes) {
  if (!drops()) return true;
  const uint64_t most = options_.overflow.buffer_bytes;
  // However large, one may wait: else it could never pass.
  const auto fits = [&] { return waiting_bytes_ == 0 || waiting_bytes_ + bytes <= most; };
  if (options_.overflow.policy == OverflowPolicy::kDropNew) return fits();
  for (size_t i = first_waiting(); !fits() && i < items_.size(); i = first_waiting()) {
    waiting_bytes_ -= items_[i].bytes;
    drop(items_[i].batch);
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  take_accepted();
  return true;
}

void DoorQueue::drop(const RawBatch& batch) {
  dropped_.add(events_in(batch));
  if (tell_timer_ == nullptr) tell_of_drops();
}

void DoorQueue::tell_of_drops() {
  const uint64_t more = dropped_.value() - std::exchange(told_dropped_, dropped_.value());
  if (more == 0) return;
  const char* const which = options_.overflow.policy == OverflowPolicy::kDropNew ? "new" : "old";
  log_warning(options_.component,
              std::string("more comes than the pipeline takes: ") + which + " events are dropped",
              {{"source", options_.source}, {"dropped", more}, {"buffer_bytes", options_.overflow.buffer_bytes}});
  tell_timer_ = loop_.start_timer(kTellMs, [this] {
    const auto fired = std::move(tell_timer_);
    tell_of_drops();
  });
}

void DoorQueue::push_message(RawBatch batch) {
  LOOP_ASSERT(loop_);
  ASSERT(batch.body == nullptr && !batch.messages.empty());
  Item* const last = items_.empty() ? nullptr : &items_.back();
  // Not too much of the buffer, as they would be dropped together, too.
  const uint64_t most = drops() ? std::min(kTogetherBytes, options_.overflow.buffer_bytes / 16) : kTogetherBytes;
  const bool joins = last != nullptr && last->state == State::kWaiting && !last->offered && last->bytes < most &&
                     end_of(last->batch) == batch.position;
  const uint64_t bytes = bytes_of(batch);
  // What has to make room for others, or may not come in, does so alone.
  if (!joins || (drops() && waiting_bytes_ + bytes > options_.overflow.buffer_bytes))
    return push(std::move(batch));
  last->bytes += bytes;
  waiting_bytes_ += bytes;
  last->batch.cursor = std::move(batch.cursor);
  std::move(batch.messages.begin(), batch.messages.end(), std::back_inserter(last->batch.messages));
}

size_t DoorQueue::first_waiting() const {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [](const Item& item) { return item.state == State::kWaiting; });
  return static_cast<size_t>(found - items_.begin());
}

void DoorQueue::pump() {
  LOOP_ASSERT(loop_);
  // A door that answers inside emit() comes back here.
  if (std::exchange(pumping_, true)) return;
  while (!stopped_ && !going_back_ && !waits_for_door_ && at_door_ < options_.at_door_max) {
    const size_t index = first_waiting();
    if (index == items_.size()) break;
    if (intake_.ready()) {
      offer(index);
    } else {
      wait_for_door();
    }
  }
  pumping_ = false;
}

void DoorQueue::wait_for_door() {
  // Asked for once; the door calls back once.
  waits_for_door_ = true;
  intake_.when_ready(alive_.guard([this] {
    waits_for_door_ = false;
    changed();
  }));
}

void DoorQueue::offer(size_t index) {
  Item& item = items_[index];
  ASSERT(item.state == State::kWaiting && waiting_bytes_ >= item.bytes);
  item.state = State::kAtDoor;
  item.offered = true;
  waiting_bytes_ -= item.bytes;
  ++at_door_;
  const uint64_t number = item.number;
  // A copy: what the door turns away is offered again.
  intake_.emit(RawBatch(item.batch), alive_.guard([this, number](const Ack& ack) { acknowledged(number, ack); }));
}

void DoorQueue::acknowledged(uint64_t number, const Ack& ack) {
  LOOP_ASSERT(loop_);
  const auto found = std::lower_bound(items_.begin(), items_.end(), number,
                                      [](const Item& item, uint64_t wanted) { return item.number < wanted; });
  ASSERT(found != items_.end() && found->number == number && at_door_ > 0);
  --at_door_;
  Item& item = *found;
  ASSERT(item.state == State::kAtDoor);
  if (ack.error) {
    item.state = State::kWaiting;
    waiting_bytes_ += item.bytes;
    refused(ack);
    if (stopped_ && item.batch.cursor.empty()) leave(item.batch);
  } else {
    item.state = State::kAccepted;
    item.end = end_of(item.batch);
    item.batch.body = nullptr;
    item.batch.messages = {};
  }
  take_accepted();
  if (!going_back_) return changed();
  if (at_door_ == 0) go_back_later();
}

void DoorQueue::refused(const Ack& ack) {
  going_back_ = true;
  // The longest wait anybody asked for serves all of them.
  retry_after_ms_ = std::max(retry_after_ms_, ack.retry_after_ms);
  if (refusals_++ > 0 || stopped_) return;
  const std::string what = "not accepted, offered again until it is: " + ack.error->describe();
  if (options_.path.empty()) {
    log_warning(options_.component, what, {{"source", options_.source}});
  } else {
    log_warning(options_.component, what, {{"source", options_.source}, {"path", options_.path}});
  }
}

// Acknowledgements may overtake each other; what is behind one still out stays.
void DoorQueue::take_accepted() {
  while (!items_.empty() && items_.front().state == State::kAccepted) {
    position_ = items_.front().end;
    cursor_ = std::move(items_.front().batch.cursor);
    items_.pop_front();
    refusals_ = 0;
  }
}

// All are back: those that were turned away are offered again, first things first.
void DoorQueue::go_back_later() {
  if (stopped_) return;
  const int64_t asked_ms = std::exchange(retry_after_ms_, 0);
  retry_timer_ = loop_.start_timer(asked_ms > 0 ? asked_ms : kRetryMs, [this] {
    const auto fired = std::move(retry_timer_);
    going_back_ = false;
    changed();
  });
}

void DoorQueue::changed() {
  if (pumping_ || stopped_) return;
  pump();
  moved_();
}

void DoorQueue::stop() {
  LOOP_ASSERT(loop_);
  if (std::exchange(stopped_, true)) return;
  retry_timer_ = nullptr;
  tell_timer_ = nullptr;
  tell_of_drops();
  tell_timer_ = nullptr;
  for (const Item& item : items_) {
    if (item.state == State::kWaiting && item.batch.cursor.empty()) left_.add(events_in(item.batch));
  }
  tell_of_left();
}

void DoorQueue::leave(const RawBatch& batch) {
  left_.add(events_in(batch));
  if (stopped_) tell_of_left();
}

void DoorQueue::tell_of_left() {
  const uint64_t more = left_.value() - std::exchange(told_left_, left_.value());
  if (more == 0) return;
  log_warning(options_.component, "stopped before the pipeline took all that was read: events are dropped",
              {{"source", options_.source}, {"dropped", more}});
}

}  // namespace colloquium
