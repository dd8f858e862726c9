// Bad and hostile clients over real sockets: each gets its refusal, and the server goes on.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "net/http_server.h"
#include "net/tcp.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

// Whatever was done to the server before, it still serves and holds nothing back.
void check_sane(ServerFixture& server) {
  RawClient client(server.port());
  CHECK(client.ask(post("/in", "fine")).body == "fine");
  CHECK(server->counters().body_bytes.value() == 0);
}

TEST_CASE("a request that is no HTTP is answered 400 as a problem, and the connection closed", "[REQ-001]") {
  ServerFixture server;
  server.echo("/in");
  for (const std::string request :
       {"POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", "hello?\r\n\r\n"}) {
    INFO(request);
    RawClient client(server.port());
    const RawAnswer answer = client.ask(request);
    CHECK(answer.status == 400);
    CHECK(answer.has("Content-Type: application/problem+json"));
    CHECK(answer.has("Connection: close"));
    CHECK_THAT(answer.body, Catch::Contains("\"status\":400"));
    CHECK(client.closed());
  }
  check_sane(server);
}

TEST_CASE("good requests before a bad one are answered first, and none behind it is served") {
  ServerFixture server;
  std::vector<Responder> held;
  std::atomic<int> seen{0};
  server.route({.path = "/hold", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  ++seen;
                  held.push_back(std::move(responder));
                }});
  RawClient client(server.port());
  client.send(post("/hold", "1") + post("/hold", "2") + "GARBAGE\r\n\r\n" + post("/hold", "3"));
  while (seen < 2) continue;
  server.on_loop([&] {
    held[1].send({.body = "two"});
    held[0].send({.body = "one"});
  });
  CHECK(client.answer().body == "one");
  CHECK(client.answer().body == "two");
  CHECK(client.answer().status == 400);
  CHECK(client.closed());
  CHECK(seen == 2);
}

TEST_CASE("an unknown path, a wrong method and a strange encoding are refused, and the connection kept") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  CHECK(client.ask(post("/nowhere", "body")).status == 404);
  const RawAnswer method = client.ask("GET /in HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(method.status == 405);
  CHECK(method.has("Allow: POST, OPTIONS"));
  CHECK(client.ask("DELETE /in HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc").status == 405);
  CHECK(client.ask("PROPFIND /in HTTP/1.1\r\nHost: h\r\n\r\n").status == 405);
  const RawAnswer coding = client.ask(post("/in", "x", "Content-Encoding: br\r\n"));
  CHECK(coding.status == 415);
  CHECK(coding.has("Accept-Encoding: gzip, zstd"));
  CHECK(client.ask(post("/in", "x", "Content-Encoding: gzip, gzip\r\n")).status == 415);
  CHECK(client.ask(post("/in", "x", "Content-Encoding: identity\r\n")).status == 200);
  CHECK(client.ask(post("/in", "still here")).body == "still here");
  // HEAD of a refusal has no body either.
  client.send("HEAD /nowhere HTTP/1.1\r\nHost: h\r\n\r\n" + post("/in", "next"));
  CHECK(client.answer(true).status == 404);
  CHECK(client.answer().body == "next");
}

TEST_CASE("a body over the limit is answered 413 at its head, and the rest thrown away up to a bound") {
  ServerFixture server({.linger_bytes = 100'000});
  server.echo("/in", 1000);
  RawClient modest(server.port());
  const RawAnswer answer = modest.ask(post("/in", std::string(1001, 'x')));
  CHECK(answer.status == 413);
  CHECK_THAT(answer.body, Catch::Contains("\"max_body\":1000"));
  CHECK(modest.ask(post("/in", "ok")).body == "ok");  // a short rest is read over

  RawClient large(server.port());
  large.send("POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n" + std::string(90'000, 'x'));
  const RawAnswer closing = large.answer();
  CHECK(closing.status == 413);
  CHECK(closing.has("Connection: close"));
  CHECK(large.closed());

  RawClient endless(server.port());
  endless.send("POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string part = chunk(std::string(10'000, 'x'));
  size_t sent = 0;
  while (sent < 200'000'000 && endless.send(part)) sent += part.size();
  CHECK(sent < 200'000'000);
  check_sane(server);
}

TEST_CASE("compressed bombs are refused at the limit, gzip and zstd, short and long") {
  ServerFixture server;
  server.echo("/in", 1 << 20);
  const std::string zeros(160 << 20, '\0');
  const std::string gzip = compressed(io::Compression::kGzip, std::string_view(zeros).substr(0, 16 << 20));
  const std::string zstd = compressed(io::Compression::kZstd, zeros);
  REQUIRE(gzip.size() < (1 << 20));
  REQUIRE(zstd.size() > 4096);
  RawClient client(server.port());
  CHECK(client.ask(post("/in", gzip, "Content-Encoding: gzip\r\n")).status == 413);
  CHECK(client.ask(post("/in", zstd, "Content-Encoding: zstd\r\n")).status == 413);
  const std::string small = compressed(io::Compression::kZstd, std::string_view(zeros).substr(0, 2 << 20));
  REQUIRE(small.size() < 4096);
  CHECK(client.ask(post("/in", small, "Content-Encoding: zstd\r\n")).status == 413);
  // What is within the limit is taken, however well it was compressed.
  const std::string million = std::string(1 << 20, '\0');
  CHECK(client.ask(post("/in", compressed(io::Compression::kZstd, million), "Content-Encoding: zstd\r\n")).body ==
        million);
  check_sane(server);
}

TEST_CASE("damaged compressed bodies are answered 400 and the connection kept") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  std::string large;
  for (int i = 0; large.size() < 100'000; ++i) large += std::to_string(i * 7919);
  for (const std::string& text : {std::string("small text"), large}) {
    for (const auto coding : {io::Compression::kGzip, io::Compression::kZstd}) {
      const std::string header = "Content-Encoding: " + std::string(to_string(coding)) + "\r\n";
      const std::string good = compressed(coding, text);
      CHECK(client.ask(post("/in", good.substr(0, good.size() - 3), header)).status == 400);
      CHECK(client.ask(post("/in", "not " + good, header)).status == 400);
      CHECK(client.ask(post("/in", good + "garbage", header)).status == 400);
      CHECK(client.ask(post("/in", good, header)).body == text);
    }
  }
}

TEST_CASE("Expect is answered at once when the body would not be taken") {
  ServerFixture server;
  server.echo("/in", 1000);
  const auto ask = [&](const std::string& path, const std::string& headers) {
    RawClient client(server.port());
    const RawAnswer answer = client.ask("POST " + path + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
    CHECK(answer.has("Connection: close"));
    CHECK(client.closed());
    return answer.status;
  };
  CHECK(ask("/in", "Expect: 100-continue\r\nContent-Length: 1001\r\n") == 413);
  CHECK(ask("/nowhere", "Expect: 100-continue\r\nContent-Length: 10\r\n") == 404);
  CHECK(ask("/in", "Expect: 100-continue\r\nContent-Length: 10\r\nContent-Encoding: br\r\n") == 415);
  CHECK(ask("/in", "Expect: something-else\r\nContent-Length: 10\r\n") == 417);
  check_sane(server);
}

TEST_CASE("100 Continue waits for the answers before it") {
  ServerFixture server;
  std::optional<Responder> held;
  server.route({.path = "/hold", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.emplace(std::move(responder));
                }});
  server.echo("/in");
  RawClient client(server.port());
  client.send(post("/hold", "x") +
              "POST /in HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  while (server->counters().requests.value() < 2) server.on_loop([] {});
  server.on_loop([&] {
    held->send({.body = "first"});
    held.reset();
  });
  CHECK(client.answer().body == "first");
  CHECK(client.answer().status == 100);
  client.send("y");
  CHECK(client.answer().body == "y");
}

TEST_CASE("a head that comes too slowly is answered 408, half a one that ends is nothing", "[REQ-001]") {
  ServerFixture server({.head_timeout_ms = 40});
  server.echo("/in");
  RawClient slow(server.port());
  slow.send("POST /in HTTP/1.1\r\nHost: h\r\nX-A: ");
  const RawAnswer answer = slow.answer();
  CHECK(answer.status == 408);
  CHECK(answer.has("Connection: close"));
  CHECK(slow.closed());
  // One that drips all the time gains nothing by it.
  RawClient drip(server.port());
  bool open = drip.send("POST /in HTTP/1.1\r\nHost: h\r\n");
  size_t dripped = 0;
  while (open && server->counters().timeouts.value() < 2) {
    open = drip.send("X: y\r\n");
    ++dripped;
    server.on_loop([] {});
  }
  CHECK(server->counters().timeouts.value() + (open ? 0 : 1) >= 2);
  // Silent from the start: closed without a word.
  RawClient silent(server.port());
  CHECK(silent.closed());
  RawClient half(server.port());
  half.send("POST /in HTTP/1.1\r\nHost: h\r\nX-");
  half.end();
  CHECK(half.closed());
  check_sane(server);
}

TEST_CASE("a body has to go on: too slow is 408, one that ends half way is nothing", "[REQ-001]") {
  ServerFixture server({.body_timeout_ms = 40, .body_bytes_min = 1000});
  std::atomic<int> handled{0};
  server.route({.path = "/count", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  ++handled;
                  responder.send({});
                }});
  server.echo("/in");
  RawClient slow(server.port());
  slow.send("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\nab");
  CHECK(slow.answer().status == 408);
  CHECK(slow.closed());
  RawClient half(server.port());
  half.send("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  half.end();
  CHECK(half.closed());
  RawClient skipped(server.port());
  skipped.send("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  CHECK(skipped.answer().status == 404);
  CHECK(skipped.closed());
  CHECK(handled == 0);
  check_sane(server);
}

TEST_CASE("a connection that idles is closed without a word") {
  ServerFixture server({.idle_timeout_ms = 40});
  server.echo("/in");
  RawClient client(server.port());
  CHECK(client.ask(post("/in", "x")).status == 200);
  CHECK(client.closed());
}

TEST_CASE("a client that takes nothing of its answers is dropped after a while") {
  ServerFixture server({.unsent_bytes = 1000, .send_timeout_ms = 60});
  const std::string page(8 << 20, 'p');
  server.route({.path = "/page", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                  responder.send({.body = page});
                }});
  RawClient greedy(server.port());
  for (int i = 0; i < 4; ++i) greedy.send("GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server->counters().timeouts.value() < 1) server.on_loop([] {});
  server.on_loop([] {});  // the timeout is counted before the connection is let go, in one callback
  CHECK(server->counters().connections_open.value() == 0);
}

TEST_CASE("bodies of all connections together are bounded, and there is room again when they are answered") {
  ServerFixture server({.buffered_bytes = 100'000});
  std::vector<Responder> held;
  std::atomic<size_t> count{0};
  server.route({.path = "/hold", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                  count = held.size();
                }});
  server.echo("/in");
  RawClient first(server.port());
  first.send(post("/hold", std::string(60'000, 'x')));
  while (count < 1) continue;
  CHECK(server->counters().body_bytes.value() == 60'000);
  RawClient second(server.port());
  const RawAnswer refused = second.ask(post("/in", std::string(60'000, 'y')));
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(second.ask(post("/in", std::string(30'000, 'y'))).status == 200);
  RawClient third(server.port());
  CHECK(third.ask(chunked("/in", {std::string(30'000, 'a'), std::string(30'000, 'b')})).status == 503);
  server.on_loop([&] { held.front().send({}); });
  CHECK(first.answer().status == 200);
  CHECK(second.ask(post("/in", std::string(60'000, 'y'))).status == 200);
  server.on_loop([&] { held.clear(); });
  check_sane(server);
}

TEST_CASE("an answer that closes drops what was pipelined behind it, bodies being decoded included") {
  ServerFixture server;
  std::optional<Responder> held;
  std::atomic<int> handled{0};
  server.route({.path = "/last", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.emplace(std::move(responder));
                }});
  server.route({.path = "/count", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  ++handled;
                  responder.send({});
                }});
  const std::string zeros(20 << 20, '\0');
  const std::string zstd = compressed(io::Compression::kGzip, zeros);
  RawClient client(server.port());
  client.send(post("/last", "x") + post("/count", zstd, "Content-Encoding: gzip\r\n") + post("/count", "x"));
  while (!server.on_loop([&] { return held.has_value(); })) continue;
  server.on_loop([&] {
    held->send({.body = "bye", .close = true});
    held.reset();
  });
  const RawAnswer answer = client.answer();
  CHECK(answer.body == "bye");
  CHECK(answer.has("Connection: close"));
  CHECK(client.closed());
  client.end();
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(handled == 0);
  CHECK(server->counters().body_bytes.value() == 0);
}

TEST_CASE("the server may go while requests are under way and responders are kept") {
  auto thread = std::make_unique<LoopThread>();
  std::unique_ptr<HttpServer> server;
  std::vector<Responder> held;
  std::atomic<int> seen{0};
  const uint16_t port = thread->on_loop([&] {
    server = std::make_unique<HttpServer>(thread->loop(), thread->clock());
    const Status listening = server->listen("localhost:0");
    const Status added = server->add_route(
        {.path = "/hold", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
           held.push_back(std::move(responder));
           ++seen;
         }});
    CHECK((listening && added));
    return server->port();
  });
  RawClient client(port);
  client.send(post("/hold", "1") + post("/hold", "2"));
  while (seen < 2) continue;
  thread->on_loop([&] { server.reset(); });
  CHECK(client.closed());
  thread->on_loop([&] {
    CHECK_FALSE(held[0].alive());
    held.clear();
  });
}

TEST_CASE("a port in use is refused with what can be done, and so is an address that is none") {
  ServerFixture server;
  const auto try_to_listen = [&](const std::string& address) {
    return server.on_loop([&] {
      HttpServer other(server.loop(), server.clock());
      return other.listen(address);
    });
  };
  const std::string taken = "127.0.0.1:" + std::to_string(server.port());
  const Status in_use = try_to_listen(taken);
  REQUIRE_FALSE(in_use);
  CHECK(in_use.error().code == ErrorCode::kConflict);
  CHECK_THAT(in_use.error().message, Catch::Contains("cannot listen on " + taken + ": another process has port") &&
                                         Catch::Contains("ss -ltnp") && Catch::Contains("choose another port"));
  for (const std::string bad : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x",
                                "1.2.3:80", "example.org:80", "127.0.0.1:-1"}) {
    INFO(bad);
    const Status refused = try_to_listen(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kInvalidConfig);
  }
  CHECK_THAT(try_to_listen("203.0.113.7:0").error().message, Catch::Contains("no interface"));
  CHECK(try_to_listen("*:0"));
  CHECK(try_to_listen("127.0.0.1:0"));
}

TEST_CASE("addresses are read and written, IPv6 in brackets") {
  const auto six = SocketAddress::parse("[::1]:80");
  REQUIRE(six);
  CHECK(six->host == "::1");
  CHECK(six->port == 80);
  CHECK(six->describe() == "[::1]:80");
  CHECK(SocketAddress::parse("h:0")->describe() == "h:0");
}

TEST_CASE("a route has words of its own for what the server refuses, and keeps them when it is gone",
          "[REQ-001]") {
  ServerFixture server;
  server.route({.path = "/api",
                .methods = {Method::kPost},
                .max_body_bytes = 10,
                .reword =
                    [](const RequestHead& head, Problem& problem) {
                      problem.body = "{\"at\":\"" + std::string(head.path) +
                                     "\",\"no\":" + std::to_string(problem.status) + "}";
                      problem.headers.emplace_back("x-request-id", "7");
                    },
                .handle = [](const Request&, Responder responder) { responder.send({.body = "fine"}); }});
  const auto refused = [&](const std::string& request) {
    RawClient client(server.port());
    const RawAnswer answer = client.ask(request);
    CHECK(answer.has("Content-Type: application/json"));
    CHECK(answer.has("x-request-id: 7"));
    return answer.body;
  };
  CHECK(refused("GET /api HTTP/1.1\r\nHost: h\r\n\r\n") == "{\"at\":\"/api\",\"no\":405}");
  CHECK(refused(post("/api", "longer than ten")) == "{\"at\":\"/api\",\"no\":413}");
  CHECK(refused(post("/api", "x", "Content-Encoding: br\r\n")) == "{\"at\":\"/api\",\"no\":415}");
  CHECK(refused("POST /api HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n") ==
        "{\"at\":\"/api\",\"no\":400}");
  server.on_loop([&] { server->remove_route("/api"); });
  CHECK(refused(post("/api", "x")) == "{\"at\":\"/api\",\"no\":503}");
}

}  // namespace
}  // namespace colloquium::net
