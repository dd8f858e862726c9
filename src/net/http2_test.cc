// HTTP/2 over a real socket, with prior knowledge and over TLS: streams on the same routes as HTTP/1.1, by its
// rules.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "net/testing/http2_client.h"

namespace colloquium::net {
namespace {

void wait_until_empty(ServerFixture& server) {
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(server->counters().body_bytes.value() == 0);
  CHECK(server->counters().body_reserved_bytes.value() == 0);
  CHECK(server->counters().bodies_waiting.value() == 0);
}

TEST_CASE("many streams at once get each its own answer, with prior knowledge and over TLS") {
  const bool tls = GENERATE(false, true);
  TlsServer encrypted;
  ServerFixture plain;
  ServerFixture& server = tls ? *encrypted : plain;
  server.echo("/in");
  {
    Http2Client client(server.port(), tls);
    std::vector<int32_t> ids;
    for (int i = 0; i < 300; ++i) ids.push_back(client.begin_post("/in", "body " + std::to_string(i)));
    REQUIRE(client.run_all());
    for (int i = 0; i < 300; ++i) {
      const Http2Answer& answer = client.answers[ids[static_cast<size_t>(i)]];
      CHECK(answer.status == 200);
      CHECK(answer.body == "body " + std::to_string(i));
      CHECK(answer.headers.at("content-length") == std::to_string(answer.body.size()));
      CHECK(answer.headers.at("content-type") == "text/plain");
      CHECK(answer.headers.count("date") == 1);
    }
  }
  CHECK(server->counters().requests.value() == 300);
  wait_until_empty(server);
}

TEST_CASE("large bodies go both ways, several at a time") {
  ServerFixture server;
  server.echo("/in");
  Http2Client client(server.port());
  std::vector<int32_t> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(client.begin_post("/in", std::string(3'000'000, static_cast<char>('a' + i))));
  REQUIRE(client.run_all());
  for (int i = 0; i < 5; ++i) {
    CHECK(client.answers[ids[static_cast<size_t>(i)]].body == std::string(3'000'000, static_cast<char>('a' + i)));
  }
}

TEST_CASE("HTTP/1.1 is spoken on the same port, also by who only begins like HTTP/2") {
  ServerFixture server;
  server.echo("/in");
  Http2Client two(server.port());
  RawClient one(server.port());
  CHECK(two.ask("/in", "two").body == "two");
  CHECK(one.ask(post("/in", "one")).body == "one");
  RawClient almost(server.port());
  almost.send("PRI");
  server.on_loop([] {});
  CHECK(almost.ask(" * HTTP/1.1\r\nHost: h\r\n\r\n").status == 400);
}

TEST_CASE("the beginning of HTTP/2 may come byte by byte") {
  ServerFixture server;
  RawClient client(server.port());
  for (const char c : std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) REQUIRE(client.send({&c, 1}));
  client.send(std::string_view("\0\0\0\4\0\0\0\0\0", 9));             // SETTINGS
  client.send(std::string_view("\0\0\x08\6\0\0\0\0\0ABCDEFGH", 17));  // PING
  client.end();
  CHECK(client.rest().find(std::string_view("\0\0\x08\6\1\0\0\0\0ABCDEFGH", 17)) != std::string::npos);
}

TEST_CASE("what a handler sees of a request is what it sees of HTTP/1.1's") {
  ServerFixture server;
  std::string seen;
  server.route(
      {.path = "/in", .methods = {Method::kPut}, .handle = [&](const Request& request, Responder responder) {
         const RequestHead& head = request.head;
         seen = std::string(to_string(head.method)) + "|" + std::string(head.target) + "|" +
                std::string(head.path) + "|" + std::string(head.query) + "|" +
                std::string(head.find("HOST").value_or("")) + "|" + std::string(head.find("x-one").value_or("")) +
                "|" + *request.body;
         CHECK(head.peer.substr(0, 10) == "127.0.0.1:");
         CHECK(head.connection > 0);
         CHECK(request.body->capacity() - request.body->size() >= kBodyPadding);
         const HeaderField fields[] = {{"X-Upper", "Value"}, {"bad", "a\r\nb: c"}};
         responder.send({.status = 202, .headers = fields});
       }});
  Http2Client client(server.port());
  const Http2Answer& answer =
      client.run_until_closed(client.begin("PUT", "/in?a=b?c", {{"x-one", "1"}, {"x-one", "2"}}, "text"));
  CHECK(seen == "PUT|/in?a=b?c|/in|a=b?c|h|1|text");
  CHECK(answer.status == 202);
  CHECK(answer.headers.at("x-upper") == "Value");
  CHECK(answer.headers.count("bad") == 0);
  CHECK(answer.headers.at("content-length") == "0");
}

TEST_CASE("refusals are the same: path, method, length, coding, content, expectation, headers") {
  ServerFixture server({.head = {.head_bytes = 4'000, .target_bytes = 1'000, .header_count = 20}});
  server.echo("/in", 1'000);
  Http2Client client(server.port());
  const auto status = [&](const std::string& method, const std::string& path, const Http2Client::Headers& headers,
                          std::string body) {
    return client.run_until_closed(client.begin(method, path, headers, std::move(body))).status;
  };
  CHECK(status("POST", "/none", {}, "1") == 404);
  CHECK(status("GET", "/in", {}, "") == 405);
  CHECK(status("BREW", "/in", {}, "") == 405);
  CHECK(status("OPTIONS", "/in", {}, "") == 204);
  CHECK(status("OPTIONS", "*", {}, "") == 204);
  CHECK(status("POST", "/in", {}, std::string(1'001, 'x')) == 413);
  CHECK(status("POST", "/in", {{"content-length", "1001"}}, std::string(1'001, 'x')) == 413);
  CHECK(status("POST", "/in", {{"content-encoding", "br"}}, "x") == 415);
  CHECK(status("POST", "/in", {{"content-encoding", "gzip"}}, "no gzip") == 400);
  CHECK(status("POST", "/in", {{"expect", "more"}}, "x") == 417);
  CHECK(status("POST", "/in?" + std::string(1'000, 'q'), {}, "x") == 414);
  CHECK(status("POST", "/in", {{"x-long", std::string(4'000, 'h')}}, "x") == 431);
  CHECK(status("POST", "/in", Http2Client::Headers(21, {"x", "y"}), "x") == 431);
  CHECK(status("POST", "/in", {}, "fine") == 200);
  CHECK_FALSE(client.goes_away);
}

TEST_CASE("a compressed body is decompressed, here or elsewhere, and no more of it than is allowed") {
  ServerFixture server;
  server.echo("/in", 2'000'000);
  Http2Client client(server.port());
  const std::string small(5'000, 's');
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += std::to_string(i);
  const auto send = [&](const std::string& text, io::Compression compression, const char* name) {
    return client.ask("/in", compressed(compression, text), {{"content-encoding", name}});
  };
  CHECK(send(small, io::Compression::kGzip, "gzip").body == small);
  CHECK(send(large, io::Compression::kZstd, "zstd").body == large);
  CHECK(send(std::string(2'000'001, 'x'), io::Compression::kGzip, "gzip").status == 413);
}

TEST_CASE("100 Continue is said when the body is let in, and not before a refusal") {
  ServerFixture server;
  server.echo("/in");
  Http2Client client(server.port());
  const int32_t taken = client.begin("POST", "/in", {{"expect", "100-continue"}}, "", false);
  client.run([&] { return !client.answers[taken].interim.empty(); });
  CHECK(client.answers[taken].interim == std::vector<int>{100});
  client.more(taken, "now", true);
  CHECK(client.run_until_closed(taken).body == "now");
  const int32_t refused = client.begin("POST", "/none", {{"expect", "100-continue"}}, "", false);
  client.run([&] { return client.answers[refused].closed; });
  CHECK(client.answers[refused].interim.empty());
  CHECK(client.answers[refused].status == 404);
  CHECK(client.answers[refused].error == NGHTTP2_NO_ERROR);
}

TEST_CASE("HEAD has a length and no body, and GET a body") {
  ServerFixture server;
  server.route({.path = "/get", .methods = {Method::kGet}, .handle = [](const Request&, Responder responder) {
                  responder.send({.body = "hello"});
                }});
  Http2Client client(server.port());
  const Http2Answer head = client.run_until_closed(client.begin("HEAD", "/get", {}, ""));
  CHECK(head.status == 200);
  CHECK(head.headers.at("content-length") == "5");
  CHECK(head.body.empty());
  CHECK(client.run_until_closed(client.begin("GET", "/get", {}, "")).body == "hello");
}

TEST_CASE("answers may come in any order, and after the client has gone") {
  ServerFixture server;
  std::vector<Responder> kept;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  kept.push_back(std::move(responder));
                }});
  {
    Http2Client client(server.port());
    const int32_t one = client.begin_post("/later", "1");
    const int32_t two = client.begin_post("/later", "2");
    client.begin_post("/later", "3");
    client.send_all();
    while (server.on_loop([&] { return kept.size(); }) < 3) continue;
    server.on_loop([&] { kept[1].send({.body = "second"}); });
    CHECK(client.run_until_closed(two).body == "second");
    CHECK_FALSE(client.answers[one].closed);
    server.on_loop([&] { kept[0].send({.body = "first"}); });
    CHECK(client.run_until_closed(one).body == "first");
    CHECK(server.on_loop([&] { return kept[2].alive(); }));
    client.reset_on_close();
  }
  wait_until_empty(server);
  server.on_loop([&] {
    CHECK_FALSE(kept[2].alive());
    kept[2].send({.body = "nobody"});
    kept.clear();
  });
}

TEST_CASE("a stream that is reset is gone for its handler, and the others go on") {
  ServerFixture server;
  std::vector<Responder> kept;
  server.echo("/in");
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  kept.push_back(std::move(responder));
                }});
  Http2Client client(server.port());
  const int32_t id = client.begin_post("/later", "1");
  client.send_all();
  while (server.on_loop([&] { return kept.empty(); })) continue;
  nghttp2_submit_rst_stream(client.session(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  client.send_all();
  while (server.on_loop([&] { return kept[0].alive(); })) continue;
  server.on_loop([&] {
    kept[0].send({.body = "too late"});
    kept.clear();
  });
  CHECK(client.ask("/in", "next").body == "next");
}

TEST_CASE("a route that says wait holds its streams, and the others go on") {
  ServerFixture server;
  bool open = false;
  server.echo("/in");
  Route held{
      .path = "/held",
      .methods = {Method::kPost},
      .admit = [&](const RequestHead&) { return open ? Admission{} : Admission::wait(); },
      .handle = [](const Request& request,
                   Responder responder) { responder.send({.body = std::to_string(request.body->size())}); }};
  server.route(std::move(held));
  Http2Client client(server.port());
  CHECK(client.ask("/in", "now the client knows of its leave").status == 200);
  std::vector<int32_t> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(client.begin_post("/held", std::string(500'000, 'h')));
  CHECK(client.ask("/in", "passes").body == "passes");
  for (const int32_t id : ids) CHECK_FALSE(client.answers[id].closed);
  // No more than the client had leave for, and it counts.
  CHECK(server->counters().body_bytes.value() <= static_cast<int64_t>(3 * 16 * 1024));
  server.on_loop([&] {
    open = true;
    server->resume_route("/held");
  });
  REQUIRE(client.run_all());
  for (const int32_t id : ids) CHECK(client.answers[id].body == "500000");
}

TEST_CASE("a route that waits too long ends in 503") {
  ServerFixture server({.hold_timeout_ms = 30});
  server.route({.path = "/held",
                .methods = {Method::kPost},
                .admit = [](const RequestHead&) { return Admission::wait(); },
                .handle = [](const Request&, Responder responder) { responder.send({}); }});
  Http2Client client(server.port());
  const Http2Answer& answer = client.ask("/held", "1");
  CHECK(answer.status == 503);
  CHECK(answer.headers.at("retry-after") == "1");
}

TEST_CASE("bodies wait for the budget, and all come through it") {
  ServerFixture server({.body_budget_bytes = 600'000});
  server.echo("/in", 1'000'000);
  Http2Client client(server.port());
  std::vector<int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(client.begin_post("/in", std::string(400'000, 'b')));
  REQUIRE(client.run_all());
  for (const int32_t id : ids) {
    CHECK(client.answers[id].status == 200);
    CHECK(client.answers[id].body.size() == 400'000);
  }
  CHECK(server->counters().body_reserved_bytes.value() == 0);
}

TEST_CASE("a body that its handler is done with keeps no other out, though its answer takes long") {
  const bool second_version = GENERATE(true, false);
  ServerFixture server({.body_budget_bytes = 600'000});
  std::vector<Responder> kept;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  responder.give_back();
                  kept.push_back(std::move(responder));
                }});
  constexpr size_t kRequests = 4;
  const std::string body(400'000, 'b');
  std::vector<std::unique_ptr<RawClient>> plain;
  std::optional<Http2Client> client;
  if (second_version) {
    client.emplace(server.port());
    std::vector<int32_t> ids;
    for (size_t i = 0; i < kRequests; ++i) ids.push_back(client->begin_post("/later", body));
    std::thread answers([&] {
      server.wait_until([&] { return kept.size() == kRequests; });
      server.on_loop([&] {
        CHECK(server->counters().body_reserved_bytes.value() == 0);
        for (Responder& each : kept) each.send({.body = "done"});
      });
    });
    REQUIRE(client->run_all());
    answers.join();
    for (const int32_t id : ids) CHECK(client->answers[id].body == "done");
  } else {
    for (size_t i = 0; i < kRequests; ++i) {
      plain.push_back(std::make_unique<RawClient>(server.port()));
      plain.back()->send(post("/later", body));
    }
    server.wait_until([&] { return kept.size() == kRequests; });
    CHECK(server->counters().body_reserved_bytes.value() == 0);
    server.on_loop([&] {
      for (Responder& each : kept) each.send({.body = "done"});
    });
    for (const auto& each : plain) CHECK(each->answer().body == "done");
  }
  server.on_loop([&] { kept.clear(); });
}

TEST_CASE("checks of bodies and of origins hold as for HTTP/1.1") {
  struct Refusing final : BodyCheck {
    std::string seen;
    void update(std::string_view bytes) override { seen += bytes; }
    std::optional<Problem> finish() override {
      if (seen == "good") return std::nullopt;
      return Problem{.status = 401, .detail = "seen " + std::to_string(seen.size())};
    }
  };
  ServerFixture server;
  Route route{
      .path = "/in",
      .methods = {Method::kPost},
      .check_body = [](const RequestHead&) { return std::make_unique<Refusing>(); },
      .cors = std::make_shared<const CorsPolicy>(CorsPolicy{{"https://shop.example"}, {"Content-Type"}, 5}),
      .handle = [](const Request&, Responder responder) { responder.send({}); }};
  server.route(std::move(route));
  Http2Client client(server.port());
  const Http2Client::Headers origin = {{"origin", "https://shop.example"}};
  CHECK(client.ask("/in", "good").status == 200);
  const Http2Answer bad = client.ask("/in", "bad", origin);
  CHECK(bad.status == 401);
  CHECK(bad.headers.at("access-control-allow-origin") == "https://shop.example");
  CHECK(client.ask("/in", "good", {{"origin", "https://other.example"}}).status == 403);
  CHECK(client.ask("/in", "").status == 401);
  Http2Client::Headers question = origin;
  question.emplace_back("access-control-request-method", "POST");
  const Http2Answer asked = client.run_until_closed(client.begin("OPTIONS", "/in", question, ""));
  CHECK(asked.status == 204);
  CHECK(asked.headers.at("access-control-allow-methods") == "POST, OPTIONS");
}

TEST_CASE("a server that winds down tells its clients, and answers what is under way") {
  ServerFixture server({.linger_ms = 50});
  std::vector<Responder> kept;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  kept.push_back(std::move(responder));
                }});
  Http2Client client(server.port());
  const int32_t id = client.begin_post("/later", "1");
  client.send_all();
  while (server.on_loop([&] { return kept.empty(); })) continue;
  server.on_loop([&] {
    server->wind_down();
    kept[0].send({.body = "last"});
    kept.clear();
  });
  CHECK(client.run_until_closed(id).body == "last");
  client.run_out();
  CHECK(client.goes_away);
  CHECK(client.goes_away_with == NGHTTP2_NO_ERROR);
  wait_until_empty(server);
}

TEST_CASE("a server that stops answers what is under way and ends idle connections at once") {
  ServerFixture server({.linger_ms = 50});
  std::vector<Responder> kept;
  server.echo("/in");
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  kept.push_back(std::move(responder));
                }});
  Http2Client idle(server.port());
  CHECK(idle.ask("/in", "1").status == 200);
  Http2Client busy(server.port());
  const int32_t id = busy.begin_post("/later", "1");
  busy.send_all();
  while (server.on_loop([&] { return kept.empty(); })) continue;
  std::atomic<bool> stopped{false};
  server.on_loop([&] { server->stop(10'000, [&] { stopped = true; }); });
  idle.run_out();
  CHECK(idle.goes_away);
  server.on_loop([&] {
    kept[0].send({.body = "last"});
    kept.clear();
  });
  CHECK(busy.run_until_closed(id).body == "last");
  busy.run_out();
  while (!stopped) server.on_loop([] {});
}

TEST_CASE("a path that is served no more is answered 503, and the client told to go elsewhere") {
  ServerFixture server;
  server.echo("/in");
  server.on_loop([&] { server->remove_route("/in"); });
  Http2Client client(server.port());
  CHECK(client.ask("/in", "1").status == 503);
  client.run_out();
  CHECK(client.goes_away);
}

TEST_CASE("a client that ends its half gets the answers it is owed") {
  ServerFixture server({.send_timeout_ms = 100, .linger_ms = 50});
  std::vector<Responder> kept;
  server.route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  kept.push_back(std::move(responder));
                }});
  Http2Client client(server.port());
  const int32_t id = client.begin_post("/later", "1");
  const int32_t never = client.begin("POST", "/later", {}, "half", false);
  client.send_all();
  ::shutdown(client.fd(), SHUT_WR);
  while (server.on_loop([&] { return kept.empty(); })) continue;
  server.on_loop([&] {
    kept[0].send({.body = std::string(300'000, 'z')});
    kept.clear();
  });
  client.run_out();
  // Without leave for more than the first window: what came is of the answer, and the rest cannot be asked for.
  CHECK(client.answers[id].status == 200);
  CHECK(client.answers[id].body.size() >= 65'535);
  CHECK(client.answers[never].status == 0);
}

}  // namespace
}  // namespace colloquium::net
