// HttpSource: who may post, to which of several paths, by which method, and from which page.
#include <algorithm>

#include "components/http/source_fixture_test.h"
#include "io/aead.h"
#include "io/hmac.h"

namespace colloquium::components {
namespace {

using net::chunked;
using net::compressed;
using net::post;
using net::RawAnswer;
using net::RawClient;

std::string signed_by_github(const std::string& secret, const std::string& body) {
  io::Hmac code(io::Hash::kSha256, secret);
  code.update(body);
  return "X-Hub-Signature-256: sha256=" + io::to_hex(code.finish()) + "\r\n";
}

HttpSourceConfig with_auth(HttpAuthConfig auth) {
  HttpSourceConfig config{.path = "/in"};
  config.auth = std::move(auth);
  return config;
}

HttpAuthConfig github(std::string secret, std::vector<Secret> more = {}) {
  return {.signature = SignatureAuthConfig{.scheme = SignatureScheme::kGithub,
                                           .secret = Secret{std::move(secret)},
                                           .secrets = std::move(more)}};
}

TEST_CASE("only who has the token may post, and others are told how, before their body is read") {
  SourceFixture fixture(with_auth({.bearer = BearerAuthConfig{Secret{"t0ken"}, {}}}));
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const RawAnswer refused = client.ask(post("/in", "1"));
  CHECK(refused.status == 401);
  CHECK(refused.has("WWW-Authenticate: Bearer realm=\"colloquium\""));
  CHECK(refused.has("Content-Type: application/problem+json"));
  CHECK(client.ask(post("/in", "1", "Authorization: Bearer wrong\r\n")).status == 401);
  CHECK(fixture.emitted() == 0);
  CHECK(client.ask(post("/in", "1", "Authorization: Bearer t0ken\r\n")).status == 200);
  // Waits for no body: who is refused is refused at the head.
  RawClient early(fixture.port());
  CHECK(early.ask("POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
            .status == 401);
}

TEST_CASE("who is not known learns of no content type, and waits at no door") {
  SourceFixture fixture(with_auth({.basic = BasicAuthConfig{"user", Secret{"password"}}}));
  fixture.on_loop([&] { fixture.intake().is_ready = false; });
  RawClient client(fixture.port());
  CHECK(client.ask(post("/in", "1", "Content-Type: text/plain\r\n")).status == 401);
  CHECK(client.ask(post("/in", "1")).status == 401);
  CHECK(fixture.on_loop([&] { return fixture.intake().waits; }) == 0);
}

TEST_CASE("a body that is signed with the secret is taken, and no other") {
  SourceFixture fixture(with_auth(github("one", {{"two"}})));
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const std::string body = R"({"action":"opened"})";
  CHECK(client.ask(post("/in", body, signed_by_github("one", body))).status == 200);
  CHECK(client.ask(post("/in", body, signed_by_github("two", body))).status == 200);
  CHECK(*fixture.last().body == body);
  const size_t before = fixture.emitted();
  const RawAnswer refused = client.ask(post("/in", body + " ", signed_by_github("one", body)));
  CHECK(refused.status == 401);
  CHECK(refused.has("WWW-Authenticate: Signature header=\"X-Hub-Signature-256\""));
  CHECK(client.ask(post("/in", body)).status == 401);
  CHECK(fixture.emitted() == before);
  CHECK(client.ask(post("/in", body, signed_by_github("one", body))).status == 200);
}

TEST_CASE("the signature is that of the bytes as they were sent: compressed, in chunks, megabytes of them") {
  SourceFixture fixture(with_auth(github("one")));
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const std::string body = "\"" + std::string(3'000'000, 'x') + "\"";
  CHECK(client.ask(post("/in", body, signed_by_github("one", body))).status == 200);
  const std::string gzip = compressed(io::Compression::kGzip, body);
  const std::string coded = "Content-Encoding: gzip\r\n";
  CHECK(client.ask(post("/in", gzip, coded + signed_by_github("one", gzip))).status == 200);
  CHECK(*fixture.last().body == body);
  CHECK(client.ask(post("/in", gzip, coded + signed_by_github("one", body))).status == 401);
  std::string parts = chunked("/in", {"\"a", "b", "c\""});
  parts.insert(parts.find("\r\n") + 2, signed_by_github("one", "\"abc\""));
  CHECK(client.ask(parts).status == 200);
  CHECK(*fixture.last().body == "\"abc\"");
}

TEST_CASE("a signed time that is far from ours is refused at the head") {
  SourceFixture fixture(
      with_auth({.signature = SignatureAuthConfig{.scheme = SignatureScheme::kSlack, .secret = Secret{"s"}}}));
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const auto ask = [&](int64_t time_s) {
    const std::string time = std::to_string(time_s);
    io::Hmac code(io::Hash::kSha256, "s");
    code.update("v0:" + time + ":1");
    return client
        .ask(post("/in", "1",
                  "X-Slack-Request-Timestamp: " + time + "\r\nX-Slack-Signature: v0=" + io::to_hex(code.finish()) +
                      "\r\n"))
        .status;
  };
  const int64_t now_s = fixture.clock().wall_ms() / 1000;
  CHECK(ask(now_s) == 200);
  CHECK(ask(now_s - 400) == 401);
  CHECK(ask(now_s + 400) == 401);
}

TEST_CASE("several paths are one source, and the event's header says which was posted to", "[REQ-001]") {
  HttpSourceConfig config{.path = "/orders"};
  config.paths = {"/returns", "/hooks/*"};
  config.path_header = "X-Path";
  SourceFixture fixture(config);
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  for (const std::string path : {"/orders", "/returns", "/hooks/a", "/hooks/b/c"}) {
    CHECK(client.ask(post(path + "?x=1", "1")).status == 200);
    CHECK(fixture.last().headers == std::vector<std::pair<std::string, std::string>>{{"X-Path", path}});
  }
  CHECK(client.ask(post("/hooks", "1")).status == 404);
  fixture.close();
  for (const std::string path : {"/orders", "/returns", "/hooks/a"}) {
    RawClient late(fixture.port());
    CHECK(late.ask(post(path, "1")).status == 503);
  }
}

TEST_CASE("whoever waits at the door goes on at every path when it opens") {
  HttpSourceConfig config;
  config.paths = {"/a", "/b/*"};
  SourceFixture fixture(config);
  fixture.answer(accepted(1, 0));
  fixture.on_loop([&] { fixture.intake().is_ready = false; });
  RawClient one(fixture.port());
  RawClient two(fixture.port());
  one.send(post("/a", "1"));
  two.send(post("/b/x", "2"));
  while (fixture->counters().requests.value() < 2) fixture.on_loop([] {});
  CHECK(fixture.emitted() == 0);
  fixture.on_loop([&] { fixture.intake().open(); });
  CHECK(one.answer().status == 200);
  CHECK(two.answer().status == 200);
}

TEST_CASE("methods other than those listed are answered 405") {
  HttpSourceConfig config{.path = "/in"};
  config.methods = {HttpSourceMethod::kPatch};
  SourceFixture fixture(config);
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  CHECK(client.ask("PATCH /in HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1").status == 200);
  const RawAnswer refused = client.ask(post("/in", "1"));
  CHECK(refused.status == 405);
  CHECK(refused.has("Allow: PATCH, OPTIONS"));
}

TEST_CASE(
    "a page of a listed origin is let in without credentials for its question, and with them for its events") {
  HttpSourceConfig config = with_auth({.bearer = BearerAuthConfig{Secret{"t0ken"}, {}}});
  config.cors = HttpCorsConfig{.origins = {"https://shop.example"}};
  SourceFixture fixture(config);
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const std::string origin = "Origin: https://shop.example\r\n";
  const RawAnswer question =
      client.ask("OPTIONS /in HTTP/1.1\r\nHost: h\r\n" + origin + "Access-Control-Request-Method: POST\r\n\r\n");
  CHECK(question.status == 204);
  CHECK(question.has("Access-Control-Allow-Headers: Content-Type, Authorization"));
  CHECK(question.has("Access-Control-Max-Age: 600"));
  const RawAnswer refused = client.ask(post("/in", "1", origin));
  CHECK(refused.status == 401);
  CHECK(refused.has("Access-Control-Allow-Origin: https://shop.example"));
  const RawAnswer taken = client.ask(post("/in", "1", origin + "Authorization: Bearer t0ken\r\n"));
  CHECK(taken.status == 200);
  CHECK(taken.has("Access-Control-Allow-Origin: https://shop.example"));
}

ConfigNode list(std::vector<std::string> texts) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kList;
  for (std::string& text : texts) {
    ConfigNode& item = node.items.emplace_back();
    item.kind = ConfigNode::Kind::kString;
    item.text = std::move(text);
  }
  return node;
}

ConfigNode map(std::vector<std::pair<std::string, ConfigNode>> members) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  for (auto& [key, value] : members) node.members.push_back({key, {}, value});
  return node;
}

std::string problems_of(const ConfigNode& node) {
  ConfigProblems problems;
  http_source().parse(node, problems);
  std::string lines;
  for (const ConfigProblem& problem : problems) lines += problem.message + "\n";
  return lines;
}

TEST_CASE("a path is needed, each is named once, and a star stands at an end") {
  CHECK(problems_of(map({{"paths", list({"/a", "/b/*", "/*"})}})) == "");
  CHECK(problems_of(map({})) == "a path is needed, as in path: /orders\n");
  CHECK(problems_of(map({{"paths", list({"/a", "/b", "/a"})}})) == "the path /a is named twice\n");
  for (const std::string bad : {"a", "", "/a*", "/*/b", "/a/**", "/a b", "*"}) {
    CHECK_THAT(problems_of(map({{"paths", list({bad})}})), Catch::Contains("path begins with '/'"));
  }
  CHECK_THAT(problems_of(map({{"paths", list({"/a"})}, {"path_header", list({})}})),
             Catch::Contains("path_header"));
}

TEST_CASE("every path is claimed, so that two sources cannot have one") {
  ConfigProblems problems;
  const auto parsed = http_source().parse(map({{"paths", list({"/a", "/b/*"})}}), problems);
  REQUIRE(problems.empty());
  const std::vector<Claim> claims = http_source().claims(parsed, ".");
  REQUIRE(claims.size() == 2);
  CHECK(claims[0].what == "the path /a");
  CHECK(claims[1].what == "the path /b/*");
  CHECK(claims[1].field == "paths");
}

TEST_CASE("a header that the source fills in is not one that a sender may fill in as well") {
  ConfigNode name;
  name.kind = ConfigNode::Kind::kString;
  name.text = "X-Client";
  for (const char* const field : {"path_header", "certificate_header"}) {
    CHECK(problems_of(map({{"paths", list({"/a"})}, {field, name}})) == "");
    CHECK_THAT(problems_of(map({{"paths", list({"/a"})}, {field, name}, {"headers", list({"x-client"})}})),
               Catch::Contains("X-Client is among headers, too"));
  }
}

TEST_CASE("a signature is one of a body, so it does not go with WebSocket") {
  const auto text = [](const char* value) {
    ConfigNode node;
    node.kind = ConfigNode::Kind::kString;
    node.text = value;
    return node;
  };
  const ConfigNode signature = map({{"signature", map({{"scheme", text("github")}, {"secret", text("s")}})}});
  const ConfigNode bearer = map({{"bearer", text("t0ken")}});
  CHECK(problems_of(map({{"paths", list({"/a"})}, {"auth", bearer}, {"websocket", map({})}})) == "");
  CHECK_THAT(problems_of(map({{"paths", list({"/a"})}, {"auth", signature}, {"websocket", map({})}})),
             Catch::Contains("use basic or bearer"));
}

TEST_CASE("origins are as browsers send them") {
  const auto origins = [](const std::string& origin) {
    return problems_of(map({{"paths", list({"/a"})}, {"cors", map({{"origins", list({origin})}})}}));
  };
  for (const std::string good : {"*", "https://shop.example.org", "http://localhost:3000", "http://[::1]:80"}) {
    CHECK(origins(good) == "");
  }
  for (const std::string bad :
       {"shop.example.org", "https://", "https://Shop.example", "https://a/", "https://*.a", ""}) {
    CHECK_THAT(origins(bad), Catch::Contains("is no origin"));
  }
  CHECK_THAT(problems_of(map({{"paths", list({"/a"})}, {"cors", map({})}})), Catch::Contains("origins"));
}

}  // namespace
}  // namespace colloquium::components
