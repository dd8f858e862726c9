// Http2Stream: one request of an HTTP/2 connection and its answer. Private to src/net.
//
// It goes through the same rules as a request of HTTP/1.1 (request_rules.h) and the same intake
// (request_intake.h); what is different is who waits: where HTTP/1.1 stops reading the connection, here the client
// gets no leave to send more (flow control), and the other streams go on. What had leave before, up to
// kWindowBytes, is kept and counts as held.
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

#include "net/exchange.h"
#include "net/request_intake.h"
#include "net/request_rules.h"

namespace colloquium::net {

class Http2Connection;

class Http2Stream final : public Exchanges,
                          private RequestIntake::Host,
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
  void give_back(uint64_t exchange) override;
  bool alive() const override { return connection_ != nullptr; }
  void begin(uint64_t exchange, const Response& response) override;
  void write(uint64_t exchange, std::string_view piece) override;
  void end(uint64_t exchange, bool whole) override;
  size_t unsent_bytes(uint64_t exchange) const override;
  void check_time(int64_t now_ms);
  // What has not been let in is refused.
  void shut_down() { intake_.shut_down(); }

  bool is_complete() const { return complete_; }
  bool is_answered() const { return state_ == State::kAnswered; }
  // There is something of its answer to be sent.
  bool owes_answer() const { return is_answered() && (!streaming_ || answer_sent_ < answer_body_.size()); }
  // Further pieces will come.
  bool is_streaming() const { return streaming_; }
  // The answer's body, and how far it has been sent.
  std::string& answer_body() { return answer_body_; }
  size_t& answer_sent() { return answer_sent_; }
  // After the answer: the client is still sending, and not only a little that is sure to come.
  bool has_long_rest() const;

 private:
  enum class State : uint8_t {
    kHead,
    kRequest,  // the intake has it, or its handler, or nobody yet: there is no answer
    kAnswered,
    kClosed,
  };

  // The intake's host.
  const RequestHead& head() const override { return head_; }
  RequestMemory& memory() override { return memory_; }
  std::shared_ptr<RequestIntake::Host> kept() override { return {shared_from_this(), this}; }
  void on_wait() override {}
  void on_let_in() override;
  void give_leave() override;
  void refuse(Problem problem, bool complete) override;
  void handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) override;
  void settle() override;

  void build_head(bool has_body);
  std::optional<Problem> check_head(const LiveRoute* route, io::Compression& coding);
  void refuse(Problem problem) { refuse(std::move(problem), false); }
  void release();
  Response begin_answer(const Response& response, std::vector<HeaderField>& headers);

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

  OriginAnswer origin_;
  RequestIntake intake_;
  RequestMemory memory_;
  bool complete_ = false;        // the request has come in whole
  size_t unconsumed_bytes_ = 0;  // the client has no leave yet to send as many more

  bool streaming_ = false;
  std::string answer_body_;
  size_t answer_sent_ = 0;
  int64_t answered_ms_ = 0;  // when, on the loop's clock
};

}  // namespace colloquium::net
