#include "components/http/sink_requests.h"

#include <catch2/catch.hpp>
#include <set>

#include "config/yaml.h"

namespace colloquium::components {
namespace {

// A tombstone where the text is empty.
std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) {
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

struct Sent {
  std::string url;
  std::string body;
  std::string key;
  std::string type;
  std::vector<uint32_t> events;
};

std::string header(const net::ClientRequest& request, const std::string& name) {
  for (const auto& [field, value] : request.headers) {
    if (field == name) return value;
  }
  return "-";
}

// Everything a sink with these settings would send, one request after the other.
class Requests {
 public:
  explicit Requests(const std::string& yaml) {
    ConfigProblems problems;
    const auto node = config::load_yaml("url: \"http://h/\"\n" + yaml, "p.yaml", problems);
    REQUIRE(node);
    REQUIRE(problems.empty());
    ConfigSpec<HttpSinkConfig> spec;
    spec.field("url", &HttpSinkConfig::url, {});
    spec.field("path", &HttpSinkConfig::url, {});  // the same, for tests of another URL
    spec.field("headers", &HttpSinkConfig::headers, {});
    spec.field("format", &HttpSinkConfig::format, {});
    spec.field("batch", &HttpSinkConfig::batch, {});
    config_ = spec.read(*node, "http", problems);
    REQUIRE(problems.empty());
    auto made = SinkRequests::create(config_, nullptr);
    if (!made) FAIL(made.error().describe());
    requests_ = std::move(*made);
  }

  std::vector<Sent> of(const std::vector<std::string>& values, size_t most = 1) {
    const auto batch = batch_of(values);
    outcomes.assign(batch->size(), {});
    std::vector<Sent> sent;
    size_t next = 0;
    std::vector<uint32_t> events;
    while (const auto request = requests_->cut(*batch, next, most, events, outcomes)) {
      sent.push_back({request->url, *request->body, header(*request, "Idempotency-Key"),
                      header(*request, "Content-Type"), events});
      const auto again = requests_->part(*batch, events);
      CHECK(*again.body == *request->body);
      CHECK(again.headers == request->headers);
    }
    CHECK(next == batch->size());
    return sent;
  }

  std::vector<EventOutcome> outcomes;

 private:
  HttpSinkConfig config_;
  std::unique_ptr<SinkRequests> requests_;
};

std::vector<std::string> bodies(const std::vector<Sent>& sent) {
  std::vector<std::string> out;
  for (const Sent& one : sent) out.push_back(one.body);
  return out;
}

TEST_CASE("without a batch each event is a request with its id as key", "[REQ-016]") {
  const auto sent = Requests("").of({R"({"a": 1})", "", "2"});
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].body == R"({"a": 1})");
  CHECK(sent[0].key == "orders.abcdefgh-0-100");
  CHECK(sent[0].type == "application/json");
  CHECK(sent[1].key == "orders.abcdefgh-0-102");
}

TEST_CASE("a batch is a JSON array, or whatever the format makes of its events", "[REQ-016]") {
  const std::vector<std::string> values = {"1", R"({"a":[ 2 ]})", R"("x")"};
  Requests json("batch: {}");
  CHECK(bodies(json.of(values, 2)) == std::vector<std::string>{R"([1,{"a":[ 2 ]}])", R"(["x"])"});
  CHECK(json.of(values, 2)[1].type == "application/json");
  Requests lines("batch: {}\nformat: ndjson");
  CHECK(bodies(lines.of(values, 3)) == std::vector<std::string>{"1\n{\"a\":[ 2 ]}\n\"x\"\n"});
  CHECK(lines.of(values, 3)[0].type == "application/x-ndjson");
  Requests csv("batch: {}\nformat: {csv: {columns: [a]}}");
  CHECK(bodies(csv.of({R"({"a":1})", R"({"a":2})"}, 9)) == std::vector<std::string>{"a\n1\n2\n"});
  Requests text("format: {template: '= strConcat(event_metadata/id, \":\", $input/a)'}");
  CHECK(bodies(text.of({R"({"a":"x"})"})) == std::vector<std::string>{"orders.abcdefgh-0-100:x\n"});
  CHECK(text.of({R"({"a":"x"})"})[0].type == "text/plain");
}

TEST_CASE("a batch ends at its bounds, and an event longer than the bytes goes alone", "[REQ-016]") {
  Requests requests("batch: {bytes: 8}\nformat: ndjson");
  CHECK(bodies(requests.of({"11", "22", "33", "4444444444", "5"}, 10)) ==
        std::vector<std::string>{"11\n22\n", "33\n", "4444444444\n", "5\n"});
  CHECK(bodies(requests.of({"1", "2", "3"}, 2)) == std::vector<std::string>{"1\n2\n", "3\n"});
}

TEST_CASE("the key of a batch is that of its events: the same for the same, another for any other", "[REQ-016]") {
  Requests requests("batch: {}");
  const std::string three = requests.of({"1", "2", "3"}, 9)[0].key;
  CHECK_THAT(three, Catch::StartsWith("orders.abcdefgh-0-100+3-"));
  CHECK(three.size() == std::string("orders.abcdefgh-0-100+3-").size() + 32);
  CHECK(requests.of({"4", "5", "6"}, 9)[0].key == three);  // the bytes are not asked, the ids are
  std::set<std::string> keys = {three};
  keys.insert(requests.of({"1", "2"}, 9)[0].key);
  keys.insert(requests.of({"1", "2", "", "3"}, 9)[0].key);
  keys.insert(requests.of({"1", "", "2", "3"}, 9)[0].key);
  keys.insert(requests.of({"", "1", "2", "3"}, 9)[0].key);
  CHECK(keys.size() == 5);
  CHECK(requests.of({"1"}, 9)[0].key == "orders.abcdefgh-0-100");
}

TEST_CASE("events of one request have one URL and the same headers", "[REQ-016]") {
  Requests requests("path: \"http://h/{$input/c}\"\nbatch: {}\nheaders: {X: \"{$input/x}\", Content-Type: a/b}");
  const auto sent =
      requests.of({R"({"c":"a","x":1})", R"({"c":"a","x":1})", R"({"c":"a","x":2})", R"({"c":"b","x":2})",
                   R"({"c":"..","x":2})", R"({"c":"b","x":"\n"})", R"({"c":"b","x":2})", R"({"c":{},"x":2})"},
                  9);
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].events == std::vector<uint32_t>{0, 1});
  CHECK(sent[0].url == "http://h/a");
  CHECK(sent[1].events == std::vector<uint32_t>{2});
  CHECK(sent[2].events == std::vector<uint32_t>{3, 6});
  CHECK(sent[2].url == "http://h/b");
  CHECK(sent[2].type == "a/b");
  for (const size_t refused : {4u, 5u, 7u}) CHECK(requests.outcomes[refused].outcome == Outcome::kDeadLetter);
  CHECK_THAT(requests.outcomes[5].error.message, Catch::Contains("header X"));
}

TEST_CASE("an event that the format refuses is a dead letter, and the others go", "[REQ-016]") {
  Requests requests("batch: {}\nformat: {csv: {columns: [a]}}");
  const auto sent = requests.of({"1", R"({"a":1})", "2", R"({"a":2})", "3"}, 9);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].body == "a\n1\n2\n");
  CHECK(requests.outcomes[0].outcome == Outcome::kDeadLetter);
  CHECK(requests.outcomes[1].outcome == Outcome::kOk);
  CHECK(Requests("batch: {}\nformat: {csv: {columns: [a]}}").of({"1", ""}, 9).empty());
}

}  // namespace
}  // namespace colloquium::components
