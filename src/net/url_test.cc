#include "net/url.h"

#include <catch2/catch.hpp>

namespace colloquium::net {
namespace {

std::string resolved(const std::string& base, const std::string& reference) {
  const auto url = resolve_url(base, reference);
  return url ? *url : "! " + url.error().message;
}

TEST_CASE("references are taken as seen from where they stand") {
  CHECK(resolved("http://h:8/a/b?x=1", "c?y=2") == "http://h:8/a/c?y=2");
  CHECK(resolved("http://h:8/a/b?x=1", "/c") == "http://h:8/c");
  CHECK(resolved("http://h:8/a/b?x=1", "?page=2") == "http://h:8/a/b?page=2");
  CHECK(resolved("http://h/a", "https://other/c") == "https://other/c");
  CHECK(resolved("http://h/a", "//other/c") == "http://other/c");
}

TEST_CASE("what leads nowhere is said, without the base's password") {
  CHECK_THAT(resolved("http://u:secret@h/a", "ftp://h/a"),
             Catch::StartsWith("! 'ftp://h/a' leads nowhere from http://h/a"));
  CHECK_THAT(resolved("http://h/a", ""), Catch::StartsWith("! "));
  CHECK_THAT(resolved("http://h/a", "http://"), Catch::StartsWith("! "));
  CHECK_THAT(resolved("nonsense://", "b"), Catch::StartsWith("! "));
}

TEST_CASE("a server is scheme, host and port") {
  CHECK(same_server("http://h/a", "http://H:80/b?c"));
  CHECK(same_server("https://u:p@h/a", "https://h:443/"));
  CHECK_FALSE(same_server("http://h/", "https://h/"));
  CHECK_FALSE(same_server("http://h/", "http://h:8080/"));
  CHECK_FALSE(same_server("http://h/", "http://h.evil/"));
  CHECK_FALSE(same_server("http://h/", "http://h@evil/"));
  CHECK_FALSE(same_server("http://h/", "://"));
}

TEST_CASE("a link is found by its relation") {
  CHECK(link_target(R"(<https://api/x?page=2>; rel="next", <https://api/x?page=9>; rel="last")", "next") ==
        "https://api/x?page=2");
  CHECK(link_target(R"(<a>; rel="last", <b,c>; title="x, rel=\"next\""; REL=next)", "next") == "b,c");
  CHECK(link_target(R"(<a>;rel="prev next")", "next") == "a");
  CHECK(link_target(R"(<a>; rel=prev; rel=next)", "next").empty());
  for (const char* none : {"", "<", "<a", "a; rel=next", "<a>", "<a>; rel", "<a>; rel=\"", "<a>; rel=\"next\\"}) {
    INFO(none);
    CHECK(link_target(none, "next").empty());
  }
}

}  // namespace
}  // namespace colloquium::net
