#include "components/http/request_auth.h"

#include <catch2/catch.hpp>

#include "components/http/http_source.h"

namespace colloquium::components {
namespace {

struct Verdict {
  int status = 200;
  std::string detail;
  std::string challenge;
};

Verdict verdict(const RequestAuth& auth, std::vector<net::HeaderField> headers) {
  net::RequestHead head;
  head.headers = std::move(headers);
  const auto problem = auth.check_head(head, 0);
  if (!problem) return {};
  Verdict verdict{problem->status, problem->detail, ""};
  for (const auto& [name, value] : problem->headers) {
    CHECK(name == "WWW-Authenticate");
    verdict.challenge = value;
  }
  return verdict;
}

HttpAuthConfig basic(std::string user, std::string password) {
  return {.basic = BasicAuthConfig{std::move(user), Secret{std::move(password)}}};
}

HttpAuthConfig bearer(std::string token, std::vector<Secret> more = {}) {
  return {.bearer = BearerAuthConfig{Secret{std::move(token)}, std::move(more)}};
}

// The examples of RFC 7617.
TEST_CASE("Basic: the user and the password, as RFC 7617 has them") {
  const RequestAuth auth(basic("Aladdin", "open sesame"));
  CHECK(verdict(auth, {{"Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}).status == 200);
  CHECK(verdict(auth, {{"authorization", "bASIC   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}).status == 200);
  CHECK(verdict(RequestAuth(basic("test", "123\xC2\xA3")), {{"Authorization", "Basic dGVzdDoxMjPCow=="}}).status ==
        200);
  for (const char* const value :
       {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", "Basic QWxhZGRpbjo=",
        "Basic "
        "!",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== "}) {
    const Verdict wrong = verdict(auth, {{"Authorization", value}});
    CHECK(wrong.status == 401);
    CHECK(wrong.detail == "the user or the password is wrong");
    CHECK(wrong.challenge == "Basic realm=\"colloquium\", charset=\"UTF-8\"");
  }
}

TEST_CASE("Bearer: the token, or one of several") {
  const RequestAuth auth(bearer("one", {{"two"}, {"three"}}));
  for (const char* const token : {"Bearer one", "bearer two", "BEARER  three"}) {
    CHECK(verdict(auth, {{"Authorization", token}}).status == 200);
  }
  for (const char* const token : {"Bearer on", "Bearer onee", "Bearer ONE", "Bearer one two"}) {
    const Verdict wrong = verdict(auth, {{"Authorization", token}});
    CHECK(wrong.status == 401);
    CHECK(wrong.challenge == "Bearer realm=\"colloquium\", error=\"invalid_token\"");
  }
}

TEST_CASE("no credentials, those of another scheme, and two of them") {
  const RequestAuth auth(bearer("one"));
  const std::vector<std::vector<net::HeaderField>> without = {{},
                                                              {{"Authorization", ""}},
                                                              {{"Authorization", "Bearer"}},
                                                              {{"Authorization", "Bearer "}},
                                                              {{"Authorization", "Basic b25l"}},
                                                              {{"Authorization", "Bearerone"}},
                                                              {{"Cookie", "Bearer one"}}};
  for (const auto& headers : without) {
    const Verdict refused = verdict(auth, headers);
    CHECK(refused.status == 401);
    CHECK(refused.challenge == "Bearer realm=\"colloquium\"");
    CHECK(refused.detail == "what is posted here needs Authorization: Bearer");
  }
  CHECK(verdict(auth, {{"Authorization", "Bearer one"}, {"Authorization", "Bearer one"}}).status == 400);
}

TEST_CASE("signatures are asked for by the header they stand in") {
  const RequestAuth auth(
      {.signature = SignatureAuthConfig{.scheme = SignatureScheme::kGithub, .secret = Secret{"s"}}});
  const Verdict refused = verdict(auth, {});
  CHECK(refused.status == 401);
  CHECK(refused.challenge == "Signature header=\"X-Hub-Signature-256\"");
  CHECK(auth.checks_bodies());
  CHECK_FALSE(RequestAuth(bearer("one")).checks_bodies());
}

ConfigNode text(std::string value) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kString;
  node.text = std::move(value);
  return node;
}

using Members = std::vector<std::pair<std::string, ConfigNode>>;

ConfigNode map(const Members& members) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  for (const auto& [key, value] : members) node.members.push_back({key, {}, value});
  return node;
}

// What is wrong with an auth setting, one line each.
std::string problems_of(const Members& auth) {
  ConfigProblems problems;
  http_source().parse(map({{"path", text("/in")}, {"auth", map(auth)}}), problems);
  std::string lines;
  for (const ConfigProblem& problem : problems) lines += problem.message + "\n";
  return lines;
}

TEST_CASE("auth is one of three, with all it needs and nothing that has no meaning") {
  const auto signature = [](Members members) { return Members{{"signature", map(members)}}; };
  const std::pair<const char*, ConfigNode> github = {"scheme", text("github")};
  const std::pair<const char*, ConfigNode> secret = {"secret", text("S3CRET")};
  CHECK(problems_of({{"bearer", text("S3CRET")}}) == "");
  CHECK(problems_of(signature({github, secret})) == "");
  CHECK(problems_of({}) == "auth is one of basic, bearer and signature\n");
  CHECK(problems_of({{"bearer", text("a")}, {"basic", map({{"user", text("u")}, {"password", text("p")}})}}) ==
        "auth is one of basic, bearer and signature\n");
  CHECK_THAT(problems_of({{"bearer", text("")}}), Catch::Contains("a token that is not empty is needed"));
  CHECK_THAT(problems_of({{"bearer", text("S3CRET and more")}}), Catch::Contains("without spaces"));
  CHECK_THAT(problems_of({{"basic", map({{"user", text("a:b")}, {"password", text("")}})}}),
             Catch::Contains("no ':'") && Catch::Contains("a password is needed"));
  CHECK_THAT(problems_of(signature({github})), Catch::Contains("a secret that is not empty is needed"));
  CHECK_THAT(problems_of(signature({github, secret, {"header", text("X-A")}, {"tolerance", text("1m")}})),
             Catch::Contains("header is for scheme hmac") && Catch::Contains("only stripe and slack"));
  CHECK_THAT(problems_of(signature({{"scheme", text("hmac")}, secret})),
             Catch::Contains("needs the header that has the signature"));
  CHECK_THAT(problems_of(signature({{"scheme", text("gitlab")}, secret})), Catch::Contains("gitlab"));
}

TEST_CASE("no problem with the settings shows a secret") {
  const std::string all =
      problems_of({{"bearer", text("S3CRET with spaces")}}) +
      problems_of({{"basic", map({{"user", text("u:")}, {"password", text("S3CRET")}})}}) +
      problems_of({{"signature", map({{"scheme", text("hmac")}, {"secret", text("S3CRET")}})}});
  CHECK_FALSE(all.empty());
  CHECK(all.find("S3CRET") == std::string::npos);
}

}  // namespace
}  // namespace colloquium::components
