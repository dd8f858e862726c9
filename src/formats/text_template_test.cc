#include "formats/text_template.h"

#include <catch2/catch.hpp>

namespace colloquium::formats {
namespace {

std::shared_ptr<const Batch> event(const std::string& json) {
  BatchBuilder builder;
  builder.add(json, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

Status in_brackets(std::string_view text, size_t field, std::string& out) {
  if (text.empty()) return fail(ErrorCode::kInvalidInput, "empty");
  out += std::to_string(field) + "[" + std::string(text) + "]";
  return {};
}

std::string rendered(const std::string& text, const std::string& json, TextTemplate::Escape escape = nullptr) {
  const auto parsed = TextTemplate::parse(text, "url", {nullptr, 1, 1});
  if (!parsed) return "! " + parsed.error().message;
  const auto renderer = TextTemplate::Renderer::create(*parsed, nullptr, escape);
  if (!renderer) return "! " + renderer.error().message;
  const auto batch = event(json);
  const auto first = (*renderer)->render(*batch, 0);
  if (!first) return "! " + first.error().message;
  const std::string copy(*first);
  // The same again: nothing of the first is left.
  const auto second = (*renderer)->render(*batch, 0);
  return second && *second == copy ? copy : "! differs the second time";
}

TEST_CASE("fields are replaced by what they give, in whatever order they stand") {
  CHECK(rendered("plain", "{}") == "plain");
  CHECK(rendered("", "{}").empty());
  CHECK(rendered("{$input/a}", R"({"a":"x"})") == "x");
  CHECK(rendered("a{$input/n}b{$input/b}c", R"({"n":1.5,"b":true})") == "a1.5btruec");
  CHECK(rendered("{{{$input/a}}}", R"({"a":"x"})") == "{x}");
  CHECK(rendered(R"({strConcat($input/a, "}")}!)", R"({"a":"x"})") == "x}!");
}

TEST_CASE("what a field gives goes through the escape, and that may refuse it") {
  CHECK(rendered("a{$input/a}{$input/b}", R"({"a":"x","b":"y"})", in_brackets) == "a0[x]1[y]");
  CHECK(rendered("{$input/a}", R"({"a":""})", in_brackets) == "! empty");
}

TEST_CASE("an event for which a field has no text has none, and the next one may have") {
  const auto parsed = TextTemplate::parse("{$input/a}", "url", {nullptr, 1, 1});
  REQUIRE(parsed);
  CHECK_FALSE(parsed->is_constant());
  const auto renderer = TextTemplate::Renderer::create(*parsed, nullptr, nullptr);
  REQUIRE(renderer);
  const auto none = (*renderer)->render(*event(R"({"a":{}})"), 0);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::kInvalidInput);
  CHECK((*renderer)->render(*event(R"({"a":"z"})"), 0).value() == "z");
}

TEST_CASE("a brace that belongs to no field is refused with the name of the setting") {
  for (const std::string text : {"{", "a}", "{}", "{$input", "{\"}"}) {
    INFO(text);
    CHECK_THAT(rendered(text, "{}"), Catch::StartsWith("! url has a '"));
  }
}

TEST_CASE("expressions are checked where the template stands") {
  const auto parsed = TextTemplate::parse("{$nowhere/a}", "url", {nullptr, 7, 3});
  REQUIRE(parsed);
  ConfigProblems problems;
  parsed->check({}, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].mark.line == 7);
}

}  // namespace
}  // namespace colloquium::formats
