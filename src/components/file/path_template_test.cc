#include "components/file/path_template.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::components {
namespace {

constexpr int64_t kTime = 1'783'987'629'000;  // 2026-07-14T00:07:09Z

std::shared_ptr<const Batch> event(const std::string& json, int64_t timestamp_ms = kTime) {
  BatchBuilder builder;
  builder.add(json, {}, {.key = {}, .headers = {}, .timestamp_ms = timestamp_ms});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

std::string rendered(const std::string& path, const std::string& json = "{}", int64_t timestamp_ms = kTime) {
  const auto parsed = PathTemplate::parse(path, {nullptr, 1, 1});
  if (!parsed) return "! " + parsed.error().message;
  const auto renderer = PathTemplate::Renderer::create(*parsed, nullptr);
  if (!renderer) return "! " + renderer.error().message;
  const auto name = (*renderer)->render(*event(json, timestamp_ms), 0);
  return name ? std::string(*name) : "! " + name.error().message;
}

}  // namespace

TEST_CASE("time fields come from the event's own time, in UTC", "[REQ-018]") {
  CHECK(rendered("out/%Y/%m/%d-%H%M%S.%j") == "out/2026/07/14-000709.195");
  CHECK(rendered("%Y%m%d", "{}", -1) == "19691231");
  CHECK(rendered("100%%") == "100%");
}

TEST_CASE("expressions give names", "[REQ-018]") {
  CHECK(rendered("out/{$input/customer}/x", R"({"customer":"acme"})") == "out/acme/x");
  CHECK(rendered("{$input/n}-{$input/b}", R"({"n":1.5,"b":true})") == "1.5-true");
  CHECK(rendered("{{a}}-{strConcat($input/x, \"}\")}", R"({"x":"b"})") == "{a}-b%7D");
}

TEST_CASE("what an expression gives can't leave its folder, make one, or hide a file", "[REQ-018]") {
  const auto name = [](const std::string& json) { return rendered("out/{$input}/x", json); };
  CHECK(name(R"("..")") == "out/%2E./x");
  CHECK(name(R"(".")") == "out/%2E/x");
  CHECK(name(R"("../../etc/passwd")") == "out/%2E.%2F..%2Fetc%2Fpasswd/x");
  CHECK(name(R"("/etc")") == "out/%2Fetc/x");
  CHECK(name(R"("a\u0000b\n c")") == "out/a%00b%0A%20c/x");
  CHECK(name(R"("100%")") == "out/100%25/x");
  CHECK(name(R"("Zo\u00eb")") == "out/Zo\xc3\xab/x");
  CHECK_THAT(name(R"("")"), Catch::StartsWith("! an expression in path gave an empty text"));
  CHECK_THAT(name("\"" + std::string(300, 'a') + "\""), Catch::Contains("too long"));
  CHECK_THAT(name("null"), Catch::Contains("a string, a number or a boolean"));
  CHECK_THAT(name("{}"), Catch::Contains("a string, a number or a boolean"));
}

TEST_CASE("no event's path ends as that of a file that is not finished", "[REQ-018]") {
  CHECK(rendered("out/{$input}", R"("a.part")") == "out/a%2Epart");
  CHECK(rendered("out/{$input}", R"("a.2.part")") == "out/a.2%2Epart");
  CHECK(rendered("out/{$input}", R"("a%2Epart")") == "out/a%252Epart");
  CHECK(rendered("out/a.{$input}t", R"("par")") == "out/a%2Epart");
  CHECK(rendered("out/{$input}", R"("a.part.gz")") == "out/a.part.gz");
  CHECK(rendered("out/{$input}/x", R"("a.part")") == "out/a.part/x");
}

TEST_CASE("different texts never give one name") {
  CHECK(escaped_name("%2E") != escaped_name("."));
  CHECK(escaped_name("a/b") != escaped_name("a%2Fb"));
}

TEST_CASE("a template that is none is refused") {
  CHECK_THAT(rendered("a%Q"), Catch::Contains("field '%Q'") && Catch::Contains("%Y %m %d"));
  CHECK_THAT(rendered("a%"), Catch::Contains("field '%'"));
  CHECK_THAT(rendered("a{$input/x"), Catch::Contains("without expression or '}'"));
  CHECK_THAT(rendered("a{}"), Catch::Contains("without expression or '}'"));
  CHECK_THAT(rendered("a}"), Catch::Contains("closes nothing"));
  CHECK(PathTemplate::parse("a/b%%{{", {nullptr, 1, 1})->is_constant());
  CHECK_FALSE(PathTemplate::parse("a/%d", {nullptr, 1, 1})->is_constant());
}

}  // namespace colloquium::components
