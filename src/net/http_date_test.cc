#include "net/http_date.h"

#include <catch2/catch.hpp>

namespace colloquium::net {
namespace {

TEST_CASE("dates are written as HTTP wants them, leap days and far years included") {
  CHECK(format_http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(format_http_date(784111777000) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_http_date(951782399999) == "Mon, 28 Feb 2000 23:59:59 GMT");
  CHECK(format_http_date(951782400000) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(format_http_date(4107542400000) == "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK(format_http_date(-5) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("every date that is written can be read again") {
  for (int64_t seconds = 0; seconds < 5'000'000'000; seconds += 86400 * 13 + 4321) {
    REQUIRE(parse_http_date(format_http_date(seconds * 1000)) == seconds * 1000);
  }
}

TEST_CASE("what is no date is not read as one") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777000);
  for (const char* text :
       {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT"}) {
    INFO(text);
    CHECK_FALSE(parse_http_date(text));
  }
}

TEST_CASE("the basic format of ISO 8601 is written and read, and nothing like it") {
  CHECK(format_basic_date(1440938160999) == "20150830T123600Z");
  CHECK(format_basic_date(-5) == "19700101T000000Z");
  for (int64_t seconds = 0; seconds < 5'000'000'000; seconds += 86400 * 17 + 4321) {
    REQUIRE(parse_basic_date(format_basic_date(seconds * 1000)) == seconds * 1000);
  }
  for (const char* text : {"", "20150830", "20150830T123600", "2015-08-30T12:36:00Z", "20151330T123600Z",
                           "20150800T123600Z", "20150830T243600Z", "20150830 123600Z", "2015083-T123600Z"}) {
    INFO(text);
    CHECK_FALSE(parse_basic_date(text));
  }
}

TEST_CASE("Retry-After is seconds or a date, and never more than a day") {
  const int64_t now = 784111777000;
  CHECK(parse_retry_after_ms("0", now) == 0);
  CHECK(parse_retry_after_ms("120", now) == 120'000);
  CHECK(parse_retry_after_ms("999999999999", now) == 86'400'000);
  CHECK(parse_retry_after_ms("Sun, 06 Nov 1994 08:50:37 GMT", now) == 60'000);
  CHECK(parse_retry_after_ms("Sun, 06 Nov 1994 08:40:37 GMT", now) == 0);
  CHECK(parse_retry_after_ms("Sun, 06 Nov 2094 08:49:37 GMT", now) == 86'400'000);
  for (const char* text : {"", "-1", "1.5", "soon", "1 ", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_retry_after_ms(text, now));
  }
}

}  // namespace
}  // namespace colloquium::net
