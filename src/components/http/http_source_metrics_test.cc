#include "components/http/http_source_metrics.h"

#include <catch2/catch.hpp>

#include "components/http/http_source.h"
#include "components/http/source_fixture_test.h"
#include "io/aead.h"
#include "io/hmac.h"

namespace colloquium::components {
namespace {

using net::post;
using net::RawClient;

constexpr const char* kRefused = "colloquium_http_refused_total";

HttpSourceConfig config_with(HttpAuthConfig auth) {
  HttpSourceConfig config{.path = "/in"};
  config.auth = std::move(auth);
  return config;
}

TEST_CASE("who is refused is counted by what was wrong with the signature", "[REQ-001]") {
  SourceFixture fixture(
      config_with({.signature = SignatureAuthConfig{.scheme = SignatureScheme::kSlack, .secret = Secret{"s"}}}));
  fixture.answer(accepted(1, 0));
  RawClient client(fixture.port());
  const int64_t now_s = fixture.clock().wall_ms() / 1000;
  const auto ask = [&](int64_t time_s, const std::string& prefix, const std::string& secret) {
    const std::string time = std::to_string(time_s);
    io::Hmac code(io::Hash::kSha256, secret);
    code.update("v0:" + time + ":1");
    return client
        .ask(post("/in", "1",
                  "X-Slack-Request-Timestamp: " + time + "\r\nX-Slack-Signature: " + prefix +
                      io::to_hex(code.finish()) + "\r\n"))
        .status;
  };
  CHECK(ask(now_s, "v0=", "s") == 200);
  CHECK(client.ask(post("/in", "1")).status == 401);
  CHECK(ask(now_s, "v9=", "s") == 401);
  CHECK(ask(now_s - 4000, "v0=", "s") == 401);
  CHECK(ask(now_s, "v0=", "other") == 401);
  CHECK(ask(now_s, "v0=", "another") == 401);
  CHECK(fixture.metric(kRefused, "signature_missing") == 1);
  CHECK(fixture.metric(kRefused, "signature_malformed") == 1);
  CHECK(fixture.metric(kRefused, "signature_expired") == 1);
  CHECK(fixture.metric(kRefused, "signature_wrong") == 2);
  CHECK(fixture.metric(kRefused, "credentials_wrong") == 0);
}

TEST_CASE("and by what was wrong with the credentials, of which the metrics show nothing") {
  SourceFixture fixture(config_with({.basic = BasicAuthConfig{"user", Secret{"password"}}}));
  RawClient client(fixture.port());
  CHECK(client.ask(post("/in", "1")).status == 401);
  CHECK(client.ask(post("/in", "1", "Authorization: Basic c2VjcmV0\r\n")).status == 401);
  CHECK(fixture.metric(kRefused, "credentials_missing") == 1);
  CHECK(fixture.metric(kRefused, "credentials_wrong") == 1);
  CHECK_THAT(fixture.metrics_text(), !Catch::Contains("c2VjcmV0") && !Catch::Contains("password"));
}

TEST_CASE("a source that anyone may post to, without WebSocket, has none of these metrics") {
  SourceFixture fixture(HttpSourceConfig{.path = "/in"});
  CHECK_THAT(fixture.metrics_text(), !Catch::Contains(kRefused) && !Catch::Contains("websocket"));
}

TEST_CASE("they go when the source does") {
  SourceFixture fixture(config_with({.basic = BasicAuthConfig{"user", Secret{"password"}}}));
  CHECK_THAT(fixture.metrics_text(), Catch::Contains(kRefused));
  fixture.close();
  CHECK_THAT(fixture.metrics_text(), !Catch::Contains(kRefused));
}

}  // namespace
}  // namespace colloquium::components
