#include "components/http/client_settings.h"

#include <catch2/catch.hpp>

#include "config/yaml.h"

namespace colloquium::components {
namespace {

struct Config : ClientSettings {};

struct Read {
  ClientSettings settings;
  std::string problems;
};

Read read(const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  Read result;
  result.settings = with_client(ConfigSpec<Config>()).read(*node, "http", problems);
  check_client(result.settings, *node, problems);
  for (const ConfigProblem& problem : problems) result.problems += problem.describe() + "\n";
  return result;
}

TEST_CASE("basic and bearer are one header", "[REQ-016]") {
  const Read basic = read("auth: {basic: {user: Aladdin, password: \"open sesame\"}}");
  CHECK(basic.problems.empty());
  CHECK(fixed_authorization(basic.settings) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617, 2
  CHECK(fixed_authorization(read("auth: {bearer: abc}").settings) == "Bearer abc");
  CHECK(fixed_authorization({}).empty());
}

TEST_CASE("what cannot be is refused, and no message shows a secret", "[REQ-016]") {
  const auto problems = [](const std::string& yaml) { return read(yaml).problems; };
  CHECK_THAT(problems("auth: {}"), Catch::Contains("auth takes one of basic, bearer and oauth2"));
  CHECK_THAT(problems("auth: {bearer: a, basic: {user: u, password: hunter2}}"),
             Catch::Contains("auth takes one of") && !Catch::Contains("hunter2"));
  CHECK_THAT(problems("auth: {basic: {user: \"a:b\", password: p}}"), Catch::Contains("has no ':'"));
  CHECK_THAT(problems("auth: {bearer: \"hunter2\\r\\nX: y\"}"),
             Catch::Contains("no header may have") && !Catch::Contains("hunter2"));
  CHECK_THAT(problems("auth: {oauth2: {token_url: login, client_id: c, client_secret: s}}"),
             Catch::Contains("token_url is a whole address"));
  CHECK_THAT(problems("auth: {oauth2: {token_url: \"http://l\"}}"), Catch::Contains("missing key 'client_id'"));
  CHECK_THAT(problems("tls: {certificate: a}"), Catch::Contains("belong together"));
  CHECK_THAT(problems("proxy: \"user:hunter2@proxy\""),
             Catch::Contains("proxy is a whole address") && !Catch::Contains("hunter2"));
  for (const char* good : {"http://proxy:3128", "https://u:p@proxy", "socks5h://127.0.0.1:1080"}) {
    CHECK(problems("proxy: \"" + std::string(good) + "\"").empty());
  }
}

TEST_CASE("files are relative to the pipeline's, and have to be there") {
  const Read given = read("tls: {ca: tls/ca.pem, certificate: /nowhere/c.pem, key: k.pem, verify: false}");
  CHECK(given.problems.empty());
  const net::ClientOptions options = client_options(given.settings, "/etc/p", 3);
  CHECK(options.tls.ca == "/etc/p/tls/ca.pem");
  CHECK(options.tls.certificate == "/nowhere/c.pem");
  CHECK(options.tls.key == "/etc/p/k.pem");
  CHECK_FALSE(options.tls.verify);
  CHECK(options.connections == 3);
  ConfigProblems problems;
  check_client_files(given.settings, "/nowhere", {nullptr, 4, 1}, problems);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].mark.line == 4);
  CHECK_THAT(problems[0].message, Catch::Contains("'/nowhere/tls/ca.pem'"));
  CHECK(client_options({}, "/etc/p", 1).tls.verify);
}

}  // namespace
}  // namespace colloquium::components
