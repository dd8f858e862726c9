// RequestIntake: takes one request from its head to its handler, whichever protocol carries it: the route's
// admission, the body budget and its queue, the body and its check, decompression, and the time limits of all
// these. Private to src/net.
//
// What differs between protocols is its Host: how a wait is made felt, how a refusal is answered, how it goes on
// behind one. A request is let in by its route first and by the budget then; it may wait for either. Refused, it
// is told to the host, once, and the intake is idle again.
//
// Ownership: a member of its host, which outlives it; the core outlives both. Before the host goes, abandon().
// Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "io/compress.h"
#include "net/body_budget.h"
#include "net/exchange.h"
#include "net/server_connection.h"

namespace colloquium::net {

class ServerCore;
struct LiveRoute;

// What a request that is not answered yet has of the server's memory. ServerCore::release takes it back.
struct RequestMemory {
  BodyBudget::Hold hold;
  size_t body_bytes = 0;
};

class RequestIntake final : public AdmissionWaiter, public BodyBudget::Waiter {
 public:
  class Host {
   public:
    virtual ~Host() = default;

    // Of the request that begin() was called for; valid while the intake is not idle.
    virtual const RequestHead& head() const = 0;
    virtual RequestMemory& memory() = 0;
    // Keeps the host while anything is called.
    virtual std::shared_ptr<Host> kept() = 0;

    // The request waits: what head() views has to be kept.
    virtual void on_wait() = 0;
    // The body may come.
    virtual void on_let_in() = 0;
    // There is room for as much of the body as was taken so far.
    virtual void give_leave() = 0;
    // The end, one of two: to be answered with `problem`. If `complete`, nothing more of the request is to come.
    virtual void refuse(Problem problem, bool complete) = 0;
    // The request is complete. The intake is idle.
    virtual void handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) = 0;
    // Something went on outside of the host's own calls.
    virtual void settle() = 0;
  };

  RequestIntake(ServerCore& core, Host& host) : core_(core), host_(host) {}
  ~RequestIntake() override;
  RequestIntake(const RequestIntake&) = delete;
  RequestIntake& operator=(const RequestIntake&) = delete;

  // A head with which check_route() and what follows it found nothing wrong. `complete`: nothing more of it comes,
  // and on_end() is not called. REQUIRES: is_idle().
  void begin(std::shared_ptr<LiveRoute> route, io::Compression coding, bool complete);
  // The next bytes of the body, before it was let in, too. REQUIRES: not idle, not complete.
  void on_body(std::string_view bytes);
  void on_end();
  // Of what was begun, nothing is to be done any more; the memory stays the host's.
  void abandon();

  bool is_idle() const { return state_ == State::kIdle; }
  bool takes_body() const { return state_ == State::kBody; }
  bool is_complete() const { return complete_; }
  // It waits and holds no memory yet.
  bool is_outside() const {
    return state_ == State::kHeld || (state_ == State::kQueued && after_queue_ == AfterQueue::kEnter);
  }

  // Enforces the time limits; true if the request was refused for one.
  bool check_time(int64_t now_ms);
  // The server stops: what has not been let in is refused; true if so.
  bool shut_down();

  void admit_again() override;
  void granted() override;

 private:
  enum class State : uint8_t {
    kIdle,
    kHeld,      // a route said kWait
    kQueued,    // waits for the body budget
    kBody,      // reading a body for a handler
    kDecoding,  // a body is being decompressed, perhaps on another thread
  };
  // What comes after kQueued.
  enum class AfterQueue : uint8_t { kEnter, kReadOn, kDecode };

  void admit();
  void enter();
  void entered();
  void queue(AfterQueue then, size_t bytes);
  void leave_queue();
  void start_body();
  void take(std::string_view bytes);
  size_t body_bytes_max() const;
  void reserve_ahead();
  void on_message();
  void decode();
  void decode_elsewhere();
  void decoded(Status status, std::string body);
  void dispatch(std::shared_ptr<const std::string> body);
  void refuse(Problem problem);
  bool check_body_time(int64_t now_ms);
  void check_pace(int64_t now_ms);

  ServerCore& core_;
  Host& host_;
  State state_ = State::kIdle;
  AfterQueue after_queue_ = AfterQueue::kEnter;
  bool complete_ = false;  // the request has come in whole
  io::Compression coding_ = io::Compression::kNone;
  std::shared_ptr<LiveRoute> route_;
  std::shared_ptr<std::string> body_;      // null: nothing of it has come
  std::unique_ptr<BodyCheck> body_check_;  // null: the body need not be checked
  uint64_t ticket_ = 0;                    // kQueued: the place in the queue
  size_t decode_room_ = 0;                 // for the decoded body, as far as it is known
  size_t window_bytes_ = 0;                // of the body, since since_ms_
  size_t pace_bytes_ = 0;                  // likewise, since pace_since_ms_

  // When, on the loop's clock.
  int64_t since_ms_ = 0;       // the wait, or the window of the body, began
  int64_t body_began_ms_ = 0;  // the time spent in the queue is left out
  int64_t pace_since_ms_ = 0;
};

}  // namespace colloquium::net
