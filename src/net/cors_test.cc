// Requests of pages of other origins, and routes for everything below a path.
#include "net/cors.h"

#include <catch2/catch.hpp>

#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

Route cors_route(CorsPolicy policy) {
  return {.path = "/in",
          .methods = {Method::kPost},
          .max_body_bytes = 100,
          .cors = std::make_shared<const CorsPolicy>(std::move(policy)),
          .handle = [](const Request& request, Responder responder) { responder.send({.body = *request.body}); }};
}

const CorsPolicy kShop = {{"https://shop.example", "http://localhost:3000"}, {"Content-Type", "X-Tenant"}, 600};

std::string preflight(const std::string& origin) {
  return "OPTIONS /in HTTP/1.1\r\nHost: h\r\nOrigin: " + origin +
         "\r\nAccess-Control-Request-Method: POST\r\n\r\n";
}

TEST_CASE("a browser's preflight is told what a page of a listed origin may send") {
  ServerFixture server;
  server.route(cors_route(kShop));
  RawClient client(server.port());
  const RawAnswer answer = client.ask(preflight("http://localhost:3000"));
  CHECK(answer.status == 204);
  CHECK(answer.has("Access-Control-Allow-Origin: http://localhost:3000"));
  CHECK(answer.has("Access-Control-Allow-Methods: POST, OPTIONS"));
  CHECK(answer.has("Access-Control-Allow-Headers: Content-Type, X-Tenant"));
  CHECK(answer.has("Access-Control-Max-Age: 600"));
  CHECK(answer.has("Vary: Origin"));
}

TEST_CASE("a page of another origin is told nothing, and what it sends all the same is refused") {
  ServerFixture server;
  server.route(cors_route(kShop));
  RawClient client(server.port());
  for (const std::string origin : {"https://shop.example.evil", "https://SHOP.example", "null", ""}) {
    const RawAnswer answer = client.ask(preflight(origin));
    CHECK(answer.status == 204);
    CHECK(answer.head.find("Access-Control") == std::string::npos);
    CHECK(answer.has("Vary: Origin"));
    CHECK(client.ask(post("/in", "1", "Origin: " + origin + "\r\n")).status == 403);
  }
  CHECK(client.ask(post("/in", "1")).status == 200);
}

TEST_CASE("answers and refusals can be read by the page") {
  ServerFixture server;
  server.route(cors_route(kShop));
  RawClient client(server.port());
  const std::string origin = "Origin: https://shop.example\r\n";
  for (const size_t length : {1, 101}) {
    const std::string body(length, '1');
    const RawAnswer answer = client.ask(post("/in", body, origin));
    CHECK(answer.status == (body.size() > 100 ? 413 : 200));
    CHECK(answer.has("Access-Control-Allow-Origin: https://shop.example"));
    CHECK(answer.has("Vary: Origin"));
  }
  const RawAnswer other = client.ask("DELETE /in HTTP/1.1\r\nHost: h\r\n" + origin + "\r\n");
  CHECK(other.status == 405);
  CHECK(other.has("Access-Control-Allow-Origin: https://shop.example"));
}

TEST_CASE("every origin may be allowed, and then answers do not vary") {
  ServerFixture server;
  server.route(cors_route({{"*"}, {}, 5}));
  RawClient client(server.port());
  const RawAnswer answer = client.ask(preflight("null"));
  CHECK(answer.has("Access-Control-Allow-Origin: *"));
  CHECK(answer.head.find("Vary") == std::string::npos);
  CHECK(answer.head.find("Allow-Headers") == std::string::npos);
}

TEST_CASE("a route without a policy says nothing of origins, and OPTIONS without a method is no preflight") {
  ServerFixture server;
  server.echo("/plain");
  server.route(cors_route(kShop));
  RawClient client(server.port());
  const RawAnswer plain = client.ask(post("/plain", "1", "Origin: https://evil.example\r\n"));
  CHECK(plain.status == 200);
  CHECK(plain.head.find("Access-Control") == std::string::npos);
  CHECK(plain.head.find("Vary") == std::string::npos);
  const RawAnswer options = client.ask("OPTIONS /in HTTP/1.1\r\nHost: h\r\nOrigin: https://shop.example\r\n\r\n");
  CHECK(options.has("Allow: POST, OPTIONS"));
  CHECK(options.head.find("Access-Control-Allow-Methods") == std::string::npos);
}

Route named(const std::string& path) {
  return {.path = path, .methods = {Method::kPost}, .handle = [path](const Request& request, Responder responder) {
            responder.send({.body = path + " " + std::string(request.head.path)});
          }};
}

TEST_CASE("a route for everything below a path takes what no exact and no longer one takes", "[REQ-001]") {
  ServerFixture server;
  for (const std::string path : {"/a/*", "/a/b/*", "/a/b/c"}) server.route(named(path));
  RawClient client(server.port());
  const auto asked = [&](const std::string& path) {
    const RawAnswer answer = client.ask(post(path, "1"));
    return answer.status == 200 ? answer.body : std::to_string(answer.status);
  };
  CHECK(asked("/a/x") == "/a/* /a/x");
  CHECK(asked("/a/x/y/z") == "/a/* /a/x/y/z");
  CHECK(asked("/a/b") == "/a/* /a/b");
  CHECK(asked("/a/b/d") == "/a/b/* /a/b/d");
  CHECK(asked("/a/b/c") == "/a/b/c /a/b/c");
  CHECK(asked("/a/b/c/") == "/a/b/* /a/b/c/");
  CHECK(asked("/a//") == "/a/* /a//");
  CHECK(asked("/a/?q=/b/") == "404");
  for (const std::string path : {"/a", "/a/", "/", "/b/x", "/ab/x"}) CHECK(asked(path) == "404");
  CHECK(asked("/a" + std::string(8'000, '/')).substr(0, 5) == "/a/* ");
}

TEST_CASE("such a route is one path: taken once, gone on its own, and then answered 503") {
  ServerFixture server;
  server.route(named("/a/*"));
  server.route(named("/a/b"));
  CHECK_FALSE(server.on_loop([&] { return server->add_route(named("/a/*")).has_value(); }));
  server.on_loop([&] { server->remove_route("/a/*"); });
  RawClient client(server.port());
  CHECK(client.ask(post("/a/b", "1")).status == 200);
  CHECK(client.ask(post("/a/c", "1")).status == 503);
}

TEST_CASE("one route for everything") {
  ServerFixture server;
  server.route(named("/*"));
  RawClient client(server.port());
  CHECK(client.ask(post("/x", "1")).body == "/* /x");
  CHECK(client.ask(post("/", "1")).status == 404);
}

// Collects what it sees of the body, and refuses it if it says so itself.
class Listener final : public BodyCheck {
 public:
  void update(std::string_view bytes) override { seen_ += bytes; }
  std::optional<Problem> finish() override {
    if (seen_.find("bad") == std::string::npos && !seen_.empty()) return std::nullopt;
    return Problem{.status = 401, .detail = "seen " + std::to_string(seen_.size())};
  }

 private:
  std::string seen_;
};

Route listened(bool* handled) {
  return {.path = "/in",
          .methods = {Method::kPost},
          .check_body = [](const RequestHead&) { return std::make_unique<Listener>(); },
          .handle =
              [handled](const Request& request, Responder responder) {
                *handled = true;
                responder.send({.body = *request.body});
              }};
}

TEST_CASE("a body check sees the body as it came, in one piece, in chunks or compressed") {
  bool handled = false;
  ServerFixture server;
  server.route(listened(&handled));
  RawClient client(server.port());
  CHECK(client.ask(post("/in", "good")).status == 200);
  CHECK(client.ask(chunked("/in", {"go", "od"})).body == "good");
  // Its bytes say nothing any more.
  const std::string zstd =
      compressed(io::Compression::kZstd, "bad, badly bad, and bad again, as bad as bad can be: bad bad bad bad");
  const std::string gzip = compressed(io::Compression::kGzip, "all is well");
  CHECK(client.ask(post("/in", gzip, "Content-Encoding: gzip\r\n")).body == "all is well");
  const bool plain = zstd.find("bad") == std::string::npos;
  CHECK(client.ask(post("/in", zstd, "Content-Encoding: zstd\r\n")).status == (plain ? 200 : 401));
}

TEST_CASE("what a body check refuses reaches no handler, and the connection goes on") {
  bool handled = false;
  ServerFixture server;
  server.route(listened(&handled));
  RawClient client(server.port());
  const RawAnswer one = client.ask(post("/in", "bad"));
  CHECK(one.status == 401);
  CHECK_THAT(one.body, Catch::Contains("seen 3"));
  CHECK(client.ask(chunked("/in", {"b", "a", "d"})).status == 401);
  CHECK(client.ask(post("/in", "")).status == 401);
  // Refused before anything is decompressed: this is no gzip at all.
  CHECK(client.ask(post("/in", "bad", "Content-Encoding: gzip\r\n")).status == 401);
  CHECK_FALSE(server.on_loop([&] { return handled; }));
  CHECK(server.on_loop([&] { return server->counters().body_bytes.value(); }) == 0);
  CHECK(client.ask(post("/in", "good")).status == 200);
}

}  // namespace
}  // namespace colloquium::net
