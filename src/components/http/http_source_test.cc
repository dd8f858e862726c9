// HttpSource over a real server and a door made of cardboard.
#include "components/http/http_source.h"

#include "components/http/source_fixture_test.h"

namespace colloquium::components {
namespace {

using net::compressed;
using net::post;
using net::RawAnswer;
using net::RawClient;

ConfigNode text_node(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kString;
  node.text = std::move(text);
  return node;
}

TEST_CASE("an accepted request is answered with counts and offsets", "[REQ-001]") {
  SourceFixture fixture({.path = "/orders"});
  Ack ack = accepted(2, 17);
  ack.duplicates = 1;
  ack.offsets.push_back({3, 5, 5});
  fixture.answer(ack);
  RawClient client(fixture.port());
  const RawAnswer answer = client.ask(post("/orders", R"({"id":1})"));
  CHECK(answer.status == 200);
  CHECK(answer.has("Content-Type: application/json"));
  CHECK(answer.body == "{\"accepted\":2,\"duplicates\":1,\"offsets\":{\"0\":[17,18],\"3\":[5,5]}}\n");
  const RawBatch batch = fixture.last();
  CHECK(*batch.body == R"({"id":1})");
  CHECK(batch.format == BodyFormat::kJson);
  CHECK(batch.bad_event == BadEventPolicy::kRejectAll);
  CHECK(batch.cursor.empty());
}

TEST_CASE("the answer waits for the acknowledgement, and many requests may wait", "[REQ-001]") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  client.send(post("/in", "1") + post("/in", "2") + post("/in", "3"));
  while (fixture.emitted() < 3) continue;
  fixture.on_loop([&] {
    // The last first: answers keep the order of the requests.
    for (int64_t i = 3; i-- > 0;) fixture.intake().acks[static_cast<size_t>(i)](accepted(1, i));
  });
  for (int i = 0; i < 3; ++i) {
    CHECK_THAT(client.answer().body, Catch::Contains("\"0\":[" + std::to_string(i)));
  }
}

TEST_CASE("requests of one connection share an order key, and positions rise") {
  SourceFixture fixture({.path = "/in"});
  fixture.answer(accepted(1, 0));
  RawClient one(fixture.port());
  RawClient two(fixture.port());
  one.ask(post("/in", "11"));
  one.ask(post("/in", "22"));
  two.ask(post("/in", "33"));
  fixture.on_loop([&] {
    const auto& batches = fixture.intake().batches;
    CHECK(batches[0].order_key == batches[1].order_key);
    CHECK(batches[1].order_key != batches[2].order_key);
    CHECK(batches[0].position + 2 <= batches[1].position);
    CHECK(batches[1].position + 2 <= batches[2].position);
  });
}

TEST_CASE("the content type says how a body is cut, and others are refused with 415") {
  SourceFixture fixture({.path = "/in"});
  SourceFixture split({.path = "/in", .split = true});
  fixture.answer(accepted(1, 0));
  split.answer(accepted(1, 0));
  RawClient client(fixture.port());
  RawClient split_client(split.port());
  const auto typed = [](const std::string& type) { return "Content-Type: " + type + "\r\n"; };
  CHECK(client.ask(post("/in", "1", typed("application/json; charset=utf-8"))).status == 200);
  CHECK(fixture.last().format == BodyFormat::kJson);
  CHECK(split_client.ask(post("/in", "[1]", typed("Application/JSON"))).status == 200);
  CHECK(split.last().format == BodyFormat::kJsonArray);
  for (const std::string type : {"application/x-ndjson", "application/jsonlines", "application/ndjson ;a=b"}) {
    CHECK(split_client.ask(post("/in", "1\n2\n", typed(type))).status == 200);
    CHECK(split.last().format == BodyFormat::kNdjson);
  }
  const size_t before = fixture.emitted();
  for (const std::string type : {"text/plain", "application/xml", "application/jsonx", "multipart/form-data"}) {
    const RawAnswer answer = client.ask(post("/in", "1", typed(type)));
    CHECK(answer.status == 415);
    CHECK(answer.has("Accept: application/json, application/x-ndjson"));
    CHECK_THAT(answer.body, Catch::Contains("got '" + type + "'; add -H 'Content-Type: application/json'"));
  }
  const RawAnswer hostile = client.ask(post("/in", "1", typed(std::string(5'000, '"'))));
  CHECK(hostile.status == 415);
  CHECK(hostile.body.size() < 600);
  CHECK(client.ask("GET /in HTTP/1.1\r\nHost: h\r\n\r\n").status == 405);
  CHECK(fixture.emitted() == before);
}

TEST_CASE("compressed bodies come to the door as they were before") {
  SourceFixture fixture({.path = "/in"});
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const std::string body = "{\"text\":\"" + std::string(50'000, 'z') + "\"}";
  const std::string gzip = compressed(io::Compression::kGzip, body);
  REQUIRE(client.ask(post("/in", gzip, "Content-Encoding: gzip\r\n")).status == 200);
  const RawBatch batch = fixture.last();
  CHECK(*batch.body == body);
  CHECK(batch.body->capacity() - batch.body->size() >= 64);
}

TEST_CASE("headers that are listed become headers of the events, under the name listed") {
  SourceFixture fixture({.path = "/in", .headers = {"X-Tenant", "x-trace"}});
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  client.ask(
      post("/in", "1", "x-tenant: a\r\nX-Other: no\r\nX-TRACE: 1\r\nX-Trace: 2\r\nAuthorization: secret\r\n"));
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"X-Tenant", "a"}, {"x-trace", "1"}, {"x-trace", "2"}};
  CHECK(fixture.last().headers == expected);
}

TEST_CASE("a bad event is answered 400 with its byte, and in NDJSON with its line and number") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  fixture.answer(failed(ErrorCode::kInvalidInput, false, 9, 0));
  const RawAnswer one = client.ask(post("/in", "{\n\"a\": 1,}"));
  CHECK(one.status == 400);
  CHECK(one.has("Content-Type: application/problem+json"));
  CHECK_THAT(one.body, Catch::Contains(R"("detail":"what went wrong","byte":9,"line":2})"));
  fixture.answer(failed(ErrorCode::kInvalidInput, false, 12, 2));
  const RawAnswer many = client.ask(post("/in", "{}\n{}\n{\"a\":x}\n", "Content-Type: application/x-ndjson\r\n"));
  CHECK(many.status == 400);
  CHECK_THAT(many.body, Catch::Contains(R"("byte":12,"line":3,"event":2)"));
  fixture.answer(accepted(1, 0));
  CHECK(client.ask(post("/in", "1")).status == 200);
}

TEST_CASE("an event over max_event is answered 413, a full log 503 with Retry-After, a broken one 500") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  fixture.answer(failed(ErrorCode::kLimit, false));
  CHECK(client.ask(post("/in", "1")).status == 413);
  fixture.answer(failed(ErrorCode::kUnavailable, true, 0, 0, 2500));
  const RawAnswer busy = client.ask(post("/in", "1"));
  CHECK(busy.status == 503);
  CHECK(busy.has("Retry-After: 3"));
  fixture.answer(failed(ErrorCode::kNoSpace, true));
  const RawAnswer full = client.ask(post("/in", "1"));
  CHECK(full.status == 503);
  CHECK(full.has("Retry-After: 1"));
  fixture.answer(failed(ErrorCode::kCorrupt, false));
  CHECK(client.ask(post("/in", "1")).status == 500);
}

TEST_CASE("a body over max_body is answered 413 and never reaches the door") {
  SourceFixture fixture({.path = "/in", .max_body = {100}});
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  CHECK(client.ask(post("/in", std::string(101, '1'))).status == 413);
  const std::string bomb = compressed(io::Compression::kZstd, std::string(101, '1'));
  REQUIRE(bomb.size() < 100);
  CHECK(client.ask(post("/in", bomb, "Content-Encoding: zstd\r\n")).status == 413);
  CHECK(client.ask(post("/in", std::string(100, '1'))).status == 200);
  CHECK(fixture.emitted() == 1);
}

TEST_CASE("while the door is full connections are not read, and go on when it opens") {
  SourceFixture fixture({.path = "/in"});
  fixture.answer(accepted(1, 0));
  fixture.on_loop([&] { fixture.intake().is_ready = false; });
  RawClient one(fixture.port());
  RawClient two(fixture.port());
  one.send(post("/in", "1") + post("/in", "2"));
  two.send(post("/in", "3"));
  while (fixture->counters().requests.value() < 2) fixture.on_loop([] {});
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(fixture.emitted() == 0);
  CHECK(fixture.on_loop([&] { return fixture.intake().waits; }) == 1);
  fixture.on_loop([&] { fixture.intake().open(); });
  CHECK(one.answer().status == 200);
  CHECK(one.answer().status == 200);
  CHECK(two.answer().status == 200);
}

TEST_CASE("a request that was being read when the door filled up is given to it and waits for its answer") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  client.send("POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n1");
  while (fixture->counters().requests.value() < 1) fixture.on_loop([] {});
  fixture.on_loop([&] { fixture.intake().is_ready = false; });
  client.send("2");
  while (fixture.emitted() < 1) continue;
  CHECK(*fixture.last().body == "12");
  // The next one of the same connection is not even begun until the door has room.
  client.send(post("/in", "3"));
  while (fixture->counters().requests.value() < 2) fixture.on_loop([] {});
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(fixture.emitted() == 1);
  fixture.on_loop([&] {
    fixture.intake().answers = {accepted(1, 1)};
    fixture.intake().acks.front()(accepted(1, 0));
    fixture.intake().open();
  });
  CHECK(client.answer().status == 200);
  CHECK(client.answer().status == 200);
}

TEST_CASE("a door that stays full ends the wait with 503 and Retry-After") {
  SourceFixture fixture({.path = "/in"}, {.hold_timeout_ms = 40});
  fixture.on_loop([&] { fixture.intake().is_ready = false; });
  RawClient client(fixture.port());
  const RawAnswer answer = client.ask(post("/in", "1"));
  CHECK(answer.status == 503);
  CHECK(answer.has("Retry-After: 1"));
}

TEST_CASE("after stop_intake nothing new is taken, and what was emitted is still answered") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  client.send(post("/in", "1"));
  while (fixture.emitted() < 1) continue;
  fixture.on_loop([&] { fixture.source().stop_intake(); });
  client.send(post("/in", "2"));
  while (fixture->counters().requests.value() < 2) fixture.on_loop([] {});
  CHECK(fixture.emitted() == 1);
  fixture.on_loop([&] { fixture.intake().acks.front()(accepted(1, 0)); });
  CHECK(client.answer().status == 200);
  const RawAnswer refused = client.answer();
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(refused.has("Connection: close"));
}

TEST_CASE("a body that had begun before stop_intake is refused: its event would come behind the drain") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  client.send("POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n1");
  while (fixture->counters().requests.value() < 1) fixture.on_loop([] {});
  fixture.on_loop([&] { fixture.source().stop_intake(); });
  client.send("2");
  const RawAnswer refused = client.answer();
  CHECK(refused.status == 503);
  CHECK(refused.has("Connection: close"));
  CHECK(fixture.emitted() == 0);
}

TEST_CASE("what is posted to a source that has closed is answered 503, for a sender to come back") {
  SourceFixture fixture({.path = "/in"});
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  CHECK(client.ask(post("/in", "1")).status == 200);
  fixture.close();
  const RawAnswer refused = client.ask(post("/in", "2"));
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(refused.has("Connection: close"));
}

TEST_CASE("a request whose acknowledgement never comes is answered when the door lets it go") {
  SourceFixture fixture({.path = "/in"});
  RawClient client(fixture.port());
  client.send(post("/in", "1"));
  while (fixture.emitted() < 1) continue;
  fixture.close();
  CHECK(client.answer().status == 500);
}

TEST_CASE("two sources cannot have one path, and a process without ingest server has no http source") {
  SourceFixture fixture({.path = "/in"});
  fixture.on_loop([&] {
    FakeIntake intake;
    SeededRandom random(1);
    Services services;
    const auto config = std::make_shared<const HttpSourceConfig>(HttpSourceConfig{.path = "/in"});
    const ComponentContext context{fixture.loop(), fixture.clock(), random, services, "q", "hook", "."};
    const auto none = http_source().create_source(config, SourceContext{context, intake, false, {}});
    CHECK_FALSE(none);
    services.provide<net::HttpServer>(&*fixture);
    auto second = http_source().create_source(config, SourceContext{context, intake, false, {}});
    REQUIRE(second);
    const Status started = (*second)->start("");
    REQUIRE_FALSE(started);
    CHECK(started.error().code == ErrorCode::kAlreadyExists);
  });
}

TEST_CASE("the longest event is a setting, 1 MiB if it says nothing, and never more than the log can keep") {
  const auto max_event = [](const std::string& text, ConfigProblems& problems) {
    ConfigNode node;
    node.kind = ConfigNode::Kind::kMap;
    node.members = {{"path", {}, text_node("/in")}};
    if (!text.empty()) node.members.push_back({"max_event", {}, text_node(text)});
    return http_source().source_traits(http_source().parse(node, problems)).max_event_bytes;
  };
  ConfigProblems problems;
  CHECK(max_event("", problems) == 1 << 20);
  CHECK(max_event("3MiB", problems) == 3 << 20);
  CHECK(max_event("64MiB", problems) == 64 << 20);
  REQUIRE(problems.empty());
  max_event("65MiB", problems);
  CHECK(problems.size() == 1);
  max_event("0", problems);
  CHECK(problems.size() == 2);
}

TEST_CASE("settings are checked where they stand: a path without slash, headers that are secrets") {
  ConfigNode headers;
  headers.kind = ConfigNode::Kind::kList;
  headers.items = {text_node("X-Ok"), text_node("authorization"), text_node("Cookie"), text_node("bad name")};
  headers.mark.line = 3;
  ConfigNode path = text_node("orders");
  path.mark.line = 2;
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  node.members = {{"path", {}, path}, {"headers", {}, headers}};
  ConfigProblems problems;
  http_source().parse(node, problems);
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].mark.line == 2);
  CHECK_THAT(problems[0].message, Catch::Contains("begins with '/'"));
  CHECK(problems[1].mark.line == 3);
  CHECK_THAT(problems[1].message, Catch::Contains("authorization is never kept"));
  CHECK_THAT(problems[2].message, Catch::Contains("Cookie is never kept"));
  CHECK_THAT(problems[3].message, Catch::Contains("no name of a header"));
}

}  // namespace
}  // namespace colloquium::components
