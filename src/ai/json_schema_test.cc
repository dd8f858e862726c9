#include "ai/json_schema.h"

#include <catch2/catch.hpp>
#include <string>

using namespace colloquium;
using namespace colloquium::ai;

namespace {

JsonSchema schema(std::string_view json) {
  auto parsed = JsonSchema::parse(json);
  REQUIRE(parsed);
  return std::move(*parsed);
}

}  // namespace

TEST_CASE("an answer is of its schema, or the first thing that is wrong is told", "[REQ-074]") {
  const JsonSchema triage = schema(R"({"type":"object","properties":{"label":{"enum":["bug","feature"]},
      "score":{"type":"integer","minimum":0,"maximum":10},"tags":{"type":"array","items":{"type":"string"}}},
      "required":["label"],"additionalProperties":false})");
  CHECK_FALSE(triage.problem(R"({"label":"bug","score":3,"tags":["a"]})"));
  CHECK(*triage.problem(R"({"label":"question"})") ==
        "'/label' does not satisfy 'enum' of the schema at '/properties/label'");
  CHECK(*triage.problem(R"({"score":3})") == "it does not satisfy 'required' of the schema at ''");
  CHECK(triage.problem(R"({"label":"bug","score":11})"));
  CHECK(triage.problem(R"({"label":"bug","score":1.5})"));
  CHECK(triage.problem(R"({"label":"bug","tags":["a",1]})"));
  CHECK(triage.problem(R"({"label":"bug","more":1})"));
  CHECK(triage.problem("[]"));
}

TEST_CASE("what is no JSON is no answer") {
  const JsonSchema any = schema("{}");
  CHECK_FALSE(any.problem(" [1, 2] "));
  CHECK(any.problem("")->rfind("it is no JSON", 0) == 0);
  CHECK(any.problem("```json\n{}\n```"));
  CHECK(any.problem("{\"a\":1"));
  CHECK(any.problem("{\"a\":1} trailing"));
  CHECK(any.problem("\"\xff\""));
  CHECK(*any.problem(std::string(100'000, '[')) == "it is nested deeper than 200 levels");
}

TEST_CASE("what later drafts say otherwise is understood") {
  const JsonSchema later = schema(
      R"({"properties":{"kind":{"const":"x"},"n":{"exclusiveMinimum":0,"exclusiveMaximum":5},"list":{"enum":[{"const":1}]}}})");
  CHECK_FALSE(later.problem(R"({"kind":"x","n":1})"));
  CHECK(later.problem(R"({"kind":"y"})"));
  CHECK(later.problem(R"({"n":0})"));
  CHECK(later.problem(R"({"n":5})"));
  CHECK_FALSE(later.problem(R"({"list":{"const":1}})"));
}

TEST_CASE("references inside of a schema are followed, and patterns are bounded") {
  const JsonSchema tree = schema(R"({"definitions":{"node":{"type":"object","properties":{
      "next":{"$ref":"#/definitions/node"}},"additionalProperties":false}},"$ref":"#/definitions/node"})");
  CHECK_FALSE(tree.problem(R"({"next":{"next":{}}})"));
  CHECK(tree.problem(R"({"next":{"next":{"other":1}}})"));
  const JsonSchema pattern = schema(R"({"type":"string","pattern":"^(a+)+$"})");
  CHECK_FALSE(pattern.problem("\"aaaa\""));
  CHECK(pattern.problem("\"" + std::string(50'000, 'a') + "!\""));
}

TEST_CASE("patterns are checked as they are usually written, or refused") {
  const JsonSchema ids = schema(R"({"type":"string","pattern":"^\\d{3}-[\\w.]+\\s?$"})");
  CHECK_FALSE(ids.problem("\"123-a_b.9 \""));
  CHECK(ids.problem("\"12x-a\""));
  CHECK(ids.problem("\"123-a!\""));
  const auto refused = JsonSchema::parse(R"x({"properties":{"a":{"pattern":"(?=x)"}}})x");
  CHECK(refused.error().message == "the pattern '(?=x)' can't be checked; write it plainer");
}

TEST_CASE("references that lead nowhere, or round in a circle, are refused") {
  const auto problem = [](std::string_view json) { return JsonSchema::parse(json).error().message; };
  CHECK(problem(R"({"$ref":"#"})") == "the reference '#' leads to no schema in it");
  CHECK(problem(R"({"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}})") != "");
  CHECK(problem(R"({"items":{"$ref":"https://example.org/s.json"}})") ==
        "the reference 'https://example.org/s.json' leads to no schema in it");
  CHECK(problem(R"({"items":{"$ref":"#/definitions/gone"}})") != "");
  CHECK(JsonSchema::parse(R"({"properties":{"next":{"$ref":"#"}}})").has_value());
}

TEST_CASE("what is no schema is refused") {
  CHECK(JsonSchema::parse("[]").error().code == ErrorCode::kInvalidConfig);
  CHECK(JsonSchema::parse("{").error().code == ErrorCode::kInvalidConfig);
  CHECK(JsonSchema::parse(std::string(100'000, '[')).error().code == ErrorCode::kInvalidConfig);
}
