// BodyBudget: how many bytes of bodies a server reads at a time, and who waits until there is room.
//
// A request takes its bytes before its body is read and keeps them until it is answered, so what has been let
// in fits. Rules:
// - Requests come in in the order in which they asked. One that is larger than the whole budget comes in when
//   nothing else is in, so there is always one that goes on.
// - A body of unknown length takes a piece and grows. Growing goes before coming in, because what is in holds
//   memory already. When the budget is used up, one request at a time may grow beyond it (it has the
//   overdraft) until it is answered; the others wait. That one can always be completed: no deadlock, and never
//   more than the budget and one body.
//
// Private to src/net. Ownership: the holder of a Hold gives it back; a waiter is granted its wish or takes it
// back before it goes. Thread safety: loop only, but the gauges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/counters.h"

namespace colloquium::net {

class BodyBudget {
 public:
  // What one request has taken.
  struct Hold {
    size_t bytes = 0;
    bool overdraft = false;
  };

  class Waiter {
   public:
    virtual ~Waiter() = default;
    // What was wished for is now in the Hold. Anything may be called from here.
    virtual void granted() = 0;
  };

  // `room` is called when someone waits and there may be room: it is to have grant() called, later.
  BodyBudget(size_t limit_bytes, Gauge& taken, Gauge& waiting, std::function<void()> room)
      : limit_bytes_(limit_bytes), taken_gauge_(taken), waiting_gauge_(waiting), room_(std::move(room)) {}
  ~BodyBudget();

  // Takes `bytes` for a request that has none yet. False: it has to wait.
  [[nodiscard]] bool enter(Hold& hold, size_t bytes) {
    if (is_awaited() || !has_room(bytes)) return false;
    add(hold, bytes);
    return true;
  }
  // Takes so many more that `hold` has `bytes`. False: it has to wait.
  [[nodiscard]] bool grow(Hold& hold, size_t bytes);

  // Gives back what `hold` has beyond `bytes`.
  void shrink(Hold& hold, size_t bytes);
  void give_back(Hold& hold) {
    if (hold.bytes > 0) shrink(hold, 0);
  }

  // After enter() or grow() said no: grant() tries again. `waiter` and `hold` stay where they are until it is
  // granted or cancelled. The result is for cancel(), never 0.
  uint64_t wait_to_enter(Waiter& waiter, Hold& hold, size_t bytes);
  uint64_t wait_to_grow(Waiter& waiter, Hold& hold, size_t bytes);
  // Nothing if it was granted already.
  void cancel(uint64_t ticket);

  // Lets in whoever can come in now.
  void grant();

  bool is_awaited() const { return !waiting_.empty() || !growing_.empty(); }
  size_t waiting_count() const { return waiting_.size() + growing_.size(); }
  size_t taken_bytes() const { return taken_bytes_; }

 private:
  struct Wish {
    Waiter* waiter;
    Hold* hold;
    size_t bytes;
  };
  using Wishes = std::map<uint64_t, Wish>;  // by ticket: in the order of asking

  bool has_room(size_t bytes) const {
    return taken_bytes_ == 0 || (taken_bytes_ < limit_bytes_ && bytes <= limit_bytes_ - taken_bytes_);
  }
  void add(Hold& hold, size_t bytes);
  bool try_to_grow(Hold& hold, size_t bytes);
  uint64_t wait(Wishes& wishes, const Wish& wish);
  bool grant_first(Wishes& wishes, bool growing);

  const size_t limit_bytes_;
  Gauge& taken_gauge_;
  Gauge& waiting_gauge_;
  const std::function<void()> room_;
  size_t taken_bytes_ = 0;
  bool overdrawn_ = false;  // someone has the overdraft
  uint64_t last_ticket_ = 0;
  Wishes growing_;
  Wishes waiting_;
};

}  // namespace colloquium::net
