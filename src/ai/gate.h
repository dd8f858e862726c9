// Gate: where calls to one model of one provider wait for their turn: until its rate allows one more, and until
// one of the provider's places for calls under way is free. First come, first served, so a call for many tokens is
// not passed for ever by small ones.
//
// Ownership: loop and clock outlive it; Places is shared by the gates of a provider, which leave it as they go.
// Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/function.h"
#include "colloquium/loop.h"

#include "ai/rate_limit.h"
#include "base/liveness.h"

namespace colloquium::ai {

class Gate;

// How many calls of a provider are under way at once. Gates that wait are served in turn.
class Places {
 public:
  // REQUIRES: limit > 0.
  explicit Places(size_t limit) : limit_(limit) {}
  size_t taken() const { return taken_; }

 private:
  friend class Gate;
  bool is_full() const { return taken_ >= limit_; }
  bool is_awaited_beside(const Gate* gate) const;
  void give_back();
  void take(const Gate* gate);

  const size_t limit_;
  size_t taken_ = 0;
  size_t next_ = 0;  // of `gates_`, to be served first
  std::vector<Gate*> gates_;
};

class Gate {
 public:
  using Ticket = uint64_t;

  Gate(const RateLimitSpec& rate, size_t queue_max, std::shared_ptr<Places> places, Loop& loop,
       const Clock& clock);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // `go` runs, in a later turn, once it is its turn: it has a place then, and leave() has to follow. 0: too many
  // wait.
  Ticket enter(int64_t tokens, Task go);
  // Nobody waits for it any more. REQUIRES: `go` has not run.
  void give_up(Ticket ticket);

  // The call is over, or was not made: it took `took` tokens, 0 if it was never sent.
  void leave(int64_t estimated, int64_t took);
  // The provider asked for it: nothing begins for so long.
  void hold_ms(int64_t for_ms);

  size_t waiting() const { return queue_.size(); }

 private:
  friend class Places;
  struct Waiting {
    Ticket ticket;
    int64_t tokens;
    Task go;
  };
  void pump();
  void pump_later(int64_t wait_ns);
  void serve();
  bool serve_one();

  RateLimit rate_;
  const size_t queue_max_;
  const std::shared_ptr<Places> places_;
  Loop& loop_;
  const Clock& clock_;
  std::list<Waiting> queue_;
  Ticket next_ = 1;
  std::unique_ptr<Timer> timer_;
  Liveness alive_;
};

}  // namespace colloquium::ai
