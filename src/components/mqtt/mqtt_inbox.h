// MqttInbox: takes messages on Paho's thread and hands them to the door, so that none is acknowledged to the
// broker before it is as safe as the pipeline's `ack` declares.
//
// A message of QoS 1 or 2 is given to the door on Paho's thread, and the callback waits until the door
// acknowledges, for at most ack_timeout, and where the log writes on this very thread (RawBatch::kept) for the
// length of that write beyond it; what is refused is tried again until then. The loop only passes the
// acknowledgement on and never waits for Paho, so the two cannot wait for each other. If time runs out the message
// is refused, and the broker has it still. While the door is closed for more than a moment (sources are
// paused), it is refused at once: the connection is cut, and made again when the door is open.
//
// Where an acknowledgement promises no more than memory anyway (`ack: queued`, `log: off`), and for QoS 0, whose
// messages nobody acknowledges, the callback leaves the message in a bounded queue and returns. The loop empties
// it, one batch under way at a time, so that order is kept even if the door refuses one for a while. A full queue
// makes the callback wait, a little; then a message of QoS 0 is dropped, and any other refused. After such a wait
// further messages of QoS 0 are dropped at once until there is room.
//
// Thread safety: arrived() on one of Paho's threads at a time; the rest on the loop. Ownership: whoever has the
// inbox takes Paho's connection down before it goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/executor.h"
#include "colloquium/loop.h"
#include "colloquium/source.h"

#include "base/bounded_queue.h"
#include "base/counters.h"
#include "base/liveness.h"
#include "components/mqtt/mqtt_message.h"

namespace colloquium::components {

struct MqttInboxOptions {
  std::string owner;                             // in messages
  std::shared_ptr<const RecordDecoder> decoder;  // makes events of payloads; null: they are JSON
  bool from_memory = false;                      // SourceContext::acks_from_memory
  int64_t ack_timeout_ms = 10'000;
  int64_t door_grace_ms = 200;  // how long the door may be closed before messages are refused at once
  size_t queue_messages = 8192;
  int64_t queue_bytes = int64_t{16} << 20;
};

// Read on other threads.
struct MqttInboxCounters {
  Counter refused;     // not acknowledged: the broker sends them again
  Counter dropped;     // of QoS 0, for want of room
  Counter duplicates;  // that the broker said it may have sent before
};

class MqttInbox {
 public:
  // `accepted` is called on either thread when the door has taken something.
  MqttInbox(MqttInboxOptions options, Intake& intake, Loop& loop, Executor& executor, const Clock& clock,
            std::function<void()> accepted);

  // False: it must not be acknowledged.
  bool arrived(MqttMessage message);

  // Whether the door takes something now; arrived() goes by the last answer.
  bool look_at_door();

  // What was queued goes to the door. Messages that wait for an answer are still taken, others are not.
  void stop();

  MqttInboxCounters& counters() { return *counters_; }

 private:
  struct Answer;
  static constexpr int64_t kOpen = std::numeric_limits<int64_t>::min();

  bool give(const RawMessage& event);
  bool give_once(const RawMessage& event, int64_t deadline_ns, int64_t& retry_after_ms);
  bool enqueue(RawMessage event, int qos);
  bool push(RawMessage& event, int64_t bytes);
  void wake();
  void wait_for_door();
  bool is_door_closed() const;
  void pump();
  void emit();
  void answered(const Ack& ack);
  RawBatch batch_of(std::vector<RawMessage> events) const;

  const MqttInboxOptions options_;
  Intake& intake_;
  Loop& loop_;
  Executor& executor_;
  const Clock& clock_;
  const std::function<void()> accepted_;
  const std::shared_ptr<MqttInboxCounters> counters_ = std::make_shared<MqttInboxCounters>();
  std::atomic<bool> stopped_{false};
  std::atomic<int64_t> closed_since_ns_{kOpen};  // the door, as the loop last saw it, which alone may ask
  std::atomic<bool> no_room_{false};             // a wait for room in the queue was in vain
  std::atomic<int64_t> queued_bytes_{0};         // in the queue and under way
  BoundedQueue<RawMessage> queue_;
  // Of the loop.
  std::vector<RawMessage> under_way_;  // kept until they are accepted
  bool waits_for_door_ = false;
  std::vector<std::shared_ptr<Signal>> want_room_;
  std::unique_ptr<Timer> retry_;
  Liveness alive_;
};

}  // namespace colloquium::components
