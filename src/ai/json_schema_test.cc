#include "ai/json_schema.h"

#include <catch2/catch.hpp>
#include <string>

using namespace colloquium;
using namespace colloquium::ai;

namespace {

JsonSchema schema(std::string_view json) {
  auto parsed = JsonSchema::parse(json);
  if (!parsed) FAIL(parsed.error().describe());
  return std::move(*parsed);
}

// Of a schema that can't be used.
std::string fault(std::string_view json) {
  const auto parsed = JsonSchema::parse(json);
  if (parsed) return "";
  CHECK(parsed.error().code == ErrorCode::kInvalidConfig);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("an answer is of its schema, or what is wrong is told with its place", "[REQ-074]") {
  const JsonSchema triage = schema(R"({"type":"object","properties":{"label":{"enum":["bug","feature"]},
      "score":{"type":"integer","minimum":0,"maximum":10},"tags":{"type":"array","items":{"type":"string"}}},
      "required":["label"],"additionalProperties":false})");
  CHECK_FALSE(triage.problem(R"({"label":"bug","score":3,"tags":["a"]})"));
  CHECK(*triage.problem(R"({"label":"question"})") ==
        R"('/label': expected one of ["bug","feature"], got "question")");
  CHECK(*triage.problem(R"({"score":3})") == R"(expected a member "label")");
  CHECK(*triage.problem(R"({"label":"bug","score":11,"tags":["a",1]})") ==
        R"('/score': expected at most 10, got 11; '/tags/1': expected string, got 1)");
  CHECK(triage.problem(R"({"label":"bug","score":1.5})"));
  CHECK(triage.problem(R"({"label":"bug","more":1})"));
  CHECK(*triage.problem("[]") == "expected object, got an array");
}

TEST_CASE("of many things that are wrong the first few are told") {
  const std::string told = *schema(R"({"items":{"type":"null"}})").problem("[1,2,3,4,5,6,7]");
  CHECK(told.find("'/4'") != std::string::npos);
  CHECK(told.find("'/5'") == std::string::npos);
}

TEST_CASE("what is no JSON is no answer") {
  const JsonSchema any = schema("{}");
  CHECK_FALSE(any.problem(" [1, 2] "));
  CHECK(any.problem("")->rfind("it is no JSON", 0) == 0);
  CHECK(any.problem("```json\n{}\n```"));
  CHECK(any.problem("{\"a\":1"));
  CHECK(any.problem("{\"a\":1} trailing"));
  CHECK(any.problem("\"\xff\""));
  CHECK(any.problem(std::string(100'000, '['))->find("more than 1024 levels of nesting") != std::string::npos);
}

TEST_CASE("the keywords of the present draft say what they say", "[REQ-074]") {
  const JsonSchema later = schema(
      R"({"properties":{"kind":{"const":"x"},"n":{"exclusiveMinimum":0,"exclusiveMaximum":5},"list":{"enum":[{"const":1}]}}})");
  CHECK_FALSE(later.problem(R"({"kind":"x","n":1})"));
  CHECK(*later.problem(R"({"kind":"y"})") == R"('/kind': expected "x", got "y")");
  CHECK(later.problem(R"({"n":0})"));
  CHECK(later.problem(R"({"n":5})"));
  CHECK_FALSE(later.problem(R"({"list":{"const":1}})"));
  const JsonSchema pair = schema(R"({"prefixItems":[{"type":"string"},{"type":"number"}],"items":false})");
  CHECK_FALSE(pair.problem(R"(["a",1])"));
  CHECK(pair.problem(R"([1,"a"])"));
  CHECK(pair.problem(R"(["a",1,2])"));
  const JsonSchema chosen =
      schema(R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}})");
  CHECK_FALSE(chosen.problem(R"({"a":1,"b":1})"));
  CHECK(chosen.problem(R"({"a":1})"));
  CHECK(chosen.problem("{}"));
  const JsonSchema named =
      schema(R"({"patternProperties":{"^x-\\d":{"type":"integer"}},"additionalProperties":false})");
  CHECK_FALSE(named.problem(R"({"x-1":7})"));
  CHECK(named.problem(R"({"x-1":"7"})"));
  CHECK(named.problem(R"({"y":7})"));
  const JsonSchema cents = schema(R"({"multipleOf":0.01})");
  CHECK_FALSE(cents.problem("1.13"));
  CHECK(cents.problem("1.135"));
}

TEST_CASE("members may be called as keywords are") {
  for (const char* name : {"examples", "default", "enum", "const", "array", "$ref"}) {
    INFO(name);
    const JsonSchema named =
        schema(R"({"properties":{")" + std::string(name) + R"(":{"properties":{"n":{"exclusiveMinimum":0}}}}})");
    CHECK_FALSE(named.problem("{\"" + std::string(name) + "\":{\"n\":1}}"));
    CHECK(named.problem("{\"" + std::string(name) + "\":{\"n\":0}}"));
  }
}

TEST_CASE("references inside of a schema are followed, and patterns are bounded") {
  const JsonSchema tree = schema(R"({"definitions":{"node":{"type":"object","properties":{
      "next":{"$ref":"#/definitions/node"}},"additionalProperties":false}},"$ref":"#/definitions/node"})");
  CHECK_FALSE(tree.problem(R"({"next":{"next":{}}})"));
  CHECK(tree.problem(R"({"next":{"next":{"other":1}}})"));
  CHECK(schema(R"({"$ref":"#/$defs/p","$defs":{"p":{"type":"string"}}})").problem("1"));
  const JsonSchema pattern = schema(R"({"type":"string","pattern":"^(a+)+$"})");
  CHECK_FALSE(pattern.problem("\"aaaa\""));
  CHECK(pattern.problem("\"" + std::string(50'000, 'a') + "!\""));
}

TEST_CASE("the elements of a long list are compared without comparing each with each") {
  std::string list;
  for (int i = 0; i < 100'000; ++i) list += (i == 0 ? "[" : ",") + std::to_string(i);
  const JsonSchema unique = schema(R"({"uniqueItems":true})");
  // Each with each would be more than the steps that one answer may take.
  CHECK_FALSE(unique.problem(list + "]"));
  CHECK(*unique.problem(list + ",7]") == "expected elements that all differ");
}

TEST_CASE("patterns are checked as they are usually written, or refused") {
  const JsonSchema ids = schema(R"({"type":"string","pattern":"^\\d{3}-[\\w.]+\\s?$"})");
  CHECK_FALSE(ids.problem("\"123-a_b.9 \""));
  CHECK(ids.problem("\"12x-a\""));
  CHECK(ids.problem("\"123-a!\""));
  CHECK(fault(R"x({"properties":{"a":{"pattern":"(?=x)"}}})x")
            .starts_with("the schema at \"/properties/a\", pattern: "));
}

TEST_CASE("references that lead nowhere, or round in a circle, are refused with their place") {
  CHECK(fault(R"({"$ref":"#"})") == "the schema at \"\" leads to itself without going on in the value");
  CHECK(fault(R"({"items":{"$ref":"https://example.org/s.json"}})") ==
        "the schema at \"/items\", $ref: nothing inside the schema is at \"https://example.org/s.json\", and "
        "nothing is fetched from elsewhere");
  CHECK(fault(R"({"items":{"$ref":"#/definitions/gone"}})") != "");
  CHECK(JsonSchema::parse(R"({"properties":{"next":{"$ref":"#"}}})").has_value());
}

TEST_CASE("a keyword that would be passed over is refused with its place") {
  CHECK(fault(R"({"properties":{"a":{"type":"string","nullable":true}}})") ==
        "the schema at \"/properties/a\", nullable: it says nothing in draft 2020-12");
  CHECK(fault(R"({"dependencies":{"a":["b"]}})") != "");
  CHECK(fault(R"({"minimum":0,"exclusiveMinimum":true})") != "");
  CHECK(fault(R"({"items":[{"type":"string"}]})") != "");
}

TEST_CASE("what is no schema is refused") {
  CHECK(fault("[]") == "the schema is no JSON object");
  CHECK(fault("{") == "the schema is no JSON object");
  CHECK(fault(std::string(100'000, '[')) == "the schema is no JSON object");
  CHECK(fault(R"({"type":"text"})").starts_with("the schema at \"\", type: unknown type"));
}
