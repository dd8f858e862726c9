#include "config/redact.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "config/scalar.h"
#include "config/testing/components.h"

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

namespace {

std::string random_text(std::mt19937& random) {
  static const std::string pieces[] = {"a", "b:",   " ", "#", "-", "é", "\n", "\t", "'",    "\"", "\\", "{",
                                       "]", "null", "1", ".", "e", "~", "*",  "&",  "\x01", "$",  "%",  ","};
  std::string text;
  const size_t length = random() % 6;
  for (size_t i = 0; i < length; ++i) text += pieces[random() % std::size(pieces)];
  return text;
}

ConfigNode random_tree(std::mt19937& random, int depth) {
  ConfigNode node;
  const unsigned kind = random() % (depth > 0 ? 6 : 4);
  const size_t count = random() % 4;
  if (kind == 0) set_plain(node, random() % 2 == 0 ? "null" : "true");
  if (kind == 1) set_plain(node, std::to_string(static_cast<int32_t>(random())));
  if (kind == 2) set_plain(node, "-0.25e-7");
  if (kind == 3) set_string(node, random_text(random));
  if (kind == 4) {
    node.kind = ConfigNode::Kind::kList;
    for (size_t i = 0; i < count; ++i) node.items.push_back(random_tree(random, depth - 1));
  }
  if (kind == 5) {
    node.kind = ConfigNode::Kind::kMap;
    for (size_t i = 0; i < count; ++i) {
      node.members.push_back({random_text(random) + std::to_string(i), {}, random_tree(random, depth - 1)});
    }
  }
  return node;
}

}  // namespace

TEST_CASE("whatever a tree holds, its YAML reads back as the same tree") {
  std::mt19937 random(3);
  for (int round = 0; round < 2'000; ++round) {
    const ConfigNode tree = random_tree(random, 4);
    const std::string text = to_yaml(tree);
    INFO(text);
    CHECK(testing::node_of(text).to_json() == tree.to_json());
  }
}

TEST_CASE("masking twice masks no more, and changes nothing else") {
  const ConfigNode node =
      testing::node_of("{login: {user: u, password: p}, keys: [a], headers: {a: b}, x: [1, {y: z}]}");
  const ConfigNode once = mask_secrets(node, peers());
  CHECK(mask_secrets(once, peers()).to_json() == once.to_json());
  CHECK(once.find("x")->to_json() == node.find("x")->to_json());
  CHECK(once.find("login")->find("password")->mark.describe() ==
        node.find("login")->find("password")->mark.describe());
}

}  // namespace config
}  // namespace colloquium
