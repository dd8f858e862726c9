// HttpClient against our own server, and against servers that behave badly.
#include "net/http_client.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

// A server and a client on one loop.
class ClientFixture : public ServerFixture {
 public:
  explicit ClientFixture(ClientOptions options = {}) {
    on_loop([&] { client_ = std::make_unique<HttpClient>(loop(), clock(), options); });
  }
  ~ClientFixture() {
    on_loop([&] { client_.reset(); });
  }
  HttpClient& client() { return *client_; }

  std::string url(const std::string& path) const { return url(port(), path); }
  static std::string url(uint16_t port, const std::string& path) {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }

  Result<ClientResponse> ask(ClientRequest request) {
    return wait_for<Result<ClientResponse>>([&](auto done) { client_->send(std::move(request), done); });
  }

 private:
  std::unique_ptr<HttpClient> client_;
};

std::shared_ptr<const std::string> text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

// Accepts one connection, reads a request's head, says `answer` and closes.
class OneShotServer {
 public:
  explicit OneShotServer(std::string answer) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(fd_, 4) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int peer = ::accept(fd_, nullptr, nullptr);
      std::string request;
      char bytes[4096];
      while (request.find("\r\n\r\n") == request.npos) {
        const ssize_t count = ::recv(peer, bytes, sizeof bytes, 0);
        if (count <= 0) break;
        request.append(bytes, static_cast<size_t>(count));
      }
      (void)!::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(peer);
    });
  }
  ~OneShotServer() {
    thread_.join();
    ::close(fd_);
  }
  uint16_t port() const { return port_; }

 private:
  const int fd_;
  uint16_t port_ = 0;
  std::thread thread_;
};

TEST_CASE("a request carries method, headers and body, and its answer comes back whole", "[REQ-016]") {
  ClientFixture fixture;
  std::string seen;
  const auto handle = [&](const Request& request, Responder responder) {
    seen = std::string(to_string(request.head.method)) + " " + std::string(request.head.target) + " " +
           std::string(request.head.find("x-one").value_or("-")) + " " +
           std::string(request.head.find("x-empty").value_or("-")) + " " +
           std::string(request.head.find("content-type").value_or("-")) + " " +
           std::string(request.head.find("expect").value_or("-")) + " " + *request.body;
    const HeaderField field{"X-Answer", "yes"};
    responder.send({.status = 201, .content_type = "text/plain", .body = "made", .headers = {&field, 1}});
  };
  fixture.route({.path = "/in",
                 .methods = {Method::kPost, Method::kPut, Method::kPatch, Method::kDelete},
                 .handle = handle});
  for (const std::string method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const auto answer =
        fixture.ask({.method = method,
                     .url = fixture.url("/in?a=b"),
                     .headers = {{"X-One", "1"}, {"X-Empty", ""}, {"Content-Type", "application/json"}},
                     .body = text("{}")});
    REQUIRE(answer);
    CHECK(answer->status == 201);
    CHECK(answer->body == "made");
    CHECK(answer->find("x-answer") == "yes");
    CHECK(seen == method + " /in?a=b 1  application/json - {}");
  }
  // No content type is made up, and large bodies are sent without waiting for a 100.
  REQUIRE(fixture.ask({.method = "POST", .url = fixture.url("/in"), .body = text(std::string(3 << 20, 'x'))}));
  CHECK(seen.substr(0, 18) == "POST /in - - - - x");
}

TEST_CASE("GET and HEAD have no body, and a missing path is an answer and no error") {
  ClientFixture fixture;
  fixture.route({.path = "/page", .methods = {Method::kGet}, .handle = [](const Request&, Responder responder) {
                   responder.send({.body = "page"});
                 }});
  CHECK(fixture.ask({.url = fixture.url("/page")})->body == "page");
  const auto head = fixture.ask({.method = "HEAD", .url = fixture.url("/page")});
  CHECK(head->status == 200);
  CHECK(head->body.empty());
  CHECK(head->find("content-length") == "4");
  CHECK(fixture.ask({.url = fixture.url("/none")})->status == 404);
}

TEST_CASE("connections are kept and used again") {
  ClientFixture fixture;
  fixture.echo("/in");
  for (int i = 0; i < 10; ++i)
    REQUIRE(fixture.ask({.method = "POST", .url = fixture.url("/in"), .body = text("x")}));
  CHECK(fixture->counters().connections_accepted.value() == 1);
}

TEST_CASE("no more connections per host than allowed, and all requests are served") {
  ClientFixture fixture({.connections_per_host = 3});
  fixture.echo("/in");
  std::atomic<int> answered{0};
  std::promise<void> all;
  fixture.on_loop([&] {
    for (int i = 0; i < 50; ++i) {
      fixture.client().send({.method = "POST", .url = fixture.url("/in"), .body = text(std::to_string(i))},
                            [&, i](Result<ClientResponse> answer) {
                              if (answer && answer->body == std::to_string(i)) ++answered;
                              if (answered == 50) all.set_value();
                            });
    }
  });
  REQUIRE(all.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(fixture->counters().connections_accepted.value() <= 3);
  CHECK(fixture.on_loop([&] { return fixture.client().under_way(); }) == 0);
}

TEST_CASE("a refused connection is retryable, and the message says where and what to look at") {
  ClientFixture fixture;
  uint16_t closed_port = 0;
  {
    OneShotServer server("");
    closed_port = server.port();
    RawClient(closed_port).end();
  }
  const auto answer =
      fixture.ask({.url = "http://me:secret@127.0.0.1:" + std::to_string(closed_port) + "/a?token=t"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kUnavailable);
  CHECK(answer.error().retryable);
  CHECK_THAT(answer.error().message, Catch::Contains("cannot GET " + ClientFixture::url(closed_port, "/a")));
  CHECK_THAT(answer.error().message, Catch::Contains("is the receiver running"));
  CHECK_THAT(answer.error().message, !Catch::Contains("secret") && !Catch::Contains("token"));
}

TEST_CASE("a receiver that never answers ends in a retryable timeout") {
  ClientFixture fixture;
  std::optional<Responder> held;
  fixture.route({.path = "/slow", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                   held.emplace(std::move(responder));
                 }});
  const auto answer = fixture.ask({.url = fixture.url("/slow"), .timeout_ms = 50});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kTimeout);
  CHECK(answer.error().retryable);
  fixture.on_loop([&] { held.reset(); });
}

TEST_CASE("an answer beyond the limit is an error, or is cut where that was asked for") {
  ClientFixture fixture;
  const std::string page(100'000, 'p');
  fixture.route({.path = "/page", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                   responder.send({.status = 400, .body = page});
                 }});
  const auto refused = fixture.ask({.url = fixture.url("/page"), .response_bytes_max = 1000});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kLimit);
  CHECK_FALSE(refused.error().retryable);
  const auto cut =
      fixture.ask({.url = fixture.url("/page"), .response_bytes_max = 1000, .truncate_response = true});
  REQUIRE(cut);
  CHECK(cut->status == 400);
  CHECK(cut->truncated);
  CHECK(cut->body == page.substr(0, 1000));
  CHECK(fixture.ask({.url = fixture.url("/page"), .response_bytes_max = 100'000})->body == page);
}

TEST_CASE("an answer that breaks off, and one that is no HTTP, are retryable errors") {
  ClientFixture fixture;
  for (const std::string bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "", "hello\r\n\r\n"}) {
    OneShotServer server(bytes);
    const auto answer = fixture.ask({.url = ClientFixture::url(server.port(), "/")});
    INFO(bytes);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kUnavailable);
    CHECK(answer.error().retryable);
  }
}

TEST_CASE("Retry-After is read as seconds and as a date") {
  ClientFixture fixture;
  std::string value;
  fixture.route({.path = "/busy", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                   const HeaderField field{"Retry-After", value};
                   responder.send({.status = 503, .headers = {&field, 1}});
                 }});
  value = "7";
  CHECK(fixture.ask({.url = fixture.url("/busy")})->retry_after_ms == 7000);
  value = "Thu, 01 Jan 1970 00:00:10 GMT";
  CHECK(fixture.ask({.url = fixture.url("/busy")})->retry_after_ms == 0);
  value = "soon";
  CHECK(fixture.ask({.url = fixture.url("/busy")})->retry_after_ms == std::nullopt);
}

TEST_CASE("a redirect is an answer and is not followed") {
  ClientFixture fixture;
  fixture.echo("/in");
  fixture.route({.path = "/moved", .methods = {Method::kPost}, .handle = [](const Request&, Responder responder) {
                   const HeaderField field{"Location", "/in"};
                   responder.send({.status = 308, .headers = {&field, 1}});
                 }});
  CHECK(fixture.ask({.method = "POST", .url = fixture.url("/moved"), .body = text("x")})->status == 308);
  CHECK(fixture->counters().requests.value() == 1);
}

TEST_CASE("a request that cannot be right is refused for good") {
  ClientFixture fixture;
  for (const std::string url : {"file:///etc/passwd", "gopher://127.0.0.1/", "http://", "not a url"}) {
    const auto answer = fixture.ask({.url = url});
    INFO(url);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kInvalidConfig);
    CHECK_FALSE(answer.error().retryable);
  }
  const auto injected = fixture.ask({.url = fixture.url("/in"), .headers = {{"X-A", "b\r\nX-Evil: 1"}}});
  REQUIRE_FALSE(injected);
  CHECK(injected.error().code == ErrorCode::kInvalidInput);
}

TEST_CASE("a cancelled request ends once, with kCancelled") {
  ClientFixture fixture;
  std::optional<Responder> held;
  fixture.route({.path = "/slow", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                   held.emplace(std::move(responder));
                 }});
  std::atomic<int> calls{0};
  const auto answer = fixture.wait_for<Result<ClientResponse>>([&](auto done) {
    const uint64_t id = fixture.client().send({.url = fixture.url("/slow")}, [&calls, done](auto result) {
      ++calls;
      done(std::move(result));
    });
    fixture.client().cancel(id);
    fixture.client().cancel(id);
    CHECK(calls == 0);
  });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kCancelled);
  fixture.on_loop([&] { held.reset(); });
  CHECK(calls == 1);
}

TEST_CASE("a client may be destroyed with requests under way, and in a callback of its own") {
  ServerFixture server;
  std::vector<Responder> held;
  server.route({.path = "/slow", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                }});
  server.echo("/in");
  const std::string base = ClientFixture::url(server.port(), "");
  std::unique_ptr<HttpClient> client;
  const int status = server.wait_for<int>([&](auto done) {
    client = std::make_unique<HttpClient>(server.loop(), server.clock());
    client->send({.url = base + "/slow"}, [](auto) { std::abort(); });
    client->send({.method = "POST", .url = base + "/in", .body = text("x")},
                 [&, done](Result<ClientResponse> answer) {
                   const int code = answer ? answer->status : 0;
                   client.reset();
                   done(code);
                 });
  });
  CHECK(status == 200);
  server.on_loop([&] { held.clear(); });
}

TEST_CASE("a URL is shown without what may be secret in it") {
  CHECK(shown_url("https://user:pw@h.example:8/p/q?key=1#f") == "https://h.example:8/p/q");
  CHECK(shown_url("http://h/p@q") == "http://h/p@q");
  CHECK(shown_url("nonsense?x") == "nonsense");
}

}  // namespace
}  // namespace colloquium::net
