// Http2Stream: one request of an HTTP/2 connection and its answer. Private to src/net.
//
// It goes through the same rules as a request of HTTP/1.1 (request_rules.h) and the same admission, body budget
// and decoder; what is different is who waits: where HTTP/1.1 stops reading the connection, here the client gets
// no leave to send more (flow control), and the other streams go on. What had leave before, up to kWindowBytes, is
// kept and counts as held.
//
// Life: owned by its Http2Connection until the stream is closed, kept alive by Responders; answers that come after
// that go nowhere. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "io/compress.h"
#include "net/body_budget.h"
#include "net/exchange.h"
#include "net/request_rules.h"
#include "net/server_connection.h"

namespace colloquium::net {

class Http2Connection;
class ServerCore;
struct LiveRoute;

class Http2Stream final : public Exchanges,
                          public AdmissionWaiter,
                          public BodyBudget::Waiter,
                          public std::enable_shared_from_this<Http2Stream> {
 public:
  // The leave to send that a stream begins with, and what it has once its body is let in. The first is memory that
  // a client takes without being let in, for each of its streams.
  static constexpr size_t kWindowBytes = 16 * 1024;
  static constexpr size_t kWideWindowBytes = 256 * 1024;

  Http2Stream(ServerCore& core, Http2Connection& connection, int32_t id);
  ~Http2Stream() override;

  int32_t id() const { return id_; }

  // What comes, in this order. Trailers are not told.
  void on_header(std::string_view name, std::string_view value);
  void on_head(bool has_body);
  void on_body(std::string_view bytes);
  void on_end();
  // The stream is no more; nothing is called after it.
  void on_closed();

  void answer(uint64_t exchange, const Response& response) override;
  bool alive() const override { return connection_ != nullptr; }
  void admit_again() override;
  void granted() override;
  void check_time(int64_t now_ms);
  // What has not been let in is refused.
  void shut_down();

  bool is_complete() const { return complete_; }
  bool is_answered() const { return state_ == State::kAnswered; }
  // The answer's body, and how far it has been sent.
  std::string& answer_body() { return answer_body_; }
  size_t& answer_sent() { return answer_sent_; }
  // After the answer: the client is still sending, and not only a little that is sure to come.
  bool has_long_rest() const;

 private:
  enum class State : uint8_t {
    kHead,
    kHeld,      // a route said kWait
    kQueued,    // waits for the body budget
    kBody,      // reading a body for a handler
    kDecoding,  // a body is being decompressed on another thread
    kHandled,   // its handler, or nobody yet, has the duty to answer
    kAnswered,
    kClosed,
  };
  enum class AfterQueue : uint8_t { kEnter, kReadOn, kDecode };

  void build_head(bool has_body);
  std::optional<Problem> check_head();
  void admit();
  void enter();
  void entered();
  void start_body();
  void take(std::string_view bytes);
  size_t body_bytes_max() const;
  void reserve_ahead();
  void give_leave();
  void queue(AfterQueue then, size_t bytes);
  void leave_queue();
  void on_message();
  void decode();
  void decode_elsewhere();
  void decoded(Status status, std::string body);
  void dispatch(std::shared_ptr<const std::string> body);
  void refuse(const Problem& problem);
  void release();
  void check_body_time(int64_t now_ms);
  void check_pace(int64_t now_ms);

  struct Field {
    size_t name_bytes;
    size_t value_bytes;
  };

  ServerCore& core_;             // not used once closed
  Http2Connection* connection_;  // null once closed
  const int32_t id_;
  State state_ = State::kHead;

  // The head: texts one behind the other, and then views of them.
  std::string texts_;
  std::vector<Field> fields_;
  bool head_too_large_ = false;
  RequestHead head_;

  std::shared_ptr<LiveRoute> route_;
  OriginAnswer origin_;
  io::Compression coding_ = io::Compression::kNone;
  std::unique_ptr<BodyCheck> body_check_;
  std::shared_ptr<std::string> body_;
  bool complete_ = false;        // the request has come in whole
  size_t held_bytes_ = 0;        // of the core's memory for bodies
  size_t unconsumed_bytes_ = 0;  // the client has no leave yet to send as many more
  BodyBudget::Hold hold_;
  AfterQueue after_queue_ = AfterQueue::kEnter;
  uint64_t ticket_ = 0;
  size_t decode_room_ = 0;
  size_t window_bytes_ = 0;  // of the body, since since_ms_
  size_t pace_bytes_ = 0;    // likewise, since pace_since_ms_

  std::string answer_body_;
  size_t answer_sent_ = 0;

  // When, on the loop's clock.
  int64_t since_ms_;  // the state, or the window of the body, began
  int64_t body_began_ms_ = 0;
  int64_t pace_since_ms_ = 0;
};

}  // namespace colloquium::net
