#include "components/http/poll_cursor.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

TEST_CASE("a poll's cursor comes back from its text") {
  const PollCursor cursor{
      .position = 1234567890123, .url = digest_of("http://h"), .etag = "W/\"a b\"", .last_modified = "x"};
  const auto again = poll_cursor_of(to_text(cursor));
  REQUIRE(again);
  CHECK(again->position == cursor.position);
  CHECK(again->url == cursor.url);
  CHECK(again->etag == cursor.etag);
  CHECK(again->last_modified == cursor.last_modified);
  CHECK(digest_of("http://h") != digest_of("http://i"));
}

TEST_CASE("validators that are no text, or endless, are left out, and do no harm") {
  PollCursor cursor{.position = 5, .url = "u", .etag = std::string(5000, 'e'), .last_modified = "\xff\xfe"};
  const auto again = poll_cursor_of(to_text(cursor));
  REQUIRE(again);
  CHECK(again->position == 5);
  CHECK(again->etag.empty());
  CHECK(to_text(cursor).size() < 200);
}

TEST_CASE("what is no cursor of a poll is told as such") {
  for (const char* none : {"x", "{}", "[]", R"({"position":-1})", R"({"position":"1"})", "generate 1 2 3"}) {
    const auto cursor = poll_cursor_of(none);
    REQUIRE_FALSE(cursor);
    CHECK(cursor.error().code == ErrorCode::kCorrupt);
    CHECK_THAT(cursor.error().message, Catch::Contains("another name"));
  }
}

}  // namespace
}  // namespace colloquium::components
