// HttpConnection: HTTP/1.1 over one ByteStream. Private to src/net.
//
// Input and output are two halves that know of each other only through the AnswerQueue. Input goes through
// the states below; output writes answers in the order of their requests and, behind the last one, finishes
// the stream and lingers: it reads on for a bounded while, because a socket closed with unread bytes takes
// the answer with it.
//
// Life: made and owned by ServerCore, kept alive by Responders; close() gives the socket back, and everything
// called after it does nothing. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "io/compress.h"
#include "net/answer_queue.h"
#include "net/body_budget.h"
#include "net/byte_stream.h"
#include "net/exchange.h"
#include "net/http_parser.h"
#include "net/server_connection.h"

namespace colloquium::net {

class ServerCore;
struct LiveRoute;

// Buffers that have grown beyond this are given back when they are empty.
inline constexpr size_t kBufferKeepBytes = 64 * 1024;

// What every connection of HTTP/2 begins with (RFC 9113, 3.4); no request of HTTP/1.1 does.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class HttpConnection final : public ServerConnection,
                             public AdmissionWaiter,
                             public Exchanges,
                             public ByteStreamEvents,
                             public BodyBudget::Waiter,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream);
  ~HttpConnection() override;

  void start() override;

  void answer(uint64_t exchange, const Response& response) override;
  bool alive() const override { return input_ != Input::kClosed; }

  size_t read_bytes_max() const override;
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_sent() override;

  // Writes what was answered outside of on_bytes, and goes on reading.
  void settle_later() override;
  // Asks the route again that said kWait.
  void admit_again() override;
  // The body budget has what this connection waited for.
  void granted() override;
  // Enforces the time limits.
  void check_time(int64_t now_ms) override;
  // Ends when the answers under way are sent.
  void shut_down() override;
  void close() override;

 private:
  enum class Input : uint8_t {
    kHead,      // between requests, or in a head
    kBody,      // reading a body for a handler
    kSkip,      // reading over the rest of a request that has been answered
    kHeld,      // a route said kWait
    kQueued,    // waits for the body budget
    kDecoding,  // a body is being decompressed on another thread
    kDrop,      // no further request: what comes is thrown away
    kClosed,
  };

  // What comes after kQueued.
  enum class AfterQueue : uint8_t { kEnter, kReadOn, kDecode };

  // Input.
  bool begins_http2(std::string_view bytes);
  void hand_over();
  bool wants_input() const;
  size_t consume(std::string_view input);
  size_t consume_carried();
  void take(const HttpParser::Step& step);
  void on_head();
  std::optional<Problem> check_head(const RequestHead& head);
  void answer_options();
  void admit();
  void enter();
  void entered();
  void start_body();
  void on_body(std::string_view bytes);
  void reserve_ahead();
  size_t body_bytes_max() const;
  void on_message();
  bool passes_body_check();
  void decode();
  void decode_elsewhere();
  void decoded(Status status, std::string body);
  void dispatch(std::shared_ptr<const std::string> body);
  void queue(AfterQueue then, size_t bytes);
  void leave_queue();
  void give_up_queueing();
  bool is_decoding() const;
  void refuse(Problem problem);
  void refuse_connection(Problem problem);
  void drop_input();

  // Output.
  void settle();
  void flush();
  void advance_answers();
  bool is_last_answer(const PendingAnswer& pending) const;
  void end_after_answers();
  void release(PendingAnswer& pending);
  void release_all();
  void update_reading();

  // Time.
  void check_input_time(int64_t now_ms);
  void check_body_time(int64_t now_ms);
  void check_pace(int64_t now_ms);

  ServerCore& core_;  // not used once closed
  const uint64_t id_;
  std::unique_ptr<ByteStream> stream_;
  HttpParser parser_;

  Input input_ = Input::kHead;
  std::string carry_;  // bytes read and not yet consumed, from carried_ on
  size_t carried_ = 0;
  bool peer_ended_ = false;
  size_t dropped_bytes_ = 0;

  // The request being read.
  uint64_t exchange_ = 0;
  std::shared_ptr<LiveRoute> route_;
  std::shared_ptr<std::string> body_;
  std::unique_ptr<BodyCheck> body_check_;  // null: the body need not be checked
  io::Compression coding_ = io::Compression::kNone;
  size_t window_bytes_ = 0;  // of the body, since input_since_ms_
  size_t pace_bytes_ = 0;    // likewise, since pace_since_ms_
  size_t decode_room_ = 0;   // for the decoded body, as far as it is known
  AfterQueue after_queue_ = AfterQueue::kEnter;
  uint64_t ticket_ = 0;  // kQueued: the place in the queue

  // Answers.
  AnswerQueue answers_;
  std::string out_;
  bool in_input_ = false;     // settle() comes anyway
  bool write_later_ = false;  // settle_later() is on its way
  bool ending_ = false;       // the last answer is in out_ or sent
  bool finished_ = false;     // and the stream has been finished

  // When, on the loop's clock.
  int64_t input_since_ms_;     // head: first byte, 0 if none; body, hold, queue: beginning of the window
  int64_t body_began_ms_ = 0;  // the time spent in the queue is left out
  int64_t pace_since_ms_ = 0;
  int64_t idle_since_ms_;
  int64_t sent_ms_ = 0;  // last time the client took something
  int64_t finished_ms_ = 0;
  bool used_ = false;          // has had a request
  bool last_request_ = false;  // the present request asked for the connection to be closed
};

}  // namespace colloquium::net
