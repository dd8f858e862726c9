// A gateway over a real server, with models that answer when the test says so.
#include "components/gateway/gateway_source.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/manual_clock.h"
#include "config/yaml.h"
#include "metrics/registry.h"
#include "net/testing/raw_client.h"
#include "net/testing/server_fixture.h"

namespace colloquium::components {
namespace {

// Loop only.
class HeldCalls final : public AiCalls {
 public:
  Status check(const AiQuestion& question) const override {
    for (const AiModelChoice& model : question.models) {
      if (model.provider != "fake") return fail(ErrorCode::kInvalidConfig, "no provider '" + model.provider + "'");
    }
    return {};
  }
  Number ask(AiQuestion question, AiAnswered answered, AiListen listen) override {
    asked.push_back(std::move(question));
    held[asked.size()] = {std::move(answered), std::move(listen)};
    return asked.size();
  }
  void reject(const std::string& call) override { rejected.push_back(call); }
  void cancel(Number number) override {
    cancelled.insert(number);
    held.erase(number);
  }
  Number count(AiQuestion question, AiCounted counted) override {
    counting.push_back({std::move(question), std::move(counted)});
    return 1000 + counting.size();
  }
  void settled(const std::string&, const std::string&, int64_t) override {}

  struct Held {
    AiAnswered answered;
    AiListen listen;
  };
  std::vector<AiQuestion> asked;
  std::map<Number, Held> held;
  std::set<Number> cancelled;
  std::vector<std::string> rejected;
  struct Counting {
    AiQuestion question;
    AiCounted counted;
  };
  std::vector<Counting> counting;
};

class Events final : public Intake {
 public:
  void emit(RawBatch batch, AckFn ack) override {
    all.push_back(*batch.body);
    ack({.accepted = 1});
  }
  bool ready() const override { return true; }
  void when_ready(Task) override {}
  Intake& part(const std::string&) override { return *this; }
  std::string stored_cursor() const override { return {}; }

  std::vector<std::string> all;
};

const std::vector<GatewayKey> kWebKey = {{"web", {"secret"}}};
constexpr int64_t kBodyMax = 200'000;

class Fixture : public net::ServerFixture {
 public:
  explicit Fixture(std::vector<GatewayKey> keys = {}, std::shared_ptr<const GatewayApi> api = openai_gateway_api(),
                   const std::function<void(GatewayConfig&)>& change = nullptr) {
    GatewayConfig config;
    config.path = api->name() == "openai" ? "/v1" : "";
    config.models["m"] = {{"fake/a", 1}, {"fake/b", 1}};
    config.keys = std::move(keys);
    config.max_requests = 2;
    config.max_body.bytes = kBodyMax;
    if (change) change(config);
    services_.provide<metrics::Registry>(&registry_);
    on_loop([&] {
      SourceContext context{{loop(), clock(), random_, services_, "p", "gate", "."}, events, false, {}};
      context.ai = &calls;
      auto made = GatewaySource::create(std::move(context), config, std::move(api), **this);
      ASSERT(made);
      source_ = std::move(*made);
      const Status started = source_->start("");
      ASSERT(started);
    });
  }
  ~Fixture() {
    wait_for<int>([&](auto done) { source_->close([done]() mutable { done(0); }); });
    on_loop([&] { source_.reset(); });
  }

  void wait_for_calls(size_t count) {
    wait_until([&] { return calls.asked.size() == count; });
  }
  void say(AiCalls::Number number, const std::string& text) {
    on_loop([&] { calls.held.at(number).listen(AiTextDelta{text}); });
  }
  void end(AiCalls::Number number, AiOutcome outcome) {
    on_loop([&] {
      AiAnswered answered = std::move(calls.held.at(number).answered);
      calls.held.erase(number);
      answered(std::move(outcome));
    });
  }
  void answer(AiCalls::Number number, const std::string& text) {
    AiOutcome outcome;
    outcome.answer.emplace();
    outcome.answer->text = text;
    outcome.answer->call = "c";
    outcome.answer->model = {"fake", "a", 1};
    outcome.answer->cost_nano_usd = 2'000'000'000;
    end(number, std::move(outcome));
  }
  void refuse(AiCalls::Number number, AiFailureKind kind, bool budget = false) {
    AiOutcome outcome;
    outcome.refusal.failure = {.kind = kind, .message = "no"};
    outcome.refusal.budget = budget;
    end(number, std::move(outcome));
  }
  std::vector<std::string> emitted() {
    return on_loop([&] { return events.all; });
  }

  std::string metrics() const { return registry_.text(); }

  HeldCalls calls;
  Events events;

 private:
  metrics::Registry registry_;
  SeededRandom random_{1};
  Services services_;
  std::unique_ptr<Source> source_;
};

std::string chat(bool stream = false, const std::string& headers = {}) {
  return net::post("/v1/chat/completions",
                   std::string(R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream":)") +
                       (stream ? "true}" : "false}"),
                   headers);
}

std::string until(net::RawClient& client, const std::string& what) {
  std::string got;
  while (got.find(what) == got.npos) {
    const std::string byte = client.take(1);
    if (byte.empty()) break;
    got += byte;
  }
  return got;
}

TEST_CASE("an answer in whole, and its event") {
  Fixture gate;
  net::RawClient client(gate.port());
  client.send(chat());
  gate.wait_for_calls(1);
  gate.on_loop([&] {
    CHECK(gate.calls.asked[0].who == "gate");
    CHECK(gate.calls.asked[0].models.size() == 2);
    CHECK_FALSE(gate.calls.asked[0].event);
  });
  gate.answer(1, "hello");
  const net::RawAnswer answer = client.answer();
  CHECK(answer.status == 200);
  CHECK(answer.has("X-Colloquium-Model: fake/a"));
  CHECK(answer.body.find(R"("content":"hello")") != answer.body.npos);
  REQUIRE(gate.emitted().size() == 1);
  CHECK(gate.emitted()[0].find(R"("status":200)") != std::string::npos);
  CHECK(gate.emitted()[0].find(R"("cost_usd":2)") != std::string::npos);
}

TEST_CASE("pieces go out as they come, and the end when it is answered") {
  Fixture gate;
  net::RawClient client(gate.port());
  client.send(chat(true));
  gate.wait_for_calls(1);
  gate.say(1, "one");
  CHECK(until(client, "\"one\"").find("text/event-stream") != std::string::npos);
  gate.say(1, "two");
  const std::string second = until(client, "\"two\"");
  CHECK(second.find("finish_reason\":\"stop\"") == second.npos);
  gate.answer(1, "onetwo");
  CHECK(until(client, "\r\n0\r\n\r\n").find("data: [DONE]") != std::string::npos);
  // The connection is good for more.
  client.send(chat());
  gate.wait_for_calls(2);
  gate.answer(2, "again");
  CHECK(client.answer().status == 200);
}

TEST_CASE("what fails before it began has a status, and an error in the stream afterwards") {
  Fixture gate;
  const std::vector<std::tuple<AiFailureKind, bool, int>> all = {
      {AiFailureKind::kCaller, false, 400},    {AiFailureKind::kKey, false, 502},
      {AiFailureKind::kThrottled, false, 429}, {AiFailureKind::kQuota, false, 429},
      {AiFailureKind::kTransient, false, 503}, {AiFailureKind::kTransient, true, 429}};
  net::RawClient client(gate.port());
  size_t calls = 0;
  for (const auto& [kind, budget, status] : all) {
    client.send(chat(true));
    gate.wait_for_calls(++calls);
    gate.refuse(calls, kind, budget);
    const net::RawAnswer answer = client.answer();
    CHECK(answer.status == status);
    CHECK(answer.body.find(R"({"error":{"message":)") == 0);
    CHECK((answer.head.find("Retry-After: ") != answer.head.npos) == (status == 429 || status == 503));
  }
  client.send(chat(true));
  gate.wait_for_calls(++calls);
  gate.say(calls, "one");
  until(client, "\"one\"");
  gate.refuse(calls, AiFailureKind::kTransient);
  const std::string rest = until(client, "\r\n0\r\n\r\n");
  CHECK(rest.find("data: {\"error\":") != rest.npos);
  CHECK(rest.find("[DONE]") == rest.npos);
}

TEST_CASE("a client that goes away takes its question with it") {
  const bool stream = GENERATE(false, true);
  const std::string headers = GENERATE(as<std::string>(), "", "Connection: close\r\n");
  Fixture gate;
  {
    net::RawClient client(gate.port());
    client.send(chat(stream, headers));
    gate.wait_for_calls(1);
    if (stream) gate.say(1, "one");
    if (stream) until(client, "\"one\"");
  }
  // Without an answer nothing is read behind a last request, so that nobody knows.
  if (!stream && !headers.empty()) return;
  gate.wait_until([&] { return gate.calls.cancelled.count(1) == 1; });
  REQUIRE(gate.emitted().size() == 1);
  CHECK(gate.emitted()[0].find(R"("status":499)") != std::string::npos);
}

TEST_CASE("who has no key is told so, and each key is a tenant") {
  Fixture gate({{"web", {"secret"}}, {"", {"another"}}});
  net::RawClient client(gate.port());
  CHECK(client.ask(chat()).status == 401);
  CHECK(client.ask(chat(false, "Authorization: Bearer secre\r\n")).body.find("invalid_api_key") !=
        std::string::npos);
  client.send(chat(false, "Authorization: bearer secret\r\n"));
  gate.wait_for_calls(1);
  gate.answer(1, "x");
  CHECK(client.answer().status == 200);
  client.send(chat(false, "x-api-key: another\r\n"));
  gate.wait_for_calls(2);
  gate.answer(2, "x");
  CHECK(client.answer().status == 200);
  gate.on_loop([&] {
    CHECK(gate.calls.asked[0].tenant == "web");
    CHECK(gate.calls.asked[1].tenant == "key-2");
  });
  net::RawClient large(gate.port());
  CHECK(large.ask(net::post("/v1/chat/completions", std::string(100'000, 'x'))).status == 401);
}

TEST_CASE("requests that can't be asked never are") {
  Fixture gate;
  net::RawClient client(gate.port());
  CHECK(client.ask(net::post("/v1/chat/completions", "{")).status == 400);
  CHECK(
      client.ask(net::post("/v1/chat/completions", R"({"model":"x","messages":[{"role":"user","content":"x"}]})"))
          .status == 404);
  CHECK(
      client
          .ask(net::post("/v1/chat/completions", R"({"model":"x/y","messages":[{"role":"user","content":"x"}]})"))
          .status == 404);
  CHECK(client.ask("GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n").body.find(R"("id":"m")") != std::string::npos);
  std::vector<std::unique_ptr<net::RawClient>> busy;
  for (size_t i = 1; i <= 2; ++i) {
    busy.push_back(std::make_unique<net::RawClient>(gate.port()));
    busy.back()->send(chat());
    gate.wait_for_calls(i);
  }
  CHECK(client.ask(chat()).status == 429);
}

std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
}

struct Refused {
  std::string request;
  int status;
  std::string body;  // a part of it
};

void check_refused(Fixture& gate, const std::vector<Refused>& all, const std::string& begins,
                   const std::string& id_header) {
  for (const Refused& each : all) {
    INFO(each.request.substr(0, 100));
    net::RawClient client(gate.port());
    const net::RawAnswer answer = client.ask(each.request);
    CHECK(answer.status == each.status);
    CHECK(answer.has("Content-Type: application/json"));
    CHECK(answer.head.find(id_header + ": req_") != answer.head.npos);
    CHECK(answer.body.find(begins) == 0);
    CHECK_THAT(answer.body, Catch::Contains(each.body));
  }
}

TEST_CASE("what never comes to a model is told in the words of OpenAI's API, whoever refuses it") {
  Fixture gate(kWebKey);
  const std::string chunks =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nx-api-key: secret\r\nTransfer-Encoding: "
      "chunked\r\n\r\nx\r\n";
  const std::string key = "x-api-key: secret\r\n";
  check_refused(
      gate,
      {{get("/v1/chat/completions"), 405, "method_not_supported"},
       {net::post("/v1/models", "{}"), 405, "takes GET"},
       {net::post("/v1/embeddings", "{}", key + "Content-Encoding: br\r\n"), 415, "gzip or zstd"},
       {net::post("/v1/chat/completions", std::string(kBodyMax + 1, ' '), key), 413, "request_too_large"},
       {net::post("/v1/chat/completions", std::string(100'000, 'x')), 401, "invalid_api_key"},
       {chunks, 400, "invalid_request_error"},
       {net::post("/v1/responses", "{}", key), 404, "ask /chat/completions instead"},
       {get("/v1/files/7", key), 404, "\"code\":\"unknown_url\""},
       {net::post("/v1/chat/completions", "{", key), 400, "invalid_request_error"}},
      R"({"error":{"message":")", "x-request-id");
  net::RawClient client(gate.port());
  CHECK(client.ask(get("/other")).has("Content-Type: application/problem+json"));
  CHECK(gate.calls.asked.empty());
  const std::string metrics = gate.metrics();
  const auto counted = [&](const std::string& family, const std::string& status, const std::string& count) {
    const std::string line = "colloquium_gateway_" + family +
                             "_total{pipeline=\"p\",component=\"gate\",kind=\"openai_api_source\",reason=\"" +
                             status + "\"} " + count + "\n";
    CHECK_THAT(metrics, Catch::Contains(line));
  };
  counted("chat_requests", "405", "1");
  counted("chat_requests", "413", "1");
  counted("chat_requests", "400", "2");
  counted("chat_requests", "401", "1");
  counted("embedding_requests", "415", "1");
  counted("model_list_requests", "405", "1");
  counted("other_requests", "404", "2");
}

TEST_CASE("what never comes to a model is told in the words of Anthropic's API") {
  Fixture gate(kWebKey, anthropic_gateway_api());
  const std::string key = "x-api-key: secret\r\n";
  check_refused(gate,
                {{get("/v1/messages"), 405, "\"type\":\"invalid_request_error\""},
                 {net::post("/v1/messages", std::string(kBodyMax + 1, ' '), key), 413, "request_too_large"},
                 {net::post("/v1/messages", "{}"), 401, "authentication_error"},
                 {net::post("/v1/messages", "{}", key), 400, "\"request_id\":\"req_"},
                 {net::post("/v1/complete", "{}", key), 404, "not_found_error"}},
                R"({"type":"error","error":{"type":")", "request-id");
}

TEST_CASE("without keys no page in a browser may ask, whoever's it is") {
  const std::string origin =
      "Origin: " + GENERATE(as<std::string>(), "https://evil.example", "null", "http://h") + "\r\n";
  Fixture open;
  const std::vector<Refused> all = {
      {net::post("/v1/chat/completions", "{}", origin), 403, "origin_not_allowed"},
      {net::post("/v1/chat/completions", "{}", origin + "Content-Type: text/plain\r\n"), 403,
       "give the source 'keys'"},
      {get("/v1/models", origin), 403, "invalid_request_error"}};
  check_refused(open, all, R"({"error":{"message":")", "x-request-id");
  CHECK(open.calls.asked.empty());
  Fixture closed(kWebKey);
  net::RawClient page(closed.port());
  CHECK(page.ask(get("/v1/models", origin + "x-api-key: secret\r\n")).status == 200);
  Fixture anthropic({}, anthropic_gateway_api());
  check_refused(anthropic, {{net::post("/v1/messages", "{}", origin), 403, "permission_error"}},
                R"({"type":"error","error":{"type":")", "request-id");
}

std::string chat_with(const std::string& model) {
  return net::post("/v1/chat/completions",
                   R"({"model":")" + model + R"(","messages":[{"role":"user","content":"x"}]})");
}

TEST_CASE("clients name so many models of their own, and those that are set always") {
  Fixture gate;
  net::RawClient client(gate.port());
  size_t calls = 0;
  const auto is_asked = [&](const std::string& model) {
    client.send(chat_with(model));
    gate.wait_for_calls(++calls);
    gate.answer(calls, "x");
    return client.answer().status == 200;
  };
  for (size_t i = 0; i < GatewaySource::kOwnNamesMax; ++i) REQUIRE(is_asked("fake/own-" + std::to_string(i)));
  const net::RawAnswer refused = client.ask(chat_with("fake/one-more"));
  CHECK(refused.status == 404);
  CHECK_THAT(refused.body, Catch::Contains("model_not_found") && Catch::Contains("has to be in 'models'"));
  CHECK(is_asked("m"));
  CHECK(is_asked("fake/own-7"));
  Fixture another;
  net::RawClient long_name(another.port());
  CHECK(long_name.ask(chat_with("fake/" + std::string(GatewaySource::kOwnNameBytesMax, 'x'))).status == 404);
}

TEST_CASE("names that no model answers to are used up for whoever makes them up, and for a day") {
  Fixture gate({{"web", {"secret"}}, {"other", {"another"}}});
  net::RawClient client(gate.port());
  size_t calls = 0;
  const auto ask = [&](const std::string& model, const std::string& key, bool answers) {
    client.send(net::post("/v1/chat/completions",
                          R"({"model":")" + model + R"(","messages":[{"role":"user","content":"x"}]})",
                          "x-api-key: " + key + "\r\n"));
    gate.wait_for_calls(++calls);
    answers ? gate.answer(calls, "x") : gate.refuse(calls, AiFailureKind::kCaller);
    return client.answer().status;
  };
  CHECK(ask("fake/good", "secret", true) == 200);
  for (size_t i = 0; i < GatewaySource::kTriedNamesMax; ++i) {
    REQUIRE(ask("fake/made-up-" + std::to_string(i), "secret", false) == 400);
  }
  const auto another = [](const std::string& model) {
    return net::post("/v1/chat/completions",
                     R"({"model":")" + model + R"(","messages":[{"role":"user","content":"x"}]})",
                     "x-api-key: secret\r\n");
  };
  const net::RawAnswer refused = client.ask(another("fake/one-more"));
  CHECK(refused.status == 404);
  CHECK_THAT(refused.body, Catch::Contains("64 that did not answer, in a day"));
  CHECK(ask("fake/good", "secret", true) == 200);
  CHECK(ask("fake/made-up-7", "secret", true) == 200);
  CHECK(ask("fake/one-more", "another", true) == 200);
  // What has answered is known to all.
  CHECK(ask("fake/one-more", "secret", true) == 200);
}

TEST_CASE("requests under way take no room from other sources, and have a bound of their own") {
  constexpr size_t kLarge = 30 << 20;
  Fixture gate({}, openai_gateway_api(), [](GatewayConfig& config) {
    config.max_body.bytes = 32 << 20;
    config.max_requests = 9;
  });
  gate.echo("/hook", kLarge);
  const std::string large =
      net::post("/v1/chat/completions",
                R"({"model":"m","messages":[{"role":"user","content":")" + std::string(kLarge, 'x') + R"("}]})");
  std::vector<std::unique_ptr<net::RawClient>> clients;
  for (size_t i = 1; i <= 2; ++i) {
    clients.push_back(std::make_unique<net::RawClient>(gate.port()));
    clients.back()->send(large);
    gate.wait_for_calls(i);
  }
  CHECK(gate.on_loop([&] { return gate->counters().body_reserved_bytes.value(); }) == 0);
  net::RawClient third(gate.port());
  const net::RawAnswer refused = third.ask(large);
  CHECK(refused.status == 429);
  CHECK_THAT(refused.body, Catch::Contains("as large as they may be"));
  net::RawClient hook(gate.port());
  CHECK(hook.ask(net::post("/hook", std::string(kLarge, 'y'))).status == 200);
  // As soon as one has ended there is room for the next.
  gate.answer(1, "x");
  CHECK(clients[0]->answer().status == 200);
  third.send(large);
  gate.wait_for_calls(3);
}

TEST_CASE("the list of models is in the words of who asks for it") {
  Fixture gate;
  net::RawClient client(gate.port());
  CHECK(client.ask(get("/v1/models")).body.find(R"({"object":"list","data":[{"id":"m")") == 0);
  const net::RawAnswer answer = client.ask(get("/v1/models", "anthropic-version: 2023-06-01\r\n"));
  CHECK(answer.body.find(R"({"data":[{"type":"model","id":"m","display_name":"m","created_at":")") == 0);
  CHECK_THAT(answer.body, Catch::Contains(R"("first_id":"m","last_id":"m","has_more":false})"));
}

TEST_CASE("requests under way are counted until they have ended, however they do") {
  Fixture gate;
  const auto under_way = [&](const std::string& count) {
    CHECK_THAT(gate.metrics(),
               Catch::Contains("colloquium_gateway_requests_under_way{pipeline=\"p\",component=\"gate\","
                               "kind=\"openai_api_source\"} " +
                               count + "\n"));
  };
  net::RawClient client(gate.port());
  client.send(chat());
  gate.wait_for_calls(1);
  under_way("1");
  gate.answer(1, "hello");
  CHECK_THAT(client.answer().head, Catch::Contains("x-request-id: req_"));
  under_way("0");
  {
    net::RawClient leaving(gate.port());
    leaving.send(chat(true));
    gate.wait_for_calls(2);
    gate.say(2, "one");
    until(leaving, "\"one\"");
  }
  gate.wait_until([&] { return gate.calls.cancelled.count(2) == 1; });
  under_way("0");
  CHECK_THAT(gate.metrics(), Catch::Contains("reason=\"499\"} 1\n"));
}

std::string counted(const std::string& model = "m") {
  return net::post("/v1/messages/count_tokens",
                   R"({"model":")" + model + R"(","messages":[{"role":"user","content":"x"}]})");
}

void say(Fixture& gate, size_t nth, AiCount count) {
  gate.wait_until([&] { return gate.calls.counting.size() == nth; });
  gate.on_loop([&] { gate.calls.counting[nth - 1].counted(std::move(count)); });
}

TEST_CASE("tokens are counted for whoever may ask, and that is no event", "[REQ-062]") {
  Fixture gate({}, anthropic_gateway_api());
  net::RawClient client(gate.port());
  client.send(counted());
  say(gate, 1, {.tokens = 17});
  auto answer = client.answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"input_tokens":17})");
  client.send(counted());
  say(gate, 2, {.tokens = 18, .estimated = true});
  CHECK(client.answer().body == R"({"input_tokens":18})");
  client.send(counted());
  say(gate, 3, {.failure = AiFailure{AiFailureKind::kThrottled, "later", 2000, 429}});
  answer = client.answer();
  CHECK(answer.status == 429);
  CHECK(answer.body.find("later") != std::string::npos);
  CHECK(client.ask(counted("x")).status == 404);
  CHECK(client.ask(net::post("/v1/messages/count_tokens", "{")).status == 400);
  CHECK(gate.emitted().empty());
  gate.on_loop([&] { CHECK(gate.calls.counting[0].question.models.size() == 2); });
}

TEST_CASE("a model whose provider counts for it has answered, one that is only estimated has not", "[REQ-062]") {
  Fixture gate({}, anthropic_gateway_api());
  net::RawClient client(gate.port());
  size_t counts = 0;
  const auto count = [&](bool estimated) {
    client.send(counted("fake/" + std::to_string(counts)));
    ++counts;
    say(gate, counts, {.tokens = 1, .estimated = estimated});
    return client.answer().status;
  };
  for (size_t i = 0; i < GatewaySource::kTriedNamesMax + 1; ++i) REQUIRE(count(false) == 200);
  for (size_t i = 0; i < GatewaySource::kTriedNamesMax; ++i) REQUIRE(count(true) == 200);
  CHECK(client.ask(counted("fake/one-more")).status == 404);
}

TEST_CASE("counts have their place among the requests that are under way, and end with the source", "[REQ-062]") {
  Fixture gate({}, anthropic_gateway_api());
  std::vector<std::unique_ptr<net::RawClient>> busy;
  for (size_t i = 1; i <= 2; ++i) {
    busy.push_back(std::make_unique<net::RawClient>(gate.port()));
    busy.back()->send(counted());
    gate.wait_until([&] { return gate.calls.counting.size() == i; });
  }
  CHECK(net::RawClient(gate.port()).ask(counted()).status == 429);
  say(gate, 2, {.tokens = 1});
  CHECK(busy[1]->answer().status == 200);
}

TEST_CASE("a count is given up with its client", "[REQ-062]") {
  Fixture gate({}, anthropic_gateway_api());
  {
    net::RawClient leaving(gate.port());
    leaving.send(counted());
    gate.wait_until([&] { return gate.calls.counting.size() == 1; });
  }
  gate.wait_until([&] { return gate.calls.cancelled.count(1001) == 1; });
  CHECK_THAT(gate.metrics(),
             Catch::Contains("colloquium_gateway_requests_under_way{pipeline=\"p\",component=\"gate\","
                             "kind=\"anthropic_api_source\"} 0\n"));
}

TEST_CASE("an event with bodies has room for the longest request and answer", "[REQ-056]") {
  const auto traits = [](const std::string& yaml) {
    ConfigProblems problems;
    const auto node = config::load_yaml("openai_api: {" + yaml + "}", "p.yaml", problems);
    REQUIRE(node);
    const ParsedConfig parsed = openai_api().parse(*node->find("openai_api"), problems);
    REQUIRE(problems.empty());
    return openai_api().source_traits(parsed).max_event_bytes;
  };
  // As JSON, an answer of 16 MiB is six times as long at most.
  CHECK(traits("bodies: true, max_body: 1MiB") > (97 << 20));
  CHECK(traits("bodies: false") == 1 << 20);
}

TEST_CASE("what is understood by itself is not to be passed on", "[REQ-056]") {
  const auto problem = [](const Descriptor& api, const std::string& member) {
    ConfigProblems problems;
    const auto node = config::load_yaml("api: {pass_on: [" + member + "]}", "p.yaml", problems);
    REQUIRE(node);
    (void)api.parse(*node->find("api"), problems);
    return problems.empty() ? "" : problems[0].message;
  };
  CHECK_THAT(problem(openai_api(), "response_format"),
             Catch::Contains("'response_format' is understood by itself"));
  CHECK_THAT(problem(anthropic_api(), "output_config"), Catch::Contains("is understood by itself"));
  CHECK(problem(openai_api(), "reasoning_effort").empty());
}

}  // namespace
}  // namespace colloquium::components
