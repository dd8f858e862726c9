#include "config/tls_settings.h"

#include <catch2/catch.hpp>

#include "config/paths.h"
#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::config {
namespace {

TEST_CASE("a path of the settings is below their folder unless it begins at the root") {
  CHECK(resolved_path("/base", "a/b") == "/base/a/b");
  CHECK(resolved_path("/base/", "a") == "/base/a");
  CHECK(resolved_path("/base", "/a") == "/a");
  CHECK(resolved_path("/base", "").empty());
  CHECK(resolved_path("", "a") == "a");
  CHECK(resolved_path(".", "a") == "a");
}

struct OwnTls : TlsSettings {
  bool enabled = true;
};

TEST_CASE("a type of one's own has the rows of TLS beside its own") {
  ConfigProblems problems;
  const auto node = load_yaml("{ca: ca.pem, key: /me.key, key_password: secret, verify: false, enabled: false}",
                              "p.yaml", problems);
  REQUIRE(node);
  const auto spec = with_tls(ConfigSpec<OwnTls>().field("enabled", &OwnTls::enabled, {.description = "Or not."}));
  const OwnTls tls = spec.read(*node, "tls", problems);
  CHECK(describe(problems).empty());
  CHECK_FALSE(tls.enabled);
  CHECK_FALSE(tls.verify);
  CHECK(tls.key_password.value == "secret");
  const TlsSettings there = resolved(tls, "/base");
  CHECK(there.ca == "/base/ca.pem");
  CHECK(there.certificate.empty());
  CHECK(there.key == "/me.key");
}

TEST_CASE("a problem is told where the member stands, or where the settings stand") {
  ConfigProblems problems;
  const auto node = load_yaml("a: 1\nb: 2\n", "p.yaml", problems);
  REQUIRE(node);
  refuse(*node, "b", "not this", problems);
  refuse(*node, "c", "nor that", problems);
  CHECK(describe(problems) == "p.yaml:2:4: error: not this\np.yaml:1:1: error: nor that\n");
}

}  // namespace
}  // namespace colloquium::config
