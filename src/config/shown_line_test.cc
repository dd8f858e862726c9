#include "config/shown_line.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

namespace colloquium::config {
namespace {

std::string shown(std::string_view line) {
  return hide_secrets(line, 1).text;
}

TEST_CASE("a line is quoted without the secrets that stand in it") {
  CHECK(shown("  token: abc def, ghi  # now") == "  token: ***  # now");
  CHECK(shown("  password: 'it''s'") == "  password: ***");
  CHECK(shown(R"(  api_key: "a\"b", more: c)") == R"(  api_key: ***, more: c)");
  CHECK(shown("{user: me, pasword: hunter3}, url: x}") == "{user: me, pasword: ***}, url: x}");
  CHECK(shown(R"({"secret": "x", "n": 1})") == R"({"secret": ***, "n": 1})");
  CHECK(shown(R"(auth: {basic: {user: me, password: "p"}})") == R"(auth: {basic: {user: me, password: ***}})");
  CHECK(shown(R"(auth: {bearer: x})") == R"(auth: {bearer: ***})");
  CHECK(shown(R"(tokens: [a, "]", {b: c}], n: 1)") == "tokens: ***, n: 1");
  CHECK(shown("headers: {Authorization: Bearer x, Accept: y}") == "headers: {Authorization: ***, Accept: y}");
  CHECK(shown("url: postgres://me:pw@host/db") == "url: postgres://me:***@host/db");
}

TEST_CASE("what is no secret is quoted as it is") {
  for (const std::string_view line :
       {"", "a: b", "token:", "  token:   # none", "token: ${secret:t}", "token: \"${T}\"", "http://host:80/a@b",
        "a: {b: [c, d]}", "x: 'token'", "http://me@host", "- \"a password\"", "url: http://me:${PW}@h"}) {
    CHECK(shown(line) == line);
  }
}

TEST_CASE("the column goes with what it stood at") {
  const std::string_view line = "ü: {token: abcdef, methd: x}";
  CHECK(hide_secrets(line, 1).column == 1);
  CHECK(hide_secrets(line, 5).column == 5);    // token
  CHECK(hide_secrets(line, 14).column == 12);  // within the secret
  CHECK(hide_secrets(line, 20).column == 17);  // methd
  CHECK(hide_secrets(line, 29).column == 26);  // behind the line
  CHECK(hide_secrets("a", 5).column == 5);
  CHECK(hide_secrets("", 1).column == 1);
  CHECK(hide_secrets("", 0).column == 0);
}

}  // namespace
}  // namespace colloquium::config
