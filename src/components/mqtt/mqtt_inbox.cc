#include "components/mqtt/mqtt_inbox.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "mqtt";
constexpr int64_t kRoomMs = 1'000;   // how long a callback waits for room in the queue
constexpr int64_t kAgainMs = 100;    // before the door is asked again, at most
constexpr int64_t kLookMs = 5;       // before it is looked at again that is closed, and may be for a moment only
constexpr int64_t kEventBytes = 64;  // that an event takes beside what it holds

int64_t bytes_of(const RawMessage& event) {
  size_t bytes = kEventBytes + event.value.size() + event.key.value_or("").size();
  for (const auto& [name, value] : event.headers) bytes += name.size() + value.size();
  return static_cast<int64_t>(bytes);
}

}  // namespace

// The callback may have gone away when it comes.
struct MqttInbox::Answer {
  explicit Answer(std::shared_ptr<Signal> made) : signal(std::move(made)) {}
  const std::shared_ptr<Signal> signal;
  std::optional<Error> error;  // before the signal, as is the rest
  int64_t retry_after_ms = 0;
};

MqttInbox::MqttInbox(MqttInboxOptions options, Intake& intake, Loop& loop, Executor& executor, const Clock& clock,
                     std::function<void()> accepted)
    : options_(std::move(options)),
      intake_(intake),
      loop_(loop),
      executor_(executor),
      clock_(clock),
      accepted_(std::move(accepted)),
      queue_(options_.queue_messages) {}

RawBatch MqttInbox::batch_of(std::vector<RawMessage> events) const {
  RawBatch batch;
  batch.messages = std::move(events);
  batch.decoder = options_.decoder;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  return batch;
}

bool MqttInbox::arrived(MqttMessage message) {
  if (message.duplicate) counters_->duplicates.add();
  const int qos = message.qos;
  RawMessage event = to_event(std::move(message));
  event.timestamp_ms = clock_.wall_ms();
  const bool taken = qos == 0 || options_.from_memory ? enqueue(std::move(event), qos) : give(event);
  if (!taken) (qos == 0 ? counters_->dropped : counters_->refused).add();
  return taken;
}

// --- waiting for the door, on Paho's thread

bool MqttInbox::give(const RawMessage& event) {
  const int64_t deadline_ns = clock_.monotonic_ns() + options_.ack_timeout_ms * 1'000'000;
  for (;;) {
    // Waiting longer for the door would keep all of Paho waiting; who is cut off comes back when it is open.
    if (stopped_ || is_door_closed()) return false;
    int64_t retry_after_ms = -1;
    if (closed_since_ns_ != kOpen) {
      retry_after_ms = kLookMs;
    } else if (give_once(event, deadline_ns, retry_after_ms)) {
      return true;
    }
    const int64_t left_ms = (deadline_ns - clock_.monotonic_ns()) / 1'000'000;
    if (retry_after_ms < 0 || left_ms <= 0) return false;
    (void)executor_.make_signal()->wait(std::min({retry_after_ms, kAgainMs, left_ms}) * 1'000'000);
  }
}

// `retry_after_ms` stays negative where another attempt is of no use.
bool MqttInbox::give_once(const RawMessage& event, int64_t deadline_ns, int64_t& retry_after_ms) {
  auto answer = std::make_shared<Answer>(executor_.make_signal());
  RawBatch batch = batch_of({event});
  // Where all is well the loop is not waited for: for each message that would be half of what it takes.
  batch.kept = [answer] { answer->signal->set(); };
  intake_.emit(std::move(batch), [look = alive_.guard([this] { look_at_door(); }), answer](Ack ack) mutable {
    look();
    if (!ack.error) return;
    answer->error = std::move(ack.error);
    answer->retry_after_ms = ack.retry_after_ms;
    answer->signal->set();
  });
  const int64_t left_ns = std::max<int64_t>(deadline_ns - clock_.monotonic_ns(), 0);
  if (!answer->signal->wait(left_ns)) return false;
  if (!answer->error) {
    accepted_();
    return true;
  }
  if (answer->error->retryable) retry_after_ms = std::max<int64_t>(answer->retry_after_ms, 1);
  return false;
}

bool MqttInbox::look_at_door() {
  LOOP_ASSERT(loop_);
  if (intake_.ready()) {
    closed_since_ns_ = kOpen;
    return true;
  }
  if (closed_since_ns_ == kOpen) closed_since_ns_ = clock_.monotonic_ns();
  wait_for_door();
  return false;
}

// What is full for a moment, as under load, is not worth another connection.
bool MqttInbox::is_door_closed() const {
  const int64_t since_ns = closed_since_ns_;
  return since_ns != kOpen && clock_.monotonic_ns() - since_ns >= options_.door_grace_ms * 1'000'000;
}

void MqttInbox::wait_for_door() {
  if (std::exchange(waits_for_door_, true)) return;
  intake_.when_ready(alive_.guard([this] {
    waits_for_door_ = false;
    closed_since_ns_ = kOpen;
    pump();
  }));
}

// --- the queue

bool MqttInbox::push(RawMessage& event, int64_t bytes) {
  if (queued_bytes_ > 0 && queued_bytes_ + bytes > options_.queue_bytes) return false;
  queued_bytes_ += bytes;
  const Pushed pushed = queue_.push(std::move(event));
  if (pushed == Pushed::kFirst) wake();
  if (pushed == Pushed::kFirst || pushed == Pushed::kAdded) return true;
  queued_bytes_ -= bytes;
  return false;
}

void MqttInbox::wake() {
  (void)loop_.post(alive_.guard([this] { pump(); }));
}

bool MqttInbox::enqueue(RawMessage event, int qos) {
  if (stopped_) return false;
  const int64_t bytes = bytes_of(event);
  if (push(event, bytes)) return true;
  // One wait for all that come before there is room: all of Paho waits along.
  if (qos == 0 && no_room_) return false;
  const auto room = executor_.make_signal();
  (void)loop_.post(alive_.guard([this, room] {
    want_room_.push_back(room);
    pump();
  }));
  (void)room->wait(std::min(kRoomMs, options_.ack_timeout_ms) * 1'000'000);
  if (push(event, bytes)) return true;
  no_room_ = true;
  if (qos == 0)
    log_warning(kComponent, "messages of QoS 0 are dropped: the pipeline takes no more",
                {{"source", options_.owner}});
  return false;
}

void MqttInbox::pump() {
  if (!under_way_.empty() || stopped_) return;
  if (!look_at_door()) return;
  queue_.drain(under_way_);
  no_room_ = false;
  for (const auto& room : std::exchange(want_room_, {})) room->set();
  if (!under_way_.empty()) emit();
}

void MqttInbox::emit() {
  intake_.emit(batch_of(under_way_), alive_.guard([this](const Ack& ack) { answered(ack); }));
}

void MqttInbox::answered(const Ack& ack) {
  if (ack.error && ack.error->retryable && !stopped_) {
    retry_ = loop_.start_timer(std::clamp<int64_t>(ack.retry_after_ms, 1, kAgainMs), [this] {
      const auto fired = std::move(retry_);
      emit();
    });
    return;
  }
  if (ack.error) {
    counters_->dropped.add(under_way_.size());
    log_warning(kComponent, "messages that no broker will send again were not accepted: " + ack.error->message,
                {{"source", options_.owner}, {"messages", under_way_.size()}});
  } else {
    accepted_();
  }
  for (const RawMessage& event : under_way_) queued_bytes_ -= bytes_of(event);
  under_way_.clear();
  pump();
}

void MqttInbox::stop() {
  LOOP_ASSERT(loop_);
  if (stopped_.exchange(true)) return;
  queue_.close();
  for (const auto& room : std::exchange(want_room_, {})) room->set();
  std::vector<RawMessage> rest;
  queue_.drain(rest);
  // What waited for its second attempt has its last one now.
  if (std::exchange(retry_, nullptr) != nullptr) emit();
  if (rest.empty()) return;
  const size_t count = rest.size();
  intake_.emit(batch_of(std::move(rest)), [counters = counters_, count](const Ack& ack) {
    if (ack.error) counters->dropped.add(count);
  });
}

}  // namespace colloquium::components
