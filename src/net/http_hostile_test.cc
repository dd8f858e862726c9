// Many clients at once, and clients that damage, break off and reset: whatever they do, the others are served,
// nothing leaks, and each request that was complete was handled once.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/manual_clock.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

void wait_until_alone(ServerFixture& server) {
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(server->counters().body_bytes.value() == 0);
}

TEST_CASE("five hundred connections are served side by side") {
  ServerFixture server;
  server.echo("/in");
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 500; ++i) clients.push_back(std::make_unique<RawClient>(server.port()));
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < clients.size(); ++i) {
      REQUIRE(clients[i]->send(post("/in", std::to_string(i) + "/" + std::to_string(round))));
    }
    for (size_t i = clients.size(); i-- > 0;) {
      REQUIRE(clients[i]->answer().body == std::to_string(i) + "/" + std::to_string(round));
    }
  }
  CHECK(server->counters().requests.value() == 1500);
  CHECK(server->counters().connections_open.value() == 500);
  clients.clear();
  wait_until_alone(server);
}

TEST_CASE("requests damaged at random get an answer or none, and never hang or harm the server", "[REQ-001]") {
  ServerFixture server({.head_timeout_ms = 2'000, .linger_ms = 50});
  server.echo("/in", 10'000);
  SeededRandom random(20240501);
  const std::string gzip = compressed(io::Compression::kGzip, std::string(5'000, 'g'));
  const std::vector<std::string> good = {
      post("/in", "plain body"), chunked("/in", {"several", "chunks", std::string(2'000, 'c')}),
      post("/in", gzip, "Content-Encoding: gzip\r\n"), post("/in", "expected", "Expect: 100-continue\r\n")};
  int answered = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good[random.below(good.size())] + good[random.below(good.size())];
    for (uint64_t hits = 1 + random.below(4); hits > 0; --hits) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    RawClient client(server.port());
    client.send(bytes);
    client.end();
    const std::string rest = client.rest();
    CHECK((rest.empty() || rest.substr(0, 9) == "HTTP/1.1 "));
    answered += rest.empty() ? 0 : 1;
  }
  CHECK(answered > 200);
  RawClient client(server.port());
  CHECK(client.ask(post("/in", "fine")).body == "fine");
}

TEST_CASE("clients that reset their connection at any point leave nothing behind") {
  ServerFixture server;
  server.echo("/in");
  const std::string request = post("/in", std::string(200'000, 'r')) + chunked("/in", {"abc", "def"});
  SeededRandom random(7);
  for (int round = 0; round < 200; ++round) {
    RawClient client(server.port());
    client.send(std::string_view(request).substr(0, random.below(request.size())));
    client.reset_on_close();
  }
  // None is open before the first is accepted, either.
  while (server->counters().connections_accepted.value() < 200) server.on_loop([] {});
  wait_until_alone(server);
  CHECK(server->counters().connections_accepted.value() == 200);
}

TEST_CASE("clients that go while their requests wait are forgotten with them") {
  ServerFixture server;
  std::vector<Responder> held;
  std::atomic<size_t> count{0};
  server.route({.path = "/hold", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  held.push_back(std::move(responder));
                  count = held.size();
                }});
  for (size_t i = 0; i < 50; ++i) {
    RawClient client(server.port());
    client.send(post("/hold", "a") + post("/hold", "b"));
    while (count < 2 * (i + 1)) continue;
    if (i % 2 == 0) client.reset_on_close();
  }
  // Those that were reset are gone; those that only ended their side still wait for their answers.
  server.on_loop([&] {
    for (size_t i = held.size(); i-- > 0;) held[i].send({.body = "late"});
    held.clear();
  });
  wait_until_alone(server);
}

TEST_CASE("every complete request is handled exactly once, however its bytes are cut") {
  ServerFixture server;
  std::mutex mutex;
  std::multiset<std::string> seen;
  server.route(
      {.path = "/count", .methods = {Method::kPost}, .handle = [&](const Request& request, Responder responder) {
         {
           std::lock_guard lock(mutex);
           seen.insert(*request.body);
         }
         responder.send({});
       }});
  SeededRandom random(99);
  constexpr int kClients = 8;
  constexpr int kRequests = 100;
  for (int c = 0; c < kClients; ++c) {
    std::string all;
    for (int i = 0; i < kRequests; ++i) {
      const std::string id = std::to_string(c) + "." + std::to_string(i);
      all += i % 3 == 0 ? chunked("/count", {id.substr(0, 1), id.substr(1)}) : post("/count", id);
    }
    RawClient client(server.port());
    for (size_t at = 0; at < all.size();) {
      const size_t length = 1 + random.below(300);
      REQUIRE(client.send(std::string_view(all).substr(at, length)));
      at += length;
    }
    for (int i = 0; i < kRequests; ++i) REQUIRE(client.answer().status == 200);
  }
  CHECK(seen.size() == kClients * kRequests);
  CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == seen.size());
}

TEST_CASE("a stop in the middle of traffic answers each request that was taken or closes, and ends") {
  for (int round = 0; round < 10; ++round) {
    ServerFixture server;
    server.echo("/in");
    const uint16_t port = server.port();
    std::atomic<int> answered{0};
    std::atomic<bool> wrong{false};
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([&] {
        RawClient client(port);
        for (;;) {
          const RawAnswer answer = client.ask(post("/in", "x"));
          if (answer.status == 0) return;
          if (answer.status != 200 || answer.body != "x") wrong = true;
          ++answered;
        }
      });
    }
    while (answered < 20 * (round + 1)) server.on_loop([] {});
    server.wait_for<int>([&](auto done) { server->stop(5'000, [done] { done(0); }); });
    for (std::thread& client : clients) client.join();
    CHECK_FALSE(wrong);
    CHECK(server->counters().connections_open.value() == 0);
  }
}

}  // namespace
}  // namespace colloquium::net
