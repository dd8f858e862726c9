// HttpSink against a real server that answers as the test says.
#include "components/http/http_sink.h"

#include <catch2/catch.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/manual_clock.h"
#include "net/testing/server_fixture.h"

namespace colloquium::components {
namespace {

struct Received {
  std::string method;
  std::string body;
  std::string key;
  std::string type;
  std::string token;
  std::string target;
  std::string encoding;
};

// What the receiver says to a body: its status and, with it, a Retry-After.
struct Say {
  int status = 200;
  std::string body;
  std::string retry_after;
};

// A receiver and a sink on one loop.
class SinkFixture : public net::ServerFixture {
 public:
  explicit SinkFixture(HttpSinkConfig config = {}) {
    route({.path = "/receive",
           .methods = {net::Method::kPost, net::Method::kPut, net::Method::kPatch},
           .handle = [this](const net::Request& request, net::Responder responder) {
             receive(request, std::move(responder));
           }});
    if (config.url.empty()) config.url = "http://127.0.0.1:" + std::to_string(port()) + "/receive";
    on_loop([&] {
      services_.provide<loop::UvLoop>(&loop());
      const ComponentContext context{loop(), clock(), random_, services_, "p", "out", "."};
      auto made = http_sink().create_sink(std::make_shared<const HttpSinkConfig>(config), context);
      ASSERT(made);
      sink_ = std::move(*made);
      const Status ready = sink_->restore("");
      ASSERT(ready && sink_->start());
    });
  }
  ~SinkFixture() {
    close();
    on_loop([&] { held_.clear(); });
  }

  std::vector<EventOutcome> write(std::shared_ptr<const Batch> batch) {
    return wait_for<std::vector<EventOutcome>>([&](auto done) { sink_->write(std::move(batch), done); });
  }
  Sink& sink() { return *sink_; }
  void close() {
    if (sink_ == nullptr) return;
    wait_for<int>([&](auto done) { sink_->close([done] { done(0); }); });
    on_loop([&] { sink_.reset(); });
  }

  // Loop only, or before the first write.
  std::map<std::string, Say> says;  // by body
  bool hold = false;                // answer nothing
  size_t most_bytes = SIZE_MAX;     // longer bodies are answered 413
  std::vector<Received> received;
  size_t held() const { return held_.size(); }
  void answer_held(size_t i, const net::Response& response) { held_[i].send(response); }

 private:
  void receive(const net::Request& request, net::Responder responder) {
    const auto header = [&](std::string_view name) { return std::string(request.head.find(name).value_or("-")); };
    received.push_back({std::string(to_string(request.head.method)), *request.body, header("idempotency-key"),
                        header("content-type"), header("x-token"), std::string(request.head.target),
                        header("content-encoding")});
    if (hold) return held_.push_back(std::move(responder));
    const Say say = request.body->size() > most_bytes ? Say{413, "too large", ""} : says[*request.body];
    const net::HeaderField retry{"Retry-After", say.retry_after};
    responder.send(
        {.status = say.status, .body = say.body, .headers = {&retry, say.retry_after.empty() ? 0u : 1u}});
  }

  SeededRandom random_{1};
  Services services_;
  std::unique_ptr<Sink> sink_;
  std::vector<net::Responder> held_;
};

std::shared_ptr<const Batch> batch_of(std::initializer_list<std::string_view> values) {
  BatchBuilder builder;
  for (const std::string_view value : values) {
    EventMeta meta;
    meta.offset_delta = static_cast<uint32_t>(builder.size());
    if (value.empty()) {
      builder.add_tombstone(meta);
    } else {
      builder.add(value, {}, meta);
    }
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->tag = "abcdefgh";
  return builder.seal(origin, 100);
}

std::vector<std::string> bodies(const std::vector<Received>& received) {
  std::vector<std::string> out;
  for (const Received& one : received) out.push_back(one.body);
  return out;
}

TEST_CASE("each event is one request with its bytes, its id as Idempotency-Key, and the headers given",
          "[REQ-016]") {
  SinkFixture fixture({.method = HttpSinkMethod::kPut, .headers = {{"X-Token", "t"}}});
  const auto batch = batch_of({R"({"a": 1})", R"({ "b" : 2 })"});
  CHECK(fixture.write(batch).empty());
  REQUIRE(fixture.received.size() == 2);
  CHECK(fixture.received[0].method == "PUT");
  CHECK(fixture.received[0].body == R"({"a": 1})");
  CHECK(fixture.received[0].key == batch->id(0));
  CHECK(fixture.received[1].body == R"({ "b" : 2 })");
  CHECK(fixture.received[1].key == batch->id(1));
  CHECK(fixture.received[0].type == "application/json");
  CHECK(fixture.received[0].token == "t");
  CHECK(fixture->counters().connections_accepted.value() == 1);
}

TEST_CASE("a content type given replaces the sink's own") {
  SinkFixture fixture({.headers = {{"content-type", "application/vnd.a+json"}}});
  CHECK(fixture.write(batch_of({"1"})).empty());
  CHECK(fixture.received[0].type == "application/vnd.a+json");
}

TEST_CASE("statuses become outcomes: done, try again, or dead letter with what was answered", "[REQ-016]") {
  SinkFixture fixture({.order = HttpSinkOrder::kNone});
  fixture.says = {{"201", {201, "", ""}},  {"301", {301, "", ""}},       {"400", {400, "bad field x", ""}},
                  {"404", {404, "", ""}},  {"408", {408, "", ""}},       {"425", {425, "", ""}},
                  {"429", {429, "", "7"}}, {"500", {500, "broken", ""}}, {"503", {503, "", "2"}}};
  const auto batch = batch_of({"201", "301", "400", "404", "408", "425", "429", "500", "503"});
  const auto outcomes = fixture.write(batch);
  REQUIRE(outcomes.size() == 9);
  const std::map<std::string, Outcome> expected = {
      {"201", Outcome::kOk},         {"301", Outcome::kDeadLetter}, {"400", Outcome::kDeadLetter},
      {"404", Outcome::kDeadLetter}, {"408", Outcome::kRetry},      {"425", Outcome::kRetry},
      {"429", Outcome::kRetry},      {"500", Outcome::kRetry},      {"503", Outcome::kRetry}};
  for (size_t i = 0; i < outcomes.size(); ++i) {
    INFO(batch->value(i));
    CHECK(outcomes[i].outcome == expected.at(std::string(batch->value(i))));
  }
  CHECK_THAT(outcomes[2].error.message,
             Catch::Contains("POST http://127.0.0.1:") && Catch::Contains("/receive answered 400: bad field x"));
  CHECK(outcomes[6].retry_after_ms == 7000);
  CHECK(outcomes[7].retry_after_ms == 0);
  CHECK(outcomes[7].error.retryable);
  CHECK(outcomes[8].retry_after_ms == 2000);
}

TEST_CASE("only answers that may be about the event count as its attempts", "[REQ-016][REQ-022]") {
  SinkFixture fixture({.order = HttpSinkOrder::kNone});
  const auto batch = batch_of({"408", "425", "429", "500", "501", "502", "503", "504", "507", "520"});
  for (size_t i = 0; i < batch->size(); ++i) {
    const std::string status(batch->value(i));
    fixture.says[status] = {std::stoi(status), "", ""};
  }
  const auto outcomes = fixture.write(batch);
  REQUIRE(outcomes.size() == batch->size());
  for (size_t i = 0; i < outcomes.size(); ++i) {
    INFO(batch->value(i));
    CHECK(outcomes[i].outcome == Outcome::kRetry);
    CHECK(outcomes[i].is_attempt == (batch->value(i) == "500" || batch->value(i) == "501"));
  }
}

TEST_CASE("events go one after the other, and none past one that has to be sent again") {
  SinkFixture fixture;
  fixture.says = {{"2", {422, "", ""}}, {"3", {503, "", "9"}}};
  const auto outcomes = fixture.write(batch_of({"1", "2", "3", "4", "5"}));
  CHECK(bodies(fixture.received) == std::vector<std::string>{"1", "2", "3"});
  REQUIRE(outcomes.size() == 5);
  CHECK(outcomes[0].outcome == Outcome::kOk);
  CHECK(outcomes[1].outcome == Outcome::kDeadLetter);
  CHECK(outcomes[2].outcome == Outcome::kRetry);
  CHECK(outcomes[2].retry_after_ms == 9000);
  CHECK(outcomes[3].outcome == Outcome::kRetry);
  CHECK(outcomes[4].outcome == Outcome::kRetry);
  CHECK(outcomes[4].error.retryable);
}

TEST_CASE("the next event is not sent before the last is answered; with order none up to concurrency are") {
  for (const auto& [order, expected] : {std::pair{HttpSinkOrder::kPartition, 1u}, {HttpSinkOrder::kNone, 3u}}) {
    SinkFixture fixture({.order = order, .concurrency = 3});
    fixture.hold = true;
    std::promise<size_t> ended;
    fixture.on_loop([&] {
      fixture.sink().write(batch_of({"1", "2", "3", "4", "5"}),
                           [&](std::vector<EventOutcome> outcomes) { ended.set_value(outcomes.size()); });
    });
    for (size_t answered = 0; answered < 5; ++answered) {
      const size_t most = std::min<size_t>(5, answered + expected);
      while (fixture.on_loop([&] { return fixture.held(); }) < most) continue;
      for (int i = 0; i < 5; ++i) fixture.on_loop([] {});
      CHECK(fixture.on_loop([&] { return fixture.held(); }) == most);
      fixture.on_loop([&] { fixture.answer_held(answered, {}); });
    }
    CHECK(ended.get_future().get() == 0);
  }
}

TEST_CASE("writes of several partitions run beside each other") {
  SinkFixture fixture;
  fixture.hold = true;
  std::vector<std::promise<void>> ended(3);
  fixture.on_loop([&] {
    for (auto& promise : ended) {
      fixture.sink().write(batch_of({"x"}), [&promise](std::vector<EventOutcome>) { promise.set_value(); });
    }
  });
  while (fixture.on_loop([&] { return fixture.held(); }) < 3) continue;
  fixture.on_loop([&] {
    for (size_t i = 0; i < 3; ++i) fixture.answer_held(i, {});
  });
  for (auto& promise : ended) promise.get_future().get();
  CHECK(fixture.received.size() == 3);
}

TEST_CASE("a tombstone is dropped and not sent") {
  SinkFixture fixture;
  const auto outcomes = fixture.write(batch_of({"1", "", "2"}));
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[1].outcome == Outcome::kDrop);
  CHECK(bodies(fixture.received) == std::vector<std::string>{"1", "2"});
  CHECK(fixture.write(batch_of({""}))[0].outcome == Outcome::kDrop);
}

TEST_CASE("a receiver that is not there, and one that never answers, mean try again", "[REQ-016]") {
  uint16_t closed_port = 0;
  {
    net::ServerFixture gone;
    closed_port = gone.port();
  }
  SinkFixture refused({.url = "http://127.0.0.1:" + std::to_string(closed_port) + "/"});
  auto outcomes = refused.write(batch_of({"1", "2"}));
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].outcome == Outcome::kRetry);
  CHECK(outcomes[0].error.code == ErrorCode::kUnavailable);
  CHECK(outcomes[1].outcome == Outcome::kRetry);

  SinkFixture silent({.timeout = {50}});
  silent.hold = true;
  outcomes = silent.write(batch_of({"1"}));
  CHECK(outcomes[0].outcome == Outcome::kRetry);
  CHECK(outcomes[0].error.code == ErrorCode::kTimeout);
}

TEST_CASE("of a long answer only the beginning is read and kept") {
  SinkFixture fixture;
  fixture.says = {{"1", {200, std::string(1'000'000, 'a'), ""}}, {"2", {400, std::string(1'000'000, 'b'), ""}}};
  const auto outcomes = fixture.write(batch_of({"1", "2"}));
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].outcome == Outcome::kOk);
  CHECK(outcomes[1].outcome == Outcome::kDeadLetter);
  CHECK(outcomes[1].error.message.size() < 400);
}

TEST_CASE("close ends the writes under way with try again") {
  SinkFixture fixture;
  fixture.hold = true;
  std::promise<std::vector<EventOutcome>> ended;
  fixture.on_loop([&] {
    fixture.sink().write(batch_of({"1", "2"}),
                         [&](std::vector<EventOutcome> outcomes) { ended.set_value(std::move(outcomes)); });
  });
  while (fixture.on_loop([&] { return fixture.held(); }) < 1) continue;
  fixture.close();
  const auto outcomes = ended.get_future().get();
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].outcome == Outcome::kRetry);
  CHECK(outcomes[1].outcome == Outcome::kRetry);
  CHECK(fixture.received.size() == 1);
}

TEST_CASE("a sink cannot be made without the process's loop") {
  ManualClock clock;
  SeededRandom random(1);
  Services services;
  net::ServerFixture server;
  server.on_loop([&] {
    const ComponentContext context{server.loop(), clock, random, services, "p", "out", "."};
    CHECK_FALSE(http_sink().create_sink(std::make_shared<const HttpSinkConfig>(), context));
  });
}

HttpSinkConfig batched(const char* format, int64_t events) {
  HttpSinkConfig config;
  config.batch = HttpSinkBatch{.events = events};
  config.format.name = format;
  return config;
}

TEST_CASE("a batch is one request, and its answer the outcome of each of its events", "[REQ-016]") {
  SinkFixture fixture(batched("json", 2));
  fixture.says = {{"[3,4]", {400, "no", ""}}, {"[5]", {503, "", ""}}};
  const auto outcomes = fixture.write(batch_of({"1", "2", "3", "4", "5"}));
  CHECK(bodies(fixture.received) == std::vector<std::string>{"[1,2]", "[3,4]", "[5]"});
  CHECK(fixture.received[0].type == "application/json");
  REQUIRE(outcomes.size() == 5);
  const Outcome expected[] = {Outcome::kOk, Outcome::kOk, Outcome::kDeadLetter, Outcome::kDeadLetter,
                              Outcome::kRetry};
  for (size_t i = 0; i < 5; ++i) CHECK(outcomes[i].outcome == expected[i]);
}

TEST_CASE("a batch that is sent again has the key it had, and events behind it wait", "[REQ-016]") {
  SinkFixture fixture(batched("ndjson", 2));
  fixture.says = {{"3\n4\n", {503, "", ""}}};
  const auto batch = batch_of({"1", "2", "3", "4", "5", "6"});
  const auto outcomes = fixture.write(batch);
  CHECK(bodies(fixture.received) == std::vector<std::string>{"1\n2\n", "3\n4\n"});
  for (size_t i = 2; i < 6; ++i) CHECK(outcomes[i].outcome == Outcome::kRetry);
  fixture.says.clear();
  // What the engine does next.
  CHECK(fixture.write(batch->tail(2)).empty());
  REQUIRE(fixture.received.size() == 4);
  CHECK(fixture.received[2].body == "3\n4\n");
  CHECK(fixture.received[2].key == fixture.received[1].key);
  CHECK(fixture.received[3].key != fixture.received[1].key);
}

TEST_CASE("a batch that the receiver finds too large is sent in parts, down to the event that is", "[REQ-016]") {
  SinkFixture fixture(batched("json", 8));
  fixture.most_bytes = 9;  // [1,2,3,4]
  const auto outcomes = fixture.write(batch_of({"1", "2", "3", "\"long, long\"", "5", "6", "7", "8", "9"}));
  std::vector<std::string> taken;
  for (const Received& one : fixture.received) {
    if (one.body.size() <= 9) taken.push_back(one.body);
  }
  // Behind a refused one no larger ones are tried in this write.
  CHECK(taken == std::vector<std::string>{"[1,2]", "[3]", "[5,6,7,8]", "[9]"});
  REQUIRE(outcomes.size() == 9);
  for (size_t i = 0; i < 9; ++i) CHECK(outcomes[i].outcome == (i == 3 ? Outcome::kDeadLetter : Outcome::kOk));
  CHECK_THAT(outcomes[3].error.message, Catch::Contains("answered 413: too large"));
}

TEST_CASE("events of different URLs are different requests, and no field leaves the query it stands in") {
  HttpSinkConfig config = batched("json", 10);
  SinkFixture plain;
  config.url = "http://127.0.0.1:" + std::to_string(plain->port()) + "/receive?c={$input/c}";
  config.headers = {{"X-Token", "{$input/c}"}};
  SinkFixture fixture(config);
  CHECK(fixture.write(batch_of({R"({"c":"a"})", R"({"c":"a"})", R"({"c":"b&d"})"})).empty());
  REQUIRE(plain.received.size() == 2);
  CHECK(plain.received[0].target == "/receive?c=a");
  CHECK(plain.received[0].body == R"([{"c":"a"},{"c":"a"}])");
  CHECK(plain.received[1].target == "/receive?c=b%26d");
  CHECK(plain.received[1].token == "b&d");
}

TEST_CASE("bodies are compressed, the large ones on the pool", "[REQ-016]") {
  for (const HttpBodyCompression compression : {HttpBodyCompression::kGzip, HttpBodyCompression::kZstd}) {
    HttpSinkConfig config = batched("ndjson", 1000);
    config.compression = compression;
    SinkFixture fixture(config);
    // The server decompresses, and says with what.
    const std::string large = "\"" + std::string(300'000, 'a') + "\"";
    CHECK(fixture.write(batch_of({"1", "2"})).empty());
    CHECK(fixture.write(batch_of({large})).empty());
    CHECK(bodies(fixture.received) == std::vector<std::string>{"1\n2\n", large + "\n"});
    CHECK(fixture.received[1].encoding == name_of(compression));
  }
}

TEST_CASE("a receiver that does not take our credentials means try again, and is nobody's attempt", "[REQ-016]") {
  HttpSinkConfig config;
  config.auth.emplace().bearer = Secret{"t"};
  SinkFixture fixture(config);
  fixture.says = {{"1", {401, "who?", ""}}};
  const auto outcomes = fixture.write(batch_of({"1"}));
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].outcome == Outcome::kRetry);
  CHECK_FALSE(outcomes[0].is_attempt);
}

TEST_CASE("statuses that the settings name mean what they say", "[REQ-016]") {
  HttpSinkConfig config;
  config.order = HttpSinkOrder::kNone;
  config.status.done.ranges = {{409, 409}};
  config.status.drop.ranges = {{410, 410}};
  config.status.retry.ranges = {{404, 404}};
  SinkFixture fixture(config);
  for (const int status : {409, 410, 404, 400}) fixture.says[std::to_string(status)] = {status, "", ""};
  const auto outcomes = fixture.write(batch_of({"409", "410", "404", "400"}));
  REQUIRE(outcomes.size() == 4);
  CHECK(outcomes[0].outcome == Outcome::kOk);
  CHECK(outcomes[1].outcome == Outcome::kDrop);
  CHECK(outcomes[2].outcome == Outcome::kRetry);
  CHECK(outcomes[3].outcome == Outcome::kDeadLetter);
}

ConfigNode text_node(std::string text, int line) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kString;
  node.text = std::move(text);
  node.mark.line = line;
  return node;
}

TEST_CASE("settings are checked where they stand: a URL that is none, headers that are the sink's own") {
  ConfigNode headers;
  headers.kind = ConfigNode::Kind::kMap;
  headers.mark.line = 5;
  headers.members = {{"X-Fine", {}, text_node("v", 6)},
                     {"idempotency-key", {}, text_node("v", 7)},
                     {"X-Evil", {}, text_node("a\r\nb", 8)},
                     {"host", {}, text_node("h", 9)}};
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  node.members = {{"url", {}, text_node("ftp://example.org", 4)}, {"headers", {}, headers}};
  ConfigProblems problems;
  http_sink().parse(node, problems);
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].mark.line == 4);
  CHECK_THAT(problems[0].message, Catch::Contains("whole address"));
  for (size_t i = 1; i < 4; ++i) CHECK(problems[i].mark.line == 5);
  node.members = {{"url", {}, text_node("https://example.org", 4)}};
  problems.clear();
  http_sink().parse(node, problems);
  CHECK(problems.empty());
}

}  // namespace
}  // namespace colloquium::components
