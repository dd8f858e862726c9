#include "app/time_text.h"

#include <catch2/catch.hpp>

namespace colloquium::app {
namespace {

TEST_CASE("RFC 3339 times and dates are read") {
  CHECK(parse_time_ms("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_time_ms("1970-01-01") == 0);
  CHECK(parse_time_ms("2000-02-29T12:30:45Z") == 951'827'445'000);
  CHECK(parse_time_ms("2026-03-01T00:00:00.125Z") == 1'772'323'200'125);
  CHECK(parse_time_ms("2026-03-01t02:00:00+02:00") == 1'772'323'200'000);
  CHECK(parse_time_ms("2026-02-28 22:30:00-01:30") == 1'772'323'200'000);
  CHECK(parse_time_ms("2026-03-01T02:00+02:00") == 1'772'323'200'000);
  CHECK(parse_time_ms("1969-12-31T23:59:59.9Z") == -100);
  CHECK(parse_time_ms("1985-04-12T23:20:50.52Z") == 482'196'050'520);
  CHECK(parse_time_ms("1990-12-31T23:59:60Z") == 662'688'000'000);  // a leap second is the next second
  CHECK(parse_time_ms("2026-03-01T00:00:00.1239999Z") == 1'772'323'200'123);
}

TEST_CASE("anything else is not") {
  for (const char* text : {"", "yesterday", "2026", "2026-3-1", "2026-13-01", "2026-02-29", "2100-02-29",
                           "2026-03-01T", "2026-03-01T12Z", "2026-03-01T12:Z", "2026-03-01T12:00", "2026-03-01T12:00:00", "2026-03-01T24:00:00Z",
                           "2026-03-01T12:60:00Z", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00+2",
                           "2026-03-01T12:00:00+02:60", "2026-03-01T12:00:00Zx", " 2026-03-01", "+026-03-01"}) {
    INFO(text);
    CHECK_FALSE(parse_time_ms(text).has_value());
  }
}

}  // namespace
TEST_CASE("a time is written as it is read") {
  CHECK(format_time_ms(0) == "1970-01-01T00:00:00.000Z");
  CHECK(format_time_ms(1'772'366'400'007) == "2026-03-01T12:00:00.007Z");
  for (const int64_t time_ms : {int64_t{1}, int64_t{951'782'399'999}, int64_t{4'102'444'800'123}}) {
    CHECK(parse_time_ms(format_time_ms(time_ms)) == time_ms);
  }
}

}  // namespace colloquium::app
