#include "config/redact.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/testing.h"

namespace colloquium {

struct Login {
  std::string user;
  Secret password;
};
template <>
struct ConfigObject<Login> {
  static ConfigSpec<Login> spec() {
    return ConfigSpec<Login>()
        .field("user", &Login::user, {})
        .field("password", &Login::password, {.aliases = {"pass"}})
        .shorthand("password");
  }
};

namespace config {
namespace {

struct Peers {
  Login login;
  std::vector<Login> logins;
  std::map<std::string, Login> named;
  std::vector<Secret> keys;
  std::map<std::string, std::string> headers;
};

ObjectSpec peers() {
  return ConfigSpec<Peers>()
      .field("login", &Peers::login, {})
      .field("logins", &Peers::logins, {})
      .field("named", &Peers::named, {})
      .field("keys", &Peers::keys, {})
      .field("headers", &Peers::headers, {.secret = true})
      .object();
}

std::string masked(std::string_view text) {
  return mask_secrets(testing::node_of(text), peers()).to_json();
}

}  // namespace

TEST_CASE("secret fields are masked wherever they stand") {
  CHECK(masked("login: {user: u, password: p}") == R"({"login":{"user":"u","password":"***"}})");
  CHECK(masked("login: {user: u, pass: p}") == R"({"login":{"user":"u","pass":"***"}})");
  CHECK(masked("login: p") == R"({"login":"***"})");
  CHECK(masked("logins: [{user: u, password: p}, q]") == R"({"logins":[{"user":"u","password":"***"},"***"]})");
  CHECK(masked("named: {a: {password: p}}") == R"({"named":{"a":{"password":"***"}}})");
  CHECK(masked("keys: [a, b]") == R"({"keys":["***","***"]})");
  CHECK(masked("headers: {a: b, n: 5}") == R"({"headers":{"a":"***","n":"***"}})");
  CHECK(masked("{other: x, login:}") == R"({"other":"x","login":null})");
}

TEST_CASE("what a secret reference gave is masked even where no spec says so") {
  ConfigNode node = testing::node_of("a: x\nb: [y, {c: z}]");
  node.members[0].value.secret = true;
  node.members[1].value.items[1].members[0].value.secret = true;
  CHECK(mask_secrets(node).to_json() == R"({"a":"***","b":["y",{"c":"***"}]})");
  CHECK(node.find("a")->text == "x");
}

TEST_CASE("a tree is written as YAML in block style") {
  const std::string text = R"(name: orders
log:
  partitions: 4
  empty: {}
sources:
  - name: hook
    http:
      path: /orders
      list:
        - 1
        - - a
          - []
        - "true"
  - null
note: "two\nlines"
"a key": 2.50
)";
  CHECK(to_yaml(testing::node_of(text)) == text);
}

TEST_CASE("a tree of one scalar or nothing is one line") {
  CHECK(to_yaml(testing::node_of("12")) == "12\n");
  CHECK(to_yaml(testing::node_of("'12'")) == "\"12\"\n");
  CHECK(to_yaml(testing::node_of("[]")) == "[]\n");
  CHECK(to_yaml(testing::node_of("")) == "null\n");
}

}  // namespace config
}  // namespace colloquium
