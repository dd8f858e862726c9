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

#include "net/answer_queue.h"
#include "net/byte_stream.h"
#include "net/exchange.h"
#include "net/http_parser.h"
#include "net/request_intake.h"
#include "net/response_writer.h"
#include "net/server_connection.h"
#include "net/websocket_connection.h"

namespace colloquium::net {

// What every connection of HTTP/2 begins with (RFC 9113, 3.4); no request of HTTP/1.1 does.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class HttpConnection final : public ServerConnection,
                             public Exchanges,
                             public ByteStreamEvents,
                             private RequestIntake::Host,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream);
  ~HttpConnection() override;

  void start() override;

  void answer(uint64_t exchange, const Response& response) override;
  void give_back(uint64_t exchange) override;
  bool alive() const override { return input_ != Input::kClosed; }
  void begin(uint64_t exchange, const Response& response) override;
  void write(uint64_t exchange, std::string_view piece) override;
  void end(uint64_t exchange, bool whole) override;
  size_t unsent_bytes(uint64_t exchange) const override;
  bool awaits(uint64_t exchange) const override;

  size_t read_bytes_max() const override;
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_sent() override;

  // Writes what was answered outside of on_bytes, and goes on reading.
  void settle_later() override;
  // Enforces the time limits.
  void check_time(int64_t now_ms) override;
  // Ends when the answers under way are sent.
  void shut_down() override;
  void close() override;

 private:
  enum class Input : uint8_t {
    kHead,     // between requests, or in a head
    kRequest,  // the intake has a request
    kSwitch,   // the handshake for WebSocket is done; what comes is another's
    kSkip,     // reading over the rest of a request that has been answered
    kDrop,     // no further request: what comes is thrown away
    kClosed,
  };

  // The intake's host.
  const RequestHead& head() const override { return parser_.head(); }
  RequestMemory& memory() override { return answers_.at(exchange_).memory; }
  std::shared_ptr<RequestIntake::Host> kept() override { return {shared_from_this(), this}; }
  void on_wait() override { parser_.keep_head(); }
  void on_let_in() override;
  void give_leave() override {}
  void refuse(Problem problem, bool complete) override;
  void handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) override;
  void settle() override;

  // Input.
  bool begins_http2(std::string_view bytes);
  void hand_over();
  bool wants_input() const;
  size_t consume(std::string_view input);
  size_t consume_carried();
  void take(const HttpParser::Step& step);
  void on_head();
  std::optional<Problem> check_head(const LiveRoute* route, const RequestHead& head, io::Compression& coding);
  void answer_options(const LiveRoute* route);
  std::optional<Problem> check_upgrade(const Route& route, const RequestHead& head,
                                       std::optional<Problem> foreign) const;
  void switch_to_websocket(std::shared_ptr<LiveRoute> route);
  void hand_over_websocket();
  void on_message();
  void request_ended();
  void refuse(Problem problem) { refuse(std::move(problem), false); }
  void refuse_connection(Problem problem);
  void drop_input();

  // Output.
  void append_head(PendingAnswer& pending, bool front, const Response& response, BodyEnd end);
  void append_piece(const PendingAnswer& pending, std::string& out, std::string_view piece) const;
  PendingAnswer* streaming(uint64_t exchange);
  void write_soon();
  void flush();
  void advance_answers();
  bool is_last_answer(const PendingAnswer& pending) const;
  void end_after_answers();
  void release(PendingAnswer& pending);
  void release_all();
  void update_reading();

  // Time.
  void check_input_time(int64_t now_ms);

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
  RequestIntake intake_;
  std::unique_ptr<WebSocketRequest> switched_;  // kSwitch

  // Answers.
  AnswerQueue answers_;
  std::string out_;
  bool in_input_ = false;     // settle() comes anyway
  bool write_later_ = false;  // settle_later() is on its way
  bool ending_ = false;       // the last answer is in out_ or sent
  bool finished_ = false;     // and the stream has been finished

  // When, on the loop's clock.
  int64_t input_since_ms_;  // head: first byte, 0 if none; rest of a refused request: the refusal
  int64_t idle_since_ms_;
  int64_t sent_ms_ = 0;  // last time the client took something
  int64_t finished_ms_ = 0;
  bool used_ = false;          // has had a request
  bool last_request_ = false;  // the present request asked for the connection to be closed
};

}  // namespace colloquium::net
