// WebSocketConnection: WebSocket over one ByteStream, behind its handshake. Private to src/net.
//
// A message is a request: it goes through the same intake as those of HTTP (admission, memory, time limits) to the
// same handler of its route, which answers by a Responder. Answers go out in the order of the messages, or, where
// they are not wanted, nowhere. Backpressure is not reading: while the route says kWait, while the message does
// not fit the body budget, while too many are unanswered, while the client does not take what it is sent. Control
// frames that stand behind such a message wait with it.
//
// However it ends, but by a client that has gone: what was received is answered first, then a close with its
// reason is sent, and the client's own is waited for, for a bounded while. A message that had not come in whole is
// given up.
//
// Life: made by ServerCore in the place of the HttpConnection that took the handshake, kept alive by the core and
// by Responders; close() gives the socket back. Thread safety: loop only. Source: RFC 6455, 5 to 7.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/answer_queue.h"
#include "net/byte_stream.h"
#include "net/exchange.h"
#include "net/request_intake.h"
#include "net/server_connection.h"
#include "net/websocket_frames.h"

namespace colloquium::net {

// A handshake that was answered: where it was asked for, and its head, which every message is given.
struct WebSocketRequest {
  WebSocketRequest(std::shared_ptr<LiveRoute> its_route, const RequestHead& its_head);

  std::shared_ptr<LiveRoute> route;
  // What `head` views, but for the peer's names: those are the stream's.
  std::unique_ptr<std::string> texts;
  RequestHead head;
};

class WebSocketConnection final : public ServerConnection,
                                  public Exchanges,
                                  public ByteStreamEvents,
                                  private RequestIntake::Host,
                                  public std::enable_shared_from_this<WebSocketConnection> {
 public:
  WebSocketConnection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream, WebSocketRequest request);
  ~WebSocketConnection() override;

  void start() override;
  void settle_later() override;
  void check_time(int64_t now_ms) override;
  void shut_down() override;
  void close() override;
  void route_removed(const LiveRoute& route) override;

  void answer(uint64_t exchange, const Response& response) override;
  void give_back(uint64_t exchange) override;
  bool alive() const override { return stream_ != nullptr; }

  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_sent() override;

 private:
  struct Close {
    CloseCode code;
    std::string reason;
  };

  // The intake's host.
  const RequestHead& head() const override { return request_.head; }
  RequestMemory& memory() override { return answers_.at(exchange_).memory; }
  std::shared_ptr<RequestIntake::Host> kept() override { return {shared_from_this(), this}; }
  void on_wait() override {}
  void on_let_in() override {}
  void give_leave() override {}
  void refuse(Problem problem, bool complete) override;
  void handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) override;
  void settle() override;

  // Input.
  bool takes_frames() const;
  void consume();
  void take(const WebSocketReader::Step& step);
  void take_part(const WebSocketReader::Step& step);
  void begin_message(const WebSocketReader::Step& step);
  void give_up_message();

  // The end.
  void end_with(CloseCode code, std::string_view reason);  // our doing
  void end(CloseCode code, std::string_view reason);
  void count(CloseCode code);
  void say_close();

  // Output.
  void advance_answers();
  void flush();
  void touch();
  void update_reading();
  void check_idle(int64_t now_ms);

  ServerCore& core_;  // not used once closed
  const uint64_t id_;
  std::unique_ptr<ByteStream> stream_;  // null once closed
  const std::shared_ptr<const WebSocketRules> rules_;
  WebSocketRequest request_;  // its route is null once removed
  WebSocketReader reader_;
  RequestIntake intake_;

  std::string carry_;  // bytes read and not yet consumed, from carried_ on
  size_t carried_ = 0;
  uint64_t exchange_ = 0;  // of the message that comes or came last
  bool text_ = false;
  uint64_t message_bytes_ = 0;

  AnswerQueue answers_;
  std::string out_;
  bool in_input_ = false;
  bool touched_ = false;  // settle_later() is on its way

  std::optional<Close> closing_;  // no further message; said when all answers are given
  bool close_said_ = false;
  bool close_heard_ = false;  // the peer's, or nothing more can be read: nothing is waited for
  bool peer_ended_ = false;
  bool finished_ = false;  // the stream has been finished
  size_t dropped_bytes_ = 0;
  bool pinged_ = false;  // since something was heard

  // When, on the loop's clock.
  int64_t heard_ms_;
  int64_t sent_ms_ = 0;   // last time the client took something
  int64_t close_ms_ = 0;  // the close was said, or the stream finished
};

}  // namespace colloquium::net
