// The body budget over real sockets: bodies are read when they fit, others wait, all are answered.
#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

std::string head_of(const std::string& path, size_t length) {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string in_chunks(const std::string& path, const std::string& body, size_t chunk_bytes) {
  std::string out = "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (size_t at = 0; at < body.size(); at += chunk_bytes) out += chunk(body.substr(at, chunk_bytes));
  return out + "0\r\n\r\n";
}

std::string digits(size_t size) {
  std::string out;
  for (uint64_t i = 1; out.size() < size; ++i) out += std::to_string(i * 0x9E3779B97F4A7C15ull);
  out.resize(size);
  return out;
}

struct Held {
  std::shared_ptr<const std::string> body;
  Responder responder;
};

// What a handler has taken; it goes after the server.
struct HeldRequests {
  std::deque<Held> held_;              // loop only, like order_
  std::string order_;                  // first bytes of the bodies
  std::atomic<size_t> held_count_{0};  // the rest: any thread
  std::atomic<int64_t> most_bytes_{0};
  std::atomic<int64_t> most_reserved_{0};
};

// A server whose /hold keeps requests until they are let go, and notes the most that was reserved.
class BudgetFixture : private HeldRequests, public ServerFixture {
 public:
  explicit BudgetFixture(HttpLimits limits, size_t max_body = 32 << 20) : ServerFixture(limits) {
    echo("/in", max_body);
    route({.path = "/hold",
           .methods = {Method::kPost},
           .max_body_bytes = max_body,
           .handle = [this](const Request& request, Responder responder) {
             note();
             order_.push_back(request.body->empty() ? '-' : request.body->front());
             held_.push_back({request.body, std::move(responder)});
             held_count_ = held_.size();
           }});
  }

  void wait_held(size_t count) {
    while (held_count_ < count) on_loop([] {});
  }
  // Until so many wait for the budget.
  void wait_waiting(int64_t count) {
    while ((*this)->counters().bodies_waiting.value() != count) on_loop([] {});
  }
  void wait_requests(uint64_t count) {
    while ((*this)->counters().requests.value() < count) on_loop([] {});
  }
  // Answers the one that has been held longest with the length of its body.
  void let_go() {
    on_loop([this] {
      note();
      Held held = std::move(held_.front());
      held_.pop_front();
      held_count_ = held_.size();
      held.responder.send({.body = std::to_string(held.body->size())});
    });
  }
  std::string order() {
    return on_loop([this] { return order_; });
  }
  int64_t most_bytes() const { return most_bytes_; }
  int64_t most_reserved() const { return most_reserved_; }
  int64_t reserved() { return (*this)->counters().body_reserved_bytes.value(); }

  // Whatever was done before: nothing is held back, and what is largest comes in.
  void check_sane() {
    while ((*this)->counters().body_bytes.value() > 0) on_loop([] {});
    CHECK(reserved() == 0);
    CHECK((*this)->counters().bodies_waiting.value() == 0);
    RawClient client(port());
    CHECK(client.ask(post("/in", std::string(300'000, 's'))).status == 200);
    CHECK(reserved() == 0);
  }

 private:
  void note() {
    most_bytes_ = std::max<int64_t>(most_bytes_, (*this)->counters().body_bytes.value());
    most_reserved_ = std::max<int64_t>(most_reserved_, reserved());
  }
};

TEST_CASE("many large bodies never exceed the budget, and all of them are answered", "[REQ-001]") {
  constexpr size_t kBody = 200'000;
  constexpr int kClients = 60;
  BudgetFixture server({.body_budget_bytes = 1'000'000});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    // The head first: all of them are there before any is answered.
    clients.back()->send(head_of("/hold", kBody));
  }
  server.wait_waiting(kClients - 5);
  CHECK(server.reserved() == 1'000'000);
  // What is not read stays with the kernel, so sending blocks.
  std::thread sender([&] {
    const std::string body(kBody, 'x');
    std::vector<std::thread> threads;
    for (auto& client : clients) threads.emplace_back([&] { client->send(body); });
    for (std::thread& thread : threads) thread.join();
  });
  for (int i = 0; i < kClients; ++i) {
    server.wait_held(static_cast<size_t>(std::min(5, kClients - i)));
    server.let_go();
  }
  sender.join();
  for (auto& client : clients) CHECK(client->answer().body == std::to_string(kBody));
  CHECK(server.most_bytes() == 1'000'000);
  CHECK(server.most_reserved() == 1'000'000);
  CHECK(server->counters().responses[5].value() == 0);
  server.check_sane();
}

TEST_CASE("requests that wait for memory are let in in the order in which they came, small ones too") {
  BudgetFixture server({.body_budget_bytes = 100'000});
  RawClient first(server.port());
  first.send(post("/hold", std::string(90'000, 'a')));
  server.wait_held(1);
  std::vector<std::unique_ptr<RawClient>> clients;
  const std::vector<size_t> sizes = {80'000, 10, 90'000, 2'000, 1};
  for (size_t i = 0; i < sizes.size(); ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(post("/hold", std::string(sizes[i], static_cast<char>('b' + i))));
    server.wait_waiting(static_cast<int64_t>(i + 1));
  }
  CHECK(server.reserved() == 90'000);
  for (size_t i = 0; i <= sizes.size(); ++i) {
    server.wait_held(1);
    server.let_go();
  }
  for (size_t i = 0; i < sizes.size(); ++i) CHECK(clients[i]->answer().body == std::to_string(sizes[i]));
  // Those that are let in together may be complete in another order.
  const std::string order = server.order();
  CHECK(order.size() == 6);
  CHECK(order.substr(0, 1) == "a");
  CHECK(order.find('d') > order.find('b'));
  CHECK(order.find('e') > order.find('b'));
  server.check_sane();
}

TEST_CASE("requests without body and to other routes are served while others wait for memory") {
  BudgetFixture server({.body_budget_bytes = 1'000});
  server.route({.path = "/page", .methods = {Method::kGet}, .handle = [](const Request&, Responder responder) {
                  responder.send({.body = "page"});
                }});
  RawClient first(server.port());
  first.send(post("/hold", std::string(1'000, 'a')));
  server.wait_held(1);
  RawClient second(server.port());
  second.send(post("/hold", "b"));
  server.wait_waiting(1);
  RawClient other(server.port());
  CHECK(other.ask("GET /page HTTP/1.1\r\nHost: h\r\n\r\n").body == "page");
  CHECK(other.ask("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n").status == 413);
  server.let_go();
  server.wait_held(1);
  server.let_go();
  CHECK(first.answer().body == "1000");
  CHECK(second.answer().body == "1");
  server.check_sane();
}

TEST_CASE("a budget smaller than any body lets one in at a time: plain, chunked and compressed") {
  BudgetFixture server({.body_budget_bytes = 1});
  const std::string body = digits(500'000);
  const std::string gzip = compressed(io::Compression::kGzip, body);
  std::atomic<int> whole{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&, i] {
      RawClient client(server.port());
      for (int round = 0; round < 3; ++round) {
        const std::string request = i % 3 == 0   ? post("/in", body)
                                    : i % 3 == 1 ? in_chunks("/in", body, 50'000)
                                                 : post("/in", gzip, "Content-Encoding: gzip\r\n");
        whole += client.ask(request).body == body ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(whole == 72);
  server.check_sane();
}

TEST_CASE("a body that was compressed is reserved by what it held") {
  BudgetFixture server({.body_budget_bytes = 64 << 20}, 8 << 20);
  const std::string body = digits(2'000'000);
  const std::string zeros(7 << 20, '\0');
  for (const std::string& text : {std::string("small"), body, zeros}) {
    RawClient client(server.port());
    client.send(post("/hold", compressed(io::Compression::kZstd, text), "Content-Encoding: zstd\r\n"));
    server.wait_held(1);
    CHECK(server.reserved() == static_cast<int64_t>(text.size()));
    CHECK(server->counters().body_bytes.value() == static_cast<int64_t>(text.size()));
    server.let_go();
    CHECK(client.answer().body == std::to_string(text.size()));
  }
  server.check_sane();
}

TEST_CASE("compressed bodies that hold much more than was thought do not exceed the budget by more than one") {
  constexpr size_t kMaxBody = 4 << 20;
  constexpr int64_t kBudget = 6 << 20;
  BudgetFixture server({.body_budget_bytes = kBudget}, kMaxBody);
  const std::string zeros(kMaxBody, '\0');
  const std::string zstd = compressed(io::Compression::kZstd, zeros);
  REQUIRE(zstd.size() < 4096);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(post("/hold", zstd, "Content-Encoding: zstd\r\n"));
  }
  for (int i = 0; i < 12; ++i) {
    server.wait_held(1);
    server.let_go();
  }
  for (auto& client : clients) CHECK(client->answer().body == std::to_string(kMaxBody));
  CHECK(server.most_bytes() <= kBudget + static_cast<int64_t>(kMaxBody));
  CHECK(server.most_reserved() <= kBudget + static_cast<int64_t>(kMaxBody + zstd.size()));
  server.check_sane();
}

TEST_CASE("chunked bodies take the budget by pieces, and one at a time grows beyond it") {
  constexpr size_t kMaxBody = 2 << 20;
  constexpr int64_t kBudget = 1 << 20;
  BudgetFixture server({.body_budget_bytes = kBudget}, kMaxBody);
  const std::string body = digits(1'500'000);
  const std::string request = in_chunks("/hold", body, 30'000);
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    threads.emplace_back([&request, client = clients.back().get()] { client->send(request); });
  }
  for (int i = 0; i < 8; ++i) {
    server.wait_held(1);
    server.let_go();
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& client : clients) CHECK(client->answer().body == std::to_string(body.size()));
  CHECK(server.most_reserved() <= kBudget + static_cast<int64_t>(kMaxBody));
  // A short one gives back what it did not need as soon as it is complete.
  RawClient client(server.port());
  client.send(chunked("/hold", {"abc", "def"}));
  server.wait_held(1);
  CHECK(server.reserved() == 6);
  server.let_go();
  CHECK(client.answer().body == "6");
  server.check_sane();
}

TEST_CASE("a connection that dies while it waits, or in its body, gives its bytes back") {
  BudgetFixture server({.body_budget_bytes = 100'000});
  auto half = std::make_unique<RawClient>(server.port());
  half->send(head_of("/hold", 100'000) + "half of it");
  while (server.reserved() == 0) server.on_loop([] {});
  auto gone = std::make_unique<RawClient>(server.port());
  gone->send(head_of("/hold", 70'000));
  server.wait_waiting(1);
  auto reset = std::make_unique<RawClient>(server.port());
  reset->reset_on_close();
  reset->send(head_of("/hold", 100'000) + "ab");
  server.wait_waiting(2);
  RawClient last(server.port());
  last.send(post("/hold", std::string(100'000, 'l')));
  server.wait_waiting(3);
  gone.reset();
  reset.reset();
  CHECK(server.reserved() == 100'000);
  half.reset();
  server.wait_held(1);
  CHECK(server.order() == "l");
  CHECK(server.reserved() == 100'000);
  server.let_go();
  CHECK(last.answer().body == "100000");
  while (server->counters().connections_open.value() > 1) server.on_loop([] {});
  server.check_sane();
}

TEST_CASE("a connection that dies behind its request gives its bytes back before the answer") {
  BudgetFixture server({.body_budget_bytes = 100'000});
  auto gone = std::make_unique<RawClient>(server.port());
  gone->reset_on_close();
  gone->send(post("/hold", std::string(100'000, 'g')));
  server.wait_held(1);
  RawClient next(server.port());
  next.send(post("/hold", "next"));
  server.wait_waiting(1);
  gone.reset();
  server.wait_held(2);
  server.let_go();
  server.let_go();
  CHECK(next.answer().body == "4");
  server.check_sane();
}

TEST_CASE("stalled bodies that have taken the whole budget time out, and the others go on", "[REQ-001]") {
  BudgetFixture server({.body_budget_bytes = 100'000, .body_timeout_ms = 60, .budget_timeout_ms = 20'000});
  RawClient stalled(server.port());
  stalled.send(head_of("/in", 60'000) + "abc");
  while (server.reserved() < 60'000) server.on_loop([] {});
  RawClient stalled_chunks(server.port());
  stalled_chunks.send("POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(post("/in", std::string(50'000, 'x')));
  }
  for (auto& client : clients) CHECK(client->answer().status == 200);
  CHECK(stalled.answer().status == 408);
  CHECK(stalled.closed());
  CHECK(stalled_chunks.answer().status == 408);
  CHECK(server->counters().timeouts.value() == 2);
  server.check_sane();
}

TEST_CASE("lengths that are declared and never sent keep nobody out", "[REQ-001]") {
  BudgetFixture server({.body_budget_bytes = 600'000, .body_pace_ms = 40, .budget_timeout_ms = 20'000});
  // More than the budget by their word alone, more than it by their pieces as well.
  std::vector<std::unique_ptr<RawClient>> mute;
  for (int i = 0; i < 40; ++i) {
    mute.push_back(std::make_unique<RawClient>(server.port()));
    mute.back()->send(head_of("/in", 1'000'000) + "m");
  }
  server.wait_requests(40);
  RawClient good(server.port());
  for (int i = 0; i < 3; ++i) {
    const RawAnswer answer = good.ask(post("/in", std::string(200'000, 'g')));
    CHECK(answer.status == 200);
  }
  CHECK(server->counters().timeouts.value() == 0);
  // And the mute ones may still send what they declared.
  mute[3]->send(std::string(999'999, 'm'));
  CHECK(mute[3]->answer().status == 200);
}

TEST_CASE("a body that drips on for ever is ended when others wait for its memory, and not before") {
  BudgetFixture server({.body_budget_bytes = 100'000, .body_timeout_ms = 100, .body_bytes_min = 1});
  RawClient drip(server.port());
  drip.send(head_of("/in", 100'000));
  // Several windows' time: as long as no one waits, going on is enough.
  const int64_t until_ms = server.on_loop([&] { return server.clock().monotonic_ns() / 1'000'000; }) + 400;
  while (server.clock().monotonic_ns() / 1'000'000 < until_ms) {
    REQUIRE(drip.send("d"));
    server.on_loop([] {});
  }
  CHECK(server->counters().timeouts.value() == 0);
  RawClient next(server.port());
  next.send(post("/in", std::string(90'000, 'n')));
  server.wait_requests(2);
  while (server->counters().timeouts.value() == 0 && drip.send("d")) server.on_loop([] {});
  CHECK(next.answer().status == 200);
  CHECK(server->counters().timeouts.value() == 1);
}

TEST_CASE("who waits too long for memory is answered 503 with Retry-After, and may ask again") {
  BudgetFixture server({.body_budget_bytes = 100'000, .hold_timeout_ms = 5, .budget_timeout_ms = 60});
  RawClient first(server.port());
  first.send(post("/hold", std::string(100'000, 'a')));
  server.wait_held(1);
  RawClient small(server.port());
  const RawAnswer kept = small.ask(post("/in", "small"));
  CHECK(kept.status == 503);
  CHECK(kept.has("Retry-After: 1"));
  CHECK_FALSE(kept.has("Connection: close"));
  RawClient large(server.port());
  const RawAnswer closed = large.ask(head_of("/in", 99'000));
  CHECK(closed.status == 503);
  CHECK(closed.has("Connection: close"));
  CHECK(server->counters().bodies_waiting.value() == 0);
  server.let_go();
  CHECK(first.answer().status == 200);
  CHECK(small.ask(post("/in", "again")).body == "again");
  server.check_sane();
}

TEST_CASE("bodies that cannot grow in time are refused, what is read of them is freed") {
  // One has the overdraft and is held; another, chunked, and a third, compressed, cannot grow.
  BudgetFixture server({.body_budget_bytes = 400'000, .budget_timeout_ms = 80}, 4 << 20);
  const std::string body = digits(1'000'000);
  RawClient first(server.port());
  first.send(in_chunks("/hold", body, 100'000));
  server.wait_held(1);
  server.let_go();
  CHECK(first.answer().status == 200);
  RawClient zipped(server.port());
  // Its 5 bytes short of the end keep it in while the others come.
  const std::string zstd = compressed(io::Compression::kZstd, std::string(3 << 20, '\0'));
  const std::string request = post("/in", zstd, "Content-Encoding: zstd\r\n");
  zipped.send(request.substr(0, request.size() - 5));
  while (server.reserved() == 0) server.on_loop([] {});
  RawClient slow(server.port());
  slow.send("POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("begin"));
  while (server.reserved() <= 256 * 1024) server.on_loop([] {});
  first.send(post("/hold", std::string(10'000, 'f')));
  server.wait_held(1);
  RawClient greedy(server.port());
  greedy.send(in_chunks("/hold", body, 100'000).substr(0, 100'000));
  server.wait_waiting(1);
  server.let_go();
  CHECK(first.answer().status == 200);
  CHECK(greedy.answer().status == 503);
  // The chunked one takes the overdraft and keeps it, unfinished.
  slow.send(chunk(std::string(500'000, 'o')));
  while (server.reserved() < 700'000) server.on_loop([] {});
  zipped.send(request.substr(request.size() - 5));
  const RawAnswer refused = zipped.answer();
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  slow.send("0\r\n\r\n");
  CHECK(slow.answer().body.size() == 500'005);
  // Its request was complete, so its connection goes on.
  CHECK(zipped.ask(request).status == 200);
  server.check_sane();
}

TEST_CASE("time does not run against a body while the server does not read it") {
  BudgetFixture server({.body_budget_bytes = 300'000, .body_timeout_ms = 50, .body_bytes_min = 1});
  const std::string body = digits(1'000'000);
  RawClient first(server.port());
  first.send(in_chunks("/hold", body, 100'000));  // has the overdraft, and keeps it
  server.wait_held(1);
  RawClient waits(server.port());
  std::thread sender([&] { waits.send(post("/hold", std::string(1'000'000, 'w'))); });
  server.wait_waiting(1);
  const int64_t until_ms = server.clock().monotonic_ns() / 1'000'000 + 200;
  while (server.clock().monotonic_ns() / 1'000'000 < until_ms) server.on_loop([] {});
  server.let_go();
  server.wait_held(1);
  server.let_go();
  sender.join();
  CHECK(first.answer().body == "1000000");
  CHECK(waits.answer().body == "1000000");
  CHECK(server->counters().timeouts.value() == 0);
  server.check_sane();
}

TEST_CASE(
    "who is let in after waiting is refused if its route has gone, or takes no more, and kWait is no refusal") {
  BudgetFixture server({.body_budget_bytes = 1'000});
  const auto gate = [&](const std::string& path, Admission later) {
    auto asked = std::make_shared<int>(0);
    server.route(
        {.path = path,
         .methods = {Method::kPost},
         .admit = [asked, later](const RequestHead&) { return (*asked)++ == 0 ? Admission{} : later; },
         .handle = [](const Request& request, Responder responder) { responder.send({.body = *request.body}); }});
  };
  gate("/gone", {});
  gate("/stopped", Admission::refuse({.status = 429, .detail = "no more"}));
  gate("/waits", Admission::wait());
  RawClient first(server.port());
  first.send(post("/hold", std::string(1'000, 'a')));
  server.wait_held(1);
  RawClient gone(server.port());
  RawClient stopped(server.port());
  RawClient waits(server.port());
  gone.send(post("/gone", "g"));
  stopped.send(post("/stopped", "s"));
  waits.send(post("/waits", "w"));
  server.wait_waiting(3);
  server.on_loop([&] { server->remove_route("/gone"); });
  server.let_go();
  CHECK(gone.answer().status == 503);
  CHECK(stopped.answer().status == 429);
  CHECK(waits.answer().body == "w");
  server.check_sane();
}

TEST_CASE("pipelined requests wait for memory one after the other, and 100 Continue until one is let in") {
  BudgetFixture server({.body_budget_bytes = 1'000});
  RawClient client(server.port());
  client.send(post("/hold", std::string(1'000, 'a')) + post("/hold", std::string(900, 'b')) +
              "POST /in HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n");
  server.wait_held(1);
  server.wait_waiting(1);
  CHECK(server->counters().requests.value() == 2);
  server.let_go();
  CHECK(client.answer().body == "1000");
  server.wait_held(1);
  server.wait_waiting(1);
  server.let_go();
  CHECK(client.answer().body == "900");
  CHECK(client.answer().status == 100);
  client.send(std::string(200, 'c'));
  CHECK(client.answer().body == std::string(200, 'c'));
  server.check_sane();
}

TEST_CASE("an answer that closes takes the request that waits behind it along") {
  BudgetFixture server({.body_budget_bytes = 1'000});
  std::optional<Responder> last;
  server.route({.path = "/last", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                  last.emplace(std::move(responder));
                }});
  RawClient client(server.port());
  client.send(post("/last", std::string(1'000, 'a')) + post("/hold", std::string(900, 'b')));
  server.wait_waiting(1);
  RawClient next(server.port());
  next.send(post("/hold", "n"));
  server.wait_waiting(2);
  server.on_loop([&] {
    last->send({.body = "bye", .close = true});
    last.reset();
  });
  CHECK(client.answer().body == "bye");
  CHECK(client.closed());
  server.wait_held(1);
  server.let_go();
  CHECK(next.answer().body == "1");
  CHECK(server.order() == "n");
  server.check_sane();
}

TEST_CASE("stop refuses who waits for memory and finishes what was let in") {
  BudgetFixture server({.body_budget_bytes = 1'000});
  RawClient first(server.port());
  first.send(post("/hold", std::string(1'000, 'a')));
  server.wait_held(1);
  RawClient second(server.port());
  second.send(post("/hold", "b"));
  server.wait_waiting(1);
  std::promise<void> stopped;
  server.on_loop([&] { server->stop(10'000, [&] { stopped.set_value(); }); });
  CHECK(second.answer().status == 503);
  server.let_go();
  CHECK(first.answer().body == "1000");
  first.end();
  second.end();
  stopped.get_future().get();
  CHECK(server.reserved() == 0);
  CHECK(server->counters().bodies_waiting.value() == 0);
}

TEST_CASE("the server may go while requests wait for memory") {
  auto server = std::make_unique<BudgetFixture>(HttpLimits{.body_budget_bytes = 1'000});
  RawClient first(server->port());
  first.send(post("/hold", std::string(1'000, 'a')));
  server->wait_held(1);
  RawClient second(server->port());
  second.send(post("/hold", "b"));
  server->wait_waiting(1);
  server.reset();
  CHECK(second.closed());
}

}  // namespace
}  // namespace colloquium::net
