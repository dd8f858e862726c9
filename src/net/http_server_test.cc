// HttpServer over real sockets: what a well-behaved client sees.
#include "net/http_server.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

TEST_CASE("a posted body is handed to the route and answered on a kept connection", "[REQ-001]") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const RawAnswer answer = client.ask(post("/in", "hello " + std::to_string(i)));
    REQUIRE(answer.status == 200);
    CHECK(answer.body == "hello " + std::to_string(i));
    CHECK(answer.has("Content-Type: text/plain"));
    CHECK(answer.head.find("\r\nDate: ") != answer.head.npos);
    CHECK(answer.head.find("Connection:") == answer.head.npos);
  }
  CHECK(server->counters().requests.value() == 3);
  CHECK(server->counters().responses[2].value() == 3);
  CHECK(server->counters().connections_accepted.value() == 1);
}

TEST_CASE("a request that comes byte by byte is one request") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  for (const char c : post("/in?q=1", "slow body")) REQUIRE(client.send({&c, 1}));
  CHECK(client.answer().body == "slow body");
}

TEST_CASE("a body has 64 spare bytes of capacity behind it, however it came") {
  ServerFixture server;
  std::atomic<size_t> spare_min{1000};
  server.route({.path = "/in",
                .methods = {Method::kPost, Method::kGet},
                .handle = [&](const Request& request, Responder responder) {
                  spare_min = std::min(spare_min.load(), request.body->capacity() - request.body->size());
                  responder.send({});
                }});
  RawClient client(server.port());
  const std::string big(300'000, 'x');
  for (const std::string& body : {std::string("1"), std::string(4096 - 64, 'y'), big}) {
    REQUIRE(client.ask(post("/in", body)).status == 200);
    REQUIRE(client.ask(chunked("/in", {body, body})).status == 200);
    REQUIRE(
        client.ask(post("/in", compressed(io::Compression::kZstd, body), "Content-Encoding: zstd\r\n")).status ==
        200);
  }
  REQUIRE(client.ask("GET /in HTTP/1.1\r\nHost: h\r\n\r\n").status == 200);
  CHECK(spare_min.load() >= kBodyPadding);
}

TEST_CASE("chunked bodies are put together, extensions and trailers left out") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  CHECK(client.ask(chunked("/in", {"abc", "", "defghijklmnopqrst"})).body == "abcdefghijklmnopqrst");
  const std::string odd =
      "POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "A;name=\"v\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
  CHECK(client.ask(odd).body == "0123456789");
  CHECK(client.ask(post("/in", "next")).body == "next");
}

TEST_CASE("ten thousand pipelined requests are answered in order") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  constexpr int kCount = 10'000;
  std::thread sender([&] {
    std::string all;
    for (int i = 0; i < kCount; ++i) all += post("/in", std::to_string(i));
    client.send(all);
  });
  int in_order = 0;
  for (int i = 0; i < kCount; ++i) in_order += client.answer().body == std::to_string(i) ? 1 : 0;
  sender.join();
  CHECK(in_order == kCount);
}

TEST_CASE("answers given in another order go out in the order of the requests") {
  ServerFixture server;
  std::vector<Responder> held;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                  if (held.size() < 3) return;
                  for (size_t i = held.size(); i-- > 0;) held[i].send({.body = std::to_string(i)});
                  held.clear();
                }});
  RawClient client(server.port());
  client.send(post("/later", "a") + post("/later", "b") + post("/later", "c"));
  CHECK(client.answer().body == "0");
  CHECK(client.answer().body == "1");
  CHECK(client.answer().body == "2");
}

TEST_CASE("a connection with as many unanswered requests as allowed is not read until one is answered") {
  ServerFixture server({.pipelined = 4});
  std::vector<Responder> held;
  std::atomic<int> seen{0};
  server.route({.path = "/hold", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                  ++seen;
                }});
  server.echo("/in");
  RawClient client(server.port());
  std::string all;
  for (int i = 0; i < 10; ++i) all += post("/hold", "x");
  client.send(all);
  // Another connection's round trips show that the server had its turns.
  RawClient other(server.port());
  while (seen < 4) REQUIRE(other.ask(post("/in", "x")).status == 200);
  for (int i = 0; i < 20; ++i) REQUIRE(other.ask(post("/in", "x")).status == 200);
  CHECK(seen == 4);
  for (int i = 0; i < 10; ++i) {
    while (seen < std::min(10, i + 4)) REQUIRE(other.ask(post("/in", "x")).status == 200);
    server.on_loop([&] { held[static_cast<size_t>(i)].send({.body = std::to_string(i)}); });
    CHECK(client.answer().body == std::to_string(i));
  }
  CHECK(seen == 10);
}

TEST_CASE("an answer may come in a later turn, and none after the client has gone") {
  ServerFixture server;
  std::optional<Responder> held;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.emplace(std::move(responder));
                }});
  {
    RawClient client(server.port());
    client.send(post("/later", "x"));
    while (!server.on_loop([&] { return held.has_value(); })) continue;
    server.on_loop([&] { held->send({.body = "now"}); });
    CHECK(client.answer().body == "now");
    server.on_loop([&] { held.reset(); });
    client.send(post("/later", "x"));
    while (!server.on_loop([&] { return held.has_value(); })) continue;
    CHECK(server.on_loop([&] { return held->alive(); }));
  }
  // The half-closed connection waits for the answer; writing it finds the peer gone. Either way no one is hurt.
  server.on_loop([&] {
    held->send({.body = "too late"});
    held.reset();
  });
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(server->counters().body_bytes.value() == 0);
}

TEST_CASE("a request that its handler gives up is answered 500") {
  ServerFixture server;
  server.route({.path = "/lost", .methods = {Method::kPost}, .handle = [](const Request&, Responder) {}});
  RawClient client(server.port());
  const RawAnswer answer = client.ask(post("/lost", "x"));
  CHECK(answer.status == 500);
  CHECK(answer.has("Content-Type: application/problem+json"));
}

TEST_CASE("HEAD is answered like GET without the body, and OPTIONS with what is allowed") {
  ServerFixture server;
  server.route({.path = "/page", .methods = {Method::kGet}, .handle = [](const Request&, Responder responder) {
                  responder.send({.content_type = "text/plain", .body = "12345"});
                }});
  RawClient client(server.port());
  client.send("HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n");
  const RawAnswer head = client.answer(true);
  CHECK(head.status == 200);
  CHECK(head.has("Content-Length: 5"));
  CHECK(client.ask("GET /page HTTP/1.1\r\nHost: h\r\n\r\n").body == "12345");
  const RawAnswer options = client.ask("OPTIONS /page HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(options.status == 204);
  CHECK(options.has("Allow: GET, HEAD, OPTIONS"));
  CHECK(client.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").status == 204);
}

TEST_CASE("HTTP/1.0 closes unless it asks to be kept, and says so") {
  ServerFixture server;
  server.echo("/in");
  RawClient kept(server.port());
  const std::string body = "Content-Length: 1\r\n\r\nx";
  CHECK(kept.ask("POST /in HTTP/1.0\r\nConnection: keep-alive\r\n" + body).has("Connection: keep-alive"));
  CHECK(kept.ask("POST /in HTTP/1.0\r\n" + body).has("Connection: close"));
  CHECK(kept.closed());
  RawClient asked(server.port());
  CHECK(asked.ask("POST /in HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + body).has("Connection: close"));
  CHECK(asked.closed());
}

TEST_CASE("a client that ends its side after the request still gets its answers") {
  ServerFixture server;
  std::optional<Responder> held;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.emplace(std::move(responder));
                }});
  RawClient client(server.port());
  client.send(post("/later", "x"));
  client.end();
  while (!server.on_loop([&] { return held.has_value(); })) continue;
  server.on_loop([&] {
    held->send({.body = "here"});
    held.reset();
  });
  const RawAnswer answer = client.answer();
  CHECK(answer.body == "here");
  CHECK(answer.has("Connection: close"));
  CHECK(client.closed());
}

TEST_CASE("gzip and zstd bodies are decoded, small ones at once and large ones on another thread") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  std::string large;
  for (int i = 0; large.size() < 2'000'000; ++i) large += std::to_string(i * 7919);
  for (const std::string& body : {std::string("small"), large}) {
    const std::string gzip = compressed(io::Compression::kGzip, body);
    const std::string zstd = compressed(io::Compression::kZstd, body);
    // Pipelined: the order has to hold while the first is decoded elsewhere.
    client.send(post("/in", gzip, "Content-Encoding: gzip\r\n") + post("/in", "between") +
                post("/in", zstd, "Content-Encoding: zstd\r\n"));
    CHECK(client.answer().body == body);
    CHECK(client.answer().body == "between");
    CHECK(client.answer().body == body);
  }
}

TEST_CASE("100 Continue is sent when the handler would take the body") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  client.send("POST /in HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  CHECK(client.answer().status == 100);
  client.send("body");
  CHECK(client.answer().body == "body");
}

TEST_CASE("a route that says wait is asked again when it is resumed, and the connection is not read meanwhile") {
  ServerFixture server;
  bool open = false;
  std::atomic<int> asked{0};
  server.route({.path = "/gate",
                .methods = {Method::kPost},
                .admit =
                    [&](const RequestHead&) {
                      ++asked;
                      return open ? Admission{} : Admission::wait();
                    },
                .handle =
                    [](const Request& request, Responder responder) {
                      responder.send({.body = *request.body + std::string(request.head.path)});
                    }});
  RawClient client(server.port());
  client.send(post("/gate", "held") + post("/gate", "held too"));
  while (asked < 1) server.on_loop([] {});
  for (int i = 0; i < 20; ++i) server.on_loop([] {});
  CHECK(asked == 1);
  server.on_loop([&] {
    open = true;
    server->resume_route("/gate");
  });
  CHECK(client.answer().body == "held/gate");
  CHECK(client.answer().body == "held too/gate");
}

TEST_CASE("routes come and go while the server runs") {
  ServerFixture server;
  RawClient client(server.port());
  CHECK(client.ask(post("/in", "x")).status == 404);
  server.echo("/in");
  CHECK(client.ask(post("/in", "x")).status == 200);
  const Status twice = server.on_loop([&] {
    return server->add_route(
        {.path = "/in", .methods = {Method::kPost}, .handle = [](const Request&, Responder) {}});
  });
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == ErrorCode::kAlreadyExists);
  // A request whose head was taken before the route went is refused, and its handler not called.
  client.send("POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx");
  while (server->counters().requests.value() < 3) server.on_loop([] {});
  server.on_loop([&] { server->remove_route("/in"); });
  client.send("y");
  const RawAnswer refused = client.answer();
  CHECK(refused.status == 503);
  CHECK(refused.has("Connection: close"));
}

TEST_CASE("a path that was served is answered 503 from then on, never 404, until it is served again") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  CHECK(client.ask(post("/in", "x")).status == 200);
  // A second removal, and a resumption that comes late, change nothing.
  server.on_loop([&] {
    server->remove_route("/in");
    server->remove_route("/in");
    server->resume_route("/in");
  });
  const RawAnswer gone = client.ask(post("/in", "x"));
  CHECK(gone.status == 503);
  CHECK(gone.has("Retry-After: 1"));
  CHECK(gone.has("Connection: close"));
  client.end();
  CHECK(client.closed());
  RawClient other(server.port());
  CHECK(other.ask("OPTIONS /in HTTP/1.1\r\nHost: h\r\n\r\n").status == 503);
  CHECK(RawClient(server.port()).ask(post("/other", "x")).status == 404);
  server.echo("/in");
  CHECK(RawClient(server.port()).ask(post("/in", "back")).body == "back");
}

TEST_CASE("winding down accepts nobody new, and ends each connection behind its last answer") {
  ServerFixture server;
  std::vector<Responder> held;
  server.echo("/in");
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                }});
  const uint16_t port = server.port();
  RawClient idle(port);
  RawClient busy(port);
  CHECK(idle.ask(post("/in", "x")).status == 200);
  busy.send(post("/later", "x") + post("/later", "y"));
  while (server.on_loop([&] { return held.size(); }) < 2) continue;
  server.on_loop([&] {
    server->wind_down();
    server->wind_down();
  });
  CHECK_FALSE(RawClient(port).connected());
  server.on_loop([&] {
    for (Responder& responder : held) responder.send({.body = "late"});
    held.clear();
  });
  CHECK_FALSE(busy.answer().has("Connection: close"));
  CHECK(busy.answer().has("Connection: close"));
  busy.end();
  CHECK(busy.closed());
  // Who was idle is still served, once.
  const RawAnswer last = idle.ask(post("/in", "y"));
  CHECK(last.body == "y");
  CHECK(last.has("Connection: close"));
  idle.end();
  CHECK(idle.closed());
  server.wait_for<int>([&](auto done) { server->stop(10'000, [done] { done(0); }); });
}

TEST_CASE("connections beyond the limit wait until one closes") {
  ServerFixture server({.connections = 2});
  server.echo("/in");
  auto first = std::make_unique<RawClient>(server.port());
  RawClient second(server.port());
  CHECK(first->ask(post("/in", "1")).status == 200);
  CHECK(second.ask(post("/in", "2")).status == 200);
  RawClient third(server.port());
  third.send(post("/in", "3"));
  for (int i = 0; i < 20; ++i) CHECK(second.ask(post("/in", "2")).status == 200);
  CHECK(server->counters().connections_accepted.value() == 2);
  first.reset();
  CHECK(third.answer().body == "3");
}

TEST_CASE("stop finishes what is under way, tells the client, and refuses new connections") {
  ServerFixture server;
  std::vector<Responder> held;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                }});
  const uint16_t port = server.port();
  RawClient idle(port);
  RawClient busy(port);
  busy.send(post("/later", "x") + post("/later", "y"));
  while (server.on_loop([&] { return held.size(); }) < 2) continue;
  std::promise<void> stopped;
  server.on_loop([&] { server->stop(10'000, [&] { stopped.set_value(); }); });
  CHECK(idle.closed());
  server.on_loop([&] {
    held[0].send({.body = "first"});
    held[1].send({.body = "second"});
    held.clear();
  });
  const RawAnswer first = busy.answer();
  CHECK(first.body == "first");
  CHECK_FALSE(first.has("Connection: close"));
  const RawAnswer second = busy.answer();
  CHECK(second.body == "second");
  CHECK(second.has("Connection: close"));
  busy.end();
  CHECK(busy.closed());
  stopped.get_future().get();
  CHECK_FALSE(RawClient(port).connected());
}

TEST_CASE("stop closes at its deadline what is not finished") {
  ServerFixture server;
  std::optional<Responder> held;
  server.route({.path = "/never", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.emplace(std::move(responder));
                }});
  RawClient client(server.port());
  client.send(post("/never", "x"));
  while (!server.on_loop([&] { return held.has_value(); })) continue;
  server.wait_for<int>([&](auto done) { server->stop(30, [done] { done(0); }); });
  CHECK(client.closed());
  CHECK_FALSE(server.on_loop([&] { return held->alive(); }));
  server.on_loop([&] { held.reset(); });
}

TEST_CASE("a client that does not take its answers is not read any further, and others are served") {
  ServerFixture server({.unsent_bytes = 64 * 1024});
  std::atomic<int> seen{0};
  const std::string page(100'000, 'p');
  server.route({.path = "/page", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                  ++seen;
                  responder.send({.body = page});
                }});
  server.echo("/in");
  RawClient greedy(server.port());
  std::string all;
  constexpr int kCount = 400;
  for (int i = 0; i < kCount; ++i) all += "GET /page HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(greedy.send(all));
  RawClient other(server.port());
  for (int i = 0; i < 200; ++i) REQUIRE(other.ask(post("/in", "x")).status == 200);
  CHECK(seen < kCount);
  int whole = 0;
  for (int i = 0; i < kCount; ++i) whole += greedy.answer().body == page ? 1 : 0;
  CHECK(whole == kCount);
}

}  // namespace
}  // namespace colloquium::net
