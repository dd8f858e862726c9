// Request, Responder, Route: what a handler of HTTP requests sees, whatever protocol carried them.
//
// Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/counters.h"
#include "net/cors.h"
#include "net/http_message.h"

namespace colloquium::net {

// Readable bytes behind every body, so that a parser may load past its end.
inline constexpr size_t kBodyPadding = 64;

struct Request {
  const RequestHead& head;  // valid while the handler runs
  // Decoded (chunked, gzip and zstd are undone); never null. At least kBodyPadding bytes of capacity are
  // spare.
  std::shared_ptr<const std::string> body;
};

// Whoever takes answers: a connection of HTTP/1.1, a stream of HTTP/2, or a connection of WebSocket.
class Exchanges {
 public:
  virtual ~Exchanges() = default;
  virtual void answer(uint64_t exchange, const Response& response) = 0;
  virtual bool alive() const = 0;
  // What Responder::give_back() is for. Who counts no bodies has nothing to do.
  virtual void give_back(uint64_t) {}

  // Of an answer in pieces (AnswerStream), whose duty these are to keep. Who takes none is not asked.
  // The head; `response.body` is the first piece.
  virtual void begin(uint64_t, const Response&) {}
  virtual void write(uint64_t, std::string_view) {}
  // `whole`: the answer ends. Else it breaks off, and looks so to the client.
  virtual void end(uint64_t, bool whole) { static_cast<void>(whole); }
  // What was written and the client's system has not taken.
  virtual size_t unsent_bytes(uint64_t) const { return 0; }
  // The client is there, and has not said that it wants nothing more: one that only ends its own half counts as
  // gone.
  virtual bool awaits(uint64_t) const { return alive(); }
};

// An answer that goes out in pieces, each at the end of the turn in which it was written. Nothing holds its writer
// back but what unsent_bytes() says. Destroyed without finish(), it breaks off. If the client has gone, pieces go
// nowhere.
class AnswerStream {
 public:
  AnswerStream(std::shared_ptr<Exchanges> exchanges, uint64_t exchange)
      : exchanges_(std::move(exchanges)), exchange_(exchange) {}
  AnswerStream(AnswerStream&&) noexcept = default;
  AnswerStream& operator=(AnswerStream&&) = delete;
  ~AnswerStream();

  // REQUIRES: not finished.
  void write(std::string_view piece);
  void finish();

  size_t unsent_bytes() const { return exchanges_ == nullptr ? 0 : exchanges_->unsent_bytes(exchange_); }
  bool awaited() const { return exchanges_ != nullptr && exchanges_->awaits(exchange_); }

 private:
  std::shared_ptr<Exchanges> exchanges_;  // null once finished
  uint64_t exchange_;
};

// The duty to answer one request, once; it may be kept and used in any later turn. Destroyed unused, it
// answers 500, so that no client waits for ever. If the client has gone, answers go nowhere.
class Responder {
 public:
  Responder(std::shared_ptr<Exchanges> exchanges, uint64_t exchange)
      : exchanges_(std::move(exchanges)), exchange_(exchange) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  // REQUIRES: neither was called before.
  void send(const Response& response);
  void fail(const Problem& problem);
  // The same, for an answer whose end is not known yet: `head.body` is its first piece, and no length is told. Not
  // over WebSocket.
  AnswerStream stream(const Response& head);

  // The body is used: from here on it does not count as the server's memory, which others wait for, though the
  // answer may take minutes. Whoever keeps of it what they need keeps to a bound of their own. REQUIRES: not used,
  // and nothing keeps Request::body when the handler returns.
  void give_back();

  // Whether the client still waits for the answer.
  bool awaited() const { return exchanges_ != nullptr && exchanges_->awaits(exchange_); }
  // Whether the client is still there.
  bool alive() const { return exchanges_ != nullptr && exchanges_->alive(); }

 private:
  std::shared_ptr<Exchanges> exchanges_;  // null once used
  uint64_t exchange_;
};

// Sends `problem` as the answer to an exchange.
void answer_problem(Exchanges& exchanges, uint64_t exchange, const Problem& problem);

// What is to become of a request whose head has come.
struct Admission {
  enum class Kind : uint8_t {
    kTake,    // read the body, then call the handler
    kRefuse,  // answer with `problem`
    kWait,    // stop reading this connection until HttpServer::resume_route asks again
  };
  Kind kind = Kind::kTake;
  std::optional<Problem> problem;  // kRefuse

  static Admission refuse(Problem problem) { return {Kind::kRefuse, std::move(problem)}; }
  static Admission wait() { return {Kind::kWait, std::nullopt}; }
};

// Follows a body as it comes, before it is decompressed: for signatures.
class BodyCheck {
 public:
  virtual ~BodyCheck() = default;
  virtual void update(std::string_view bytes) = 0;
  // At the end of the body, once: why the request is refused, or nothing.
  virtual std::optional<Problem> finish() = 0;
};

// What the connections of WebSocket of a route have done. Any thread may read it.
struct WebSocketCounters {
  Gauge open;
  Counter messages;           // complete ones
  Counter refused_origin;     // handshakes: of a page that is not allowed here
  Counter refused_limit;      // handshakes: as many are open as may be
  Counter refused_handshake;  // handshakes: of a shape that is none
  Counter closed_bad_data;    // by us: what came is no UTF-8, or, without answers, no event
  Counter closed_too_big;     // by us
  Counter closed_protocol;    // by us: what came is no WebSocket, or too slow
  Counter closed_busy;        // by us: something is full; the client is to come again
  Counter closed_idle;        // by us: nothing was heard for too long
};

// Each message of a connection is a request to the route it was opened at: it is asked for admission, handled and
// answered as one, with the head of the handshake, its method POST. Kept in order, and not read while its route
// says kWait: there is no time limit on that.
struct WebSocketRules {
  bool answers = false;  // each message is answered by one with the body of its answer; else a refusal closes
  int64_t idle_timeout_ms = 60'000;  // without a byte of the client; after half of it the client is pinged
  size_t connections = 1000;         // at a time; beyond: 503 before the connection is one
  std::shared_ptr<WebSocketCounters> counters;  // not null
};

struct Route {
  // Exactly as in the request line, without query; or "/in/*" for everything below /in/ that no longer path and no
  // exact one is there for.
  std::string path;
  MethodSet methods;                         // OPTIONS is answered for every route, HEAD where there is GET
  size_t max_body_bytes = 32 * 1024 * 1024;  // after decoding, and before
  std::function<Admission(const RequestHead&)> admit;                        // empty: take all
  std::function<std::unique_ptr<BodyCheck>(const RequestHead&)> check_body;  // empty: none
  std::shared_ptr<const CorsPolicy> cors;           // null: no page of another origin is told that it may
  std::shared_ptr<const WebSocketRules> websocket;  // null: none is spoken; over HTTP/1.1 only
  // Puts what is refused before a handler sees it into the words of an API: sets the problem's body, and may add
  // headers. It stays when the route is removed, so it refers to nothing that goes with its handlers. Empty: RFC
  // 9457.
  std::function<void(const RequestHead&, Problem&)> reword;
  std::function<void(const Request&, Responder)> handle;
};

}  // namespace colloquium::net
