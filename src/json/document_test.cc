#include <catch2/catch.hpp>
#include <string>

#include "json/view.h"
#include "json/walk.h"

namespace colloquium::json {
namespace {

std::string error_of(std::string_view text) {
  const auto document = parse(text, "orders.json");
  REQUIRE_FALSE(document);
  CHECK(document.error().code == ErrorCode::kInvalidInput);
  return document.error().describe();
}

}  // namespace

TEST_CASE("parse copies the text and walks it") {
  std::string text = R"({"a":[1,2]})";
  auto document = parse(text, "x");
  REQUIRE(document);
  text.assign(text.size(), '?');
  const Document moved = std::move(*document);
  CHECK(ValueView(moved.text.data(), moved.tape.data(), 0).member("a")->count() == 2);
  CHECK(moved.text == R"({"a":[1,2]})");
}

TEST_CASE("A parse error names origin, line and column") {
  CHECK(error_of("") == "orders.json:1:1: unexpected end of the text");
  CHECK(error_of("[1,\n 2,\n  x]") == "orders.json:3:3: expected a value");
  CHECK(error_of("{\"a\" 1}") == "orders.json:1:6: expected ':' after the key");
  CHECK(error_of("[1]\n\n]") == "orders.json:3:1: expected nothing more after the value");
}

TEST_CASE("A byte-order mark is no part of JSON, and told by its name") {
  CHECK(error_of("\xEF\xBB\xBF[1]") == "orders.json:1:1: a byte-order mark stands before the value; leave it out");
}

TEST_CASE("Columns count characters") {
  CHECK(error_of("[\"é€😀\" 1]") == "orders.json:1:8: expected ',' or ']'");
  CHECK(error_of("[\"é\xff\"]") == "orders.json:1:4: invalid UTF-8");
}

TEST_CASE("parse takes limits") {
  CHECK(parse("[[]]", "x", {.depth = 2}));
  CHECK_FALSE(parse("[[]]", "x", {.depth = 1}));
}

}  // namespace colloquium::json
