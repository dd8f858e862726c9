// Clients of HTTP/2 that flood, stall and damage: each is ended within bounds, and the others are served.
#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "net/testing/http2_client.h"

namespace colloquium::net {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out.append(payload);
}

std::string hello() {
  return std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0, {});
}

// POST http://h/in, by the static table and a literal: without END_STREAM.
std::string head_of_post() {
  return std::string("\x83\x86\x44\x03/in\x41\x01h", 10);
}

void check_alive(ServerFixture& server) {
  Http2Client client(server.port());
  CHECK(client.ask("/in", "alive").body == "alive");
}

void wait_until_empty(ServerFixture& server) {
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(server->counters().body_bytes.value() == 0);
  CHECK(server->counters().body_reserved_bytes.value() == 0);
}

TEST_CASE("streams that are opened and reset at once end their connection, and soon") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  client.send(hello());
  std::string many;
  for (uint32_t id = 1; id < 2 * 20'000; id += 2) {
    many += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, head_of_post());
    many += frame(NGHTTP2_RST_STREAM, 0, id, std::string("\0\0\0\x08", 4));
  }
  client.send(many);
  client.end();
  client.rest();
  wait_until_empty(server);
  CHECK(server->counters().requests.value() > 100);
  // What one read holds is gone through before the connection ends: 64 KiB.
  CHECK(server->counters().requests.value() <= 2 * 2'048);
  check_alive(server);
}

TEST_CASE("more streams at a time than are allowed are refused, and the others answered") {
  ServerFixture server({.streams = 10});
  std::vector<Responder> kept;
  server.route({.path = "/in", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  kept.push_back(std::move(responder));
                }});
  RawClient client(server.port());
  std::string many = hello();
  for (uint32_t id = 1; id < 2 * 50; id += 2) {
    many += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, head_of_post());
  }
  client.send(many + frame(NGHTTP2_PING, 0, 0, "12345678"));
  while (server.on_loop([&] { return kept.size(); }) < 10) continue;
  for (int i = 0; i < 20; ++i) server.on_loop([] {});
  CHECK(server.on_loop([&] { return kept.size(); }) == 10);
  server.on_loop([&] { kept.clear(); });
}

TEST_CASE("floods of settings and pings are not answered faster than they are taken") {
  ServerFixture server;
  server.echo("/in");
  for (const std::string& flood : {frame(NGHTTP2_SETTINGS, 0, 0, {}), frame(NGHTTP2_PING, 0, 0, "12345678")}) {
    RawClient client(server.port());
    client.send(hello());
    std::string many;
    for (int i = 0; i < 5'000; ++i) many += flood;
    // Until nothing more goes into the buffers on the way, or the server has ended it.
    const timeval soon{0, 200'000};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    int sent = 0;
    while (sent < 2'000 && client.send(many)) ++sent;
    CHECK(sent < 2'000);
  }
  check_alive(server);
}

TEST_CASE("headers that go on and on end their connection") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  client.send(hello() + frame(NGHTTP2_HEADERS, 0, 1, head_of_post()));
  std::string more;
  for (int i = 0; i < 1'000; ++i) more += frame(NGHTTP2_CONTINUATION, 0, 1, std::string("\x40\x01x\x01y", 5));
  client.send(more);
  client.end();
  client.rest();
  wait_until_empty(server);
  CHECK(server->counters().requests.value() == 0);
  check_alive(server);
}

TEST_CASE("a header that is named once and used many thousand times is not kept so often") {
  ServerFixture server;
  server.echo("/in");
  RawClient client(server.port());
  // 4000 bytes go into the table, and each byte 0xbe then means them again.
  std::string block = head_of_post() + std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'v');
  block += std::string(10'000, '\xbe');
  client.send(hello() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block));
  client.end();
  const std::string said = client.rest();
  CHECK(said.find("too many or too long") != std::string::npos);
  wait_until_empty(server);
  check_alive(server);
}

TEST_CASE("headers that do not end, and a client that says nothing more, are given up after their time") {
  ServerFixture server({.head_timeout_ms = 40, .idle_timeout_ms = 60'000});
  RawClient begun(server.port());
  begun.send(hello() + frame(NGHTTP2_HEADERS, 0, 1, head_of_post()));
  RawClient mute(server.port());
  mute.send(hello());
  RawClient half(server.port());
  half.send(kPreface.substr(0, 10));
  begun.rest();
  mute.rest();
  half.rest();
  begun.end();
  mute.end();
  half.end();
  wait_until_empty(server);
}

TEST_CASE("a client that has been idle for long is told to go") {
  ServerFixture server({.idle_timeout_ms = 40});
  server.echo("/in");
  Http2Client client(server.port());
  CHECK(client.ask("/in", "1").status == 200);
  client.run_out();
  CHECK(client.goes_away);
  CHECK(client.goes_away_with == NGHTTP2_NO_ERROR);
}

TEST_CASE("a body that does not come on is answered 408, and its memory is free again") {
  ServerFixture server({.body_timeout_ms = 60});
  server.echo("/in");
  Http2Client client(server.port());
  const int32_t slow = client.begin("POST", "/in", {}, "some", false);
  const Http2Answer& answer = client.run_until_closed(slow);
  CHECK(answer.status == 408);
  CHECK(server->counters().body_reserved_bytes.value() == 0);
  CHECK(client.ask("/in", "next").body == "next");
}

TEST_CASE("streams that hold the budget and send nothing let others in") {
  ServerFixture server({.body_budget_bytes = 1 << 20, .body_pace_ms = 20});
  server.echo("/in", 1 << 20);
  Http2Client mute(server.port());
  for (int i = 0; i < 50; ++i) mute.begin("POST", "/in", {}, "", false);
  mute.send_all();
  while (server->counters().bodies_waiting.value() == 0) server.on_loop([] {});
  Http2Client other(server.port());
  CHECK(other.ask("/in", std::string(200'000, 'o')).status == 200);
}

TEST_CASE("a client that gives no leave to answer holds nothing for longer than its time") {
  ServerFixture server({.send_timeout_ms = 50});
  server.echo("/in");
  Http2Client client(server.port(), false, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  const int32_t id = client.begin_post("/in", "never taken");
  client.run_out();
  CHECK(client.answers[id].body.empty());
  wait_until_empty(server);
}

TEST_CASE("bytes damaged at random end their connection or not, and never harm the server") {
  ServerFixture server({.head_timeout_ms = 2'000, .linger_ms = 50});
  server.echo("/in", 10'000);
  SeededRandom random(20261122);
  const std::string good = hello() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, head_of_post()) +
                           frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, std::string(500, 'd')) +
                           frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 3, head_of_post()) +
                           frame(NGHTTP2_WINDOW_UPDATE, 0, 3, std::string("\0\0\1\0", 4)) +
                           frame(NGHTTP2_DATA, 0, 3, std::string(700, 'e')) +
                           frame(NGHTTP2_PRIORITY, 0, 3, std::string("\0\0\0\1\1", 5)) +
                           frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3, std::string(300, 'f'));
  for (int round = 0; round < 600; ++round) {
    std::string bytes = good;
    for (uint64_t hits = random.below(5); hits > 0; --hits) {
      bytes[kPreface.size() + random.below(bytes.size() - kPreface.size())] = static_cast<char>(random.below(256));
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    RawClient client(server.port());
    client.send(bytes);
    client.end();
    client.rest();
  }
  check_alive(server);
  wait_until_empty(server);
}

TEST_CASE("clients that reset their connections at any point leave nothing") {
  ServerFixture server;
  server.echo("/in");
  for (int i = 0; i < 100; ++i) {
    Http2Client client(server.port());
    for (int k = 0; k < 20; ++k) client.begin_post("/in", std::string(static_cast<size_t>(i) * 1'000, 'r'));
    client.send_all();
    client.reset_on_close();
  }
  check_alive(server);
  wait_until_empty(server);
}

TEST_CASE("a server that goes takes its HTTP/2 connections with it, in the middle of everything") {
  auto server = std::make_unique<ServerFixture>();
  std::vector<Responder> kept;
  server->route({.path = "/in", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                   kept.push_back(std::move(responder));
                 }});
  Http2Client client(server->port());
  client.begin_post("/in", "1");
  client.begin("POST", "/in", {}, "half", false);
  client.send_all();
  while (server->on_loop([&] { return kept.empty(); })) continue;
  std::vector<Responder> outlives;
  server->on_loop([&] { outlives = std::move(kept); });
  server.reset();
  CHECK_FALSE(outlives[0].alive());
  outlives[0].send({.body = "nobody"});
}

}  // namespace
}  // namespace colloquium::net
