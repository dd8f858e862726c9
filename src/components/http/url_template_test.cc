#include "components/http/url_template.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> event(const std::string& json) {
  BatchBuilder builder;
  builder.add(json, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

std::string rendered(const std::string& url, const std::string& json = "{}") {
  const auto parsed = UrlTemplate::parse(url, {nullptr, 1, 1});
  if (!parsed) return "! " + parsed.error().message;
  const auto renderer = UrlTemplate::Renderer::create(*parsed, nullptr);
  if (!renderer) return "! " + renderer.error().message;
  const auto text = (*renderer)->render(*event(json), 0);
  return text ? std::string(*text) : "! " + text.error().message;
}

TEST_CASE("a URL without fields stays as it is", "[REQ-016]") {
  for (const char* url : {"http://h", "https://u:p@h:1/a/./b/../c?x=%20#f", "https://h/%7B"}) {
    CHECK(rendered(url) == url);
  }
  CHECK(rendered("http://h/{{a}}") == "http://h/{a}");
}

TEST_CASE("fields stand in path and query", "[REQ-016]") {
  CHECK(rendered("http://h/a/{$input/c}/b?x={$input/n}&y={$input/c}", R"({"c":"acme","n":1})") ==
        "http://h/a/acme/b?x=1&y=acme");
  CHECK(rendered("http://h/v{$input}.json", "2") == "http://h/v2.json");
}

TEST_CASE("what a field gives can change neither host, path, query nor fragment", "[REQ-016]") {
  const auto in_path = [](const std::string& json) { return rendered("http://h/a/{$input}/b?x=1", json); };
  CHECK(in_path(R"("../../admin")") == "http://h/a/..%2F..%2Fadmin/b?x=1");
  CHECK(in_path(R"("x?y=1#z")") == "http://h/a/x%3Fy%3D1%23z/b?x=1");
  CHECK(in_path(R"("x&y;z")") == "http://h/a/x%26y%3Bz/b?x=1");
  CHECK(in_path(R"("@evil.example:80\\")") == "http://h/a/%40evil.example%3A80%5C/b?x=1");
  CHECK(in_path(R"("a\r\nHost: evil\u0000")") == "http://h/a/a%0D%0AHost%3A%20evil%00/b?x=1");
  CHECK(in_path(R"("%2e%2e")") == "http://h/a/%252e%252e/b?x=1");
  CHECK(in_path(R"("Zo\u00eb")") == "http://h/a/Zo%C3%AB/b?x=1");
  CHECK(rendered("http://h/?x={$input}&y=1", R"("1&x=2")") == "http://h/?x=1%26x%3D2&y=1");
}

TEST_CASE("a field that would empty a segment, or make it dots, gives no URL", "[REQ-016]") {
  const auto in_path = [](const std::string& json) { return rendered("http://h/a/{$input}/b", json); };
  CHECK_THAT(in_path(R"("")"), Catch::StartsWith("! a field in the path of url gave an empty text"));
  CHECK_THAT(in_path(R"("..")"), Catch::StartsWith("! a field in the path of url made a segment '..'"));
  CHECK_THAT(in_path(R"(".")"), Catch::Contains("segment '.'"));
  CHECK_THAT(rendered("http://h/a/.{$input}?x=/../y", R"(".")"), Catch::Contains("segment '..'"));
  CHECK(in_path(R"("...")") == "http://h/a/.../b");
  CHECK(rendered("http://h/a?x={$input}", R"("")") == "http://h/a?x=");
  CHECK(rendered("http://h/a?x={$input}", R"("..")") == "http://h/a?x=..");
  CHECK_THAT(in_path("null"), Catch::Contains("a string, a number or a boolean"));
  CHECK_THAT(in_path("\"" + std::string(9000, 'a') + "\""), Catch::Contains("more than 8192 bytes"));
}

TEST_CASE("a URL whose host or scheme depends on events is refused, and what is none", "[REQ-016]") {
  CHECK_THAT(rendered("{$input/url}"), Catch::StartsWith("! url is a whole address"));
  CHECK_THAT(rendered("http://{$input/host}/a"), Catch::StartsWith("! url is a whole address"));
  CHECK_THAT(rendered("http://h{$input/host}/a"), Catch::StartsWith("! url has a field in its host or port"));
  CHECK_THAT(rendered("http://h:{$input/port}/a"), Catch::StartsWith("! url has a field in its host or port"));
  CHECK_THAT(rendered("ftp://h/a"), Catch::StartsWith("! url is a whole address"));
  CHECK_THAT(rendered("http://h/a b"), Catch::StartsWith("! url is a whole address"));
  CHECK_THAT(rendered("http://h/{$input/a}\x7f"), Catch::StartsWith("! url is a whole address"));
  CHECK_THAT(rendered(""), Catch::StartsWith("! url is a whole address"));
  CHECK_THAT(rendered("http://h/{"), Catch::StartsWith("! url has a '{'"));
}

TEST_CASE("percent-encoding leaves letters, digits and four marks") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded(" /?#%+\"") == "%20%2F%3F%23%25%2B%22");
}

}  // namespace
}  // namespace colloquium::components
