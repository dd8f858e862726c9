#include "components/http/polled_document.h"

#include <catch2/catch.hpp>

#include "config/yaml.h"

namespace colloquium::components {
namespace {

std::string opened(const std::string& body, const PollSplit& split, const std::string& next = {}) {
  const auto document = open_document(std::make_shared<const std::string>(body), split, next);
  if (!document) return "! " + document.error().message;
  return *document->events + " > " + document->next;
}

TEST_CASE("a document without pointers is left to the door, whatever it is") {
  CHECK(opened("{no", {}) == "{no > ");
  CHECK(opened("[1,2]", {true, {}}) == "[1,2] > ");
}

TEST_CASE("split and next are found by their pointers") {
  const std::string body = R"({"data":{"items":[ {"a":1}, 2 ]},"links":{"next":"\/p?2","none":null,"n":1}})";
  CHECK(opened(body, {true, "/data/items"}, "/links/next") == R"([ {"a":1}, 2 ] > /p?2)");
  CHECK(opened(body, {}, "/links/next") == body + " > /p?2");
  CHECK(opened(body, {true, "/data/items"}, "/links/none") == R"([ {"a":1}, 2 ] > )");
  CHECK(opened(body, {true, "/data/items"}, "/links/n") == R"([ {"a":1}, 2 ] > )");
  CHECK(opened(body, {true, "/data/items"}, "/gone") == R"([ {"a":1}, 2 ] > )");
}

TEST_CASE("a document that has no such array, or is no JSON, is refused") {
  for (const char* body : {R"({"items":{}})", "{}", "[]", "1", R"({"items":null})"}) {
    CHECK(opened(body, {true, "/items"}) == "! the answer has no array at /items, as split says");
  }
  CHECK_THAT(opened("{no", {true, "/items"}), Catch::StartsWith("! "));
  CHECK_THAT(opened("", {}, "/next"), Catch::StartsWith("! "));
}

TEST_CASE("split is a truth or a pointer") {
  const auto read = [](const std::string& yaml) {
    ConfigProblems problems;
    const auto node = config::load_yaml("split: " + yaml, "p.yaml", problems);
    REQUIRE(node);
    PollSplit split;
    ConfigType<PollSplit>::describe("split", {}).read(*node->find("split"), "split", &split, problems);
    return problems.empty() ? (split.on ? "on " : "off ") + split.pointer : problems[0].describe();
  };
  CHECK(read("true") == "on ");
  CHECK(read("false") == "off ");
  CHECK(read("/a/b") == "on /a/b");
  CHECK_THAT(read("items"), Catch::StartsWith("p.yaml:1:8: error: split must be true, false or a JSON pointer"));
  CHECK_THAT(read("7"), Catch::Contains("must be true, false or"));
}

}  // namespace
}  // namespace colloquium::components
