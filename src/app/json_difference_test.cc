#include "app/json_difference.h"

#include <catch2/catch.hpp>

namespace colloquium::app {
namespace {

TEST_CASE("equal values have no difference, whatever the order of keys and the form of numbers") {
  CHECK(json_difference("{\"a\":1,\"b\":[2]}", "{\"b\": [2], \"a\": 1}").empty());
  CHECK(json_difference("1", "1.0").empty());
  CHECK(json_difference("null", "null").empty());
  CHECK(json_difference("9007199254740993", "9007199254740993").empty());
}

TEST_CASE("the first difference is named by its place") {
  CHECK(json_difference("{\"a\":[{\"b\":3}]}", "{\"a\":[{\"b\":4}]}") == "at /a/0/b: expected 3, got 4");
  CHECK(json_difference("1", "\"1\"") == "expected 1, got \"1\"");
  CHECK(json_difference("{\"a\":1}", "{}") == "at /a: expected 1, got nothing");
  CHECK(json_difference("{}", "{\"a/b\":1}") == "at /a~1b: expected nothing, got 1");
  CHECK(json_difference("[1,2]", "[1]") == "expected 2 elements, got 1");
  CHECK(json_difference("{\"a\":[]}", "{\"a\":[1]}") == "at /a: expected 0 elements, got 1");
  CHECK(json_difference("9007199254740993", "9007199254740992") ==
        "expected 9007199254740993, got 9007199254740992");
}

TEST_CASE("the two values may be called otherwise") {
  CHECK(json_difference("{\"a\":3}", "{\"a\":4}", {"old", "new"}) == "at /a: old 3, new 4");
}

TEST_CASE("long values are cut") {
  const std::string text = "\"" + std::string(1000, 'x') + "\"";
  CHECK(json_difference(text, "1").size() < 200);
}

TEST_CASE("what is no JSON is told") {
  CHECK(json_difference("1", "{") == "not JSON: {");
}

}  // namespace
}  // namespace colloquium::app
