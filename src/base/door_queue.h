// DoorQueue: what a source has read and the door (its Intake) has not accepted yet.
//
// A source push()es what it read, with its position and cursor, and looks at size(), waiting_bytes() and the like
// to see whether it should read on. pump() brings it to the door: in order, while the door is ready, at most
// `at_door_max` at a time, going on by itself as acknowledgements come or the door becomes ready again. Everything
// is kept until it was accepted. What the door turns away is offered again, as often as it takes, after the wait
// it asked for: first all that are under way have to come back (the door turns away those behind the first one,
// too), then they go there again from that one on. So nothing is skipped and order holds whatever happens.
//
// A refusal is logged once until something is accepted again. A source that has read everything has delivered it
// when the queue is empty().
//
// A source whose peer cannot wait may choose what becomes of events for which the pipeline has no room
// (DoorQueueOptions::overflow). It reads on then whatever happens, and what waits is bounded here. What is dropped
// is counted, and said in a warning at once and then at most every ten seconds.
//
// Memory: the bodies are shared, messages are copied while they are at the door. With OverflowPolicy::kBlock
// nothing here is bounded but by what the source pushes; else by `buffer_bytes` and what is at the door.
//
// Thread safety: loop only. Ownership: loop and intake outlive the queue, which may go at any time, also with
// batches at the door: their acknowledgements find nobody then. It may not go inside `moved`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "colloquium/loop.h"
#include "colloquium/source.h"

#include "base/counters.h"
#include "base/liveness.h"

namespace colloquium {

// What becomes of events when more come than the pipeline takes.
enum class OverflowPolicy {
  kBlock,    // the source does not read on
  kDropNew,  // what comes while the buffer is full is dropped
  kDropOld,  // what has waited longest makes room
};

struct Overflow {
  OverflowPolicy policy = OverflowPolicy::kBlock;
  uint64_t buffer_bytes = uint64_t{16} << 20;  // that may wait, unless it is kBlock
};

struct DoorQueueOptions {
  // In messages: the kind of the source, its name, and the file if it has several (else empty).
  std::string component;
  std::string source;
  std::string path;
  // More than one is for batches with cursors only: without them the door may accept one behind one it turned
  // away.
  size_t at_door_max = 1;
  Overflow overflow = {};
};

class DoorQueue {
 public:
  // `moved` runs after anything happened here that the source did not do itself: batches were accepted, or went to
  // a door that was closed. Not any more after stop().
  DoorQueue(Loop& loop, Intake& intake, DoorQueueOptions options, Task moved);

  // Whether the source may not stop reading: what is too much is dropped here.
  bool drops() const { return overflow() != OverflowPolicy::kBlock; }
  OverflowPolicy overflow() const { return options_.overflow.policy; }

  void push(RawBatch batch);

  // As push(), but what is still waiting, and was not offered yet, may take in the messages of `batch`, which then
  // travel together: for sources that have one message at a time. REQUIRES: messages, and the same settings in all
  // batches.
  void push_message(RawBatch batch);

  // Offers what can be offered now. Does not call `moved`.
  void pump();

  // Nothing goes to the door any more; what is there may still be accepted. What has no cursor, and so cannot be read
  // again, is left, and that is said.
  void stop();

  // For what a source has read and will not push.
  void leave(const RawBatch& batch);

  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }                // batches not accepted, or behind one that is not
  size_t waiting() const { return items_.size() - at_door_; }  // of these, not at the door
  uint64_t waiting_bytes() const { return waiting_bytes_; }
  // Events that were dropped. Any thread.
  const Counter& dropped() const { return dropped_; }
  // Events that were left at a stop. Any thread.
  const Counter& left() const { return left_; }

  // Of the last batch up to which everything was accepted: where it ended, and its cursor. 0 and empty if there is
  // none yet.
  int64_t position() const { return position_; }
  const std::string& cursor() const { return cursor_; }

  void set_path(std::string path) { options_.path = std::move(path); }

 private:
  enum class State { kWaiting, kAtDoor, kAccepted };
  struct Item {
    uint64_t number = 0;  // rising
    RawBatch batch;
    uint64_t bytes = 0;
    int64_t end = 0;  // position behind it, once it is accepted
    State state = State::kWaiting;
    bool offered = false;
  };

  // Makes room for so many bytes, if it may; false: they are not to be taken.
  bool make_room(uint64_t bytes);
  void drop(const RawBatch& batch);
  void tell_of_drops();
  void tell_of_left();
  // Index of the first that waits; size() if none does.
  size_t first_waiting() const;
  void offer(size_t index);
  void acknowledged(uint64_t number, const Ack& ack);
  void refused(const Ack& ack);
  void take_accepted();
  void go_back_later();
  void wait_for_door();
  // Goes on, then tells the source.
  void changed();

  Loop& loop_;
  Intake& intake_;
  DoorQueueOptions options_;
  Task moved_;
  std::deque<Item> items_;
  uint64_t next_number_ = 0;
  size_t at_door_ = 0;
  uint64_t waiting_bytes_ = 0;
  int64_t position_ = 0;
  std::string cursor_;
  bool pumping_ = false;
  bool waits_for_door_ = false;
  bool going_back_ = false;  // the door turned one away; nothing goes there until all are back and time has passed
  bool stopped_ = false;
  int64_t retry_after_ms_ = 0;
  uint64_t refusals_ = 0;  // since something was accepted
  Counter dropped_;
  uint64_t told_dropped_ = 0;          // of these
  Counter left_;
  uint64_t told_left_ = 0;
  std::unique_ptr<Timer> tell_timer_;  // until drops may be told again
  std::unique_ptr<Timer> retry_timer_;
  Liveness alive_;
};

}  // namespace colloquium
