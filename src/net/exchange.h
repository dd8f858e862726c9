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

// Whoever takes answers: a connection of HTTP/1.1, or a stream of HTTP/2.
class Exchanges {
 public:
  virtual ~Exchanges() = default;
  virtual void answer(uint64_t exchange, const Response& response) = 0;
  virtual bool alive() const = 0;
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

struct Route {
  // Exactly as in the request line, without query; or "/in/*" for everything below /in/ that no longer path and no
  // exact one is there for.
  std::string path;
  MethodSet methods;                         // OPTIONS is answered for every route, HEAD where there is GET
  size_t max_body_bytes = 32 * 1024 * 1024;  // after decoding, and before
  std::function<Admission(const RequestHead&)> admit;                        // empty: take all
  std::function<std::unique_ptr<BodyCheck>(const RequestHead&)> check_body;  // empty: none
  std::shared_ptr<const CorsPolicy> cors;  // null: no page of another origin is told that it may
  std::function<void(const Request&, Responder)> handle;
};

}  // namespace colloquium::net
