// AccessToken and PeerClient against a server that gives out tokens.
#include "components/http/access_token.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/manual_clock.h"
#include "components/http/peer_client.h"
#include "net/testing/server_fixture.h"

namespace colloquium::components {
namespace {

// /token gives out t1, t2 …; /in takes the newest one alone.
class TokenFixture : public net::ServerFixture {
 public:
  explicit TokenFixture(OAuth2Credentials credentials = OAuth2Credentials::kHeader) {
    route({.path = "/token",
           .methods = {net::Method::kPost},
           .handle = [this](const net::Request& request, net::Responder responder) {
             asked.push_back(*request.body);
             authorizations.emplace_back(request.head.find("authorization").value_or("-"));
             if (hold) return held.push_back(std::move(responder));
             give(std::move(responder));
           }});
    route({.path = "/in",
           .methods = {net::Method::kPost},
           .handle = [this](const net::Request& request, net::Responder responder) {
             used.emplace_back(request.head.find("authorization").value_or("-"));
             responder.send({.status = used.back() == "Bearer t" + std::to_string(good) ? 200 : 401});
           }});
    on_loop([&] {
      ClientSettings settings;
      settings.auth.emplace().oauth2 = {.token_url = url("/token"),
                                        .client_id = "me & you",
                                        .client_secret = {"hunter2"},
                                        .scopes = {"a", "b:c"},
                                        .audience = "https://api",
                                        .credentials = credentials};
      client = std::make_unique<PeerClient>(loop(), manual, settings, ".", 4);
    });
  }
  ~TokenFixture() {
    on_loop([&] {
      client.reset();
      // A request may still come, and what is held then would be gone off the loop.
      hold = false;
      held.clear();
    });
  }

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port()) + path; }
  void give(net::Responder responder) {
    ++given;
    if (follows) good = given;
    const std::string body = answer.empty() ? R"({"access_token":"t)" + std::to_string(given) +
                                                  R"(","token_type":"Bearer","expires_in":)" +
                                                  std::to_string(expires_in) + "}"
                                            : answer;
    responder.send({.status = status, .content_type = "application/json", .body = body});
  }
  Result<net::ClientResponse> ask() {
    return wait_for<Result<net::ClientResponse>>([&](auto done) {
      net::ClientRequest request;
      request.method = "POST";
      request.url = url("/in");
      request.body = std::make_shared<const std::string>("1");
      client->send(std::move(request), done);
    });
  }

  ManualClock manual;  // the client's; advanced between requests only
  std::unique_ptr<PeerClient> client;
  std::vector<std::string> asked;
  std::vector<std::string> authorizations;
  std::vector<std::string> used;
  bool hold = false;
  std::vector<net::Responder> held;
  int given = 0;
  int good = 0;
  bool follows = true;  // the newest token is good
  int expires_in = 100;
  int status = 200;
  std::string answer;
};

TEST_CASE("a token is asked for as RFC 6749 says, and used until shortly before it runs out", "[REQ-016]") {
  TokenFixture fixture;
  CHECK(fixture.ask()->status == 200);
  CHECK(fixture.ask()->status == 200);
  REQUIRE(fixture.asked.size() == 1);
  CHECK(fixture.asked[0] == "grant_type=client_credentials&scope=a%20b%3Ac&audience=https%3A%2F%2Fapi");
  CHECK(fixture.authorizations[0] == "Basic bWUlMjAlMjYlMjB5b3U6aHVudGVyMg==");  // me%20%26%20you:hunter2
  fixture.on_loop([&] { fixture.manual.advance_ms(88'000); });
  CHECK(fixture.ask()->status == 200);
  CHECK(fixture.asked.size() == 1);
  fixture.on_loop([&] { fixture.manual.advance_ms(2'000); });
  CHECK(fixture.ask()->status == 200);
  CHECK(fixture.asked.size() == 2);
  CHECK(fixture.used.back() == "Bearer t2");
}

TEST_CASE("id and secret stand in the body where the server wants them there", "[REQ-016]") {
  TokenFixture fixture(OAuth2Credentials::kBody);
  CHECK(fixture.ask()->status == 200);
  CHECK(fixture.authorizations[0] == "-");
  CHECK_THAT(fixture.asked[0], Catch::EndsWith("&client_id=me%20%26%20you&client_secret=hunter2"));
}

TEST_CASE("however many wait, one request for a token is under way", "[REQ-016]") {
  TokenFixture fixture;
  fixture.hold = true;
  std::vector<std::promise<int>> ended(5);
  fixture.on_loop([&] {
    for (auto& promise : ended) {
      net::ClientRequest request;
      request.method = "POST";
      request.url = fixture.url("/in");
      fixture.client->send(std::move(request), [&promise](Result<net::ClientResponse> answer) {
        promise.set_value(answer ? answer->status : -1);
      });
    }
  });
  while (fixture.on_loop([&] { return fixture.held.size(); }) < 1) continue;
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(fixture.on_loop([&] { return fixture.held.size(); }) == 1);
  fixture.on_loop([&] { fixture.give(std::move(fixture.held[0])); });
  for (auto& promise : ended) CHECK(promise.get_future().get() == 200);
  CHECK(fixture.asked.size() == 1);
}

TEST_CASE("401 is followed by one try with a new token, and no more", "[REQ-016]") {
  TokenFixture fixture;
  CHECK(fixture.ask()->status == 200);
  fixture.on_loop([&] { fixture.good = 2; });  // t1 was revoked
  CHECK(fixture.ask()->status == 200);
  CHECK(fixture.used == std::vector<std::string>{"Bearer t1", "Bearer t1", "Bearer t2"});
  fixture.on_loop([&] {
    fixture.follows = false;
    fixture.good = 99;
  });
  CHECK(fixture.ask()->status == 401);
  CHECK(fixture.used.size() == 5);
  CHECK(fixture.asked.size() == 3);
}

TEST_CASE("a server that gives no token fails the request as one to send again, and its reason is told, no secret",
          "[REQ-016]") {
  TokenFixture fixture;
  fixture.status = 400;
  fixture.answer = R"({"error":"invalid_client","error_description":"unknown","hint":"hunter2"})";
  auto answer = fixture.ask();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().retryable);
  CHECK_THAT(answer.error().message, Catch::Contains("/token: it answered 400: invalid_client: unknown") &&
                                         Catch::Contains("auth.oauth2") && !Catch::Contains("hunter2"));
  fixture.status = 200;
  for (const char* none : {"{}", "[]", "nonsense", R"({"access_token":"a\nb"})", R"({"access_token":7})"}) {
    fixture.answer = none;
    answer = fixture.ask();
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().message, Catch::Contains("holds no access_token"));
  }
  CHECK(fixture.used.empty());
  fixture.answer.clear();
  CHECK(fixture.ask()->status == 200);
}

TEST_CASE("a token without a time is good for an hour, and one with none left serves who waited") {
  TokenFixture fixture;
  fixture.answer = R"({"access_token":"t1"})";
  CHECK(fixture.ask()->status == 200);
  fixture.on_loop([&] { fixture.manual.advance_ms(3'500'000); });
  CHECK(fixture.ask()->status == 200);
  CHECK(fixture.asked.size() == 1);
  TokenFixture brief;
  brief.expires_in = 0;
  CHECK(brief.ask()->status == 200);
  CHECK(brief.ask()->status == 200);
  CHECK(brief.asked.size() == 2);
}

TEST_CASE("a call that waits for its token can be cancelled", "[REQ-016]") {
  TokenFixture fixture;
  fixture.hold = true;
  const auto answer = fixture.wait_for<Result<net::ClientResponse>>([&](auto done) {
    net::ClientRequest request;
    request.url = fixture.url("/in");
    fixture.client->cancel(fixture.client->send(std::move(request), done));
  });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace colloquium::components
