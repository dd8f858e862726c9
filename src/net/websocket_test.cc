// WebSocket over a real server: handshakes, messages and their answers, backpressure, and every way it ends.
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <list>
#include <thread>
#include <vector>

#include "net/testing/server_fixture.h"
#include "net/testing/websocket_client.h"

namespace colloquium::net {
namespace {

constexpr std::string_view kKeyAnswer = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // RFC 6455, 1.3

// A route that keeps what it is given, and answers at once or when the test says so.
class Desk {
 public:
  struct Taken {
    std::string path;
    std::string tenant;
    std::string body;
  };

  explicit Desk(WebSocketRules rules, HttpLimits limits = {}) : server(limits) {
    counters = std::make_shared<WebSocketCounters>();
    rules.counters = counters;
    route_.path = "/in";
    route_.methods = {Method::kPost};
    route_.max_body_bytes = 1000;
    route_.websocket = std::make_shared<const WebSocketRules>(rules);
    route_.admit = [this](const RequestHead& head) {
      if (head.find("authorization").value_or("") == "wrong")
        return Admission::refuse({.status = 401, .detail = "no"});
      return is_open ? Admission{} : Admission::wait();
    };
    route_.handle = [this](const Request& request, Responder responder) {
      taken.push_back({std::string(request.head.path), std::string(request.head.find("x-tenant").value_or("")),
                       *request.body});
      if (!answers_at_once) return waiting.push_back(std::move(responder));
      answer(std::move(responder), *request.body);
    };
  }
  ~Desk() {
    server.on_loop([&] {
      server->remove_route("/in");
      waiting.clear();
    });
  }

  void serve() { server.route(route_); }
  Route& route() { return route_; }
  WebSocketClient connect(std::string_view headers = {}) { return WebSocketClient(server.port(), "/in", headers); }

  static void answer(Responder responder, const std::string& body) {
    if (body == "bad") return responder.fail({.status = 400, .detail = "bad from the first byte on"});
    if (body == "full") return responder.fail(Problem{.status = 503, .detail = "full"}.retry_after(250));
    responder.send({.content_type = "application/json", .body = "{\"took\":\"" + body + "\"}\n"});
  }
  void answer_one(size_t index) {
    server.on_loop([&] {
      const auto at = std::next(waiting.begin(), static_cast<ptrdiff_t>(index));
      Responder responder = std::move(*at);
      waiting.erase(at);
      answer(std::move(responder), "later" + std::to_string(index));
    });
  }
  std::vector<Taken> all_taken() {
    return server.on_loop([&] { return taken; });
  }
  void wait_until_taken(size_t count) {
    server.wait_until([&] { return taken.size() >= count; });
  }

  ServerFixture server;
  std::shared_ptr<WebSocketCounters> counters;
  // Of the loop.
  std::vector<Taken> taken;
  std::list<Responder> waiting;
  bool answers_at_once = true;
  bool is_open = true;

 private:
  Route route_;
};

const WebSocketRules kAnswering{.answers = true};

TEST_CASE("after the handshake of RFC 6455 each message is a request with the handshake's head") {
  Desk desk(kAnswering);
  desk.serve();
  auto client = desk.connect("X-Tenant: acme\r\n");
  REQUIRE(client.open());
  CHECK(client.handshake_answer().has(kKeyAnswer));
  CHECK(client.handshake_answer().has("Upgrade: websocket"));
  client.text("one");
  client.send(client_frame(kBinary, "two"));
  CHECK(client.next().payload == R"({"took":"one"})");
  const auto second = client.next();
  CHECK(second.opcode == kText);
  CHECK(second.payload == R"({"took":"two"})");
  const auto taken = desk.all_taken();
  REQUIRE(taken.size() == 2);
  CHECK(taken[1].path == "/in");
  CHECK(taken[1].tenant == "acme");
  CHECK(taken[1].body == "two");
  CHECK(desk.counters->open.value() == 1);
  CHECK(desk.counters->messages.value() == 2);
}

TEST_CASE("a message in fragments with pings between, byte by byte, is one message") {
  Desk desk(kAnswering);
  desk.serve();
  auto client = desk.connect();
  const std::string bytes = client_frame(kText, "a", false) + client_frame(kPing, "p") +
                            client_frame(kContinuation, "b", false) + client_frame(kContinuation, "c");
  for (const char byte : bytes) client.send({&byte, 1});
  const auto pong = client.next();
  CHECK(pong.opcode == kPong);
  CHECK(pong.payload == "p");
  CHECK(client.next().payload == R"({"took":"abc"})");
}

TEST_CASE("what the client sends behind its handshake, without waiting for the answer, is not lost") {
  Desk desk(kAnswering);
  desk.serve();
  RawClient raw(desk.server.port());
  raw.send(handshake("/in") + client_frame(kText, "early"));
  CHECK(raw.answer(true).status == 101);
  CHECK(raw.take(18) == "\x81\x10{\"took\":\"early\"}");
}

TEST_CASE("answers go out in the order of the messages") {
  Desk desk(kAnswering);
  desk.answers_at_once = false;
  desk.serve();
  auto client = desk.connect();
  for (const char* text : {"1", "2", "3"}) client.text(text);
  desk.wait_until_taken(3);
  desk.answer_one(2);
  desk.answer_one(1);
  desk.answer_one(0);
  CHECK(client.next().payload == R"({"took":"later0"})");
  CHECK(client.next().payload == R"({"took":"later1"})");
  CHECK(client.next().payload == R"({"took":"later2"})");
}

TEST_CASE("a refused message is answered in its place, and the connection goes on") {
  Desk desk(kAnswering);
  desk.serve();
  auto client = desk.connect();
  client.text("bad");
  client.text("full");
  client.text("good");
  const std::string bad = client.next().payload;
  CHECK(bad.find("\"status\":400") != bad.npos);
  CHECK(bad.find("bad from the first byte on") != bad.npos);
  const std::string full = client.next().payload;
  CHECK(full.find("\"status\":503") != full.npos);
  CHECK(full.find("\"retry_after_ms\":250") != full.npos);
  CHECK(client.next().payload == R"({"took":"good"})");
}

TEST_CASE("without answers nothing is said of what was taken, and a refusal closes, with its reason") {
  Desk desk({});
  desk.serve();
  auto client = desk.connect();
  client.text("good");
  client.text("bad");
  const auto close = client.next();
  CHECK(close.code() == 1007);
  CHECK(close.reason() == "bad from the first byte on");
  CHECK(client.ends_after_close());
  auto second = desk.connect();
  second.text("full");
  CHECK(second.next().code() == 1013);
  CHECK(desk.counters->closed_bad_data.value() == 1);
  CHECK(desk.counters->closed_busy.value() == 1);
}

TEST_CASE("handshakes that are none are refused in HTTP, and the connection goes on") {
  Desk desk(kAnswering);
  desk.serve();
  RawClient client(desk.server.port());
  const auto without = [](std::string_view line) {
    std::string request = handshake("/in");
    request.erase(request.find(line), line.size());
    return request;
  };
  const RawAnswer old = client.ask(without("Sec-WebSocket-Version: 13\r\n"));
  CHECK(old.status == 426);
  CHECK(old.has("Sec-WebSocket-Version: 13"));
  CHECK(client.ask(without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")).status == 400);
  CHECK(client.ask(without("Upgrade: websocket\r\n")).status == 405);
  CHECK(client.ask(handshake("/elsewhere")).status == 404);
  CHECK(client.ask(handshake("/in", "Authorization: wrong\r\n")).status == 401);
  CHECK(client.ask(handshake("/in", "Origin: https://evil.example.org\r\n")).status == 403);
  CHECK(desk.counters->refused_handshake.value() == 2);
  CHECK(desk.counters->refused_origin.value() == 1);
  CHECK(client.ask(handshake("/in", "Origin: http://h\r\n")).status == 101);
}

TEST_CASE("a path that does not speak WebSocket answers as to any GET") {
  ServerFixture server;
  server.echo("/plain");
  CHECK(RawClient(server.port()).ask(handshake("/plain")).status == 405);
}

TEST_CASE("only pages of the origins that are listed may connect") {
  Desk desk(kAnswering);
  desk.route().cors = std::make_shared<const CorsPolicy>(CorsPolicy{{"https://app.example.org"}, {}, 0});
  desk.serve();
  CHECK(desk.connect("Origin: https://app.example.org\r\n").open());
  CHECK(desk.connect("Origin: http://h\r\n").handshake_answer().status == 403);
  CHECK(desk.connect().open());
}

TEST_CASE("a connection beyond the limit is refused with 503 before it is one, and comes in when one has gone") {
  Desk desk({.connections = 1});
  desk.serve();
  {
    auto first = desk.connect();
    REQUIRE(first.open());
    auto second = desk.connect();
    CHECK(second.handshake_answer().status == 503);
    CHECK(second.handshake_answer().has("Retry-After: 1"));
    CHECK(desk.counters->refused_limit.value() == 1);
    first.close(1000);
    CHECK(first.next().code() == 1000);
    CHECK(first.raw().closed());
  }
  CHECK(desk.connect().open());
}

TEST_CASE("a handshake behind requests that are not answered yet is refused") {
  Desk desk(kAnswering);
  desk.answers_at_once = false;
  desk.serve();
  RawClient client(desk.server.port());
  client.send(post("/in", "1") + handshake("/in"));
  desk.wait_until_taken(1);
  desk.answer_one(0);
  CHECK(client.answer().status == 200);
  CHECK(client.answer().status == 400);
}

TEST_CASE("each fault closes with its code, once what came before it is answered") {
  struct Case {
    std::string bytes;
    int code;
  };
  const std::string big(1001, 'x');
  const std::vector<Case> cases = {
      {client_frame(kText, "unmasked", true, false), 1002},
      {client_frame(kText, "\xC3\x28"), 1007},
      {client_frame(kText, "\xC3", false) + client_frame(kContinuation, "\x28"), 1007},
      {client_frame(kText, big), 1009},
      {client_frame(kText, big).substr(0, 20), 1009},  // known from its head
      {client_frame(kText, big.substr(500), false) + client_frame(kContinuation, big.substr(400)), 1009},
      {client_frame(kCloseFrame, close_payload(1001)), 1001},
      {client_frame(kCloseFrame, close_payload(4000)), 4000},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    Desk desk(kAnswering, {.linger_ms = 50});
    desk.answers_at_once = false;
    desk.serve();
    auto client = desk.connect();
    client.text("before");
    client.send(cases[i].bytes);
    desk.wait_until_taken(1);
    desk.answer_one(0);
    CHECK(client.next().payload == R"({"took":"later0"})");
    CHECK(client.next().code() == cases[i].code);
    CHECK(client.ends_after_close());
    CHECK(desk.all_taken().size() == 1);
    desk.server.wait_until([&] { return desk.counters->open.value() == 0; });
  }
}

TEST_CASE(
    "bytes that are no UTF-8 are taken in a binary message, and a character across two fragments in a text") {
  Desk desk(kAnswering);
  desk.serve();
  auto client = desk.connect();
  client.send(client_frame(kBinary, "\xC3\x28") + client_frame(kText, "\xC3", false) +
              client_frame(kContinuation, "\xBC"));
  client.next();
  CHECK(client.next().payload == "{\"took\":\"\xC3\xBC\"}");
}

TEST_CASE("an empty close is answered with an empty one") {
  Desk desk(kAnswering);
  desk.serve();
  auto client = desk.connect();
  client.send(client_frame(kCloseFrame, ""));
  const auto close = client.next();
  CHECK(close.opcode == kCloseFrame);
  CHECK(close.payload.empty());
  CHECK(client.raw().closed());
}

TEST_CASE("while its route says wait nothing is read, and there is no end to that patience") {
  Desk desk(kAnswering, {.hold_timeout_ms = 20});
  desk.serve();
  auto client = desk.connect();
  desk.server.on_loop([&] { desk.is_open = false; });
  client.text("held");
  // A request of HTTP is held for 20 ms: by its refusal the message has been held as long.
  CHECK(RawClient(desk.server.port()).ask(post("/in", "x")).status == 503);
  CHECK(RawClient(desk.server.port()).ask(post("/in", "x")).status == 503);
  // More than socket buffers hold does not get in.
  std::atomic<bool> sent{false};
  std::thread sender([&] {
    const std::string frame = client_frame(kText, std::string(1000, 'x'));
    for (int i = 0; i < 10'000; ++i) client.send(frame);
    sent = true;
  });
  desk.server.on_loop([&] {
    CHECK(desk.taken.empty());
    CHECK_FALSE(sent.load());
    desk.is_open = true;
    desk.server->resume_route("/in");
  });
  for (int i = 0; i < 10'001; ++i) REQUIRE(client.next().opcode == kText);
  sender.join();
  CHECK(desk.all_taken().size() == 10'001);
}

TEST_CASE("no more messages are read than may be unanswered") {
  Desk desk(kAnswering, {.pipelined = 4});
  desk.answers_at_once = false;
  desk.serve();
  auto client = desk.connect();
  for (int i = 0; i < 6; ++i) client.text(std::to_string(i));
  desk.wait_until_taken(4);
  // Of what comes after them another connection sees that turns have gone by.
  CHECK(RawClient(desk.server.port()).ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").status == 204);
  CHECK(desk.all_taken().size() == 4);
  desk.answer_one(0);
  CHECK(client.next().payload == R"({"took":"later0"})");
  desk.wait_until_taken(5);
}

TEST_CASE("a message waits for the memory that others hold, and gets it") {
  Desk desk(kAnswering, {.body_budget_bytes = 900});
  desk.answers_at_once = false;
  desk.serve();
  auto first = desk.connect();
  auto second = desk.connect();
  first.text(std::string(800, 'a'));
  desk.wait_until_taken(1);
  second.text(std::string(800, 'b'));
  CHECK(RawClient(desk.server.port()).ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").status == 204);
  CHECK(desk.all_taken().size() == 1);
  desk.answer_one(0);
  desk.wait_until_taken(2);
  desk.answer_one(0);
  CHECK(second.next().opcode == kText);
  CHECK(desk.server->counters().body_reserved_bytes.value() == 0);
}

TEST_CASE("who is silent is pinged, and gone without an answer; who answers stays") {
  Desk desk({.idle_timeout_ms = 1200}, {.linger_ms = 50});
  desk.serve();
  auto client = desk.connect();
  REQUIRE(client.next().opcode == kPing);
  client.send(client_frame(kPong, ""));
  REQUIRE(client.next().opcode == kPing);
  CHECK(client.next().code() == 1001);
  CHECK(client.raw().closed());
  CHECK(desk.counters->closed_idle.value() == 1);
}

TEST_CASE("when its route goes, a connection is closed with 1001 behind the answers it is owed") {
  Desk desk(kAnswering);
  desk.answers_at_once = false;
  desk.serve();
  auto client = desk.connect();
  auto idle = desk.connect();
  client.text("under way");
  desk.wait_until_taken(1);
  const uint64_t read_before = desk.server->counters().bytes_in.value();
  desk.server.on_loop([&] { desk.server->remove_route("/in"); });
  CHECK(idle.next().code() == 1001);
  client.send(client_frame(kPing, "not answered any more") + client_frame(kText, "nor taken"));
  // They have been read when the first message is answered.
  desk.server.wait_until([&] { return desk.server->counters().bytes_in.value() > read_before; });
  desk.answer_one(0);
  CHECK(client.next().payload == R"({"took":"later0"})");
  CHECK(client.next().code() == 1001);
  CHECK(client.ends_after_close());
  CHECK(desk.connect().handshake_answer().status == 503);
}

TEST_CASE("a stopping server closes with 1001, and has stopped when the clients have gone") {
  Desk desk(kAnswering);
  desk.serve();
  auto client = desk.connect();
  client.text("one");
  CHECK(client.next().opcode == kText);
  std::promise<void> stopped;
  desk.server.on_loop([&] { desk.server->stop(20'000, [&] { stopped.set_value(); }); });
  CHECK(client.next().code() == 1001);
  CHECK(client.ends_after_close());
  CHECK(stopped.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

TEST_CASE("a client that breaks off, or never answers the close, leaves nothing behind") {
  Desk desk(kAnswering, {.linger_ms = 20});
  desk.answers_at_once = false;
  desk.serve();
  {
    auto client = desk.connect();
    client.text("taken");
    client.send(client_frame(kText, "half").substr(0, 8));
    desk.wait_until_taken(1);
    client.raw().reset_on_close();
  }
  auto mute = desk.connect();
  desk.server.on_loop([&] { desk.server->remove_route("/in"); });
  CHECK(mute.next().code() == 1001);
  CHECK(mute.raw().closed());  // by the server, in its time
  desk.answer_one(0);          // goes nowhere
  desk.server.wait_until([&] { return desk.counters->open.value() == 0; });
  CHECK(desk.server->counters().body_bytes.value() == 0);
}

}  // namespace
}  // namespace colloquium::net
